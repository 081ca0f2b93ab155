//! A small head for tests: a grid of skin over a few bones.

use glam::{Mat4, Quat, Vec2, Vec3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    ARKIT_NAMES, AppearanceOption, Bone, CONTOUR_COUNT, Channel, ColorSlot, Curve, Detail, Drive, HeadMesh, Joint,
    LANDMARK_COUNT, LandmarkPoint, LandmarkSet, MeshPart, Parameter, Prior, RIG_FORMAT, RestTransform, Rig,
};

/// Vertices along a side of the grid.
const GRID: usize = 24;
/// Half the width of the head, metres.
const HALF: f32 = 0.08;

/// Joints: root, neck, head, then the bones, then `gaze.L` under `eye.L`.
const BONES: [(&str, Vec3); 5] = [
    ("nose", Vec3::new(0.0, -0.02, 0.09)),
    ("chin", Vec3::new(0.0, -0.07, 0.06)),
    ("jaw.L", Vec3::new(0.05, -0.05, 0.02)),
    ("jaw.R", Vec3::new(-0.05, -0.05, 0.02)),
    ("eye.L", Vec3::new(0.03, 0.0, 0.05)),
];

pub(crate) fn rig() -> Rig {
    let mirror = |name: &str| match name.strip_prefix("jaw.") {
        Some("L") => Some("jaw.R".to_owned()),
        Some(_) => Some("jaw.L".to_owned()),
        None => None,
    };
    let mut parameters = Vec::new();
    for (bone, _) in BONES.iter().filter(|(name, _)| *name != "jaw.R") {
        for channel in Channel::ALL {
            let amount = [0.01, 0.3, 0.25][channel.index() / 3];
            parameters.push(Parameter {
                name: format!("{}.{}", bone.to_lowercase().replace('.', "_"), channel.index()),
                caption: "A slider".into(),
                region: "face".into(),
                curve: Curve::STRAIGHT,
                drives: vec![Drive {
                    bone: (*bone).into(),
                    channel,
                    amount,
                    low: None,
                    mirror: mirror(bone).is_some(),
                }],
                renamed_from: Vec::new(),
            });
        }
    }
    parameters.push(Parameter {
        name: "whole.length".into(),
        caption: "Two drives on a channel that another parameter drives too".into(),
        region: "face".into(),
        curve: Curve::STRAIGHT,
        drives: vec![
            Drive { bone: "chin".into(), channel: Channel::TranslationY, amount: -0.01, low: None, mirror: false },
            Drive { bone: "nose".into(), channel: Channel::ScaleY, amount: 0.1, low: None, mirror: false },
        ],
        renamed_from: Vec::new(),
    });
    Rig {
        format: RIG_FORMAT,
        id: "synthetic".into(),
        version: 3,
        mesh: "head.glb".into(),
        prior: "head.prior.safetensors".into(),
        landmarks: "head.landmarks.json".into(),
        bones: BONES
            .iter()
            .map(|(name, _)| Bone { name: (*name).into(), joint: (*name).into(), mirror: mirror(name) })
            .collect(),
        parameters,
        options: vec![AppearanceOption {
            name: "hair.style".into(),
            caption: "Hair".into(),
            choices: vec!["none".into(), "short".into(), "long".into()],
            default: "short".into(),
            meshes: [("short".into(), "hair/short.glb".into()), ("long".into(), "hair/long.glb".into())].into(),
        }],
        colors: vec![
            color("skin", [0.6, 0.4, 0.3], false),
            color("iris", [0.1, 0.2, 0.05], false),
            color("lipstick", [0.5, 0.02, 0.05], true),
        ],
        details: vec![detail("skin.redness", 0.5), detail("skin.freckles", 0.0)],
    }
}

/// The rig with curves, and with ends that differ: one side nearer, still, or beyond the other.
pub(crate) fn bent_rig() -> Rig {
    let mut rig = rig();
    for (index, parameter) in rig.parameters.iter_mut().enumerate() {
        parameter.curve = Curve([1.0, 1.6, 0.6][index % 3]);
        for drive in &mut parameter.drives {
            drive.low = [None, Some(-0.5), Some(0.0), Some(-1.4)][index % 4].map(|share| share * drive.amount);
        }
    }
    rig
}

fn color(name: &str, default: [f32; 3], cosmetic: bool) -> ColorSlot {
    ColorSlot { name: name.into(), caption: "A colour".into(), default, cosmetic }
}

fn detail(name: &str, default: f32) -> Detail {
    Detail { name: name.into(), caption: "A number".into(), group: "skin".into(), default }
}

fn joints() -> Vec<Joint> {
    let mut joints = Vec::new();
    let mut globals: Vec<Vec3> = Vec::new();
    let mut add = |name: &str, parent: Option<usize>, at: Vec3| {
        let above: Vec3 = parent.map_or(Vec3::ZERO, |parent| globals[parent]);
        globals.push(at);
        joints.push(Joint {
            name: name.into(),
            parent,
            rest: RestTransform { translation: at - above, rotation: Quat::IDENTITY, scale: Vec3::ONE },
            inverse_bind: Mat4::from_translation(-at),
        });
    };
    add("root", None, Vec3::new(0.0, -0.3, 0.0));
    add("neck", Some(0), Vec3::new(0.0, -0.15, -0.02));
    add("head", Some(1), Vec3::new(0.0, -0.05, -0.01));
    for (name, at) in BONES {
        add(name, Some(2), at);
    }
    add("gaze.L", Some(7), BONES[4].1);
    joints
}

/// A bulging grid that hangs on every joint, with all 52 morph targets.
pub(crate) fn mesh(seed: u64) -> HeadMesh {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let joints = joints();
    let mut skin = MeshPart { name: "skin".into(), ..MeshPart::default() };
    for row in 0..GRID {
        for column in 0..GRID {
            let unit = |place: usize| place as f32 / (GRID - 1) as f32 * 2.0 - 1.0;
            let (x, y) = (unit(column), unit(row));
            skin.positions.push(Vec3::new(x * HALF, y * HALF * 1.2, HALF * (1.0 - 0.5 * (x * x + y * y))));
            skin.normals.push(Vec3::Z);
            skin.uvs.push(Vec2::new(x, y) * 0.5 + 0.5);
            let chosen: [u16; 4] = std::array::from_fn(|_| rng.random_range(0..joints.len() as u16));
            let weights: [f32; 4] = std::array::from_fn(|_| rng.random_range(0.05..1.0));
            let sum: f32 = weights.iter().sum();
            skin.joints.push(chosen);
            skin.weights.push(weights.map(|weight| weight / sum));
        }
    }
    for row in 0..GRID - 1 {
        for column in 0..GRID - 1 {
            let corner = (row * GRID + column) as u32;
            let above = corner + GRID as u32;
            skin.triangles.extend([[corner, corner + 1, above], [above, corner + 1, above + 1]]);
        }
    }
    skin.morphs = (0..ARKIT_NAMES.len())
        .map(|_| {
            let start = rng.random_range(0..GRID * GRID / 2) as u32;
            (start..start + 120).map(|vertex| (vertex, delta(&mut rng))).collect()
        })
        .collect();
    HeadMesh { joints, morph_names: ARKIT_NAMES.map(str::to_owned).to_vec(), parts: vec![skin] }
}

fn delta(rng: &mut ChaCha8Rng) -> Vec3 {
    Vec3::from_array(std::array::from_fn(|_| rng.random_range(-0.004..0.004)))
}

/// Landmarks all over the grid, with three rows of contour.
pub(crate) fn landmarks(mesh: &HeadMesh, seed: u64) -> LandmarkSet {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut some = |count: usize| -> Vec<LandmarkPoint> {
        (0..count)
            .map(|_| {
                let triangles = &mesh.parts[0].triangles;
                let (a, b) = (rng.random_range(0.0..0.5), rng.random_range(0.0..0.5));
                LandmarkPoint {
                    triangle: triangles[rng.random_range(0..triangles.len())],
                    weights: [a, b, 1.0 - a - b],
                }
            })
            .collect()
    };
    LandmarkSet {
        points: some(LANDMARK_COUNT),
        contour_yaws: vec![-40.0, 0.0, 30.0],
        contour: (0..3).map(|_| some(CONTOUR_COUNT)).collect(),
    }
}

/// A prior of rank 6 over the rig's parameters.
pub(crate) fn prior(rig: &Rig) -> Prior {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let count = rig.parameters.len();
    Prior {
        mean: (0..count).map(|_| rng.random_range(0.45..0.55)).collect(),
        factor: (0..count * 6).map(|_| rng.random_range(-0.06..0.06)).collect(),
        rank: 6,
        vertex_motion: (0..count).map(|_| rng.random_range(0.0005..0.004)).collect(),
        rig_id: rig.id.clone(),
        rig_version: rig.version,
    }
}

/// Values in 0..1 for every parameter.
pub(crate) fn values(rig: &Rig, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rig.parameters.iter().map(|_| rng.random_range(0.0..1.0)).collect()
}

/// A binary glTF file from its JSON text and its data.
pub(crate) fn glb(json: &serde_json::Value, data: &[u8]) -> Vec<u8> {
    let mut text = json.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    let mut data = data.to_vec();
    data.resize(data.len().next_multiple_of(4), 0);
    let mut bytes = b"glTF".to_vec();
    bytes.extend(2_u32.to_le_bytes());
    bytes.extend((28 + text.len() as u32 + data.len() as u32).to_le_bytes());
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(b"JSON");
    bytes.extend(text);
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(b"BIN\0");
    bytes.extend(data);
    bytes
}
