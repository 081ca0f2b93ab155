//! Hair, brows, beard, glasses and colours.

use egui::{Ui, vec2};

use super::heading;
use super::pictures::{Pictures, Subject};
use crate::studio::Studio;

/// Side of the picture of a choice, points.
const CHOICE_PICTURE: f32 = 60.0;

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Pictures) {
    heading(ui, &studio.texts.get("tab-looks"));
    let rig = studio.rig.clone();
    egui::Grid::new("colors").num_columns(2).spacing(vec2(16.0, 8.0)).show(ui, |ui| {
        for (index, slot) in rig.colors.iter().enumerate() {
            let label = studio.texts.or(&format!("color-{}", slot.name.replace(['.', '_'], "-")), &slot.caption);
            let text = ui.label(label);
            let mut color = studio.document.face.colors[index];
            let picker = egui::widgets::color_picker::color_edit_button_rgb(ui, &mut color).labelled_by(text.id);
            // The picker's own rounding is no change.
            if studio.layout.note(format!("color.{}", slot.name), picker).changed() {
                studio.document.face.colors[index] = color.map(|value| value.clamp(0.0, 1.0));
            }
            if index % 2 == 1 {
                ui.end_row();
            }
        }
    });
    for (index, option) in rig.options.iter().enumerate() {
        let key = option.name.replace(['.', '_'], "-");
        heading(ui, &studio.texts.or(&format!("option-{key}"), &option.caption));
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(5.0, 5.0);
            for (choice, name) in option.choices.iter().enumerate() {
                let chosen = studio.document.face.options[index] == choice;
                let label = studio.texts.or(&format!("choice-{}", name.replace('_', "-")), name);
                let subject = Subject::Choice { option: index, choice };
                let response = pictures
                    .show(ui, subject, vec2(CHOICE_PICTURE, CHOICE_PICTURE), chosen, &label)
                    .on_hover_text(&label);
                if studio.layout.note(format!("choice.{}.{name}", option.name), response).clicked() {
                    studio.document.face.options[index] = choice;
                }
            }
        });
    }
}
