//! The bones and what drives them.

use egui::{DragValue, RichText, ScrollArea, Ui};
use glam::Vec3;

use super::{Page, PanelState, sliders};
use crate::document::{MOST_REST_MOVE, RigDocument, drives_bone};

/// The height of the list, points.
const LIST_HEIGHT: f32 = 150.0;

const MILLIMETRES: f32 = 1000.0;

pub(super) fn show(ui: &mut Ui, state: &mut PanelState, document: &mut RigDocument) {
    let rig = document.rig();
    ui.horizontal(|ui| sliders::search(ui, state));
    let wanted = state.search.to_lowercase();
    ScrollArea::vertical().id_salt("bones").max_height(LIST_HEIGHT).auto_shrink([false, true]).show(ui, |ui| {
        for (index, bone) in rig.bones.iter().enumerate().filter(|(_, bone)| bone.name.contains(&wanted)) {
            if ui.selectable_label(state.bone == Some(index), &bone.name).clicked() {
                state.bone = Some(index);
            }
        }
    });
    ui.separator();
    let Some(bone) = state.bone.and_then(|bone| rig.bones.get(bone)) else {
        ui.label(RichText::new("Choose a bone here, or click one on the face.").weak());
        return;
    };
    ui.label(RichText::new(&bone.name).strong());
    ui.label(format!("joint {}", bone.joint));
    ui.label(bone.mirror.as_ref().map_or("in the middle".to_owned(), |mirror| format!("mirrored by {mirror}")));
    rest_place(ui, state, document);
    let rig = document.rig();
    let Some(bone) = state.bone.and_then(|bone| rig.bones.get(bone)) else { return };
    let drives = |parameter: &likeness_rig::Parameter| parameter.drives.iter().any(|drive| drives_bone(drive, bone));
    ui.label(RichText::new("Driven by").weak());
    ScrollArea::vertical().id_salt("driving").min_scrolled_height(140.0).auto_shrink([false, true]).show(ui, |ui| {
        for (index, parameter) in rig.parameters.iter().enumerate().filter(|(_, parameter)| drives(parameter)) {
            if ui.link(&parameter.name).on_hover_text(&parameter.caption).clicked() {
                (state.slider, state.page) = (Some(index), Page::Sliders);
                state.search.clear();
            }
        }
    });
}

/// Where the bone rests: what its turns and growth are about.
fn rest_place(ui: &mut Ui, state: &mut PanelState, document: &mut RigDocument) {
    let Some(bone) = state.bone else { return };
    let mut shown = document.unsaved_rest(bone).to_array().map(|metres| metres * MILLIMETRES);
    let most = MOST_REST_MOVE * MILLIMETRES;
    let mut changed = false;
    ui.horizontal(|ui| {
        ui.label("Rest place moved").on_hover_text("Turns and growth are about it, and the twin follows");
        for (axis, way) in shown.iter_mut().zip(["left", "up", "forward"]) {
            let value = DragValue::new(axis).speed(0.1).range(-most..=most).max_decimals(2).suffix(" mm");
            changed |= ui.add(value).on_hover_text(way).changed();
        }
    });
    if changed {
        let by = Vec3::from(shown.map(|millimetres| millimetres / MILLIMETRES));
        state.move_rest(document, bone, by, Some(&format!("rest {bone}")));
    }
    if ui.input(|input| input.pointer.any_released()) {
        document.end_gesture();
    }
}
