//! The character creator: `cargo run --release --example character_creator [PHOTO]`.
//!
//! Data flows one way: the panels (`ui`) and the hand on the face (`hand`) change the [`studio::Studio`]; `shown` writes its
//! face to the head's `Face`, and the plugin moves the joints in the same frame. What needs the system (files, clipboard,
//! photos) goes through the studio's requests.

#[cfg(target_os = "linux")]
mod camera;
mod clipboard;
mod dialogs;
mod files;
mod fonts;
mod gamepad;
mod hand;
mod history;
mod layout;
mod library;
mod logs;
mod panel_texture;
mod photo;
mod shown;
mod stage;
mod start;
mod studio;
mod texts;
mod thumbnails;
mod ui;
mod window;

use std::path::PathBuf;

use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy_egui::EguiPlugin;
use bevy_likeness::prelude::*;
use clap::Parser;

/// Make a game character from a photo, or from nothing.
#[derive(Parser, Resource, Clone, Debug)]
struct Options {
    /// A photo or a `.face.json` to begin with
    photo: Option<PathBuf>,
    /// Where faces and screenshots are saved (default: the user's data folder)
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The language, for example en or zh-Hans (default: the system's)
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// A folder with further languages: <tag>.ftl files
    #[arg(long, value_name = "DIR")]
    locales: Option<PathBuf>,
    /// Draw less: for machines without a GPU
    #[arg(long)]
    low_detail: bool,
    /// The seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The size of the window in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x800", value_parser = window_size)]
    window: (u32, u32),
    /// Write what happens to this file, a JSON line an event
    #[arg(long, value_name = "FILE")]
    state_log: Option<PathBuf>,
    /// Write where the widgets are to this file, as JSON
    #[arg(long, value_name = "FILE")]
    layout_log: Option<PathBuf>,
}

impl Options {
    /// How the edges of what is drawn are smoothed.
    fn smoothing(&self) -> Msaa {
        if self.low_detail { Msaa::Off } else { Msaa::Sample4 }
    }

    /// The level of detail of the head that is made, and of the one that sits for small pictures.
    fn lods(&self) -> [Lod; 2] {
        if self.low_detail { [Lod::Half, Lod::Fifth] } else { [Lod::Full, Lod::Half] }
    }
}

fn window_size(text: &str) -> Result<(u32, u32), String> {
    let size = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    size.filter(|(width, height)| (640..=7680).contains(width) && (480..=4320).contains(height))
        .ok_or_else(|| "write for example 1280x800, at least 640x480".into())
}

fn main() -> AppExit {
    let options = Options::parse();
    let (width, height) = options.window;
    let mut app = App::new();
    app.add_plugins((
        DefaultPlugins
            .set(WindowPlugin {
                primary_window: Some(Window {
                    title: "Likeness".into(),
                    resolution: (width, height).into(),
                    ..default()
                }),
                ..default()
            })
            // The first picture of a head is right, at the price of a longer wait for it.
            .set(RenderPlugin { synchronous_pipeline_compilation: true, ..default() })
            .set(LogPlugin { filter: "warn,wgpu=error,naga=error".into(), ..default() })
            // Run by its name or by cargo, the assets lie beside the manifest or beside the program.
            .set(AssetPlugin { file_path: stage::asset_folder(), ..default() }),
        LikenessPlugin,
        EguiPlugin::default(),
    ))
    .insert_resource(options)
    .add_plugins((
        stage::StagePlugin,
        start::StartPlugin,
        window::WindowUiPlugin,
        shown::ShownPlugin,
        hand::HandPlugin,
        thumbnails::ThumbnailsPlugin,
        photo::PhotoPlugin,
        files::FilesPlugin,
        clipboard::ClipboardPlugin,
        gamepad::GamepadPlugin,
        logs::LogsPlugin,
    ));
    #[cfg(target_os = "linux")]
    app.add_plugins(camera::CameraPlugin);
    app.run()
}
