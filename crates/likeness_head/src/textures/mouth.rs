//! Teeth, gums and tongue.

use glam::Vec3;

use super::{
    noise::{layered, nearest_point, noise, ramp},
    skin::srgb,
};

/// Widths of the teeth from the middle outward, millimetres; and how far each reaches down from the gum.
const UPPER: [(f32, f32); 7] = [(8.6, 10.6), (6.7, 9.2), (7.6, 10.2), (6.9, 8.6), (6.7, 8.0), (10.0, 7.4), (9.6, 7.0)];
const LOWER: [(f32, f32); 7] = [(5.3, 8.8), (5.9, 9.2), (6.8, 10.4), (6.9, 8.6), (7.0, 8.0), (11.0, 7.4), (10.4, 7.0)];

/// One row of teeth.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    upper: bool,
    low: Vec3,
    high: Vec3,
}

impl Row {
    /// Measures a row by its vertices, millimetres.
    pub fn new(points: &[Vec3], upper: bool) -> Self {
        let low = points.iter().fold(Vec3::INFINITY, |low, p| low.min(*p));
        let high = points.iter().fold(Vec3::NEG_INFINITY, |high, p| high.max(*p));
        Self { upper, low, high }
    }

    /// Linear colour of a place, millimetres.
    pub fn color(&self, p: Vec3) -> Vec3 {
        let half = ((self.high.x - self.low.x) / 2.0).max(1.0);
        let depth = (self.high.z - self.low.z).max(1.0);
        // Half an ellipse, roughly: the angle from the front, times a mean radius.
        let middle = self.high.z - depth * 0.62;
        let angle = (p.x.abs() / half).atan2((p.z - middle) / (depth * 0.62));
        let along = angle * (half + depth * 0.62) * 0.5;
        let widths = if self.upper { UPPER } else { LOWER };
        let mut start = 0.0;
        let mut tooth = (6, 9.0, 7.0);
        for (index, (width, length)) in widths.into_iter().enumerate() {
            tooth = (index, width, length);
            if along < start + width || index == 6 {
                break;
            }
            start += width;
        }
        let (index, width, length) = tooth;
        let across = ((along - start) / width * 2.0 - 1.0).clamp(-1.3, 1.3);
        // The edge of the row rises toward the back.
        let rise = ramp(0.0, depth, self.high.z - p.z) * 5.0;
        let height = if self.upper { p.y - self.low.y - rise } else { self.high.y - rise * 0.2 - p.y };
        let gum_line = length - width * 0.2 * across * across;
        let gum = ramp(-0.35, 0.35, height - gum_line + 0.2 * noise(p / 1.2, 3));
        let mut color = srgb(226.0, 214.0, 192.0);
        if index == 2 {
            color *= Vec3::new(0.96, 0.93, 0.86);
        } else if index > 2 {
            color *= Vec3::new(0.95, 0.93, 0.89);
        }
        color *= Vec3::ONE.lerp(Vec3::new(0.90, 0.82, 0.66), ramp(length * 0.3, length, height));
        color *= Vec3::ONE.lerp(Vec3::new(0.90, 0.94, 0.98), ramp(1.8, 0.2, height) * 0.7);
        color *= 1.0 - 0.03 * layered(p / 2.0, 2, 5);
        // Gaps between the teeth.
        let gap = ramp(0.45, 0.0, (1.0 - across.abs()).max(0.0) * width / 2.0);
        color *= Vec3::ONE.lerp(Vec3::new(0.30, 0.19, 0.14), gap * 0.85);
        color *= Vec3::ONE.lerp(Vec3::new(0.85, 0.80, 0.76), ramp(0.6, 1.0, across.abs()) * 0.6);
        let mut flesh = srgb(186.0, 98.0, 94.0);
        flesh *= 1.0 - 0.08 * layered(p / 2.5, 2, 7);
        flesh *= Vec3::ONE.lerp(Vec3::new(0.7, 0.5, 0.5), ramp(1.5, 6.0, height - gum_line));
        let beyond = ramp(start + width, start + width + 1.0, along);
        let color = color.lerp(flesh, gum.max(beyond));
        color * (1.0 - 0.8 * ramp(depth * 0.12, depth * 0.7, self.high.z - p.z))
    }
}

/// Linear colour of a place of the tongue, millimetres; `tip` is its foremost z.
pub fn tongue(p: Vec3, normal: Vec3, tip: f32) -> Vec3 {
    let mut color = srgb(196.0, 104.0, 100.0);
    color *= 1.0 - 0.10 * layered(p / 5.0, 2, 11);
    let (distance, _) = nearest_point(p / 0.9, 12);
    color *= 1.0 - 0.14 * ramp(0.55, 0.2, distance);
    let top = ramp(0.0, 0.6, normal.y);
    color = color.lerp(srgb(206.0, 140.0, 130.0), top * 0.35 * ramp(3.0, 10.0, p.x.abs() + 3.0));
    color *= Vec3::ONE.lerp(Vec3::new(0.68, 0.55, 0.55), ramp(1.4, 0.0, p.x.abs()) * top * 0.8);
    color * (1.0 - 0.6 * ramp(15.0, 60.0, tip - p.z))
}
