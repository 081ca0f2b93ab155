//! How a convolution over several images is done: by tiles where that is possible, directly elsewhere.

use pulp::Arch;

use super::conv::{ConvShape, Phase};
use super::correlate::{Packed, SLACK, Start};
use super::winograd::{Finish, Transformed, Winograd};

/// A convolution with its weights.
#[derive(Debug, Clone)]
pub(crate) enum ForwardPlan {
    /// Tap by tap.
    Direct(ConvShape, Packed),
    /// By tiles.
    Tiled(Winograd, Transformed),
}

impl ForwardPlan {
    /// `weight` is `[cout, cin, kernel, kernel]`.
    pub(crate) fn new(arch: Arch, shape: &ConvShape, weight: &[f32]) -> Self {
        match Winograd::new(shape) {
            Some(tiled) => Self::Tiled(tiled, tiled.pack(arch, weight)),
            None => Self::Direct(*shape, shape.pack(weight)),
        }
    }

    /// Images that are best handed over together.
    pub(crate) fn images(&self) -> usize {
        match self {
            Self::Direct(..) => 1,
            Self::Tiled(tiled, _) => tiled.images(),
        }
    }

    /// The convolution of `images` images, which are stored with a border as wide as the padding; the results are written
    /// inside a border of `out_border` pixels that is left alone. The bias is padded to whole groups of lanes.
    pub(crate) fn run(
        &self,
        arch: Arch,
        images: usize,
        input: &[f32],
        bias: Option<&[f32]>,
        out: &mut [f32],
        out_border: usize,
    ) {
        match self {
            Self::Direct(shape, packed) => {
                let start = bias.map_or(Start::Zero, Start::Bias);
                let outputs = out.chunks_exact_mut(shape.output_len(out_border));
                for (input, out) in input.chunks_exact(shape.input_len(shape.pad)).zip(outputs).take(images) {
                    shape.forward(arch, input, shape.pad, packed, start, false, out, out_border);
                }
            }
            Self::Tiled(tiled, weights) => {
                let finish = Finish { bias, ..Finish::default() };
                let rows = tiled.image_rows(images, out_border);
                tiled.forward(arch, input, weights, rows, finish, out, out_border);
            }
        }
    }
}

/// The gradients of a convolution. Output gradients are stored with a border of [`ConvShape::gradient_border`] zero pixels, one
/// image after another, with [`SLACK`] floats at the end.
#[derive(Debug, Clone)]
pub(crate) enum BackwardPlan {
    /// Tap by tap.
    Direct(ConvShape, Vec<Phase>),
    /// By tiles.
    Tiled {
        /// The convolution.
        forward: Winograd,
        /// The convolution from output gradient to input gradient.
        transposed: Winograd,
        /// Its weights.
        weights: Transformed,
    },
}

impl BackwardPlan {
    /// `weight` is `[cout, cin, kernel, kernel]`.
    pub(crate) fn new(arch: Arch, shape: &ConvShape, weight: &[f32]) -> Self {
        match Winograd::new(shape) {
            Some(forward) => {
                let (transposed, weights) = forward.transposed(arch, weight);
                Self::Tiled { forward, transposed, weights }
            }
            None => Self::Direct(*shape, shape.pack_transposed(weight)),
        }
    }

    /// Images that are best handed over together.
    pub(crate) fn images(&self) -> usize {
        match self {
            Self::Direct(..) => 1,
            Self::Tiled { forward, .. } => forward.images(),
        }
    }

    /// Length of the sum that [`Self::weight_gradient`] adds to.
    pub(crate) fn sum_len(&self) -> usize {
        match self {
            Self::Direct(shape, _) => shape.sum_len(),
            Self::Tiled { forward, .. } => forward.sum_len(),
        }
    }

    /// Adds the weight gradient of `images` images. The inputs are stored with a border as wide as the padding.
    pub(crate) fn weight_gradient(&self, arch: Arch, images: usize, input: &[f32], gradient: &[f32], sum: &mut [f32]) {
        match self {
            Self::Direct(shape, _) => {
                let len = shape.output_len(shape.gradient_border());
                for (i, input) in input.chunks_exact(shape.input_len(shape.pad)).take(images).enumerate() {
                    shape.weight_gradient(arch, input, shape.pad, &gradient[i * len..][..len + SLACK], sum);
                }
            }
            Self::Tiled { forward, .. } => forward.weight_gradient(arch, images, input, gradient, sum),
        }
    }

    /// Brings a sum of [`Self::weight_gradient`] into the layout of [`ConvShape::weight_gradient`].
    pub(crate) fn finish_weight_gradient(&self, arch: Arch, sum: &[f32], out: &mut [f32]) {
        match self {
            Self::Direct(..) => out.copy_from_slice(sum),
            Self::Tiled { forward, .. } => forward.finish_weight_gradient(arch, sum, out),
        }
    }

    /// The gradients of `images` inputs, without a border.
    pub(crate) fn input_gradient(&self, arch: Arch, images: usize, gradient: &[f32], out: &mut [f32]) {
        match self {
            Self::Direct(shape, phases) => {
                let len = shape.output_len(shape.gradient_border());
                for (i, out) in out.chunks_exact_mut(shape.input_len(0)).take(images).enumerate() {
                    shape.input_gradient(arch, &gradient[i * len..][..len], phases, false, out);
                }
            }
            Self::Tiled { transposed, weights, .. } => {
                let rows = transposed.image_rows(images, 0);
                transposed.forward(arch, gradient, weights, rows, Finish::default(), out, 0);
            }
        }
    }
}
