//! Which camera shows the game: the editor's windows, rings and handles belong to it.

use bevy::prelude::*;
use bevy_egui::PrimaryEguiContext;

/// The 3D cameras.
pub(crate) type Cameras<'w, 's> = Query<'w, 's, (Entity, &'static Camera, &'static GlobalTransform), With<Camera3d>>;

/// The game's camera: the active one with the lowest order.
pub(crate) fn game_camera<'a>(cameras: &'a Cameras) -> Option<(Entity, &'a Camera, &'a GlobalTransform)> {
    cameras.iter().filter(|(_, camera, _)| camera.is_active).min_by_key(|(_, camera, _)| camera.order)
}

/// Gives the game's camera egui's windows and the handles of bones, unless the game has chosen another one.
pub(crate) fn appoint(
    cameras: Cameras,
    with_windows: Query<(), With<PrimaryEguiContext>>,
    with_handles: Query<(), With<TransformGizmoCamera>>,
    mut commands: Commands,
) {
    if !with_windows.is_empty() && !with_handles.is_empty() {
        return;
    }
    let Some((camera, ..)) = game_camera(&cameras) else { return };
    if with_windows.is_empty() {
        commands.entity(camera).insert(PrimaryEguiContext);
    }
    if with_handles.is_empty() {
        commands.entity(camera).insert(TransformGizmoCamera);
    }
}
