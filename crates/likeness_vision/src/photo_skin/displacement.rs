//! Displacements that are known at scattered points of the plane, everywhere between.

use glam::Vec2;
use likeness_rig::linear::Cholesky;

/// A smooth field of displacements that fades to nothing away from where any is known: the mean of a Gaussian process with
/// the Matern kernel of order 3/2.
#[derive(Debug)]
pub(super) struct DisplacementField {
    known: Vec<(Vec2, Vec2)>,
    reach: f32,
}

impl DisplacementField {
    /// The field that passes by `displacements` at `points`, up to their `noise` (a standard deviation over that of the
    /// displacements, one a point). `reach` is the distance over which displacements are alike.
    pub(super) fn new(points: &[Vec2], displacements: &[Vec2], noise: &[f32], reach: f32) -> Self {
        let count = points.len();
        let mut matrix = vec![0.0; count * count];
        for row in 0..count {
            for column in 0..=row {
                matrix[row * count + column] = f64::from(kernel(points[row].distance(points[column]) / reach));
            }
            // Never quite nothing, so that points which fall together can be told apart.
            matrix[row * count + row] += f64::from(noise[row].max(1e-3).powi(2));
        }
        let Some(factor) = Cholesky::new(matrix, count) else {
            return Self { known: Vec::new(), reach };
        };
        let axis = |value: fn(&Vec2) -> f32| {
            factor.solve(&displacements.iter().map(|each| f64::from(value(each))).collect::<Vec<_>>())
        };
        let (x, y) = (axis(|each| each.x), axis(|each| each.y));
        let weights = x.into_iter().zip(y).map(|(x, y)| Vec2::new(x as f32, y as f32));
        Self { known: points.iter().copied().zip(weights).collect(), reach }
    }

    /// The displacement at a point.
    pub(super) fn at(&self, point: Vec2) -> Vec2 {
        self.known.iter().map(|(known, weight)| *weight * kernel(known.distance(point) / self.reach)).sum()
    }
}

fn kernel(distance: f32) -> f32 {
    let scaled = 3f32.sqrt() * distance;
    (1.0 + scaled) * (-scaled).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_kept_and_far_away_nothing_moves() {
        let points = [Vec2::ZERO, Vec2::new(1.0, 0.0), Vec2::new(0.3, 0.8)];
        let displacements = [Vec2::new(0.2, 0.0), Vec2::new(-0.1, 0.3), Vec2::new(0.0, -0.2)];
        let exact = DisplacementField::new(&points, &displacements, &[0.0; 3], 0.5);
        for (point, displacement) in points.iter().zip(&displacements) {
            assert!(exact.at(*point).distance(*displacement) < 1e-3, "{point}");
        }
        assert!(exact.at(Vec2::splat(20.0)).length() < 1e-6);
        let loose = DisplacementField::new(&points, &displacements, &[3.0; 3], 0.5);
        assert!(loose.at(points[1]).length() < 0.1, "noise is not followed");
    }

    #[test]
    fn points_that_fall_together_are_averaged() {
        let field = DisplacementField::new(&[Vec2::ZERO; 2], &[Vec2::X, Vec2::Y], &[0.1; 2], 1.0);
        assert!(field.at(Vec2::ZERO).distance(Vec2::splat(0.5)) < 0.01);
    }
}
