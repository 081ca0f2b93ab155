//! The reference crop: the frame in which networks see a face.

use glam::Vec2;

use crate::similarity::{Similarity, align};
use crate::{LANDMARK_COUNT, LandmarkModel};

/// Width and height of a crop, pixels.
pub const CROP_SIZE: usize = 128;

/// The landmarks that the alignment uses: all but the contour, which moves with the hair line, the jaw and the yaw.
pub const INNER: std::ops::Range<usize> = 17..LANDMARK_COUNT;

/// Where the midpoint of the outer eye corners lies in the crop.
const EYES: Vec2 = Vec2::new(64.0, 54.0);
/// The distance of the outer eye corners in the crop, pixels.
pub const EYE_DISTANCE: f32 = 44.0;
/// The outer eye corners, the person's right one first.
const CORNERS: [usize; 2] = [36, 45];

/// Where the midpoint of the outer eye corners lies in the portrait crop.
const PORTRAIT_EYES: Vec2 = Vec2::new(64.0, 56.0);
/// The distance of the outer eye corners in the portrait crop, pixels: hair, ears and neck are seen too.
pub const PORTRAIT_EYE_DISTANCE: f32 = 29.0;

/// Where the 68 points of the mean head, seen from the front, lie in a crop of [`CROP_SIZE`] pixels: the midpoint of the
/// outer eye corners at (64, 54), these 44 pixels apart, y down.
pub const REFERENCE_LANDMARKS: [[f32; 2]; LANDMARK_COUNT] = [
    [26.7, 54.2],
    [27.6, 65.8],
    [29.1, 75.5],
    [30.7, 84.3],
    [34.0, 95.2],
    [38.8, 102.2],
    [44.6, 108.1],
    [52.3, 114.4],
    [64.0, 117.6],
    [75.7, 114.4],
    [83.4, 108.1],
    [89.2, 102.2],
    [94.0, 95.2],
    [97.3, 84.3],
    [98.9, 75.5],
    [100.4, 65.8],
    [101.3, 54.2],
    [34.6, 46.1],
    [38.9, 43.9],
    [44.7, 43.2],
    [49.7, 44.1],
    [54.2, 46.0],
    [73.8, 46.0],
    [78.3, 44.1],
    [83.3, 43.2],
    [89.1, 43.9],
    [93.4, 46.1],
    [64.0, 57.4],
    [64.0, 65.1],
    [64.0, 72.2],
    [64.0, 78.7],
    [57.0, 80.1],
    [60.0, 81.5],
    [64.0, 82.4],
    [68.0, 81.5],
    [71.0, 80.1],
    [42.0, 54.0],
    [45.0, 53.3],
    [49.8, 53.5],
    [53.9, 55.8],
    [50.2, 57.7],
    [45.4, 57.7],
    [74.1, 55.8],
    [78.2, 53.5],
    [83.0, 53.3],
    [86.0, 54.0],
    [82.6, 57.7],
    [77.8, 57.7],
    [50.0, 94.9],
    [53.8, 89.6],
    [60.6, 88.6],
    [64.0, 88.9],
    [67.4, 88.6],
    [74.2, 89.6],
    [78.0, 94.9],
    [72.4, 97.9],
    [68.4, 100.0],
    [64.0, 100.2],
    [59.6, 100.0],
    [55.6, 97.9],
    [52.2, 94.0],
    [59.4, 93.6],
    [64.0, 93.7],
    [68.6, 93.6],
    [75.8, 94.0],
    [67.1, 93.9],
    [64.0, 94.0],
    [60.9, 93.9],
];

/// [`REFERENCE_LANDMARKS`] as points.
pub fn reference() -> [Vec2; LANDMARK_COUNT] {
    REFERENCE_LANDMARKS.map(Vec2::from)
}

/// The reference landmarks of a head: the neutral face from the front in the crop's frame.
pub fn reference_of(model: &LandmarkModel) -> [Vec2; LANDMARK_COUNT] {
    let points = model.points(&[], &[0.0; 52], 0.0).map(|point| Vec2::new(point.x, -point.y));
    let scale = EYE_DISTANCE / points[CORNERS[0]].distance(points[CORNERS[1]]).max(1e-6);
    let middle = (points[CORNERS[0]] + points[CORNERS[1]]) * 0.5;
    points.map(|point| (point - middle) * scale + EYES)
}

/// The similarity from a photo to the crop by the 51 inner landmarks; `None` when these fall together or are not finite.
pub fn photo_to_crop(landmarks: &[Vec2; LANDMARK_COUNT]) -> Option<Similarity> {
    align(&landmarks[INNER], &reference()[INNER])
}

/// The similarity from a photo to the portrait crop, which shows more around the face than the crop of [`photo_to_crop`] and is
/// aligned in the same way.
pub fn photo_to_portrait(landmarks: &[Vec2; LANDMARK_COUNT]) -> Option<Similarity> {
    let Similarity { a, b, tx, ty } = photo_to_crop(landmarks)?;
    let scale = PORTRAIT_EYE_DISTANCE / EYE_DISTANCE;
    let shift = (Vec2::new(tx, ty) - EYES) * scale + PORTRAIT_EYES;
    Some(Similarity { a: a * scale, b: b * scale, tx: shift.x, ty: shift.y })
}

#[cfg(test)]
mod tests;
