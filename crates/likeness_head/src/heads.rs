//! The population's heads with place, turn and size removed.

use glam::Vec3;
use rayon::prelude::*;

use crate::{
    align::{place, size},
    cage::{Cage, Kind},
    finish::Fine,
    lips::Lips,
    population::Recipe,
    weights::headness,
};

/// Seed of the population.
const SEED: u64 = 20_240_917;
/// Metres in a raw unit; heads of the source run 6 % small.
const METRES: f32 = 0.1 * 1.06;
/// The source's teeth lie so high that a smile shows the tongue instead: this takes the edges of the upper ones below the upper lip,
/// as they are seen in a smile and while somebody speaks.
const TEETH_SHIFT: Vec3 = Vec3::new(0.0, -0.0058, -0.001);
/// The tongue lies against the lips: back, and down between the lower teeth.
const TONGUE_SHIFT: Vec3 = Vec3::new(0.0, -0.0105, -0.005);

/// The heads, aligned and in metres.
pub struct Heads {
    /// The symmetric mean: cage vertices, then eye cubes; not smoothed.
    pub neutral: Vec<Vec3>,
    /// Cage vertices as the subdivision leaves them, of the neutral head.
    pub rest: Vec<Vec3>,
    /// The same of every head, faded to the neutral one toward the cut.
    pub targets: Vec<Vec<Vec3>>,
    /// Metres per raw unit of the base mesh.
    pub scale: f32,
}

/// Draws `count` heads and `further` ones; only the first take part in the mean.
pub fn aligned(cage: &Cage, fine: &[Fine], recipe: &Recipe, lips: &Lips, count: usize, further: usize) -> Heads {
    let mut heads = recipe.heads(SEED, count + further);
    let face: Vec<usize> = (0..cage.part("skin").vertices.end)
        .filter(|&v| {
            let raw = cage.raw[v];
            matches!(cage.kind[v], Kind::Outside | Kind::LidRim) && raw.z > 0.85 && raw.y > 6.15 && raw.y < 7.9
        })
        .collect();
    let mean_size = heads[..count].iter().map(|head| size(head, &face)).sum::<f64>() / count as f64;
    let mut mean = heads[0].clone();
    for _ in 0..3 {
        heads.par_iter_mut().for_each(|head| {
            let placement = place(head, &mean, &face);
            for point in head.iter_mut() {
                *point = placement.apply(*point);
            }
        });
        let mut sums = vec![glam::DVec3::ZERO; mean.len()];
        for head in &heads[..count] {
            for (sum, point) in sums.iter_mut().zip(head) {
                *sum += point.as_dvec3();
            }
        }
        mean = sums.iter().map(|sum| (*sum / count as f64).as_vec3()).collect();
        mean = (0..mean.len())
            .map(|v| {
                let opposite = mean[cage.mirror[v] as usize];
                (mean[v] + Vec3::new(-opposite.x, opposite.y, opposite.z)) / 2.0
            })
            .collect();
        let grow = (mean_size / size(&mean, &face)) as f32;
        for point in &mut mean {
            *point *= grow;
        }
    }
    heads.par_iter_mut().for_each(|head| {
        let placement = place(head, &mean, &face);
        for point in head.iter_mut() {
            *point = placement.apply(*point);
        }
    });
    let cubes = &mean[cage.count..];
    let origin = cubes.iter().sum::<Vec3>() / cubes.len() as f32;
    let (tongue, teeth) = (cage.part("tongue").vertices.clone(), cage.part("teeth").vertices.clone());
    let metres = |points: &[Vec3]| -> Vec<Vec3> {
        let mut points: Vec<Vec3> = points.iter().map(|&p| (p - origin) * METRES).collect();
        lips.close(&fine[0], &mut points);
        for point in &mut points[tongue.clone()] {
            *point += TONGUE_SHIFT;
        }
        for point in &mut points[teeth.clone()] {
            *point += TEETH_SHIFT;
        }
        points
    };
    let neutral = metres(&mean);
    let rest = smoothed(cage, fine, &neutral);
    let targets = heads
        .par_iter()
        .map(|head| {
            let head = smoothed(cage, fine, &metres(head));
            (0..cage.count).map(|v| rest[v].lerp(head[v], headness(cage.ascent[v]))).collect()
        })
        .collect();
    let scale = (mean_size / size(&cage.raw, &face)) as f32 * METRES;
    Heads { neutral, rest, targets, scale }
}

/// The cage's vertices where the subdivision puts them.
fn smoothed(cage: &Cage, fine: &[Fine], points: &[Vec3]) -> Vec<Vec3> {
    let mut out = Vec::with_capacity(cage.count);
    for (part, fine) in cage.parts.iter().zip(fine) {
        let own = &points[part.vertices.clone()];
        for row in &fine.stencils[..part.vertices.len()] {
            out.push(row.iter().fold(Vec3::ZERO, |sum, &(v, w)| sum + own[v as usize] * w));
        }
    }
    out
}
