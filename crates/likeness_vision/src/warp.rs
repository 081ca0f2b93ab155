//! Resampling of photos by a similarity. Training and inference both go through here.
//!
//! Coordinates are continuous: the pixel in column 0 covers 0..1 and has its centre at 0.5, as cameras project and
//! landmarks count.

use glam::Vec2;
use image::{Rgb, RgbImage};
use likeness_rig::similarity::Similarity;
use std::borrow::Cow;

/// Resamples a photo to a square of `size` pixels. `photo_to_crop` takes photo coordinates to those of the result; what
/// lies outside the photo repeats its edge.
///
/// Where the photo is larger than the result, its pixels are averaged first in whole blocks of about a result's pixel,
/// so that fine patterns do not alias; then follows bilinear sampling. A similarity without an inverse gives a single
/// colour.
#[must_use]
pub fn warp(photo: &RgbImage, photo_to_crop: &Similarity, size: u32) -> RgbImage {
    let mut crop = RgbImage::new(size, size);
    let (width, height) = photo.dimensions();
    let Some(back) = photo_to_crop.inverse().filter(|_| width > 0 && height > 0 && size > 0) else {
        return crop;
    };
    let block = (back.scale().round() as u32).clamp(1, width.max(height));
    let level = if block > 1 {
        Level::averaged(photo, &back, size, block)
    } else {
        Level { pixels: Cow::Borrowed(photo), left: 0, top: 0, block: 1 }
    };
    for (y, row) in crop.rows_mut().enumerate() {
        for (x, pixel) in row.enumerate() {
            let at = back.apply(Vec2::new(x as f32 + 0.5, y as f32 + 0.5));
            *pixel = level.sample(at);
        }
    }
    crop
}

/// Cuts an upright square out of a photo and resamples it to `size` pixels, see [`warp`]. `corner` is its upper left
/// corner and `extent` its side, photo pixels.
#[must_use]
pub fn cut(photo: &RgbImage, corner: Vec2, extent: f32, size: u32) -> RgbImage {
    let scale = size as f32 / extent;
    warp(photo, &Similarity { a: scale, b: 0.0, tx: -corner.x * scale, ty: -corner.y * scale }, size)
}

/// A part of a photo, possibly reduced.
struct Level<'a> {
    pixels: Cow<'a, RgbImage>,
    /// Where the level starts, photo pixels.
    left: u32,
    top: u32,
    /// Photo pixels a pixel of the level.
    block: u32,
}

impl Level<'_> {
    /// The part of the photo under the result, in averages over `block` x `block` pixels.
    fn averaged(photo: &RgbImage, back: &Similarity, size: u32, block: u32) -> Self {
        let (width, height) = photo.dimensions();
        let size = size as f32;
        let corners = [(0.0, 0.0), (size, 0.0), (0.0, size), (size, size)].map(|(x, y)| back.apply(Vec2::new(x, y)));
        let low = corners.iter().copied().fold(Vec2::MAX, Vec2::min) - 2.0 * block as f32;
        let high = corners.iter().copied().fold(Vec2::MIN, Vec2::max) + 2.0 * block as f32;
        // Casts from floats saturate, and a crop beside the photo keeps the nearest edge.
        let (left, top) = ((low.x as u32).min(width - 1), (low.y as u32).min(height - 1));
        let (right, bottom) =
            ((high.x.ceil() as u32).clamp(left + 1, width), (high.y.ceil() as u32).clamp(top + 1, height));
        let (columns, rows) = ((right - left).div_ceil(block), (bottom - top).div_ceil(block));
        let mut reduced = RgbImage::new(columns, rows);
        let mut sums = vec![[0u32; 3]; columns as usize];
        let raw = photo.as_raw();
        for (row, line) in reduced.rows_mut().enumerate() {
            let first = top + row as u32 * block;
            let last = (first + block).min(bottom);
            sums.fill([0; 3]);
            for y in first..last {
                let start = (y as usize * width as usize + left as usize) * 3;
                let end = start + (right - left) as usize * 3;
                for (sum, pixels) in sums.iter_mut().zip(raw[start..end].chunks(block as usize * 3)) {
                    for pixel in pixels.as_chunks::<3>().0 {
                        for (sum, &value) in sum.iter_mut().zip(pixel) {
                            *sum += u32::from(value);
                        }
                    }
                }
            }
            for (column, (pixel, sum)) in line.zip(&sums).enumerate() {
                let across = block.min(right - left - column as u32 * block);
                let count = across * (last - first);
                *pixel = Rgb(sum.map(|sum| ((sum + count / 2) / count) as u8));
            }
        }
        Self { pixels: Cow::Owned(reduced), left, top, block }
    }

    /// The colour at a place of the photo, between the four nearest pixels.
    fn sample(&self, at: Vec2) -> Rgb<u8> {
        let (width, height) = (self.pixels.width() as usize, self.pixels.height() as usize);
        let place = |at: f32, start: u32, count: usize| {
            let at = ((at - start as f32) / self.block as f32 - 0.5).clamp(0.0, (count - 1) as f32);
            let low = (at as usize).min(count - 1);
            (low, (low + 1).min(count - 1), at - low as f32)
        };
        let (x0, x1, fx) = place(at.x, self.left, width);
        let (y0, y1, fy) = place(at.y, self.top, height);
        let raw = self.pixels.as_raw();
        let pixel = |x: usize, y: usize| &raw[(y * width + x) * 3..][..3];
        let (a, b, c, d) = (pixel(x0, y0), pixel(x1, y0), pixel(x0, y1), pixel(x1, y1));
        Rgb(std::array::from_fn(|channel| {
            let [a, b, c, d] = [a, b, c, d].map(|pixel| f32::from(pixel[channel]));
            let upper = a + (b - a) * fx;
            let lower = c + (d - c) * fx;
            (upper + (lower - upper) * fy + 0.5) as u8
        }))
    }
}
