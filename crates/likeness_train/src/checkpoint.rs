//! Everything that a run needs to go on as if it had not been interrupted.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use candle_core::{Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use likeness_nets::{AdamW, CHECKPOINT, Precision, Weights, WeightsMeta, named_tensors, save_weights};
use serde::{Deserialize, Serialize};

use crate::{
    ensemble::Ensemble,
    error::{Result, data_error, io_error},
};

/// A slowly following average of the weights: steadier than the last step's.
pub struct Average {
    decay: f64,
    values: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Average {
    /// Starts at the weights of `map`.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn new(map: &VarMap, decay: f64) -> Result<Self> {
        let mut values = BTreeMap::new();
        for (name, tensor) in named_tensors(map, "") {
            values.insert(name, (tensor.dims().to_vec(), tensor.flatten_all()?.to_vec1()?));
        }
        Ok(Self { decay, values })
    }

    /// Follows the weights by one step. Early on it follows faster, so that the first weights are soon forgotten.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn follow(&mut self, map: &VarMap, step: u64) -> Result<()> {
        let decay = self.decay.min((1.0 + step as f64) / (10.0 + step as f64)) as f32;
        let map = map.data().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (name, (_, values)) in &mut self.values {
            let Some(var) = map.get(name) else { continue };
            let new = var.flatten_all()?.to_vec1::<f32>()?;
            for (old, new) in values.iter_mut().zip(new) {
                *old = *old * decay + new * (1.0 - decay);
            }
        }
        Ok(())
    }

    /// The averaged tensors whose names start with `prefix`, without it.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn tensors(&self, prefix: &str) -> Result<BTreeMap<String, Tensor>> {
        let mut tensors = BTreeMap::new();
        for (name, (shape, values)) in &self.values {
            if let Some(name) = name.strip_prefix(prefix) {
                tensors.insert(name.to_owned(), Tensor::from_slice(values, shape.as_slice(), &Device::Cpu)?);
            }
        }
        Ok(tensors)
    }

    /// A builder that hands out the averaged tensors.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn builder(&self, prefix: &str) -> Result<VarBuilder<'static>> {
        let tensors: HashMap<String, Tensor> = self.tensors(prefix)?.into_iter().collect();
        Ok(VarBuilder::from_tensors(tensors, candle_core::DType::F32, &Device::Cpu))
    }

    fn restore(&mut self, tensors: &BTreeMap<String, Tensor>) -> Result<()> {
        for (name, (_, values)) in &mut self.values {
            if let Some(tensor) = tensors.get(name) {
                *values = tensor.flatten_all()?.to_vec1()?;
            }
        }
        Ok(())
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Steps done.
    pub step: u64,
    /// Seconds spent training.
    pub seconds: f64,
    /// The smoothed sum of the losses; none before the first step.
    pub smoothed: Option<f64>,
    /// Steps that the sum was smoothed over.
    pub seen: u32,
}

/// Writes networks, optimiser, average, standing, and what else the run remembers. In an ensemble rank 0 writes, and the others take
/// over its variables: processors of different kinds round differently, and this keeps that from adding up.
///
/// # Errors
/// A value is not finite; the file cannot be written; another process is lost.
pub fn save(
    ensemble: &mut Ensemble,
    path: &Path,
    map: &VarMap,
    optimizer: &AdamW,
    average: &Average,
    standing: &Standing,
    memory: BTreeMap<String, Tensor>,
) -> Result<()> {
    ensemble.broadcast_variables(map)?;
    if !ensemble.leads() {
        return Ok(());
    }
    let mut tensors = BTreeMap::new();
    let parts = [
        ("net", named_tensors(map, "")),
        ("optimizer", optimizer.state()?),
        ("average", average.tensors("")?),
        ("memory", memory),
    ];
    for (part, content) in parts {
        tensors.extend(content.into_iter().map(|(name, tensor)| (format!("{part}/{name}"), tensor)));
    }
    let meta = WeightsMeta::new(CHECKPOINT, standing, 0)?;
    Ok(save_weights(path, &tensors, &meta, Precision::F32)?)
}

/// Puts a checkpoint back into networks, optimiser and average that were built with the same options, on all processes that of rank 0.
/// Answers where the run stood and what else it remembered, or nothing where there is no checkpoint.
///
/// # Errors
/// The file cannot be read, is damaged or of other networks; another process is lost.
pub fn load(
    ensemble: &mut Ensemble,
    path: &Path,
    map: &VarMap,
    optimizer: &mut AdamW,
    average: &mut Average,
) -> Result<Option<(Standing, BTreeMap<String, Tensor>)>> {
    let file = match ensemble.leads() && path.exists() {
        true => Some(fs::read(path).map_err(io_error(path))?),
        false => None,
    };
    let Some(file) = ensemble.broadcast_file(file)? else { return Ok(None) };
    let weights = Weights::from_bytes(&file, &path.display().to_string())?;
    weights.expect_architecture(CHECKPOINT)?;
    let standing: Standing = weights.config()?;
    let part = |part: &str| -> BTreeMap<String, Tensor> {
        let prefix = format!("{part}/");
        let named = weights.tensors().iter();
        named.filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor.clone()))).collect()
    };
    let net = part("net");
    {
        let map = map.data().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (name, var) in map.iter() {
            let tensor = net.get(name).filter(|tensor| tensor.shape() == var.shape()).ok_or_else(|| {
                data_error(path, name, "missing or of another shape: resume with the options of the first run")
            })?;
            var.set(&tensor.to_device(var.device())?)?;
        }
    }
    optimizer.load_state(&part("optimizer"))?;
    average.restore(&part("average"))?;
    Ok(Some((standing, part("memory"))))
}
