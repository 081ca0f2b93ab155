//! `head.landmarks.json`: where the 68 iBUG landmarks lie on the mesh.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::read_text_limited;
use crate::{HeadMesh, Result, RigError, write_atomic};

/// The number of landmarks of the iBUG 300-W scheme.
pub const LANDMARK_COUNT: usize = 68;
/// The number of contour landmarks, the first ones: jaw line from the person's right ear over the chin to the left.
pub const CONTOUR_COUNT: usize = 17;

const FORMAT: u32 = 1;
const MAX_BYTES: u64 = 4 << 20;
/// The part of the mesh that the landmarks lie on.
pub(crate) const SKIN: &str = "skin";

/// A point on the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandmarkPoint {
    /// Three vertices of the part `skin`.
    pub triangle: [u32; 3],
    /// Their weights, which sum to one.
    pub weights: [f32; 3],
}

/// The 68 landmarks as points on the part `skin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandmarkSet {
    /// The landmarks seen from the front.
    pub points: Vec<LandmarkPoint>,
    /// The yaws of `contour`, degrees, ascending; positive: the head turned to its left.
    pub contour_yaws: Vec<f32>,
    /// Per yaw the 17 contour landmarks, which slide along the silhouette as the head turns.
    pub contour: Vec<Vec<LandmarkPoint>>,
}

#[derive(Serialize, Deserialize)]
struct LandmarkFile {
    format: u32,
    #[serde(flatten)]
    set: LandmarkSet,
}

impl LandmarkSet {
    /// Reads landmarks from JSON text; `source` names the file in messages.
    ///
    /// # Errors
    /// [`RigError::Syntax`], [`RigError::Format`], and the errors of the shape checks: [`RigError::Shape`] and
    /// [`RigError::OutOfRange`].
    pub fn from_json(text: &str, source: &str) -> Result<Self> {
        let file: LandmarkFile = serde_json::from_str(text)
            .map_err(|error| RigError::Syntax { file: source.into(), problem: error.to_string() })?;
        if file.format != FORMAT {
            return Err(RigError::Format { file: source.into(), found: file.format.into(), known: FORMAT });
        }
        file.set.check_shape(source)?;
        Ok(file.set)
    }

    /// Reads a landmarks file.
    ///
    /// # Errors
    /// [`RigError::Io`], [`RigError::TooLarge`] and the errors of [`LandmarkSet::from_json`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_json(&read_text_limited(path, MAX_BYTES)?, &path.display().to_string())
    }

    /// The landmarks as JSON text.
    ///
    /// # Errors
    /// [`RigError::Syntax`] when a number cannot be written.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(&LandmarkFile { format: FORMAT, set: self.clone() })
            .map_err(|error| RigError::Syntax { file: "landmarks".into(), problem: error.to_string() })
    }

    /// Writes the landmarks file as a whole or not at all.
    ///
    /// # Errors
    /// [`RigError::Io`] with the path.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_atomic(path, self.to_json()?.as_bytes())
    }

    /// Checks the lists' lengths, the yaws' order and the weights.
    fn check_shape(&self, source: &str) -> Result<()> {
        let shape = |field: String, found: usize, expected: usize| {
            if found == expected {
                return Ok(());
            }
            Err(RigError::Shape { file: source.into(), field, found: vec![found], expected: vec![expected] })
        };
        shape("points".into(), self.points.len(), LANDMARK_COUNT)?;
        if self.contour_yaws.is_empty() {
            return Err(RigError::Empty { file: source.into(), field: "contour_yaws".into() });
        }
        shape("contour".into(), self.contour.len(), self.contour_yaws.len())?;
        let mut least = -180.0;
        for yaw in &self.contour_yaws {
            range(source, || "contour_yaws (ascending)".into(), *yaw, least, 180.0)?;
            least = yaw.next_up();
        }
        for (index, row) in self.contour.iter().enumerate() {
            shape(format!("contour[{index}]"), row.len(), CONTOUR_COUNT)?;
        }
        for point in self.points.iter().chain(self.contour.iter().flatten()) {
            for weight in point.weights {
                range(source, || "weights".into(), weight, -1.0, 2.0)?;
            }
            range(source, || "weights (sum)".into(), point.weights.iter().sum(), 0.99, 1.01)?;
        }
        Ok(())
    }

    /// Checks that the landmarks are whole and lie on the mesh; `source` names the file in messages.
    ///
    /// # Errors
    /// [`RigError::Shape`], [`RigError::Empty`] and [`RigError::OutOfRange`] with the field, [`RigError::Mesh`] when the
    /// mesh has no part `skin`.
    pub fn validate(&self, mesh: &HeadMesh, source: &str) -> Result<()> {
        self.check_shape(source)?;
        let skin = mesh.part(SKIN).ok_or_else(|| RigError::Mesh {
            file: source.into(),
            field: SKIN.into(),
            problem: "the mesh has no part of this name".into(),
        })?;
        let last = skin.positions.len().saturating_sub(1) as f32;
        for point in self.points.iter().chain(self.contour.iter().flatten()) {
            for vertex in point.triangle {
                range(source, || "triangle".into(), vertex as f32, 0.0, last)?;
            }
        }
        Ok(())
    }
}

fn range(source: &str, field: impl FnOnce() -> String, value: f32, min: f32, max: f32) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let (value, min, max) = (value.into(), min.into(), max.into());
    Err(RigError::OutOfRange { file: source.into(), field: field(), value, min, max })
}
