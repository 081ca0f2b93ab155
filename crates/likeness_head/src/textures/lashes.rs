//! The lashes: single hairs on the strips round the lids.

use glam::{Vec2, Vec3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{bake::Texel, face::Face, noise::ramp};

/// Pieces that a strip's tips are measured in.
const STEPS: usize = 24;

/// The strip of one lid.
pub struct Strip {
    rim: Vec<[Vec3; 2]>,
    /// From the right to the left end along the lid, millimetres.
    low: f32,
    high: f32,
    /// Way from the lid's rim to the strip's edge, along the strip.
    tip: Vec<f32>,
    hairs: Vec<Hair>,
}

struct Hair {
    /// Where it begins, millimetres along the lid, and by how much it leans until its tip.
    root: f32,
    lean: f32,
    /// Millimetres.
    length: f32,
    /// Millimetres at the root.
    width: f32,
}

impl Strip {
    /// Measures a strip by its vertices (millimetres); `rim` holds the edges of both lids' rims.
    pub fn new(points: &[Vec3], rim: &[[Vec3; 2]], upper: bool, seed: u64) -> Self {
        let side = points.iter().map(|p| p.x).sum::<f32>().signum();
        let rim: Vec<[Vec3; 2]> = rim.iter().copied().filter(|edge| edge[0].x * side > 0.0).collect();
        let places: Vec<Vec2> = points.iter().map(|p| place(&rim, *p)).collect();
        let low = places.iter().fold(f32::INFINITY, |low, p| low.min(p.x));
        let high = places.iter().fold(f32::NEG_INFINITY, |high, p| high.max(p.x));
        let width = (high - low).max(1e-3);
        // The outer edge: the mean of the furthest vertices near each place.
        let tip: Vec<f32> = (0..=STEPS)
            .map(|step| {
                let x = low + width * step as f32 / STEPS as f32;
                let mut near: Vec<Vec2> = places.clone();
                near.sort_by(|a, b| (a.x - x).abs().total_cmp(&(b.x - x).abs()));
                near.truncate(9);
                near.sort_by(|a, b| b.y.total_cmp(&a.y));
                near.iter().take(3).map(|p| p.y).sum::<f32>() / 3.0
            })
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = if upper { 120 } else { 70 };
        let hairs = (0..count)
            .map(|i| {
                let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
                let root = 0.04 + 0.92 * (i as f32 + between(-0.7, 0.7)) / count as f32;
                let full = tip_at(&tip, root);
                // From the inner corner (0) to the outer one (1).
                let along = if side > 0.0 { root } else { 1.0 - root };
                let fan = (along - 0.40) * 3.4 + between(-0.7, 0.7);
                let short = 0.55 + 0.45 * ramp(0.0, 0.35, along);
                Hair {
                    root: low + root * width,
                    lean: fan * side,
                    length: full * short * between(0.65, 0.97),
                    width: if upper { between(0.07, 0.115) } else { between(0.045, 0.07) },
                }
            })
            .collect();
        Self { rim, low, high, tip, hairs }
    }

    /// How much of a texel the hairs cover, 0..1; `blur`: half its size in millimetres.
    pub fn cover(&self, texel: &Texel, blur: f32) -> f32 {
        let place = place(&self.rim, texel.point);
        let full = tip_at(&self.tip, (place.x - self.low) / (self.high - self.low).max(1e-3));
        // The edge of the strip must not cut hairs off visibly.
        let inside = ramp(1.08, 0.9, place.y / full.max(0.1));
        let mut bare = 1.0;
        for hair in &self.hairs {
            let t = place.y / hair.length.max(0.1);
            if t > 1.0 {
                continue;
            }
            let middle = hair.root + hair.lean * t * t;
            let thick = hair.width * (1.0 - t * t).max(0.2);
            let soft = thick.max(blur);
            let distance = (place.x - middle).abs();
            bare *= 1.0 - ramp(soft * 1.8, soft * 0.5, distance) * (thick / soft).min(1.0) * ramp(1.0, 0.8, t);
        }
        (1.0 - bare) * inside
    }

    /// Numbers the strips by texture coordinates: right lower, right upper, left lower, left upper lid.
    pub fn index(uv: Vec2) -> usize {
        usize::from(uv.x > 0.5) * 2 + usize::from(uv.y > 0.5)
    }
}

/// Along the lid and away from its rim, millimetres.
fn place(rim: &[[Vec3; 2]], p: Vec3) -> Vec2 {
    let (distance, near) = Face::nearest(rim, p);
    // Beyond the corners the rim has no nearer point: let the hairs there stand apart all the same.
    Vec2::new(near.x + 0.4 * (p.x - near.x), distance)
}

fn tip_at(tip: &[f32], t: f32) -> f32 {
    let at = (t * STEPS as f32).clamp(0.0, STEPS as f32 - 0.001);
    let (k, f) = (at as usize, at.fract());
    tip[k] * (1.0 - f) + tip[k + 1] * f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hairs_have_gaps() {
        let rim: Vec<[Vec3; 2]> = (0..30).map(|i| [i, i + 1].map(|k| Vec3::new(17.0 + k as f32, 4.0, 14.0))).collect();
        let mut points = Vec::new();
        for i in 0..=60 {
            for away in [0.0, 3.0, 6.0] {
                points.push(Vec3::new(17.0 + i as f32 * 0.5, 4.0 + away * 0.4, 14.0 + away));
            }
        }
        let strip = Strip::new(&points, &rim, true, 1);
        let cover: Vec<f32> = (0..300)
            .map(|i| {
                let texel = Texel { point: Vec3::new(22.0 + i as f32 * 0.06, 4.8, 16.0), normal: Vec3::Z, open: 1.0 };
                strip.cover(&texel, 0.03)
            })
            .collect();
        assert!(cover.iter().any(|c| *c > 0.8) && cover.iter().any(|c| *c < 0.2));
    }
}
