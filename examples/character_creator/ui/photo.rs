//! The photo, its landmarks, and how sure the answer is.

use egui::{Button, Color32, Rect, Response, RichText, Sense, Ui, Vec2, pos2, vec2};

use super::pictures::{PhotoPicture, Pictures};
use super::{camera, heading, theme};
use crate::studio::{CameraState, Request, Studio};

/// The greatest height of a picture, points.
const TALLEST: f32 = 260.0;

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Pictures) {
    if studio.camera.is_on() {
        return camera::show(ui, studio, pictures);
    }
    let label = format!("🖼 {}", studio.texts.get("photo-choose"));
    let choose = across(ui, true, Button::new(label).fill(theme::ACCENT.gamma_multiply(0.75)));
    if studio.layout.note("photo.choose", choose).clicked() {
        studio.requests.push(Request::ChoosePhoto);
    }
    if studio.camera == CameraState::Off {
        let camera = across(ui, true, Button::new(format!("📷 {}", studio.texts.get("photo-camera"))));
        if studio.layout.note("photo.camera", camera).clicked() {
            studio.camera = CameraState::On;
        }
    }
    picture(ui, studio, pictures);
    if studio.predicting {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.label(studio.texts.get("photo-working"));
        });
    }
    let Some(note) = studio.photo_note.clone() else {
        ui.label(RichText::new(studio.texts.get("photo-hint")).color(theme::WEAK));
        return;
    };
    let (key, color) = match note.confidence {
        sure if sure >= 0.8 => ("confidence-high", theme::GOOD),
        fair if fair >= 0.5 => ("confidence-fair", theme::TEXT),
        _ => ("confidence-low", theme::ERROR),
    };
    heading(ui, &studio.texts.get(key));
    let percent = f64::from((note.confidence * 100.0).round());
    let value = studio.texts.with("confidence-value", "percent", percent);
    ui.add(egui::ProgressBar::new(note.confidence).fill(color.gamma_multiply(0.8)).text(value));
    for warning in &note.warnings {
        ui.label(RichText::new(format!("⚠ {warning}")).color(theme::ERROR));
    }
    ui.add_space(6.0);
    let back = ui.button(studio.texts.get("photo-back"));
    if studio.layout.note("photo.back", back).clicked() {
        studio.back_to_photo();
    }
    let try_on = ui.button(studio.texts.get("photo-expression"));
    if studio.layout.note("photo.expression", try_on).clicked() {
        studio.document.expression = note.expression;
    }
    if studio.document.photo_skin.is_some() {
        let mut shown = studio.document.skin.is_some();
        let skin = ui.checkbox(&mut shown, studio.texts.get("photo-skin"));
        if studio.layout.note("photo.skin", skin).changed() {
            studio.show_photo_skin(shown);
        }
    }
    let label = studio.texts.get("photo-landmarks");
    ui.checkbox(&mut studio.view.show_landmarks, label);
}

/// A button across the page.
pub(super) fn across(ui: &mut Ui, enabled: bool, button: Button<'_>) -> Response {
    let size = vec2(ui.available_width(), 32.0);
    ui.add_enabled_ui(enabled, |ui| ui.add_sized(size, button)).inner
}

/// The size in the page of a picture of so many pixels.
pub(super) fn fit(ui: &Ui, pixels: Vec2) -> Vec2 {
    pixels * (ui.available_width() / pixels.x.max(1.0)).min(TALLEST / pixels.y.max(1.0))
}

/// The photo with its landmarks, or the place where one can be dropped.
fn picture(ui: &mut Ui, studio: &Studio, pictures: &Pictures) {
    let Some(PhotoPicture { picture, landmarks }) = &pictures.photo else {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 150.0), Sense::hover());
        let stroke = egui::Stroke::new(1.5, theme::WEAK);
        let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
        ui.painter().extend(egui::Shape::dashed_line(&corners, stroke, 6.0, 5.0));
        ui.painter().text(
            rect.center(),
            egui::Align2::CENTER_CENTER,
            "🖼",
            egui::FontId::proportional(40.0),
            theme::WEAK,
        );
        return;
    };
    let (rect, _) = ui.allocate_exact_size(fit(ui, picture.size), Sense::hover());
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    egui::Image::new((picture.texture, rect.size())).uv(whole).corner_radius(8).paint_at(ui, rect);
    if studio.view.show_landmarks {
        for landmark in landmarks {
            let place = rect.min + landmark.to_vec2() / picture.size * rect.size();
            ui.painter().circle(place, 1.8, theme::ACCENT, egui::Stroke::new(0.5, Color32::BLACK));
        }
    }
}
