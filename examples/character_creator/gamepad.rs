//! A game controller reaches everything that the keyboard reaches: it presses egui's keys.

use bevy::prelude::*;
use bevy_egui::{EguiInput, EguiPreUpdateSet, PrimaryEguiContext, egui};
use egui::Key;

use crate::stage::Orbit;
use crate::start::Ready;

/// Degrees a second at full tilt.
const TURN_SPEED: f32 = 110.0;
/// How fast the camera comes nearer, natural logarithms a second.
const ZOOM_SPEED: f32 = 1.2;
/// A stick pushed less than this rests.
const DEAD: f32 = 0.2;
/// A slider moves by this many steps a second while the left stick is pushed.
const REPEAT: f32 = 14.0;

/// Buttons and the keys that they press.
const KEYS: [(GamepadButton, Key, egui::Modifiers); 11] = [
    (GamepadButton::DPadUp, Key::ArrowUp, egui::Modifiers::NONE),
    (GamepadButton::DPadDown, Key::ArrowDown, egui::Modifiers::NONE),
    (GamepadButton::DPadLeft, Key::ArrowLeft, egui::Modifiers::NONE),
    (GamepadButton::DPadRight, Key::ArrowRight, egui::Modifiers::NONE),
    (GamepadButton::South, Key::Space, egui::Modifiers::NONE),
    (GamepadButton::East, Key::Escape, egui::Modifiers::NONE),
    (GamepadButton::LeftTrigger, Key::PageUp, egui::Modifiers::NONE),
    (GamepadButton::RightTrigger, Key::PageDown, egui::Modifiers::NONE),
    (GamepadButton::West, Key::Z, egui::Modifiers::COMMAND),
    (GamepadButton::North, Key::R, egui::Modifiers::COMMAND),
    (GamepadButton::Start, Key::S, egui::Modifiers::COMMAND),
];

/// Listens to controllers.
pub(crate) struct GamepadPlugin;

impl Plugin for GamepadPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            PreUpdate,
            press_keys.after(EguiPreUpdateSet::ProcessInput).before(EguiPreUpdateSet::BeginPass),
        )
        .add_systems(Update, turn.run_if(resource_exists::<Ready>));
    }
}

fn press_keys(
    gamepads: Query<&Gamepad>,
    mut inputs: Query<&mut EguiInput, With<PrimaryEguiContext>>,
    time: Res<Time>,
    mut slide: Local<f32>,
) {
    let Ok(mut input) = inputs.single_mut() else { return };
    for gamepad in &gamepads {
        for (button, key, modifiers) in KEYS {
            let (down, up) = (gamepad.just_pressed(button), gamepad.just_released(button));
            if down || up {
                push(&mut input, key, down, modifiers);
            }
        }
        // Down the left stick, the next control; to its sides, the slider.
        let stick = gamepad.left_stick();
        if stick.length() < DEAD {
            continue;
        }
        *slide += REPEAT * stick.length() * time.delta_secs();
        while *slide >= 1.0 {
            *slide -= 1.0;
            let key = match (stick.x.abs() > stick.y.abs(), stick.x > 0.0, stick.y > 0.0) {
                (true, true, _) => Key::ArrowRight,
                (true, false, _) => Key::ArrowLeft,
                (false, _, true) => Key::ArrowUp,
                (false, _, false) => Key::ArrowDown,
            };
            push(&mut input, key, true, egui::Modifiers::NONE);
            push(&mut input, key, false, egui::Modifiers::NONE);
        }
    }
}

fn push(input: &mut EguiInput, key: Key, pressed: bool, modifiers: egui::Modifiers) {
    input.events.push(egui::Event::Key { key, physical_key: None, pressed, repeat: false, modifiers });
}

fn turn(gamepads: Query<&Gamepad>, mut orbits: Query<&mut Orbit>, time: Res<Time>) {
    for gamepad in &gamepads {
        let stick = gamepad.right_stick();
        let near = gamepad.get(GamepadButton::RightTrigger2).unwrap_or(0.0)
            - gamepad.get(GamepadButton::LeftTrigger2).unwrap_or(0.0);
        if stick.length() < DEAD && near.abs() < DEAD {
            continue;
        }
        for mut orbit in &mut orbits {
            let step = stick * TURN_SPEED * time.delta_secs();
            orbit.turn(step.x, step.y);
            orbit.zoom((-near * ZOOM_SPEED * time.delta_secs()).exp());
        }
    }
}
