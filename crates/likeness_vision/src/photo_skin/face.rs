//! The regions of a face in the crop: where skin is read, and what of it a face at rest would not have.

use super::Sighting;
use crate::region::{depth_in, distance_to_path, smoothstep};
use glam::Vec2;

/// How near to the opening of an eye skin is read, in distances of the outer eye corners: never, and fully.
const LIDS: (f32, f32) = (0.01, 0.04);
/// How far below the landmarks of a lower lid the eye itself may still show, likewise: certainly, and no more.
const EYEBALL: (f32, f32) = (0.05, 0.1);
/// The same for the opening of a mouth.
const MOUTH: (f32, f32) = (0.0, 0.025);
/// The same for the line through both eyes of somebody with glasses.
const GLASSES: (f32, f32) = (0.32, 0.5);
/// How far apart the lips are, likewise, when a mouth starts to show teeth, and when it does.
const OPEN: (f32, f32) = (0.02, 0.07);
/// How far around an open mouth lips and teeth may be mistaken for each other, likewise.
const OPEN_LIPS: f32 = 0.11;
/// How far the folds of a smile reach, likewise.
const FOLDS: f32 = 0.32;
/// How much of the relief of a smiling face goes: in the folds, and elsewhere.
const SMOOTHED: (f32, f32) = (0.85, 0.1);
/// How far brows, eyes and lips reach around their landmarks, likewise: fully, and not at all.
const BROWS: (f32, f32) = (0.04, 0.09);
const EYES: (f32, f32) = (0.03, 0.08);
const LIPS: (f32, f32) = (0.02, 0.07);

/// How far inward from a brow's outer end hair may cover it, likewise.
const TAIL: f32 = 0.12;
/// From which distance of the middle of the face on hair may hang beside the eyes, over that of the outer eye corners.
const BESIDE: f32 = 0.65;
/// Over how far the regions of hair fade, likewise.
const SOFT: f32 = 0.1;

/// The regions of a face in the crop.
pub(super) struct PhotoFace<'a> {
    at: &'a [Vec2; 68],
    /// The distance of the outer eye corners.
    unit: f32,
    wears_glasses: bool,
    /// How far the mouth shows teeth, 0..1.
    open: f32,
    /// How far the face smiles, 0..1.
    smile: f32,
    folds: [[Vec2; 4]; 2],
}

impl<'a> PhotoFace<'a> {
    pub(super) fn new(sighting: &Sighting<'_>, at: &'a [Vec2; 68], unit: f32) -> Self {
        let open = smoothstep(OPEN.0, OPEN.1, at[62].distance(at[66]) / unit);
        let smiles = ["mouthSmileLeft", "mouthSmileRight"]
            .map(|name| likeness_rig::arkit_index(name).map_or(0.0, |index| sighting.expression[index]));
        let smile = open.max(smiles[0] + smiles[1]).clamp(0.0, 1.0);
        // From the wing of the nose around the corner of the mouth to the chin.
        let fold = |wing: usize, corner: usize, opposite: usize, jaw: usize| {
            let outward = at[wing] - at[33];
            [
                at[wing],
                at[corner].lerp(at[wing], 0.5) + outward * 0.8,
                at[corner] + (at[corner] - at[opposite]) * 0.1,
                at[jaw],
            ]
        };
        let folds = [fold(31, 48, 54, 6), fold(35, 54, 48, 10)];
        Self { at, unit, wears_glasses: sighting.wears_glasses, open, smile, folds }
    }

    /// How far plain skin is expected there, neither brows, eyes nor lips, 0..1.
    pub(super) fn plain(&self, place: Vec2) -> f32 {
        let Self { at, unit, .. } = self;
        let beyond = |(low, high): (f32, f32), distance: f32| smoothstep(low * unit, high * unit, distance);
        let brows = [17..22, 22..27].map(|brow| beyond(BROWS, distance_to_path(place, &at[brow])));
        let eyes = [36..42, 42..48].map(|eye| beyond(EYES, -depth_in(place, &at[eye])));
        brows.into_iter().chain(eyes).product::<f32>() * beyond(LIPS, -depth_in(place, &at[48..60]))
    }

    /// How far a place shows skin and nothing else, 0..1.
    pub(super) fn sight(&self, place: Vec2) -> f32 {
        let Self { at, unit, .. } = self;
        let mut sight = smoothstep(MOUTH.0 * unit, MOUTH.1 * unit, -depth_in(place, &at[60..68]));
        for eye in [36..42, 42..48] {
            sight *= smoothstep(LIDS.0 * unit, LIDS.1 * unit, -depth_in(place, &at[eye]));
        }
        if self.wears_glasses {
            let eyes = [at[36], (at[39] + at[42]) / 2.0, at[45]];
            sight *= smoothstep(GLASSES.0 * unit, GLASSES.1 * unit, distance_to_path(place, &eyes));
        }
        let lips = depth_in(place, &at[48..60]);
        sight * (1.0 - self.open * smoothstep(-OPEN_LIPS * unit, 0.0, lips))
    }

    /// How far hair may hang there, 0..1: above the eyes, and beside them down to the mouth.
    pub(super) fn may_be_hair(&self, place: Vec2) -> f32 {
        let Self { at, unit, .. } = self;
        let down = (at[8] - at[27]).normalize_or(Vec2::Y);
        let above = |point: Vec2| smoothstep(SOFT * unit, -SOFT * unit, (place - point).dot(down));
        let eyes = (at[36] + at[45]) / 2.0;
        let aside = ((place - eyes).perp_dot(down).abs() / unit - BESIDE) / SOFT;
        above(eyes).max(smoothstep(-1.0, 1.0, aside) * above((at[48] + at[54]) / 2.0))
    }

    /// How far a place lies right below the opening of an eye, where the eye itself may show, 0..1: landmarks often leave out the lower
    /// edge of an eye that is wide open.
    pub(super) fn may_be_eye(&self, place: Vec2) -> f32 {
        let Self { at, unit, .. } = self;
        let eye = |corners: [usize; 2], eye: std::ops::Range<usize>| {
            let down = (at[8] - at[27]).normalize_or(Vec2::Y);
            let below = (place - (at[corners[0]] + at[corners[1]]) / 2.0).dot(down);
            if below < 0.0 { 0.0 } else { smoothstep(EYEBALL.1 * unit, EYEBALL.0 * unit, -depth_in(place, &at[eye])) }
        };
        eye([36, 39], 36..42).max(eye([42, 45], 42..48))
    }

    /// How far a place lies beside or at the outer end of a brow, above the mouth, 0..1.
    pub(super) fn beside_brow(&self, place: Vec2) -> f32 {
        let Self { at, unit, .. } = self;
        let down = (at[8] - at[27]).normalize_or(Vec2::Y);
        let aside = |point: Vec2| (point - at[27]).perp_dot(down) / unit;
        let [right, left] = [aside(at[17]), aside(at[26])];
        let side = aside(place);
        let end = if side * left > 0.0 { left } else { right };
        let beyond = (side.abs() - (end.abs() - TAIL)) / SOFT;
        let above_mouth = smoothstep(SOFT * unit, -SOFT * unit, (place - (at[48] + at[54]) / 2.0).dot(down));
        smoothstep(-1.0, 1.0, beyond) * above_mouth
    }

    /// What a smile does there that a face at rest does not have: how much of the relief, and how far there are folds, 0..1.
    pub(super) fn smile_at(&self, place: Vec2) -> (f32, f32) {
        let distance = self.folds.iter().map(|fold| distance_to_path(place, fold)).fold(f32::INFINITY, f32::min);
        let folded = self.smile * smoothstep(FOLDS * self.unit, 0.0, distance);
        (self.smile * SMOOTHED.1 + (SMOOTHED.0 - SMOOTHED.1) * folded, folded)
    }
}
