//! The sliders of a region.

use egui::{Align, Button, Label, Layout, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::pictures::{Pictures, Subject};
use super::{theme, unit_slider};
use crate::studio::{Scope, Studio};

/// Side of the small pictures of what the ends of a slider look like, points.
const END_PICTURE: f32 = 52.0;

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Pictures) {
    regions(ui, studio);
    ui.add_space(6.0);
    let hint = studio.texts.get("shape-search");
    let search =
        ui.add(TextEdit::singleline(&mut studio.search).hint_text(format!("🔍 {hint}")).desired_width(f32::INFINITY));
    studio.layout.note("shape.search", search);
    ui.horizontal(|ui| {
        let label = studio.texts.get("shape-symmetric");
        let lock = ui.checkbox(&mut studio.symmetric, label);
        studio.layout.note("shape.symmetric", lock);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let label = studio.texts.get("shape-random");
            let random = ui.add(Button::new("🎲")).on_hover_text(&label);
            random.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &label));
            if studio.layout.note("shape.randomise", random).clicked() {
                studio.randomise(Scope::Region);
            }
            let key = if studio.document.photo.is_some() { "shape-reset" } else { "shape-reset-mean" };
            let label = studio.texts.get(key);
            let reset = ui.add(Button::new("↩")).on_hover_text(&label);
            reset.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &label));
            if studio.layout.note("shape.reset", reset).clicked() {
                studio.reset_region();
            }
        });
    });
    let label = studio.texts.get("random-strength");
    let mut strength = studio.strength;
    if unit_slider(ui, studio, "shape.strength".into(), &label, &mut strength, 0.6) {
        studio.strength = strength;
    }
    ui.separator();
    let visible = studio.visible_parameters();
    ScrollArea::vertical().id_salt((&studio.region, &studio.search)).auto_shrink(false).show(ui, |ui| {
        if visible.is_empty() {
            ui.label(RichText::new(studio.texts.get("shape-nothing")).color(theme::WEAK));
        }
        for index in visible {
            slider(ui, studio, pictures, index);
            ui.add_space(4.0);
        }
    });
}

fn regions(ui: &mut Ui, studio: &mut Studio) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        for index in 0..studio.regions().len() {
            let region = studio.regions()[index].clone();
            let label = studio.texts.or(&format!("region-{region}"), &region);
            let chosen = studio.region == region && studio.search.is_empty();
            let response = theme::chip(ui, &label, chosen);
            if studio.layout.note(format!("region.{region}"), response).clicked() {
                studio.select_region(&region);
            }
        }
    });
}

/// A parameter between the pictures of its ends; a click on a picture goes there.
fn slider(ui: &mut Ui, studio: &mut Studio, pictures: &mut Pictures, index: usize) {
    let label = studio.parameter_label(index).to_owned();
    let mut value = studio.document.face.parameters[index];
    let before = value;
    let picture = vec2(END_PICTURE, END_PICTURE);
    ui.horizontal(|ui| {
        let low = Subject::End { parameter: index, high: false };
        if pictures.show(ui, low, picture, false, &format!("{label} −")).clicked() {
            value = 0.0;
        }
        let width = ui.available_width() - END_PICTURE - ui.spacing().item_spacing.x;
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.spacing_mut().slider_width = width;
            let text = ui.add(Label::new(&label).truncate());
            let slider = ui.add(egui::Slider::new(&mut value, 0.0..=1.0).show_value(false)).labelled_by(text.id);
            let name = format!("slider.{}", studio.rig.parameters[index].name);
            if studio.layout.note(name, slider).double_clicked() {
                value = 0.5;
            }
        });
        let high = Subject::End { parameter: index, high: true };
        if pictures.show(ui, high, picture, false, &format!("{label} +")).clicked() {
            value = 1.0;
        }
    });
    if value != before {
        studio.set_parameter(index, value);
    }
}
