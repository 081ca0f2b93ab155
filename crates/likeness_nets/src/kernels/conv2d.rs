//! The convolution layer.

use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, bail};
use candle_nn::{Init, VarBuilder};
use pulp::Arch;
use rayon::prelude::*;

use super::conv::{ConvShape, bordered};
use super::correlate::{SLACK, padded_channels};
use super::plan::{BackwardPlan, ForwardPlan};
use crate::error::{Error, Result};
use crate::init::he_normal;
use crate::trunk::{contiguous, with_scratch, with_sum, with_values};

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

/// Copies images into borders of zeros.
fn pad_images(shape: &ConvShape, images: &[f32], padded: &mut [f32]) {
    let row = shape.width * shape.cin;
    let pairs = images.chunks_exact(shape.input_len(0)).zip(padded.chunks_exact_mut(shape.input_len(shape.pad)));
    for (image, padded) in pairs {
        bordered(padded, shape.height, shape.width, shape.cin, shape.pad, |y, out| {
            out.copy_from_slice(&image[y * row..][..row]);
        });
    }
}

/// Images that share a sum of weight gradients.
struct Part<'a> {
    arch: Arch,
    shape: &'a ConvShape,
    plan: &'a BackwardPlan,
    images: &'a [f32],
    gradients: &'a [f32],
}

impl Part<'_> {
    /// Adds the weight gradient to `sum` and writes the inputs' gradients where they are wanted.
    fn gradients(&self, sum: &mut [f32], mut grad_inputs: Option<&mut [f32]>) {
        let shape = self.shape;
        let (image_len, output_len) = (shape.input_len(0), shape.output_len(0));
        let (row, border) = (shape.out_width() * shape.cout, shape.gradient_border());
        let bordered_len = shape.output_len(border);
        let together = self.plan.images();
        let mut padded = vec![0.0; together * shape.input_len(shape.pad)];
        let chunks = self.images.chunks(together * image_len).zip(self.gradients.chunks(together * output_len));
        for (index, (images, gradients)) in chunks.enumerate() {
            let count = images.len() / image_len;
            pad_images(shape, images, &mut padded);
            with_scratch(count * bordered_len + SLACK, |scratch| {
                for (out, gradient) in scratch.chunks_exact_mut(bordered_len).zip(gradients.chunks_exact(output_len)) {
                    bordered(out, shape.out_height(), shape.out_width(), shape.cout, border, |y, out| {
                        out.copy_from_slice(&gradient[y * row..][..row]);
                    });
                }
                self.plan.weight_gradient(self.arch, count, &padded, scratch, sum);
                if let Some(grad_inputs) = &mut grad_inputs {
                    let target = &mut grad_inputs[index * together * image_len..][..count * image_len];
                    self.plan.input_gradient(self.arch, count, scratch, target);
                }
            });
        }
    }
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
        let plan = ForwardPlan::new(arch, &shape, contiguous(weight, weight_layout, "weight")?);
        let mut bias = contiguous(bias, bias_layout, "bias")?.to_vec();
        bias.resize(padded_channels(shape.cout), 0.0);
        let mut output = vec![0.0; batch * shape.output_len(0)];
        let (image_len, padded_len, together) = (shape.input_len(0), shape.input_len(shape.pad), plan.images());
        output.par_chunks_mut(together * shape.output_len(0)).zip(input.par_chunks(together * image_len)).for_each(
            |(output, images)| {
                let count = images.len() / image_len;
                with_scratch(count * padded_len, |padded| {
                    pad_images(&shape, images, padded);
                    plan.run(arch, count, padded, Some(&bias), output, 0);
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
        let plan = with_values(weight, "weight", |weight| BackwardPlan::new(arch, &shape, weight))?;
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
                        let part = Part { arch, shape: &shape, plan: &plan, images, gradients };
                        with_sum(&plan, arch, sum, |sum| {
                            part.gradients(sum, needs_input.then_some(&mut **grad_inputs));
                        });
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
