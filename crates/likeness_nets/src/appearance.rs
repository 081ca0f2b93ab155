//! The appearance network: hair, brows, beard, glasses, colours, age and make-up from one portrait crop.

use candle_core::{D, Device, Tensor};
use candle_nn::VarBuilder;
use likeness_rig::Rig;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::linear::{Dense, Then, dense, dense_with};
use crate::trunk::ResidualTrunk;

/// How far the untrained network's answers scatter.
const FIRST_SPREAD: f32 = 0.1;

/// An appearance option of the rig that the network answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionHead {
    /// The option's name.
    pub name: String,
    /// Its choices in the order of the outputs.
    pub choices: Vec<String>,
}

/// Sizes of an [`AppearanceNet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppearanceConfig {
    /// Width and height of the square input in pixels.
    pub input: usize,
    /// Channels of the four residual modules.
    pub widths: [usize; 4],
    /// Outputs of the fully connected layer in front of the heads.
    pub hidden: usize,
    /// The options, each a softmax group (B4 of the patent on appearance parameters).
    pub options: Vec<OptionHead>,
    /// The natural colours by the rig's slots: those that are put on are no part of the answer.
    pub colors: Vec<String>,
    /// The rig's details, such as age and make-up; empty for a rig without any.
    #[serde(default)]
    pub details: Vec<String>,
}

impl AppearanceConfig {
    /// The default sizes for the options, colours and details of a rig: 128 pixels, widths 16, 32, 64, 96, a layer of 160.
    pub fn new(rig: &Rig) -> Self {
        let head = |option: &likeness_rig::AppearanceOption| OptionHead {
            name: option.name.clone(),
            choices: option.choices.clone(),
        };
        Self {
            input: 128,
            widths: [16, 32, 64, 96],
            hidden: 160,
            options: rig.options.iter().map(head).collect(),
            colors: rig.natural_colors().map(|slot| slot.name.clone()).collect(),
            details: rig.details.iter().map(|detail| detail.name.clone()).collect(),
        }
    }

    /// Choices of all options together.
    pub fn choices(&self) -> usize {
        self.options.iter().map(|option| option.choices.len()).sum()
    }

    /// Where each option's choices begin among the logits, and how many they are.
    pub fn groups(&self) -> Vec<(usize, usize)> {
        let mut start = 0;
        self.options
            .iter()
            .map(|option| {
                start += option.choices.len();
                (start - option.choices.len(), option.choices.len())
            })
            .collect()
    }
}

/// What an [`AppearanceNet`] answers.
#[derive(Debug, Clone)]
pub struct AppearanceOutput {
    /// `[batch, hidden]`: where a domain network taps.
    pub features: Tensor,
    /// `[batch, choices]`: logits, a softmax over each of [`AppearanceConfig::groups`].
    pub logits: Tensor,
    /// `[batch, 3 * colours]`, 0..1: [`encoded`] RGB.
    pub colors: Tensor,
    /// `[batch, details]`, 0..1; none for a rig without details.
    pub details: Option<Tensor>,
}

impl AppearanceOutput {
    /// The same answers on another device; gradients pass through.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        Ok(Self {
            features: self.features.to_device(device)?,
            logits: self.logits.to_device(device)?,
            colors: self.colors.to_device(device)?,
            details: self.details.as_ref().map(|details| details.to_device(device)).transpose()?,
        })
    }
}

/// A linear value 0..1 as the network answers it: near the steps that eyes see, so that dark hair counts as much as light.
#[must_use]
pub fn encoded(linear: f32) -> f32 {
    linear.clamp(0.0, 1.0).powf(1.0 / 2.2)
}

/// The linear value of an [`encoded`] one.
#[must_use]
pub fn decoded(encoded: f32) -> f32 {
    encoded.clamp(0.0, 1.0).powf(2.2)
}

/// A residual trunk, one fully connected layer, and heads of softmax groups, of colours and of details.
#[derive(Debug, Clone)]
pub struct AppearanceNet {
    pub(crate) config: AppearanceConfig,
    pub(crate) trunk: ResidualTrunk,
    pub(crate) hidden: Dense,
    pub(crate) heads: [Dense; 2],
    pub(crate) details: Option<Dense>,
}

impl AppearanceNet {
    /// Creates (or finds) the variables `trunk.*`, `fc1.*`, `options.*`, `colors.*` and, where there are any, `details.*` under `vb`.
    ///
    /// # Errors
    /// No options or no colours, sizes of zero, variables of another shape.
    pub fn new(config: &AppearanceConfig, vb: VarBuilder<'_>) -> Result<Self> {
        if config.hidden == 0 || config.choices() == 0 || config.colors.is_empty() {
            return Err(Error::Config { field: "hidden, options, colors", reason: "none may be empty".into() });
        }
        let trunk = ResidualTrunk::new(config.input, config.widths, vb.pp("trunk"))?;
        let hidden = dense(trunk.features(), config.hidden, Then::Relu, &vb.pp("fc1"))?;
        let head = |width: usize, name: &str| {
            dense_with(config.hidden, width, Then::Nothing, &vb.pp(name), |weight, bias| {
                weight.iter_mut().for_each(|value| *value *= FIRST_SPREAD);
                bias.fill(0.0);
            })
        };
        let heads = [head(config.choices(), "options")?, head(3 * config.colors.len(), "colors")?];
        let details = match config.details.len() {
            0 => None,
            count => Some(head(count, "details")?),
        };
        Ok(Self { config: config.clone(), trunk, hidden, heads, details })
    }

    /// The sizes.
    pub fn config(&self) -> &AppearanceConfig {
        &self.config
    }

    /// Answers for `images` `[batch, 3, input, input]`, values `(rgb / 255 - 0.5) / 0.5`. `train` chooses the batch's own
    /// statistics for normalisation (and moves the running ones).
    ///
    /// # Errors
    /// Images of another shape or dtype.
    pub fn forward(&self, images: &Tensor, train: bool) -> Result<AppearanceOutput> {
        let features = self.hidden.forward(&self.trunk.forward(images, train)?)?;
        let [options, colors] = &self.heads;
        Ok(AppearanceOutput {
            logits: options.forward(&features)?,
            colors: candle_nn::ops::sigmoid(&colors.forward(&features)?)?,
            details: match &self.details {
                Some(details) => Some(candle_nn::ops::sigmoid(&details.forward(&features)?)?),
                None => None,
            },
            features,
        })
    }
}

/// Mean cross-entropy of one softmax group: `logits` `[batch, choices]`, `targets` `[batch, choices]` whose rows add up to one.
///
/// # Errors
/// Different shapes.
pub fn cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let highest = logits.max_keepdim(D::Minus1)?.detach();
    let shifted = logits.broadcast_sub(&highest)?;
    let sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let loss = (shifted.broadcast_sub(&sum)? * targets)?.sum(D::Minus1)?.neg()?;
    Ok(loss.mean_all()?)
}

/// Keeps a picture whose candidates the network takes for impossible from ruling the step: somebody may have looked wrongly.
const DOUBT: f64 = 1e-3;

/// The loss of pictures of which only some candidates are known among which the choice is (partial labels): minus the logarithm of
/// the probability that all candidates have together, mean over the pictures. `logits` `[batch, choices]`, `candidates` of the same
/// shape, 1 for each candidate and 0 for the others; a row of ones teaches nothing.
///
/// # Errors
/// Different shapes.
pub fn partial_label_loss(logits: &Tensor, candidates: &Tensor) -> Result<Tensor> {
    let highest = logits.max_keepdim(D::Minus1)?.detach();
    let raised = logits.broadcast_sub(&highest)?.exp()?;
    let chance = ((&raised * candidates)?.sum(D::Minus1)? / raised.sum(D::Minus1)?)?;
    Ok(chance.affine(1.0 - DOUBT, DOUBT)?.log()?.neg()?.mean_all()?)
}

/// The softmax of one group's logits.
#[must_use]
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let raised: Vec<f32> = logits.iter().map(|logit| (logit - highest).exp()).collect();
    let sum: f32 = raised.iter().sum();
    raised.into_iter().map(|value| value / sum).collect()
}
