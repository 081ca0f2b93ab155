//! The prior: how the parameters of natural heads are spread.

use crate::linear::{Square, cholesky, eigen};

/// Mean and factor of the population's parameters.
pub struct Spread {
    /// Mean by parameter.
    pub mean: Vec<f64>,
    /// Parameters by components, row by row; the covariance is `factor * factor^T`.
    pub factor: Vec<f64>,
    /// Components.
    pub rank: usize,
    /// Share of the vertices' variance that the components keep.
    pub kept: f64,
}

/// Principal components of `samples` in the metric of the vertices' movement: `motion` is the Gram matrix of the
/// parameters' first-order moves. The factor is the regression of the parameters on the component scores, so no
/// direction that hardly moves a vertex is blown up.
pub fn spread(samples: &[Vec<f64>], motion: &Square, rank: usize) -> Spread {
    let p = motion.size;
    let n = samples.len() as f64;
    let mut mean = vec![0.0; p];
    for sample in samples {
        for (sum, value) in mean.iter_mut().zip(sample) {
            *sum += value / n;
        }
    }
    let mut covariance = Square::zeros(p);
    for sample in samples {
        let centred: Vec<f64> = sample.iter().zip(&mean).map(|(value, mean)| value - mean).collect();
        for row in 0..p {
            let factor = centred[row] / n;
            let entries = &mut covariance.entries[row * p..row * p + row + 1];
            for (entry, value) in entries.iter_mut().zip(&centred) {
                *entry += factor * value;
            }
        }
    }
    covariance.mirror_lower();
    let lower = cholesky(motion);
    let half = multiply(&covariance, &lower);
    let mut inner = multiply(&transpose(&lower), &half);
    for row in 0..p {
        for column in 0..row {
            let both = (inner.at(row, column) + inner.at(column, row)) / 2.0;
            *inner.at_mut(row, column) = both;
            *inner.at_mut(column, row) = both;
        }
    }
    let (values, vectors) = eigen(&inner);
    let rank = rank.min(p);
    let total: f64 = values.iter().map(|value| value.max(0.0)).sum();
    let kept: f64 = values[..rank].iter().map(|value| value.max(0.0)).sum();
    let mut factor = vec![0.0; p * rank];
    for k in 0..rank {
        let scale = values[k].max(1e-30).sqrt();
        // A component's sign is arbitrary: make its largest share positive.
        let column: Vec<f64> = (0..p)
            .map(|row| {
                half.entries[row * p..(row + 1) * p].iter().zip(&vectors[k]).map(|(a, b)| a * b).sum::<f64>() / scale
            })
            .collect();
        let largest = column.iter().copied().fold(0.0f64, |best, x| if x.abs() > best.abs() { x } else { best });
        for row in 0..p {
            factor[row * rank + k] = column[row] * largest.signum();
        }
    }
    Spread { mean, factor, rank, kept: kept / total.max(1e-300) }
}

fn transpose(matrix: &Square) -> Square {
    let mut out = Square::zeros(matrix.size);
    for row in 0..matrix.size {
        for column in 0..matrix.size {
            *out.at_mut(column, row) = matrix.at(row, column);
        }
    }
    out
}

fn multiply(a: &Square, b: &Square) -> Square {
    let n = a.size;
    let mut out = Square::zeros(n);
    for row in 0..n {
        for inner in 0..n {
            let factor = a.at(row, inner);
            if factor != 0.0 {
                let line = &mut out.entries[row * n..(row + 1) * n];
                for (entry, value) in line.iter_mut().zip(&b.entries[inner * n..(inner + 1) * n]) {
                    *entry += factor * value;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_rank_gives_the_covariance_back() {
        let samples: Vec<Vec<f64>> = (0..50)
            .map(|i| {
                let (a, b) = (f64::from(i % 7) - 3.0, f64::from(i * i % 11) - 5.0);
                vec![a, 0.5 * a + b, b - 0.2 * a]
            })
            .collect();
        let mut motion = Square::zeros(3);
        for i in 0..3 {
            *motion.at_mut(i, i) = 1.0 + i as f64;
        }
        let spread = spread(&samples, &motion, 2);
        assert!((spread.kept - 1.0).abs() < 1e-9);
        let n = samples.len() as f64;
        for i in 0..3 {
            for j in 0..3 {
                let want: f64 =
                    samples.iter().map(|s| (s[i] - spread.mean[i]) * (s[j] - spread.mean[j])).sum::<f64>() / n;
                let got: f64 = (0..2).map(|k| spread.factor[i * 2 + k] * spread.factor[j * 2 + k]).sum();
                assert!((want - got).abs() < 1e-8);
            }
        }
    }
}
