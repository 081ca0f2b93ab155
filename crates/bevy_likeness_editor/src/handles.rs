//! The bones on the face: drawn, pointed at and chosen.

use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use bevy_egui::input::EguiWantsInput;
use bevy_likeness::HeadJoints;

use crate::LikenessEditorSettings;
use crate::camera::{Cameras, game_camera};
use crate::panel::Page;
use crate::session::LikenessEditor;

/// The gizmos of the editor: they are drawn over everything.
#[derive(Default, Reflect, GizmoConfigGroup)]
pub struct EditorGizmos;

/// The radius of a bone's ring as a share of its distance from the camera.
const RING: f32 = 0.0065;
/// Rings of bones behind the head are as faint as this.
const BEHIND: f32 = 0.12;

const LEFT: Color = Color::srgb(0.45, 0.78, 1.0);
const RIGHT: Color = Color::srgb(0.72, 0.62, 1.0);
const MIDDLE: Color = Color::srgb(0.6, 0.9, 0.75);
const CHOSEN: Color = Color::srgb(1.0, 0.69, 0.36);

pub(crate) fn configure(mut store: ResMut<GizmoConfigStore>) {
    let (config, _) = store.config_mut::<EditorGizmos>();
    config.depth_bias = -1.0;
    config.line.width = 2.5;
}

/// Finds the bone under the pointer.
pub(crate) fn find_hovered(
    mut editor: ResMut<LikenessEditor>,
    settings: Res<LikenessEditorSettings>,
    windows: Query<&Window, With<PrimaryWindow>>,
    cameras: Cameras,
    joints: Query<&HeadJoints>,
    places: Query<&GlobalTransform>,
    wants: Option<Res<EguiWantsInput>>,
) {
    let editor = editor.bypass_change_detection();
    editor.hovered = None;
    if wants.is_some_and(|wants| wants.wants_any_pointer_input()) {
        return;
    }
    let pointer = windows.single().ok().and_then(Window::cursor_position);
    let (Some(pointer), Some((_, camera, view))) = (pointer, game_camera(&cameras)) else { return };
    let Some(joints) = editor.head.and_then(|head| joints.get(head).ok()) else { return };
    let centre = editor.head.and_then(|head| places.get(head).ok()).map_or(Vec3::ZERO, GlobalTransform::translation);
    let near = joints.bones().iter().enumerate().filter_map(|(index, joint)| {
        let place = editor.place_of(index, places.get(*joint).ok()?);
        let pixel = camera.world_to_viewport(view, place).ok()?;
        let off = pixel.distance(pointer);
        (off <= settings.reach && !is_behind(place, centre, view)).then_some((off, index))
    });
    editor.hovered = near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, index)| index);
}

/// Chooses the bone under the pointer.
pub(crate) fn choose(
    mut editor: ResMut<LikenessEditor>,
    buttons: Option<Res<ButtonInput<MouseButton>>>,
    gizmo: Res<TransformGizmoState>,
) {
    let clicked = buttons.is_some_and(|buttons| buttons.just_pressed(MouseButton::Left));
    let editor = editor.bypass_change_detection();
    if let Some(bone) = editor.hovered.filter(|_| clicked && !gizmo.active) {
        // The handles of the chosen bone come before other bones behind them.
        if gizmo.hovered_axis.is_none() || editor.panel.bone.is_none() {
            editor.panel.bone = Some(bone);
            if editor.panel.page == Page::Import {
                editor.panel.page = Page::Bones;
            }
        }
    }
}

/// Whether a bone lies on the far side of the head.
fn is_behind(place: Vec3, centre: Vec3, view: &GlobalTransform) -> bool {
    // The middle of a head is about as far behind its eyes as this, metres.
    const DEPTH: f32 = 0.09;
    let toward = (view.translation() - centre).normalize_or_zero();
    (place - centre).dot(toward) < -DEPTH
}

pub(crate) fn draw(
    editor: Res<LikenessEditor>,
    mut gizmos: Gizmos<EditorGizmos>,
    cameras: Cameras,
    joints: Query<&HeadJoints>,
    places: Query<&GlobalTransform>,
) {
    let Some(document) = editor.document.as_ref().filter(|_| editor.open) else { return };
    let Some((_, _, view)) = game_camera(&cameras) else { return };
    let Some(head) = editor.head else { return };
    let Ok(joints) = joints.get(head) else { return };
    let centre = places.get(head).map_or(Vec3::ZERO, GlobalTransform::translation);
    let bones = &document.rig().bones;
    let twin = editor.panel.bone.and_then(|bone| bones.get(bone)?.mirror.as_ref());
    for (index, (joint, bone)) in joints.bones().iter().zip(bones).enumerate() {
        let Ok(place) = places.get(*joint).map(|joint| editor.place_of(index, joint)) else { continue };
        let chosen = editor.panel.bone == Some(index);
        let pointed_at = editor.hovered == Some(index);
        let side = if bone.name.ends_with(".L") {
            LEFT
        } else if bone.name.ends_with(".R") {
            RIGHT
        } else {
            MIDDLE
        };
        let color = match (chosen, pointed_at, twin == Some(&bone.name)) {
            (true, ..) => CHOSEN,
            (_, true, _) => Color::WHITE,
            (.., true) => CHOSEN.with_alpha(0.55),
            _ if is_behind(place, centre, view) => side.with_alpha(BEHIND),
            _ => side.with_alpha(0.8),
        };
        let size = RING * view.translation().distance(place) * if chosen || pointed_at { 1.5 } else { 1.0 };
        gizmos.circle(Isometry3d::new(place, view.rotation()), size, color);
        if chosen || pointed_at {
            gizmos.circle(Isometry3d::new(place, view.rotation()), size * 0.35, color);
        }
    }
}
