//! Regions bounded by landmarks, with soft edges.

use glam::Vec2;

/// How deep a point lies inside a closed polygon: the distance to its edge, below 0 outside.
pub(crate) fn depth_in(point: Vec2, corners: &[Vec2]) -> f32 {
    let mut within = false;
    let mut nearest = f32::INFINITY;
    for (index, a) in corners.iter().enumerate() {
        let b = corners[(index + 1) % corners.len()];
        if (a.y > point.y) != (b.y > point.y) && point.x < (b.x - a.x) * (point.y - a.y) / (b.y - a.y) + a.x {
            within = !within;
        }
        nearest = nearest.min(distance_to_line(point, *a, b));
    }
    if within { nearest } else { -nearest }
}

/// The distance of a point from an open line through `corners`.
pub(crate) fn distance_to_path(point: Vec2, corners: &[Vec2]) -> f32 {
    corners.windows(2).map(|pair| distance_to_line(point, pair[0], pair[1])).fold(f32::INFINITY, f32::min)
}

fn distance_to_line(point: Vec2, a: Vec2, b: Vec2) -> f32 {
    let along = b - a;
    let part = ((point - a).dot(along) / along.length_squared().max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
    point.distance(a + along * part)
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(crate) fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let part = ((x - low) / (high - low)).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_the_distance_to_the_edge_with_a_sign() {
        let square = [Vec2::ZERO, Vec2::new(4.0, 0.0), Vec2::splat(4.0), Vec2::new(0.0, 4.0)];
        assert!((depth_in(Vec2::new(1.0, 2.0), &square) - 1.0).abs() < 1e-6);
        assert!((depth_in(Vec2::new(-3.0, 2.0), &square) + 3.0).abs() < 1e-6);
        assert!((distance_to_path(Vec2::new(2.0, 5.0), &square[..2]) - 5.0).abs() < 1e-6);
    }
}
