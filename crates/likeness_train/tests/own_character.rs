//! The commands of docs/own-character.md, run at small sizes on a head of other names, axes and unit.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(feature = "render")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use likeness_rig::{Curve, FaceFile, Rig, rig_text};
use serde_json::{Value, json};

/// Numbers of the page that are made small.
const SMALL: [(&str, &str); 4] = [("--count", "4"), ("--steps", "3"), ("--size", "64"), ("--batch", "2")];

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The bundled head as another tool might export it: z up, centimetres, off the origin, other names, and fewer joints that are
/// named after the face.
fn foreign_head() -> Vec<u8> {
    let bytes = fs::read(repository().join("assets/head/head.glb")).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let text = 20..20 + word(12);
    let mut file: Value = serde_json::from_slice(&bytes[text.clone()]).unwrap();
    let mut data = bytes[text.end + 8..].to_vec();

    // y up in metres becomes z up in centimetres.
    let turned = |[x, y, z]: [f32; 3]| [100.0 * x, -100.0 * z, 100.0 * y];
    let shift = [5.0, -20.0, 165.0];
    let mut moved = Vec::new();
    let mut change = |view: usize, offset: usize, count: usize, by: [f32; 3], scale: f32, file: &Value| {
        let start = file["bufferViews"][view]["byteOffset"].as_u64().unwrap_or(0) as usize + offset;
        if moved.contains(&start) {
            return;
        }
        moved.push(start);
        for row in data[start..start + 12 * count].chunks_exact_mut(12) {
            let value = std::array::from_fn(|axis| f32::from_le_bytes(row[4 * axis..4 * axis + 4].try_into().unwrap()));
            for ((value, by), place) in turned(value).into_iter().zip(by).zip(row.chunks_exact_mut(4)) {
                place.copy_from_slice(&(value * scale + by).to_le_bytes());
            }
        }
    };
    let accessors = file["accessors"].as_array().unwrap().clone();
    let at = |value: &Value| value.as_u64().unwrap() as usize;
    for primitive in file["meshes"].as_array().unwrap().iter().flat_map(|mesh| mesh["primitives"].as_array().unwrap()) {
        for (name, by, scale) in [("POSITION", shift, 1.0), ("NORMAL", [0.0; 3], 0.01)] {
            let accessor = &accessors[at(&primitive["attributes"][name])];
            let offset = accessor["byteOffset"].as_u64().unwrap_or(0) as usize;
            change(at(&accessor["bufferView"]), offset, at(&accessor["count"]), by, scale, &file);
        }
        for target in primitive["targets"].as_array().into_iter().flatten() {
            let sparse = &accessors[at(&target["POSITION"])]["sparse"];
            if let Some(count) = sparse["count"].as_u64() {
                change(at(&sparse["values"]["bufferView"]), 0, count as usize, [0.0; 3], 1.0, &file);
            }
        }
    }
    let binds = at(&file["skins"][0]["inverseBindMatrices"]);
    let start = at(&file["bufferViews"][at(&accessors[binds]["bufferView"])]["byteOffset"]);
    for row in data[start..start + 64 * at(&accessors[binds]["count"])].chunks_exact_mut(64) {
        // Pure translations: away from where the joint rests.
        let value =
            std::array::from_fn(|axis| f32::from_le_bytes(row[48 + 4 * axis..52 + 4 * axis].try_into().unwrap()));
        for ((value, by), place) in turned(value).into_iter().zip(shift).zip(row[48..60].chunks_exact_mut(4)) {
            place.copy_from_slice(&(value - by).to_le_bytes());
        }
    }
    for node in file["nodes"].as_array_mut().unwrap() {
        let name = node["name"].as_str().unwrap().to_owned();
        if let Some(list) = node["translation"].as_array() {
            let value = std::array::from_fn(|axis| list[axis].as_f64().unwrap() as f32);
            let mut value = turned(value);
            if name == "root" {
                value = std::array::from_fn(|axis| value[axis] + shift[axis]);
            }
            node["translation"] = json!(value);
        } else if name == "root" {
            node["translation"] = json!(shift);
        }
        node["name"] = json!(match name.rsplit_once('.') {
            Some((stem, "L")) => format!("L_{stem}_JNT"),
            Some((stem, "R")) => format!("R_{stem}_JNT"),
            _ if name.starts_with("skull") || name.starts_with("forehead") => format!("helper_{}", name.len()),
            _ if name == "skin" => "Head_Geo".to_owned(),
            _ => name,
        });
    }

    let mut text = file.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    let mut out = b"glTF".to_vec();
    for number in [2, 28 + text.len() + data.len(), text.len()] {
        out.extend((number as u32).to_le_bytes());
    }
    out.extend(b"JSON");
    out.extend(&text);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(b"BIN\0");
    out.extend(&data);
    out
}

/// The commands of the page, in order.
fn commands() -> Vec<Vec<String>> {
    let page = fs::read_to_string(repository().join("docs/own-character.md")).unwrap();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).filter(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

fn program(name: &str) -> PathBuf {
    let trainer = PathBuf::from(env!("CARGO_BIN_EXE_likeness-train"));
    let program = trainer.with_file_name(name);
    assert!(program.exists(), "{} is missing: build the workspace's programs first", program.display());
    program
}

fn run(command: &[String], folder: &Path) {
    let mut arguments = command[1..].to_vec();
    for index in 1..arguments.len() {
        if let Some((_, small)) = SMALL.iter().find(|(flag, _)| *flag == arguments[index - 1]) {
            arguments[index] = (*small).to_owned();
        }
    }
    if arguments.first().is_some_and(|first| first == "train") {
        arguments.extend(["--batch", "2"].map(str::to_owned));
    }
    let output = Command::new(program(&command[0]))
        .args(&arguments)
        .current_dir(folder)
        .env("LIKENESS_ASSETS", repository().join("assets"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
}

/// As a designer would: another name, a wider range, an end of its own and a curve.
fn edit(rig_path: &Path) -> Rig {
    let text = fs::read_to_string(rig_path).unwrap();
    let mut rig = Rig::load(rig_path).unwrap();
    let nose = rig.parameters.iter_mut().find(|parameter| parameter.region == "nose").unwrap();
    nose.caption = "The nose, as we like it".into();
    nose.drives[0].amount *= 1.1;
    nose.drives[0].low = Some(-0.5 * nose.drives[0].amount);
    nose.curve = Curve(1.5);
    let edited = rig_text::updated(&text, &rig, "hero.rig.ron").unwrap();
    assert!(edited.starts_with("// A draft"), "the comment stays");
    fs::write(rig_path, edited).unwrap();
    rig
}

#[test]
fn a_third_party_head_becomes_a_character() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("my_head.glb"), foreign_head()).unwrap();
    fs::copy(repository().join("assets/photos/astronaut.jpg"), folder.path().join("selfie.jpg")).unwrap();
    let commands = commands();
    let names: Vec<&str> = commands.iter().map(|command| command[1].as_str()).collect();
    assert_eq!(names, ["rig", "random", "render", "train", "create"], "the page's commands");
    let rig_path = folder.path().join("own/hero.rig.ron");
    run(&commands[0], folder.path());
    let rig = edit(&rig_path);
    assert!(rig.bones.iter().any(|bone| bone.joint == "L_lip_corner_JNT" && bone.name == "lip_corner.L"));
    assert!(!rig.bones.iter().any(|bone| bone.joint.starts_with("helper")), "joints without a region are left alone");
    for command in &commands[1..] {
        run(command, folder.path());
    }
    let face = FaceFile::load(&folder.path().join("faces/selfie/face.json")).unwrap();
    let (face, notices) = face.resolve(&rig).unwrap();
    assert!(notices.is_empty() && face.parameters.iter().any(|value| *value != 0.5), "{notices:?}");
    let picture = image::open(folder.path().join("faces/selfie/render.png")).unwrap().to_rgb8();
    // The face is in the picture, not the background alone.
    let ground = *picture.get_pixel(2, 2);
    let other = picture.pixels().filter(|pixel| **pixel != ground).count();
    assert!(other * 5 > picture.pixels().count(), "{other} pixels of a head");
}
