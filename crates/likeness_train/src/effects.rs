//! What a camera and a file format do to a picture after the light: applied to renders so that they look less drawn.

use std::io::Cursor;

use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder};

use crate::dice::Dice;

/// The effects of one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effects {
    /// Gaussian blur in pixels.
    pub blur: f32,
    /// Deviation of the noise, 0..255.
    pub noise: f32,
    /// Gain of each channel.
    pub cast: [f32; 3],
    /// Contrast around mid grey.
    pub contrast: f32,
    /// Exponent of the tone curve.
    pub gamma: f32,
    /// JPEG quality of the stored file.
    pub quality: u8,
}

impl Effects {
    /// None, and a file that shows everything.
    pub const NONE: Self = Self { blur: 0.0, noise: 0.0, cast: [1.0; 3], contrast: 1.0, gamma: 1.0, quality: 94 };

    /// Draws them at random.
    pub fn draw(dice: &mut Dice) -> Self {
        Self {
            blur: if dice.chance(0.4) { dice.uniform(0.2, 1.0) } else { 0.0 },
            noise: if dice.chance(0.5) { dice.uniform(0.0, 6.0) } else { 0.0 },
            cast: std::array::from_fn(|_| 1.0 + dice.normal_within(0.04, 0.1)),
            contrast: 1.0 + dice.normal_within(0.1, 0.25),
            gamma: (dice.normal_within(0.12, 0.3)).exp(),
            quality: dice.uniform(60.0, 94.0) as u8,
        }
    }

    /// Applies everything but the file format.
    pub fn apply(&self, picture: &RgbImage, dice: &mut Dice) -> RgbImage {
        // `fast_blur` would blur by 1.4 pixels here, as it does for any deviation below that.
        let mut out = if self.blur > 0.0 { image::imageops::blur(picture, self.blur) } else { picture.clone() };
        let tone: [[f32; 256]; 3] = std::array::from_fn(|c| {
            std::array::from_fn(|byte| {
                let value = (byte as f32 / 255.0).powf(self.gamma) * 255.0;
                (value * self.cast[c] - 118.0) * self.contrast + 118.0
            })
        });
        let width = self.noise * 6f32.sqrt();
        for pixel in out.pixels_mut() {
            let noise = if width > 0.0 { width * (dice.uniform(-0.5, 0.5) + dice.uniform(-0.5, 0.5)) } else { 0.0 };
            for (c, value) in pixel.0.iter_mut().enumerate() {
                *value = (tone[c][*value as usize] + noise).clamp(0.0, 255.0) as u8;
            }
        }
        out
    }
}

/// Encodes a picture as JPEG.
///
/// # Errors
/// The encoder refuses the picture (a side of zero or above 65,535).
pub fn encode_jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut bytes, quality).write_image(
        picture.as_raw(),
        picture.width(),
        picture.height(),
        ExtendedColorType::Rgb8,
    )?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Purpose;

    #[test]
    fn blur_spreads_a_line_by_its_deviation() {
        let line = RgbImage::from_fn(33, 9, |x, _| image::Rgb([if x == 16 { 250 } else { 0 }; 3]));
        for blur in [0.5f32, 0.7, 1.0] {
            let effects = Effects { blur, ..Effects::NONE };
            let blurred = effects.apply(&line, &mut Dice::new(1, Purpose::Effects, 0));
            let row: Vec<f32> = (0..33).map(|x| f32::from(blurred.get_pixel(x, 4).0[0])).collect();
            let sum: f32 = row.iter().sum();
            let variance = row.iter().zip(-16i16..).map(|(value, x)| value * f32::from(x * x)).sum::<f32>() / sum;
            assert!((variance.sqrt() - blur).abs() < 0.1 * blur, "{blur}: {}", variance.sqrt());
        }
    }
}
