//! Photos become faces, on a thread of the plugin's own.
//!
//! Photos are neither cached nor logged: their bytes live in the [`PredictFace`] event and in the job made of it, and are
//! dropped with it. Only the path of a file appears in messages.

mod backend;
mod local;
mod worker;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bevy::asset::LoadState;
use bevy::prelude::*;
use image::RgbaImage;
use likeness_rig::HeadPose;
use likeness_vision::{OptionAnswer, PredictOptions, Prediction, QualityWarning, StepTimes};

use crate::LikenessSystems;
use crate::error::{LikenessProblem, Result, file_name};
use crate::head::{Face, LikenessHead, PhotoSkin};
use crate::rig_asset::{ByteAsset, RigAsset};

pub use backend::{NamedBytes, PredictionBackend, PredictionFiles, PredictionRequest};
pub use local::Local;
pub use worker::PredictionWorker;

/// A photo of one face: JPEG, PNG or WebP.
#[derive(Clone)]
pub enum PhotoSource {
    /// A file on disk; it is read on the prediction thread.
    File(PathBuf),
    /// The bytes of a file.
    Bytes(Arc<[u8]>),
}

impl fmt::Debug for PhotoSource {
    /// Photos are private: bytes are never printed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
            Self::Bytes(bytes) => write!(formatter, "Bytes({} bytes)", bytes.len()),
        }
    }
}

/// Asks for the face in a photo. Trigger it on an entity with a [`LikenessHead`]; the answer is [`FacePredicted`] or
/// [`FacePredictionFailed`] on the same entity. A second request on an entity replaces the first.
///
/// A request is cancelled by [`CancelPrediction`], and when the entity is despawned or loses its [`LikenessHead`]. A
/// cancelled request is not answered.
#[derive(EntityEvent, Clone, Debug)]
pub struct PredictFace {
    /// The head whose [`Face`] is set.
    pub entity: Entity,
    /// The photo.
    pub photo: PhotoSource,
    /// How to predict.
    pub options: PredictOptions,
}

impl PredictFace {
    /// From a file on disk (not an asset).
    pub fn from_file(entity: Entity, path: impl Into<PathBuf>) -> Self {
        Self { entity, photo: PhotoSource::File(path.into()), options: PredictOptions::default() }
    }

    /// From the bytes of a photo file.
    pub fn from_bytes(entity: Entity, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { entity, photo: PhotoSource::Bytes(bytes.into()), options: PredictOptions::default() }
    }

    /// The same request with other options.
    pub fn with_options(self, options: PredictOptions) -> Self {
        Self { options, ..self }
    }

    /// The same request, asking for the skin too: the head gets a [`PhotoSkin`].
    pub fn with_skin(self) -> Self {
        Self { options: PredictOptions { skin: true, ..self.options }, ..self }
    }
}

/// Takes back the [`PredictFace`] of an entity; it is not answered any more.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct CancelPrediction {
    /// The head.
    pub entity: Entity,
}

/// The answer to [`PredictFace`]. The entity's [`Face`] has already been set, and its [`PhotoSkin`] if the skin was asked for;
/// a skin that it had of another photo is gone otherwise.
#[derive(EntityEvent, Clone, Debug)]
pub struct FacePredicted {
    /// The head.
    pub entity: Entity,
    /// 0..1, how far the face can be trusted.
    pub confidence: f32,
    /// What makes the result less certain, with measured values.
    pub warnings: Vec<QualityWarning>,
    /// The photo's expression, ARKit coefficients 0..1. The head keeps its own [`Expression`](crate::Expression).
    pub expression: [f32; 52],
    /// How the head is turned in the photo.
    pub pose: HeadPose,
    /// What hair, brows, beard and glasses look like in the photo, with confidences: one answer for each option of the rig.
    pub appearance: Vec<OptionAnswer>,
    /// 68 iBUG landmarks of the face, pixels of the upright photo from its top left corner.
    pub landmarks: [Vec2; 68],
    /// The pixels of the [`PhotoSkin`], for games that save it; none when it was not asked for.
    pub skin: Option<Arc<RgbaImage>>,
    /// Milliseconds of each step.
    pub ms: StepTimes,
}

/// [`PredictFace`] came to nothing; the entity's [`Face`] is as it was.
#[derive(EntityEvent, Debug)]
pub struct FacePredictionFailed {
    /// The head.
    pub entity: Entity,
    /// Why, and what to do.
    pub error: LikenessProblem,
}

/// The assets with the weights of the networks. They are loaded when the first face is asked for.
#[derive(Resource, Reflect, Clone, Debug, PartialEq)]
#[reflect(Resource, Debug, Clone, Default, PartialEq)]
pub struct PredictionModels {
    /// The landmark network.
    pub landmarks: String,
    /// The network from a crop to the rig's parameters; made for one rig.
    pub bone_point: String,
    /// The network that reads hair, brows, beard, glasses and colours; made for one rig. None leaves the options at their defaults.
    pub appearance: Option<String>,
}

impl Default for PredictionModels {
    fn default() -> Self {
        Self {
            landmarks: "models/landmarks.safetensors".into(),
            bone_point: "models/bone_point.safetensors".into(),
            appearance: Some("models/appearance.safetensors".into()),
        }
    }
}

/// Marks an entity whose [`PredictFace`] is being worked on. Removing it cancels the request.
#[derive(Component, Debug)]
pub struct PendingPrediction {
    id: u64,
    photo: Option<PhotoSource>,
    options: PredictOptions,
    files: Option<FileHandles>,
    cancelled: Arc<AtomicBool>,
}

impl Drop for PendingPrediction {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// The files that a prediction needs, being loaded.
#[derive(Clone, Debug)]
struct FileHandles {
    mesh: Handle<ByteAsset>,
    prior: Handle<ByteAsset>,
    landmark_points: Handle<ByteAsset>,
    landmarks: Handle<ByteAsset>,
    bone_point: Handle<ByteAsset>,
    appearance: Option<Handle<ByteAsset>>,
}

/// Answers [`PredictFace`] events.
#[derive(Clone, Copy, Debug, Default)]
pub struct LikenessPredictionPlugin;

impl Plugin for LikenessPredictionPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<PredictionModels>()
            .init_resource::<PredictionWorker>()
            .add_observer(accept)
            .add_observer(cancel)
            .add_observer(cancel_with_head)
            .add_systems(PreUpdate, (receive, send).chain().in_set(LikenessSystems::Predict));
    }
}

fn accept(asked: On<PredictFace>, heads: Query<(), With<LikenessHead>>, mut commands: Commands) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let entity = asked.entity;
    if !heads.contains(entity) {
        commands.trigger(FacePredictionFailed { entity, error: LikenessProblem::NotAHead });
        return;
    }
    commands.entity(entity).insert(PendingPrediction {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        photo: Some(asked.photo.clone()),
        options: asked.options,
        files: None,
        cancelled: Arc::default(),
    });
}

fn cancel(asked: On<CancelPrediction>, mut commands: Commands) {
    if let Ok(mut entity) = commands.get_entity(asked.entity) {
        entity.try_remove::<PendingPrediction>();
    }
}

fn cancel_with_head(removed: On<Remove, LikenessHead>, mut commands: Commands) {
    if let Ok(mut entity) = commands.get_entity(removed.entity) {
        entity.try_remove::<PendingPrediction>();
    }
}

/// Hands requests to the worker once their files are loaded.
fn send(
    mut pending: Query<(Entity, &LikenessHead, &mut PendingPrediction)>,
    rigs: Res<Assets<RigAsset>>,
    bytes: Res<Assets<ByteAsset>>,
    models: Res<PredictionModels>,
    server: Res<AssetServer>,
    worker: Res<PredictionWorker>,
    mut commands: Commands,
) {
    for (entity, head, mut request) in &mut pending {
        if request.photo.is_none() {
            continue;
        }
        let sent = files(&mut request, head, &rigs, &bytes, &models, &server).and_then(|files| {
            // The photo leaves the request only now: until here it may still be waiting for files.
            match files.and_then(|files| Some((files, request.photo.take()?))) {
                Some((files, photo)) => worker.send(
                    entity,
                    request.id,
                    PredictionRequest {
                        photo,
                        options: request.options,
                        files,
                        cancelled: Arc::clone(&request.cancelled),
                    },
                ),
                None => Ok(()),
            }
        });
        if let Err(error) = sent {
            commands.entity(entity).remove::<PendingPrediction>();
            commands.trigger(FacePredictionFailed { entity, error });
        }
    }
}

/// The files of a request; `None` while they load.
fn files(
    request: &mut PendingPrediction,
    head: &LikenessHead,
    rigs: &Assets<RigAsset>,
    bytes: &Assets<ByteAsset>,
    models: &PredictionModels,
    server: &AssetServer,
) -> Result<Option<PredictionFiles>> {
    let Some(rig) = rigs.get(&head.rig) else {
        return loading(server, &head.rig, "rig").map(|()| None);
    };
    let handles = match &request.files {
        Some(handles) => handles.clone(),
        None => {
            let mesh = server.get_path(&rig.mesh).ok_or_else(|| not_set("mesh"))?.into_owned();
            let handles = FileHandles {
                mesh: server.load(mesh),
                prior: rig.prior.clone(),
                landmark_points: rig.landmarks.clone(),
                landmarks: server.load(&models.landmarks),
                bone_point: server.load(&models.bone_point),
                appearance: models.appearance.as_ref().map(|path| server.load(path)),
            };
            request.files = Some(handles.clone());
            handles
        }
    };
    let named = |handle: &Handle<ByteAsset>, field: &'static str| -> Result<Option<NamedBytes>> {
        match bytes.get(handle) {
            Some(asset) => {
                Ok(Some(NamedBytes { name: file_name(server.get_path(handle)), bytes: Arc::clone(&asset.0) }))
            }
            None => loading(server, handle, field).map(|()| None),
        }
    };
    // Every one is looked at, so that the first failure is told at once.
    let found = (
        named(&handles.mesh, "mesh")?,
        named(&handles.prior, "prior")?,
        named(&handles.landmark_points, "landmarks")?,
        named(&handles.landmarks, "PredictionModels::landmarks")?,
        named(&handles.bone_point, "PredictionModels::bone_point")?,
    );
    let appearance = match &handles.appearance {
        Some(handle) => match named(handle, "PredictionModels::appearance")? {
            Some(appearance) => Some(appearance),
            None => return Ok(None),
        },
        None => None,
    };
    let (Some(mesh), Some(prior), Some(landmark_points), Some(landmarks), Some(bone_point)) = found else {
        return Ok(None);
    };
    Ok(Some(PredictionFiles { rig: rig.shared_rig(), mesh, prior, landmark_points, landmarks, bone_point, appearance }))
}

/// Fine while an asset loads.
fn loading<A: Asset>(server: &AssetServer, handle: &Handle<A>, field: &'static str) -> Result<()> {
    match server.get_load_state(handle) {
        Some(LoadState::Failed(error)) => Err(LikenessProblem::AssetFailed {
            file: file_name(server.get_path(handle)),
            field,
            problem: error.to_string(),
        }),
        Some(_) => Ok(()),
        None => Err(not_set(field)),
    }
}

fn not_set(field: &'static str) -> LikenessProblem {
    LikenessProblem::AssetFailed { file: file_name(None), field, problem: "it is not a file".into() }
}

/// Sets faces from the worker's answers.
fn receive(
    worker: Res<PredictionWorker>,
    pending: Query<&PendingPrediction>,
    mut images: Option<ResMut<Assets<Image>>>,
    mut commands: Commands,
) {
    for answer in worker.answers() {
        let entity = answer.entity;
        if pending.get(entity).is_ok_and(|pending| pending.id == answer.id) {
            commands.entity(entity).remove::<PendingPrediction>();
            match answer.result {
                Ok(prediction) => succeed(entity, *prediction, images.as_deref_mut(), &mut commands),
                Err(error) => commands.trigger(FacePredictionFailed { entity, error }),
            }
        }
    }
}

fn succeed(entity: Entity, prediction: Prediction, images: Option<&mut Assets<Image>>, commands: &mut Commands) {
    let Prediction { face, confidence, warnings, expression, pose, appearance, landmarks, ms, skin, .. } = prediction;
    let mut head = commands.entity(entity);
    head.insert(Face::from(face));
    let skin = skin.map(Arc::new);
    match skin.as_ref().zip(images) {
        Some((skin, images)) => head.insert(PhotoSkin::new(skin, images)),
        // The skin of another photo does not belong to this face.
        None => head.remove::<PhotoSkin>(),
    };
    commands.trigger(FacePredicted { entity, confidence, warnings, expression, pose, appearance, landmarks, skin, ms });
}
