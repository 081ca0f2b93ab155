//! The bundled head.

use bevy::mesh::morph::{MeshMorphWeights, MorphWeights};
use bevy::mesh::skinning::SkinnedMesh;
use bevy::prelude::*;
use bevy_likeness::PendingOptions;
use bevy_likeness::prelude::*;
use likeness_rig::{Rig, arkit_index};

use crate::app::{Problems, app, bundled_assets, joint, spawn, transform};

const RIG: &str = "head/head.rig.ron";

fn rig() -> Rig {
    Rig::load(&bundled_assets().join(RIG)).unwrap()
}

#[test]
fn the_bundled_head_spawns_at_every_level_of_detail() {
    let mut app = app(&bundled_assets());
    for lod in Lod::ALL {
        let head = spawn(&mut app, RIG, lod);
        let parts = app.world().get::<HeadParts>(head).unwrap().clone();
        let mut names: Vec<&str> = parts.iter().map(|(name, _)| name).collect();
        names.retain(|name| !is_option(name));
        names.sort_unstable();
        assert_eq!(names, ["eyes", "lashes", "skin", "teeth", "tongue"]);
        for (name, part) in parts.iter().filter(|(name, _)| !is_option(name)) {
            let skinned = app.world().get::<SkinnedMesh>(part).unwrap();
            assert!(skinned.joints.contains(&joint(&app, head, "gaze.L")));
            let weights = app.world().get::<MeshMorphWeights>(part);
            match name {
                "eyes" => assert!(weights.is_none()),
                _ => assert!(matches!(weights, Some(MeshMorphWeights::Reference(to)) if *to == head), "{name}"),
            }
        }
    }
    assert_eq!(app.world().resource::<Problems>().all(), Vec::<String>::new());
}

/// Whether a part belongs to an appearance option.
fn is_option(name: &str) -> bool {
    rig().options.iter().any(|option| name.starts_with(&option.name))
}

/// Updates until the head wears all that its face chose.
fn dress(app: &mut App, head: Entity) {
    for _ in 0..20_000 {
        app.update();
        if app.world().get::<PendingOptions>(head).is_none() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("the options did not load");
}

fn worn(app: &App, head: Entity) -> Vec<(String, Entity)> {
    let parts = app.world().get::<HeadParts>(head).unwrap();
    parts.iter().filter(|(name, _)| is_option(name)).map(|(name, part)| (name.to_owned(), part)).collect()
}

#[test]
fn a_head_wears_what_its_face_chooses() {
    let rig = rig();
    let mut app = app(&bundled_assets());
    let head = spawn(&mut app, RIG, Lod::Full);
    dress(&mut app, head);
    let first = worn(&app, head);
    assert!(first.iter().any(|(name, _)| name == "hair.style.strands"), "{first:?}");
    assert!(
        first.iter().any(|(name, _)| name == "brows.strands")
            && !first.iter().any(|(name, _)| name.starts_with("beard"))
    );
    for (name, part) in &first {
        let skinned = app.world().get::<SkinnedMesh>(*part).unwrap();
        assert!(skinned.joints.contains(&joint(&app, head, "skull_top")), "{name}");
        assert!(app.world().get::<MeshMaterial3d<StandardMaterial>>(*part).is_some(), "{name} has no material");
    }

    // A moved slider changes nothing that is worn.
    app.world_mut().get_mut::<Face>(head).unwrap().parameters[0] = 0.7;
    dress(&mut app, head);
    assert_eq!(worn(&app, head), first);

    let mut face = app.world_mut().get_mut::<Face>(head).unwrap();
    assert!(face.choose(&rig, "hair.style", "bob") && face.choose(&rig, "beard", "short_full"));
    assert!(!face.choose(&rig, "hair.style", "no such style") && !face.choose(&rig, "hat", "bob"));
    app.update();
    // The old hair stays until the new one is there.
    assert!(worn(&app, head).iter().any(|(name, _)| name == "hair.style.strands"));
    dress(&mut app, head);
    let second = worn(&app, head);
    assert!(second.iter().any(|(name, _)| name == "beard.strands"), "{second:?}");
    let of = |worn: &[(String, Entity)], name: &str| worn.iter().find(|part| part.0 == name).map(|part| part.1);
    assert_ne!(of(&second, "hair.style.strands"), of(&first, "hair.style.strands"));
    assert_eq!(of(&second, "brows.strands"), of(&first, "brows.strands"));
    assert!(app.world().get_entity(of(&first, "hair.style.strands").unwrap()).is_err(), "the old hair is still there");
    let beard = of(&second, "beard.strands").unwrap();
    assert!(matches!(app.world().get::<MeshMorphWeights>(beard), Some(MeshMorphWeights::Reference(to)) if *to == head));

    app.world_mut().get_mut::<Face>(head).unwrap().choose(&rig, "hair.style", "bald");
    dress(&mut app, head);
    assert!(!worn(&app, head).iter().any(|(name, _)| name.starts_with("hair")));
    assert_eq!(app.world().resource::<Problems>().all(), Vec::<String>::new());

    app.world_mut().entity_mut(head).remove::<LikenessHead>();
    app.update();
    assert!(app.world().get_entity(beard).is_err(), "the beard outlives the head");
}

#[test]
fn every_parameter_of_the_bundled_head_moves_joints_and_back() {
    let rig = rig();
    let mut app = app(&bundled_assets());
    let head = spawn(&mut app, RIG, Lod::Fifth);
    let rest = |app: &App| -> Vec<Transform> {
        let joints = app.world().get::<HeadJoints>(head).unwrap();
        joints.bones().iter().map(|joint| *app.world().get::<Transform>(*joint).unwrap()).collect()
    };
    let neutral = rest(&app);
    for (index, parameter) in rig.parameters.iter().enumerate() {
        app.world_mut().get_mut::<Face>(head).unwrap().parameters[index] = 1.0;
        app.update();
        let moved = rest(&app);
        assert_ne!(moved, neutral, "{}", parameter.name);
        for drive in parameter.drives.iter().filter(|drive| drive.mirror) {
            let bone = rig.bones.iter().position(|bone| bone.name == drive.bone).unwrap();
            let Some(mirror) = &rig.bones[bone].mirror else {
                continue;
            };
            let other = rig.bones.iter().position(|bone| bone.name == *mirror).unwrap();
            let by = |bone: usize| moved[bone].translation - neutral[bone].translation;
            let reflected = by(other) * Vec3::new(-1.0, 1.0, 1.0);
            assert!(by(bone).abs_diff_eq(reflected, 1e-6), "{}", parameter.name);
        }
        app.world_mut().get_mut::<Face>(head).unwrap().parameters[index] = 0.5;
        app.update();
        assert_eq!(rest(&app), neutral, "{}", parameter.name);
    }
}

#[test]
fn the_bundled_head_speaks_and_looks() {
    let mut app = app(&bundled_assets());
    let head = spawn(&mut app, RIG, Lod::Half);
    let straight = transform(&app, head, "gaze.L").rotation;
    let mut expression = app.world_mut().get_mut::<Expression>(head).unwrap();
    expression.set("jawOpen", 0.5);
    expression.set("eyeLookUpLeft", 1.0);
    app.update();
    let weights = app.world().get::<MorphWeights>(head).unwrap();
    assert_eq!(weights.weights()[arkit_index("jawOpen").unwrap()], 0.5);
    assert_ne!(transform(&app, head, "gaze.L").rotation, straight);
    assert_eq!(transform(&app, head, "gaze.R").rotation, straight);
}
