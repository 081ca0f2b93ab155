//! The trunk against the same network made of candle's own operations.

use std::collections::BTreeMap;

use crate::common::{all_values, largest, largest_difference, noise, variables};
use candle_core::{Device, Tensor, Var};
use candle_nn::VarMap;
use likeness_nets::{AdamW, AdamWConfig, ResidualTrunk, SeededInit, is_trainable};

fn normalise(x: &Tensor, vars: &BTreeMap<String, Var>, name: &str, train: bool) -> Tensor {
    let channel = |name: String| vars[&name].as_tensor().reshape((1, (), 1, 1)).unwrap();
    let (mean, variance) = if train {
        let mean = x.mean_keepdim(3).unwrap().mean_keepdim(2).unwrap().mean_keepdim(0).unwrap();
        let square = x.broadcast_sub(&mean).unwrap().sqr().unwrap();
        let variance = square.mean_keepdim(3).unwrap().mean_keepdim(2).unwrap().mean_keepdim(0).unwrap();
        (mean, variance)
    } else {
        (channel(format!("{name}.running_mean")), channel(format!("{name}.running_variance")))
    };
    let unit = x.broadcast_sub(&mean).unwrap().broadcast_div(&(variance + 1e-5).unwrap().sqrt().unwrap()).unwrap();
    let scaled = unit.broadcast_mul(&channel(format!("{name}.weight"))).unwrap();
    scaled.broadcast_add(&channel(format!("{name}.bias"))).unwrap()
}

fn plain(images: &Tensor, vars: &BTreeMap<String, Var>, train: bool) -> Tensor {
    let mut x = images.clone();
    for module in 0..4 {
        let conv = |x: &Tensor, layer: &str, pad: usize, stride: usize| {
            let weight = vars[&format!("module{module}.{layer}.weight")].as_tensor();
            x.conv2d(weight, pad, stride, 1, 1).unwrap()
        };
        let norm = |x: &Tensor, layer: &str| normalise(x, vars, &format!("module{module}.{layer}"), train);
        let inner = norm(&conv(&x, "conv1", 1, 2), "norm1").relu().unwrap();
        let inner = norm(&conv(&inner, "conv2", 1, 1), "norm2");
        let shortcut = norm(&conv(&x, "shortcut", 0, 2), "norm_shortcut");
        x = (inner + shortcut).unwrap().relu().unwrap();
    }
    x.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap().flatten_from(1).unwrap()
}

fn build(size: usize, widths: [usize; 4]) -> (VarMap, ResidualTrunk) {
    let map = VarMap::new();
    let trunk = ResidualTrunk::new(size, widths, SeededInit::builder(&map, 7, &Device::Cpu)).unwrap();
    // Scales and shifts away from 1 and 0, so that mistakes show.
    for (index, (name, var)) in variables(&map).iter().enumerate() {
        if var.rank() == 1 {
            let change = (noise(index as u64, var.dims()) * 0.3).unwrap();
            let change = if name.ends_with("variance") { change.abs().unwrap() } else { change };
            var.set(&(var.as_tensor() + change).unwrap()).unwrap();
        }
    }
    (map, trunk)
}

#[test]
fn forward_and_gradients_match_plain_operations() {
    for (size, widths, batch) in [(32, [24, 48, 20, 128], 3), (33, [5, 16, 17, 7], 2), (48, [3, 64, 96, 33], 9)] {
        for train in [true, false] {
            let (map, trunk) = build(size, widths);
            let vars = variables(&map);
            let images = noise(1, &[batch, 3, size, size]);
            let expected = plain(&images, &vars, train);
            let got = trunk.forward(&images, train).unwrap();
            let difference = largest_difference(&expected, &got);
            assert!(
                difference < 2e-4 * largest(&expected),
                "size {size}, train {train}: features differ by {difference}"
            );

            let weights = noise(2, expected.dims());
            let loss = |features: &Tensor| (features * &weights).unwrap().sum_all().unwrap();
            let expected = loss(&expected).backward().unwrap();
            let got = loss(&got).backward().unwrap();
            for (name, var) in vars.iter().filter(|(name, _)| is_trainable(name)) {
                let expected = expected.get(var).unwrap();
                let got = got.get(var).unwrap_or_else(|| panic!("{name} has no gradient"));
                let difference = largest_difference(expected, got);
                let scale = largest(expected).max(1e-2);
                assert!(difference < 2e-3 * scale, "size {size}, train {train}, {name}: {difference} of {scale}");
            }
        }
    }
}

#[test]
fn candle_operations_do_what_the_kernels_do() {
    for train in [true, false] {
        let results = [false, true].map(|candle| {
            let (map, trunk) = build(32, [5, 16, 17, 7]);
            let trunk = if candle { trunk.with_candle_operations() } else { trunk };
            let features = trunk.forward(&noise(1, &[3, 3, 32, 32]), train).unwrap();
            let weights = noise(2, features.dims());
            let gradients = (&features * weights).unwrap().sum_all().unwrap().backward().unwrap();
            (variables(&map), features, gradients)
        });
        let [(vars, features, gradients), (plain_vars, plain_features, plain_gradients)] = results;
        assert!(largest_difference(&features, &plain_features) < 2e-4 * largest(&features), "train {train}");
        for (name, var) in &vars {
            if is_trainable(name) {
                let (got, expected) = (gradients.get(var).unwrap(), plain_gradients.get(&plain_vars[name]).unwrap());
                let difference = largest_difference(got, expected);
                assert!(difference < 2e-3 * largest(expected).max(1e-2), "train {train}, {name}: {difference}");
            } else {
                let difference = largest_difference(var, &plain_vars[name]);
                assert!(difference < 1e-4 * largest(var).max(1.0), "train {train}, {name}: {difference}");
            }
        }
        let (_, trunk) = build(32, [5, 16, 17, 7]);
        assert!(trunk.with_candle_operations().forward(&noise(1, &[3, 3, 30, 32]), train).is_err());
    }
}

#[test]
fn running_statistics_follow_the_batches() {
    let (map, trunk) = build(32, [8, 8, 8, 8]);
    let images = noise(3, &[4, 3, 32, 32]);
    for _ in 0..200 {
        trunk.forward(&images, true).unwrap();
    }
    // With the statistics settled on this batch, both modes agree up to the unbiased variance's factor.
    let train = trunk.forward(&images, true).unwrap();
    let eval = trunk.forward(&images, false).unwrap();
    let difference = largest_difference(&train, &eval);
    assert!(difference < 0.2 * largest(&train), "{difference}");
    assert!(largest(variables(&map)["module3.norm2.running_mean"].as_tensor()) > 1e-3);
}

#[test]
fn two_forward_passes_keep_their_own_activations() {
    let (map, trunk) = build(32, [8, 8, 8, 8]);
    let (a, b) = (noise(4, &[2, 3, 32, 32]), noise(5, &[3, 3, 32, 32]));
    let alone = trunk.forward(&a, true).unwrap().sqr().unwrap().sum_all().unwrap().backward().unwrap();
    let first = trunk.forward(&a, true).unwrap();
    let second = trunk.forward(&b, true).unwrap();
    let with_other = (first.sqr().unwrap().sum_all().unwrap() + (second.sum_all().unwrap() * 0.0).unwrap())
        .unwrap()
        .backward()
        .unwrap();
    let vars = variables(&map);
    let var = &vars["module0.conv1.weight"];
    assert!(largest_difference(alone.get(var).unwrap(), with_other.get(var).unwrap()) == 0.0);
}

#[test]
fn training_repeats_exactly() {
    let run = || {
        let (map, trunk) = build(32, [8, 16, 24, 8]);
        let mut optimiser = AdamW::new(&map, AdamWConfig::default()).unwrap();
        for step in 0..5 {
            let features = trunk.forward(&noise(step, &[20, 3, 32, 32]), true).unwrap();
            let gradients = features.sqr().unwrap().mean_all().unwrap().backward().unwrap();
            assert!(optimiser.missing(&gradients).is_empty());
            optimiser.step(&gradients).unwrap();
        }
        all_values(&map)
    };
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let three_threads = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let first = run();
    assert!(first.iter().all(|value| value.is_finite()));
    assert!(first == run(), "two runs differ");
    assert!(first == one_thread.install(run), "one thread differs");
    assert!(first == three_threads.install(run), "three threads differ");
}

#[test]
fn bad_shapes_are_errors() {
    let (_, trunk) = build(32, [8, 8, 8, 8]);
    assert!(trunk.forward(&noise(1, &[1, 3, 31, 32]), false).is_err());
    assert!(trunk.forward(&noise(1, &[1, 1, 32, 32]), false).is_err());
    assert!(trunk.forward(&noise(1, &[3, 32, 32]), false).is_err());
    let map = VarMap::new();
    assert!(ResidualTrunk::new(0, [8; 4], SeededInit::builder(&map, 1, &Device::Cpu)).is_err());
    assert!(ResidualTrunk::new(32, [8, 0, 8, 8], SeededInit::builder(&map, 1, &Device::Cpu)).is_err());
}
