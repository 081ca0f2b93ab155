//! The picture that hair cards and brows are cut from: coverage, and how bright each hair is.
//!
//! Strips of hairs stand side by side in the upper three quarters, roots at the top; below lie the brows, four in a row,
//! inner ends on the left.

use glam::Vec2;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    error::{HeadError, Result},
    textures::noise::{hash, noise, ramp, unit},
};

/// Side of the picture, texels.
const SIZE: usize = 1024;
/// Rows of the strips.
const ROWS: usize = 768;
/// Clear texels at the sides of a strip.
const GAP: usize = 6;
/// Texels of a brow.
const BROW: [usize; 2] = [256, 128];

/// A strip of hairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strip {
    /// Straight hairs without gaps.
    Dense,
    /// The same with other hairs.
    Dense2,
    /// Straight hairs with gaps.
    Medium,
    /// Waved hairs without gaps.
    Wavy,
    /// Curled hairs.
    Curly,
    /// Few straight hairs.
    Sparse,
}

impl Strip {
    const ALL: [Self; 6] = [Self::Dense, Self::Dense2, Self::Medium, Self::Wavy, Self::Curly, Self::Sparse];

    /// First and last column.
    fn columns(self) -> [usize; 2] {
        match self {
            Self::Dense => [0, 176],
            Self::Dense2 => [176, 352],
            Self::Medium => [352, 528],
            Self::Wavy => [528, 704],
            Self::Curly => [704, 880],
            Self::Sparse => [880, 1024],
        }
    }

    /// Texture coordinates of a place on a card: across 0..1, and along from root to tip 0..1.
    pub fn uv(self, across: f32, along: f32) -> Vec2 {
        let [low, high] = self.columns().map(|x| x as f32);
        let (gap, last) = (GAP as f32, ROWS as f32 - 10.0);
        Vec2::new(low + gap + (high - low - 2.0 * gap) * across, 2.0 + along * last) / SIZE as f32
    }
}

/// Texture coordinates of a place of brow `style`: along from the inner end and across upward, both 0..1.
pub fn brow_uv(style: usize, along: f32, across: f32) -> Vec2 {
    let [width, height] = BROW.map(|x| x as f32);
    let corner = Vec2::new((style % 4) as f32 * width, ROWS as f32 + (style / 4) as f32 * height);
    (corner + Vec2::new(along * width, (1.0 - across) * height)) / SIZE as f32
}

/// A picture of coverage and brightness, both 0..1.
pub struct Canvas {
    width: usize,
    height: usize,
    cover: Vec<f32>,
    shade: Vec<f32>,
}

impl Canvas {
    /// A clear canvas.
    pub fn new(width: usize, height: usize, shade: f32) -> Self {
        Self { width, height, cover: vec![0.0; width * height], shade: vec![shade; width * height] }
    }

    /// Puts a spot over what is there.
    fn dab(&mut self, x: usize, y: usize, cover: f32, shade: f32) {
        let at = y * self.width + x;
        let cover = cover.clamp(0.0, 1.0);
        self.shade[at] += (shade - self.shade[at]) * cover;
        self.cover[at] += (1.0 - self.cover[at]) * cover;
    }

    /// Draws a line from `a` to `b` (texels) whose half widths and strengths are given for both ends; where it leaves the
    /// canvas it comes back on the other side when `wraps`.
    pub fn line(&mut self, [a, b]: [Vec2; 2], half: [f32; 2], strength: [f32; 2], shade: f32, wraps: bool) {
        let reach = half[0].max(half[1]) + 1.0;
        let low = (a.min(b) - reach).floor();
        let high = (a.max(b) + reach).ceil();
        let way = b - a;
        for y in low.y as i32..=high.y as i32 {
            for x in low.x as i32..=high.x as i32 {
                let p = Vec2::new(x as f32 + 0.5, y as f32 + 0.5);
                let t = ((p - a).dot(way) / way.length_squared().max(1e-9)).clamp(0.0, 1.0);
                let distance = (a + way * t).distance(p);
                let half = half[0] + (half[1] - half[0]) * t;
                let cover = ramp(half + 0.6, half - 0.6, distance) * (half / 0.6).min(1.0);
                if cover <= 0.0 {
                    continue;
                }
                let (mut x, mut y) = (x, y);
                if wraps {
                    (x, y) = (x.rem_euclid(self.width as i32), y.rem_euclid(self.height as i32));
                }
                if x >= 0 && y >= 0 && (x as usize) < self.width && (y as usize) < self.height {
                    // A hair is darker at its sides, like a cylinder.
                    let round = 1.0 - 0.25 * (distance / half.max(0.6)).min(1.0).powi(2);
                    let strength = strength[0] + (strength[1] - strength[0]) * t;
                    self.dab(x as usize, y as usize, cover * strength, shade * round);
                }
            }
        }
    }

    /// Brightness and coverage as a PNG file.
    ///
    /// # Errors
    /// If the picture cannot be encoded.
    pub fn png(&self, name: &str) -> Result<Vec<u8>> {
        let byte = |x: f32| (x.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        // The eye sees little of the last bits, and the file is much smaller without them.
        let coarse = |x: f32| byte((x * 31.0).round() / 31.0);
        let pixels: Vec<u8> = self
            .shade
            .iter()
            .zip(&self.cover)
            .flat_map(|(&shade, &cover)| [coarse(shade.powf(1.0 / 2.2)), coarse(cover)])
            .collect();
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(&pixels, self.width as u32, self.height as u32, ExtendedColorType::La8)
            .map_err(|source| HeadError::Image { path: name.into(), source })?;
        Ok(png)
    }
}

/// How the hairs of a strip look.
struct Hairs {
    /// Broad dark hairs that close the middle of the strip, below the others.
    ground: usize,
    count: usize,
    /// Half widths, texels.
    half: [f32; 2],
    /// Sideways swing, texels, and how many swings there are from root to tip.
    swing: [f32; 2],
    /// Aimless wandering, texels.
    wander: f32,
    /// Where hairs end, earliest.
    shortest: f32,
}

const STRAIGHT: Hairs = Hairs { ground: 0, count: 0, half: [0.6, 1.25], swing: [0.0, 0.0], wander: 4.0, shortest: 0.8 };

/// The strips and the brows.
///
/// # Errors
/// If the picture cannot be encoded.
pub fn strands() -> Result<Vec<u8>> {
    let mut canvas = Canvas::new(SIZE, SIZE, 0.55);
    for (number, strip) in Strip::ALL.into_iter().enumerate() {
        let hairs = match strip {
            Strip::Dense | Strip::Dense2 => Hairs { ground: 46, count: 220, shortest: 0.89, ..STRAIGHT },
            Strip::Medium => Hairs { count: 105, wander: 7.0, shortest: 0.74, ..STRAIGHT },
            Strip::Wavy => Hairs { ground: 24, count: 190, swing: [9.0, 2.6], wander: 7.0, shortest: 0.74, ..STRAIGHT },
            Strip::Curly => {
                Hairs { count: 120, half: [0.8, 1.5], swing: [22.0, 7.0], wander: 9.0, shortest: 0.62, ..STRAIGHT }
            }
            Strip::Sparse => Hairs { count: 26, half: [0.6, 1.2], wander: 10.0, shortest: 0.5, ..STRAIGHT },
        };
        draw_strip(&mut canvas, strip, &hairs, 300 + number as u64);
    }
    for style in 0..super::brows::STYLES.len() {
        super::brows::draw(&mut canvas, style, [(style % 4) * BROW[0], ROWS + (style / 4) * BROW[1]], BROW);
    }
    canvas.png("hair.png")
}

fn draw_strip(canvas: &mut Canvas, strip: Strip, hairs: &Hairs, seed: u64) {
    const STEP: usize = 8;
    // Hairs keep together in locks, which shade and end alike and come to points.
    const LOCKS: f32 = 8.0;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let [first, last] = strip.columns().map(|x| x as f32);
    let middle = (first + last) / 2.0;
    let half_strip = (last - first) / 2.0 - GAP as f32;
    for hair in 0..hairs.ground + hairs.count {
        let is_ground = hair < hairs.ground;
        // Fewer toward the sides, so that a band ends in hairs and not in an edge.
        let place = {
            let even: f32 = rng.random_range(-1.0..1.0);
            let place = even.signum() * (1.0 - (1.0 - even.abs()).powf(0.62));
            if is_ground { place * 0.85 } else { place }
        };
        // Locks are of uneven width.
        let across = (place + 1.0) * 0.5 * LOCKS + 0.45 * noise(glam::Vec3::new(place * 3.5, 0.0, 7.5), seed as u32);
        let lock = across.floor();
        let aside = (across - lock) * 2.0 - 1.0;
        let lock_number = unit(hash(lock as i32, 0, 0, seed as u32));
        let depth = (hair - if is_ground { 0 } else { hairs.ground }) as f32 / hairs.count as f32;
        // Dark between the locks, and below.
        let round = 1.0 - aside * aside;
        let own = rng.random_range(-0.09..0.09f32);
        let shade = if is_ground {
            0.20 + 0.14 * round + 0.5 * own
        } else {
            0.26 + 0.30 * depth + 0.30 * round + 0.14 * (lock_number - 0.5) + own
        };
        let shade = shade.clamp(0.12, 1.0);
        let half = rng.random_range(hairs.half[0]..hairs.half[1]) * if is_ground { 2.6 } else { 1.0 };
        let own: f32 = rng.random();
        let end = (hairs.shortest + (1.0 - hairs.shortest) * (0.6 * lock_number + 0.4 * own)).min(0.985)
            * if is_ground { 0.93 } else { 1.0 };
        // Most begin at once, so that little is missing at a parting, and some later: roots make no edge.
        let start = 0.060 * rng.random::<f32>().powi(2);
        let phase = lock_number * 1.2 + rng.random_range(-0.22..0.22);
        let frequency = rng.random_range(0.9..1.12);
        let x_at = |t: f32| -> f32 {
            let wander =
                hairs.wander * noise(glam::Vec3::new(t * 2.6, place * 3.0 + hair as f32 * 0.02, 0.5), seed as u32);
            let room = half_strip - hairs.swing[0] - 2.0;
            let gather = 1.0 - 0.22 * t * t;
            let lock_middle = (lock + 0.5) / LOCKS * 2.0 - 1.0;
            let x = place + (lock_middle - place) * (0.25 * t + 0.35 * ramp(0.6, 1.0, t));
            let swing = hairs.swing[0]
                * ramp(0.0, 0.08, t)
                * ((t * hairs.swing[1] * frequency + phase) * std::f32::consts::TAU).sin();
            // Hairs that would wander out turn back.
            let x = x * gather * room + wander;
            let over = (x.abs() - room).max(0.0);
            x - x.signum() * 2.0 * over + swing + middle
        };
        let rows = ROWS as f32 - 8.0;
        let mut t0 = start;
        while t0 < end {
            let t1 = (t0 + STEP as f32 / rows).min(end);
            let thin = |t: f32| half * (0.30 + 0.70 * ramp(end, end - 0.22, t));
            let strength = |t: f32| ramp(start - 0.005, start + 0.012, t) * (0.25 + 0.75 * ramp(end, end - 0.08, t));
            let at = |t: f32| Vec2::new(x_at(t), 2.0 + t * rows);
            canvas.line([at(t0), at(t1)], [thin(t0), thin(t1)], [strength(t0), strength(t1)], shade, false);
            t0 = t1;
        }
    }
}

/// A tile of hair stubs as they stand on shaved skin: short strokes, mostly downward.
///
/// # Errors
/// If the picture cannot be encoded.
pub fn stubble() -> Result<Vec<u8>> {
    const SIDE: usize = 256;
    // What grows under the skin darkens it between the stubs.
    let mut canvas = Canvas::new(SIDE, SIDE, 0.45);
    canvas.cover.fill(0.40);
    let mut rng = ChaCha8Rng::seed_from_u64(77);
    for _ in 0..2100 {
        let from = Vec2::new(rng.random_range(0.0..SIDE as f32), rng.random_range(0.0..SIDE as f32));
        let angle = rng.random_range(-0.7..0.7f32);
        let length = rng.random_range(3.0..9.0f32);
        let to = from + Vec2::new(angle.sin(), angle.cos()) * length;
        let half = rng.random_range(0.55..0.95);
        canvas.line([from, to], [half, half * 0.6], [0.95, 0.6], rng.random_range(0.35..0.95), true);
    }
    canvas.png("stubble.png")
}

/// A tile of small curls, for the shells of afro hair.
///
/// # Errors
/// If the picture cannot be encoded.
pub fn curls() -> Result<Vec<u8>> {
    const SIDE: usize = 256;
    let mut canvas = Canvas::new(SIDE, SIDE, 0.25);
    let mut rng = ChaCha8Rng::seed_from_u64(78);
    for number in 0..420 {
        let middle = Vec2::new(rng.random_range(0.0..SIDE as f32), rng.random_range(0.0..SIDE as f32));
        let radius = rng.random_range(3.5..9.0f32);
        let (start, turn) = (rng.random_range(0.0..std::f32::consts::TAU), rng.random_range(3.0..7.5f32));
        let shade = 0.22 + 0.6 * number as f32 / 420.0 + rng.random_range(-0.12..0.18);
        let at = |t: f32| {
            let angle = start + turn * t;
            middle + Vec2::new(angle.cos(), angle.sin()) * radius * (1.0 - 0.45 * t)
        };
        for step in 0..14 {
            let (a, b) = (step as f32 / 14.0, (step + 1) as f32 / 14.0);
            canvas.line([at(a), at(b)], [1.25, 1.25], [0.95, 0.95], shade, true);
        }
    }
    canvas.png("curls.png")
}
