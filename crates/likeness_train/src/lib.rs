//! Synthetic faces, losses, trainers and evaluation for the networks of bevy_likeness.

pub mod augment;
pub mod backdrop;
pub mod checkpoint;
mod console;
pub mod dice;
pub mod effects;
mod error;
pub mod geometry;
pub mod head;
pub mod landmark_data;
pub mod landmark_training;
pub mod loader;
pub mod metrics;
pub mod picture;
pub mod portraits;
pub mod scene;
pub mod schedule;
pub mod shards;
pub mod similarity;
pub mod split;

pub use error::{Result, TrainError};
