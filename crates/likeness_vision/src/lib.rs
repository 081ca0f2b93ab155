//! From a photo to an aligned face crop and a face.
//!
//! [`Photo`] decodes, [`Detector`] finds faces, [`Landmarker`] their 68 points, [`align_crop`] cuts out what the
//! network sees, and [`FacePredictor`] does all of it and answers with a [`Prediction`]:
//!
//! ```no_run
//! use likeness_vision::{FacePredictor, ModelPaths, Photo, PredictOptions};
//!
//! let predictor = FacePredictor::load(&ModelPaths {
//!     rig: "assets/head/head.rig.ron".into(),
//!     landmarks: "assets/models/landmarks.safetensors".into(),
//!     bone_point: "assets/models/bone_point.safetensors".into(),
//!     appearance: Some("assets/models/appearance.safetensors".into()),
//! })?;
//! let photo = Photo::open("selfie.jpg".as_ref())?;
//! let prediction = predictor.predict(&photo, &PredictOptions::default())?;
//! println!("confidence {:.2}, {} parameters", prediction.confidence, prediction.face.parameters.len());
//! # Ok::<(), likeness_vision::VisionError>(())
//! ```
//!
//! Points of pictures are continuous: the first pixel covers 0..1 and has its centre at 0.5; y points down.

mod align;
mod appearance;
mod colors;
mod detect;
mod error;
mod iris;
mod landmarks;
mod photo;
mod photo_skin;
mod predict;
mod quality;
mod region;
mod smile;
mod warp;

pub use align::{align_crop, landmark_crop, landmark_recrop};
pub use appearance::{Appearance, AppearanceReader, OptionAnswer};
pub use colors::{MeasuredColors, measure_colors};
pub use detect::{Detector, FaceBox};
pub use error::{Result, VisionError};
pub use landmarks::Landmarker;
pub use photo::{MAX_MEGAPIXELS, MIN_SIDE, Photo};
pub use photo_skin::open_skin;
pub use predict::{FacePredictor, ModelBytes, ModelPaths, PredictOptions, Prediction, SeveralFaces, StepTimes};
pub use quality::{MAX_YAW, MIN_EYE_DISTANCE, QualityWarning, check_usable, eye_distance, head_pose, warnings};
pub use warp::{cut, warp, warp_planes};
