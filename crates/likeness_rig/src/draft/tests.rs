#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::OnceLock;

use glam::Quat;

use super::*;
use crate::{BoneOffset, LANDMARK_COUNT, LandmarkModel};

const HEAD: &[u8] = include_bytes!("../../../../assets/head/head.glb");

fn draft(bytes: &[u8]) -> Draft {
    Draft::from_glb(bytes, "own/Hero Head.glb", &DraftOptions::default()).unwrap()
}

/// The bundled head as another tool might export it: other names, z up, centimetres, joints that rest turned.
fn foreign() -> Vec<u8> {
    let mut file = Glb::new(HEAD, "head.glb").unwrap();
    let turn = Quat::from_rotation_x(std::f32::consts::FRAC_PI_2);
    let space = Mat4::from_scale_rotation_translation(Vec3::splat(100.0), turn, Vec3::new(0.0, 3.0, 170.0));
    file.normalize(space, &HashSet::new()).unwrap();
    for (index, name) in file.names().into_iter().enumerate() {
        let renamed = match name.rsplit_once('.') {
            Some((stem, "L")) => format!("L_{stem}_JNT"),
            Some((stem, "R")) => format!("R_{stem}_JNT"),
            _ if name == "skin" => "Body_Mesh".into(),
            _ => name,
        };
        file.rename(index, &renamed);
    }
    file.to_bytes()
}

/// Drafts of the two heads, made once.
fn bundled_draft() -> &'static Draft {
    static DRAFT: OnceLock<Draft> = OnceLock::new();
    DRAFT.get_or_init(|| draft(HEAD))
}

fn foreign_draft() -> &'static Draft {
    static DRAFT: OnceLock<Draft> = OnceLock::new();
    DRAFT.get_or_init(|| draft(&foreign()))
}

#[test]
fn the_bundled_head_keeps_its_place() {
    let draft = bundled_draft();
    let (before, after) = (HeadMesh::from_glb(HEAD, "x").unwrap(), HeadMesh::from_glb(&draft.mesh, "x").unwrap());
    let off = before.parts[0].positions.iter().zip(&after.parts[0].positions).map(|(a, b)| a.distance(*b));
    assert!(off.fold(0.0, f32::max) < 1e-5);
    assert_eq!(draft.rig.id, "hero_head");
    assert!(!draft.notices.iter().any(|notice| matches!(notice, DraftNotice::Moved { .. })), "{:?}", draft.notices);
    let bone = |name: &str| draft.rig.bones.iter().find(|bone| bone.name == name).unwrap();
    assert_eq!(bone("lip_corner.L").mirror.as_deref(), Some("lip_corner.R"));
    assert_eq!(bone("nose_tip").mirror, None);
    assert!(draft.rig.parameters.len() > 60, "{}", draft.rig.parameters.len());
}

#[test]
fn a_head_of_other_make_becomes_the_same_head() {
    let draft = foreign_draft();
    let moved = draft.notices.iter().find(|notice| matches!(notice, DraftNotice::Moved { .. })).unwrap();
    assert_eq!(moved.to_string(), "the head was placed anew: one unit was 0.01 m, up was z, the face looked along -y");
    let (own, mesh) = (HeadMesh::from_glb(HEAD, "x").unwrap(), HeadMesh::from_glb(&draft.mesh, "x").unwrap());
    let (own, skin) = (own.part("skin").unwrap(), mesh.part("skin").unwrap());
    let off = own.positions.iter().zip(&skin.positions).map(|(a, b)| a.distance(*b)).fold(0.0, f32::max);
    assert!(off < 1e-4, "{off}");
    let off = own.normals.iter().zip(&skin.normals).map(|(a, b)| a.distance(*b)).fold(0.0, f32::max);
    assert!(off < 1e-2, "{off}");
    // Bones rest so that landmarks are linear in them, and move in metres along the head's axes.
    let model = LandmarkModel::new(&draft.rig, &mesh, &draft.landmarks).unwrap();
    assert_eq!(model.parameter_count(), draft.rig.parameters.len());
    let binding = mesh.bind(&draft.rig).unwrap();
    let tip = draft.rig.bones.iter().position(|bone| bone.name == "nose_tip").unwrap();
    let mut offsets = vec![BoneOffset::IDENTITY; draft.rig.bones.len()];
    let place = |offsets: &[BoneOffset]| {
        binding.global_matrices(&mesh, offsets)[binding.joint_of_bone(tip).unwrap()].w_axis.truncate()
    };
    let before = place(&offsets);
    offsets[tip].translation = Vec3::new(0.001, 0.002, 0.003);
    assert!((place(&offsets) - before).abs_diff_eq(Vec3::new(0.001, 0.002, 0.003), 1e-6));
}

#[test]
fn landmarks_lie_near_those_of_the_head_that_they_were_measured_on() {
    let draft = foreign_draft();
    let mesh = HeadMesh::from_glb(&draft.mesh, "x").unwrap();
    let skin = mesh.part("skin").unwrap();
    let text = include_str!("../../../../assets/head/head.landmarks.json");
    let own = LandmarkSet::from_json(text, "own").unwrap();
    let at = |point: &crate::LandmarkPoint| -> Vec3 {
        point.triangle.iter().zip(point.weights).map(|(vertex, weight)| skin.positions[*vertex as usize] * weight).sum()
    };
    let off: Vec<f32> = own.points.iter().zip(&draft.landmarks.points).map(|(a, b)| at(a).distance(at(b))).collect();
    let mean = off.iter().sum::<f32>() / LANDMARK_COUNT as f32;
    assert!(mean < 0.004, "{mean}: {off:?}");
}

#[test]
fn a_draft_is_saved_whole_and_loads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own/hero.rig.ron");
    foreign_draft().clone().save(&path).unwrap();
    let rig = Rig::load(&path).unwrap();
    let mesh = HeadMesh::load(&path.with_file_name(&rig.mesh)).unwrap();
    mesh.bind(&rig).unwrap();
    let prior = Prior::load(&path.with_file_name(&rig.prior), &rig).unwrap();
    assert!(prior.vertex_motion.iter().all(|motion| *motion > 0.0));
    let landmarks = LandmarkSet::load(&path.with_file_name(&rig.landmarks)).unwrap();
    landmarks.validate(&mesh, "x").unwrap();
}

#[test]
fn a_prior_is_carried_over_to_a_changed_rig() {
    let draft = bundled_draft();
    let mesh = HeadMesh::from_glb(&draft.mesh, "x").unwrap();
    let mut rig = draft.rig.clone();
    rig.version = 2;
    let former = std::mem::replace(&mut rig.parameters[1].name, "other".into());
    rig.parameters[1].renamed_from.push(former);
    rig.parameters.remove(0);
    let new = crate::Parameter { name: "new".into(), renamed_from: Vec::new(), ..rig.parameters[3].clone() };
    rig.parameters.push(new);
    let mut old = draft.prior.clone();
    old.mean[1] = 0.625;
    let prior = old.carried_over(&draft.rig, &rig, &mesh).unwrap();
    assert_eq!((prior.mean[0], prior.mean.last()), (0.625, Some(&0.5)));
    let bytes = prior.to_bytes().unwrap();
    assert_eq!(Prior::from_bytes(&bytes, &rig, "x").unwrap(), prior);
}

#[test]
fn a_prior_measures_curves_and_lower_ends_over_the_whole_range() {
    let draft = bundled_draft();
    let mesh = HeadMesh::from_glb(&draft.mesh, "x").unwrap();
    let mut rig = draft.rig.clone();
    let moves = |parameter: &crate::Parameter| parameter.drives.iter().all(|drive| drive.channel.index() < 3);
    let raise = rig.parameters.iter().position(moves).unwrap();
    let measure = |rig: &Rig| Prior::independent(rig, &mesh).unwrap().vertex_motion[raise];
    let straight = measure(&rig);
    rig.parameters[raise].curve = crate::Curve(4.0);
    assert!((measure(&rig) / straight - 1.0).abs() < 1e-3, "the ends are where they were");
    for drive in &mut rig.parameters[raise].drives {
        drive.low = Some(0.0);
    }
    let one_sided = std::f32::consts::FRAC_1_SQRT_2;
    assert!((measure(&rig) / straight - one_sided).abs() < 1e-3, "one half moves, the other rests");
}

#[test]
fn a_joint_that_rests_elsewhere_moves_nothing_at_rest_and_turns_about_its_new_place() {
    let by = Vec3::new(0.001, -0.002, 0.003);
    let bytes = move_rest_places(HEAD, &[("eye.L".into(), by), ("no such joint".into(), by)], "head.glb").unwrap();
    let (before, after) = (HeadMesh::from_glb(HEAD, "x").unwrap(), HeadMesh::from_glb(&bytes, "x").unwrap());
    let rig = &bundled_draft().rig;
    let bone = rig.bones.iter().position(|bone| bone.joint == "eye.L").unwrap();
    let mut offsets = vec![BoneOffset::IDENTITY; rig.bones.len()];
    for turned in [false, true] {
        if turned {
            offsets[bone].rotation = Quat::from_rotation_z(0.3);
        }
        let matrices = |mesh: &HeadMesh| mesh.bind(rig).unwrap().joint_matrices(mesh, &offsets);
        let (old, new) = (matrices(&before), matrices(&after));
        let gaze = before.joint_index("gaze.L").unwrap();
        for joint in [before.joint_index("eye.L").unwrap(), gaze] {
            assert_eq!(old[joint].abs_diff_eq(new[joint], 1e-5), !turned, "{}", before.joints[joint].name);
        }
    }
}

#[test]
fn heads_without_named_eyes_are_refused() {
    let mut file = Glb::new(HEAD, "head.glb").unwrap();
    for index in 0..file.names().len() {
        file.rename(index, &format!("Bone.{index:03}"));
    }
    let error = Draft::from_glb(&file.to_bytes(), "head.glb", &DraftOptions::default()).unwrap_err();
    assert!(error.to_string().contains("eye on each side"), "{error}");
    for cut in [4, 100, HEAD.len() / 2, HEAD.len() - 8] {
        assert!(Draft::from_glb(&HEAD[..cut], "head.glb", &DraftOptions::default()).is_err(), "{cut}");
        assert!(move_rest_places(&HEAD[..cut], &[], "head.glb").is_err(), "{cut}");
    }
}
