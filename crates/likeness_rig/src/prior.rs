//! The prior: which faces are natural.

use std::collections::HashMap;
use std::path::Path;

use rand::{Rng, RngExt};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::read_limited;
use crate::linear::Cholesky;
use crate::{Result, Rig, RigError};

/// The format number of prior files.
const FORMAT: u32 = 1;
const MAX_BYTES: u64 = 64 << 20;
/// Draws stay inside this many standard deviations, where the natural population lies.
const MAX_LATENT: f32 = 2.5;

/// Mean and covariance of natural faces in parameter space: `parameters = mean + factor * z`, z standard normal.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// The mean face, P values in 0..1.
    pub mean: Vec<f32>,
    /// Row-major P x K; the covariance is `factor * factor^T`.
    pub factor: Vec<f32>,
    /// K, the number of latents.
    pub rank: usize,
    /// Per parameter the root mean square movement of the vertices of face, ears and skull, metres per unit of the value; of
    /// parameters with a curve, or ends that differ, over both halves of the range.
    pub vertex_motion: Vec<f32>,
    /// The id of the rig.
    pub rig_id: String,
    /// The version of the rig.
    pub rig_version: u32,
}

impl Prior {
    /// Reads a prior file and checks that it belongs to the rig.
    ///
    /// # Errors
    /// [`RigError::Io`], [`RigError::TooLarge`] and the errors of [`Prior::from_bytes`].
    pub fn load(path: &Path, rig: &Rig) -> Result<Self> {
        Self::from_bytes(&read_limited(path, MAX_BYTES)?, rig, &path.display().to_string())
    }

    /// Reads a prior from the bytes of a safetensors file; `source` names the file in messages.
    ///
    /// # Errors
    /// [`RigError::Syntax`], [`RigError::Format`], [`RigError::WrongRig`], [`RigError::MissingName`],
    /// [`RigError::Shape`] and [`RigError::OutOfRange`], with the tensor.
    pub fn from_bytes(bytes: &[u8], rig: &Rig, source: &str) -> Result<Self> {
        let syntax = |error: safetensors::SafeTensorError| RigError::Syntax {
            file: source.into(),
            problem: format!("not a whole safetensors file ({error})"),
        };
        let tensors = SafeTensors::deserialize(bytes).map_err(syntax)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(syntax)?;
        let empty = HashMap::new();
        let metadata = header.metadata().as_ref().unwrap_or(&empty);
        let field = |name: &str| {
            metadata
                .get(name)
                .ok_or_else(|| RigError::MissingName { file: source.into(), field: format!("metadata.{name}") })
        };
        let number = |name: &str| -> Result<u32> {
            field(name)?.parse().map_err(|_| RigError::WrongType {
                file: source.into(),
                field: format!("metadata.{name}"),
                expected: "a whole number",
            })
        };
        let format = number("format")?;
        if format != FORMAT {
            return Err(RigError::Format { file: source.into(), found: format.into(), known: FORMAT });
        }
        let (rig_id, rig_version) = (field("rig")?.clone(), number("rig_version")?);
        if rig_id != rig.id || rig_version != rig.version {
            return Err(RigError::WrongRig {
                file: source.into(),
                found: format!("{rig_id:?}, version {rig_version}"),
                expected: format!("{:?}, version {}", rig.id, rig.version),
            });
        }
        let parameters = rig.parameters.len();
        let read = |name: &str, min: f32, max: f32| -> Result<(Vec<usize>, Vec<f32>)> {
            let tensor =
                tensors.tensor(name).map_err(|_| RigError::MissingName { file: source.into(), field: name.into() })?;
            if tensor.dtype() != Dtype::F32 {
                return Err(RigError::WrongType { file: source.into(), field: name.into(), expected: "f32 numbers" });
            }
            let (chunks, _) = tensor.data().as_chunks::<4>();
            let values: Vec<f32> = chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
            if let Some(value) = values.iter().find(|value| !(min..=max).contains(*value)) {
                return Err(RigError::OutOfRange {
                    file: source.into(),
                    field: name.into(),
                    value: f64::from(*value),
                    min: min.into(),
                    max: max.into(),
                });
            }
            Ok((tensor.shape().to_vec(), values))
        };
        let shape = |name: &str, found: &[usize], expected: &[usize]| {
            if found == expected {
                return Ok(());
            }
            Err(RigError::Shape {
                file: source.into(),
                field: name.into(),
                found: found.to_vec(),
                expected: expected.to_vec(),
            })
        };
        let (mean_shape, mean) = read("mean", 0.0, 1.0)?;
        shape("mean", &mean_shape, &[parameters])?;
        let (factor_shape, factor) = read("factor", -10.0, 10.0)?;
        let rank = factor_shape.get(1).copied().unwrap_or(0);
        shape("factor", &factor_shape, &[parameters, rank.max(1)])?;
        let (motion_shape, vertex_motion) = read("vertex_motion", 0.0, 1.0)?;
        shape("vertex_motion", &motion_shape, &[parameters])?;
        Ok(Self { mean, factor, rank, vertex_motion, rig_id, rig_version })
    }

    /// The prior as a safetensors file: `mean` `[P]`, `factor` `[P, K]`, `vertex_motion` `[P]`, all f32.
    ///
    /// # Errors
    /// [`RigError::Shape`] when the lists do not fit together.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let little = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let (mean, factor, motion) = (little(&self.mean), little(&self.factor), little(&self.vertex_motion));
        let parameters = self.mean.len();
        let view = |field: &str, shape: Vec<usize>, values: &[f32], bytes| {
            TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|_| RigError::Shape {
                file: "prior".into(),
                field: field.into(),
                found: vec![values.len()],
                expected: shape,
            })
        };
        let tensors = [
            ("mean", view("mean", vec![parameters], &self.mean, &mean)?),
            ("factor", view("factor", vec![parameters, self.rank], &self.factor, &factor)?),
            ("vertex_motion", view("vertex_motion", vec![parameters], &self.vertex_motion, &motion)?),
        ];
        let metadata = HashMap::from([
            ("format".to_owned(), FORMAT.to_string()),
            ("rig".to_owned(), self.rig_id.clone()),
            ("rig_version".to_owned(), self.rig_version.to_string()),
        ]);
        safetensors::serialize(tensors, Some(metadata))
            .map_err(|error| RigError::Syntax { file: "prior".into(), problem: error.to_string() })
    }

    /// Draws a natural face: latents from the standard normal cut at 2.5, parameters clamped to 0..1.
    pub fn sample(&self, rng: &mut impl Rng) -> Vec<f32> {
        let latents: Vec<f32> = (0..self.rank).map(|_| truncated_normal(rng)).collect();
        self.latent_to_parameters(&latents)
    }

    /// The parameters of latents, clamped to 0..1. Missing latents count as zero.
    pub fn latent_to_parameters(&self, latents: &[f32]) -> Vec<f32> {
        let rows = self.factor.chunks_exact(self.rank.max(1));
        self.mean
            .iter()
            .zip(rows)
            .map(|(mean, row)| (mean + row.iter().zip(latents).map(|(f, z)| f * z).sum::<f32>()).clamp(0.0, 1.0))
            .collect()
    }

    /// The latents whose parameters are nearest to `parameters`, measured in vertex movement, with a slight pull to zero
    /// that keeps directions which hardly move the face from running away.
    pub fn parameters_to_latents(&self, parameters: &[f32]) -> Vec<f32> {
        let rank = self.rank;
        let mut normal = vec![0.0_f64; rank * rank];
        let mut right = vec![0.0_f64; rank];
        let unit = self.vertex_motion.iter().copied().fold(1e-9_f32, f32::max);
        for (index, row) in self.factor.chunks_exact(rank.max(1)).enumerate() {
            let weight = f64::from((self.vertex_motion[index] / unit).max(1e-3)).powi(2);
            let target = f64::from(parameters.get(index).copied().unwrap_or(self.mean[index]) - self.mean[index]);
            for i in 0..rank {
                let scaled = weight * f64::from(row[i]);
                right[i] += scaled * target;
                for j in 0..=i {
                    normal[i * rank + j] += scaled * f64::from(row[j]);
                }
            }
        }
        let trace: f64 = (0..rank).map(|i| normal[i * rank + i]).sum();
        for i in 0..rank {
            normal[i * rank + i] += 1e-4 * trace / rank as f64 + 1e-12;
        }
        Cholesky::new(normal, rank).map_or_else(
            || vec![0.0; rank],
            |solver| solver.solve(&right).into_iter().map(|value| value as f32).collect(),
        )
    }

    /// How different two faces are: see [`latent_distance`].
    pub fn distance(&self, a: &[f32], b: &[f32]) -> f32 {
        latent_distance(&self.parameters_to_latents(a), &self.parameters_to_latents(b))
    }
}

/// How different two faces are by their latents ([`Prior::parameters_to_latents`]): the root mean square of the
/// differences, 1.4 on average for two faces of the prior. Every direction counts by how much people differ in it
/// (Mahalanobis 1936). This is the distance by which photos of one person are told from those of two.
pub fn latent_distance(a: &[f32], b: &[f32]) -> f32 {
    let square: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    (square / a.len().max(1) as f32).sqrt()
}

/// A standard normal draw inside [`MAX_LATENT`] (Box and Muller 1958).
fn truncated_normal(rng: &mut impl Rng) -> f32 {
    loop {
        let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
        let value = radius * (std::f32::consts::TAU * rng.random::<f32>()).cos();
        if value.abs() <= MAX_LATENT {
            return value;
        }
    }
}

#[cfg(test)]
mod tests;
