//! Solving the weights and choosing the parameters.

use glam::Vec3;
use rayon::prelude::*;

use crate::{
    bones::{BoneInfo, index_of},
    cage::Cage,
    error::Result,
    heads::Heads,
    parameters::ParameterSeed,
    skinning::{ChannelMap, Fitter, Skinning, gram},
    weights::{Reach, bind_lashes, combine, mirror, smooth, solve_rigid, truncate},
};

/// Of those, how many the weights are solved for.
const SOLVED: usize = 500;
/// Rounds of moves and weights.
const ROUNDS: usize = 6;
/// Parameters that are kept.
const PARAMETERS: usize = 300;
/// What a parameter at one unit costs a fit, square millimetres over all vertices.
pub const PULL: f64 = 20.0;

/// The neutral head bound to nothing yet, and the vertices that the bones rest at (none for the eyes).
///
/// # Errors
/// If a bone's vertex is not part of the head.
pub fn start_skinning(cage: &Cage, heads: &Heads, bones: &[BoneInfo]) -> Result<(Skinning, Vec<Option<usize>>)> {
    let mut centres = Vec::new();
    let mut places = Vec::new();
    let cubes = &heads.neutral[cage.count..];
    for bone in bones {
        if let Some(number) = bone.vertex {
            let vertex = cage.vertex(number)?;
            places.push(Some(vertex));
            centres.push(heads.rest[vertex]);
        } else {
            places.push(None);
            let side = if bone.name.ends_with(".L") { &cubes[..8] } else { &cubes[8..] };
            centres.push(side.iter().sum::<Vec3>() / 8.0);
        }
    }
    let skinning = Skinning { rest: heads.rest.clone(), centres, weights: vec![Vec::new(); cage.count] };
    Ok((skinning, places))
}

/// Alternates between the heads' parameters and the weights, then binds teeth, tongue and lashes.
///
/// # Errors
/// If a bone that teeth or tongue follow is not in the rig.
pub fn solve_weights(
    cage: &Cage,
    bones: &[BoneInfo],
    skinning: &mut Skinning,
    places: &[Option<usize>],
    seeds: &[ParameterSeed],
    heads: &Heads,
    importance: &[f32],
) -> Result<()> {
    let reach = Reach::new(cage, &skinning.rest, bones, &skinning.centres, places);
    let map = ChannelMap::new(seeds, bones);
    let targets = &heads.targets[..SOLVED.min(heads.targets.len())];
    let pull = vec![PULL; seeds.len()];
    skinning.weights = reach.start();
    for round in 0..ROUNDS {
        let fitter = Fitter::new(skinning, &map, importance, pull.clone());
        let values = fitter.fit_all(targets, None, 2);
        let moves: Vec<_> = values.par_iter().map(|values| map.moves(values)).collect();
        let mut weights = mirror(cage, bones, &reach.solve(cage, skinning, targets, &moves));
        let (passes, amount) = if round + 1 == ROUNDS { (6, 0.6) } else { (2, 0.5) };
        weights = smooth(cage, &weights, passes, amount);
        let mut weights = mirror(cage, bones, &weights);
        for (weights, &ascent) in weights.iter_mut().zip(&cage.ascent) {
            *weights = truncate(weights, if ascent < 1.0 { 3 } else { 4 });
        }
        skinning.weights = weights;
    }
    let fitter = Fitter::new(skinning, &map, importance, pull);
    let values = fitter.fit_all(targets, None, 2);
    let moves: Vec<_> = values.par_iter().map(|values| map.moves(values)).collect();
    let named =
        |names: &[&str]| names.iter().map(|name| Ok(index_of(bones, name)? as u16)).collect::<Result<Vec<u16>>>();
    let upper = named(&[
        "philtrum",
        "lip_upper_mid",
        "nose_septum",
        "lip_corner.L",
        "lip_corner.R",
        "nasolabial.L",
        "nasolabial.R",
    ])?;
    let lower = named(&["lip_lower_mid", "chin_mid", "chin_low", "lip_corner.L", "lip_corner.R", "submental"])?;
    let teeth = cage.part("teeth").vertices.clone();
    let tongue: Vec<usize> = cage.part("tongue").vertices.clone().collect();
    let (low, high): (Vec<usize>, Vec<usize>) = teeth.partition(|&v| cage.source[v] < 15_060);
    for (vertices, candidates) in [(high, &upper), (low, &lower), (tongue, &lower)] {
        let weights = solve_rigid(skinning, &vertices, candidates, targets, &moves);
        let swapped = weights.iter().map(|&(bone, weight)| (bones[bone as usize].mirror as u16, weight));
        let both = combine(weights.iter().copied().chain(swapped).map(|(bone, weight)| (bone, weight / 2.0)));
        let weights = truncate(&both, 4);
        for v in vertices {
            skinning.weights[v] = weights.clone();
        }
    }
    let rest = skinning.rest.clone();
    bind_lashes(cage, &rest, &mut skinning.weights);
    for v in cage.part("lashes").vertices.clone() {
        skinning.weights[v] = truncate(&skinning.weights[v], 4);
    }
    Ok(())
}

/// Drops the parameters that the population uses least, a few at a time.
pub fn prune(
    seeds: &mut Vec<ParameterSeed>,
    bones: &[BoneInfo],
    skinning: &Skinning,
    importance: &[f32],
    heads: &[Vec<Vec3>],
) {
    while seeds.len() > PARAMETERS {
        let map = ChannelMap::new(seeds, bones);
        let fitter = Fitter::new(skinning, &map, importance, vec![PULL; seeds.len()]);
        let values = fitter.fit_all(heads, None, 1);
        let motion = gram(&skinning.motions(&map), importance, seeds.len());
        let mut use_of: Vec<(f64, usize)> = (0..seeds.len())
            .map(|p| {
                let square: f64 = values.iter().map(|v| v[p] * v[p]).sum();
                (square * motion.at(p, p), p)
            })
            .collect();
        use_of.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let drop: Vec<usize> = use_of
            .iter()
            .map(|u| u.1)
            .filter(|&p| seeds[p].symmetric && seeds[p].drives.len() == 1)
            .take((seeds.len() - PARAMETERS).min(20))
            .collect();
        if drop.is_empty() {
            break;
        }
        let mut place = 0;
        seeds.retain(|_| {
            place += 1;
            !drop.contains(&(place - 1))
        });
    }
}
