//! Prediction in this process.

use likeness_rig::{HeadMesh, LandmarkSet, Prior, RigError};
use likeness_vision::{FacePredictor, Landmarker, Photo, Prediction};

use crate::error::Result;
use crate::predict::PhotoSource;
use crate::predict::backend::{NamedBytes, PredictionBackend, PredictionFiles, PredictionRequest};

/// How many rigs' networks are kept ready.
const KEPT: usize = 4;

/// Prediction with the networks in this process, on the CPU. The networks of a rig are read at its first photo.
#[derive(Debug, Default)]
pub struct Local {
    /// The most recently used one last.
    ready: Vec<(PredictionFiles, FacePredictor)>,
}

impl Local {
    fn predictor(&mut self, files: &PredictionFiles) -> Result<&FacePredictor> {
        let entry = match self.ready.iter().position(|(known, _)| known.is_same(files)) {
            Some(index) => self.ready.remove(index),
            None => (files.clone(), load(files)?),
        };
        if self.ready.len() >= KEPT {
            self.ready.remove(0);
        }
        let (_, predictor) = self.ready.push_mut(entry);
        Ok(predictor)
    }
}

impl PredictionBackend for Local {
    fn predict(&mut self, request: &PredictionRequest) -> Result<Prediction> {
        let photo = match &request.photo {
            PhotoSource::File(path) => Photo::open(path)?,
            PhotoSource::Bytes(bytes) => Photo::from_bytes(bytes, "the photo")?,
        };
        Ok(self.predictor(&request.files)?.predict(&photo, &request.options)?)
    }
}

fn load(files: &PredictionFiles) -> Result<FacePredictor> {
    let NamedBytes { name, bytes } = &files.prior;
    let prior = Prior::from_bytes(bytes, &files.rig, name)?;
    let NamedBytes { name, bytes } = &files.mesh;
    let mesh = HeadMesh::from_glb(bytes, name)?;
    let NamedBytes { name, bytes } = &files.landmark_points;
    let text = std::str::from_utf8(bytes)
        .map_err(|error| RigError::Syntax { file: name.clone(), problem: error.to_string() })?;
    let points = LandmarkSet::from_json(text, name)?;
    let NamedBytes { name, bytes } = &files.landmarks;
    let landmarker = Landmarker::from_bytes(bytes, name)?;
    let NamedBytes { name, bytes } = &files.bone_point;
    let predictor = FacePredictor::new((*files.rig).clone(), prior, &mesh, &points, landmarker, bytes, name)?;
    match &files.appearance {
        Some(NamedBytes { name, bytes }) => Ok(predictor.with_appearance(bytes, name)?),
        None => Ok(predictor),
    }
}
