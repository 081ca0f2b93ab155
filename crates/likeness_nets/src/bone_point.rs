//! The bone-point network: one forward pass from a face crop to the bone parameters.

use candle_core::{D, Device, Tensor};
use candle_nn::VarBuilder;
use likeness_rig::Prior;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::linear::{Dense, Then, dense, dense_with};
use crate::trunk::ResidualTrunk;

/// Width of the hidden layer that pose and expression have to themselves.
const SIDE_HIDDEN: usize = 64;

/// First value of the expression logits' bias: the resting face is the likeliest.
const EXPRESSION_BIAS: f32 = -2.5;

/// How far the untrained network's answers scatter about the prior's mean, in the prior's standard deviations.
const FIRST_SPREAD: f32 = 0.1;

/// Sizes of a [`BonePointNet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BonePointConfig {
    /// Width and height of the square input in pixels.
    pub input: usize,
    /// Channels of the four residual modules.
    pub widths: [usize; 4],
    /// Outputs of the first two fully connected layers.
    pub hidden: [usize; 2],
    /// Bone parameters.
    pub parameters: usize,
    /// Expression coefficients.
    pub expression: usize,
    /// Pose values.
    pub pose: usize,
}

impl BonePointConfig {
    /// The default sizes for a rig with this many parameters: 128 pixels, widths 24, 48, 96, 128, layers of 256 and 192, 52
    /// expression coefficients and 3 pose angles.
    pub fn new(parameters: usize) -> Self {
        Self { input: 128, widths: [24, 48, 96, 128], hidden: [256, 192], parameters, expression: 52, pose: 3 }
    }

    /// Places of the picture that are left behind the four modules, of which each halves both sides: the inputs of the first layers
    /// behind them go through these places, each with all channels.
    pub fn places(&self) -> usize {
        self.input.div_ceil(16).pow(2)
    }
}

/// Mean and covariance factor of natural faces, from which the last layer starts.
#[derive(Debug, Clone, Copy)]
pub struct PriorStart<'a> {
    /// Mean of each parameter, 0..1.
    pub mean: &'a [f32],
    /// Row-major `[parameters, rank]`; covariance = factor times its transpose.
    pub factor: &'a [f32],
    /// Columns of the factor.
    pub rank: usize,
}

impl<'a> From<&'a Prior> for PriorStart<'a> {
    fn from(prior: &'a Prior) -> Self {
        Self { mean: &prior.mean, factor: &prior.factor, rank: prior.rank }
    }
}

/// What a [`BonePointNet`] answers.
#[derive(Debug, Clone)]
pub struct BonePointOutput {
    /// `[batch, hidden[0]]`, behind the first fully connected layer: where the domain network taps.
    pub features: Tensor,
    /// `[batch, parameters]`. Training: free linear outputs (so that a value outside 0..1 keeps its gradient); otherwise
    /// clamped to 0..1.
    pub parameters: Tensor,
    /// `[batch, expression]`, 0..1 (through a sigmoid).
    pub expression: Tensor,
    /// `[batch, pose]`: yaw, pitch and roll in units of 90 degrees.
    pub pose: Tensor,
}

/// Four residual modules and three fully connected layers; after the patent "face pinching by a bone-point network" (A2, A5).
///
/// Pose and expression come from a small head of their own on the extractor's output, so that the features behind the first
/// fully connected layer need not carry them.
#[derive(Debug, Clone)]
pub struct BonePointNet {
    pub(crate) config: BonePointConfig,
    pub(crate) trunk: ResidualTrunk,
    pub(crate) layers: [Dense; 3],
    pub(crate) side: [Dense; 2],
}

impl BonePointOutput {
    /// The same answers on another device; gradients pass through.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        Ok(Self {
            features: self.features.to_device(device)?,
            parameters: self.parameters.to_device(device)?,
            expression: self.expression.to_device(device)?,
            pose: self.pose.to_device(device)?,
        })
    }
}

impl BonePointNet {
    /// Creates (or finds) the variables `trunk.*`, `fc1.*`, `fc2.*`, `fc3.*`, `side1.*` and `side2.*` under `vb`.
    ///
    /// With a prior, a new last layer starts as `mean + factor * latents`: its columns `k` and `rank + k` hold the factor's
    /// column `k` with both signs, and the second layer's rows `k` and `rank + k` are each other's negative, so that each
    /// pair passes one signed latent through the ReLU. Untrained, the network answers close to the mean.
    ///
    /// # Errors
    /// Sizes of zero, a prior of another size, variables of another shape.
    pub fn new(config: &BonePointConfig, vb: VarBuilder<'_>, prior: Option<PriorStart<'_>>) -> Result<Self> {
        let [hidden1, hidden2] = config.hidden;
        if [hidden1, hidden2, config.parameters, config.expression + config.pose].contains(&0) {
            return Err(Error::Config {
                field: "hidden, parameters, expression, pose",
                reason: "none may be 0".into(),
            });
        }
        if let Some(prior) = prior
            && (prior.mean.len() != config.parameters || prior.factor.len() != config.parameters * prior.rank)
        {
            return Err(Error::Config {
                field: "prior",
                reason: format!(
                    "mean {} and factor {} (rank {}) do not belong to {} parameters",
                    prior.mean.len(),
                    prior.factor.len(),
                    prior.rank,
                    config.parameters
                ),
            });
        }
        let trunk = ResidualTrunk::new(config.input, config.widths, vb.pp("trunk"))?;
        let pairs = prior.map_or(0, |prior| prior.rank.min(hidden2 / 2));
        let fc1 = dense(trunk.features(), hidden1, Then::Relu, &vb.pp("fc1"))?;
        let fc2 = dense_with(hidden1, hidden2, Then::Relu, &vb.pp("fc2"), |weight, _| {
            let (positive, negative) = weight.split_at_mut(pairs * hidden1);
            for (negative, &positive) in negative.iter_mut().zip(positive.iter()) {
                *negative = -positive;
            }
        })?;
        let fc3 = dense_with(hidden2, config.parameters, Then::Nothing, &vb.pp("fc3"), |weight, bias| {
            let Some(prior) = prior else {
                weight.iter_mut().for_each(|value| *value *= FIRST_SPREAD);
                bias.fill(0.5);
                return;
            };
            for ((row, bias), (factor, &mean)) in weight
                .chunks_exact_mut(hidden2)
                .zip(bias)
                .zip(prior.factor.chunks_exact(prior.rank.max(1)).zip(prior.mean))
            {
                *bias = mean;
                let deviation = factor.iter().map(|value| value * value).sum::<f32>().sqrt();
                let (paired, free) = row.split_at_mut(2 * pairs);
                free.iter_mut().for_each(|value| *value *= FIRST_SPREAD * deviation);
                let (positive, negative) = paired.split_at_mut(pairs);
                for ((positive, negative), &factor) in positive.iter_mut().zip(negative).zip(factor) {
                    *positive = FIRST_SPREAD * factor;
                    *negative = -FIRST_SPREAD * factor;
                }
            }
        })?;
        let side1 = dense(trunk.features(), SIDE_HIDDEN, Then::Relu, &vb.pp("side1"))?;
        let outputs = config.pose + config.expression;
        let side2 = dense_with(SIDE_HIDDEN, outputs, Then::Nothing, &vb.pp("side2"), |weight, bias| {
            weight.iter_mut().for_each(|value| *value *= FIRST_SPREAD);
            bias[config.pose..].fill(EXPRESSION_BIAS);
        })?;
        Ok(Self { config: config.clone(), trunk, layers: [fc1, fc2, fc3], side: [side1, side2] })
    }

    /// The same network, made of candle's own operations on the CPU too, as it is on other devices: much slower, to compare with.
    #[must_use]
    pub fn with_candle_operations(self) -> Self {
        Self {
            trunk: self.trunk.with_candle_operations(),
            layers: self.layers.map(Dense::with_candle_operations),
            side: self.side.map(Dense::with_candle_operations),
            ..self
        }
    }

    /// The sizes.
    pub fn config(&self) -> &BonePointConfig {
        &self.config
    }

    /// Answers for `images` `[batch, 3, input, input]`, values `(rgb / 255 - 0.5) / 0.5`. `train` chooses the batch's own
    /// statistics for normalisation (and moves the running ones), and leaves the parameters unclamped.
    ///
    /// # Errors
    /// Images of another shape or dtype.
    pub fn forward(&self, images: &Tensor, train: bool) -> Result<BonePointOutput> {
        let extracted = self.trunk.forward(images, train)?;
        self.heads(&extracted, train)
    }

    pub(crate) fn heads(&self, extracted: &Tensor, train: bool) -> Result<BonePointOutput> {
        let [fc1, fc2, fc3] = &self.layers;
        let features = fc1.forward(extracted)?;
        let parameters = fc3.forward(&fc2.forward(&features)?)?;
        let parameters = if train { parameters } else { parameters.clamp(0f32, 1f32)? };
        let [side1, side2] = &self.side;
        let side = side2.forward(&side1.forward(extracted)?)?;
        let pose = side.narrow(D::Minus1, 0, self.config.pose)?;
        let expression = side.narrow(D::Minus1, self.config.pose, self.config.expression)?;
        let expression = candle_nn::ops::sigmoid(&expression)?;
        Ok(BonePointOutput { features, parameters, expression, pose })
    }
}
