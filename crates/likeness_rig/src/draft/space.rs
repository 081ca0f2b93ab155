//! Where up, front and the eyes are in a head of unknown make.

use glam::{Mat3, Mat4, Quat, Vec3};

use super::names::{JointName, Side};
use super::{DraftNotice, DraftOptions};
use crate::{Result, RigError};

/// Between the pupils of an adult, metres.
pub(super) const EYE_DISTANCE: f32 = 0.063;
/// The lengths of a metre's relatives, metres.
const UNITS: [f32; 6] = [1.0, 0.01, 0.1, 0.001, 0.0254, 0.3048];
/// An axis counts as the file's when it leans less than this against it (cosine).
const LEAN: f32 = 0.85;

/// A joint with its name and where it rests.
pub(super) struct PlacedJoint {
    pub(super) name: JointName,
    pub(super) place: Vec3,
}

/// The way from the file's space into the head's.
pub(super) struct Space {
    pub(super) matrix: Mat4,
    /// Left against right by name is left against right by place.
    pub(super) sides_agree: bool,
}

impl Space {
    /// Finds the axes by the places of eyes, mouth and chin, the unit by the distance of the eyes.
    pub(super) fn find(
        joints: &[PlacedJoint],
        vertices: &[Vec3],
        options: &DraftOptions,
        source: &str,
        notices: &mut Vec<DraftNotice>,
    ) -> Result<Self> {
        let lost = |what: &str| RigError::Mesh {
            file: source.into(),
            field: "joints".into(),
            problem: format!("no joint is named like {what}, so that the head's place is unknown: name the joints"),
        };
        let mean = |regions: &[&str], side: Option<Side>| {
            let chosen = joints.iter().filter(|joint| {
                joint.name.region.is_some_and(|region| regions.contains(&region))
                    && side.is_none_or(|side| joint.name.side == side)
            });
            let places: Vec<Vec3> = chosen.map(|joint| joint.place).collect();
            (!places.is_empty()).then(|| places.iter().sum::<Vec3>() / places.len() as f32)
        };
        let [left, right] =
            [Side::Left, Side::Right].map(|side| eye(joints, side).or_else(|| mean(&["eye"], Some(side))));
        let (Some(left), Some(right)) = (left, right) else { return Err(lost("an eye on each side")) };
        let eyes = (left + right) / 2.0;
        let below = mean(&["chin"], None).or_else(|| mean(&["mouth"], None)).or_else(|| mean(&["jaw", "neck"], None));
        let below = below.ok_or_else(|| lost("mouth or chin"))?;
        let across = (left - right).normalize_or_zero();
        let fallen = eyes - below;
        let up = snapped((fallen - across * fallen.dot(across)).normalize_or_zero());
        let centre = vertices.iter().sum::<Vec3>() / vertices.len().max(1) as f32;
        let face = mean(&["nose"], None).or_else(|| mean(&["mouth"], None)).unwrap_or(eyes);
        let ahead = face - centre;
        let along = snapped(across.reject_from_normalized(up).normalize_or_zero());
        let mut front = along.cross(up);
        let sides_agree = front.dot(ahead) >= 0.0;
        if !sides_agree {
            front = -front;
            notices.push(DraftNotice::SidesSwapped);
        }
        let axes = Mat3::from_cols(up.cross(front), up, front).transpose();
        if !axes.is_finite() || (axes.determinant() - 1.0).abs() > 0.01 {
            return Err(lost("eyes, mouth and chin at their places"));
        }
        let distance = left.distance(right);
        let unit = options.unit.unwrap_or_else(|| nearest_unit(distance));
        if !(0.6..1.6).contains(&(distance * unit / EYE_DISTANCE)) {
            notices.push(DraftNotice::UnusualSize { eye_distance: distance * unit });
        }
        let (_, turn, _) = Mat4::from_mat3(axes).to_scale_rotation_translation();
        // A head that is right already stays as it is, to the last bit.
        let turn = if turn.abs_diff_eq(Quat::IDENTITY, 1e-4) { Quat::IDENTITY } else { turn };
        let shift = turn * -eyes * unit;
        let shift = if shift.length() < 1e-3 { Vec3::ZERO } else { shift };
        let matrix = Mat4::from_scale_rotation_translation(Vec3::splat(unit), turn, shift);
        if matrix != Mat4::IDENTITY {
            notices.push(DraftNotice::Moved { unit, up: axis_name(up), front: axis_name(front) });
        }
        Ok(Self { matrix, sides_agree })
    }
}

/// The joint named `eye` and nothing else, which sits in the eyeball.
fn eye(joints: &[PlacedJoint], side: Side) -> Option<Vec3> {
    joints.iter().find(|joint| joint.name.side == side && joint.name.stem == "eye").map(|joint| joint.place)
}

fn nearest_unit(distance: f32) -> f32 {
    let off = |unit: &f32| (distance * unit / EYE_DISTANCE).ln().abs();
    UNITS.into_iter().min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(1.0)
}

/// The nearest axis, when the direction is near to one.
fn snapped(direction: Vec3) -> Vec3 {
    let axes = [Vec3::X, Vec3::Y, Vec3::Z, Vec3::NEG_X, Vec3::NEG_Y, Vec3::NEG_Z];
    axes.into_iter().find(|axis| axis.dot(direction) > LEAN).unwrap_or(direction)
}

fn axis_name(direction: Vec3) -> String {
    let names =
        [(Vec3::X, "x"), (Vec3::Y, "y"), (Vec3::Z, "z"), (Vec3::NEG_X, "-x"), (Vec3::NEG_Y, "-y"), (Vec3::NEG_Z, "-z")];
    let known = names.iter().find(|(axis, _)| axis.abs_diff_eq(direction, 1e-3));
    known.map_or_else(|| format!("{direction:.2}"), |(_, name)| (*name).to_owned())
}
