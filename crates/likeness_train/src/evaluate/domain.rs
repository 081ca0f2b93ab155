//! Whether photos and renders can be told apart by the features: a fresh discriminator on the frozen network.

use candle_core::{Device, Tensor};
use candle_nn::VarMap;
use likeness_nets::{AdamW, AdamWConfig, DomainNet, SeededInit, bce_with_logits};
use serde::Serialize;

use crate::{
    dice::{Dice, Purpose},
    error::Result,
};

/// What a fresh discriminator reaches.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DomainFigures {
    /// The mean of its accuracy on photos and on renders that it was not trained on.
    pub accuracy: f64,
    /// On photos.
    pub photos: f64,
    /// On renders.
    pub renders: f64,
    /// Pictures that it was trained on and measured on.
    pub counts: [usize; 2],
}

/// The part of held-out features that a fresh discriminator is trained on.
pub const PROBE_SHARE: f64 = 0.6;

/// Steps of the discriminator's training, and pictures of each kind a step.
const STEPS: usize = 1500;
const HALF_BATCH: usize = 64;

/// Trains a discriminator on the features of the first photos and renders, and measures it on the others: photos must be grouped by
/// person, so that nobody is on both sides. `split` is the part that is trained on.
///
/// # Errors
/// Only those of the tensor library.
pub fn evaluate_domain(photos: &[Vec<f32>], renders: &[Vec<f32>], split: f64, seed: u64) -> Result<DomainFigures> {
    let width = photos.first().or(renders.first()).map_or(0, Vec::len);
    let cut = |list: &[Vec<f32>]| (list.len() as f64 * split) as usize;
    let (train_photos, test_photos) = photos.split_at(cut(photos));
    let (train_renders, test_renders) = renders.split_at(cut(renders));
    let scale = Scale::of(train_photos.iter().chain(train_renders), width);
    let device = Device::Cpu;
    let map = VarMap::new();
    let net = DomainNet::new(width, SeededInit::builder(&map, seed, &device))?;
    let mut optimizer =
        AdamW::new(&map, AdamWConfig { learning_rate: 1e-3, weight_decay: 0.05, ..AdamWConfig::default() })?;
    let labels: Vec<f32> = (0..2 * HALF_BATCH).map(|i| if i < HALF_BATCH { 0.0 } else { 1.0 }).collect();
    let labels = Tensor::from_vec(labels, 2 * HALF_BATCH, &device)?;
    if !train_photos.is_empty() && !train_renders.is_empty() {
        for step in 0..STEPS {
            let mut dice = Dice::new(seed, Purpose::Probe, step as u64);
            let mut rows = Vec::with_capacity(2 * HALF_BATCH * width);
            for list in [train_photos, train_renders] {
                for _ in 0..HALF_BATCH {
                    scale.append(&list[dice.below(list.len())], &mut rows);
                }
            }
            let rows = Tensor::from_vec(rows, (2 * HALF_BATCH, width), &device)?;
            let gradients = bce_with_logits(&net.forward(&rows)?, &labels)?.backward()?;
            optimizer.set_learning_rate(1e-3 * (1.0 - step as f64 / STEPS as f64));
            optimizer.step(&gradients)?;
        }
    }
    let right = |list: &[Vec<f32>], render: bool| -> Result<f64> {
        let mut rows = Vec::with_capacity(list.len() * width);
        list.iter().for_each(|features| scale.append(features, &mut rows));
        if list.is_empty() {
            return Ok(f64::NAN);
        }
        let logits = net.forward(&Tensor::from_vec(rows, (list.len(), width), &device)?)?.to_vec1::<f32>()?;
        Ok(logits.iter().filter(|logit| (**logit > 0.0) == render).count() as f64 / list.len() as f64)
    };
    let (photos, renders) = (right(test_photos, false)?, right(test_renders, true)?);
    Ok(DomainFigures {
        accuracy: 0.5 * (photos + renders),
        photos,
        renders,
        counts: [train_photos.len() + train_renders.len(), test_photos.len() + test_renders.len()],
    })
}

/// Brings each feature to mean zero and deviation one.
struct Scale(Vec<(f32, f32)>);

impl Scale {
    fn of<'a>(rows: impl Iterator<Item = &'a Vec<f32>>, width: usize) -> Self {
        let mut sums = vec![(0.0f64, 0.0f64); width];
        let mut count = 0.0f64;
        for row in rows {
            count += 1.0;
            for (sum, value) in sums.iter_mut().zip(row) {
                sum.0 += f64::from(*value);
                sum.1 += f64::from(*value).powi(2);
            }
        }
        Self(
            sums.into_iter()
                .map(|(sum, square)| {
                    let mean = sum / count.max(1.0);
                    let deviation = (square / count.max(1.0) - mean * mean).max(0.0).sqrt();
                    (mean as f32, if deviation > 1e-6 { (1.0 / deviation) as f32 } else { 0.0 })
                })
                .collect(),
        )
    }

    fn append(&self, row: &[f32], to: &mut Vec<f32>) {
        to.extend(row.iter().zip(&self.0).map(|(value, (mean, scale))| (value - mean) * scale));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use super::*;

    fn features(seed: u64, shift: f32) -> Vec<Vec<f32>> {
        let mut dice = Dice::new(seed, Purpose::Probe, 0);
        (0..200).map(|_| (0..8).map(|i| dice.normal(if i == 3 { shift } else { 0.0 }, 1.0)).collect()).collect()
    }

    #[test]
    fn different_features_are_told_apart_and_equal_ones_are_not() {
        let apart = evaluate_domain(&features(1, 0.0), &features(2, 6.0), 0.6, 1).unwrap();
        assert!(apart.accuracy > 0.97, "{apart:?}");
        let alike = evaluate_domain(&features(1, 0.0), &features(2, 0.0), 0.6, 1).unwrap();
        assert!((0.3..0.7).contains(&alike.accuracy), "{alike:?}");
    }
}
