//! Where the eyebrows grow: along the brow ridges.

use super::noise::ramp;
use glam::{Vec2, Vec3};

/// Pieces that the line of a brow is measured in.
const STEPS: usize = 64;

/// One brow. Its own coordinates are millimetres along its line from the inner end, and across it, upward.
pub struct Brow {
    line: Vec<Vec3>,
    /// Length along the line up to each of its points.
    along: Vec<f32>,
    low: Vec3,
    high: Vec3,
}

impl Brow {
    /// A brow through five landmarks, inner end first.
    pub fn new(landmarks: &[Vec3; 5]) -> Self {
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
        let low = line.iter().fold(Vec3::INFINITY, |low, p| low.min(*p)) - Vec3::splat(14.0);
        let high = line.iter().fold(Vec3::NEG_INFINITY, |high, p| high.max(*p)) + Vec3::splat(14.0);
        Self { line, along, low, high }
    }

    /// How deep inside this brow the place `p` (millimetres) is, 0..1.
    pub fn inside(&self, p: Vec3) -> f32 {
        if p.cmplt(self.low).any() || p.cmpgt(self.high).any() {
            return 0.0;
        }
        let Some(place) = self.place(p) else {
            return 0.0;
        };
        let t = place.x / self.along[STEPS];
        let (middle, half) = shape(t);
        let edge = ((place.y - middle) / half).abs();
        ramp(1.25, 0.55, edge) * ramp(-0.02, 0.10, t) * ramp(1.03, 0.9, t)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ridge_is_inside_and_nothing_else() {
        let landmarks =
            [18.0, 27.0, 36.0, 45.0, 57.0].map(|x: f32| Vec3::new(x, 20.0 - (x - 36.0).powi(2) / 90.0, 20.0));
        let brow = Brow::new(&landmarks);
        assert_eq!(brow.inside(Vec3::new(36.0, 32.0, 20.0)), 0.0);
        assert!(brow.inside(Vec3::new(36.0, 19.2, 20.0)) > 0.9);
        assert_eq!(brow.inside(Vec3::new(36.0, -19.2, 20.0)), 0.0);
    }
}
