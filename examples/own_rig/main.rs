//! A head of one's own with the rig editor: `cargo run --release --example own_rig [HEAD.rig.ron]`.
//!
//! Draft the rig first: `likeness rig draft my_head.glb --out assets/own/head.rig.ron` (see docs/own-character.md), or on the
//! editor's page Import. Without an argument the bundled head is shown. F10 opens and closes the editor.

mod watch;

use std::path::PathBuf;

use bevy::asset::UnapprovedPathMode;
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::prelude::*;
use bevy_egui::EguiPlugin;
use bevy_likeness::prelude::*;
use bevy_likeness_editor::{LikenessEditor, LikenessEditorPlugin};
use clap::Parser;

/// A head of one's own with the rig editor.
#[derive(Parser)]
struct Options {
    /// The rig; its folder is the folder of assets, so that it may lie anywhere.
    #[arg(default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
    /// Draws less, for machines without a GPU.
    #[arg(long)]
    low_detail: bool,
    /// Writes what is shown and where into this file, for tests.
    #[arg(long, value_name = "FILE")]
    watch: Option<PathBuf>,
}

fn main() -> AppExit {
    let options = Options::parse();
    let folder = options.rig.parent().and_then(|folder| folder.canonicalize().ok()).unwrap_or_default();
    let name = options.rig.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let assets = AssetPlugin {
        file_path: folder.to_string_lossy().into_owned(),
        unapproved_path_mode: UnapprovedPathMode::Deny,
        ..default()
    };
    let (lod, msaa) = if options.low_detail { (Lod::Fifth, Msaa::Off) } else { (Lod::Full, Msaa::Sample4) };
    let mut app = App::new();
    app.add_plugins((
        DefaultPlugins.set(assets),
        EguiPlugin::default(),
        LikenessPlugin,
        LikenessEditorPlugin::default(),
    ))
    .add_systems(Startup, move |mut commands: Commands, assets: Res<AssetServer>| {
        commands.spawn(LikenessHead::new(assets.load(name.clone())).with_lod(lod));
        let eye = Transform::from_xyz(-0.12, 0.02, 0.62).looking_at(Vec3::new(-0.06, -0.02, 0.0), Vec3::Y);
        commands.spawn((Camera3d::default(), Tonemapping::AcesFitted, msaa, eye));
        let lamp = DirectionalLight { illuminance: 6_000.0, ..default() };
        commands.spawn((lamp, Transform::from_xyz(-1.0, 1.0, 1.5).looking_at(Vec3::ZERO, Vec3::Y)));
    })
    .add_systems(Startup, |mut editor: ResMut<LikenessEditor>| editor.open = true);
    if let Some(file) = options.watch {
        app.add_plugins(watch::WatchPlugin { file });
    }
    app.run()
}
