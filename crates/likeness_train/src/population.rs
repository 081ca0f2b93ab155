//! Who the photos show: the spread of their faces in the prior's latents, so that renders can show such people too.
//!
//! Photos and renders that show different people can be told apart however alike they look, and a network that must hide the
//! difference (A6) would have to hide who is shown.

use likeness_rig::Prior;

use crate::error::{Result, TrainError};

/// The population that a network saw on photos, as a prior of its own: mean and covariance of its answers, plus the covariance of what its
/// answers leave open, which the renders with their `(answered, preset)` parameters tell. `photos` are answered parameters with the
/// weights of the photos.
///
/// # Errors
/// Fewer than two photos or renders.
pub fn population(prior: &Prior, photos: &[(&[f32], f32)], renders: &[(&[f32], &[f32])]) -> Result<Prior> {
    if photos.len() < 2 || renders.len() < 2 {
        return Err(TrainError::Data {
            path: "population".into(),
            field: "photos, renders".into(),
            problem: format!("{} and {}: at least two of each are needed", photos.len(), renders.len()),
        });
    }
    let k = prior.rank;
    let seen: Vec<(Vec<f32>, f64)> =
        photos.iter().map(|(face, weight)| (prior.parameters_to_latents(face), f64::from(*weight))).collect();
    let open: Vec<(Vec<f32>, f64)> = renders
        .iter()
        .map(|(answered, preset)| {
            let (answered, preset) = (prior.parameters_to_latents(answered), prior.parameters_to_latents(preset));
            (answered.iter().zip(&preset).map(|(a, b)| b - a).collect(), 1.0)
        })
        .collect();
    let mean = mean(&seen, k);
    let mut covariance = covariance(&seen, &mean);
    // What the network leaves open has no mean worth keeping.
    for (sum, part) in covariance.iter_mut().zip(self::covariance(&open, &vec![0.0; k])) {
        *sum += part;
    }
    let lower = cholesky(covariance, k);
    let factor = prior
        .factor
        .chunks_exact(k.max(1))
        .flat_map(|row| {
            let lower = &lower;
            (0..k).map(move |j| (j..k).map(|i| f64::from(row[i]) * lower[i * k + j]).sum::<f64>() as f32)
        })
        .collect();
    let mean: Vec<f32> = mean.iter().map(|value| *value as f32).collect();
    Ok(Prior { mean: prior.latent_to_parameters(&mean), factor, ..prior.clone() })
}

fn mean(rows: &[(Vec<f32>, f64)], k: usize) -> Vec<f64> {
    let total: f64 = rows.iter().map(|(_, weight)| weight).sum();
    (0..k).map(|i| rows.iter().map(|(row, weight)| weight * f64::from(row[i])).sum::<f64>() / total).collect()
}

fn covariance(rows: &[(Vec<f32>, f64)], mean: &[f64]) -> Vec<f64> {
    let k = mean.len();
    let total: f64 = rows.iter().map(|(_, weight)| weight).sum();
    let mut sums = vec![0.0; k * k];
    for (row, weight) in rows {
        let centred: Vec<f64> = row.iter().zip(mean).map(|(value, mean)| f64::from(*value) - mean).collect();
        for (line, value) in sums.chunks_exact_mut(k).zip(&centred) {
            for (sum, other) in line.iter_mut().zip(&centred) {
                *sum += weight / total * value * other;
            }
        }
    }
    sums
}

/// Least variance of a latent.
const LEAST: f64 = 1e-4;

/// The lower factor of a symmetric matrix `[k, k]`; a direction without variance gets the least.
fn cholesky(mut matrix: Vec<f64>, k: usize) -> Vec<f64> {
    for i in 0..k {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|m| matrix[i * k + m] * matrix[j * k + m]).sum();
            let rest = matrix[i * k + j] - sum;
            matrix[i * k + j] = if i == j { rest.max(LEAST).sqrt() } else { rest / matrix[j * k + j] };
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::head::Head;

    fn spread(prior: &Prior, faces: &[Vec<f32>]) -> (Vec<f64>, Vec<f64>) {
        let rows: Vec<_> = faces.iter().map(|face| (prior.parameters_to_latents(face), 1.0)).collect();
        let mean = mean(&rows, prior.rank);
        let variances = covariance(&rows, &mean);
        (mean, (0..prior.rank).map(|i| variances[i * prior.rank + i]).collect())
    }

    #[test]
    fn a_network_that_shrinks_its_answers_still_tells_the_population() {
        let prior = Head::load(&Head::default_rig()).unwrap().prior;
        let (k, mut rng) = (prior.rank, ChaCha8Rng::seed_from_u64(1));
        // The best answers of a network that sees half of every latent's variance: what they leave open is the other half. The photos'
        // people are shifted in the first latent.
        let other: Vec<Vec<f32>> = (0..1200).map(|_| prior.parameters_to_latents(&prior.sample(&mut rng))).collect();
        let shrunk = |face: &[f32], noise: &[f32], shift: f32| {
            let mut latents = prior.parameters_to_latents(face);
            latents.iter_mut().zip(noise).for_each(|(value, noise)| *value = 0.5 * (*value + noise));
            latents[0] += shift;
            prior.latent_to_parameters(&latents)
        };
        let presets: Vec<Vec<f32>> = (0..600).map(|_| prior.sample(&mut rng)).collect();
        let answers: Vec<Vec<f32>> = presets.iter().zip(&other).map(|(face, noise)| shrunk(face, noise, 0.0)).collect();
        let seen: Vec<Vec<f32>> =
            other[600..].iter().map(|noise| shrunk(&prior.sample(&mut rng), noise, 0.5)).collect();
        let photos: Vec<(&[f32], f32)> = seen.iter().map(|face| (face.as_slice(), 0.7)).collect();
        let renders: Vec<(&[f32], &[f32])> =
            answers.iter().zip(&presets).map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        let found = population(&prior, &photos, &renders).unwrap();
        let faces: Vec<Vec<f32>> = (0..600).map(|_| found.sample(&mut rng)).collect();
        let (mean, variances) = spread(&prior, &faces);
        let (_, of_prior) = spread(&prior, &presets);
        assert!((mean[0] - 0.5).abs() < 0.15, "{mean:?}");
        for i in 0..k {
            let part = variances[i] / of_prior[i];
            assert!((0.7..1.3).contains(&part), "{i}: {variances:?} {of_prior:?}");
        }
        assert!(population(&prior, &photos[..1], &renders).is_err());
    }
}
