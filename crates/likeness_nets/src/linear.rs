//! Fully connected layers.

use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, Var, bail};
use candle_nn::{Init, VarBuilder};
use pulp::Arch;

use crate::collect::deposit;
use crate::error::Result;
use crate::init::{he_normal, linear_normal};
use crate::kernels::dense::DenseShape;
use crate::trunk::{contiguous, with_values};

/// What follows a layer decides how it is initialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// A ReLU, which [`dense`] then applies itself.
    Relu,
    /// Nothing.
    Nothing,
}

/// A fully connected layer with its activation.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    weight: Tensor,
    bias: Tensor,
    then: Then,
    /// Whether candle's own operations are used on the CPU too.
    plain: bool,
}

impl Dense {
    /// The same layer, made of candle's own operations on the CPU too.
    pub(crate) fn with_candle_operations(self) -> Self {
        Self { plain: true, ..self }
    }

    /// `[batch, inputs]` to `[batch, outputs]`.
    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor> {
        if self.plain || !input.device().is_cpu() {
            let output = input.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)?;
            return Ok(if self.is_relu() { output.relu()? } else { output });
        }
        let op = DenseOp { relu: self.is_relu() };
        Ok(input.contiguous()?.apply_op3(&self.weight, &self.bias, op)?)
    }

    pub(crate) fn is_relu(&self) -> bool {
        self.then == Then::Relu
    }

    /// Weight `[outputs, inputs]` and bias.
    pub(crate) fn tensors(&self) -> (&Tensor, &Tensor) {
        (&self.weight, &self.bias)
    }
}

struct DenseOp {
    relu: bool,
}

impl DenseOp {
    fn shape(input: &Shape, weight: &Shape) -> candle_core::Result<DenseShape> {
        let ((batch, values), (outputs, inputs)) = (input.dims2()?, weight.dims2()?);
        if values != inputs || batch == 0 {
            bail!("a layer of {inputs} inputs cannot read {input:?}")
        }
        Ok(DenseShape { batch, inputs, outputs })
    }
}

impl CustomOp3 for DenseOp {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let shape = Self::shape(input_layout.shape(), weight_layout.shape())?;
        let output = shape.forward(
            Arch::new(),
            contiguous(input, input_layout, "input")?,
            contiguous(weight, weight_layout, "weight")?,
            contiguous(bias, bias_layout, "bias")?,
            self.relu,
        );
        Ok((CpuStorage::F32(output), Shape::from((shape.batch, shape.outputs))))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let arch = Arch::new();
        let shape = Self::shape(input.shape(), weight.shape())?;
        let mut gradient = with_values(gradient, "gradient", <[f32]>::to_vec)?;
        if self.relu {
            with_values(output, "output", |output| {
                for (gradient, &output) in gradient.iter_mut().zip(output) {
                    *gradient = if output > 0.0 { *gradient } else { 0.0 };
                }
            })?;
        }
        let to_input = with_values(weight, "weight", |weight| shape.input_gradient(arch, &gradient, weight))?;
        let to_weight = with_values(input, "input", |input| shape.weight_gradient(arch, &gradient, input))?;
        let mut to_bias = vec![0.0; shape.outputs];
        for row in gradient.chunks_exact(shape.outputs) {
            to_bias.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let device = input.device();
        Ok((
            Some(Tensor::from_vec(to_input, input.shape(), device)?),
            deposit(weight, Tensor::from_vec(to_weight, weight.shape(), device)?),
            deposit(bias, Tensor::from_vec(to_bias, bias.shape(), device)?),
        ))
    }
}

/// The variables `weight` `[outputs, inputs]` and `bias` under `vb`.
pub(crate) fn dense(inputs: usize, outputs: usize, then: Then, vb: &VarBuilder<'_>) -> Result<Dense> {
    let init = match then {
        Then::Relu => he_normal(),
        Then::Nothing => linear_normal(),
    };
    let weight = vb.get_with_hints((outputs, inputs), "weight", init)?;
    let bias = vb.get_with_hints(outputs, "bias", Init::Const(0.0))?;
    Ok(Dense { weight, bias, then, plain: false })
}

/// Like [`dense`], and where `vb` did not have the layer yet, `change(weight, bias)` rewrites its first values.
pub(crate) fn dense_with(
    inputs: usize,
    outputs: usize,
    then: Then,
    vb: &VarBuilder<'_>,
    change: impl FnOnce(&mut [f32], &mut [f32]),
) -> Result<Dense> {
    let known = vb.contains_tensor("weight");
    let layer = dense(inputs, outputs, then, vb)?;
    if !known {
        let (weight, bias) = layer.tensors();
        let mut weights = weight.flatten_all()?.to_vec1::<f32>()?;
        let mut biases = vec![0.0; outputs];
        change(&mut weights, &mut biases);
        Var::from_tensor(weight)?.set(&Tensor::from_vec(weights, weight.shape(), weight.device())?)?;
        Var::from_tensor(bias)?.set(&Tensor::from_vec(biases, outputs, bias.device())?)?;
    }
    Ok(layer)
}
