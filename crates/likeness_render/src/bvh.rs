//! Whether a ray hits any of many triangles.

use bevy::math::Vec3;

/// Triangles of a leaf.
const LEAF: usize = 4;

struct Node {
    low: Vec3,
    high: Vec3,
    /// A leaf's first triangle, or the place of the second child; the first child follows its parent.
    start: u32,
    /// Triangles of a leaf; 0 for an inner node.
    count: u32,
}

/// A tree of boxes over triangles, split at the median.
pub(crate) struct Bvh {
    nodes: Vec<Node>,
    triangles: Vec<[Vec3; 3]>,
}

impl Bvh {
    pub(crate) fn new(mut triangles: Vec<[Vec3; 3]>) -> Self {
        let mut nodes = Vec::new();
        if !triangles.is_empty() {
            let count = triangles.len();
            split(&mut nodes, &mut triangles, 0, count);
        }
        Self { nodes, triangles }
    }

    /// Whether the ray hits a triangle, from either side, at any distance.
    pub(crate) fn is_hit(&self, origin: Vec3, direction: Vec3) -> bool {
        let inverse = direction.recip();
        let mut stack = [0u32; 64];
        let mut depth = usize::from(!self.nodes.is_empty());
        while depth > 0 {
            depth -= 1;
            let index = stack[depth] as usize;
            let node = &self.nodes[index];
            let (a, b) = ((node.low - origin) * inverse, (node.high - origin) * inverse);
            let enter = a.min(b).max_element();
            let leave = a.max(b).min_element();
            if leave < enter.max(0.0) {
                continue;
            }
            if node.count > 0 {
                let triangles = &self.triangles[node.start as usize..][..node.count as usize];
                if triangles.iter().any(|triangle| crosses(triangle, origin, direction)) {
                    return true;
                }
            } else {
                // Medians halve the list: 64 levels are never reached.
                stack[depth] = index as u32 + 1;
                stack[depth + 1] = node.start;
                depth += 2;
            }
        }
        false
    }
}

fn split(nodes: &mut Vec<Node>, triangles: &mut [[Vec3; 3]], start: usize, end: usize) {
    let mut low = Vec3::INFINITY;
    let mut high = Vec3::NEG_INFINITY;
    for corner in triangles[start..end].iter().flatten() {
        low = low.min(*corner);
        high = high.max(*corner);
    }
    let place = nodes.len();
    let count = end - start;
    nodes.push(Node { low, high, start: start as u32, count: count as u32 });
    if count <= LEAF {
        return;
    }
    let size = high - low;
    let axis = if size.x >= size.y && size.x >= size.z {
        0
    } else if size.y >= size.z {
        1
    } else {
        2
    };
    let centre = |triangle: &[Vec3; 3]| triangle[0][axis] + triangle[1][axis] + triangle[2][axis];
    let middle = count / 2;
    triangles[start..end].select_nth_unstable_by(middle, |a, b| centre(a).total_cmp(&centre(b)));
    split(nodes, triangles, start, start + middle);
    nodes[place].start = nodes.len() as u32;
    nodes[place].count = 0;
    split(nodes, triangles, start + middle, end);
}

/// The test of Moeller and Trumbore (1997), without the distance.
fn crosses(triangle: &[Vec3; 3], origin: Vec3, direction: Vec3) -> bool {
    let edge_a = triangle[1] - triangle[0];
    let edge_b = triangle[2] - triangle[0];
    let across = direction.cross(edge_b);
    let determinant = edge_a.dot(across);
    if determinant.abs() < 1e-14 {
        return false;
    }
    let inverse = determinant.recip();
    let from = origin - triangle[0];
    let u = from.dot(across) * inverse;
    let around = from.cross(edge_a);
    let v = direction.dot(around) * inverse;
    u >= 0.0 && v >= 0.0 && u + v <= 1.0 && edge_b.dot(around) * inverse > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_testing_every_triangle() {
        // A fixed linear congruential generator, so that the test repeats.
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0 * 2.0 - 1.0
        };
        let mut point = |scale: f32| Vec3::new(next(), next(), next()) * scale;
        let triangles: Vec<[Vec3; 3]> = (0..300)
            .map(|_| {
                let centre = point(1.0);
                [centre + point(0.1), centre + point(0.1), centre + point(0.1)]
            })
            .collect();
        let bvh = Bvh::new(triangles.clone());
        let mut hits = 0;
        for _ in 0..500 {
            let (origin, direction) = (point(1.5), point(1.0).normalize_or(Vec3::Z));
            let expected = triangles.iter().any(|triangle| crosses(triangle, origin, direction));
            assert_eq!(bvh.is_hit(origin, direction), expected);
            hits += usize::from(expected);
        }
        assert!(hits > 20 && hits < 480, "{hits} hits make a weak test");
    }
}
