//! The handles of the chosen bone: moving, turning and scaling it changes the face, the rig or where the bone rests.

use bevy::gizmos::transform_gizmo::{AXIS_START_OFFSET, VIEW_RING_MAJOR};
use bevy::prelude::*;
use bevy_egui::input::EguiWantsInput;
use bevy_likeness::{Face, HeadJoints, LikenessHead, RigAsset};
use likeness_rig::{BoneOffset, Channel};

use crate::camera::{Cameras, game_camera};
use crate::document::{Edit, RigDocument};
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
    /// What the chosen slider alone adds to the channels at value 1, and at value 0.
    ends: [[f32; 9]; 2],
    /// How far the rest place had been moved when it began.
    rest: Vec3,
}

/// A slider with less strength than this is at neutral: it has no end to pose.
const NEUTRAL: f32 = 0.1;

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
/// The ring that turns about the line of sight.
const AROUND_VIEW: Color = Color::srgba(1.0, 1.0, 1.0, 0.45);

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
    if settings.mode == TransformGizmoMode::Rotate {
        let color = if taken == Some(TransformGizmoAxis::View) { TAKEN } else { AROUND_VIEW };
        gizmos.circle(Isometry3d::new(place, view.rotation()), size * VIEW_RING_MAJOR, color);
    }
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

/// Lets go of the handles while the pointer is over the window, which lies before them.
pub(crate) fn yield_to_window(wants: Option<Res<EguiWantsInput>>, mut gizmo: ResMut<TransformGizmoState>) {
    if !gizmo.active && gizmo.hovered_axis.is_some() && wants.is_some_and(|wants| wants.wants_any_pointer_input()) {
        gizmo.hovered_axis = None;
    }
}

/// The joints of heads, and what they hang on.
type Joints<'w, 's> = Query<'w, 's, (&'static GlobalTransform, Option<&'static ChildOf>), Without<BoneHandle>>;

/// The space that a bone's channels move it in: that of its joint's parent, a joint or the head.
fn parent_of(joint: Entity, joints: &Joints) -> GlobalTransform {
    let parent = joints.get(joint).ok().and_then(|(_, child_of)| joints.get(child_of?.parent()).ok());
    parent.map_or(GlobalTransform::IDENTITY, |(place, _)| *place)
}

/// Keeps the handle on the chosen bone, unless it is being dragged.
pub(crate) fn place_handle(
    editor: Res<LikenessEditor>,
    gizmo: Res<TransformGizmoState>,
    mut settings: ResMut<TransformGizmoSettings>,
    mut handles: Query<(Entity, &mut Transform, Has<TransformGizmoFocus>), With<BoneHandle>>,
    heads: Query<&HeadJoints>,
    joints: Joints,
    mut commands: Commands,
) {
    let Ok((handle, mut transform, focused)) = handles.single_mut() else { return };
    let chosen = editor.panel.bone.filter(|_| editor.open);
    let joint = chosen.zip(editor.head).and_then(|(bone, head)| heads.get(head).ok()?.bones().get(bone).copied());
    let place = joint.and_then(|joint| joints.get(joint).ok()).map(|(place, _)| place);
    let (Some(bone), Some(joint), Some(place)) = (chosen, joint, place) else {
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
    if !gizmo.active && (settings.mode != mode || settings.space != TransformGizmoSpace::Local) {
        (settings.mode, settings.space) = (mode, TransformGizmoSpace::Local);
    }
    if !gizmo.active {
        let rest = editor.rest_rotation(bone);
        let rotation = parent_of(joint, &joints).rotation() * rest;
        *transform = Transform { translation: editor.place_of(bone, place), rotation, scale: Vec3::ONE };
    }
}

/// Turns a drag into values, drives or a rest place.
pub(crate) fn drag(
    mut editor: ResMut<LikenessEditor>,
    gizmo: Res<TransformGizmoState>,
    handles: Query<(Entity, &Transform), With<BoneHandle>>,
    mut faces: Query<(&LikenessHead, &HeadJoints, &mut Face)>,
    joints: Joints,
    rigs: Res<Assets<RigAsset>>,
    mut grab: Local<Option<Grab>>,
) {
    let editor = editor.bypass_change_detection();
    let Some(document) = &mut editor.document else { return };
    let handle = handles.single().ok().filter(|(handle, _)| gizmo.active && gizmo.entity == Some(*handle));
    let Some((_, handle)) = handle else {
        if grab.take().is_some() {
            document.end_gesture();
        }
        return;
    };
    let (Some(bone), Some(head)) = (editor.panel.bone, editor.head) else { return };
    let Ok((likeness, head_joints, mut face)) = faces.get_mut(head) else { return };
    let Some(compiled) = rigs.get(&likeness.rig).map(RigAsset::compiled) else { return };
    let Some(joint) = head_joints.bones().get(bone) else { return };
    let slider = editor.panel.slider;
    let grab = match grab.take_if(|grab| grab.bone != bone) {
        Some(_) => return,
        None => grab.get_or_insert_with(|| Grab {
            bone,
            channels: compiled.channels_of(bone, &face.parameters),
            values: face.parameters.clone(),
            ends: [1.0, 0.0].map(|end| {
                let mut values = vec![0.5; compiled.parameter_count()];
                if let Some(value) = slider.and_then(|slider| values.get_mut(slider)) {
                    *value = end;
                }
                compiled.channels_of(bone, &values)
            }),
            rest: document.unsaved_rest(bone),
        }),
    };
    let parent = parent_of(*joint, &joints);
    let target = moved(&grab.channels, &gizmo.start_transform, handle, &parent);
    match editor.panel.target {
        Target::Face => {
            if let Some(problem) = undriven(document, bone, editor.panel.tool, gizmo.axis) {
                return editor.panel.tell_once(&problem);
            }
            let values = compiled.values_toward(bone, &target, &grab.values);
            if face.parameters != values {
                face.parameters = values;
            }
        }
        Target::Rig => {
            let Some(parameter) = slider else {
                return editor.panel.tell_once("choose the slider whose end is to be posed");
            };
            let curve = document.rig().parameters.get(parameter).map(|parameter| parameter.curve).unwrap_or_default();
            let strength = grab.values.get(parameter).map_or(0.0, |value| curve.strength(*value));
            if strength.abs() < NEUTRAL {
                return editor.panel.tell_once("set the slider to 0 or 1 first: at neutral it moves nothing");
            }
            let low = strength < 0.0;
            let end = &grab.ends[usize::from(low)];
            let amounts = std::array::from_fn(|channel| {
                rounded(end[channel] + (target[channel] - grab.channels[channel]) / strength.abs())
            });
            let edit = Edit::Pose { parameter, bone, low, amounts, mirror: true };
            editor.panel.edit(document, &edit, Some("pose"));
        }
        Target::Rest => {
            let shift = parent_shift(&gizmo.start_transform, handle, &parent);
            let joint = &document.rig().bones[bone].joint;
            let by = editor.skeleton.as_ref().map_or(shift, |skeleton| skeleton.to_mesh(joint, shift));
            let by = (grab.rest + by).to_array().map(rounded);
            editor.panel.move_rest(document, bone, by.into(), Some("drag rest"));
        }
    }
}

/// Why a drag changes nothing of the face: no slider drives what it moves. `None` when one does.
fn undriven(document: &RigDocument, bone: usize, tool: Tool, axis: Option<TransformGizmoAxis>) -> Option<String> {
    let (group, verb) = match tool {
        Tool::Move => (0, "moves"),
        Tool::Turn => (3, "turns"),
        Tool::Scale => (6, "scales"),
    };
    let all = &Channel::ALL[group..group + 3];
    let (channels, about) = match axis {
        Some(TransformGizmoAxis::X) => (&all[..1], " in x"),
        Some(TransformGizmoAxis::Y) => (&all[1..2], " in y"),
        Some(TransformGizmoAxis::Z) => (&all[2..], " in z"),
        Some(TransformGizmoAxis::View) | None => (all, ""),
    };
    let name = &document.rig().bones.get(bone)?.name;
    (!document.is_driven(bone, channels)).then(|| format!("no slider {verb} {name}{about}"))
}

/// Hundredths of a millimetre, of a milliradian, of a thousandth.
fn rounded(amount: f32) -> f32 {
    (amount * 1e5).round() / 1e5
}

/// How far the handle went from `start` to `now`, in the space of the bone's parent.
fn parent_shift(start: &Transform, now: &Transform, parent: &GlobalTransform) -> Vec3 {
    let space = parent.affine().matrix3;
    // Nothing is seen of a head without a size.
    if space.determinant() == 0.0 { Vec3::ZERO } else { space.inverse() * (now.translation - start.translation) }
}

/// The channels of a bone whose handle went from `start` to `now`.
fn moved(channels: &[f32; 9], start: &Transform, now: &Transform, parent: &GlobalTransform) -> [f32; 9] {
    let shift = parent_shift(start, now, parent);
    let turn = start.rotation.inverse() * now.rotation * BoneOffset::from_channels(channels).rotation;
    let (x, y, z) = turn.to_euler(EulerRot::XYZ);
    let growth = now.scale / start.scale;
    // Only what was dragged: a turn's angles, for one, are not exactly those that it was made from.
    let turned = start.rotation != now.rotation;
    std::array::from_fn(|index| match index {
        axis @ 0..3 => channels[index] + shift[axis],
        axis @ 3..6 if turned => [x, y, z][axis - 3],
        3..6 => channels[index],
        axis => (1.0 + channels[index]) * growth[axis - 6] - 1.0,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::path::Path;

    use super::*;

    fn bundled() -> RigDocument {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron");
        RigDocument::open(&path).unwrap()
    }

    fn bone(document: &RigDocument, name: &str) -> usize {
        document.rig().bones.iter().position(|bone| bone.name == name).unwrap()
    }

    #[test]
    fn a_drag_counts_in_the_axes_of_what_the_bone_hangs_on() {
        let parent = GlobalTransform::from(Transform {
            translation: Vec3::new(1.0, 2.0, 3.0),
            rotation: Quat::from_rotation_y(std::f32::consts::FRAC_PI_2),
            scale: Vec3::splat(2.0),
        });
        let start = Transform::from_rotation(parent.rotation());
        let now = Transform {
            translation: Vec3::new(0.0, 0.0, -0.02),
            rotation: start.rotation * Quat::from_rotation_x(0.25),
            scale: Vec3::new(1.5, 1.0, 1.0),
        };
        let mut before = [0.0; 9];
        before[6] = 0.2;
        let after = moved(&before, &start, &now, &parent);
        let expected = [0.01, 0.0, 0.0, 0.25, 0.0, 0.0, 0.8, 0.0, 0.0];
        for (after, expected) in after.iter().zip(expected) {
            assert!((after - expected).abs() < 1e-5, "{after} instead of {expected}");
        }
        let flat = GlobalTransform::from(Transform::from_scale(Vec3::ZERO));
        assert!(moved(&before, &start, &now, &flat).iter().all(|channel| channel.is_finite()));
    }

    #[test]
    fn a_turn_comes_on_top_of_the_turn_that_was() {
        let mut before = [0.0; 9];
        before[3..6].copy_from_slice(&[0.3, 0.5, -0.2]);
        let start = Transform::IDENTITY;
        let still = moved(&before, &start, &start, &GlobalTransform::IDENTITY);
        assert_eq!(still, before);
        let turn = Quat::from_rotation_z(0.4);
        let after = moved(&before, &start, &Transform::from_rotation(turn), &GlobalTransform::IDENTITY);
        let rotation = |channels| BoneOffset::from_channels(channels).rotation;
        assert!(rotation(&after).abs_diff_eq(turn * rotation(&before), 1e-5));
    }

    /// A handle is turned or scaled; the face's values bring the bone there, as far as they reach.
    #[test]
    fn turning_and_scaling_a_bone_goes_to_the_sliders_that_turn_and_scale_it() {
        let document = bundled();
        let compiled = document.rig().compile().unwrap();
        let turned = |angle| Transform::from_rotation(Quat::from_rotation_z(angle));
        let scaled = |factor| Transform::from_scale(Vec3::new(1.0, factor, 1.0));
        for (name, channel, small, large) in [
            ("nasolabial.L", Channel::RotationZ, turned(0.03), turned(3.0)),
            ("nasolabial.R", Channel::RotationZ, turned(-0.03), turned(-3.0)),
            ("nasolabial.L", Channel::ScaleY, scaled(1.03), scaled(9.0)),
        ] {
            let bone = bone(&document, name);
            let start = vec![0.5; compiled.parameter_count()];
            let reached = |handle: &Transform| {
                let channels = compiled.channels_of(bone, &start);
                let target = moved(&channels, &Transform::IDENTITY, handle, &GlobalTransform::IDENTITY);
                let values = compiled.values_toward(bone, &target, &start);
                assert!(values.iter().all(|value| (0.0..=1.0).contains(value)), "{name}");
                let reached = compiled.channels_of(bone, &values);
                (reached[channel.index()], target[channel.index()])
            };
            let (near, wanted) = reached(&small);
            assert!((near / wanted - 1.0).abs() < 0.1, "{name}: {near} instead of {wanted}");
            let (far, wanted) = reached(&large);
            assert!(far / near > 1.0 && far / wanted < 1.0, "{name}: {far} of {wanted} is as far as sliders go");
        }
    }

    #[test]
    fn a_drag_that_no_slider_follows_is_explained() {
        let document = bundled();
        let told = |name, tool, axis| undriven(&document, bone(&document, name), tool, Some(axis));
        assert_eq!(told("nasolabial.R", Tool::Turn, TransformGizmoAxis::Z), None);
        assert_eq!(told("philtrum", Tool::Turn, TransformGizmoAxis::View).as_deref(), Some("no slider turns philtrum"));
        assert_eq!(
            told("philtrum", Tool::Scale, TransformGizmoAxis::X).as_deref(),
            Some("no slider scales philtrum in x")
        );
    }
}
