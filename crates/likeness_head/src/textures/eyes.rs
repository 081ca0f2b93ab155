//! The eyeballs: sclera, iris and pupil round the pole of the cornea.

use glam::{Vec2, Vec3};

use super::{
    noise::{layered, noise, ramp},
    skin::srgb,
};

/// Radius of the iris on the head of average size, millimetres.
const IRIS: f32 = 6.25;
/// Radius of the pupil.
const PUPIL: f32 = 1.95;

/// One eyeball.
#[derive(Clone, Copy, Debug)]
pub struct Eyeball {
    /// Middle of the ball, millimetres.
    pub centre: Vec3,
    /// Direction from the middle to the cornea's pole.
    pub axis: Vec3,
    /// +1 for the person's left eye, -1 for the right one.
    pub side: f32,
}

impl Eyeball {
    /// Finds an eyeball by its vertices, millimetres.
    pub fn find(points: &[Vec3]) -> Self {
        let (mut low, mut high) = (Vec3::INFINITY, Vec3::NEG_INFINITY);
        for p in points {
            low = low.min(*p);
            high = high.max(*p);
        }
        let radius = (high.x - low.x) / 2.0;
        // The cornea bulges to the front, the back is round.
        let centre = Vec3::new((low.x + high.x) / 2.0, (low.y + high.y) / 2.0, low.z + radius);
        let bulge: Vec3 = points
            .iter()
            .map(|p| *p - centre)
            .filter(|offset| offset.length() > radius * 1.03)
            .map(Vec3::normalize)
            .sum();
        Self { centre, axis: if bulge.length() > 0.5 { bulge.normalize() } else { Vec3::Z }, side: centre.x.signum() }
    }

    /// Linear colour of a place on the ball, millimetres.
    pub fn color(&self, p: Vec3) -> Vec3 {
        let offset = p - self.centre;
        let forward = offset.dot(self.axis);
        let right = Vec3::Y.cross(self.axis).normalize();
        let up = self.axis.cross(right);
        // Both eyes are painted alike but for the way they face.
        let flat = Vec2::new(offset.dot(right), offset.dot(up));
        let radius = flat.length();
        let sclera = self.sclera(offset, flat, forward);
        if forward < 0.0 || radius > IRIS + 1.5 {
            return sclera;
        }
        let iris = self.iris(flat, radius);
        sclera.lerp(iris, ramp(IRIS + 0.45, IRIS - 0.5, radius))
    }

    fn sclera(&self, offset: Vec3, flat: Vec2, forward: f32) -> Vec3 {
        let seed = if self.side > 0.0 { 200 } else { 300 };
        let mut color = srgb(224.0, 216.0, 209.0);
        // Yellowish and pinkish toward the corners; the inner one more.
        let inner = -flat.x * self.side;
        let corner = ramp(6.5, 12.5, flat.x.abs());
        color *= Vec3::ONE.lerp(Vec3::new(0.93, 0.74, 0.69), corner * if inner > 0.0 { 1.0 } else { 0.72 });
        color *= 1.0 - 0.03 * layered(offset / 4.0, 2, seed);
        // Veins: bent lines that thin out toward the iris.
        let radius = flat.length();
        let wander = Vec3::new(layered(offset / 3.0, 3, seed + 1), layered(offset / 3.0, 3, seed + 2), 0.0) * 1.6;
        let q = offset + wander;
        let vein = |scale: f32, width: f32, number: u32| {
            let line = layered(Vec3::new(q.x / (scale * 2.4), q.y / scale, q.z / scale), 1, seed + number).abs();
            ramp(width, 0.0, line)
        };
        let amount = ramp(6.5, 11.0, radius) * if forward > 0.0 { 1.0 } else { 0.4 };
        let veins = (vein(2.6, 0.07, 5) * 0.55 + vein(1.5, 0.06, 6) * 0.30) * amount;
        color *= Vec3::ONE.lerp(Vec3::new(0.86, 0.42, 0.38), veins.min(1.0));
        // The lids' shadow, above more than below; it moves little as the eye turns.
        color *= Vec3::ONE.lerp(Vec3::new(0.50, 0.44, 0.43), ramp(-0.5, 6.0, flat.y) * 0.85);
        color *= Vec3::ONE.lerp(Vec3::new(0.72, 0.62, 0.60), ramp(-3.0, -7.0, flat.y) * 0.7);
        // A soft grey edge where the cornea begins.
        color * Vec3::ONE.lerp(Vec3::new(0.66, 0.66, 0.68), ramp(IRIS + 1.3, IRIS - 0.2, radius))
    }

    fn iris(&self, flat: Vec2, radius: f32) -> Vec3 {
        let seed = if self.side > 0.0 { 400 } else { 500 };
        let t = radius / IRIS;
        let round = flat / radius.max(1e-3);
        let around = |fineness: f32, along: f32, number: u32| {
            layered(Vec3::new(round.x * fineness, round.y * fineness, t * along), 2, seed + number)
        };
        let fibre = around(17.0, 2.2, 1) * 0.6 + around(34.0, 3.0, 2) * 0.5;
        let collar = 0.50 + 0.05 * around(4.0, 0.5, 3);
        let amber = srgb(122.0, 80.0, 44.0);
        let brown = srgb(84.0, 56.0, 34.0);
        let green = srgb(88.0, 72.0, 44.0);
        let mut color =
            amber.lerp(brown.lerp(green, ramp(-0.3, 0.6, around(3.0, 1.0, 4))), ramp(collar - 0.12, collar + 0.14, t));
        color *= 1.0 + 0.55 * fibre;
        // Furrows and crypts.
        color *= 1.0 - 0.35 * ramp(0.18, 0.5, around(9.0, 6.0, 5)) * ramp(0.4, 0.6, t) * ramp(0.95, 0.75, t);
        color *= 1.0 - 0.25 * ramp(0.05, 0.0, (t - collar).abs());
        // The dark ring outside, the pupil inside.
        color *= Vec3::ONE.lerp(Vec3::new(0.16, 0.15, 0.15), ramp(0.80, 0.99, t));
        color *= Vec3::ONE.lerp(Vec3::new(0.55, 0.5, 0.5), ramp(-0.5, 5.2, flat.y) * 0.9);
        let edge = PUPIL + 0.06 * noise(Vec3::new(round.x * 6.0, round.y * 6.0, 0.0), seed + 7);
        color = color.max(Vec3::splat(0.004));
        color.lerp(Vec3::splat(0.003), ramp(edge + 0.22, edge - 0.18, radius))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pupil_iris_and_white_follow_the_cornea() {
        // A ball of radius 14 with a bulge at 20 degrees to the left.
        let axis = Vec3::new(0.34, 0.0, 0.94).normalize();
        let mut points = Vec::new();
        for i in 0..400 {
            let z = 1.0 - (2 * i + 1) as f32 / 400.0;
            let (s, c) = (i as f32 * 2.4).sin_cos();
            let d = Vec3::new((1.0 - z * z).sqrt() * c, (1.0 - z * z).sqrt() * s, z);
            let bulge = ramp(0.95, 1.0, d.dot(axis)) * 1.7;
            points.push(Vec3::new(30.0, 0.0, 0.0) + d * (14.0 + bulge));
        }
        let eye = Eyeball::find(&points);
        assert!(eye.axis.dot(axis) > 0.995, "{}", eye.axis);
        assert!(eye.side > 0.0);
        let at = |angle: f32| {
            let d = Vec3::new((0.34f32.atan2(0.94) + angle).sin(), 0.0, (0.34f32.atan2(0.94) + angle).cos());
            eye.color(eye.centre + d * 14.5).element_sum()
        };
        assert!(at(0.0) < 0.05, "pupil {}", at(0.0));
        assert!(at(0.3) > 0.08 && at(0.3) < 0.9, "iris {}", at(0.3));
        assert!(at(0.6) > 1.2, "white {}", at(0.6));
    }
}
