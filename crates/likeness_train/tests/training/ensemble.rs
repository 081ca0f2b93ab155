//! Several processes that train one network.

use std::{
    collections::BTreeMap,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use candle_core::{Device, Tensor};
use candle_nn::VarMap;
use likeness_nets::{
    AdamW, AdamWConfig, BonePointConfig, BonePointNet, CHECKPOINT, DomainNet, PriorStart, SeededInit, Weights,
    backward, is_trainable, named_tensors,
};
use likeness_rig::crop::CROP_SIZE;
use likeness_train::{
    appearance_data::AppearanceData,
    appearance_training::{HeldOutAppearance, train_appearance},
    bone_data::{BoneData, Mix, Photo},
    bone_losses::{LossContext, LossWeights},
    domain_loss::DomainMemory,
    ensemble::{Place, Rendezvous},
    landmark_data::{LandmarkData, LandmarkItem, running_sum},
    landmark_training::train_landmarks,
    metrics::read_metrics,
    picture::Picture,
    portraits::{drop_misfits, load_portraits, read_labels},
    schedule::{learning_rate, reversal_strength},
    shape_space::ShapeSpace,
    shards::{ShardWriter, load_renders, shard_path},
    split::split,
};

use crate::{
    appearance_options,
    drawn::{head, photo, render},
    landmark_options, seen,
};

const STEPS: u64 = 4;
const SEED: u64 = 5;
const LEARNING_RATE: f64 = 5e-4;
const WEIGHT_DECAY: f64 = 0.02;

fn jpeg(picture: &Picture) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// Writes what the command trains on: a shard and labelled photos. Answers the label file.
fn write_data(folder: &Path) -> PathBuf {
    let mut shard = ShardWriter::default();
    for index in 0..12 {
        let render = render(index);
        shard.add(&render.label, &jpeg(&render.picture), None).unwrap();
    }
    shard.finish(&shard_path(folder, 0)).unwrap();
    let mut lines = String::new();
    for index in 0..16 {
        let photo = photo(index);
        fs::write(folder.join(&photo.label.file), jpeg(&photo.picture)).unwrap();
        let line = serde_json::json!({
            "file": photo.label.file, "person": photo.label.person, "source": "drawn",
            "box": photo.label.face_box, "landmarks": photo.label.landmarks,
        });
        lines.push_str(&format!("{line}\n"));
    }
    let labels = folder.join("portraits.jsonl");
    fs::write(&labels, lines).unwrap();
    labels
}

/// A process of a bone-point run of two; each has its own folder for what it writes.
fn start(data: &Path, rank: usize, more: &[&str]) -> Child {
    let rig = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron");
    let own = data.join(format!("rank{rank}"));
    Command::new(env!("CARGO_BIN_EXE_likeness-train"))
        .args(["train", "bone-point", "--batch", "8", "--domain-steps", "1", "--pair-share", "1"])
        .args(["--lr", &LEARNING_RATE.to_string(), "--weight-decay", &WEIGHT_DECAY.to_string()])
        .args(["--seed", &SEED.to_string(), "--world", "2", "--rank", &rank.to_string()])
        .arg("--renders")
        .arg(data)
        .arg("--portraits")
        .arg(data.join("portraits.jsonl"))
        .arg("--rig")
        .arg(rig)
        .arg("--rendezvous")
        .arg(data.join("meet"))
        .arg("--run")
        .arg(own.join("run"))
        .arg("--out")
        .arg(own.join("weights.safetensors"))
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn run_both(data: &Path, more: &[&str]) {
    let both: Vec<Child> = (0..2).map(|rank| start(data, rank, more)).collect();
    for process in both {
        let Output { status, stderr, .. } = process.wait_with_output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    }
}

/// What rank 0 wrote last: networks, optimiser, average and memory.
fn checkpoint(data: &Path) -> BTreeMap<String, Vec<f32>> {
    let weights = Weights::load(&data.join("rank0/run/checkpoint.safetensors")).unwrap();
    weights.expect_architecture(CHECKPOINT).unwrap();
    numbers(weights.tensors().clone())
}

fn numbers(tensors: BTreeMap<String, Tensor>) -> BTreeMap<String, Vec<f32>> {
    tensors.into_iter().map(|(name, tensor)| (name, tensor.flatten_all().unwrap().to_vec1().unwrap())).collect()
}

/// The same run by one process, which goes through the batches of both ranks in every step and takes the mean of their gradients.
fn by_one_process(folder: &Path, labels: &Path) -> BTreeMap<String, Vec<f32>> {
    let head = head();
    let renders = load_renders(folder, &head.rig, 100).unwrap();
    let renders = renders.into_iter().filter(|render| !render.label.held_out()).collect();
    let photos = split(drop_misfits(read_labels(labels).unwrap())).train;
    let photos = load_portraits(folder, photos, 72.0).unwrap().into_iter().map(Photo::from).collect();
    let mix = Mix { renders: 4, photos: 4, pairs: 2, balance: 0.5 };
    let data = BoneData::new(&head.rig, renders, photos, mix).unwrap();
    let map = VarMap::new();
    let builder = SeededInit::builder(&map, SEED, &Device::Cpu);
    let config = BonePointConfig::new(head.rig.parameters.len());
    let prior = PriorStart { mean: &head.prior.mean, factor: &head.prior.factor, rank: head.prior.rank };
    let net = BonePointNet::new(&config, builder.pp("bone_point"), Some(prior)).unwrap();
    let domain = DomainNet::new(config.hidden[0], builder.pp("domain")).unwrap();
    let weights = LossWeights::default();
    let space = ShapeSpace::new(&head.rig, &head.mesh, &head.prior).unwrap();
    let context = LossContext::new(Arc::clone(&head.geometry), space, weights).unwrap();
    let settings = AdamWConfig { weight_decay: WEIGHT_DECAY, ..AdamWConfig::default() };
    let mut optimizer = AdamW::new(&map, settings).unwrap();
    let mut memory = DomainMemory::new(config.hidden[0], SEED);
    for step in 0..STEPS {
        let at = step as f64 / STEPS as f64;
        let (mut sums, mut seen, mut last) = (BTreeMap::<String, Tensor>::new(), Vec::new(), None);
        for batch in [2 * step, 2 * step + 1].map(|index| data.batch(SEED, index)) {
            let images = Tensor::from_slice(&batch.images, (8, 3, CROP_SIZE, CROP_SIZE), &Device::Cpu).unwrap();
            let output = net.forward(&images, true).unwrap();
            let losses = context.losses(&output, &domain, &batch, Some(reversal_strength(at))).unwrap();
            let gradients = backward(&losses.total).unwrap();
            for (name, var) in optimizer.adjusted() {
                let part = (gradients.get(var).unwrap() * 0.5).unwrap();
                let sum = sums.remove(name).map_or(part.clone(), |sum| (sum + part).unwrap());
                sums.insert(name.to_owned(), sum);
            }
            seen.push(output.features);
            last = Some(gradients);
        }
        let mut gradients = last.unwrap();
        for (name, var) in optimizer.adjusted() {
            gradients.insert(var, sums.remove(name).unwrap());
        }
        optimizer.set_learning_rate(learning_rate(LEARNING_RATE, at, 0.03));
        optimizer.step(&gradients).unwrap();
        seen.iter().for_each(|features| memory.remember(features, 4).unwrap());
        memory.train(&domain, &mut optimizer, weights.certainty, step, 1).unwrap();
    }
    numbers(named_tensors(&map, ""))
}

#[test]
fn two_processes_reach_the_weights_of_one_that_sees_both_batches() {
    let folder = tempfile::tempdir().unwrap();
    let labels = write_data(folder.path());
    let steps = STEPS.to_string();
    let alone = by_one_process(folder.path(), &labels);
    let reached = || {
        let together = checkpoint(folder.path());
        alone.iter().filter(|(name, _)| is_trainable(name)).all(|(name, alone)| {
            let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 + 1e-4 * a.abs();
            alone.iter().zip(&together[&format!("net/{name}")]).all(near)
        })
    };
    // Interrupted, and gone on with: rank 1 has nothing but what rank 0 tells it.
    run_both(folder.path(), &["--steps", &steps, "--interrupt-after", "2"]);
    assert!(!reached(), "half of the steps would do");
    run_both(folder.path(), &["--steps", &steps, "--resume"]);
    assert!(reached(), "the weights differ");
    // Rank 0 alone writes.
    assert!(folder.path().join("rank0/weights.safetensors").exists());
    assert!(!folder.path().join("rank1").exists());
    let reports = read_metrics(&folder.path().join("rank0/run/metrics.jsonl")).unwrap();
    assert!(reports.len() == 1 && reports[0].keys().any(|name| name.starts_with("held_out")), "{reports:?}");
}

#[test]
fn a_killed_process_ends_the_run_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write_data(folder.path());
    let more = ["--steps", "100000", "--checkpoint-every", "2"];
    let [lead, mut other] = [0, 1].map(|rank| start(folder.path(), rank, &more));
    let give_up = Instant::now() + Duration::from_secs(120);
    while !folder.path().join("rank0/run/checkpoint.safetensors").exists() {
        assert!(Instant::now() < give_up, "no step was made");
        thread::sleep(Duration::from_millis(50));
    }
    other.kill().unwrap();
    other.wait().unwrap();
    let Output { status, stderr, .. } = lead.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(!status.success() && stderr.contains("error: rank 1: ") && stderr.contains("--resume"), "{stderr}");
}

/// What each of two members of a run answers.
fn pair<T: Send>(folder: &Path, member: impl Fn(Option<Place>) -> T + Sync) -> [T; 2] {
    let place = |rank| Place {
        rank,
        world: 2,
        rendezvous: Rendezvous::File(folder.join("meet")),
        patience: Duration::from_secs(60),
    };
    let member = &member;
    thread::scope(|scope| {
        let both = [0, 1].map(|rank| scope.spawn(move || member(Some(place(rank)))));
        both.map(|member| member.join().unwrap())
    })
}

#[test]
fn the_other_networks_are_trained_together_too() {
    let folder = tempfile::tempdir().unwrap();
    let held_out = HeldOutAppearance { renders: vec![render(20)], photos: vec![] };
    let reports = pair(folder.path(), |place| {
        let renders = (0..8).map(render).collect();
        let data = AppearanceData::new(&head().rig, renders, (0..4).map(seen).collect(), [6, 2], 0.5).unwrap();
        let mut options = appearance_options(folder.path(), 3);
        options.run.place = place;
        train_appearance(head(), data, &held_out, &options).unwrap()
    });
    assert!(
        reports[0].contains_key("held_out_skin_difference") && !reports[1].contains_key("held_out_skin_difference")
    );
    assert!(reports[0]["loss"] > 0.0 && reports[0]["loss"] == reports[1]["loss"], "{reports:?}");
    assert!(reports[0]["seconds"] == reports[1]["seconds"], "the clock is not rank 0's");
    let item = |index| {
        let photo = photo(index);
        LandmarkItem { picture: photo.picture, landmarks: photo.landmarks }
    };
    let errors = pair(folder.path(), |place| {
        let data = LandmarkData {
            photos: vec![item(0)],
            photo_weights: running_sum(&[1.0]),
            renders: vec![item(1)],
            photo_share: 0.5,
        };
        let mut options = landmark_options(folder.path(), 3);
        options.run.place = place;
        train_landmarks(data, &[item(2)], &options).unwrap()
    });
    assert!(errors[0].is_some_and(f64::is_finite) && errors[1].is_none(), "{errors:?}");
}
