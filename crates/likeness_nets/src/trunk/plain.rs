//! The trunk made of candle's own operations: what runs on a GPU, and what the kernels are compared with.

use candle_core::{Device, Tensor};

use super::engine::{Stage, Statistics};
use crate::error::Result;
use crate::kernels::norm::EPSILON;

/// Features of a batch, and the statistics of every normalisation layer when `fixed` gives none.
pub(super) fn forward(
    stages: &[Stage],
    parameters: &[Tensor],
    images: &Tensor,
    fixed: Option<&[Statistics]>,
) -> Result<(Tensor, Vec<Statistics>)> {
    let mut measured = Vec::new();
    let mut x = images.clone();
    for (index, stage) in stages.iter().enumerate() {
        let mut layer = |number: usize, x: &Tensor| -> Result<Tensor> {
            let shape = stage.layers()[number];
            let number = 3 * index + number;
            let [weight, gamma, beta] = [0, 1, 2].map(|part| &parameters[3 * number + part]);
            let raw = x.conv2d(weight, shape.pad, shape.stride, 1, 1)?;
            let (raw, mean, variance) = match fixed {
                Some(fixed) => {
                    let mean = channels(&fixed[number].mean, raw.device())?;
                    let variance = channels(&fixed[number].variance, raw.device())?;
                    (raw.broadcast_sub(&mean)?, mean, variance)
                }
                None => {
                    let mean = raw.mean_keepdim((0, 2, 3))?;
                    let centred = raw.broadcast_sub(&mean)?;
                    let variance = centred.sqr()?.mean_keepdim((0, 2, 3))?;
                    (centred, mean, variance)
                }
            };
            if fixed.is_none() {
                let read = |tensor: &Tensor| -> Result<Vec<f64>> {
                    Ok(tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
                };
                let (batch, _, height, width) = raw.dims4()?;
                let count = batch * height * width;
                measured.push((number, Statistics { mean: read(&mean)?, variance: read(&variance)?, count }));
            }
            let scale = (variance + EPSILON)?.sqrt()?.recip()?.broadcast_mul(&gamma.reshape((1, (), 1, 1))?)?;
            Ok(raw.broadcast_mul(&scale)?.broadcast_add(&beta.reshape((1, (), 1, 1))?)?)
        };
        let inner = layer(0, &x)?.relu()?;
        let inner = layer(1, &inner)?;
        x = (inner + layer(2, &x)?)?.relu()?;
    }
    measured.sort_by_key(|(number, _)| *number);
    let features = x.permute((0, 2, 3, 1))?.contiguous()?.flatten_from(1)?;
    Ok((features, measured.into_iter().map(|(_, statistics)| statistics).collect()))
}

/// One value a channel, to be broadcast over images.
fn channels(values: &[f64], device: &Device) -> Result<Tensor> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Ok(Tensor::from_vec(values, (1, (), 1, 1), device)?)
}
