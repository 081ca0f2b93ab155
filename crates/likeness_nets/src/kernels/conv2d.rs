//! The convolution layer.

use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, bail};
use candle_nn::{Init, VarBuilder};
use pulp::Arch;
use rayon::prelude::*;

use super::conv::{ConvShape, bordered};
use super::correlate::{Start, padded_channels};
use crate::error::{Error, Result};
use crate::init::he_normal;
use crate::trunk::{contiguous, with_scratch, with_values};

/// Sizes of a [`Conv2d`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step between windows.
    pub stride: usize,
    /// Zero pixels around the image.
    pub pad: usize,
}

/// A convolution with a bias, channels last.
#[derive(Debug, Clone)]
pub struct Conv2d {
    config: Conv2dConfig,
    weight: Tensor,
    bias: Tensor,
}

impl Conv2d {
    /// Creates (or finds) the variables `weight` `[outputs, inputs, kernel, kernel]` and `bias` `[outputs]` under `vb`.
    ///
    /// # Errors
    /// Sizes of zero; a variable of another shape.
    pub fn new(config: Conv2dConfig, vb: VarBuilder<'_>) -> Result<Self> {
        let Conv2dConfig { inputs, outputs, kernel, stride, .. } = config;
        if [inputs, outputs, kernel, stride].contains(&0) {
            return Err(Error::Config { field: "inputs, outputs, kernel, stride", reason: "none may be 0".into() });
        }
        let weight = vb.get_with_hints((outputs, inputs, kernel, kernel), "weight", he_normal())?;
        let bias = vb.get_with_hints(outputs, "bias", Init::Const(0.0))?;
        Ok(Self { config, weight, bias })
    }

    /// `[batch, height, width, inputs]` to `[batch, height', width', outputs]`. The input's gradient is computed only when
    /// the input depends on a variable.
    ///
    /// # Errors
    /// Another shape or dtype; an image smaller than the kernel.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(input.contiguous()?.apply_op3(&self.weight, &self.bias, Conv2dOp { config: self.config })?)
    }
}

struct Conv2dOp {
    config: Conv2dConfig,
}

impl Conv2dOp {
    fn shape(&self, input: &Shape) -> candle_core::Result<(usize, ConvShape)> {
        let (batch, height, width, channels) = input.dims4()?;
        let Conv2dConfig { inputs, outputs, kernel, stride, pad } = self.config;
        if channels != inputs || batch == 0 || (height + 2 * pad).min(width + 2 * pad) < kernel {
            bail!("a {kernel} x {kernel} convolution of {inputs} channels (pad {pad}) cannot read {input:?}")
        }
        Ok((batch, ConvShape { kernel, stride, pad, cin: inputs, cout: outputs, height, width }))
    }
}

/// Copies an image into a border of zeros.
fn pad_image(shape: &ConvShape, image: &[f32], padded: &mut [f32]) {
    let row = shape.width * shape.cin;
    bordered(padded, shape.height, shape.width, shape.cin, shape.pad, |y, out| {
        out.copy_from_slice(&image[y * row..][..row]);
    });
}

impl CustomOp3 for Conv2dOp {
    fn name(&self) -> &'static str {
        "conv2d-channels-last"
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
        let arch = Arch::new();
        let (batch, shape) = self.shape(input_layout.shape())?;
        let input = contiguous(input, input_layout, "input")?;
        let packed = shape.pack(contiguous(weight, weight_layout, "weight")?);
        let mut bias = contiguous(bias, bias_layout, "bias")?.to_vec();
        bias.resize(padded_channels(shape.cout), 0.0);
        let mut output = vec![0.0; batch * shape.output_len(0)];
        output.par_chunks_mut(shape.output_len(0)).zip(input.par_chunks(shape.input_len(0))).for_each(
            |(output, image)| {
                with_scratch(shape.input_len(shape.pad), |padded| {
                    pad_image(&shape, image, padded);
                    shape.forward(arch, padded, shape.pad, &packed, Start::Bias(&bias), false, output, 0);
                });
            },
        );
        Ok((CpuStorage::F32(output), Shape::from((batch, shape.out_height(), shape.out_width(), shape.cout))))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let arch = Arch::new();
        let (batch, shape) = self.shape(input.shape())?;
        let (image_len, output_len) = (shape.input_len(0), shape.output_len(0));
        let needs_input = input.track_op();
        let phases = if needs_input {
            with_values(weight, "weight", |weight| shape.pack_transposed(weight))?
        } else {
            Vec::new()
        };
        let mut grad_input = vec![0.0; if needs_input { batch * image_len } else { 0 }];
        let mut grad_weight = vec![0.0; shape.weight_len()];
        let mut grad_bias = vec![0.0; shape.cout];
        let group = crate::trunk::images_per_group(batch);
        let mut sums = vec![0.0; batch.div_ceil(group) * shape.sum_len()];
        with_values(input, "input", |images| {
            with_values(gradient, "gradient", |gradients| {
                let mut inputs: Vec<&mut [f32]> = if needs_input {
                    grad_input.chunks_mut(group * image_len).collect()
                } else {
                    (0..batch.div_ceil(group)).map(|_| Default::default()).collect()
                };
                sums.par_chunks_mut(shape.sum_len())
                    .zip(inputs.par_iter_mut())
                    .zip(images.par_chunks(group * image_len))
                    .zip(gradients.par_chunks(group * output_len))
                    .for_each(|(((sum, grad_inputs), images), gradients)| {
                        let mut padded = vec![0.0; shape.input_len(shape.pad)];
                        let pairs = images.chunks_exact(image_len).zip(gradients.chunks_exact(output_len));
                        for (i, (image, gradient)) in pairs.enumerate() {
                            pad_image(&shape, image, &mut padded);
                            with_scratch(shape.gradient_len(), |scratch| {
                                let row = shape.out_width() * shape.cout;
                                let border = shape.gradient_border();
                                bordered(
                                    scratch,
                                    shape.out_height(),
                                    shape.out_width(),
                                    shape.cout,
                                    border,
                                    |y, out| {
                                        out.copy_from_slice(&gradient[y * row..][..row]);
                                    },
                                );
                                shape.weight_gradient(arch, &padded, shape.pad, scratch, sum);
                                if needs_input {
                                    let target = &mut grad_inputs[i * image_len..][..image_len];
                                    shape.input_gradient(arch, scratch, &phases, false, target);
                                }
                            });
                        }
                    });
                crate::trunk::store(&shape, &sums, &mut grad_weight);
                for image in gradients.chunks_exact(output_len) {
                    let mut part = vec![0.0; shape.cout];
                    for pixel in image.chunks_exact(shape.cout) {
                        part.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
                    }
                    grad_bias.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
                }
            })
        })??;
        let device = input.device();
        Ok((
            if needs_input { Some(Tensor::from_vec(grad_input, input.shape(), device)?) } else { None },
            Some(Tensor::from_vec(grad_weight, weight.shape(), device)?),
            Some(Tensor::from_vec(grad_bias, bias.shape(), device)?),
        ))
    }
}
