#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::synthetic;

fn sound() -> Value {
    let rig = synthetic::rig();
    serde_json::to_value(FaceFile::new(&rig, &Face::neutral(&rig))).unwrap()
}

fn open(value: &Value) -> Result<(Face, Vec<FaceNotice>)> {
    FaceFile::from_json(&value.to_string(), "me.face.json")?.resolve(&synthetic::rig())
}

#[test]
fn each_fault_gives_its_error() {
    type Case = (&'static str, fn(&mut Value), fn(&RigError) -> bool);
    let cases: [Case; 22] = [
        ("photo_skin", |face| face["photo_skin"] = json!(1), |error| matches!(error, RigError::WrongType { .. })),
        (
            "photo_skin",
            |face| face["photo_skin"] = json!("../skin.png"),
            |error| matches!(error, RigError::WrongType { .. }),
        ),
        ("photo_skin", |face| face["photo_skin"] = json!(""), |error| matches!(error, RigError::WrongType { .. })),
        ("format 2", |face| face["format"] = json!(2), |error| matches!(error, RigError::Format { .. })),
        ("rig", |face| face["rig"] = json!("other"), |error| matches!(error, RigError::WrongRig { .. })),
        ("rig", |face| face["rig"] = json!(7), |error| matches!(error, RigError::WrongType { .. })),
        (
            "rig_version",
            |face| face["rig_version"] = json!(5_000_000_000_u64),
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        (
            "parameters.horns",
            |face| face["parameters"]["horns"] = json!(0.5),
            |error| matches!(error, RigError::UnknownName { .. }),
        ),
        (
            "parameters.nose.0",
            |face| drop(face["parameters"].as_object_mut().unwrap().remove("nose.0")),
            |error| matches!(error, RigError::MissingName { .. }),
        ),
        (
            "parameters.nose.0",
            |face| face["parameters"]["nose.0"] = json!(1.01),
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        (
            "parameters.nose.0",
            |face| face["parameters"]["nose.0"] = Value::Null,
            |error| matches!(error, RigError::OutOfRange { value, .. } if value.is_nan()),
        ),
        (
            "parameters.nose.0",
            |face| face["parameters"]["nose.0"] = json!("wide"),
            |error| matches!(error, RigError::WrongType { .. }),
        ),
        ("parameters", |face| face["parameters"] = json!([0.5]), |error| matches!(error, RigError::WrongType { .. })),
        (
            "options.hair.style",
            |face| face["options"]["hair.style"] = json!("curly"),
            |error| matches!(error, RigError::UnknownChoice { .. }),
        ),
        (
            "options.hair.style",
            |face| face["options"]["hair.style"] = json!(1),
            |error| matches!(error, RigError::WrongType { .. }),
        ),
        (
            "colors.skin",
            |face| face["colors"]["skin"] = json!([0.1, 0.2]),
            |error| matches!(error, RigError::WrongType { .. }),
        ),
        (
            "colors.skin",
            |face| face["colors"]["skin"] = json!([0.1, -0.2, 0.1]),
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        (
            "details.scales",
            |face| face["details"]["scales"] = json!(0.5),
            |error| matches!(error, RigError::UnknownName { .. }),
        ),
        (
            "details.skin.freckles",
            |face| face["details"]["skin.freckles"] = json!(-0.5),
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        ("details", |face| face["details"] = json!([0.5]), |error| matches!(error, RigError::WrongType { .. })),
        ("confidence", |face| face["confidence"] = json!(1.5), |error| matches!(error, RigError::OutOfRange { .. })),
        ("notes", |face| face["notes"] = json!(""), |error| matches!(error, RigError::UnknownName { .. })),
    ];
    open(&sound()).unwrap();
    for (field, spoil, expected) in cases {
        let mut face = sound();
        spoil(&mut face);
        let error = open(&face).unwrap_err();
        assert!(expected(&error), "{field}: {error:?}");
        let message = error.to_string();
        assert!(message.starts_with("me.face.json: ") && message.contains(field), "{field}: {message}");
    }
}

#[test]
fn hostile_text_is_an_error() {
    let sound = sound().to_string();
    let nested = "[".repeat(200_000);
    let huge = format!("{{\"format\":1,\"rig\":\"{}\"}}", "x".repeat(2 << 20));
    for text in ["", "null", "[]", "{", "{\"format\":1e999}", &sound[..sound.len() - 3], &nested, &huge] {
        assert!(FaceFile::from_json(text, "x").is_err());
    }
    assert!(matches!(FaceFile::from_json(&huge, "x"), Err(RigError::TooLarge { .. })));
}

#[test]
fn a_newer_face_loads_with_defaults_and_says_so() {
    let mut face = sound();
    face["rig_version"] = json!(4);
    face["parameters"]["nose.1"] = json!(0.75);
    face["parameters"]["horns.length"] = json!(0.5);
    face["parameters"].as_object_mut().unwrap().remove("nose.0");
    face["options"]["hair.style"] = json!("mohican");
    let (loaded, notices) = open(&face).unwrap();
    let rig = synthetic::rig();
    assert_eq!(loaded.parameters[rig.parameter_index("nose.1").unwrap()], 0.75);
    assert_eq!(loaded.parameters[rig.parameter_index("nose.0").unwrap()], 0.5);
    assert_eq!(loaded.options, Face::neutral(&rig).options);
    assert_eq!(
        notices,
        [
            FaceNotice::OtherVersion { face: 4, rig: 3 },
            FaceNotice::Ignored { field: "parameters.horns.length".into() },
            FaceNotice::Defaulted { field: "parameters.nose.0".into() },
            FaceNotice::Defaulted { field: "options.hair.style".into() },
        ]
    );
}

#[test]
fn an_older_face_gets_defaults_for_what_is_new() {
    let mut face = sound();
    face["rig_version"] = json!(2);
    face["parameters"].as_object_mut().unwrap().remove("nose.0");
    let (_, notices) = open(&face).unwrap();
    assert_eq!(notices.len(), 2);
    face["parameters"]["horns"] = json!(0.5);
    let (_, notices) = open(&face).unwrap();
    assert!(notices.contains(&FaceNotice::Ignored { field: "parameters.horns".into() }), "{notices:?}");
}

#[test]
fn a_renamed_parameter_takes_the_value_of_its_former_name() {
    let mut rig = synthetic::rig();
    let mut face = sound();
    face["parameters"]["nose.1"] = json!(0.75);
    rig.parameters[1].name = "nose.height".into();
    let parse = |face: &Value| FaceFile::from_json(&face.to_string(), "me.face.json").unwrap();
    assert!(matches!(parse(&face).resolve(&rig), Err(RigError::UnknownName { .. })), "the old name is forgotten");
    rig.parameters[1].renamed_from.push("nose.1".into());
    let (loaded, notices) = parse(&face).resolve(&rig).unwrap();
    assert_eq!(loaded.parameters[1], 0.75);
    let renamed = FaceNotice::Renamed { field: "parameters.nose.1".into(), now: "nose.height".into() };
    assert_eq!(notices, [renamed]);
    face["parameters"]["nose.height"] = json!(0.25);
    assert_eq!(parse(&face).resolve(&rig).unwrap().0.parameters[1], 0.25, "the present name counts");
}

#[test]
fn a_file_without_details_and_make_up_gets_the_rig_s_defaults() {
    let mut face = sound();
    face["parameters"]["nose.1"] = json!(0.75);
    face.as_object_mut().unwrap().remove("details");
    face["colors"].as_object_mut().unwrap().remove("lipstick");
    let (loaded, notices) = open(&face).unwrap();
    let neutral = Face::neutral(&synthetic::rig());
    assert_eq!((loaded.details, loaded.colors), (neutral.details, neutral.colors));
    assert!(notices.is_empty(), "{notices:?}");
    face["colors"].as_object_mut().unwrap().remove("skin");
    assert!(matches!(open(&face), Err(RigError::MissingName { .. })));
}

#[test]
fn numbers_that_could_not_be_read_are_not_written() {
    let rig = synthetic::rig();
    let mut face = Face::neutral(&rig);
    face.parameters[0] = f32::NAN;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("me.face.json");
    assert!(matches!(FaceFile::new(&rig, &face).save(&path), Err(RigError::OutOfRange { .. })));
    let mut file = FaceFile::new(&rig, &Face::neutral(&rig));
    file.photo_skin = Some("elsewhere/skin.png".to_owned());
    assert!(matches!(file.save(&path), Err(RigError::WrongType { .. })));
    assert!(!path.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn saved_faces_come_back(seed in 0_u64..1000, choice in 0_usize..3, red in 0.0_f32..=1.0, freckles in 0.0_f32..=1.0) {
        let rig = synthetic::rig();
        let mut face = Face::neutral(&rig);
        face.parameters = synthetic::values(&rig, seed);
        face.options[0] = choice;
        face.colors[1][0] = red;
        face.details[1] = freckles;
        let mut file = FaceFile::new(&rig, &face);
        file.confidence = Some(red);
        file.photo_skin = (choice > 0).then(|| "me.skin.png".to_owned());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/me.face.json");
        file.save(&path).unwrap();
        let loaded = FaceFile::load(&path).unwrap();
        prop_assert_eq!(&loaded, &file);
        prop_assert_eq!(loaded.resolve(&rig).unwrap(), (face, Vec::new()));
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        prop_assert_eq!(left.len(), 1, "something was left beside the file");
    }
}
