//! Where the joints of a head rest: in its mesh file, and with moves that are not saved yet.

use bevy::prelude::*;
use likeness_rig::{BoneOffset, Joint, RestTransform};

use crate::document::RestMoves;

/// The joints as the mesh file has them.
#[derive(Debug)]
pub(crate) struct Skeleton {
    joints: Vec<Joint>,
}

/// A joint whose rest place moved, as it is shown with the bind pose that its meshes still have: a bind pose goes with a
/// place, so that the joint makes up for the difference itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    rest: RestTransform,
    /// The move in the space of the parent, metres.
    in_parent: Vec3,
    /// The move in the joint's own space: where the bone is, seen from the joint that shows it.
    pub(crate) in_joint: Vec3,
}

impl Skeleton {
    pub(crate) fn new(joints: Vec<Joint>) -> Self {
        Self { joints }
    }

    /// How a joint is turned at rest, relative to its parent.
    pub(crate) fn rest_rotation(&self, joint: &str) -> Quat {
        self.index(joint).map_or(Quat::IDENTITY, |joint| self.joints[joint].rest.rotation)
    }

    /// A move in the space of a joint's parent, as one in the mesh's space at rest.
    pub(crate) fn to_mesh(&self, joint: &str, by: Vec3) -> Vec3 {
        self.index(joint).map_or(by, |joint| self.above(joint).transform_vector3(by))
    }

    /// What a move of a joint's rest place (the mesh's space) does to the joint; `None` when the mesh lacks it.
    pub(crate) fn shift(&self, joint: &str, by: Vec3) -> Option<Shift> {
        let joint = self.index(joint)?;
        let rest = self.joints[joint].rest;
        let in_parent = self.above(joint).inverse().transform_vector3(by);
        Some(Shift { rest, in_parent, in_joint: rest.matrix().inverse().transform_vector3(in_parent) })
    }

    /// The joints with moved rest places; all others stay where they are.
    pub(crate) fn moved(&self, moves: &RestMoves) -> Vec<Joint> {
        let old: Vec<Mat4> = (0..self.joints.len()).map(|joint| self.global(joint)).collect();
        let by: Vec<Vec3> = self.joints.iter().map(|joint| moves.of(&joint.name)).collect();
        let new: Vec<Mat4> = old.iter().zip(&by).map(|(old, by)| Mat4::from_translation(*by) * *old).collect();
        let mut joints = self.joints.clone();
        for (index, joint) in joints.iter_mut().enumerate() {
            let above_moved = joint.parent.is_some_and(|parent| by[parent] != Vec3::ZERO);
            if by[index] == Vec3::ZERO && !above_moved {
                continue;
            }
            let above = joint.parent.map_or(Mat4::IDENTITY, |parent| new[parent]);
            let (scale, rotation, translation) = (above.inverse() * new[index]).to_scale_rotation_translation();
            joint.rest = RestTransform { translation, rotation, scale };
            joint.inverse_bind = new[index].inverse() * old[index] * joint.inverse_bind;
        }
        joints
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.joints.iter().position(|joint| joint.name == name)
    }

    /// Where what is above a joint rests.
    fn above(&self, joint: usize) -> Mat4 {
        self.joints[joint].parent.map_or(Mat4::IDENTITY, |parent| self.global(parent))
    }

    /// Where a joint rests in the mesh's space. A file whose joints go in a circle has no more steps than joints.
    fn global(&self, joint: usize) -> Mat4 {
        let mut global = self.joints[joint].rest.matrix();
        let mut above = self.joints[joint].parent;
        for _ in 0..self.joints.len() {
            let Some(parent) = above.and_then(|parent| self.joints.get(parent)) else { break };
            (global, above) = (parent.rest.matrix() * global, parent.parent);
        }
        global
    }
}

impl Shift {
    /// The local place of the joint with the offset of its bone.
    pub(crate) fn translation(&self, offset: &BoneOffset) -> Vec3 {
        let grown = self.rest.scale * offset.scale * self.in_joint;
        let turned = self.rest.rotation * (offset.rotation * grown);
        self.rest.translation + offset.translation + self.in_parent - turned
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::path::Path;

    use likeness_rig::draft::move_rest_places;
    use likeness_rig::{HeadMesh, Rig};

    use super::*;
    use crate::document::RigDocument;

    /// The bundled head with two moved rest places, one of them with a joint below it: from its file, and in memory.
    #[test]
    fn what_is_shown_is_what_a_save_writes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron");
        let mut document = RigDocument::open(&path).unwrap();
        let rig: Rig = document.rig().clone();
        let bone = |name: &str| rig.bones.iter().position(|bone| bone.name == name).unwrap();
        let (eye, tip) = (bone("eye.L"), bone("nose_tip"));
        document.move_rest(eye, Vec3::new(0.001, -0.002, 0.003), None).unwrap();
        document.move_rest(tip, Vec3::new(0.0, 0.002, -0.004), None).unwrap();
        let moves = document.unsaved_rests();

        let bytes = std::fs::read(path.with_file_name(&rig.mesh)).unwrap();
        let before = HeadMesh::from_glb(&bytes, "head.glb").unwrap();
        let list: Vec<(String, Vec3)> = moves.iter().map(|(joint, by)| (joint.to_owned(), by)).collect();
        let written = HeadMesh::from_glb(&move_rest_places(&bytes, &list, "head.glb").unwrap(), "head.glb").unwrap();
        let skeleton = Skeleton::new(before.joints.clone());
        for (own, written) in skeleton.moved(&moves).iter().zip(&written.joints) {
            let name = &own.name;
            assert!(own.rest.matrix().abs_diff_eq(written.rest.matrix(), 1e-6), "{name}");
            assert!(own.inverse_bind.abs_diff_eq(written.inverse_bind, 1e-6), "{name}");
        }

        let mut offsets = vec![BoneOffset::IDENTITY; rig.bones.len()];
        for bone in [eye, tip] {
            offsets[bone] = BoneOffset::from_channels(&[0.001, 0.002, 0.0, 0.2, -0.1, 0.3, 0.2, 0.0, -0.1]);
        }
        let binding = written.bind(&rig).unwrap();
        let expected = binding.joint_matrices(&written, &offsets);
        let globals = binding.global_matrices(&written, &offsets);
        for bone in [eye, tip] {
            let name = &rig.bones[bone].joint;
            let joint = before.joint_index(name).unwrap();
            let shift = skeleton.shift(name, moves.of(name)).unwrap();
            let (rest, offset) = (before.joints[joint].rest, &offsets[bone]);
            let local = Mat4::from_scale_rotation_translation(
                rest.scale * offset.scale,
                rest.rotation * offset.rotation,
                shift.translation(offset),
            );
            let above = before.joints[joint].parent.map_or(Mat4::IDENTITY, |parent| skeleton.global(parent));
            let shown = above * local;
            assert!((shown * before.joints[joint].inverse_bind).abs_diff_eq(expected[joint], 1e-5), "{name}");
            let place = globals[joint].w_axis.truncate();
            assert!(shown.transform_point3(shift.in_joint).abs_diff_eq(place, 1e-5), "{name}");
        }
    }
}
