//! The trunk's arithmetic: forward and backward over a whole batch with memory that is reused from step to step.
//!
//! Every pass over the batch works image by image, so that what one layer writes is still cached when the next reads it; a
//! new pass starts only where batch normalisation needs sums over the batch. Images are spread over rayon's threads.
//! All sums over the batch are added in the images' order, whatever the number of threads: a run repeats bit for bit.

use std::ops::Range;
use std::sync::Mutex;

use pulp::Arch;
use rayon::prelude::*;

use crate::kernels::conv::{ConvShape, Phase, bordered};
use crate::kernels::correlate::{Packed, SLACK, Start};
use crate::kernels::norm::{Branch, Joined, Norm, NormBackward, moments};
use crate::kernels::plan::{BackwardPlan, ForwardPlan};

/// Border of every stored activation that a 3x3 convolution reads.
const BORDER: usize = 1;

/// One residual module.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) conv1: ConvShape,
    pub(crate) conv2: ConvShape,
    pub(crate) shortcut: ConvShape,
}

impl Stage {
    fn new(cin: usize, cout: usize, size: usize) -> Self {
        let conv1 = ConvShape { kernel: 3, stride: 2, pad: 1, cin, cout, height: size, width: size };
        let side = conv1.out_height();
        let conv2 = ConvShape { kernel: 3, stride: 1, pad: 1, cin: cout, cout, height: side, width: side };
        let shortcut = ConvShape { kernel: 1, pad: 0, ..conv1 };
        Self { conv1, conv2, shortcut }
    }

    fn channels(&self) -> usize {
        self.conv1.cout
    }

    pub(crate) fn side(&self) -> usize {
        self.conv1.out_height()
    }

    /// Floats of one row, and of one image, without a border.
    fn row(&self) -> usize {
        self.side() * self.channels()
    }

    fn image(&self) -> usize {
        self.side() * self.row()
    }

    pub(super) fn layers(&self) -> [ConvShape; 3] {
        [self.conv1, self.conv2, self.shortcut]
    }
}

/// Mean and biased variance of one normalisation layer, and how many values they were measured on.
#[derive(Debug, Clone)]
pub(crate) struct Statistics {
    pub(crate) mean: Vec<f64>,
    pub(crate) variance: Vec<f64>,
    pub(crate) count: usize,
}

/// One layer's place in the flat parameters: weight, scale, shift.
#[derive(Debug, Clone)]
struct Place {
    weight: Range<usize>,
    gamma: Range<usize>,
    beta: Range<usize>,
}

#[derive(Debug, Default)]
struct StageMemory {
    /// Raw results of conv1, conv2 and the shortcut: `[batch, image]`.
    raw1: Vec<f32>,
    raw2: Vec<f32>,
    raw_shortcut: Vec<f32>,
    /// The module's result, with a border (the last module's without).
    out: Vec<f32>,
    norms: [Norm; 3],
    /// Gradients of the result and of the inside.
    grad_out: Vec<f32>,
    grad_inner: Vec<f32>,
}

/// Activations and gradients of one batch.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    batch: usize,
    /// The images, channels last, with a border.
    images: Vec<f32>,
    stages: Vec<StageMemory>,
}

/// The trunk's shapes and its spare memory.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) size: usize,
    pub(crate) stages: Vec<Stage>,
    places: Vec<[Place; 3]>,
    parameters: usize,
    spare: Mutex<Vec<Workspace>>,
}

fn resize(buffer: &mut Vec<f32>, len: usize) {
    // Borders are written with the rest, so stale values need no clearing.
    if buffer.len() != len {
        buffer.clear();
        buffer.resize(len, 0.0);
    }
}

/// Images that share a sum of weight gradients; depends on the batch only, so that results do too.
pub(crate) fn images_per_group(batch: usize) -> usize {
    batch.div_ceil((batch / 8).clamp(2, 16)).max(1)
}

/// A scratch buffer of the current thread, kept between calls.
pub(crate) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    thread_local! {
        static SCRATCH: std::cell::RefCell<Vec<f32>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    SCRATCH.with(|cell| {
        let mut buffer = cell.take();
        if buffer.len() < len {
            buffer.resize(len, 0.0);
        }
        let result = work(&mut buffer[..len]);
        cell.replace(buffer);
        result
    })
}

/// Runs `work` on a sum of weight gradients in the layout that `plan` adds to, and writes the result to `out`.
pub(crate) fn with_sum(plan: &BackwardPlan, arch: Arch, out: &mut [f32], work: impl FnOnce(&mut [f32])) {
    thread_local! {
        static SUM: std::cell::RefCell<Vec<f32>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    SUM.with(|cell| {
        let mut sum = cell.take();
        sum.clear();
        sum.resize(plan.sum_len(), 0.0);
        work(&mut sum);
        plan.finish_weight_gradient(arch, &sum, out);
        cell.replace(sum);
    });
}

impl Engine {
    pub(crate) fn new(size: usize, widths: &[usize]) -> Self {
        let mut stages = Vec::new();
        let mut places = Vec::new();
        let (mut cin, mut side, mut end) = (3, size, 0);
        let mut take = |len: usize| {
            let range = end..end + len;
            end += len;
            range
        };
        for &width in widths {
            let stage = Stage::new(cin, width, side);
            places.push(stage.layers().map(|shape| Place {
                weight: take(shape.weight_len()),
                gamma: take(shape.cout),
                beta: take(shape.cout),
            }));
            (cin, side) = (width, stage.side());
            stages.push(stage);
        }
        Self { size, stages, places, parameters: end, spare: Mutex::default() }
    }

    pub(crate) fn features(&self) -> usize {
        self.stages.last().map_or(0, Stage::image)
    }

    pub(crate) fn take_workspace(&self) -> Workspace {
        self.spare.lock().unwrap_or_else(|error| error.into_inner()).pop().unwrap_or_default()
    }

    pub(crate) fn return_workspace(&self, workspace: Workspace) {
        self.spare.lock().unwrap_or_else(|error| error.into_inner()).push(workspace);
    }

    fn border(&self, stage: usize) -> usize {
        if stage + 1 == self.stages.len() { 0 } else { BORDER }
    }

    /// Features of a batch, and the statistics of every normalisation layer when `fixed` gives none.
    pub(crate) fn forward(
        &self,
        workspace: &mut Workspace,
        images: &[f32],
        batch: usize,
        parameters: &[f32],
        fixed: Option<&[Statistics]>,
    ) -> (Vec<f32>, Vec<Statistics>) {
        let arch = Arch::new();
        workspace.batch = batch;
        workspace.stages.resize_with(self.stages.len(), StageMemory::default);
        let mut measured = Vec::new();

        let size = self.size;
        let first = &self.stages[0].conv1;
        resize(&mut workspace.images, batch * first.input_len(BORDER));
        workspace.images.par_chunks_mut(first.input_len(BORDER)).zip(images.par_chunks(3 * size * size)).for_each(
            |(target, image)| {
                bordered(target, size, size, 3, BORDER, |y, row| {
                    for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                        for (c, value) in pixel.iter_mut().enumerate() {
                            *value = image[(c * size + y) * size + x];
                        }
                    }
                });
            },
        );

        for (index, stage) in self.stages.iter().enumerate() {
            let (before, rest) = workspace.stages.split_at_mut(index);
            let memory = &mut rest[0];
            let input: &[f32] = before.last().map_or(&workspace.images, |memory| &memory.out);
            let place = &self.places[index];
            let weight = |layer: usize| &parameters[place[layer].weight.clone()];
            let conv1: Packed = stage.conv1.pack(weight(0));
            let conv2 = ForwardPlan::new(arch, &stage.conv2, weight(1));
            let shortcut: Packed = stage.shortcut.pack(weight(2));
            let (channels, row, image) = (stage.channels(), stage.row(), stage.image());
            let count = batch * stage.side() * stage.side();
            let norm = |layer: usize, sums: &[f64]| {
                let number = 3 * index + layer;
                match fixed {
                    Some(fixed) => Norm::new(fixed[number].mean.clone(), fixed[number].variance.clone()),
                    None => Norm::from_moments(sums, channels, count),
                }
            };
            let affine = |norm: &Norm, layer: usize| {
                norm.affine(
                    &parameters[place[layer].gamma.clone()],
                    &parameters[place[layer].beta.clone()],
                    stage.side(),
                )
            };

            // conv1 and the shortcut of each image, with their moments.
            resize(&mut memory.raw1, batch * image);
            resize(&mut memory.raw_shortcut, batch * image);
            let mut sums1 = vec![0.0; batch * 2 * channels];
            let mut sums_shortcut = sums1.clone();
            (memory.raw1.par_chunks_mut(image), memory.raw_shortcut.par_chunks_mut(image))
                .into_par_iter()
                .zip(sums1.par_chunks_mut(2 * channels))
                .zip(sums_shortcut.par_chunks_mut(2 * channels))
                .zip(input.par_chunks(stage.conv1.input_len(BORDER)))
                .for_each(|((((raw1, raw_shortcut), sums1), sums_shortcut), input)| {
                    stage.conv1.forward(arch, input, BORDER, &conv1, Start::Zero, false, raw1, 0);
                    moments(arch, raw1, row, channels, sums1);
                    stage.shortcut.forward(arch, input, BORDER, &shortcut, Start::Zero, false, raw_shortcut, 0);
                    moments(arch, raw_shortcut, row, channels, sums_shortcut);
                });
            memory.norms[0] = norm(0, &sums1);
            memory.norms[2] = norm(2, &sums_shortcut);

            // norm1 + ReLU, then conv2.
            let (scale, shift) = affine(&memory.norms[0], 0);
            let bordered_image = stage.conv2.input_len(BORDER);
            resize(&mut memory.raw2, batch * image);
            let mut sums2 = vec![0.0; batch * 2 * channels];
            let together = conv2.images();
            (memory.raw2.par_chunks_mut(together * image), memory.raw1.par_chunks(together * image))
                .into_par_iter()
                .zip(sums2.par_chunks_mut(together * 2 * channels))
                .for_each(|((raw2, raw1), sums2)| {
                    let images = raw2.len() / image;
                    with_scratch(images * bordered_image, |inner| {
                        for (inner, raw1) in inner.chunks_exact_mut(bordered_image).zip(raw1.chunks_exact(image)) {
                            inside(arch, stage, raw1, &scale, &shift, inner);
                        }
                        conv2.run(arch, images, inner, None, raw2, 0);
                    });
                    for (raw2, sums2) in raw2.chunks_exact(image).zip(sums2.chunks_exact_mut(2 * channels)) {
                        moments(arch, raw2, row, channels, sums2);
                    }
                });
            memory.norms[1] = norm(1, &sums2);

            // norm2 + the shortcut's norm, ReLU.
            let (scale2, shift2) = affine(&memory.norms[1], 1);
            let (scale_shortcut, shift_shortcut) = affine(&memory.norms[2], 2);
            let shift: Vec<f32> = shift2.iter().zip(&shift_shortcut).map(|(a, b)| a + b).collect();
            let border = self.border(index);
            let out_image = stage.conv2.output_len(border);
            resize(&mut memory.out, batch * out_image);
            memory
                .out
                .par_chunks_mut(out_image)
                .zip(memory.raw2.par_chunks(image))
                .zip(memory.raw_shortcut.par_chunks(image))
                .for_each(|((out, raw2), raw_shortcut)| {
                    bordered(out, stage.side(), stage.side(), channels, border, |y, out| {
                        let rows = y * row..(y + 1) * row;
                        let (raw2, raw_shortcut) = (&raw2[rows.clone()], &raw_shortcut[rows]);
                        join_relu(arch, raw2, &scale2, raw_shortcut, &scale_shortcut, &shift, out);
                    });
                });
            if fixed.is_none() {
                measured.extend(memory.norms.iter().map(|norm| Statistics {
                    mean: norm.mean.clone(),
                    variance: norm.variance.clone(),
                    count,
                }));
            }
        }
        (workspace.stages.last().map(|memory| memory.out.clone()).unwrap_or_default(), measured)
    }

    /// Gradient of the flat parameters, after [`Self::forward`] on the same workspace and parameters; `batch_statistics`
    /// says whether that pass normalised by the batch.
    pub(crate) fn backward(
        &self,
        workspace: &mut Workspace,
        gradient: &[f32],
        parameters: &[f32],
        batch_statistics: bool,
    ) -> Vec<f32> {
        let arch = Arch::new();
        let batch = workspace.batch;
        let mut result = vec![0.0; self.parameters];
        let group = images_per_group(batch);

        for (index, stage) in self.stages.iter().enumerate().rev() {
            let (before, rest) = workspace.stages.split_at_mut(index);
            let memory = &mut rest[0];
            let (input, grad_input): (&[f32], Option<&mut Vec<f32>>) = match before.last_mut() {
                Some(memory) => (&memory.out, Some(&mut memory.grad_out)),
                None => (&workspace.images, None),
            };
            let place = &self.places[index];
            let weight = |layer: usize| &parameters[place[layer].weight.clone()];
            let gamma = |layer: usize| &parameters[place[layer].gamma.clone()];
            let (channels, image, side) = (stage.channels(), stage.image(), stage.side());
            let count = batch * side * side;
            if index + 1 == self.stages.len() {
                resize(&mut memory.grad_out, batch * image);
                memory.grad_out.copy_from_slice(gradient);
            }
            let backward = |layer: usize, norms: &[Norm; 3], sums: &[f64], result: &mut [f32]| {
                let norm = norms[layer].backward(sums, gamma(layer), count, side, batch_statistics);
                result[place[layer].gamma.clone()].copy_from_slice(&norm.gamma);
                result[place[layer].beta.clone()].copy_from_slice(&norm.beta);
                norm
            };
            let mean =
                |layer: usize, norms: &[Norm; 3]| crate::kernels::norm::tiled(norms[layer].mean.iter().copied(), side);

            let affine = |layer: usize, norms: &[Norm; 3]| {
                norms[layer].affine(gamma(layer), &parameters[place[layer].beta.clone()], side)
            };

            // Through the last ReLU, with the sums that norm2 and the shortcut's norm need.
            let mut sums2 = vec![0.0; batch * 2 * channels];
            let mut sums_shortcut = sums2.clone();
            let means = [mean(1, &memory.norms), mean(2, &memory.norms)];
            let [(scale2, shift2), (scale_shortcut, shift_shortcut)] =
                [affine(1, &memory.norms), affine(2, &memory.norms)];
            let shift: Vec<f32> = shift2.iter().zip(&shift_shortcut).map(|(a, b)| a + b).collect();
            let join = Joined {
                branches: [(&scale2, &means[0]), (&scale_shortcut, &means[1])]
                    .map(|(scale, mean)| Branch { scale, mean }),
                shift: &shift,
                channels,
            };
            (memory.grad_out.par_chunks_mut(image), memory.raw2.par_chunks(image))
                .into_par_iter()
                .zip(memory.raw_shortcut.par_chunks(image))
                .zip(sums2.par_chunks_mut(2 * channels))
                .zip(sums_shortcut.par_chunks_mut(2 * channels))
                .for_each(|((((grad, raw2), raw_shortcut), sums2), sums_shortcut)| {
                    join.masked_moments(arch, grad, [raw2, raw_shortcut], [sums2, sums_shortcut]);
                });
            let norm2 = backward(1, &memory.norms, &sums2, &mut result);
            let norm_shortcut = backward(2, &memory.norms, &sums_shortcut, &mut result);

            // conv2, and through the first ReLU.
            let conv2 = BackwardPlan::new(arch, &stage.conv2, weight(1));
            resize(&mut memory.grad_inner, batch * image);
            let mut sums1 = vec![0.0; batch * 2 * channels];
            let mean1 = mean(0, &memory.norms);
            let (scale1, shift1) = affine(0, &memory.norms);
            let branch = Branch { scale: &scale1, mean: &mean1 };
            let groups = batch.div_ceil(group);
            let mut weights2 = vec![0.0; groups * stage.conv2.sum_len()];
            let inner_image = stage.conv2.input_len(BORDER);
            let gradient_image = stage.conv2.output_len(stage.conv2.gradient_border());
            (memory.grad_inner.par_chunks_mut(group * image), memory.grad_out.par_chunks(group * image))
                .into_par_iter()
                .zip(memory.raw2.par_chunks(group * image))
                .zip(memory.raw1.par_chunks(group * image))
                .zip(sums1.par_chunks_mut(group * 2 * channels))
                .zip(weights2.par_chunks_mut(stage.conv2.sum_len()))
                .for_each(|(((((grads_inner, grads), raws2), raws1), sums1), weights)| {
                    with_sum(&conv2, arch, weights, |sum| {
                        let together = conv2.images();
                        let chunks = grads_inner.chunks_mut(together * image).zip(grads.chunks(together * image));
                        let raws = raws2.chunks(together * image).zip(raws1.chunks(together * image));
                        let sums = sums1.chunks_mut(together * 2 * channels);
                        for (((grads_inner, grads), (raws2, raws1)), sums1) in chunks.zip(raws).zip(sums) {
                            let images = grads.len() / image;
                            with_scratch(images * (inner_image + gradient_image) + SLACK, |scratch| {
                                let (inners, gradients) = scratch.split_at_mut(images * inner_image);
                                for (inner, raw1) in inners.chunks_exact_mut(inner_image).zip(raws1.chunks_exact(image))
                                {
                                    inside(arch, stage, raw1, &scale1, &shift1, inner);
                                }
                                let values = grads.chunks_exact(image).zip(raws2.chunks_exact(image));
                                for (out, (grad, raw2)) in gradients.chunks_exact_mut(gradient_image).zip(values) {
                                    norm_gradient(arch, &stage.conv2, &norm2, grad, raw2, out);
                                }
                                conv2.weight_gradient(arch, images, inners, gradients, sum);
                                conv2.input_gradient(arch, images, gradients, grads_inner);
                            });
                            let values = grads_inner.chunks_exact_mut(image).zip(raws1.chunks_exact(image));
                            for ((grad, raw1), sums1) in values.zip(sums1.chunks_exact_mut(2 * channels)) {
                                branch.masked_moments(arch, grad, raw1, &shift1, channels, sums1);
                            }
                        }
                    });
                });
            store(&stage.conv2, &weights2, &mut result[place[1].weight.clone()]);
            let norm1 = backward(0, &memory.norms, &sums1, &mut result);

            // conv1 and the shortcut.
            let phases1 = stage.conv1.pack_transposed(weight(0));
            let phases_shortcut = stage.shortcut.pack_transposed(weight(2));
            let mut weights1 = vec![0.0; groups * stage.conv1.sum_len()];
            let mut weights_shortcut = vec![0.0; groups * stage.shortcut.sum_len()];
            let input_image = stage.conv1.input_len(BORDER);
            let plain_image = stage.conv1.input_len(0);
            let mut nothing = Vec::new();
            let first = grad_input.is_none();
            let grad_input = grad_input.unwrap_or(&mut nothing);
            if !first {
                resize(grad_input, batch * plain_image);
            }
            let mut grad_inputs: Vec<&mut [f32]> = if first {
                (0..groups).map(|_| Default::default()).collect()
            } else {
                grad_input.chunks_mut(group * plain_image).collect()
            };
            (grad_inputs.par_iter_mut(), input.par_chunks(group * input_image))
                .into_par_iter()
                .zip(memory.grad_out.par_chunks(group * image))
                .zip(memory.grad_inner.par_chunks(group * image))
                .zip(memory.raw1.par_chunks(group * image))
                .zip(memory.raw_shortcut.par_chunks(group * image))
                .zip(weights1.par_chunks_mut(stage.conv1.sum_len()))
                .zip(weights_shortcut.par_chunks_mut(stage.shortcut.sum_len()))
                .for_each(
                    |(
                        ((((((grad_inputs, inputs), grads), grads_inner), raws1), raws_shortcut), weights1),
                        weights_shortcut,
                    )| {
                        for (i, input) in inputs.chunks_exact(input_image).enumerate() {
                            let at = i * image..(i + 1) * image;
                            let layers: [(&ConvShape, &NormBackward, &[f32], &[f32], &[Phase], &mut [f32]); 2] = [
                                (&stage.conv1, &norm1, grads_inner, raws1, &phases1, &mut *weights1),
                                (
                                    &stage.shortcut,
                                    &norm_shortcut,
                                    grads,
                                    raws_shortcut,
                                    &phases_shortcut,
                                    &mut *weights_shortcut,
                                ),
                            ];
                            for (layer, (shape, norm, grads, raws, phases, weights)) in layers.into_iter().enumerate() {
                                with_scratch(shape.gradient_len(), |scratch| {
                                    norm_gradient(arch, shape, norm, &grads[at.clone()], &raws[at.clone()], scratch);
                                    shape.weight_gradient(arch, input, BORDER, scratch, weights);
                                    if !first {
                                        let grad_input = &mut grad_inputs[i * plain_image..][..plain_image];
                                        shape.input_gradient(arch, scratch, phases, layer > 0, grad_input);
                                    }
                                });
                            }
                        }
                    },
                );
            store(&stage.conv1, &weights1, &mut result[place[0].weight.clone()]);
            store(&stage.shortcut, &weights_shortcut, &mut result[place[2].weight.clone()]);
        }
        result
    }
}

/// The inside of a module behind its first ReLU, with a border. It is made anew where it is needed, which is cheaper than
/// keeping it in memory.
fn inside(arch: Arch, stage: &Stage, raw1: &[f32], scale: &[f32], shift: &[f32], out: &mut [f32]) {
    let row = stage.row();
    bordered(out, stage.side(), stage.side(), stage.channels(), BORDER, |y, out| {
        affine_relu(arch, &raw1[y * row..][..row], scale, shift, out);
    });
}

/// The gradient in front of a normalisation layer, with the border that the convolution before it wants.
fn norm_gradient(arch: Arch, shape: &ConvShape, norm: &NormBackward, grad: &[f32], raw: &[f32], out: &mut [f32]) {
    let row = shape.out_width() * shape.cout;
    let border = shape.gradient_border();
    bordered(out, shape.out_height(), shape.out_width(), shape.cout, border, |y, out| {
        norm.row(arch, &grad[y * row..][..row], &raw[y * row..][..row], out);
    });
}

/// Adds the groups' packed weight gradients in order and stores them in the parameters' layout.
pub(crate) fn store(shape: &ConvShape, groups: &[f32], weight: &mut [f32]) {
    let mut groups = groups.chunks_exact(shape.sum_len());
    let mut sum = groups.next().map(<[f32]>::to_vec).unwrap_or_default();
    for group in groups {
        for (sum, value) in sum.iter_mut().zip(group) {
            *sum += value;
        }
    }
    shape.unpack(&sum, weight);
}

fn affine_relu(arch: Arch, values: &[f32], scale: &[f32], shift: &[f32], out: &mut [f32]) {
    arch.dispatch(
        #[inline(always)]
        || {
            for (((out, &value), &scale), &shift) in out.iter_mut().zip(values).zip(scale).zip(shift) {
                *out = (value * scale + shift).max(0.0);
            }
        },
    );
}

fn join_relu(arch: Arch, a: &[f32], scale_a: &[f32], b: &[f32], scale_b: &[f32], shift: &[f32], out: &mut [f32]) {
    arch.dispatch(
        #[inline(always)]
        || {
            let values = a.iter().zip(scale_a).zip(b.iter().zip(scale_b)).zip(shift);
            for (out, (((&a, &scale_a), (&b, &scale_b)), &shift)) in out.iter_mut().zip(values) {
                *out = (a * scale_a + (b * scale_b + shift)).max(0.0);
            }
        },
    );
}
