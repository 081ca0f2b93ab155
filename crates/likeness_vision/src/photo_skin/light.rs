//! The light on a face, from how its brightness follows the surface's direction.
//!
//! Diffuse light from far lamps is a smooth function of the normal: spherical harmonics up to the second order hold 98 % of
//! it (Ramamoorthi and Hanrahan 2001). They are fitted to what is seen of the skin; what they cannot explain is the skin's own.

use glam::Vec3;
use likeness_rig::linear::Cholesky;

const TERMS: usize = 9;
/// How hard each term is held at nothing, over the number of samples: the mean is free, and a beard or a shadow should not
/// pass for light.
const RIDGE: [f64; TERMS] = [1e-6, 0.01, 0.01, 0.01, 0.06, 0.06, 0.06, 0.06, 0.06];
/// Rounds of weighing down what does not fit.
const ROUNDS: usize = 6;
/// The least light over the middle one: darker places would be brightened to noise.
const LEAST: f32 = 0.3;

/// What each of three channels gets of light, by the surface's direction.
#[derive(Clone, Debug)]
pub(super) struct Light {
    terms: [[f32; TERMS]; 3],
    least: [f32; 3],
}

/// The brightness of a place of the skin and the direction that it faces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) normal: Vec3,
    /// Linear RGB.
    pub(super) color: [f32; 3],
}

impl Light {
    /// The light that explains the samples best if all skin has one colour, which stays in it. `None` for fewer samples than
    /// there are unknowns.
    pub(super) fn fit(samples: &[Sample]) -> Option<Self> {
        if samples.len() < 4 * TERMS {
            return None;
        }
        let bases: Vec<[f64; TERMS]> = samples.iter().map(|sample| basis(sample.normal).map(f64::from)).collect();
        let mut terms = [[0.0; TERMS]; 3];
        let mut least = [0.0; 3];
        for channel in 0..3 {
            let values: Vec<f64> = samples.iter().map(|sample| f64::from(sample.color[channel])).collect();
            terms[channel] = robust(&bases, &values)?;
            let shades = samples.iter().map(|sample| dot(&terms[channel], &basis(sample.normal)));
            least[channel] = (LEAST * median(shades.collect())).max(1e-3);
        }
        Some(Self { terms, least })
    }

    /// The colour of plain skin that faces there, linear RGB.
    pub(super) fn on(&self, normal: Vec3) -> [f32; 3] {
        let basis = basis(normal);
        std::array::from_fn(|channel| dot(&self.terms[channel], &basis).max(self.least[channel]))
    }
}

/// Least squares in which a sample counts the less, the worse it fits (Tukey's weights).
fn robust(bases: &[[f64; TERMS]], values: &[f64]) -> Option<[f32; TERMS]> {
    let mut weights = vec![1.0; values.len()];
    let mut terms = [0.0; TERMS];
    for _ in 0..ROUNDS {
        let total: f64 = weights.iter().sum();
        let mut matrix = vec![0.0; TERMS * TERMS];
        let mut right = [0.0; TERMS];
        for ((basis, value), weight) in bases.iter().zip(values).zip(&weights) {
            for row in 0..TERMS {
                right[row] += weight * basis[row] * value;
                for column in 0..=row {
                    matrix[row * TERMS + column] += weight * basis[row] * basis[column];
                }
            }
        }
        for (place, ridge) in RIDGE.iter().enumerate() {
            matrix[place * TERMS + place] += ridge * total.max(1.0);
        }
        let solved = Cholesky::new(matrix, TERMS)?.solve(&right);
        terms.copy_from_slice(&solved);
        let residuals: Vec<f64> = bases
            .iter()
            .zip(values)
            .map(|(basis, value)| value - basis.iter().zip(&terms).map(|(a, b)| a * b).sum::<f64>())
            .collect();
        let scale = 4.685 * 1.4826 * f64::from(median(residuals.iter().map(|each| each.abs() as f32).collect()));
        for (weight, residual) in weights.iter_mut().zip(&residuals) {
            let part = residual / scale.max(1e-6);
            *weight = if part.abs() < 1.0 { (1.0 - part * part).powi(2) } else { 0.0 };
        }
    }
    Some(terms.map(|term| term as f32))
}

fn dot(terms: &[f32; TERMS], basis: &[f32; TERMS]) -> f32 {
    terms.iter().zip(basis).map(|(term, base)| term * base).sum()
}

/// Real spherical harmonics without their factors.
fn basis(normal: Vec3) -> [f32; TERMS] {
    let Vec3 { x, y, z } = normal;
    [1.0, x, y, z, x * y, y * z, x * z, x * x - y * y, 3.0 * z * z - 1.0]
}

/// The middle value; 0 of none.
pub(super) fn median(mut values: Vec<f32>) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// Directions over the half of a sphere that a camera sees.
    fn directions() -> Vec<Vec3> {
        let grid = (-9..=9).flat_map(|x| (-9..=9).map(move |y| (x as f32 / 10.0, y as f32 / 10.0)));
        grid.filter(|(x, y)| x * x + y * y < 0.9).map(|(x, y)| Vec3::new(x, y, (1.0 - x * x - y * y).sqrt())).collect()
    }

    #[test]
    fn light_from_one_side_is_found_though_a_part_is_painted_dark() {
        let lamp = Vec3::new(0.6, 0.4, 0.7).normalize();
        let lit = |normal: Vec3| 0.2 + 0.5 * normal.dot(lamp).max(0.0);
        let samples: Vec<Sample> = directions()
            .into_iter()
            .enumerate()
            .map(|(index, normal)| {
                let paint = if index % 8 == 0 { 0.2 } else { 1.0 };
                Sample { normal, color: [lit(normal) * paint, lit(normal) * 0.6 * paint, 0.3 * paint] }
            })
            .collect();
        let light = Light::fit(&samples).unwrap();
        let worst = |channel: usize, expected: &dyn Fn(Vec3) -> f32| {
            directions().into_iter().map(|n| (light.on(n)[channel] / expected(n) - 1.0).abs()).fold(0.0, f32::max)
        };
        assert!(worst(0, &lit) < 0.3, "{}", worst(0, &lit));
        assert!(worst(2, &|_| 0.3) < 0.03, "{}", worst(2, &|_| 0.3));
        let (toward, away) = (light.on(lamp)[0], light.on(Vec3::new(-0.8, -0.3, 0.5).normalize())[0]);
        assert!(toward > 2.0 * away, "{toward} {away}");
    }

    #[test]
    fn few_samples_tell_nothing_and_darkness_stays_finite() {
        assert!(Light::fit(&[Sample { normal: Vec3::Z, color: [0.5; 3] }; 8]).is_none());
        let dark: Vec<Sample> = directions().into_iter().map(|normal| Sample { normal, color: [0.0; 3] }).collect();
        assert!(Light::fit(&dark).unwrap().on(Vec3::Z).iter().all(|shade| *shade > 0.0));
    }
}
