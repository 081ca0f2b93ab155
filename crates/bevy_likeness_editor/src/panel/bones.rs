//! The bones and what drives them.

use egui::{Button, DragValue, RichText, ScrollArea, Ui};

use super::{Page, PanelData, PanelState, Request, sliders};
use crate::document::RigDocument;

/// The height of the list, points.
const LIST_HEIGHT: f32 = 220.0;

pub(super) fn show(
    ui: &mut Ui,
    state: &mut PanelState,
    document: &RigDocument,
    data: &PanelData<'_>,
    requests: &mut Vec<Request>,
) {
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
    rest_place(ui, state, data, requests);
    let drives = |parameter: &likeness_rig::Parameter| {
        parameter
            .drives
            .iter()
            .any(|drive| drive.bone == bone.name || (drive.mirror && Some(&drive.bone) == bone.mirror.as_ref()))
    };
    ui.label(RichText::new("Driven by").weak());
    ScrollArea::vertical().id_salt("driving").min_scrolled_height(160.0).auto_shrink([false, true]).show(ui, |ui| {
        for (index, parameter) in rig.parameters.iter().enumerate().filter(|(_, parameter)| drives(parameter)) {
            if ui.link(&parameter.name).on_hover_text(&parameter.caption).clicked() {
                (state.slider, state.page) = (Some(index), Page::Sliders);
                state.search.clear();
            }
        }
    });
}

/// Moves where the bone rests: what its turns and growth are about.
fn rest_place(ui: &mut Ui, state: &mut PanelState, data: &PanelData<'_>, requests: &mut Vec<Request>) {
    let Some(bone) = state.bone else { return };
    ui.horizontal(|ui| {
        ui.label("Rest place");
        for (axis, way) in state.rest.iter_mut().zip(["left", "up", "forward"]) {
            ui.add(DragValue::new(axis).speed(0.1).range(-50.0..=50.0).max_decimals(1).suffix(" mm"))
                .on_hover_text(way);
        }
        let ready = !data.working && state.rest != [0.0; 3];
        let hint = "Writes the mesh: turns and growth are then about the new place, and the twin follows";
        if ui.add_enabled(ready, Button::new("Move")).on_hover_text(hint).clicked() {
            requests.push(Request::MoveRest { bone, by: state.rest.map(|millimetres| millimetres / 1000.0) });
            state.rest = [0.0; 3];
        }
    });
}
