//! Whole small training runs on drawn dots instead of rendered faces.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]

mod drawn;
mod ensemble;

use std::{fs, path::Path};

use drawn::{head, photo, render};
use likeness_nets::AppearanceConfig;
use likeness_train::{
    appearance_data::{AppearanceData, SeenPhoto},
    appearance_training::{AppearanceOptions, HeldOutAppearance, train_appearance},
    bone_data::{BoneData, Mix},
    bone_losses::LossWeights,
    bone_measure::HeldOut,
    bone_training::{BoneOptions, BoneOutcome, train_bone_point},
    device::TrainDevice,
    landmark_data::{LandmarkData, LandmarkItem, running_sum},
    landmark_training::{LandmarkOptions, train_landmarks},
    metrics::read_metrics,
    photo_looks::PhotoLooks,
    picture::Picture,
    run_options::RunOptions,
    scene::{People, Scene, draw_scene},
    schedule::Phases,
    shards::Render,
    variety::Variety,
};

fn bone_data() -> BoneData {
    let mix = Mix { renders: 4, photos: 4, pairs: 2, balance: 0.5 };
    BoneData::new(&head().rig, (0..12).map(render).collect(), (0..8).map(photo).collect(), mix).unwrap()
}

fn run_options(folder: &Path, steps: u64) -> RunOptions {
    RunOptions {
        out: folder.join("weights.safetensors"),
        folder: folder.to_path_buf(),
        steps,
        minutes: None,
        learning_rate: 1e-3,
        weight_decay: 0.01,
        seed: 5,
        average: 0.9,
        workers: 1,
        checkpoint_every: 1000,
        measure_every: 1000,
        resume: false,
        revision: String::new(),
        device: TrainDevice::Cpu,
        place: None,
    }
}

fn bone_options(folder: &Path, steps: u64) -> BoneOptions {
    BoneOptions {
        run: RunOptions { learning_rate: 5e-4, workers: 2, ..run_options(folder, steps) },
        widths: [24, 48, 96, 128],
        hidden: [256, 192],
        start_from: None,
        interrupt_after: None,
        reversal: true,
        domain_steps: 1,
        phases: Phases::default(),
        threshold: None,
        weights: LossWeights::default(),
    }
}

fn run(options: &BoneOptions) -> BoneOutcome {
    train_bone_point(head(), bone_data(), &HeldOut::default(), options).unwrap()
}

#[test]
fn training_lowers_both_losses() {
    let folder = tempfile::tempdir().unwrap();
    run(&BoneOptions {
        reversal: false,
        weights: LossWeights { domain: 1.0, ..LossWeights::default() },
        ..bone_options(folder.path(), 60)
    });
    let reports = read_metrics(&folder.path().join("metrics.jsonl")).unwrap();
    let (first, last) = (&reports[0], reports.last().unwrap());
    for name in ["domain", "parameters", "photo_landmarks"] {
        assert!(last[name] < 0.95 * first[name], "{name}: {} to {}", first[name], last[name]);
    }
}

#[test]
fn a_resumed_run_ends_like_an_uninterrupted_one() {
    let (whole, halves) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&bone_options(whole.path(), 12));
    let options = bone_options(halves.path(), 12);
    let first = run(&BoneOptions { interrupt_after: Some(7), ..options.clone() });
    assert_eq!(first.steps, 7);
    let second = RunOptions { resume: true, workers: 1, ..options.run.clone() };
    let second = run(&BoneOptions { run: second, ..options });
    assert_eq!(second.steps, 12);
    let weights = |folder: &Path| fs::read(folder.join("weights.safetensors")).unwrap();
    assert!(weights(whole.path()) == weights(halves.path()), "the weights differ");
}

#[test]
fn a_run_starts_from_finished_weights_and_says_how_photos_are_answered() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&bone_options(first.path(), 30));
    let finished = first.path().join("weights.safetensors");
    // A step that moves nothing gives the weights back.
    let mut options = BoneOptions { start_from: Some(finished.clone()), ..bone_options(second.path(), 1) };
    options.run.learning_rate = 0.0;
    run(&options);
    let (before, after) = [&finished, &options.run.out].map(|path| likeness_nets::Weights::load(path).unwrap()).into();
    let values = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    // Averaging and half precision round.
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 + 1e-3 * a.abs();
    for (name, tensor) in before.tensors().iter().filter(|(name, _)| likeness_nets::is_trainable(name)) {
        assert!(values(tensor).iter().zip(&values(&after.tensors()[name])).all(near), "{name} differs");
    }
    let answers = after.meta().photo_answers.clone().unwrap();
    assert_eq!(answers.mean.len(), head().rig.parameters.len());
    assert_eq!(answers.spread.len(), head().prior.rank);
    assert!(answers.mean.iter().all(|value| (0.0..=1.0).contains(value)));
    assert!(answers.spread.iter().any(|spread| *spread > 0.0));
    // Of another rig's network all is taken over but what speaks of its parameters.
    let mut other = before.meta().clone();
    other.rig_id = "another".into();
    likeness_nets::save_weights(&finished, before.tensors(), &other, likeness_nets::Precision::F16).unwrap();
    run(&options);
    let after = likeness_nets::Weights::load(&options.run.out).unwrap();
    let is_taken_over =
        |name: &str| values(&before.tensors()[name]).iter().zip(&values(&after.tensors()[name])).all(near);
    assert!(is_taken_over("fc1.weight") && is_taken_over("trunk.module0.conv1.weight"));
    assert!(!is_taken_over("fc2.weight") && !is_taken_over("fc3.weight"));
    // A network of another kind has nothing to take over.
    likeness_nets::save_weights(
        &finished,
        &std::collections::BTreeMap::from([("fc9.weight".to_owned(), before.tensors()["fc3.weight"].clone())]),
        before.meta(),
        likeness_nets::Precision::F16,
    )
    .unwrap();
    let refused = train_bone_point(head(), bone_data(), &HeldOut::default(), &options).unwrap_err();
    assert!(refused.to_string().contains("none fits"), "{refused}");
}

#[test]
fn the_threshold_ends_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(&BoneOptions { threshold: Some(1e6), ..bone_options(folder.path(), 500) });
    assert!(outcome.reached_threshold);
    assert_eq!(outcome.steps, 20);
}

#[test]
fn a_phase_leaves_the_other_networks_alone() {
    let folder = tempfile::tempdir().unwrap();
    let trained = |phases: &str, steps| {
        run(&BoneOptions { phases: phases.parse().unwrap(), ..bone_options(folder.path(), steps) });
        likeness_nets::Weights::load(&folder.path().join("weights.safetensors")).unwrap().tensors().clone()
    };
    let (short, long) = (trained("1:domain", 1), trained("1:domain", 3));
    let values = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (name, tensor) in &short {
        if likeness_nets::is_trainable(name) {
            // Averaging and half precision round; a step of training would move them further.
            let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 + 1e-3 * a.abs();
            assert!(values(tensor).iter().zip(&values(&long[name])).all(near), "{name} moved");
        }
    }
}

fn appearance_options(folder: &Path, steps: u64) -> AppearanceOptions {
    AppearanceOptions {
        run: RunOptions { seed: 3, checkpoint_every: 5, ..run_options(folder, steps) },
        domain: [0.2, 0.1],
        domain_steps: 1,
        colors: 8.0,
        details: 4.0,
        looks: 1.0,
    }
}

/// A picture of one colour, as is its label.
fn tinted(index: u64) -> Render {
    let mut render = render(index);
    let light = index.is_multiple_of(2);
    render.picture = Picture::from_pixel(192, 192, image::Rgb(if light { [200, 160, 140] } else { [60, 40, 30] }));
    for (option, choice) in head().rig.options.iter().zip(&mut render.label.options) {
        *choice = if light { 0 } else { option.choices.len() - 1 };
    }
    render.label.colors.fill(if light { [0.6, 0.4, 0.3] } else { [0.05, 0.02, 0.01] });
    render
}

/// A photo of one colour that no render has; somebody saw the second choice of every option and, of every other photo, blue hair.
fn seen(index: u64) -> SeenPhoto {
    let mut photo = photo(index);
    photo.picture = Picture::from_pixel(192, 192, image::Rgb([20, 40, 220]));
    let config = AppearanceConfig::new(&head().rig);
    let mut looks = PhotoLooks::unknown(&config);
    for (start, count) in config.groups() {
        looks.candidates[start..start + count].fill(0.0);
        looks.candidates[start + 1] = 1.0;
    }
    let hair = config.colors.iter().position(|name| name == "hair").unwrap();
    looks.colors[hair] = index.is_multiple_of(2).then_some([0.05, 0.1, 0.6]);
    SeenPhoto { photo, looks }
}

#[test]
fn appearance_is_learned_and_a_resumed_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = || {
        let renders = (0..8).map(tinted).collect();
        AppearanceData::new(&head().rig, renders, (0..4).map(seen).collect(), [6, 2], 0.5).unwrap()
    };
    let held_out = HeldOutAppearance { renders: (40..48).map(tinted).collect(), photos: (50..54).map(seen).collect() };
    let report = train_appearance(head(), data(), &held_out, &appearance_options(folder.path(), 60)).unwrap();
    for option in &head().rig.options {
        assert!(report[&format!("held_out_{}_first", option.name)] > 0.8, "{report:?}");
    }
    assert!(report["held_out_skin_difference"] < 20.0, "{report:?}");
    for option in &head().rig.options {
        assert!(report[&format!("held_out_photos_{}", option.name)] > 0.8, "{report:?}");
    }
    assert!(report["held_out_photos_hair_difference"] < 25.0, "{report:?}");
    let none = HeldOutAppearance::default();
    let (whole, halves) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train_appearance(head(), data(), &none, &appearance_options(whole.path(), 10)).unwrap();
    train_appearance(head(), data(), &none, &appearance_options(halves.path(), 5)).unwrap();
    assert_eq!(read_metrics(&halves.path().join("metrics.jsonl")).unwrap().len(), 1);
    let mut resumed = appearance_options(halves.path(), 10);
    resumed.run.resume = true;
    train_appearance(head(), data(), &none, &resumed).unwrap();
    let last = |folder: &Path| read_metrics(&folder.join("metrics.jsonl")).unwrap().last().unwrap()["step"];
    assert_eq!(last(halves.path()), last(whole.path()));
}

#[test]
fn renders_without_options_cannot_teach_appearance() {
    let mut bare = render(0);
    bare.label.options.clear();
    let error = AppearanceData::new(&head().rig, vec![bare], vec![], [4, 0], 0.0).err().unwrap().to_string();
    assert!(error.contains("render 0") && error.contains("render the shards again"), "{error}");
}

fn landmark_options(folder: &Path, steps: u64) -> LandmarkOptions {
    LandmarkOptions { run: RunOptions { seed: 1, ..run_options(folder, steps) }, batch: 8 }
}

#[test]
fn landmarks_are_learned() {
    let folder = tempfile::tempdir().unwrap();
    let item = |index| {
        let photo = photo(index);
        LandmarkItem { picture: photo.picture, landmarks: photo.landmarks }
    };
    let data = LandmarkData {
        photos: vec![item(0)],
        photo_weights: running_sum(&[1.0]),
        renders: vec![item(1)],
        photo_share: 0.5,
    };
    let options = landmark_options(folder.path(), 150);
    let held_out: Vec<LandmarkItem> = (20..24).map(item).collect();
    let error = train_landmarks(data, &held_out, &options).unwrap().unwrap();
    assert!(error.is_finite() && error < 0.5, "{error}");
    let reports = read_metrics(&folder.path().join("metrics.jsonl")).unwrap();
    // Single reports scatter with what their batches show: compare the two ends of the run.
    let losses: Vec<f64> = reports.iter().map(|report| report["loss"]).collect();
    let (early, late) = (losses[..3].iter().sum::<f64>(), losses[losses.len() - 3..].iter().sum::<f64>());
    assert!(late < early, "{losses:?}");
}

#[test]
fn scenes_hang_on_seed_and_index_alone() {
    let head = head();
    let draw = |seed, index| format!("{:?}", draw_scene(&head.rig, &People::natural(&head.prior), seed, index));
    let later = draw(1, 9);
    assert_eq!(draw(1, 9), later);
    assert_ne!(draw(1, 8), later);
    assert_ne!(draw(2, 9), later);
}

#[test]
fn a_population_changes_its_share_of_the_scenes() {
    let head = head();
    let mut population = head.prior.clone();
    population.mean.iter_mut().for_each(|value| *value = (*value + 0.1).min(1.0));
    let mixed = People { population: Some((&population, 0.5)), ..People::natural(&head.prior) };
    let changed = (0..200).filter(|&index| {
        let with = draw_scene(&head.rig, &mixed, 1, index);
        let without = draw_scene(&head.rig, &People::natural(&head.prior), 1, index);
        with.face.parameters != without.face.parameters
    });
    assert!((70..130).contains(&changed.count()));
}

#[test]
fn what_is_held_still_is_the_same_in_all_scenes_and_the_rest_is_as_before() {
    let head = head();
    let scenes: Vec<Scene> =
        (0..12).map(|index| draw_scene(&head.rig, &People::natural(&head.prior), 1, index)).collect();
    let parts = |scene: &Scene| {
        [
            (Variety::Light, format!("{:?} {:?}", scene.lamps, scene.ambient)),
            (Variety::Clothes, format!("{:?}", scene.garment)),
            (Variety::Background, format!("{:?}", scene.backdrop)),
            (Variety::Camera, format!("{} {} {:?}", scene.distance, scene.fov_y, scene.target)),
            (Variety::Expression, format!("{:?}", scene.expression)),
        ]
    };
    for (place, (kind, _)) in parts(&scenes[0]).into_iter().enumerate() {
        let still: Vec<Scene> = scenes
            .iter()
            .cloned()
            .map(|mut scene| {
                kind.hold_still(&mut scene);
                scene
            })
            .collect();
        for (before, after) in scenes.iter().zip(&still) {
            assert_eq!((before.face.clone(), before.pose), (after.face.clone(), after.pose));
            for (other, (before, after)) in parts(before).iter().zip(&parts(after)).enumerate() {
                assert!(other == place || before == after, "{kind:?} changes {:?}", before.0);
                assert!(other != place || after == &parts(&still[0])[place], "{kind:?} is not held still");
            }
        }
        assert!(scenes.iter().any(|scene| parts(scene)[place] != parts(&scenes[0])[place]), "{kind:?} never varies");
    }
}

#[test]
fn presets_change_the_face_and_nothing_else() {
    let head = head();
    let preset = likeness_rig::Face::neutral(&head.rig);
    let with =
        draw_scene(&head.rig, &People { presets: std::slice::from_ref(&preset), ..People::natural(&head.prior) }, 1, 4);
    let without = draw_scene(&head.rig, &People::natural(&head.prior), 1, 4);
    assert_eq!(with.face.parameters, preset.parameters);
    assert_eq!((with.pose, with.expression, with.distance), (without.pose, without.expression, without.distance));
}
