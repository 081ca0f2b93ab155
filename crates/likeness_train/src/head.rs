//! A rig with everything that belongs to it, loaded from its file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use likeness_rig::{HeadMesh, LandmarkModel, LandmarkSet, Prior, Rig};

use crate::{error::Result, geometry::FaceGeometry};

/// A rig, its mesh, prior and landmarks.
pub struct Head {
    /// The rig.
    pub rig: Rig,
    /// The geometry.
    pub mesh: HeadMesh,
    /// Natural faces.
    pub prior: Prior,
    /// The 68 landmarks, for plain arithmetic.
    pub landmarks: LandmarkModel,
    /// The 68 landmarks, with gradients.
    pub geometry: Arc<FaceGeometry>,
    /// Where the rig was read from.
    pub path: PathBuf,
}

impl Head {
    /// Loads the rig file and the files that it names.
    ///
    /// # Errors
    /// A file is missing, malformed or belongs to another rig.
    pub fn load(path: &Path) -> Result<Self> {
        let rig = Rig::load(path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mesh = HeadMesh::load(&folder.join(&rig.mesh))?;
        let prior = Prior::load(&folder.join(&rig.prior), &rig)?;
        let set = LandmarkSet::load(&folder.join(&rig.landmarks))?;
        let landmarks = LandmarkModel::new(&rig, &mesh, &set)?;
        let geometry = Arc::new(FaceGeometry::new(&rig, &mesh, &set)?);
        Ok(Self { rig, mesh, prior, landmarks, geometry, path: path.to_path_buf() })
    }

    /// The head of this repository.
    pub fn default_rig() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron")
    }
}
