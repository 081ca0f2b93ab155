//! Faces move joints.

use bevy::app::AnimationSystems;
use bevy::prelude::*;
use bevy_likeness::prelude::*;

use crate::app::{Problems, app, joint, spawn, transform};
use crate::fixture::{rig, tiny_head};

fn close(left: Vec3, right: Vec3) -> bool {
    left.abs_diff_eq(right, 1e-6)
}

#[test]
fn a_changed_face_moves_joints_in_the_same_frame() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    assert!(app.world_mut().get_mut::<Face>(head).unwrap().set(&rig(), "nose.length", 1.0));
    app.update();
    assert!(close(transform(&app, head, "nose").translation, Vec3::new(0.0, -0.02, 0.07)));
    let nose = joint(&app, head, "nose");
    let global = app.world().get::<GlobalTransform>(nose).unwrap().translation();
    assert!(close(global, Vec3::new(0.0, -0.02, 0.07)), "{global}");
}

#[test]
fn mirrored_parameters_move_both_sides_alike() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let mut face = app.world_mut().get_mut::<Face>(head).unwrap();
    face.parameters[1] = 1.0;
    face.parameters[2] = 0.75;
    app.update();
    let (left, right) = (transform(&app, head, "cheek.L"), transform(&app, head, "cheek.R"));
    assert!(close(left.translation, Vec3::new(0.06, -0.03, 0.03)));
    assert!(close(right.translation, left.translation * Vec3::new(-1.0, 1.0, 1.0)));
    assert!(left.rotation.abs_diff_eq(Quat::from_rotation_y(0.15), 1e-6));
    assert!(right.rotation.abs_diff_eq(Quat::from_rotation_y(-0.15), 1e-6));
}

#[test]
fn an_unchanged_face_leaves_its_joints_alone() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let ticks = |app: &App| -> Vec<u32> {
        let joints = app.world().get::<HeadJoints>(head).unwrap();
        let tick = |joint: Entity| app.world().entity(joint).get_change_ticks::<Transform>().unwrap().changed.get();
        joints.iter().map(|(_, joint)| tick(joint)).collect()
    };
    app.update();
    let before = ticks(&app);
    app.update();
    assert_eq!(ticks(&app), before);
    // Written, but with the same values.
    app.world_mut().get_mut::<Face>(head).unwrap().parameters[0] = 0.5;
    app.update();
    assert_eq!(ticks(&app), before);
    // Only the joint that moves is marked.
    app.world_mut().get_mut::<Face>(head).unwrap().parameters[0] = 0.6;
    app.update();
    let moved: Vec<bool> = ticks(&app).iter().zip(&before).map(|(now, then)| now != then).collect();
    let names: Vec<&str> = app.world().get::<HeadJoints>(head).unwrap().iter().map(|(name, _)| name).collect();
    let nose = names.iter().position(|name| *name == "nose").unwrap();
    assert_eq!(moved.iter().filter(|moved| **moved).count(), 1);
    assert!(moved[nose]);
}

#[test]
fn nonsense_in_a_face_is_tamed() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    *app.world_mut().get_mut::<Face>(head).unwrap() =
        Face { parameters: vec![7.0, f32::NAN, f32::NEG_INFINITY, 0.5], ..Face::neutral(&rig()) };
    app.update();
    assert!(close(transform(&app, head, "nose").translation, Vec3::new(0.0, -0.02, 0.07)));
    assert!(close(transform(&app, head, "cheek.L").translation, Vec3::new(0.04, -0.03, 0.03)));
    assert_eq!(app.world().resource::<Problems>().all(), Vec::<String>::new());
    app.world_mut().get_mut::<Face>(head).unwrap().parameters.truncate(1);
    app.update();
    let problems = app.world().resource::<Problems>().all();
    assert!(problems.len() == 1 && problems[0].contains("tiny.rig.ron"), "{problems:?}");
}

/// Stands in for a clip that drives the nose: time in the x of its translation.
fn play(mut joints: Query<(&Name, &mut Transform)>, mut frame: Local<u32>) {
    *frame += 1;
    for (name, mut transform) in &mut joints {
        if name.as_str() == "nose" {
            transform.translation = Vec3::new(0.001 * *frame as f32, 0.0, 0.0);
        }
    }
}

#[test]
fn shape_composes_with_an_animation_that_drives_the_joint() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    app.world_mut().entity_mut(head).insert(ShapeOverAnimation);
    let mut face = app.world_mut().get_mut::<Face>(head).unwrap();
    face.parameters[0] = 1.0;
    face.parameters[3] = 1.0;
    app.update();
    app.update();
    let still = transform(&app, head, "nose");
    assert!(close(still.translation, Vec3::new(0.0, -0.02, 0.07)), "offsets do not pile up: {still:?}");
    assert!(close(still.scale, Vec3::new(1.5, 1.0, 1.0)));

    app.add_systems(PostUpdate, play.in_set(AnimationSystems));
    for frame in 1..4 {
        app.update();
        let nose = transform(&app, head, "nose");
        let expected = Vec3::new(0.001 * frame as f32, 0.0, 0.01);
        assert!(close(nose.translation, expected), "frame {frame}: {nose:?}");
        assert!(close(nose.scale, Vec3::new(1.5, 1.0, 1.0)), "what is not animated keeps its rest");
    }
    app.world_mut().entity_mut(head).remove::<ShapeOverAnimation>();
    app.update();
    assert!(close(transform(&app, head, "nose").translation, Vec3::new(0.0, -0.02, 0.07)), "back over the rest pose");
}

#[test]
fn a_shaped_head_can_begin_to_compose() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    app.world_mut().get_mut::<Face>(head).unwrap().parameters[0] = 1.0;
    app.update();
    app.world_mut().entity_mut(head).insert(ShapeOverAnimation);
    app.world_mut().get_mut::<Face>(head).unwrap().parameters[0] = 0.0;
    app.update();
    assert!(close(transform(&app, head, "nose").translation, Vec3::new(0.0, -0.02, 0.05)));
}
