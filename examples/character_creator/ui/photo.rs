//! The photo, its landmarks, and how sure the answer is.

use egui::{Button, Color32, Rect, RichText, Sense, Ui, pos2, vec2};

use super::pictures::Pictures;
use super::{heading, theme};
use crate::studio::{Request, Studio};

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Pictures) {
    let choose = ui.add_sized(
        vec2(ui.available_width(), 32.0),
        Button::new(format!("🖼 {}", studio.texts.get("photo-choose"))).fill(theme::ACCENT.gamma_multiply(0.75)),
    );
    if studio.layout.note("photo.choose", choose).clicked() {
        studio.requests.push(Request::ChoosePhoto);
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

/// The photo with its landmarks, or the place where one can be dropped.
fn picture(ui: &mut Ui, studio: &Studio, pictures: &Pictures) {
    let width = ui.available_width();
    let Some(photo) = &pictures.photo else {
        let (rect, _) = ui.allocate_exact_size(vec2(width, 150.0), Sense::hover());
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
    let scale = (width / photo.size.x.max(1.0)).min(260.0 / photo.size.y.max(1.0));
    let (rect, _) = ui.allocate_exact_size(photo.size * scale, Sense::hover());
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    egui::Image::new((photo.texture, rect.size())).uv(whole).corner_radius(8).paint_at(ui, rect);
    if studio.view.show_landmarks {
        for landmark in &photo.landmarks {
            let place = rect.min + landmark.to_vec2() * scale;
            ui.painter().circle(place, 1.8, theme::ACCENT, egui::Stroke::new(0.5, Color32::BLACK));
        }
    }
}
