//! The face's values move the joints.

use std::sync::Arc;

use bevy::prelude::*;
use likeness_rig::BoneOffset;

use crate::LikenessSystems;
use crate::error::{LikenessError, LikenessProblem};
use crate::head::{Face, HeadJoints, ShapeOverAnimation};
use crate::plan::HeadPlan;

/// Moves the joints of heads whose [`Face`] changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct LikenessFacePlugin;

impl Plugin for LikenessFacePlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            PostUpdate,
            (forget_animation, compute_offsets, move_joints, move_animated_joints)
                .chain()
                .in_set(LikenessSystems::Apply),
        );
    }
}

/// The offsets of a head's bones. Changes (in the sense of change detection) exactly when the offsets do.
#[derive(Component, Debug)]
pub(crate) struct ShapeState {
    plan: Arc<HeadPlan>,
    /// The values that the offsets were computed from.
    values: Vec<f32>,
    offsets: Vec<BoneOffset>,
    /// Per bone, with [`ShapeOverAnimation`]: the animated pose and what was written over it.
    animated: Vec<(Transform, Transform)>,
}

impl ShapeState {
    pub(crate) fn new(plan: Arc<HeadPlan>) -> Self {
        Self { plan, values: Vec::new(), offsets: Vec::new(), animated: Vec::new() }
    }

    pub(crate) fn plan(&self) -> &HeadPlan {
        &self.plan
    }

    /// Takes over a face's values; false when they are the ones that the offsets are for.
    fn take(&mut self, parameters: &[f32]) -> bool {
        let clean = |value: f32| if value.is_nan() { 0.5 } else { value.clamp(0.0, 1.0) };
        let count = self.plan.parameters;
        let wanted = parameters.iter().copied().map(clean).chain(std::iter::repeat(0.5)).take(count);
        if self.values.len() == count && self.values.iter().copied().eq(wanted.clone()) {
            return false;
        }
        self.values.clear();
        self.values.extend(wanted);
        true
    }
}

/// `rest` with a bone's offset.
fn shaped(rest: &Transform, offset: &BoneOffset) -> Transform {
    Transform {
        translation: rest.translation + offset.translation,
        rotation: rest.rotation * offset.rotation,
        scale: rest.scale * offset.scale,
    }
}

fn compute_offsets(
    mut heads: Query<(Entity, &Face, &mut ShapeState), Or<(Changed<Face>, Added<ShapeState>)>>,
    commands: ParallelCommands,
) {
    heads.par_iter_mut().for_each(|(entity, face, mut state)| {
        let plan = Arc::clone(&state.plan);
        if face.parameters.len() != plan.parameters {
            commands.command_scope(|mut commands| {
                let problem = LikenessProblem::FaceLength {
                    file: plan.file.clone(),
                    found: face.parameters.len(),
                    expected: plan.parameters,
                };
                commands.trigger(LikenessError { entity, problem });
            });
        }
        if plan.bones.is_empty() || !state.bypass_change_detection().take(&face.parameters) {
            return;
        }
        let state = &mut *state;
        plan.compiled.offsets_into(&state.values, &mut state.offsets);
    });
}

fn move_joints(
    heads: Query<(&HeadJoints, &ShapeState), (Changed<ShapeState>, Without<ShapeOverAnimation>)>,
    mut transforms: Query<&mut Transform>,
) {
    for (joints, state) in &heads {
        let bones = joints.bones().iter().zip(&state.plan.bone_rests).zip(&state.offsets);
        for ((&joint, rest), offset) in bones {
            if let Ok(mut transform) = transforms.get_mut(joint) {
                // Only joints that move are marked, so that only their transforms are propagated.
                transform.set_if_neq(shaped(rest, offset));
            }
        }
    }
}

/// The parts of `now` that something wrote since `written`; the others are as they were before the offset.
fn animated_pose(now: &Transform, base: &Transform, written: &Transform) -> Transform {
    Transform {
        translation: if now.translation == written.translation { base.translation } else { now.translation },
        rotation: if now.rotation == written.rotation { base.rotation } else { now.rotation },
        scale: if now.scale == written.scale { base.scale } else { now.scale },
    }
}

fn move_animated_joints(
    mut heads: Query<(&HeadJoints, &mut ShapeState), With<ShapeOverAnimation>>,
    mut transforms: Query<&mut Transform>,
) {
    for (joints, mut state) in &mut heads {
        let state = state.bypass_change_detection();
        if state.animated.len() != state.offsets.len() {
            let rests = state.plan.bone_rests.iter();
            let previous = joints.bones().iter().map(|&joint| transforms.get(joint).copied().unwrap_or_default());
            // Joints that were already moved by `move_joints` hold no animation.
            let first = rests.zip(&state.offsets).zip(previous).map(|((rest, offset), now)| {
                let moved = shaped(rest, offset);
                if now == moved { (*rest, now) } else { (now, now) }
            });
            state.animated = first.collect();
        }
        let bones = joints.bones().iter().zip(&state.offsets).zip(&mut state.animated);
        for ((&joint, offset), (base, written)) in bones {
            if let Ok(mut transform) = transforms.get_mut(joint) {
                *base = animated_pose(&transform, base, written);
                *written = shaped(base, offset);
                transform.set_if_neq(*written);
            }
        }
    }
}

/// Without [`ShapeOverAnimation`] the offsets are relative to the rest pose again.
fn forget_animation(
    mut removed: RemovedComponents<ShapeOverAnimation>,
    mut heads: Query<&mut ShapeState, Without<ShapeOverAnimation>>,
) {
    for entity in removed.read() {
        if let Ok(mut state) = heads.get_mut(entity) {
            state.animated.clear();
        }
    }
}
