//! Where the head and the networks lie.

use crate::error::CliError;
use likeness_vision::{FacePredictor, ModelPaths};
use std::path::{Path, PathBuf};

/// The folder of the head and the networks.
pub(crate) struct Assets {
    root: PathBuf,
}

impl Assets {
    /// Takes the folder that was asked for, else `LIKENESS_ASSETS`, else `assets` in the current folder or beside the program.
    pub(crate) fn locate(asked: Option<PathBuf>) -> Result<Self, CliError> {
        let asked = asked.or_else(|| std::env::var_os("LIKENESS_ASSETS").map(PathBuf::from));
        let candidates = match asked {
            Some(root) => vec![root],
            None => {
                let mut candidates = vec![PathBuf::from("assets")];
                let program = std::env::current_exe().ok();
                candidates.extend(program.as_deref().and_then(Path::parent).map(|folder| folder.join("assets")));
                candidates
            }
        };
        match candidates.iter().find(|root| root.join("head").is_dir()) {
            Some(root) => Ok(Self { root: root.clone() }),
            None => Err(CliError::NoAssets { looked: candidates }),
        }
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The rig to use: the one asked for or the bundled head's.
    pub(crate) fn rig_path(&self, asked: Option<&Path>) -> PathBuf {
        asked.map_or_else(|| self.root.join("head/head.rig.ron"), Path::to_path_buf)
    }

    /// The whole path from a photo to a face. The bundled appearance network serves the bundled head alone.
    pub(crate) fn predictor(&self, rig: Option<&Path>, bone_point: Option<&Path>) -> Result<FacePredictor, CliError> {
        let appearance = self.network("appearance");
        Ok(FacePredictor::load(&ModelPaths {
            rig: self.rig_path(rig),
            landmarks: self.network("landmarks"),
            bone_point: bone_point.map_or_else(|| self.network("bone_point"), Path::to_path_buf),
            appearance: (rig.is_none() && appearance.exists()).then_some(appearance),
        })?)
    }

    /// A bundled network's weights.
    pub(crate) fn network(&self, name: &str) -> PathBuf {
        self.root.join("models").join(name).with_extension("safetensors")
    }

    /// A bundled photo.
    pub(crate) fn photo(&self, name: &str) -> PathBuf {
        self.root.join("photos").join(name)
    }
}
