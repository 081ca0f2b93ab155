//! The networks of bevy_likeness on candle, with their CPU kernels and weight files.
//!
//! - [`BonePointNet`] looks at a face crop and answers bone parameters, expression and pose; [`DomainNet`] behind
//!   [`reverse_gradient`] keeps its features the same for photos and renders. [`LandmarkNet`] finds 68 points, [`AppearanceNet`] hair,
//!   brows, beard, glasses and colours.
//! - Training: [`SeededInit`] fills a `VarMap`, [`AdamW`] changes it. On the CPU a run repeats bit for bit with the same seed,
//!   whatever the number of threads, and goes on exactly from [`AdamW::state`] and the saved variables.
//! - Use: [`Weights`] checks a file and builds the network, [`BonePointNet::fold`] makes it fast. A single crop is spread over
//!   the current rayon pool; a game gives it a small pool of its own and calls it inside `ThreadPool::install`.
//! - [`kernels`] has the convolution and normalisation as layers for further networks.
//!
//! # Training
//! ```no_run
//! use candle_core::{DType, Device, Tensor};
//! use likeness_nets::*;
//! # fn example(batch: impl Fn() -> (Tensor, Tensor, Tensor)) -> Result<()> {
//! let map = candle_nn::VarMap::new();
//! let vb = SeededInit::builder(&map, 42, &Device::Cpu);
//! let config = BonePointConfig::new(220); // parameters of the rig; pass Some((&prior).into()) to start at its mean
//! let net = BonePointNet::new(&config, vb.pp("bone_point"), None)?;
//! let domain = DomainNet::new(config.hidden[0], vb.pp("domain"))?;
//! let mut optimiser = AdamW::new(&map, AdamWConfig::default())?;
//! let weights = Tensor::ones(220, DType::F32, &Device::Cpu)?;
//! for step in 0..1000 {
//!     let (images, truth, domains) = batch(); // [n, 3, 128, 128] as crop_tensor makes it, [n, 220], [n]
//!     let output = net.forward(&images, true)?;
//!     let first = bce_with_logits(&domain.forward(&reverse_gradient(&output.features, 0.1)?)?, &domains)?;
//!     let second = weighted_squared_error(&output.parameters, &truth, &weights)?;
//!     let gradients = backward(&(first + second)?)?;
//!     assert!(step > 0 || optimiser.missing(&gradients).iter().all(|name| name.contains(".side")));
//!     optimiser.step(&gradients)?;
//! }
//! let meta = WeightsMeta::new(BONE_POINT, &config, config.input)?; // .for_rig(&rig)
//! save_weights("net.safetensors".as_ref(), &named_tensors(&map, "bone_point."), &meta, Precision::F16)?;
//! # Ok(()) }
//! ```
//! candle's own elementwise operations spin on a pool of their own; on a machine that does other work too, training is faster
//! with `CANDLE_NUM_THREADS=1` in the environment.
//!
//! # Use
//! ```no_run
//! # use likeness_nets::*;
//! # fn example(rig: &likeness_rig::Rig, rgb: &[u8]) -> Result<()> {
//! let weights = Weights::load("net.safetensors".as_ref())?;
//! weights.expect_architecture(BONE_POINT)?;
//! weights.expect_rig(rig)?;
//! let config: BonePointConfig = weights.config()?;
//! let net = weights.build(|vb| BonePointNet::new(&config, vb, None))?.fold()?;
//! let face = net.forward(&crop_tensor(&[rgb], config.input)?)?.parameters.get(0)?.to_vec1::<f32>()?;
//! # Ok(()) }
//! ```

mod appearance;
mod bone_point;
mod collect;
mod domain;
mod error;
mod folded;
mod init;
pub mod kernels;
mod landmark;
mod linear;
mod loss;
mod mirror;
mod onnx;
mod optim;
mod trunk;
mod weights;

pub use appearance::{
    AppearanceConfig, AppearanceNet, AppearanceOutput, OptionHead, cross_entropy, decoded, encoded, partial_label_loss,
    softmax,
};
pub use bone_point::{BonePointConfig, BonePointNet, BonePointOutput, PriorStart};
pub use collect::backward;
pub use domain::{DomainNet, reverse_gradient};
pub use error::{Error, Result};
pub use folded::{FoldedAppearanceNet, FoldedBonePointNet, FoldedLandmarkNet, crop_tensor};
pub use init::SeededInit;
pub use landmark::{LANDMARKS, LandmarkConfig, LandmarkNet};
pub use loss::{bce_with_logits, weighted_squared_error};
pub use optim::{AdamW, AdamWConfig, StepReport, is_trainable};
pub use trunk::{MOMENTUM, ResidualTrunk};
pub use weights::{
    APPEARANCE, BONE_POINT, CHANNEL_ORDER, CHECKPOINT, LANDMARK, NORMALISATION, PhotoAnswers, Precision,
    WEIGHTS_FORMAT, Weights, WeightsMeta, named_tensors, save_weights,
};
