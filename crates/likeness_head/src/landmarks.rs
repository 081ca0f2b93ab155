//! The 68 iBUG landmarks on the skin, and where the outline's points go when the head turns.

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
/// Points of the outline.
const OUTLINE: usize = 17;
/// Turns for which the outline is tabled, degrees.
const YAWS: [f32; 9] = [-60.0, -45.0, -30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 60.0];
/// How near the middle (metres) each point of one half of the outline may slide, ear to chin: never onto mouth or nose.
const INNERMOST: [f32; 8] = [0.036, 0.034, 0.034, 0.030, 0.028, 0.022, 0.014, 0.008];

/// Finds the points on the drawn skin.
///
/// # Errors
/// If a vertex is not part of the head.
pub fn build(cage: &Cage, fine: &Fine, skin: &RenderPart) -> Result<LandmarkSet> {
    let points = VERTICES.iter().map(|&number| corner(cage, skin, number)).collect::<Result<Vec<_>>>()?;
    let place = |point: &LandmarkPoint| {
        point.triangle.iter().zip(point.weights).map(|(&v, w)| skin.positions[v as usize] * w).sum::<glam::Vec3>()
    };
    let ears = ear_vertices(cage, fine, skin);
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
            let start = place(point);
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
    Ok(LandmarkSet { points, contour_yaws: YAWS.to_vec(), contour })
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
pub fn is_ear(raw: glam::Vec3) -> bool {
    raw.x.abs() > 0.70 && raw.z < 0.80 && raw.y > 6.75 && raw.y < 7.6
}
