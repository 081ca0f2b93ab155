//! Whether a parameter turns or crosses the skin anywhere in its range.

use std::collections::{BTreeSet, HashMap};

use glam::{IVec3, Vec3};

use crate::landmarks::SKIN;
use crate::{CompiledRig, HeadMesh, MeshPart, Result, Rig, RigBinding, RigError};

/// Vertices that move less than this rest, metres.
const STILL: f32 = 1e-5;
/// The area that may turn over unseen, square metres: hidden creases do so early.
const FOLDED: f32 = 2.5e-5;
/// An edge must pass a triangle by this much on both sides to cross it, metres: parts that touch are not crossed.
const DEPTH: f32 = 0.0004;
/// The area that may cross, square metres: lips that touch press into each other, the bundled head's this far at the ends of
/// natural ranges.
const CROSSED: f32 = 9e-5;
/// Vertices nearer than this are one, metres: seams of the texture part them.
const WELD: f32 = 1e-6;
/// The cells of the grid that finds neighbours, metres.
const CELL: f32 = 0.004;

/// Checks the parameters of a rig one at a time, all others neutral.
#[derive(Debug)]
pub struct RangeCheck<'a> {
    mesh: &'a HeadMesh,
    skin: &'a MeshPart,
    compiled: CompiledRig,
    binding: RigBinding,
    rest: Vec<Vec3>,
    /// Per vertex the first one at the same place.
    welded: Vec<u32>,
}

/// What is wrong at one end of a parameter's range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeFault {
    /// The value, 0 or 1.
    pub value: f32,
    /// The area of skin that turns over, square metres.
    pub turned: f32,
    /// The area of skin that crosses other skin and does not at rest, square metres.
    pub crossed: f32,
    /// Where the fault is, metres.
    pub place: Vec3,
}

impl std::fmt::Display for RangeFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = if self.value < 0.5 { "0" } else { "1" };
        if self.crossed > CROSSED {
            write!(out, "at {end} {:.0} mm² of skin cross other skin", self.crossed * 1e6)
        } else {
            write!(out, "at {end} {:.0} mm² of skin turn over", self.turned * 1e6)
        }
    }
}

impl<'a> RangeCheck<'a> {
    /// Prepares the part `skin` of a head.
    ///
    /// # Errors
    /// The errors of [`Rig::compile`] and [`HeadMesh::bind`]; [`RigError::Mesh`] without a part `skin`.
    pub fn new(rig: &Rig, mesh: &'a HeadMesh) -> Result<Self> {
        let skin = mesh.part(SKIN).ok_or_else(|| RigError::Mesh {
            file: rig.mesh.clone(),
            field: SKIN.into(),
            problem: "the mesh has no part of this name".into(),
        })?;
        let mut first = HashMap::new();
        let place = |point: &Vec3| (*point / WELD).round().as_i64vec3();
        let welded = (0_u32..).zip(&skin.positions).map(|(index, p)| *first.entry(place(p)).or_insert(index)).collect();
        let (compiled, binding) = (rig.compile()?, mesh.bind(rig)?);
        let mut check = Self { mesh, skin, compiled, binding, rest: Vec::new(), welded };
        check.rest = check.placed(&[]);
        Ok(check)
    }

    /// Takes another version of the rig, for the same mesh.
    ///
    /// # Errors
    /// As [`RangeCheck::new`].
    pub fn set_rig(&mut self, rig: &Rig) -> Result<()> {
        (self.compiled, self.binding) = (rig.compile()?, self.mesh.bind(rig)?);
        Ok(())
    }

    /// The vertices of the skin, metres. Values are in the rig's order, missing ones neutral.
    pub fn placed(&self, values: &[f32]) -> Vec<Vec3> {
        let (mut offsets, mut points) = (Vec::new(), Vec::new());
        self.compiled.offsets_into(values, &mut offsets);
        self.mesh.skin(self.skin, &self.binding.joint_matrices(self.mesh, &offsets), &[], &mut points);
        points
    }

    /// How far each vertex of the skin moves from 0 by neutral to 1 of a parameter, metres.
    pub fn movement(&self, parameter: usize) -> Vec<f32> {
        let (low, high) = (self.placed(&self.values(parameter, 0.0)), self.placed(&self.values(parameter, 1.0)));
        let ends = low.iter().zip(&high);
        ends.zip(&self.rest).map(|((low, high), rest)| low.distance(*rest) + rest.distance(*high)).collect()
    }

    /// What is wrong at the ends of a parameter's range; empty when all is well.
    pub fn faults(&self, parameter: usize) -> Vec<RangeFault> {
        [0.0, 1.0].into_iter().filter_map(|value| self.fault(parameter, value)).collect()
    }

    fn values(&self, parameter: usize, value: f32) -> Vec<f32> {
        let mut values = vec![0.5; self.compiled.parameter_count()];
        if let Some(slot) = values.get_mut(parameter) {
            *slot = value;
        }
        values
    }

    fn fault(&self, parameter: usize, value: f32) -> Option<RangeFault> {
        let posed = self.placed(&self.values(parameter, value));
        let moved: Vec<bool> = posed.iter().zip(&self.rest).map(|(a, b)| a.distance(*b) > STILL).collect();
        let triangles = &self.skin.triangles;
        let touched: Vec<usize> =
            (0..triangles.len()).filter(|t| triangles[*t].iter().any(|v| moved[*v as usize])).collect();
        let (mut turned, mut places) = (0.0, Vec::new());
        for &t in &touched {
            let (before, after) = (normal(self.corners(&self.rest, t)), normal(self.corners(&posed, t)));
            if before.dot(after) <= 0.0 && before != Vec3::ZERO {
                turned += before.length() / 2.0;
                places.push(posed[triangles[t][0] as usize]);
            }
        }
        let crossing = self.crossings(&posed, &touched);
        let crossed = crossing.iter().map(|t| normal(self.corners(&self.rest, *t)).length() / 2.0).sum();
        places.extend(crossing.iter().map(|t| posed[triangles[*t][0] as usize]));
        let place = places.iter().sum::<Vec3>() / places.len().max(1) as f32;
        (turned > FOLDED || crossed > CROSSED).then_some(RangeFault { value, turned, crossed, place })
    }

    fn corners(&self, points: &[Vec3], triangle: usize) -> [Vec3; 3] {
        self.skin.triangles[triangle].map(|vertex| points[vertex as usize])
    }

    /// The triangles that cross another one and do not at rest, at least one of which is touched.
    fn crossings(&self, posed: &[Vec3], touched: &[usize]) -> BTreeSet<usize> {
        let mut is_touched = vec![false; self.skin.triangles.len()];
        for &t in touched {
            is_touched[t] = true;
        }
        let boxes: Vec<(Vec3, Vec3)> = (0..self.skin.triangles.len()).map(|t| bounds(self.corners(posed, t))).collect();
        let (mut low, mut high) = (Vec3::INFINITY, Vec3::NEG_INFINITY);
        for &t in touched {
            (low, high) = (low.min(boxes[t].0), high.max(boxes[t].1));
        }
        let mut grid: HashMap<IVec3, Vec<usize>> = HashMap::new();
        for (t, (from, to)) in boxes.iter().enumerate() {
            if overlap((*from, *to), (low, high)) {
                for cell in cells(*from, *to) {
                    grid.entry(cell).or_default().push(t);
                }
            }
        }
        let mut crossing = BTreeSet::new();
        for &t in touched {
            for other in cells(boxes[t].0, boxes[t].1).filter_map(|cell| grid.get(&cell)).flatten().copied() {
                // A pair of two touched triangles is looked at once.
                if (is_touched[other] && other <= t)
                    || !overlap(boxes[t], boxes[other])
                    || self.are_neighbours(t, other)
                    || !cross(self.corners(posed, t), self.corners(posed, other))
                {
                    continue;
                }
                if !cross(self.corners(&self.rest, t), self.corners(&self.rest, other)) {
                    crossing.extend([t, other]);
                }
            }
        }
        crossing
    }

    fn are_neighbours(&self, a: usize, b: usize) -> bool {
        let weld = |triangle: usize| self.skin.triangles[triangle].map(|vertex| self.welded[vertex as usize]);
        let b = weld(b);
        weld(a).iter().any(|vertex| b.contains(vertex))
    }
}

/// The normal of a triangle, as long as twice its area.
fn normal([a, b, c]: [Vec3; 3]) -> Vec3 {
    (b - a).cross(c - a)
}

fn bounds([a, b, c]: [Vec3; 3]) -> (Vec3, Vec3) {
    (a.min(b).min(c), a.max(b).max(c))
}

fn overlap(a: (Vec3, Vec3), b: (Vec3, Vec3)) -> bool {
    a.0.cmple(b.1).all() && a.1.cmpge(b.0).all()
}

fn cells(from: Vec3, to: Vec3) -> impl Iterator<Item = IVec3> {
    let (from, to) = ((from / CELL).floor().as_ivec3(), (to / CELL).floor().as_ivec3());
    (from.x..=to.x)
        .flat_map(move |x| (from.y..=to.y).flat_map(move |y| (from.z..=to.z).map(move |z| IVec3::new(x, y, z))))
}

/// Whether an edge of one triangle passes through the other.
fn cross(a: [Vec3; 3], b: [Vec3; 3]) -> bool {
    let edges = |t: [Vec3; 3]| [(t[0], t[1]), (t[1], t[2]), (t[2], t[0])];
    edges(a).into_iter().any(|edge| passes(edge, b)) || edges(b).into_iter().any(|edge| passes(edge, a))
}

fn passes((from, to): (Vec3, Vec3), triangle: [Vec3; 3]) -> bool {
    let normal = normal(triangle).normalize_or_zero();
    let (before, after) = (normal.dot(from - triangle[0]), normal.dot(to - triangle[0]));
    if before * after >= 0.0 || before.abs() < DEPTH || after.abs() < DEPTH {
        return false;
    }
    let point = from.lerp(to, before / (before - after));
    let [a, b, c] = triangle;
    let inside = |a: Vec3, b: Vec3| (b - a).cross(point - a).dot(normal) >= 0.0;
    inside(a, b) && inside(b, c) && inside(c, a)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::synthetic;

    #[test]
    fn only_an_edge_that_goes_through_crosses() {
        let flat = [Vec3::ZERO, Vec3::X, Vec3::Y].map(|corner| corner * 0.01);
        let needle = |z: f32| [[0.002, 0.002, z], [0.002, 0.002, z - 0.01], [0.0021, 0.002, z]].map(Vec3::from);
        assert!(cross(flat, needle(0.005)));
        assert!(!cross(flat, needle(0.02)), "above");
        assert!(!cross(flat, needle(0.0001)), "touching");
        assert!(!cross(flat, needle(0.005).map(|corner| corner + Vec3::X * 0.02)), "beside");
    }

    #[test]
    fn a_range_that_is_too_far_is_found_and_a_small_one_is_sound() {
        let mesh = synthetic::mesh(3);
        let mut rig = synthetic::rig();
        let parameter = rig.parameter_index("nose.1").unwrap();
        rig.parameters[parameter].drives[0].amount = 1e-4;
        let mut check = RangeCheck::new(&rig, &mesh).unwrap();
        assert_eq!(check.faults(parameter), []);
        rig.parameters[parameter].drives[0].amount = 0.19;
        check.set_rig(&rig).unwrap();
        let faults = check.faults(parameter);
        assert!(!faults.is_empty() && faults[0].turned > FOLDED, "{faults:?}");
        assert!(faults[0].to_string().starts_with("at 0 "), "{}", faults[0]);
        let movement = check.movement(parameter);
        assert_eq!(movement.len(), mesh.parts[0].positions.len());
        assert!(movement.iter().any(|moved| *moved > 0.01));
    }

    #[test]
    fn each_end_is_checked_with_its_own_amount() {
        let mesh = synthetic::mesh(3);
        let mut rig = synthetic::rig();
        let parameter = rig.parameter_index("nose.1").unwrap();
        rig.parameters[parameter].drives[0].amount = 1e-4;
        rig.parameters[parameter].drives[0].low = Some(-0.19);
        let mut check = RangeCheck::new(&rig, &mesh).unwrap();
        let ends =
            |check: &RangeCheck<'_>| check.faults(parameter).iter().map(|fault| fault.value).collect::<Vec<f32>>();
        assert_eq!(ends(&check), [0.0]);
        let drive = &mut rig.parameters[parameter].drives[0];
        (drive.amount, drive.low) = (0.19, Some(-1e-4));
        check.set_rig(&rig).unwrap();
        assert_eq!(ends(&check), [1.0]);
        // Both ends go the same way: what moves up and comes back has moved.
        let drive = &mut rig.parameters[parameter].drives[0];
        (drive.amount, drive.low) = (0.01, Some(0.01));
        check.set_rig(&rig).unwrap();
        assert!(check.movement(parameter).iter().any(|moved| *moved > 0.001));
    }

    #[test]
    fn the_bundled_heads_ranges_are_sound_but_for_one() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head");
        let rig = Rig::load(&folder.join("head.rig.ron")).unwrap();
        let mesh = HeadMesh::load(&folder.join(&rig.mesh)).unwrap();
        let check = RangeCheck::new(&rig, &mesh).unwrap();
        let faults = |index: usize| check.faults(index).into_iter().map(move |fault| (index, fault));
        let found: Vec<String> = (0..rig.parameters.len())
            .flat_map(faults)
            .map(|(index, fault)| format!("{} {fault}", rig.parameters[index].name))
            .collect();
        // At its end the sides of the upper lip slant into the lower one.
        assert!(found.len() <= 1, "{found:?}");
    }

    #[test]
    fn lips_that_cross_far_are_found() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head");
        let mut rig = Rig::load(&folder.join("head.rig.ron")).unwrap();
        let mesh = HeadMesh::load(&folder.join(&rig.mesh)).unwrap();
        let lip = rig.parameter_index("mouth.lower_lip.raise").unwrap();
        rig.parameters[lip].drives.iter_mut().for_each(|drive| drive.amount *= 2.0);
        let faults = RangeCheck::new(&rig, &mesh).unwrap().faults(lip);
        assert!(faults.iter().any(|fault| fault.value == 1.0 && fault.crossed > CROSSED), "{faults:?}");
        assert!(faults[0].to_string().ends_with("of skin cross other skin"), "{}", faults[0]);
    }
}
