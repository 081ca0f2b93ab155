//! The studio's face on the head: at once under a hand, else with a short morph.

use bevy::prelude::*;
use bevy_egui::EguiPostUpdateSet;
use bevy_likeness::prelude::*;
use bevy_likeness::{HeadJoints, PhotoSkin};

use crate::stage::Star;
use crate::start::Ready;
use crate::studio::{Event, SkinPixels};

/// How long a morph takes, seconds.
const MORPH: f32 = 0.45;
/// How fast expressions come and go, per second.
const EXPRESSION_SPEED: f32 = 9.0;

/// Shows the studio's face.
pub(crate) struct ShownPlugin;

impl Plugin for ShownPlugin {
    fn build(&self, app: &mut App) {
        // The panels run at the end of egui's pass: what they change is on the head in the same frame.
        app.configure_sets(PostUpdate, EguiPostUpdateSet::EndPass.before(LikenessSystems::Spawn))
            .add_systems(
                PostUpdate,
                show.after(EguiPostUpdateSet::EndPass).before(LikenessSystems::Spawn).run_if(resource_exists::<Ready>),
            )
            .add_systems(Last, show_skin.run_if(resource_exists::<Ready>))
            .add_systems(PostUpdate, notice_joints.after(LikenessSystems::Apply).run_if(resource_exists::<Ready>));
    }
}

/// A morph under way.
#[derive(Default)]
struct Morph {
    from: Option<likeness_rig::Face>,
    to: Option<likeness_rig::Face>,
    /// 0..1.
    progress: f32,
}

fn show(
    mut ready: ResMut<Ready>,
    mut morph: Local<Morph>,
    time: Res<Time>,
    mut heads: Query<(&mut Face, &mut Expression), With<Star>>,
) {
    let Ok((mut face, mut expression)) = heads.get_mut(ready.star) else { return };
    let at_once = std::mem::take(&mut ready.studio.at_once);
    let document = &ready.studio.document;
    if morph.to.as_ref() != Some(&document.face) {
        let now = current(&morph);
        morph.progress = if at_once || now.is_none() { 1.0 } else { 0.0 };
        morph.from = now;
        morph.to = Some(document.face.clone());
    } else if morph.progress < 1.0 {
        morph.progress = (morph.progress + time.delta_secs() / MORPH).min(1.0);
    }
    if let Some(now) = current(&morph) {
        let now = Face::from(now);
        if *face != now {
            *face = now;
        }
    }
    let step = if at_once { 1.0 } else { (EXPRESSION_SPEED * time.delta_secs()).min(1.0) };
    let mut next = expression.0;
    for (value, wanted) in next.iter_mut().zip(&document.expression) {
        *value += step * (wanted - *value);
        if (*value - wanted).abs() < 1e-3 {
            *value = *wanted;
        }
    }
    if expression.0 != next {
        expression.0 = next;
    }
}

/// Puts the skin on that the document has.
fn show_skin(
    ready: Res<Ready>,
    mut shown: Local<Option<SkinPixels>>,
    heads: Query<Has<PhotoSkin>, With<Star>>,
    mut images: ResMut<Assets<Image>>,
    mut commands: Commands,
) {
    let wanted = &ready.studio.document.skin;
    let has_one = heads.get(ready.star).unwrap_or(false);
    if *shown == *wanted && has_one == wanted.is_some() {
        return;
    }
    shown.clone_from(wanted);
    let mut star = commands.entity(ready.star);
    match wanted {
        Some(skin) => star.insert(PhotoSkin::new(&skin.0, &mut images)),
        None => star.remove::<PhotoSkin>(),
    };
}

/// The face between from and to. Hair and the like change in the middle.
fn current(morph: &Morph) -> Option<likeness_rig::Face> {
    let to = morph.to.as_ref()?;
    let Some(from) = morph.from.as_ref().filter(|_| morph.progress < 1.0) else {
        return Some(to.clone());
    };
    let share = morph.progress * morph.progress * (3.0 - 2.0 * morph.progress);
    let mix = |from: f32, to: f32| from + share * (to - from);
    let mut face = if morph.progress < 0.5 { from.clone() } else { to.clone() };
    for ((value, from), to) in face.parameters.iter_mut().zip(&from.parameters).zip(&to.parameters) {
        *value = mix(*from, *to);
    }
    for ((value, from), to) in face.details.iter_mut().zip(&from.details).zip(&to.details) {
        *value = mix(*from, *to);
    }
    for ((color, from), to) in face.colors.iter_mut().zip(&from.colors).zip(&to.colors) {
        *color = std::array::from_fn(|channel| mix(from[channel], to[channel]));
    }
    Some(face)
}

/// Logs the frame in which joints moved, for those who want to see that it is the one of the slider.
fn notice_joints(
    mut ready: ResMut<Ready>,
    heads: Query<&HeadJoints, With<Star>>,
    joints: Query<Ref<Transform>>,
    mut last: Local<u32>,
) {
    let frame = ready.studio.frame;
    let Ok(head) = heads.get(ready.star) else { return };
    let moved = head.bones().iter().any(|bone| joints.get(*bone).is_ok_and(|joint| joint.is_changed()));
    let touched =
        ready.studio.events.iter().any(|event| matches!(event, Event::Changed { .. } | Event::Pinched { .. }));
    if moved && touched && *last != frame {
        *last = frame;
        ready.studio.events.push(Event::JointsMoved { frame });
    }
}
