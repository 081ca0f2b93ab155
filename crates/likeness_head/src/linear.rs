//! The little dense linear algebra that the builder needs, in double precision.

/// A square matrix, row by row.
#[derive(Clone, Debug)]
pub struct Square {
    /// Rows (and columns).
    pub size: usize,
    /// The entries, row by row.
    pub entries: Vec<f64>,
}

impl Square {
    /// All zeros.
    pub fn zeros(size: usize) -> Self {
        Self { size, entries: vec![0.0; size * size] }
    }

    /// One entry.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.entries[row * self.size + column]
    }

    /// One entry, to be written.
    pub fn at_mut(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.entries[row * self.size + column]
    }

    /// Copies the lower triangle over the upper one.
    pub fn mirror_lower(&mut self) {
        for row in 0..self.size {
            for column in 0..row {
                *self.at_mut(column, row) = self.at(row, column);
            }
        }
    }
}

/// The lower Cholesky factor of a symmetric matrix of which only the lower triangle is read. A pivot that is not
/// positive is raised to a tiny positive number, so that a semidefinite matrix passes.
pub fn cholesky(matrix: &Square) -> Square {
    let n = matrix.size;
    let mut factor = Square::zeros(n);
    let largest = (0..n).map(|i| matrix.at(i, i)).fold(1e-300, f64::max);
    for row in 0..n {
        for column in 0..=row {
            let (a, b) = (&factor.entries[row * n..row * n + column], &factor.entries[column * n..column * n + column]);
            let sum = matrix.at(row, column) - dot(a, b);
            *factor.at_mut(row, column) =
                if row == column { sum.max(largest * 1e-14).sqrt() } else { sum / factor.at(column, column) };
        }
    }
    factor
}

/// Solves `L L^T x = b` in place, given the lower factor.
pub fn cholesky_solve(factor: &Square, vector: &mut [f64]) {
    let n = factor.size;
    for row in 0..n {
        let sum = dot(&factor.entries[row * n..row * n + row], &vector[..row]);
        vector[row] = (vector[row] - sum) / factor.at(row, row);
    }
    for row in (0..n).rev() {
        vector[row] /= factor.at(row, row);
        let value = vector[row];
        for (entry, factor) in vector[..row].iter_mut().zip(&factor.entries[row * n..]) {
            *entry -= factor * value;
        }
    }
}

/// Sum of products.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (mut left, mut right) = (a.chunks_exact(4), b.chunks_exact(4));
    for (x, y) in (&mut left).zip(&mut right) {
        for k in 0..4 {
            sums[k] += x[k] * y[k];
        }
    }
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    sums[0] + sums[1] + sums[2] + sums[3] + rest
}

/// Eigenvalues (falling) and eigenvectors (rows of the second result) of a symmetric matrix by cyclic Jacobi rotations.
pub fn eigen(matrix: &Square) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = matrix.size;
    let mut a = matrix.clone();
    let mut v = Square::zeros(n);
    for i in 0..n {
        *v.at_mut(i, i) = 1.0;
    }
    let total: f64 = (0..n).map(|i| a.at(i, i).abs()).sum::<f64>().max(1e-300);
    for _ in 0..60 {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a.at(i, j).powi(2)).sum();
        if off.sqrt() < 1e-13 * total {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let apq = a.at(p, q);
                if apq.abs() < 1e-18 * total {
                    continue;
                }
                let theta = (a.at(q, q) - a.at(p, p)) / (2.0 * apq);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                rotate_rows(&mut a, p, q, c, s);
                for k in 0..n {
                    let (x, y) = (a.at(k, p), a.at(k, q));
                    *a.at_mut(k, p) = c * x - s * y;
                    *a.at_mut(k, q) = s * x + c * y;
                }
                rotate_rows(&mut v, p, q, c, s);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a.at(j, j).total_cmp(&a.at(i, i)).then(i.cmp(&j)));
    let values = order.iter().map(|&i| a.at(i, i)).collect();
    let vectors = order.iter().map(|&i| v.entries[i * n..(i + 1) * n].to_vec()).collect();
    (values, vectors)
}

fn rotate_rows(matrix: &mut Square, p: usize, q: usize, c: f64, s: f64) {
    let n = matrix.size;
    let (head, tail) = matrix.entries.split_at_mut(q * n);
    for (x, y) in head[p * n..(p + 1) * n].iter_mut().zip(&mut tail[..n]) {
        let (old_x, old_y) = (*x, *y);
        *x = c * old_x - s * old_y;
        *y = s * old_x + c * old_y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Square {
        let mut m = Square::zeros(5);
        for i in 0..5 {
            for j in 0..5 {
                *m.at_mut(i, j) = 1.0 / (1.0 + i as f64 + j as f64) + if i == j { 1.0 } else { 0.0 };
            }
        }
        m
    }

    #[test]
    fn cholesky_solves() {
        let m = sample();
        let want = [1.0, -2.0, 0.5, 3.0, -1.0];
        let mut x: Vec<f64> = (0..5).map(|i| dot(&m.entries[i * 5..i * 5 + 5], &want)).collect();
        cholesky_solve(&cholesky(&m), &mut x);
        for (got, want) in x.iter().zip(want) {
            assert!((got - want).abs() < 1e-10);
        }
    }

    #[test]
    fn eigenvectors_reproduce_the_matrix() {
        let m = sample();
        let (values, vectors) = eigen(&m);
        assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
        for i in 0..5 {
            for j in 0..5 {
                let sum: f64 = (0..5).map(|k| values[k] * vectors[k][i] * vectors[k][j]).sum();
                assert!((sum - m.at(i, j)).abs() < 1e-10);
            }
        }
    }
}
