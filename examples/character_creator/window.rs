//! The panels in the window.

use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use bevy_egui::{EguiContexts, EguiPrimaryContextPass, egui};
use egui::{LayerId, Ui, UiBuilder};

use crate::dialogs::Dialogs;
use crate::fonts;
use crate::start::Ready;
use crate::ui;

/// Shows the panels.
pub(crate) struct WindowUiPlugin;

impl Plugin for WindowUiPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Hidden>().add_systems(EguiPrimaryContextPass, show);
    }
}

/// Frames for which the panels stay away: a picture is being taken.
#[derive(Resource, Default, Clone, Copy, Debug)]
pub(crate) struct Hidden(pub u32);

fn show(
    mut contexts: EguiContexts,
    ready: Option<ResMut<Ready>>,
    mut dialogs: ResMut<Dialogs>,
    mut hidden: ResMut<Hidden>,
    mut dressed: Local<bool>,
    mut wide_font: Local<bool>,
) -> Result {
    let context = contexts.ctx_mut()?.clone();
    if !*dressed {
        *dressed = true;
        ui::apply_theme(&context);
        *wide_font = fonts::install(&context);
    }
    let mut root = Ui::new(
        context.clone(),
        "root".into(),
        UiBuilder::new().layer_id(LayerId::background()).max_rect(context.viewport_rect()),
    );
    let Some(mut ready) = ready else {
        root.centered_and_justified(|ui| ui.spinner());
        return Ok(());
    };
    let Ready { studio, pictures, .. } = &mut *ready;
    studio.frame += 1;
    studio.view.has_wide_font = *wide_font;
    if hidden.0 > 0 {
        hidden.0 -= 1;
        return Ok(());
    }
    if context.zoom_factor() != studio.view.text_scale && !context.egui_is_using_pointer() {
        context.set_zoom_factor(studio.view.text_scale);
    }
    if !dialogs.is_open() {
        ui::shortcuts(&context, studio);
    }
    ui::show(&mut root, studio, pictures);
    dialogs.show(&context, studio);
    // A slider that is being dragged makes one step of the history, as does a name that is being typed.
    studio.settle(context.egui_is_using_pointer());
    Ok(())
}

/// The part of the window, logical pixels, that the panels leave to the face; `None` without a window.
pub(crate) fn free_area(windows: &Query<&Window, With<PrimaryWindow>>, text_scale: f32) -> Option<Rect> {
    let window = windows.single().ok()?;
    let left_top = Vec2::new(ui::LEFT_WIDTH, ui::TOOLBAR_HEIGHT) * text_scale;
    let right_bottom = window.size() - Vec2::new(ui::RIGHT_WIDTH, ui::NOTICE_HEIGHT) * text_scale;
    (right_bottom.cmpgt(left_top).all()).then(|| Rect::from_corners(left_top, right_bottom))
}
