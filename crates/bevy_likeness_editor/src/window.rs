//! The editor's window in the game.

use bevy::prelude::*;
use bevy_egui::{EguiContexts, egui};
use bevy_likeness::{Face, LikenessHead};

use crate::browse::{self, HeadDialog};
use crate::panel::{self, PanelData, Request};
use crate::session::LikenessEditor;
use crate::{LikenessEditorSettings, keys};

const WIDTH: f32 = 420.0;

pub(crate) fn show(
    mut contexts: EguiContexts,
    mut editor: ResMut<LikenessEditor>,
    mut dialog: ResMut<HeadDialog>,
    settings: Res<LikenessEditorSettings>,
    heads: Query<&LikenessHead>,
    mut faces: Query<&mut Face>,
    server: Res<AssetServer>,
    mut commands: Commands,
) -> Result {
    if !editor.open {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    let editor = editor.bypass_change_detection();
    let values = editor.head.and_then(|head| faces.get(head).ok()).map(|face| face.parameters.clone());
    let tool_keys = settings.tool_keys().map(keys::name);
    let mut requests = Vec::new();
    let screen = context.content_rect();
    egui::Window::new("Face rig")
        .title_bar(false)
        .frame(panel::frame())
        .default_pos([12.0, 12.0])
        .default_width(WIDTH)
        .max_height((screen.height() - 60.0).max(200.0))
        .show(&context, |ui| {
            ui.set_min_width(WIDTH);
            let working = editor.is_working();
            match &mut editor.document {
                Some(document) => {
                    let data = PanelData {
                        values: values.as_deref().unwrap_or_default(),
                        faults: &editor.check.faults,
                        moved: editor.check.moved,
                        working,
                        tool_keys: tool_keys.each_ref().map(String::as_str),
                    };
                    requests = panel::show(ui, &mut editor.panel, document, &data);
                }
                None if editor.refused.is_some() => {
                    ui.label("The rig of this head cannot be edited: its file was not found or is no rig.");
                }
                None => {
                    ui.label("Waiting for a head …");
                }
            }
        });
    label_hovered(&context, editor);
    hint(&context, &settings);
    if let Some(head) = dialog.show(&context) {
        browse::choose(&head, editor);
    }
    for request in requests {
        match request {
            Request::Value { parameter, value } => {
                let face = editor.head.and_then(|head| faces.get_mut(head).ok());
                if let Some(mut face) = face
                    && let Some(place) = face.parameters.get_mut(parameter)
                {
                    *place = value;
                }
            }
            Request::Browse => dialog.open(),
            other => editor.answer(other, &server, &heads, &mut commands),
        }
    }
    Ok(())
}

/// The name of the bone under the pointer, beside it.
fn label_hovered(context: &egui::Context, editor: &LikenessEditor) {
    let bone = editor.hovered.and_then(|bone| editor.document.as_ref()?.rig().bones.get(bone));
    let (Some(bone), Some(pointer)) = (bone, context.pointer_latest_pos()) else { return };
    let painter = context.layer_painter(egui::LayerId::new(egui::Order::Tooltip, egui::Id::new("likeness_bone")));
    let font = egui::FontId::proportional(14.0);
    let text = painter.layout_no_wrap(bone.name.clone(), font, egui::Color32::WHITE);
    let place = pointer + egui::vec2(16.0, -8.0);
    let ground = egui::Rect::from_min_size(place, text.size()).expand2(egui::vec2(6.0, 3.0));
    painter.rect_filled(ground, 4.0, egui::Color32::from_black_alpha(200));
    painter.galley(place, text, egui::Color32::WHITE);
}

fn hint(context: &egui::Context, settings: &LikenessEditorSettings) {
    let painter = context.layer_painter(egui::LayerId::background());
    let [moves, turns, scales] = settings.tool_keys().map(keys::name);
    let toggle = keys::name(settings.toggle_key);
    let text = format!(
        "Click a bone to choose it   ·   {moves} move, {turns} turn, {scales} scale   ·   {toggle} closes the editor"
    );
    let place = context.content_rect().right_bottom() - egui::vec2(12.0, 10.0);
    painter.text(
        place,
        egui::Align2::RIGHT_BOTTOM,
        text,
        egui::FontId::proportional(13.0),
        egui::Color32::from_white_alpha(150),
    );
}
