//! Fully connected layers over a batch: `output = input * weight^T + bias` and its gradients, row-major.
//!
//! Weights stay `[outputs, inputs]` as they are stored: the forward pass multiplies rows by rows, and both gradients are
//! [`correlate`] with the other factor cut into blocks of columns. Sums never depend on the number of threads.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::correlate::{Packed, Start, Walk, blocks, correlate};

/// Inputs that are summed at a time, so that the rows of a tile stay in the first-level cache.
const DEPTH: usize = 1024;

/// Outputs that one task of the forward pass computes.
const OUTPUTS: usize = 16;

/// Columns that one task of the input gradient computes: ten of the widest blocks.
const COLUMNS: usize = 480;

/// Rows that one task of the weight gradient computes.
const ROWS: usize = 32;

/// Sizes of a layer and a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DenseShape {
    pub(crate) batch: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl DenseShape {
    /// `[batch, inputs]` to `[batch, outputs]`; `weight` is `[outputs, inputs]`.
    pub(crate) fn forward(&self, arch: Arch, input: &[f32], weight: &[f32], bias: &[f32], relu: bool) -> Vec<f32> {
        let Self { batch, inputs, outputs } = *self;
        // Computed as [outputs, batch], so that each task writes what lies together.
        let mut columns = vec![0.0; outputs * batch];
        columns.par_chunks_mut((OUTPUTS * batch).max(1)).zip(weight.par_chunks((OUTPUTS * inputs).max(1))).for_each(
            |(columns, weight)| {
                arch.dispatch(RowsByRows { a: weight, b: input, depth: inputs, out: columns, width: batch });
            },
        );
        let mut result = Vec::with_capacity(batch * outputs);
        for row in 0..batch {
            result.extend(columns.chunks_exact(batch).zip(bias).map(|(column, bias)| {
                let value = column[row] + bias;
                if relu { value.max(0.0) } else { value }
            }));
        }
        result
    }

    /// Gradient `[batch, inputs]` of the input from that of the output.
    pub(crate) fn input_gradient(&self, arch: Arch, gradient: &[f32], weight: &[f32]) -> Vec<f32> {
        let Self { batch, inputs, outputs } = *self;
        let parts: Vec<Vec<f32>> = (0..inputs.div_ceil(COLUMNS))
            .into_par_iter()
            .map(|part| {
                let columns = part * COLUMNS..(part * COLUMNS + COLUMNS).min(inputs);
                let packed = pack(weight, inputs, columns.clone());
                let mut out = vec![0.0; batch * columns.len()];
                product(arch, gradient, outputs, &packed, &mut out, columns.len());
                out
            })
            .collect();
        let mut result = Vec::with_capacity(batch * inputs);
        for row in 0..batch {
            for part in &parts {
                let width = part.len() / batch;
                result.extend_from_slice(&part[row * width..][..width]);
            }
        }
        result
    }

    /// Gradient `[outputs, inputs]` of the weight.
    pub(crate) fn weight_gradient(&self, arch: Arch, gradient: &[f32], input: &[f32]) -> Vec<f32> {
        let Self { batch, inputs, outputs } = *self;
        let packed = pack(input, inputs, 0..inputs);
        let mut columns = Vec::with_capacity(gradient.len());
        for output in 0..outputs {
            columns.extend(gradient.iter().skip(output).step_by(outputs));
        }
        let mut result = vec![0.0; outputs * inputs];
        result
            .par_chunks_mut((ROWS * inputs).max(1))
            .zip(columns.par_chunks((ROWS * batch).max(1)))
            .for_each(|(result, columns)| product(arch, columns, batch, &packed, result, inputs));
        result
    }
}

/// Columns of a row-major matrix, cut into the blocks that [`correlate`] reads.
fn pack(matrix: &[f32], width: usize, columns: std::ops::Range<usize>) -> Packed {
    let rows = matrix.len() / width.max(1);
    let mut data = Vec::with_capacity(rows * columns.len().next_multiple_of(super::correlate::LANE_GROUP));
    for (first, block) in blocks(columns.len()) {
        let used = block.min(columns.len() - first);
        for row in matrix.chunks_exact(width) {
            data.extend_from_slice(&row[columns.start + first..][..used]);
            data.resize(data.len() + block - used, 0.0);
        }
    }
    Packed::from_vec(data, 1, rows, columns.len())
}

/// `out = left * right` with `left` `[rows, depth]`.
fn product(arch: Arch, left: &[f32], depth: usize, right: &Packed, out: &mut [f32], width: usize) {
    let rows = out.len() / width.max(1);
    let walk = Walk { height: 1, width: rows, tap_row: 0, in_row: 0, in_step: depth, out_row: 0, out_step: width };
    correlate(arch, walk, left, right, Start::Zero, false, out);
}

/// `out[i, j] = sum over k of a[i, k] * b[j, k]`.
struct RowsByRows<'a> {
    a: &'a [f32],
    b: &'a [f32],
    depth: usize,
    out: &'a mut [f32],
    /// Rows of `b`, and width of `out`.
    width: usize,
}

impl WithSimd for RowsByRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, b, depth, out, width } = self;
        if depth * width == 0 {
            return;
        }
        let height = a.len() / depth;
        assert!(b.len() >= width * depth && out.len() >= height * width);
        out.fill(0.0);
        let mut from = 0;
        while from < depth {
            let len = DEPTH.min(depth - from);
            let tile = RowTile { simd, a: &a[from..], b: &b[from..], depth, len, width };
            let mut i = 0;
            while i < height {
                if height - i >= 4 {
                    tile.row::<4>(i, out);
                    i += 4;
                } else {
                    tile.row::<1>(i, out);
                    i += 1;
                }
            }
            from += len;
        }
    }
}

#[derive(Clone, Copy)]
struct RowTile<'a, S> {
    simd: S,
    a: &'a [f32],
    b: &'a [f32],
    depth: usize,
    len: usize,
    width: usize,
}

impl<S: Simd> RowTile<'_, S> {
    #[inline(always)]
    fn row<const NI: usize>(&self, i: usize, out: &mut [f32]) {
        let mut j = 0;
        while j < self.width {
            let left = self.width - j;
            if S::REGISTER_COUNT >= 32 && left >= 4 {
                self.tile::<NI, 4>(i, j, out);
                j += 4;
            } else if left >= 2 {
                self.tile::<NI, 2>(i, j, out);
                j += 2;
            } else {
                self.tile::<NI, 1>(i, j, out);
                j += 1;
            }
        }
    }

    /// Adds the products of `NI` rows of `a` with `NJ` rows of `b`, over `len` values.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "constant indices keep the sums in registers")]
    fn tile<const NI: usize, const NJ: usize>(&self, i: usize, j: usize, out: &mut [f32]) {
        let Self { simd, a, b, depth, len, width } = *self;
        let mut rows_a: [&[S::f32s]; NI] = [&[]; NI];
        let mut rows_b: [&[S::f32s]; NJ] = [&[]; NJ];
        let mut rests_a: [&[f32]; NI] = [&[]; NI];
        let mut rests_b: [&[f32]; NJ] = [&[]; NJ];
        for p in 0..NI {
            (rows_a[p], rests_a[p]) = S::as_simd_f32s(&a[(i + p) * depth..][..len]);
        }
        for q in 0..NJ {
            (rows_b[q], rests_b[q]) = S::as_simd_f32s(&b[(j + q) * depth..][..len]);
        }
        let mut sum = [[simd.splat_f32s(0.0); NJ]; NI];
        for k in 0..len / S::F32_LANES {
            let mut values = [simd.splat_f32s(0.0); NJ];
            for q in 0..NJ {
                // SAFETY: every row was cut to `len` values, so it has `len / lanes` whole registers.
                values[q] = unsafe { *rows_b[q].get_unchecked(k) };
            }
            for p in 0..NI {
                // SAFETY: as above.
                let value = unsafe { *rows_a[p].get_unchecked(k) };
                for q in 0..NJ {
                    sum[p][q] = simd.mul_add_e_f32s(value, values[q], sum[p][q]);
                }
            }
        }
        for p in 0..NI {
            for q in 0..NJ {
                let rest: f32 = rests_a[p].iter().zip(rests_b[q]).map(|(a, b)| a * b).sum();
                out[(i + p) * width + j + q] += simd.reduce_sum_f32s(sum[p][q]) + rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::correlate::tests::architectures;

    fn noise(len: usize) -> Vec<f32> {
        (0..len).map(|index| ((index * 7919 + 13) % 101) as f32 / 50.0 - 1.0).collect()
    }

    fn assert_close(got: &[f32], expected: impl Iterator<Item = f64>, what: &str) {
        let expected: Vec<f64> = expected.collect();
        assert_eq!(got.len(), expected.len(), "{what}");
        let largest = expected.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
        for (&got, expected) in got.iter().zip(expected) {
            assert!((f64::from(got) - expected).abs() < 1e-5 * largest, "{what}: {got} {expected}");
        }
    }

    #[test]
    fn layers_match_plain_sums_on_every_instruction_set() {
        for (batch, inputs, outputs) in [(1, 1, 1), (3, 37, 5), (6, 1100, 33), (33, 90, 70), (2, 1000, 19)] {
            let shape = DenseShape { batch, inputs, outputs };
            let (input, weight, bias) = (noise(batch * inputs), noise(outputs * inputs), noise(outputs));
            let gradient = noise(batch * outputs);
            let value = |values: &[f32], at: usize| f64::from(values[at]);
            for arch in architectures() {
                let what = format!("{shape:?} {arch:?}");
                let got = shape.forward(arch, &input, &weight, &bias, true);
                let expected = (0..batch * outputs).map(|at| {
                    let (row, output) = (at / outputs, at % outputs);
                    let products =
                        (0..inputs).map(|k| value(&input, row * inputs + k) * value(&weight, output * inputs + k));
                    (products.sum::<f64>() + value(&bias, output)).max(0.0)
                });
                assert_close(&got, expected, &what);
                let got = shape.input_gradient(arch, &gradient, &weight);
                let expected = (0..batch * inputs).map(|at| {
                    let (row, input) = (at / inputs, at % inputs);
                    (0..outputs).map(|k| value(&gradient, row * outputs + k) * value(&weight, k * inputs + input)).sum()
                });
                assert_close(&got, expected, &what);
                let got = shape.weight_gradient(arch, &gradient, &input);
                let expected = (0..outputs * inputs).map(|at| {
                    let (output, column) = (at / inputs, at % inputs);
                    (0..batch)
                        .map(|k| value(&gradient, k * outputs + output) * value(&input, k * inputs + column))
                        .sum()
                });
                assert_close(&got, expected, &what);
            }
        }
    }
}
