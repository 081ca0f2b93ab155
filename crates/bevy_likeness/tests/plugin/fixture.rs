//! A tiny head on disk: a glTF with a handful of joints and triangles, and its rig.

use std::path::Path;

use likeness_rig::{
    ARKIT_NAMES, AppearanceOption, Bone, Channel, ColorSlot, Curve, Detail, Drive, Parameter, RIG_FORMAT, Rig,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Per joint: name, parent, rest translation. Parents come first.
const JOINTS: [(&str, Option<usize>, [f32; 3]); 10] = [
    ("root", None, [0.0, -0.3, 0.0]),
    ("neck", Some(0), [0.0, 0.1, 0.0]),
    ("head", Some(1), [0.0, 0.2, 0.0]),
    ("nose", Some(2), [0.0, -0.02, 0.06]),
    ("cheek.L", Some(2), [0.04, -0.03, 0.03]),
    ("cheek.R", Some(2), [-0.04, -0.03, 0.03]),
    ("eye.L", Some(2), [0.03, 0.0, 0.0]),
    ("eye.R", Some(2), [-0.03, 0.0, 0.0]),
    ("gaze.L", Some(6), [0.0, 0.0, 0.0]),
    ("gaze.R", Some(7), [0.0, 0.0, 0.0]),
];

/// The rig of the tiny head.
pub(crate) fn rig() -> Rig {
    let bone = |name: &str, mirror: Option<&str>| Bone {
        name: name.into(),
        joint: name.into(),
        mirror: mirror.map(Into::into),
    };
    let parameter = |name: &str, drives| Parameter {
        name: name.into(),
        caption: name.into(),
        region: "face".into(),
        curve: Curve::STRAIGHT,
        drives,
        renamed_from: Vec::new(),
    };
    let drive = |bone: &str, channel, amount, mirror| Drive { bone: bone.into(), channel, amount, low: None, mirror };
    Rig {
        format: RIG_FORMAT,
        id: "tiny".into(),
        version: 1,
        mesh: "tiny.gltf".into(),
        prior: "tiny.prior.safetensors".into(),
        landmarks: "tiny.landmarks.json".into(),
        bones: vec![
            bone("nose", None),
            bone("cheek.L", Some("cheek.R")),
            bone("cheek.R", Some("cheek.L")),
            bone("eye.L", Some("eye.R")),
            bone("eye.R", Some("eye.L")),
        ],
        parameters: vec![
            parameter("nose.length", vec![drive("nose", Channel::TranslationZ, 0.01, false)]),
            parameter("cheek.width", vec![drive("cheek.L", Channel::TranslationX, 0.02, true)]),
            parameter("cheek.turn", vec![drive("cheek.L", Channel::RotationY, 0.3, true)]),
            parameter("nose.size", vec![drive("nose", Channel::ScaleX, 0.5, false)]),
        ],
        options: vec![AppearanceOption {
            name: "hair".into(),
            caption: "Hair".into(),
            choices: vec!["none".into(), "short".into()],
            default: "short".into(),
            meshes: Default::default(),
        }],
        colors: vec![
            color("skin", bevy_likeness::SKIN_REFERENCE, false),
            color("iris", [0.1, 0.05, 0.02], false),
            color("lipstick", [0.4, 0.02, 0.04], true),
        ],
        details: vec![detail("skin.freckles", 0.0), detail("lipstick", 0.0)],
    }
}

fn color(name: &str, default: [f32; 3], cosmetic: bool) -> ColorSlot {
    ColorSlot { name: name.into(), caption: "A colour".into(), default, cosmetic }
}

fn detail(name: &str, default: f32) -> Detail {
    Detail { name: name.into(), caption: "A number".into(), group: "skin".into(), default }
}

/// Writes the tiny head into a new folder.
pub(crate) fn tiny_head(rig: &Rig) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_rig(folder.path(), rig);
    std::fs::write(folder.path().join("tiny.gltf"), serde_json::to_vec(&gltf()).unwrap()).unwrap();
    std::fs::write(folder.path().join("tiny.prior.safetensors"), b"prior").unwrap();
    std::fs::write(folder.path().join("tiny.landmarks.json"), b"{}").unwrap();
    std::fs::create_dir(folder.path().join("models")).unwrap();
    for network in ["landmarks", "bone_point", "appearance"] {
        std::fs::write(folder.path().join(format!("models/{network}.safetensors")), b"weights").unwrap();
    }
    folder
}

pub(crate) fn write_rig(folder: &Path, rig: &Rig) {
    std::fs::write(folder.join("tiny.rig.ron"), rig.to_ron().unwrap()).unwrap();
}

struct Buffer {
    bytes: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
}

impl Buffer {
    fn add(&mut self, bytes: Vec<u8>, kind: &str, component: u32, count: usize) -> usize {
        self.views.push(json!({"buffer": 0, "byteOffset": self.bytes.len(), "byteLength": bytes.len()}));
        self.accessors.push(json!({
            "bufferView": self.views.len() - 1, "componentType": component, "count": count, "type": kind,
        }));
        self.bytes.extend(bytes);
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
        self.accessors.len() - 1
    }

    fn floats(&mut self, kind: &str, width: usize, values: &[f32]) -> usize {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.add(bytes, kind, 5126, values.len() / width)
    }
}

fn global(joint: usize) -> [f32; 3] {
    let (_, parent, rest) = JOINTS[joint];
    let parent = parent.map_or([0.0; 3], global);
    [0, 1, 2].map(|axis| parent[axis] + rest[axis])
}

fn gltf() -> Value {
    let mut buffer = Buffer { bytes: Vec::new(), views: Vec::new(), accessors: Vec::new() };
    let positions = buffer.floats("VEC3", 3, &[0.0, 0.0, 0.1, 0.05, 0.0, 0.1, 0.0, 0.05, 0.1]);
    buffer.accessors[positions]["min"] = json!([0.0, 0.0, 0.1]);
    buffer.accessors[positions]["max"] = json!([0.05, 0.05, 0.1]);
    let normals = buffer.floats("VEC3", 3, &[0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    let uvs = buffer.floats("VEC2", 2, &[0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    let weights = buffer.floats("VEC4", 4, &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let joints = buffer.add(vec![3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0], "VEC4", 5121, 3);
    let moved = buffer.floats("VEC3", 3, &[0.0, 0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    buffer.accessors[moved]["min"] = json!([0.0, 0.0, 0.0]);
    buffer.accessors[moved]["max"] = json!([0.0, 0.01, 0.0]);
    let mut bind = Vec::new();
    for joint in 0..JOINTS.len() {
        let [x, y, z] = global(joint);
        bind.extend([1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -x, -y, -z, 1.0]);
    }
    let bind = buffer.floats("MAT4", 16, &bind);

    let mesh = |name: &str, targets: &[&str]| {
        let mut primitive = json!({
            "attributes": {"POSITION": positions, "NORMAL": normals, "TEXCOORD_0": uvs,
                "JOINTS_0": joints, "WEIGHTS_0": weights},
            "material": 0,
        });
        let mut mesh = json!({"name": name});
        if !targets.is_empty() {
            primitive["targets"] = targets.iter().map(|_| json!({"POSITION": moved})).collect();
            mesh["extras"] = json!({"targetNames": targets});
        }
        mesh["primitives"] = json!([primitive]);
        mesh
    };
    let meshes = json!([
        mesh("skin", &ARKIT_NAMES),
        mesh("skin.lod1", &ARKIT_NAMES),
        mesh("eyes", &[]),
        mesh("teeth", &["tongueOut", "own", "jawOpen"]),
    ]);
    let mut nodes: Vec<Value> =
        JOINTS.iter().map(|(name, _, rest)| json!({"name": name, "translation": rest})).collect();
    for (parent, node) in nodes.iter_mut().enumerate() {
        let children: Vec<usize> = (0..JOINTS.len()).filter(|&child| JOINTS[child].1 == Some(parent)).collect();
        if !children.is_empty() {
            node["children"] = json!(children);
        }
    }
    for (index, name) in ["skin", "skin.lod1", "eyes", "teeth"].iter().enumerate() {
        nodes.push(json!({"name": name, "mesh": index, "skin": 0}));
    }
    // A rigid part on the head joint.
    nodes[2]["children"].as_array_mut().unwrap().push(json!(nodes_hat()));
    nodes.push(json!({"name": "hat", "mesh": 2, "translation": [0.0, 0.1, 0.0]}));
    let all: Vec<usize> = (0..JOINTS.len()).collect();
    json!({
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0, 10, 11, 12, 13]}],
        "nodes": nodes,
        "meshes": meshes,
        "materials": [{"name": "skin"}],
        "skins": [{"joints": all, "inverseBindMatrices": bind}],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": buffer.bytes.len(), "uri": data_uri(&buffer.bytes)}],
    })
}

const fn nodes_hat() -> usize {
    JOINTS.len() + 4
}

fn data_uri(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("data:application/octet-stream;base64,");
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}
