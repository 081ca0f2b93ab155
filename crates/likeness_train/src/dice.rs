//! Random numbers that depend on a seed, a purpose and an index only, never on threads or on what was drawn before.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for; two purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The content of one synthetic picture.
    Scene,
    /// The effects put on one synthetic picture after drawing.
    Effects,
    /// One training batch of the landmark network.
    LandmarkBatch,
    /// One training batch of the bone-point network.
    BoneBatch,
    /// One held-out sample.
    HeldOut,
    /// The discriminator of `eval domain`.
    Probe,
    /// Which of people's own faces a synthetic picture shows.
    Preset,
    /// Hair, brows, beard and glasses of a synthetic picture.
    Looks,
    /// Whether a synthetic picture shows somebody of the photos' population.
    Population,
    /// One training batch of the appearance network.
    AppearanceBatch,
    /// The remembered features of one step of the domain network.
    DomainMemory,
    /// Freckles, age, make-up and the like of a synthetic picture.
    Details,
    /// What a synthetic picture's bust wears.
    Clothes,
}

/// A seeded source of random numbers.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream for item `index` of `purpose` under `seed`.
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let tag = (purpose as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ tag);
        rng.set_stream(index);
        Self(rng)
    }

    /// The generator itself, for functions that take one.
    pub fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.0
    }

    /// A number in `low..high`, all equally likely.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// A normally distributed number (Box-Muller).
    pub fn normal(&mut self, mean: f32, deviation: f32) -> f32 {
        let radius = (-2.0 * (1.0 - self.0.random::<f32>()).max(1e-12).ln()).sqrt();
        mean + deviation * radius * (std::f32::consts::TAU * self.0.random::<f32>()).cos()
    }

    /// A normally distributed number around zero, cut at `limit` on both sides.
    pub fn normal_within(&mut self, deviation: f32, limit: f32) -> f32 {
        self.normal(0.0, deviation).clamp(-limit, limit)
    }

    /// Random words.
    pub fn words(&mut self, words: &mut [u32]) {
        self.0.fill(words);
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.0.random::<f32>() < p
    }

    /// A whole number in `0..n`; zero where `n` is zero.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.0.random_range(0..n) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_purpose_and_index_alone() {
        let draw = |seed, purpose, index| Dice::new(seed, purpose, index).uniform(0.0, 1.0);
        assert_eq!(draw(1, Purpose::Scene, 5), draw(1, Purpose::Scene, 5));
        assert_ne!(draw(1, Purpose::Scene, 5), draw(1, Purpose::Scene, 6));
        assert_ne!(draw(1, Purpose::Scene, 5), draw(2, Purpose::Scene, 5));
        assert_ne!(draw(1, Purpose::Scene, 5), draw(1, Purpose::Effects, 5));
    }

    #[test]
    fn normal_numbers_have_their_mean_and_deviation() {
        let mut dice = Dice::new(3, Purpose::Probe, 0);
        let draws: Vec<f32> = (0..20_000).map(|_| dice.normal(2.0, 0.5)).collect();
        let mean = draws.iter().sum::<f32>() / draws.len() as f32;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / draws.len() as f32;
        assert!((mean - 2.0).abs() < 0.02 && (variance.sqrt() - 0.5).abs() < 0.02, "{mean} {variance}");
    }
}
