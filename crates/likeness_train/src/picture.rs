//! Pictures in memory and the arithmetic on them: scaling, sampling through a similarity, blur.

use glam::Vec2;
use image::RgbImage;
use likeness_rig::similarity::Similarity;

/// A decoded picture.
pub type Picture = RgbImage;

/// Scales a picture by about `scale` (averaging the pixels that fall together); answers the picture and the exact scale. Scales at
/// or above one leave it as it is.
pub fn shrink(picture: &Picture, scale: f32) -> (Picture, f32) {
    if scale >= 1.0 {
        return (picture.clone(), 1.0);
    }
    let width = ((picture.width() as f32 * scale).round() as u32).max(1);
    let height = ((picture.height() as f32 * scale).round() as u32).max(1);
    let small = image::imageops::resize(picture, width, height, image::imageops::FilterType::Triangle);
    (small, width as f32 / picture.width() as f32)
}

/// A square picture of floats, planes one after another, values 0..255.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    /// Pixels on a side.
    pub size: usize,
    /// Three planes of `size * size`.
    pub data: Vec<f32>,
}

impl Planes {
    /// The part of `picture` that `to_crop` (picture to crop) brings into a square of `size` pixels, as prediction sees it.
    pub fn crop(picture: &Picture, to_crop: &Similarity, size: usize) -> Self {
        Self { size, data: likeness_vision::warp_planes(picture, to_crop, size as u32) }
    }

    /// Blurs by a Gaussian of `sigma` pixels, the edge pixels going on outside.
    pub fn blur(&mut self, sigma: f32) {
        if sigma < 0.2 {
            return;
        }
        let radius = (2.5 * sigma).ceil() as usize;
        let mut kernel: Vec<f32> = (0..=radius).map(|i| (-(i as f32).powi(2) / (2.0 * sigma * sigma)).exp()).collect();
        let sum = kernel[0] + 2.0 * kernel[1..].iter().sum::<f32>();
        kernel.iter_mut().for_each(|k| *k /= sum);
        let n = self.size;
        let mut line = vec![0.0; n + 2 * radius];
        let mut across = vec![0.0; n * n];
        for plane in self.data.chunks_exact_mut(n * n) {
            // Both passes add whole rows at a time, which run along memory.
            for (row, out) in plane.chunks_exact(n).zip(across.chunks_exact_mut(n)) {
                line[..radius].fill(row[0]);
                line[radius..radius + n].copy_from_slice(row);
                line[radius + n..].fill(row[n - 1]);
                let middle = line[radius..].iter();
                out.iter_mut().zip(middle).for_each(|(out, value)| *out = kernel[0] * value);
                for (offset, &k) in kernel.iter().enumerate().skip(1) {
                    add_scaled(out, k, &line[radius - offset..], &line[radius + offset..]);
                }
            }
            for (y, out) in plane.chunks_exact_mut(n).enumerate() {
                let row = across[y * n..][..n].iter();
                out.iter_mut().zip(row).for_each(|(out, value)| *out = kernel[0] * value);
                for (offset, &k) in kernel.iter().enumerate().skip(1) {
                    let (above, below) = (y.saturating_sub(offset), (y + offset).min(n - 1));
                    add_scaled(out, k, &across[above * n..], &across[below * n..]);
                }
            }
        }
    }

    /// Appends the picture to a batch, scaled to -1..1.
    pub fn append_normalised(&self, batch: &mut Vec<f32>) {
        batch.extend(self.data.iter().map(|value| value.clamp(0.0, 255.0) / 127.5 - 1.0));
    }
}

fn add_scaled(out: &mut [f32], k: f32, a: &[f32], b: &[f32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out += k * (a + b);
    }
}

/// The similarity that turns by `angle` radians, scales by `scale` and moves by `shift`, all about `centre`.
pub fn about(centre: Vec2, angle: f32, scale: f32, shift: Vec2) -> Similarity {
    let (a, b) = (scale * angle.cos(), scale * angle.sin());
    Similarity {
        a,
        b,
        tx: centre.x - a * centre.x + b * centre.y + shift.x,
        ty: centre.y - b * centre.x - a * centre.y + shift.y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Picture {
        Picture::from_fn(32, 32, |x, y| image::Rgb([(x * 4) as u8, (y * 4) as u8, 9]))
    }

    #[test]
    fn a_crop_follows_the_similarity() {
        let shifted = Similarity { a: 1.0, b: 0.0, tx: -0.5, ty: -2.0 };
        let planes = Planes::crop(&ramp(), &shifted, 16);
        assert_eq!(planes.data[3 * 16 + 4], 18.0);
        assert_eq!(planes.data[256 + 3 * 16 + 4], 20.0);
        assert_eq!(planes.data[512], 9.0);
    }

    #[test]
    fn a_turn_about_a_point_leaves_it_there() {
        let centre = Vec2::new(5.0, 7.0);
        let moved = about(centre, 0.7, 1.3, Vec2::new(1.0, -2.0)).apply(centre);
        assert!(moved.distance(centre + Vec2::new(1.0, -2.0)) < 1e-5);
    }

    #[test]
    fn blur_keeps_the_mean_and_lowers_the_contrast() {
        let mut planes = Planes { size: 16, data: (0..768).map(|i| if i % 2 == 0 { 0.0 } else { 200.0 }).collect() };
        planes.blur(1.5);
        let middle = planes.data[8 * 16 + 8];
        assert!((middle - 100.0).abs() < 5.0, "{middle}");
    }

    #[test]
    fn shrinking_averages() {
        let (small, scale) = shrink(&ramp(), 0.5);
        assert_eq!((small.width(), scale), (16, 0.5));
    }
}
