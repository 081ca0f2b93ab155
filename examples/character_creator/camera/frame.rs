//! Frames as cameras send them become pixels.

use image::{ImageError, ImageFormat, RgbImage};

/// The mark of a frame of a Motion JPEG: a segment that tells decoders to take the usual Huffman tables for those left out.
const MOTION_JPEG: &[u8] = b"\xff\xe0\x00\x07AVI1\0";

/// How a camera writes its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Each frame is a JPEG, with or without its Huffman tables.
    Mjpeg,
    /// Two pixels in four bytes: a brightness each and one colour for both.
    Yuyv {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes from one row to the next.
        stride: u32,
    },
}

/// A frame cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The camera does not send what was asked for.
    #[error("the camera sends {0}, neither MJPEG nor YUYV")]
    Encoding(String),
    /// There are no such frames.
    #[error("camera frames of {width}x{height} pixels in rows of {stride} bytes are not possible")]
    Layout {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes from one row to the next.
        stride: u32,
    },
    /// The end is missing.
    #[error("a camera frame has {bytes} bytes instead of {needed}")]
    Short {
        /// How many came.
        bytes: u64,
        /// How many it takes.
        needed: u64,
    },
    /// A JPEG is damaged.
    #[error("a camera frame is damaged: {0}")]
    Jpeg(#[from] ImageError),
}

impl Encoding {
    /// The pixels of a frame.
    ///
    /// # Errors
    /// [`FrameError`] with what is wrong with it.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<RgbImage, FrameError> {
        match self {
            Self::Mjpeg => {
                let (start, rest) = bytes.split_at(bytes.len().min(2));
                let marked = [start, MOTION_JPEG, rest].concat();
                Ok(image::load_from_memory_with_format(&marked, ImageFormat::Jpeg)?.into_rgb8())
            }
            Self::Yuyv { width, height, stride } => yuyv(bytes, width, height, stride),
        }
    }
}

fn yuyv(bytes: &[u8], width: u32, height: u32, stride: u32) -> Result<RgbImage, FrameError> {
    let impossible = FrameError::Layout { width, height, stride };
    let row = width.checked_mul(2).filter(|row| *row > 0 && row.is_multiple_of(4) && *row <= stride);
    let (Some(row), Some(last)) = (row, height.checked_sub(1)) else { return Err(impossible) };
    let (had, needed) = (bytes.len() as u64, u64::from(last) * u64::from(stride) + u64::from(row));
    if had < needed {
        return Err(FrameError::Short { bytes: had, needed });
    }
    let pixels = bytes
        .chunks(stride as usize)
        .take(height as usize)
        .flat_map(|line| line[..row as usize].as_chunks::<4>().0)
        .flat_map(|[left, u, right, v]| [color(*left, *u, *v), color(*right, *u, *v)])
        .flatten()
        .collect();
    RgbImage::from_raw(width, height, pixels).ok_or(impossible)
}

/// The colour of a brightness and two colour differences: BT.601 in limited range, by factors in 256ths.
fn color(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = (298 * (i32::from(y) - 16), i32::from(u) - 128, i32::from(v) - 128);
    [y + 409 * v, y - 100 * u - 208 * v, y + 516 * u].map(|channel| ((channel + 128) >> 8).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use image::Rgb;
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    fn close(one: &RgbImage, other: &RgbImage, tolerance: u8) -> bool {
        one.dimensions() == other.dimensions() && one.iter().zip(other.iter()).all(|(a, b)| a.abs_diff(*b) <= tolerance)
    }

    #[test]
    fn known_colors_are_met() {
        let known = [
            ([16, 128, 128], [0, 0, 0]),
            ([126, 128, 128], [128, 128, 128]),
            ([235, 128, 128], [255, 255, 255]),
            ([81, 90, 240], [255, 0, 0]),
            ([145, 54, 34], [0, 255, 0]),
            ([41, 240, 110], [0, 0, 255]),
            ([210, 16, 146], [255, 255, 0]),
            // Brighter than white and darker than black.
            ([255, 128, 128], [255, 255, 255]),
            ([0, 128, 128], [0, 0, 0]),
        ];
        for ([y, u, v], expected) in known {
            let got = color(y, u, v);
            let far = got.iter().zip(expected).map(|(got, expected)| got.abs_diff(expected)).max();
            assert!(far <= Some(2), "{y} {u} {v}: {got:?} for {expected:?}");
        }
    }

    #[test]
    fn rows_may_be_longer_than_their_pixels() {
        // Black and white above red and red; two bytes of each row belong to no pixel, and those of the last are missing.
        let bytes = [16, 128, 235, 128, 7, 7, 81, 90, 81, 240];
        let picture = Encoding::Yuyv { width: 2, height: 2, stride: 6 }.decode(&bytes).unwrap();
        let red = [255, 0, 0];
        let expected = RgbImage::from_raw(2, 2, [[0; 3], [255; 3], red, red].concat()).unwrap();
        assert!(close(&picture, &expected, 2), "{picture:?}");
    }

    #[test]
    fn impossible_layouts_and_short_frames_are_errors() {
        let bytes = [128; 64];
        let layouts =
            [(0, 2, 8), (2, 0, 8), (3, 2, 8), (4, 2, 7), (4, 2, 0), (u32::MAX - 1, 2, u32::MAX), (1 << 31, 1, 0)];
        for (width, height, stride) in layouts {
            let error = Encoding::Yuyv { width, height, stride }.decode(&bytes).unwrap_err();
            assert!(matches!(error, FrameError::Layout { .. }), "{error}");
        }
        for (width, height, stride) in [(4, 9, 8), (4, 8, 9), (4, u32::MAX, u32::MAX), (34, 1, 68)] {
            let error = Encoding::Yuyv { width, height, stride }.decode(&bytes).unwrap_err();
            assert!(matches!(error, FrameError::Short { bytes: 64, .. }), "{error}");
        }
        assert!(Encoding::Yuyv { width: 4, height: 8, stride: 8 }.decode(&bytes).is_ok());
    }

    #[test]
    fn a_jpeg_is_read_with_and_without_its_huffman_tables() {
        let picture = RgbImage::from_fn(48, 32, |x, y| Rgb([5 * x as u8, 7 * y as u8, 90]));
        let mut whole = Vec::new();
        JpegEncoder::new_with_quality(&mut whole, 95).encode_image(&picture).unwrap();
        let decoded = Encoding::Mjpeg.decode(&whole).unwrap();
        assert!(close(&decoded, &picture, 24));
        let bare = without_huffman_tables(&whole);
        assert!(bare.len() < whole.len());
        assert_eq!(Encoding::Mjpeg.decode(&bare).unwrap(), decoded);
        for length in (0..whole.len()).step_by(7) {
            // Half a frame may still be shown; it must only do no harm.
            let _ = Encoding::Mjpeg.decode(&whole[..length]);
        }
        assert!(Encoding::Mjpeg.decode(&[]).is_err());
        assert!(Encoding::Mjpeg.decode(&[7; 100]).is_err());
    }

    /// A JPEG as thrifty cameras send it.
    fn without_huffman_tables(jpeg: &[u8]) -> Vec<u8> {
        let (mut kept, mut rest) = (jpeg[..2].to_vec(), &jpeg[2..]);
        while rest[1] != 0xda {
            let (segment, after) = rest.split_at(2 + usize::from(u16::from_be_bytes([rest[2], rest[3]])));
            if segment[1] != 0xc4 {
                kept.extend(segment);
            }
            rest = after;
        }
        kept.extend(rest);
        kept
    }
}
