//! Fewer triangles by collapsing edges onto existing vertices, cheapest quadric error first (Garland & Heckbert 1997).
//! Vertices on borders and texture seams stay.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use glam::{DVec3, Vec3};

/// Sum of squared distances to planes, weighted by area: the ten numbers of a symmetric 4x4 matrix.
#[derive(Clone, Copy, Default)]
struct Quadric([f64; 10]);

impl Quadric {
    fn plane(normal: DVec3, offset: f64, weight: f64) -> Self {
        let [a, b, c, d] = [normal.x, normal.y, normal.z, offset];
        Self([a * a, a * b, a * c, a * d, b * b, b * c, b * d, c * c, c * d, d * d].map(|x| x * weight))
    }

    fn add(&mut self, other: &Self) {
        for (x, y) in self.0.iter_mut().zip(other.0) {
            *x += y;
        }
    }

    fn at(&self, p: DVec3) -> f64 {
        let q = &self.0;
        q[0] * p.x * p.x
            + 2.0 * (q[1] * p.x * p.y + q[2] * p.x * p.z + q[3] * p.x)
            + q[4] * p.y * p.y
            + 2.0 * (q[5] * p.y * p.z + q[6] * p.y)
            + q[7] * p.z * p.z
            + 2.0 * q[8] * p.z
            + q[9]
    }
}

/// The triangles that remain when about `target` are left. `welded` names the surface vertex of each drawn vertex
/// (several at seams); `importance` multiplies the cost of removing a vertex.
pub fn simplify(
    positions: &[Vec3],
    welded: &[u32],
    triangles: &[[u32; 3]],
    importance: &[f32],
    target: usize,
) -> Vec<[u32; 3]> {
    let count = welded.iter().map(|&v| v as usize + 1).max().unwrap_or(0);
    let mut drawn = vec![0u32; count];
    let mut place = vec![DVec3::ZERO; count];
    let mut weight = vec![1.0f64; count];
    for (v, &w) in welded.iter().enumerate() {
        drawn[w as usize] += 1;
        place[w as usize] = positions[v].as_dvec3();
        weight[w as usize] = f64::from(importance[v]);
    }
    let surface = |v: u32| welded[v as usize] as usize;

    let mut faces: Vec<Option<[u32; 3]>> = triangles.iter().copied().map(Some).collect();
    let mut around: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); count];
    let mut quadric = vec![Quadric::default(); count];
    let mut edge_uses: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for (f, triangle) in triangles.iter().enumerate() {
        let [a, b, c] = triangle.map(surface);
        let cross = (place[b] - place[a]).cross(place[c] - place[a]);
        let area = cross.length();
        if area > 0.0 {
            let normal = cross / area;
            let plane = Quadric::plane(normal, -normal.dot(place[a]), area);
            for v in [a, b, c] {
                quadric[v].add(&plane);
            }
        }
        for (u, v) in [(a, b), (b, c), (c, a)] {
            around[u].insert(f);
            *edge_uses.entry((u.min(v), u.max(v))).or_insert(0) += 1;
        }
    }
    let mut fixed: Vec<bool> = drawn.iter().map(|&n| n > 1).collect();
    for (&(u, v), &uses) in &edge_uses {
        if uses != 2 {
            fixed[u] = true;
            fixed[v] = true;
        }
    }

    let cost = |quadric: &[Quadric], from: usize, to: usize| -> u64 {
        let mut sum = quadric[from];
        sum.add(&quadric[to]);
        // A little of the length keeps flat regions even. Non-negative floats sort as their bits.
        let length = place[from].distance_squared(place[to]);
        ((sum.at(place[to]).max(0.0) + 1e-7 * length) * weight[from]).to_bits()
    };
    let mut heap = BinaryHeap::new();
    let mut stamp = vec![0u32; count];
    let push = |heap: &mut BinaryHeap<_>, quadric: &[Quadric], stamp: &[u32], from: usize, to: usize| {
        heap.push(Reverse((cost(quadric, from, to), from, to, stamp[from], stamp[to])));
    };
    for &(u, v) in edge_uses.keys() {
        for (from, to) in [(u, v), (v, u)] {
            if !fixed[from] {
                push(&mut heap, &quadric, &stamp, from, to);
            }
        }
    }
    let mut left = triangles.len();
    while left > target {
        let Some(Reverse((_, from, to, stamp_from, stamp_to))) = heap.pop() else {
            break;
        };
        if stamp[from] != stamp_from || stamp[to] != stamp_to {
            continue;
        }
        let corner = |face: &Option<[u32; 3]>, v: usize| face.and_then(|t| t.into_iter().find(|&c| surface(c) == v));
        let shared: Vec<usize> = around[from].intersection(&around[to]).copied().collect();
        if shared.len() != 2 {
            continue;
        }
        let (Some(kept), Some(other)) = (corner(&faces[shared[0]], to), corner(&faces[shared[1]], to)) else {
            continue;
        };
        let ring = |v: usize| -> BTreeSet<usize> {
            around[v].iter().filter_map(|&f| faces[f]).flatten().map(surface).filter(|&w| w != v).collect()
        };
        let (near, far) = (ring(from), ring(to));
        if kept != other || near.intersection(&far).count() != 2 {
            continue;
        }
        let flips = around[from].iter().filter(|f| !shared.contains(f)).filter_map(|&f| faces[f]).any(|triangle| {
            let before = triangle.map(|c| place[surface(c)]);
            let after = triangle.map(|c| place[if surface(c) == from { to } else { surface(c) }]);
            let normal = |p: [DVec3; 3]| (p[1] - p[0]).cross(p[2] - p[0]);
            let (a, b) = (normal(before), normal(after));
            a.dot(b) <= 0.3 * a.length() * b.length()
        });
        if flips {
            continue;
        }
        let moved = std::mem::take(&mut around[from]);
        for &f in &moved {
            if shared.contains(&f) {
                if let Some(triangle) = faces[f].take() {
                    for c in triangle {
                        around[surface(c)].remove(&f);
                    }
                }
                left -= 1;
            } else if let Some(triangle) = &mut faces[f] {
                for c in triangle.iter_mut() {
                    if surface(*c) == from {
                        *c = kept;
                    }
                }
                around[to].insert(f);
            }
        }
        let taken = quadric[from];
        quadric[to].add(&taken);
        stamp[from] += 1;
        stamp[to] += 1;
        let ring: BTreeSet<usize> =
            around[to].iter().filter_map(|&f| faces[f]).flatten().map(surface).filter(|&w| w != to).collect();
        for v in ring {
            if !fixed[to] {
                push(&mut heap, &quadric, &stamp, to, v);
            }
            if !fixed[v] {
                push(&mut heap, &quadric, &stamp, v, to);
            }
        }
    }
    faces.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_grid_loses_its_inner_vertices() {
        let n = 9u32;
        let positions: Vec<Vec3> = (0..n * n).map(|i| Vec3::new((i % n) as f32, (i / n) as f32, 0.0)).collect();
        let mut triangles = Vec::new();
        for y in 0..n - 1 {
            for x in 0..n - 1 {
                let a = y * n + x;
                triangles.extend([[a, a + 1, a + n + 1], [a, a + n + 1, a + n]]);
            }
        }
        let welded: Vec<u32> = (0..n * n).collect();
        let importance = vec![1.0; welded.len()];
        let fewer = simplify(&positions, &welded, &triangles, &importance, 60);
        assert!(fewer.len() <= 60 && fewer.len() >= 28, "{}", fewer.len());
        let area: f32 = fewer
            .iter()
            .map(|t| {
                let [a, b, c] = t.map(|v| positions[v as usize]);
                (b - a).cross(c - a).z / 2.0
            })
            .sum();
        assert!((area - 64.0).abs() < 1e-3, "no hole, no overlap: {area}");
    }
}
