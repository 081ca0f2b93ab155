//! What can go wrong on a desktop.

use std::path::PathBuf;
use std::process::ExitStatus;

use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};

/// The result of something done on a desktop.
pub(crate) type Result<T, E = DesktopError> = std::result::Result<T, E>;

/// What went wrong on a desktop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DesktopError {
    /// Xvfb is not installed.
    #[error("Xvfb is not installed (Debian's package xvfb)")]
    NoXvfb,
    /// Xvfb ended before it named its display.
    #[error("Xvfb did not start")]
    NoDisplay,
    /// An example has not been built.
    #[error("the example {example} is not built: cargo build --release --workspace --example {example}")]
    NotBuilt {
        /// Its name.
        example: String,
    },
    /// A program could not be started.
    #[error("{program}: {source}")]
    NotStarted {
        /// Its name.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program ended before its time.
    #[error("{program} ended ({status}); the end of what it said:\n{said}")]
    Ended {
        /// Its name.
        program: String,
        /// How.
        status: ExitStatus,
        /// The last lines that it wrote.
        said: String,
    },
    /// Something did not happen in time.
    #[error("waited {seconds} s for {what}")]
    Timeout {
        /// What did not happen.
        what: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The keyboard lacks a key.
    #[error("the keyboard has no key for {0}")]
    NoKey(String),
    /// A window does not take dropped files.
    #[error("the window does not take the dropped files: {0}")]
    DropRefused(&'static str),
    /// The server sends pixels of another kind than Xvfb.
    #[error("the server's pixels are not 32 bits wide, blue first")]
    PixelFormat,
    /// A line of a log is not JSON.
    #[error("{path}, line {line}: {source}")]
    BadLine {
        /// The log.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The server could not be reached.
    #[error("no connection to the X server: {0}")]
    Connect(#[from] ConnectError),
    /// The connection broke.
    #[error("X server: {0}")]
    Connection(#[from] ConnectionError),
    /// The server refused.
    #[error("X server: {0}")]
    Reply(#[from] ReplyError),
    /// The server refused, or has no identifiers left.
    #[error("X server: {0}")]
    ReplyOrId(#[from] ReplyOrIdError),
}
