//! The networks against the same ones made of candle's own operations: `cargo bench -p likeness_nets`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic, and criterion's macros make public items")]

use std::hint::black_box;
use std::time::Duration;

use candle_core::{Device, Tensor};
use candle_nn::{BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Module, ModuleT, VarBuilder, VarMap};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use likeness_nets::kernels::{Conv2d as Layer, Conv2dConfig as LayerConfig};
use likeness_nets::{AdamW, AdamWConfig, BonePointConfig, BonePointNet, ResidualTrunk, SeededInit};

const WIDTHS: [usize; 4] = [24, 48, 96, 128];

/// One residual module of candle's operations: conv1, conv2, shortcut with their normalisations.
struct PlainModule([(Conv2d, BatchNorm); 3]);

/// [`ResidualTrunk`] made of candle's operations.
struct PlainTrunk(Vec<PlainModule>);

impl PlainTrunk {
    fn new(vb: VarBuilder<'_>) -> Self {
        let mut cin = 3;
        let modules = WIDTHS.iter().enumerate().map(|(index, &width)| {
            let vb = vb.pp(format!("module{index}"));
            let layer = |name: &str, cin: usize, kernel: usize, stride: usize| {
                let config = Conv2dConfig { padding: kernel / 2, stride, ..Conv2dConfig::default() };
                let conv = candle_nn::conv2d_no_bias(cin, width, kernel, config, vb.pp(name)).unwrap();
                let norm = candle_nn::batch_norm(width, BatchNormConfig::default(), vb.pp(format!("{name}.norm")));
                (conv, norm.unwrap())
            };
            let module =
                PlainModule([layer("conv1", cin, 3, 2), layer("conv2", width, 3, 1), layer("shortcut", cin, 1, 2)]);
            cin = width;
            module
        });
        Self(modules.collect())
    }

    fn forward(&self, images: &Tensor, train: bool) -> Tensor {
        let layer =
            |(conv, norm): &(Conv2d, BatchNorm), x: &Tensor| norm.forward_t(&conv.forward(x).unwrap(), train).unwrap();
        let mut x = images.clone();
        for PlainModule([conv1, conv2, shortcut]) in &self.0 {
            let inner = layer(conv2, &layer(conv1, &x).relu().unwrap());
            x = (inner + layer(shortcut, &x)).unwrap().relu().unwrap();
        }
        x.flatten_from(1).unwrap()
    }
}

fn images(batch: usize) -> Tensor {
    let values = (0..batch * 3 * 128 * 128).map(|index| ((index * 7919) % 255) as f32 / 127.5 - 1.0).collect();
    Tensor::from_vec::<_, f32>(values, (batch, 3, 128, 128), &Device::Cpu).unwrap()
}

fn forward(criterion: &mut Criterion) {
    let map = VarMap::new();
    let vb = SeededInit::builder(&map, 1, &Device::Cpu);
    let net = BonePointNet::new(&BonePointConfig::new(220), vb.pp("bone_point"), None).unwrap();
    let folded = net.fold().unwrap();
    let plain = PlainTrunk::new(vb.pp("plain"));
    for batch in [1, 16] {
        let images = images(batch);
        let mut group = criterion.benchmark_group(format!("forward/{batch}"));
        group.bench_function("folded bone-point net", |bencher| {
            bencher.iter(|| folded.forward(black_box(&images)).unwrap());
        });
        group.bench_function("bone-point net", |bencher| {
            bencher.iter(|| net.forward(black_box(&images), false).unwrap());
        });
        group.bench_function("candle's operations (trunk only)", |bencher| {
            bencher.iter(|| plain.forward(black_box(&images), false));
        });
        group.finish();
    }
}

fn training_step(criterion: &mut Criterion) {
    let images = images(16);
    let run = |optimiser: &mut AdamW, features: Tensor| {
        let loss = features.sqr().unwrap().mean_all().unwrap();
        optimiser.step(&loss.backward().unwrap()).unwrap();
    };
    let mut group = criterion.benchmark_group("training step of the trunk/16");
    let map = VarMap::new();
    let trunk = ResidualTrunk::new(128, WIDTHS, SeededInit::builder(&map, 1, &Device::Cpu)).unwrap();
    let mut optimiser = AdamW::new(&map, AdamWConfig::default()).unwrap();
    group.bench_function("fused", |bencher| {
        bencher.iter(|| run(&mut optimiser, trunk.forward(black_box(&images), true).unwrap()));
    });
    let map = VarMap::new();
    let plain = PlainTrunk::new(SeededInit::builder(&map, 1, &Device::Cpu));
    let mut optimiser = AdamW::new(&map, AdamWConfig::default()).unwrap();
    group.bench_function("candle's operations", |bencher| {
        bencher.iter(|| run(&mut optimiser, plain.forward(black_box(&images), true)));
    });
    group.finish();
}

/// The convolutions of the network: inputs, outputs, kernel, stride and the input's side.
const LAYERS: [(usize, usize, usize, usize, usize); 9] = [
    (3, 24, 3, 2, 128),
    (24, 24, 3, 1, 64),
    (24, 48, 3, 2, 64),
    (24, 48, 1, 2, 64),
    (48, 48, 3, 1, 32),
    (48, 96, 3, 2, 32),
    (96, 96, 3, 1, 16),
    (96, 128, 3, 2, 16),
    (128, 128, 3, 1, 8),
];

/// Each layer alone, a batch of 16, with the operations of the plain sum as throughput (elements a second are FLOP a second): a
/// product of matrices first, for scale. Packing the weights is part of the time.
fn layers(criterion: &mut Criterion) {
    const BATCH: usize = 16;
    let mut group = criterion.benchmark_group("layers");
    let side = 1024;
    let matrix = images(22).flatten_all().unwrap().narrow(0, 0, side * side).unwrap().reshape((side, side)).unwrap();
    group.throughput(Throughput::Elements(2 * (side * side * side) as u64));
    group.bench_function("candle's matrix product, 1024", |bencher| bencher.iter(|| matrix.matmul(&matrix).unwrap()));
    for (inputs, outputs, kernel, stride, side) in LAYERS {
        let map = VarMap::new();
        let config = LayerConfig { inputs, outputs, kernel, stride, pad: kernel / 2 };
        let layer = Layer::new(config, SeededInit::builder(&map, 1, &Device::Cpu)).unwrap();
        let values =
            (0..BATCH * side * side * inputs).map(|index| ((index * 7919) % 255) as f32 / 127.5 - 1.0).collect();
        let input = Tensor::from_vec::<_, f32>(values, (BATCH, side, side, inputs), &Device::Cpu).unwrap();
        let out = side.div_ceil(stride);
        let operations = (2 * BATCH * out * out * outputs * inputs * kernel * kernel) as u64;
        let name = format!("{kernel}x{kernel}/{stride}, {inputs} to {outputs}, side {side}");
        group.throughput(Throughput::Elements(operations));
        group.bench_function(name, |bencher| bencher.iter(|| layer.forward(&input).unwrap()));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    targets = forward, training_step, layers
}
criterion_main!(benches);
