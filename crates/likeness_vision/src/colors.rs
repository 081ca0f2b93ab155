//! Skin, lip and hair colour as the photo shows them.
//!
//! The colours are what the camera saw: the light's colour and strength are in them. Each is the median of the pixels
//! of its region that are neither in shadow nor shining.

use crate::region::{depth_in, distance_to_path};
use glam::Vec2;
use image::RgbImage;
use likeness_rig::color::{difference, from_srgb, lab};
use likeness_rig::similarity::Similarity;

/// Colours measured in an aligned crop, linear RGB 0..1; `None` where a region has too few pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeasuredColors {
    /// The cheeks from the lower lid to the mouth and out to the contour: what is neither their gloss nor their shade.
    pub skin: Option<[f32; 3]>,
    /// The lips without the mouth's opening.
    pub lips: Option<[f32; 3]>,
    /// The darkest part of the brows, standing for the hair of somebody without any.
    pub brows: Option<[f32; 3]>,
    /// The hair over the middle of the forehead: what there does not look like the forehead or the scalp.
    pub hair: Option<[f32; 3]>,
    /// What is seen on both sides of the face beside cheeks and jaw, where both look alike: the hair of somebody whose hair hangs down.
    pub locks: Option<[f32; 3]>,
}

/// Fewer pixels than this are no measurement.
const MIN_PIXELS: usize = 8;
/// The part of a region's pixels that is used, ordered from dark to bright.
// Most of a cheek is shaded a little, and what shines is small: a face whose skin has the colour of the brightest places looks pale.
const SKIN_RANGE: (f32, f32) = (0.35, 0.8);
const FOREHEAD_RANGE: (f32, f32) = (0.25, 0.85);
const LIPS_RANGE: (f32, f32) = (0.2, 0.8);
// Between the brows' hairs there is skin: only the darkest pixels are hair alone.
const BROW_RANGE: (f32, f32) = (0.0, 0.12);
const HAIR_RANGE: (f32, f32) = (0.15, 0.75);
/// The landmarks around each cheek.
const CHEEKS: [[usize; 9]; 2] = [[1, 2, 3, 48, 31, 39, 40, 41, 36], [15, 14, 13, 54, 35, 42, 47, 46, 45]];
/// Where hair is looked for above the brows: height and half width in eye distances.
const HAIR_BAND: ((f32, f32), f32) = ((0.66, 0.98), 0.45);
/// The landmarks of the right contour beside which hair hangs, and those of the left one.
const BESIDE: [[usize; 4]; 2] = [[1, 2, 3, 4], [15, 14, 13, 12]];
/// How far beside the contour hair is looked for, and in which radius, eye distances.
const LOCK: (f32, f32) = (0.22, 0.09);
/// Up to this difference (CIEDE2000) both sides look alike.
const ALIKE: f32 = 14.0;
/// From this difference (CIEDE2000) to the skin on, a pixel over the forehead is hair.
const HAIR_DIFFERENCE: f32 = 14.0;
/// The part of the band that must be hair.
const HAIR_SHARE: f32 = 0.35;
/// What is nearly as light and as red as the skin is a scalp in another light: parts of the skin's L* and a*.
const SCALP: (f32, f32) = (0.7, 0.8);

/// Measures the colours in the aligned crop of a photo.
#[must_use]
pub fn measure_colors(crop: &RgbImage, photo_to_crop: &Similarity, landmarks: &[Vec2; 68]) -> MeasuredColors {
    let at = landmarks.map(|point| photo_to_crop.apply(point));
    let unit = at[36].distance(at[45]);
    let middle = |indices: &[usize]| indices.iter().map(|&index| at[index]).sum::<Vec2>() / indices.len() as f32;
    let brows = middle(&[21, 22]);
    let up = (brows - at[29]).normalize_or_zero();
    let cheeks = CHEEKS.map(|corners| corners.map(|index| at[index]));
    let in_cheeks = |point: Vec2| cheeks.iter().any(|cheek| depth_in(point, cheek) > 0.0);
    let (forehead, forehead_radius) = (brows + up * (0.28 * unit), 0.12 * unit);
    let in_forehead = |point: Vec2| point.distance(forehead) < forehead_radius;
    let in_lips = |point: Vec2| depth_in(point, &at[48..60]) > 0.0 && depth_in(point, &at[60..68]) <= 0.0;
    let brow = 0.035 * unit;
    let in_brows = |point: Vec2| [17..22, 22..27].into_iter().any(|path| distance_to_path(point, &at[path]) < brow);
    let skin = median(crop, cheeks.as_flattened(), 0.0, in_cheeks, SKIN_RANGE);
    let forehead = median(crop, &[forehead], forehead_radius, in_forehead, FOREHEAD_RANGE);
    let across = up.perp();
    let ((low, high), half) = HAIR_BAND;
    let band = [(low, -half), (low, half), (high, -half), (high, half)];
    let band = band.map(|(height, side)| brows + (up * height + across * side) * unit);
    let in_band = |point: Vec2| {
        let from = (point - brows) / unit;
        (low..high).contains(&from.dot(up)) && from.dot(across).abs() < half
    };
    MeasuredColors {
        skin,
        lips: median(crop, &at[48..60], 0.0, in_lips, LIPS_RANGE),
        brows: median(crop, &at[17..27], brow, in_brows, BROW_RANGE),
        hair: forehead.or(skin).and_then(|skin| hair(crop, &band, in_band, skin)),
        locks: locks(crop, &at),
    }
}

/// The mean of what is seen on both sides of the face; none where the two differ, as one of them then is what is behind.
fn locks(crop: &RgbImage, at: &[Vec2; 68]) -> Option<[f32; 3]> {
    let (distance, radius) = LOCK;
    let across = at[45] - at[36];
    let side = |indices: [usize; 4], out: f32| {
        let places = indices.map(|index| at[index] + across * (out * distance));
        let reach = radius * across.length();
        let near = |point: Vec2| places.iter().any(|place| point.distance(*place) < reach);
        median(crop, &places, reach, near, HAIR_RANGE)
    };
    let (right, left) = (side(BESIDE[0], -1.0)?, side(BESIDE[1], 1.0)?);
    (difference(right, left) < ALIKE).then(|| std::array::from_fn(|channel| 0.5 * (right[channel] + left[channel])))
}

/// The median of the pixels in a band that differ from the skin; none where they are few.
fn hair(crop: &RgbImage, about: &[Vec2], band: impl Fn(Vec2) -> bool, skin: [f32; 3]) -> Option<[f32; 3]> {
    let mut pixels = pixels(crop, about, 0.0, band);
    let all = pixels.len();
    pixels.retain(|pixel| difference(pixel.map(from_srgb), skin) >= HAIR_DIFFERENCE);
    let color = (pixels.len() as f32 >= HAIR_SHARE * all as f32).then(|| middle_of(pixels, HAIR_RANGE)).flatten()?;
    let ([skin_light, skin_red, _], [light, red, _]) = (lab(skin), lab(color));
    (light < SCALP.0 * skin_light || red < SCALP.1 * skin_red).then_some(color)
}

/// The median of each channel over the pixels of a region whose brightness lies within the given part of the region's.
/// The region lies within `reach` pixels of the box around `about`.
fn median(
    crop: &RgbImage,
    about: &[Vec2],
    reach: f32,
    region: impl Fn(Vec2) -> bool,
    range: (f32, f32),
) -> Option<[f32; 3]> {
    middle_of(pixels(crop, about, reach, region), range)
}

fn pixels(crop: &RgbImage, about: &[Vec2], reach: f32, region: impl Fn(Vec2) -> bool) -> Vec<[u8; 3]> {
    let low = about.iter().copied().fold(Vec2::MAX, Vec2::min) - reach;
    // One pixel on, as the last row and column count too.
    let high = about.iter().copied().fold(Vec2::MIN, Vec2::max) + reach + 1.0;
    let rows = low.y as u32..(high.y as u32).min(crop.height());
    let columns = low.x as u32..(high.x as u32).min(crop.width());
    rows.flat_map(|y| columns.clone().map(move |x| (x, y)))
        .filter(|&(x, y)| region(Vec2::new(x as f32 + 0.5, y as f32 + 0.5)))
        .map(|(x, y)| crop.get_pixel(x, y).0)
        .collect()
}

fn middle_of(mut pixels: Vec<[u8; 3]>, range: (f32, f32)) -> Option<[f32; 3]> {
    if pixels.len() < MIN_PIXELS {
        return None;
    }
    pixels.sort_by_key(|&[r, g, b]| 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b));
    let place = |part: f32| (part * pixels.len() as f32) as usize;
    let kept = &pixels[place(range.0)..place(range.1).max(place(range.0) + 1)];
    Some(std::array::from_fn(|channel| {
        let mut values: Vec<u8> = kept.iter().map(|pixel| pixel[channel]).collect();
        values.sort_unstable();
        from_srgb(values[values.len() / 2])
    }))
}
