//! Faces that come with the creator, and mixing of kept ones.

use egui::{Button, RichText, Ui, vec2};

use super::pictures::{Pictures, Subject};
use super::{heading, theme, unit_slider};
use crate::studio::{SLOTS, Studio};

/// Side of a kept face's picture, points: three in a row.
const PICTURE: f32 = 81.0;
/// Side of a preset's picture, points: four in a row.
const PRESET: f32 = 61.0;

/// What the places for kept faces are called.
const SLOT_NAMES: [&str; SLOTS] = ["A", "B", "C"];

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Pictures) {
    heading(ui, &studio.texts.get("blend-presets"));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for index in 0..studio.presets.len() {
            let name = studio.presets[index].name.clone();
            let picture = pictures.show(ui, Subject::Preset(index), vec2(PRESET, PRESET), false, &name);
            if studio.layout.note(format!("preset.{name}"), picture.on_hover_text(&name)).clicked() {
                let face = studio.presets[index].face.clone();
                studio.take(face, None);
            }
        }
    });
    heading(ui, &studio.texts.get("blend-slots"));
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for (slot, name) in SLOT_NAMES.iter().enumerate() {
            ui.vertical(|ui| {
                if studio.document.slots[slot].is_some() {
                    let picture = pictures.show(ui, Subject::Slot(slot), vec2(PICTURE, PICTURE), false, name);
                    if studio.layout.note(format!("blend.face_{}", name.to_lowercase()), picture).clicked()
                        && let Some(face) = studio.document.slots[slot].clone()
                    {
                        studio.take(face, studio.document.skin.clone());
                    }
                } else {
                    let (rect, _) = ui.allocate_exact_size(vec2(PICTURE, PICTURE), egui::Sense::hover());
                    ui.painter().rect_filled(rect, 7.0, theme::FIELD);
                    let empty = studio.texts.get("blend-empty");
                    let font = egui::FontId::proportional(12.0);
                    ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, empty, font, theme::WEAK);
                }
                let label = studio.texts.with("blend-keep", "slot", *name);
                let keep = ui.add_sized(vec2(PICTURE, 26.0), Button::new(label));
                if studio.layout.note(format!("blend.save_{}", name.to_lowercase()), keep).clicked() {
                    studio.keep(slot);
                }
            });
        }
    });
    let mut blended = false;
    for (slot, name) in SLOT_NAMES.iter().enumerate() {
        let mut weight = studio.document.weights[slot];
        let id = format!("blend.weight_{}", name.to_lowercase());
        if unit_slider(ui, studio, id, name, &mut weight, 1.0) {
            studio.document.weights[slot] = weight;
            blended = true;
        }
    }
    let apply = ui.add(Button::new(RichText::new(studio.texts.get("blend-apply")).strong()));
    if studio.layout.note("blend.apply", apply).clicked() || blended {
        studio.at_once |= blended;
        studio.blend();
    }
}
