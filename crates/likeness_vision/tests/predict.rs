//! The whole way with the bundled head and untrained networks, which answer close to the mean shape and the mean face.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use candle_core::Device;
use candle_nn::VarMap;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use likeness_nets::{
    APPEARANCE, AppearanceConfig, AppearanceNet, BONE_POINT, BonePointConfig, BonePointNet, LANDMARK, LandmarkConfig,
    LandmarkNet, PhotoAnswers, Precision, PriorStart, SeededInit, Weights, WeightsMeta, named_tensors, save_weights,
};
use likeness_rig::crop::reference;
use likeness_rig::{Prior, Rig};
use likeness_vision::{
    FacePredictor, ModelBytes, ModelPaths, Photo, PredictOptions, QualityWarning, SeveralFaces, VisionError,
    eye_distance, landmark_recrop,
};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The predictor that all tests share, and the folder with its weights.
static PREDICTOR: LazyLock<(FacePredictor, tempfile::TempDir)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    write_weights(folder.path(), "");
    (FacePredictor::load(&paths(folder.path())).unwrap(), folder)
});

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets")
}

fn paths(weights: &Path) -> ModelPaths {
    ModelPaths {
        rig: assets().join("head/head.rig.ron"),
        landmarks: weights.join("landmarks.safetensors"),
        bone_point: weights.join("bone_point.safetensors"),
        appearance: Some(weights.join("appearance.safetensors")),
    }
}

/// Untrained networks; the bone-point network's file names another rig when asked.
fn write_weights(folder: &Path, rig_suffix: &str) {
    let rig = Rig::load(&assets().join("head/head.rig.ron")).unwrap();
    let prior = Prior::load(&assets().join("head").join(&rig.prior), &rig).unwrap();

    let upright = landmark_recrop(&reference()).unwrap();
    let shape = reference().map(|point| (upright.apply(point) / 128.0).to_array());
    let config = LandmarkConfig { widths: [4, 4, 8, 8], hidden: 16, ..LandmarkConfig::default() };
    let map = VarMap::new();
    LandmarkNet::new(&config, SeededInit::builder(&map, 7, &Device::Cpu), Some(&shape)).unwrap();
    let meta = WeightsMeta::new(LANDMARK, &config, config.input).unwrap();
    save_weights(&folder.join("landmarks.safetensors"), &named_tensors(&map, ""), &meta, Precision::F32).unwrap();

    let config = BonePointConfig { widths: [4, 4, 8, 8], ..BonePointConfig::new(rig.parameters.len()) };
    let map = VarMap::new();
    let start = PriorStart { mean: &prior.mean, factor: &prior.factor, rank: prior.rank };
    BonePointNet::new(&config, SeededInit::builder(&map, 8, &Device::Cpu), Some(start)).unwrap();
    let mut meta = WeightsMeta::new(BONE_POINT, &config, config.input).unwrap().for_rig(&rig);
    meta.rig_id += rig_suffix;
    save_weights(&folder.join("bone_point.safetensors"), &named_tensors(&map, ""), &meta, Precision::F32).unwrap();

    let config = AppearanceConfig { widths: [4, 4, 8, 8], ..AppearanceConfig::new(&rig) };
    let map = VarMap::new();
    AppearanceNet::new(&config, SeededInit::builder(&map, 4, &Device::Cpu)).unwrap();
    let meta = WeightsMeta::new(APPEARANCE, &config, config.input).unwrap().for_rig(&rig);
    save_weights(&folder.join("appearance.safetensors"), &named_tensors(&map, ""), &meta, Precision::F32).unwrap();
}

fn predictor() -> &'static FacePredictor {
    &PREDICTOR.0
}

fn astronaut() -> Photo {
    Photo::open(&assets().join("photos/astronaut.jpg")).unwrap()
}

fn two_faces() -> Photo {
    let portrait = astronaut().pixels;
    let mut pixels = RgbImage::new(1024, 512);
    imageops::replace(&mut pixels, &portrait, 0, 0);
    imageops::replace(&mut pixels, &portrait, 512, 0);
    Photo { pixels }
}

#[test]
fn a_portrait_becomes_a_face_of_the_rig() {
    let prediction = predictor().predict(&astronaut(), &PredictOptions::default()).unwrap();
    let rig = predictor().rig();
    prediction.face.validate(rig).unwrap();
    assert!((0.0..=1.0).contains(&prediction.confidence));
    assert!(prediction.expression.iter().all(|value| (0.0..=1.0).contains(value)));
    // The eyes of the portrait.
    let eyes = (prediction.landmarks[36] + prediction.landmarks[45]) / 2.0;
    assert!(eyes.distance(glam::Vec2::new(225.0, 107.0)) < 12.0, "{eyes}");
    assert!((40.0..62.0).contains(&eye_distance(&prediction.landmarks)), "{}", eye_distance(&prediction.landmarks));
    assert!(prediction.pose.yaw.abs() < 25.0 && prediction.pose.roll.abs() < 15.0, "{:?}", prediction.pose);
    // Without an appearance network, colours are measured and options stay as they are.
    let plain = FacePredictor::load(&ModelPaths { appearance: None, ..paths(PREDICTOR.1.path()) }).unwrap();
    let prediction = plain.predict(&astronaut(), &PredictOptions::default()).unwrap();
    assert!(prediction.appearance.is_empty());
    assert_eq!(prediction.face.options, likeness_rig::Face::neutral(rig).options);
    let color = |name: &str| prediction.face.colors[rig.colors.iter().position(|slot| slot.name == name).unwrap()];
    let skin = color("skin");
    assert!(skin[0] > skin[1] && skin[1] > skin[2] && skin[0] > 0.3, "{skin:?}");
    let hair = color("hair");
    assert!(hair.iter().sum::<f32>() < skin.iter().sum(), "{hair:?} {skin:?}");
    let iris = color("iris");
    assert!(iris[0] > iris[1] && iris[1] > iris[2] && iris[0] < 0.2, "{iris:?}");
}

#[test]
fn a_smile_that_shows_teeth_raises_the_upper_lip() {
    let prediction = predictor().predict(&astronaut(), &PredictOptions::default()).unwrap();
    let [left, right, pressed] = ["mouthUpperUpLeft", "mouthUpperUpRight", "mouthPressLeft"]
        .map(|name| prediction.expression[likeness_rig::arkit_index(name).unwrap()]);
    assert!(left > 0.29 && right > 0.29 && pressed < 0.01, "{left} {right} {pressed}");
}

#[test]
fn an_appearance_network_answers_every_option_and_colour() {
    let prediction = predictor().predict(&astronaut(), &PredictOptions::default()).unwrap();
    let rig = predictor().rig();
    assert_eq!(prediction.appearance.len(), rig.options.len());
    for ((answer, option), &chosen) in prediction.appearance.iter().zip(&rig.options).zip(&prediction.face.options) {
        assert_eq!((&answer.option, &answer.choice), (&option.name, &option.choices[chosen]));
        // Untrained, every choice is about as likely as any other.
        assert!((answer.confidence - 1.0 / option.choices.len() as f32).abs() < 0.2, "{answer:?}");
    }
    // Brows stand in one family, of which none is clear.
    let brows = prediction.appearance.iter().find(|answer| answer.option == "brows").unwrap();
    assert_eq!(brows.choice, "medium");
}

#[test]
fn an_appearance_network_of_other_options_is_refused() {
    let rig = predictor().rig();
    let mut other = AppearanceConfig { widths: [4, 4, 8, 8], ..AppearanceConfig::new(rig) };
    other.options[0].choices.pop();
    let map = VarMap::new();
    AppearanceNet::new(&other, SeededInit::builder(&map, 9, &Device::Cpu)).unwrap();
    let meta = WeightsMeta::new(APPEARANCE, &other, other.input).unwrap().for_rig(rig);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    save_weights(&path, &named_tensors(&map, ""), &meta, Precision::F32).unwrap();
    let error = FacePredictor::load(&ModelPaths { appearance: Some(path), ..paths(PREDICTOR.1.path()) }).unwrap_err();
    assert!(error.to_string().contains("config.options") && error.to_string().contains("other.safetensors"), "{error}");
}

#[test]
fn the_same_photo_gives_the_same_face() {
    let photo = astronaut();
    let predict = || predictor().predict(&photo, &PredictOptions::default()).unwrap();
    let first = predict();
    std::thread::scope(|scope| {
        for run in [scope.spawn(predict), scope.spawn(predict)] {
            let other = run.join().unwrap();
            assert_eq!(other.face, first.face);
            assert_eq!(other.landmarks, first.landmarks);
        }
    });
}

#[test]
fn refining_brings_the_face_nearer_to_the_landmarks() {
    let photo = astronaut();
    let refined = PredictOptions { refine: true, ..PredictOptions::default() };
    let (plain, refined) = (
        predictor().predict(&photo, &PredictOptions::default()).unwrap(),
        predictor().predict(&photo, &refined).unwrap(),
    );
    refined.face.validate(predictor().rig()).unwrap();
    assert!(refined.confidence > plain.confidence, "{} {}", refined.confidence, plain.confidence);
    assert_ne!(refined.face.parameters, plain.face.parameters);
}

#[test]
fn the_skin_is_read_when_it_is_asked_for() {
    let photo = astronaut();
    let plain = predictor().predict(&photo, &PredictOptions::default()).unwrap();
    assert!(plain.skin.is_none());
    let asked = PredictOptions { skin: true, ..PredictOptions::default() };
    let read = predictor().predict(&photo, &asked).unwrap();
    let skin = read.skin.unwrap();
    assert_eq!(skin.dimensions(), (1024, 1024));
    let covered = skin.pixels().filter(|pixel| pixel[3] > 128).count() as f32 / (1024.0 * 1024.0);
    assert!((0.02..0.5).contains(&covered), "{covered}");
    assert_eq!(read.face.parameters, plain.face.parameters, "the shape is the same");
    let again = predictor().predict(&photo, &asked).unwrap();
    assert!(again.skin.unwrap() == skin, "the same photo gives the same skin");
}

#[test]
fn what_is_a_persons_own_is_brought_out() {
    let folder = tempfile::tempdir().unwrap();
    write_weights(folder.path(), "");
    let rig = predictor().rig();
    let prior = Prior::load(&assets().join("head").join(&rig.prior), rig).unwrap();
    let path = folder.path().join("bone_point.safetensors");
    let weights = Weights::load(&path).unwrap();
    // A network whose answers for photos vary by half of what natural faces do.
    let mut meta = weights.meta().clone();
    meta.photo_answers = Some(PhotoAnswers { mean: prior.mean.clone(), spread: vec![0.5; prior.rank] });
    save_weights(&path, weights.tensors(), &meta, Precision::F32).unwrap();
    let knowing = FacePredictor::load(&paths(folder.path())).unwrap();
    let photo = astronaut();
    let own = |predictor: &FacePredictor, emphasis| {
        let options = PredictOptions { emphasis, ..PredictOptions::default() };
        let face = predictor.predict(&photo, &options).unwrap().face;
        face.validate(rig).unwrap();
        prior.parameters_to_latents(&face.parameters)
    };
    let (plain, half, natural) = (own(&knowing, 0.0), own(&knowing, 0.5), own(&knowing, 1.0));
    let length = |latents: &[f32]| latents.iter().map(|latent| latent * latent).sum::<f32>().sqrt();
    for (stretched, by) in [(&half, 1.5), (&natural, 2.0)] {
        let off: Vec<f32> = stretched.iter().zip(&plain).map(|(a, b)| a - by * b).collect();
        assert!(length(&off) < 0.05 * length(stretched), "{by} times: {} off {}", length(stretched), length(&off));
    }
    // A network that does not know how it answers photos stretches nothing.
    assert_eq!(own(predictor(), 1.0), own(predictor(), 0.0));
    // A mean of another length is refused when the file is loaded.
    if let Some(answers) = &mut meta.photo_answers {
        answers.mean.pop();
    }
    save_weights(&path, weights.tensors(), &meta, Precision::F32).unwrap();
    let error = FacePredictor::load(&paths(folder.path())).unwrap_err();
    assert!(error.to_string().contains("photo_answers"), "{error}");
}

#[test]
fn several_faces_are_refused_or_the_largest_taken() {
    let error = predictor().predict(&two_faces(), &PredictOptions::default()).unwrap_err();
    assert!(matches!(error, VisionError::SeveralFaces { count: 2 }), "{error}");
    let options = PredictOptions { several_faces: SeveralFaces::TakeLargest, ..PredictOptions::default() };
    let prediction = predictor().predict(&two_faces(), &options).unwrap();
    assert!(prediction.warnings.contains(&QualityWarning::SeveralFaces { count: 2 }), "{:?}", prediction.warnings);
    let (bounds, landmarks) = predictor().locate(&two_faces()).unwrap();
    assert_eq!((bounds, landmarks), (prediction.bounds, prediction.landmarks));
}

#[test]
fn photos_without_a_usable_face_are_refused() {
    let predict = |pixels| predictor().predict(&Photo { pixels }, &PredictOptions::default()).unwrap_err();
    let error = predict(RgbImage::from_pixel(300, 200, Rgb([90, 120, 60])));
    assert!(matches!(error, VisionError::NoFace), "{error}");
    let small = imageops::resize(&astronaut().pixels, 200, 200, FilterType::Triangle);
    let mut pixels = RgbImage::from_pixel(400, 300, Rgb([120, 130, 140]));
    imageops::replace(&mut pixels, &small, 100, 50);
    let error = predict(pixels);
    assert!(
        matches!(error, VisionError::FaceTooSmall { eye_distance, .. } if (14.0..24.0).contains(&eye_distance)),
        "{error}"
    );
}

#[test]
fn weights_of_another_rig_or_missing_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = FacePredictor::load(&paths(folder.path())).unwrap_err();
    assert!(error.to_string().contains("landmarks.safetensors"), "{error}");
    write_weights(folder.path(), "-of-another-kind");
    let error = FacePredictor::load(&paths(folder.path())).unwrap_err();
    assert!(error.to_string().contains("rig_id") && error.to_string().contains("bone_point.safetensors"), "{error}");
    let mut swapped = paths(PREDICTOR.1.path());
    std::mem::swap(&mut swapped.landmarks, &mut swapped.bone_point);
    let error = FacePredictor::load(&swapped).unwrap_err();
    assert!(error.to_string().contains("architecture"), "{error}");
}

#[test]
fn contents_serve_as_well_as_files() {
    let read = |path: PathBuf| std::fs::read(path).unwrap();
    let rig = predictor().rig();
    let paths = paths(PREDICTOR.1.path());
    let head = assets().join("head");
    let from_bytes = FacePredictor::from_bytes(&ModelBytes {
        rig: &read(paths.rig),
        mesh: &read(head.join(&rig.mesh)),
        prior: &read(head.join(&rig.prior)),
        landmark_points: &read(head.join(&rig.landmarks)),
        landmarks: &read(paths.landmarks),
        bone_point: &read(paths.bone_point),
        appearance: Some(&read(paths.appearance.unwrap())),
    })
    .unwrap();
    let predict = |predictor: &FacePredictor| predictor.predict(&astronaut(), &PredictOptions::default()).unwrap().face;
    assert_eq!(predict(&from_bytes), predict(predictor()));
    assert_eq!(from_bytes.network_metadata()[1].rig_id, rig.id);
}
