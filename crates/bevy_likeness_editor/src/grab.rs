//! The handles of the chosen bone: moving, turning and scaling it changes the face or the rig.

use bevy::gizmos::transform_gizmo::AXIS_START_OFFSET;
use bevy::prelude::*;
use bevy_likeness::{Face, HeadJoints, LikenessHead, RigAsset};
use likeness_rig::Channel;

use crate::camera::{Cameras, game_camera};
use crate::document::Edit;
use crate::handles::EditorGizmos;
use crate::panel::{Target, Tool};
use crate::session::LikenessEditor;

/// The entity that the gizmo moves in the bone's stead.
#[derive(Component, Debug)]
pub(crate) struct BoneHandle;

/// A drag that is going on.
#[derive(Debug)]
pub(crate) struct Grab {
    bone: usize,
    /// The bone's channels and the face's values when it began.
    channels: [f32; 9],
    values: Vec<f32>,
    /// What the chosen slider alone adds to the channels at value 1.
    amounts: [f32; 9],
}

/// A slider nearer to neutral than this has no end to pose.
const NEUTRAL: f32 = 0.05;

pub(crate) fn spawn_handle(mut commands: Commands) {
    commands.spawn((Name::new("likeness bone handle"), BoneHandle, Transform::default(), Visibility::Hidden));
}

/// How large the handles are as a share of their distance from the camera.
const SIZE: f32 = 0.09;
/// Pixels within which the pointer takes a handle.
const REACH: f32 = 12.0;
/// The axes with their colours.
const AXES: [(TransformGizmoAxis, Vec3, Color); 3] = [
    (TransformGizmoAxis::X, Vec3::X, Color::srgb(1.0, 0.33, 0.36)),
    (TransformGizmoAxis::Y, Vec3::Y, Color::srgb(0.45, 0.9, 0.4)),
    (TransformGizmoAxis::Z, Vec3::Z, Color::srgb(0.35, 0.6, 1.0)),
];
const TAKEN: Color = Color::srgb(1.0, 0.95, 0.6);

/// Sets the gizmo up, after Bevy's own startup has passed.
pub(crate) fn begin_gizmo(mut commands: Commands) {
    commands.insert_resource(TransformGizmoSettings {
        space: TransformGizmoSpace::Local,
        screen_scale_factor: SIZE,
        axis_hit_distance: REACH,
        confine_cursor: false,
        ..default()
    });
}

/// Draws the handles of the chosen bone.
pub(crate) fn draw(
    mut gizmos: Gizmos<EditorGizmos>,
    gizmo: Res<TransformGizmoState>,
    settings: Res<TransformGizmoSettings>,
    handles: Query<&Transform, (With<BoneHandle>, With<TransformGizmoFocus>)>,
    cameras: Cameras,
) {
    let (Ok(handle), Some((_, _, view))) = (handles.single(), game_camera(&cameras)) else { return };
    let place = handle.translation;
    let size = settings.screen_scale_factor * view.translation().distance(place);
    let taken = gizmo.axis.filter(|_| gizmo.active).or(gizmo.hovered_axis);
    for (axis, direction, color) in AXES {
        let color = if taken == Some(axis) { TAKEN } else { color };
        let direction = handle.rotation * direction;
        let (from, to) =
            (place + direction * size * AXIS_START_OFFSET, place + direction * size * settings.axis_length);
        match settings.mode {
            TransformGizmoMode::Translate => drop(gizmos.arrow(from, to, color).with_tip_length(size * 0.16)),
            TransformGizmoMode::Rotate => {
                let facing = Quat::from_rotation_arc(Vec3::Z, direction);
                gizmos.circle(Isometry3d::new(place, facing), size * settings.rotate_ring_radius, color);
            }
            TransformGizmoMode::Scale => {
                gizmos.line(from, to, color);
                gizmos.sphere(Isometry3d::from_translation(to), size * 0.06, color).resolution(12);
            }
        }
    }
}

/// Keeps the handle on the chosen bone, unless it is being dragged.
pub(crate) fn place_handle(
    editor: Res<LikenessEditor>,
    gizmo: Res<TransformGizmoState>,
    mut settings: ResMut<TransformGizmoSettings>,
    mut handles: Query<(Entity, &mut Transform, Has<TransformGizmoFocus>), With<BoneHandle>>,
    joints: Query<&HeadJoints>,
    places: Query<&GlobalTransform, Without<BoneHandle>>,
    mut commands: Commands,
) {
    let Ok((handle, mut transform, focused)) = handles.single_mut() else { return };
    let chosen = editor.panel.bone.filter(|_| editor.open).zip(editor.head);
    let joint = chosen.and_then(|(bone, head)| joints.get(head).ok()?.bones().get(bone).copied());
    let place = joint.and_then(|joint| places.get(joint).ok());
    let Some((place, (_, head))) = place.zip(chosen) else {
        if focused {
            commands.entity(handle).remove::<TransformGizmoFocus>();
        }
        return;
    };
    if !focused {
        commands.entity(handle).insert(TransformGizmoFocus);
    }
    let mode = match editor.panel.tool {
        Tool::Move => TransformGizmoMode::Translate,
        Tool::Turn => TransformGizmoMode::Rotate,
        Tool::Scale => TransformGizmoMode::Scale,
    };
    if settings.mode != mode || settings.space != TransformGizmoSpace::Local {
        (settings.mode, settings.space) = (mode, TransformGizmoSpace::Local);
    }
    if !gizmo.active {
        let rotation = places.get(head).map_or(Quat::IDENTITY, GlobalTransform::rotation);
        *transform = Transform { translation: place.translation(), rotation, scale: Vec3::ONE };
    }
}

/// Turns a drag into values or drives.
pub(crate) fn drag(
    mut editor: ResMut<LikenessEditor>,
    gizmo: Res<TransformGizmoState>,
    handles: Query<&Transform, With<BoneHandle>>,
    mut faces: Query<(&LikenessHead, &GlobalTransform, &mut Face)>,
    rigs: Res<Assets<RigAsset>>,
    mut grab: Local<Option<Grab>>,
) {
    let editor = editor.bypass_change_detection();
    let Some(document) = &mut editor.document else { return };
    if !gizmo.active {
        if grab.take().is_some() {
            document.end_gesture();
        }
        return;
    }
    let (Some(bone), Some(head), Ok(handle)) = (editor.panel.bone, editor.head, handles.single()) else { return };
    let Ok((likeness, place, mut face)) = faces.get_mut(head) else { return };
    let Some(compiled) = rigs.get(&likeness.rig).map(RigAsset::compiled) else { return };
    let slider = editor.panel.slider;
    let grab = match grab.take_if(|grab| grab.bone != bone) {
        Some(_) => return,
        None => grab.get_or_insert_with(|| Grab {
            bone,
            channels: compiled.channels_of(bone, &face.parameters),
            values: face.parameters.clone(),
            amounts: slider.map_or([0.0; 9], |slider| {
                let mut ends = vec![0.5; compiled.parameter_count()];
                if let Some(end) = ends.get_mut(slider) {
                    *end = 1.0;
                }
                compiled.channels_of(bone, &ends)
            }),
        }),
    };
    let target = moved(&grab.channels, &gizmo.start_transform, handle, place);
    match editor.panel.target {
        Target::Face => {
            let values = compiled.values_toward(bone, &target, &grab.values);
            if face.parameters != values {
                face.parameters = values;
            }
        }
        Target::Rig => {
            let Some(parameter) = slider else {
                return editor.panel.tell_once("choose the slider whose end is to be posed");
            };
            let from_neutral = grab.values.get(parameter).map_or(0.0, |value| value - 0.5);
            if from_neutral.abs() < NEUTRAL {
                return editor.panel.tell_once("set the slider to 0 or 1 first: at neutral it moves nothing");
            }
            let amounts = std::array::from_fn(|channel| {
                rounded(grab.amounts[channel] + (target[channel] - grab.channels[channel]) / (2.0 * from_neutral))
            });
            let edit = Edit::Pose { parameter, bone, amounts, mirror: true };
            editor.panel.edit(document, &edit, Some("pose"));
        }
    }
}

/// Hundredths of a millimetre, of a milliradian, of a thousandth.
fn rounded(amount: f32) -> f32 {
    (amount * 1e5).round() / 1e5
}

/// The channels of a bone whose handle went from `start` to `now`; the head is at `head`.
fn moved(channels: &[f32; 9], start: &Transform, now: &Transform, head: &GlobalTransform) -> [f32; 9] {
    let (scale, rotation, _) = head.to_scale_rotation_translation();
    let shift = rotation.inverse() * (now.translation - start.translation) / scale;
    let (x, y, z) = (start.rotation.inverse() * now.rotation).to_euler(EulerRot::XYZ);
    let growth = now.scale / start.scale;
    std::array::from_fn(|index| match Channel::ALL[index].index() {
        axis @ 0..3 => channels[index] + shift[axis],
        axis @ 3..6 => channels[index] + [x, y, z][axis - 3],
        axis => (1.0 + channels[index]) * growth[axis - 6] - 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drag_counts_in_the_heads_axes() {
        let head = GlobalTransform::from(Transform {
            translation: Vec3::new(1.0, 2.0, 3.0),
            rotation: Quat::from_rotation_y(std::f32::consts::FRAC_PI_2),
            scale: Vec3::splat(2.0),
        });
        let start = Transform::from_rotation(head.rotation());
        let now = Transform {
            translation: Vec3::new(0.0, 0.0, -0.02),
            rotation: start.rotation * Quat::from_rotation_x(0.25),
            scale: Vec3::new(1.5, 1.0, 1.0),
        };
        let mut before = [0.0; 9];
        before[6] = 0.2;
        let after = moved(&before, &start, &now, &head);
        let expected = [0.01, 0.0, 0.0, 0.25, 0.0, 0.0, 0.8, 0.0, 0.0];
        for (after, expected) in after.iter().zip(expected) {
            assert!((after - expected).abs() < 1e-5, "{after} instead of {expected}");
        }
    }
}
