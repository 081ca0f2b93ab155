//! The colour of the eyes, as far as a photo shows it.

use crate::region::{depth_in, smoothstep};
use glam::Vec2;
use image::RgbImage;
use likeness_rig::color::{from_srgb, lab};

/// Radius of an iris in distances of the outer eye corners.
const RADIUS: f32 = 0.062;
/// Irises of fewer pixels' radius say nothing.
const MIN_RADIUS: f32 = 3.0;
/// Of larger irises only every n-th row and column is looked at, so that about so many lie in a radius: large photos take no longer.
const FINEST: f32 = 12.0;
/// The ring between pupil and rim that is measured, in radii.
const RING: (f32, f32) = (0.45, 0.95);
/// The part of the ring's pixels that is used, ordered from dark to bright: lashes and their shadow are darker, what the eye mirrors is
/// brighter.
const RANGE: (f32, f32) = (0.2, 0.7);
/// Where the iris is looked for, in widths of the eye: along it and across, to both sides.
const REACH: Vec2 = Vec2::new(0.18, 0.06);
/// Steps of the search to each side.
const STEPS: (i32, i32) = (6, 2);
/// An eye has this many of the 68 landmarks, beginning with these.
const EYES: [usize; 2] = [36, 42];
const EYE_POINTS: usize = 6;
/// Fewer pixels than this are no measurement.
const MIN_PIXELS: usize = 8;

/// Dark eyes, linear RGB: the commonest.
const DARK: [f32; 3] = [0.10, 0.045, 0.018];
/// Blue and grey ones.
const BLUE: [f32; 3] = [0.13, 0.20, 0.28];
/// How light (L*) the darker of hair and skin is when nearly everybody has dark eyes, and when that says nothing.
const GOES_WITH_DARK: (f32, f32) = (8.0, 18.0);
/// How light (L*) an iris looks in the photo: dark for sure, and no longer.
const LOOKS_DARK: (f32, f32) = (10.0, 19.0);
/// From which lightness on hue can be told, and how blue (b*) and how little red (a*) blue eyes are.
const HUE_LIGHT: (f32, f32) = (19.0, 25.0);
const HUE_BLUE: (f32, f32) = (2.0, -2.0);
const HUE_RED: (f32, f32) = (8.0, 4.0);

/// The colour of both irises in a photo, linear RGB; none where they are too small or hidden.
pub(crate) fn measure(photo: &RgbImage, landmarks: &[Vec2; 68]) -> Option<[f32; 3]> {
    let radius = RADIUS * landmarks[EYES[0]].distance(landmarks[EYES[1] + 3]);
    if radius < MIN_RADIUS {
        return None;
    }
    let seen: Vec<[f32; 3]> =
        EYES.iter().filter_map(|&first| eye(photo, &landmarks[first..first + EYE_POINTS], radius)).collect();
    (!seen.is_empty()).then(|| {
        std::array::from_fn(|channel| seen.iter().map(|color| color[channel]).sum::<f32>() / seen.len() as f32)
    })
}

/// The colour of one iris: the darkest disc between the lids.
fn eye(photo: &RgbImage, lids: &[Vec2], radius: f32) -> Option<[f32; 3]> {
    let middle = lids.iter().copied().sum::<Vec2>() / lids.len() as f32;
    let along = lids[3] - lids[0];
    let (width, along) = (along.length(), along.normalize_or_zero());
    let places = (-STEPS.0..=STEPS.0).flat_map(|i| (-STEPS.1..=STEPS.1).map(move |k| (i, k)));
    let centre = places
        .filter_map(|(i, k)| {
            let off =
                along * (REACH.x * i as f32 / STEPS.0 as f32) + along.perp() * (REACH.y * k as f32 / STEPS.1 as f32);
            let centre = middle + off * width;
            let disc = pixels(photo, lids, centre, (0.0, radius));
            let mean = disc.iter().map(light).sum::<f32>() / disc.len().max(1) as f32;
            (disc.len() >= MIN_PIXELS).then_some((mean, centre))
        })
        .min_by(|a, b| a.0.total_cmp(&b.0))?
        .1;
    let mut ring = pixels(photo, lids, centre, (RING.0 * radius, RING.1 * radius));
    if ring.len() < MIN_PIXELS {
        return None;
    }
    ring.sort_by(|a, b| light(a).total_cmp(&light(b)));
    let place = |part: f32| (part * ring.len() as f32) as usize;
    let kept = &ring[place(RANGE.0)..=place(RANGE.1)];
    Some(std::array::from_fn(|channel| {
        let mut values: Vec<f32> = kept.iter().map(|color| color[channel]).collect();
        values.sort_by(f32::total_cmp);
        values[values.len() / 2]
    }))
}

fn light(color: &[f32; 3]) -> f32 {
    0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]
}

/// The pixels between the lids whose distance from a place lies in a range, linear RGB.
fn pixels(photo: &RgbImage, lids: &[Vec2], centre: Vec2, (near, far): (f32, f32)) -> Vec<[f32; 3]> {
    let low = (centre - far).max(Vec2::ZERO).floor();
    let high = centre + far;
    let rows = low.y as u32..(high.y.max(0.0).ceil() as u32).min(photo.height());
    let columns = low.x as u32..(high.x.max(0.0).ceil() as u32).min(photo.width());
    let step = ((far / FINEST) as usize).max(1);
    rows.step_by(step)
        .flat_map(|y| columns.clone().step_by(step).map(move |x| (x, y)))
        .filter(|&(x, y)| {
            let point = Vec2::new(x as f32 + 0.5, y as f32 + 0.5);
            (near..far).contains(&point.distance(centre)) && depth_in(point, lids) > 0.0
        })
        .map(|(x, y)| photo.get_pixel(x, y).0.map(from_srgb))
        .collect()
}

/// A network's colour, moved toward dark eyes as far as the person's hair or skin is dark, and toward dark or blue ones as far as the
/// colour measured in the photo surely is; `mix` mixes a part of the second in the first.
pub(crate) fn judged(
    network: [f32; 3],
    measured: Option<[f32; 3]>,
    others: &[[f32; 3]],
    mix: impl Fn([f32; 3], [f32; 3], f32) -> [f32; 3],
) -> [f32; 3] {
    let darkest = others.iter().map(|color| lab(*color)[0]).fold(f32::INFINITY, f32::min);
    let likely = mix(network, DARK, 1.0 - smoothstep(GOES_WITH_DARK.0, GOES_WITH_DARK.1, darkest));
    let Some([light, red, yellow]) = measured.map(lab) else { return likely };
    let dark = 1.0 - smoothstep(LOOKS_DARK.0, LOOKS_DARK.1, light);
    let blue = smoothstep(HUE_LIGHT.0, HUE_LIGHT.1, light)
        * (1.0 - smoothstep(HUE_BLUE.1, HUE_BLUE.0, yellow))
        * (1.0 - smoothstep(HUE_RED.1, HUE_RED.0, red));
    mix(mix(likely, DARK, dark), BLUE, blue)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use image::Rgb;

    const SIDE: u32 = 200;

    /// Two eyes 20 pixels wide whose irises have one colour; the pupils are dark and mirror a lamp.
    fn photo(iris: [u8; 3]) -> (RgbImage, [Vec2; 68]) {
        let mut landmarks = [Vec2::ZERO; 68];
        let mut photo = RgbImage::from_pixel(SIDE, SIDE, Rgb([190, 150, 130]));
        for (first, x) in EYES.into_iter().zip([60.0, 140.0]) {
            let lids = [(-20.0, 0.0), (-8.0, -8.0), (8.0, -8.0), (20.0, 0.0), (8.0, 8.0), (-8.0, 8.0)];
            for (landmark, (dx, dy)) in landmarks[first..].iter_mut().zip(lids) {
                *landmark = Vec2::new(x + dx, 100.0 + dy);
            }
            let centre = Vec2::new(x + 3.0, 100.0);
            for (px, py, pixel) in photo.enumerate_pixels_mut() {
                let point = Vec2::new(px as f32 + 0.5, py as f32 + 0.5);
                if depth_in(point, &landmarks[first..first + EYE_POINTS]) > 0.0 {
                    *pixel = match point.distance(centre) {
                        d if d < 2.5 => Rgb([10, 10, 10]),
                        d if d < 7.5 => Rgb(iris),
                        _ => Rgb([225, 220, 215]),
                    };
                }
            }
            photo.put_pixel(x as u32 + 4, 98, Rgb([255, 255, 255]));
        }
        (photo, landmarks)
    }

    fn mix(a: [f32; 3], b: [f32; 3], part: f32) -> [f32; 3] {
        std::array::from_fn(|i| a[i] + (b[i] - a[i]) * part)
    }

    #[test]
    fn the_iris_is_found_and_measured() {
        for iris in [[40, 26, 20], [110, 130, 150], [120, 90, 50]] {
            let (photo, landmarks) = photo(iris);
            let found = measure(&photo, &landmarks).unwrap();
            for (found, expected) in found.iter().zip(iris.map(from_srgb)) {
                assert!((found - expected).abs() < 0.02, "{iris:?}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn small_eyes_say_nothing() {
        let (photo, landmarks) = photo([40, 26, 20]);
        assert_eq!(measure(&photo, &landmarks.map(|point| point * 0.1)), None);
    }

    #[test]
    fn dark_and_blue_eyes_overrule_the_network() {
        let green = [0.16, 0.24, 0.10];
        let (brown_hair, measured) = ([[0.07, 0.037, 0.019]], |color: [u8; 3]| Some(color.map(from_srgb)));
        let dark = judged(green, measured([35, 22, 18]), &brown_hair, mix);
        assert!(dark[0] > dark[1] && dark[1] < 0.08, "{dark:?}");
        let blue = judged(green, measured([90, 108, 130]), &brown_hair, mix);
        assert!(blue[2] > blue[0] && blue[2] > blue[1], "{blue:?}");
        assert_eq!(judged(green, measured([110, 85, 50]), &brown_hair, mix), green);
    }

    #[test]
    fn eyes_go_with_black_hair_unless_the_photo_shows_blue_ones() {
        let (green, black_hair) = ([0.16, 0.24, 0.10], [[0.008, 0.006, 0.005], [0.6, 0.4, 0.3]]);
        assert_eq!(judged(green, None, &black_hair, mix), DARK);
        assert_eq!(judged(green, None, &black_hair[1..], mix), green);
        let blue = judged(green, Some([90, 108, 130].map(from_srgb)), &black_hair, mix);
        assert!(blue[2] > blue[0] && blue[2] > blue[1], "{blue:?}");
    }
}
