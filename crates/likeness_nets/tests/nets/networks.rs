//! The networks, their losses and the optimiser together.

use crate::common::{all_values, largest, largest_difference, noise, variables};
use candle_core::{Device, Tensor, Var};
use candle_nn::{VarBuilder, VarMap};
use likeness_nets::{
    AdamW, AdamWConfig, AppearanceConfig, AppearanceNet, AppearanceOutput, BonePointConfig, BonePointNet, DomainNet,
    Error, LANDMARKS, LandmarkConfig, LandmarkNet, OptionHead, PriorStart, SeededInit, backward, bce_with_logits,
    crop_tensor, cross_entropy, decoded, encoded, partial_label_loss, reverse_gradient, softmax,
    weighted_squared_error,
};

const PARAMETERS: usize = 11;
const RANK: usize = 5;

fn small() -> BonePointConfig {
    BonePointConfig { input: 32, widths: [8, 8, 16, 16], hidden: [32, 24], ..BonePointConfig::new(PARAMETERS) }
}

fn builder(map: &VarMap) -> VarBuilder<'static> {
    SeededInit::builder(map, 5, &Device::Cpu)
}

fn prior() -> (Vec<f32>, Vec<f32>) {
    let mean = (0..PARAMETERS).map(|index| 0.3 + 0.03 * index as f32).collect();
    let factor = (noise(6, &[PARAMETERS * RANK]) * 0.1).unwrap().to_vec1().unwrap();
    (mean, factor)
}

/// One step of domain-adversarial training, as the trainer does it.
fn step(map: &VarMap, net: &BonePointNet, domain: &DomainNet, optimiser: &mut AdamW, seed: u64) -> (f32, Vec<String>) {
    let images = noise(seed, &[6, 3, 32, 32]);
    let output = net.forward(&images, true).unwrap();
    let target = Tensor::full(0.25f32, (6, PARAMETERS), &Device::Cpu).unwrap();
    let weights = Tensor::ones(PARAMETERS, candle_core::DType::F32, &Device::Cpu).unwrap();
    let second = weighted_squared_error(&output.parameters, &target, &weights).unwrap();
    let logits = domain.forward(&reverse_gradient(&output.features, 0.3).unwrap()).unwrap();
    let labels = Tensor::from_slice(&[0f32, 0.0, 0.0, 1.0, 1.0, 1.0], 6, &Device::Cpu).unwrap();
    let first = bce_with_logits(&logits, &labels).unwrap();
    let side = (output.pose.sqr().unwrap().mean_all().unwrap() + output.expression.mean_all().unwrap()).unwrap();
    let loss = ((&second + first).unwrap() + side).unwrap();
    let gradients = loss.backward().unwrap();
    let missing = optimiser.missing(&gradients);
    optimiser.step(&gradients).unwrap();
    assert!(all_values(map).iter().all(|value| value.is_finite()));
    (second.to_scalar().unwrap(), missing)
}

fn build(map: &VarMap) -> (BonePointNet, DomainNet, AdamW) {
    let (mean, factor) = prior();
    let prior = PriorStart { mean: &mean, factor: &factor, rank: RANK };
    let net = BonePointNet::new(&small(), builder(map).pp("bone_point"), Some(prior)).unwrap();
    let domain = DomainNet::new(32, builder(map).pp("domain")).unwrap();
    let optimiser = AdamW::new(map, AdamWConfig { learning_rate: 3e-3, ..AdamWConfig::default() }).unwrap();
    (net, domain, optimiser)
}

#[test]
fn training_reaches_every_variable_and_lowers_the_loss() {
    let map = VarMap::new();
    let (net, domain, mut optimiser) = build(&map);
    let (first, missing) = step(&map, &net, &domain, &mut optimiser, 0);
    assert!(missing.is_empty(), "{missing:?}");
    let mut last = first;
    for seed in 1..40 {
        last = step(&map, &net, &domain, &mut optimiser, seed).0;
    }
    assert!(last < 0.5 * first, "{first} became {last}");
}

#[test]
fn training_by_kernels_follows_the_curve_of_candle_s_operations() {
    let curve = |candle: bool| -> Vec<f32> {
        let map = VarMap::new();
        let (mut net, mut domain, mut optimiser) = build(&map);
        if candle {
            (net, domain) = (net.with_candle_operations(), domain.with_candle_operations());
        }
        (0..40).map(|seed| step(&map, &net, &domain, &mut optimiser, seed).0).collect()
    };
    let (kernels, candle) = (curve(false), curve(true));
    assert!(candle[39] < 0.5 * candle[0], "{candle:?}");
    // Rounding differs, and grows from step to step.
    for (step, (ours, plain)) in kernels.iter().zip(&candle).enumerate() {
        assert!((ours - plain).abs() < 0.01 * plain.max(0.1 * candle[0]), "step {step}: {ours} and {plain}");
    }
}

#[test]
fn a_resumed_run_is_the_same_run() {
    let map = VarMap::new();
    let (net, domain, mut optimiser) = build(&map);
    for seed in 0..3 {
        step(&map, &net, &domain, &mut optimiser, seed);
    }
    let (resumed_map, state) = (VarMap::new(), optimiser.state().unwrap());
    let (resumed_net, resumed_domain, mut resumed_optimiser) = build(&resumed_map);
    for (name, var) in variables(&resumed_map) {
        var.set(&variables(&map)[&name].copy().unwrap()).unwrap();
    }
    resumed_optimiser.load_state(&state).unwrap();
    for seed in 3..6 {
        step(&map, &net, &domain, &mut optimiser, seed);
        step(&resumed_map, &resumed_net, &resumed_domain, &mut resumed_optimiser, seed);
    }
    assert!(all_values(&map) == all_values(&resumed_map));

    let mut broken = state.clone();
    broken.remove("first.bone_point.fc1.weight").unwrap();
    let error = optimiser.load_state(&broken).unwrap_err().to_string();
    assert!(error.contains("first.bone_point.fc1.weight"), "{error}");
    broken.insert("first.bone_point.fc1.weight".into(), noise(1, &[3]));
    assert!(matches!(optimiser.load_state(&broken), Err(Error::State { .. })));
}

#[test]
fn phases_adjust_only_the_chosen_networks() {
    let map = VarMap::new();
    let (net, domain, mut optimiser) = build(&map);
    optimiser.adjust_only(&["domain", "bone_point.fc3"]).unwrap();
    let before: Vec<(String, Vec<f32>)> =
        variables(&map).into_iter().map(|(name, var)| (name, var.flatten_all().unwrap().to_vec1().unwrap())).collect();
    step(&map, &net, &domain, &mut optimiser, 0);
    let after = variables(&map);
    for (name, before) in before.iter().filter(|(name, _)| likeness_nets::is_trainable(name)) {
        let chosen = name.starts_with("domain.") || name.starts_with("bone_point.fc3.");
        let changed = after[name].flatten_all().unwrap().to_vec1::<f32>().unwrap() != *before;
        assert_eq!(chosen, changed, "{name}");
    }
    assert!(optimiser.adjust_only(&["bone"]).is_err(), "prefixes are whole parts of names");
}

#[test]
fn untrained_answers_lie_around_the_prior() {
    let map = VarMap::new();
    let (net, ..) = build(&map);
    let (mean, factor) = prior();
    let output = net.forward(&noise(1, &[8, 3, 32, 32]), true).unwrap();
    for row in output.parameters.to_vec2::<f32>().unwrap() {
        for (index, (value, mean)) in row.iter().zip(&mean).enumerate() {
            let factor = &factor[index * RANK..][..RANK];
            let deviation = factor.iter().map(|value| value * value).sum::<f32>().sqrt();
            assert!(
                (value - mean).abs() < 2.0 * deviation,
                "parameter {index}: {value}, mean {mean}, deviation {deviation}"
            );
        }
    }
    for expression in output.expression.flatten_all().unwrap().to_vec1::<f32>().unwrap() {
        assert!((0.0..0.5).contains(&expression));
    }
    assert_eq!(output.pose.dims(), [8, 3]);
}

#[test]
fn parameters_are_clamped_in_use_only() {
    let map = VarMap::new();
    let (net, ..) = build(&map);
    variables(&map)["bone_point.fc3.bias"].set(&Tensor::full(1.5f32, PARAMETERS, &Device::Cpu).unwrap()).unwrap();
    let images = noise(1, &[2, 3, 32, 32]);
    assert!(largest(&net.forward(&images, true).unwrap().parameters) > 1.0);
    assert!(largest(&net.forward(&images, false).unwrap().parameters) <= 1.0);
}

#[test]
fn folded_networks_answer_the_same() {
    let map = VarMap::new();
    let (net, domain, mut optimiser) = build(&map);
    for seed in 0..8 {
        step(&map, &net, &domain, &mut optimiser, seed);
    }
    let folded = net.fold().unwrap();
    for batch in [1, 5] {
        let images = noise(20, &[batch, 3, 32, 32]);
        let expected = net.forward(&images, false).unwrap();
        // Twice, so that reused buffers are seen too.
        for got in [folded.forward(&images).unwrap(), folded.forward(&images).unwrap()] {
            for (expected, got) in [
                (&expected.features, &got.features),
                (&expected.parameters, &got.parameters),
                (&expected.expression, &got.expression),
                (&expected.pose, &got.pose),
            ] {
                let difference = largest_difference(expected, got);
                assert!(difference < 1e-4 * largest(expected).max(0.1), "batch {batch}: {difference}");
            }
        }
    }
    assert!(folded.forward(&noise(1, &[1, 3, 32, 31])).is_err());
    assert!(folded.forward(&noise(1, &[3, 32, 32])).is_err());
}

#[test]
fn landmarks_start_at_the_mean_shape_and_fold() {
    let map = VarMap::new();
    let mut shape = [[0.0; 2]; LANDMARKS];
    for (index, point) in shape.iter_mut().enumerate() {
        *point = [0.2 + 0.008 * index as f32, 0.9 - 0.008 * index as f32];
    }
    let config = LandmarkConfig { input: 32, widths: [8, 8, 16, 16], hidden: 32 };
    let net = LandmarkNet::new(&config, builder(&map), Some(&shape)).unwrap();
    let images = noise(1, &[3, 3, 32, 32]);
    let points = net.forward(&images, false).unwrap();
    assert_eq!(points.dims(), [3, LANDMARKS, 2]);
    let got = net.fold().unwrap().forward(&images).unwrap();
    for (points, got) in points.to_vec3::<f32>().unwrap().iter().zip(&got) {
        for ((point, got), mean) in points.iter().zip(got).zip(&shape) {
            for axis in 0..2 {
                assert!((point[axis] - got[axis]).abs() < 1e-4);
                assert!((point[axis] - mean[axis]).abs() < 0.2);
            }
        }
    }
    let gradients = net.forward(&images, true).unwrap().sqr().unwrap().sum_all().unwrap().backward().unwrap();
    assert!(AdamW::new(&map, AdamWConfig::default()).unwrap().missing(&gradients).is_empty());
}

#[test]
fn first_values_depend_on_seed_and_name_only() {
    let values = |seed: u64, swap: bool| {
        let map = VarMap::new();
        let vb = SeededInit::builder(&map, seed, &Device::Cpu);
        let names = if swap { ["b", "a"] } else { ["a", "b"] };
        for name in names {
            DomainNet::new(32, vb.pp(name)).unwrap();
        }
        all_values(&map)
    };
    assert!(values(1, false) == values(1, true));
    assert!(values(1, false) != values(2, false));
    let map = VarMap::new();
    DomainNet::new(512, builder(&map)).unwrap();
    let weight = variables(&map)["fc1.weight"].flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let mean = weight.iter().sum::<f32>() / weight.len() as f32;
    let variance = weight.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / weight.len() as f32;
    assert!(mean.abs() < 1e-3, "{mean}");
    assert!((variance * 512.0 / 2.0 - 1.0).abs() < 0.02, "He initialisation: {variance}");
}

#[test]
fn reversed_gradients_keep_values() {
    let x = Var::from_tensor(&noise(1, &[4])).unwrap();
    let y = reverse_gradient(&x, 0.7).unwrap();
    assert!(largest_difference(&x, &y) < 1e-6);
    let weights = noise(2, &[4]);
    let gradients = (y * &weights).unwrap().sum_all().unwrap().backward().unwrap();
    assert!(largest_difference(gradients.get(&x).unwrap(), &(weights * -0.7).unwrap()) < 1e-6);
}

#[test]
fn cross_entropy_is_right_and_stays_finite() {
    let loss = |logit: f32, target: f32| {
        let x = Var::new(&[logit], &Device::Cpu).unwrap();
        let t = Tensor::new(&[target], &Device::Cpu).unwrap();
        let loss = bce_with_logits(&x, &t).unwrap();
        let gradient = loss.backward().unwrap().get(&x).unwrap().to_vec1::<f32>().unwrap()[0];
        (loss.to_scalar::<f32>().unwrap(), gradient)
    };
    for (logit, target) in [(0.0, 1.0), (0.0, 0.0), (1.5, 0.0), (-2.5, 1.0), (3.0, 0.3)] {
        let probability = 1.0 / (1.0 + f64::exp(-f64::from(logit)));
        let t = f64::from(target);
        let expected = -(t * probability.ln() + (1.0 - t) * (1.0 - probability).ln());
        let (loss, gradient) = loss(logit, target);
        assert!((f64::from(loss) - expected).abs() < 1e-5, "{logit} {target}: {loss} {expected}");
        assert!((f64::from(gradient) - (probability - t)).abs() < 1e-5, "{logit} {target}: {gradient}");
    }
    assert_eq!(loss(200.0, 0.0), (200.0, 1.0));
    assert_eq!(loss(-200.0, 1.0), (200.0, -1.0));
    assert_eq!(loss(200.0, 1.0).0, 0.0);
}

#[test]
fn candle_operations_answer_the_same() {
    let build = |map: &VarMap| {
        let vb = builder(map);
        let net = BonePointNet::new(&small(), vb.pp("bone_point"), None).unwrap();
        (net, DomainNet::new(small().hidden[0], vb.pp("domain")).unwrap())
    };
    let map = VarMap::new();
    let (net, domain) = build(&map);
    let (plain, plain_domain) = build(&map);
    let (plain, plain_domain) = (plain.with_candle_operations(), plain_domain.with_candle_operations());
    let size = small().input;
    let images = noise(3, &[2, 3, size, size]);
    let (got, expected) = (net.forward(&images, false).unwrap(), plain.forward(&images, false).unwrap());
    for (got, expected) in [
        (&got.features, &expected.features),
        (&got.parameters, &expected.parameters),
        (&got.expression, &expected.expression),
        (&got.pose, &expected.pose),
    ] {
        assert!(largest_difference(got, expected) < 1e-4 * largest(expected).max(1.0));
    }
    let (got, expected) = (domain.forward(&got.features).unwrap(), plain_domain.forward(&got.features).unwrap());
    assert!(largest_difference(&got, &expected) < 1e-4 * largest(&expected).max(1.0));
}

#[test]
fn the_optimiser_follows_the_formula() {
    let map = VarMap::new();
    let vb = builder(&map);
    let matrix = vb.get_with_hints((1, 2), "matrix", candle_nn::Init::Const(1.0)).unwrap();
    let vector = vb.get_with_hints(1, "vector", candle_nn::Init::Const(1.0)).unwrap();
    let config = AdamWConfig { learning_rate: 0.1, weight_decay: 0.5, clip_norm: Some(1.0), ..AdamWConfig::default() };
    let mut optimiser = AdamW::new(&map, config).unwrap();
    // The gradient is (3, 0) and 4: norm 5.
    let scale = Tensor::new(&[[3f32, 0.0]], &Device::Cpu).unwrap();
    let loss = ((&matrix * scale).unwrap().sum_all().unwrap() + (&vector * 4.0).unwrap().sum_all().unwrap()).unwrap();
    let report = optimiser.step(&loss.backward().unwrap()).unwrap();
    assert!((report.gradient_norm - 5.0).abs() < 1e-6);
    assert_eq!(report.variables, 2);
    // The first Adam step has length one, whatever the gradient's size; only the matrix decays.
    let matrix = matrix.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!((matrix[0] - (0.95 - 0.1)).abs() < 1e-6, "{matrix:?}");
    assert!((vector.to_vec1::<f32>().unwrap()[0] - 0.9).abs() < 1e-6);

    let nan = (vector.clone() * f64::NAN).unwrap().sum_all().unwrap();
    let error = optimiser.step(&nan.backward().unwrap()).unwrap_err();
    assert!(matches!(&error, Error::Gradient { name } if name == "vector"), "{error}");
    assert!((vector.to_vec1::<f32>().unwrap()[0] - 0.9).abs() < 1e-6);
    assert!(AdamW::new(&VarMap::new(), config).is_err());
    assert!(AdamW::new(&map, AdamWConfig { beta1: 1.0, ..config }).is_err());
}

#[test]
fn crops_become_tensors() {
    let crop: Vec<u8> = (0..12).map(|value| value * 20).collect();
    let tensor = crop_tensor(&[&crop, &crop], 2).unwrap();
    assert_eq!(tensor.dims(), [2, 3, 2, 2]);
    let green = tensor.get(1).unwrap().get(1).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (value, byte) in green.iter().zip([20.0, 80.0, 140.0, 200.0]) {
        assert!((value - (byte / 127.5 - 1.0)).abs() < 1e-6);
    }
    assert!(crop_tensor(&[&crop[1..]], 2).is_err());
}

#[test]
fn impossible_sizes_are_errors() {
    let map = VarMap::new();
    let config = BonePointConfig { hidden: [0, 8], ..small() };
    assert!(matches!(BonePointNet::new(&config, builder(&map), None), Err(Error::Config { .. })));
    let (mean, factor) = prior();
    let prior = PriorStart { mean: &mean[1..], factor: &factor, rank: RANK };
    assert!(matches!(
        BonePointNet::new(&small(), builder(&map), Some(prior)),
        Err(Error::Config { field: "prior", .. })
    ));
}

fn appearance() -> AppearanceConfig {
    let head = |name: &str, choices: &[&str]| OptionHead {
        name: name.into(),
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
    };
    AppearanceConfig {
        input: 32,
        widths: [4, 4, 8, 8],
        hidden: 8,
        options: vec![head("hair", &["short", "long", "none"]), head("beard", &["none", "full"])],
        colors: vec!["skin".into(), "hair".into()],
        details: vec!["age".into()],
    }
}

#[test]
fn appearance_networks_answer_the_same_folded_and_get_every_gradient() {
    let map = VarMap::new();
    let net = AppearanceNet::new(&appearance(), builder(&map)).unwrap();
    let images = noise(3, &[5, 3, 32, 32]);
    let output = net.forward(&images, true).unwrap();
    assert_eq!((output.logits.dims(), output.colors.dims()), ([5, 5].as_slice(), [5, 6].as_slice()));
    let targets = Tensor::new(
        &[[0.9f32, 0.05, 0.05], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
        &Device::Cpu,
    );
    let first = cross_entropy(&output.logits.narrow(1, 0, 3).unwrap(), &targets.unwrap()).unwrap();
    let second = output.colors.sqr().unwrap().mean_all().unwrap();
    let third = output.details.unwrap().sqr().unwrap().mean_all().unwrap();
    let gradients = backward(&((first + second).unwrap() + third).unwrap()).unwrap();
    let optimiser = AdamW::new(&map, AdamWConfig::default()).unwrap();
    assert!(optimiser.missing(&gradients).is_empty(), "{:?}", optimiser.missing(&gradients));
    let plain = net.forward(&images, false).unwrap();
    let folded = net.fold().unwrap().forward(&images).unwrap();
    for (a, b) in [
        (&plain.logits, &folded.logits),
        (&plain.colors, &folded.colors),
        (plain.details.as_ref().unwrap(), folded.details.as_ref().unwrap()),
        (&plain.features, &folded.features),
    ] {
        assert!(largest_difference(a, b) < 1e-4 * (1.0 + largest(a)));
    }
    let none = AppearanceConfig { options: vec![], ..appearance() };
    assert!(AppearanceNet::new(&none, builder(&VarMap::new())).is_err());
    // A rig without details has no such answers.
    let bare = AppearanceConfig { details: vec![], ..appearance() };
    let bare = AppearanceNet::new(&bare, builder(&VarMap::new())).unwrap();
    assert!(bare.forward(&images, false).unwrap().details.is_none());
    assert!(bare.fold().unwrap().forward(&images).unwrap().details.is_none());
}

#[test]
fn a_mirrored_crop_has_the_same_looks() {
    let net = AppearanceNet::new(&appearance(), builder(&VarMap::new())).unwrap();
    let images = noise(4, &[3, 3, 32, 32]);
    let backwards = Tensor::from_iter((0..32u32).rev(), &Device::Cpu).unwrap();
    let mirrored = images.index_select(&backwards, 3).unwrap();
    let answers =
        |output: &AppearanceOutput| [output.logits.clone(), output.colors.clone(), output.details.clone().unwrap()];
    let (plain, both) = (net.forward(&images, false).unwrap(), net.forward_mirrored(&images).unwrap());
    let turned = net.forward_mirrored(&mirrored).unwrap();
    let folded = net.fold().unwrap().forward_mirrored(&images).unwrap();
    for (index, both) in answers(&both).iter().enumerate() {
        assert!(largest_difference(both, &answers(&turned)[index]) < 1e-5, "{index}");
        assert!(largest_difference(both, &answers(&folded)[index]) < 1e-4 * (1.0 + largest(both)), "{index}");
        assert!(largest_difference(both, &answers(&plain)[index]) > 1e-4, "the mirror image tells nothing: {index}");
    }
    assert!(largest_difference(&both.features, &plain.features) < 1e-5, "features are the images' own");
}

#[test]
fn softmax_cross_entropy_is_right_and_its_gradient_too() {
    let logits = Var::new(&[[1.0f32, -2.0, 0.5], [300.0, 0.0, -300.0]], &Device::Cpu).unwrap();
    let targets = Tensor::new(&[[0.7f32, 0.1, 0.2], [1.0, 0.0, 0.0]], &Device::Cpu).unwrap();
    let loss = cross_entropy(logits.as_tensor(), &targets).unwrap();
    let chances = softmax(&[1.0, -2.0, 0.5]);
    let wanted: f32 = [0.7, 0.1, 0.2].iter().zip(&chances).map(|(t, p): (&f32, &f32)| -t * p.ln()).sum::<f32>() / 2.0;
    assert!((loss.to_scalar::<f32>().unwrap() - wanted).abs() < 1e-5);
    let gradients = loss.backward().unwrap();
    let gradient = gradients.get(logits.as_tensor()).unwrap().to_vec2::<f32>().unwrap();
    for ((gradient, chance), target) in gradient[0].iter().zip(&chances).zip([0.7, 0.1, 0.2]) {
        assert!((gradient - (chance - target) / 2.0).abs() < 1e-5, "{gradient} {chance} {target}");
    }
    assert!(gradient[1].iter().all(|value| value.abs() < 1e-5));
    assert!((decoded(encoded(0.2)) - 0.2).abs() < 1e-6);
}

#[test]
fn candidates_share_their_chance_and_the_gradient_is_right() {
    let values = [[1.0f32, -2.0, 0.5], [300.0, 0.0, -300.0], [0.3, 0.1, -0.2]];
    let logits = Var::new(&values, &Device::Cpu).unwrap();
    // Two candidates, one that is taken for impossible, and a row of which nothing is known.
    let candidates = Tensor::new(&[[1.0f32, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]], &Device::Cpu).unwrap();
    let loss = partial_label_loss(logits.as_tensor(), &candidates).unwrap();
    let chances = softmax(&values[0]);
    let doubt = 1e-3f32;
    let together = (1.0 - doubt) * (chances[0] + chances[1]) + doubt;
    let wanted = -(together.ln() + doubt.ln()) / 3.0;
    assert!((loss.to_scalar::<f32>().unwrap() - wanted).abs() < 1e-4, "{loss} {wanted}");
    let gradients = loss.backward().unwrap();
    let gradient = gradients.get(logits.as_tensor()).unwrap().to_vec2::<f32>().unwrap();
    let at = |row: usize, column: usize, step: f32| {
        let mut moved = values;
        moved[row][column] += step;
        let moved = Tensor::new(&moved, &Device::Cpu).unwrap();
        partial_label_loss(&moved, &candidates).unwrap().to_scalar::<f32>().unwrap()
    };
    for (row, gradient) in gradient.iter().enumerate() {
        for (column, gradient) in gradient.iter().enumerate() {
            let slope = (at(row, column, 0.01) - at(row, column, -0.01)) / 0.02;
            assert!((gradient - slope).abs() < 2e-4, "{row} {column}: {gradient} {slope}");
        }
    }
    assert!(gradient[2].iter().all(|value| value.abs() < 1e-6), "nothing is known and something is learned");
}

#[test]
fn a_mirrored_crop_gets_the_mirrored_answer() {
    let map = VarMap::new();
    let config = BonePointConfig { expression: 52, pose: 3, ..small() };
    let net = BonePointNet::new(&config, builder(&map), None).unwrap();
    let images = noise(4, &[3, 3, config.input, config.input]);
    let backwards = Tensor::from_iter((0..config.input as u32).rev(), &Device::Cpu).unwrap();
    let mirrored = images.index_select(&backwards, 3).unwrap();
    let signs: Vec<f32> = (0..PARAMETERS).map(|i| if i % 3 == 0 { -1.0 } else { 1.0 }).collect();
    let both = |images| net.forward_mirrored(images, &signs).unwrap();
    let (a, b) = (both(&images), both(&mirrored));
    let (values, others) = (a.parameters.to_vec2::<f32>().unwrap(), b.parameters.to_vec2::<f32>().unwrap());
    for (value, (other, sign)) in values.iter().flatten().zip(others.iter().flatten().zip(signs.iter().cycle())) {
        assert!((value - 0.5 - sign * (other - 0.5)).abs() < 1e-5, "{value} {other} {sign}");
    }
    let swap = Tensor::from_iter(likeness_rig::mirrored_arkit().map(|i| i as u32), &Device::Cpu).unwrap();
    assert!(largest_difference(&a.expression.index_select(&swap, 1).unwrap(), &b.expression) < 1e-5);
    let (pose, other) = (a.pose.to_vec2::<f32>().unwrap(), b.pose.to_vec2::<f32>().unwrap());
    for (pose, other) in pose.iter().zip(&other) {
        assert!((pose[0] + other[0]).abs() < 1e-5 && (pose[1] - other[1]).abs() < 1e-5, "{pose:?} {other:?}");
        assert!((pose[2] + other[2]).abs() < 1e-5);
    }
    let folded = net.fold().unwrap().forward_mirrored(&images, &signs).unwrap();
    assert!(largest_difference(&a.parameters, &folded.parameters) < 1e-4);
    let plain = net.forward(&images, false).unwrap();
    assert!(largest_difference(&a.features, &plain.features) < 1e-5);
}
