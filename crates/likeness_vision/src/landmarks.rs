//! The 68 iBUG landmarks of a face.

use crate::align::{landmark_crop, landmark_recrop};
use crate::detect::FaceBox;
use crate::error::{Result, VisionError};
use crate::photo::Photo;
use crate::warp::warp;
use glam::Vec2;
use likeness_nets::{FoldedLandmarkNet, LANDMARK, LandmarkConfig, LandmarkNet, Weights, WeightsMeta, crop_tensor};
use likeness_rig::similarity::Similarity;

/// Finds the landmarks of a face with the landmark network, in two passes: in a square about the detector's box, then
/// in a square in which the face found by the first stands upright and in the middle.
#[derive(Debug)]
pub struct Landmarker {
    net: FoldedLandmarkNet,
    meta: WeightsMeta,
}

impl Landmarker {
    /// Reads the network's weights from the bytes of a safetensors file; `source` names the file in errors.
    ///
    /// # Errors
    /// [`VisionError::Network`]: damaged weights, or weights of another network.
    pub fn from_bytes(weights: &[u8], source: &str) -> Result<Self> {
        let weights = Weights::from_bytes(weights, source)?;
        weights.expect_architecture(LANDMARK)?;
        let config: LandmarkConfig = weights.config()?;
        let net = weights.build(|vb| LandmarkNet::new(&config, vb, None))?;
        Ok(Self { net: net.fold()?, meta: weights.meta().clone() })
    }

    /// What is written about the network in its file.
    #[must_use]
    pub fn meta(&self) -> &WeightsMeta {
        &self.meta
    }

    /// The landmarks of the face in a detector's box, pixels of the photo (continuous: the first pixel covers 0..1).
    ///
    /// # Errors
    /// [`VisionError::DegenerateLandmarks`] when the first pass finds no shape of a face, [`VisionError::Network`].
    pub fn landmarks(&self, photo: &Photo, face: &FaceBox) -> Result<[Vec2; 68]> {
        let first = self.pass(photo, &landmark_crop(face))?;
        self.pass(photo, &landmark_recrop(&first)?)
    }

    fn pass(&self, photo: &Photo, photo_to_crop: &Similarity) -> Result<[Vec2; 68]> {
        let size = self.net.config().input;
        let back = photo_to_crop.inverse().ok_or(VisionError::DegenerateLandmarks)?;
        let crop = warp(&photo.pixels, photo_to_crop, size as u32);
        let points = self.net.forward(&crop_tensor(&[crop.as_raw()], size)?)?;
        let points = points.first().ok_or(VisionError::DegenerateLandmarks)?;
        Ok(points.map(|point| back.apply(Vec2::from(point) * size as f32)))
    }
}
