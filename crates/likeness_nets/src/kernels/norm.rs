//! Batch normalisation on channels-last images: moments, the affine form and its backward coefficients.
//!
//! Per-channel coefficients are tiled over a whole row of pixels, so that every loop here runs over long contiguous rows
//! whatever the channel count.

use pulp::{Arch, Simd, WithSimd};

/// The small number added to variances.
pub(crate) const EPSILON: f64 = 1e-5;

/// Repeats per-channel values over `width` pixels.
pub(crate) fn tiled(values: impl Iterator<Item = f64> + Clone, width: usize) -> Vec<f32> {
    let values: Vec<f32> = values.map(|value| value as f32).collect();
    values.repeat(width)
}

/// Sums over rows are folded into channels in double precision: `fold[c] += sum over pixels of row[p, c]`.
fn fold(row: &[f32], channels: usize, target: &mut [f64]) {
    for pixel in row.chunks_exact(channels) {
        for (sum, &value) in target.iter_mut().zip(pixel) {
            *sum += f64::from(value);
        }
    }
}

/// Sum and sum of squares of each channel of one image: writes `[2, channels]`.
pub(crate) fn moments(arch: Arch, image: &[f32], row: usize, channels: usize, out: &mut [f64]) {
    let mut sum = vec![0.0; row];
    let mut square = vec![0.0; row];
    arch.dispatch(
        #[inline(always)]
        || {
            for line in image.chunks_exact(row) {
                for ((&value, sum), square) in line.iter().zip(&mut sum).zip(&mut square) {
                    *sum += value;
                    *square += value * value;
                }
            }
        },
    );
    out.fill(0.0);
    fold(&sum, channels, &mut out[..channels]);
    fold(&square, channels, &mut out[channels..]);
}

/// Sums that the backward pass needs for one image: `[2, channels]` = sum of `grad`, sum of `grad * (value - mean)`.
/// `mean` is tiled over a row.
pub(crate) fn gradient_moments(
    arch: Arch,
    gradient: &[f32],
    image: &[f32],
    mean: &[f32],
    channels: usize,
    out: &mut [f64],
) {
    let row = mean.len();
    let mut sum = vec![0.0; row];
    let mut product = vec![0.0; row];
    arch.dispatch(
        #[inline(always)]
        || {
            for (grads, line) in gradient.chunks_exact(row).zip(image.chunks_exact(row)) {
                let rest = mean.iter().zip(&mut sum).zip(&mut product);
                for ((&grad, &value), ((&mean, sum), product)) in grads.iter().zip(line).zip(rest) {
                    *sum += grad;
                    *product += grad * (value - mean);
                }
            }
        },
    );
    out.fill(0.0);
    fold(&sum, channels, &mut out[..channels]);
    fold(&product, channels, &mut out[channels..]);
}

/// One normalised input of a ReLU: its affine scale and its mean, tiled over a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch<'a> {
    pub(crate) scale: &'a [f32],
    pub(crate) mean: &'a [f32],
}

impl Branch<'_> {
    /// Clears the gradient of one image where the ReLU after `scale * value + shift` was closed, and gives the sums of
    /// [`gradient_moments`].
    pub(crate) fn masked_moments(
        &self,
        arch: Arch,
        gradient: &mut [f32],
        image: &[f32],
        shift: &[f32],
        channels: usize,
        out: &mut [f64],
    ) {
        let row = shift.len();
        let (mut sum, mut product) = (vec![0.0; row], vec![0.0; row]);
        arch.dispatch(MaskedMoments { branch: *self, gradient, image, shift, sum: &mut sum, product: &mut product });
        out.fill(0.0);
        fold(&sum, channels, &mut out[..channels]);
        fold(&product, channels, &mut out[channels..]);
    }
}

/// The loop of [`Branch::masked_moments`]. A closure of this size would not be compiled for the wide registers.
struct MaskedMoments<'a> {
    branch: Branch<'a>,
    gradient: &'a mut [f32],
    image: &'a [f32],
    shift: &'a [f32],
    sum: &'a mut [f32],
    product: &'a mut [f32],
}

impl WithSimd for MaskedMoments<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let row = self.shift.len();
        let (sum, product) = (&mut self.sum[..row], &mut self.product[..row]);
        let (scale, mean, shift) = (&self.branch.scale[..row], &self.branch.mean[..row], self.shift);
        for (grads, values) in self.gradient.chunks_exact_mut(row).zip(self.image.chunks_exact(row)) {
            for i in 0..row {
                let value = values[i];
                let grad = if value * scale[i] + shift[i] > 0.0 { grads[i] } else { 0.0 };
                grads[i] = grad;
                sum[i] += grad;
                product[i] += grad * (value - mean[i]);
            }
        }
    }
}

/// A ReLU over the sum of two normalised inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Joined<'a> {
    pub(crate) branches: [Branch<'a>; 2],
    /// Both shifts together, tiled over a row.
    pub(crate) shift: &'a [f32],
    pub(crate) channels: usize,
}

impl Joined<'_> {
    /// Clears the gradient of one image where the ReLU was closed, and gives the sums of [`gradient_moments`] for both inputs.
    pub(crate) fn masked_moments(&self, arch: Arch, gradient: &mut [f32], images: [&[f32]; 2], outs: [&mut [f64]; 2]) {
        let row = self.shift.len();
        let mut sums = [vec![0.0; row], vec![0.0; row], vec![0.0; row]];
        arch.dispatch(JoinedMoments { joined: *self, gradient, images, sums: &mut sums });
        for (out, product) in outs.into_iter().zip(&sums[1..]) {
            out.fill(0.0);
            fold(&sums[0], self.channels, &mut out[..self.channels]);
            fold(product, self.channels, &mut out[self.channels..]);
        }
    }
}

/// The loop of [`Joined::masked_moments`].
struct JoinedMoments<'a> {
    joined: Joined<'a>,
    gradient: &'a mut [f32],
    images: [&'a [f32]; 2],
    /// Of the gradient, and of its products with both inputs.
    sums: &'a mut [Vec<f32>; 3],
}

impl WithSimd for JoinedMoments<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let shift = self.joined.shift;
        let row = shift.len();
        let [sum, product_a, product_b] = self.sums;
        let (sum, product_a, product_b) = (&mut sum[..row], &mut product_a[..row], &mut product_b[..row]);
        let [a, b] = self.joined.branches;
        let (scale_a, mean_a) = (&a.scale[..row], &a.mean[..row]);
        let (scale_b, mean_b) = (&b.scale[..row], &b.mean[..row]);
        let rows = self.images[0].chunks_exact(row).zip(self.images[1].chunks_exact(row));
        for (grads, (values_a, values_b)) in self.gradient.chunks_exact_mut(row).zip(rows) {
            for i in 0..row {
                let (a, b) = (values_a[i], values_b[i]);
                let open = a * scale_a[i] + (b * scale_b[i] + shift[i]) > 0.0;
                let grad = if open { grads[i] } else { 0.0 };
                grads[i] = grad;
                sum[i] += grad;
                product_a[i] += grad * (a - mean_a[i]);
                product_b[i] += grad * (b - mean_b[i]);
            }
        }
    }
}

/// One normalisation layer's numbers in one forward pass.
#[derive(Debug, Clone, Default)]
pub(crate) struct Norm {
    pub(crate) mean: Vec<f64>,
    /// Biased variance.
    pub(crate) variance: Vec<f64>,
    /// `1 / sqrt(variance + EPSILON)`.
    pub(crate) inverse: Vec<f64>,
}

impl Norm {
    /// From per-image moments `[images, 2, channels]`, added in order.
    pub(crate) fn from_moments(moments: &[f64], channels: usize, count: usize) -> Self {
        let total = total(moments, 2 * channels);
        let count = count as f64;
        let mean: Vec<f64> = total[..channels].iter().map(|sum| sum / count).collect();
        let variance =
            total[channels..].iter().zip(&mean).map(|(square, mean)| (square / count - mean * mean).max(0.0)).collect();
        Self::new(mean, variance)
    }

    pub(crate) fn new(mean: Vec<f64>, variance: Vec<f64>) -> Self {
        let inverse = variance.iter().map(|variance| 1.0 / (variance + EPSILON).sqrt()).collect();
        Self { mean, variance, inverse }
    }

    /// `y = scale * x + shift`, tiled over a row.
    pub(crate) fn affine(&self, gamma: &[f32], beta: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
        let scale = gamma.iter().zip(&self.inverse).map(|(&gamma, inverse)| f64::from(gamma) * inverse);
        let shift =
            scale.clone().zip(&self.mean).zip(beta).map(|((scale, mean), &beta)| f64::from(beta) - scale * mean);
        (tiled(scale, width), tiled(shift, width))
    }

    /// From the summed gradient moments: the gradients of gamma and beta, and the tiled coefficients `(a, b, c)` of
    /// `dx = a * dy + b * x + c`. With running statistics (`batch == false`) those are constants of the layer.
    pub(crate) fn backward(
        &self,
        moments: &[f64],
        gamma: &[f32],
        count: usize,
        width: usize,
        batch: bool,
    ) -> NormBackward {
        let channels = gamma.len();
        let total = total(moments, 2 * channels);
        let (sum, product) = total.split_at(channels);
        let count = count as f64;
        let index = 0..channels;
        let scale = |c: usize| f64::from(gamma[c]) * self.inverse[c];
        let slope = |c: usize| if batch { -scale(c) * self.inverse[c].powi(2) * product[c] / count } else { 0.0 };
        let offset = |c: usize| if batch { -scale(c) * sum[c] / count - slope(c) * self.mean[c] } else { 0.0 };
        NormBackward {
            gamma: index.clone().map(|c| (product[c] * self.inverse[c]) as f32).collect(),
            beta: sum.iter().map(|&sum| sum as f32).collect(),
            scale: tiled(index.clone().map(scale), width),
            slope: tiled(index.clone().map(slope), width),
            offset: tiled(index.map(offset), width),
        }
    }
}

/// What [`Norm::backward`] returns.
#[derive(Debug)]
pub(crate) struct NormBackward {
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
    scale: Vec<f32>,
    slope: Vec<f32>,
    offset: Vec<f32>,
}

impl NormBackward {
    /// One row of `dx = scale * dy + slope * x + offset`.
    #[inline(always)]
    pub(crate) fn row(&self, arch: Arch, gradient: &[f32], value: &[f32], out: &mut [f32]) {
        arch.dispatch(
            #[inline(always)]
            || {
                let coefficients = self.scale.iter().zip(&self.slope).zip(&self.offset);
                let values = gradient.iter().zip(value).zip(out);
                for (((&grad, &value), out), ((&scale, &slope), &offset)) in values.zip(coefficients) {
                    *out = scale * grad + (slope * value + offset);
                }
            },
        );
    }
}

impl NormBackward {
    /// Like [`Self::row`], over the incoming gradient itself.
    #[inline(always)]
    pub(crate) fn row_in_place(&self, arch: Arch, gradient: &mut [f32], value: &[f32]) {
        arch.dispatch(
            #[inline(always)]
            || {
                let coefficients = self.scale.iter().zip(&self.slope).zip(&self.offset);
                for ((grad, &value), ((&scale, &slope), &offset)) in gradient.iter_mut().zip(value).zip(coefficients) {
                    *grad = scale * *grad + (slope * value + offset);
                }
            },
        );
    }
}

fn total(moments: &[f64], len: usize) -> Vec<f64> {
    let mut total = vec![0.0; len];
    for image in moments.chunks_exact(len) {
        for (sum, value) in total.iter_mut().zip(image) {
            *sum += value;
        }
    }
    total
}
