//! Fast CPU kernels as layers on candle tensors, for building further networks.
//!
//! Unlike candle's own convolutions these work on channels-last tensors `[batch, height, width, channels]`, f32, on the CPU.
//! Their gradients are written by hand; sums over a batch are added in a fixed order, so that runs repeat bit for bit
//! whatever the number of threads. [`crate::ResidualTrunk`] uses the same loops, fused over whole residual modules.

mod batch_norm;
pub(crate) mod conv;
mod conv2d;
pub(crate) mod correlate;
pub(crate) mod dense;
pub(crate) mod norm;
pub(crate) mod plan;
#[cfg(test)]
mod properties;
pub(crate) mod winograd;

pub use batch_norm::BatchNorm;
pub use conv2d::{Conv2d, Conv2dConfig};
