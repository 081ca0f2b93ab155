//! The convolution and normalisation layers against candle's own operations and against finite differences.

use crate::common::{largest, largest_difference, noise, variables};
use candle_core::{Device, Tensor, Var};
use candle_nn::VarMap;
use likeness_nets::SeededInit;
use likeness_nets::kernels::{BatchNorm, Conv2d, Conv2dConfig};

fn conv(config: Conv2dConfig) -> (VarMap, Conv2d) {
    let map = VarMap::new();
    let layer = Conv2d::new(config, SeededInit::builder(&map, 3, &Device::Cpu)).unwrap();
    variables(&map)["bias"].set(&noise(9, &[config.outputs])).unwrap();
    (map, layer)
}

/// Channels last to candle's order, and back.
fn channels_first(tensor: &Tensor) -> Tensor {
    tensor.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()
}

fn channels_last(tensor: &Tensor) -> Tensor {
    tensor.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

const CONFIGS: [(Conv2dConfig, usize, usize, usize); 10] = [
    (Conv2dConfig { inputs: 3, outputs: 24, kernel: 3, stride: 2, pad: 1 }, 2, 16, 16),
    (Conv2dConfig { inputs: 5, outputs: 7, kernel: 3, stride: 1, pad: 1 }, 3, 9, 13),
    (Conv2dConfig { inputs: 4, outputs: 16, kernel: 1, stride: 2, pad: 0 }, 2, 11, 11),
    (Conv2dConfig { inputs: 17, outputs: 33, kernel: 1, stride: 1, pad: 0 }, 1, 5, 6),
    (Conv2dConfig { inputs: 2, outputs: 64, kernel: 5, stride: 2, pad: 2 }, 9, 12, 12),
    (Conv2dConfig { inputs: 3, outputs: 4, kernel: 4, stride: 3, pad: 0 }, 2, 13, 13),
    (Conv2dConfig { inputs: 1, outputs: 1, kernel: 3, stride: 1, pad: 2 }, 1, 1, 1),
    (Conv2dConfig { inputs: 6, outputs: 50, kernel: 3, stride: 1, pad: 0 }, 17, 8, 8),
    (Conv2dConfig { inputs: 24, outputs: 17, kernel: 3, stride: 1, pad: 1 }, 3, 8, 12),
    (Conv2dConfig { inputs: 40, outputs: 64, kernel: 3, stride: 1, pad: 1 }, 19, 4, 4),
];

#[test]
fn convolution_matches_candle() {
    for (config, batch, height, width) in CONFIGS {
        let (map, layer) = conv(config);
        let vars = variables(&map);
        let input = Var::from_tensor(&noise(1, &[batch, height, width, config.inputs])).unwrap();
        let got = layer.forward(&input).unwrap();
        let bias = vars["bias"].as_tensor().reshape((1, (), 1, 1)).unwrap();
        let expected = channels_first(&input)
            .conv2d(vars["weight"].as_tensor(), config.pad, config.stride, 1, 1)
            .unwrap()
            .broadcast_add(&bias)
            .unwrap();
        let expected = channels_last(&expected);
        assert!(largest_difference(&expected, &got) < 1e-4 * largest(&expected), "{config:?}");

        let weights = noise(2, expected.dims());
        let expected = (expected * &weights).unwrap().sum_all().unwrap().backward().unwrap();
        let got = (got * &weights).unwrap().sum_all().unwrap().backward().unwrap();
        for var in [&input, &vars["weight"], &vars["bias"]] {
            let (expected, got) = (expected.get(var).unwrap(), got.get(var).unwrap());
            assert!(largest_difference(expected, got) < 1e-4 * largest(expected), "{config:?} {:?}", var.dims());
        }
    }
}

/// Compares the gradient of `loss` with central differences at some places of each variable.
fn check_differences(vars: &[&Var], loss: impl Fn() -> Tensor) {
    let gradients = loss().backward().unwrap();
    let value = || f64::from(loss().to_scalar::<f32>().unwrap());
    for var in vars {
        let gradient = gradients.get(var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let scale = gradient.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        let start = var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let set = |values: &[f32]| var.set(&Tensor::from_slice(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
        for index in (0..start.len()).step_by((start.len() / 7).max(1)) {
            let step = 1e-2;
            let mut moved = start.clone();
            moved[index] = start[index] + step;
            set(&moved);
            let above = value();
            moved[index] = start[index] - step;
            set(&moved);
            let below = value();
            set(&start);
            let difference = ((above - below) / f64::from(2.0 * step)) as f32;
            let error = (difference - gradient[index]).abs();
            assert!(error < 0.03 * scale + 1e-3, "{:?}[{index}]: {difference} against {}", var.dims(), gradient[index]);
        }
    }
}

#[test]
fn convolution_gradients_match_finite_differences() {
    for (config, _, _, _) in CONFIGS {
        // Strided convolutions of sides that differ and leave a rest, which candle's own gradient refuses.
        let (map, layer) = conv(config);
        let vars = variables(&map);
        let input = Var::from_tensor(&noise(1, &[2, 8, 11, config.inputs])).unwrap();
        let weights = noise(2, layer.forward(&input).unwrap().dims());
        check_differences(&[&input, &vars["weight"], &vars["bias"]], || {
            (layer.forward(&input).unwrap() * &weights).unwrap().sum_all().unwrap()
        });
    }
}

#[test]
fn normalisation_gradients_match_finite_differences() {
    for (channels, relu, train) in
        [(3, false, true), (16, false, true), (33, false, true), (7, false, false), (24, true, true)]
    {
        let map = VarMap::new();
        let layer = BatchNorm::new(channels, relu, SeededInit::builder(&map, 3, &Device::Cpu)).unwrap();
        let vars = variables(&map);
        vars["bias"].set(&(noise(4, &[channels]) * 0.2).unwrap()).unwrap();
        vars["running_variance"].set(&(noise(5, &[channels]) + 2.0).unwrap()).unwrap();
        let input = Var::from_tensor(&(noise(1, &[3, 4, 5, channels]) * 2.0).unwrap()).unwrap();
        let weights = noise(2, input.dims());
        // A ReLU's kinks spoil some differences; its mask is compared with candle's below.
        let vars: Vec<&Var> = if relu { vec![] } else { vec![&input, &vars["weight"], &vars["bias"]] };
        check_differences(&vars, || (layer.forward(&input, train).unwrap() * &weights).unwrap().sum_all().unwrap());
    }
}

#[test]
fn fused_relu_matches_a_separate_one() {
    let build = |relu| {
        let map = VarMap::new();
        let layer = BatchNorm::new(24, relu, SeededInit::builder(&map, 3, &Device::Cpu)).unwrap();
        (map, layer)
    };
    let ((fused_map, fused), (plain_map, plain)) = (build(true), build(false));
    let input = Var::from_tensor(&noise(1, &[3, 4, 5, 24])).unwrap();
    let weights = noise(2, input.dims());
    let got = fused.forward(&input, true).unwrap();
    let expected = plain.forward(&input, true).unwrap().relu().unwrap();
    assert!(largest_difference(&expected, &got) < 1e-6);
    let gradient = |output: Tensor| (output * &weights).unwrap().sum_all().unwrap().backward().unwrap();
    let (got, expected) = (gradient(got), gradient(expected));
    assert!(largest_difference(expected.get(&input).unwrap(), got.get(&input).unwrap()) < 1e-5);
    for name in ["weight", "bias"] {
        let (got, expected) = (got.get(&variables(&fused_map)[name]), expected.get(&variables(&plain_map)[name]));
        assert!(largest_difference(expected.unwrap(), got.unwrap()) < 1e-4, "{name}");
    }
}

#[test]
fn convolutions_chain_and_bad_shapes_are_errors() {
    let map = VarMap::new();
    let vb = SeededInit::builder(&map, 3, &Device::Cpu);
    let config = Conv2dConfig { inputs: 3, outputs: 8, kernel: 3, stride: 2, pad: 1 };
    let first = Conv2d::new(config, vb.pp("first")).unwrap();
    let norm = BatchNorm::new(8, true, vb.pp("norm")).unwrap();
    let second = Conv2d::new(Conv2dConfig { inputs: 8, ..config }, vb.pp("second")).unwrap();
    let images = noise(1, &[2, 16, 16, 3]);
    let output = second.forward(&norm.forward(&first.forward(&images).unwrap(), true).unwrap()).unwrap();
    assert_eq!(output.dims(), [2, 4, 4, 8]);
    let gradients = output.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    for (name, var) in variables(&map) {
        assert_eq!(gradients.get(&var).is_some(), likeness_nets::is_trainable(&name), "{name}");
    }
    assert!(first.forward(&noise(1, &[2, 16, 16, 4])).is_err());
    assert!(first.forward(&noise(1, &[2, 16, 3])).is_err());
    assert!(norm.forward(&images, true).is_err());
    assert!(Conv2d::new(Conv2dConfig { stride: 0, ..config }, vb.pp("third")).is_err());
    let valid = Conv2d::new(Conv2dConfig { pad: 0, ..config }, vb.pp("fourth")).unwrap();
    assert!(valid.forward(&noise(1, &[1, 2, 9, 3])).is_err());
}
