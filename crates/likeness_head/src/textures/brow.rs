//! The eyebrows: hairs laid along the brow ridges.

use glam::{Vec2, Vec3};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::noise::ramp;

/// How many hairs a brow has.
const HAIRS: usize = 430;
/// Pieces that the line of a brow is measured in.
const STEPS: usize = 64;

/// One brow. Its own coordinates are millimetres along its line from the inner end, and across it, upward.
pub struct Brow {
    line: Vec<Vec3>,
    /// Length along the line up to each of its points.
    along: Vec<f32>,
    hairs: Vec<Hair>,
    low: Vec3,
    high: Vec3,
}

struct Hair {
    points: [Vec2; 5],
    width: f32,
    low: Vec2,
    high: Vec2,
}

/// What a place is in a brow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cover {
    /// Share covered by hairs, 0..1.
    pub hair: f32,
    /// How deep inside the brow, 0..1, whether or not under a hair.
    pub inside: f32,
}

impl Brow {
    /// A brow through five landmarks, inner end first; the hairs depend on `seed`.
    pub fn new(landmarks: &[Vec3; 5], seed: u64) -> Self {
        let mut ends = landmarks.to_vec();
        // The landmarks begin a little outside of where brows do.
        ends.insert(0, landmarks[0] + (landmarks[0] - landmarks[1]).normalize_or_zero() * 3.2 - Vec3::Y * 0.6);
        // They are corners of the mesh: iron the kinks out of the arch.
        let kinked = ends.clone();
        for k in 1..ends.len() - 1 {
            ends[k] = kinked[k] * 0.4 + (kinked[k - 1] + kinked[k + 1]) * 0.3;
        }
        let count = ends.len() - 1;
        let at = |i: i32| ends[i.clamp(0, count as i32) as usize];
        let line: Vec<Vec3> = (0..=STEPS)
            .map(|step| {
                let x = step as f32 / STEPS as f32 * count as f32;
                let i = (x.floor() as i32).min(count as i32 - 1);
                let t = x - i as f32;
                let (a, b, c, d) = (at(i - 1), at(i), at(i + 1), at(i + 2));
                let spline = (b * 2.0
                    + (c - a) * t
                    + (a * 2.0 - b * 5.0 + c * 4.0 - d) * t * t
                    + (b * 3.0 - a - c * 3.0 + d) * t * t * t)
                    * 0.5;
                spline - Vec3::Y * 0.8
            })
            .collect();
        let mut along = vec![0.0];
        for k in 1..line.len() {
            along.push(along[k - 1] + line[k].distance(line[k - 1]));
        }
        let length = along[STEPS];
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let hairs = (0..HAIRS).map(|_| Hair::new(length, &mut rng)).collect();
        let low = line.iter().fold(Vec3::INFINITY, |low, p| low.min(*p)) - Vec3::splat(14.0);
        let high = line.iter().fold(Vec3::NEG_INFINITY, |high, p| high.max(*p)) + Vec3::splat(14.0);
        Self { line, along, hairs, low, high }
    }

    /// What the place `p` (millimetres) is in this brow; `blur` is half the size of a texel, millimetres.
    pub fn cover(&self, p: Vec3, blur: f32) -> Cover {
        if p.cmplt(self.low).any() || p.cmpgt(self.high).any() {
            return Cover::default();
        }
        let Some(place) = self.place(p) else {
            return Cover::default();
        };
        let length = self.along[STEPS];
        let t = place.x / length;
        let (middle, half) = shape(t);
        let edge = ((place.y - middle) / half).abs();
        let inside = ramp(1.25, 0.55, edge) * ramp(-0.02, 0.10, t) * ramp(1.03, 0.9, t);
        let mut bare = 1.0;
        for hair in &self.hairs {
            let reach = Vec2::splat(0.4 + blur);
            if place.cmpge(hair.low - reach).all() && place.cmple(hair.high + reach).all() {
                bare *= 1.0 - hair.cover(place, blur);
            }
        }
        Cover { hair: 1.0 - bare, inside }
    }

    fn place(&self, p: Vec3) -> Option<Vec2> {
        let mut best = (f32::INFINITY, 0, 0.0);
        for k in 0..STEPS {
            let way = self.line[k + 1] - self.line[k];
            let mut t = (p - self.line[k]).dot(way) / way.length_squared();
            let inner = k == 0;
            let outer = k == STEPS - 1;
            t = t.clamp(if inner { -60.0 } else { 0.0 }, if outer { 60.0 } else { 1.0 });
            let distance = (self.line[k] + way * t).distance_squared(p);
            if distance < best.0 {
                best = (distance, k, t);
            }
        }
        let (_, k, t) = best;
        let way = self.line[k + 1] - self.line[k];
        let off = p - (self.line[k] + way * t);
        let forward = way.normalize();
        let up = (Vec3::Y - forward * forward.y).normalize();
        // The ridge recedes above and below its line, so depth counts as height too.
        let height = off.dot(up);
        let depth = (off - up * height).length();
        (depth < 9.0).then(|| Vec2::new(self.along[k] + way.length() * t, height.signum() * height.hypot(depth * 0.5)))
    }
}

/// Middle and half width across the brow at the share `t` of its length.
fn shape(t: f32) -> (f32, f32) {
    const HALF: [(f32, f32); 6] = [(0.0, 2.3), (0.12, 3.3), (0.4, 3.4), (0.65, 2.6), (0.85, 1.6), (1.0, 0.7)];
    let t = t.clamp(0.0, 1.0);
    let k = HALF.iter().rposition(|(at, _)| *at <= t).unwrap_or(0).min(HALF.len() - 2);
    let (a, b) = (HALF[k], HALF[k + 1]);
    let half = a.1 + (b.1 - a.1) * (t - a.0) / (b.0 - a.0);
    (-0.9 * ramp(0.25, 0.0, t), half)
}

impl Hair {
    fn new(length: f32, rng: &mut impl Rng) -> Self {
        let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
        // Fewer hairs at both ends.
        let mut t = between(-0.01, 0.97);
        if between(0.0, 1.0) > ramp(-0.06, 0.16, t) * (0.45 + 0.55 * ramp(1.0, 0.62, t)) {
            t = between(0.05, 0.7);
        }
        let (middle, half) = shape(t);
        let across = between(-1.0, 0.85);
        let mut place = Vec2::new(t * length, middle + across * half);
        let up = if t < 0.15 { 72.0 - 150.0 * t.max(0.0) } else { 49.5 - 62.0 * (t - 0.15).min(0.85) };
        // Hairs from below rise, hairs from above lie down: they meet in the middle.
        let mut angle = (up - 26.0 * across * ramp(0.05, 0.35, t) + between(-9.0, 9.0)).to_radians();
        let bend = -(between(4.0, 11.0)).to_radians();
        let reach = between(0.75, 1.1) * (5.0 + 2.4 * ramp(0.0, 0.3, t) - 3.0 * ramp(0.5, 1.0, t));
        let mut points = [place; 5];
        for point in &mut points[1..] {
            place += Vec2::new(angle.cos(), angle.sin()) * reach / 4.0;
            angle += bend;
            *point = place;
        }
        let low = points.iter().fold(Vec2::INFINITY, |low, p| low.min(*p));
        let high = points.iter().fold(Vec2::NEG_INFINITY, |high, p| high.max(*p));
        Self { points, width: between(0.055, 0.105), low, high }
    }

    fn cover(&self, p: Vec2, blur: f32) -> f32 {
        let mut best = (f32::INFINITY, 0.0);
        for k in 0..4 {
            let way = self.points[k + 1] - self.points[k];
            let t = ((p - self.points[k]).dot(way) / way.length_squared()).clamp(0.0, 1.0);
            let distance = (self.points[k] + way * t).distance(p);
            if distance < best.0 {
                best = (distance, (k as f32 + t) / 4.0);
            }
        }
        let (distance, t) = best;
        let width = self.width * (1.0 - 0.75 * t * t);
        // A hair thinner than a texel covers a part of it.
        let soft = width.max(blur);
        ramp(soft * 1.7, soft * 0.3, distance) * (width / soft).min(1.0) * (0.95 - 0.35 * t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hair_grows_inside_and_nowhere_else() {
        let landmarks =
            [18.0, 27.0, 36.0, 45.0, 57.0].map(|x: f32| Vec3::new(x, 20.0 - (x - 36.0).powi(2) / 90.0, 20.0));
        let brow = Brow::new(&landmarks, 3);
        let middle: f32 =
            (0..100).map(|i| brow.cover(Vec3::new(30.0 + i as f32 * 0.1, 18.6, 20.0), 0.1).hair).sum::<f32>() / 100.0;
        assert!(middle > 0.25, "{middle}");
        assert_eq!(brow.cover(Vec3::new(36.0, 32.0, 20.0), 0.1).hair, 0.0);
        assert!(brow.cover(Vec3::new(36.0, 19.2, 20.0), 0.1).inside > 0.9);
        assert_eq!(brow.cover(Vec3::new(36.0, -19.2, 20.0), 0.1).inside, 0.0);
    }
}
