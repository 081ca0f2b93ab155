//! Photos become faces, without a frame waiting for them.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bevy::prelude::*;
use bevy_likeness::prelude::*;
use bevy_likeness::{
    LikenessProblem, PendingPrediction, PhotoSkin, PhotoSource, PredictionBackend, PredictionModels, PredictionRequest,
    PredictionWorker, Result,
};
use likeness_rig::HeadPose;
use likeness_vision::{FaceBox, Prediction, StepTimes};

use crate::app::{app, app_with, bundled_assets, spawn, transform, update_until};
use crate::fixture::{rig, tiny_head};

/// What was answered: `Ok` with the confidence and the face at that moment.
#[derive(Resource, Clone, Default)]
struct Answers(Arc<Mutex<Vec<std::result::Result<(f32, Face), String>>>>);

impl Answers {
    fn observe(app: &mut App) -> Self {
        let answers = Self::default();
        let good = answers.clone();
        app.add_observer(move |done: On<FacePredicted>, faces: Query<&Face>| {
            good.0.lock().unwrap().push(Ok((done.confidence, faces.get(done.entity).unwrap().clone())));
        });
        let bad = answers.clone();
        app.add_observer(move |failed: On<FacePredictionFailed>| {
            bad.0.lock().unwrap().push(Err(failed.error.to_string()));
        });
        answers
    }

    fn all(&self) -> Vec<std::result::Result<(f32, Face), String>> {
        self.0.lock().unwrap().clone()
    }
}

/// Answers when it is let; says when it begins.
struct Gated {
    begun: Sender<Vec<u8>>,
    gate: Receiver<Result<f32>>,
}

impl PredictionBackend for Gated {
    fn predict(&mut self, request: &PredictionRequest) -> Result<Prediction> {
        let photo = match &request.photo {
            PhotoSource::Bytes(bytes) => bytes.to_vec(),
            PhotoSource::File(path) => std::fs::read(path).unwrap(),
        };
        self.begun.send(photo).unwrap();
        let value = self.gate.recv().unwrap()?;
        assert!(value >= 0.0, "negative values stand for a fault");
        let mut face = likeness_rig::Face::neutral(&request.files.rig);
        face.parameters[0] = value;
        Ok(Prediction {
            face,
            appearance: Vec::new(),
            confidence: 0.5,
            expression: [0.0; 52],
            pose: HeadPose::default(),
            landmarks: [Vec2::ZERO; 68],
            bounds: FaceBox { x: 0.0, y: 0.0, w: 1.0, h: 1.0, score: 1.0 },
            warnings: Vec::new(),
            skin: None,
            ms: StepTimes::default(),
        })
    }
}

struct Stage {
    app: App,
    head: Entity,
    answers: Answers,
    begun: Receiver<Vec<u8>>,
    gate: Sender<Result<f32>>,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tiny_head(&rig());
        let (begun_sender, begun) = channel();
        let (gate, gate_receiver) = channel();
        let worker = PredictionWorker::new(Gated { begun: begun_sender, gate: gate_receiver }, 1);
        let mut app = app_with(folder.path(), |app| {
            app.insert_resource(worker);
        });
        let answers = Answers::observe(&mut app);
        let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
        Self { app, head, answers, begun, gate, _folder: folder }
    }

    fn ask(&mut self, photo: &[u8]) {
        self.app.world_mut().trigger(PredictFace::from_bytes(self.head, photo));
    }

    /// Waits until the backend has begun, and gives the photo it got.
    fn begun(&mut self) -> Vec<u8> {
        let begun = &self.begun;
        let mut photo = None;
        update_until(&mut self.app, "the prediction", |_| {
            photo = begun.try_recv().ok();
            photo.is_some()
        });
        photo.unwrap()
    }

    fn answered(&mut self, count: usize) {
        let answers = self.answers.clone();
        update_until(&mut self.app, "the answer", |_| answers.all().len() >= count);
    }
}

#[test]
fn a_predicted_face_is_set_before_it_is_told_and_frames_go_on_meanwhile() {
    let mut stage = Stage::new();
    stage.ask(b"photo");
    assert_eq!(stage.begun(), b"photo");
    let start = Instant::now();
    for _ in 0..10 {
        stage.app.update();
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(stage.answers.all().is_empty());
    stage.gate.send(Ok(1.0)).unwrap();
    stage.answered(1);
    let Ok((confidence, face)) = stage.answers.all().remove(0) else {
        panic!("{:?}", stage.answers.all());
    };
    assert_eq!((confidence, face.parameters[0]), (0.5, 1.0));
    // The answer came in `PreUpdate`; the joints moved in the same frame.
    assert!((transform(&stage.app, stage.head, "nose").translation.z - 0.07).abs() < 1e-6);
    assert!(stage.app.world().get::<PendingPrediction>(stage.head).is_none());
}

#[test]
fn a_cancelled_prediction_is_not_answered() {
    let mut stage = Stage::new();
    stage.ask(b"photo");
    stage.begun();
    let entity = stage.head;
    stage.app.world_mut().trigger(CancelPrediction { entity });
    stage.gate.send(Ok(1.0)).unwrap();
    // Another request behind it shows that the first answer has been dealt with.
    stage.ask(b"second");
    assert_eq!(stage.begun(), b"second");
    stage.app.update();
    assert!(stage.answers.all().is_empty());
    assert_eq!(stage.app.world().get::<Face>(entity).unwrap(), &Face::neutral(&rig()));
    stage.gate.send(Ok(0.25)).unwrap();
    stage.answered(1);
    assert_eq!(stage.answers.all()[0].as_ref().unwrap().1.parameters[0], 0.25);
}

#[test]
fn a_request_that_waits_is_never_begun_when_its_head_is_despawned() {
    let mut stage = Stage::new();
    stage.ask(b"first");
    stage.begun();
    let rig = stage.app.world().get::<LikenessHead>(stage.head).unwrap().rig.clone();
    let other = stage.app.world_mut().spawn(LikenessHead::new(rig)).id();
    stage.app.world_mut().trigger(PredictFace::from_bytes(other, b"other".as_slice()));
    stage.app.update();
    stage.app.world_mut().entity_mut(other).despawn();
    stage.gate.send(Ok(0.0)).unwrap();
    stage.ask(b"third");
    stage.gate.send(Ok(0.0)).unwrap();
    assert_eq!(stage.begun(), b"third", "the despawned head's photo was skipped");
    stage.answered(1);
}

#[test]
fn a_second_request_replaces_the_first() {
    let mut stage = Stage::new();
    stage.ask(b"first");
    stage.begun();
    stage.ask(b"second");
    stage.gate.send(Ok(0.1)).unwrap();
    stage.gate.send(Ok(0.2)).unwrap();
    assert_eq!(stage.begun(), b"second");
    stage.answered(1);
    stage.app.update();
    let answers = stage.answers.all();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].as_ref().unwrap().1.parameters[0], 0.2);
}

#[test]
fn an_error_and_a_fault_are_told_and_the_worker_goes_on() {
    let mut stage = Stage::new();
    stage.ask(b"first");
    stage.gate.send(Err(LikenessProblem::WorkerGone)).unwrap();
    stage.answered(1);
    stage.ask(b"second");
    stage.gate.send(Ok(-1.0)).unwrap();
    stage.answered(2);
    stage.ask(b"third");
    stage.gate.send(Ok(0.5)).unwrap();
    stage.answered(3);
    let answers = stage.answers.all();
    assert!(answers[0].as_ref().unwrap_err().contains("thread has ended"));
    assert!(answers[1].as_ref().unwrap_err().contains("negative values stand for a fault"));
    assert!(answers[2].is_ok());
}

#[test]
fn a_photo_that_is_no_picture_is_told_with_its_path() {
    let folder = tiny_head(&rig());
    let photo = folder.path().join("notes.jpg");
    std::fs::write(&photo, "not a picture").unwrap();
    let mut app = app(folder.path());
    let answers = Answers::observe(&mut app);
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    app.world_mut().trigger(PredictFace::from_file(head, &photo));
    update_until(&mut app, "the answer", |_| !answers.all().is_empty());
    let error = answers.all().remove(0).unwrap_err();
    assert!(error.contains("notes.jpg") && error.contains("JPEG"), "{error}");
    assert_eq!(app.world().get::<Face>(head).unwrap(), &Face::neutral(&rig()));
}

#[test]
fn missing_weights_are_told_with_the_field_that_names_them() {
    let folder = tiny_head(&rig());
    std::fs::remove_file(folder.path().join("models/bone_point.safetensors")).unwrap();
    let mut app = app(folder.path());
    let answers = Answers::observe(&mut app);
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    app.world_mut().trigger(PredictFace::from_bytes(head, b"photo".as_slice()));
    update_until(&mut app, "the answer", |_| !answers.all().is_empty());
    let error = answers.all().remove(0).unwrap_err();
    assert!(error.contains("bone_point.safetensors") && error.contains("PredictionModels::bone_point"), "{error}");
}

#[test]
fn a_missing_appearance_network_is_told_unless_none_is_wanted() {
    let folder = tiny_head(&rig());
    std::fs::remove_file(folder.path().join("models/appearance.safetensors")).unwrap();
    let mut app = app(folder.path());
    let answers = Answers::observe(&mut app);
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    app.world_mut().trigger(PredictFace::from_bytes(head, b"photo".as_slice()));
    update_until(&mut app, "the answer", |_| !answers.all().is_empty());
    let error = answers.all().remove(0).unwrap_err();
    assert!(error.contains("appearance.safetensors") && error.contains("PredictionModels::appearance"), "{error}");

    app.world_mut().resource_mut::<PredictionModels>().appearance = None;
    app.world_mut().trigger(PredictFace::from_bytes(head, b"photo".as_slice()));
    update_until(&mut app, "the second answer", |_| answers.all().len() > 1);
    let error = answers.all().remove(1).unwrap_err();
    assert!(!error.contains("appearance"), "the files are there now, but hold nothing: {error}");
}

#[test]
fn a_face_for_an_entity_that_is_no_head_is_refused() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let answers = Answers::observe(&mut app);
    let entity = app.world_mut().spawn_empty().id();
    app.world_mut().trigger(PredictFace::from_bytes(entity, b"photo".as_slice()));
    app.update();
    assert!(answers.all()[0].as_ref().unwrap_err().contains("LikenessHead"));
}

#[test]
fn photos_are_never_printed() {
    let event = PredictFace::from_bytes(Entity::PLACEHOLDER, b"secret".as_slice());
    let text = format!("{event:?}");
    assert!(text.contains("6 bytes") && !text.contains("115"), "{text}");
}

#[test]
fn the_bundled_photo_becomes_a_face() {
    let assets = bundled_assets();
    if !assets.join("models/bone_point.safetensors").is_file() {
        eprintln!("no weights in assets/models, so there is nothing to predict with");
        return;
    }
    let mut app = app(&assets);
    let answers = Answers::observe(&mut app);
    let head = spawn(&mut app, "head/head.rig.ron", Lod::Fifth);
    let neutral = app.world().get::<Face>(head).unwrap().clone();
    app.world_mut().trigger(PredictFace::from_file(head, assets.join("photos/astronaut.jpg")));
    update_until(&mut app, "the answer", |_| !answers.all().is_empty());
    let (confidence, face) = answers.0.lock().unwrap().remove(0).unwrap();
    assert!((0.0..=1.0).contains(&confidence));
    assert_eq!(face.parameters.len(), neutral.parameters.len());
    assert!(face.parameters.iter().all(|value| (0.0..=1.0).contains(value)));
    assert_ne!(face.parameters, neutral.parameters);
    assert_ne!(face.colors, neutral.colors);
    assert!(app.world().get::<PhotoSkin>(head).is_none(), "nobody asked for the skin");

    let ask = PredictFace::from_file(head, assets.join("photos/astronaut.jpg"));
    app.world_mut().trigger(ask.clone().with_skin());
    update_until(&mut app, "the answer with a skin", |_| answers.all().len() == 1);
    let skin = app.world().get::<PhotoSkin>(head).unwrap().0.clone();
    assert!(app.world().resource::<Assets<Image>>().get(&skin).unwrap().width() >= 512);
    app.world_mut().trigger(ask);
    update_until(&mut app, "the answer without", |_| answers.all().len() == 2);
    assert!(app.world().get::<PhotoSkin>(head).is_none(), "the skin of another answer stays");
}
