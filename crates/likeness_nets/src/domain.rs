//! The domain network and the gradient reversal in front of it.

use candle_core::{D, Tensor};
use candle_nn::VarBuilder;

use crate::error::Result;
use crate::linear::{Dense, Then, dense};

/// Widths of the hidden layers.
const HIDDEN: [usize; 2] = [128, 64];

/// Tells photos (label 0) from renders (label 1) by the bone-point network's features; layers of 128, 64 and 1.
///
/// After the patent "face pinching by a bone-point network" (A5, A6) and Y. Ganin, V. Lempitsky, "Unsupervised Domain
/// Adaptation by Backpropagation", ICML 2015.
#[derive(Debug, Clone)]
pub struct DomainNet {
    layers: [Dense; 3],
}

impl DomainNet {
    /// Creates (or finds) the variables `fc1.*`, `fc2.*` and `fc3.*` under `vb` for `features` inputs.
    ///
    /// # Errors
    /// Variables of another shape.
    pub fn new(features: usize, vb: VarBuilder<'_>) -> Result<Self> {
        let fc1 = dense(features, HIDDEN[0], Then::Relu, &vb.pp("fc1"))?;
        let fc2 = dense(HIDDEN[0], HIDDEN[1], Then::Relu, &vb.pp("fc2"))?;
        let fc3 = dense(HIDDEN[1], 1, Then::Nothing, &vb.pp("fc3"))?;
        Ok(Self { layers: [fc1, fc2, fc3] })
    }

    /// The same network, made of candle's own operations on the CPU too, as it is on other devices: slower, to compare with.
    #[must_use]
    pub fn with_candle_operations(self) -> Self {
        Self { layers: self.layers.map(Dense::with_candle_operations) }
    }

    /// Logits `[batch]` of being a render, for features `[batch, features]`.
    ///
    /// # Errors
    /// Features of another shape.
    pub fn forward(&self, features: &Tensor) -> Result<Tensor> {
        let mut values = features.clone();
        for layer in &self.layers {
            values = layer.forward(&values)?;
        }
        Ok(values.squeeze(D::Minus1)?)
    }
}

/// The same values, with a gradient of `-lambda` times the incoming one.
///
/// # Errors
/// Only those of the tensor library.
pub fn reverse_gradient(values: &Tensor, lambda: f64) -> Result<Tensor> {
    let passed = values.affine(-lambda, 0.0)?;
    Ok((passed + values.affine(1.0 + lambda, 0.0)?.detach())?)
}
