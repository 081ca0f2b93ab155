//! A window that writes down what it hears: winit's events as Bevy hands them to a game, without a GPU.

use std::fs::File;
use std::io::Write;

use bevy::input::ButtonState;
use bevy::input::keyboard::KeyboardInput;
use bevy::input::mouse::{MouseButtonInput, MouseWheel};
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::settings::WgpuSettings;
use bevy::window::{FileDragAndDrop, WindowResolution};
use bevy::winit::WinitPlugin;
use serde_json::{Value, json};

use crate::desktop::Key;

/// The variable with the log's path.
pub(crate) const LOG: &str = "LIKENESS_TEST_LISTENER_LOG";
/// The window's size, pixels.
pub(crate) const SIZE: [u16; 2] = [320, 200];
/// This key makes it take the clipboard.
pub(crate) const PASTE: Key = Key::Function(5);
/// This key makes it put [`COPIED`] on the clipboard.
pub(crate) const COPY: Key = Key::Function(6);
/// What it copies.
pub(crate) const COPIED: &str = "from the wíndow";

#[derive(Resource)]
struct Log(File);

impl Log {
    fn write(&mut self, event: &Value) {
        writeln!(self.0, "{event}").expect("the log can be written");
    }
}

#[test]
#[ignore = "the other tests start it in a process of its own"]
fn listen() {
    let Some(path) = std::env::var_os(LOG) else {
        eprintln!("{LOG} does not name a log: nobody listens");
        return;
    };
    let log = Log(File::create(path).expect("the log can be made"));
    let window = Window { resolution: WindowResolution::new(SIZE[0].into(), SIZE[1].into()), ..default() };
    let render = WgpuSettings { backends: None, ..default() };
    App::new()
        .add_plugins(
            DefaultPlugins
                .set(WindowPlugin { primary_window: Some(window), ..default() })
                .set(RenderPlugin { render_creation: render.into(), ..default() })
                // A test runs beside the main thread.
                .set(WinitPlugin { run_on_any_thread: true }),
        )
        .insert_resource(log)
        .insert_non_send(arboard::Clipboard::new().expect("there is a clipboard"))
        .add_systems(PostStartup, |mut log: ResMut<Log>| log.write(&json!({"event": "ready"})))
        .add_systems(Update, (pointer, wheel, keys, files).chain())
        .run();
}

fn pointer(mut log: ResMut<Log>, mut moves: MessageReader<CursorMoved>, mut buttons: MessageReader<MouseButtonInput>) {
    for moved in moves.read() {
        log.write(&json!({"event": "moved", "x": moved.position.x, "y": moved.position.y}));
    }
    for button in buttons.read() {
        let event = match button.state {
            ButtonState::Pressed => "pressed",
            ButtonState::Released => "released",
        };
        log.write(&json!({"event": event, "button": format!("{:?}", button.button)}));
    }
}

fn wheel(mut log: ResMut<Log>, mut wheels: MessageReader<MouseWheel>) {
    for wheel in wheels.read() {
        log.write(&json!({"event": "scrolled", "y": wheel.y}));
    }
}

fn keys(
    mut log: ResMut<Log>,
    mut keys: MessageReader<KeyboardInput>,
    mut clipboard: NonSendMut<arboard::Clipboard>,
    mut exit: MessageWriter<AppExit>,
) {
    for key in keys.read().filter(|key| key.state == ButtonState::Pressed && !key.repeat) {
        log.write(&json!({"event": "key", "key": format!("{:?}", key.key_code), "text": key.text.as_deref()}));
        match key.key_code {
            KeyCode::Escape => drop(exit.write(AppExit::Success)),
            KeyCode::F5 => paste(&mut log, &mut clipboard),
            KeyCode::F6 => {
                clipboard.set_text(COPIED).expect("the clipboard takes text");
                log.write(&json!({"event": "copied"}));
            }
            _ => {}
        }
    }
}

fn paste(log: &mut Log, clipboard: &mut arboard::Clipboard) {
    if let Ok(text) = clipboard.get_text() {
        log.write(&json!({"event": "pasted_text", "text": text}));
    } else if let Ok(picture) = clipboard.get_image() {
        let middle = 4 * (picture.height / 2 * picture.width + picture.width / 2);
        log.write(&json!({
            "event": "pasted_picture",
            "width": picture.width,
            "height": picture.height,
            "middle": &picture.bytes[middle..middle + 4],
        }));
    }
}

fn files(mut log: ResMut<Log>, mut drops: MessageReader<FileDragAndDrop>) {
    for drop in drops.read() {
        if let FileDragAndDrop::DroppedFile { path_buf, .. } = drop {
            log.write(&json!({"event": "dropped", "path": path_buf}));
        }
    }
}
