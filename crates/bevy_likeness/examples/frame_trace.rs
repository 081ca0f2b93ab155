//! Frame times of a game without a window while photos are predicted.
//!
//! `cargo run --release -p bevy_likeness --example frame_trace -- [HEADS] [PHOTO]`
//!
//! Heads speak and blink in every frame, so that a frame has work to do. The app first runs for a while as it is, then with one
//! prediction after the other; once paced to 60 frames a second, as a game with vertical synchronisation is, and once as fast as
//! it goes. For each the median and the longest of the frames are printed: the work of a frame, and from the beginning of a frame
//! to that of the next. The first prediction also loads the networks.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use bevy::animation::AnimationPlugin;
use bevy::gltf::GltfPlugin;
use bevy::image::ImagePlugin;
use bevy::mesh::MeshPlugin;
use bevy::prelude::*;
use bevy::world_serialization::WorldSerializationPlugin;
use bevy_likeness::PredictionModels;
use bevy_likeness::prelude::*;

/// Frames of each run without a prediction.
const QUIET_FRAMES: usize = 600;
/// Predictions of each run.
const PREDICTIONS: usize = 30;
/// How long loading may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Predictions that ended, and the last failure.
#[derive(Resource, Default)]
struct Answers {
    count: usize,
    failure: Option<String>,
}

/// Seconds of work, and from beginning to beginning, of each frame.
#[derive(Default)]
struct Frames {
    work: Vec<f64>,
    interval: Vec<f64>,
}

impl Frames {
    /// Runs one frame, and waits for the next if frames are paced.
    fn run(&mut self, app: &mut App, pace: Option<Duration>) {
        let start = Instant::now();
        app.update();
        self.work.push(start.elapsed().as_secs_f64());
        if let Some(rest) = pace.and_then(|pace| pace.checked_sub(start.elapsed())) {
            thread::sleep(rest);
        }
        self.interval.push(start.elapsed().as_secs_f64());
    }

    fn report(&mut self, what: &str, paced: bool) {
        let line = |name: &str, values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            let at = |part: f64| values.get((part * (values.len().max(1) - 1) as f64) as usize).copied().unwrap_or(0.0);
            let (median, late, longest) = (at(0.5), at(0.99), at(1.0));
            println!(
                "{what:<38} {name:<8} {:5} frames, median {:7.3} ms, 99 % {:7.3} ms, longest {:7.3} ms = {:.2} medians",
                values.len(),
                median * 1e3,
                late * 1e3,
                longest * 1e3,
                longest / median.max(1e-9)
            );
        };
        line("work", &mut self.work);
        if paced {
            line("interval", &mut self.interval);
        }
    }
}

fn app(assets: PathBuf) -> App {
    let mut app = App::new();
    let mut models = PredictionModels::default();
    models.appearance = models.appearance.filter(|path| assets.join(path).exists());
    app.insert_resource(models);
    app.add_plugins((
        MinimalPlugins,
        AssetPlugin { file_path: assets.to_string_lossy().into_owned(), ..default() },
        TransformPlugin,
        ImagePlugin::default(),
        MeshPlugin,
        WorldSerializationPlugin,
        AnimationPlugin,
        GltfPlugin::default(),
    ));
    app.init_asset::<StandardMaterial>();
    app.add_plugins(LikenessPlugin);
    app.init_resource::<Answers>();
    app.add_observer(|_: On<FacePredicted>, mut answers: ResMut<Answers>| answers.count += 1);
    app.add_observer(|failed: On<FacePredictionFailed>, mut answers: ResMut<Answers>| {
        answers.count += 1;
        answers.failure = Some(failed.error.to_string());
    });
    app.add_systems(Update, speak);
    app.finish();
    app.cleanup();
    app
}

/// Every head opens its mouth and blinks, each in a rhythm of its own.
fn speak(time: Res<Time>, mut expressions: Query<(Entity, &mut Expression)>) {
    for (entity, mut expression) in &mut expressions {
        let phase = 5.0 * time.elapsed_secs() + entity.index_u32() as f32;
        expression.set("jawOpen", 0.3 * phase.sin().max(0.0));
        expression.set("eyeBlinkLeft", (0.5 * phase).sin().max(0.0));
        expression.set("eyeBlinkRight", (0.5 * phase).sin().max(0.0));
    }
}

/// Spawns the heads and waits for them.
fn spawn(app: &mut App, count: usize) -> Result<Vec<Entity>, BevyError> {
    let rig: Handle<RigAsset> = app.world().resource::<AssetServer>().load("head/head.rig.ron");
    let heads: Vec<Entity> = (0..count).map(|_| app.world_mut().spawn(LikenessHead::new(rig.clone())).id()).collect();
    let start = Instant::now();
    while !heads.iter().all(|head| app.world().get::<HeadJoints>(*head).is_some()) {
        if start.elapsed() > PATIENCE {
            return Err("the head did not load: is assets/head there?".into());
        }
        app.update();
        thread::sleep(Duration::from_millis(1));
    }
    Ok(heads)
}

/// Predicts `count` photos, one after the other, while frames go on.
fn predict(
    app: &mut App,
    head: Entity,
    photo: &[u8],
    count: usize,
    pace: Option<Duration>,
) -> Result<Frames, BevyError> {
    let mut frames = Frames::default();
    for _ in 0..count {
        app.world_mut().trigger(PredictFace::from_bytes(head, photo));
        let before = app.world().resource::<Answers>().count;
        let start = Instant::now();
        while app.world().resource::<Answers>().count == before {
            if start.elapsed() > PATIENCE {
                return Err("the prediction did not end".into());
            }
            frames.run(app, pace);
        }
        if let Some(failure) = app.world_mut().resource_mut::<Answers>().failure.take() {
            return Err(failure.into());
        }
    }
    Ok(frames)
}

fn main() -> Result<(), BevyError> {
    let assets = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets"));
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(20), |count| count.parse::<usize>())?.max(1);
    let photo = arguments.next().map_or_else(|| assets.join("photos/astronaut.jpg"), PathBuf::from);
    let photo = std::fs::read(photo)?;
    let mut app = app(assets);
    let heads = spawn(&mut app, count)?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    println!("{count} heads that speak, {threads} threads");

    let pace = Some(Duration::from_secs_f64(1.0 / 60.0));
    predict(&mut app, heads[0], &photo, 1, pace)?.report("60 a second, first prediction", true);
    for (pace, name) in [(pace, "60 a second"), (None, "as fast as it goes")] {
        let mut quiet = Frames::default();
        for _ in 0..QUIET_FRAMES {
            quiet.run(&mut app, pace);
        }
        quiet.report(&format!("{name}, no prediction"), pace.is_some());
        let mut busy = predict(&mut app, heads[0], &photo, PREDICTIONS, pace)?;
        busy.report(&format!("{name}, {PREDICTIONS} predictions"), pace.is_some());
    }
    Ok(())
}
