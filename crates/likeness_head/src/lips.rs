//! Closing the lips: the source leaves a hair's breadth between them, which smoothing widens until teeth shine through.

use glam::Vec3;

use crate::{
    cage::{Cage, Kind},
    error::Result,
    finish::Fine,
};

/// Base-mesh vertices in the middle of the borders of both lips, where they meet.
const UPPER: [u32; 3] = [471, 474, 7227];
const LOWER: [u32; 4] = [487, 493, 7242, 523];
/// How far (metres) closed lips overlap, so that small errors of a fit do not open them.
const OVERLAP: f32 = 0.0007;
/// How far (raw units) from the borders the skin gives way.
const SOFT: f32 = 0.05;
/// Half the width of the mouth (raw units) up to which lips are closed fully and beyond which not at all.
const WIDTH: (f32, f32) = (0.236, 0.256);
/// How near (raw units) a vertex must be to count for a place.
const WINDOW: f32 = 0.022;
/// Places across the mouth where the gap is measured.
const SAMPLES: usize = 33;

/// Which vertices are lips.
pub struct Lips {
    /// Vertex, x in the base mesh, how far it gives way, and whether it belongs to the upper lip.
    soft: Vec<(usize, f32, f32, bool)>,
    /// Those that lie at the borders.
    border: Vec<(usize, f32, bool)>,
}

impl Lips {
    /// Finds the lips on the base mesh.
    ///
    /// # Errors
    /// If a vertex of the borders is not part of the head.
    pub fn new(cage: &Cage) -> Result<Self> {
        let places = |numbers: &[u32]| numbers.iter().map(|&n| cage.vertex(n)).collect::<Result<Vec<_>>>();
        let upper = cage.distances(&cage.raw, &places(&UPPER)?);
        let lower = cage.distances(&cage.raw, &places(&LOWER)?);
        let line = cage.raw[cage.vertex(UPPER[1])?].y;
        let mut soft = Vec::new();
        let mut border = Vec::new();
        for v in cage.part("skin").vertices.clone() {
            let raw = cage.raw[v];
            // Across the mouth the borders run along x, so the way from them is what y and z leave.
            let from_line = Vec3::new(0.0, raw.y - line, 0.0).length();
            let near = upper[v].min(lower[v]);
            if near > 0.35 || raw.x.abs() > WIDTH.1 || raw.z < 1.33 {
                continue;
            }
            let fade = 1.0 - ((raw.x.abs() - WIDTH.0) / (WIDTH.1 - WIDTH.0)).clamp(0.0, 1.0);
            let give = (-(from_line / SOFT).powi(2)).exp() * fade;
            let is_upper = upper[v] < lower[v];
            if give > 0.01 {
                soft.push((v, raw.x, give, is_upper));
            }
            if from_line < 0.03 && cage.kind[v] != Kind::Mouth {
                border.push((v, raw.x, is_upper));
            }
        }
        Ok(Self { soft, border })
    }

    /// Moves the lips of a head (cage vertices, metres, not smoothed) together.
    pub fn close(&self, skin: &Fine, points: &mut [Vec3]) {
        for _ in 0..3 {
            let mut gaps = self.gaps(skin, points);
            for _ in 0..3 {
                let old = gaps;
                for k in 0..SAMPLES {
                    let (a, b) = (old[k.saturating_sub(1)], old[(k + 1).min(SAMPLES - 1)]);
                    gaps[k] = (a + 2.0 * old[k] + b) / 4.0;
                }
            }
            for &(v, x, give, upper) in &self.soft {
                let at = (x / WIDTH.1 + 1.0) / 2.0 * (SAMPLES - 1) as f32;
                let k = (at as usize).min(SAMPLES - 2);
                let gap = gaps[k] + (gaps[k + 1] - gaps[k]) * (at - k as f32);
                let step = (gap + OVERLAP).max(0.0) / 2.0 * give;
                points[v].y += if upper { -step } else { step };
            }
        }
    }

    /// How far apart the lips are across the mouth, after smoothing.
    fn gaps(&self, skin: &Fine, points: &[Vec3]) -> [f32; SAMPLES] {
        let heights: Vec<(f32, f32, bool)> = self
            .border
            .iter()
            .map(|&(v, x, upper)| (x, skin.stencils[v].iter().map(|&(c, w)| points[c as usize].y * w).sum(), upper))
            .collect();
        let mut gaps = [f32::NAN; SAMPLES];
        for (k, gap) in gaps.iter_mut().enumerate() {
            let x = (k as f32 / (SAMPLES - 1) as f32 * 2.0 - 1.0) * WIDTH.1;
            let near =
                |upper: bool| heights.iter().filter(move |h| h.2 == upper && (h.0 - x).abs() < WINDOW).map(|h| h.1);
            let top = near(true).fold(f32::INFINITY, f32::min);
            let bottom = near(false).fold(f32::NEG_INFINITY, f32::max);
            if top.is_finite() && bottom.is_finite() {
                *gap = top - bottom;
            }
        }
        // Where no vertex is near, between the measured places.
        let known: Vec<usize> = (0..SAMPLES).filter(|&k| gaps[k].is_finite()).collect();
        for k in 0..SAMPLES {
            if gaps[k].is_finite() {
                continue;
            }
            let before = known.iter().rev().find(|&&j| j < k);
            let after = known.iter().find(|&&j| j > k);
            gaps[k] = match (before, after) {
                (Some(&a), Some(&b)) => gaps[a] + (gaps[b] - gaps[a]) * (k - a) as f32 / (b - a) as f32,
                (Some(&a), None) => gaps[a],
                (None, Some(&b)) => gaps[b],
                (None, None) => 0.0,
            };
        }
        gaps
    }
}
