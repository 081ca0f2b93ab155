//! Which texels of the skin's texture show the face, and where on the mesh they lie. The same for every photo.

use crate::region::{depth_in, smoothstep};
use glam::Vec2;
use likeness_rig::{LandmarkPoint, LandmarkSet, MeshPart};
use rayon::prelude::*;

/// How far above the brows the face ends, and over how much its edge fades, in distances of the outer eye corners in the
/// texture: above, hair may hang.
const FOREHEAD: f32 = 0.30;
const EDGE: f32 = 0.24;
/// Over how much the edge of the lips fades, likewise.
const LIPS_EDGE: f32 = 0.03;
/// How far the texture's halves may differ for a texel to have a mirror twin, likewise.
const MIRROR_TOLERANCE: f32 = 0.03;

/// A texel of the face.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texel {
    /// Column and row in the texture.
    pub(super) column: u32,
    pub(super) row: u32,
    /// Its triangle of the skin and the weights of the corners.
    pub(super) triangle: [u32; 3],
    pub(super) weights: [f32; 3],
    /// How far it belongs to the face, 0..1.
    pub(super) cover: f32,
    /// How far it belongs to the lips, 0..1.
    pub(super) lips: f32,
    /// The texel that shows the same place of the face's other side, where the texture's halves mirror each other.
    pub(super) twin: Option<usize>,
}

/// The texels of the face in the skin's texture.
#[derive(Debug)]
pub(super) struct SkinChart {
    pub(super) size: u32,
    pub(super) texels: Vec<Texel>,
    /// The vertices that texels hang on, each once.
    pub(super) vertices: Vec<u32>,
}

impl SkinChart {
    /// The chart of a texture of `size` pixels a side; `None` when the part's texture coordinates do not show a face upright
    /// and in one piece.
    pub(super) fn new(skin: &MeshPart, points: &LandmarkSet, size: u32) -> Option<Self> {
        let place = |point: &LandmarkPoint| -> Option<Vec2> {
            let corners = point.triangle.map(|vertex| skin.uvs.get(vertex as usize).copied());
            let [a, b, c] = [corners[0]?, corners[1]?, corners[2]?];
            Some(a * point.weights[0] + b * point.weights[1] + c * point.weights[2])
        };
        let at: Vec<Vec2> = points.points.iter().map(place).collect::<Option<_>>()?;
        let unit = at.get(36)?.distance(*at.get(45)?);
        let is_upright = at[8].y > at[30].y && at[30].y > at[27].y && (at[45].x - at[36].x).abs() > 0.5 * unit;
        if !(unit.is_finite() && unit > 4.0 / size as f32 && is_upright) {
            return None;
        }
        let raised = at[17..27].iter().rev().map(|brow| *brow - Vec2::Y * (FOREHEAD * unit));
        let outline: Vec<Vec2> = at[..17].iter().copied().chain(raised).collect();
        let lips: Vec<Vec2> = at[48..60].to_vec();
        let middle = (at[36].x + at[45].x) / 2.0;
        let is_mirrored = (middle - 0.5).abs() < MIRROR_TOLERANCE * unit
            && [(17, 26), (31, 35), (48, 54), (3, 13)].into_iter().all(|(right, left)| {
                Vec2::new(1.0 - at[right].x, at[right].y).distance(at[left]) < MIRROR_TOLERANCE * unit
            });

        let low = outline.iter().copied().fold(Vec2::MAX, Vec2::min);
        let high = outline.iter().copied().fold(Vec2::MIN, Vec2::max);
        let mut found = Vec::new();
        let mut taken = vec![false; (size * size) as usize];
        for triangle in &skin.triangles {
            let corners = triangle.map(|vertex| skin.uvs.get(vertex as usize).copied());
            let [Some(a), Some(b), Some(c)] = corners else { return None };
            if a.min(b).min(c).cmpgt(high).any() || a.max(b).max(c).cmplt(low).any() {
                continue;
            }
            each_texel([a, b, c], size, |column, row, weights| {
                let slot = (row * size + column) as usize;
                if !std::mem::replace(&mut taken[slot], true) {
                    found.push(Texel { column, row, triangle: *triangle, weights, cover: 0.0, lips: 0.0, twin: None });
                }
            });
        }
        found.par_iter_mut().for_each(|texel| {
            let place = (Vec2::new(texel.column as f32, texel.row as f32) + 0.5) / size as f32;
            texel.cover = smoothstep(0.0, EDGE * unit, depth_in(place, &outline));
            texel.lips = smoothstep(-LIPS_EDGE * unit, LIPS_EDGE * unit, depth_in(place, &lips));
        });
        let mut texels: Vec<Texel> = found.into_iter().filter(|texel| texel.cover > 0.0).collect();
        if is_mirrored {
            let mut places = vec![None; (size * size) as usize];
            for (index, texel) in texels.iter().enumerate() {
                places[(texel.row * size + texel.column) as usize] = Some(index);
            }
            for texel in &mut texels {
                texel.twin = places[(texel.row * size + size - 1 - texel.column) as usize];
            }
        }
        let mut vertices: Vec<u32> = texels.iter().flat_map(|texel| texel.triangle).collect();
        vertices.sort_unstable();
        vertices.dedup();
        (!texels.is_empty()).then_some(Self { size, texels, vertices })
    }
}

/// Calls `emit(column, row, weights of the corners)` for the texels whose middle lies in a triangle.
fn each_texel([a, b, c]: [Vec2; 3], size: u32, mut emit: impl FnMut(u32, u32, [f32; 3])) {
    let area = (b - a).perp_dot(c - a);
    if !area.is_normal() {
        return;
    }
    let scale = size as f32;
    let low = a.min(b).min(c) * scale - 0.5;
    let high = a.max(b).max(c) * scale - 0.5;
    // Casts from floats saturate.
    let rows = low.y.ceil().max(0.0) as u32..((high.y.floor() + 1.0).max(0.0) as u32).min(size);
    let columns = low.x.ceil().max(0.0) as u32..((high.x.floor() + 1.0).max(0.0) as u32).min(size);
    for row in rows {
        for column in columns.clone() {
            let place = (Vec2::new(column as f32, row as f32) + 0.5) / scale;
            let second = (place - a).perp_dot(c - a) / area;
            let third = (b - a).perp_dot(place - a) / area;
            let weights = [1.0 - second - third, second, third];
            if weights.iter().all(|weight| *weight >= -1e-4) {
                emit(column, row, weights);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_of_two_triangles_is_filled_without_gaps() {
        let corners = [Vec2::ZERO, Vec2::X, Vec2::ONE, Vec2::Y];
        let mut seen = [0; 64];
        for triangle in [[0, 1, 2], [0, 2, 3]] {
            each_texel(triangle.map(|corner| corners[corner]), 8, |column, row, weights| {
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                seen[(row * 8 + column) as usize] += 1;
            });
        }
        assert!(seen.iter().all(|count| *count >= 1), "{seen:?}");
    }

    #[test]
    fn flat_and_endless_triangles_have_no_texels() {
        for corners in [[Vec2::ZERO; 3], [Vec2::ZERO, Vec2::X, Vec2::splat(f32::NAN)]] {
            each_texel(corners, 8, |_, _, _| panic!("a texel of nothing"));
        }
    }
}
