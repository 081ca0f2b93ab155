//! A head of one's own with the rig editor: `cargo run --release --example own_rig [HEAD.rig.ron]`.
//!
//! Draft the rig first: `likeness rig draft my_head.glb --out assets/own/head.rig.ron` (see docs/own-character.md). Without
//! an argument the bundled head is shown. F10 opens and closes the editor.

use std::path::PathBuf;

use bevy::asset::UnapprovedPathMode;
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::prelude::*;
use bevy_egui::EguiPlugin;
use bevy_likeness::prelude::*;
use bevy_likeness_editor::{LikenessEditor, LikenessEditorPlugin};

fn main() -> AppExit {
    let rig = std::env::args().nth(1).map_or_else(|| PathBuf::from("assets/head/head.rig.ron"), PathBuf::from);
    // The rig's own folder is the folder of assets, so that it may lie anywhere.
    let folder = rig.parent().and_then(|folder| folder.canonicalize().ok()).unwrap_or_default();
    let name = rig.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let assets = AssetPlugin {
        file_path: folder.to_string_lossy().into_owned(),
        unapproved_path_mode: UnapprovedPathMode::Deny,
        ..default()
    };
    App::new()
        .add_plugins((
            DefaultPlugins.set(assets),
            EguiPlugin::default(),
            LikenessPlugin,
            LikenessEditorPlugin::default(),
        ))
        .add_systems(Startup, move |mut commands: Commands, assets: Res<AssetServer>| {
            commands.spawn(LikenessHead::new(assets.load(name.clone())));
            let eye = Transform::from_xyz(-0.12, 0.02, 0.62).looking_at(Vec3::new(-0.06, -0.02, 0.0), Vec3::Y);
            commands.spawn((Camera3d::default(), Tonemapping::AcesFitted, eye));
            let lamp = DirectionalLight { illuminance: 6_000.0, ..default() };
            commands.spawn((lamp, Transform::from_xyz(-1.0, 1.0, 1.5).looking_at(Vec3::ZERO, Vec3::Y)));
        })
        .add_systems(Startup, |mut editor: ResMut<LikenessEditor>| editor.open = true)
        .run()
}
