//! Fully connected layers.

use candle_core::{Tensor, Var};
use candle_nn::{Init, Linear, Module, VarBuilder};

use crate::error::Result;
use crate::init::{he_normal, linear_normal};

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
    linear: Linear,
    then: Then,
}

impl Dense {
    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let output = self.linear.forward(input)?;
        Ok(match self.then {
            Then::Relu => output.relu()?,
            Then::Nothing => output,
        })
    }

    pub(crate) fn is_relu(&self) -> bool {
        self.then == Then::Relu
    }

    /// Weight `[outputs, inputs]` and bias.
    pub(crate) fn tensors(&self) -> (&Tensor, Option<&Tensor>) {
        (self.linear.weight(), self.linear.bias())
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
    Ok(Dense { linear: Linear::new(weight, Some(bias)), then })
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
        if let Some(bias) = bias {
            Var::from_tensor(bias)?.set(&Tensor::from_vec(biases, outputs, bias.device())?)?;
        }
    }
    Ok(layer)
}
