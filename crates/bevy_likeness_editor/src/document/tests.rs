#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use likeness_rig::{Channel, Face, FaceFile, HeadMesh, Prior};

use super::*;

/// A copy of the bundled rig and what a save needs.
fn opened() -> (tempfile::TempDir, RigDocument) {
    let folder = tempfile::tempdir().unwrap();
    let head = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/head");
    for file in ["head.rig.ron", "head.glb", "head.prior.safetensors"] {
        std::fs::copy(head.join(file), folder.path().join(file)).unwrap();
    }
    let document = RigDocument::open(&folder.path().join("head.rig.ron")).unwrap();
    (folder, document)
}

fn amount(document: &RigDocument) -> f32 {
    document.rig().parameters[0].drives[0].amount
}

#[test]
fn steps_go_back_and_forth_and_a_gesture_is_one() {
    let (_folder, mut document) = opened();
    let first = amount(&document);
    for step in 1..5_u8 {
        let amount = first * (1.0 + f32::from(step) / 10.0);
        document.edit(&Edit::Amount { parameter: 0, drive: 0, amount }, Some("drag")).unwrap();
    }
    document.end_gesture();
    document.edit(&Edit::Scale { parameter: 0, factor: 0.5 }, Some("drag")).unwrap();
    assert_eq!(document.undo_label(), Some("Scale range"));
    document.undo();
    assert_eq!((amount(&document), document.undo_label()), (first * 1.4, Some("Amount")));
    document.undo();
    assert_eq!((amount(&document), document.is_changed(), document.undo_label()), (first, false, None));
    document.redo();
    assert_eq!((amount(&document), document.redo_label()), (first * 1.4, Some("Scale range")));
    document.edit(&Edit::Caption { parameter: 0, caption: "Other".into() }, None).unwrap();
    assert_eq!(document.redo_label(), None);
}

#[test]
fn an_edit_that_makes_no_rig_changes_nothing() {
    let (_folder, mut document) = opened();
    let before = document.rig().clone();
    let taken = before.parameters[1].name.clone();
    let count = before.parameters.len();
    for edit in [
        Edit::Rename { parameter: 0, name: taken },
        Edit::Rename { parameter: 0, name: "Größe".into() },
        Edit::Amount { parameter: 0, drive: 0, amount: f32::NAN },
        Edit::Remove { parameter: count },
        Edit::AddDrive { parameter: 0, bone: 9999, channel: Channel::ScaleX },
    ] {
        assert!(document.edit(&edit, None).is_err(), "{edit:?}");
        assert!(*document.rig() == before && document.undo_label().is_none(), "{edit:?}");
    }
}

#[test]
fn an_amount_is_saved_without_a_new_version_and_the_diff_tells_it() {
    let (folder, mut document) = opened();
    document.edit(&Edit::Amount { parameter: 0, drive: 0, amount: 0.0025 }, None).unwrap();
    let diff = document.diff().unwrap();
    let count = |added: bool| {
        diff.iter()
            .filter(
                |line| if added { matches!(line, DiffLine::Added(_)) } else { matches!(line, DiffLine::Removed(_)) },
            )
            .count()
    };
    assert_eq!((count(true), count(false)), (1, 1), "{diff:?}");
    let saved = document.save().unwrap();
    assert_eq!(saved, Saved { version: document.rig().version, notices: Vec::new() });
    assert!(!document.is_changed() && document.diff().unwrap().is_empty());
    assert_eq!(Rig::load(&folder.path().join("head.rig.ron")).unwrap(), *document.rig());
}

#[test]
fn faces_and_the_prior_outlive_renamed_added_and_removed_sliders() {
    let (folder, mut document) = opened();
    let old = document.rig().clone();
    let mut face = Face::neutral(&old);
    face.parameters[0] = 0.75;
    let file = FaceFile::new(&old, &face);
    document.edit(&Edit::Rename { parameter: 0, name: "my.slider".into() }, None).unwrap();
    document.edit(&Edit::Remove { parameter: 5 }, None).unwrap();
    let add = Edit::Add { name: "new.slider".into(), region: "nose".into(), bone: 3, channel: Channel::TranslationX };
    document.edit(&add, None).unwrap();
    let saved = document.save().unwrap();
    assert_eq!(saved.version, old.version + 1);
    assert!(saved.notices[0].contains("carried over; train"), "{saved:?}");
    let rig = Rig::load(&folder.path().join("head.rig.ron")).unwrap();
    let (loaded, notices) = file.resolve(&rig).unwrap();
    assert_eq!(loaded.parameters[0], 0.75);
    assert_eq!(notices.len(), 4, "{notices:?}");
    Prior::load(&folder.path().join("head.prior.safetensors"), &rig).unwrap();
}

#[test]
fn a_file_that_someone_else_changed_is_not_overwritten_unasked() {
    let (folder, mut document) = opened();
    document.edit(&Edit::Amount { parameter: 0, drive: 0, amount: 0.0025 }, None).unwrap();
    let path = folder.path().join("head.rig.ron");
    let other = format!("// by hand\n{}", std::fs::read_to_string(&path).unwrap());
    std::fs::write(&path, &other).unwrap();
    assert!(matches!(document.save(), Err(EditError::ChangedOutside { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
    document.reload().unwrap();
    assert!(!document.is_changed() && document.undo_label().is_none());
    document.edit(&Edit::Amount { parameter: 0, drive: 0, amount: 0.0025 }, None).unwrap();
    document.save().unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("// by hand\n"));
}

#[test]
fn posing_a_bone_sets_its_drives_on_whichever_side_they_are() {
    let (_folder, mut document) = opened();
    let rig = document.rig();
    let corner = |side: &str| rig.bones.iter().position(|bone| bone.name == format!("lip_corner.{side}")).unwrap();
    let (left, right) = (corner("L"), corner("R"));
    let add =
        Edit::Add { name: "mouth.test".into(), region: "mouth".into(), bone: left, channel: Channel::TranslationX };
    document.edit(&add, None).unwrap();
    let parameter = document.rig().parameters.len() - 1;
    let mut amounts = [0.0; 9];
    (amounts[0], amounts[1]) = (-0.002, 0.001);
    document.edit(&Edit::Pose { parameter, bone: right, low: false, amounts, mirror: true }, None).unwrap();
    let drives = &document.rig().parameters[parameter].drives;
    assert_eq!(drives.len(), 2);
    assert_eq!((drives[0].bone.as_str(), drives[0].amount), ("lip_corner.L", 0.002));
    assert_eq!((drives[1].bone.as_str(), drives[1].amount, drives[1].mirror), ("lip_corner.R", 0.001, true));
}

/// As [`opened`], without the appearance options: their meshes are left out.
fn opened_bald() -> (tempfile::TempDir, RigDocument) {
    let (folder, document) = opened();
    let mut rig = document.rig().clone();
    rig.options.clear();
    std::fs::write(document.path(), rig.to_ron().unwrap()).unwrap();
    let document = RigDocument::open(document.path()).unwrap();
    (folder, document)
}

fn bone(document: &RigDocument, name: &str) -> usize {
    document.rig().bones.iter().position(|bone| bone.name == name).unwrap()
}

fn place(folder: &tempfile::TempDir, joint: &str) -> Vec3 {
    let mesh = HeadMesh::load(&folder.path().join("head.glb")).unwrap();
    mesh.joints[mesh.joint_index(joint).unwrap()].rest.translation
}

#[test]
fn moved_rest_places_go_back_and_forth_with_all_other_steps() {
    let (_folder, mut document) = opened();
    let (corner, chin) = (bone(&document, "lip_corner.L"), bone(&document, "chin_mid"));
    let by = |x: f32, y: f32| Vec3::new(x, y, 0.0);
    for step in [0.001, 0.002, 0.003] {
        document.move_rest(corner, by(step, 0.0), Some("drag")).unwrap();
    }
    document.end_gesture();
    document.edit(&Edit::Scale { parameter: 0, factor: 0.5 }, None).unwrap();
    document.move_rest(chin, by(0.0, -0.004), Some("drag")).unwrap();
    let all = document.unsaved_rests();
    assert_eq!(all.of("lip_corner.R"), by(-0.003, 0.0), "the twin follows");
    assert_eq!(document.undo_label(), Some("Move rest place"));

    document.undo();
    assert_eq!((document.unsaved_rest(chin), document.unsaved_rest(corner)), (Vec3::ZERO, by(0.003, 0.0)));
    assert_eq!(document.undo_label(), Some("Scale range"));
    document.undo();
    document.undo();
    assert!(document.unsaved_rests().is_empty() && !document.is_changed() && document.undo_label().is_none());
    for _ in 0..3 {
        document.redo();
    }
    assert_eq!((document.unsaved_rests(), document.redo_label()), (all, None));

    document.move_rest(chin, Vec3::ZERO, None).unwrap();
    assert_eq!(document.unsaved_rests().iter().count(), 2, "moved back is not moved");
}

#[test]
fn a_rest_place_that_is_none_is_refused() {
    let (_folder, mut document) = opened();
    for by in [Vec3::splat(f32::NAN), Vec3::X, Vec3::NEG_Y * f32::INFINITY] {
        assert!(matches!(document.move_rest(0, by, None), Err(EditError::RestTooFar { .. })), "{by}");
    }
    assert!(matches!(document.move_rest(9999, Vec3::ZERO, None), Err(EditError::Gone { .. })));
    assert!(!document.is_changed() && document.undo_label().is_none());
}

#[test]
fn rest_places_are_saved_in_the_mesh_and_can_be_taken_back_afterwards() {
    let (folder, mut document) = opened_bald();
    let text = std::fs::read_to_string(document.path()).unwrap();
    let (corner, before) = (bone(&document, "lip_corner.L"), place(&folder, "lip_corner.L"));
    let by = Vec3::new(0.001, 0.002, -0.003);
    document.move_rest(corner, by, None).unwrap();
    assert!(place(&folder, "lip_corner.L") == before, "nothing is written unasked");
    let saved = document.save().unwrap();
    assert_eq!(saved.notices, ["moved where 2 joints rest, in 1 files"]);
    assert!(!document.is_changed() && document.unsaved_rests().is_empty());
    assert_eq!(std::fs::read_to_string(document.path()).unwrap(), text);
    assert!((place(&folder, "lip_corner.L") - before).abs_diff_eq(by, 1e-6));

    document.undo();
    assert!(document.is_changed());
    assert_eq!(document.unsaved_rest(corner), -by);
    document.save().unwrap();
    assert!(place(&folder, "lip_corner.L").abs_diff_eq(before, 1e-6));
}

#[test]
fn a_save_that_fails_leaves_the_meshes_as_they_were() {
    let (folder, mut document) = opened_bald();
    let before = std::fs::read(folder.path().join("head.glb")).unwrap();
    document.move_rest(bone(&document, "chin_mid"), Vec3::Y * 0.002, None).unwrap();
    let saving = document.begin_save().unwrap();
    // A folder cannot be replaced by a file.
    std::fs::remove_file(document.path()).unwrap();
    std::fs::create_dir(document.path()).unwrap();
    assert!(matches!(saving.write(), Err(EditError::Rig(RigError::Io { .. }))));
    assert!(std::fs::read(folder.path().join("head.glb")).unwrap() == before);
    assert!(document.is_changed());
}
