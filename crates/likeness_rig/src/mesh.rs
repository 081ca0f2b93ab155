//! The head's geometry: joints, parts, morph targets, and skinning on the CPU.

pub(crate) mod accessor;
mod glb;
mod skin;

use std::path::Path;

use glam::{Mat4, Quat, Vec2, Vec3};

use crate::error::read_limited;
use crate::{Result, Rig, RigError};

pub use skin::RigBinding;

/// The largest mesh file that is read.
const MAX_BYTES: u64 = 256 << 20;

/// A joint's local transform when nothing moves it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestTransform {
    /// Place relative to the parent, metres.
    pub translation: Vec3,
    /// Turn relative to the parent.
    pub rotation: Quat,
    /// Scale.
    pub scale: Vec3,
}

impl RestTransform {
    /// The transform as a matrix.
    pub fn matrix(&self) -> Mat4 {
        Mat4::from_scale_rotation_translation(self.scale, self.rotation, self.translation)
    }
}

/// A joint of the skeleton.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// The name; empty where the file gives none.
    pub name: String,
    /// The place of the parent among the joints; none for a root.
    pub parent: Option<usize>,
    /// The local transform at rest.
    pub rest: RestTransform,
    /// From the mesh's space into the joint's at rest.
    pub inverse_bind: Mat4,
}

/// A mesh of the head: skin, eyes, lashes, ...
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeshPart {
    /// The node's name.
    pub name: String,
    /// Vertex positions, metres.
    pub positions: Vec<Vec3>,
    /// Unit normals.
    pub normals: Vec<Vec3>,
    /// Texture coordinates, (0, 0) = top left.
    pub uvs: Vec<Vec2>,
    /// Four joints per vertex, places in [`HeadMesh::joints`].
    pub joints: Vec<[u16; 4]>,
    /// Their weights, which sum to one.
    pub weights: Vec<[f32; 4]>,
    /// Vertex indices, counter-clockwise seen from outside.
    pub triangles: Vec<[u32; 3]>,
    /// Per morph target, in the order of [`HeadMesh::morph_names`], the vertices that it moves and how far (metres).
    pub morphs: Vec<Vec<(u32, Vec3)>>,
}

/// A head: a skeleton and the parts that hang on it.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadMesh {
    /// The joints of the skin, with the nodes above them at the end.
    pub joints: Vec<Joint>,
    /// The names of the morph targets, the same for every part.
    pub morph_names: Vec<String>,
    /// The parts in the order of the file.
    pub parts: Vec<MeshPart>,
}

impl HeadMesh {
    /// Reads a binary glTF file with everything inside; `source` names it in messages. Only skinned meshes are taken.
    /// All primitives of a node become one part.
    ///
    /// # Errors
    /// [`RigError::Syntax`] for bytes that are no binary glTF, [`RigError::Mesh`] with the part and the attribute for
    /// everything that a head cannot do without.
    pub fn from_glb(bytes: &[u8], source: &str) -> Result<Self> {
        glb::read(bytes, source)
    }

    /// Reads a mesh file.
    ///
    /// # Errors
    /// [`RigError::Io`], [`RigError::TooLarge`] and the errors of [`HeadMesh::from_glb`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_glb(&read_limited(path, MAX_BYTES)?, &path.display().to_string())
    }

    /// The part of that name.
    pub fn part(&self, name: &str) -> Option<&MeshPart> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// The place of the joint of that name.
    pub fn joint_index(&self, name: &str) -> Option<usize> {
        self.joints.iter().position(|joint| joint.name == name)
    }

    /// Finds the joints of the rig's bones.
    ///
    /// # Errors
    /// [`RigError::MissingJoint`] with the bone and the joint, [`RigError::Mesh`] when the joints are no tree.
    pub fn bind(&self, rig: &Rig) -> Result<RigBinding> {
        RigBinding::new(self, rig)
    }

    /// Places the vertices of a part: `out[v] = sum of weight * matrix * (position + morphs)`. `joint_matrices` are those
    /// of [`RigBinding::joint_matrices`]; `expression` has one coefficient per morph target, missing ones are zero.
    /// Allocates only while `out` is too small.
    pub fn skin(&self, part: &MeshPart, joint_matrices: &[Mat4], expression: &[f32], out: &mut Vec<Vec3>) {
        skin::skin(part, joint_matrices, expression, out);
    }

    /// Refuses meshes whose joints are no tree.
    pub(crate) fn joint_order(&self) -> Result<Vec<usize>> {
        let mut order = Vec::with_capacity(self.joints.len());
        let mut children = vec![Vec::new(); self.joints.len()];
        for (index, joint) in self.joints.iter().enumerate() {
            match joint.parent {
                None => order.push(index),
                Some(parent) if parent < children.len() => children[parent].push(index),
                Some(_) => {}
            }
        }
        let mut next = 0;
        while let Some(joint) = order.get(next) {
            order.extend_from_slice(&children[*joint]);
            next += 1;
        }
        if order.len() == self.joints.len() {
            return Ok(order);
        }
        Err(RigError::Mesh {
            file: "mesh".into(),
            field: "joints".into(),
            problem: "their parents go in a circle".into(),
        })
    }
}
