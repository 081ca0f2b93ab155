//! A rig draft for a head of one's own.

use egui::{Button, Grid, RichText, TextEdit, Ui};

use super::{PanelData, PanelState, Request};

pub(super) fn show(ui: &mut Ui, state: &mut PanelState, data: &PanelData<'_>, requests: &mut Vec<Request>) {
    ui.label("Draft a rig for a glTF head (.glb) whose joints are named after parts of the face.");
    let fields = &mut state.import;
    Grid::new("import").num_columns(2).show(ui, |ui| {
        for (label, text, hint) in [
            ("Head", &mut fields.head, "my_head.glb"),
            ("Rig", &mut fields.rig, "assets/own/head.rig.ron"),
            ("Unit", &mut fields.unit, "metres; empty: found from the eyes"),
        ] {
            let name = ui.label(label);
            ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(270.0)).labelled_by(name.id);
            ui.end_row();
        }
    });
    let ready = !data.working && !fields.head.is_empty() && !fields.rig.is_empty();
    if ui.add_enabled(ready, Button::new("Draft rig")).clicked() {
        requests.push(Request::Import(fields.clone()));
    }
    if data.working {
        ui.label(RichText::new("Working …").weak());
    }
}
