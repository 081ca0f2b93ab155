//! What is done to a crop before a network sees it, so that it learns faces and not cameras.

use crate::{dice::Dice, picture::Planes};

/// How strong the changes are.
#[derive(Clone, Copy, Debug)]
pub struct Strength {
    /// Brightness, contrast, colour cast: 1 is usual, 0 none.
    pub colour: f32,
    /// Blur, noise, low resolution: 1 is usual, 0 none.
    pub quality: f32,
    /// The probability that part of the crop is covered.
    pub occlusion: f32,
}

impl Strength {
    /// The strength that training uses.
    pub const TRAINING: Self = Self { colour: 1.0, quality: 1.0, occlusion: 0.25 };
}

/// Changes colours, sharpness and coverage of a crop at random.
pub fn augment(crop: &mut Planes, strength: Strength, dice: &mut Dice) {
    if strength.occlusion > 0.0 && dice.chance(strength.occlusion) {
        cover(crop, dice);
    }
    if strength.quality > 0.0 {
        degrade(crop, strength.quality, dice);
    }
    if strength.colour > 0.0 {
        recolour(crop, strength.colour, dice);
    }
    if strength.quality > 0.0 && dice.chance(0.4) {
        add_noise(crop, dice.uniform(0.0, 9.0 * strength.quality), dice);
    }
}

fn recolour(crop: &mut Planes, strength: f32, dice: &mut Dice) {
    let plane = crop.size * crop.size;
    if dice.chance(0.06 * strength) {
        for i in 0..plane {
            let grey = 0.3 * crop.data[i] + 0.59 * crop.data[plane + i] + 0.11 * crop.data[2 * plane + i];
            crop.data[i] = grey;
            crop.data[plane + i] = grey;
            crop.data[2 * plane + i] = grey;
        }
    }
    let contrast = 1.0 + strength * dice.normal_within(0.16, 0.4);
    let brightness = strength * dice.normal_within(16.0, 45.0);
    let saturation = 1.0 + strength * dice.normal_within(0.2, 0.5);
    let cast: [f32; 3] = std::array::from_fn(|_| 1.0 + strength * dice.normal_within(0.06, 0.18));
    // A slope of light across the picture.
    let (slope_x, slope_y) = (strength * dice.normal_within(0.18, 0.4), strength * dice.normal_within(0.12, 0.3));
    let n = crop.size as f32;
    let (red, rest) = crop.data.split_at_mut(plane);
    let (green, blue) = rest.split_at_mut(plane);
    let rows = red.chunks_exact_mut(crop.size).zip(green.chunks_exact_mut(crop.size));
    for (y, ((red, green), blue)) in rows.zip(blue.chunks_exact_mut(crop.size)).enumerate() {
        let down = 1.0 + slope_y * (y as f32 / n - 0.5);
        for (x, ((red, green), blue)) in red.iter_mut().zip(green).zip(blue).enumerate() {
            let grey = 0.3 * *red + 0.59 * *green + 0.11 * *blue;
            let light = (down + slope_x * (x as f32 / n - 0.5)) * contrast;
            for (value, cast) in [red, green, blue].into_iter().zip(cast) {
                let saturated = grey + (*value - grey) * saturation;
                // A cast is a gain: it leaves black black.
                *value = (saturated * cast - 118.0) * light + 118.0 + brightness;
            }
        }
    }
}

/// Low resolution and blur: a Gaussian, since averaging pixels and spreading them again is one.
fn degrade(crop: &mut Planes, strength: f32, dice: &mut Dice) {
    if dice.chance(0.45) {
        crop.blur(strength * dice.uniform(0.2, 1.1));
    } else if dice.chance(0.12) {
        crop.blur(strength * dice.uniform(1.1, 2.2));
    }
}

fn add_noise(crop: &mut Planes, deviation: f32, dice: &mut Dice) {
    // Two uniform numbers added make noise that is near enough to normal and cheap; grey noise is commoner than coloured. Each
    // random word gives both numbers, 16 bits each.
    let plane = crop.size * crop.size;
    let coloured = dice.chance(0.4);
    let width = deviation * 6f32.sqrt() / 65536.0;
    let mut noise = vec![0; if coloured { 3 * plane } else { plane }];
    dice.words(&mut noise);
    for (plane, noise) in crop.data.chunks_exact_mut(plane).zip(noise.chunks_exact(plane).cycle()) {
        for (value, &word) in plane.iter_mut().zip(noise) {
            *value += width * ((word >> 16) as i32 + (word & 0xffff) as i32 - 65535) as f32;
        }
    }
}

/// Covers an ellipse or a slanted band by one colour, lightly shaded: a hand, a microphone, hair, an edge.
fn cover(crop: &mut Planes, dice: &mut Dice) {
    let n = crop.size as f32;
    let plane = crop.size * crop.size;
    let centre = (dice.uniform(0.0, n), dice.uniform(0.0, n));
    let (rx, ry) = (dice.uniform(0.05, 0.22) * n, dice.uniform(0.05, 0.25) * n);
    let angle = dice.uniform(0.0, std::f32::consts::PI);
    let (sin, cos) = angle.sin_cos();
    let square = dice.chance(0.4);
    let colour: [f32; 3] = std::array::from_fn(|_| dice.uniform(10.0, 235.0));
    let shade = dice.uniform(-40.0, 40.0);
    for y in 0..crop.size {
        for x in 0..crop.size {
            let (dx, dy) = (x as f32 - centre.0, y as f32 - centre.1);
            let (u, v) = ((dx * cos + dy * sin) / rx, (dy * cos - dx * sin) / ry);
            let inside = if square { u.abs() < 1.0 && v.abs() < 1.0 } else { u * u + v * v < 1.0 };
            if inside {
                for (c, value) in colour.iter().enumerate() {
                    crop.data[c * plane + y * crop.size + x] = value + shade * u;
                }
            }
        }
    }
}

/// For each of the 68 landmarks the one that takes its place when the picture is mirrored.
pub const MIRRORED: [usize; 68] = [
    16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30,
    35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,
    64, 63, 62, 61, 60, 67, 66, 65,
];

/// Mirrors a picture left to right.
pub fn mirror(crop: &mut Planes) {
    let n = crop.size;
    crop.data.chunks_exact_mut(n).for_each(<[f32]>::reverse);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Purpose;

    #[test]
    fn mirroring_twice_is_nothing() {
        for (i, &j) in MIRRORED.iter().enumerate() {
            assert_eq!(MIRRORED[j], i);
        }
        let mut crop = Planes { size: 8, data: (0..192).map(|i| i as f32).collect() };
        let before = crop.clone();
        mirror(&mut crop);
        assert_ne!(crop, before);
        mirror(&mut crop);
        assert_eq!(crop, before);
    }

    #[test]
    fn augmenting_repeats_with_its_dice_and_stays_finite() {
        let crop = Planes { size: 32, data: vec![100.0; 3 * 32 * 32] };
        let run = |index| {
            let mut copy = crop.clone();
            augment(&mut copy, Strength::TRAINING, &mut Dice::new(1, Purpose::LandmarkBatch, index));
            copy
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
        assert!((0..50).all(|i| run(i).data.iter().all(|value| value.is_finite())));
    }
}
