//! What the chosen slider drives, and how far at either end.

use egui::{Checkbox, ComboBox, DragValue, Frame, RichText, Ui};
use likeness_rig::{Channel, Drive, Rig};

use crate::document::{Edit, RigDocument};
use crate::panel::{PanelState, Target};

/// How the channels are called.
const CHANNELS: [&str; 9] =
    ["move left", "move up", "move forward", "turn x", "turn y", "turn z", "wider", "taller", "deeper"];
/// The units that amounts are shown in, how many of them are one metre, radian or whole, and how many a point of dragging is.
const UNITS: [(&str, f32, f32); 3] =
    [(" mm", 1000.0, 0.02), ("°", 180.0 / std::f32::consts::PI, 0.1), (" %", 100.0, 0.1)];

pub(super) fn show(ui: &mut Ui, state: &mut PanelState, document: &mut RigDocument, parameter: usize) {
    let rig = document.rig().clone();
    let drives = &rig.parameters[parameter].drives;
    let mut edits: Vec<Edit> = Vec::new();
    for (drive, described) in drives.iter().enumerate() {
        Frame::new().fill(ui.visuals().faint_bg_color).corner_radius(4.0).inner_margin(4.0).show(ui, |ui| {
            ui.push_id(drive, |ui| {
                target(ui, &rig, (parameter, drive), described, drives.len() == 1, &mut edits);
                ends(ui, (parameter, drive), described, &mut edits);
            });
        });
    }
    if ui.button("Add drive").on_hover_text("Drive the chosen bone as well").clicked() {
        let bone = state.bone.unwrap_or(0);
        edits.push(Edit::AddDrive { parameter, bone, channel: Channel::TranslationY });
    }
    if state.target == Target::Rig {
        ui.label(RichText::new("Set the value to 1 or 0, then drag a bone: the drives follow.").weak());
    }
    for edit in edits {
        let gesture = match &edit {
            Edit::Amount { drive, .. } => Some(format!("amount {parameter} {drive}")),
            Edit::Low { drive, low: Some(_), .. } => Some(format!("low {parameter} {drive}")),
            _ => None,
        };
        state.edit(document, &edit, gesture.as_deref());
    }
}

/// What a drive moves.
fn target(
    ui: &mut Ui,
    rig: &Rig,
    (parameter, drive): (usize, usize),
    described: &Drive,
    alone: bool,
    edits: &mut Vec<Edit>,
) {
    ui.horizontal(|ui| {
        let bone = rig.bones.iter().position(|bone| bone.name == described.bone);
        if let Some(bone) = bone_choice(ui, rig, bone) {
            edits.push(Edit::Bone { parameter, drive, bone });
        }
        if let Some(channel) = channel_choice(ui, described.channel) {
            edits.push(Edit::Channel { parameter, drive, channel });
        }
        let mut mirror = described.mirror;
        let has_twin = bone.is_some_and(|bone| rig.bones[bone].mirror.is_some());
        if ui.add_enabled(has_twin, Checkbox::new(&mut mirror, "mirrored")).changed() {
            edits.push(Edit::Mirror { parameter, drive, mirror });
        }
        if ui.add_enabled(!alone, egui::Button::new("×").small()).on_hover_text("Remove this drive").clicked() {
            edits.push(Edit::RemoveDrive { parameter, drive });
        }
    });
}

/// How far a drive goes.
fn ends(ui: &mut Ui, (parameter, drive): (usize, usize), described: &Drive, edits: &mut Vec<Edit>) {
    let (suffix, factor, speed) = UNITS[described.channel.index() / 3];
    let end = |ui: &mut Ui, label: &str, amount: f32| {
        let name = ui.label(label);
        let mut shown = amount * factor;
        let field = ui.add(DragValue::new(&mut shown).speed(speed).max_decimals(2).suffix(suffix));
        field.labelled_by(name.id).changed().then_some(shown / factor)
    };
    ui.horizontal(|ui| {
        let mut linked = described.low.is_none();
        if let Some(amount) = end(ui, "at 0", described.low_amount()) {
            edits.push(match described.low {
                Some(_) => Edit::Low { parameter, drive, low: Some(amount) },
                None => Edit::Amount { parameter, drive, amount: -amount },
            });
        }
        if let Some(amount) = end(ui, "at 1", described.amount) {
            edits.push(Edit::Amount { parameter, drive, amount });
        }
        let hint = "Both ends go as far, in opposite directions";
        if ui.toggle_value(&mut linked, "linked").on_hover_text(hint).changed() {
            edits.push(Edit::Low { parameter, drive, low: (!linked).then_some(-described.amount) });
        }
    });
}

fn bone_choice(ui: &mut Ui, rig: &Rig, chosen: Option<usize>) -> Option<usize> {
    let name = |bone: usize| rig.bones.get(bone).map_or("", |bone| bone.name.as_str());
    let mut picked = None;
    ComboBox::from_id_salt("bone").selected_text(chosen.map_or("?", name)).width(112.0).show_ui(ui, |ui| {
        for bone in 0..rig.bones.len() {
            if ui.selectable_label(chosen == Some(bone), name(bone)).clicked() {
                picked = Some(bone);
            }
        }
    });
    picked
}

fn channel_choice(ui: &mut Ui, chosen: Channel) -> Option<Channel> {
    let mut picked = None;
    ComboBox::from_id_salt("channel").selected_text(CHANNELS[chosen.index()]).width(92.0).show_ui(ui, |ui| {
        for channel in Channel::ALL {
            if ui.selectable_label(chosen == channel, CHANNELS[channel.index()]).clicked() {
                picked = Some(channel);
            }
        }
    });
    picked
}
