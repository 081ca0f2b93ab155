//! The face's landmarks as differentiable code: parameters, expression and pose in, points in the picture plane out.
//!
//! The landmarks hang on few vertices with few bones each, so the sums are kept sparse and the gradient is written by hand: a
//! batch costs microseconds where dense tensors would cost milliseconds.

use std::{path::Path, sync::Arc};

use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor};
use glam::{Mat3, Vec2, Vec3};
use likeness_rig::{CompiledRig, HeadMesh, LandmarkPoint, LandmarkSet, Rig, RigBinding, arkit_index};
use rayon::prelude::*;

use crate::error::{Result, data_error};

/// Landmarks that move with one bone: `weight * (centre + translation) + matrix * (base + morphs)`.
#[derive(Clone, Debug)]
struct Term {
    /// The bone, or none for what rests.
    bone: Option<usize>,
    /// Sum of weight * (vertex - centre).
    base: Vec3,
    weight: f32,
    /// Per ARKit coefficient that moves the point, the weighted movement.
    morphs: Vec<(usize, Vec3)>,
}

/// A point on the skin as a sum of terms.
#[derive(Clone, Debug)]
struct SurfacePoint(Vec<Term>);

/// What moves the 68 landmarks of a rig's head.
#[derive(Debug)]
pub struct FaceGeometry {
    rig: CompiledRig,
    centres: Vec<Vec3>,
    /// (channel of all bones, strength, amount): channel = sum of amount * strength.
    drives: Vec<(usize, usize, f32)>,
    inner: Vec<SurfacePoint>,
    contour_yaws: Vec<f32>,
    contour: Vec<Vec<SurfacePoint>>,
}

/// One bone's matrix, its translation, and what the gradient needs again.
struct BoneState {
    angles: [f32; 3],
    scale: Vec3,
    rotation: Mat3,
    matrix: Mat3,
    place: Vec3,
}

impl FaceGeometry {
    /// Gathers the landmarks' vertices, weights and morphs.
    ///
    /// # Errors
    /// A rig that does not belong to the mesh, no part `skin`, bones below bones.
    pub fn new(rig: &Rig, mesh: &HeadMesh, set: &LandmarkSet) -> Result<Self> {
        set.validate(mesh, "landmarks")?;
        let binding = mesh.bind(rig)?;
        let here = Path::new(&rig.mesh);
        let skin = mesh.part("skin").ok_or_else(|| data_error(here, "skin", "no part of this name"))?;
        let rest = binding.global_matrices(mesh, &[]);
        let mut centres = Vec::with_capacity(rig.bones.len());
        for bone in 0..rig.bones.len() {
            let joint = binding.joint_of_bone(bone).unwrap_or_default();
            let above = mesh.joints[joint].parent;
            if above.is_some_and(|parent| bone_above(mesh, &binding, parent).is_some()) {
                return Err(data_error(
                    here,
                    &rig.bones[bone].name,
                    "a shape bone below a shape bone: make them siblings",
                ));
            }
            centres.push(rest[joint].w_axis.truncate());
        }
        let rig = rig.compile()?;
        let (matrix, rows, strengths) = rig.channel_matrix();
        let drives = (0..rows)
            .flat_map(|row| (0..strengths).map(move |column| (row, column)))
            .map(|(row, column)| (row, column, matrix[row * strengths + column]))
            .filter(|(_, _, amount)| *amount != 0.0)
            .collect();
        let morphs = vertex_morphs(mesh, skin, &set.points, &set.contour);
        let surface = |point: &LandmarkPoint| {
            let mut terms: Vec<Term> = Vec::new();
            for (&vertex, part) in point.triangle.iter().zip(point.weights) {
                let v = vertex as usize;
                for (&joint, weight) in skin.joints[v].iter().zip(skin.weights[v]) {
                    let weight = weight * part;
                    if weight == 0.0 {
                        continue;
                    }
                    let bone = bone_above(mesh, &binding, usize::from(joint));
                    let centre = bone.map_or(Vec3::ZERO, |bone| centres[bone]);
                    let place = terms.iter().position(|term| term.bone == bone).unwrap_or_else(|| {
                        terms.push(Term { bone, base: Vec3::ZERO, weight: 0.0, morphs: Vec::new() });
                        terms.len() - 1
                    });
                    let term = &mut terms[place];
                    term.base += weight * (skin.positions[v] - centre);
                    term.weight += weight;
                    for &(coefficient, delta) in morphs.get(&vertex).map_or(&[][..], Vec::as_slice) {
                        match term.morphs.iter_mut().find(|(known, _)| *known == coefficient) {
                            Some((_, sum)) => *sum += weight * delta,
                            None => term.morphs.push((coefficient, weight * delta)),
                        }
                    }
                }
            }
            SurfacePoint(terms)
        };
        Ok(Self {
            rig,
            inner: set.points[17..].iter().map(surface).collect(),
            contour: set.contour.iter().map(|row| row.iter().map(surface).collect()).collect(),
            contour_yaws: set.contour_yaws.clone(),
            centres,
            drives,
        })
    }

    /// How many parameters the rig has.
    pub fn parameter_count(&self) -> usize {
        self.rig.parameter_count()
    }

    /// How much each coefficient shows in the landmarks, 0..1: 1 where it moves them by 3 mm or more on average (root mean square),
    /// and a little for those that do not move them, so that they come to rest.
    pub fn expression_visibility(&self) -> [f32; 52] {
        let mut squares = [0.0f32; 52];
        for point in &self.inner {
            let mut moved = [Vec3::ZERO; 52];
            for &(coefficient, delta) in point.0.iter().flat_map(|term| &term.morphs) {
                moved[coefficient] += delta;
            }
            for (square, moved) in squares.iter_mut().zip(moved) {
                *square += moved.length_squared();
            }
        }
        squares.map(|square| ((square / self.inner.len() as f32).sqrt() / 0.003).clamp(0.05, 1.0))
    }

    fn bones(&self, values: &[f32]) -> Vec<BoneState> {
        let mut strengths = Vec::new();
        self.rig.strengths_into(values, &mut strengths);
        let mut channels = vec![0.0; self.centres.len() * 9];
        for &(channel, strength, amount) in &self.drives {
            channels[channel] += amount * strengths[strength];
        }
        channels
            .chunks_exact(9)
            .zip(&self.centres)
            .map(|(channel, &centre)| {
                let angles = [channel[3], channel[4], channel[5]];
                let scale = Vec3::ONE + Vec3::from_slice(&channel[6..9]);
                let [x, y, z] = angles;
                let rotation = Mat3::from_rotation_x(x) * Mat3::from_rotation_y(y) * Mat3::from_rotation_z(z);
                let matrix = rotation * Mat3::from_diagonal(scale);
                BoneState { angles, scale, rotation, matrix, place: centre + Vec3::from_slice(&channel[..3]) }
            })
            .collect()
    }

    /// The rows of the contour table on both sides of a yaw, and the part of the second.
    fn contour_mix(&self, yaw: f32) -> (usize, usize, f32) {
        let last = self.contour_yaws.len() - 1;
        let high = self.contour_yaws.iter().position(|known| *known >= yaw).unwrap_or(last);
        if high == 0 || self.contour_yaws[high] <= yaw {
            return (high, high, 0.0);
        }
        let (from, to) = (self.contour_yaws[high - 1], self.contour_yaws[high]);
        (high - 1, high, (yaw - from) / (to - from))
    }

    /// Calls `visit(landmark, point, share)` for all surface points that make up the landmarks at `yaw` degrees.
    fn each_point(&self, yaw: f32, mut visit: impl FnMut(usize, &SurfacePoint, f32)) {
        let (low, high, part) = self.contour_mix(yaw);
        for i in 0..17 {
            visit(i, &self.contour[low][i], 1.0 - part);
            if part > 0.0 {
                visit(i, &self.contour[high][i], part);
            }
        }
        for (i, point) in self.inner.iter().enumerate() {
            visit(17 + i, point, 1.0);
        }
    }

    fn place(bones: &[BoneState], expression: &[f32], point: &SurfacePoint) -> Vec3 {
        let mut sum = Vec3::ZERO;
        for term in &point.0 {
            let local = term.local(expression);
            sum += match term.bone {
                Some(bone) => bones[bone].matrix * local + term.weight * bones[bone].place,
                None => local,
            };
        }
        sum
    }

    /// The landmarks in the head's space, metres; the contour is that seen at `yaw` degrees.
    pub fn points(&self, values: &[f32], expression: &[f32], yaw: f32) -> [Vec3; 68] {
        let bones = self.bones(values);
        let mut points = [Vec3::ZERO; 68];
        self.each_point(yaw, |i, point, share| points[i] += share * Self::place(&bones, expression, point));
        points
    }

    /// Gradients with respect to parameters and expression from those with respect to the points.
    fn pull_back(
        &self,
        values: &[f32],
        expression: &[f32],
        yaw: f32,
        points: &[Vec3; 68],
        to: (&mut [f32], &mut [f32]),
    ) {
        let (to_values, to_expression) = to;
        let bones = self.bones(values);
        let mut matrices = vec![Mat3::ZERO; bones.len()];
        let mut places = vec![Vec3::ZERO; bones.len()];
        self.each_point(yaw, |i, point, share| {
            let gradient = points[i] * share;
            for term in &point.0 {
                let mut pulled = gradient;
                if let Some(bone) = term.bone {
                    let local = term.local(expression);
                    let m = &mut matrices[bone];
                    m.x_axis += gradient * local.x;
                    m.y_axis += gradient * local.y;
                    m.z_axis += gradient * local.z;
                    places[bone] += term.weight * gradient;
                    pulled = bones[bone].matrix.transpose() * gradient;
                }
                for &(coefficient, delta) in &term.morphs {
                    to_expression[coefficient] += pulled.dot(delta);
                }
            }
        });
        let mut channels = vec![0.0; bones.len() * 9];
        for (((bone, gradient), place), out) in
            bones.iter().zip(&matrices).zip(&places).zip(channels.chunks_exact_mut(9))
        {
            place.write_to_slice(&mut out[..3]);
            // matrix = rotation * diag(scale)
            let scaled = Mat3::from_cols(
                gradient.x_axis * bone.scale.x,
                gradient.y_axis * bone.scale.y,
                gradient.z_axis * bone.scale.z,
            );
            let [x, y, z] = bone.angles;
            let (rx, ry, rz) = (Mat3::from_rotation_x(x), Mat3::from_rotation_y(y), Mat3::from_rotation_z(z));
            out[3] = dot(&scaled, &(turn_x(x) * ry * rz));
            out[4] = dot(&scaled, &(rx * turn_y(y) * rz));
            out[5] = dot(&scaled, &(rx * ry * turn_z(z)));
            out[6] = gradient.x_axis.dot(bone.rotation.x_axis);
            out[7] = gradient.y_axis.dot(bone.rotation.y_axis);
            out[8] = gradient.z_axis.dot(bone.rotation.z_axis);
        }
        let mut slopes = Vec::new();
        self.rig.strength_slopes_into(values, &mut slopes);
        let mut to_strengths = vec![0.0; slopes.len()];
        for &(channel, strength, amount) in &self.drives {
            to_strengths[strength] += amount * channels[channel];
        }
        for ((parameter, slope), gradient) in self.rig.strength_parameters().zip(slopes).zip(to_strengths) {
            to_values[parameter] += slope * gradient;
        }
    }
}

impl Term {
    fn local(&self, expression: &[f32]) -> Vec3 {
        self.morphs.iter().fold(self.base, |sum, &(coefficient, delta)| sum + expression[coefficient] * delta)
    }
}

fn bone_above(mesh: &HeadMesh, binding: &RigBinding, joint: usize) -> Option<usize> {
    let mut joint = Some(joint);
    while let Some(at) = joint {
        if let Some(bone) = binding.bone_of_joint(at) {
            return Some(bone);
        }
        joint = mesh.joints.get(at).and_then(|joint| joint.parent);
    }
    None
}

/// Per vertex that a landmark uses, the coefficients that move it.
fn vertex_morphs(
    mesh: &HeadMesh,
    skin: &likeness_rig::MeshPart,
    points: &[LandmarkPoint],
    contour: &[Vec<LandmarkPoint>],
) -> std::collections::BTreeMap<u32, Vec<(usize, Vec3)>> {
    let mut morphs: std::collections::BTreeMap<u32, Vec<(usize, Vec3)>> = points
        .iter()
        .chain(contour.iter().flatten())
        .flat_map(|point| point.triangle)
        .map(|vertex| (vertex, Vec::new()))
        .collect();
    for (name, deltas) in mesh.morph_names.iter().zip(&skin.morphs) {
        // Heads may have their morph targets in any order, and others besides.
        let Some(coefficient) = arkit_index(name) else { continue };
        for (vertex, delta) in deltas {
            if let Some(list) = morphs.get_mut(vertex) {
                list.push((coefficient, *delta));
            }
        }
    }
    morphs
}

fn dot(a: &Mat3, b: &Mat3) -> f32 {
    a.x_axis.dot(b.x_axis) + a.y_axis.dot(b.y_axis) + a.z_axis.dot(b.z_axis)
}

/// The derivative of the rotation about x by its angle; likewise below.
fn turn_x(angle: f32) -> Mat3 {
    let (s, c) = angle.sin_cos();
    Mat3::from_cols(Vec3::ZERO, Vec3::new(0.0, -s, c), Vec3::new(0.0, -c, -s))
}

fn turn_y(angle: f32) -> Mat3 {
    let (s, c) = angle.sin_cos();
    Mat3::from_cols(Vec3::new(-s, 0.0, -c), Vec3::ZERO, Vec3::new(c, 0.0, -s))
}

fn turn_z(angle: f32) -> Mat3 {
    let (s, c) = angle.sin_cos();
    Mat3::from_cols(Vec3::new(-s, c, 0.0), Vec3::new(-c, -s, 0.0), Vec3::ZERO)
}

/// Radians per unit of the network's pose.
const POSE_UNIT: f32 = std::f32::consts::FRAC_PI_2;

/// How points are seen: turned by a pose (in units of 90 degrees) and scaled by a mild perspective. Picture axes: x right, y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// From the camera to the head's origin in metres.
    pub distance: f32,
}

impl View {
    /// Parallel projection, as prediction and fitting have it.
    pub const PARALLEL: Self = Self { distance: f32::INFINITY };

    fn rotations(pose: [f32; 3]) -> [Mat3; 3] {
        let [yaw, pitch, roll] = pose.map(|value| value * POSE_UNIT);
        [Mat3::from_rotation_y(yaw), Mat3::from_rotation_x(-pitch), Mat3::from_rotation_z(-roll)]
    }

    /// Where a point of the head is seen, metres in the plane of the head's origin.
    pub fn project(&self, pose: [f32; 3], point: Vec3) -> Vec2 {
        let [yaw, pitch, roll] = Self::rotations(pose);
        self.flatten(yaw * pitch * roll * point)
    }

    fn flatten(&self, point: Vec3) -> Vec2 {
        Vec2::new(point.x, -point.y) / (1.0 - point.z / self.distance)
    }

    /// Gradients with respect to the point and the pose.
    fn pull_back(&self, pose: [f32; 3], point: Vec3, gradient: Vec2) -> (Vec3, [f32; 3]) {
        let [yaw, pitch, roll] = Self::rotations(pose);
        let turned = yaw * pitch * roll * point;
        let near = 1.0 / (1.0 - turned.z / self.distance);
        let along = (gradient.x * turned.x - gradient.y * turned.y) * near * near / self.distance;
        let back = Vec3::new(gradient.x * near, -gradient.y * near, along);
        let [y, p, r] = pose.map(|value| value * POSE_UNIT);
        let to_pose = [
            back.dot(turn_y(y) * pitch * roll * point) * POSE_UNIT,
            -back.dot(yaw * turn_x(-p) * roll * point) * POSE_UNIT,
            -back.dot(yaw * pitch * turn_z(-r) * point) * POSE_UNIT,
        ];
        ((yaw * pitch * roll).transpose() * back, to_pose)
    }
}

/// Parameters `[n, P]`, expression `[n, 52]` and pose `[n, 3]` to points `[n, 68, 2]`, metres in the picture plane, y down.
///
/// # Errors
/// Tensors of other shapes, or not f32 on the CPU.
pub fn project_landmarks(
    geometry: &Arc<FaceGeometry>,
    view: View,
    parameters: &Tensor,
    expression: &Tensor,
    pose: &Tensor,
) -> candle_core::Result<Tensor> {
    let op = ProjectLandmarks { geometry: Arc::clone(geometry), view };
    parameters.contiguous()?.apply_op3(&expression.contiguous()?, &pose.contiguous()?, op)
}

struct ProjectLandmarks {
    geometry: Arc<FaceGeometry>,
    view: View,
}

fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let (Some((start, end)), CpuStorage::F32(values)) = (layout.contiguous_offsets(), storage) else {
        candle_core::bail!("landmarks are projected from contiguous f32 tensors")
    };
    Ok(&values[start..end])
}

fn pose_of(values: &[f32]) -> [f32; 3] {
    [values[0], values[1], values[2]]
}

impl CustomOp3 for ProjectLandmarks {
    fn name(&self) -> &'static str {
        "project-landmarks"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (n, p) = l1.shape().dims2()?;
        if p != self.geometry.parameter_count() || l2.shape().dims2()? != (n, 52) || l3.shape().dims2()? != (n, 3) {
            candle_core::bail!("landmarks need [n, {}], [n, 52] and [n, 3]", self.geometry.parameter_count())
        }
        let (parameters, expression, pose) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
        let mut out = vec![0.0; n * 136];
        out.par_chunks_exact_mut(136).enumerate().for_each(|(i, out)| {
            let pose = pose_of(&pose[3 * i..]);
            let points = self.geometry.points(&parameters[i * p..][..p], &expression[i * 52..][..52], pose[0] * 90.0);
            for (point, out) in points.iter().zip(out.chunks_exact_mut(2)) {
                self.view.project(pose, *point).write_to_slice(out);
            }
        });
        Ok((CpuStorage::F32(out), Shape::from((n, 68, 2))))
    }

    fn bwd(
        &self,
        arg1: &Tensor,
        arg2: &Tensor,
        arg3: &Tensor,
        _res: &Tensor,
        grad_res: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (n, p) = arg1.dims2()?;
        let read = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let (parameters, expression, pose, gradient) = (read(arg1)?, read(arg2)?, read(arg3)?, read(grad_res)?);
        let mut to_parameters = vec![0.0; n * p];
        let mut to_expression = vec![0.0; n * 52];
        let mut to_pose = vec![0.0; n * 3];
        to_parameters
            .par_chunks_exact_mut(p)
            .zip(to_expression.par_chunks_exact_mut(52))
            .zip(to_pose.par_chunks_exact_mut(3))
            .enumerate()
            .for_each(|(i, ((to_parameters, to_expression), to_pose))| {
                let values = &parameters[i * p..][..p];
                let expression = &expression[i * 52..][..52];
                let pose = pose_of(&pose[3 * i..]);
                let yaw = pose[0] * 90.0;
                let points = self.geometry.points(values, expression, yaw);
                let mut to_points = [Vec3::ZERO; 68];
                for ((point, gradient), to_point) in
                    points.iter().zip(gradient[i * 136..][..136].chunks_exact(2)).zip(&mut to_points)
                {
                    let (back, turn) = self.view.pull_back(pose, *point, Vec2::from_slice(gradient));
                    *to_point = back;
                    to_pose.iter_mut().zip(turn).for_each(|(sum, part)| *sum += part);
                }
                self.geometry.pull_back(values, expression, yaw, &to_points, (to_parameters, to_expression));
            });
        let device = arg1.device();
        Ok((
            Some(Tensor::from_vec(to_parameters, (n, p), device)?),
            Some(Tensor::from_vec(to_expression, (n, 52), device)?),
            Some(Tensor::from_vec(to_pose, (n, 3), device)?),
        ))
    }
}

/// Brings each row of `points` `[n, 68, 2]` to `targets` by the least-squares similarity under `weights` `[68]` (all three
/// tensors, sum of weights arbitrary). The solution is closed, so gradients pass through it.
///
/// # Errors
/// Tensors of other shapes.
pub fn align_points(points: &Tensor, targets: &Tensor, weights: &Tensor) -> candle_core::Result<Tensor> {
    let weights =
        (weights / f64::from(weights.sum_all()?.to_scalar::<f32>()?))?.reshape((1, weights.elem_count(), 1))?;
    let centre = |tensor: &Tensor| -> candle_core::Result<(Tensor, Tensor)> {
        let mean = tensor.broadcast_mul(&weights)?.sum_keepdim(1)?;
        Ok((tensor.broadcast_sub(&mean)?, mean))
    };
    let (from, _) = centre(points)?;
    let (to, mean) = centre(targets)?;
    let (x, y) = (from.narrow(2, 0, 1)?, from.narrow(2, 1, 1)?);
    let (u, v) = (to.narrow(2, 0, 1)?, to.narrow(2, 1, 1)?);
    let sum = |tensor: Tensor| tensor.broadcast_mul(&weights)?.sum_keepdim(1);
    let square = (sum(((&x * &x)? + (&y * &y)?)?)? + 1e-12)?;
    let a = (sum(((&x * &u)? + (&y * &v)?)?)? / &square)?;
    let b = (sum(((&x * &v)? - (&y * &u)?)?)? / &square)?;
    let turned_x = (x.broadcast_mul(&a)? - y.broadcast_mul(&b)?)?;
    let turned_y = (x.broadcast_mul(&b)? + y.broadcast_mul(&a)?)?;
    Tensor::cat(&[turned_x, turned_y], 2)?.broadcast_add(&mean)
}

#[cfg(test)]
mod tests;
