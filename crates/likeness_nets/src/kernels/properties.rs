//! Every kernel over random shapes, on every instruction set of the machine, against plain sums in double precision.
//!
//! Shapes are small but awkward: odd sides, single pixels, strides that leave a rest, channels that fill no register. The
//! gradients of a convolution are linear in what they are made from, so comparing them with plain sums says more than
//! differences would; those are taken through the layers in `tests/nets`.

use proptest::prelude::*;
use pulp::Arch;

use super::conv::{ConvShape, bordered};
use super::correlate::tests::architectures;
use super::correlate::{SLACK, Start, padded_channels};
use super::dense::DenseShape;
use super::norm::{Branch, Joined, Norm, gradient_moments, moments};
use super::plan::{BackwardPlan, ForwardPlan};
use super::winograd::Winograd;

/// Largest error, as a part of the largest expected value.
const TOLERANCE: f64 = 1e-4;

/// Values in -1..1.
fn noise(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

fn close(what: &str, got: &[f32], expected: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.len(), expected.len(), "{}", what);
    let largest = expected.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
    for (index, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(got) - expected).abs();
        prop_assert!(error <= TOLERANCE * largest, "{what}[{index}]: {got}, not {expected}, of up to {largest}");
    }
    Ok(())
}

/// Images without a border to images with one, with what kernels may read behind the last.
fn with_border(values: &[f32], height: usize, width: usize, channels: usize, border: usize) -> Vec<f32> {
    let (row, image) = (width * channels, height * width * channels);
    let padded_image = (height + 2 * border) * (width + 2 * border) * channels;
    // Not zeros, so that a border that is left unwritten would show.
    let mut padded = vec![7.0; values.len() / image * padded_image + SLACK];
    for (target, image) in padded.chunks_exact_mut(padded_image).zip(values.chunks_exact(image)) {
        bordered(target, height, width, channels, border, |y, out| out.copy_from_slice(&image[y * row..][..row]));
    }
    padded
}

/// The inside of images with a border; what lies in the border must be `outside`.
fn without_border(
    values: &[f32],
    height: usize,
    width: usize,
    channels: usize,
    border: usize,
    outside: f32,
) -> Result<Vec<f32>, TestCaseError> {
    let (full_height, full_width) = (height + 2 * border, width + 2 * border);
    let mut inside = Vec::new();
    for (index, pixel) in values.chunks_exact(channels).enumerate() {
        let (y, x) = (index / full_width % full_height, index % full_width);
        if (border..border + height).contains(&y) && (border..border + width).contains(&x) {
            inside.extend_from_slice(pixel);
        } else {
            prop_assert!(pixel.iter().all(|&value| value == outside), "the border was written: {pixel:?}");
        }
    }
    Ok(inside)
}

/// A convolution with made-up values, and what plain sums make of them.
struct Case {
    shape: ConvShape,
    images: usize,
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    gradient: Vec<f32>,
    output: Vec<f64>,
    grad_input: Vec<f64>,
    grad_weight: Vec<f64>,
}

impl Case {
    fn new(shape: ConvShape, images: usize, seed: u64) -> Self {
        let ConvShape { kernel, stride, pad, cin, cout, height, width } = shape;
        let (out_height, out_width) = (shape.out_height(), shape.out_width());
        let input = noise(images * shape.input_len(0), seed);
        let weight = noise(shape.weight_len(), seed + 1);
        let mut bias = noise(cout, seed + 2);
        bias.resize(padded_channels(cout), 0.0);
        let gradient = noise(images * shape.output_len(0), seed + 3);
        let mut output: Vec<f64> = (0..gradient.len()).map(|index| f64::from(bias[index % cout])).collect();
        let mut grad_input = vec![0.0; input.len()];
        let mut grad_weight = vec![0.0; weight.len()];
        for pixel in 0..images * out_height * out_width {
            let (image, y, x) = (pixel / (out_height * out_width), pixel / out_width % out_height, pixel % out_width);
            for (row, column) in (0..kernel).flat_map(|row| (0..kernel).map(move |column| (row, column))) {
                let (from_y, from_x) = (y * stride + row, x * stride + column);
                if !(pad..pad + height).contains(&from_y) || !(pad..pad + width).contains(&from_x) {
                    continue;
                }
                let from = ((image * height + from_y - pad) * width + from_x - pad) * cin;
                for co in 0..cout {
                    for ci in 0..cin {
                        let tap = ((co * cin + ci) * kernel + row) * kernel + column;
                        let (value, factor) = (f64::from(input[from + ci]), f64::from(weight[tap]));
                        let grad = f64::from(gradient[pixel * cout + co]);
                        output[pixel * cout + co] += value * factor;
                        grad_input[from + ci] += grad * factor;
                        grad_weight[tap] += grad * value;
                    }
                }
            }
        }
        Self { shape, images, input, weight, bias, gradient, output, grad_input, grad_weight }
    }

    fn check(&self, arch: Arch, out_border: usize) -> Result<(), TestCaseError> {
        let Self { shape, images, .. } = *self;
        let what = |part: &str| format!("{part} of {images} x {shape:?} on {arch:?}");
        let (out_height, out_width, cout) = (shape.out_height(), shape.out_width(), shape.cout);
        let padded = with_border(&self.input, shape.height, shape.width, shape.cin, shape.pad);

        let forward = ForwardPlan::new(arch, &shape, &self.weight);
        let mut out = vec![9.0; images * shape.output_len(out_border)];
        forward.run(arch, images, &padded, Some(&self.bias), &mut out, out_border);
        let out = without_border(&out, out_height, out_width, cout, out_border, 9.0)?;
        close(&what("output"), &out, &self.output)?;

        let border = shape.gradient_border();
        let gradient = with_border(&self.gradient, out_height, out_width, cout, border);
        let backward = BackwardPlan::new(arch, &shape, &self.weight);
        let mut grad_input = vec![9.0; self.input.len()];
        backward.input_gradient(arch, images, &gradient, &mut grad_input);
        close(&what("input gradient"), &grad_input, &self.grad_input)?;

        let mut sum = vec![0.0; backward.sum_len()];
        backward.weight_gradient(arch, images, &padded, &gradient, &mut sum);
        let mut taps = vec![9.0; shape.sum_len()];
        backward.finish_weight_gradient(arch, &sum, &mut taps);
        let mut grad_weight = vec![9.0; self.weight.len()];
        shape.unpack(&taps, &mut grad_weight);
        close(&what("weight gradient"), &grad_weight, &self.grad_weight)
    }

    /// Adding to what is there, with a ReLU behind, and row by row as one image is spread over threads.
    fn check_direct(&self, arch: Arch) -> Result<(), TestCaseError> {
        let shape = self.shape;
        let image = with_border(&self.input[..shape.input_len(0)], shape.height, shape.width, shape.cin, shape.pad);
        let packed = shape.pack(&self.weight);
        let before = noise(shape.output_len(0), 5);
        let mut got = before.clone();
        let row = shape.out_width() * shape.cout;
        for (y, out) in got.chunks_exact_mut(row).enumerate() {
            let rows = y..y + 1;
            shape.forward_rows(arch, &image, shape.pad, &packed, Start::Output, true, out, 0, rows);
        }
        let bias = |index: usize| f64::from(self.bias[index % shape.cout]);
        let expected: Vec<f64> = (self.output.iter().zip(&before).enumerate())
            .map(|(index, (value, &before))| (value - bias(index) + f64::from(before)).max(0.0))
            .collect();
        close(&format!("sum of {shape:?} on {arch:?}"), &got, &expected)?;

        let border = shape.gradient_border();
        let gradient = &self.gradient[..shape.output_len(0)];
        let gradient = with_border(gradient, shape.out_height(), shape.out_width(), shape.cout, border);
        let before = noise(shape.input_len(0), 6);
        let mut got = before.clone();
        shape.input_gradient(arch, &gradient, &shape.pack_transposed(&self.weight), true, &mut got);
        let expected: Vec<f64> =
            self.grad_input.iter().zip(&before).map(|(value, &before)| value + f64::from(before)).collect();
        close(&format!("added input gradient of {shape:?} on {arch:?}"), &got, &expected)
    }
}

/// Channel counts about those that fill registers, and others.
fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..=5, prop::sample::select(vec![7, 8, 15, 16, 17, 24, 31, 32, 33, 48, 49, 64, 65]), 1usize..=70]
}

prop_compose! {
    /// Any convolution that fits its picture.
    fn any_shape()(
        kernel in prop::sample::select(vec![1usize, 1, 2, 3, 3, 3, 4, 5]),
        stride in prop::sample::select(vec![1usize, 1, 2, 2, 3]),
        cin in channels(),
        cout in channels(),
    )(
        pad in 0..=kernel / 2 + 1,
        height in 1usize..=11,
        width in 1usize..=11,
        kernel in Just(kernel),
        stride in Just(stride),
        cin in Just(cin),
        cout in Just(cout),
    ) -> ConvShape {
        let least = kernel.saturating_sub(2 * pad).max(1);
        ConvShape { kernel, stride, pad, cin, cout, height: height.max(least), width: width.max(least) }
    }
}

prop_compose! {
    /// A convolution that is done by tiles.
    fn tiled_shape()(cin in 16usize..=70, cout in 16usize..=70, rows in 1usize..=3, columns in 1usize..=3) -> ConvShape {
        ConvShape { kernel: 3, stride: 1, pad: 1, cin, cout, height: 4 * rows, width: 4 * columns }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_and_their_gradients_are_plain_sums(
        shape in any_shape(), images in 1usize..=3, out_border in 0usize..=2, seed in any::<u32>(),
    ) {
        let case = Case::new(shape, images, u64::from(seed));
        for arch in architectures() {
            case.check(arch, out_border)?;
        }
    }

    #[test]
    fn one_image_adds_to_what_is_there(shape in any_shape(), seed in any::<u32>()) {
        let case = Case::new(shape, 1, u64::from(seed));
        for arch in architectures() {
            case.check_direct(arch)?;
        }
    }

    #[test]
    fn tiled_convolutions_and_their_gradients_are_plain_sums(
        shape in tiled_shape(), images in 1usize..=5, out_border in 0usize..=2, seed in any::<u32>(),
    ) {
        prop_assert!(Winograd::new(&shape).is_some());
        let case = Case::new(shape, images, u64::from(seed));
        for arch in architectures() {
            case.check(arch, out_border)?;
        }
    }

    #[test]
    fn layers_and_their_gradients_are_plain_sums(
        batch in 1usize..=20, inputs in 1usize..=300, outputs in 1usize..=50, relu in any::<bool>(), seed in any::<u32>(),
    ) {
        let shape = DenseShape { batch, inputs, outputs };
        let seed = u64::from(seed);
        let (input, weight) = (noise(batch * inputs, seed), noise(outputs * inputs, seed + 1));
        let (bias, gradient) = (noise(outputs, seed + 2), noise(batch * outputs, seed + 3));
        let mut output: Vec<f64> = (0..batch * outputs).map(|index| f64::from(bias[index % outputs])).collect();
        let (mut to_input, mut to_weight) = (vec![0.0; input.len()], vec![0.0; weight.len()]);
        for (row, column) in (0..batch).flat_map(|row| (0..outputs).map(move |column| (row, column))) {
            let grad = f64::from(gradient[row * outputs + column]);
            for k in 0..inputs {
                let (value, factor) = (f64::from(input[row * inputs + k]), f64::from(weight[column * inputs + k]));
                output[row * outputs + column] += value * factor;
                to_input[row * inputs + k] += grad * factor;
                to_weight[column * inputs + k] += grad * value;
            }
        }
        if relu {
            output.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        for arch in architectures() {
            let what = |part: &str| format!("{part} of {shape:?} on {arch:?}");
            close(&what("output"), &shape.forward(arch, &input, &weight, &bias, relu), &output)?;
            close(&what("input gradient"), &shape.input_gradient(arch, &gradient, &weight), &to_input)?;
            close(&what("weight gradient"), &shape.weight_gradient(arch, &gradient, &input), &to_weight)?;
        }
    }

    #[test]
    fn normalisation_sums_are_plain_sums(
        channels in channels(), width in 1usize..=9, height in 1usize..=9, seed in any::<u32>(),
    ) {
        Sums::new(channels, width, height, u64::from(seed)).check()?;
    }
}

/// One image in front of a normalisation, another one, and the gradient behind their ReLU.
struct Sums {
    channels: usize,
    width: usize,
    images: [Vec<f32>; 2],
    gradient: Vec<f32>,
    norms: [Norm; 2],
    /// Of both normalisations.
    gamma: [Vec<f32>; 2],
    beta: [Vec<f32>; 2],
}

impl Sums {
    fn new(channels: usize, width: usize, height: usize, seed: u64) -> Self {
        let len = channels * width * height;
        let norm = |seed: u64| {
            let mean = noise(channels, seed).into_iter().map(|value| f64::from(value) * 0.3).collect();
            Norm::new(mean, noise(channels, seed + 1).into_iter().map(|value| f64::from(value) + 1.5).collect())
        };
        Self {
            channels,
            width,
            images: [noise(len, seed), noise(len, seed + 1)],
            gradient: noise(len, seed + 2),
            norms: [norm(seed + 3), norm(seed + 5)],
            gamma: [noise(channels, seed + 7), noise(channels, seed + 8)],
            beta: [noise(channels, seed + 9), noise(channels, seed + 10)],
        }
    }

    /// Sums over the pixels of a value for each index, a channel each.
    fn over_pixels(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.channels];
        for index in 0..self.gradient.len() {
            sums[index % self.channels] += value(index);
        }
        sums
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let Self { channels, width, .. } = *self;
        let row = channels * width;
        let [first, second] = &self.images;
        let value = |image: &[f32], index: usize| f64::from(image[index]);
        let mean = |norm: usize, index: usize| self.norms[norm].mean[index % channels];
        let tiled = |norm: usize| super::norm::tiled(self.norms[norm].mean.iter().copied(), width);
        let affine = |norm: usize| self.norms[norm].affine(&self.gamma[norm], &self.beta[norm], width);
        let means = [tiled(0), tiled(1)];
        let [(scale, shift), (scale2, shift2)] = [affine(0), affine(1)];
        let both: Vec<f32> = shift.iter().zip(&shift2).map(|(a, b)| a + b).collect();
        // In single precision, as the kernels do it, so that a value near zero falls on the same side.
        let alone = |index: usize| first[index] * scale[index % row] + shift[index % row] > 0.0;
        let joined = |index: usize| {
            let inner = second[index] * scale2[index % row] + both[index % row];
            first[index] * scale[index % row] + inner > 0.0
        };
        let near = |index: usize| {
            let (a, b) = (value(first, index), value(second, index));
            let (scale, shift) = (f64::from(scale[index % row]), f64::from(shift[index % row]));
            let one = a * scale + shift;
            let two = one + b * f64::from(scale2[index % row]) + f64::from(shift2[index % row]);
            one.abs().min(two.abs()) < 1e-5
        };
        // A fused multiplication rounds otherwise than a separate one: values at the kink prove nothing.
        prop_assume!(!(0..first.len()).any(near));
        let grad = |open: bool, index: usize| if open { value(&self.gradient, index) } else { 0.0 };

        for arch in architectures() {
            let what = |part: &str| format!("{part} of {channels} channels, {width} wide on {arch:?}");
            let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
            let mut out = vec![9.0; 2 * channels];
            moments(arch, first, row, channels, &mut out);
            let sums = [
                self.over_pixels(|index| value(first, index)),
                self.over_pixels(|index| value(first, index) * value(first, index)),
            ];
            close(&what("moments"), &narrow(&out), &sums.concat())?;

            gradient_moments(arch, &self.gradient, first, &means[0], channels, &mut out);
            let product = |index: usize| value(&self.gradient, index) * (value(first, index) - mean(0, index));
            let sums = [self.over_pixels(|index| value(&self.gradient, index)), self.over_pixels(product)];
            close(&what("gradient moments"), &narrow(&out), &sums.concat())?;

            let mut gradient = self.gradient.clone();
            let branch = Branch { scale: &scale, mean: &means[0] };
            branch.masked_moments(arch, &mut gradient, first, &shift, channels, &mut out);
            let masked: Vec<f64> = (0..gradient.len()).map(|index| grad(alone(index), index)).collect();
            close(&what("masked gradient"), &gradient, &masked)?;
            let product = |index: usize| masked[index] * (value(first, index) - mean(0, index));
            let sums = [self.over_pixels(|index| masked[index]), self.over_pixels(product)];
            close(&what("masked moments"), &narrow(&out), &sums.concat())?;

            let mut gradient = self.gradient.clone();
            let branches = [branch, Branch { scale: &scale2, mean: &means[1] }];
            let mut out2 = out.clone();
            let join = Joined { branches, shift: &both, channels };
            join.masked_moments(arch, &mut gradient, [first, second], [&mut out, &mut out2]);
            let masked: Vec<f64> = (0..gradient.len()).map(|index| grad(joined(index), index)).collect();
            close(&what("joined gradient"), &gradient, &masked)?;
            for (norm, (image, out)) in [(first, &out), (second, &out2)].into_iter().enumerate() {
                let product = |index: usize| masked[index] * (value(image, index) - mean(norm, index));
                let sums = [self.over_pixels(|index| masked[index]), self.over_pixels(product)];
                close(&what("joined moments"), &narrow(out), &sums.concat())?;
            }
        }
        Ok(())
    }
}
