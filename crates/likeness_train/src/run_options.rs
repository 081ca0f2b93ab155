//! What every training run is told, whichever network it trains.

use std::{collections::BTreeMap, path::PathBuf};

use candle_core::Tensor;
use candle_nn::VarMap;
use likeness_nets::{AdamW, AdamWConfig, Precision, WeightsMeta, save_weights};

use crate::{checkpoint::Standing, device::TrainDevice, ensemble::Place, error::Result};

/// The options that all training runs have.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where the finished weights go.
    pub out: PathBuf,
    /// Where metrics and checkpoints go.
    pub folder: PathBuf,
    /// Steps of the whole run.
    pub steps: u64,
    /// The run ends after these minutes even if steps are left; the schedules then follow the clock.
    pub minutes: Option<f64>,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Decay of the matrices.
    pub weight_decay: f64,
    /// The seed.
    pub seed: u64,
    /// Decay of the weights' average.
    pub average: f64,
    /// Threads that make batches.
    pub workers: usize,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Steps between measurements on what is held out.
    pub measure_every: u64,
    /// Whether to go on from the run's checkpoint.
    pub resume: bool,
    /// Written into the weights.
    pub revision: String,
    /// Where the network is trained. Losses and the domain network stay on the CPU.
    pub device: TrainDevice,
    /// This process's place among several that train the network together.
    pub place: Option<Place>,
}

impl RunOptions {
    /// The options on which all processes of a run must agree: what each may have of its own is empty.
    pub(crate) fn shared(&self) -> Self {
        Self {
            out: PathBuf::new(),
            folder: PathBuf::new(),
            workers: 0,
            revision: String::new(),
            device: TrainDevice::Cpu,
            place: None,
            ..self.clone()
        }
    }

    /// How far a run is, 0..1: by its steps, or by the clock where that is further.
    pub(crate) fn progress(&self, standing: &Standing) -> f64 {
        let by_steps = standing.step as f64 / self.steps.max(1) as f64;
        self.minutes.map_or(by_steps, |minutes| by_steps.max(standing.seconds / (60.0 * minutes)))
    }

    /// The file of the run's checkpoint.
    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint.safetensors")
    }

    /// The optimiser of all variables of `map`.
    ///
    /// # Errors
    /// A map without variables.
    pub(crate) fn optimizer(&self, map: &VarMap) -> Result<AdamW> {
        let config = AdamWConfig {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            ..AdamWConfig::default()
        };
        Ok(AdamW::new(map, config)?)
    }

    /// Writes the finished weights, with the run's seed and revision.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn save(&self, weights: &BTreeMap<String, Tensor>, meta: WeightsMeta) -> Result<()> {
        let meta = WeightsMeta { seed: self.seed, revision: self.revision.clone(), ..meta };
        Ok(save_weights(&self.out, weights, &meta, Precision::F16)?)
    }
}
