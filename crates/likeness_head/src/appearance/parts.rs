//! Strands and shells as meshes.

use std::collections::BTreeMap;

use glam::{Quat, Vec2, Vec3};

use super::{
    strands::{Strand, along},
    surface::{Surface, add, strongest},
};
use crate::{finish::RenderPart, textures::noise::ramp};

/// Bands get narrower toward both ends: the width at root and tip as a share.
const ENDS: [f32; 2] = [0.7, 0.55];
/// How far the lit directions of a band's sides are spread, so that it looks round.
const SPREAD: f32 = 0.45;
/// Least height of a band's sides over the skin, metres.
const CLEAR: f32 = 0.0016;
/// Radius that the skin's weights are averaged over for a strand, metres.
const SOFT: f32 = 0.012;

/// The bands of strands, each `widen` times as wide, with at most `segments` pieces.
pub fn cards(surface: &Surface, strands: &[Strand], name: &str, widen: f32, segments: usize) -> RenderPart {
    let mut out = RenderPart { name: name.to_owned(), material: "strands".to_owned(), ..Default::default() };
    for strand in strands {
        let pieces = strand.points.len() - 1;
        let used = pieces.min(segments.max(1));
        let first = out.positions.len() as u32;
        for k in 0..=used {
            let at = k * pieces / used;
            let t = along(at, pieces);
            let p = strand.points[at];
            let before = strand.points[at.saturating_sub(1)];
            let after = strand.points[(at + 1).min(pieces)];
            let way = (after - before).normalize_or(Vec3::NEG_Y);
            let normal = strand.normals[at].reject_from_normalized(way).normalize_or(strand.normals[at]);
            let side = Quat::from_axis_angle(way, strand.roll) * way.cross(normal).normalize_or(Vec3::X);
            let ends = if t < 0.4 { ENDS[0] + (1.0 - ENDS[0]) * t / 0.4 } else { 1.0 - (1.0 - ENDS[1]) * (t - 0.4) / 0.6 };
            let half = strand.half * widen * ends;
            let grown = ramp(0.0, 0.6, t);
            let shade = strand.shade[0] + (strand.shade[1] - strand.shade[0]) * grown;
            let shade = (shade * 255.0).clamp(0.0, 255.0) as u8;
            let cover = (strand.cover * 255.0).clamp(0.0, 255.0) as u8;
            let (joints, weights) = surface.weights(surface.nearest(p, true).point, SOFT);
            for across in [-1.0f32, 1.0] {
                let mut corner = p + side * half * across;
                // A wide band would cut into the round head.
                let hit = surface.ground(corner);
                let least = CLEAR * ramp(0.0, 0.12, t);
                if hit.height < least && k > 0 {
                    corner += hit.normal * (least - hit.height);
                }
                out.positions.push(corner);
                out.normals.push((normal + side * SPREAD * across).normalize_or(normal));
                out.tangents.push(way);
                out.uvs.push(strand.strip.uv(across * 0.5 + 0.5, t));
                out.colors.push([shade, shade, shade, cover]);
                out.joints.push(joints);
                out.weights.push(weights);
            }
        }
        for k in 0..used as u32 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|corner| first + 2 * k + corner);
            out.triangles.extend([[a, b, c], [c, b, d]]);
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

/// A shell over the skin where `at` has coverage; `scale` tiles of its picture span the skin's texture.
pub fn shell(
    surface: &Surface,
    name: &str,
    material: &str,
    scale: Vec2,
    at: &dyn Fn(Vec3, Vec3) -> ShellPoint,
) -> RenderPart {
    let mut out = RenderPart { name: name.to_owned(), material: material.to_owned(), ..Default::default() };
    extend_shell(&mut out, surface, scale, true, at);
    out
}

/// Adds another shell to a part; `keep_morphs` when the face's expressions shall move it.
pub fn extend_shell(
    out: &mut RenderPart,
    surface: &Surface,
    scale: Vec2,
    keep_morphs: bool,
    at: &dyn Fn(Vec3, Vec3) -> ShellPoint,
) {
    let skin = surface.skin;
    let points: Vec<Option<ShellPoint>> = (0..skin.positions.len())
        .map(|v| {
            let grows = surface.outside[v] && !surface.ear[v];
            grows.then(|| at(skin.positions[v], skin.normals[v])).filter(|point| point.cover.is_finite())
        })
        .collect();
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
                out.colors.push([shade, shade, shade, byte(point.cover)]);
                out.joints.push(skin.joints[v]);
                out.weights.push(skin.weights[v]);
                out.positions.len() as u32 - 1
            });
        }
        out.triangles.push(numbers);
    }
    if keep_morphs {
        out.morphs.resize(skin.morphs.len(), Vec::new());
        for (moves, own) in skin.morphs.iter().zip(&mut out.morphs) {
            own.extend(moves.iter().filter_map(|(v, by)| Some((*place.get(v)?, *by))));
        }
    }
}

/// Gives a part the expressions' moves of the skin nearest to where each strand of `stride` vertices begins.
pub fn follow_expressions(part: &mut RenderPart, surface: &Surface, starts: &[(usize, Vec3)], least: f32) {
    let skin = surface.skin;
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
