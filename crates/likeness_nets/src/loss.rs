//! Losses that stay finite.

use candle_core::{D, Tensor};

use crate::error::Result;

/// Mean binary cross-entropy of logits against targets in 0..1 of the same shape.
///
/// Computed as `max(x, 0) - x t + ln(1 + exp(-|x|))`, which neither overflows nor loses the gradient at large logits.
///
/// # Errors
/// Different shapes.
pub fn bce_with_logits(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let loss = ((logits.relu()? - (logits * targets)?)? + softplus)?;
    Ok(loss.mean_all()?)
}

/// Mean over the batch of `sum over j of weight[j] (prediction[b, j] - target[b, j])^2`, divided by the sum of the weights:
/// with weights of one, the mean squared error.
///
/// # Errors
/// Predictions and targets that are not both `[batch, n]`, weights that are not `[n]`.
pub fn weighted_squared_error(predictions: &Tensor, targets: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let errors = (predictions - targets)?.sqr()?.broadcast_mul(weights)?;
    Ok(errors.sum(D::Minus1)?.mean_all()?.broadcast_div(&weights.sum_all()?)?)
}
