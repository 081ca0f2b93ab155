//! Removing place, turn and size from heads.

use glam::{DMat3, DVec3, Vec3};

use crate::linear::{Square, eigen};

/// A similarity: scale, then rotation, then translation.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// Size factor.
    pub scale: f64,
    /// Turn.
    pub rotation: DMat3,
    /// Shift.
    pub translation: DVec3,
}

impl Placement {
    /// Moves a point.
    pub fn apply(&self, point: Vec3) -> Vec3 {
        (self.rotation * (point.as_dvec3() * self.scale) + self.translation).as_vec3()
    }
}

/// The similarity that brings the chosen vertices of `from` closest to those of `to` (Horn 1987).
pub fn place(from: &[Vec3], to: &[Vec3], chosen: &[usize]) -> Placement {
    let (a, b) = (centre(from, chosen), centre(to, chosen));
    let mut m = DMat3::ZERO;
    let (mut size_a, mut size_b) = (0.0, 0.0);
    for &v in chosen {
        let p = from[v].as_dvec3() - a;
        let q = to[v].as_dvec3() - b;
        size_a += p.length_squared();
        size_b += q.length_squared();
        m += DMat3::from_cols(p * q.x, p * q.y, p * q.z);
    }
    // m.col(j)[i] = sum of p_i q_j
    let s = |i: usize, j: usize| m.col(j)[i];
    let rows = [
        [s(0, 0) + s(1, 1) + s(2, 2), s(1, 2) - s(2, 1), s(2, 0) - s(0, 2), s(0, 1) - s(1, 0)],
        [s(1, 2) - s(2, 1), s(0, 0) - s(1, 1) - s(2, 2), s(0, 1) + s(1, 0), s(2, 0) + s(0, 2)],
        [s(2, 0) - s(0, 2), s(0, 1) + s(1, 0), s(1, 1) - s(0, 0) - s(2, 2), s(1, 2) + s(2, 1)],
        [s(0, 1) - s(1, 0), s(2, 0) + s(0, 2), s(1, 2) + s(2, 1), s(2, 2) - s(0, 0) - s(1, 1)],
    ];
    let (_, vectors) = eigen(&Square { size: 4, entries: rows.concat() });
    let q = &vectors[0];
    let rotation = DMat3::from_quat(glam::DQuat::from_xyzw(q[1], q[2], q[3], q[0]).normalize());
    let scale = (size_b / size_a.max(1e-30)).sqrt();
    Placement { scale, rotation, translation: b - rotation * (a * scale) }
}

/// Root mean square distance of the chosen vertices from their centre.
pub fn size(points: &[Vec3], chosen: &[usize]) -> f64 {
    let middle = centre(points, chosen);
    let sum: f64 = chosen.iter().map(|&v| (points[v].as_dvec3() - middle).length_squared()).sum();
    (sum / chosen.len() as f64).sqrt()
}

fn centre(points: &[Vec3], chosen: &[usize]) -> DVec3 {
    chosen.iter().fold(DVec3::ZERO, |sum, &v| sum + points[v].as_dvec3()) / chosen.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_similarity() {
        let from: Vec<Vec3> = (0..9).map(|i| Vec3::new((i % 3) as f32, (i / 3) as f32, ((i * i) % 5) as f32)).collect();
        let want = Placement {
            scale: 1.3,
            rotation: DMat3::from_rotation_y(0.4) * DMat3::from_rotation_x(-0.2),
            translation: DVec3::new(0.5, -1.0, 2.0),
        };
        let to: Vec<Vec3> = from.iter().map(|&p| want.apply(p)).collect();
        let chosen: Vec<usize> = (0..9).collect();
        let got = place(&from, &to, &chosen);
        for (&p, &q) in from.iter().zip(&to) {
            assert!(got.apply(p).distance(q) < 1e-5);
        }
    }
}
