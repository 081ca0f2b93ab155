//! Sculpting: which spot of a face a ray hits, what the spot belongs to, and the parameters that bring it where a hand drags it.

use std::collections::BTreeMap;
use std::sync::Arc;

use glam::{Mat3, Vec3};

use crate::{BoneOffset, CompiledRig, HeadMesh, Result, Rig, RigBinding, RigError};

/// A parameter's value is moved by this much to see what it does; along its curve, where it has one.
const PROBE: f32 = 0.05;

/// How far a spot may stay from where it is dragged for the sake of calmer sliders, metres: the ridge of the least squares.
const GIVE: f32 = 0.0004;

/// Rounds of the solution, each from where the one before ended.
const ROUNDS: usize = 4;

/// A parameter that moves a spot less than this times what it moves the head on average does not belong to it.
const LEAST_LOCALITY: f32 = 0.5;

/// A parameter's locality counts at most this much.
const MOST_LOCALITY: f32 = 40.0;

/// A movement is one of both sides when its spread about their middles is below this share of that
/// about the whole's; one blob in the middle, cut in two, has a quarter or more.
const SIDES_APART: f32 = 0.2;

/// How many of a region's most local parameters speak for it.
const SPOKESMEN: usize = 3;

/// A spot on the surface of a head: a place on a triangle of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// The place of the part in [`HeadMesh::parts`].
    pub part: usize,
    /// The place of the triangle in the part.
    pub triangle: usize,
    /// The weights of the triangle's corners, which sum to one.
    pub weights: [f32; 3],
}

/// A head that can be touched.
#[derive(Clone, Debug)]
pub struct Sculptor {
    rig: Arc<Rig>,
    compiled: CompiledRig,
    mesh: Arc<HeadMesh>,
    binding: RigBinding,
    /// The part that [`Self::pick`] looks at.
    part: usize,
    /// Per parameter, the mean squared movement of the part's vertices, metres squared per unit of the value squared; of
    /// parameters with a curve, per unit of half the strength.
    motion: Vec<f32>,
    /// Per parameter, where its movement is centred at the neutral face, and in which direction it goes on average.
    focus: Vec<Focus>,
}

/// What a parameter moves: see [`Sculptor::focus`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Focus {
    /// The middle of what moves, metres; on the person's left side of the middle for parameters that move both.
    pub center: Vec3,
    /// The root mean square distance of what moves from that middle, metres.
    pub radius: f32,
    /// The shares of the movement along x, y and z, which sum to one; all zero when nothing moves.
    pub direction: Vec3,
}

impl Sculptor {
    /// Prepares a head: `part` names the mesh part that hands can touch, `skin` in the bundled head.
    ///
    /// # Errors
    /// [`RigError::Mesh`] when there is no such part, [`RigError::MissingJoint`] when mesh and rig do not fit.
    pub fn new(rig: Arc<Rig>, mesh: Arc<HeadMesh>, part: &str) -> Result<Self> {
        let binding = mesh.bind(&rig)?;
        let compiled = rig.compile()?;
        let place = mesh.parts.iter().position(|known| known.name == part).ok_or_else(|| RigError::Mesh {
            file: rig.mesh.clone(),
            field: part.to_owned(),
            problem: "there is no such part; name a mesh node of the head".into(),
        })?;
        let mut sculptor = Self { rig, compiled, mesh, binding, part: place, motion: Vec::new(), focus: Vec::new() };
        sculptor.measure_parameters();
        Ok(sculptor)
    }

    /// The rig.
    pub fn rig(&self) -> &Rig {
        &self.rig
    }

    /// The mesh.
    pub fn mesh(&self) -> &HeadMesh {
        &self.mesh
    }

    /// Where a parameter works at the neutral face; `None` beyond the rig's parameters.
    pub fn focus(&self, parameter: usize) -> Option<Focus> {
        self.focus.get(parameter).copied()
    }

    /// The part's vertices for these parameters (0..1, missing ones neutral) and ARKit coefficients (missing ones zero), metres.
    pub fn vertices(&self, parameters: &[f32], expression: &[f32]) -> Vec<Vec3> {
        let mut offsets = Vec::new();
        self.compiled.offsets_into(parameters, &mut offsets);
        let mut vertices = Vec::new();
        let matrices = self.binding.joint_matrices(&self.mesh, &offsets);
        self.mesh.skin(&self.mesh.parts[self.part], &matrices, expression, &mut vertices);
        vertices
    }

    /// The first spot of the part that a ray from `origin` along `direction` (head space, metres) hits from outside.
    pub fn pick(&self, parameters: &[f32], expression: &[f32], origin: Vec3, direction: Vec3) -> Option<Spot> {
        let vertices = self.vertices(parameters, expression);
        let mut nearest: Option<(f32, Spot)> = None;
        for (triangle, corners) in self.mesh.parts[self.part].triangles.iter().enumerate() {
            let [a, b, c] = corners.map(|corner| vertices.get(corner as usize).copied().unwrap_or(Vec3::ZERO));
            if let Some((distance, weights)) = hit(origin, direction, a, b, c)
                && nearest.is_none_or(|(known, _)| distance < known)
            {
                nearest = Some((distance, Spot { part: self.part, triangle, weights }));
            }
        }
        nearest.map(|(_, spot)| spot)
    }

    /// Where a spot is, metres.
    pub fn place(&self, spot: &Spot, parameters: &[f32], expression: &[f32]) -> Vec3 {
        let mut offsets = Vec::new();
        self.compiled.offsets_into(parameters, &mut offsets);
        self.skin_spot(&self.spot_corners(spot, expression), &offsets)
    }

    /// How strongly each parameter belongs to a spot: its squared movement there over its mean one over the part. 1 for what
    /// moves the whole head alike, 0 for what moves other places.
    pub fn locality(&self, spot: &Spot, parameters: &[f32], expression: &[f32]) -> Vec<f32> {
        let jacobian = self.jacobian(spot, parameters, expression);
        jacobian
            .iter()
            .zip(&self.motion)
            .map(|(movement, mean)| if *mean > 0.0 { movement.length_squared() / mean } else { 0.0 })
            .collect()
    }

    /// The region of the rig that a spot belongs to: the one whose most local parameters are the most local.
    pub fn region(&self, spot: &Spot, parameters: &[f32]) -> Option<&str> {
        let mut regions: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
        for (locality, parameter) in self.locality(spot, parameters, &[]).into_iter().zip(&self.rig.parameters) {
            regions.entry(&parameter.region).or_default().push(locality);
        }
        let strength = |localities: &mut Vec<f32>| {
            localities.sort_by(|a, b| b.total_cmp(a));
            localities.iter().take(SPOKESMEN).sum::<f32>()
        };
        regions
            .into_iter()
            .map(|(region, mut localities)| (region, strength(&mut localities)))
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(region, _)| region)
    }

    /// The parameters that bring a spot to `target` (head space, metres) as far as their ranges allow. Only parameters that `allowed`
    /// accepts (by their place in the rig) change, those that belong to the spot most of all.
    ///
    /// A least-squares solution with a ridge, weighted by [`Self::locality`], repeated from where it leads: bones turn and
    /// scale, so that one step does not do; what would leave 0..1 stays at the limit, and the others go on.
    pub fn drag(
        &self,
        spot: &Spot,
        parameters: &[f32],
        expression: &[f32],
        target: Vec3,
        allowed: impl Fn(usize) -> bool,
    ) -> Vec<f32> {
        let mut values = self.compiled.usable(parameters);
        if !target.is_finite() {
            return values;
        }
        let locality = self.locality(spot, &values, expression);
        let weights: Vec<f32> = locality
            .iter()
            .enumerate()
            .map(|(index, locality)| {
                let belongs = allowed(index) && *locality >= LEAST_LOCALITY;
                if belongs { locality.min(MOST_LOCALITY) } else { 0.0 }
            })
            .collect();
        for _ in 0..ROUNDS {
            let rest = target - self.place(spot, &values, expression);
            if rest.length() < GIVE {
                break;
            }
            let jacobian = self.jacobian(spot, &values, expression);
            // What stands at the limit and would go beyond takes no part.
            let free: Vec<f32> = weights
                .iter()
                .zip(&values)
                .zip(&jacobian)
                .map(|((weight, value), movement)| {
                    let push = movement.dot(rest);
                    let stuck = (*value <= 0.0 && push < 0.0) || (*value >= 1.0 && push > 0.0);
                    if stuck { 0.0 } else { *weight }
                })
                .collect();
            let mut normal = Mat3::from_diagonal(Vec3::splat(GIVE * GIVE));
            for (movement, weight) in jacobian.iter().zip(&free) {
                let scaled = *movement * *weight;
                normal += Mat3::from_cols(scaled * movement.x, scaled * movement.y, scaled * movement.z);
            }
            let force = normal.inverse() * rest;
            for (index, ((value, movement), weight)) in values.iter_mut().zip(&jacobian).zip(&free).enumerate() {
                let step = weight * movement.dot(force);
                if step.is_finite() {
                    *value = self.compiled.curve(index).moved(*value, step);
                }
            }
        }
        values
    }

    /// Movement of a spot per unit of each parameter, metres; of parameters with a curve, per unit of half the strength, so
    /// that they can be taken hold of where their curve is flat.
    fn jacobian(&self, spot: &Spot, parameters: &[f32], expression: &[f32]) -> Vec<Vec3> {
        let corners = self.spot_corners(spot, expression);
        let mut values = parameters.to_vec();
        values.resize(self.rig.parameters.len(), 0.5);
        let mut offsets = Vec::new();
        (0..values.len())
            .map(|index| {
                let (old, curve) = (values[index], self.compiled.curve(index));
                let (low, high) = (curve.moved(old, -PROBE), curve.moved(old, PROBE));
                let mut at = |value: f32| {
                    values[index] = value;
                    self.compiled.offsets_into(&values, &mut offsets);
                    self.skin_spot(&corners, &offsets)
                };
                let movement = (at(high) - at(low)) / (0.5 * (curve.strength(high) - curve.strength(low)));
                values[index] = old;
                movement
            })
            .collect()
    }

    /// The corners of a spot's triangle with their share of it: position with the expression, joints, weights.
    fn spot_corners(&self, spot: &Spot, expression: &[f32]) -> Vec<(f32, Vec3, [u16; 4], [f32; 4])> {
        let Some(part) = self.mesh.parts.get(spot.part) else { return Vec::new() };
        let Some(corners) = part.triangles.get(spot.triangle) else { return Vec::new() };
        corners
            .iter()
            .zip(spot.weights)
            .filter_map(|(corner, share)| {
                let vertex = *corner as usize;
                let mut position = *part.positions.get(vertex)?;
                for (deltas, amount) in part.morphs.iter().zip(expression) {
                    if *amount != 0.0
                        && let Ok(found) = deltas.binary_search_by_key(corner, |(vertex, _)| *vertex)
                    {
                        position += deltas[found].1 * *amount;
                    }
                }
                Some((share, position, *part.joints.get(vertex)?, *part.weights.get(vertex)?))
            })
            .collect()
    }

    fn skin_spot(&self, corners: &[(f32, Vec3, [u16; 4], [f32; 4])], offsets: &[BoneOffset]) -> Vec3 {
        let matrices = self.binding.joint_matrices(&self.mesh, offsets);
        let mut place = Vec3::ZERO;
        for (share, position, joints, weights) in corners {
            for (joint, weight) in joints.iter().zip(weights) {
                if *weight != 0.0
                    && let Some(matrix) = matrices.get(usize::from(*joint))
                {
                    place += matrix.transform_point3(*position) * (*weight * *share);
                }
            }
        }
        place
    }

    /// What every parameter moves, at the neutral face.
    fn measure_parameters(&mut self) {
        let count = self.rig.parameters.len();
        let rest = self.vertices(&[], &[]);
        let mut values = vec![0.5; count];
        for index in 0..count {
            let mut movements: Vec<Vec3> = Vec::new();
            for (middle, step) in self.compiled.spans(index, 0.5, PROBE) {
                values[index] = middle - step;
                let before = self.vertices(&values, &[]);
                values[index] = middle + step;
                let after = self.vertices(&values, &[]);
                movements.extend(after.iter().zip(&before).map(|(after, before)| (*after - *before) / (2.0 * step)));
            }
            values[index] = 0.5;
            let squared: f32 = movements.iter().map(|movement| movement.length_squared()).sum();
            self.motion.push(squared / movements.len().max(1) as f32);
            self.focus.push(focus(&rest, &movements));
        }
    }
}

/// The middle, size and direction of a movement, or of several one after the other.
fn focus(rest: &[Vec3], movements: &[Vec3]) -> Focus {
    let share = |movement: &Vec3| movement.length_squared();
    let total: f32 = movements.iter().map(share).sum();
    if total <= 0.0 {
        return Focus::default();
    }
    let moved = || rest.iter().cycle().zip(movements);
    let middle = |share: &dyn Fn(&Vec3, &Vec3) -> f32| {
        let all: f32 = moved().map(|(place, movement)| share(place, movement)).sum();
        let sum: Vec3 = moved().map(|(place, movement)| *place * share(place, movement)).sum();
        if all > 0.0 { sum / all } else { Vec3::ZERO }
    };
    let spread = |distance: &dyn Fn(&Vec3) -> f32| {
        moved().map(|(place, movement)| share(movement) * distance(place)).sum::<f32>() / total
    };
    let whole = middle(&|_, movement| share(movement));
    let left = middle(&|place, movement| if place.x >= 0.0 { share(movement) } else { 0.0 });
    // Both sides of a mirrored movement would meet in the middle of the face, where nothing moves.
    let right = Vec3::new(-left.x, left.y, left.z);
    let around_whole = spread(&|place| place.distance_squared(whole));
    let around_sides = spread(&|place| place.distance_squared(left).min(place.distance_squared(right)));
    let (center, squared) =
        if around_sides < SIDES_APART * around_whole { (left, around_sides) } else { (whole, around_whole) };
    let direction: Vec3 = movements.iter().map(|movement| *movement * *movement).sum();
    Focus { center, radius: squared.sqrt(), direction: direction / total }
}

/// Distance along the ray and weights of the corners where a ray hits a triangle from its front, counter-clockwise side; after
/// T. Möller and B. Trumbore, "Fast, Minimum Storage Ray/Triangle Intersection", 1997.
fn hit(origin: Vec3, direction: Vec3, a: Vec3, b: Vec3, c: Vec3) -> Option<(f32, [f32; 3])> {
    let (ab, ac) = (b - a, c - a);
    let across = direction.cross(ac);
    let determinant = ab.dot(across);
    if determinant <= 1e-12 {
        return None;
    }
    let from = origin - a;
    let v = from.dot(across) / determinant;
    let around = from.cross(ab);
    let w = direction.dot(around) / determinant;
    let distance = ac.dot(around) / determinant;
    (v >= 0.0 && w >= 0.0 && v + w <= 1.0 && distance > 0.0).then_some((distance, [1.0 - v - w, v, w]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::synthetic;

    fn sculptor() -> Sculptor {
        sculptor_of(synthetic::rig())
    }

    fn sculptor_of(rig: Rig) -> Sculptor {
        let rig = Arc::new(rig);
        let mesh = Arc::new(synthetic::mesh(1));
        let part = mesh.parts[0].name.clone();
        Sculptor::new(rig, mesh, &part).unwrap()
    }

    fn nose(sculptor: &Sculptor) -> Spot {
        sculptor.pick(&[], &[], Vec3::new(0.0, -0.02, 1.0), Vec3::NEG_Z).unwrap()
    }

    #[test]
    fn a_ray_hits_the_spot_that_it_is_aimed_at() {
        let sculptor = sculptor();
        let spot = nose(&sculptor);
        let place = sculptor.place(&spot, &[], &[]);
        assert!(place.truncate().distance(glam::Vec2::new(0.0, -0.02)) < 1e-4, "{place}");
        let vertices = sculptor.vertices(&[], &[]);
        let corners = sculptor.mesh().parts[0].triangles[spot.triangle];
        let by_vertices: Vec3 = corners.iter().zip(spot.weights).map(|(i, w)| vertices[*i as usize] * w).sum();
        assert!(place.distance(by_vertices) < 1e-6, "the spot and the skinned vertices agree");
        assert!(sculptor.pick(&[], &[], Vec3::new(5.0, 0.0, 1.0), Vec3::NEG_Z).is_none(), "beside the head");
        assert!(sculptor.pick(&[], &[], Vec3::new(0.0, 0.0, 1.0), Vec3::Z).is_none(), "away from the head");
    }

    #[test]
    fn a_dragged_spot_goes_where_it_is_dragged() {
        let sculptor = sculptor();
        let spot = nose(&sculptor);
        let start = sculptor.place(&spot, &[], &[]);
        for way in [Vec3::new(0.0, 0.004, 0.0), Vec3::new(0.0, -0.002, 0.003), Vec3::new(0.003, 0.0, -0.002)] {
            let values = sculptor.drag(&spot, &[], &[], start + way, |_| true);
            let end = sculptor.place(&spot, &values, &[]);
            assert!(end.distance(start + way) < 0.001, "{way}: {end} instead of {}", start + way);
            assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
        }
    }

    #[test]
    fn a_spot_of_a_rig_with_curves_goes_where_it_is_dragged() {
        let sculptor = sculptor_of(synthetic::bent_rig());
        let spot = nose(&sculptor);
        let start = sculptor.place(&spot, &[], &[]);
        for way in [Vec3::new(0.0, 0.004, 0.0), Vec3::new(0.0, -0.002, 0.003), Vec3::new(0.003, 0.0, -0.002)] {
            let values = sculptor.drag(&spot, &[], &[], start + way, |_| true);
            let end = sculptor.place(&spot, &values, &[]);
            assert!(end.distance(start + way) < 0.001, "{way}: {end} instead of {}", start + way);
            assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
        }
    }

    #[test]
    fn a_curve_that_is_flat_at_neutral_can_still_be_taken_hold_of() {
        let mut rig = synthetic::rig();
        let raise = rig.parameter_index("nose.1").unwrap();
        rig.parameters[raise].curve = crate::Curve(crate::Curve::MAX);
        let (bent, plain) = (sculptor_of(rig), sculptor());
        let spot = nose(&bent);
        let (found, expected) = (bent.locality(&spot, &[], &[])[raise], plain.locality(&spot, &[], &[])[raise]);
        assert!((found / expected - 1.0).abs() < 0.05, "{found} instead of {expected}");
        let direction = bent.focus(raise).unwrap().direction;
        assert!(direction.distance(plain.focus(raise).unwrap().direction) < 0.01, "{direction}");
        let target = bent.place(&spot, &[], &[]) + Vec3::new(0.0, 0.001, 0.0);
        let values = bent.drag(&spot, &[], &[], target, |index| index == raise);
        assert!(values[raise] > 0.6 && bent.place(&spot, &values, &[]).distance(target) < 3e-4, "{}", values[raise]);
    }

    #[test]
    fn a_spot_that_is_dragged_too_far_stops_at_the_ranges() {
        let sculptor = sculptor();
        let spot = nose(&sculptor);
        let start = sculptor.place(&spot, &[], &[]);
        let values = sculptor.drag(&spot, &[], &[], start + Vec3::new(0.0, 1.0, 0.0), |_| true);
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
        assert!(sculptor.place(&spot, &values, &[]).y > start.y + 0.004, "it went as far as it could");
        let nowhere = sculptor.drag(&spot, &[], &[], Vec3::NAN, |_| true);
        assert_eq!(nowhere, vec![0.5; values.len()]);
    }

    #[test]
    fn only_allowed_parameters_change() {
        let sculptor = sculptor();
        let spot = nose(&sculptor);
        let start = sculptor.place(&spot, &[], &[]);
        let values = sculptor.drag(&spot, &[], &[], start + Vec3::new(0.0, 0.004, 0.0), |index| index == 1);
        for (index, value) in values.iter().enumerate() {
            assert!(index == 1 || *value == 0.5, "parameter {index} became {value}");
        }
        assert_ne!(values[1], 0.5);
    }

    #[test]
    fn parameters_know_where_they_work() {
        let sculptor = sculptor();
        let raise = sculptor.rig().parameter_index("nose.1").unwrap();
        assert!(sculptor.focus(raise).unwrap().direction.y > 0.95, "it moves along y");
        assert_eq!(sculptor.region(&nose(&sculptor), &[]), Some("face"));
        assert!(sculptor.focus(10_000).is_none());
    }

    #[test]
    fn a_movement_of_both_sides_has_its_focus_on_the_left_one() {
        let rest: Vec<Vec3> = (-10..=10).map(|i| Vec3::new(i as f32 * 0.01, 0.0, 0.0)).collect();
        let around = |places: &[f32]| {
            let near = |place: &Vec3| places.iter().any(|x| (place.x - x).abs() < 0.015);
            focus(&rest, &rest.iter().map(|place| if near(place) { Vec3::Y } else { Vec3::ZERO }).collect::<Vec<_>>())
        };
        assert!((around(&[-0.06, 0.06]).center.x - 0.06).abs() < 1e-4);
        assert!(around(&[0.0]).center.x.abs() < 1e-4);
        assert!((around(&[-0.06]).center.x + 0.06).abs() < 1e-4);
        assert_eq!(around(&[]), Focus::default());
    }
}
