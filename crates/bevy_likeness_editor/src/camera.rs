//! Which camera shows the game: bones are pointed at and dragged through it.

use bevy::prelude::*;

/// The 3D cameras.
pub(crate) type Cameras<'w, 's> = Query<'w, 's, (Entity, &'static Camera, &'static GlobalTransform), With<Camera3d>>;

/// The game's camera: the active one with the lowest order.
pub(crate) fn game_camera<'a>(cameras: &'a Cameras) -> Option<(Entity, &'a Camera, &'a GlobalTransform)> {
    cameras.iter().filter(|(_, camera, _)| camera.is_active).min_by_key(|(_, camera, _)| camera.order)
}

/// Gives the game's camera the handles of bones, unless the game has chosen another one.
pub(crate) fn appoint(cameras: Cameras, chosen: Query<(), With<TransformGizmoCamera>>, mut commands: Commands) {
    if chosen.is_empty()
        && let Some((camera, ..)) = game_camera(&cameras)
    {
        commands.entity(camera).insert(TransformGizmoCamera);
    }
}
