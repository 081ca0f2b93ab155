//! Small dense linear algebra: the Cholesky factor of a normal matrix.

/// The factor L of a symmetric positive definite matrix `A = L * L^T`.
#[derive(Clone, Debug)]
pub struct Cholesky {
    lower: Vec<f64>,
    size: usize,
}

impl Cholesky {
    /// Factorises a row-major `size` x `size` matrix of which only the lower triangle is read. `None` when it is not
    /// positive definite or not finite.
    pub fn new(mut matrix: Vec<f64>, size: usize) -> Option<Self> {
        for i in 0..size {
            let (above, row) = matrix.split_at_mut(i * size);
            for j in 0..i {
                let other = &above[j * size..j * size + j + 1];
                let sum: f64 = row[..j].iter().zip(other).map(|(a, b)| a * b).sum();
                row[j] = (row[j] - sum) / other[j];
            }
            let sum: f64 = row[..i].iter().map(|value| value * value).sum();
            let square = row[i] - sum;
            if square.is_nan() || square <= 0.0 || square.is_infinite() {
                return None;
            }
            row[i] = square.sqrt();
        }
        Some(Self { lower: matrix, size })
    }

    /// Solves `A * x = right`.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let size = self.size;
        let mut x = right.to_vec();
        for i in 0..size {
            let sum: f64 = (0..i).map(|j| self.lower[i * size + j] * x[j]).sum();
            x[i] = (x[i] - sum) / self.lower[i * size + i];
        }
        for i in (0..size).rev() {
            let sum: f64 = (i + 1..size).map(|j| self.lower[j * size + i] * x[j]).sum();
            x[i] = (x[i] - sum) / self.lower[i * size + i];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_system_is_solved() {
        let matrix = vec![4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 0.6, 1.0, 3.0];
        let x = Cholesky::new(matrix, 3).unwrap().solve(&[1.0, 2.0, 3.0]);
        let rows = [[4.0, 2.0, 0.6], [2.0, 5.0, 1.0], [0.6, 1.0, 3.0]];
        for (row, right) in rows.iter().zip([1.0, 2.0, 3.0]) {
            let sum: f64 = row.iter().zip(&x).map(|(a, b)| a * b).sum();
            assert!((sum - right).abs() < 1e-12);
        }
    }

    #[test]
    fn other_matrices_have_no_factor() {
        assert!(Cholesky::new(vec![1.0, 0.0, 2.0, 1.0], 2).is_none(), "not positive definite");
        assert!(Cholesky::new(vec![f64::NAN], 1).is_none());
    }
}
