//! A head from a binary glTF file.

use std::collections::HashMap;

use glam::{Mat4, Quat, Vec2, Vec3};
use gltf::mesh::Mode;
use gltf::{Document, Gltf, Node, Semantic, Skin};
use serde_json::Value;

use super::accessor::{MAX_ELEMENTS, dense, nonzero, whole};
use super::{HeadMesh, Joint, MeshPart, RestTransform};
use crate::{Result, RigError};

/// The length of the header that every binary glTF file begins with.
const HEADER: usize = 12;
/// The joints' places must fit the vertices' 16 bits.
const MAX_JOINTS: usize = 1 << 16;
/// How far two skins may differ in where the same joint was bound.
const BIND_TOLERANCE: f32 = 1e-4;

pub(super) fn read(bytes: &[u8], source: &str) -> Result<HeadMesh> {
    let syntax = |problem: String| RigError::Syntax { file: source.into(), problem };
    let header = bytes.get(..HEADER).filter(|header| header.starts_with(b"glTF"));
    let length = header.and_then(|header| header.last_chunk::<4>()).map(|length| u32::from_le_bytes(*length));
    if length.is_none_or(|length| (length as usize) < HEADER) {
        return Err(syntax("not a binary glTF file".into()));
    }
    let damaged = |error: gltf::Error| syntax(format!("not a whole binary glTF file ({error})"));
    let Gltf { document, blob } = Gltf::from_slice_without_validation(bytes).map_err(damaged)?;
    let json = document.into_json();
    check_positions(&json).map_err(syntax)?;
    let file = Document::from_json(json).map_err(damaged)?;
    let reader = Reader { source, blob: blob.as_deref().unwrap_or_default() };

    let mut skeleton = Skeleton::default();
    let mut names = MorphNames::default();
    let mut parts = Vec::new();
    for node in file.nodes() {
        let (Some(mesh), Some(skin)) = (node.mesh(), node.skin()) else { continue };
        let name = node.name().or(mesh.name()).map_or_else(|| format!("mesh{}", node.index()), str::to_owned);
        let map = skeleton.add(&reader, &skin)?;
        parts.push(reader.part(name, &mesh, &map, &mut names)?);
    }
    if parts.is_empty() {
        return Err(reader.fault("nodes", "none has a mesh with a skin"));
    }
    let joints = skeleton.finish(&reader, &file)?;
    for part in &mut parts {
        part.morphs.resize(names.names.len(), Vec::new());
    }
    let mesh = HeadMesh { joints, morph_names: names.names, parts };
    mesh.joint_order().map_err(|_| reader.fault("joints", "their parents go in a circle"))?;
    Ok(mesh)
}

/// The library's own checks look up the accessor of the positions before they know that it is there.
fn check_positions(json: &gltf::json::Root) -> std::result::Result<(), String> {
    let attributes = json.meshes.iter().flat_map(|mesh| &mesh.primitives).flat_map(|primitive| &primitive.attributes);
    match attributes.map(|(_, accessor)| accessor.value()).find(|accessor| *accessor >= json.accessors.len()) {
        Some(accessor) => Err(format!("a mesh uses the accessor {accessor}, which is not there")),
        None => Ok(()),
    }
}

struct Reader<'a> {
    source: &'a str,
    blob: &'a [u8],
}

impl Reader<'_> {
    fn fault(&self, field: &str, problem: impl Into<String>) -> RigError {
        RigError::Mesh { file: self.source.into(), field: field.into(), problem: problem.into() }
    }

    fn part(&self, name: String, mesh: &gltf::Mesh<'_>, joint_map: &[u16], names: &mut MorphNames) -> Result<MeshPart> {
        let order = names.order(mesh);
        let mut part = MeshPart { name, ..MeshPart::default() };
        for primitive in mesh.primitives() {
            self.primitive(&mut part, &primitive, joint_map, &order, names)?;
        }
        Ok(part)
    }

    fn primitive(
        &self,
        part: &mut MeshPart,
        primitive: &gltf::Primitive<'_>,
        joint_map: &[u16],
        order: &[usize],
        names: &mut MorphNames,
    ) -> Result<()> {
        let at = |what: &str| format!("{}.{what}", part.name);
        if primitive.mode() != Mode::Triangles {
            return Err(self.fault(&at("mode"), "is not triangles"));
        }
        let need = |semantic: Semantic, what: &str| {
            primitive.get(&semantic).ok_or_else(|| self.fault(&at(what), "is missing"))
        };
        let positions = need(Semantic::Positions, "POSITION")?;
        let positions = dense::<3>(&positions, self.blob).map_err(|problem| self.fault(&at("POSITION"), problem))?;
        let count = positions.len();
        let base = part.positions.len();
        if count == 0 || base + count > MAX_ELEMENTS {
            return Err(self.fault(&at("POSITION"), format!("has {count} vertices")));
        }
        let same = |what: &str, found: usize| {
            if found == count {
                return Ok(());
            }
            Err(self.fault(&at(what), format!("has {found} elements for {count} vertices")))
        };
        let normals = match primitive.get(&Semantic::Normals) {
            Some(accessor) => dense::<3>(&accessor, self.blob).map_err(|problem| self.fault(&at("NORMAL"), problem))?,
            None => vec![[0.0, 0.0, 1.0]; count],
        };
        same("NORMAL", normals.len())?;
        let uvs = match primitive.get(&Semantic::TexCoords(0)) {
            Some(accessor) => {
                dense::<2>(&accessor, self.blob).map_err(|problem| self.fault(&at("TEXCOORD_0"), problem))?
            }
            None => vec![[0.0; 2]; count],
        };
        same("TEXCOORD_0", uvs.len())?;
        let joints = need(Semantic::Joints(0), "JOINTS_0")?;
        let joints = whole::<4>(&joints, self.blob).map_err(|problem| self.fault(&at("JOINTS_0"), problem))?;
        same("JOINTS_0", joints.len())?;
        let weights = need(Semantic::Weights(0), "WEIGHTS_0")?;
        let mut weights = dense::<4>(&weights, self.blob).map_err(|problem| self.fault(&at("WEIGHTS_0"), problem))?;
        same("WEIGHTS_0", weights.len())?;
        for weights in &mut weights {
            let sum: f32 = weights.iter().sum();
            if weights.iter().any(|weight| *weight < 0.0) || sum < 1e-6 {
                return Err(self.fault(&at("WEIGHTS_0"), "a vertex has a negative weight, or none above zero"));
            }
            *weights = weights.map(|weight| weight / sum);
        }
        for (row, weights) in joints.iter().zip(&weights) {
            let mut mapped = [0; 4];
            for (place, joint) in row.iter().enumerate() {
                mapped[place] = match joint_map.get(*joint as usize) {
                    Some(joint) => *joint,
                    None if weights[place] == 0.0 => 0,
                    None => return Err(self.fault(&at("JOINTS_0"), format!("the skin has no joint {joint}"))),
                };
            }
            part.joints.push(mapped);
        }

        let indices: Vec<u32> = match primitive.indices() {
            Some(accessor) => {
                let indices =
                    whole::<1>(&accessor, self.blob).map_err(|problem| self.fault(&at("indices"), problem))?;
                indices.into_iter().flatten().collect()
            }
            None => (0..count as u32).collect(),
        };
        if let Some(index) = indices.iter().find(|index| **index as usize >= count) {
            return Err(self.fault(&at("indices"), format!("has the index {index} for {count} vertices")));
        }
        let (triangles, rest) = indices.as_chunks::<3>();
        if !rest.is_empty() {
            return Err(self.fault(&at("indices"), "are not a multiple of three"));
        }

        for (target, accessors) in primitive.morph_targets().enumerate() {
            let field = at(&format!("targets[{target}]"));
            let slot = match order.get(target) {
                Some(slot) => *slot,
                None => names.slot(&format!("target{target}")),
            };
            let Some(accessor) = accessors.positions() else { continue };
            if accessor.count() != count {
                return Err(self.fault(&field, format!("has {} elements for {count} vertices", accessor.count())));
            }
            let deltas = nonzero::<3>(&accessor, self.blob).map_err(|problem| self.fault(&field, problem))?;
            if part.morphs.len() <= slot {
                part.morphs.resize(slot + 1, Vec::new());
            }
            part.morphs[slot].extend(deltas.into_iter().map(|(index, delta)| (base as u32 + index, Vec3::from(delta))));
        }
        part.positions.extend(positions.into_iter().map(Vec3::from));
        part.normals.extend(normals.into_iter().map(Vec3::from));
        part.uvs.extend(uvs.into_iter().map(Vec2::from));
        part.weights.extend(weights);
        part.triangles.extend(triangles.iter().map(|triangle| triangle.map(|index| base as u32 + index)));
        Ok(())
    }
}

/// The names of all morph targets, in the order of the first part that has any.
#[derive(Default)]
struct MorphNames {
    names: Vec<String>,
}

impl MorphNames {
    fn slot(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }

    /// The place of each target of a mesh, by the names in its extras.
    fn order(&mut self, mesh: &gltf::Mesh<'_>) -> Vec<usize> {
        let extras: Option<Value> = mesh.extras().as_ref().and_then(|raw| serde_json::from_str(raw.get()).ok());
        let listed = extras.as_ref().and_then(|extras| extras.get("targetNames")).and_then(Value::as_array);
        let targets = mesh.primitives().map(|primitive| primitive.morph_targets().len()).max().unwrap_or(0);
        let mut order: Vec<usize> = Vec::with_capacity(targets);
        for (index, name) in listed.into_iter().flatten().take(targets).enumerate() {
            let fallback = format!("target{index}");
            order.push(self.slot(name.as_str().unwrap_or(&fallback)));
        }
        order
    }
}

/// The joints of all skins of a file.
#[derive(Default)]
struct Skeleton {
    /// Nodes and where the mesh was bound to them.
    joints: Vec<(usize, Mat4)>,
    place_of_node: HashMap<usize, usize>,
}

impl Skeleton {
    /// Takes a skin's joints in; gives the place of each.
    fn add(&mut self, reader: &Reader<'_>, skin: &Skin<'_>) -> Result<Vec<u16>> {
        let binds: Option<Vec<[f32; 16]>> = match skin.inverse_bind_matrices() {
            Some(accessor) => {
                let found = dense::<16>(&accessor, reader.blob);
                Some(found.map_err(|problem| reader.fault("skin.inverseBindMatrices", problem))?)
            }
            None => None,
        };
        let mut map = Vec::new();
        for (index, node) in skin.joints().enumerate() {
            let bind = match &binds {
                Some(binds) => *binds
                    .get(index)
                    .ok_or_else(|| reader.fault("skin.inverseBindMatrices", "are fewer than the joints"))?,
                None => Mat4::IDENTITY.to_cols_array(),
            };
            let bind = Mat4::from_cols_array(&bind);
            let place = match self.place_of_node.get(&node.index()) {
                Some(place) => {
                    if !self.joints[*place].1.abs_diff_eq(bind, BIND_TOLERANCE) {
                        let problem = format!("two skins bind the joint {:?} in different places", node.name());
                        return Err(reader.fault("skin.inverseBindMatrices", problem));
                    }
                    *place
                }
                None => {
                    self.joints.push((node.index(), bind));
                    self.place_of_node.insert(node.index(), self.joints.len() - 1);
                    self.joints.len() - 1
                }
            };
            if place >= MAX_JOINTS {
                return Err(reader.fault("skin.joints", "are too many"));
            }
            map.push(place as u16);
        }
        Ok(map)
    }

    /// The joints with their parents. Nodes above them are added, as their transforms count too.
    fn finish(mut self, reader: &Reader<'_>, file: &Document) -> Result<Vec<Joint>> {
        let nodes: Vec<Node<'_>> = file.nodes().collect();
        let mut parents = vec![None; nodes.len()];
        for node in &nodes {
            for child in node.children() {
                if let Some(parent) = parents.get_mut(child.index()) {
                    *parent = Some(node.index());
                }
            }
        }
        let mut next = 0;
        while next < self.joints.len() {
            if let Some(parent) = parents[self.joints[next].0]
                && !self.place_of_node.contains_key(&parent)
            {
                self.place_of_node.insert(parent, self.joints.len());
                self.joints.push((parent, Mat4::IDENTITY));
            }
            next += 1;
        }
        let mut joints = Vec::with_capacity(self.joints.len());
        for (node, inverse_bind) in &self.joints {
            let node = &nodes[*node];
            let name = node.name().unwrap_or_default().to_owned();
            let (translation, rotation, scale) = node.transform().decomposed();
            let numbers = translation.iter().chain(&rotation).chain(&scale);
            if numbers.copied().any(|value| !value.is_finite()) || rotation.iter().all(|value| *value == 0.0) {
                return Err(reader.fault(&format!("node {name:?}"), "its transform has a number that is not finite"));
            }
            joints.push(Joint {
                name,
                parent: parents[node.index()].and_then(|parent| self.place_of_node.get(&parent).copied()),
                rest: RestTransform {
                    translation: translation.into(),
                    rotation: Quat::from_array(rotation).normalize(),
                    scale: scale.into(),
                },
                inverse_bind: *inverse_bind,
            });
        }
        Ok(joints)
    }
}

#[cfg(test)]
mod tests;
