//! Whether a face can be used, and what is wrong with its picture.

use crate::error::{Result, VisionError};
use glam::{Mat3, Quat, Vec2, Vec3};
use image::RgbImage;
use likeness_rig::HeadPose;
use likeness_rig::crop::{CROP_SIZE, INNER};
use likeness_rig::similarity::Similarity;
use serde::Serialize;

/// The least distance between the outer eye corners, pixels of the photo.
pub const MIN_EYE_DISTANCE: f32 = 24.0;
/// The largest yaw either way, degrees: beyond it one half of the face is hidden.
pub const MAX_YAW: f32 = 60.0;

/// Below this distance between the outer eye corners, pixels, the crop is enlarged and fine shapes are lost.
const SMALL_EYE_DISTANCE: f32 = 40.0;
/// Yaw from which one side of the face is guessed rather than seen, degrees.
const FAR_YAW: f32 = 35.0;
/// Mean luma of the face, 0..255, below which shapes drown in noise; 150 portraits of people of all skin colours have
/// 54 to 195.
const DARK_LUMA: f32 = 40.0;
/// Part of the face's pixels that may be white.
const WHITE_PART: f32 = 0.2;
/// A pixel is white from this value in all channels.
const WHITE: u8 = 250;
/// Least sharpness, see [`QualityWarning::Blurred`]: 150 sharp portraits have 0.15 to 0.70, the same blurred by 6 % of
/// the eye distance 0.03 to 0.08.
const MIN_SHARPNESS: f32 = 0.1;
/// Least part of the inner landmarks that lie inside the photo.
const MIN_INSIDE: f32 = 1.0;

/// Something about a photo that makes the result less certain, with the measured value.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum QualityWarning {
    /// The face is dark.
    #[error("the face is dark (mean brightness {mean:.0} of 255): use more light")]
    TooDark {
        /// Mean luma of the face, 0..255.
        mean: f32,
    },
    /// Parts of the face are burnt out.
    #[error("the face is overexposed ({percent:.0} % of it is white): use less light")]
    Overexposed {
        /// White pixels of the face, percent.
        percent: f32,
    },
    /// The face is out of focus, moved or enlarged.
    #[error("the face is blurred (sharpness {sharpness:.3}): hold the camera still and focus on the face")]
    Blurred {
        /// Mean absolute Laplacian of the aligned crop's luma over the inner face, in its standard deviations.
        sharpness: f32,
    },
    /// The head is turned far.
    #[error("the face is turned by {yaw:.0} degrees: look more toward the camera")]
    TurnedFar {
        /// Degrees, positive when the head is turned to its own left.
        yaw: f32,
    },
    /// The face is small.
    #[error("the face is small ({eye_distance:.0} pixels between the outer eye corners): use a larger photo")]
    SmallFace {
        /// Distance between the outer eye corners, pixels of the photo.
        eye_distance: f32,
    },
    /// The photo cuts the face.
    #[error(
        "the photo cuts the face off ({percent:.0} % of its inner landmarks are inside): use a photo with the whole face"
    )]
    CutOff {
        /// Inner landmarks inside the photo, percent.
        percent: f32,
    },
    /// There were more faces; the largest was taken.
    #[error("{count} faces were found and the largest was taken")]
    SeveralFaces {
        /// How many faces were found.
        count: usize,
    },
    /// The skin was asked for, and too little of it is seen.
    #[error(
        "only {percent:.0} % of the face's skin is seen, so it stays painted: use a photo in which nothing covers the face"
    )]
    SkinHidden {
        /// The part of the face's texture that the photo shows, percent.
        percent: f32,
    },
    /// The skin was asked for, and the head has no place for it.
    #[error("the head's texture coordinates do not show a face, upright and in one piece, so its skin stays painted")]
    SkinUnmapped,
    /// The prediction does not agree with the photo's landmarks.
    #[error(
        "the predicted face fits the photo badly (landmarks are off by {percent:.0} % of the eye distance): try another photo"
    )]
    PoorFit {
        /// Mean distance of the predicted from the photo's landmarks, percent of the distance of the outer eye corners.
        percent: f32,
    },
}

/// The distance between the outer eye corners, in the landmarks' unit.
#[must_use]
pub fn eye_distance(landmarks: &[Vec2; 68]) -> f32 {
    landmarks[36].distance(landmarks[45])
}

/// The pose of a head from its landmarks in a photo (pixels, y down) and its 68 points in space (metres, from the
/// neutral face will do), under parallel projection. `None` when the landmarks are degenerate.
///
/// Only the 51 inner points are used: the contour slides over the head as it turns.
#[must_use]
pub fn head_pose(points: &[Vec3; 68], landmarks: &[Vec2; 68]) -> Option<HeadPose> {
    let count = INNER.len() as f32;
    let middle = points[INNER].iter().copied().sum::<Vec3>() / count;
    let seen_middle = landmarks[INNER].iter().copied().sum::<Vec2>() / count;
    let mut spread = Mat3::ZERO;
    let (mut across, mut up) = (Vec3::ZERO, Vec3::ZERO);
    for (point, seen) in points[INNER].iter().zip(&landmarks[INNER]) {
        let (point, seen) = (*point - middle, *seen - seen_middle);
        spread += Mat3::from_cols(point * point.x, point * point.y, point * point.z);
        across += point * seen.x;
        up -= point * seen.y;
    }
    if !spread.determinant().is_normal() {
        return None;
    }
    // The least-squares affine map, then the nearest rotation: rows of equal length at right angles.
    let inverse = spread.inverse();
    let (across, up) = ((inverse * across).try_normalize()?, (inverse * up).try_normalize()?);
    let (sum, difference) = ((across + up).try_normalize()?, (across - up).try_normalize()?);
    let (x, y) = ((sum + difference).try_normalize()?, (sum - difference).try_normalize()?);
    let rotation = Mat3::from_cols(x, y, x.cross(y)).transpose();
    rotation.is_finite().then(|| HeadPose::from_rotation(Quat::from_mat3(&rotation)))
}

/// Refuses faces that cannot be used.
///
/// # Errors
/// [`VisionError::DegenerateLandmarks`], [`VisionError::FaceTooSmall`] below [`MIN_EYE_DISTANCE`],
/// [`VisionError::TurnedTooFar`] beyond [`MAX_YAW`].
pub fn check_usable(landmarks: &[Vec2; 68], pose: &HeadPose) -> Result<()> {
    let eye_distance = landmarks_extent(landmarks)?;
    if eye_distance < MIN_EYE_DISTANCE {
        return Err(VisionError::FaceTooSmall { eye_distance, limit: MIN_EYE_DISTANCE });
    }
    if pose.yaw.abs() > MAX_YAW {
        return Err(VisionError::TurnedTooFar { yaw: pose.yaw, limit: MAX_YAW });
    }
    Ok(())
}

/// What the outer eye corners' distance would be if the head looked straight: the larger of the distance itself and
/// what the face's height tells, since the corners close up as the head turns.
fn landmarks_extent(landmarks: &[Vec2; 68]) -> Result<f32> {
    if landmarks.iter().any(|point| !point.is_finite()) {
        return Err(VisionError::DegenerateLandmarks);
    }
    let eyes = eye_distance(landmarks);
    let height = ((landmarks[36] + landmarks[45]) * 0.5).distance((landmarks[48] + landmarks[54]) * 0.5);
    // On the mean head the corners of the mouth are 0.82 eye distances below the eyes.
    Ok(eyes.max(height / 0.82))
}

/// Warnings about the photo's face: light, sharpness, size, pose. `crop` is the aligned crop, `photo_to_crop` what made
/// it, `photo` the photo's width and height.
#[must_use]
pub fn warnings(
    crop: &RgbImage,
    photo_to_crop: &Similarity,
    landmarks: &[Vec2; 68],
    pose: &HeadPose,
    photo: (u32, u32),
) -> Vec<QualityWarning> {
    let mut found = Vec::new();
    let light = Light::of(crop, photo_to_crop, landmarks);
    if light.mean < DARK_LUMA {
        found.push(QualityWarning::TooDark { mean: light.mean });
    }
    if light.white > WHITE_PART {
        found.push(QualityWarning::Overexposed { percent: light.white * 100.0 });
    }
    if light.sharpness < MIN_SHARPNESS {
        found.push(QualityWarning::Blurred { sharpness: light.sharpness });
    }
    if pose.yaw.abs() > FAR_YAW {
        found.push(QualityWarning::TurnedFar { yaw: pose.yaw });
    }
    let eye_distance = eye_distance(landmarks);
    if eye_distance < SMALL_EYE_DISTANCE {
        found.push(QualityWarning::SmallFace { eye_distance });
    }
    let extent = Vec2::new(photo.0 as f32, photo.1 as f32);
    let inside =
        landmarks[INNER].iter().filter(|point| point.cmpge(Vec2::ZERO).all() && point.cmple(extent).all()).count();
    let inside = inside as f32 / INNER.len() as f32;
    if inside < MIN_INSIDE {
        found.push(QualityWarning::CutOff { percent: inside * 100.0 });
    }
    found
}

/// Measures of a crop's light over the rectangle of the inner landmarks.
struct Light {
    /// Mean luma, 0..255.
    mean: f32,
    /// White pixels, 0..1.
    white: f32,
    /// Mean absolute Laplacian in standard deviations of the luma.
    sharpness: f32,
}

impl Light {
    fn of(crop: &RgbImage, photo_to_crop: &Similarity, landmarks: &[Vec2; 68]) -> Self {
        let last = CROP_SIZE as f32 - 2.0;
        let inner =
            landmarks[INNER].iter().map(|point| photo_to_crop.apply(*point).clamp(Vec2::ONE, Vec2::splat(last)));
        let (low, high) =
            inner.fold((Vec2::splat(last), Vec2::ONE), |(low, high), point| (low.min(point), high.max(point)));
        let luma = |x: u32, y: u32| {
            let [r, g, b] = crop.get_pixel(x, y).0.map(f32::from);
            0.299 * r + 0.587 * g + 0.114 * b
        };
        let (mut count, mut sum, mut squares, mut detail, mut white) = (0.0f32, 0.0, 0.0, 0.0, 0.0);
        for y in low.y as u32..=high.y as u32 {
            for x in low.x as u32..=high.x as u32 {
                let value = luma(x, y);
                count += 1.0;
                sum += value;
                squares += value * value;
                detail += (4.0 * value - luma(x - 1, y) - luma(x + 1, y) - luma(x, y - 1) - luma(x, y + 1)).abs();
                white += f32::from(u8::from(crop.get_pixel(x, y).0.iter().all(|&channel| channel >= WHITE)));
            }
        }
        let mean = sum / count;
        let deviation = (squares / count - mean * mean).max(1.0).sqrt();
        Self { mean, white: white / count, sharpness: detail / count / deviation }
    }
}
