//! What can predict faces.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use likeness_rig::Rig;
use likeness_vision::{PredictOptions, Prediction};

use crate::error::Result;
use crate::predict::PhotoSource;

/// Something that turns photos into faces: [`Local`](crate::Local) in this process, or code of your own that asks a
/// server. It is given to [`PredictionWorker::new`](crate::PredictionWorker::new), lives on the worker's thread and may
/// block.
pub trait PredictionBackend: Send + 'static {
    /// The face in the photo.
    ///
    /// # Errors
    /// Whatever keeps it from a face; it arrives as [`FacePredictionFailed`](crate::FacePredictionFailed).
    fn predict(&mut self, request: &PredictionRequest) -> Result<Prediction>;
}

/// One photo to predict from.
#[derive(Clone, Debug)]
pub struct PredictionRequest {
    /// The photo. It must not be kept.
    pub photo: PhotoSource,
    /// How to predict.
    pub options: PredictOptions,
    /// The rig and what belongs to it.
    pub files: PredictionFiles,
    pub(crate) cancelled: Arc<AtomicBool>,
}

impl PredictionRequest {
    /// Whether nobody waits for the answer any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// The rig and the contents of the files that prediction for it needs.
#[derive(Clone, Debug)]
pub struct PredictionFiles {
    /// The rig.
    pub rig: Arc<Rig>,
    /// The head mesh, GLB.
    pub mesh: NamedBytes,
    /// The prior, safetensors.
    pub prior: NamedBytes,
    /// Where the landmarks lie on the mesh, JSON.
    pub landmark_points: NamedBytes,
    /// Weights of the landmark network, safetensors.
    pub landmarks: NamedBytes,
    /// Weights of the bone-point network, safetensors.
    pub bone_point: NamedBytes,
    /// Weights of the appearance network, safetensors; without it, options stay at their defaults.
    pub appearance: Option<NamedBytes>,
}

impl PredictionFiles {
    /// Whether both are the very same files, not merely equal ones.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let pairs = [
            (&self.mesh, &other.mesh),
            (&self.prior, &other.prior),
            (&self.landmark_points, &other.landmark_points),
            (&self.landmarks, &other.landmarks),
            (&self.bone_point, &other.bone_point),
        ];
        let same_appearance = match (&self.appearance, &other.appearance) {
            (Some(left), Some(right)) => Arc::ptr_eq(&left.bytes, &right.bytes),
            (None, None) => true,
            _ => false,
        };
        same_appearance
            && Arc::ptr_eq(&self.rig, &other.rig)
            && pairs.iter().all(|(left, right)| Arc::ptr_eq(&left.bytes, &right.bytes))
    }
}

/// The contents of a file.
#[derive(Clone)]
pub struct NamedBytes {
    /// The file, for messages.
    pub name: String,
    /// What it holds.
    pub bytes: Arc<[u8]>,
}

impl std::fmt::Debug for NamedBytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({} bytes)", self.name, self.bytes.len())
    }
}
