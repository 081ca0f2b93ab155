//! A rig draft for a head of one's own.

use egui::{Button, Grid, TextEdit, Ui};

use super::{PanelData, PanelState, Request};
use crate::document::RigDocument;

/// The width of the fields, points.
const WIDTH: f32 = 270.0;

pub(super) fn show(
    ui: &mut Ui,
    state: &mut PanelState,
    document: &RigDocument,
    data: &PanelData<'_>,
    requests: &mut Vec<Request>,
) {
    ui.label("Draft a rig for a glTF head (.glb) whose joints are named after parts of the face. Drop it on the window, or choose it.");
    let fields = &mut state.import;
    Grid::new("import").num_columns(2).show(ui, |ui| {
        for (label, text, hint) in [
            ("Head", &mut fields.head, "my_head.glb"),
            ("Rig", &mut fields.rig, "assets/own/head.rig.ron"),
            ("Unit", &mut fields.unit, "metres; empty: found from the eyes"),
        ] {
            let name = ui.label(label);
            ui.horizontal(|ui| {
                ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(WIDTH)).labelled_by(name.id);
                if label == "Head" && ui.button("Browse …").clicked() {
                    requests.push(Request::Browse);
                }
            });
            ui.end_row();
        }
    });
    let ready = !data.working && !fields.head.trim().is_empty() && !fields.rig.trim().is_empty();
    if ui.add_enabled(ready, Button::new("Draft rig")).clicked() {
        requests.push(Request::Import(fields.clone()));
    }
    if let Some(rig) = &state.drafted {
        ui.separator();
        ui.label(format!("{} is drafted.", rig.display()));
        let open = ui.add_enabled(!document.is_changed() && !data.working, Button::new("Show and edit it"));
        let open = open.on_hover_text("The head in the game becomes one of this rig");
        if open.on_disabled_hover_text("Save or undo the changes of this rig first").clicked() {
            requests.push(Request::Open(rig.clone()));
        }
    }
}
