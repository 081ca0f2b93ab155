//! The networks of bevy_likeness on candle, with their CPU kernels and weight files.

mod bone_point;
mod domain;
mod error;
mod init;
mod kernels;
mod landmark;
mod linear;
mod loss;
mod optim;
mod trunk;

pub use bone_point::{BonePointConfig, BonePointNet, BonePointOutput, PriorStart};
pub use domain::{DomainNet, reverse_gradient};
pub use error::{Error, Result};
pub use init::SeededInit;
pub use landmark::{LANDMARKS, LandmarkConfig, LandmarkNet};
pub use loss::{bce_with_logits, weighted_squared_error};
pub use optim::{AdamW, AdamWConfig, StepReport, is_trainable};
pub use trunk::{MOMENTUM, ResidualTrunk};
