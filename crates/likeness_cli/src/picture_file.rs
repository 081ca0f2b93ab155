//! Picture files: PNGs written as a whole or not at all, and skins read with limits.

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

/// The largest skin that is read, pixels a side.
#[cfg(feature = "render")]
const MOST_PIXELS: u32 = 4096;

/// Reads the picture of a skin.
#[cfg(feature = "render")]
pub(crate) fn open_skin(path: &Path) -> Result<image::RgbaImage, CliError> {
    let damaged = |source| CliError::Decode { path: path.to_path_buf(), source };
    let mut reader =
        image::ImageReader::open(path).map_err(|source| CliError::Io { path: path.to_path_buf(), source })?;
    reader.set_format(ImageFormat::Png);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    reader.limits(limits);
    Ok(reader.decode().map_err(damaged)?.to_rgba8())
}
