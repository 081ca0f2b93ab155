//! Expressions weigh the morph targets; expressions and gaze turn the eyes.

use bevy::mesh::morph::{MeshMorphWeights, MorphWeights};
use bevy::prelude::*;
use likeness_rig::arkit_index;

use crate::LikenessSystems;
use crate::apply::ShapeState;
use crate::head::{Expression, Gaze, HeadJoints, HeadPart};
use crate::spawn::PartMorphs;

/// How far an eye turns at a coefficient of 1, degrees: up, down, in (toward the nose) and out. An eye never turns
/// further, whatever [`Gaze`] adds.
pub const GAZE_LIMITS: GazeLimits = GazeLimits { up: 25.0, down: 30.0, inward: 30.0, outward: 35.0 };

/// See [`GAZE_LIMITS`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GazeLimits {
    /// `eyeLookUp*`, degrees.
    pub up: f32,
    /// `eyeLookDown*`, degrees.
    pub down: f32,
    /// `eyeLookIn*`, degrees.
    pub inward: f32,
    /// `eyeLookOut*`, degrees.
    pub outward: f32,
}

/// Applies [`Expression`] and [`Gaze`] to morph targets and eyes.
#[derive(Clone, Copy, Debug, Default)]
pub struct LikenessExpressionPlugin;

impl Plugin for LikenessExpressionPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            PostUpdate,
            (weigh_morphs, weigh_renumbered_morphs, turn_eyes).in_set(LikenessSystems::Express),
        );
    }
}

fn coefficient(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

fn weigh_morphs(
    mut heads: Query<
        (&Expression, &mut MorphWeights),
        (With<ShapeState>, Or<(Changed<Expression>, Added<ShapeState>)>),
    >,
) {
    for (expression, mut weights) in &mut heads {
        for (weight, value) in weights.weights_mut().iter_mut().zip(expression.0) {
            *weight = coefficient(value);
        }
    }
}

/// Meshes whose targets are not ARKit's 52 in order have weights of their own.
fn weigh_renumbered_morphs(
    heads: Query<Ref<Expression>>,
    mut parts: Query<(&HeadPart, Ref<PartMorphs>, &mut MeshMorphWeights)>,
) {
    for (part, order, mut weights) in &mut parts {
        let Ok(expression) = heads.get(part.head) else {
            continue;
        };
        if !expression.is_changed() && !order.is_added() {
            continue;
        }
        if let MeshMorphWeights::Value { weights } = &mut *weights {
            for (weight, index) in weights.iter_mut().zip(order.0.iter()) {
                if let Some(value) = index.and_then(|index| expression.0.get(index)) {
                    *weight = coefficient(*value);
                }
            }
        }
    }
}

/// The indices of the coefficients that turn one eye.
#[derive(Clone, Copy)]
struct LookIndices {
    up: usize,
    down: usize,
    inward: usize,
    outward: usize,
}

impl LookIndices {
    fn new(side: &str) -> Self {
        let index = |direction: &str| arkit_index(&format!("eyeLook{direction}{side}")).unwrap_or_default();
        Self { up: index("Up"), down: index("Down"), inward: index("In"), outward: index("Out") }
    }
}

/// The indices for the left and the right eye.
struct Look([LookIndices; 2]);

impl Default for Look {
    fn default() -> Self {
        Self(["Left", "Right"].map(LookIndices::new))
    }
}

/// How an eye is turned: degrees toward the person's left, and up. `outward` is 1 for the left eye, -1 for the right.
fn eye_angles(expression: &Expression, gaze: Gaze, look: LookIndices, outward: f32) -> Vec2 {
    let at = |index: usize| coefficient(expression.0[index]);
    let limits = GAZE_LIMITS;
    let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
    let out = at(look.outward) * limits.outward - at(look.inward) * limits.inward + finite(gaze.yaw) * outward;
    let up = at(look.up) * limits.up - at(look.down) * limits.down + finite(gaze.pitch);
    Vec2::new(out.clamp(-limits.inward, limits.outward) * outward, up.clamp(-limits.down, limits.up))
}

fn turn_eyes(
    heads: Query<
        (&Expression, Option<&Gaze>, &ShapeState, &HeadJoints),
        Or<(Changed<Expression>, Changed<Gaze>, Added<ShapeState>)>,
    >,
    mut transforms: Query<&mut Transform>,
    look: Local<Look>,
) {
    for (expression, gaze, state, joints) in &heads {
        let gaze = gaze.copied().unwrap_or_default();
        for (side, eye) in state.plan().gaze.iter().enumerate() {
            let Some((eye, joint)) = eye.and_then(|eye| Some((eye, joints.at(eye.joint)?))) else {
                continue;
            };
            let outward = if side == 0 { 1.0 } else { -1.0 };
            let angles = eye_angles(expression, gaze, look.0[side], outward);
            let turn = Quat::from_rotation_y(angles.x.to_radians()) * Quat::from_rotation_x(-angles.y.to_radians());
            let rotation = eye.rest * (eye.frame.inverse() * turn * eye.frame);
            if let Ok(mut transform) = transforms.get_mut(joint) {
                let turned = transform.with_rotation(rotation);
                transform.set_if_neq(turned);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn angles(name: &str, side: usize) -> Vec2 {
        let mut expression = Expression::default();
        assert!(expression.set(name, 1.0));
        eye_angles(&expression, Gaze::default(), Look::default().0[side], if side == 0 { 1.0 } else { -1.0 })
    }

    #[test]
    fn the_left_eye_looks_out_to_the_left_and_the_right_eye_in_to_the_left() {
        assert_eq!(angles("eyeLookOutLeft", 0), Vec2::new(GAZE_LIMITS.outward, 0.0));
        assert_eq!(angles("eyeLookInRight", 1), Vec2::new(GAZE_LIMITS.inward, 0.0));
        assert_eq!(angles("eyeLookOutRight", 1), Vec2::new(-GAZE_LIMITS.outward, 0.0));
        assert_eq!(angles("eyeLookUpLeft", 0), Vec2::new(0.0, GAZE_LIMITS.up));
        assert_eq!(angles("eyeLookUpLeft", 1), Vec2::ZERO);
    }

    #[test]
    fn gaze_adds_up_to_the_limit_and_nonsense_counts_as_straight_ahead() {
        let look = Look::default().0;
        let expression = Expression::default();
        let gaze = |yaw, pitch| Gaze { yaw, pitch };
        assert_eq!(eye_angles(&expression, gaze(10.0, -5.0), look[1], -1.0), Vec2::new(10.0, -5.0));
        assert_eq!(
            eye_angles(&expression, gaze(80.0, 80.0), look[1], -1.0),
            Vec2::new(GAZE_LIMITS.inward, GAZE_LIMITS.up)
        );
        assert_eq!(eye_angles(&expression, gaze(f32::NAN, f32::INFINITY), look[0], 1.0), Vec2::ZERO);
    }
}
