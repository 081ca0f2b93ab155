//! What has to be spawned for a rig, worked out once from its glTF and shared by its heads.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::animation::AnimationTargetId;
use bevy::asset::AssetPath;
use bevy::gltf::{Gltf, GltfMaterial, GltfMesh, GltfNode, GltfSkin};
use bevy::mesh::skinning::SkinnedMeshInverseBindposes;
use bevy::prelude::*;
use likeness_rig::{ARKIT_NAMES, CompiledRig, arkit_index};

use crate::apply::lanes::LaneRig;
use crate::error::{LikenessProblem, Result, file_name};
use crate::head::Lod;
use crate::rig_asset::RigAsset;

/// The joints that turn the eyes: the person's left, then right.
const GAZE_JOINTS: [&str; 2] = ["gaze.L", "gaze.R"];

/// A joint to spawn.
#[derive(Debug)]
pub(crate) struct PlannedJoint {
    pub(crate) parent: Option<usize>,
    pub(crate) rest: Transform,
    /// Whether it takes part in visibility, so that game code can hang things on it. Shape bones do not: there are many.
    pub(crate) visible: bool,
    /// How animation clips call the joint; `None` for shape bones of a mesh without clips.
    pub(crate) target: Option<AnimationTargetId>,
    /// The bone of the rig that moves the joint.
    pub(crate) bone: Option<usize>,
}

/// A skin: its joints are indices into [`HeadPlan::joints`].
#[derive(Debug)]
pub(crate) struct PlannedSkin {
    pub(crate) inverse_bindposes: Handle<SkinnedMeshInverseBindposes>,
    pub(crate) joints: Vec<usize>,
}

/// How the morph targets of a mesh relate to ARKit's order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MorphOrder {
    /// No morph targets.
    None,
    /// ARKit's 52, in order.
    Arkit,
    /// Per target, the index of the coefficient; `None` for targets of other names.
    Other(Arc<[Option<usize>]>),
}

/// A mesh entity to spawn.
#[derive(Debug)]
pub(crate) struct PlannedPart {
    pub(crate) name: String,
    pub(crate) lod: Lod,
    pub(crate) mesh: Handle<Mesh>,
    pub(crate) material: Option<Handle<GltfMaterial>>,
    pub(crate) skin: Option<usize>,
    /// For a rigid part: the joint it hangs on, and where.
    pub(crate) joint: Option<usize>,
    pub(crate) transform: Transform,
    pub(crate) morphs: MorphOrder,
}

/// A joint that turns an eye.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GazeJoint {
    pub(crate) joint: usize,
    pub(crate) rest: Quat,
    /// The joint's rest rotation relative to the head.
    pub(crate) frame: Quat,
}

/// What has to be spawned for a rig.
#[derive(Debug)]
pub(crate) struct HeadPlan {
    /// The rig's file, for messages.
    pub(crate) file: String,
    pub(crate) parameters: usize,
    pub(crate) compiled: Arc<CompiledRig>,
    pub(crate) lanes: LaneRig,
    pub(crate) names: Arc<[String]>,
    pub(crate) joints: Vec<PlannedJoint>,
    pub(crate) skins: Vec<PlannedSkin>,
    pub(crate) parts: Vec<PlannedPart>,
    /// The rest transforms of the rig's bones, in the rig's order; empty when a joint is missing.
    pub(crate) bone_rests: Vec<Transform>,
    /// The joints of the rig's bones, in the same order.
    pub(crate) bones: Vec<usize>,
    /// The joints that the rig names and the mesh lacks.
    pub(crate) missing: Vec<String>,
    pub(crate) gaze: [Option<GazeJoint>; 2],
}

/// The assets that a glTF is made of.
#[derive(bevy::ecs::system::SystemParam)]
pub(crate) struct GltfAssets<'w> {
    pub(crate) gltfs: Res<'w, Assets<Gltf>>,
    nodes: Res<'w, Assets<GltfNode>>,
    gltf_meshes: Res<'w, Assets<GltfMesh>>,
    skins: Res<'w, Assets<GltfSkin>>,
    pub(crate) meshes: ResMut<'w, Assets<Mesh>>,
}

impl HeadPlan {
    /// Works out the plan. The rig and its glTF must be loaded.
    ///
    /// # Errors
    /// [`LikenessProblem::NoSkin`] when nothing in the glTF is skinned.
    pub(crate) fn new(
        rig: &RigAsset,
        path: Option<AssetPath<'_>>,
        mesh_path: Option<AssetPath<'_>>,
        assets: &GltfAssets,
    ) -> Result<Self> {
        let no_skin = || LikenessProblem::NoSkin { file: file_name(mesh_path.clone()) };
        let gltf = assets.gltfs.get(&rig.mesh).ok_or_else(no_skin)?;
        let tree = NodeTree::new(gltf, assets);
        let in_skeleton = tree.skeleton(assets);
        if !in_skeleton.contains(&true) {
            return Err(no_skin());
        }

        let mut names = Vec::new();
        let mut joints: Vec<PlannedJoint> = Vec::new();
        let mut joint_of_node = vec![None; tree.nodes.len()];
        for &node in &tree.order {
            if in_skeleton[node] {
                joint_of_node[node] = Some(joints.len());
                names.push(tree.nodes[node].name.clone());
                let parent = tree.parents[node].and_then(|parent| joint_of_node[parent]);
                let is_bone = rig.rig().bones.iter().any(|bone| bone.joint == tree.nodes[node].name);
                let visible = !is_bone && parent.is_none_or(|parent: usize| joints[parent].visible);
                let target = (!is_bone || !gltf.animations.is_empty()).then(|| tree.animation_target(node));
                joints.push(PlannedJoint { parent, rest: tree.nodes[node].transform, visible, target, bone: None });
            }
        }

        let mut skins = Vec::new();
        let mut parts = Vec::new();
        for &node in &tree.order {
            let skin = tree.nodes[node].skin.as_ref().and_then(|skin| assets.skins.get(skin)).map(|skin| {
                skins.push(PlannedSkin {
                    inverse_bindposes: skin.inverse_bind_matrices.clone(),
                    joints: skin
                        .joints
                        .iter()
                        .filter_map(|joint| joint_of_node[*tree.index.get(&joint.id())?])
                        .collect(),
                });
                skins.len() - 1
            });
            let first = parts.len();
            tree.plan_parts(node, skin, &joint_of_node, "", assets, &mut parts);
            let mut shown = parts.get(first).and_then(|part| part.joint);
            while let Some(index) = shown.filter(|&index| !joints[index].visible) {
                joints[index].visible = true;
                shown = joints[index].parent;
            }
        }

        let find = |name: &str| names.iter().position(|known: &String| known == name);
        let mut bones = Vec::new();
        let mut missing = Vec::new();
        for bone in &rig.rig().bones {
            match find(&bone.joint) {
                Some(joint) => bones.push(joint),
                None => missing.push(bone.joint.clone()),
            }
        }
        if !missing.is_empty() {
            bones.clear();
        }
        for (bone, &joint) in bones.iter().enumerate() {
            joints[joint].bone = Some(bone);
        }
        let gaze = GAZE_JOINTS.map(|name| {
            let joint = find(name)?;
            let mut frame = Quat::IDENTITY;
            let mut at = Some(joint);
            while let Some(index) = at {
                frame = joints[index].rest.rotation * frame;
                at = joints[index].parent;
            }
            Some(GazeJoint { joint, rest: joints[joint].rest.rotation, frame })
        });
        Ok(Self {
            file: file_name(path),
            parameters: rig.rig().parameters.len(),
            compiled: Arc::clone(rig.compiled()),
            lanes: LaneRig::new(rig.compiled()),
            bone_rests: bones.iter().map(|&joint| joints[joint].rest).collect(),
            names: names.into(),
            joints,
            skins,
            parts,
            bones,
            missing,
            gaze,
        })
    }
}

/// The parts at a level of detail: of each part the coarsest mesh that is not coarser than asked for.
pub(crate) fn parts_at(parts: &[PlannedPart], lod: Lod) -> impl Iterator<Item = &PlannedPart> {
    let best = move |name: &str| {
        let levels = parts.iter().filter(|part| part.name == name).map(|part| part.lod);
        levels.clone().filter(|level| *level <= lod).max().or_else(|| levels.min())
    };
    parts.iter().filter(move |part| best(&part.name) == Some(part.lod))
}

/// What has to be spawned for a choice of an appearance option. Joints are those of the head, found by name.
#[derive(Debug)]
pub(crate) struct OptionPlan {
    pub(crate) skins: Vec<PlannedSkin>,
    pub(crate) parts: Vec<PlannedPart>,
}

impl OptionPlan {
    /// Works out the plan of a glTF that is loaded; `names` are the joints of the head.
    ///
    /// # Errors
    /// [`LikenessProblem::MissingJoints`] when its skin has joints that the head lacks.
    pub(crate) fn new(
        gltf: &Gltf,
        option: &str,
        names: &[String],
        path: Option<AssetPath<'_>>,
        assets: &GltfAssets,
    ) -> Result<Self> {
        let tree = NodeTree::new(gltf, assets);
        let find = |node: &GltfNode| names.iter().position(|name| *name == node.name);
        let joint_of_node: Vec<Option<usize>> = tree.nodes.iter().map(|node| find(node)).collect();
        let mut plan = Self { skins: Vec::new(), parts: Vec::new() };
        let mut missing = Vec::new();
        for &node in &tree.order {
            let skin = tree.nodes[node].skin.as_ref().and_then(|skin| assets.skins.get(skin)).map(|skin| {
                let nodes = skin.joints.iter().filter_map(|joint| tree.index.get(&joint.id()));
                let joints = nodes
                    .map(|&joint| {
                        joint_of_node[joint].unwrap_or_else(|| {
                            missing.push(tree.nodes[joint].name.clone());
                            0
                        })
                    })
                    .collect();
                plan.skins.push(PlannedSkin { inverse_bindposes: skin.inverse_bind_matrices.clone(), joints });
                plan.skins.len() - 1
            });
            tree.plan_parts(node, skin, &joint_of_node, option, assets, &mut plan.parts);
        }
        missing.sort();
        missing.dedup();
        if missing.is_empty() {
            return Ok(plan);
        }
        Err(LikenessProblem::MissingJoints { file: file_name(path), joints: missing })
    }
}

fn morph_order(mesh: &Mesh) -> MorphOrder {
    if !mesh.try_has_morph_targets().unwrap_or(false) {
        return MorphOrder::None;
    }
    match mesh.try_morph_target_names().ok().flatten() {
        Some(names) if names.iter().map(String::as_str).eq(ARKIT_NAMES) => MorphOrder::Arkit,
        Some(names) => MorphOrder::Other(names.iter().map(|name| arkit_index(name)).collect()),
        None => MorphOrder::None,
    }
}

/// The nodes of a glTF with their parents.
struct NodeTree<'a> {
    nodes: Vec<&'a GltfNode>,
    index: HashMap<AssetId<GltfNode>, usize>,
    parents: Vec<Option<usize>>,
    /// Parents before children.
    order: Vec<usize>,
}

impl<'a> NodeTree<'a> {
    fn new(gltf: &Gltf, assets: &'a GltfAssets) -> Self {
        let mut nodes = Vec::new();
        let mut index = HashMap::new();
        for handle in &gltf.nodes {
            if let Some(node) = assets.nodes.get(handle) {
                index.insert(handle.id(), nodes.len());
                nodes.push(node);
            }
        }
        let mut parents = vec![None; nodes.len()];
        for (parent, node) in nodes.iter().enumerate() {
            for child in &node.children {
                if let Some(&child) = index.get(&child.id()) {
                    parents[child] = Some(parent);
                }
            }
        }
        let mut order: Vec<usize> = (0..nodes.len()).filter(|&node| parents[node].is_none()).collect();
        let mut next = 0;
        while next < order.len() {
            let children = nodes[order[next]].children.iter();
            order.extend(children.filter_map(|child| index.get(&child.id())));
            next += 1;
        }
        Self { nodes, index, parents, order }
    }

    /// Which nodes are joints of a skin, or above one.
    fn skeleton(&self, assets: &GltfAssets) -> Vec<bool> {
        let mut in_skeleton = vec![false; self.nodes.len()];
        let skins = self.nodes.iter().filter_map(|node| assets.skins.get(node.skin.as_ref()?));
        for joint in skins.flat_map(|skin| &skin.joints) {
            let mut at = self.index.get(&joint.id()).copied();
            while let Some(node) = at.filter(|&node| !in_skeleton[node]) {
                in_skeleton[node] = true;
                at = self.parents[node];
            }
        }
        in_skeleton
    }

    /// The node's name in animation clips: the names from the root down to it.
    fn animation_target(&self, node: usize) -> AnimationTargetId {
        let mut path = Vec::new();
        let mut at = Some(node);
        while let Some(index) = at {
            path.push(Name::new(self.nodes[index].name.clone()));
            at = self.parents[index];
        }
        path.reverse();
        AnimationTargetId::from_names(path.iter())
    }

    /// The parts of a node's mesh, if it has one; their names begin with that of the option they belong to.
    fn plan_parts(
        &self,
        node: usize,
        skin: Option<usize>,
        joint_of_node: &[Option<usize>],
        option: &str,
        assets: &GltfAssets,
        parts: &mut Vec<PlannedPart>,
    ) {
        let Some(mesh) = self.nodes[node].mesh.as_ref().and_then(|mesh| assets.gltf_meshes.get(mesh)) else {
            return;
        };
        let (joint, transform) = self.attachment(node, joint_of_node);
        let (name, lod) = Lod::split(&self.nodes[node].name);
        let name = if option.is_empty() { name.to_owned() } else { format!("{option}.{name}") };
        for primitive in &mesh.primitives {
            parts.push(PlannedPart {
                name: name.clone(),
                lod,
                mesh: primitive.mesh.clone(),
                material: primitive.material.clone(),
                skin,
                joint: joint.filter(|_| skin.is_none()),
                // A skinned mesh is placed by its joints alone.
                transform: if skin.is_some() { Transform::IDENTITY } else { transform },
                morphs: assets.meshes.get(&primitive.mesh).map_or(MorphOrder::None, morph_order),
            });
        }
    }

    /// The nearest joint above a node, and the node's transform relative to it.
    fn attachment(&self, node: usize, joint_of_node: &[Option<usize>]) -> (Option<usize>, Transform) {
        let mut transform = self.nodes[node].transform;
        let mut at = self.parents[node];
        while let Some(parent) = at {
            if let Some(joint) = joint_of_node[parent] {
                return (Some(joint), transform);
            }
            transform = self.nodes[parent].transform * transform;
            at = self.parents[parent];
        }
        (None, transform)
    }
}
