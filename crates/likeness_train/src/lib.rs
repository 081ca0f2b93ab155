//! Synthetic faces, losses, trainers and evaluation for the networks of bevy_likeness.

pub mod appearance_data;
pub mod appearance_training;
pub mod augment;
pub mod backdrop;
pub mod bone_data;
pub mod bone_losses;
pub mod bone_measure;
pub mod bone_training;
pub mod checkpoint;
mod console;
pub mod device;
pub mod dice;
pub mod domain_loss;
pub mod effects;
pub mod ensemble;
mod error;
pub mod evaluate;
#[cfg(feature = "render")]
pub mod faces;
pub mod geometry;
pub mod head;
pub mod landmark_data;
pub mod landmark_training;
pub mod loader;
pub mod metrics;
pub mod photo_looks;
pub mod picture;
pub mod plot;
pub mod population;
pub mod portraits;
mod run_log;
pub mod run_options;
pub mod scene;
pub mod schedule;
pub mod shape_space;
pub mod shards;
pub mod similarity;
pub mod split;
pub mod variety;

pub use error::{Result, TrainError};
