//! `likeness-train export FORMAT`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
use clap::{Args, Subcommand, ValueEnum};
use likeness_nets::{
    BONE_POINT, BonePointConfig, BonePointNet, LANDMARK, LandmarkConfig, LandmarkNet, Precision, Weights, WeightsMeta,
    save_weights,
};
use likeness_train::{
    Result,
    dice::{Dice, Purpose},
};

/// What a network can be written as.
#[derive(Subcommand)]
pub(crate) enum Export {
    /// ONNX, normalisation folded into the convolutions.
    Onnx(Onnx),
    /// This project's own format with smaller or larger numbers.
    Weights(SameFormat),
}

impl Export {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Onnx(onnx) => onnx.run(),
            Self::Weights(same) => same.run(),
        }
    }
}

/// Write any network again with smaller or larger numbers; everything that reads networks reads the file
#[derive(Args)]
pub(crate) struct SameFormat {
    /// The network's weights
    #[arg(value_name = "FILE")]
    weights: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How matrices and convolutions are stored
    #[arg(long)]
    precision: Numbers,
}

/// [`Precision`] by the names that users give.
#[derive(Clone, Copy, ValueEnum)]
enum Numbers {
    F32,
    /// Half the size, as training writes it
    F16,
    /// A quarter of the size: whole numbers and one scale an output
    Int8,
}

impl SameFormat {
    fn run(self) -> Result<()> {
        let weights = Weights::load(&self.weights)?;
        let precision = match self.precision {
            Numbers::F32 => Precision::F32,
            Numbers::F16 => Precision::F16,
            Numbers::Int8 => Precision::I8,
        };
        Ok(save_weights(&self.out, weights.tensors(), weights.meta(), precision)?)
    }
}

/// Write a bone-point or landmark network as an ONNX file
#[derive(Args)]
pub(crate) struct Onnx {
    /// The network's weights; which network it is stands in them
    #[arg(value_name = "FILE")]
    weights: PathBuf,
    /// The ONNX file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Also write made-up images and what the network answers for them (safetensors), to compare a runtime with
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
}

/// Images of a sample.
const SAMPLES: usize = 4;

impl Onnx {
    fn run(self) -> Result<()> {
        let weights = Weights::load(&self.weights)?;
        if weights.meta().architecture == LANDMARK {
            let config: LandmarkConfig = weights.config()?;
            let net = weights.build(|vb| LandmarkNet::new(&config, vb, None))?;
            likeness_rig::write_atomic(&self.out, &net.to_onnx()?)?;
            let Some(path) = &self.sample else { return Ok(()) };
            let images = images(config.input)?;
            let points = net.fold()?.forward(&images)?;
            let flat: Vec<f32> = points.iter().flat_map(|points| points.as_flattened()).copied().collect();
            let points = Tensor::from_vec(flat, (SAMPLES, points[0].len(), 2), &Device::Cpu)?;
            return write_sample(path, LANDMARK, &config, [("images", images), ("points", points)]);
        }
        weights.expect_architecture(BONE_POINT)?;
        let config: BonePointConfig = weights.config()?;
        let net = weights.build(|vb| BonePointNet::new(&config, vb, None))?;
        likeness_rig::write_atomic(&self.out, &net.to_onnx()?)?;
        let Some(path) = &self.sample else { return Ok(()) };
        let images = images(config.input)?;
        let output = net.fold()?.forward(&images)?;
        let tensors = [
            ("images", images),
            ("features", output.features),
            ("parameters", output.parameters),
            ("expression", output.expression),
            ("pose", output.pose),
        ];
        write_sample(path, BONE_POINT, &config, tensors)
    }
}

/// Smooth pictures with noise, -1..1.
fn images(size: usize) -> Result<Tensor> {
    let mut dice = Dice::new(1, Purpose::Probe, 0);
    let mut values = Vec::with_capacity(SAMPLES * 3 * size * size);
    for _ in 0..SAMPLES * 3 {
        let (phase, across, down) = (dice.uniform(0.0, 6.0), dice.uniform(0.5, 6.0), dice.uniform(0.5, 6.0));
        for y in 0..size {
            for x in 0..size {
                let place = (across * x as f32 + down * y as f32) / size as f32;
                values.push((0.8 * (phase + place).sin() + dice.uniform(-0.2, 0.2)).clamp(-1.0, 1.0));
            }
        }
    }
    Ok(Tensor::from_vec(values, (SAMPLES, 3, size, size), &Device::Cpu)?)
}

fn write_sample<const N: usize>(
    path: &Path,
    architecture: &str,
    config: &impl serde::Serialize,
    tensors: [(&str, Tensor); N],
) -> Result<()> {
    let tensors: BTreeMap<String, Tensor> = tensors.map(|(name, tensor)| (name.to_owned(), tensor)).into();
    Ok(save_weights(path, &tensors, &WeightsMeta::new(architecture, config, 0)?, Precision::F32)?)
}
