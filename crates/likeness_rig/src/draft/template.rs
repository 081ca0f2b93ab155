//! The 68 landmarks of a head, from those of a mean face.

use glam::Vec3;

use super::names::Side;
use super::space::{EYE_DISTANCE, PlacedJoint};
use crate::{CONTOUR_COUNT, LANDMARK_COUNT, LandmarkPoint, LandmarkSet, MeshPart};

/// The landmarks of a mean face whose eyes are at y = z = 0, metres.
#[rustfmt::skip]
const MEAN_FACE: [[f32; 3]; LANDMARK_COUNT] = [
    [-0.0682, -0.0001, -0.0326], [-0.0665, -0.0213, -0.0185], [-0.0638, -0.0390, -0.0160], [-0.0608, -0.0552, -0.0189],
    [-0.0549, -0.0750, -0.0179], [-0.0460, -0.0879, -0.0105], [-0.0354, -0.0987, -0.0033], [-0.0213, -0.1102, 0.0031],
    [0.0000, -0.1160, -0.0014], [0.0213, -0.1102, 0.0031], [0.0354, -0.0987, -0.0033], [0.0460, -0.0879, -0.0105],
    [0.0549, -0.0750, -0.0179], [0.0608, -0.0552, -0.0189], [0.0638, -0.0390, -0.0160], [0.0665, -0.0213, -0.0185],
    [0.0682, -0.0001, -0.0326], [-0.0537, 0.0147, 0.0066], [-0.0459, 0.0188, 0.0163], [-0.0354, 0.0201, 0.0233],
    [-0.0261, 0.0183, 0.0268], [-0.0179, 0.0150, 0.0277], [0.0179, 0.0150, 0.0277], [0.0261, 0.0183, 0.0268],
    [0.0354, 0.0201, 0.0233], [0.0459, 0.0188, 0.0163], [0.0537, 0.0147, 0.0066], [0.0000, -0.0060, 0.0257],
    [0.0000, -0.0201, 0.0324], [0.0000, -0.0329, 0.0405], [0.0000, -0.0449, 0.0433], [-0.0127, -0.0475, 0.0258],
    [-0.0073, -0.0501, 0.0295], [0.0000, -0.0516, 0.0318], [0.0073, -0.0501, 0.0295], [0.0127, -0.0475, 0.0258],
    [-0.0402, 0.0002, 0.0145], [-0.0347, 0.0015, 0.0169], [-0.0260, 0.0012, 0.0170], [-0.0184, -0.0030, 0.0145],
    [-0.0252, -0.0065, 0.0155], [-0.0341, -0.0065, 0.0154], [0.0184, -0.0030, 0.0145], [0.0260, 0.0012, 0.0170],
    [0.0347, 0.0015, 0.0169], [0.0402, 0.0002, 0.0145], [0.0341, -0.0065, 0.0154], [0.0252, -0.0065, 0.0155],
    [-0.0255, -0.0744, 0.0185], [-0.0187, -0.0649, 0.0261], [-0.0062, -0.0631, 0.0327], [0.0000, -0.0635, 0.0337],
    [0.0062, -0.0631, 0.0327], [0.0187, -0.0649, 0.0261], [0.0255, -0.0744, 0.0185], [0.0153, -0.0800, 0.0249],
    [0.0080, -0.0839, 0.0262], [0.0000, -0.0843, 0.0275], [-0.0080, -0.0839, 0.0262], [-0.0153, -0.0800, 0.0249],
    [-0.0215, -0.0728, 0.0180], [-0.0084, -0.0721, 0.0262], [0.0000, -0.0723, 0.0271], [0.0084, -0.0721, 0.0262],
    [0.0215, -0.0728, 0.0180], [0.0057, -0.0726, 0.0270], [0.0000, -0.0728, 0.0277], [-0.0057, -0.0726, 0.0270],
];
/// Where the joints of a region lie on the mean face, on average.
const ANCHORS: [(&str, Vec3); 3] = [
    ("nose", Vec3::new(0.0, -0.036, 0.034)),
    ("mouth", Vec3::new(0.0, -0.073, 0.024)),
    ("chin", Vec3::new(0.0, -0.106, 0.014)),
];
/// How many of the nearest triangles are looked at more closely.
const NEAREST: usize = 40;

/// The landmarks guessed on a head that is in the head's space: the mean face, stretched to fit eyes, nose, mouth and chin,
/// and each of its landmarks moved to the nearest skin that faces the same way. The contour does not slide.
pub(super) fn landmarks(skin: &MeshPart, joints: &[PlacedJoint]) -> LandmarkSet {
    let fitted = fitted(joints);
    let triangles: Vec<(Vec3, Vec3)> = skin
        .triangles
        .iter()
        .map(|triangle| {
            let [a, b, c] = corners(skin, triangle);
            ((a + b + c) / 3.0, (b - a).cross(c - a).normalize_or_zero())
        })
        .collect();
    let points: Vec<LandmarkPoint> = fitted.iter().map(|point| nearest(skin, &triangles, *point)).collect();
    LandmarkSet { contour: vec![points[..CONTOUR_COUNT].to_vec()], contour_yaws: vec![0.0], points }
}

/// The mean face, widened by the eyes, and stretched along y and z by what is known of nose, mouth and chin.
fn fitted(joints: &[PlacedJoint]) -> [Vec3; LANDMARK_COUNT] {
    let mean = |region: &str, side: Option<Side>| {
        let places: Vec<Vec3> = joints
            .iter()
            .filter(|joint| joint.name.region == Some(region) && side.is_none_or(|side| joint.name.side == side))
            .map(|joint| joint.place)
            .collect();
        (!places.is_empty()).then(|| places.iter().sum::<Vec3>() / places.len() as f32)
    };
    let [left, right] = [Side::Left, Side::Right].map(|side| mean("eye", Some(side)));
    let wide = match (left, right) {
        (Some(left), Some(right)) => (left.x - right.x).abs() / EYE_DISTANCE,
        _ => 1.0,
    };
    let known: Vec<(Vec3, Vec3)> =
        ANCHORS.iter().filter_map(|(region, there)| Some((*there, mean(region, None)?))).collect();
    // The eyes are the origin of both, so that a factor per axis is all there is to find.
    let factor = |axis: usize| {
        let (above, below) = known.iter().fold((0.0, 0.0), |(above, below), (there, here)| {
            (above + there[axis] * here[axis], below + there[axis] * there[axis])
        });
        if below > 0.0 && above > 0.0 { above / below } else { wide }
    };
    let stretch = Vec3::new(wide, factor(1), factor(2));
    MEAN_FACE.map(|point| Vec3::from(point) * stretch)
}

fn corners(skin: &MeshPart, triangle: &[u32; 3]) -> [Vec3; 3] {
    triangle.map(|vertex| skin.positions[vertex as usize])
}

fn nearest(skin: &MeshPart, triangles: &[(Vec3, Vec3)], point: Vec3) -> LandmarkPoint {
    // The skin of a face looks away from a point inside the head; the inside of the mouth does not.
    let outward = (point - Vec3::new(0.0, point.y * 0.5, -0.08)).normalize_or_zero();
    let mut near: Vec<(f32, usize)> = triangles
        .iter()
        .enumerate()
        .filter(|(_, (_, normal))| normal.dot(outward) > 0.1)
        .map(|(index, (centre, _))| (centre.distance_squared(point), index))
        .collect();
    let count = NEAREST.min(near.len());
    if count > 0 && count < near.len() {
        near.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0));
    }
    let found = near[..count]
        .iter()
        .map(|(_, index)| {
            let triangle = skin.triangles[*index];
            let corners = corners(skin, &triangle);
            let weights = closest(corners, point);
            let place: Vec3 = corners.iter().zip(weights).map(|(corner, weight)| *corner * weight).sum();
            (place.distance_squared(point), LandmarkPoint { triangle, weights })
        })
        .min_by(|a, b| a.0.total_cmp(&b.0));
    found.map_or_else(
        || LandmarkPoint { triangle: skin.triangles.first().copied().unwrap_or_default(), weights: [1.0, 0.0, 0.0] },
        |(_, point)| point,
    )
}

/// The weights of the point of a triangle that is nearest (Ericson, Real-Time Collision Detection, 5.1.5).
fn closest([a, b, c]: [Vec3; 3], p: Vec3) -> [f32; 3] {
    let (ab, ac, ap) = (b - a, c - a, p - a);
    let (d1, d2) = (ab.dot(ap), ac.dot(ap));
    if d1 <= 0.0 && d2 <= 0.0 {
        return [1.0, 0.0, 0.0];
    }
    let bp = p - b;
    let (d3, d4) = (ab.dot(bp), ac.dot(bp));
    if d3 >= 0.0 && d4 <= d3 {
        return [0.0, 1.0, 0.0];
    }
    let cp = p - c;
    let (d5, d6) = (ab.dot(cp), ac.dot(cp));
    if d6 >= 0.0 && d5 <= d6 {
        return [0.0, 0.0, 1.0];
    }
    let vc = d1 * d4 - d3 * d2;
    if vc <= 0.0 && d1 >= 0.0 && d3 <= 0.0 {
        let v = d1 / (d1 - d3);
        return [1.0 - v, v, 0.0];
    }
    let vb = d5 * d2 - d1 * d6;
    if vb <= 0.0 && d2 >= 0.0 && d6 <= 0.0 {
        let w = d2 / (d2 - d6);
        return [1.0 - w, 0.0, w];
    }
    let va = d3 * d6 - d5 * d4;
    if va <= 0.0 && d4 - d3 >= 0.0 && d5 - d6 >= 0.0 {
        let w = (d4 - d3) / ((d4 - d3) + (d5 - d6));
        return [0.0, 1.0 - w, w];
    }
    let sum = va + vb + vc;
    if sum <= 0.0 {
        return [1.0, 0.0, 0.0];
    }
    [va / sum, vb / sum, vc / sum]
}
