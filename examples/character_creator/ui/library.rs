//! Saved faces.

use egui::{Button, RichText, TextEdit, Ui, vec2};

use super::{heading, theme};
use crate::studio::{Request, Studio};

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio) {
    heading(ui, &studio.texts.get("tab-library"));
    ui.horizontal(|ui| {
        let text = ui.label(studio.texts.get("library-name"));
        let name = ui.add(TextEdit::singleline(&mut studio.save_name).desired_width(120.0)).labelled_by(text.id);
        studio.layout.note("library.name", name);
        let save = ui.button(format!("💾 {}", studio.texts.get("toolbar-save")));
        if studio.layout.note("library.save", save).clicked() {
            studio.requests.push(Request::Save(studio.save_name.clone()));
        }
    });
    ui.separator();
    if studio.library.is_empty() {
        ui.label(RichText::new(studio.texts.get("library-empty")).color(theme::WEAK));
    }
    for index in 0..studio.library.len() {
        let name = studio.library[index].clone();
        let open = ui.add_sized(vec2(ui.available_width(), 30.0), Button::new(&name));
        if studio.layout.note(format!("library.open.{name}"), open).clicked() {
            studio.save_name.clone_from(&name);
            studio.requests.push(Request::Load(crate::library::file_name(&name).into()));
        }
    }
    ui.separator();
    let other = ui.button(studio.texts.get("library-open-file"));
    if studio.layout.note("library.open_file", other).clicked() {
        studio.requests.push(Request::ChooseFace);
    }
}
