#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;
use crate::synthetic::glb;

/// A triangle on two joints, with one sparse morph target, and where its data lie.
fn sound() -> (Value, Vec<u8>) {
    let mut data = Vec::new();
    let mut views = Vec::new();
    let mut view = |bytes: &[u8]| {
        views.push(json!({"buffer": 0, "byteOffset": data.len(), "byteLength": bytes.len()}));
        data.extend_from_slice(bytes);
        data.resize(data.len().next_multiple_of(4), 0);
        views.len() - 1
    };
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let shorts = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let positions = view(&floats(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]));
    let joints = view(&[0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    let weights = view(&floats(&[0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]));
    let indices = view(&shorts(&[0, 1, 2]));
    let places = view(&shorts(&[2]));
    let deltas = view(&floats(&[0.0, 0.0, 0.25]));
    let mut binds = Mat4::IDENTITY.to_cols_array().to_vec();
    binds.extend(Mat4::from_translation(Vec3::new(0.0, -1.0, 0.0)).to_cols_array());
    let binds = view(&floats(&binds));
    let accessor = |view: usize, ty: &str, component: u32, count: usize| json!({"bufferView": view, "type": ty, "componentType": component, "count": count});
    let mut position = accessor(positions, "VEC3", 5126, 3);
    position["min"] = json!([0.0, 0.0, 0.0]);
    position["max"] = json!([1.0, 1.0, 0.0]);
    let file = json!({
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": data.len()}],
        "bufferViews": views,
        "accessors": [
            position,
            accessor(joints, "VEC4", 5121, 3),
            accessor(weights, "VEC4", 5126, 3),
            accessor(indices, "SCALAR", 5123, 3),
            {"type": "VEC3", "componentType": 5126, "count": 3, "min": [0.0, 0.0, 0.0], "max": [0.0, 0.0, 0.25],
             "sparse": {"count": 1, "indices": {"bufferView": places, "componentType": 5123},
                        "values": {"bufferView": deltas}}},
            accessor(binds, "MAT4", 5126, 2),
        ],
        "meshes": [{
            "primitives": [{"attributes": {"POSITION": 0, "JOINTS_0": 1, "WEIGHTS_0": 2}, "indices": 3,
                            "targets": [{"POSITION": 4}]}],
            "extras": {"targetNames": ["jawOpen"]},
        }],
        "skins": [{"joints": [1, 2], "inverseBindMatrices": 5}],
        "nodes": [
            {"name": "skin", "mesh": 0, "skin": 0},
            {"name": "head", "translation": [0.0, 0.0, 0.0]},
            {"name": "nose", "translation": [0.0, 1.0, 0.0]},
            {"name": "root", "children": [1], "translation": [0.0, 0.0, 0.0]},
        ],
        "scenes": [{"nodes": [0, 3]}],
    });
    let mut file = file;
    file["nodes"][1]["children"] = json!([2]);
    (file, data)
}

#[test]
fn a_sound_file_is_read_whole() {
    let (file, data) = sound();
    let mesh = read(&glb(&file, &data), "head.glb").unwrap();
    let names: Vec<&str> = mesh.joints.iter().map(|joint| joint.name.as_str()).collect();
    assert_eq!(names, ["head", "nose", "root"], "the node above the joints comes last");
    assert_eq!(mesh.joints.iter().map(|joint| joint.parent).collect::<Vec<_>>(), [Some(2), Some(0), None]);
    assert_eq!(mesh.morph_names, ["jawOpen"]);
    let part = mesh.part("skin").unwrap();
    assert_eq!(part.triangles, [[0, 1, 2]]);
    assert_eq!(part.joints[0], [0, 1, 0, 0]);
    assert_eq!(part.weights[2], [1.0, 0.0, 0.0, 0.0], "weights are brought to a sum of one");
    assert_eq!(part.morphs, [vec![(2, Vec3::new(0.0, 0.0, 0.25))]]);
}

#[test]
fn skinning_follows_joints_and_morphs() {
    let (file, data) = sound();
    let mesh = read(&glb(&file, &data), "head.glb").unwrap();
    let part = mesh.part("skin").unwrap();
    let mut rig = crate::synthetic::rig();
    rig.bones.truncate(1);
    rig.parameters.retain(|parameter| parameter.drives.iter().all(|drive| drive.bone == "nose"));
    let binding = mesh.bind(&rig).unwrap();
    let mut out = Vec::new();
    mesh.skin(part, &binding.joint_matrices(&mesh, &[]), &[], &mut out);
    assert_eq!(out, part.positions, "at rest nothing moves");
    let offset = crate::BoneOffset { translation: Vec3::new(0.0, 0.0, 0.5), ..crate::BoneOffset::IDENTITY };
    mesh.skin(part, &binding.joint_matrices(&mesh, &[offset]), &[0.5], &mut out);
    let expected = [Vec3::new(0.0, 0.0, 0.25), Vec3::new(1.0, 0.0, 0.5), Vec3::new(0.0, 1.0, 0.625)];
    for (a, b) in out.iter().zip(expected) {
        assert!(a.abs_diff_eq(b, 1e-6), "{a} {b}");
    }
}

#[test]
fn each_fault_gives_its_error() {
    let cases: [(&str, fn(&mut Value)); 17] = [
        ("skin.mode", |file| file["meshes"][0]["primitives"][0]["mode"] = json!(1)),
        ("skin.JOINTS_0", |file| drop(attributes(file).remove("JOINTS_0"))),
        ("skin.WEIGHTS_0", |file| drop(attributes(file).remove("WEIGHTS_0"))),
        ("skin.JOINTS_0", |file| file["accessors"][1]["componentType"] = json!(5126)),
        ("skin.JOINTS_0", |file| file["accessors"][1]["type"] = json!("VEC2")),
        ("skin.JOINTS_0", |file| file["skins"][0]["joints"] = json!([1])),
        ("skin.WEIGHTS_0", |file| file["accessors"][2]["count"] = json!(2)),
        ("skin.POSITION", |file| file["accessors"][0]["count"] = json!(1_u64 << 60)),
        ("skin.POSITION", |file| file["accessors"][0]["count"] = json!(5000)),
        ("skin.POSITION", |file| file["accessors"][0]["byteOffset"] = json!(1_u64 << 62)),
        ("skin.POSITION", |file| file["bufferViews"][0]["byteOffset"] = json!(u64::MAX)),
        ("skin.indices", |file| file["accessors"][3]["count"] = json!(2)),
        ("targets[0]", |file| file["accessors"][4]["count"] = json!(2)),
        ("targets[0]", |file| file["accessors"][4]["sparse"]["count"] = json!(4)),
        ("inverseBindMatrices", |file| file["accessors"][5]["count"] = json!(1)),
        ("nodes", |file| drop(file["nodes"][0].as_object_mut().unwrap().remove("skin"))),
        ("joints", |file| file["nodes"][2]["children"] = json!([3])),
    ];
    let (file, data) = sound();
    for (field, spoil) in cases {
        let mut file = file.clone();
        spoil(&mut file);
        let error = read(&glb(&file, &data), "head.glb").unwrap_err();
        assert!(matches!(error, RigError::Mesh { .. }), "{field}: {error}");
        let message = error.to_string();
        assert!(message.starts_with("head.glb: ") && message.contains(field), "{field}: {message}");
    }
}

fn attributes(file: &mut Value) -> &mut serde_json::Map<String, Value> {
    file["meshes"][0]["primitives"][0]["attributes"].as_object_mut().unwrap()
}

#[test]
fn numbers_that_are_not_finite_are_errors() {
    let (file, mut data) = sound();
    data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let error = read(&glb(&file, &data), "head.glb").unwrap_err();
    assert!(error.to_string().contains("POSITION"), "{error}");
}

#[test]
fn cut_and_damaged_files_never_panic() {
    let (file, data) = sound();
    let bytes = glb(&file, &data);
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length], "head.glb").is_err(), "cut at {length}");
    }
    for index in 0..bytes.len() {
        for change in [0x01, 0x10, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[index] ^= change;
            drop(read(&bytes, "head.glb"));
        }
    }
}

#[test]
fn other_files_are_syntax_errors() {
    let nested = glb(&json!({"asset": {"version": "2.0"}}), &[]);
    for bytes in [&b""[..], b"glTF", b"{\"asset\":{\"version\":\"2.0\"}}", &[0xff; 64], b"glTF\x02\0\0\0\0\0\0\0"] {
        assert!(matches!(read(bytes, "x"), Err(RigError::Syntax { .. })));
    }
    assert!(matches!(read(&nested, "x"), Err(RigError::Mesh { .. })), "no meshes");
}
