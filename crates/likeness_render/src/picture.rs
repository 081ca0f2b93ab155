//! What was drawn, and how the atlas' bytes become pictures.

use bevy::color::{Color, ColorToComponents};
use image::{GrayImage, Rgb, RgbImage, Rgba, RgbaImage};

use crate::atlas::Atlas;
use crate::shot::{Background, Passes, fit_background};

/// The classes of the part mask, by their index: those of common face-parsing networks. Left and right are the person's.
pub const PART_CLASSES: [&str; 11] = [
    "background",
    "face",
    "hair",
    "left_brow",
    "right_brow",
    "left_eye",
    "right_eye",
    "nose",
    "upper_lip",
    "teeth",
    "lower_lip",
];

/// The pictures of one shot.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The lit picture, sRGB; opaque unless the background is [`Background::Transparent`]. Empty (0 x 0) when not asked
    /// for.
    pub color: RgbaImage,
    /// The index into [`PART_CLASSES`] of every pixel.
    pub parts: Option<GrayImage>,
    /// Distance from the camera along its axis, metres, row by row; infinite where there is no head.
    pub depth: Option<Vec<f32>>,
    /// Surface normals in view space (x right, y up, z toward the viewer), -1..1 as 0..255; (128, 128, 255) where there is
    /// no head.
    pub normals: Option<RgbImage>,
}

/// sRGB to linear for every byte, and back for 4,096 steps.
pub(crate) struct Transfer {
    linear: [f32; 256],
    encoded: Vec<u8>,
}

impl Transfer {
    pub(crate) fn new() -> Self {
        let linear = std::array::from_fn(|byte| Color::srgb_u8(byte as u8, 0, 0).to_linear().to_f32_array()[0]);
        let encoded = (0..=4095u32)
            .map(|step| {
                let value = step as f32 / 4095.0;
                let encoded = Color::linear_rgb(value, 0.0, 0.0).to_srgba().red;
                (encoded * 255.0).round() as u8
            })
            .collect();
        Self { linear, encoded }
    }

    /// An sRGB byte in linear light, 0..1.
    pub(crate) fn decode(&self, byte: u8) -> f32 {
        self.linear[byte as usize]
    }

    /// Linear light as the nearest sRGB byte.
    pub(crate) fn encode(&self, value: f32) -> u8 {
        self.encoded[(value.clamp(0.0, 1.0) * 4095.0).round() as usize]
    }

    /// Puts a premultiplied byte (linear light, sRGB encoded) over another one.
    fn over(&self, front: u8, alpha: u8, back: u8) -> u8 {
        let value = self.linear[front as usize] + self.linear[back as usize] * (1.0 - f32::from(alpha) / 255.0);
        self.encode(value)
    }

    /// Undoes the multiplication by alpha.
    fn straight(&self, front: u8, alpha: u8) -> u8 {
        self.encode(self.linear[front as usize] * 255.0 / f32::from(alpha.max(1)))
    }
}

/// Cuts one tile out of the colour atlas and puts it over its background.
pub(crate) fn color_tile(
    bytes: &[u8],
    bytes_per_row: usize,
    atlas: Atlas,
    tile: usize,
    background: &Background,
    transfer: &Transfer,
) -> RgbaImage {
    let size = atlas.size;
    let (x0, y0) = atlas.origin(tile);
    let mut out = RgbaImage::new(size, size);
    let fitted;
    let image = match background {
        Background::Image(picture) if picture.dimensions() != (size, size) => {
            fitted = fit_background(picture, size);
            Some(&fitted)
        }
        Background::Image(picture) => Some(picture.as_ref()),
        _ => None,
    };
    for y in 0..size {
        let start = (y0 + y) as usize * bytes_per_row + x0 as usize * 4;
        let row = &bytes[start..start + size as usize * 4];
        for (x, pixel) in row.chunks_exact(4).enumerate() {
            let (red, green, blue, alpha) = (pixel[0], pixel[1], pixel[2], pixel[3]);
            let x = x as u32;
            let back = match (background, image) {
                (Background::Color(color), _) => *color,
                (_, Some(image)) => image.get_pixel(x, y).0,
                _ => {
                    let straight = |byte| transfer.straight(byte, alpha);
                    out.put_pixel(x, y, Rgba([straight(red), straight(green), straight(blue), alpha]));
                    continue;
                }
            };
            let value = match alpha {
                255 => [red, green, blue, 255],
                0 => [back[0], back[1], back[2], 255],
                _ => [
                    transfer.over(red, alpha, back[0]),
                    transfer.over(green, alpha, back[1]),
                    transfer.over(blue, alpha, back[2]),
                    255,
                ],
            };
            out.put_pixel(x, y, Rgba(value));
        }
    }
    out
}

/// Cuts one tile out of the label atlas (four floats a pixel: depth, class, packed normal, coverage).
pub(crate) fn label_tile(
    bytes: &[u8],
    bytes_per_row: usize,
    atlas: Atlas,
    tile: usize,
    passes: Passes,
    picture: &mut Picture,
) {
    let size = atlas.size;
    let (x0, y0) = atlas.origin(tile);
    let count = (size * size) as usize;
    let mut parts = passes.parts.then(|| GrayImage::new(size, size));
    let mut depth = passes.depth.then(|| Vec::with_capacity(count));
    let mut normals = passes.normals.then(|| RgbImage::from_pixel(size, size, Rgb([128, 128, 255])));
    for y in 0..size {
        let start = (y0 + y) as usize * bytes_per_row + x0 as usize * 16;
        let row = &bytes[start..start + size as usize * 16];
        for (x, pixel) in row.chunks_exact(16).enumerate() {
            let float =
                |i: usize| f32::from_le_bytes([pixel[i * 4], pixel[i * 4 + 1], pixel[i * 4 + 2], pixel[i * 4 + 3]]);
            let covered = float(3) > 0.5;
            if let Some(depth) = &mut depth {
                depth.push(if covered { float(0) } else { f32::INFINITY });
            }
            if !covered {
                continue;
            }
            if let Some(parts) = &mut parts {
                parts.put_pixel(x as u32, y, image::Luma([float(1) as u8]));
            }
            if let Some(normals) = &mut normals {
                let packed = float(2) as u32;
                normals.put_pixel(x as u32, y, Rgb([packed as u8, (packed >> 8) as u8, (packed >> 16) as u8]));
            }
        }
    }
    picture.parts = parts;
    picture.depth = depth;
    picture.normals = normals;
}

/// Puts pictures of one size side by side, row by row, `columns` in a row.
pub fn contact_sheet(pictures: &[RgbaImage], columns: u32) -> RgbaImage {
    let columns = columns.max(1);
    let (width, height) = pictures.first().map_or((0, 0), image::GenericImageView::dimensions);
    let used = columns.min(pictures.len() as u32);
    let rows = (pictures.len() as u32).div_ceil(columns);
    let mut sheet = RgbaImage::new(used * width, rows * height);
    for (i, picture) in pictures.iter().enumerate() {
        let x = i as u32 % columns * width;
        let y = i as u32 / columns * height;
        image::imageops::replace(&mut sheet, picture, i64::from(x), i64::from(y));
    }
    sheet
}
