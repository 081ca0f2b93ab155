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
const EYE_DISTANCE: f32 = 48.0;
/// The outer eye corners, the person's right one first.
const CORNERS: [usize; 2] = [36, 45];

/// Where the 68 points of the mean head, seen from the front, lie in a crop of [`CROP_SIZE`] pixels: the midpoint of the
/// outer eye corners at (64, 54), these 48 pixels apart, y down.
pub const REFERENCE_LANDMARKS: [[f32; 2]; LANDMARK_COUNT] = [
    [27.5, 53.2],
    [27.8, 65.5],
    [27.8, 73.9],
    [28.8, 81.8],
    [32.6, 92.0],
    [38.1, 104.5],
    [45.1, 109.2],
    [52.2, 113.5],
    [64.0, 115.7],
    [75.8, 113.5],
    [82.9, 109.2],
    [89.9, 104.5],
    [95.4, 92.0],
    [99.2, 81.8],
    [100.2, 73.9],
    [100.2, 65.5],
    [100.5, 53.2],
    [33.9, 43.9],
    [40.9, 42.4],
    [45.4, 41.4],
    [50.1, 44.1],
    [55.2, 44.8],
    [72.8, 44.8],
    [77.9, 44.1],
    [82.6, 41.4],
    [87.1, 42.4],
    [94.1, 43.9],
    [64.0, 53.7],
    [64.0, 61.5],
    [64.0, 66.8],
    [64.0, 75.7],
    [54.9, 80.0],
    [60.6, 81.2],
    [64.0, 82.1],
    [67.4, 81.2],
    [73.1, 80.0],
    [40.0, 54.0],
    [45.1, 51.7],
    [49.3, 51.8],
    [54.4, 55.2],
    [48.9, 56.7],
    [44.8, 56.8],
    [73.6, 55.2],
    [78.7, 51.8],
    [82.9, 51.7],
    [88.0, 54.0],
    [83.2, 56.8],
    [79.1, 56.7],
    [50.4, 93.3],
    [56.1, 88.6],
    [61.2, 87.6],
    [64.0, 87.8],
    [66.8, 87.6],
    [71.9, 88.6],
    [77.6, 93.3],
    [73.9, 97.0],
    [67.6, 99.1],
    [64.0, 99.3],
    [60.4, 99.1],
    [54.1, 97.0],
    [52.2, 93.1],
    [59.4, 92.2],
    [64.0, 92.4],
    [68.6, 92.2],
    [75.8, 93.1],
    [67.1, 93.2],
    [64.0, 93.3],
    [60.9, 93.2],
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

#[cfg(test)]
mod tests;
