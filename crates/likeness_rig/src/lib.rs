//! Face rigs, faces, priors, skinning and projection.
//!
//! A [`Rig`] names the shape bones of a head, the parameters (sliders in 0..1, 0.5 = neutral) that move them, and the
//! appearance options. [`Rig::compile`] turns it into a [`CompiledRig`], which maps parameter values to the offsets of
//! the joints. [`HeadMesh`] holds the geometry and skins it on the CPU; [`LandmarkModel`] gives the 68 iBUG landmarks
//! of a face without skinning the mesh, and [`fit`] fits a face to landmarks seen in a photo.
//!
//! Coordinates: metres, y up, +z out of the face toward the viewer, +x toward the person's left.

mod arkit;
mod atomic;
mod camera;
pub mod color;
mod compile;
pub mod crop;
mod curve;
pub mod draft;
mod error;
mod face;
mod face_file;
pub mod fit;
mod inverse;
mod landmark_model;
mod landmarks;
pub mod linear;
pub mod looks;
mod mesh;
pub mod palette;
mod pose;
mod prior;
mod range_check;
mod rig;
pub mod rig_text;
mod sculpt;
pub mod share_code;
pub mod similarity;
#[cfg(test)]
mod synthetic;

pub use arkit::{ARKIT_NAMES, arkit_index, mirrored_arkit};
pub use atomic::write_atomic;
pub use camera::Camera;
pub use compile::{BoneOffset, CHANNELS, CompiledRig};
pub use curve::Curve;
pub use error::{Result, RigError};
pub use face::Face;
pub use face_file::{FACE_FORMAT, FaceFile, FaceNotice};
pub use landmark_model::{LandmarkModel, LandmarkTensors};
pub use landmarks::{CONTOUR_COUNT, LANDMARK_COUNT, LandmarkPoint, LandmarkSet};
pub use mesh::{HeadMesh, Joint, MeshPart, RestTransform, RigBinding};
pub use pose::HeadPose;
pub use prior::{Prior, latent_distance};
pub use range_check::{RangeCheck, RangeFault};
pub use rig::{AppearanceOption, Bone, Channel, ColorSlot, Detail, Drive, Parameter, RIG_FORMAT, Rig};
pub use sculpt::{Focus, Sculptor, Spot};
