//! Whether a face's skin looks as it does in the photo.

use std::path::Path;

use glam::Vec2;
use likeness_render::{Renderer, Views};
use likeness_rig::{color::difference, crop::CROP_SIZE, crop::photo_to_crop};
use likeness_vision::{FacePredictor, Photo, PredictOptions, SeveralFaces, measure_colors, warp};
use serde::Serialize;

use crate::{error::Result, picture::Picture, portraits::PortraitLabel};

/// Pixels on a side of the pictures that are drawn.
const SIZE: u32 = 256;

/// How far skin colours of photos and of the renders of their faces are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SkinFigures {
    /// Photos compared.
    pub photos: usize,
    /// Median difference, CIEDE2000.
    pub median: f64,
    /// 90th percentile.
    pub high: f64,
}

/// Predicts each photo, draws the face from the front in the default light, and compares the skin of both, measured in the same places
/// of the aligned crop. Photos without a face are left out.
///
/// # Errors
/// The renderer fails.
pub fn evaluate_skin(
    predictor: &FacePredictor,
    renderer: &mut Renderer,
    root: &Path,
    labels: &[PortraitLabel],
) -> Result<SkinFigures> {
    let options = PredictOptions { several_faces: SeveralFaces::TakeLargest, ..PredictOptions::default() };
    let mut differences = Vec::new();
    for label in labels {
        let predicted = Photo::open(&root.join(&label.file)).and_then(|photo| {
            let prediction = predictor.predict(&photo, &options)?;
            Ok((photo, prediction))
        });
        let Ok((photo, prediction)) = predicted else { continue };
        let shot = Views::Front.shot(prediction.face);
        let points = renderer.landmarks(&shot, SIZE)?;
        let picture = image::DynamicImage::from(renderer.render_one(&shot, SIZE)?).to_rgb8();
        let pair = (skin(&photo.pixels, &prediction.landmarks), skin(&picture, &points));
        if let (Some(seen), Some(drawn)) = pair {
            differences.push(f64::from(difference(seen, drawn)));
        }
    }
    differences.sort_by(f64::total_cmp);
    let at = |share: f64| differences.get((differences.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    Ok(SkinFigures { photos: differences.len(), median: at(0.5), high: at(0.9) })
}

fn skin(picture: &Picture, landmarks: &[Vec2; 68]) -> Option<[f32; 3]> {
    let to_crop = photo_to_crop(landmarks).filter(|found| found.inverse().is_some())?;
    measure_colors(&warp(picture, &to_crop, CROP_SIZE as u32), &to_crop, landmarks).skin
}
