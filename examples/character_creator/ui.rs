//! The panels: what they show and what they do to the studio. They know egui, and nothing of Bevy.

mod blend;
mod camera;
mod details;
mod expression;
mod library;
mod looks;
mod photo;
pub(crate) mod pictures;
mod scene;
mod shape;
mod theme;
mod toolbar;

use egui::{
    Align, Color32, Context, Event, Frame, Id, Key, Layout, Margin, Modifiers, Panel, RichText, ScrollArea, Ui,
};

use crate::studio::{Request, Scope, Studio, Tab};
use pictures::Pictures;

pub(crate) use theme::apply as apply_theme;

/// Width of the left panel, points.
pub(crate) const LEFT_WIDTH: f32 = 292.0;
/// Width of the right panel, points.
pub(crate) const RIGHT_WIDTH: f32 = 332.0;
/// Height of the toolbar, points.
pub(crate) const TOOLBAR_HEIGHT: f32 = 46.0;

/// Height of the line at the bottom, points.
pub(crate) const NOTICE_HEIGHT: f32 = 30.0;

/// Shows everything; `ui` covers the window.
pub(crate) fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Pictures) {
    studio.layout.clear();
    pictures.wanted.clear();
    Panel::top("toolbar").exact_size(TOOLBAR_HEIGHT).resizable(false).frame(bar()).show(ui, |ui| {
        toolbar::show(ui, studio);
    });
    Panel::bottom("notices").exact_size(NOTICE_HEIGHT).resizable(false).frame(bar()).show(ui, |ui| notice(ui, studio));
    Panel::left("pages").exact_size(LEFT_WIDTH).resizable(false).frame(side()).show(ui, |ui| {
        tabs(ui, studio);
        ui.add_space(8.0);
        page(ui, studio, pictures);
    });
    Panel::right("shape").exact_size(RIGHT_WIDTH).resizable(false).frame(side()).show(ui, |ui| {
        shape::show(ui, studio, pictures);
    });
}

/// Keys that work everywhere but in a text field.
pub(crate) fn shortcuts(context: &Context, studio: &mut Studio) {
    if context.memory(|memory| memory.focused().is_some()) && context.text_edit_focused() {
        return;
    }
    let pressed = |key: Key, modifiers: Modifiers| context.input_mut(|input| input.consume_key(modifiers, key));
    if pressed(Key::Z, Modifiers::COMMAND | Modifiers::SHIFT) || pressed(Key::Y, Modifiers::COMMAND) {
        studio.redo();
    } else if pressed(Key::Z, Modifiers::COMMAND) {
        studio.undo();
    } else if pressed(Key::R, Modifiers::COMMAND) {
        studio.randomise(Scope::WholeFace);
    } else if pressed(Key::S, Modifiers::COMMAND) {
        studio.requests.push(Request::Save(studio.save_name.clone()));
    } else if pressed(Key::O, Modifiers::COMMAND) {
        studio.requests.push(Request::ChoosePhoto);
    } else if pressed(Key::F12, Modifiers::NONE) {
        studio.requests.push(Request::Screenshot);
    }
    let pages = [(Key::PageUp, Tab::ALL.len() - 1), (Key::PageDown, 1)];
    for (key, step) in pages {
        if pressed(key, Modifiers::NONE) {
            let now = Tab::ALL.iter().position(|tab| *tab == studio.tab).unwrap_or(0);
            studio.tab = Tab::ALL[(now + step) % Tab::ALL.len()];
        }
    }
    // The clipboard's own keys arrive as events.
    let (copy, paste) = context.input(|input| {
        let paste = input.events.iter().any(|event| matches!(event, Event::Paste(_)));
        (input.events.contains(&Event::Copy), paste)
    });
    if copy {
        studio.copy_code();
    }
    if paste {
        studio.requests.push(Request::Paste);
    }
}

fn bar() -> Frame {
    Frame::new().fill(theme::PANEL).inner_margin(Margin::symmetric(14, 7))
}

fn side() -> Frame {
    Frame::new().fill(theme::PANEL.gamma_multiply(0.94)).inner_margin(Margin::symmetric(14, 12))
}

fn tabs(ui: &mut Ui, studio: &mut Studio) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        for tab in Tab::ALL {
            let chosen = studio.tab == tab;
            let label = studio.texts.get(&format!("tab-{}", tab.name()));
            let response = theme::chip(ui, &label, chosen);
            if studio.layout.note(format!("tab.{}", tab.name()), response).clicked() {
                studio.tab = tab;
            }
        }
    });
}

fn page(ui: &mut Ui, studio: &mut Studio, pictures: &mut Pictures) {
    ScrollArea::vertical().id_salt(studio.tab.name()).auto_shrink(false).show(ui, |ui| match studio.tab {
        Tab::Photo => photo::show(ui, studio, pictures),
        Tab::Looks => looks::show(ui, studio, pictures),

        Tab::Details => details::show(ui, studio),
        Tab::Expression => expression::show(ui, studio),
        Tab::Blend => blend::show(ui, studio, pictures),
        Tab::Library => library::show(ui, studio),
        Tab::Scene => scene::show(ui, studio),
    });
}

fn notice(ui: &mut Ui, studio: &mut Studio) {
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| match &studio.notice {
        Some(notice) => {
            let color = if notice.is_error { theme::ERROR } else { theme::TEXT };
            ui.label(RichText::new(&notice.text).color(color));
        }
        None => {
            ui.label(RichText::new(studio.texts.get("shape-hint")).color(theme::WEAK));
        }
    });
}

/// A heading inside a page.
fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(text).strong().size(14.5).color(Color32::WHITE));
    ui.add_space(2.0);
}

/// A slider over 0..1 that fills the width and says what it is; double-click brings `home` back. True when the value changed.
fn unit_slider(ui: &mut Ui, studio: &mut Studio, name: String, label: &str, value: &mut f32, home: f32) -> bool {
    let before = *value;
    let text = ui.horizontal(|ui| {
        let text = ui.label(label);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(format!("{:.0}", *value * 100.0)).color(theme::WEAK).monospace());
        });
        text
    });
    ui.spacing_mut().slider_width = ui.available_width();
    let slider = ui.push_id(Id::new(&name), |ui| ui.add(egui::Slider::new(value, 0.0..=1.0).show_value(false))).inner;
    let slider = slider.labelled_by(text.inner.id);
    if studio.layout.note(name, slider).double_clicked() {
        *value = home;
    }
    *value != before
}

#[cfg(test)]
mod tests;
