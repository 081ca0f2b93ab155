//! How much of the sky each vertex sees.

use glam::Vec3;
use rayon::prelude::*;

/// Directions that are looked along.
const DIRECTIONS: usize = 160;
/// Pixels a side of the picture in which a direction's nearest surfaces are found.
const PICTURE: usize = 700;
/// A surface this near (millimetres) in front does not hide.
const BIAS: f32 = 0.9;

/// The share (0..1, weighted by the cosine) of the directions in front of each point that no triangle hides.
/// `occluders` are sets of positions (millimetres) with triangles.
pub fn openness(points: &[Vec3], normals: &[Vec3], occluders: &[(&[Vec3], &[[u32; 3]])]) -> Vec<f32> {
    let (mut low, mut high) = (Vec3::INFINITY, Vec3::NEG_INFINITY);
    for &p in occluders.iter().flat_map(|(positions, _)| positions.iter()).chain(points) {
        low = low.min(p);
        high = high.max(p);
    }
    let centre = (low + high) / 2.0;
    let scale = PICTURE as f32 / (high - low).length().max(1e-6);
    let seen: Vec<Vec<bool>> = (0..DIRECTIONS)
        .into_par_iter()
        .map(|index| {
            let direction = spiral(index);
            let (right, up) = direction.any_orthonormal_pair();
            let project = |p: Vec3| {
                let p = p - centre;
                Vec3::new(
                    p.dot(right) * scale + PICTURE as f32 / 2.0,
                    p.dot(up) * scale + PICTURE as f32 / 2.0,
                    p.dot(direction),
                )
            };
            let mut depth = vec![f32::NEG_INFINITY; PICTURE * PICTURE];
            for (positions, triangles) in occluders {
                let screen: Vec<Vec3> = positions.iter().map(|&p| project(p)).collect();
                for triangle in *triangles {
                    cover(triangle.map(|v| screen[v as usize]), &mut depth);
                }
            }
            points
                .iter()
                .zip(normals)
                .map(|(&p, n)| {
                    let at = project(p + *n * 0.3);
                    let limit = |x: f32| x.clamp(0.0, PICTURE as f32 - 1.0) as usize;
                    at.z + BIAS >= depth[limit(at.y) * PICTURE + limit(at.x)]
                })
                .collect()
        })
        .collect();
    normals
        .iter()
        .enumerate()
        .map(|(v, normal)| {
            let (mut open, mut all) = (0.0, 1e-6);
            for (index, seen) in seen.iter().enumerate() {
                let weight = normal.dot(spiral(index)).max(0.0);
                all += weight;
                if seen[v] {
                    open += weight;
                }
            }
            open / all
        })
        .collect()
}

/// Directions evenly spread over the sphere (Fibonacci's spiral).
fn spiral(index: usize) -> Vec3 {
    let z = 1.0 - (2.0 * index as f32 + 1.0) / DIRECTIONS as f32;
    let (sine, cosine) = (index as f32 * 2.399_963_2).sin_cos();
    let radius = (1.0 - z * z).sqrt();
    Vec3::new(radius * cosine, radius * sine, z)
}

fn cover([a, b, c]: [Vec3; 3], depth: &mut [f32]) {
    let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    if area == 0.0 || !area.is_finite() {
        return;
    }
    let limit = |x: f32| x.clamp(0.0, PICTURE as f32 - 1.0) as usize;
    for y in limit(a.y.min(b.y).min(c.y))..=limit(a.y.max(b.y).max(c.y)) {
        for x in limit(a.x.min(b.x).min(c.x))..=limit(a.x.max(b.x).max(c.x)) {
            let p = (x as f32 + 0.5, y as f32 + 0.5);
            let side = |u: Vec3, v: Vec3| ((v.x - u.x) * (p.1 - u.y) - (v.y - u.y) * (p.0 - u.x)) / area;
            let (wa, wb, wc) = (side(b, c), side(c, a), side(a, b));
            if wa >= 0.0 && wb >= 0.0 && wc >= 0.0 {
                let z = wa * a.z + wb * b.z + wc * c.z;
                let place = &mut depth[y * PICTURE + x];
                *place = place.max(z);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plate_above_hides_the_sky() {
        let plate: Vec<Vec3> =
            [(-50.0, -50.0), (50.0, -50.0), (50.0, 50.0), (-50.0, 50.0)].map(|(x, z)| Vec3::new(x, 5.0, z)).to_vec();
        let triangles = [[0, 1, 2], [0, 2, 3]];
        let points = [Vec3::ZERO, Vec3::new(0.0, 10.0, 0.0)];
        let open = openness(&points, &[Vec3::Y; 2], &[(&plate, &triangles)]);
        assert!(open[0] < 0.1, "{}", open[0]);
        assert!(open[1] > 0.95, "{}", open[1]);
    }
}
