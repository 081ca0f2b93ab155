//! The 68 landmarks as a function of parameters, expression and yaw, without skinning the mesh.
//!
//! A landmark mixes three vertices with fixed weights, a skinned vertex mixes the bones' affine maps with fixed weights,
//! and a bone that rests without turn or scale maps `v` to `M (v - c) + (c + t)`. So a landmark is
//! `fixed + sum over bones of M U + W (c + t)`, where `U = sum of weights * (v + morphs - c)` and `W` = sum of weights:
//! linear in the bones' maps, and `U` linear in the expression.

use std::collections::BTreeMap;

use glam::{Mat3, Mat4, Vec3};

use crate::compile::{BoneOffset, CHANNELS, CompiledRig};
use crate::landmarks::SKIN;
use crate::{
    ARKIT_NAMES, CONTOUR_COUNT, HeadMesh, LANDMARK_COUNT, LandmarkPoint, LandmarkSet, Result, Rig, RigError,
    arkit_index,
};

const INNER_COUNT: usize = LANDMARK_COUNT - CONTOUR_COUNT;
/// How far a rest transform may be from a pure translation.
const REST_TOLERANCE: f32 = 1e-4;

/// The share of one bone in one point.
#[derive(Clone, Debug)]
struct Share {
    /// The place among the model's bones.
    bone: usize,
    /// U without expression.
    base: Vec3,
    /// W.
    weight: f32,
    /// What each expression coefficient adds to U.
    expression: Vec<(u8, Vec3)>,
}

/// A point of the landmark set as constants.
#[derive(Clone, Debug, Default)]
struct PointRow {
    /// The part that no shape bone moves.
    fixed: Vec3,
    fixed_expression: Vec<(u8, Vec3)>,
    shares: Vec<Share>,
}

/// Parameters and expression to 68 points, by constant matrices.
#[derive(Clone, Debug)]
pub struct LandmarkModel {
    rig: CompiledRig,
    /// The rig's bones that move a landmark.
    bones: Vec<usize>,
    centres: Vec<Vec3>,
    yaws: Vec<f32>,
    /// 17 rows per yaw, then the 51 inner landmarks.
    rows: Vec<PointRow>,
}

/// The constants of a [`LandmarkModel`] for differentiable code. B = bones that move a landmark, Y = yaws of the contour
/// table, N = 17 Y + 51 points, E = expression coefficients that move a landmark. All lists are row-major.
///
/// With the expression x, and per bone M = R S (turn times scale, 3 x 3) and the moved centre c + t:
/// `point[n] = fixed[n] + sum_e x[e] fixed_expression[e, n]`
/// `         + sum_b M[b] (base[n, b, 0..3] + sum_e x[e] expression[e, n, b]) + base[n, b, 3] (c[b] + t[b])`.
#[derive(Clone, Debug, PartialEq)]
pub struct LandmarkTensors {
    /// `[B]`: places among the rig's bones.
    pub bones: Vec<usize>,
    /// [B, 3]: where the bones rest, metres.
    pub centres: Vec<f32>,
    /// `[Y]`: degrees, ascending.
    pub yaws: Vec<f32>,
    /// `[Y]`: for each yaw, the row in 0..N of each of the 68 landmarks.
    pub rows: Vec<[usize; LANDMARK_COUNT]>,
    /// [N, 3]: the part that no shape bone moves, metres.
    pub fixed: Vec<f32>,
    /// [N, B, 4]: the sum of weights * (v - c), and the sum of weights.
    pub base: Vec<f32>,
    /// `[E]`: places among [`ARKIT_NAMES`].
    pub expressions: Vec<usize>,
    /// [E, N, 3]: what a coefficient adds to `fixed`.
    pub fixed_expression: Vec<f32>,
    /// [E, N, B, 3]: what a coefficient adds to the first three numbers of `base`.
    pub expression: Vec<f32>,
}

impl LandmarkTensors {
    /// The part of `base` that belongs to one row of the contour table: [68, B, 4].
    pub fn base_at_yaw(&self, yaw_row: usize) -> Vec<f32> {
        let width = self.bones.len() * 4;
        self.rows[yaw_row].iter().flat_map(|row| &self.base[row * width..(row + 1) * width]).copied().collect()
    }
}

/// A bone's affine map: linear part and moved centre.
pub(crate) type BoneMap = (Mat3, Vec3);

/// The 68 points with expression and yaw settled: only the bones are left to move.
pub(crate) struct Settled {
    points: Vec<SettledPoint>,
}

struct SettledPoint {
    fixed: Vec3,
    shares: Vec<(usize, Vec3, f32)>,
}

impl Settled {
    /// Places the points.
    pub(crate) fn place(&self, maps: &[BoneMap]) -> [Vec3; LANDMARK_COUNT] {
        std::array::from_fn(|index| {
            let point = &self.points[index];
            point.shares.iter().fold(point.fixed, |sum, (bone, base, weight)| {
                let (linear, centre) = &maps[*bone];
                sum + *linear * *base + *centre * *weight
            })
        })
    }
}

impl LandmarkModel {
    /// Gathers the constants.
    ///
    /// # Errors
    /// The errors of [`Rig::compile`], [`HeadMesh::bind`] and [`LandmarkSet::validate`]; [`RigError::Mesh`] for a bone
    /// that rests turned or scaled, or hangs under another bone: its points would not be linear.
    pub fn new(rig: &Rig, mesh: &HeadMesh, set: &LandmarkSet) -> Result<Self> {
        set.validate(mesh, "landmarks")?;
        let compiled = rig.compile()?;
        let binding = mesh.bind(rig)?;
        let centres = rest_centres(rig, mesh, &binding)?;
        let bone_above = bones_above(mesh, &binding)?;
        let fault = || RigError::Mesh {
            file: rig.mesh.clone(),
            field: SKIN.into(),
            problem: "the mesh has no part of this name".into(),
        };
        let skin = mesh.part(SKIN).ok_or_else(fault)?;

        // Deltas by vertex, as a landmark asks for few vertices.
        let mut deltas: BTreeMap<u32, Vec<(u8, Vec3)>> = BTreeMap::new();
        for point in set.points.iter().chain(set.contour.iter().flatten()) {
            for vertex in point.triangle {
                deltas.entry(vertex).or_default();
            }
        }
        for (name, morph) in mesh.morph_names.iter().zip(&skin.morphs) {
            let Some(index) = arkit_index(name) else { continue };
            for (vertex, delta) in morph {
                if let Some(list) = deltas.get_mut(vertex) {
                    list.push((index as u8, *delta));
                }
            }
        }

        let row = |point: &LandmarkPoint| {
            let mut fixed = Vec3::ZERO;
            let mut fixed_expression = BTreeMap::new();
            let mut shares: BTreeMap<usize, (Vec3, f32, BTreeMap<u8, Vec3>)> = BTreeMap::new();
            for (vertex, bary) in point.triangle.iter().zip(point.weights) {
                let position = skin.positions[*vertex as usize];
                let influences = skin.joints[*vertex as usize].iter().zip(skin.weights[*vertex as usize]);
                for (joint, weight) in influences {
                    let weight = weight * bary;
                    if weight == 0.0 {
                        continue;
                    }
                    let moved = match bone_above[usize::from(*joint)] {
                        Some(bone) => {
                            let share = shares.entry(bone).or_default();
                            share.0 += (position - centres[bone]) * weight;
                            share.1 += weight;
                            &mut share.2
                        }
                        None => {
                            fixed += position * weight;
                            &mut fixed_expression
                        }
                    };
                    for (index, delta) in &deltas[vertex] {
                        *moved.entry(*index).or_insert(Vec3::ZERO) += *delta * weight;
                    }
                }
            }
            let shares = shares.into_iter().map(|(bone, (base, weight, expression))| Share {
                bone,
                base,
                weight,
                expression: expression.into_iter().collect(),
            });
            PointRow { fixed, fixed_expression: fixed_expression.into_iter().collect(), shares: shares.collect() }
        };
        let points = set.contour.iter().flatten().chain(&set.points[CONTOUR_COUNT..]);
        let mut rows: Vec<PointRow> = points.map(row).collect();

        let mut bones: Vec<usize> = rows.iter().flat_map(|row| &row.shares).map(|share| share.bone).collect();
        bones.sort_unstable();
        bones.dedup();
        for share in rows.iter_mut().flat_map(|row| &mut row.shares) {
            share.bone = bones.binary_search(&share.bone).unwrap_or_else(|place| place);
        }
        let centres = bones.iter().map(|bone| centres[*bone]).collect();
        Ok(Self { rig: compiled, bones, centres, yaws: set.contour_yaws.clone(), rows })
    }

    /// The number of parameters of the rig.
    pub fn parameter_count(&self) -> usize {
        self.rig.parameter_count()
    }

    /// The 68 points of a face in the head's space, metres. Parameters are in the rig's order, missing ones neutral;
    /// expression coefficients in ARKit's order; `yaw` in degrees picks the contour.
    pub fn points(&self, parameters: &[f32], expression: &[f32; 52], yaw: f32) -> [Vec3; LANDMARK_COUNT] {
        self.settle(expression, yaw).place(&self.maps(&self.channels(parameters)))
    }

    /// The affine maps of [`LandmarkTensors::bones`]: twelve numbers each, M = R S row-major, then the moved centre.
    pub fn affines(&self, parameters: &[f32]) -> Vec<[f32; 12]> {
        let maps = self.maps(&self.channels(parameters));
        maps.iter()
            .map(|(linear, centre)| {
                let mut numbers = [0.0; 12];
                numbers[..9].copy_from_slice(&linear.transpose().to_cols_array());
                numbers[9..].copy_from_slice(&centre.to_array());
                numbers
            })
            .collect()
    }

    /// The constants for differentiable code.
    pub fn tensors(&self) -> LandmarkTensors {
        let (points, bones) = (self.rows.len(), self.bones.len());
        let moving = |index: u8| {
            self.rows.iter().any(|row| {
                let lists = row.shares.iter().map(|share| &share.expression);
                lists.chain([&row.fixed_expression]).flatten().any(|(other, _)| *other == index)
            })
        };
        let expressions: Vec<usize> = (0..ARKIT_NAMES.len()).filter(|index| moving(*index as u8)).collect();
        let place = |index: u8| expressions.binary_search(&usize::from(index)).unwrap_or_default();
        let mut tensors = LandmarkTensors {
            bones: self.bones.clone(),
            centres: self.centres.iter().flat_map(Vec3::to_array).collect(),
            yaws: self.yaws.clone(),
            rows: (0..self.yaws.len()).map(|yaw| std::array::from_fn(|index| self.row(yaw, index))).collect(),
            fixed: self.rows.iter().flat_map(|row| row.fixed.to_array()).collect(),
            base: vec![0.0; points * bones * 4],
            fixed_expression: vec![0.0; expressions.len() * points * 3],
            expression: vec![0.0; expressions.len() * points * bones * 3],
            expressions: expressions.clone(),
        };
        for (n, row) in self.rows.iter().enumerate() {
            for (index, delta) in &row.fixed_expression {
                let at = (place(*index) * points + n) * 3;
                tensors.fixed_expression[at..at + 3].copy_from_slice(&delta.to_array());
            }
            for share in &row.shares {
                let at = (n * bones + share.bone) * 4;
                tensors.base[at..at + 4].copy_from_slice(&share.base.extend(share.weight).to_array());
                for (index, delta) in &share.expression {
                    let at = ((place(*index) * points + n) * bones + share.bone) * 3;
                    tensors.expression[at..at + 3].copy_from_slice(&delta.to_array());
                }
            }
        }
        tensors
    }

    /// The rows of the contour table on both sides of a yaw and the weight of the second, 0..1. Yaws beyond the table
    /// take its last row.
    pub fn yaw_blend(&self, yaw: f32) -> (usize, usize, f32) {
        let last = self.yaws.len() - 1;
        let above = self.yaws.iter().position(|known| *known >= yaw);
        match above {
            Some(0) => (0, 0, 0.0),
            Some(above) => {
                let (low, high) = (self.yaws[above - 1], self.yaws[above]);
                (above - 1, above, (yaw - low) / (high - low))
            }
            None if yaw.is_nan() => self.yaw_blend(0.0),
            None => (last, last, 0.0),
        }
    }

    fn row(&self, yaw: usize, landmark: usize) -> usize {
        if landmark < CONTOUR_COUNT {
            yaw * CONTOUR_COUNT + landmark
        } else {
            self.rows.len() - INNER_COUNT + landmark - CONTOUR_COUNT
        }
    }

    /// The channels of the bones that move landmarks.
    pub(crate) fn channels(&self, parameters: &[f32]) -> Vec<[f32; CHANNELS]> {
        let mut strengths = Vec::new();
        self.rig.strengths_into(parameters, &mut strengths);
        self.channels_by(&strengths)
    }

    fn channels_by(&self, strengths: &[f32]) -> Vec<[f32; CHANNELS]> {
        self.bones.iter().map(|bone| self.rig.channels_by(*bone, strengths)).collect()
    }

    /// The maps of the bones that move landmarks.
    pub(crate) fn maps(&self, channels: &[[f32; CHANNELS]]) -> Vec<BoneMap> {
        let map = |(channels, centre): (&[f32; CHANNELS], &Vec3)| {
            let offset = BoneOffset::from_channels(channels);
            (Mat3::from_quat(offset.rotation) * Mat3::from_diagonal(offset.scale), *centre + offset.translation)
        };
        channels.iter().zip(&self.centres).map(map).collect()
    }

    /// How the strengths change per unit of their parameters, at these parameters.
    pub(crate) fn strength_slopes(&self, parameters: &[f32]) -> Vec<f32> {
        let mut slopes = Vec::new();
        self.rig.strength_slopes_into(parameters, &mut slopes);
        slopes
    }

    /// What a small change of the parameters, where the strengths have these slopes, does to the channels of the bones that
    /// move landmarks.
    pub(crate) fn channel_change(&self, slopes: &[f32], change: impl Fn(usize) -> f32) -> Vec<[f32; CHANNELS]> {
        let parameters = self.rig.strength_parameters();
        let strengths: Vec<f32> = slopes.iter().zip(parameters).map(|(slope, index)| slope * change(index)).collect();
        self.channels_by(&strengths)
    }

    /// Settles the expression and the yaw.
    pub(crate) fn settle(&self, expression: &[f32; 52], yaw: f32) -> Settled {
        let (low, high, blend) = self.yaw_blend(yaw);
        let points = (0..LANDMARK_COUNT).map(|landmark| {
            let mut point = SettledPoint { fixed: Vec3::ZERO, shares: Vec::with_capacity(16) };
            self.add(&mut point, self.row(low, landmark), 1.0 - blend, expression);
            if blend > 0.0 {
                self.add(&mut point, self.row(high, landmark), blend, expression);
            }
            point
        });
        Settled { points: points.collect() }
    }

    fn add(&self, point: &mut SettledPoint, row: usize, factor: f32, expression: &[f32; 52]) {
        let row = &self.rows[row];
        let mixed = |start: Vec3, list: &[(u8, Vec3)]| {
            list.iter().fold(start, |sum, (index, delta)| sum + *delta * expression[usize::from(*index)])
        };
        point.fixed += mixed(row.fixed, &row.fixed_expression) * factor;
        for share in &row.shares {
            point.shares.push((share.bone, mixed(share.base, &share.expression) * factor, share.weight * factor));
        }
    }

    /// How the points move per unit of each of the listed coefficients, bones as given.
    pub(crate) fn expression_motion(
        &self,
        maps: &[BoneMap],
        yaw: f32,
        place_of: &[Option<usize>; 52],
        count: usize,
    ) -> Vec<[Vec3; LANDMARK_COUNT]> {
        let mut motion = vec![[Vec3::ZERO; LANDMARK_COUNT]; count];
        let mut add = |index: u8, landmark: usize, delta: Vec3| {
            if let Some(place) = place_of[usize::from(index)] {
                motion[place][landmark] += delta;
            }
        };
        let (low, high, blend) = self.yaw_blend(yaw);
        for landmark in 0..LANDMARK_COUNT {
            for (row, factor) in [(low, 1.0 - blend), (high, blend)] {
                let row = &self.rows[self.row(row, landmark)];
                for (index, delta) in &row.fixed_expression {
                    add(*index, landmark, *delta * factor);
                }
                for share in &row.shares {
                    let linear = maps[share.bone].0 * factor;
                    for (index, delta) in &share.expression {
                        add(*index, landmark, linear * *delta);
                    }
                }
            }
        }
        motion
    }
}

/// Where each bone rests; refuses bones that do not rest as pure translations.
fn rest_centres(rig: &Rig, mesh: &HeadMesh, binding: &crate::RigBinding) -> Result<Vec<Vec3>> {
    let globals = binding.global_matrices(mesh, &[]);
    let mut centres = Vec::with_capacity(rig.bones.len());
    for (index, bone) in rig.bones.iter().enumerate() {
        let joint = binding.joint_of_bone(index).unwrap_or_default();
        let centre = globals[joint].w_axis.truncate();
        let at_rest = globals[joint] * mesh.joints[joint].inverse_bind;
        if !globals[joint].abs_diff_eq(Mat4::from_translation(centre), REST_TOLERANCE)
            || !at_rest.abs_diff_eq(Mat4::IDENTITY, REST_TOLERANCE)
        {
            return Err(RigError::Mesh {
                file: rig.mesh.clone(),
                field: format!("joint {:?}", bone.joint),
                problem: "landmarks need bones that rest without turn or scale where the mesh was bound".into(),
            });
        }
        centres.push(centre);
    }
    Ok(centres)
}

/// The bone that each joint follows: its own, or the nearest one above it; none for joints that no bone moves.
fn bones_above(mesh: &HeadMesh, binding: &crate::RigBinding) -> Result<Vec<Option<usize>>> {
    let mut above = vec![None; mesh.joints.len()];
    for joint in mesh.joint_order()? {
        let inherited = mesh.joints[joint].parent.and_then(|parent| above[parent]);
        above[joint] = match (binding.bone_of_joint(joint), inherited) {
            (Some(_), Some(_)) => {
                return Err(RigError::Mesh {
                    file: "mesh".into(),
                    field: format!("joint {:?}", mesh.joints[joint].name),
                    problem: "landmarks need bones that do not hang under other bones".into(),
                });
            }
            (own, inherited) => own.or(inherited),
        };
    }
    Ok(above)
}

#[cfg(test)]
mod tests;
