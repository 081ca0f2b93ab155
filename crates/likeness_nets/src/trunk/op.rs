//! The trunk as one node of candle's graph.

use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Storage, Tensor, bail};

use super::engine::{Engine, Statistics, Workspace};

/// Images and flat parameters -> features. One value of this type serves one forward pass: it keeps the activations that
/// the backward pass needs, and hands the memory back to the engine when it is dropped.
pub(super) struct TrunkOp {
    engine: Arc<Engine>,
    /// Running statistics, or `None` to use (and report) the batch's own.
    fixed: Option<Vec<Statistics>>,
    measured: Arc<Mutex<Vec<Statistics>>>,
    workspace: Mutex<Workspace>,
}

impl TrunkOp {
    pub(super) fn new(
        engine: Arc<Engine>,
        fixed: Option<Vec<Statistics>>,
        measured: Arc<Mutex<Vec<Statistics>>>,
    ) -> Self {
        let workspace = Mutex::new(engine.take_workspace());
        Self { engine, fixed, measured, workspace }
    }
}

impl Drop for TrunkOp {
    fn drop(&mut self) {
        let workspace = self.workspace.get_mut().unwrap_or_else(|error| error.into_inner());
        self.engine.return_workspace(std::mem::take(workspace));
    }
}

/// The values of a contiguous f32 CPU tensor.
pub(crate) fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout, what: &str) -> candle_core::Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("{what} must be contiguous") };
    let CpuStorage::F32(values) = storage else { bail!("{what} must be f32") };
    Ok(&values[start..end])
}

/// Runs `work` on the values of an f32 CPU tensor, made contiguous.
pub(crate) fn with_values<R>(tensor: &Tensor, what: &str, work: impl FnOnce(&[f32]) -> R) -> candle_core::Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(work(contiguous(storage, layout, what)?)),
        _ => bail!("{what} must be on the CPU"),
    }
}

impl CustomOp2 for TrunkOp {
    fn name(&self) -> &'static str {
        "residual-trunk"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        image_layout: &Layout,
        parameters: &CpuStorage,
        parameter_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = image_layout.shape().dims4()?;
        let size = self.engine.size;
        if (channels, height, width) != (3, size, size) || batch == 0 {
            bail!("images must be [batch, 3, {size}, {size}], not {:?}", image_layout.shape())
        }
        let images = contiguous(images, image_layout, "images")?;
        let parameters = contiguous(parameters, parameter_layout, "parameters")?;
        let mut workspace = self.workspace.lock().unwrap_or_else(|error| error.into_inner());
        let (features, measured) =
            self.engine.forward(&mut workspace, images, batch, parameters, self.fixed.as_deref());
        *self.measured.lock().unwrap_or_else(|error| error.into_inner()) = measured;
        Ok((CpuStorage::F32(features), Shape::from((batch, self.engine.features()))))
    }

    fn bwd(
        &self,
        _images: &Tensor,
        parameters: &Tensor,
        _features: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let mut workspace = self.workspace.lock().unwrap_or_else(|error| error.into_inner());
        let result = with_values(gradient, "gradient", |gradient| {
            with_values(parameters, "parameters", |parameters| {
                self.engine.backward(&mut workspace, gradient, parameters, self.fixed.is_none())
            })
        })??;
        let result = Tensor::from_vec(result, parameters.shape(), parameters.device())?;
        Ok((None, Some(result)))
    }
}
