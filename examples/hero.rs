//! A photo becomes a character: `cargo run --release --example hero [PHOTO]`.

use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::prelude::*;
use bevy_likeness::prelude::*;

fn main() -> AppExit {
    App::new()
        .add_plugins((DefaultPlugins, LikenessPlugin))
        .add_systems(Startup, setup)
        .add_systems(Update, talk)
        .add_observer(|done: On<FacePredicted>| info!("confidence {:.2}", done.confidence))
        .add_observer(|failed: On<FacePredictionFailed>| error!("{}", failed.error))
        .run()
}

fn setup(mut commands: Commands, assets: Res<AssetServer>) {
    let photo = std::env::args().nth(1).unwrap_or_else(|| "assets/photos/astronaut.jpg".to_owned());
    let hero = commands.spawn(LikenessHead::new(assets.load("head/head.rig.ron"))).id();
    commands.trigger(PredictFace::from_file(hero, photo).with_skin());

    let eye = Transform::from_xyz(0.1, 0.02, 0.75).looking_at(Vec3::new(0.0, -0.02, 0.0), Vec3::Y);
    commands.spawn((Camera3d::default(), Tonemapping::AcesFitted, eye));
    let lamp = DirectionalLight { illuminance: 6_000.0, ..default() };
    commands.spawn((lamp, Transform::from_xyz(-1.0, 1.0, 1.5).looking_at(Vec3::ZERO, Vec3::Y)));
}

/// Turns the head and opens the mouth a little.
fn talk(time: Res<Time>, mut heads: Query<(&mut Transform, &mut Expression)>) {
    for (mut transform, mut expression) in &mut heads {
        let seconds = time.elapsed_secs();
        transform.rotation = Quat::from_rotation_y(0.5 * (0.7 * seconds).sin());
        expression.set("jawOpen", 0.2 * (5.0 * seconds).sin().max(0.0));
    }
}
