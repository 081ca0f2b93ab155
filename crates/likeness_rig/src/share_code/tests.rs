#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::synthetic;

#[test]
fn a_neutral_face_is_short_and_exact() {
    let rig = synthetic::rig();
    let face = Face::neutral(&rig);
    let code = encode(&rig, &face);
    assert!(code.len() < 40, "{code}");
    let back = decode(&rig, &code).unwrap();
    assert_eq!(back.parameters, face.parameters);
    assert_eq!(back.options, face.options);
}

#[test]
fn long_runs_of_neutral_parameters_come_back() {
    let mut rig = synthetic::rig();
    let first = rig.parameters[0].clone();
    rig.parameters = (0..700).map(|index| crate::Parameter { name: format!("p{index}"), ..first.clone() }).collect();
    let mut face = Face::neutral(&rig);
    assert_eq!(decode(&rig, &encode(&rig, &face)).unwrap().parameters, face.parameters);
    face.parameters[699] = 1.0;
    face.parameters[255] = 0.0;
    assert_eq!(decode(&rig, &encode(&rig, &face)).unwrap().parameters, face.parameters);
}

#[test]
fn curves_and_lower_ends_leave_codes_and_face_files_as_they_were() {
    let (plain, bent) = (synthetic::rig(), synthetic::bent_rig());
    let mut face = Face::neutral(&plain);
    face.parameters = synthetic::values(&plain, 6);
    let code = encode(&plain, &face);
    assert_eq!(encode(&bent, &face), code);
    assert_eq!(decode(&bent, &code).unwrap(), decode(&plain, &code).unwrap());
    let file = crate::FaceFile::new(&plain, &face);
    assert_eq!(file.to_json().unwrap(), crate::FaceFile::new(&bent, &face).to_json().unwrap());
    assert_eq!(file.resolve(&bent).unwrap(), (face, Vec::new()));
}

#[test]
fn damage_is_noticed() {
    let rig = synthetic::rig();
    let mut face = Face::neutral(&rig);
    face.parameters = synthetic::values(&rig, 4);
    let code = encode(&rig, &face);
    for index in 0..code.len() {
        let mut letters = code.clone().into_bytes();
        letters[index] = if letters[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(letters).unwrap();
        assert!(matches!(decode(&rig, &changed), Err(RigError::ShareCode { .. })), "letter {index}");
        assert!(matches!(decode(&rig, &code[..index]), Err(RigError::ShareCode { .. })), "cut at {index}");
    }
    let long = format!("{PREFIX}{}", "A".repeat(1 << 20));
    assert!(matches!(decode(&rig, &long), Err(RigError::ShareCode { .. })));
    let broken = format!("  {}\n{} ", &code[..9], &code[9..]);
    assert_eq!(decode(&rig, &broken).unwrap(), decode(&rig, &code).unwrap());
}

#[test]
fn another_rig_is_noticed() {
    let rig = synthetic::rig();
    let code = encode(&rig, &Face::neutral(&rig));
    let newer = Rig { version: 4, ..rig.clone() };
    let other = Rig { id: "other".into(), ..rig };
    for rig in [newer, other] {
        assert!(matches!(decode(&rig, &code), Err(RigError::WrongRig { .. })));
    }
}

#[test]
fn hostile_values_still_make_a_code() {
    let rig = synthetic::rig();
    let face = Face {
        parameters: vec![f32::NAN, f32::INFINITY, -3.0],
        options: vec![99],
        colors: vec![[f32::NAN; 3]],
        details: vec![f32::NAN, 7.0],
    };
    let back = decode(&rig, &encode(&rig, &face)).unwrap();
    back.validate(&rig).unwrap();
}

#[test]
fn codes_of_the_first_version_still_load() {
    let rig = synthetic::rig();
    let mut face = Face::neutral(&rig);
    face.parameters[3] = 1.0;
    face.options[0] = 2;
    face.colors[1] = [1.0, 0.0, 1.0];
    // As the first version wrote it: the natural colours, and nothing after them.
    let mut bytes = crc32fast::hash(rig.id.as_bytes()).to_le_bytes().to_vec();
    bytes.extend(rig.version.to_le_bytes());
    bytes.extend([RUN, 3, 254, RUN, rig.parameters.len() as u8 - 4, 2]);
    bytes.extend(face.colors[..2].as_flattened().iter().map(|value| (value.sqrt() * 255.0).round() as u8));
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let back = decode(&rig, &format!("BL1-{}", URL_SAFE_NO_PAD.encode(bytes))).unwrap();
    assert_eq!(back.parameters, face.parameters);
    assert_eq!(back.options, face.options);
    assert_eq!(back.colors[1], face.colors[1]);
    assert_eq!(back.colors[2..], Face::neutral(&rig).colors[2..]);
    assert_eq!(back.details, Face::neutral(&rig).details);
}

#[test]
fn a_rig_may_grow_by_details_and_colors() {
    let mut rig = synthetic::rig();
    let mut face = Face::neutral(&rig);
    face.details[0] = 1.0;
    let code = encode(&rig, &face);
    rig.details.push(crate::Detail { name: "new".into(), default: 0.25, ..rig.details[0].clone() });
    rig.colors.push(crate::ColorSlot { name: "new".into(), ..rig.colors[2].clone() });
    let back = decode(&rig, &code).unwrap();
    assert_eq!(back.details.last(), Some(&0.25));
    assert_eq!(back.details[0], 1.0);
    back.validate(&rig).unwrap();
    rig.details.clear();
    assert!(matches!(decode(&rig, &code), Err(RigError::ShareCode { .. })));
}

proptest! {
    #[test]
    fn codes_come_back_within_a_step(seed in 0_u64..10_000, neutral in 0_usize..37, choice in 0_usize..3, blue in 0.0_f32..=1.0, freckles in 0.0_f32..=1.0) {
        let rig = synthetic::rig();
        let mut face = Face::neutral(&rig);
        face.parameters = synthetic::values(&rig, seed);
        face.parameters[neutral / 2..neutral].fill(0.5);
        face.options[0] = choice;
        face.colors[0][2] = blue;
        face.details[1] = freckles;
        let code = encode(&rig, &face);
        prop_assert!(code.bytes().all(|letter| letter.is_ascii_graphic()));
        let back = decode(&rig, &code).unwrap();
        for (a, b) in face.parameters.iter().zip(&back.parameters) {
            prop_assert!((a - b).abs() <= PARAMETER_STEP + 1e-6);
        }
        prop_assert_eq!(&back.options, &face.options);
        for (a, b) in face.colors.as_flattened().iter().zip(back.colors.as_flattened()) {
            prop_assert!((a - b).abs() < 0.004);
        }
        for (a, b) in face.details.iter().zip(&back.details) {
            prop_assert!((a - b).abs() <= PARAMETER_STEP + 1e-6);
        }
        prop_assert_eq!(encode(&rig, &back), code, "a code of what a code gave is the same");
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,80}", tail in "[A-Za-z0-9_-]{0,120}") {
        let rig = synthetic::rig();
        prop_assert!(decode(&rig, &text).is_err());
        drop(decode(&rig, &format!("{PREFIX}{tail}")));
    }
}
