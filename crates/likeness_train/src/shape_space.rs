//! How faces differ: what a difference of parameters does to the head, and how usual it is.

use std::ops::Range;

use candle_core::{Device, Tensor};
use likeness_rig::{HeadMesh, Prior, Rig};
use rayon::prelude::*;

use crate::error::{Result, data_error};

/// Vertices below this height (metres, the eyes are at zero) belong to neck and bust.
const LOWEST: f32 = -0.125;
/// Half the step of the differences for parameters whose effect is proportional to their value.
const STEP: f32 = 0.1;

/// Constants of a rig's parameters as tensors.
#[derive(Clone, Debug)]
pub struct ShapeSpace {
    /// `[P, P]`: `d^T G d` is the mean squared vertex movement of a difference `d` near the mean face, square metres. It is
    /// one matrix for all faces: a parameter whose effect is not proportional to its value, as it has a curve or ends that
    /// differ, counts with its mean slopes above and below neutral, half each.
    pub gram: Tensor,
    /// `[1, P]`: the mean face.
    pub mean: Tensor,
    /// `[P, K]`: latents = (parameters - mean) * to_latents.
    pub to_latents: Tensor,
    /// `[K, P]`: parameters = mean + latents * to_parameters.
    pub to_parameters: Tensor,
    /// `[P]`: what a parameter's squared error counts: its vertex motion over its deviation. So each weighs as much as in the parameter
    /// error that networks are measured by, the mean of absolute errors times vertex motion, and the many small ones are learnt too.
    pub weights: Tensor,
    /// What the losses are over the prior when the answer is always the mean: squared error by the weights, and squared metres.
    pub mean_answer: [f64; 2],
}

impl ShapeSpace {
    /// Measures the mesh.
    ///
    /// # Errors
    /// A rig that does not belong to the mesh.
    pub fn new(rig: &Rig, mesh: &HeadMesh, prior: &Prior) -> Result<Self> {
        let device = Device::Cpu;
        let p = prior.mean.len();
        let gram = gram(rig, mesh, prior)?;
        let mut to_latents = Vec::with_capacity(p * prior.rank);
        for row in (0..p).into_par_iter().map(|j| latents_of_unit(prior, j)).collect::<Vec<_>>() {
            to_latents.extend(row);
        }
        let row = |j: usize| &prior.factor[j * prior.rank..][..prior.rank];
        let covariance =
            |i: usize, j: usize| -> f64 { row(i).iter().zip(row(j)).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
        let weight = |(j, motion): (usize, &f32)| match covariance(j, j).sqrt() as f32 {
            deviation if deviation > 0.0 => motion / deviation,
            _ => 0.0,
        };
        let weights: Vec<f32> = prior.vertex_motion.iter().enumerate().map(weight).collect();
        let weighted: f64 = (0..p).map(|j| f64::from(weights[j]) * covariance(j, j)).sum();
        let squared: f64 = (0..p)
            .into_par_iter()
            .map(|i| (0..p).map(|j| f64::from(gram[i * p + j]) * covariance(i, j)).sum::<f64>())
            .sum();
        let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        Ok(Self {
            gram: Tensor::from_vec(gram, (p, p), &device)?,
            mean: Tensor::from_slice(&prior.mean, (1, p), &device)?,
            to_latents: Tensor::from_vec(to_latents, (p, prior.rank), &device)?,
            to_parameters: Tensor::from_slice(&prior.factor, (p, prior.rank), &device)?.t()?.contiguous()?,
            weights: Tensor::from_vec(weights, p, &device)?,
            mean_answer: [weighted / total, squared],
        })
    }

    /// Latents `[n, K]` of parameters `[n, P]`.
    ///
    /// # Errors
    /// Tensors of another shape.
    pub fn latents(&self, parameters: &Tensor) -> candle_core::Result<Tensor> {
        parameters.broadcast_sub(&self.mean)?.matmul(&self.to_latents)
    }

    /// Mean squared vertex movement `[n]` of differences `[n, P]`, square metres.
    ///
    /// # Errors
    /// Tensors of another shape.
    pub fn squared_movement(&self, differences: &Tensor) -> candle_core::Result<Tensor> {
        (differences.matmul(&self.gram)? * differences)?.sum(1)
    }
}

/// The latents that a unit of one parameter adds.
fn latents_of_unit(prior: &Prior, parameter: usize) -> Vec<f32> {
    let mut moved = prior.mean.clone();
    moved[parameter] += 1.0;
    prior.parameters_to_latents(&moved)
}

fn gram(rig: &Rig, mesh: &HeadMesh, prior: &Prior) -> Result<Vec<f32>> {
    let movements = movements(rig, mesh, prior, 0..prior.mean.len())?;
    let row = |a: &Movement| movements.iter().map(|b| mean_product(a, b)).collect::<Vec<f32>>();
    Ok(movements.par_iter().map(row).collect::<Vec<_>>().concat())
}

/// How the face's vertices move per unit of a parameter near the mean face: one column, or those below and above neutral.
type Movement = Vec<Vec<f32>>;

fn movements(rig: &Rig, mesh: &HeadMesh, prior: &Prior, parameters: Range<usize>) -> Result<Vec<Movement>> {
    let skin = mesh.part("skin").ok_or_else(|| {
        data_error(std::path::Path::new(&rig.mesh), "skin", "no part of this name: build the head again")
    })?;
    let compiled = rig.compile()?;
    let binding = mesh.bind(rig)?;
    let place = |values: &[f32]| {
        let (mut offsets, mut points) = (Vec::new(), Vec::new());
        compiled.offsets_into(values, &mut offsets);
        mesh.skin(skin, &binding.joint_matrices(mesh, &offsets), &[], &mut points);
        points
    };
    let face: Vec<usize> =
        place(&prior.mean).iter().enumerate().filter(|(_, p)| p.y > LOWEST).map(|(i, _)| i).collect();
    let movement = |parameter: usize| {
        let column = |(middle, step): (f32, f32)| {
            let at = |value: f32| {
                let mut values = prior.mean.clone();
                values[parameter] = value;
                place(&values)
            };
            let (more, less) = (at(middle + step), at(middle - step));
            face.iter().flat_map(|&v| ((more[v] - less[v]) / (2.0 * step)).to_array()).collect()
        };
        compiled.spans(parameter, prior.mean[parameter], STEP).into_iter().map(column).collect()
    };
    Ok(parameters.into_par_iter().map(movement).collect())
}

/// The mean product of two movements over the vertices, and over both sides of neutral where one of them has two.
fn mean_product(a: &Movement, b: &Movement) -> f32 {
    let sides = a.len().max(b.len());
    let count = (a[0].len() / 3).max(1) as f32;
    let product = |side: usize| {
        let (a, b) = (&a[side.min(a.len() - 1)], &b[side.min(b.len() - 1)]);
        a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>()
    };
    (0..sides).map(product).sum::<f32>() / (sides as f32 * count)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]

    use likeness_rig::Curve;

    use super::*;
    use crate::head::Head;

    #[test]
    fn parameters_with_curves_and_lower_ends_count_with_their_mean_slopes() {
        let Head { mut rig, mesh, prior, .. } = Head::load(&Head::default_rig()).unwrap();
        let raise = rig.parameter_index("nose.tip.raise").unwrap();
        let own = |rig: &Rig| {
            let movements = movements(rig, &mesh, &prior, raise..raise + 1).unwrap();
            mean_product(&movements[0], &movements[0])
        };
        let straight = own(&rig);
        assert!(straight > 0.0);
        rig.parameters[raise].curve = Curve(3.0);
        assert!((own(&rig) / straight - 1.0).abs() < 0.01, "the ends are where they were");
        for drive in &mut rig.parameters[raise].drives {
            drive.low = Some(0.0);
        }
        assert!((own(&rig) / straight - 0.5).abs() < 0.01, "one half moves, the other rests");
        for drive in &mut rig.parameters[raise].drives {
            drive.low = Some(drive.amount);
        }
        assert!((own(&rig) / straight - 1.0).abs() < 0.01, "both ends go the same way");
    }

    #[test]
    fn parameters_weigh_as_in_the_measured_error_and_the_mean_face_costs_one() {
        let Head { rig, mesh, prior, .. } = Head::load(&Head::default_rig()).unwrap();
        let space = ShapeSpace::new(&rig, &mesh, &prior).unwrap();
        let weights = space.weights.to_vec1::<f32>().unwrap();
        let deviation = |j: usize| {
            let row = &prior.factor[j * prior.rank..][..prior.rank];
            row.iter().map(|value| value * value).sum::<f32>().sqrt()
        };
        for (j, weight) in weights.iter().enumerate() {
            let measured = prior.vertex_motion[j] * deviation(j);
            assert!((weight * deviation(j).powi(2) - measured).abs() <= 1e-4 * measured, "parameter {j}");
        }
        let mut dice = crate::dice::Dice::new(1, crate::dice::Purpose::Probe, 0);
        let faces: Vec<f32> = (0..400).flat_map(|_| prior.sample(dice.rng())).collect();
        let faces = Tensor::from_vec(faces, (400, prior.mean.len()), &Device::Cpu).unwrap();
        let means = space.mean.broadcast_as(faces.shape()).unwrap();
        let loss = likeness_nets::weighted_squared_error(&means, &faces, &space.weights).unwrap();
        let loss = f64::from(loss.to_scalar::<f32>().unwrap()) / space.mean_answer[0];
        assert!((0.85..1.1).contains(&loss), "{loss}");
    }
}
