//! What concerns the whole face: open, undo, randomise, save, share.

use egui::{Align, Button, Layout, RichText, Ui};

use super::theme;
use crate::studio::{Request, Scope, Studio};

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio) {
    ui.horizontal_centered(|ui| {
        ui.label(RichText::new(studio.texts.get("app-name")).heading().color(theme::ACCENT).strong());
        ui.add_space(10.0);
        if button(ui, studio, "open-photo", "open", "🖼", true) {
            studio.requests.push(Request::ChoosePhoto);
        }
        ui.separator();
        let (can_undo, can_redo) = (studio.can_undo(), studio.can_redo());
        if button(ui, studio, "undo", "undo", "⟲", can_undo) {
            studio.undo();
        }
        if button(ui, studio, "redo", "redo", "⟳", can_redo) {
            studio.redo();
        }
        ui.separator();
        if button(ui, studio, "randomise", "randomise", "🎲", true) {
            studio.randomise(Scope::WholeFace);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button(ui, studio, "screenshot", "screenshot", "📷", true) {
                studio.requests.push(Request::Screenshot);
            }
            if button(ui, studio, "paste", "paste_code", "📋", true) {
                studio.requests.push(Request::Paste);
            }
            if button(ui, studio, "copy-code", "copy_code", "🗐", true) {
                studio.copy_code();
            }
            ui.separator();
            if button(ui, studio, "load", "load", "📂", true) {
                studio.requests.push(Request::ChooseFace);
            }
            if button(ui, studio, "save", "save", "💾", true) {
                studio.requests.push(Request::Save(studio.save_name.clone()));
            }
        });
    });
}

fn button(ui: &mut Ui, studio: &mut Studio, text: &str, name: &str, icon: &str, enabled: bool) -> bool {
    let label = studio.texts.get(&format!("toolbar-{text}"));
    let response = ui.add_enabled(enabled, Button::new(format!("{icon} {label}")));
    studio.layout.note(format!("toolbar.{name}"), response).clicked()
}
