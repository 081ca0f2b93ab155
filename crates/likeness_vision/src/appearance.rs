//! Hair, brows, beard, glasses, colours, age and make-up from a photo.

use glam::Vec2;
use likeness_nets::{
    APPEARANCE, AppearanceConfig, AppearanceNet, FoldedAppearanceNet, OptionHead, Weights, WeightsMeta, crop_tensor,
    decoded, softmax,
};
use likeness_rig::crop::{CROP_SIZE, photo_to_portrait};
use likeness_rig::{AppearanceOption, Rig, looks};
use serde::Serialize;

use crate::error::{Result, VisionError};
use crate::photo::Photo;
use crate::warp::warp;

/// What an option of the rig looks like on a photo.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptionAnswer {
    /// The option's name.
    pub option: String,
    /// The choice: the likeliest of the likeliest family, or the plainest of that where none is clear, see
    /// [`looks::settle`].
    pub choice: String,
    /// 0..1: the probability of that choice.
    pub confidence: f32,
}

/// What the appearance network reads in a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Appearance {
    /// One answer for each option of the rig, in its order.
    pub options: Vec<OptionAnswer>,
    /// One colour for each natural slot of the rig, in its order, linear RGB as in even white light.
    pub colors: Vec<[f32; 3]>,
    /// One value for each detail of the rig, in its order, 0..1; empty where the network tells none.
    pub details: Vec<f32>,
}

/// The appearance network of a rig.
#[derive(Debug)]
pub struct AppearanceReader {
    net: FoldedAppearanceNet,
    meta: WeightsMeta,
    options: Vec<AppearanceOption>,
}

impl AppearanceReader {
    /// Reads the bytes of a weight file; `source` names it in errors.
    ///
    /// # Errors
    /// A damaged file, another architecture, another rig, other options, colours or details than the rig's.
    pub fn from_bytes(bytes: &[u8], source: &str, rig: &Rig) -> Result<Self> {
        let weights = Weights::from_bytes(bytes, source)?;
        weights.expect_architecture(APPEARANCE)?;
        weights.expect_rig(rig)?;
        let config: AppearanceConfig = weights.config()?;
        let fail = |field: &str, problem: String| {
            Err(VisionError::Model { file: source.to_owned(), field: format!("config.{field}"), problem })
        };
        if config.input != CROP_SIZE {
            return fail("input", format!("is {}, needed is {CROP_SIZE}", config.input));
        }
        let expected = AppearanceConfig::new(rig);
        let same = |(a, b): (&OptionHead, &OptionHead)| a == b;
        if config.options.len() != expected.options.len() || !config.options.iter().zip(&expected.options).all(same) {
            return fail("options", "are not those of the rig: train the appearance network for it".into());
        }
        if config.colors != expected.colors {
            return fail("colors", "are not those of the rig: train the appearance network for it".into());
        }
        // A network may leave details out: then they stay at the rig's defaults.
        if !config.details.is_empty() && config.details != expected.details {
            return fail("details", "are not those of the rig: train the appearance network for it".into());
        }
        let net = weights.build(|vb| AppearanceNet::new(&config, vb))?.fold()?;
        Ok(Self { net, meta: weights.meta().clone(), options: rig.options.clone() })
    }

    /// What the network's file says about it.
    #[must_use]
    pub fn meta(&self) -> &WeightsMeta {
        &self.meta
    }

    /// The appearance of the face with these landmarks, pixels of the upright photo: the mean of the answers for the crop and its mirror
    /// image.
    ///
    /// # Errors
    /// [`VisionError::DegenerateLandmarks`].
    pub fn read(&self, photo: &Photo, landmarks: &[Vec2; 68]) -> Result<Appearance> {
        let to_crop = photo_to_portrait(landmarks)
            .filter(|found| found.inverse().is_some())
            .ok_or(VisionError::DegenerateLandmarks)?;
        let crop = warp(&photo.pixels, &to_crop, CROP_SIZE as u32);
        let output = self.net.forward_mirrored(&crop_tensor(&[crop.as_raw()], CROP_SIZE)?)?;
        let logits: Vec<f32> = output.logits.flatten_all()?.to_vec1()?;
        let colors: Vec<f32> = output.colors.flatten_all()?.to_vec1()?;
        let details = output.details.map_or(Ok(Vec::new()), |details| details.flatten_all()?.to_vec1())?;
        let options = self.options.iter().zip(self.net.config().groups()).map(|(option, (start, count))| {
            let chances = softmax(&logits[start..start + count]);
            let place = looks::settle(option, &chances);
            OptionAnswer {
                option: option.name.clone(),
                choice: option.choices[place].clone(),
                confidence: chances[place],
            }
        });
        Ok(Appearance {
            options: options.collect(),
            colors: colors.as_chunks::<3>().0.iter().map(|color| color.map(decoded)).collect(),
            details,
        })
    }
}
