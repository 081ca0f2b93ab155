//! Picture files, written as a whole or not at all.

use crate::error::CliError;
use image::{DynamicImage, ImageFormat};
use likeness_rig::write_atomic;
use std::io::Cursor;
use std::path::Path;

/// Writes a picture as PNG, beside its place first.
pub(crate) fn save_png(picture: &DynamicImage, path: &Path) -> Result<(), CliError> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|source| CliError::Encode { path: path.to_path_buf(), source })?;
    Ok(write_atomic(path, bytes.get_ref())?)
}
