//! What faces cost a frame: `cargo bench -p bevy_likeness --bench apply_faces`.
//!
//! A whole run of `PostUpdate` on one thread, in an app whose only work there is the bundled head's faces: Bevy's transform
//! propagation is left out. A changed head has all of its parameters changed, so that every joint moves.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::path::Path;
use std::time::{Duration, Instant};

use bevy::app::{PluginGroup, TaskPoolOptions, TaskPoolPlugin};
use bevy::ecs::schedule::SingleThreadedExecutor;
use bevy::gltf::GltfPlugin;
use bevy::image::ImagePlugin;
use bevy::mesh::MeshPlugin;
use bevy::prelude::*;
use bevy::world_serialization::WorldSerializationPlugin;
use bevy_likeness::prelude::*;
use bevy_likeness::{LikenessExpressionPlugin, LikenessMaterialPlugin, LikenessPredictionPlugin};
use criterion::{Criterion, criterion_group, criterion_main};

const HEADS: [usize; 2] = [1, 1000];

/// Spawns the heads and waits for them.
fn heads(app: &mut App, count: usize) {
    let rig: Handle<RigAsset> = app.world().resource::<AssetServer>().load("head/head.rig.ron");
    let spawned: Vec<Entity> =
        (0..count).map(|_| app.world_mut().spawn(LikenessHead::new(rig.clone()).with_lod(Lod::Fifth)).id()).collect();
    let start = Instant::now();
    while !spawned.iter().all(|head| app.world().get::<HeadJoints>(*head).is_some()) {
        assert!(start.elapsed() < Duration::from_secs(60), "the head did not load; is assets/head there?");
        app.update();
    }
    app.update();
}

fn app() -> App {
    let mut app = App::new();
    app.add_plugins((
        TaskPoolPlugin { task_pool_options: TaskPoolOptions::with_num_threads(1) },
        AssetPlugin {
            file_path: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets").to_string_lossy().into_owned(),
            ..default()
        },
        ImagePlugin::default(),
        MeshPlugin,
        WorldSerializationPlugin,
        GltfPlugin::default(),
        LikenessPlugin
            .build()
            .disable::<LikenessMaterialPlugin>()
            .disable::<LikenessExpressionPlugin>()
            .disable::<LikenessPredictionPlugin>(),
    ));
    app.edit_schedule(PostUpdate, |schedule| {
        schedule.set_executor(SingleThreadedExecutor::new());
    });
    app.finish();
    app.cleanup();
    app
}

/// The time that `PostUpdate` takes when `change` is done to every face before.
fn time_frames(app: &mut App, frames: u64, mut change: impl FnMut(&mut World, u64)) -> Duration {
    let mut spent = Duration::ZERO;
    for frame in 0..frames {
        change(app.world_mut(), frame);
        let start = Instant::now();
        app.world_mut().run_schedule(PostUpdate);
        spent += start.elapsed();
        app.world_mut().clear_trackers();
    }
    spent
}

fn apply(criterion: &mut Criterion) {
    for count in HEADS {
        let mut app = app();
        heads(&mut app, count);
        let mut faces = app.world_mut().query::<&mut Face>();
        criterion.bench_function(&format!("{count} changed"), |bencher| {
            bencher.iter_custom(|frames| {
                time_frames(&mut app, frames, |world, frame| {
                    let value = if frame % 2 == 0 { 0.6 } else { 0.4 };
                    for mut face in faces.iter_mut(world) {
                        face.parameters.fill(value);
                    }
                })
            });
        });
        criterion.bench_function(&format!("{count} unchanged"), |bencher| {
            bencher.iter_custom(|frames| time_frames(&mut app, frames, |_, _| {}));
        });
    }
}

criterion_group!(benches, apply);
criterion_main!(benches);
