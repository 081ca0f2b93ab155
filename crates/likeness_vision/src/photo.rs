//! Photos: from a file's bytes to upright RGB pixels.

use crate::error::{Result, VisionError};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use std::io::Cursor;
use std::path::Path;

/// The largest picture that is decoded, in megapixels; the header is checked before anything is decoded.
pub const MAX_MEGAPIXELS: u32 = 60;
/// The least width and height of a picture, in pixels.
pub const MIN_SIDE: u32 = 24;
/// What decoding may allocate at most: the largest picture with four channels of 16 bits, and room to work.
const MAX_DECODE_BYTES: u64 = MAX_MEGAPIXELS as u64 * 1_000_000 * 9;

/// A decoded photo.
#[derive(Clone)]
pub struct Photo {
    /// 8-bit sRGB pixels, turned upright as the EXIF orientation asks.
    pub pixels: RgbImage,
}

impl std::fmt::Debug for Photo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photo({}x{})", self.pixels.width(), self.pixels.height())
    }
}

impl Photo {
    /// Reads a photo from a file; see [`Photo::from_bytes`].
    ///
    /// # Errors
    /// Besides the errors of [`Photo::from_bytes`]: the file is missing, may not be read or is a folder.
    pub fn open(path: &Path) -> Result<Self> {
        let io = |source| VisionError::Io { path: path.to_path_buf(), source };
        let metadata = std::fs::metadata(path).map_err(io)?;
        if metadata.is_dir() {
            return Err(VisionError::Directory { path: path.to_path_buf() });
        }
        Self::from_bytes(&std::fs::read(path).map_err(io)?, &path.display().to_string())
    }

    /// Decodes a JPEG (also CMYK), PNG (also 16-bit) or WebP picture: turned upright, grey spread to three channels,
    /// transparent parts laid over white. The content decides about the format, not the name. `source` names the photo
    /// in errors.
    ///
    /// # Errors
    /// Nothing in the file, another format, a damaged or truncated file, more than [`MAX_MEGAPIXELS`], less than
    /// [`MIN_SIDE`] pixels on a side.
    pub fn from_bytes(bytes: &[u8], source: &str) -> Result<Self> {
        let photo = || source.to_owned();
        if bytes.is_empty() {
            return Err(VisionError::Empty { photo: photo() });
        }
        let format = image::guess_format(bytes)
            .ok()
            .filter(|format| matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP))
            .ok_or_else(|| VisionError::NotAnImage { photo: photo(), found: describe(bytes).to_owned() })?;
        let failed = |error: ImageError| explain(error, source);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.no_limits();
        let mut decoder = reader.into_decoder().map_err(failed)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > u64::from(MAX_MEGAPIXELS) * 1_000_000 {
            return Err(VisionError::TooManyPixels { photo: photo(), width, height, limit: MAX_MEGAPIXELS });
        }
        if width.min(height) < MIN_SIDE {
            return Err(VisionError::PictureTooSmall { photo: photo(), width, height, limit: MIN_SIDE });
        }
        // The JPEG decoder fills what is missing with grey instead of failing.
        if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
            return Err(VisionError::Truncated { photo: photo() });
        }
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(MAX_DECODE_BYTES);
        decoder.set_limits(limits).map_err(failed)?;
        // A broken EXIF block is no reason to refuse the picture.
        let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
        let mut picture = DynamicImage::from_decoder(decoder).map_err(failed)?;
        picture.apply_orientation(orientation);
        Ok(Self { pixels: opaque_rgb(picture) })
    }
}

/// Eight bits, three channels, transparent parts over white.
fn opaque_rgb(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (out, pixel) in rgb.pixels_mut().zip(rgba.pixels()) {
        let [r, g, b, a] = pixel.0.map(u32::from);
        let over = |value: u32| ((value * a + 255 * (255 - a) + 127) / 255) as u8;
        *out = Rgb([over(r), over(g), over(b)]);
    }
    rgb
}

/// Sorts the decoder's errors into ours.
fn explain(error: ImageError, source: &str) -> VisionError {
    let photo = source.to_owned();
    match &error {
        ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => VisionError::Truncated { photo },
        _ => {
            let reason = error.to_string();
            // The PNG decoder reports an early end as a format error.
            if reason.contains("unexpected end of file") || reason.contains("UnexpectedEof") {
                VisionError::Truncated { photo }
            } else {
                VisionError::Damaged { photo, reason }
            }
        }
    }
}

/// A word for people about what a file is, that is none of the formats that are read.
fn describe(bytes: &[u8]) -> &'static str {
    let brand = bytes.get(4..12).unwrap_or_default();
    if brand.starts_with(b"ftyphei") || brand.starts_with(b"ftypmif1") || brand.starts_with(b"ftyphev") {
        "it is a HEIC picture"
    } else if brand.starts_with(b"ftypavi") {
        "it is an AVIF picture"
    } else if image::guess_format(bytes).is_ok() {
        "it is a picture in another format"
    } else if bytes.starts_with(b"%PDF") {
        "it is a PDF document"
    } else if std::str::from_utf8(&bytes[..bytes.len().min(512)])
        .map_or_else(|error| error.valid_up_to() > 500, |_| true)
    {
        "it is text"
    } else {
        "it is something else"
    }
}

/// Whether a JPEG's segments run through to its end-of-image marker. A thumbnail inside a segment has its own marker
/// and is skipped with the segment; bytes after the end are allowed, as phones put videos there.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // The next marker: entropy-coded data has 0xFF only before a stuffed zero or a restart marker.
        let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xFF)) else {
            return false;
        };
        at += found + 1;
        match bytes.get(at) {
            None => return false,
            Some(0xD9) => return true,
            Some(0xFF) => {}
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(_) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else {
                    return false;
                };
                at += 1 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
}
