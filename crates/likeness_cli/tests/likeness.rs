//! The `likeness` command as scripts see it: files, lines and exit codes.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use image::{DynamicImage, Rgb, RgbImage};
use likeness_rig::{HeadMesh, LandmarkSet, Rig};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets")
}

fn astronaut() -> PathBuf {
    assets().join("photos/astronaut.jpg")
}

fn likeness(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_likeness")).args(arguments).env("LIKENESS_ASSETS", assets()).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn a_photo_becomes_a_face_file() {
    let out = tempfile::tempdir().unwrap();
    let photo = astronaut();
    let output = likeness(&["create", text(&photo), "--out", text(out.path()), "--no-render"]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&output);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(line["ok"], true);
    assert_eq!(line["photo"], text(&photo));
    for step in ["decode", "detect", "landmarks", "align", "predict", "skin"] {
        assert!(line["ms"][step].as_f64().unwrap() > 0.0, "{step}: {line}");
    }
    assert!((0.0..=1.0).contains(&line["confidence"].as_f64().unwrap()));
    let face: Value = serde_json::from_slice(&std::fs::read(out.path().join("astronaut/face.json")).unwrap()).unwrap();
    assert_eq!(face["format"], 1);
    assert!(face["parameters"].as_object().unwrap().len() >= 208);
    assert!(!out.path().join("astronaut/render.png").exists());
    assert_eq!(face["photo_skin"], "skin.png");
}

#[test]
fn the_skin_of_a_photo_lies_where_the_head_has_it() {
    let out = tempfile::tempdir().unwrap();
    let output = likeness(&["create", text(&astronaut()), "--out", text(out.path()), "--no-render"]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let skin = image::open(out.path().join("astronaut/skin.png")).unwrap().to_rgba8();
    let rig = Rig::load(&assets().join("head/head.rig.ron")).unwrap();
    let mesh = HeadMesh::load(&assets().join("head").join(&rig.mesh)).unwrap();
    let points = LandmarkSet::load(&assets().join("head").join(&rig.landmarks)).unwrap();
    let uvs = &mesh.part("skin").unwrap().uvs;
    let at = |index: usize| {
        let point = points.points[index];
        let corners = point.triangle.iter().zip(point.weights);
        corners.map(|(vertex, weight)| uvs[*vertex as usize] * weight).sum::<glam::Vec2>()
    };
    let middle = |indices: &[usize]| indices.iter().map(|index| at(*index)).sum::<glam::Vec2>() / indices.len() as f32;
    // The mean over some texels: brightness and coverage, 0..1.
    let mean = |place: glam::Vec2| {
        let (x, y) = ((place.x * skin.width() as f32) as i32, (place.y * skin.height() as f32) as i32);
        let texels = (-3..=3).flat_map(|dy| (-3..=3).map(move |dx| (dx, dy)));
        let mut sum = (0.0, 0.0);
        for (dx, dy) in texels {
            let [r, g, b, a] = skin.get_pixel((x + dx) as u32, (y + dy) as u32).0.map(f32::from);
            sum = (sum.0 + (r + g + b) / 765.0 / 49.0, sum.1 + a / 255.0 / 49.0);
        }
        sum
    };
    let cheek = mean(middle(&[41, 48, 31]));
    // Brows may lie a little higher or lower than the landmark network says.
    let [left_brow, right_brow] = [[23, 24], [19, 20]].map(|brow| {
        let heights = (-24..=24).map(|row| mean(middle(&brow) + glam::Vec2::new(0.0, row as f32 / 1024.0)));
        heights.filter(|(_, cover)| *cover > 0.9).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
    });
    for brow in [left_brow, right_brow] {
        assert!(cheek.1 > 0.9 && brow.1 > 0.5, "skin that is not covered: {cheek:?} {brow:?}");
        assert!(brow.0 < 0.95 * cheek.0, "brows are darker: {cheek:?} {brow:?}");
    }
    for (what, place) in [
        ("an eye", middle(&[37, 38, 40, 41])),
        ("teeth", middle(&[61, 62, 63, 65, 66, 67])),
        ("the neck", at(8) + glam::Vec2::new(0.0, 0.06)),
        ("the crown", at(27) - glam::Vec2::new(0.0, 0.25)),
    ] {
        assert!(mean(place).1 < 0.05, "{what} is no skin of the face");
    }
}

#[cfg(feature = "render")]
#[test]
fn a_face_is_drawn_with_the_skin_that_its_file_names() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let made = likeness(&["create", text(&astronaut()), "--out", text(folder.path()), "--no-render"]);
    assert_eq!(code(&made), 0, "{}", String::from_utf8_lossy(&made.stderr));
    let face = place("astronaut/face.json");
    let draw = |out: &str, more: &[&str]| {
        let out = place(out);
        let arguments = ["render", text(&face), "--size", "96", "--out", text(&out)];
        likeness(&[&arguments, more].concat())
    };
    assert_eq!((code(&draw("seen.png", &[])), code(&draw("painted.png", &["--painted-skin"]))), (0, 0));
    let read = |name: &str| image::open(place(name)).unwrap().to_rgb8();
    assert_ne!(read("seen.png"), read("painted.png"));
    std::fs::write(place("astronaut/skin.png"), "no picture").unwrap();
    let broken = draw("broken.png", &[]);
    assert_eq!(code(&broken), 1);
    assert!(
        String::from_utf8_lossy(&broken.stderr).contains("skin.png"),
        "{}",
        String::from_utf8_lossy(&broken.stderr)
    );
    let plain =
        likeness(&["create", text(&astronaut()), "--out", text(&place("plain")), "--no-render", "--painted-skin"]);
    assert_eq!(code(&plain), 0);
    assert!(!place("plain/astronaut/skin.png").exists());
}

#[test]
fn a_bad_photo_does_not_stop_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let portrait = image::open(astronaut()).unwrap().to_rgb8();
    let blank = RgbImage::from_pixel(300, 300, Rgb([120, 130, 140]));
    let mut two = RgbImage::new(portrait.width() * 2, portrait.height());
    image::imageops::replace(&mut two, &portrait, 0, 0);
    image::imageops::replace(&mut two, &portrait, i64::from(portrait.width()), 0);
    let tiny = image::imageops::thumbnail(&portrait, portrait.width() / 6, portrait.height() / 6);
    std::fs::write(file("text.jpg"), "no picture at all").unwrap();
    let jpeg = std::fs::read(astronaut()).unwrap();
    std::fs::write(file("cut.jpg"), &jpeg[..jpeg.len() / 2]).unwrap();
    std::fs::create_dir(file("folder.jpg")).unwrap();
    RgbImage::new(1, 1).save(file("pixel.png")).unwrap();
    blank.save(file("blank.png")).unwrap();
    two.save(file("two.png")).unwrap();
    tiny.save(file("tiny.png")).unwrap();
    let grey = DynamicImage::from(portrait.clone()).to_luma16();
    grey.save(file("grey16.png")).unwrap();

    let expected = [
        ("missing.jpg", Some("check that the path exists")),
        ("folder.jpg", Some("folder")),
        ("text.jpg", Some("not a JPEG, PNG or WebP picture")),
        ("cut.jpg", Some("cut short")),
        ("pixel.png", Some("too small")),
        ("blank.png", Some("no face was found")),
        ("two.png", Some("2 faces were found")),
        ("tiny.png", Some("")),
        ("grey16.png", None),
    ];
    let photos: Vec<PathBuf> = expected.iter().map(|(name, _)| file(name)).collect();
    let out = file("out");
    let mut arguments = vec!["create", "--no-render", "--out", text(&out)];
    arguments.extend(photos.iter().map(|photo| text(photo)));
    let output = likeness(&arguments);
    assert_eq!(code(&output), 1);
    let lines = lines(&output);
    assert_eq!(lines.len(), expected.len());
    for ((name, problem), line) in expected.iter().zip(&lines) {
        assert!(line["photo"].as_str().unwrap().ends_with(name), "{line}");
        match problem {
            None => assert_eq!(line["ok"], true, "{line}"),
            Some(problem) => {
                assert_eq!(line["ok"], false, "{line}");
                assert!(line["error"].as_str().unwrap().contains(problem), "{line}");
            }
        }
    }
    assert!(out.join("grey16/face.json").exists());
}

#[test]
fn the_largest_of_several_faces_is_taken_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let portrait = image::open(astronaut()).unwrap().to_rgb8();
    let mut two = RgbImage::new(portrait.width() * 2, portrait.height());
    image::imageops::replace(&mut two, &portrait, 0, 0);
    image::imageops::replace(&mut two, &portrait, i64::from(portrait.width()), 0);
    let photo = folder.path().join("two.png");
    two.save(&photo).unwrap();
    let out = folder.path().join("out");
    let output = likeness(&["create", text(&photo), "--largest", "--no-render", "--out", text(&out)]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn bad_networks_and_rigs_are_refused_with_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let model = std::fs::read(assets().join("models/bone_point.safetensors")).unwrap();
    let header = 8 + u64::from_le_bytes(model[..8].try_into().unwrap()) as usize;
    let with = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut not_numbers = model.clone();
    not_numbers[header..header + 8].fill(0xff);
    let rig_id = Rig::load(&assets().join("head/head.rig.ron")).unwrap().id;
    let mut other_rig = model.clone();
    let place = other_rig.windows(rig_id.len()).position(|window| window == rig_id.as_bytes()).unwrap();
    other_rig[place] = b'x';
    let models = [
        with("truncated.safetensors", &model[..model.len() - 100]),
        with("not_numbers.safetensors", &not_numbers),
        with("other_rig.safetensors", &other_rig),
        with("nonsense.safetensors", b"nonsense"),
        folder.path().join("missing.safetensors"),
    ];
    let photo = astronaut();
    for model in models {
        let output =
            likeness(&["create", text(&photo), "--no-render", "--model", text(&model), "--out", text(folder.path())]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), 1, "{message}");
        assert!(message.contains(text(&model)), "{message}");
    }

    for name in ["head.glb", "head.prior.safetensors", "head.landmarks.json"] {
        std::fs::copy(assets().join("head").join(name), folder.path().join(name)).unwrap();
    }
    let rig = std::fs::read_to_string(assets().join("head/head.rig.ron")).unwrap();
    let rig = rig.replacen("joint: \"glabella\"", "joint: \"third_eye\"", 1);
    let rig = with("head.rig.ron", rig.as_bytes());
    let output = likeness(&["create", text(&photo), "--no-render", "--rig", text(&rig), "--out", text(folder.path())]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(code(&output), 1, "{message}");
    assert!(message.contains("third_eye"), "{message}");
}

#[test]
fn share_codes_come_back_as_the_face() {
    let folder = tempfile::tempdir().unwrap();
    let photo = astronaut();
    likeness(&["create", text(&photo), "--no-render", "--out", text(folder.path())]);
    let face = folder.path().join("astronaut/face.json");
    let output = likeness(&["code", text(&face)]);
    let line = String::from_utf8(output.stdout).unwrap();
    let copy = folder.path().join("copy.json");
    assert_eq!(code(&likeness(&["decode", line.trim(), "--out", text(&copy)])), 0);
    let read = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let (first, second) = (read(&face), read(&copy));
    for (name, value) in first["parameters"].as_object().unwrap() {
        let back = second["parameters"][name].as_f64().unwrap();
        assert!((value.as_f64().unwrap() - back).abs() < 0.005, "{name}");
    }
    let broken = line.trim().replace(|c: char| c.is_ascii_lowercase(), "Q");
    assert_eq!(code(&likeness(&["decode", &broken])), 1);
}

#[test]
fn bench_prints_a_positive_number_for_every_key() {
    let output = likeness(&["bench", "--json", "--seconds", "0.01", "--batch", "1"]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&output);
    let [object] = &lines[..] else { panic!("{lines:?}") };
    let mut parts = vec!["bone_point.ms", "landmarks.ms", "create.ms", "apply.us", "train.images_per_s"];
    if cfg!(feature = "render") {
        parts.push("render.faces_per_s");
    }
    let steps = ["decode", "detect", "landmarks", "align", "predict", "load", "first"];
    let steps = steps.map(|step| format!("create.{step}_ms"));
    for key in parts.iter().copied().chain(steps.iter().map(String::as_str)) {
        let value = object[key].as_f64().unwrap_or_else(|| panic!("{key} is missing: {object}"));
        assert!(value.is_finite() && value > 0.0, "{key}: {object}");
    }
    for key in parts {
        let spread = |name: &str| object["spread"][key][name].as_f64().unwrap();
        assert!(spread("low") <= spread("median") && spread("median") <= spread("high"), "{key}: {object}");
        assert!(spread("runs") >= 3.0 && spread("best") > 0.0, "{key}: {object}");
    }
    assert!(object["threads"].as_u64().unwrap() >= 1);
}

#[test]
fn bench_measures_only_what_is_asked_for() {
    let output = likeness(&["bench", "--json", "--seconds", "0.01", "--threads", "1", "--only", "landmarks.ms"]);
    let lines = lines(&output);
    assert!(lines[0]["landmarks.ms"].as_f64().unwrap() > 0.0);
    assert_eq!(lines[0]["threads"], 1);
    assert!(lines[0].get("bone_point.ms").is_none());
}

#[test]
fn wrong_usage_exits_with_two() {
    for arguments in [
        &["create"][..],
        &["create", "photo.jpg"],
        &["random", "--count", "0", "--out", "x"],
        &["render", "face.json", "--out", "x.png", "--expression", "grin=1"],
        &["bench", "--only", "luck"],
        &["no-such-command"],
    ] {
        assert_eq!(code(&likeness(arguments)), 2, "{arguments:?}");
    }
}

#[test]
fn landmarks_are_printed_in_pixels() {
    let photo = astronaut();
    let output = likeness(&["landmarks", text(&photo), "missing.jpg"]);
    assert_eq!(code(&output), 1);
    let lines = lines(&output);
    assert_eq!(lines[0]["landmarks"].as_array().unwrap().len(), 68);
    let tip = &lines[0]["landmarks"][30];
    let [x, y, w, h] = [0, 1, 2, 3].map(|index| lines[0]["box"][index].as_f64().unwrap());
    let (tip_x, tip_y) = (tip[0].as_f64().unwrap(), tip[1].as_f64().unwrap());
    assert!((x..x + w).contains(&tip_x) && (y..y + h).contains(&tip_y), "{tip} in {x} {y} {w} {h}");
    assert_eq!(lines[1]["ok"], false);
}

#[cfg(feature = "render")]
#[test]
fn random_faces_are_drawn_and_the_same_for_a_seed() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |name: &str, count: &str| {
        let out = folder.path().join(name);
        let output = likeness(&["random", "--count", count, "--seed", "5", "--size", "128", "--out", text(&out)]);
        assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
        out
    };
    let read = |folder: &Path, file: &str| std::fs::read(folder.join(file)).unwrap();
    let (first, again, fewer) = (draw("first", "3"), draw("again", "3"), draw("fewer", "2"));
    assert!(read(&first, "001/face.json") == read(&fewer, "001/face.json"));
    assert!(read(&first, "001/render.png") == read(&again, "001/render.png"));
    let render = image::open(first.join("000/render.png")).unwrap().to_rgb8();
    assert_ne!(render, image::open(first.join("001/render.png")).unwrap().to_rgb8());
    assert!(first.join("sheet.png").exists() && first.join("002/face.json").exists());
}

#[cfg(feature = "render")]
#[test]
fn several_faces_are_drawn_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let output = likeness(&["random", "--count", "2", "--size", "16", "--out", text(&place("faces"))]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let [first, second] = ["000", "001"].map(|number| place("faces").join(number).join("face.json"));
    let draw = |faces: &[&Path], out: &str, fov: &str| {
        let out = place(out);
        let faces = faces.iter().map(|face| text(face));
        let arguments: Vec<_> =
            ["render", "--size", "64", "--fov", fov, "--out", text(&out)].into_iter().chain(faces).collect();
        let output = likeness(&arguments);
        assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    };
    draw(&[&first, &second], "both", "30");
    draw(&[&second], "second.png", "30");
    draw(&[&second], "far.png", "12");
    let read = |name: &str| image::open(place(name)).unwrap().to_rgb8();
    let difference = |a: &str, b: &str| -> u32 {
        let (a, b) = (read(a), read(b));
        a.iter().zip(b.iter()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
    };
    // Stems that collide get a number. Pictures that are drawn together may be rounded otherwise than one alone.
    let same = difference("both/face-2.png", "second.png");
    assert!(8 * same < difference("both/face.png", "both/face-2.png"), "the second face is another one: {same}");
    assert!(8 * same < difference("second.png", "far.png"), "the camera has not moved");
    let wrong = likeness(&["render", text(&first), "--fov", "0", "--out", "x.png"]);
    assert_eq!(code(&wrong), 2);
}
