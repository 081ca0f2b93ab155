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
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

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

/// The stem of each file, for naming what comes from it; stems that collide get a number.
fn distinct_stems(files: &[PathBuf]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    files
        .iter()
        .map(|file| {
            let stem =
                file.file_stem().map_or_else(|| "unnamed".to_owned(), |stem| stem.to_string_lossy().into_owned());
            let mut name = stem.clone();
            let mut number = 2;
            while !taken.insert(name.clone()) {
                name = format!("{stem}-{number}");
                number += 1;
            }
            name
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_that_collide_get_a_number() {
        let files = ["a/me.jpg", "b/me.png", "me-2.jpg", "c/me.webp"].map(PathBuf::from);
        assert_eq!(distinct_stems(&files), ["me", "me-2", "me-2-2", "me-3"]);
    }
}
