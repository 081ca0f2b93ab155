//! Resampling of photos by a similarity. Training and inference both go through here.
//!
//! Coordinates are continuous: the pixel in column 0 covers 0..1 and has its centre at 0.5, as cameras project and
//! landmarks count.

use glam::Vec2;
use image::RgbImage;
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
    let line = 3 * size as usize;
    let raw: &mut [u8] = &mut crop;
    warp_rows(photo, photo_to_crop, size, |y, [red, green, blue]| {
        let pixels = raw[y * line..][..line].as_chunks_mut::<3>().0;
        for (((pixel, &red), &green), &blue) in pixels.iter_mut().zip(red).zip(green).zip(blue) {
            *pixel = [red, green, blue];
        }
    });
    crop
}

/// What [`warp`] gives, as three planes of `size * size` values 0..255 one after another.
#[must_use]
pub fn warp_planes(photo: &RgbImage, photo_to_crop: &Similarity, size: u32) -> Vec<f32> {
    let side = size as usize;
    let mut planes = vec![0.0; 3 * side * side];
    warp_rows(photo, photo_to_crop, size, |y, rows| {
        for (plane, row) in planes.chunks_exact_mut(side * side).zip(rows) {
            for (value, &byte) in plane[y * side..][..side].iter_mut().zip(row) {
                *value = f32::from(byte);
            }
        }
    });
    planes
}

/// Calls `emit(y, [red, green, blue])` for each row of the result.
fn warp_rows(photo: &RgbImage, photo_to_crop: &Similarity, size: u32, mut emit: impl FnMut(usize, [&[u8]; 3])) {
    let (width, height) = photo.dimensions();
    let Some(back) = photo_to_crop.inverse().filter(|_| width > 0 && height > 0 && size > 0) else {
        return;
    };
    let block = (back.scale().round() as u32).clamp(1, width.max(height));
    let level = if block > 1 {
        Level::averaged(photo, &back, size, block)
    } else {
        Level { pixels: Cow::Borrowed(photo), left: 0, top: 0, block: 1 }
    };
    let side = size as usize;
    let mut row = Row::new(side);
    for y in 0..side {
        row.sample(&level, &back, y);
        emit(y, [&row.result[..side], &row.result[side..2 * side], &row.result[2 * side..]]);
    }
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
        let (block_size, line_size) = (block as usize, (right - left) as usize * 3);
        let mut sums = vec![0u32; line_size];
        let raw = photo.as_raw();
        for (row, line) in reduced.as_chunks_mut::<3>().0.chunks_exact_mut(columns as usize).enumerate() {
            let first = top + row as u32 * block;
            let last = (first + block).min(bottom);
            sums.fill(0);
            for y in first..last {
                let start = (y as usize * width as usize + left as usize) * 3;
                sums.iter_mut().zip(&raw[start..start + line_size]).for_each(|(sum, &value)| *sum += u32::from(value));
            }
            for (pixel, sums) in line.iter_mut().zip(sums.chunks(3 * block_size)) {
                let count = (sums.len() / 3) as u32 * (last - first);
                let (mut red, mut green, mut blue) = (count / 2, count / 2, count / 2);
                for sums in sums.as_chunks::<3>().0 {
                    red += sums[0];
                    green += sums[1];
                    blue += sums[2];
                }
                *pixel = [(red / count) as u8, (green / count) as u8, (blue / count) as u8];
            }
        }
        Self { pixels: Cow::Owned(reduced), left, top, block }
    }
}

/// A row of places on a level: the pixel up and left of each, and the shares of the four pixels around it in 4096ths.
struct Row {
    x: Vec<i32>,
    y: Vec<i32>,
    /// Upper right, lower left and lower right; the upper left has the rest.
    shares: [Vec<i32>; 3],
    /// Three channels.
    result: Vec<u8>,
}

/// Bits of a share, and of a channel's sum: 8 bits of a byte times a share fit.
const SHARE: u32 = 12;
const CHANNEL: u32 = 21;

/// A pixel's three bytes (in the low bits) moved apart, so that one multiplication scales all channels.
#[inline(always)]
fn spread(pixel: u64) -> u64 {
    (pixel & 0xff) | (pixel & 0xff00) << (CHANNEL - 8) | (pixel & 0xff_0000) << (2 * CHANNEL - 16)
}

/// A pixel and its neighbour, three bytes each in the low bits.
#[inline(always)]
fn neighbours(raw: &[u8], at: usize, right: usize) -> (u64, u64) {
    match raw[at..].first_chunk::<8>() {
        Some(&bytes) if right != 0 => {
            let both = u64::from_le_bytes(bytes);
            (both, both >> 24)
        }
        _ => {
            let pixel = |at: usize| u64::from_le_bytes([raw[at], raw[at + 1], raw[at + 2], 0, 0, 0, 0, 0]);
            (pixel(at), pixel(at + right))
        }
    }
}

impl Row {
    fn new(side: usize) -> Self {
        let empty = || vec![0; side];
        Self { x: empty(), y: empty(), shares: [empty(), empty(), empty()], result: vec![0; 3 * side] }
    }

    /// Finds the places of the result's row `y`.
    fn locate(&mut self, level: &Level<'_>, back: &Similarity, y: usize) {
        let (width, height) = level.pixels.dimensions();
        let (last_x, last_y) = ((width - 1) as f32, (height - 1) as f32);
        let (left, top, block) = (level.left as f32, level.top as f32, level.block as f32);
        let down = y as f32 + 0.5;
        let from = (back.tx - back.b * down, back.ty + back.a * down);
        let [right, below, across] = &mut self.shares;
        let shares = right.iter_mut().zip(below).zip(across);
        for (i, ((x, y), ((right, below), across))) in self.x.iter_mut().zip(&mut self.y).zip(shares).enumerate() {
            let along = i as f32 + 0.5;
            let at_x = ((from.0 + back.a * along - left) / block - 0.5).max(0.0).min(last_x);
            let at_y = ((from.1 + back.b * along - top) / block - 0.5).max(0.0).min(last_y);
            (*x, *y) = (at_x as i32, at_y as i32);
            let (part_x, part_y) = (at_x - *x as f32, at_y - *y as f32);
            let one = (1 << SHARE) as f32;
            *across = (part_x * part_y * one + 0.5) as i32;
            *right = (part_x * one + 0.5) as i32 - *across;
            *below = (part_y * one + 0.5) as i32 - *across;
        }
    }

    /// Bilinear samples of the result's row `y`.
    fn sample(&mut self, level: &Level<'_>, back: &Similarity, y: usize) {
        self.locate(level, back, y);
        let side = self.x.len();
        let (width, height) = (level.pixels.width() as usize, level.pixels.height() as usize);
        let raw = level.pixels.as_raw().as_slice();
        let (reds, rest) = self.result.split_at_mut(side);
        let (greens, blues) = rest.split_at_mut(side);
        let [rights, belows, acrosses] = &self.shares;
        let shares = rights.iter().zip(belows).zip(acrosses);
        let places = self.x.iter().zip(&self.y).zip(shares);
        let results = reds.iter_mut().zip(greens).zip(blues);
        let half = spread(0x01_0101) << (SHARE - 1);
        for (((red, green), blue), ((&x, &y), ((&right, &below), &across))) in results.zip(places) {
            let (x, y) = (x as usize, y as usize);
            let next = if x + 1 < width { 3 } else { 0 };
            let under = if y + 1 < height { 3 * width } else { 0 };
            let at = 3 * (y * width + x);
            let (a, b) = neighbours(raw, at, next);
            let (c, d) = neighbours(raw, at + under, next);
            // Rounding can leave the first share at -1: wrapping sums come out right all the same.
            let rest = (1 << SHARE) - right - below - across;
            let scaled = |pixel: u64, share: i32| spread(pixel).wrapping_mul(i64::from(share) as u64);
            let sum = scaled(a, rest)
                .wrapping_add(scaled(b, right))
                .wrapping_add(scaled(c, below))
                .wrapping_add(scaled(d, across))
                .wrapping_add(half)
                >> SHARE;
            (*red, *green, *blue) = (sum as u8, (sum >> CHANNEL) as u8, (sum >> (2 * CHANNEL)) as u8);
        }
    }
}
