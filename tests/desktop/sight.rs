//! Pictures of the desktop.

use std::time::Duration;

use image::RgbImage;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, ImageOrder};
use x11rb::rust_connection::RustConnection;

use super::error::{DesktopError, Result};

/// Between two pictures that are compared to see whether anything moves.
pub(crate) const REST: Duration = Duration::from_millis(250);
/// And at least so many frames: what is seen may be some frames old, as games draw one while they make the next.
pub(crate) const FRAMES: u32 = 4;
/// A picture is steady when it differs less than this from the one before.
pub(crate) const STEADY: f32 = 0.02;

/// All pixels of a window.
///
/// # Errors
/// [`DesktopError::PixelFormat`] when they are not of the kind that Xvfb has.
pub(crate) fn picture(connection: &RustConnection, window: u32) -> Result<RgbImage> {
    let size = connection.get_geometry(window)?.reply()?;
    let pixels =
        connection.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.width, size.height, u32::MAX)?.reply()?;
    let is_blue_first = connection.setup().image_byte_order == ImageOrder::LSB_FIRST;
    let count = usize::from(size.width) * usize::from(size.height);
    if !is_blue_first || pixels.depth != 24 || pixels.data.len() != 4 * count {
        return Err(DesktopError::PixelFormat);
    }
    let rgb: Vec<u8> = pixels.data.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    RgbImage::from_raw(size.width.into(), size.height.into(), rgb).ok_or(DesktopError::PixelFormat)
}

/// How much two pictures differ: the mean over all pixels and channels, of 255. Pictures of different sizes differ fully.
pub(crate) fn difference(a: &RgbImage, b: &RgbImage) -> f32 {
    if a.dimensions() != b.dimensions() || a.is_empty() {
        return 255.0;
    }
    let sum: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    (sum as f64 / a.len() as f64) as f32
}

/// Whether nothing is to be seen: all pixels are alike.
pub(crate) fn is_uniform(picture: &RgbImage) -> bool {
    let mut pixels = picture.pixels();
    let first = pixels.next();
    pixels.all(|pixel| Some(pixel) == first)
}
