//! Four residual modules: the feature extraction layer shared by the networks that look at a face crop.

mod engine;
mod op;
mod plain;

use std::sync::{Arc, Mutex};

use candle_core::{Tensor, Var};
use candle_nn::{Init, VarBuilder};

use crate::error::{Error, Result};
use crate::init::he_normal;
use crate::kernels::norm::Norm;
pub(crate) use engine::Stage;
use engine::{Engine, Statistics};
use op::TrunkOp;

pub(crate) use engine::{images_per_group, store, with_scratch, with_sum};
pub(crate) use op::{contiguous, with_values};

/// Share of the newest batch in the running statistics after each training step.
pub const MOMENTUM: f64 = 0.1;

/// Four residual modules, each `conv3x3/2 + norm + ReLU, conv3x3 + norm, + (conv1x1/2 + norm), ReLU`, and the flattening.
///
/// Input `[batch, 3, size, size]`; output `[batch, side * side * widths[3]]` with `side = size / 16` (rounded up), channels
/// last. The whole trunk is one node of candle's graph with a hand-written backward pass. The images themselves receive
/// no gradient.
///
/// After K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016 (module) and S. Ioffe, C. Szegedy, "Batch
/// Normalization", ICML 2015.
#[derive(Debug, Clone)]
pub struct ResidualTrunk {
    engine: Arc<Engine>,
    /// Weights and affine parameters in the engine's order.
    parameters: Vec<Tensor>,
    /// `[mean, variance]` of each normalisation layer in the engine's order.
    running: Vec<[Var; 2]>,
    /// Whether candle's own operations are used on the CPU too.
    plain: bool,
}

impl ResidualTrunk {
    /// Creates (or finds) the variables `module{0..3}.{conv1,conv2,shortcut}.weight` and
    /// `module{0..3}.{norm1,norm2,norm_shortcut}.{weight,bias,running_mean,running_variance}` under `vb`.
    ///
    /// # Errors
    /// A size or width of zero; a variable of another shape.
    pub fn new(size: usize, widths: [usize; 4], vb: VarBuilder<'_>) -> Result<Self> {
        if size < 2 || widths.contains(&0) {
            return Err(Error::Config {
                field: "input, widths",
                reason: format!("input {size} must be at least 2 and every width of {widths:?} at least 1"),
            });
        }
        let engine = Engine::new(size, &widths);
        let mut parameters = Vec::new();
        let mut running = Vec::new();
        for (index, stage) in engine.stages.iter().enumerate() {
            let vb = vb.pp(format!("module{index}"));
            let layers = [
                ("conv1", "norm1", stage.conv1),
                ("conv2", "norm2", stage.conv2),
                ("shortcut", "norm_shortcut", stage.shortcut),
            ];
            for (conv, norm, shape) in layers {
                let dims = (shape.cout, shape.cin, shape.kernel, shape.kernel);
                parameters.push(vb.pp(conv).get_with_hints(dims, "weight", he_normal())?);
                let vb = vb.pp(norm);
                parameters.push(vb.get_with_hints(shape.cout, "weight", Init::Const(1.0))?);
                parameters.push(vb.get_with_hints(shape.cout, "bias", Init::Const(0.0))?);
                running.push([
                    Var::from_tensor(&vb.get_with_hints(shape.cout, "running_mean", Init::Const(0.0))?)?,
                    Var::from_tensor(&vb.get_with_hints(shape.cout, "running_variance", Init::Const(1.0))?)?,
                ]);
            }
        }
        Ok(Self { engine: Arc::new(engine), parameters, running, plain: false })
    }

    /// The same trunk, made of candle's own operations on the CPU too, as it is on other devices: much slower, to compare with.
    #[must_use]
    pub fn with_candle_operations(self) -> Self {
        Self { plain: true, ..self }
    }

    /// Values per image that [`Self::forward`] returns.
    pub fn features(&self) -> usize {
        self.engine.features()
    }

    /// Features of a batch of images. With `train` the normalisation uses the batch's own statistics and moves the running
    /// ones by [`MOMENTUM`]; without, it uses the running ones. Gradients work in both modes. The variables must be where the
    /// images are; elsewhere than on the CPU candle's own operations do the work.
    ///
    /// # Errors
    /// Another shape or dtype than `f32 [batch, 3, size, size]`.
    pub fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        if self.plain || !images.device().is_cpu() {
            return self.forward_plain(images, train);
        }
        let flat =
            self.parameters.iter().map(|tensor| tensor.flatten_all()).collect::<candle_core::Result<Vec<_>>>()?;
        let flat = Tensor::cat(&flat, 0)?;
        let measured = Arc::new(Mutex::new(Vec::new()));
        let fixed = if train { None } else { Some(self.statistics()?) };
        let op = TrunkOp::new(self.engine.clone(), fixed, measured.clone());
        let features = images.apply_op2(&flat, op)?;
        if train {
            let measured = std::mem::take(&mut *measured.lock().unwrap_or_else(|error| error.into_inner()));
            self.update_running(&measured)?;
        }
        Ok(features)
    }

    fn forward_plain(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let size = self.engine.size;
        if images.dims4()?.1 != 3 || images.dims()[2..] != [size, size] {
            return Err(Error::Config {
                field: "images",
                reason: format!("must be [batch, 3, {size}, {size}], not {:?}", images.dims()),
            });
        }
        let fixed = if train { None } else { Some(self.statistics()?) };
        let (features, measured) = plain::forward(self.stages(), &self.parameters, images, fixed.as_deref())?;
        self.update_running(&measured)?;
        Ok(features)
    }

    pub(crate) fn size(&self) -> usize {
        self.engine.size
    }

    pub(crate) fn stages(&self) -> &[Stage] {
        &self.engine.stages
    }

    /// Weight and bias of conv1, conv2 and the shortcut of each module, with the running statistics folded in.
    pub(crate) fn folded_layers(&self) -> Result<Vec<(Vec<f32>, Vec<f32>)>> {
        let layers = self.parameters.as_chunks::<3>().0.iter().zip(self.statistics()?);
        layers
            .map(|([weight, gamma, beta], statistics)| {
                let norm = Norm::new(statistics.mean, statistics.variance);
                let (scale, shift) = norm.affine(&gamma.to_vec1::<f32>()?, &beta.to_vec1::<f32>()?, 1);
                let mut weight = weight.flatten_all()?.to_vec1::<f32>()?;
                let filter = weight.len() / scale.len();
                for (filter, scale) in weight.chunks_exact_mut(filter).zip(&scale) {
                    filter.iter_mut().for_each(|value| *value *= scale);
                }
                Ok((weight, shift))
            })
            .collect()
    }

    fn statistics(&self) -> Result<Vec<Statistics>> {
        self.running.iter().map(read_statistics).collect()
    }

    fn update_running(&self, measured: &[Statistics]) -> Result<()> {
        for (running, batch) in self.running.iter().zip(measured) {
            blend_statistics(running, &batch.mean, &batch.variance, batch.count)?;
        }
        Ok(())
    }
}

/// Running mean and variance of one layer.
pub(crate) fn read_statistics([mean, variance]: &[Var; 2]) -> Result<Statistics> {
    let read = |var: &Var| -> Result<Vec<f64>> { Ok(var.to_vec1::<f32>()?.into_iter().map(f64::from).collect()) };
    Ok(Statistics { mean: read(mean)?, variance: read(variance)?, count: 1 })
}

/// Moves running statistics toward a batch's (biased) ones, measured on `count` values.
pub(crate) fn blend_statistics(running: &[Var; 2], mean: &[f64], variance: &[f64], count: usize) -> Result<()> {
    let unbiased = count as f64 / (count.max(2) - 1) as f64;
    blend(&running[0], mean.iter().copied())?;
    blend(&running[1], variance.iter().map(|variance| variance * unbiased))
}

fn blend(var: &Var, batch: impl Iterator<Item = f64>) -> Result<()> {
    let old = var.to_vec1::<f32>()?;
    let new: Vec<f32> =
        old.iter().zip(batch).map(|(&old, new)| (f64::from(old) * (1.0 - MOMENTUM) + new * MOMENTUM) as f32).collect();
    var.set(&Tensor::from_vec(new, old.len(), var.device())?)?;
    Ok(())
}
