//! The landmarks that a bone-point network may read beside the crop: found by the landmark network, as in prediction, and brought
//! onto the reference crop.

use std::path::Path;

use candle_core::{Device, Tensor};
use glam::Vec2;
use likeness_nets::{FoldedLandmarkNet, LANDMARK, LandmarkNet, Weights};
use likeness_rig::{
    crop::{CROP_SIZE, photo_to_crop},
    similarity::Similarity,
};
use likeness_vision::{landmark_crop, landmark_recrop};
use rayon::prelude::*;

use crate::{
    augment::{Strength, augment},
    dice::{Dice, Purpose},
    error::Result,
    landmark_data::{likely_box, second_pass_crop},
    picture::{Picture, Planes},
};

/// Finds landmarks on pictures that have labelled ones.
pub struct LandmarkReader {
    net: FoldedLandmarkNet,
}

impl LandmarkReader {
    /// Reads the landmark network's weights.
    ///
    /// # Errors
    /// A file that cannot be read, or weights of something else.
    pub fn load(path: &Path) -> Result<Self> {
        let weights = Weights::load(path)?;
        weights.expect_architecture(LANDMARK)?;
        let config = weights.config()?;
        Ok(Self { net: weights.build(|builder| LandmarkNet::new(&config, builder, None))?.fold()? })
    }

    /// The landmarks of pictures as prediction finds them, in two passes from the place where a detector would see the face; pixels of the
    /// reference crop. The labelled ones, in the picture's pixels, tell that place.
    ///
    /// # Errors
    /// Only those of the network.
    pub fn read(&self, items: &[(&Picture, [Vec2; 68])]) -> Result<Vec<[Vec2; 68]>> {
        let read = |(picture, labelled): &(&Picture, [Vec2; 68])| {
            let first = landmark_crop(&likely_box(labelled));
            let found = self.pass(&Planes::crop(picture, &first, CROP_SIZE), &first)?;
            let second = landmark_recrop(&found).unwrap_or(first);
            Ok(aligned(&self.pass(&Planes::crop(picture, &second, CROP_SIZE), &second)?, labelled))
        };
        items.par_iter().map(read).collect()
    }

    /// The same for training, in each of `crops` crops of a picture: they are a little off and degraded as the landmark network's own training
    /// degrades them, so that the errors are such as photos bring.
    ///
    /// # Errors
    /// Only those of the network.
    pub fn read_degraded(
        &self,
        items: &[(&Picture, [Vec2; 68])],
        crops: usize,
        seed: u64,
    ) -> Result<Vec<Vec<[Vec2; 68]>>> {
        let read = |(index, (picture, labelled)): (usize, &(&Picture, [Vec2; 68]))| {
            let mut dice = Dice::new(seed, Purpose::ReadLandmarks, index as u64);
            let read_one = |_| {
                let to_crop = second_pass_crop(labelled, &mut dice);
                let mut crop = Planes::crop(picture, &to_crop, CROP_SIZE);
                augment(&mut crop, Strength::TRAINING, &mut dice);
                Ok(aligned(&self.pass(&crop, &to_crop)?, labelled))
            };
            (0..crops).map(read_one).collect()
        };
        items.par_iter().enumerate().map(read).collect()
    }

    /// The landmarks in a crop, in the picture's pixels.
    fn pass(&self, crop: &Planes, to_crop: &Similarity) -> Result<[Vec2; 68]> {
        let mut pixels = Vec::with_capacity(3 * CROP_SIZE * CROP_SIZE);
        crop.append_normalised(&mut pixels);
        let images = Tensor::from_vec(pixels, (1, 3, CROP_SIZE, CROP_SIZE), &Device::Cpu)?;
        let back = to_crop.inverse().unwrap_or(Similarity::IDENTITY);
        let found = self.net.forward(&images)?;
        Ok(found[0].map(|point| back.apply(Vec2::from(point) * CROP_SIZE as f32)))
    }
}

/// Landmarks brought onto the reference crop by themselves, or the labelled ones where no such place is found.
fn aligned(found: &[Vec2; 68], labelled: &[Vec2; 68]) -> [Vec2; 68] {
    let aligned = |points: &[Vec2; 68]| photo_to_crop(points).map(|to_crop| points.map(|point| to_crop.apply(point)));
    aligned(found).or_else(|| aligned(labelled)).unwrap_or(*labelled)
}
