//! Where crops lie in a photo.

use crate::detect::FaceBox;
use crate::error::{Result, VisionError};
use crate::photo::Photo;
use crate::warp::warp;
use glam::Vec2;
use image::RgbImage;
use likeness_rig::crop::{CROP_SIZE, INNER, photo_to_crop, reference};
use likeness_rig::similarity::{Similarity, align};

/// Where the middle of the 68 landmarks lies below the middle of a detector's box, in box widths: measured on 150
/// portraits (mean 0.145, standard deviation 0.034; sideways -0.02, 0.028).
const BOX_TO_FACE: Vec2 = Vec2::new(-0.02, 0.145);
/// Side of the first landmark crop in box widths. The 68 landmarks span 0.88 (standard deviation 0.05), the outer eye
/// corners are 0.52 apart: a margin on all sides for faces that lean and boxes that are off.
const BOX_TO_CROP: f32 = 1.5;
/// Scale of the second landmark crop against the aligned crop: the outer eye corners then are 44 pixels apart, as they
/// are on average in the first.
const RECROP_SCALE: f32 = 0.92;

/// The first landmark crop: from the photo to a 128-pixel square about the face, by the detector's box.
#[must_use]
pub fn landmark_crop(face: &FaceBox) -> Similarity {
    let middle = Vec2::new(face.x + face.w * 0.5, face.y + face.h * 0.5) + BOX_TO_FACE * face.w;
    let scale = CROP_SIZE as f32 / (BOX_TO_CROP * face.w);
    let half = CROP_SIZE as f32 * 0.5;
    Similarity { a: scale, b: 0.0, tx: half - scale * middle.x, ty: half - scale * middle.y }
}

/// The second landmark crop: from the photo to a 128-pixel square in which the face found by the first lies upright, in
/// the middle and at a fixed scale.
///
/// # Errors
/// [`VisionError::DegenerateLandmarks`].
pub fn landmark_recrop(landmarks: &[Vec2; 68]) -> Result<Similarity> {
    let reference = reference();
    let low = reference.iter().copied().fold(Vec2::MAX, Vec2::min);
    let high = reference.iter().copied().fold(Vec2::MIN, Vec2::max);
    let middle = (low + high) * 0.5;
    let target = reference.map(|point| (point - middle) * RECROP_SCALE + CROP_SIZE as f32 * 0.5);
    align(&landmarks[INNER], &target[INNER])
        .filter(|found| found.inverse().is_some())
        .ok_or(VisionError::DegenerateLandmarks)
}

/// The face crop that the bone-point network sees: 128x128 pixels, the 51 inner landmarks brought as near to the
/// reference as a similarity can, and that similarity (photo to crop).
///
/// # Errors
/// [`VisionError::DegenerateLandmarks`].
pub fn align_crop(photo: &Photo, landmarks: &[Vec2; 68]) -> Result<(RgbImage, Similarity)> {
    let similarity =
        photo_to_crop(landmarks).filter(|found| found.inverse().is_some()).ok_or(VisionError::DegenerateLandmarks)?;
    Ok((warp(&photo.pixels, &similarity, CROP_SIZE as u32), similarity))
}
