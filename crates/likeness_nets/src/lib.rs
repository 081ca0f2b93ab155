//! The networks of bevy_likeness on candle, with their CPU kernels and weight files.

mod bone_point;
mod domain;
mod error;
mod folded;
mod init;
pub mod kernels;
mod landmark;
mod linear;
mod loss;
mod optim;
mod trunk;
mod weights;

pub use bone_point::{BonePointConfig, BonePointNet, BonePointOutput, PriorStart};
pub use domain::{DomainNet, reverse_gradient};
pub use error::{Error, Result};
pub use folded::{FoldedBonePointNet, FoldedLandmarkNet, crop_tensor};
pub use init::SeededInit;
pub use landmark::{LANDMARKS, LandmarkConfig, LandmarkNet};
pub use loss::{bce_with_logits, weighted_squared_error};
pub use optim::{AdamW, AdamWConfig, StepReport, is_trainable};
pub use trunk::{MOMENTUM, ResidualTrunk};
pub use weights::{
    BONE_POINT, CHANNEL_ORDER, CHECKPOINT, LANDMARK, NORMALISATION, Precision, WEIGHTS_FORMAT, Weights, WeightsMeta,
    named_tensors, save_weights,
};
