//! The skin as a surface to grow hair on: nearest points, and the weights with which it follows the joints.

use std::collections::BTreeMap;

use glam::Vec3;
use likeness_rig::{HeadMesh, MeshPart};

use crate::textures::layout::{Piece, piece};

/// Side of a cell of the search grid, metres.
const CELL: f32 = 0.01;
/// Share of an ear's joints in a vertex' weights from which on it belongs to the ear, and to what stands out with it.
const EAR_SHARE: f32 = 0.80;
const BESIDE_EAR: f32 = 0.30;

/// Half width of the head at the ears, metres.
const SIDE: f32 = 0.0715;
/// A finer skin that seems to stand out further than this (metres) is another fold of the ear.
const MOST_RELIEF: f32 = 0.003;

/// The nearest place of the skin to a point.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    /// The place.
    pub point: Vec3,
    /// The surface's direction there.
    pub normal: Vec3,
    /// How far outside of the skin the point lies, metres; negative inside.
    pub height: f32,
    /// The nearest corner.
    pub vertex: u32,
}

/// The outside of the skin.
pub struct Surface<'a> {
    /// The skin.
    pub skin: &'a MeshPart,
    /// Whether a vertex belongs to an ear.
    pub ear: Vec<bool>,
    /// Whether a vertex belongs to an ear or stands out with one.
    beside_ear: Vec<bool>,
    /// Whether a vertex lies on the outside: not in the mouth or an eye socket.
    pub outside: Vec<bool>,
    /// Per vertex its triangles on the outside.
    around: Vec<Vec<u32>>,
    cells: BTreeMap<[i32; 3], Vec<u32>>,
    /// Per vertex, how far a finer skin stands out near it, metres.
    pub relief: Vec<f32>,
}

impl<'a> Surface<'a> {
    /// The surface of a head's skin at one level of detail.
    pub fn new(head: &HeadMesh, skin: &'a MeshPart) -> Self {
        let is_ear_joint: Vec<bool> = head.joints.iter().map(|joint| joint.name.starts_with("ear")).collect();
        let share: Vec<f32> = skin
            .joints
            .iter()
            .zip(&skin.weights)
            .map(|(joints, weights)| {
                let of_ear = |(joint, weight): (&u16, &f32)| {
                    if is_ear_joint.get(usize::from(*joint)) == Some(&true) { *weight } else { 0.0 }
                };
                joints.iter().zip(weights).map(of_ear).sum()
            })
            .collect();
        // The head beside an ear moves with it, but hair grows there.
        let stands_out = |p: Vec3| {
            if p.y > 0.018 { p.x.abs() > 0.080 } else { p.x.abs() > 0.0745 || p.z > -0.099 }
        };
        let ear = share.iter().zip(&skin.positions).map(|(&share, &p)| share > EAR_SHARE && stands_out(p)).collect();
        let beside_ear = share.iter().map(|&share| share > BESIDE_EAR).collect();
        let outside: Vec<bool> = skin.uvs.iter().map(|&uv| matches!(piece(uv), Piece::Head | Piece::Neck)).collect();
        let mut around = vec![Vec::new(); skin.positions.len()];
        for (number, triangle) in skin.triangles.iter().enumerate() {
            if triangle.iter().all(|&v| outside[v as usize]) {
                for &v in triangle {
                    around[v as usize].push(number as u32);
                }
            }
        }
        let mut cells: BTreeMap<[i32; 3], Vec<u32>> = BTreeMap::new();
        for (v, p) in skin.positions.iter().enumerate() {
            if !around[v].is_empty() {
                cells.entry(cell(*p)).or_default().push(v as u32);
            }
        }
        let relief = vec![0.0; skin.positions.len()];
        Self { skin, ear, beside_ear, outside, around, cells, relief }
    }

    /// Notes where a finer skin stands out of this one, so that shells made from this one clear both.
    pub fn clear(mut self, finer: &Surface) -> Self {
        let mut relief = vec![0.0f32; self.relief.len()];
        for (v, p) in finer.skin.positions.iter().enumerate() {
            if finer.around[v].is_empty() {
                continue;
            }
            let hit = self.nearest(*p, true);
            if hit.height <= 0.0 || hit.height > MOST_RELIEF {
                continue;
            }
            for &triangle in &self.around[hit.vertex as usize] {
                for corner in self.skin.triangles[triangle as usize] {
                    let most = &mut relief[corner as usize];
                    *most = most.max(hit.height);
                }
            }
        }
        self.relief = relief;
        self
    }

    /// The nearest place of the skin; `ears` says whether they count.
    pub fn nearest(&self, p: Vec3, ears: bool) -> Hit {
        let vertex = self.nearest_vertex(p, ears);
        let mut best = (f32::INFINITY, self.skin.positions[vertex as usize], self.skin.normals[vertex as usize]);
        for &triangle in &self.around[vertex as usize] {
            let corners = self.skin.triangles[triangle as usize];
            if !ears && corners.iter().any(|&v| self.beside_ear[v as usize]) {
                continue;
            }
            let weights = nearest_in_triangle(p, corners.map(|v| self.skin.positions[v as usize]));
            let mix = |of: &[Vec3]| -> Vec3 { corners.iter().zip(weights).map(|(&v, w)| of[v as usize] * w).sum() };
            let point = mix(&self.skin.positions);
            let distance = point.distance_squared(p);
            if distance < best.0 {
                best = (distance, point, mix(&self.skin.normals));
            }
        }
        let normal = best.2.normalize_or(Vec3::Y);
        let way = p - best.1;
        let height = way.length() * if way.dot(normal) < 0.0 { -1.0 } else { 1.0 };
        Hit { point: best.1, normal, height, vertex }
    }

    /// The nearest place of the head that hair lies on: the skin, with the ears and the folds around them smoothed away.
    pub fn ground(&self, p: Vec3) -> Hit {
        let hit = self.nearest(p, false);
        let at_ear = p.x.abs() > 0.05 && (p.y + 0.006).abs() < 0.046 && (p.z + 0.088).abs() < 0.032;
        if !at_ear {
            return hit;
        }
        let side = SIDE - 0.09 * (-p.y).max(0.0);
        let normal = Vec3::X * p.x.signum();
        Hit { point: Vec3::new(side * p.x.signum(), p.y, p.z), normal, height: p.x.abs() - side, ..hit }
    }

    fn nearest_vertex(&self, p: Vec3, ears: bool) -> u32 {
        let home = cell(p);
        let mut best = (f32::INFINITY, 0);
        for ring in 0..40 {
            for z in -ring..=ring {
                for y in -ring..=ring {
                    for x in -ring..=ring {
                        if [x, y, z].iter().all(|d: &i32| d.abs() < ring) {
                            continue;
                        }
                        for &v in self.cells.get(&[home[0] + x, home[1] + y, home[2] + z]).into_iter().flatten() {
                            if !ears && self.beside_ear[v as usize] {
                                continue;
                            }
                            let distance = self.skin.positions[v as usize].distance_squared(p);
                            if distance < best.0 {
                                best = (distance, v);
                            }
                        }
                    }
                }
            }
            // Everything in further rings is at least this far away.
            let reach = ring as f32 * CELL;
            if best.0 <= reach * reach {
                break;
            }
        }
        best.1
    }

    /// The joints that the skin around a place follows, averaged over `radius` metres: at most four, summing to one.
    pub fn weights(&self, p: Vec3, radius: f32) -> ([u16; 4], [f32; 4]) {
        let mut sums: BTreeMap<u16, f32> = BTreeMap::new();
        let reach = (radius * 2.0 / CELL).ceil() as i32;
        let home = cell(p);
        for z in -reach..=reach {
            for y in -reach..=reach {
                for x in -reach..=reach {
                    for &v in self.cells.get(&[home[0] + x, home[1] + y, home[2] + z]).into_iter().flatten() {
                        let v = v as usize;
                        let near = (-self.skin.positions[v].distance_squared(p) / (radius * radius)).exp();
                        if near > 0.02 {
                            add(&mut sums, &self.skin.joints[v], &self.skin.weights[v], near);
                        }
                    }
                }
            }
        }
        if sums.is_empty() {
            let v = self.nearest_vertex(p, true) as usize;
            add(&mut sums, &self.skin.joints[v], &self.skin.weights[v], 1.0);
        }
        strongest(&sums)
    }
}

/// Adds a vertex' weights to the sums.
pub fn add(sums: &mut BTreeMap<u16, f32>, joints: &[u16; 4], weights: &[f32; 4], share: f32) {
    for (joint, weight) in joints.iter().zip(weights) {
        if *weight > 0.0 {
            *sums.entry(*joint).or_insert(0.0) += weight * share;
        }
    }
}

/// The four strongest joints, falling, with weights that sum to one.
pub fn strongest(sums: &BTreeMap<u16, f32>) -> ([u16; 4], [f32; 4]) {
    let mut sorted: Vec<(u16, f32)> = sums.iter().map(|(&joint, &weight)| (joint, weight)).collect();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    sorted.truncate(4);
    let total: f32 = sorted.iter().map(|entry| entry.1).sum();
    let mut joints = [0; 4];
    let mut weights = [1.0, 0.0, 0.0, 0.0];
    for (place, (joint, weight)) in sorted.into_iter().enumerate() {
        joints[place] = joint;
        weights[place] = weight / total.max(1e-9);
    }
    (joints, weights)
}

fn cell(p: Vec3) -> [i32; 3] {
    (p / CELL).floor().to_array().map(|x| x as i32)
}

/// Barycentric coordinates of the point of a triangle nearest to `p` (Ericson, Real-Time Collision Detection, 5.1.5).
fn nearest_in_triangle(p: Vec3, [a, b, c]: [Vec3; 3]) -> [f32; 3] {
    let (ab, ac) = (b - a, c - a);
    let dots = |from: Vec3| ((p - from).dot(ab), (p - from).dot(ac));
    let ((d1, d2), (d3, d4), (d5, d6)) = (dots(a), dots(b), dots(c));
    if d1 <= 0.0 && d2 <= 0.0 {
        return [1.0, 0.0, 0.0];
    }
    if d3 >= 0.0 && d4 <= d3 {
        return [0.0, 1.0, 0.0];
    }
    let vc = d1 * d4 - d3 * d2;
    if vc <= 0.0 && d1 >= 0.0 && d3 <= 0.0 {
        let v = d1 / (d1 - d3);
        return [1.0 - v, v, 0.0];
    }
    if d6 >= 0.0 && d5 <= d6 {
        return [0.0, 0.0, 1.0];
    }
    let vb = d5 * d2 - d1 * d6;
    if vb <= 0.0 && d2 >= 0.0 && d6 <= 0.0 {
        let w = d2 / (d2 - d6);
        return [1.0 - w, 0.0, w];
    }
    let va = d3 * d6 - d5 * d4;
    if va <= 0.0 && d4 >= d3 && d5 >= d6 {
        let w = (d4 - d3) / ((d4 - d3) + (d5 - d6));
        return [0.0, 1.0 - w, w];
    }
    let total = va + vb + vc;
    if total.abs() < 1e-20 {
        return [1.0, 0.0, 0.0];
    }
    let (v, w) = (vb / total, vc / total);
    [1.0 - v - w, v, w]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_point_of_a_triangle_lies_in_it() {
        let triangle = [Vec3::ZERO, Vec3::X, Vec3::Y];
        assert_eq!(nearest_in_triangle(Vec3::new(-1.0, -1.0, 1.0), triangle), [1.0, 0.0, 0.0]);
        assert_eq!(nearest_in_triangle(Vec3::new(2.0, -1.0, 1.0), triangle), [0.0, 1.0, 0.0]);
        let inner = nearest_in_triangle(Vec3::new(0.25, 0.25, 3.0), triangle);
        assert!((inner[1] - 0.25).abs() < 1e-6 && (inner[2] - 0.25).abs() < 1e-6);
        let edge = nearest_in_triangle(Vec3::new(1.0, 1.0, 0.0), triangle);
        assert!((edge[1] - 0.5).abs() < 1e-6 && edge[0].abs() < 1e-6);
    }

    #[test]
    fn the_strongest_four_sum_to_one() {
        let sums = BTreeMap::from([(3, 0.1), (4, 0.4), (5, 0.2), (6, 0.2), (7, 0.9)]);
        let (joints, weights) = strongest(&sums);
        assert_eq!(joints, [7, 4, 5, 6]);
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
