//! Convolutions of one channels-last image: shapes, packed weights, forward and both gradients.

use pulp::Arch;

use super::correlate::{OuterWalk, Packed, SLACK, Start, Walk, correlate, outer, padded_channels};

/// A square-kernel convolution of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConvShape {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) pad: usize,
    pub(crate) cin: usize,
    pub(crate) cout: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// The part of an input gradient that falls on rows `row, row + stride, ..` and columns `col, col + stride, ..`.
#[derive(Debug, Clone)]
pub(crate) struct Phase {
    row: usize,
    col: usize,
    /// The first output row and column that its windows touch, relative to the phase's own index.
    first_row: isize,
    first_col: isize,
    weights: Packed,
}

/// The kernel positions that reach inputs of one residue, and the output index of the first relative to the input's.
struct Reach {
    taps: Vec<usize>,
    first: isize,
}

impl ConvShape {
    pub(crate) fn out_height(&self) -> usize {
        (self.height + 2 * self.pad - self.kernel) / self.stride + 1
    }

    pub(crate) fn out_width(&self) -> usize {
        (self.width + 2 * self.pad - self.kernel) / self.stride + 1
    }

    pub(crate) fn weight_len(&self) -> usize {
        self.cout * self.cin * self.kernel * self.kernel
    }

    /// Length of the packed weight gradient.
    pub(crate) fn sum_len(&self) -> usize {
        self.kernel * self.kernel * self.cin * padded_channels(self.cout)
    }

    /// Length of the input stored with a border of `border` pixels.
    pub(crate) fn input_len(&self, border: usize) -> usize {
        (self.height + 2 * border) * (self.width + 2 * border) * self.cin
    }

    /// Length of the output stored with a border of `border` pixels, without slack.
    pub(crate) fn output_len(&self, border: usize) -> usize {
        (self.out_height() + 2 * border) * (self.out_width() + 2 * border) * self.cout
    }

    /// Length of a buffer for the output gradient as [`Self::weight_gradient`] and [`Self::input_gradient`] read it.
    pub(crate) fn gradient_len(&self) -> usize {
        self.output_len(self.gradient_border()) + SLACK
    }

    /// `weight` is `[cout, cin, kernel, kernel]`.
    pub(crate) fn pack(&self, weight: &[f32]) -> Packed {
        let k2 = self.kernel * self.kernel;
        let scaled = |row: usize, k: usize, c: usize| {
            let (col, ci) = (k / self.cin, k % self.cin);
            weight[(c * self.cin + ci) * k2 + row * self.kernel + col]
        };
        Packed::new(self.kernel, self.kernel * self.cin, self.cout, scaled)
    }

    /// The convolution of one image stored with a border of `border >= pad` zero pixels; the result is written inside a
    /// border of `out_border` pixels that is left alone.
    pub(crate) fn forward(
        &self,
        arch: Arch,
        input: &[f32],
        border: usize,
        weights: &Packed,
        start: Start<'_>,
        relu: bool,
        out: &mut [f32],
        out_border: usize,
    ) {
        let rows = 0..self.out_height();
        let row = (self.out_width() + 2 * out_border) * self.cout;
        self.forward_rows(arch, input, border, weights, start, relu, &mut out[row * out_border..], out_border, rows);
    }

    /// Like [`Self::forward`] for some of the output rows only; `out` begins at the left border of the first of them.
    pub(crate) fn forward_rows(
        &self,
        arch: Arch,
        input: &[f32],
        border: usize,
        weights: &Packed,
        start: Start<'_>,
        relu: bool,
        out: &mut [f32],
        out_border: usize,
        rows: std::ops::Range<usize>,
    ) {
        let line = (self.width + 2 * border) * self.cin;
        let skip = border - self.pad;
        let walk = Walk {
            height: rows.len(),
            width: self.out_width(),
            tap_row: line,
            in_row: self.stride * line,
            in_step: self.stride * self.cin,
            out_row: (self.out_width() + 2 * out_border) * self.cout,
            out_step: self.cout,
        };
        let input = &input[(skip + rows.start * self.stride) * line + skip * self.cin..];
        correlate(arch, walk, input, weights, start, relu, &mut out[out_border * self.cout..]);
    }

    fn reach(&self, residue: usize) -> Reach {
        let position = residue + self.pad;
        let taps: Vec<usize> =
            (0..self.kernel).rev().filter(|tap| tap % self.stride == position % self.stride).collect();
        let first = taps.first().map_or(0, |&tap| (position as isize - tap as isize).div_euclid(self.stride as isize));
        Reach { taps, first }
    }

    /// How wide a border of zeros the output gradient needs so that every phase's windows stay inside.
    pub(crate) fn gradient_border(&self) -> usize {
        let need = |size: usize, out: usize| {
            (0..self.stride.min(size))
                .map(|residue| {
                    let reach = self.reach(residue);
                    let last = ((size - residue).div_ceil(self.stride) - 1) as isize;
                    let end = last + reach.first + reach.taps.len() as isize - out as isize;
                    end.max(-reach.first).max(0) as usize
                })
                .max()
                .unwrap_or(0)
        };
        need(self.height, self.out_height()).max(need(self.width, self.out_width()))
    }

    /// Weights for [`Self::input_gradient`].
    pub(crate) fn pack_transposed(&self, weight: &[f32]) -> Vec<Phase> {
        let k2 = self.kernel * self.kernel;
        let mut phases = Vec::new();
        for row in 0..self.stride.min(self.height) {
            for col in 0..self.stride.min(self.width) {
                let (rows, cols) = (self.reach(row), self.reach(col));
                let run = cols.taps.len() * self.cout;
                let weights = Packed::new(rows.taps.len(), run, self.cin, |r, k, ci| {
                    let (tap, co) = (cols.taps[k / self.cout], k % self.cout);
                    weight[(co * self.cin + ci) * k2 + rows.taps[r] * self.kernel + tap]
                });
                phases.push(Phase { row, col, first_row: rows.first, first_col: cols.first, weights });
            }
        }
        phases
    }

    /// The gradient for one image without a border; `gradient` has a border of [`Self::gradient_border`] zero pixels.
    pub(crate) fn input_gradient(
        &self,
        arch: Arch,
        gradient: &[f32],
        phases: &[Phase],
        accumulate: bool,
        out: &mut [f32],
    ) {
        let border = self.gradient_border();
        let line = (self.out_width() + 2 * border) * self.cout;
        let covered = phases.iter().all(|phase| !phase.weights.is_empty());
        if !accumulate && !covered {
            out.fill(0.0);
        }
        for phase in phases {
            let walk = Walk {
                height: (self.height - phase.row).div_ceil(self.stride),
                width: (self.width - phase.col).div_ceil(self.stride),
                tap_row: line,
                in_row: line,
                in_step: self.cout,
                out_row: self.stride * self.width * self.cin,
                out_step: self.stride * self.cin,
            };
            let top = border.wrapping_add_signed(phase.first_row);
            let left = border.wrapping_add_signed(phase.first_col);
            let start = if accumulate { Start::Output } else { Start::Zero };
            let out = &mut out[(phase.row * self.width + phase.col) * self.cin..];
            correlate(arch, walk, &gradient[top * line + left * self.cout..], &phase.weights, start, false, out);
        }
    }

    /// Adds one image's weight gradient to the packed sum `[kernel, kernel * cin, padded cout]`; the gradient is stored as
    /// for [`Self::input_gradient`], the input as for [`Self::forward`].
    pub(crate) fn weight_gradient(&self, arch: Arch, input: &[f32], border: usize, gradient: &[f32], sum: &mut [f32]) {
        let line = (self.width + 2 * border) * self.cin;
        let skip = border - self.pad;
        let gradient_border = self.gradient_border();
        let gradient_line = (self.out_width() + 2 * gradient_border) * self.cout;
        let walk = OuterWalk {
            height: self.out_height(),
            width: self.out_width(),
            rows: self.kernel,
            tap_row: line,
            run: self.kernel * self.cin,
            in_row: self.stride * line,
            in_step: self.stride * self.cin,
            out_row: gradient_line,
            channels: self.cout,
        };
        let gradient = &gradient[gradient_border * gradient_line + gradient_border * self.cout..];
        outer(arch, walk, &input[skip * line + skip * self.cin..], gradient, sum);
    }

    /// Turns a packed weight gradient into `[cout, cin, kernel, kernel]`.
    pub(crate) fn unpack(&self, sum: &[f32], weight: &mut [f32]) {
        let padded = padded_channels(self.cout);
        let k2 = self.kernel * self.kernel;
        for tap in 0..k2 {
            for ci in 0..self.cin {
                let row = &sum[(tap * self.cin + ci) * padded..][..self.cout];
                for (co, &value) in row.iter().enumerate() {
                    weight[(co * self.cin + ci) * k2 + tap] = value;
                }
            }
        }
    }
}

/// Writes an image into `target` with a border of `border` zero pixels; `fill(y, row)` writes the inside of row `y`.
pub(crate) fn bordered(
    target: &mut [f32],
    height: usize,
    width: usize,
    channels: usize,
    border: usize,
    mut fill: impl FnMut(usize, &mut [f32]),
) {
    let line = (width + 2 * border) * channels;
    let side = border * channels;
    target[..border * line].fill(0.0);
    for y in 0..height {
        let row = &mut target[(border + y) * line..][..line];
        row[..side].fill(0.0);
        fill(y, &mut row[side..side + width * channels]);
        row[side + width * channels..].fill(0.0);
    }
    target[(border + height) * line..][..border * line].fill(0.0);
}
