//! Strands and shells as meshes.

use std::collections::BTreeMap;

use glam::{Quat, Vec2, Vec3};

use super::{
    strands::Strand,
    surface::{Surface, add, strongest},
};
use crate::{finish::RenderPart, textures::noise::ramp};

/// How far the lit directions of a band's sides are spread, so that it looks round, and the half width (metres) above which a
/// band lies flat in the mass of hair instead: wide ones would look like ribbons.
const SPREAD: f32 = 0.45;
const NARROW: f32 = 0.005;
/// Least height of a band's sides over the skin, metres.
const CLEAR: f32 = 0.0016;
/// Radius that the skin's weights are averaged over for a strand, metres: on the skin, and at most. What stands off follows
/// more of the skin, so that neighbours keep together.
const SOFT: [f32; 2] = [0.005, 0.014];
/// How much the radius grows with the height over the skin.
const SOFTER: f32 = 0.6;

/// The bands of strands.
pub fn cards(surface: &Surface, strands: &[Strand], name: &str) -> RenderPart {
    let mut out = RenderPart { name: name.to_owned(), material: "strands".to_owned(), ..Default::default() };
    for strand in strands {
        let pieces = strand.points.len() - 1;
        let first = out.positions.len() as u32;
        for at in 0..=pieces {
            let t = strand.along[at];
            let p = strand.points[at];
            let before = strand.points[at.saturating_sub(1)];
            let after = strand.points[(at + 1).min(pieces)];
            let way = (after - before).normalize_or(Vec3::NEG_Y);
            let normal = strand.normals[at].reject_from_normalized(way).normalize_or(strand.normals[at]);
            let side = Quat::from_axis_angle(way, strand.roll) * way.cross(normal).normalize_or(Vec3::X);
            let [root, tip] = strand.taper;
            let width = if t < 0.4 { root + (1.0 - root) * t / 0.4 } else { 1.0 - (1.0 - tip) * (t - 0.4) / 0.6 };
            let half = strand.half * width;
            let grown = ramp(0.0, 0.6, t);
            let shade = strand.shade[0] + (strand.shade[1] - strand.shade[0]) * grown;
            let shade = (shade * 255.0).clamp(0.0, 255.0) as u8;
            let cover = (strand.cover * 255.0).clamp(0.0, 255.0) as u8;
            for across in [-1.0f32, 1.0] {
                let mut corner = p + side * half * across;
                // A wide band would cut into the round head.
                let hit = surface.ground(corner);
                let least = CLEAR * ramp(0.0, 0.12, t);
                if hit.height < least && at > 0 {
                    corner += hit.normal * (least - hit.height);
                }
                let below = surface.nearest(corner, true);
                let radius = (SOFT[0] + SOFTER * below.height.max(0.0)).min(SOFT[1]);
                let (joints, weights) = surface.weights(below.point, radius);
                out.positions.push(corner);
                let spread = SPREAD * (NARROW / strand.half).min(1.0);
                out.normals.push((normal + side * spread * across).normalize_or(normal));
                out.tangents.push(way);
                out.uvs.push(strand.strip.uv(across * 0.5 + 0.5, t));
                out.colors.push([shade, shade, shade, cover]);
                out.joints.push(joints);
                out.weights.push(weights);
            }
        }
        out.triangles.extend(band(first, pieces, pieces));
    }
    out
}

/// The triangles of a band with `pieces` pieces of which only `used` are drawn, from the vertex `first` on.
fn band(first: u32, pieces: usize, used: usize) -> impl Iterator<Item = [u32; 3]> {
    let row = move |k: usize| first + 2 * (k * pieces / used) as u32;
    (0..used).flat_map(move |k| {
        let (a, c) = (row(k), row(k + 1));
        [[a, a + 1, c], [c, a + 1, c + 1]]
    })
}

/// What is left of strands at a level of detail.
#[derive(Clone, Copy, Debug)]
pub struct Thinning {
    /// The share of every layer's strands that is kept: the first ones.
    pub share: f32,
    /// The most pieces of a strand.
    pub pieces: usize,
    /// Pieces of a whole swing, where that makes more: waves and curls are seen from afar.
    pub of_swing: f32,
}

/// A coarser level of detail of `cards`.
pub fn thinned(layers: &[Vec<Strand>], of: &str, name: &str, thinning: &Thinning) -> RenderPart {
    let mut out = RenderPart {
        name: name.to_owned(),
        material: "strands".to_owned(),
        vertices_of: Some(of.to_owned()),
        ..Default::default()
    };
    let mut first = 0;
    for layer in layers {
        let kept = (layer.len() as f32 * thinning.share).ceil() as usize;
        for (number, strand) in layer.iter().enumerate() {
            let pieces = strand.points.len() - 1;
            if number < kept {
                let most = thinning.pieces.max((strand.swings * thinning.of_swing) as usize).max(1);
                out.triangles.extend(band(first, pieces, pieces.min(most)));
            }
            first += 2 * (pieces as u32 + 1);
        }
    }
    out
}

/// What a shell is like at a place of the skin.
#[derive(Clone, Copy, Debug)]
pub struct ShellPoint {
    /// Height over the skin, metres.
    pub height: f32,
    /// Brightness.
    pub shade: f32,
    /// Coverage; triangles without any are left out.
    pub cover: f32,
    /// Which way hair runs.
    pub way: Vec3,
}

/// Adds a shell over the skin where `at` has coverage to a part; `scale` tiles of its picture span the skin's texture, and
/// expressions move it that move the skin by the distance `least` (metres), if any is given.
pub fn extend_shell(
    out: &mut RenderPart,
    surface: &Surface,
    scale: Vec2,
    least: Option<f32>,
    at: &dyn Fn(Vec3, Vec3) -> ShellPoint,
) {
    let skin = surface.skin;
    let points: Vec<Option<ShellPoint>> = (0..skin.positions.len())
        .map(|v| {
            let grows = surface.outside[v] && !surface.ear[v];
            grows.then(|| at(skin.positions[v], skin.normals[v])).filter(|point| point.cover.is_finite())
        })
        .collect();
    // Toward an ear a shell thins out: the edge of what is left out runs in steps.
    let mut beside_ear = vec![false; points.len()];
    for triangle in skin.triangles.iter().filter(|triangle| triangle.iter().any(|&v| surface.ear[v as usize])) {
        for &v in triangle {
            beside_ear[v as usize] = true;
        }
    }
    let mut place: BTreeMap<u32, u32> = BTreeMap::new();
    for triangle in &skin.triangles {
        let corners = triangle.map(|v| points[v as usize]);
        if corners.iter().any(Option::is_none) || corners.iter().flatten().all(|point| point.cover < 0.01) {
            continue;
        }
        let mut numbers = [0; 3];
        for (number, (&v, point)) in numbers.iter_mut().zip(triangle.iter().zip(corners.iter().flatten())) {
            *number = *place.entry(v).or_insert_with(|| {
                let v = v as usize;
                let byte = |x: f32| (x * 255.0).clamp(0.0, 255.0) as u8;
                out.positions.push(skin.positions[v] + skin.normals[v] * (point.height + surface.relief[v]));
                out.normals.push(skin.normals[v]);
                out.tangents.push(point.way.reject_from(skin.normals[v]).normalize_or(Vec3::NEG_Y));
                out.uvs.push(skin.uvs[v] * scale);
                let shade = byte(point.shade);
                let cover = if beside_ear[v] { 0.0 } else { point.cover };
                out.colors.push([shade, shade, shade, byte(cover)]);
                out.joints.push(skin.joints[v]);
                out.weights.push(skin.weights[v]);
                out.positions.len() as u32 - 1
            });
        }
        out.triangles.push(numbers);
    }
    if let Some(least) = least {
        out.morphs.resize(skin.morphs.len(), Vec::new());
        for (moves, own) in skin.morphs.iter().zip(&mut out.morphs) {
            let moves = moves.iter().filter(|(_, by)| by.length() > least);
            own.extend(moves.filter_map(|(v, by)| Some((*place.get(v)?, *by))));
        }
    }
}

/// Gives cards the expressions' moves of the skin nearest to where each strand begins, if it moves by `least` (metres).
pub fn follow_expressions(part: &mut RenderPart, surface: &Surface, strands: &[Strand], least: f32) {
    let skin = surface.skin;
    let mut first = 0;
    let starts: Vec<(usize, Vec3)> = strands
        .iter()
        .map(|strand| {
            let start = (first, strand.points[0]);
            first += 2 * strand.points.len();
            start
        })
        .collect();
    part.morphs = vec![Vec::new(); skin.morphs.len()];
    let nearest: Vec<u32> = starts.iter().map(|(_, root)| surface.nearest(*root, false).vertex).collect();
    for (moves, own) in skin.morphs.iter().zip(&mut part.morphs) {
        let moves: BTreeMap<u32, Vec3> = moves.iter().copied().collect();
        for (index, vertex) in nearest.iter().enumerate() {
            let Some(by) = moves.get(vertex).filter(|by| by.length() > least) else {
                continue;
            };
            let end = starts.get(index + 1).map_or(part.positions.len(), |next| next.0);
            own.extend((starts[index].0..end).map(|v| (v as u32, *by)));
        }
    }
}

/// The weights of a rigid piece: the mean of the skin's around several places.
pub fn mean_weights(surface: &Surface, places: &[(Vec3, f32)], radius: f32) -> ([u16; 4], [f32; 4]) {
    let mut sums = BTreeMap::new();
    for &(place, share) in places {
        let (joints, weights) = surface.weights(place, radius);
        add(&mut sums, &joints, &weights, share);
    }
    strongest(&sums)
}
