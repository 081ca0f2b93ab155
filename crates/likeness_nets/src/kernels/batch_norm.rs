//! The batch normalisation layer.

use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, Var, bail};
use candle_nn::{Init, VarBuilder};
use pulp::Arch;
use rayon::prelude::*;

use super::norm::{Norm, gradient_moments, moments, tiled};
use crate::error::Result;
use crate::trunk::{blend_statistics, contiguous, read_statistics, with_values};

/// Batch normalisation with an optional ReLU, channels last.
#[derive(Debug, Clone)]
pub struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running: [Var; 2],
    relu: bool,
}

impl BatchNorm {
    /// Creates (or finds) the variables `weight`, `bias`, `running_mean` and `running_variance`, each `[channels]`, under
    /// `vb`. With `relu` the layer applies a ReLU too.
    ///
    /// # Errors
    /// A variable of another shape.
    pub fn new(channels: usize, relu: bool, vb: VarBuilder<'_>) -> Result<Self> {
        let get = |name: &str, value: f64| vb.get_with_hints(channels, name, Init::Const(value));
        let running =
            [Var::from_tensor(&get("running_mean", 0.0)?)?, Var::from_tensor(&get("running_variance", 1.0)?)?];
        Ok(Self { weight: get("weight", 1.0)?, bias: get("bias", 0.0)?, running, relu })
    }

    /// Normalises `[batch, height, width, channels]`. With `train`, by the batch's own statistics, moving the running ones by
    /// [`crate::MOMENTUM`]; without, by the running ones. Gradients work in both modes.
    ///
    /// # Errors
    /// Another shape or dtype.
    pub fn forward(&self, input: &Tensor, train: bool) -> Result<Tensor> {
        let norm = Arc::new(Mutex::new(None));
        let fixed = if train {
            None
        } else {
            let statistics = read_statistics(&self.running)?;
            Some(Norm::new(statistics.mean, statistics.variance))
        };
        let op = BatchNormOp { fixed, norm: norm.clone(), relu: self.relu };
        let output = input.contiguous()?.apply_op3(&self.weight, &self.bias, op)?;
        if let (true, Some(norm)) = (train, &*norm.lock().unwrap_or_else(|error| error.into_inner())) {
            let count = input.elem_count() / norm.mean.len();
            blend_statistics(&self.running, &norm.mean, &norm.variance, count)?;
        }
        Ok(output)
    }
}

struct BatchNormOp {
    fixed: Option<Norm>,
    /// What the forward pass normalised by.
    norm: Arc<Mutex<Option<Norm>>>,
    relu: bool,
}

impl CustomOp3 for BatchNormOp {
    fn name(&self) -> &'static str {
        "batch-norm-channels-last"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let arch = Arch::new();
        let (batch, height, width, channels) = input_layout.shape().dims4()?;
        let gamma = contiguous(weight, weight_layout, "weight")?;
        let beta = contiguous(bias, bias_layout, "bias")?;
        if channels != gamma.len() || batch * height * width == 0 {
            bail!("a normalisation of {} channels cannot read {:?}", gamma.len(), input_layout.shape())
        }
        let input = contiguous(input, input_layout, "input")?;
        let row = width * channels;
        let image = height * row;
        let norm = match &self.fixed {
            Some(norm) => norm.clone(),
            None => {
                let mut sums = vec![0.0; batch * 2 * channels];
                let images = sums.par_chunks_mut(2 * channels).zip(input.par_chunks(image));
                images.for_each(|(sums, image)| moments(arch, image, row, channels, sums));
                Norm::from_moments(&sums, channels, batch * height * width)
            }
        };
        let (scale, shift) = norm.affine(gamma, beta, width);
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let mut output = vec![0.0; input.len()];
        output.par_chunks_mut(row).zip(input.par_chunks(row)).with_min_len(16).for_each(|(output, input)| {
            arch.dispatch(
                #[inline(always)]
                || {
                    let coefficients = scale.iter().zip(&shift);
                    for ((output, &value), (&scale, &shift)) in output.iter_mut().zip(input).zip(coefficients) {
                        *output = (value * scale + shift).max(floor);
                    }
                },
            );
        });
        *self.norm.lock().unwrap_or_else(|error| error.into_inner()) = Some(norm);
        Ok((CpuStorage::F32(output), input_layout.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let arch = Arch::new();
        let (batch, height, width, channels) = input.dims4()?;
        let guard = self.norm.lock().unwrap_or_else(|error| error.into_inner());
        let Some(norm) = &*guard else { bail!("backward before forward") };
        let (row, image) = (width * channels, height * width * channels);
        let mut gradient = with_values(gradient, "gradient", <[f32]>::to_vec)?;
        if self.relu {
            with_values(output, "output", |output| {
                for (gradient, &output) in gradient.iter_mut().zip(output) {
                    *gradient = if output > 0.0 { *gradient } else { 0.0 };
                }
            })?;
        }
        let backward = with_values(input, "input", |input| {
            let mean = tiled(norm.mean.iter().copied(), width);
            let mut sums = vec![0.0; batch * 2 * channels];
            sums.par_chunks_mut(2 * channels)
                .zip(gradient.par_chunks(image))
                .zip(input.par_chunks(image))
                .for_each(|((sums, gradient), input)| gradient_moments(arch, gradient, input, &mean, channels, sums));
            with_values(weight, "weight", |gamma| {
                let backward = norm.backward(&sums, gamma, batch * height * width, width, self.fixed.is_none());
                gradient.par_chunks_mut(row).zip(input.par_chunks(row)).with_min_len(16).for_each(
                    |(gradient, input)| {
                        backward.row_in_place(arch, gradient, input);
                    },
                );
                backward
            })
        })??;
        let device = input.device();
        Ok((
            Some(Tensor::from_vec(gradient, input.shape(), device)?),
            Some(Tensor::from_vec(backward.gamma, weight.shape(), device)?),
            Some(Tensor::from_vec(backward.beta, bias.shape(), device)?),
        ))
    }
}
