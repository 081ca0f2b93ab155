//! `likeness-train calibrate`.

use std::path::PathBuf;

use clap::Args;
use likeness_nets::{Precision, Weights, save_weights};
use likeness_train::{Result, bone_measure::photo_answers, head::Head};

use super::eval::{bone_point_net, training_photos};

/// Measure how a network answers the photos of training, and write it into its weights
#[derive(Args)]
pub(crate) struct Calibrate {
    /// The photos' label file; those that training leaves out stay out
    #[arg(long, value_name = "JSONL")]
    portraits: PathBuf,
    /// The bone-point network's weights
    #[arg(long, value_name = "FILE", default_value = "assets/models/bone_point.safetensors")]
    weights: PathBuf,
    /// The rig
    #[arg(long, value_name = "RON", default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
    /// How far the groups of the photos (source, sex, age) are brought to equal shares, 0..1
    #[arg(long, default_value_t = 0.5)]
    balance: f32,
}

impl Calibrate {
    pub(crate) fn run(self) -> Result<()> {
        let head = Head::load(&self.rig)?;
        let net = bone_point_net(&self.weights, &head)?;
        let (photos, balance) = training_photos(&self.portraits, self.balance)?;
        let weights = Weights::load(&self.weights)?;
        let mut meta = weights.meta().clone();
        meta.photo_answers = Some(photo_answers(&net, &head, &photos, &balance)?);
        Ok(save_weights(&self.weights, weights.tensors(), &meta, Precision::F16)?)
    }
}
