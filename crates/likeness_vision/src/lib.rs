//! From a photo to an aligned face crop and a face.

mod align;
mod colors;
mod detect;
mod error;
mod landmarks;
mod photo;
mod predict;
mod quality;
mod warp;

pub use align::{align_crop, landmark_crop, landmark_recrop};
pub use colors::{MeasuredColors, measure_colors};
pub use detect::{Detector, FaceBox};
pub use error::{Result, VisionError};
pub use landmarks::Landmarker;
pub use photo::{MAX_MEGAPIXELS, MIN_SIDE, Photo};
pub use predict::{FacePredictor, ModelBytes, ModelPaths, PredictOptions, Prediction, SeveralFaces, StepTimes};
pub use quality::{MAX_YAW, MIN_EYE_DISTANCE, QualityWarning, check_usable, eye_distance, head_pose, warnings};
pub use warp::{append_planes, cut, to_tensor, warp};
