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
    [25.0, 55.0],
    [25.6, 65.0],
    [27.0, 75.0],
    [29.2, 85.0],
    [33.0, 94.5],
    [39.0, 102.5],
    [46.5, 109.5],
    [55.0, 114.5],
    [64.0, 116.0],
    [73.0, 114.5],
    [81.5, 109.5],
    [89.0, 102.5],
    [95.0, 94.5],
    [98.8, 85.0],
    [101.0, 75.0],
    [102.4, 65.0],
    [103.0, 55.0],
    [32.0, 44.5],
    [37.0, 40.0],
    [44.0, 38.5],
    [51.0, 39.5],
    [57.5, 42.0],
    [70.5, 42.0],
    [77.0, 39.5],
    [84.0, 38.5],
    [91.0, 40.0],
    [96.0, 44.5],
    [64.0, 53.0],
    [64.0, 60.0],
    [64.0, 67.0],
    [64.0, 73.5],
    [56.5, 78.5],
    [60.0, 79.8],
    [64.0, 80.8],
    [68.0, 79.8],
    [71.5, 78.5],
    [40.0, 54.0],
    [44.5, 51.2],
    [50.5, 51.2],
    [55.5, 54.8],
    [50.5, 56.2],
    [44.5, 56.2],
    [72.5, 54.8],
    [77.5, 51.2],
    [83.5, 51.2],
    [88.0, 54.0],
    [83.5, 56.2],
    [77.5, 56.2],
    [50.5, 94.0],
    [55.5, 91.2],
    [60.5, 89.6],
    [64.0, 90.5],
    [67.5, 89.6],
    [72.5, 91.2],
    [77.5, 94.0],
    [73.0, 98.5],
    [68.5, 101.0],
    [64.0, 101.5],
    [59.5, 101.0],
    [55.0, 98.5],
    [52.5, 94.2],
    [60.0, 93.2],
    [64.0, 93.8],
    [68.0, 93.2],
    [75.5, 94.2],
    [68.0, 95.4],
    [64.0, 95.9],
    [60.0, 95.4],
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
