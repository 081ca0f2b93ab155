//! What can go wrong while data is made, networks are trained or evaluated.

use std::path::{Path, PathBuf};

/// An error of the training tools.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A file or folder could not be read or written.
    #[error("{}: {source}: check that the path exists and may be read or written", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line or field of a data file does not read as expected.
    #[error("{}: {field}: {problem}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// The line or field.
        field: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A picture could not be decoded or encoded.
    #[error("{}: {source}: use a JPEG or PNG file that opens elsewhere", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What the codec said.
        source: image::ImageError,
    },
    /// An option has a value that makes no sense.
    #[error("--{option}: {problem}")]
    Option {
        /// The option's long name.
        option: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A trainable tensor received no gradient, so a part of the network would stay frozen without a word.
    #[error("{name}: no gradient after the first backward pass: an operation on its path has none")]
    NoGradient {
        /// The tensor's name.
        name: String,
    },
    /// The loss is not a finite number any more.
    #[error("step {step}: the loss is {loss}: lower --lr or resume from an earlier checkpoint")]
    Diverged {
        /// The step.
        step: u64,
        /// The loss.
        loss: f64,
    },
    /// The device for training is not there.
    #[error("--device {device}: {source}: build with the device's feature (docs/training.md) or leave the option away")]
    Device {
        /// The device.
        device: String,
        /// What candle said.
        source: candle_core::Error,
    },
    /// The processes of a run did not find each other, or are about to do different things.
    #[error("rendezvous {place}: {problem}")]
    Rendezvous {
        /// The file or address.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Another process of a run ended, fell silent or is out of step.
    #[error("rank {rank}: {problem}")]
    Peer {
        /// The other process.
        rank: usize,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The library between the GPUs failed.
    #[cfg(feature = "nccl")]
    #[error("NCCL, {during}: {code}: start again with NCCL_DEBUG=WARN in the environment, then it says why")]
    Nccl {
        /// What was being done.
        during: &'static str,
        /// NCCL's name of the error.
        code: String,
    },
    /// A plot could not be drawn.
    #[error("{}: {problem}", path.display())]
    Plot {
        /// The picture's path.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A worker thread ended early.
    #[error("the data loader stopped: {0}")]
    Loader(String),
    /// The rig crate refused something.
    #[error(transparent)]
    Rig(#[from] likeness_rig::RigError),
    /// The network crate refused something.
    #[error(transparent)]
    Nets(#[from] likeness_nets::Error),
    /// The vision crate refused something.
    #[error(transparent)]
    Vision(#[from] likeness_vision::VisionError),
    /// The renderer failed.
    #[cfg(feature = "render")]
    #[error(transparent)]
    Render(#[from] likeness_render::RenderError),
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Candle(#[from] candle_core::Error),
}

/// The result of a step of the training tools.
pub type Result<T> = std::result::Result<T, TrainError>;

/// Turns an input/output error into a [`TrainError`] that names the path.
pub(crate) fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
    let path = path.to_path_buf();
    move |source| TrainError::Io { path, source }
}

/// An error about one field of a data file.
pub(crate) fn data_error(path: &Path, field: impl Into<String>, problem: impl Into<String>) -> TrainError {
    TrainError::Data { path: path.to_path_buf(), field: field.into(), problem: problem.into() }
}
