//! Skin details and make-up: the rig's named numbers.

use egui::{RichText, Ui};

use super::{heading, theme, unit_slider};
use crate::studio::Studio;

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio) {
    let rig = studio.rig.clone();
    if rig.details.is_empty() {
        ui.label(RichText::new(studio.texts.get("details-none")).color(theme::WEAK));
    }
    let mut group = "";
    for (index, detail) in rig.details.iter().enumerate() {
        if detail.group != group {
            group = &detail.group;
            heading(ui, &studio.texts.or(&format!("group-{group}"), group));
        }
        let label = studio.texts.or(&format!("detail-{}", detail.name.replace(['.', '_'], "-")), &detail.caption);
        let mut value = studio.document.face.details[index];
        if unit_slider(ui, studio, format!("detail.{}", detail.name), &label, &mut value, detail.default) {
            studio.document.face.details[index] = value;
            studio.at_once = true;
        }
    }
}
