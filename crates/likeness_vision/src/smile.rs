//! Smiles that show teeth.
//!
//! Lips that stand apart look much the same by their landmarks whether the jaw has dropped or the lips have drawn back from closed
//! teeth. What is seen between them tells the two apart: teeth, or the dark of the mouth.

use crate::region::{depth_in, smoothstep};
use glam::Vec2;
use image::RgbImage;
use likeness_rig::color::{from_srgb, lab};
use likeness_rig::similarity::Similarity;
use likeness_rig::{ARKIT_NAMES, LandmarkModel, arkit_index};

/// Fewer pixels than this between the lips are no opening.
const MIN_PIXELS: usize = 12;
/// Teeth are at least this light (L*), and at least this part as light as the skin.
const TEETH_LIGHT: (f32, f32) = (30.0, 0.55);
/// Teeth are less red (a*) than the skin, or redder by no more than this.
const TEETH_RED: f32 = 6.0;
/// The part of the opening that teeth fill: from the first on they count, at the second the jaw is taken to be closed.
const TEETH_SHARE: (f32, f32) = (0.25, 0.55);
/// How far a jaw is closed where teeth fill the opening.
const CLOSED: f32 = 0.5;
/// What would cover teeth.
const COVERING: [&str; 6] =
    ["mouthPressLeft", "mouthPressRight", "mouthRollUpper", "mouthRollLower", "mouthFunnel", "mouthPucker"];
/// Points of the lips among the 68 landmarks.
const LIPS: std::ops::Range<usize> = 48..68;
/// What draws the lips apart instead of the jaw, both sides alike, and how strongly at least where teeth are seen.
const PARTING: [([&str; 2], f32); 2] =
    [(["mouthUpperUpLeft", "mouthUpperUpRight"], 0.3), (["mouthLowerDownLeft", "mouthLowerDownRight"], 0.0)];

/// How surely teeth fill the opening between the lips in the aligned crop of a photo, 0..1; `skin` is the skin's colour there, linear RGB.
pub(crate) fn shows_teeth(crop: &RgbImage, photo_to_crop: &Similarity, landmarks: &[Vec2; 68], skin: [f32; 3]) -> f32 {
    let inner: Vec<Vec2> = landmarks[60..68].iter().map(|point| photo_to_crop.apply(*point)).collect();
    let [skin_light, skin_red, _] = lab(skin);
    let low = inner.iter().copied().fold(Vec2::MAX, Vec2::min).max(Vec2::ZERO);
    let high = inner.iter().copied().fold(Vec2::ZERO, Vec2::max);
    let (mut opening, mut teeth) = (0, 0);
    for y in low.y as u32..(high.y.ceil() as u32).min(crop.height()) {
        for x in low.x as u32..(high.x.ceil() as u32).min(crop.width()) {
            if depth_in(Vec2::new(x as f32 + 0.5, y as f32 + 0.5), &inner) <= 0.0 {
                continue;
            }
            let [light, red, _] = lab(crop.get_pixel(x, y).0.map(from_srgb));
            opening += 1;
            teeth += usize::from(light > TEETH_LIGHT.0.max(TEETH_LIGHT.1 * skin_light) && red < skin_red + TEETH_RED);
        }
    }
    if opening < MIN_PIXELS {
        return 0.0;
    }
    smoothstep(TEETH_SHARE.0, TEETH_SHARE.1, teeth as f32 / opening as f32)
}

/// Closes the jaw as far as teeth are surely seen (0..1), and draws the lips off the teeth instead, so that they stay where they are as well
/// as may be: least squares over their landmarks.
pub(crate) fn bare_teeth(
    model: &LandmarkModel,
    parameters: &[f32],
    expression: &mut [f32; ARKIT_NAMES.len()],
    yaw: f32,
    teeth: f32,
) {
    let Some(jaw) = arkit_index("jawOpen") else { return };
    if teeth <= 0.0 {
        return;
    }
    let lips = |expression: &[f32; ARKIT_NAMES.len()]| -> Vec<Vec2> {
        model.points(parameters, expression, yaw)[LIPS].iter().map(|point| point.truncate()).collect()
    };
    let from = lips(expression);
    expression[jaw] *= 1.0 - CLOSED * teeth;
    for index in COVERING.into_iter().filter_map(arkit_index) {
        expression[index] *= 1.0 - teeth;
    }
    let pairs = PARTING.map(|(names, least)| (names.map(arkit_index), least * teeth));
    for (pair, least) in &pairs {
        for index in pair.iter().flatten() {
            expression[*index] = expression[*index].max(*least);
        }
    }
    // Expressions move the points in straight lines: what is still to be moved, and what either pair moves at its full strength.
    let mut left: Vec<Vec2> = from.iter().zip(lips(expression)).map(|(from, to)| *from - to).collect();
    let moved = pairs.map(|(pair, _)| -> Vec<Vec2> {
        let (mut none, mut full) = (*expression, *expression);
        for index in pair.into_iter().flatten() {
            (none[index], full[index]) = (0.0, 1.0);
        }
        lips(&full).iter().zip(lips(&none)).map(|(full, none)| *full - none).collect()
    });
    // One pair after the other, a few times over: the bounds keep this from being a matrix's inverse.
    for _ in 0..8 {
        for ((pair, least), moved) in pairs.iter().zip(&moved) {
            let power: f32 = moved.iter().map(|by| by.length_squared()).sum();
            let wanted: f32 = moved.iter().zip(&left).map(|(by, left)| by.dot(*left)).sum();
            let now = pair.iter().flatten().map(|index| expression[*index]).fold(*least, f32::max);
            let step = (now + wanted / power.max(f32::MIN_POSITIVE)).clamp(*least, 1.0) - now;
            if !step.is_finite() {
                continue;
            }
            for index in pair.iter().flatten() {
                expression[*index] = (expression[*index] + step).clamp(0.0, 1.0);
            }
            left.iter_mut().zip(moved).for_each(|(left, by)| *left -= *by * step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// Skin, with an opening of one colour between the lips.
    fn crop(opening: [u8; 3]) -> (RgbImage, [Vec2; 68]) {
        let mut landmarks = [Vec2::ZERO; 68];
        let corners = [
            (40.0, 90.0),
            (50.0, 84.0),
            (64.0, 83.0),
            (78.0, 84.0),
            (88.0, 90.0),
            (78.0, 97.0),
            (64.0, 99.0),
            (50.0, 97.0),
        ];
        for (landmark, (x, y)) in landmarks[60..].iter_mut().zip(corners) {
            *landmark = Vec2::new(x, y);
        }
        let mut crop = RgbImage::from_pixel(128, 128, Rgb([205, 160, 135]));
        for (x, y, pixel) in crop.enumerate_pixels_mut() {
            if depth_in(Vec2::new(x as f32 + 0.5, y as f32 + 0.5), &landmarks[60..]) > 0.0 {
                *pixel = Rgb(opening);
            }
        }
        (crop, landmarks)
    }

    #[test]
    fn teeth_are_light_and_hardly_red() {
        let skin = [205, 160, 135].map(from_srgb);
        for (opening, seen) in [([225, 215, 200], 1.0), ([40, 20, 20], 0.0), ([190, 110, 110], 0.0)] {
            let (crop, landmarks) = crop(opening);
            assert_eq!(shows_teeth(&crop, &Similarity::IDENTITY, &landmarks, skin), seen, "{opening:?}");
        }
    }

    #[test]
    fn closed_lips_show_none() {
        let (crop, mut landmarks) = crop([225, 215, 200]);
        landmarks[60..].iter_mut().for_each(|point| point.y = 90.0);
        assert_eq!(shows_teeth(&crop, &Similarity::IDENTITY, &landmarks, [0.6, 0.4, 0.3]), 0.0);
    }
}
