//! Skinning on the CPU.

use glam::{Affine3A, Mat4, Vec3, Vec3A};

use super::{HeadMesh, MeshPart};
use crate::{BoneOffset, Result, Rig, RigError};

/// Which joint each bone of a rig moves.
#[derive(Clone, Debug)]
pub struct RigBinding {
    /// Per bone of the rig, its joint.
    joint_of_bone: Vec<usize>,
    /// Per joint, its bone.
    bone_of_joint: Vec<Option<usize>>,
    /// The joints, parents first.
    order: Vec<usize>,
}

impl RigBinding {
    pub(super) fn new(mesh: &HeadMesh, rig: &Rig) -> Result<Self> {
        let mut bone_of_joint = vec![None; mesh.joints.len()];
        let mut joint_of_bone = Vec::with_capacity(rig.bones.len());
        for (index, bone) in rig.bones.iter().enumerate() {
            let joint = mesh.joint_index(&bone.joint).ok_or_else(|| RigError::MissingJoint {
                field: format!("bones[{index}] ({})", bone.name),
                joint: bone.joint.clone(),
            })?;
            bone_of_joint[joint] = Some(index);
            joint_of_bone.push(joint);
        }
        Ok(Self { joint_of_bone, bone_of_joint, order: mesh.joint_order()? })
    }

    /// The joint of a bone, as places in [`HeadMesh::joints`] and the rig's bones.
    pub fn joint_of_bone(&self, bone: usize) -> Option<usize> {
        self.joint_of_bone.get(bone).copied()
    }

    /// The bone that moves a joint.
    pub fn bone_of_joint(&self, joint: usize) -> Option<usize> {
        self.bone_of_joint.get(joint).copied().flatten()
    }

    /// The global matrix of each joint. Bones without an offset rest.
    pub fn global_matrices(&self, mesh: &HeadMesh, offsets: &[BoneOffset]) -> Vec<Mat4> {
        let mut globals = vec![Mat4::IDENTITY; mesh.joints.len()];
        for joint in &self.order {
            let Some(description) = mesh.joints.get(*joint) else { continue };
            let mut local = description.rest;
            if let Some(offset) = self.bone_of_joint(*joint).and_then(|bone| offsets.get(bone)) {
                local.translation += offset.translation;
                local.rotation *= offset.rotation;
                local.scale *= offset.scale;
            }
            let parent = description.parent.map_or(Mat4::IDENTITY, |parent| globals[parent]);
            globals[*joint] = parent * local.matrix();
        }
        globals
    }

    /// The skinning matrix of each joint: global * inverse bind. Bones without an offset rest.
    pub fn joint_matrices(&self, mesh: &HeadMesh, offsets: &[BoneOffset]) -> Vec<Mat4> {
        let mut matrices = self.global_matrices(mesh, offsets);
        for (matrix, joint) in matrices.iter_mut().zip(&mesh.joints) {
            *matrix *= joint.inverse_bind;
        }
        matrices
    }
}

pub(super) fn skin(part: &MeshPart, joint_matrices: &[Mat4], expression: &[f32], out: &mut Vec<Vec3>) {
    out.clear();
    out.extend_from_slice(&part.positions);
    for (deltas, amount) in part.morphs.iter().zip(expression) {
        if *amount != 0.0 {
            for (vertex, delta) in deltas {
                if let Some(position) = out.get_mut(*vertex as usize) {
                    *position += *delta * *amount;
                }
            }
        }
    }
    let affine: Vec<Affine3A> = joint_matrices.iter().map(|matrix| Affine3A::from_mat4(*matrix)).collect();
    for ((position, joints), weights) in out.iter_mut().zip(&part.joints).zip(&part.weights) {
        let point = Vec3A::from(*position);
        let mut sum = Vec3A::ZERO;
        for (joint, weight) in joints.iter().zip(weights) {
            if *weight != 0.0
                && let Some(matrix) = affine.get(usize::from(*joint))
            {
                sum += matrix.transform_point3a(point) * *weight;
            }
        }
        *position = sum.into();
    }
}
