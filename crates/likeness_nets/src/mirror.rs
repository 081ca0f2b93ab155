//! Answers for a crop and its mirror image together: two looks at one face are better than one.

use candle_core::Tensor;
use likeness_rig::mirrored_arkit;

use crate::appearance::{AppearanceNet, AppearanceOutput};
use crate::bone_point::{BonePointNet, BonePointOutput};
use crate::error::Result;
use crate::folded::{FoldedAppearanceNet, FoldedBonePointNet};

/// Yaw and roll change their signs in a mirror.
const POSE_SIGNS: [f32; 3] = [-1.0, 1.0, -1.0];

/// Images `[n, 3, h, w]` and behind them their mirror images: `[2 n, 3, h, w]`.
fn with_mirror(images: &Tensor) -> Result<Tensor> {
    let width = images.dim(3)? as u32;
    let backwards = Tensor::from_iter((0..width).rev(), images.device())?;
    Ok(Tensor::cat(&[images, &images.contiguous()?.index_select(&backwards, 3)?], 0)?)
}

/// The answers for images and those for their mirror images behind them.
fn halves(answers: &Tensor) -> Result<(Tensor, Tensor)> {
    let n = answers.dim(0)? / 2;
    Ok((answers.narrow(0, 0, n)?, answers.narrow(0, n, n)?))
}

fn mean((a, b): (Tensor, Tensor)) -> Result<Tensor> {
    Ok(((a + b)? * 0.5)?)
}

/// The mean of what is the same in a mirror: all of a person's looks.
fn merged_looks(output: &AppearanceOutput) -> Result<AppearanceOutput> {
    let both = |answers: &Tensor| mean(halves(answers)?);
    Ok(AppearanceOutput {
        features: halves(&output.features)?.0,
        logits: both(&output.logits)?,
        colors: both(&output.colors)?,
        details: output.details.as_ref().map(both).transpose()?,
    })
}

/// The mean of the answers for images and, behind them, their mirror images; the features are the images' own. `signs` says what a
/// mirror does to the parameters.
fn merged(output: &BonePointOutput, signs: &[f32]) -> Result<BonePointOutput> {
    let n = output.parameters.dim(0)? / 2;
    let (expression, mirrored) = halves(&output.expression)?;
    let swapped = Tensor::from_iter(mirrored_arkit().map(|i| i as u32), expression.device())?;
    let (pose, turned) = halves(&output.pose)?;
    let pose_signs = Tensor::new(&POSE_SIGNS, pose.device())?;
    let (parameters, reflected) = halves(&output.parameters)?;
    let signs = Tensor::new(signs, parameters.device())?;
    let reflected = ((reflected - 0.5)?.broadcast_mul(&signs)? + 0.5)?;
    Ok(BonePointOutput {
        features: output.features.narrow(0, 0, n)?,
        parameters: mean((parameters, reflected))?,
        expression: mean((expression, mirrored.contiguous()?.index_select(&swapped, 1)?))?,
        pose: mean((pose, turned.broadcast_mul(&pose_signs)?))?,
    })
}

impl BonePointNet {
    /// The mean of the answers for images and their mirror images, for networks of the 52 ARKit coefficients. `signs` says what a
    /// mirror does to each parameter ([`likeness_rig::Rig::mirror_signs`]).
    ///
    /// # Errors
    /// Images of another shape or dtype than [`Self::forward`] takes; another number of signs than of parameters.
    pub fn forward_mirrored(&self, images: &Tensor, signs: &[f32]) -> Result<BonePointOutput> {
        merged(&self.forward(&with_mirror(images)?, false)?, signs)
    }
}

impl FoldedBonePointNet {
    /// What [`BonePointNet::forward_mirrored`] answers, up to rounding.
    ///
    /// # Errors
    /// As [`BonePointNet::forward_mirrored`].
    pub fn forward_mirrored(&self, images: &Tensor, signs: &[f32]) -> Result<BonePointOutput> {
        merged(&self.forward(&with_mirror(images)?)?, signs)
    }
}

impl AppearanceNet {
    /// The mean of the answers for images and their mirror images, without training; the features are the images' own.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_mirrored(&self, images: &Tensor) -> Result<AppearanceOutput> {
        merged_looks(&self.forward(&with_mirror(images)?, false)?)
    }
}

impl FoldedAppearanceNet {
    /// What [`AppearanceNet::forward_mirrored`] answers, up to rounding.
    ///
    /// # Errors
    /// As [`AppearanceNet::forward_mirrored`].
    pub fn forward_mirrored(&self, images: &Tensor) -> Result<AppearanceOutput> {
        merged_looks(&self.forward(&with_mirror(images)?)?)
    }
}
