//! A head's file rewritten so that it lies in the head's space and its shape bones rest without turn or scale.
//!
//! Animation joints keep their local transforms, so that clips still fit: a node above them turns and scales the whole.
//! Shape bones leave their parents for a node beside the nearest animation joint above, which rests in the head's axes.

use std::collections::{BTreeMap, HashSet};

use glam::{Mat3, Mat4, Quat, Vec3};
use gltf::{Gltf, Semantic};
use serde_json::{Value, json};

use crate::mesh::accessor::{dense, nonzero, whole};
use crate::{Result, RigError};

const FLOAT: u32 = 5126;
const INT: u32 = 5125;
/// The node that turns and scales the file into the head's space.
const SPACE_NODE: &str = "head_space";
/// What the nodes that hold shape bones are called after their joint.
const HOLDER: &str = ".shape";

/// A binary glTF file, taken apart.
pub(super) struct Glb {
    pub(super) json: Value,
    bin: Vec<u8>,
    source: String,
}

impl Glb {
    /// Takes a file apart that [`crate::HeadMesh::from_glb`] reads.
    pub(super) fn new(bytes: &[u8], source: &str) -> Result<Self> {
        let syntax = |problem: String| RigError::Syntax { file: source.into(), problem };
        let parts = gltf::Glb::from_slice(bytes).map_err(|error| syntax(error.to_string()))?;
        let json = serde_json::from_slice(&parts.json).map_err(|error| syntax(error.to_string()))?;
        Ok(Self { json, bin: parts.bin.map(|bin| bin.into_owned()).unwrap_or_default(), source: source.into() })
    }

    fn list(&self, name: &str) -> &[Value] {
        self.json.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn fault(&self, field: &str, problem: impl Into<String>) -> RigError {
        RigError::Mesh { file: self.source.clone(), field: field.into(), problem: problem.into() }
    }

    /// The parent of every node.
    pub(super) fn parents(&self) -> Vec<Option<usize>> {
        let nodes = self.list("nodes");
        let mut parents = vec![None; nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            for child in indices(node, "children") {
                if let Some(parent) = parents.get_mut(child) {
                    *parent = Some(index);
                }
            }
        }
        parents
    }

    /// The global matrix of every node at rest. The nodes must be a forest.
    pub(super) fn globals(&self) -> Vec<Mat4> {
        let (nodes, parents) = (self.list("nodes"), self.parents());
        let locals: Vec<Mat4> = nodes.iter().map(local).collect();
        (0..nodes.len())
            .map(|node| {
                let mut global = locals[node];
                let mut above = parents[node];
                let mut steps = 0;
                while let Some(parent) = above.filter(|_| steps < nodes.len()) {
                    global = locals[parent] * global;
                    above = parents[parent];
                    steps += 1;
                }
                global
            })
            .collect()
    }

    /// The names of the nodes; empty where there is none.
    pub(super) fn names(&self) -> Vec<String> {
        self.list("nodes").iter().map(|node| node["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The nodes that are joints of a skin, each once.
    pub(super) fn joints(&self) -> Vec<usize> {
        let mut seen = HashSet::new();
        self.list("skins").iter().flat_map(|skin| indices(skin, "joints")).filter(|joint| seen.insert(*joint)).collect()
    }

    /// Renames a node.
    pub(super) fn rename(&mut self, node: usize, name: &str) {
        self.json["nodes"][node]["name"] = json!(name);
    }

    /// Moves where a joint rests by `by` (the file's space); everything that hangs on it stays where it is.
    pub(super) fn move_rest(&mut self, joint: usize, by: Vec3) -> Result<()> {
        let (globals, parents) = (self.globals(), self.parents());
        let moved = Mat4::from_translation(by) * globals[joint];
        let above = parents[joint].map_or(Mat4::IDENTITY, |parent| globals[parent]);
        for child in indices(&self.json["nodes"][joint], "children") {
            set_local(&mut self.json["nodes"][child], moved.inverse() * globals[child]);
        }
        set_local(&mut self.json["nodes"][joint], above.inverse() * moved);
        let (file, blob) = self.document()?;
        for skin in file.skins() {
            let Some(place) = skin.joints().position(|node| node.index() == joint) else { continue };
            let mut binds = match skin.inverse_bind_matrices() {
                Some(accessor) => {
                    dense::<16>(&accessor, &blob).map_err(|problem| self.fault("skin.inverseBindMatrices", problem))?
                }
                None => vec![Mat4::IDENTITY.to_cols_array(); skin.joints().count()],
            };
            if let Some(bind) = binds.get_mut(place) {
                *bind = (moved.inverse() * globals[joint] * Mat4::from_cols_array(bind)).to_cols_array();
            }
            self.set_binds(skin.index(), &binds);
        }
        self.json["buffers"] = json!([{ "byteLength": self.bin.len() }]);
        Ok(())
    }

    /// Moves everything by `space` and lets the joints of `shape` rest as pure translations.
    pub(super) fn normalize(&mut self, space: Mat4, shape: &HashSet<usize>) -> Result<()> {
        let globals: Vec<Mat4> = self.globals().into_iter().map(|global| space * global).collect();
        self.move_vertices(space)?;
        self.write_binds(&globals, shape);
        self.move_joints(space, &globals, shape);
        let length = self.bin.len();
        self.json["buffers"] = json!([{ "byteLength": length }]);
        Ok(())
    }

    /// The file's bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let padded = |mut bytes: Vec<u8>, with: u8| {
            bytes.resize(bytes.len().next_multiple_of(4), with);
            bytes
        };
        let (text, bin) = (padded(self.json.to_string().into_bytes(), b' '), padded(self.bin.clone(), 0));
        let mut bytes = b"glTF".to_vec();
        let length = 12 + 8 + text.len() + 8 + bin.len();
        for number in [2, length as u32, text.len() as u32] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(b"JSON");
        bytes.extend(text);
        bytes.extend((bin.len() as u32).to_le_bytes());
        bytes.extend(b"BIN\0");
        bytes.extend(bin);
        bytes
    }

    fn document(&self) -> Result<(Gltf, Vec<u8>)> {
        let read = Gltf::from_slice_without_validation(&self.to_bytes())
            .map_err(|error| RigError::Syntax { file: self.source.clone(), problem: error.to_string() })?;
        Ok((read, self.bin.clone()))
    }

    /// Puts every skinned vertex where it rests in the head's space.
    fn move_vertices(&mut self, space: Mat4) -> Result<()> {
        let (file, blob) = self.document()?;
        let globals = self.globals();
        let mut done = HashSet::new();
        for node in file.nodes() {
            let (Some(mesh), Some(skin)) = (node.mesh(), node.skin()) else { continue };
            if !done.insert(mesh.index()) {
                continue;
            }
            let field = format!("mesh {:?}", mesh.name().unwrap_or_default());
            let binds: Vec<Mat4> = match skin.inverse_bind_matrices() {
                Some(binds) => {
                    let binds = dense::<16>(&binds, &blob).map_err(|problem| self.fault(&field, problem))?;
                    binds.iter().map(Mat4::from_cols_array).collect()
                }
                None => Vec::new(),
            };
            let matrices: Vec<Mat4> = skin
                .joints()
                .enumerate()
                .map(|(index, joint)| {
                    space * globals[joint.index()] * binds.get(index).copied().unwrap_or(Mat4::IDENTITY)
                })
                .collect();
            for primitive in mesh.primitives() {
                let places = self.placements(&primitive, &blob, &matrices, &field)?;
                self.move_primitive(mesh.index(), &primitive, &blob, &places, &field)?;
            }
        }
        Ok(())
    }

    /// How each vertex of a primitive moves.
    fn placements(
        &self,
        primitive: &gltf::Primitive<'_>,
        blob: &[u8],
        matrices: &[Mat4],
        field: &str,
    ) -> Result<Vec<Mat4>> {
        let missing = |what: &str| self.fault(field, format!("{what} is missing"));
        let joints = primitive.get(&Semantic::Joints(0)).ok_or_else(|| missing("JOINTS_0"))?;
        let weights = primitive.get(&Semantic::Weights(0)).ok_or_else(|| missing("WEIGHTS_0"))?;
        let joints = whole::<4>(&joints, blob).map_err(|problem| self.fault(field, problem))?;
        let weights = dense::<4>(&weights, blob).map_err(|problem| self.fault(field, problem))?;
        Ok(joints
            .iter()
            .zip(&weights)
            .map(|(joints, weights)| {
                let sum: f32 = weights.iter().sum();
                joints.iter().zip(weights).fold(Mat4::ZERO, |matrix, (joint, weight)| {
                    matrix + matrices.get(*joint as usize).copied().unwrap_or(Mat4::ZERO) * (weight / sum)
                })
            })
            .collect())
    }

    fn move_primitive(
        &mut self,
        mesh: usize,
        primitive: &gltf::Primitive<'_>,
        blob: &[u8],
        places: &[Mat4],
        field: &str,
    ) -> Result<()> {
        let at = primitive.index();
        let read =
            |semantic: Semantic| primitive.get(&semantic).map(|accessor| dense::<3>(&accessor, blob)).transpose();
        let positions = read(Semantic::Positions).map_err(|problem| self.fault(field, problem))?.unwrap_or_default();
        let normals = read(Semantic::Normals).map_err(|problem| self.fault(field, problem))?;
        let moved: Vec<[f32; 3]> =
            positions.iter().zip(places).map(|(p, m)| m.transform_point3(Vec3::from(*p)).to_array()).collect();
        let accessor = self.vectors(&moved, true);
        self.json["meshes"][mesh]["primitives"][at]["attributes"]["POSITION"] = json!(accessor);
        if let Some(normals) = normals {
            let turned: Vec<[f32; 3]> = normals
                .iter()
                .zip(places)
                .map(|(n, m)| m.transform_vector3(Vec3::from(*n)).normalize_or_zero().to_array())
                .collect();
            let accessor = self.vectors(&turned, false);
            self.json["meshes"][mesh]["primitives"][at]["attributes"]["NORMAL"] = json!(accessor);
        }
        // Loaders make tangents where a material asks for them.
        if let Some(attributes) = self.json["meshes"][mesh]["primitives"][at]["attributes"].as_object_mut() {
            attributes.remove("TANGENT");
        }
        let mut targets = Vec::new();
        for target in primitive.morph_targets() {
            let deltas = match target.positions() {
                Some(accessor) => nonzero::<3>(&accessor, blob).map_err(|problem| self.fault(field, problem))?,
                None => Vec::new(),
            };
            let moved: Vec<(u32, [f32; 3])> = deltas
                .into_iter()
                .filter_map(|(vertex, delta)| {
                    let place = places.get(vertex as usize)?;
                    Some((vertex, place.transform_vector3(Vec3::from(delta)).to_array()))
                })
                .collect();
            targets.push(json!({ "POSITION": self.sparse(&moved, positions.len()) }));
        }
        if !targets.is_empty() {
            self.json["meshes"][mesh]["primitives"][at]["targets"] = json!(targets);
        }
        Ok(())
    }

    /// Binds every joint where it rests.
    fn write_binds(&mut self, globals: &[Mat4], shape: &HashSet<usize>) {
        for skin in 0..self.list("skins").len() {
            let joints = indices(&self.json["skins"][skin], "joints");
            let binds: Vec<[f32; 16]> = joints
                .iter()
                .map(|joint| {
                    let centre = globals[*joint].w_axis.truncate();
                    let bind =
                        if shape.contains(joint) { Mat4::from_translation(-centre) } else { globals[*joint].inverse() };
                    bind.to_cols_array()
                })
                .collect();
            self.set_binds(skin, &binds);
        }
    }

    fn set_binds(&mut self, skin: usize, binds: &[[f32; 16]]) {
        let view = self.view(&binds.iter().flatten().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
        let accessor = self.accessor(json!({
            "bufferView": view, "componentType": FLOAT, "count": binds.len(), "type": "MAT4"
        }));
        self.json["skins"][skin]["inverseBindMatrices"] = json!(accessor);
    }

    fn move_joints(&mut self, space: Mat4, globals: &[Mat4], shape: &HashSet<usize>) {
        let parents = self.parents();
        let mut children: BTreeMap<usize, Vec<usize>> =
            (0..parents.len()).map(|node| (node, indices(&self.json["nodes"][node], "children"))).collect();
        let mut roots: Vec<usize> = (0..parents.len()).filter(|node| parents[*node].is_none()).collect();
        // Where a node below rests once it has left its parent: in the head's axes for shape bones, as it was for others.
        let mut rests: BTreeMap<usize, Mat4> = globals.iter().copied().enumerate().collect();
        for joint in shape {
            rests.insert(*joint, Mat4::from_translation(globals[*joint].w_axis.truncate()));
        }
        let mut holders: BTreeMap<Option<usize>, usize> = BTreeMap::new();
        let mut shape: Vec<usize> = shape.iter().copied().collect();
        shape.sort_unstable();
        for joint in &shape {
            let mut above = parents[*joint];
            while let Some(parent) = above.filter(|parent| shape.contains(parent)) {
                above = parents[parent];
            }
            match parents[*joint] {
                Some(parent) => children.entry(parent).or_default().retain(|child| child != joint),
                None => roots.retain(|root| root != joint),
            }
            let rest = above.map_or(Mat4::IDENTITY, |above| rests[&above]);
            let aligned = rest.abs_diff_eq(Mat4::from_translation(rest.w_axis.truncate()), 1e-6);
            let holder = match above.filter(|_| aligned) {
                Some(above) => above,
                None => *holders.entry(above).or_insert_with(|| {
                    let name = above.and_then(|above| self.json["nodes"][above]["name"].as_str());
                    let name = format!("{}{HOLDER}", name.unwrap_or_default());
                    let holder = self.push("nodes", json!({ "name": name }));
                    rests.insert(holder, Mat4::IDENTITY);
                    match above {
                        Some(above) => children.entry(above).or_default().push(holder),
                        None => roots.push(holder),
                    }
                    holder
                }),
            };
            children.entry(holder).or_default().push(*joint);
        }
        let space_node = (space != Mat4::IDENTITY).then(|| self.push("nodes", json!({ "name": SPACE_NODE })));
        let mut new_parents: BTreeMap<usize, usize> = BTreeMap::new();
        for (parent, list) in &children {
            new_parents.extend(list.iter().map(|child| (*child, *parent)));
        }
        for (node, rest) in &rests {
            let old = parents.get(*node).copied().flatten();
            let now = new_parents.get(node).copied();
            let touched = shape.contains(node) || old != now || old.is_some_and(|parent| shape.contains(&parent));
            let under_space = now.is_none() && *node < parents.len() && !shape.contains(node);
            if !touched || under_space {
                continue;
            }
            let above = now.map_or(space_node.map_or(Mat4::IDENTITY, |_| space), |parent| rests[&parent]);
            set_local(&mut self.json["nodes"][*node], above.inverse() * *rest);
        }
        if let Some(space_node) = space_node {
            set_local(&mut self.json["nodes"][space_node], space);
            children.insert(space_node, roots.clone());
            roots = vec![space_node];
        }
        for (node, list) in children {
            let node = &mut self.json["nodes"][node];
            match node.as_object_mut() {
                Some(node) if list.is_empty() => drop(node.remove("children")),
                Some(node) => drop(node.insert("children".into(), json!(list))),
                None => {}
            }
        }
        self.json["scenes"] = json!([{ "nodes": roots }]);
        self.json["scene"] = json!(0);
    }

    fn push(&mut self, list: &str, value: Value) -> usize {
        match self.json[list].as_array_mut() {
            Some(values) => {
                values.push(value);
                values.len() - 1
            }
            None => {
                self.json[list] = json!([value]);
                0
            }
        }
    }

    fn view(&mut self, bytes: &[u8]) -> usize {
        self.bin.resize(self.bin.len().next_multiple_of(4), 0);
        let view = json!({ "buffer": 0, "byteOffset": self.bin.len(), "byteLength": bytes.len() });
        self.bin.extend_from_slice(bytes);
        self.push("bufferViews", view)
    }

    fn accessor(&mut self, accessor: Value) -> usize {
        self.push("accessors", accessor)
    }

    fn vectors(&mut self, rows: &[[f32; 3]], bounded: bool) -> usize {
        let view = self.view(&rows.iter().flatten().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
        let mut accessor = json!({ "bufferView": view, "componentType": FLOAT, "count": rows.len(), "type": "VEC3" });
        if bounded {
            let (low, high) = rows
                .iter()
                .map(|row| Vec3::from(*row))
                .fold((Vec3::INFINITY, Vec3::NEG_INFINITY), |(low, high), point| (low.min(point), high.max(point)));
            accessor["min"] = json!(low.to_array());
            accessor["max"] = json!(high.to_array());
        }
        self.accessor(accessor)
    }

    fn sparse(&mut self, deltas: &[(u32, [f32; 3])], count: usize) -> usize {
        // The format asks for at least one element.
        let still = [(0, [0.0; 3])];
        let deltas = if deltas.is_empty() { &still[..] } else { deltas };
        let places = self.view(&deltas.iter().flat_map(|(vertex, _)| vertex.to_le_bytes()).collect::<Vec<u8>>());
        let values =
            self.view(&deltas.iter().flat_map(|(_, delta)| delta).flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
        self.accessor(json!({
            "componentType": FLOAT, "count": count, "type": "VEC3",
            "sparse": {
                "count": deltas.len(),
                "indices": { "bufferView": places, "componentType": INT },
                "values": { "bufferView": values },
            },
        }))
    }
}

fn indices(value: &Value, field: &str) -> Vec<usize> {
    let list = value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_u64).map(|index| index as usize).collect()
}

fn numbers<const N: usize>(node: &Value, field: &str) -> Option<[f32; N]> {
    let list: Vec<f32> = node.get(field)?.as_array()?.iter().filter_map(Value::as_f64).map(|x| x as f32).collect();
    list.try_into().ok()
}

fn local(node: &Value) -> Mat4 {
    if let Some(matrix) = numbers::<16>(node, "matrix") {
        return Mat4::from_cols_array(&matrix);
    }
    let translation = numbers::<3>(node, "translation").map_or(Vec3::ZERO, Vec3::from);
    let rotation = numbers::<4>(node, "rotation").map_or(Quat::IDENTITY, Quat::from_array);
    let scale = numbers::<3>(node, "scale").map_or(Vec3::ONE, Vec3::from);
    Mat4::from_scale_rotation_translation(scale, rotation.normalize(), translation)
}

fn set_local(node: &mut Value, matrix: Mat4) {
    let (scale, rotation, translation) = matrix.to_scale_rotation_translation();
    let Some(node) = node.as_object_mut() else { return };
    for field in ["matrix", "rotation", "scale"] {
        node.remove(field);
    }
    node.insert("translation".into(), json!(translation.to_array()));
    let turned = !Mat3::from_quat(rotation).abs_diff_eq(Mat3::IDENTITY, 1e-6);
    if turned {
        node.insert("rotation".into(), json!(rotation.to_array()));
    }
    if !scale.abs_diff_eq(Vec3::ONE, 1e-6) {
        node.insert("scale".into(), json!(scale.to_array()));
    }
}
