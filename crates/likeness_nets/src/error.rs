//! What can go wrong.

use std::path::PathBuf;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An impossible network or optimiser setting.
    #[error("network setting `{field}`: {reason}")]
    Config {
        /// The setting.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A gradient that is not finite.
    #[error("the gradient of `{name}` is not finite; lower the learning rate or look at the loss")]
    Gradient {
        /// The variable.
        name: String,
    },
    /// An optimiser's state that does not fit.
    #[error("optimiser state: `{field}` {reason}; resume with the networks that the checkpoint was made with")]
    State {
        /// The tensor's name.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A weight file that is damaged or belongs to something else.
    #[error("{path}: `{field}` {reason}")]
    Weights {
        /// The file.
        path: String,
        /// The tensor or the metadata's field.
        field: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A file could not be written.
    #[error(transparent)]
    Rig(#[from] likeness_rig::RigError),
    /// The tensor library failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A file could not be read.
    #[error("{path}: {source}; check that the path exists and is readable")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}
