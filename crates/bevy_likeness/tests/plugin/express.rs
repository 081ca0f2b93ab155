//! Expressions weigh morph targets and turn the eyes.

use bevy::mesh::morph::{MeshMorphWeights, MorphWeights};
use bevy::prelude::*;
use bevy_likeness::GAZE_LIMITS;
use bevy_likeness::prelude::*;
use likeness_rig::arkit_index;

use crate::app::{app, joint, spawn};
use crate::fixture::{rig, tiny_head};

fn part(app: &App, head: Entity, name: &str) -> Entity {
    app.world().get::<HeadParts>(head).unwrap().get(name).unwrap()
}

fn looks_along(app: &App, head: Entity, name: &str) -> Vec3 {
    app.world().get::<GlobalTransform>(joint(app, head, name)).unwrap().rotation() * Vec3::Z
}

#[test]
fn coefficients_weigh_the_morph_targets_of_every_part() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let mut expression = app.world_mut().get_mut::<Expression>(head).unwrap();
    assert!(expression.set("jawOpen", 0.75) && expression.set("mouthSmileLeft", 7.0));
    assert!(!expression.set("grin", 1.0));
    app.update();
    let weights = app.world().get::<MorphWeights>(head).unwrap().weights().to_vec();
    assert_eq!(weights.len(), 52);
    assert_eq!(weights[arkit_index("jawOpen").unwrap()], 0.75);
    assert_eq!(weights[arkit_index("mouthSmileLeft").unwrap()], 1.0);
    assert_eq!(weights.iter().sum::<f32>(), 1.75);
    let skin = app.world().get::<MeshMorphWeights>(part(&app, head, "skin"));
    assert!(matches!(skin, Some(MeshMorphWeights::Reference(to)) if *to == head));
    assert!(app.world().get::<MeshMorphWeights>(part(&app, head, "eyes")).is_none());
    // The teeth's targets have an order of their own: tongueOut, own, jawOpen.
    let Some(MeshMorphWeights::Value { weights }) = app.world().get(part(&app, head, "teeth")) else {
        panic!("the teeth have no weights of their own");
    };
    assert_eq!(weights, &[0.0, 0.0, 0.75]);
}

#[test]
fn look_coefficients_and_gaze_turn_the_eyes() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let mut expression = app.world_mut().get_mut::<Expression>(head).unwrap();
    expression.set("eyeLookOutLeft", 1.0);
    expression.set("eyeLookUpRight", 1.0);
    app.update();
    let outward = GAZE_LIMITS.outward.to_radians();
    let upward = GAZE_LIMITS.up.to_radians();
    assert!(looks_along(&app, head, "gaze.L").abs_diff_eq(Vec3::new(outward.sin(), 0.0, outward.cos()), 1e-5));
    assert!(looks_along(&app, head, "gaze.R").abs_diff_eq(Vec3::new(0.0, upward.sin(), upward.cos()), 1e-5));

    *app.world_mut().get_mut::<Expression>(head).unwrap() = Expression::default();
    app.world_mut().entity_mut(head).insert(Gaze { yaw: 10.0, pitch: 0.0 });
    app.update();
    let ten = 10f32.to_radians();
    for eye in ["gaze.L", "gaze.R"] {
        assert!(looks_along(&app, head, eye).abs_diff_eq(Vec3::new(ten.sin(), 0.0, ten.cos()), 1e-5));
    }
}
