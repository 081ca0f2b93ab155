//! How far each parameter goes: as far as natural heads need, and never so far that the face turns inside out.

use glam::Vec3;
use rayon::prelude::*;

use crate::{
    build::drawn_skinning,
    cage::{Cage, Kind},
    finish::{Fine, RenderPart},
    skinning::ChannelMap,
};

/// Share of the population that lies inside.
const SHARE: f64 = 0.998;
/// A little more than natural.
const MARGIN: f64 = 1.15;
/// The least range, in units: less would be a slider that does nothing.
const LEAST: f64 = 0.4;
/// The largest range, in units.
const MOST: f64 = 8.0;
/// The area (square metres) that may turn over, on either side together: hidden creases do so early.
const FOLDED: f32 = 6e-6;

/// The range of each parameter, in units to either side of neutral.
pub fn bounds(
    fits: &[Vec<f64>],
    skin: &RenderPart,
    centres: &[Vec3],
    map: &ChannelMap,
    cage: &Cage,
    fine: &Fine,
) -> Vec<f64> {
    let skinning = drawn_skinning(skin, centres);
    let seen: Vec<bool> = skin
        .welded
        .iter()
        .map(|&v| {
            fine.stencils[v as usize]
                .iter()
                .all(|&(c, _)| matches!(cage.kind[c as usize], Kind::Outside | Kind::LidRim))
        })
        .collect();
    let triangles: Vec<[u32; 3]> =
        skin.triangles.iter().copied().filter(|t| t.iter().all(|&v| seen[v as usize])).collect();
    let normal = |points: &[Vec3], t: &[u32; 3]| {
        let [a, b, c] = t.map(|v| points[v as usize]);
        (b - a).cross(c - a)
    };
    let rest: Vec<Vec3> = triangles.iter().map(|t| normal(&skinning.rest, t)).collect();
    (0..map.parameters.len())
        .into_par_iter()
        .map(|parameter| {
            let mut sizes: Vec<f64> = fits.iter().map(|fit| fit[parameter].abs()).collect();
            sizes.sort_by(f64::total_cmp);
            let place = ((sizes.len() as f64 * SHARE) as usize).min(sizes.len().saturating_sub(1));
            let mut bound = (sizes.get(place).copied().unwrap_or(LEAST) * MARGIN).clamp(LEAST, MOST);
            for _ in 0..12 {
                let sound = [-bound, bound].iter().all(|&value| {
                    let mut values = vec![0.0; map.parameters.len()];
                    values[parameter] = value;
                    let posed = skinning.pose(&map.moves(&values));
                    let turned: f32 = triangles
                        .iter()
                        .zip(&rest)
                        .filter(|(t, before)| normal(&posed, t).dot(**before) <= 0.0)
                        .map(|(_, before)| before.length() / 2.0)
                        .sum();
                    turned <= FOLDED
                });
                if sound {
                    break;
                }
                bound *= 0.85;
            }
            bound
        })
        .collect()
}
