//! The chosen slider: its names, its range, its curve and what it drives.

mod curve;
mod drives;

use egui::{Grid, RichText, ScrollArea, Slider, TextEdit, Ui};

use super::{Draft, FAULT, FINE, PanelData, PanelState, Request};
use crate::document::{Edit, RigDocument};

/// The least height of the details, points.
const HEIGHT: f32 = 300.0;
/// How much the range buttons widen.
const WIDER: f32 = 1.1;

pub(super) fn show(
    ui: &mut Ui,
    state: &mut PanelState,
    document: &mut RigDocument,
    data: &PanelData<'_>,
    requests: &mut Vec<Request>,
) {
    let Some(parameter) = state.slider.filter(|slider| *slider < document.rig().parameters.len()) else {
        ui.label(RichText::new("Choose a slider to edit it, or click a bone on the face.").weak());
        return;
    };
    ScrollArea::vertical().id_salt("inspector").min_scrolled_height(HEIGHT).auto_shrink([false, true]).show(ui, |ui| {
        names(ui, state, document, parameter);
        value(ui, state, parameter, data, requests);
        range(ui, state, document, parameter, data);
        curve::show(ui, state, document, parameter, data.values.get(parameter).copied().unwrap_or(0.5));
        drives::show(ui, state, document, parameter);
        if ui.input(|input| input.pointer.any_released()) {
            document.end_gesture();
        }
        ui.horizontal(|ui| {
            if ui.button("Remove slider").clicked() {
                state.edit(document, &Edit::Remove { parameter }, None);
                (state.slider, state.sweeping) = (None, false);
            }
        });
    });
}

fn names(ui: &mut Ui, state: &mut PanelState, document: &mut RigDocument, parameter: usize) {
    let described = document.rig().parameters[parameter].clone();
    let of = (parameter, document.revision());
    Grid::new("names").num_columns(2).show(ui, |ui| {
        let mut edits = Vec::new();
        if let Some(name) = field(ui, "Name", &mut state.name, of, &described.name) {
            edits.push(Edit::Rename { parameter, name });
        }
        if let Some(caption) = field(ui, "Caption", &mut state.caption, of, &described.caption) {
            edits.push(Edit::Caption { parameter, caption });
        }
        if let Some(region) = field(ui, "Region", &mut state.region, of, &described.region) {
            edits.push(Edit::Region { parameter, region });
        }
        for edit in edits {
            state.edit(document, &edit, None);
        }
    });
    if !described.renamed_from.is_empty() {
        ui.label(RichText::new(format!("formerly {}", described.renamed_from.join(", "))).weak());
    }
}

/// A line of text; gives the new text once it is finished.
fn field(ui: &mut Ui, label: &str, draft: &mut Draft, of: (usize, u64), text: &str) -> Option<String> {
    if draft.of != Some(of) {
        *draft = Draft { of: Some(of), text: text.to_owned() };
    }
    let name = ui.label(label);
    let edit = ui.add(TextEdit::singleline(&mut draft.text).desired_width(250.0)).labelled_by(name.id);
    ui.end_row();
    (edit.lost_focus() && draft.text != text).then(|| {
        draft.of = None;
        draft.text.clone()
    })
}

fn value(ui: &mut Ui, state: &mut PanelState, parameter: usize, data: &PanelData<'_>, requests: &mut Vec<Request>) {
    ui.horizontal(|ui| {
        let mut value = data.values.get(parameter).copied().unwrap_or(0.5);
        let name = ui.label("Value");
        if ui.add(Slider::new(&mut value, 0.0..=1.0).fixed_decimals(2)).labelled_by(name.id).changed() {
            requests.push(Request::Value { parameter, value });
            state.sweeping = false;
        }
        for (label, value) in [("0", 0.0), ("½", 0.5), ("1", 1.0)] {
            if ui.button(label).clicked() {
                requests.push(Request::Value { parameter, value });
                state.sweeping = false;
            }
        }
        ui.toggle_value(&mut state.sweeping, "Test").on_hover_text("Run through the range and back");
    });
}

fn range(ui: &mut Ui, state: &mut PanelState, document: &mut RigDocument, parameter: usize, data: &PanelData<'_>) {
    ui.horizontal(|ui| {
        ui.label("Range");
        for (label, factor) in [("narrower", 1.0 / WIDER), ("wider", WIDER)] {
            if ui.button(label).clicked() {
                state.edit(document, &Edit::Scale { parameter, factor }, None);
            }
        }
        if let Some((moved, all)) = data.moved {
            ui.label(RichText::new(format!("moves {moved} of {all} vertices")).weak());
        }
    });
    if data.faults.is_empty() {
        ui.label(RichText::new("The skin stays whole over the range.").color(FINE));
    }
    for fault in data.faults {
        ui.label(RichText::new(format!("{fault}: make the range narrower")).color(FAULT));
    }
}
