//! The two inner loops of every convolution here, on channels-last (`[height, width, channels]`) images.
//!
//! The window of a convolution's kernel row covers `kernel_width * channels` floats that lie next to each other in a
//! channels-last image, so a padded image can be read in place: nothing is unrolled into columns. Both loops keep a tile
//! of results in registers and stream over the shared dimension:
//! - [`correlate`] (forward and input gradient): a tile of pixels x output channels, summed over the kernel's taps;
//! - [`outer`] (weight gradient): a tile of taps x output channels, summed over the pixels.

use pulp::{Arch, Simd, WithSimd};

/// Output channels are padded to a multiple of this many floats in packed weights (one AVX-512 register).
pub(crate) const LANE_GROUP: usize = 16;

/// Floats that must be readable behind the last pixel of the output gradient given to [`outer`].
pub(crate) const SLACK: usize = LANE_GROUP;

/// Rounds a channel count up to whole groups of lanes.
pub(crate) fn padded_channels(channels: usize) -> usize {
    channels.div_ceil(LANE_GROUP) * LANE_GROUP
}

/// Splits padded channels into blocks of 48, 32 or 16, as `(first channel, width)`.
pub(crate) fn blocks(channels: usize) -> impl Iterator<Item = (usize, usize)> {
    let groups = channels.div_ceil(LANE_GROUP);
    let mut first = 0;
    std::iter::from_fn(move || {
        let left = groups - first;
        let take = match left {
            0 => return None,
            4 => 2,
            n => n.min(3),
        };
        let block = (first * LANE_GROUP, take * LANE_GROUP);
        first += take;
        Some(block)
    })
}

/// Weights ordered for [`correlate`]: for each block of output channels, the taps one after another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packed {
    data: Vec<f32>,
    /// Kernel rows.
    rows: usize,
    /// Floats of the input under one kernel row.
    run: usize,
    /// Output channels, without padding.
    channels: usize,
}

impl Packed {
    /// Packs `weight(row, position in the row, output channel)`.
    pub(crate) fn new(rows: usize, run: usize, channels: usize, weight: impl Fn(usize, usize, usize) -> f32) -> Self {
        let mut data = Vec::with_capacity(rows * run * padded_channels(channels));
        for (first, width) in blocks(channels) {
            for row in 0..rows {
                for k in 0..run {
                    data.extend((first..first + width).map(|c| if c < channels { weight(row, k, c) } else { 0.0 }));
                }
            }
        }
        Self { data, rows, run, channels }
    }

    /// From values in the order that [`Self::new`] makes: by block, row, position and channel.
    pub(crate) fn from_vec(data: Vec<f32>, rows: usize, run: usize, channels: usize) -> Self {
        debug_assert_eq!(data.len(), rows * run * padded_channels(channels));
        Self { data, rows, run, channels }
    }

    /// True when there is nothing to sum over (a phase of a strided input gradient that no tap reaches).
    pub(crate) fn is_empty(&self) -> bool {
        self.rows * self.run == 0
    }
}

/// Where [`correlate`] finds its windows and puts its results; all distances in floats.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    /// Output rows and columns.
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// From one kernel row to the next.
    pub(crate) tap_row: usize,
    /// From one output row's windows to the next row's, and from one output pixel's window to the next.
    pub(crate) in_row: usize,
    pub(crate) in_step: usize,
    /// The same for the results.
    pub(crate) out_row: usize,
    pub(crate) out_step: usize,
}

/// What the sum starts from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a> {
    /// Zero.
    Zero,
    /// One value an output channel, padded by [`padded_channels`].
    Bias(&'a [f32]),
    /// What the output holds already.
    Output,
}

/// `out[y, x, c] = start + sum over rows r and positions k of input[window(y, x) + r * tap_row + k] * weight[r, k, c]`.
///
/// `input` begins at the first window, `out` at the first pixel. Panics when a window or a pixel lies outside.
pub(crate) fn correlate(
    arch: Arch,
    walk: Walk,
    input: &[f32],
    weights: &Packed,
    start: Start<'_>,
    relu: bool,
    out: &mut [f32],
) {
    arch.dispatch(Correlate { walk, input, weights, start, relu, out });
}

struct Correlate<'a> {
    walk: Walk,
    input: &'a [f32],
    weights: &'a Packed,
    start: Start<'a>,
    relu: bool,
    out: &'a mut [f32],
}

impl WithSimd for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { walk, input, weights, start, relu, out } = self;
        let (rows, run) = (weights.rows, weights.run);
        if walk.height * walk.width == 0 || rows * run == 0 {
            return;
        }
        let last = (walk.height - 1) * walk.in_row + (walk.width - 1) * walk.in_step + (rows - 1) * walk.tap_row + run;
        assert!(last <= input.len(), "the last window ends at {last} of {} floats", input.len());
        let end = (walk.height - 1) * walk.out_row + (walk.width - 1) * walk.out_step + weights.channels;
        assert!(end <= out.len(), "the last pixel ends at {end} of {} floats", out.len());
        if let Start::Bias(bias) = start {
            assert!(bias.len() >= padded_channels(weights.channels), "the bias is not padded");
        }
        let mut offset = 0;
        for (first, width) in blocks(weights.channels) {
            let data = &weights.data[offset..offset + rows * run * width];
            offset += data.len();
            let tile = Tile { simd, walk, input, data, rows, run, width, start, relu };
            let vectors = width / S::F32_LANES;
            // Groups of at most three registers of channels, within this block.
            let mut v = 0;
            while v < vectors {
                let channel = first + v * S::F32_LANES;
                let valid = weights.channels.saturating_sub(channel);
                let part = Part { inner: v * S::F32_LANES, channel, valid };
                match vectors - v {
                    1 => v += tile.image::<1>(part, out),
                    2 | 4 => v += tile.image::<2>(part, out),
                    _ => v += tile.image::<3>(part, out),
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Part {
    /// Offset within the block's weights.
    inner: usize,
    /// First output channel and how many are left from there.
    channel: usize,
    valid: usize,
}

#[derive(Clone, Copy)]
struct Tile<'a, S> {
    simd: S,
    walk: Walk,
    input: &'a [f32],
    data: &'a [f32],
    rows: usize,
    run: usize,
    width: usize,
    start: Start<'a>,
    relu: bool,
}

impl<S: Simd> Tile<'_, S> {
    #[inline(always)]
    fn image<const MV: usize>(&self, part: Part, out: &mut [f32]) -> usize {
        if part.valid > 0 {
            for y in 0..self.walk.height {
                let mut x = 0;
                while x < self.walk.width {
                    let left = self.walk.width - x;
                    if S::REGISTER_COUNT >= 32 && left >= 8 {
                        self.pixels::<MV, 8>(part, y, x, out);
                        x += 8;
                    } else if left >= 4 {
                        self.pixels::<MV, 4>(part, y, x, out);
                        x += 4;
                    } else {
                        self.pixels::<MV, 1>(part, y, x, out);
                        x += 1;
                    }
                }
            }
        }
        MV
    }

    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "constant indices keep the sums in registers")]
    fn pixels<const MV: usize, const NP: usize>(&self, part: Part, y: usize, x: usize, out: &mut [f32]) {
        let Tile { simd, walk, input, data, rows, run, width, start, relu } = *self;
        let lanes = S::F32_LANES;
        let target = y * walk.out_row + x * walk.out_step + part.channel;
        // The first values and the results pass through memory, which any index may reach; `sum`, which only constant indices
        // reach, then stays in registers.
        let mut memory = [[simd.splat_f32s(0.0); MV]; NP];
        match start {
            Start::Zero => {}
            Start::Bias(bias) => {
                let (bias, _) = S::as_simd_f32s(&bias[part.channel..][..MV * lanes]);
                for pixel in &mut memory {
                    pixel.copy_from_slice(bias);
                }
            }
            Start::Output => {
                for (p, pixel) in memory.iter_mut().enumerate() {
                    for (v, value) in pixel.iter_mut().enumerate() {
                        let valid = part.valid.saturating_sub(v * lanes).min(lanes);
                        if valid == 0 {
                            break;
                        }
                        *value = simd.partial_load_f32s(&out[target + p * walk.out_step + v * lanes..][..valid]);
                    }
                }
            }
        }
        let mut sum = [[simd.splat_f32s(0.0); MV]; NP];
        for p in 0..NP {
            for v in 0..MV {
                sum[p][v] = memory[p][v];
            }
        }
        for r in 0..rows {
            let base = y * walk.in_row + x * walk.in_step + r * walk.tap_row;
            let windows = &input[base..base + (NP - 1) * walk.in_step + run];
            let taps = &data[r * run * width..][..run * width];
            for k in 0..run {
                // SAFETY: `taps` holds `run * width` floats, `part.inner + MV * lanes <= width` by the split into groups in
                // `with_simd`, and `k < run`, so all MV registers lie inside `taps`; `windows` ends `run` floats behind the
                // start of the last pixel's window.
                unsafe {
                    let tap = taps.get_unchecked(k * width + part.inner..k * width + part.inner + MV * lanes);
                    let (tap, _) = S::as_simd_f32s(tap);
                    let tap: [S::f32s; MV] = std::array::from_fn(|v| *tap.get_unchecked(v));
                    for p in 0..NP {
                        let pixel = simd.splat_f32s(*windows.get_unchecked(p * walk.in_step + k));
                        for v in 0..MV {
                            sum[p][v] = simd.mul_add_e_f32s(pixel, tap[v], sum[p][v]);
                        }
                    }
                }
            }
        }
        let floor = simd.splat_f32s(if relu { 0.0 } else { f32::NEG_INFINITY });
        for p in 0..NP {
            for v in 0..MV {
                memory[p][v] = simd.max_f32s(sum[p][v], floor);
            }
        }
        for (p, pixel) in memory.iter().enumerate() {
            for (v, &value) in pixel.iter().enumerate() {
                let valid = part.valid.saturating_sub(v * lanes).min(lanes);
                if valid == 0 {
                    break;
                }
                let target = &mut out[target + p * walk.out_step + v * lanes..][..valid];
                if valid == lanes {
                    S::as_mut_simd_f32s(target).0[0] = value;
                } else {
                    simd.partial_store_f32s(target, value);
                }
            }
        }
    }
}

/// Where [`outer`] finds inputs and output gradients; all distances in floats.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OuterWalk {
    /// Output rows and columns.
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Kernel rows and the distance between them in the input.
    pub(crate) rows: usize,
    pub(crate) tap_row: usize,
    /// Input floats under a kernel row.
    pub(crate) run: usize,
    /// Distances between the windows of neighbouring output rows and pixels.
    pub(crate) in_row: usize,
    pub(crate) in_step: usize,
    /// Distances in the output gradient, and its channels.
    pub(crate) out_row: usize,
    pub(crate) channels: usize,
}

/// `sum[r, k, c] += input[window(y, x) + r * tap_row + k] * gradient[y, x, c]` over all pixels; `sum` is
/// `[rows, run, padded_channels]`. The gradient must have [`SLACK`] readable floats behind its last pixel.
pub(crate) fn outer(arch: Arch, walk: OuterWalk, input: &[f32], gradient: &[f32], sum: &mut [f32]) {
    arch.dispatch(Outer { walk, input, gradient, sum });
}

struct Outer<'a> {
    walk: OuterWalk,
    input: &'a [f32],
    gradient: &'a [f32],
    sum: &'a mut [f32],
}

impl WithSimd for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { walk, input, gradient, sum } = self;
        if walk.height * walk.width * walk.rows * walk.run == 0 {
            return;
        }
        let last = (walk.height - 1) * walk.in_row
            + (walk.width - 1) * walk.in_step
            + (walk.rows - 1) * walk.tap_row
            + walk.run;
        assert!(last <= input.len(), "the last window ends at {last} of {} floats", input.len());
        let end = (walk.height - 1) * walk.out_row + (walk.width - 1) * walk.channels + padded_channels(walk.channels);
        assert!(end <= gradient.len(), "the last pixel ends at {end} of {} floats", gradient.len());
        assert!(sum.len() >= walk.rows * walk.run * padded_channels(walk.channels), "the sum is too short");
        // Bands of rows whose gradients and inputs stay in the first-level cache while all taps pass over them.
        let band = (128 / walk.width).max(1);
        let mut y = 0;
        while y < walk.height {
            let rows = band.min(walk.height - y);
            let tile = OuterTile { simd, walk, input, gradient, y, rows };
            for r in 0..walk.rows {
                for (first, width) in blocks(walk.channels) {
                    let vectors = width / S::F32_LANES;
                    let mut v = 0;
                    while v < vectors {
                        let channel = first + v * S::F32_LANES;
                        match vectors - v {
                            1 => v += tile.taps::<1>(r, channel, sum),
                            2 | 4 => v += tile.taps::<2>(r, channel, sum),
                            _ => v += tile.taps::<3>(r, channel, sum),
                        }
                    }
                }
            }
            y += rows;
        }
    }
}

#[derive(Clone, Copy)]
struct OuterTile<'a, S> {
    simd: S,
    walk: OuterWalk,
    input: &'a [f32],
    gradient: &'a [f32],
    y: usize,
    rows: usize,
}

impl<S: Simd> OuterTile<'_, S> {
    #[inline(always)]
    fn taps<const MV: usize>(&self, r: usize, channel: usize, sum: &mut [f32]) -> usize {
        let mut k = 0;
        while k < self.walk.run {
            let left = self.walk.run - k;
            if S::REGISTER_COUNT >= 32 && left >= 8 {
                self.tile::<MV, 8>(r, k, channel, sum);
                k += 8;
            } else if left >= 4 {
                self.tile::<MV, 4>(r, k, channel, sum);
                k += 4;
            } else {
                self.tile::<MV, 1>(r, k, channel, sum);
                k += 1;
            }
        }
        MV
    }

    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "constant indices keep the sums in registers")]
    fn tile<const MV: usize, const NK: usize>(&self, r: usize, k: usize, channel: usize, sum: &mut [f32]) {
        let Self { simd, walk, input, gradient, y, rows } = *self;
        let lanes = S::F32_LANES;
        let padded = padded_channels(walk.channels);
        let base = (r * walk.run + k) * padded + channel;
        let mut part = [[simd.splat_f32s(0.0); MV]; NK];
        for (j, row) in part.iter_mut().enumerate() {
            let (stored, _) = S::as_simd_f32s(&sum[base + j * padded..][..MV * lanes]);
            row.copy_from_slice(stored);
        }
        for y in y..y + rows {
            let line = &input[y * walk.in_row + r * walk.tap_row + k..];
            let grads = &gradient[y * walk.out_row + channel..];
            assert!((walk.width - 1) * walk.in_step + NK <= line.len());
            assert!((walk.width - 1) * walk.channels + MV * lanes <= grads.len());
            for x in 0..walk.width {
                // SAFETY: x < width, and the two assertions above bound the last pixel's reads.
                unsafe {
                    let window = line.get_unchecked(x * walk.in_step..x * walk.in_step + NK);
                    let grad = grads.get_unchecked(x * walk.channels..x * walk.channels + MV * lanes);
                    let (grad, _) = S::as_simd_f32s(grad);
                    let grad: [S::f32s; MV] = std::array::from_fn(|v| *grad.get_unchecked(v));
                    for j in 0..NK {
                        let value = simd.splat_f32s(*window.get_unchecked(j));
                        for v in 0..MV {
                            part[j][v] = simd.mul_add_e_f32s(value, grad[v], part[j][v]);
                        }
                    }
                }
            }
        }
        for (j, row) in part.iter().enumerate() {
            let (stored, _) = S::as_mut_simd_f32s(&mut sum[base + j * padded..][..MV * lanes]);
            stored.copy_from_slice(row);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const HEIGHT: usize = 3;
    const WIDTH: usize = 13;
    const INPUTS: usize = 3;
    const KERNEL: usize = 2;
    const STRIDE: usize = 2;

    fn noise(len: usize) -> Vec<f32> {
        (0..len).map(|index| ((index * 7919 + 13) % 101) as f32 / 50.0 - 1.0).collect()
    }

    /// Every instruction set that this machine has, narrow ones too, which a wide one would hide.
    pub(crate) fn architectures() -> Vec<Arch> {
        #[allow(unused_mut, reason = "other processors have one only")]
        let mut all = vec![Arch::Scalar, Arch::new()];
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        all.extend(pulp::x86::V3::try_new().map(Arch::V3));
        all
    }

    #[test]
    fn every_instruction_set_correlates_the_same() {
        let line = (STRIDE * (WIDTH - 1) + KERNEL) * INPUTS;
        let run = KERNEL * INPUTS;
        for channels in [1, 7, 16, 24, 48, 64, 90, 128] {
            let input = noise((STRIDE * (HEIGHT - 1) + KERNEL) * line);
            let weight = noise(KERNEL * run * channels);
            let packed = Packed::new(KERNEL, run, channels, |row, k, c| weight[(row * run + k) * channels + c]);
            let bias = noise(padded_channels(channels));
            let walk = Walk {
                height: HEIGHT,
                width: WIDTH,
                tap_row: line,
                in_row: STRIDE * line,
                in_step: STRIDE * INPUTS,
                out_row: WIDTH * channels,
                out_step: channels,
            };
            let before = noise(HEIGHT * WIDTH * channels);
            for arch in architectures() {
                for (start, relu) in [(Start::Zero, false), (Start::Bias(&bias), true), (Start::Output, false)] {
                    let mut out = before.clone();
                    correlate(arch, walk, &input, &packed, start, relu, &mut out);
                    for (index, &got) in out.iter().enumerate() {
                        let (pixel, c) = (index / channels, index % channels);
                        let (y, x) = (pixel / WIDTH, pixel % WIDTH);
                        let mut expected = match start {
                            Start::Zero => 0.0,
                            Start::Bias(bias) => bias[c],
                            Start::Output => before[index],
                        };
                        for row in 0..KERNEL {
                            for k in 0..run {
                                let value = input[(STRIDE * y + row) * line + STRIDE * x * INPUTS + k];
                                expected += value * weight[(row * run + k) * channels + c];
                            }
                        }
                        let expected = if relu { expected.max(0.0) } else { expected };
                        assert!(
                            (got - expected).abs() < 1e-4,
                            "{arch:?}, {channels} channels, {start:?}: {got} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_sums_gradients_the_same() {
        let line = (STRIDE * (WIDTH - 1) + KERNEL) * INPUTS;
        let run = KERNEL * INPUTS;
        for channels in [1, 7, 16, 24, 48, 64, 90] {
            let input = noise((STRIDE * (HEIGHT - 1) + KERNEL) * line);
            let gradient = noise(HEIGHT * WIDTH * channels + SLACK);
            let walk = OuterWalk {
                height: HEIGHT,
                width: WIDTH,
                rows: KERNEL,
                tap_row: line,
                run,
                in_row: STRIDE * line,
                in_step: STRIDE * INPUTS,
                out_row: WIDTH * channels,
                channels,
            };
            for arch in architectures() {
                let padded = padded_channels(channels);
                let mut sum = vec![1.0; KERNEL * run * padded];
                outer(arch, walk, &input, &gradient, &mut sum);
                for (tap, sums) in sum.chunks_exact(padded).enumerate() {
                    let (row, k) = (tap / run, tap % run);
                    for (c, &got) in sums[..channels].iter().enumerate() {
                        let mut expected = 1.0;
                        for pixel in 0..HEIGHT * WIDTH {
                            let (y, x) = (pixel / WIDTH, pixel % WIDTH);
                            let value = input[(STRIDE * y + row) * line + STRIDE * x * INPUTS + k];
                            expected += value * gradient[pixel * channels + c];
                        }
                        assert!((got - expected).abs() < 1e-4, "{arch:?}, {channels} channels: {got} {expected}");
                    }
                }
            }
        }
    }
}
