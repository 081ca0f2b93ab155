//! Several processes that train one network: each computes the gradients of its own batches, and all take their mean.
//!
//! With `N` processes a step sees `N` batches, and its gradients are those of their mean loss, as if one process had gone through the
//! batches one after another. Two things tell it from one batch of `N` times the size: batch normalisation takes the statistics of
//! each process's own batch, and losses that compare the pictures of a batch with each other do so within it.
//!
//! Rank 0 leads. It alone reads checkpoints and start weights, measures, and writes files; its clock is everybody's. The other
//! processes need the data, but nothing else of its disk.
//!
//! On CPUs the numbers go over TCP connections to rank 0. With the feature `nccl`, gradients on NVIDIA GPUs are averaged among the
//! GPUs, and only losses and features take the way over TCP.

#[cfg(feature = "nccl")]
mod nccl;
mod place;
mod rendezvous;
mod star;

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var, backprop::GradStore};
use candle_nn::VarMap;
use likeness_nets::AdamW;

pub use place::{Place, Rendezvous};
use star::Star;

use crate::error::{Result, TrainError};

/// The processes of a run as one of them sees them. Every process must call the same methods in the same order.
pub struct Ensemble {
    share: Share,
    star: Option<Star>,
    #[cfg(feature = "nccl")]
    gpus: Option<nccl::Gpus>,
}

/// Which batches a process makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    rank: usize,
    world: usize,
}

impl Share {
    /// The number of this process's batch of a step. Over all processes and steps every number comes once, so two never train on
    /// the same draw, and the draws of a run hang on its seed and the number of processes alone.
    pub fn batch(self, step: u64) -> u64 {
        step * self.world as u64 + self.rank as u64
    }
}

impl Ensemble {
    /// Meets the other processes; without a place, or with one for a single process, there are none, and every method answers at
    /// once. `run` says what all must agree on, as `name: value` parts between commas.
    ///
    /// # Errors
    /// Somebody does not come within the place's patience, or is about to do something else.
    pub fn join(place: Option<&Place>, run: &str, device: &Device) -> Result<Self> {
        let Some(place) = place.filter(|place| place.world > 1) else {
            return Ok(Self {
                share: Share { rank: 0, world: 1 },
                star: None,
                #[cfg(feature = "nccl")]
                gpus: None,
            });
        };
        let share = Share { rank: place.rank, world: place.world };
        let program = env!("CARGO_PKG_VERSION");
        let kind = kind(device);
        let run = format!("program: likeness-train {program}, processes: {}, device: {kind}, {run}", place.world);
        #[cfg_attr(not(feature = "nccl"), expect(unused_mut, reason = "NCCL's number is exchanged at once"))]
        let mut star = rendezvous::meet(place, &run)?;
        Ok(Self {
            share,
            #[cfg(feature = "nccl")]
            gpus: nccl::Gpus::join(device, place, &mut star)?,
            star: Some(star),
        })
    }

    /// Which batches this process makes.
    pub fn share(&self) -> Share {
        self.share
    }

    /// Whether this process is the one that measures and writes.
    pub fn leads(&self) -> bool {
        self.share.rank == 0
    }

    /// Replaces each number by its mean over the processes, the same bits everywhere.
    ///
    /// # Errors
    /// Another process is lost.
    pub fn average(&mut self, values: &mut [f32]) -> Result<()> {
        self.star.as_mut().map_or(Ok(()), |star| star.average(values))
    }

    /// Replaces the gradients of everything that the optimiser adjusts by their means over the processes.
    ///
    /// # Errors
    /// Another process is lost; the tensor library or NCCL fails.
    pub fn average_gradients(&mut self, optimizer: &AdamW, gradients: &mut GradStore) -> Result<()> {
        let Some(star) = &mut self.star else { return Ok(()) };
        let found: Vec<(&Var, Tensor)> =
            optimizer.adjusted().filter_map(|(_, var)| Some((var, gradients.get(var)?.clone()))).collect();
        #[cfg(feature = "nccl")]
        let found = match &self.gpus {
            Some(gpus) => gpus.average(found, gradients)?,
            None => found,
        };
        let mut flat = Vec::with_capacity(found.iter().map(|(_, gradient)| gradient.elem_count()).sum());
        for (_, gradient) in &found {
            flat.extend(gradient.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?);
        }
        star.average(&mut flat)?;
        let mut rest = flat.as_slice();
        for (var, gradient) in found {
            let (values, others) = rest.split_at(gradient.elem_count());
            gradients.insert(var, Tensor::from_slice(values, gradient.shape(), gradient.device())?);
            rest = others;
        }
        Ok(())
    }

    /// The tensors of all processes in the order of their ranks, on the CPU; each has the shape of this one.
    ///
    /// # Errors
    /// Another process is lost; the tensor library fails.
    pub fn gather(&mut self, tensor: &Tensor) -> Result<Vec<Tensor>> {
        let Some(star) = &mut self.star else { return Ok(vec![tensor.clone()]) };
        let values = star.gather(tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?)?;
        let parts = values.chunks_exact(tensor.elem_count().max(1));
        Ok(parts
            .map(|part| Tensor::from_slice(part, tensor.shape(), &Device::Cpu))
            .collect::<candle_core::Result<_>>()?)
    }

    /// Rank 0's number.
    ///
    /// # Errors
    /// Another process is lost.
    pub fn broadcast_number(&mut self, value: f64) -> Result<f64> {
        let Some(star) = &mut self.star else { return Ok(value) };
        let bytes = star.broadcast(value.to_le_bytes().to_vec())?;
        let bytes = bytes.try_into().map_err(|_| unlike("its clock is not a number"))?;
        Ok(f64::from_le_bytes(bytes))
    }

    /// Rank 0's file, where it has one.
    ///
    /// # Errors
    /// Another process is lost.
    pub fn broadcast_file(&mut self, file: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
        let Some(star) = &mut self.star else { return Ok(file) };
        // An empty message is no file: files that are worth sharing are not empty.
        let bytes = star.broadcast(file.unwrap_or_default())?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Gives all processes rank 0's variables, running statistics included.
    ///
    /// # Errors
    /// Another process is lost or has other networks; the tensor library fails.
    pub fn broadcast_variables(&mut self, map: &VarMap) -> Result<()> {
        let Some(star) = &mut self.star else { return Ok(()) };
        let map = map.data().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sorted: BTreeMap<&String, &Var> = map.iter().collect();
        let mut bytes = Vec::new();
        if self.share.rank == 0 {
            for var in sorted.values() {
                let values = var.flatten_all()?.to_vec1::<f32>()?;
                bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
            star.broadcast(bytes)?;
            return Ok(());
        }
        let bytes = star.broadcast(bytes)?;
        let values: Vec<f32> = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        if values.len() != sorted.values().map(|var| var.elem_count()).sum::<usize>() {
            return Err(unlike("its networks have another size"));
        }
        let mut rest = values.as_slice();
        for var in sorted.values() {
            let (own, others) = rest.split_at(var.elem_count());
            var.set(&Tensor::from_slice(own, var.shape(), var.device())?)?;
            rest = others;
        }
        Ok(())
    }

    /// Parts once everybody has come so far. A process that just ended would cut off sums that its GPU still takes part in.
    ///
    /// # Errors
    /// Another process is lost; the GPU reports an earlier failure.
    pub fn finish(mut self, device: &Device) -> Result<()> {
        if self.star.is_some() {
            device.synchronize()?;
        }
        self.average(&mut [0.0])
    }
}

/// What a device is, whatever its number.
fn kind(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) if cfg!(feature = "nccl") => "cuda with nccl",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}

fn unlike(problem: &str) -> TrainError {
    TrainError::Peer { rank: 0, problem: format!("{problem}: start all processes with the same program and options") }
}

#[cfg(test)]
mod tests;
