//! What can go wrong while rendering.

use std::path::PathBuf;

/// Why a picture could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// No graphics adapter was found, not even a software one.
    #[error(
        "no graphics adapter was found: install a driver, or for software rendering the package mesa-vulkan-drivers"
    )]
    NoAdapter,
    /// The rig or one of the files that it names is missing or broken.
    #[error(transparent)]
    Rig(#[from] likeness_rig::RigError),
    /// An image file could not be read.
    #[error("{}: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        source: image::ImageError,
    },
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The size of a picture is out of range.
    #[error("the picture's size is {size} pixels: give {min} to {max}")]
    Size {
        /// The size asked for.
        size: u32,
        /// The smallest size.
        min: u32,
        /// The largest size.
        max: u32,
    },
    /// A value of a shot is not a number or out of range.
    #[error("shot {shot}: {field} is {value}: {expected}")]
    Shot {
        /// The shot's place in the list.
        shot: usize,
        /// Which value.
        field: &'static str,
        /// The value.
        value: f32,
        /// What is allowed.
        expected: &'static str,
    },
    /// The head could not be spawned from its files.
    #[error("{}: {message}", path.display())]
    Head {
        /// The rig's file.
        path: PathBuf,
        /// What went wrong.
        message: String,
    },
    /// The heads, textures and pipelines were not ready in time.
    #[error("the renderer was not ready after {seconds} s: {waiting}")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// What was still missing.
        waiting: String,
    },
    /// The graphics driver failed.
    #[error("the graphics driver failed: {0}")]
    Driver(String),
}

/// What the functions of this crate return.
pub type Result<T> = std::result::Result<T, RenderError>;
