//! The hand on the face: a click chooses a region, a drag pinches, a drag beside the face or with another button turns it.

use bevy::input::mouse::{AccumulatedMouseMotion, AccumulatedMouseScroll, MouseScrollUnit};
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use likeness_rig::Spot;

use crate::dialogs::Dialogs;
use crate::stage::{Orbit, Star};
use crate::start::Ready;
use crate::window::{Hidden, free_area};

/// Degrees a pixel.
const TURN: f32 = 0.35;
/// Share of the distance that a line of the wheel goes.
const ZOOM: f32 = 0.1;
/// A press that moves less than this, logical pixels, is a click.
const CLICK: f32 = 4.0;

/// Follows the pointer.
pub(crate) struct HandPlugin;

impl Plugin for HandPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Hand>()
            .add_systems(Update, (press, drag, release, zoom, mark).chain().run_if(resource_exists::<Ready>));
    }
}

/// What the pointer holds.
#[derive(Resource, Default, Debug)]
enum Hand {
    #[default]
    Free,
    /// A spot of the face.
    Face(Hold),
    /// The space around it.
    Around,
}

#[derive(Debug)]
struct Hold {
    spot: Spot,
    /// Where the pointer went down, logical pixels.
    pressed: Vec2,
    /// Where the spot was, head space.
    place: Vec3,
    /// The parameters then.
    parameters: Vec<f32>,
    /// Whether the pointer has moved far enough to pinch.
    pinching: bool,
}

impl Hand {
    /// Whether the pointer pinches the face, so that the edit goes on.
    fn is_busy(&self) -> bool {
        matches!(self, Self::Face(Hold { pinching: true, .. }))
    }
}

/// The ray under the pointer in the head's space.
fn ray(
    pointer: Vec2,
    camera: &Single<(&Camera, &GlobalTransform), With<Orbit>>,
    heads: &Query<&GlobalTransform, With<Star>>,
    star: Entity,
) -> Option<(Vec3, Vec3)> {
    let (camera, place) = **camera;
    let ray = camera.viewport_to_world(place, pointer).ok()?;
    let to_head = heads.get(star).ok()?.affine().inverse();
    Some((to_head.transform_point3(ray.origin), to_head.transform_vector3(*ray.direction)))
}

fn press(
    ready: Res<Ready>,
    mut hand: ResMut<Hand>,
    windows: Query<&Window, With<PrimaryWindow>>,
    buttons: Res<ButtonInput<MouseButton>>,
    dialogs: Res<Dialogs>,
    camera: Single<(&Camera, &GlobalTransform), With<Orbit>>,
    heads: Query<&GlobalTransform, With<Star>>,
) {
    let primary = buttons.just_pressed(MouseButton::Left);
    if dialogs.is_open() || !(primary || buttons.any_just_pressed([MouseButton::Right, MouseButton::Middle])) {
        return;
    }
    let area = free_area(&windows, ready.studio.view.text_scale);
    let pointer = windows.single().ok().and_then(Window::cursor_position);
    let Some(pointer) = pointer.filter(|pointer| area.is_some_and(|area| area.contains(*pointer))) else { return };
    *hand = Hand::Around;
    let studio = &ready.studio;
    if primary && let Some((origin, direction)) = ray(pointer, &camera, &heads, ready.star) {
        let (parameters, expression) = (&studio.document.face.parameters, &studio.document.expression);
        if let Some(spot) = studio.sculptor.pick(parameters, expression, origin, direction) {
            *hand = Hand::Face(Hold {
                spot,
                pressed: pointer,
                place: studio.sculptor.place(&spot, parameters, expression),
                parameters: parameters.clone(),
                pinching: false,
            });
        }
    }
}

fn drag(
    mut ready: ResMut<Ready>,
    mut hand: ResMut<Hand>,
    windows: Query<&Window, With<PrimaryWindow>>,
    motion: Res<AccumulatedMouseMotion>,
    camera: Single<(&Camera, &GlobalTransform), With<Orbit>>,
    heads: Query<&GlobalTransform, With<Star>>,
    mut orbits: Query<&mut Orbit>,
) {
    let Some(pointer) = windows.single().ok().and_then(Window::cursor_position) else { return };
    match &mut *hand {
        Hand::Free => {}
        Hand::Around => {
            if motion.delta != Vec2::ZERO {
                for mut orbit in &mut orbits {
                    orbit.turn(-motion.delta.x * TURN, motion.delta.y * TURN);
                }
            }
        }
        Hand::Face(hold) => {
            hold.pinching |= pointer.distance(hold.pressed) > CLICK;
            if !hold.pinching {
                return;
            }
            let Some((origin, direction)) = ray(pointer, &camera, &heads, ready.star) else { return };
            let Some((_, straight)) = ray(camera_center(&camera), &camera, &heads, ready.star) else { return };
            // The spot moves in the plane through it that faces the camera.
            let along = direction.dot(straight);
            if along.abs() < 1e-4 {
                return;
            }
            let target = origin + direction * ((hold.place - origin).dot(straight) / along);
            let studio = &ready.studio;
            let values =
                studio.sculptor.drag(&hold.spot, &hold.parameters, &studio.document.expression, target, |parameter| {
                    studio.may_change(parameter)
                });
            ready.studio.set_parameters(values);
        }
    }
}

fn camera_center(camera: &Single<(&Camera, &GlobalTransform), With<Orbit>>) -> Vec2 {
    camera.0.logical_viewport_size().unwrap_or(Vec2::ONE) * 0.5
}

fn release(mut ready: ResMut<Ready>, mut hand: ResMut<Hand>, buttons: Res<ButtonInput<MouseButton>>) {
    if buttons.any_pressed([MouseButton::Left, MouseButton::Right, MouseButton::Middle]) {
        return;
    }
    if let Hand::Face(hold) = std::mem::take(&mut *hand)
        && !hold.pinching
    {
        let studio = &mut ready.studio;
        let region = studio.sculptor.region(&hold.spot, &studio.document.face.parameters).map(str::to_owned);
        if let Some(region) = region {
            studio.select_region(&region);
        }
    }
}

fn zoom(
    ready: Res<Ready>,
    windows: Query<&Window, With<PrimaryWindow>>,
    scroll: Res<AccumulatedMouseScroll>,
    dialogs: Res<Dialogs>,
    mut orbits: Query<&mut Orbit>,
) {
    let area = free_area(&windows, ready.studio.view.text_scale);
    let over_face = windows
        .single()
        .ok()
        .and_then(Window::cursor_position)
        .is_some_and(|pointer| area.is_some_and(|area| area.contains(pointer)));
    if scroll.delta.y == 0.0 || !over_face || dialogs.is_open() {
        return;
    }
    let lines = match scroll.unit {
        MouseScrollUnit::Line => scroll.delta.y,
        MouseScrollUnit::Pixel => scroll.delta.y / 40.0,
    };
    for mut orbit in &mut orbits {
        orbit.zoom((1.0 - ZOOM).powf(lines));
    }
}

/// Shows the spot that is held, and tells the layout where the face's places are.
fn mark(
    mut ready: ResMut<Ready>,
    hand: Res<Hand>,
    hidden: Res<Hidden>,
    camera: Single<(&Camera, &GlobalTransform), With<Orbit>>,
    heads: Query<&GlobalTransform, With<Star>>,
    mut gizmos: Gizmos,
) {
    let Ok(head) = heads.get(ready.star) else { return };
    let (lens, place) = *camera;
    let on_screen = |point: Vec3| lens.world_to_viewport(place, head.transform_point(point)).ok();
    ready.studio.hand_is_busy = hand.is_busy();
    if hidden.0 == 0
        && let Hand::Face(hold) = &*hand
    {
        let document = &ready.studio.document;
        let spot = ready.studio.sculptor.place(&hold.spot, &document.face.parameters, &document.expression);
        let toward_camera = (place.translation() - head.transform_point(spot)).normalize_or_zero();
        let center = head.transform_point(spot) + toward_camera * 0.004;
        let ring = Isometry3d::new(center, Quat::from_rotation_arc(Vec3::Z, toward_camera));
        gizmos.circle(ring, 0.006, Color::srgb_u8(0xe6, 0x8a, 0x56));
    }
    let points = PLACES.map(|(_, parameter)| {
        let index = ready.studio.rig.parameter_index(parameter);
        let focus = index.and_then(|index| ready.studio.sculptor.focus(index));
        focus.and_then(|focus| on_screen(focus.center)).unwrap_or(Vec2::NEG_ONE)
    });
    let scale = ready.studio.view.text_scale;
    for ((name, _), point) in PLACES.iter().zip(points) {
        ready.studio.places.insert(name, egui::pos2(point.x / scale, point.y / scale));
    }
}

/// Places of the face that the layout log names, and the parameter whose focus they are.
const PLACES: [(&str, &str); 5] = [
    ("face.nose", "nose.tip.raise"),
    ("face.mouth", "mouth.lower_lip.raise"),
    ("face.chin", "chin.middle.raise"),
    ("face.cheek", "cheek.middle.raise"),
    ("face.forehead", "forehead.middle.raise"),
];
