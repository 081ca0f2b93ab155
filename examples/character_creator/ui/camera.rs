//! What the camera sees, mirrored as people know themselves, and its button.

use egui::{Button, Key, Rect, RichText, Sense, Spinner, Ui, pos2, vec2};

use super::pictures::Pictures;
use super::{photo, theme};
use crate::studio::{CameraState, Studio};

/// Height by width while the camera is starting.
const USUAL_SHAPE: f32 = 9.0 / 16.0;

pub(super) fn show(ui: &mut Ui, studio: &mut Studio, pictures: &Pictures) {
    preview(ui, pictures);
    ui.label(RichText::new(studio.texts.get("camera-on")).color(theme::WEAK));
    let take = Button::new(format!("📷 {}", studio.texts.get("camera-take"))).fill(theme::ACCENT.gamma_multiply(0.75));
    let take = photo::across(ui, pictures.preview.is_some(), take);
    // The button that opened the preview is gone: keys and controllers go on from here.
    if take.enabled() && ui.memory(|memory| memory.focused().is_none()) {
        take.request_focus();
    }
    if studio.layout.note("camera.take", take).clicked() {
        studio.camera = CameraState::Taking;
    }
    let cancel = photo::across(ui, true, Button::new(studio.texts.get("camera-cancel")));
    if studio.layout.note("camera.cancel", cancel).clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
        studio.close_camera();
    }
}

fn preview(ui: &mut Ui, pictures: &Pictures) {
    let width = ui.available_width();
    let size = pictures.preview.map_or(vec2(width, width * USUAL_SHAPE), |preview| photo::fit(ui, preview.size));
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    if let Some(preview) = pictures.preview {
        let mirrored = Rect::from_min_max(pos2(1.0, 0.0), pos2(0.0, 1.0));
        egui::Image::new((preview.texture, rect.size())).uv(mirrored).corner_radius(8).paint_at(ui, rect);
    } else {
        ui.painter().rect_filled(rect, 8.0, theme::FIELD);
        ui.put(rect, Spinner::new());
    }
}
