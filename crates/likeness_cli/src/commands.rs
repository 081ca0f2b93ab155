//! The commands, a module each.

pub(crate) mod bench;
pub(crate) mod code;
pub(crate) mod create;
pub(crate) mod info;
pub(crate) mod landmarks;
#[cfg(feature = "render")]
pub(crate) mod random;
#[cfg(feature = "render")]
pub(crate) mod render;
pub(crate) mod rig;

use crate::error::CliError;
use serde::Serialize;
use std::io::Write as _;
use std::path::Path;

/// How a command that takes many inputs ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every input has its result.
    Complete,
    /// At least one input failed; its line says why.
    SomeFailed,
}

impl Outcome {
    fn from_failures(failed: usize) -> Self {
        if failed == 0 { Self::Complete } else { Self::SomeFailed }
    }
}

/// Prints one JSON line. A reader that went away (a closed pipe) is no error of the inputs.
fn print_json(value: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(value) {
        let mut out = std::io::stdout().lock();
        let _closed_pipe = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

fn create_folder(path: &Path) -> Result<(), CliError> {
    std::fs::create_dir_all(path).map_err(|source| CliError::Io { path: path.to_path_buf(), source })
}
