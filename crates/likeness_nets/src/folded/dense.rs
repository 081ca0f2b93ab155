//! Fully connected layers for a few rows at a time, where reading the weights is all the work.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::error::Result;
use crate::linear::Dense;

/// Weights read by one task, at least: below this a layer is not worth spreading.
const TASK: usize = 1 << 16;

/// Weights `[outputs, inputs]`, bias, and whether a ReLU follows.
#[derive(Debug)]
pub(super) struct FoldedDense {
    weight: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
    relu: bool,
}

impl FoldedDense {
    pub(super) fn new(dense: &Dense) -> Result<Self> {
        let (weight, bias) = dense.tensors();
        let (_, inputs) = weight.dims2()?;
        let weight = weight.flatten_all()?.to_vec1::<f32>()?;
        Ok(Self { weight, bias: bias.to_vec1::<f32>()?, inputs, relu: dense.is_relu() })
    }

    /// `[batch, inputs]` to `[batch, outputs]`.
    pub(super) fn forward(&self, input: &[f32], batch: usize) -> Vec<f32> {
        let arch = Arch::new();
        let outputs = self.bias.len();
        // Computed as [outputs, batch], so that each task reads its weights once for the whole batch.
        let mut columns = vec![0.0; outputs * batch];
        let rows = TASK.div_ceil(self.inputs);
        let task = |(index, columns): (usize, &mut [f32])| {
            for (row, column) in columns.chunks_exact_mut(batch).enumerate() {
                let output = index * rows + row;
                let weight = &self.weight[output * self.inputs..][..self.inputs];
                for (value, input) in column.iter_mut().zip(input.chunks_exact(self.inputs)) {
                    let sum = self.bias[output] + arch.dispatch(Dot { a: weight, b: input });
                    *value = if self.relu { sum.max(0.0) } else { sum };
                }
            }
        };
        if rows >= outputs {
            columns.chunks_mut(rows * batch).enumerate().for_each(task);
        } else {
            columns.par_chunks_mut(rows * batch).enumerate().for_each(task);
        }
        if batch == 1 {
            return columns;
        }
        (0..batch * outputs).map(|i| columns[(i % outputs) * batch + i / outputs]).collect()
    }
}

struct Dot<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl WithSimd for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (a, a_rest) = S::as_simd_f32s(self.a);
        let (b, b_rest) = S::as_simd_f32s(self.b);
        let mut sums = [simd.splat_f32s(0.0); 4];
        let (a4, a) = a.as_chunks::<4>();
        let (b4, b) = b.as_chunks::<4>();
        for (a, b) in a4.iter().zip(b4) {
            for i in 0..4 {
                sums[i] = simd.mul_add_e_f32s(a[i], b[i], sums[i]);
            }
        }
        for (&a, &b) in a.iter().zip(b) {
            sums[0] = simd.mul_add_e_f32s(a, b, sums[0]);
        }
        let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
        simd.reduce_sum_f32s(sum) + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
    }
}
