//! The least that a game needs: `cargo run --release --example minimal`.

use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::prelude::*;
use bevy_likeness::prelude::*;

fn main() -> AppExit {
    App::new().add_plugins((DefaultPlugins, LikenessPlugin)).add_systems(Startup, set_up).run()
}

fn set_up(mut commands: Commands, assets: Res<AssetServer>) {
    let hero = commands.spawn(LikenessHead::new(assets.load("head/head.rig.ron"))).id();
    commands.trigger(PredictFace::from_file(hero, "assets/photos/astronaut.jpg"));
    let place = Transform::from_xyz(0.15, 0.05, 0.8).looking_at(Vec3::new(0.0, -0.03, 0.0), Vec3::Y);
    commands.spawn((Camera3d::default(), Tonemapping::AcesFitted, place));
    commands.spawn((DirectionalLight::default(), Transform::from_xyz(-1.0, 1.0, 2.0).looking_at(Vec3::ZERO, Vec3::Y)));
}
