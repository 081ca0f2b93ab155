//! The face's values move the joints.

pub(crate) mod lanes;

use std::cell::RefCell;
use std::sync::Arc;

use bevy::prelude::*;
use likeness_rig::BoneOffset;

use crate::LikenessSystems;
use crate::apply::lanes::{LANES, Lane};
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
            (forget_animation, begin_animation, compute_offsets, move_joints, move_animated_joints)
                .chain()
                .in_set(LikenessSystems::Apply),
        );
    }
}

/// The value of a parameter that does nothing.
const NEUTRAL: f32 = 0.5;

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
        let count = self.plan.parameters;
        let mut changed = self.values.len() != count;
        self.values.resize(count, NEUTRAL);
        let given = parameters.len().min(count);
        let (values, rest) = self.values.split_at_mut(given);
        for (value, wanted) in values.iter_mut().zip(parameters) {
            let wanted = if wanted.is_nan() { NEUTRAL } else { wanted.clamp(0.0, 1.0) };
            changed |= *value != wanted;
            *value = wanted;
        }
        for value in rest {
            changed |= *value != NEUTRAL;
            *value = NEUTRAL;
        }
        changed
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

/// Fewer heads than this are computed one by one.
const WORTH_LANES: usize = 3;

thread_local! {
    /// The strengths of one head, and those of all, a head per lane; kept to save the allocation.
    static STRENGTHS: RefCell<(Vec<f32>, Vec<Lane>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Changed heads of one rig that are computed together.
#[derive(Default)]
struct Batch<'w> {
    heads: [Option<Mut<'w, ShapeState>>; LANES],
    count: usize,
}

impl<'w> Batch<'w> {
    fn push(&mut self, head: Mut<'w, ShapeState>) {
        let other_rig = self.heads[0].as_ref().is_some_and(|first| !Arc::ptr_eq(&first.plan, &head.plan));
        if other_rig || self.count == LANES {
            self.compute();
        }
        self.heads[self.count] = Some(head);
        self.count += 1;
    }

    fn compute(&mut self) {
        if self.count < WORTH_LANES {
            for head in self.heads.iter_mut().filter_map(Option::take) {
                let head = head.into_inner();
                head.plan.compiled.offsets_into(&head.values, &mut head.offsets);
            }
        } else {
            STRENGTHS.with_borrow_mut(|(strengths, lanes)| self.compute_lanes(strengths, lanes));
        }
        self.count = 0;
    }

    fn compute_lanes(&mut self, strengths: &mut Vec<f32>, lanes: &mut Vec<Lane>) {
        let Some(plan) = self.heads[0].as_ref().map(|head| Arc::clone(&head.plan)) else {
            return;
        };
        lanes.clear();
        lanes.resize(plan.lanes.strength_count(), [0.0; LANES]);
        let mut offsets: [&mut [BoneOffset]; LANES] = Default::default();
        let mut count = 0;
        for head in std::mem::take(&mut self.heads).into_iter().flatten() {
            let head = head.into_inner();
            plan.compiled.strengths_into(&head.values, strengths);
            for (to, strength) in lanes.iter_mut().zip(&*strengths) {
                to[count] = *strength;
            }
            head.offsets.resize(plan.bones.len(), BoneOffset::IDENTITY);
            offsets[count] = &mut head.offsets;
            count += 1;
        }
        plan.lanes.offsets(lanes, &mut offsets[..count]);
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.compute();
    }
}

fn compute_offsets(
    mut heads: Query<(Entity, &Face, &mut ShapeState), Or<(Changed<Face>, Added<ShapeState>)>>,
    commands: ParallelCommands,
) {
    heads.par_iter_mut().for_each_init(Batch::default, |batch, (entity, face, mut state)| {
        let plan = &state.plan;
        if face.parameters.len() != plan.parameters {
            let problem = LikenessProblem::FaceLength {
                file: plan.file.clone(),
                found: face.parameters.len(),
                expected: plan.parameters,
            };
            commands.command_scope(|mut commands| commands.trigger(LikenessError { entity, problem }));
        }
        if !plan.bones.is_empty() && state.bypass_change_detection().take(&face.parameters) {
            batch.push(state);
        }
    });
}

/// A joint that a bone of the rig moves.
#[derive(Component, Clone, Copy, Debug)]
pub(crate) struct ShapeJoint {
    pub(crate) head: Entity,
    pub(crate) bone: usize,
}

/// When more than one head in so many changed, walking over all joints in the order of memory beats looking up each.
const WORTH_WALKING: usize = 4;

fn move_joints(
    heads: Query<(&HeadJoints, &ShapeState), (Changed<ShapeState>, Without<ShapeOverAnimation>)>,
    all_heads: Query<(), With<ShapeState>>,
    mut transforms: Query<(&ShapeJoint, &mut Transform)>,
) {
    let changed = heads.iter().count();
    if changed > 1 && changed * WORTH_WALKING > all_heads.iter().len() {
        transforms.par_iter_mut().for_each_init(
            || None,
            |last: &mut Option<(Entity, Option<&ShapeState>)>, (joint, mut transform)| {
                // The joints of a head lie side by side.
                let state = match last {
                    Some((head, state)) if *head == joint.head => *state,
                    _ => {
                        let state = heads.get(joint.head).ok().map(|(_, state)| state);
                        *last = Some((joint.head, state));
                        state
                    }
                };
                if let Some(state) = state
                    && let Some(offset) = state.offsets.get(joint.bone)
                {
                    transform.set_if_neq(shaped(&state.plan.bone_rests[joint.bone], offset));
                }
            },
        );
        return;
    }
    for (joints, state) in &heads {
        let mut found = transforms.iter_many_mut(joints.bones());
        while let Some((joint, mut transform)) = found.fetch_next() {
            if let Some(offset) = state.offsets.get(joint.bone) {
                // Only joints that move are marked, so that only their transforms are propagated.
                transform.set_if_neq(shaped(&state.plan.bone_rests[joint.bone], offset));
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
            // The head is new: nothing has been written over its joints.
            let poses = joints.bones().iter().map(|&joint| transforms.get(joint).copied().unwrap_or_default());
            state.animated = poses.map(|pose| (pose, pose)).collect();
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

/// Before the offsets change: which joints hold the last offset over the rest pose, and which an animation has written.
fn begin_animation(
    mut heads: Query<(&HeadJoints, &mut ShapeState), Added<ShapeOverAnimation>>,
    transforms: Query<&Transform>,
) {
    for (joints, mut state) in &mut heads {
        let state = state.bypass_change_detection();
        let shapes = state.plan.bone_rests.iter().zip(&state.offsets);
        let first = joints.bones().iter().zip(shapes).map(|(&joint, (rest, offset))| {
            let written = shaped(rest, offset);
            let now = transforms.get(joint).copied().unwrap_or(written);
            (animated_pose(&now, rest, &written), now)
        });
        state.animated = first.collect();
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
