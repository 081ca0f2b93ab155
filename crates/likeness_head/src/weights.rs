//! Skinning weights: a smooth start by distance along the skin, then solved so that the bones reproduce the population
//! (skinning decomposition after Le & Deng 2012, with the bones' rest places kept).

use std::collections::BTreeMap;

use glam::Vec3;
use rayon::prelude::*;

use crate::{
    bones::BoneInfo,
    cage::{Cage, Kind},
    skinning::{Move, Skinning, Weights},
};

/// Most bones on a vertex.
const INFLUENCES: usize = 4;
/// How many of the nearest bones are tried for a vertex.
const CANDIDATES: usize = 8;
/// Eyeball radius times this: within it a vertex of lids or socket may follow the eyeball.
const EYE_REACH: f32 = 1.9;

/// How far each vertex follows the head rather than neck and root, from its ascent.
pub fn headness(ascent: f32) -> f32 {
    smoothstep(0.1, 0.95, ascent)
}

/// How far each vertex stays with the root at the cut.
pub fn rootness(ascent: f32) -> f32 {
    (1.0 - smoothstep(0.0, 0.4, ascent)).min(1.0 - headness(ascent))
}

fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Which bones may move a vertex.
pub struct Reach {
    /// By vertex of the skin and the eyes: bones, nearest first.
    candidates: Vec<Vec<u16>>,
    /// Smooth weights to start from.
    start: Vec<Weights>,
}

impl Reach {
    /// Distances along the skin at rest.
    pub fn new(cage: &Cage, rest: &[Vec3], bones: &[BoneInfo], centres: &[Vec3], places: &[Option<usize>]) -> Self {
        let distances: Vec<Vec<f32>> = places
            .par_iter()
            .map(|place| place.map_or_else(Vec::new, |vertex| cage.distances(rest, &[vertex])))
            .collect();
        // A bone's reach is the mean distance to its three nearest neighbours.
        let spacing: Vec<f32> = distances
            .iter()
            .map(|distance| {
                if distance.is_empty() {
                    return 0.01;
                }
                let mut near: Vec<f32> =
                    places.iter().flatten().map(|&vertex| distance[vertex]).filter(|d| *d > 0.0).collect();
                near.sort_by(f32::total_cmp);
                near.iter().take(3).sum::<f32>() / 3.0
            })
            .collect();
        let skin = cage.part("skin").vertices.clone();
        let eyes = cage.part("eyes").vertices.clone();
        let eye_bones = [bones.len() - 2, bones.len() - 1];
        let radius = eyes
            .clone()
            .filter(|&v| rest[v].x > 0.0)
            .map(|v| rest[v].distance(centres[eye_bones[0]]))
            .fold(0.0, f32::max);
        let mut candidates = vec![Vec::new(); cage.count];
        let mut start = vec![Vec::new(); cage.count];
        for v in skin {
            let mut near: Vec<(f32, u16)> = (0..bones.len())
                .filter(|&b| !distances[b].is_empty() && distances[b][v].is_finite())
                .map(|b| (distances[b][v], b as u16))
                .collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut list: Vec<u16> = near.iter().take(CANDIDATES).map(|n| n.1).collect();
            let mut weights: Weights = near
                .iter()
                .take(INFLUENCES)
                .map(|&(d, b)| {
                    let sigma = 0.6 * spacing[b as usize];
                    (b, (-d * d / (2.0 * sigma * sigma)).exp() + 1e-6)
                })
                .collect();
            let total: f32 = weights.iter().map(|w| w.1).sum();
            let most = headness(cage.ascent[v]);
            for weight in &mut weights {
                weight.1 *= most / total;
            }
            for bone in eye_bones {
                if rest[v].distance(centres[bone]) < radius * EYE_REACH && cage.kind[v] != Kind::Mouth {
                    list.push(bone as u16);
                    if cage.kind[v] == Kind::Socket {
                        weights = vec![(bone as u16, 0.7 * most)].into_iter().chain(scaled(&weights, 0.3)).collect();
                        weights.truncate(INFLUENCES);
                    }
                }
            }
            candidates[v] = list;
            start[v] = weights;
        }
        for v in eyes {
            let bone = eye_bones[usize::from(rest[v].x < 0.0)] as u16;
            start[v] = vec![(bone, 1.0)];
        }
        Self { candidates, start }
    }

    /// The smooth weights, with the loose parts bound.
    pub fn start(&self) -> Vec<Weights> {
        self.start.clone()
    }

    /// The weights that, with the bones moved as in `moves`, bring the rest vertices closest to `heads`.
    pub fn solve(&self, cage: &Cage, skinning: &Skinning, heads: &[Vec<Vec3>], moves: &[Vec<Move>]) -> Vec<Weights> {
        let skin = cage.part("skin").vertices.end;
        (0..cage.count)
            .into_par_iter()
            .map(|v| {
                if v >= skin {
                    return skinning.weights[v].clone();
                }
                let total = headness(cage.ascent[v]);
                if total <= 0.0 {
                    return Vec::new();
                }
                let bones = &self.candidates[v];
                let mut problem = Blend::new(bones.len());
                for (head, moves) in heads.iter().zip(moves) {
                    problem.add(skinning, bones, v, head[v] - skinning.rest[v], moves);
                }
                problem.lean(&self.start[v], bones, heads.len() as f64);
                problem.solve(bones, total)
            })
            .collect()
    }
}

/// One set of weights for a rigid part, by least squares over its vertices; for teeth and tongue.
pub fn solve_rigid(
    skinning: &Skinning,
    vertices: &[usize],
    bones: &[u16],
    heads: &[Vec<Vec3>],
    moves: &[Vec<Move>],
) -> Weights {
    let mut problem = Blend::new(bones.len());
    for (head, moves) in heads.iter().zip(moves) {
        for &v in vertices {
            problem.add(skinning, bones, v, head[v] - skinning.rest[v], moves);
        }
    }
    problem.lean(&[], bones, (heads.len() * vertices.len()) as f64);
    problem.solve(bones, 1.0)
}

/// The least squares of one vertex: weights on a simplex whose spare corner stays still.
struct Blend {
    products: Vec<Vec<f64>>,
    aims: Vec<f64>,
}

impl Blend {
    fn new(count: usize) -> Self {
        // The last entry is the spare corner: no move.
        Self { products: vec![vec![0.0; count + 1]; count + 1], aims: vec![0.0; count + 1] }
    }

    fn add(&mut self, skinning: &Skinning, bones: &[u16], vertex: usize, aim: Vec3, moves: &[Move]) {
        let rest = skinning.rest[vertex];
        let mut shifts = [Vec3::ZERO; 16];
        for (shift, &bone) in shifts.iter_mut().zip(bones) {
            *shift = moves[bone as usize].shift(rest - skinning.centres[bone as usize]) * 1000.0;
        }
        let aim = aim * 1000.0;
        for i in 0..bones.len() {
            self.aims[i] += f64::from(shifts[i].dot(aim));
            for j in 0..=i {
                self.products[i][j] += f64::from(shifts[i].dot(shifts[j]));
            }
        }
    }

    /// A mild pull to the smooth weights decides where the population does not.
    fn lean(&mut self, start: &[(u16, f32)], bones: &[u16], heads: f64) {
        let strength = heads;
        for (i, bone) in bones.iter().enumerate() {
            let weight = start.iter().find(|w| w.0 == *bone).map_or(0.0, |w| f64::from(w.1));
            self.products[i][i] += strength;
            self.aims[i] += strength * weight;
        }
    }

    fn solve(&mut self, bones: &[u16], total: f32) -> Weights {
        let n = self.aims.len();
        for i in 0..n {
            for j in i + 1..n {
                self.products[i][j] = self.products[j][i];
            }
        }
        let total = f64::from(total);
        let mut x = vec![0.0; n];
        x[n - 1] = total;
        self.descend(&mut x);
        let mut weights: Weights = bones
            .iter()
            .zip(&x)
            .filter(|(_, weight)| **weight > 1e-3)
            .map(|(&bone, &weight)| (bone, weight as f32))
            .collect();
        weights.sort_by_key(|w| w.0);
        weights
    }

    /// Moves weight between pairs of corners as long as it helps.
    fn descend(&self, x: &mut [f64]) {
        let n = x.len();
        for _ in 0..60 {
            let mut moved = 0.0f64;
            for i in 0..n {
                for j in 0..i {
                    let slope = |k: usize| {
                        self.aims[k] - self.products[k].iter().zip(x.iter()).map(|(p, x)| p * x).sum::<f64>()
                    };
                    let curve = self.products[i][i] + self.products[j][j] - 2.0 * self.products[i][j];
                    if curve <= 1e-12 {
                        continue;
                    }
                    let step = ((slope(i) - slope(j)) / curve).clamp(-x[i], x[j]);
                    x[i] += step;
                    x[j] -= step;
                    moved = moved.max(step.abs());
                }
            }
            if moved < 1e-5 {
                break;
            }
        }
    }
}

fn scaled(weights: &[(u16, f32)], factor: f32) -> Weights {
    weights.iter().map(|&(bone, weight)| (bone, weight * factor)).collect()
}

/// Adds weights up by bone.
pub fn combine(terms: impl IntoIterator<Item = (u16, f32)>) -> Weights {
    let mut sums: BTreeMap<u16, f32> = BTreeMap::new();
    for (bone, weight) in terms {
        *sums.entry(bone).or_insert(0.0) += weight;
    }
    sums.into_iter().collect()
}

/// Averages weights with the neighbours' (skin only), `passes` times.
pub fn smooth(cage: &Cage, weights: &[Weights], passes: usize, amount: f32) -> Vec<Weights> {
    let skin = cage.part("skin").vertices.clone();
    let mut weights = weights.to_vec();
    for _ in 0..passes {
        let old = weights.clone();
        for v in skin.clone() {
            let around = &cage.neighbours[v];
            let share = amount / around.len() as f32;
            let total = headness(cage.ascent[v]);
            let mut mixed = combine(
                scaled(&old[v], 1.0 - amount)
                    .into_iter()
                    .chain(around.iter().flat_map(|&n| scaled(&old[n as usize], share))),
            );
            let sum: f32 = mixed.iter().map(|w| w.1).sum();
            if sum > total {
                for weight in &mut mixed {
                    weight.1 *= total / sum;
                }
            }
            weights[v] = mixed;
        }
    }
    weights
}

/// Averages both halves.
pub fn mirror(cage: &Cage, bones: &[BoneInfo], weights: &[Weights]) -> Vec<Weights> {
    (0..weights.len())
        .map(|v| {
            let opposite = &weights[cage.mirror[v] as usize];
            combine(
                scaled(&weights[v], 0.5)
                    .into_iter()
                    .chain(opposite.iter().map(|&(bone, weight)| (bones[bone as usize].mirror as u16, weight * 0.5))),
            )
        })
        .collect()
}

/// Keeps at most the `most` largest weights, and their sum. The largest weight that goes is taken off the others, so
/// that weights change continuously over the skin, and mirrored bones stay or go together on the midline.
pub fn truncate(weights: &[(u16, f32)], most: usize) -> Weights {
    let sum: f32 = weights.iter().map(|w| w.1).sum();
    let mut order = weights.to_vec();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let surplus = order.get(most).map_or(0.0, |w| w.1);
    for weight in &mut order {
        weight.1 -= surplus;
    }
    order.truncate(most);
    order.retain(|w| w.1 > 2e-3);
    let kept: f32 = order.iter().map(|w| w.1).sum();
    if kept > 0.0 {
        for weight in &mut order {
            weight.1 *= sum / kept;
        }
    }
    order.sort_by_key(|w| w.0);
    order
}

/// Lashes take the weights of the lid rim they grow from.
pub fn bind_lashes(cage: &Cage, rest: &[Vec3], weights: &mut [Weights]) {
    let rim: Vec<usize> = (0..cage.count).filter(|&v| cage.kind[v] == Kind::LidRim).collect();
    for v in cage.part("lashes").vertices.clone() {
        let mut near: Vec<(f32, usize)> = rim.iter().map(|&r| (rest[v].distance_squared(rest[r]), r)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let near = &near[..near.len().min(2)];
        let total: f32 = near.iter().map(|n| 1.0 / (n.0.sqrt() + 1e-4)).sum();
        weights[v] = combine(
            near.iter().flat_map(|&(d, r)| scaled(&weights[r], 1.0 / (d.sqrt() + 1e-4) / total)).collect::<Vec<_>>(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_keeps_the_sum_and_pairs() {
        let weights = vec![(0, 0.3), (1, 0.2), (2, 0.2), (3, 0.15), (4, 0.15)];
        let kept = truncate(&weights, 4);
        assert_eq!(kept.iter().map(|w| w.0).collect::<Vec<_>>(), [0, 1, 2]);
        assert!((kept.iter().map(|w| w.1).sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_blend_finds_the_weights() {
        let skinning = Skinning { rest: vec![Vec3::ZERO], centres: vec![Vec3::ZERO; 5], weights: vec![Vec::new()] };
        let mut problem = Blend::new(3);
        for k in 0..40 {
            let moves: Vec<Move> = (0..5)
                .map(|b| Move {
                    matrix: glam::Mat3::IDENTITY,
                    translation: Vec3::new(((k * 7 + b * 3) % 11) as f32, ((k * 5 + b) % 7) as f32, b as f32) * 0.001,
                })
                .collect();
            let aim = moves[0].translation * 0.5 + moves[2].translation * 0.3;
            problem.add(&skinning, &[0, 1, 2], 0, aim, &moves);
        }
        let weights = problem.solve(&[0, 1, 2], 1.0);
        assert_eq!(weights.len(), 2);
        assert!((weights[0].1 - 0.5).abs() < 1e-2 && (weights[1].1 - 0.3).abs() < 1e-2, "{weights:?}");
    }
}
