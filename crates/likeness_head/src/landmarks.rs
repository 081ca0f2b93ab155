//! The 68 iBUG landmarks on the skin, and where the outline's points go when the head turns.

use glam::{Vec2, Vec3};
use likeness_rig::{LandmarkPoint, LandmarkSet};

use crate::{
    cage::{Cage, Kind},
    error::{HeadError, Result},
    finish::{Fine, RenderPart},
};

/// Base-mesh vertices of the points in the usual order: outline, brows, nose, eyes, outer and inner lips.
#[rustfmt::skip]
const VERTICES: [u32; 68] = [
    718, 5182, 5204, 910, 735, 915, 5295, 5293, 5296, 11899, 11901, 7617, 7455, 7612, 11815, 11794, 7441,
    262, 224, 222, 205, 208, 6983, 6980, 6996, 6998, 7031,
    132, 131, 164, 5054, 358, 314, 343, 7077, 7119,
    21, 4848, 4865, 66, 47, 41, 6850, 11483, 11466, 6805, 6825, 6831,
    422, 5354, 450, 455, 7210, 11956, 7182, 7166, 7241, 492, 486, 406,
    444, 471, 474, 7227, 7204, 7242, 493, 487,
];
/// How far annotators put each point from its vertex, tenths of a millimetre to the left and up on the neutral head seen from
/// the front: along the outline, the ridge of the nose and the brows the scheme leaves the places open. Medians over portraits
/// of four equal groups (women and men, younger and older) after a stiff fit of the mean head, left and right made alike, what
/// a similarity, a nod or a longer face explain taken off. The lips move along themselves alone, as their height is the
/// expression's.
#[rustfmt::skip]
const SHIFTS: [[i8; 2]; 68] = [
    [-17, 2], [-6, 15], [22, -9], [32, -28], [22, -39], [11, 60], [-10, 36], [2, 1], [0, -17],
    [-2, 1], [10, 36], [-11, 60], [-22, -39], [-32, -28], [-22, -9], [6, 15], [17, 2],
    [11, -18], [-38, -6], [-15, -10], [-7, 21], [-19, 1], [19, 1], [7, 21], [15, -10], [38, -6], [-11, -18],
    [0, -48], [0, -46], [0, -78], [0, -35], [38, 17], [-11, 13], [0, 13], [11, 13], [-38, 17],
    [39, 7], [-1, -13], [8, -9], [-9, 10], [22, 2], [9, 4], [9, 10], [-8, -9], [1, -13], [-39, 7], [-9, 4], [-22, 2],
    [-7, -11], [-43, 0], [-11, 0], [0, 0], [11, 0], [43, 0], [7, -11], [-27, 0], [15, 0], [0, 0], [-15, 0], [27, 0],
    [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0],
];
/// Metres in a unit of [`SHIFTS`].
const SHIFT_UNIT: f32 = 1e-4;
/// Points of the outline.
const OUTLINE: usize = 17;
/// Turns for which the outline is tabled, degrees.
const YAWS: [f32; 9] = [-60.0, -45.0, -30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 60.0];
/// How near the middle (metres) each point of one half of the outline may slide, ear to chin: never onto mouth or nose.
const INNERMOST: [f32; 8] = [0.036, 0.034, 0.034, 0.030, 0.028, 0.022, 0.014, 0.008];

/// The points at their vertices, where the painting goes by them.
///
/// # Errors
/// If a vertex is not part of the head.
pub fn anatomical(cage: &Cage, fine: &Fine, skin: &RenderPart) -> Result<LandmarkSet> {
    let points = VERTICES.iter().map(|&number| corner(cage, skin, number)).collect::<Result<_>>()?;
    Ok(with_outline(points, skin, &ear_vertices(cage, fine, skin)))
}

/// The points where annotators of photos put them.
///
/// # Errors
/// If a vertex is not part of the head.
pub fn annotated(cage: &Cage, fine: &Fine, skin: &RenderPart) -> Result<LandmarkSet> {
    let ears = ear_vertices(cage, fine, skin);
    let mut points = Vec::with_capacity(VERTICES.len());
    for (&number, shift) in VERTICES.iter().zip(SHIFTS) {
        let point = corner(cage, skin, number)?;
        let shift = Vec2::from(shift.map(f32::from)) * SHIFT_UNIT;
        points.push(if shift == Vec2::ZERO { point } else { slide(skin, &ears, place(skin, &point), shift) });
    }
    Ok(with_outline(points, skin, &ears))
}

fn place(skin: &RenderPart, point: &LandmarkPoint) -> Vec3 {
    point.triangle.iter().zip(point.weights).map(|(&v, w)| skin.positions[v as usize] * w).sum()
}

/// Adds where the outline's points slide to as the head turns: never onto an ear.
fn with_outline(points: Vec<LandmarkPoint>, skin: &RenderPart, ears: &[bool]) -> LandmarkSet {
    let mut contour = Vec::new();
    for yaw in YAWS {
        let (sin, cos) = yaw.to_radians().sin_cos();
        let mut row = points[..OUTLINE].to_vec();
        for (index, point) in row.iter_mut().enumerate() {
            // Turned to its left, the head hides its left half: x > 0, the later points.
            let side = (index as f32 - 8.0).signum();
            if index == 8 || side * yaw <= 0.0 {
                continue;
            }
            let start = place(skin, point);
            let innermost = INNERMOST[if index < 8 { index } else { 16 - index }];
            let mut best = side * (start.x * cos + start.z * sin);
            for triangle in &skin.triangles {
                if triangle.iter().any(|&v| ears[v as usize]) {
                    continue;
                }
                for k in 0..3 {
                    let (a, b) = (triangle[k], triangle[(k + 1) % 3]);
                    let (p, q) = (skin.positions[a as usize], skin.positions[b as usize]);
                    if (p.y - start.y) * (q.y - start.y) > 0.0 || p.y == q.y {
                        continue;
                    }
                    let share = (start.y - p.y) / (q.y - p.y);
                    let at = p.lerp(q, share);
                    if side * at.x < innermost || at.z < start.z {
                        continue;
                    }
                    let across = side * (at.x * cos + at.z * sin);
                    if across > best {
                        best = across;
                        let mut weights = [0.0; 3];
                        weights[k] = 1.0 - share;
                        weights[(k + 1) % 3] = share;
                        *point = LandmarkPoint { triangle: *triangle, weights };
                    }
                }
            }
        }
        contour.push(row);
    }
    LandmarkSet { points, contour_yaws: YAWS.to_vec(), contour }
}

/// The place on the skin that is seen from the front where `start` moved by `shift` would be, or the nearest to it. The ears are
/// left out, and of several layers the one at the depth of `start` is taken, which is never inside the mouth.
fn slide(skin: &RenderPart, ears: &[bool], start: Vec3, shift: Vec2) -> LandmarkPoint {
    let target = start.truncate() + shift;
    let mut best = (f32::INFINITY, LandmarkPoint { triangle: [0; 3], weights: [1.0, 0.0, 0.0] });
    for triangle in skin.triangles.iter().filter(|triangle| !triangle.iter().any(|&v| ears[v as usize])) {
        let corners = triangle.map(|v| skin.positions[v as usize]);
        let [a, b, c] = corners;
        if (b - a).cross(c - a).z <= 0.0 {
            continue;
        }
        let weights = nearest_in_triangle(target, corners.map(Vec3::truncate));
        let at = a * weights[0] + b * weights[1] + c * weights[2];
        let off = at.truncate().distance(target) + DEPTH_COST * (at.z - start.z).abs();
        if off < best.0 {
            best = (off, LandmarkPoint { triangle: *triangle, weights });
        }
    }
    best.1
}

/// What a metre of depth costs against a metre across when a point slides: little, but enough to choose between layers.
const DEPTH_COST: f32 = 0.05;

/// The barycentric weights of the point of a triangle that is nearest to `p`.
fn nearest_in_triangle(p: Vec2, [a, b, c]: [Vec2; 3]) -> [f32; 3] {
    let area = (b - a).perp_dot(c - a);
    let inside = [(c - b).perp_dot(p - b) / area, (a - c).perp_dot(p - c) / area, (b - a).perp_dot(p - a) / area];
    if inside.iter().all(|weight| *weight >= 0.0) {
        return inside;
    }
    let on_edge = |from: Vec2, to: Vec2| {
        let share = ((p - from).dot(to - from) / (to - from).length_squared()).clamp(0.0, 1.0);
        (share, from.lerp(to, share).distance_squared(p))
    };
    let edges = [on_edge(a, b), on_edge(b, c), on_edge(c, a)];
    let mut nearest = 0;
    for edge in 1..3 {
        if edges[edge].1 < edges[nearest].1 {
            nearest = edge;
        }
    }
    let mut weights = [0.0; 3];
    weights[nearest] = 1.0 - edges[nearest].0;
    weights[(nearest + 1) % 3] = edges[nearest].0;
    weights
}

fn corner(cage: &Cage, skin: &RenderPart, number: u32) -> Result<LandmarkPoint> {
    let vertex = cage.vertex(number)? as u32;
    let found = skin.triangles.iter().find_map(|triangle| {
        let k = triangle.iter().position(|&v| skin.welded[v as usize] == vertex)?;
        let mut weights = [0.0; 3];
        weights[k] = 1.0;
        Some(LandmarkPoint { triangle: *triangle, weights })
    });
    found.ok_or_else(|| HeadError::Mesh {
        what: format!("landmark at vertex {number}"),
        problem: "is not on the skin".to_owned(),
    })
}

/// Vertices that are no face: ears, and all that is not outside.
fn ear_vertices(cage: &Cage, fine: &Fine, skin: &RenderPart) -> Vec<bool> {
    skin.welded
        .iter()
        .map(|&v| {
            fine.stencils[v as usize].iter().any(|&(c, _)| {
                let raw = cage.raw[c as usize];
                cage.kind[c as usize] != Kind::Outside || is_ear(raw)
            })
        })
        .collect()
}

/// Whether a point of the base mesh (raw units) lies on an ear.
pub fn is_ear(raw: Vec3) -> bool {
    raw.x.abs() > 0.70 && raw.z < 0.80 && raw.y > 6.75 && raw.y < 7.6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_place_of_a_triangle_is_inside_on_an_edge_or_at_a_corner() {
        let triangle = [Vec2::ZERO, Vec2::X, Vec2::Y];
        let place = |p: Vec2| {
            let weights = nearest_in_triangle(p, triangle);
            triangle.iter().zip(weights).map(|(corner, weight)| *corner * weight).sum::<Vec2>()
        };
        for (p, expected) in [
            (Vec2::new(0.2, 0.3), Vec2::new(0.2, 0.3)),
            (Vec2::new(0.4, -1.0), Vec2::new(0.4, 0.0)),
            (Vec2::new(1.0, 1.0), Vec2::new(0.5, 0.5)),
            (Vec2::new(-3.0, -1.0), Vec2::ZERO),
            (Vec2::new(5.0, -1.0), Vec2::X),
        ] {
            assert!(place(p).distance(expected) < 1e-6, "{p} {}", place(p));
        }
    }

    #[test]
    fn shifts_are_alike_on_both_sides() {
        for pair in [[0, 16], [5, 11], [17, 26], [21, 22], [31, 35], [36, 45], [39, 42], [48, 54], [49, 53], [59, 55]] {
            let [right, left] = pair.map(|index| SHIFTS[index]);
            assert_eq!([-right[0], right[1]], left, "{pair:?}");
        }
    }
}
