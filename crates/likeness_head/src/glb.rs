//! Writing the head as binary glTF 2.0.

use std::collections::BTreeMap;

use glam::Vec3;
use serde_json::{Value, json};

use crate::finish::RenderPart;

/// One joint of the skin.
#[derive(Clone, Debug)]
pub struct JointNode {
    /// Name.
    pub name: String,
    /// Number of the parent joint.
    pub parent: Option<usize>,
    /// Place at rest, metres, in the head's space.
    pub place: Vec3,
}

const FLOAT: u32 = 5126;
const SHORT: u32 = 5123;
const INT: u32 = 5125;
const BYTE: u32 = 5121;

/// A material: name, base colour, roughness, and whether backs are drawn.
pub type Material = (&'static str, [f32; 4], f32, bool);

/// The head's materials; pictures are bound where the head is shown.
pub const HEAD_MATERIALS: [Material; 5] = [
    ("skin", [0.66, 0.44, 0.34, 1.0], 0.55, false),
    ("eyes", [0.85, 0.85, 0.83, 1.0], 0.1, false),
    ("lashes", [0.04, 0.03, 0.03, 1.0], 0.9, true),
    ("teeth", [0.82, 0.78, 0.70, 1.0], 0.25, false),
    ("tongue", [0.55, 0.22, 0.22, 1.0], 0.45, false),
];

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
    /// Accessors of expressions that move nothing, by the number of vertices.
    still: BTreeMap<usize, usize>,
}

impl Buffer {
    fn view(&mut self, bytes: &[u8], target: Option<u32>) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let mut view = json!({"buffer": 0, "byteOffset": self.bytes.len(), "byteLength": bytes.len()});
        if let Some(target) = target {
            view["target"] = json!(target);
        }
        self.bytes.extend_from_slice(bytes);
        self.views.push(view);
        self.views.len() - 1
    }

    fn floats<const N: usize>(&mut self, rows: impl Iterator<Item = [f32; N]>, kind: &str, bounds: bool) -> usize {
        let rows: Vec<[f32; N]> = rows.collect();
        let bytes: Vec<u8> = rows.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        let view = self.view(&bytes, if kind == "MAT4" { None } else { Some(34962) });
        let mut accessor = json!({"bufferView": view, "componentType": FLOAT, "count": rows.len(), "type": kind});
        if bounds {
            let (low, high) = extent(rows.iter());
            accessor["min"] = json!(low.to_vec());
            accessor["max"] = json!(high.to_vec());
        }
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }

    fn triangles(&mut self, triangles: &[[u32; 3]], vertices: usize) -> usize {
        let (bytes, kind): (Vec<u8>, u32) = if vertices <= usize::from(u16::MAX) {
            (triangles.iter().flatten().flat_map(|&v| (v as u16).to_le_bytes()).collect(), SHORT)
        } else {
            (triangles.iter().flatten().flat_map(|v| v.to_le_bytes()).collect(), INT)
        };
        let view = self.view(&bytes, Some(34963));
        self.accessors
            .push(json!({"bufferView": view, "componentType": kind, "count": triangles.len() * 3, "type": "SCALAR"}));
        self.accessors.len() - 1
    }

    fn joints(&mut self, rows: &[[u16; 4]]) -> usize {
        let bytes: Vec<u8> = rows.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        let view = self.view(&bytes, Some(34962));
        self.accessors.push(json!({"bufferView": view, "componentType": SHORT, "count": rows.len(), "type": "VEC4"}));
        self.accessors.len() - 1
    }

    /// Whole numbers of one byte, four an element: normalised ones stand for 0..1.
    fn bytes(&mut self, rows: &[[u8; 4]], normalized: bool) -> usize {
        let view = self.view(rows.as_flattened(), Some(34962));
        let mut accessor = json!({"bufferView": view, "componentType": BYTE, "count": rows.len(), "type": "VEC4"});
        if normalized {
            accessor["normalized"] = json!(true);
        }
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }

    /// The targets of a part, as the head's mesh has them.
    fn targets(&mut self, part: &RenderPart) -> Vec<Value> {
        let count = part.positions.len();
        part.morphs.iter().map(|moves| json!({"POSITION": self.sparse(moves, count)})).collect()
    }

    /// The same, with one accessor for all expressions that move nothing.
    fn compact_targets(&mut self, part: &RenderPart) -> Vec<Value> {
        let count = part.positions.len();
        let mut accessor = |moves: &Vec<(u32, Vec3)>| {
            if !moves.is_empty() {
                return self.sparse(moves, count);
            }
            if let Some(known) = self.still.get(&count) {
                return *known;
            }
            let made = self.sparse(moves, count);
            self.still.insert(count, made);
            made
        };
        part.morphs.iter().map(|moves| json!({"POSITION": accessor(moves)})).collect()
    }

    /// The attributes of appearance options: as small as glTF allows, with the hairs' direction and shade.
    fn compact(&mut self, part: &RenderPart) -> Value {
        let joints: Vec<[u8; 4]> = part.joints.iter().map(|row| row.map(|joint| joint as u8)).collect();
        let weights: Vec<[u8; 4]> = part.weights.iter().map(whole_weights).collect();
        json!({
            "POSITION": self.floats(part.positions.iter().map(|p| p.to_array()), "VEC3", true),
            "NORMAL": self.floats(part.normals.iter().map(|n| n.to_array()), "VEC3", false),
            "TANGENT": self.floats(part.tangents.iter().map(|t| t.extend(1.0).to_array()), "VEC4", false),
            "TEXCOORD_0": self.texture_places(part),
            "COLOR_0": self.bytes(&part.colors, true),
            "JOINTS_0": self.bytes(&joints, false),
            "WEIGHTS_0": self.bytes(&weights, true),
        })
    }

    /// Texture coordinates: 16 bits unless they leave 0..1, as those of tiles do.
    fn texture_places(&mut self, part: &RenderPart) -> usize {
        if part.uvs.iter().any(|uv| uv.min_element() < 0.0 || uv.max_element() > 1.0) {
            return self.floats(part.uvs.iter().map(|uv| uv.to_array()), "VEC2", false);
        }
        let whole = |x: f32| (x * f32::from(u16::MAX)).round() as u16;
        let bytes: Vec<u8> =
            part.uvs.iter().flat_map(|uv| uv.to_array()).flat_map(|x| whole(x).to_le_bytes()).collect();
        let view = self.view(&bytes, Some(34962));
        self.accessors.push(json!({
            "bufferView": view, "componentType": SHORT, "normalized": true, "count": part.uvs.len(), "type": "VEC2",
        }));
        self.accessors.len() - 1
    }

    /// A sparse accessor over zeros. The format asks for at least one entry, so an empty list writes one zero.
    fn sparse(&mut self, moves: &[(u32, Vec3)], vertices: usize) -> usize {
        let none = [(0, Vec3::ZERO)];
        let moves = if moves.is_empty() { &none } else { moves };
        let (indices, kind): (Vec<u8>, u32) = if vertices <= usize::from(u16::MAX) {
            (moves.iter().flat_map(|m| (m.0 as u16).to_le_bytes()).collect(), SHORT)
        } else {
            (moves.iter().flat_map(|m| m.0.to_le_bytes()).collect(), INT)
        };
        let values: Vec<u8> = moves.iter().flat_map(|m| m.1.to_array()).flat_map(f32::to_le_bytes).collect();
        let indices = self.view(&indices, None);
        let values = self.view(&values, None);
        let rows: Vec<[f32; 3]> = moves.iter().map(|m| m.1.to_array()).collect();
        let (mut low, mut high) = extent(rows.iter());
        if moves.len() < vertices {
            low = low.map(|x| x.min(0.0));
            high = high.map(|x| x.max(0.0));
        }
        self.accessors.push(json!({
            "componentType": FLOAT, "count": vertices, "type": "VEC3", "min": low.to_vec(), "max": high.to_vec(),
            "sparse": {
                "count": moves.len(),
                "indices": {"bufferView": indices, "componentType": kind},
                "values": {"bufferView": values},
            },
        }));
        self.accessors.len() - 1
    }
}

/// Weights as bytes that sum to 255, the first taking what rounding leaves.
fn whole_weights(weights: &[f32; 4]) -> [u8; 4] {
    let mut bytes = weights.map(|weight| (weight * 255.0).round() as u8);
    let rest: u32 = bytes[1..].iter().map(|&byte| u32::from(byte)).sum();
    bytes[0] = 255u32.saturating_sub(rest) as u8;
    bytes
}

fn extent<'a, const N: usize>(rows: impl Iterator<Item = &'a [f32; N]>) -> ([f32; N], [f32; N]) {
    let mut low = [f32::INFINITY; N];
    let mut high = [f32::NEG_INFINITY; N];
    for row in rows {
        for k in 0..N {
            low[k] = low[k].min(row[k]);
            high[k] = high[k].max(row[k]);
        }
    }
    (low, high)
}

/// The file's bytes. Joints must be listed parents first. Parts with vertex colours are written compactly; they must have
/// tangents, and at most 256 joints.
pub fn write(joints: &[JointNode], parts: &[RenderPart], expressions: &[&str], materials: &[Material]) -> Vec<u8> {
    let mut buffer = Buffer::default();
    let inverse = buffer.floats(
        joints.iter().map(|joint| glam::Mat4::from_translation(-joint.place).to_cols_array()),
        "MAT4",
        false,
    );
    let mut nodes: Vec<Value> = joints
        .iter()
        .enumerate()
        .map(|(number, joint)| {
            let origin = joint.parent.map_or(Vec3::ZERO, |parent| joints[parent].place);
            let children: Vec<usize> =
                (0..joints.len()).filter(|&child| joints[child].parent == Some(number)).collect();
            let mut node = json!({"name": joint.name, "translation": (joint.place - origin).to_array()});
            if !children.is_empty() {
                node["children"] = json!(children);
            }
            node
        })
        .collect();
    let mut roots: Vec<usize> = (0..joints.len()).filter(|&joint| joints[joint].parent.is_none()).collect();
    let skeleton = roots.first().copied().unwrap_or(0);
    let mut meshes: Vec<Value> = Vec::new();
    for part in parts {
        let shared = part.vertices_of.as_ref().and_then(|name| meshes.iter().position(|mesh| mesh["name"] == **name));
        if let Some(shared) = shared {
            let mut mesh = meshes[shared].clone();
            let count = parts.get(shared).map_or(0, |part| part.positions.len());
            mesh["name"] = json!(part.name);
            mesh["primitives"][0]["indices"] = json!(buffer.triangles(&part.triangles, count));
            meshes.push(mesh);
            roots.push(nodes.len());
            nodes.push(json!({"name": part.name, "mesh": meshes.len() - 1, "skin": 0}));
            continue;
        }
        let count = part.positions.len();
        let attributes = if part.colors.is_empty() {
            json!({
                "POSITION": buffer.floats(part.positions.iter().map(|p| p.to_array()), "VEC3", true),
                "NORMAL": buffer.floats(part.normals.iter().map(|n| n.to_array()), "VEC3", false),
                "TEXCOORD_0": buffer.floats(part.uvs.iter().map(|uv| uv.to_array()), "VEC2", false),
                "JOINTS_0": buffer.joints(&part.joints),
                "WEIGHTS_0": buffer.floats(part.weights.iter().copied(), "VEC4", false),
            })
        } else {
            buffer.compact(part)
        };
        let mut primitive = json!({
            "attributes": attributes,
            "indices": buffer.triangles(&part.triangles, count),
            "material": materials.iter().position(|m| m.0 == part.material).unwrap_or(0),
        });
        let mut mesh = json!({"name": part.name});
        if !part.morphs.is_empty() {
            let targets = if part.colors.is_empty() { buffer.targets(part) } else { buffer.compact_targets(part) };
            primitive["targets"] = json!(targets);
            mesh["weights"] = json!(vec![0.0; part.morphs.len()]);
            mesh["extras"] = json!({"targetNames": expressions});
        }
        mesh["primitives"] = json!([primitive]);
        meshes.push(mesh);
        roots.push(nodes.len());
        nodes.push(json!({"name": part.name, "mesh": meshes.len() - 1, "skin": 0}));
    }
    let materials: Vec<Value> = materials
        .iter()
        .map(|(name, color, roughness, double)| {
            json!({
                "name": name,
                "doubleSided": double,
                "pbrMetallicRoughness": {
                    "baseColorFactor": color, "metallicFactor": 0.0, "roughnessFactor": roughness,
                },
            })
        })
        .collect();
    let document = json!({
        "asset": {"version": "2.0", "generator": "likeness_head", "copyright": "CC0 1.0"},
        "scene": 0,
        "scenes": [{"name": "head", "nodes": roots}],
        "nodes": nodes,
        "meshes": meshes,
        "materials": materials,
        "skins": [{
            "name": "head",
            "inverseBindMatrices": inverse,
            "skeleton": skeleton,
            "joints": (0..joints.len()).collect::<Vec<_>>(),
        }],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": buffer.bytes.len()}],
    });
    let mut text = document.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    let mut binary = buffer.bytes;
    binary.resize(binary.len().next_multiple_of(4), 0);
    let total = 12 + 8 + text.len() + 8 + binary.len();
    let mut file = Vec::with_capacity(total);
    file.extend_from_slice(b"glTF");
    for number in [2, total as u32, text.len() as u32] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(b"JSON");
    file.extend_from_slice(&text);
    file.extend_from_slice(&(binary.len() as u32).to_le_bytes());
    file.extend_from_slice(b"BIN\0");
    file.extend_from_slice(&binary);
    file
}
