//! What can go wrong in a command as a whole; a single bad photo is reported in its own line instead.

use std::path::PathBuf;

/// A reason for a command to end without its result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CliError {
    /// No folder with the head and the networks was found.
    #[error("found no assets folder (looked at {}); name it with --assets DIR or LIKENESS_ASSETS", looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "))]
    NoAssets {
        /// The folders that were tried.
        looked: Vec<PathBuf>,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that would be written is there already.
    #[error("{} is there already; name another file or add --force", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A rig, face or share code is bad.
    #[error(transparent)]
    Rig(#[from] likeness_rig::RigError),
    /// A photo or network is bad.
    #[error(transparent)]
    Vision(#[from] likeness_vision::VisionError),
    /// A network failed.
    #[error(transparent)]
    Nets(#[from] likeness_nets::Error),
    /// The threads could not be started.
    #[error("the threads could not be started: {0}")]
    Threads(rayon::ThreadPoolBuildError),
    /// A measured process failed.
    #[error("{} ended with {status}", program.display())]
    Child {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// Rendering failed.
    #[cfg(feature = "render")]
    #[error(transparent)]
    Render(#[from] likeness_render::RenderError),
    /// A picture could not be encoded.
    #[error("{}: the picture could not be encoded: {source}", path.display())]
    Encode {
        /// The file to be written.
        path: PathBuf,
        /// What the encoder said.
        source: image::ImageError,
    },
}
