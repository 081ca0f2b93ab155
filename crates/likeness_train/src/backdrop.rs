//! Procedural backgrounds: walls, gradients, rooms out of focus.

use image::{Rgb, RgbImage};

use crate::dice::Dice;

/// A description of a background; [`Backdrop::paint`] makes the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Backdrop {
    from: [f32; 3],
    to: [f32; 3],
    angle: f32,
    blobs: Vec<Blob>,
    noise: f32,
    noise_cells: f32,
    noise_seed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Blob {
    x: f32,
    y: f32,
    half_width: f32,
    half_height: f32,
    edge: f32,
    round: bool,
    color: [f32; 3],
}

impl Backdrop {
    /// One colour, sRGB 0..255.
    pub fn plain(color: [f32; 3]) -> Self {
        let blobs = Vec::new();
        Self { from: color, to: color, angle: 0.0, blobs, noise: 0.0, noise_cells: 1.0, noise_seed: 0 }
    }

    /// Draws one at random.
    pub fn draw(dice: &mut Dice) -> Self {
        let base = dice.uniform(15.0, 235.0);
        let tint = |dice: &mut Dice, spread: f32| -> [f32; 3] {
            std::array::from_fn(|_| (base + dice.normal(0.0, spread)).clamp(0.0, 255.0))
        };
        let from = tint(dice, 25.0);
        let to = if dice.chance(0.3) { from } else { tint(dice, 45.0) };
        let blobs = if dice.chance(0.6) { 2 + dice.below(9) } else { 0 };
        let edge = dice.uniform(0.01, 0.12);
        let blobs = (0..blobs)
            .map(|_| Blob {
                x: dice.uniform(0.0, 1.0),
                y: dice.uniform(0.0, 1.0),
                half_width: dice.uniform(0.03, 0.3),
                half_height: dice.uniform(0.05, 0.6),
                edge,
                round: dice.chance(0.4),
                color: tint(dice, 60.0),
            })
            .collect();
        Self {
            from,
            to,
            angle: dice.uniform(0.0, std::f32::consts::TAU),
            blobs,
            noise: dice.uniform(0.0, 28.0),
            noise_cells: dice.uniform(2.0, 24.0),
            noise_seed: dice.below(1 << 30) as u32,
        }
    }

    /// Paints it as a square of `size` pixels.
    pub fn paint(&self, size: u32) -> RgbImage {
        let (sin, cos) = self.angle.sin_cos();
        RgbImage::from_fn(size, size, |x, y| {
            let (u, v) = ((x as f32 + 0.5) / size as f32, (y as f32 + 0.5) / size as f32);
            let along = (0.5 + (u - 0.5) * cos + (v - 0.5) * sin).clamp(0.0, 1.0);
            let mut color: [f32; 3] = std::array::from_fn(|c| self.from[c] * (1.0 - along) + self.to[c] * along);
            for blob in &self.blobs {
                let cover = blob.cover(u, v);
                if cover > 0.0 {
                    color = std::array::from_fn(|c| color[c] + (blob.color[c] - color[c]) * cover);
                }
            }
            let noise = self.noise * (self.value_noise(u, v) - 0.5);
            Rgb(color.map(|value| (value + noise).clamp(0.0, 255.0) as u8))
        })
    }

    fn value_noise(&self, u: f32, v: f32) -> f32 {
        let (x, y) = (u * self.noise_cells, v * self.noise_cells);
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let at = |dx: f32, dy: f32| hash(self.noise_seed, (x0 + dx) as u32, (y0 + dy) as u32);
        let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
        let (fx, fy) = (smooth(fx), smooth(fy));
        (at(0.0, 0.0) * (1.0 - fx) + at(1.0, 0.0) * fx) * (1.0 - fy)
            + (at(0.0, 1.0) * (1.0 - fx) + at(1.0, 1.0) * fx) * fy
    }
}

impl Blob {
    fn cover(&self, u: f32, v: f32) -> f32 {
        let (dx, dy) = ((u - self.x).abs(), (v - self.y).abs());
        let outside = if self.round {
            ((dx / self.half_width).hypot(dy / self.half_height) - 1.0) * self.half_width.min(self.half_height)
        } else {
            (dx - self.half_width).max(dy - self.half_height)
        };
        (0.5 - outside / (2.0 * self.edge)).clamp(0.0, 1.0)
    }
}

fn hash(seed: u32, x: u32, y: u32) -> f32 {
    let mut h = seed ^ x.wrapping_mul(0x85EB_CA6B) ^ y.wrapping_mul(0xC2B2_AE35);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    (h ^ (h >> 15)) as f32 / u32::MAX as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Purpose;

    #[test]
    fn backgrounds_repeat_and_differ() {
        let paint = |index| Backdrop::draw(&mut Dice::new(1, Purpose::Scene, index)).paint(32);
        assert_eq!(paint(1), paint(1));
        assert_ne!(paint(1), paint(2));
    }
}
