//! Linear blend skinning by the shape bones, and fitting its parameters to a head.

use glam::{EulerRot, Mat3, Quat, Vec3};
use rayon::prelude::*;

use crate::{
    bones::BoneInfo,
    linear::{Square, cholesky, cholesky_solve},
    parameters::{CHANNELS, ParameterSeed},
};

/// Weights of the shape bones on a vertex. What is missing to one stays where it is.
pub type Weights = Vec<(u16, f32)>;

/// Vertices, bones and what binds them.
#[derive(Clone, Debug)]
pub struct Skinning {
    /// Vertices of the neutral head, metres.
    pub rest: Vec<Vec3>,
    /// Rest places of the bones.
    pub centres: Vec<Vec3>,
    /// Weights by vertex.
    pub weights: Vec<Weights>,
}

/// A bone's move: `p -> matrix * (p - centre) + centre + translation`.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// Rotation times scale.
    pub matrix: Mat3,
    /// Translation, metres.
    pub translation: Vec3,
}

impl Move {
    /// From the nine channels.
    pub fn from_channels(c: &[f64]) -> Self {
        let f = |k: usize| c[k] as f32;
        let rotation = Mat3::from_quat(Quat::from_euler(EulerRot::XYZ, f(3), f(4), f(5)));
        Self {
            matrix: rotation * Mat3::from_diagonal(Vec3::new(1.0 + f(6), 1.0 + f(7), 1.0 + f(8))),
            translation: Vec3::new(f(0), f(1), f(2)),
        }
    }

    /// How far the move takes a point that lies at `arm` from the bone.
    pub fn shift(&self, arm: Vec3) -> Vec3 {
        self.matrix * arm - arm + self.translation
    }
}

/// Parameters resolved into single channels.
#[derive(Clone, Debug)]
pub struct ChannelMap {
    /// Per parameter: (bone, channel, offset at one unit).
    pub parameters: Vec<Vec<(usize, usize, f64)>>,
    bones: usize,
}

impl ChannelMap {
    /// Resolves mirrors.
    pub fn new(seeds: &[ParameterSeed], bones: &[BoneInfo]) -> Self {
        Self { parameters: seeds.iter().map(|seed| seed.channels(bones)).collect(), bones: bones.len() }
    }

    /// The bones' moves at `values` (units from neutral).
    pub fn moves(&self, values: &[f64]) -> Vec<Move> {
        let mut channels = vec![0.0; self.bones * CHANNELS];
        for (drives, value) in self.parameters.iter().zip(values) {
            for &(bone, channel, amount) in drives {
                channels[bone * CHANNELS + channel] += amount * value;
            }
        }
        channels.chunks_exact(CHANNELS).map(Move::from_channels).collect()
    }
}

impl Skinning {
    /// The moved vertices.
    pub fn pose(&self, moves: &[Move]) -> Vec<Vec3> {
        self.rest
            .iter()
            .zip(&self.weights)
            .map(|(&rest, weights)| {
                weights.iter().fold(rest, |sum, &(bone, weight)| {
                    let bone = bone as usize;
                    sum + moves[bone].shift(rest - self.centres[bone]) * weight
                })
            })
            .collect()
    }

    /// First-order moves by vertex: which parameters move it, and by how many metres a unit.
    pub fn motions(&self, map: &ChannelMap) -> Vec<Vec<(u32, Vec3)>> {
        let mut by_bone: Vec<Vec<(u32, usize, f32)>> = vec![Vec::new(); self.centres.len()];
        for (parameter, drives) in map.parameters.iter().enumerate() {
            for &(bone, channel, amount) in drives {
                by_bone[bone].push((parameter as u32, channel, amount as f32));
            }
        }
        self.rest
            .par_iter()
            .zip(&self.weights)
            .map(|(&rest, weights)| {
                let mut terms: Vec<(u32, Vec3)> = Vec::new();
                for &(bone, weight) in weights {
                    let arm = rest - self.centres[bone as usize];
                    for &(parameter, channel, amount) in &by_bone[bone as usize] {
                        let axis = Vec3::AXES[channel % 3];
                        let motion = match channel / 3 {
                            0 => axis,
                            1 => axis.cross(arm),
                            _ => axis * arm,
                        };
                        terms.push((parameter, motion * (amount * weight)));
                    }
                }
                terms.sort_by_key(|term| term.0);
                let mut merged: Vec<(u32, Vec3)> = Vec::new();
                for (parameter, motion) in terms {
                    match merged.last_mut() {
                        Some(last) if last.0 == parameter => last.1 += motion,
                        _ => merged.push((parameter, motion)),
                    }
                }
                merged
            })
            .collect()
    }
}

/// Fits parameters to heads by damped Gauss-Newton steps with the first-order moves at the neutral head.
pub struct Fitter<'a> {
    skinning: &'a Skinning,
    map: &'a ChannelMap,
    motions: Vec<Vec<(u32, Vec3)>>,
    importance: &'a [f32],
    pull: Vec<f64>,
    factor: Square,
}

/// Millimetres in a metre; the sums of squares are kept in square millimetres.
const MM: f64 = 1000.0;

impl<'a> Fitter<'a> {
    /// Prepares the normal equations. `importance` weighs the vertices; `pull` is what a parameter at one unit costs,
    /// in square millimetres over all vertices.
    pub fn new(skinning: &'a Skinning, map: &'a ChannelMap, importance: &'a [f32], pull: Vec<f64>) -> Self {
        let motions = skinning.motions(map);
        let mut normal = gram(&motions, importance, map.parameters.len());
        for (parameter, pull) in pull.iter().enumerate() {
            *normal.at_mut(parameter, parameter) += pull;
        }
        let factor = cholesky(&normal);
        Self { skinning, map, motions, importance, pull, factor }
    }

    /// The parameters (units from neutral, within `bounds` if given) that bring the skinned head closest to `target`.
    pub fn fit(&self, target: &[Vec3], bounds: Option<&[f64]>, steps: usize) -> Vec<f64> {
        let mut values = vec![0.0; self.map.parameters.len()];
        for _ in 0..steps {
            let posed = self.skinning.pose(&self.map.moves(&values));
            let mut gradient: Vec<f64> = values.iter().zip(&self.pull).map(|(value, pull)| -value * pull).collect();
            for (vertex, terms) in self.motions.iter().enumerate() {
                let importance = f64::from(self.importance[vertex]);
                if importance == 0.0 {
                    continue;
                }
                let error = target[vertex] - posed[vertex];
                for &(parameter, motion) in terms {
                    gradient[parameter as usize] += f64::from(motion.dot(error)) * importance * MM * MM;
                }
            }
            cholesky_solve(&self.factor, &mut gradient);
            for (parameter, value) in values.iter_mut().enumerate() {
                *value += gradient[parameter];
                if let Some(bounds) = bounds {
                    *value = value.clamp(-bounds[parameter], bounds[parameter]);
                }
            }
        }
        values
    }

    /// Fits many heads.
    pub fn fit_all(&self, targets: &[Vec<Vec3>], bounds: Option<&[f64]>, steps: usize) -> Vec<Vec<f64>> {
        targets.par_iter().map(|target| self.fit(target, bounds, steps)).collect()
    }
}

/// Weighted sums of products of the parameters' moves, square millimetres.
pub fn gram(motions: &[Vec<(u32, Vec3)>], importance: &[f32], parameters: usize) -> Square {
    let mut sums = Square::zeros(parameters);
    for (terms, &importance) in motions.iter().zip(importance) {
        let importance = f64::from(importance) * MM * MM;
        if importance == 0.0 {
            continue;
        }
        for (place, &(row, motion)) in terms.iter().enumerate() {
            let motion = motion.as_dvec3() * importance;
            for &(column, other) in &terms[..=place] {
                *sums.at_mut(row as usize, column as usize) += motion.dot(other.as_dvec3());
            }
        }
    }
    sums.mirror_lower();
    sums
}

/// What fit errors come to.
#[derive(Clone, Copy, Debug)]
pub struct ErrorFigures {
    /// Root mean square distance, millimetres.
    pub rms: f64,
    /// 95th percentile, millimetres.
    pub p95: f64,
}

/// Distances of the chosen vertices between two sets of heads.
pub fn figures(pairs: &[(&[Vec3], &[Vec3])], chosen: &[usize]) -> ErrorFigures {
    let mut distances: Vec<f64> =
        pairs.iter().flat_map(|(a, b)| chosen.iter().map(|&v| f64::from(a[v].distance(b[v])) * MM)).collect();
    let rms = (distances.iter().map(|d| d * d).sum::<f64>() / distances.len().max(1) as f64).sqrt();
    distances.sort_by(f64::total_cmp);
    let p95 = distances.get(distances.len() * 95 / 100).copied().unwrap_or(0.0);
    ErrorFigures { rms, p95 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_finds_the_values_that_made_the_head() {
        let bones = [BoneInfo { name: "one".to_owned(), mirror: 0, vertex: None }];
        let map = ChannelMap {
            parameters: (0..9).map(|c| vec![(0, c, if c < 3 { 0.004 } else { 0.1 })]).collect(),
            bones: bones.len(),
        };
        let rest: Vec<Vec3> =
            (0..27).map(|i| Vec3::new((i % 3) as f32, (i / 3 % 3) as f32, (i / 9) as f32) * 0.02).collect();
        let skinning = Skinning { weights: vec![vec![(0, 1.0)]; rest.len()], rest, centres: vec![Vec3::splat(0.02)] };
        let want = [0.5, -1.0, 0.3, 0.4, -0.6, 0.2, 0.5, -0.5, 0.1];
        let target = skinning.pose(&map.moves(&want));
        let importance = vec![1.0; 27];
        let fitter = Fitter::new(&skinning, &map, &importance, vec![1e-6; 9]);
        for (got, want) in fitter.fit(&target, None, 12).iter().zip(want) {
            assert!((got - want).abs() < 1e-3, "{got} {want}");
        }
    }
}
