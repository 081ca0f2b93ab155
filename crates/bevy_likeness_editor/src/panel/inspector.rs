//! The chosen slider: its names, its range and what it drives.

use egui::{ComboBox, DragValue, Grid, RichText, ScrollArea, Slider, TextEdit, Ui};
use likeness_rig::{Channel, Rig};

use super::{Draft, FAULT, FINE, PanelData, PanelState, Request, Target};
use crate::document::{Edit, RigDocument};

/// How the channels are called.
const CHANNELS: [&str; 9] =
    ["move left", "move up", "move forward", "turn x", "turn y", "turn z", "wider", "taller", "deeper"];
/// The units that amounts are shown in, and how many of them are one metre, radian or whole.
const UNITS: [(&str, f32, f32); 3] =
    [(" mm", 1000.0, 0.02), ("°", 180.0 / std::f32::consts::PI, 0.1), (" %", 100.0, 0.1)];
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
        drives(ui, state, document, parameter);
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

fn drives(ui: &mut Ui, state: &mut PanelState, document: &mut RigDocument, parameter: usize) {
    let rig = document.rig().clone();
    let mut edits: Vec<(Edit, bool)> = Vec::new();
    Grid::new("drives").num_columns(5).striped(true).show(ui, |ui| {
        for (drive, described) in rig.parameters[parameter].drives.iter().enumerate() {
            let bone = rig.bones.iter().position(|bone| bone.name == described.bone);
            if let Some(bone) = bone_choice(ui, &rig, ("bone", drive), bone) {
                edits.push((Edit::Bone { parameter, drive, bone }, false));
            }
            if let Some(channel) = channel_choice(ui, ("channel", drive), described.channel) {
                edits.push((Edit::Channel { parameter, drive, channel }, false));
            }
            let (suffix, factor, speed) = UNITS[described.channel.index() / 3];
            let mut shown = described.amount * factor;
            let value = DragValue::new(&mut shown).speed(speed).max_decimals(2).suffix(suffix);
            if ui.add(value).on_hover_text("At value 1; at 0 it is the opposite").changed() {
                edits.push((Edit::Amount { parameter, drive, amount: shown / factor }, true));
            }
            let mut mirror = described.mirror;
            let has_twin = bone.is_some_and(|bone| rig.bones[bone].mirror.is_some());
            if ui.add_enabled(has_twin, egui::Checkbox::new(&mut mirror, "mirrored")).changed() {
                edits.push((Edit::Mirror { parameter, drive, mirror }, false));
            }
            let alone = rig.parameters[parameter].drives.len() == 1;
            if ui.add_enabled(!alone, egui::Button::new("×").small()).on_hover_text("Remove this drive").clicked() {
                edits.push((Edit::RemoveDrive { parameter, drive }, false));
            }
            ui.end_row();
        }
    });
    if ui.button("Add drive").on_hover_text("Drive the chosen bone as well").clicked() {
        let bone = state.bone.unwrap_or(0);
        edits.push((Edit::AddDrive { parameter, bone, channel: Channel::TranslationY }, false));
    }
    if state.target == Target::Rig {
        ui.label(RichText::new("Set the value to 1 or 0, then drag a bone: the drives follow.").weak());
    }
    for (edit, dragged) in edits {
        let gesture = dragged.then(|| format!("amount {parameter}"));
        state.edit(document, &edit, gesture.as_deref());
    }
    if ui.input(|input| input.pointer.any_released()) {
        document.end_gesture();
    }
}

fn bone_choice(ui: &mut Ui, rig: &Rig, id: (&str, usize), chosen: Option<usize>) -> Option<usize> {
    let name = |bone: usize| rig.bones.get(bone).map_or("", |bone| bone.name.as_str());
    let mut picked = None;
    ComboBox::from_id_salt(id).selected_text(chosen.map_or("?", name)).width(112.0).show_ui(ui, |ui| {
        for bone in 0..rig.bones.len() {
            if ui.selectable_label(chosen == Some(bone), name(bone)).clicked() {
                picked = Some(bone);
            }
        }
    });
    picked
}

fn channel_choice(ui: &mut Ui, id: (&str, usize), chosen: Channel) -> Option<Channel> {
    let mut picked = None;
    ComboBox::from_id_salt(id).selected_text(CHANNELS[chosen.index()]).width(92.0).show_ui(ui, |ui| {
        for channel in Channel::ALL {
            if ui.selectable_label(chosen == channel, CHANNELS[channel.index()]).clicked() {
                picked = Some(channel);
            }
        }
    });
    picked
}
