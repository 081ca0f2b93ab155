//! The bundled head.

use bevy::mesh::morph::{MeshMorphWeights, MorphWeights};
use bevy::mesh::skinning::SkinnedMesh;
use bevy::prelude::*;
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
        names.sort_unstable();
        assert_eq!(names, ["eyes", "lashes", "skin", "teeth", "tongue"]);
        for (name, part) in parts.iter() {
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
