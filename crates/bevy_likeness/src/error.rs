//! What can go wrong with a head, and the event that tells about it.

use bevy::asset::AssetPath;
use bevy::prelude::*;
use likeness_rig::RigError;
use likeness_vision::VisionError;
use thiserror::Error;

/// A result of this crate.
pub type Result<T, E = LikenessProblem> = std::result::Result<T, E>;

/// What went wrong. The messages name the file and the field and say what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LikenessProblem {
    /// A file could not be read.
    #[error("{file}: cannot be read: {source}; check the path and the permissions")]
    Io {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A text file is not UTF-8.
    #[error("{file}: not UTF-8 text, so it is no rig file; save it as UTF-8")]
    NotText {
        /// The file.
        file: String,
    },
    /// A path inside a rig file does not parse as an asset path.
    #[error("{file}: {field}: `{path}` is no asset path; write it relative to the rig file, with `/`")]
    BadPath {
        /// The rig file.
        file: String,
        /// The field of the rig.
        field: &'static str,
        /// What the field holds.
        path: String,
    },
    /// A rig, face, prior or landmarks file is wrong.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// An asset that the head needs did not load.
    #[error("{file}: did not load ({problem}); `{field}` names it")]
    AssetFailed {
        /// The asset.
        file: String,
        /// The field of the rig, or of [`PredictionModels`](crate::PredictionModels), that names it; `rig` for the rig.
        field: &'static str,
        /// The asset server's message.
        problem: String,
    },
    /// The mesh has no skin, so it has no joints to move.
    #[error("{file}: the glTF holds no skinned mesh; bind the head to a skeleton and export it with its skin")]
    NoSkin {
        /// The glTF.
        file: String,
    },
    /// The rig names joints that the mesh does not have. The head is shown with its neutral face.
    #[error("{file}: bones: the mesh has no joint named {}; rename the joints in the glTF or in the rig", list(.joints))]
    MissingJoints {
        /// The rig file.
        file: String,
        /// The joints that are missing.
        joints: Vec<String>,
    },
    /// A [`Face`](crate::Face) does not have the rig's number of parameters. Missing ones count as neutral.
    #[error("{file}: a Face has {found} parameters, the rig has {expected}; begin with `Face::neutral(&rig)`")]
    FaceLength {
        /// The rig file.
        file: String,
        /// The face's number of parameters.
        found: usize,
        /// The rig's number of parameters.
        expected: usize,
    },
    /// A photo did not become a face, or a network's weights are wrong.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// A face was asked for on an entity that is no head.
    #[error("PredictFace: the entity has no LikenessHead, so the rig is unknown; add one first")]
    NotAHead,
    /// The threads for prediction could not be started.
    #[error("prediction: no thread could be started: {problem}; close other programs or ask for fewer threads")]
    Threads {
        /// The system's message.
        problem: String,
    },
    /// The prediction thread has ended.
    #[error("prediction: its thread has ended; restart the app")]
    WorkerGone,
    /// A fault inside the prediction.
    #[error("prediction: failed inside ({problem}); try another photo and report this one's size and format")]
    PredictionPanicked {
        /// The panic's message.
        problem: String,
    },
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// Something is wrong with a head. The entity keeps its neutral face, or shows nothing when there is no mesh to show.
///
/// Without an observer the problem is only logged.
#[derive(EntityEvent, Debug)]
pub struct LikenessError {
    /// The head.
    pub entity: Entity,
    /// What is wrong.
    pub problem: LikenessProblem,
}

/// How an asset is named in messages.
pub(crate) fn file_name(path: Option<AssetPath<'_>>) -> String {
    path.map_or_else(|| "an asset made in code".to_owned(), |path| path.without_label().to_string())
}
