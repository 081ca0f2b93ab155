//! The brows: their shapes in the picture, and the patches of skin that show them.

use glam::{Vec2, Vec3};
use likeness_rig::{HeadMesh, LandmarkSet, MeshPart};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    atlas::{Canvas, brow_uv},
    parts::{ShellPoint, extend_shell},
    surface::Surface,
};
use crate::{finish::RenderPart, textures::noise::ramp};

/// What a patch covers along and across the brow's line, metres: from inside its inner end to beyond its outer end.
const ALONG: [f32; 2] = [-0.008, 0.056];
const ACROSS: [f32; 2] = [-0.014, 0.018];
/// Height of the patch over the skin, metres.
const HEIGHT: f32 = 0.0005;
/// Expressions that move the skin less than this (metres) are left out.
const LEAST_MOVE: f32 = 2e-4;

/// A brow's shape, millimetres.
pub struct BrowStyle {
    /// Name.
    pub name: &'static str,
    /// A line for people.
    pub caption: &'static str,
    /// Half width at the inner end, the body and the tail.
    half: [f32; 3],
    /// How high the arch rises.
    arch: f32,
    /// Where along the brow the arch is highest, 0..1.
    peak: f32,
    /// Length.
    length: f32,
    /// Hairs a millimetre.
    density: f32,
    /// How far the inner end is moved toward the middle of the face.
    inward: f32,
}

impl BrowStyle {
    /// Least and greatest place of its hairs, metres along and across.
    fn reach(&self) -> [Vec2; 2] {
        let half = self.half[0].max(self.half[1]) + 1.0;
        let low = Vec2::new(-self.inward - 4.0, -half - 1.5 + self.arch.min(0.0));
        let high = Vec2::new(self.length - self.inward + 1.0, half + 4.5 + self.arch.max(0.0));
        [low * 1e-3, high * 1e-3]
    }
}

/// The styles.
pub const STYLES: [BrowStyle; 8] = [
    BrowStyle {
        name: "medium",
        caption: "Medium",
        half: [2.6, 3.0, 1.0],
        arch: 1.4,
        peak: 0.62,
        length: 46.0,
        density: 13.0,
        inward: 0.0,
    },
    BrowStyle {
        name: "thin",
        caption: "Thin",
        half: [1.4, 1.5, 0.5],
        arch: 2.0,
        peak: 0.64,
        length: 45.0,
        density: 8.5,
        inward: 0.0,
    },
    BrowStyle {
        name: "thick",
        caption: "Thick",
        half: [3.6, 4.1, 1.5],
        arch: 1.2,
        peak: 0.62,
        length: 48.0,
        density: 19.0,
        inward: 0.8,
    },
    BrowStyle {
        name: "straight",
        caption: "Straight",
        half: [2.6, 2.7, 1.0],
        arch: -0.6,
        peak: 0.6,
        length: 45.0,
        density: 12.5,
        inward: 0.0,
    },
    BrowStyle {
        name: "arched",
        caption: "Arched",
        half: [2.3, 2.4, 0.7],
        arch: 4.2,
        peak: 0.66,
        length: 47.0,
        density: 12.5,
        inward: -0.5,
    },
    BrowStyle {
        name: "bushy",
        caption: "Bushy",
        half: [4.2, 4.6, 2.2],
        arch: 1.0,
        peak: 0.6,
        length: 49.0,
        density: 15.0,
        inward: 1.5,
    },
    BrowStyle {
        name: "sparse",
        caption: "Sparse",
        half: [2.4, 2.7, 1.2],
        arch: 1.2,
        peak: 0.62,
        length: 44.0,
        density: 5.0,
        inward: -1.0,
    },
    BrowStyle {
        name: "monobrow",
        caption: "Joined",
        half: [3.0, 3.4, 1.2],
        arch: 1.2,
        peak: 0.62,
        length: 47.0,
        density: 15.0,
        inward: 6.5,
    },
];

/// Draws a style into the picture: `corner` and `size` in texels.
pub fn draw(canvas: &mut Canvas, number: usize, corner: [usize; 2], size: [usize; 2]) {
    let style = &STYLES[number];
    let mut rng = ChaCha8Rng::seed_from_u64(500 + number as u64);
    let [width, height] = size.map(|x| x as f32);
    let texel = |mm: Vec2| {
        let t = Vec2::new(
            (mm.x * 1e-3 - ALONG[0]) / (ALONG[1] - ALONG[0]),
            1.0 - (mm.y * 1e-3 - ACROSS[0]) / (ACROSS[1] - ACROSS[0]),
        );
        Vec2::new(corner[0] as f32 + t.x * width, corner[1] as f32 + t.y * height)
    };
    let inside = |p: Vec2| {
        p.x > corner[0] as f32 + 2.0
            && p.y > corner[1] as f32 + 2.0
            && p.x < corner[0] as f32 + width - 2.0
            && p.y < corner[1] as f32 + height - 2.0
    };
    let first = -style.inward - 2.5;
    let middle = |t: f32| {
        let rise =
            if t < style.peak { t / style.peak } else { 1.0 - 0.55 * ((t - style.peak) / (1.0 - style.peak)).powi(2) };
        style.arch * rise * rise - 1.2 * ramp(0.22, 0.0, t)
    };
    let half = |t: f32| {
        let [inner, body, tail] = style.half;
        if t < 0.25 { inner + (body - inner) * t / 0.25 } else { body + (tail - body) * ((t - 0.25) / 0.75).powf(1.3) }
    };
    let count = (style.density * style.length) as usize;
    for hair in 0..count {
        let t: f32 = rng.random_range(-0.01..0.97);
        // Fewer hairs at both ends.
        if rng.random::<f32>() > ramp(-0.05, 0.14, t) * (0.5 + 0.5 * ramp(1.0, 0.62, t)) {
            continue;
        }
        let across: f32 = rng.random_range(-1.0..0.9);
        let mut place = Vec2::new(first + t * style.length, middle(t) + across * half(t));
        let up = if t < 0.15 { 74.0 - 150.0 * t.max(0.0) } else { 50.0 - 62.0 * (t - 0.15).min(0.85) };
        // Hairs from below rise, hairs from above lie down: they meet in the middle.
        let mut angle = (up - 26.0 * across * ramp(0.05, 0.35, t) + rng.random_range(-10.0..10.0)).to_radians();
        let bend = -rng.random_range(4.0..11.0f32).to_radians();
        let bushy = 0.55 + 0.15 * half(t);
        let reach = rng.random_range(0.75..1.1) * (4.8 + 2.4 * ramp(0.0, 0.3, t) - 3.2 * ramp(0.5, 1.0, t)) * bushy;
        let thick = rng.random_range(0.45..0.8);
        let shade = 0.45 + 0.4 * (hair as f32 / count as f32) + rng.random_range(-0.12..0.12);
        for step in 0..4 {
            let next = place + Vec2::new(angle.cos(), angle.sin()) * reach / 4.0;
            angle += bend;
            let (a, b) = (texel(place), texel(next));
            if inside(a) && inside(b) {
                let thin = |k: i32| thick * (1.0 - 0.65 * (k as f32 / 4.0).powi(2));
                let strong = |k: i32| 0.85 - 0.4 * k as f32 / 4.0;
                canvas.line([a, b], [thin(step), thin(step + 1)], [strong(step), strong(step + 1)], shade, false);
            }
            place = next;
        }
    }
}

/// The line of one brow: five landmarks, the inner end first, ironed out.
struct Line(Vec<Vec3>);

impl Line {
    fn new(landmarks: &[Vec3; 5]) -> Self {
        let mut ends = landmarks.to_vec();
        ends.insert(0, landmarks[0] + (landmarks[0] - landmarks[1]).normalize_or_zero() * 0.006 - Vec3::Y * 0.0006);
        ends.push(landmarks[4] + (landmarks[4] - landmarks[3]).normalize_or_zero() * 0.008);
        for _ in 0..2 {
            let kinked = ends.clone();
            for k in 1..ends.len() - 1 {
                ends[k] = kinked[k] * 0.4 + (kinked[k - 1] + kinked[k + 1]) * 0.3;
            }
        }
        Self(ends.into_iter().map(|p| p - Vec3::Y * 0.0008).collect())
    }

    /// Along from the inner landmark and across upward, metres.
    fn place(&self, p: Vec3) -> Vec2 {
        let line = &self.0;
        let mut best = (f32::INFINITY, Vec2::ZERO);
        let mut length = -0.006;
        for k in 0..line.len() - 1 {
            let way = line[k + 1] - line[k];
            let mut t = (p - line[k]).dot(way) / way.length_squared();
            t = t.clamp(if k == 0 { -10.0 } else { 0.0 }, if k + 2 == line.len() { 10.0 } else { 1.0 });
            let off = p - (line[k] + way * t);
            if off.length_squared() < best.0 {
                let forward = way.normalize_or(Vec3::X);
                let up = (Vec3::Y - forward * forward.y).normalize_or(Vec3::Y);
                let height = off.dot(up);
                // The ridge recedes above and below its line, so depth counts as height too.
                let depth = (off - up * height).length();
                let across = height.signum() * height.hypot(depth * 0.5);
                best = (off.length_squared(), Vec2::new(length + way.length() * t, across));
            }
            length += way.length();
        }
        best.1
    }
}

/// The parts of a brow style, all levels of detail.
pub fn parts(head: &HeadMesh, levels: [&MeshPart; 3], landmarks: &LandmarkSet, style: usize) -> Vec<RenderPart> {
    let skin = levels[0];
    let at: Vec<Vec3> = landmarks
        .points
        .iter()
        .map(|point| point.triangle.iter().zip(point.weights).map(|(&v, w)| skin.positions[v as usize] * w).sum())
        .collect();
    let pick = |numbers: [usize; 5]| Line::new(&numbers.map(|number| at[number]));
    let lines = [pick([21, 20, 19, 18, 17]), pick([22, 23, 24, 25, 26])];
    // One level of detail does: a coarse skin suffices for a picture, and the patches are small.
    let surface = Surface::new(head, levels[1]).clear(&Surface::new(head, skin));
    let mut out = RenderPart { name: "strands".to_owned(), material: "strands".to_owned(), ..Default::default() };
    for (side, line) in lines.iter().enumerate() {
        let reach = STYLES[style].reach();
        let cover = |p: Vec3, n: Vec3| {
            let place = line.place(p);
            let inside = place.cmpge(reach[0]).all()
                && place.cmple(reach[1]).all()
                && p.z > -0.03
                && n.z > -0.2
                && p.x * (side as f32 - 0.5) > -0.004;
            ShellPoint {
                height: HEIGHT,
                shade: 0.85,
                cover: if inside { 1.0 } else { 0.0 },
                way: Vec3::X * if side == 1 { 1.0 } else { -1.0 },
            }
        };
        let first = out.positions.len();
        extend_shell(&mut out, &surface, Vec2::ONE, Some(LEAST_MOVE), &cover);
        for v in first..out.positions.len() {
            let place = line.place(out.positions[v]);
            let t = (place - Vec2::new(ALONG[0], ACROSS[0])) / Vec2::new(ALONG[1] - ALONG[0], ACROSS[1] - ACROSS[0]);
            let t = t.clamp(Vec2::splat(0.008), Vec2::splat(0.992));
            out.uvs[v] = brow_uv(style, t.x, t.y);
            out.colors[v][3] = 255;
        }
    }
    vec![out]
}
