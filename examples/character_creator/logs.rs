//! `--state-log` and `--layout-log`: what happens and where the widgets are, for tests and for the curious. Photos are not
//! in them.

use std::fs::File;
use std::io::Write;

use bevy::prelude::*;
use bevy_egui::{EguiContexts, PrimaryEguiContext};
use likeness_rig::write_atomic;

use crate::Options;
use crate::start::Ready;

/// Seconds between two layouts.
const LAYOUT_PERIOD: f32 = 0.2;

/// Writes the logs that were asked for.
pub(crate) struct LogsPlugin;

impl Plugin for LogsPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Last, (write_events, write_layout).run_if(resource_exists::<Ready>));
    }
}

fn write_events(mut ready: ResMut<Ready>, options: Res<Options>, mut file: Local<Option<File>>) {
    let events = std::mem::take(&mut ready.studio.events);
    let Some(path) = options.state_log.as_ref().filter(|_| !events.is_empty()) else { return };
    if file.is_none() {
        match File::create(path) {
            Ok(created) => *file = Some(created),
            Err(error) => return ready.studio.fail(format!("--state-log {}: {error}", path.display())),
        }
    }
    let lines: String =
        events.iter().filter_map(|event| serde_json::to_string(event).ok()).map(|line| line + "\n").collect();
    if let Some(file) = file.as_mut()
        && let Err(error) = file.write_all(lines.as_bytes())
    {
        ready.studio.fail(format!("--state-log {}: {error}", path.display()));
    }
}

fn write_layout(
    mut ready: ResMut<Ready>,
    options: Res<Options>,
    contexts: Query<(), With<PrimaryEguiContext>>,
    mut egui: EguiContexts,
    time: Res<Time>,
    mut waited: Local<f32>,
    mut written: Local<String>,
) {
    let Some(path) = options.layout_log.as_ref().filter(|_| !contexts.is_empty()) else { return };
    *waited += time.delta_secs();
    let Some(context) = egui.ctx_mut().ok().filter(|_| *waited >= LAYOUT_PERIOD) else { return };
    *waited = 0.0;
    let studio = &mut ready.studio;
    let places: Vec<_> = studio.places.iter().map(|(name, place)| (*name, *place)).collect();
    for (name, place) in places {
        studio.layout.note_point(name, place);
    }
    let json = studio.layout.to_json(context.pixels_per_point());
    if *written != json {
        match write_atomic(path, json.as_bytes()) {
            Ok(()) => *written = json,
            Err(error) => studio.fail(error.to_string()),
        }
    }
}
