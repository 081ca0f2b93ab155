#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::synthetic;

/// A change of a sound rig, and what the error must be.
type Case = (&'static str, fn(&mut Rig), fn(&RigError) -> bool);

#[test]
fn a_sound_rig_passes_and_survives_a_round_trip() {
    let rig = synthetic::rig();
    rig.validate("head.rig.ron").unwrap();
    assert_eq!(Rig::from_ron(&rig.to_ron().unwrap(), "head.rig.ron").unwrap(), rig);
}

#[test]
fn each_fault_gives_its_error() {
    let cases: [Case; 38] = [
        ("format", |rig| rig.format = 2, |error| matches!(error, RigError::Format { found: 2, known: 1, .. })),
        ("id", |rig| rig.id.clear(), |error| matches!(error, RigError::Empty { .. })),
        ("id", |rig| rig.id = "Head 1".into(), |error| matches!(error, RigError::BadName { .. })),
        ("mesh", |rig| rig.mesh.clear(), |error| matches!(error, RigError::Empty { .. })),
        ("prior", |rig| rig.prior.clear(), |error| matches!(error, RigError::Empty { .. })),
        ("landmarks", |rig| rig.landmarks.clear(), |error| matches!(error, RigError::Empty { .. })),
        ("bones", |rig| rig.bones.clear(), |error| matches!(error, RigError::Empty { .. })),
        ("parameters", |rig| rig.parameters.clear(), |error| matches!(error, RigError::Empty { .. })),
        ("bones[0].name", |rig| rig.bones[0].name = "Nose".into(), |error| matches!(error, RigError::BadName { .. })),
        ("bones[0].name", |rig| rig.bones[0].name = ".L".into(), |error| matches!(error, RigError::BadName { .. })),
        ("bones[0].joint", |rig| rig.bones[0].joint.clear(), |error| matches!(error, RigError::Empty { .. })),
        (
            "bones[1].name",
            |rig| rig.bones[1].name = "nose".into(),
            |error| matches!(error, RigError::Duplicate { name, .. } if name == "nose"),
        ),
        (
            "bones[1].joint",
            |rig| rig.bones[1].joint = "nose".into(),
            |error| matches!(error, RigError::Duplicate { .. }),
        ),
        (
            "bones[0].mirror",
            |rig| rig.bones[0].mirror = Some("ear".into()),
            |error| matches!(error, RigError::UnknownMirror { bone, .. } if bone == "ear"),
        ),
        (
            "bones[0].mirror",
            |rig| rig.bones[0].mirror = Some("nose".into()),
            |error| matches!(error, RigError::UnknownMirror { .. }),
        ),
        ("bones[2].mirror", |rig| rig.bones[3].mirror = None, |error| matches!(error, RigError::UnknownMirror { .. })),
        (
            "drives[0]",
            |rig| rig.parameters[0].drives[0].bone = "ear".into(),
            |error| matches!(error, RigError::UnknownBone { bone, .. } if bone == "ear"),
        ),
        (
            "drives[0].mirror",
            |rig| rig.parameters[0].drives[0].mirror = true,
            |error| matches!(error, RigError::UnknownMirror { .. }),
        ),
        (
            "amount",
            |rig| rig.parameters[0].drives[0].amount = f32::NAN,
            |error| matches!(error, RigError::OutOfRange { value, .. } if value.is_nan()),
        ),
        (
            "amount",
            |rig| rig.parameters[0].drives[0].amount = 10.0,
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        (
            "drives[0].low",
            |rig| rig.parameters[0].drives[0].low = Some(f32::NAN),
            |error| matches!(error, RigError::OutOfRange { value, .. } if value.is_nan()),
        ),
        (
            "drives[0].low",
            |rig| rig.parameters[0].drives[0].low = Some(-0.3),
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        (
            "(nose.0).curve",
            |rig| rig.parameters[0].curve = Curve(f32::NAN),
            |error| matches!(error, RigError::OutOfRange { value, .. } if value.is_nan()),
        ),
        ("curve", |rig| rig.parameters[0].curve = Curve(0.0), |error| matches!(error, RigError::OutOfRange { .. })),
        ("curve", |rig| rig.parameters[0].curve = Curve(4.5), |error| matches!(error, RigError::OutOfRange { .. })),
        (
            "curve",
            |rig| rig.parameters[0].curve = Curve(f32::INFINITY),
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        ("drives", |rig| rig.parameters[0].drives.clear(), |error| matches!(error, RigError::Empty { .. })),
        (
            "parameters[1].name",
            |rig| rig.parameters[1].name = rig.parameters[0].name.clone(),
            |error| matches!(error, RigError::Duplicate { .. }),
        ),
        (
            "parameters[1].name",
            |rig| rig.parameters[1].name = "nasenlänge".into(),
            |error| matches!(error, RigError::BadName { .. }),
        ),
        ("choices", |rig| rig.options[0].choices.clear(), |error| matches!(error, RigError::Empty { .. })),
        (
            "choices",
            |rig| rig.options[0].choices = (0..257).map(|index| format!("choice{index}")).collect(),
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        (
            "options[0].default",
            |rig| rig.options[0].default = "curly".into(),
            |error| matches!(error, RigError::UnknownChoice { choice, .. } if choice == "curly"),
        ),
        (
            "options[0].meshes",
            |rig| drop(rig.options[0].meshes.insert("curly".into(), "hair/curly.glb".into())),
            |error| matches!(error, RigError::UnknownChoice { choice, .. } if choice == "curly"),
        ),
        (
            "options[0].meshes.short",
            |rig| drop(rig.options[0].meshes.insert("short".into(), String::new())),
            |error| matches!(error, RigError::Empty { .. }),
        ),
        (
            "colors[0].default",
            |rig| rig.colors[0].default[1] = 1.5,
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        (
            "details[1].name",
            |rig| rig.details[1].name = rig.details[0].name.clone(),
            |error| matches!(error, RigError::Duplicate { .. }),
        ),
        (
            "details[0].default",
            |rig| rig.details[0].default = f32::NAN,
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
        (
            "details",
            |rig| {
                let first = rig.details[0].clone();
                rig.details = (0..256).map(|index| Detail { name: format!("d{index}"), ..first.clone() }).collect();
            },
            |error| matches!(error, RigError::OutOfRange { .. }),
        ),
    ];
    for (field, spoil, expected) in cases {
        let mut rig = synthetic::rig();
        spoil(&mut rig);
        let error = rig.validate("head.rig.ron").unwrap_err();
        assert!(expected(&error), "{field}: {error:?}");
        let message = error.to_string();
        assert!(message.starts_with("head.rig.ron: "), "{message}");
        assert!(matches!(error, RigError::Format { .. }) || message.contains(field), "{field}: {message}");
        assert!(rig.compile().is_err(), "{field}: a faulty rig compiles");
    }
}

#[test]
fn choices_have_meshes_and_older_files_have_none() {
    let rig = synthetic::rig();
    let hair = &rig.options[rig.option_index("hair.style").unwrap()];
    assert_eq!(hair.mesh(hair.choice_index("long").unwrap()), Some("hair/long.glb"));
    assert_eq!(hair.mesh(hair.choice_index("none").unwrap()), None);
    assert_eq!((hair.mesh(99), hair.choice_index("curly"), rig.option_index("hat")), (None, None, None));
    let text = rig.to_ron().unwrap();
    let (start, end) = (text.find("meshes").unwrap(), text.find("colors").unwrap());
    let older = format!("{})],{}", &text[..start], &text[end..]);
    assert!(Rig::from_ron(&older, "old.rig.ron").unwrap().options[0].meshes.is_empty());
}

#[test]
fn curves_and_lower_ends_survive_a_round_trip_and_older_files_have_none() {
    let bent = synthetic::bent_rig();
    let text = bent.to_ron().unwrap();
    assert_eq!(Rig::from_ron(&text, "bent.rig.ron").unwrap(), bent);
    assert!(text.contains("curve: 1.6,") && text.contains("low: Some(-0.005)"), "{text}");

    let older = synthetic::rig().to_ron().unwrap();
    assert!(!older.contains("curve") && !older.contains("low:"), "{older}");
    let by_hand =
        r#"(name: "nose.0", caption: "", region: "face", drives: [(bone: "nose", channel: ScaleX, amount: 0.1)])"#;
    let mut parameter: Parameter = ron::from_str(by_hand).unwrap();
    assert_eq!((parameter.curve, parameter.drives[0].low), (Curve::STRAIGHT, None));
    assert_eq!(parameter.drives[0].low_amount(), -0.1);
    parameter.drives[0].low = Some(-0.05);
    parameter.drives[0].scale(2.0);
    assert_eq!((parameter.drives[0].amount, parameter.drives[0].low_amount()), (0.2, -0.1));
    for exponent in ["NaN", "inf", "-1.0", "Some(2.0)", "\"steep\""] {
        let text = older.replacen("drives: [", &format!("curve: {exponent}, drives: ["), 1);
        assert!(Rig::from_ron(&text, "bent.rig.ron").is_err(), "{exponent}");
    }
}

#[test]
fn a_mirror_keeps_turns_or_has_no_say_in_parameters_whose_ends_differ() {
    let mut rig = synthetic::rig();
    // Both sides alike; the middle to one side; a turn about z.
    let [wide, bent, turned] = ["jaw_l.0", "nose.0", "chin.5"].map(|name| rig.parameter_index(name).unwrap());
    rig.parameters.retain(|parameter| !parameter.name.starts_with("eye"));
    let sign = |rig: &Rig, index: usize| rig.mirror_sign(&rig.parameters[index]);
    let signs = |rig: &Rig| [wide, bent, turned].map(|index| sign(rig, index));
    assert_eq!(signs(&rig), [Some(1.0), Some(-1.0), Some(-1.0)]);
    for index in [wide, bent, turned] {
        rig.parameters[index].curve = Curve(2.0);
    }
    assert_eq!(signs(&rig), [Some(1.0), Some(-1.0), Some(-1.0)], "a curve is the same on both sides of neutral");
    rig.parameters[wide].drives[0].low = Some(-0.004);
    rig.parameters[bent].drives[0].low = Some(-0.004);
    rig.parameters[turned].drives[0].low = Some(-rig.parameters[turned].drives[0].amount);
    assert_eq!(signs(&rig), [Some(1.0), None, Some(-1.0)], "a nose that bends further to one side has no mirror image");
}

#[test]
fn older_files_have_no_details_and_only_natural_colors() {
    let rig = synthetic::rig();
    let text = rig.to_ron().unwrap();
    assert_eq!(Rig::from_ron(&text, "x.rig.ron").unwrap(), rig);
    let start = text.find("details").unwrap();
    let older = format!("{})", &text[..start]).replace("cosmetic: false,", "").replace("cosmetic: true,", "");
    let older = Rig::from_ron(&older, "old.rig.ron").unwrap();
    assert!(older.details.is_empty());
    assert_eq!(older.natural_colors().count(), older.colors.len());
    assert_eq!(rig.natural_colors().count(), 2);
    assert_eq!((rig.detail_index("skin.freckles"), rig.color_index("iris")), (Some(1), Some(1)));
}

#[test]
fn text_that_is_no_rig_is_an_error() {
    let sound = synthetic::rig().to_ron().unwrap();
    let nested = format!("({}", "[".repeat(100_000));
    for text in ["", "(", "42", "(format: 1)", &sound[..sound.len() / 2], &nested] {
        assert!(matches!(Rig::from_ron(text, "x.rig.ron"), Err(RigError::Syntax { .. })));
    }
    let huge = " ".repeat(MAX_BYTES as usize + 1);
    assert!(matches!(Rig::from_ron(&huge, "x.rig.ron"), Err(RigError::TooLarge { .. })));
    let missing = Rig::load(Path::new("no/such.rig.ron")).unwrap_err();
    assert!(missing.to_string().contains("no/such.rig.ron"));
}
