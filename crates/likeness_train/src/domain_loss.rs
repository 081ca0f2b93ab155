//! The first loss (A6): telling photos from renders by a network's features, with the gradient reversed on its way back.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use likeness_nets::{AdamW, DomainNet, backward, bce_with_logits, reverse_gradient};

use crate::{
    dice::{Dice, Purpose},
    error::Result,
};

/// Variance below which a feature counts as constant.
const LEAST_VARIANCE: f64 = 1e-6;

/// The loss of a batch of features.
pub struct DomainLoss {
    /// Binary cross-entropy of telling them apart.
    pub told: Tensor,
    /// The domain network's mean squared logit. Added to the loss, it keeps that network from being certain: where it is, the
    /// first part has no gradient left to reverse. The features do not see this part.
    pub certainty: Tensor,
}

impl DomainLoss {
    /// The loss of features `[renders + photos, F]`, renders first. `reversal` is the strength of the gradient reversal; none leaves
    /// the extractor untouched.
    ///
    /// # Errors
    /// Tensors of other shapes.
    pub fn new(
        features: &Tensor,
        domain: &DomainNet,
        renders: usize,
        photos: usize,
        reversal: Option<f64>,
    ) -> Result<Self> {
        let seen = standardised(features)?;
        let passed = match reversal {
            Some(strength) => reverse_gradient(&seen, strength)?,
            None => seen.detach(),
        };
        let labels: Vec<f32> = (0..renders + photos).map(|i| if i < renders { 1.0 } else { 0.0 }).collect();
        let labels = Tensor::from_vec(labels, renders + photos, &Device::Cpu)?;
        Ok(Self {
            told: bce_with_logits(&domain.forward(&passed)?, &labels)?,
            certainty: domain.forward(&seen.detach())?.sqr()?.mean_all()?,
        })
    }
}

/// Features of each domain that are remembered.
const REMEMBERED: usize = 1024;
/// Features of each domain in one further step of the domain network.
const HALF_BATCH: usize = 64;
/// Remembered features from which on it is trained further.
const ENOUGH: usize = 16;
/// The names of the remembered features in a checkpoint.
const NAMES: [&str; 2] = ["renders", "photos"];

/// The latest features of renders and photos, on which the domain network is trained further between the steps of the whole: alone with
/// the few pictures of a batch it lags behind the extractor and tells it little.
pub struct DomainMemory {
    width: usize,
    /// Features one after another, oldest first.
    features: [Vec<f32>; 2],
    seed: u64,
}

impl DomainMemory {
    /// An empty memory of features of this width.
    pub fn new(width: usize, seed: u64) -> Self {
        Self { width, features: [Vec::new(), Vec::new()], seed }
    }

    /// Remembers features `[renders + photos, F]`, renders first.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn remember(&mut self, features: &Tensor, renders: usize) -> Result<()> {
        let values = features.flatten_all()?.to_vec1::<f32>()?;
        let (of_renders, of_photos) = values.split_at(renders * self.width);
        for (memory, new) in self.features.iter_mut().zip([of_renders, of_photos]) {
            memory.extend_from_slice(new);
            let excess = memory.len().saturating_sub(REMEMBERED * self.width);
            memory.drain(..excess);
        }
        Ok(())
    }

    /// Trains the domain network by `count` steps on what is remembered; `step` is the number of the whole's step.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn train(
        &self,
        domain: &DomainNet,
        optimizer: &mut AdamW,
        certainty: f64,
        step: u64,
        count: usize,
    ) -> Result<()> {
        let mut dice = Dice::new(self.seed, Purpose::DomainMemory, step);
        if self.features.iter().any(|features| features.len() < ENOUGH * self.width) {
            return Ok(());
        }
        for _ in 0..count {
            let mut rows = Vec::with_capacity(2 * HALF_BATCH * self.width);
            for features in &self.features {
                let known = features.len() / self.width;
                for _ in 0..HALF_BATCH {
                    rows.extend_from_slice(&features[dice.below(known) * self.width..][..self.width]);
                }
            }
            let features = Tensor::from_vec(rows, (2 * HALF_BATCH, self.width), &Device::Cpu)?;
            let loss = DomainLoss::new(&features, domain, HALF_BATCH, HALF_BATCH, None)?;
            optimizer.step(&backward(&(loss.told + (loss.certainty * certainty)?)?)?)?;
        }
        Ok(())
    }

    /// What a checkpoint needs to go on exactly.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let named = NAMES.iter().zip(&self.features).filter(|(_, features)| !features.is_empty());
        named
            .map(|(name, features)| {
                let shape = (features.len() / self.width, self.width);
                Ok(((*name).to_owned(), Tensor::from_slice(features, shape, &Device::Cpu)?))
            })
            .collect()
    }

    /// Takes back what [`Self::state`] answered.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        for (name, features) in NAMES.iter().zip(&mut self.features) {
            *features = match state.get(*name) {
                Some(tensor) => tensor.flatten_all()?.to_vec1()?,
                None => Vec::new(),
            };
        }
        Ok(())
    }
}

/// Each feature `[n, F]` brought to mean zero and deviation one over the batch, with gradients. The domain network sees features
/// so: none can hide by being small, and making all of them small, which would hide everything and is useless, gains nothing.
fn standardised(features: &Tensor) -> Result<Tensor> {
    let centred = features.broadcast_sub(&features.mean_keepdim(0)?)?;
    let variance = centred.sqr()?.mean_keepdim(0)?;
    Ok(centred.broadcast_div(&(variance + LEAST_VARIANCE)?.sqrt()?)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use candle_core::Var;

    use super::*;

    #[test]
    fn a_remembering_domain_network_learns_between_steps_and_forgets_the_oldest() {
        let map = candle_nn::VarMap::new();
        let domain = DomainNet::new(3, likeness_nets::SeededInit::builder(&map, 1, &Device::Cpu).pp("domain")).unwrap();
        let config = likeness_nets::AdamWConfig { learning_rate: 3e-3, ..likeness_nets::AdamWConfig::default() };
        let mut optimizer = AdamW::new(&map, config).unwrap();
        let mut memory = DomainMemory::new(3, 1);
        let mut dice = Dice::new(1, Purpose::Probe, 0);
        let mut batch = |shift: f32| {
            let rows: Vec<f32> = (0..32)
                .flat_map(|i| [if i < 16 { shift } else { 0.0 }, 0.0, 0.0].map(|at| dice.normal(at, 0.5)))
                .collect();
            Tensor::from_vec(rows, (32, 3), &Device::Cpu).unwrap()
        };
        // What is forgotten said the opposite.
        for _ in 0..10 {
            memory.remember(&batch(-2.0), 16).unwrap();
        }
        for _ in 0..REMEMBERED / 16 {
            memory.remember(&batch(2.0), 16).unwrap();
        }
        let loss = |domain: &DomainNet, features: &Tensor| -> f32 {
            DomainLoss::new(features, domain, 16, 16, None).unwrap().told.to_scalar().unwrap()
        };
        let fresh = batch(2.0);
        let before = loss(&domain, &fresh);
        memory.train(&domain, &mut optimizer, 0.01, 1, 60).unwrap();
        assert!(loss(&domain, &fresh) < 0.6 * before, "{before} to {}", loss(&domain, &fresh));
        let mut other = DomainMemory::new(3, 1);
        other.restore(&memory.state().unwrap()).unwrap();
        assert_eq!(other.features, memory.features);
        assert_eq!(memory.features[0].len(), 3 * REMEMBERED);
    }

    #[test]
    fn standardised_features_ignore_scale_and_shift_and_constants_stay_finite() {
        let rows = [[1.0f32, 5.0, 0.5], [3.0, 5.0, -1.5], [-2.0, 5.0, 4.0], [0.0, 5.0, 2.0]];
        let features = Var::new(&rows, &Device::Cpu).unwrap();
        let moved =
            Tensor::new(&rows.map(|row| [row[0] * 40.0 + 7.0, row[1], row[2] * 0.1 - 3.0]), &Device::Cpu).unwrap();
        let seen = standardised(features.as_tensor()).unwrap();
        let seen_moved = standardised(&moved).unwrap().to_vec2::<f32>().unwrap();
        for (row, moved) in seen.to_vec2::<f32>().unwrap().iter().zip(&seen_moved) {
            assert!(row.iter().zip(moved).all(|(a, b)| (a - b).abs() < 1e-3), "{row:?} {moved:?}");
            assert_eq!(row[1], 0.0, "a constant feature tells nothing");
        }
        // Growing a feature changes nothing, so the gradient along the feature itself is zero.
        let weights =
            Tensor::new(&[[1.0f32, 1.0, -2.0], [0.5, 1.0, 1.0], [3.0, 1.0, 0.0], [-1.0, 1.0, 1.0]], &Device::Cpu);
        let gradients = (seen * weights.unwrap()).unwrap().sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(features.as_tensor()).unwrap().to_vec2::<f32>().unwrap();
        for column in [0, 2] {
            let along: f32 = rows.iter().zip(&gradient).map(|(row, gradient)| row[column] * gradient[column]).sum();
            let size: f32 = gradient.iter().map(|gradient| gradient[column].abs()).sum();
            assert!(size > 0.05 && along.abs() < 1e-3, "{gradient:?}");
        }
        assert!(gradient.iter().flatten().all(|value| value.is_finite()));
    }
}
