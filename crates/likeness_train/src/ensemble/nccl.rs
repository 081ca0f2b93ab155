//! Gradients averaged among NVIDIA GPUs by NCCL.

use std::ffi::c_char;

use candle_core::{
    CpuStorage, CudaStorage, Device, InplaceOp1, Layout, Tensor, Var,
    backprop::GradStore,
    bail,
    cuda_backend::cudarc::nccl::{
        result::NcclError,
        safe::{Comm, Id, ReduceOp},
    },
};

use super::{place::Place, star::Star};
use crate::error::{Result, TrainError};

/// This process's GPU among those of the others.
pub(super) struct Gpus(Comm);

impl Gpus {
    /// Meets the other GPUs, for which rank 0's number goes to everybody over the star. Nothing for a process without an NVIDIA GPU.
    pub(super) fn join(device: &Device, place: &Place, star: &mut Star) -> Result<Option<Self>> {
        let Device::Cuda(gpu) = device else { return Ok(None) };
        let mut bytes = Vec::new();
        if place.rank == 0 {
            let id = Id::new().map_err(|error| failed("making the run's number", &error))?;
            bytes.extend(id.internal().iter().flat_map(|byte| byte.to_le_bytes()));
        }
        let mut number = star.broadcast(bytes)?.into_iter();
        let id = Id::uninit(std::array::from_fn(|_| number.next().unwrap_or_default() as c_char));
        let comm = Comm::from_rank(gpu.cuda_stream(), place.rank, place.world, id)
            .map_err(|error| failed("joining the other GPUs", &error))?;
        Ok(Some(Self(comm)))
    }

    /// Puts the means of those gradients that are on the GPU into `gradients`, and gives the others back.
    pub(super) fn average<'a>(
        &self,
        found: Vec<(&'a Var, Tensor)>,
        gradients: &mut GradStore,
    ) -> Result<Vec<(&'a Var, Tensor)>> {
        let (here, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, gradient)| gradient.device().is_cuda());
        let flat = here.iter().map(|(_, gradient)| gradient.flatten_all()).collect::<candle_core::Result<Vec<_>>>()?;
        if flat.is_empty() {
            return Ok(others);
        }
        // One sum over everything is faster than one a variable.
        let all = Tensor::cat(&flat, 0)?;
        all.inplace_op1(&Mean(&self.0))?;
        let mut start = 0;
        for (var, gradient) in here {
            let count = gradient.elem_count();
            gradients.insert(var, all.narrow(0, start, count)?.reshape(gradient.shape())?);
            start += count;
        }
        Ok(others)
    }
}

/// The mean over the GPUs, in place.
struct Mean<'a>(&'a Comm);

impl InplaceOp1 for Mean<'_> {
    fn name(&self) -> &'static str {
        "mean over the GPUs"
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
        bail!("NCCL averages on GPUs only")
    }

    fn cuda_fwd(&self, storage: &mut CudaStorage, layout: &Layout) -> candle_core::Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("gradients must be contiguous") };
        let mut values = storage.as_cuda_slice_mut::<f32>()?.slice_mut(start..end);
        self.0
            .all_reduce_in_place(&mut values, &ReduceOp::Avg)
            .map_err(|error| candle_core::Error::wrap(failed("averaging gradients", &error)))?;
        Ok(())
    }
}

fn failed(during: &'static str, NcclError(code): &NcclError) -> TrainError {
    TrainError::Nccl { during, code: format!("{code:?}") }
}
