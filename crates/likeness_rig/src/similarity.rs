//! Similarities of the plane: scale, turn and shift.

use glam::Vec2;
use serde::{Deserialize, Serialize};

/// `x' = a x - b y + tx`, `y' = b x + a y + ty`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Similarity {
    /// Scale times the cosine of the angle.
    pub a: f32,
    /// Scale times the sine of the angle.
    pub b: f32,
    /// Shift along x.
    pub tx: f32,
    /// Shift along y.
    pub ty: f32,
}

impl Similarity {
    /// No change.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0, tx: 0.0, ty: 0.0 };

    /// The image of a point.
    pub fn apply(&self, point: Vec2) -> Vec2 {
        Vec2::new(self.a * point.x - self.b * point.y + self.tx, self.b * point.x + self.a * point.y + self.ty)
    }

    /// The factor by which lengths grow.
    pub fn scale(&self) -> f32 {
        self.a.hypot(self.b)
    }

    /// The angle in radians by which x turns toward y; clockwise where y points down.
    pub fn angle(&self) -> f32 {
        self.b.atan2(self.a)
    }

    /// The similarity that undoes this one; `None` when the scale is zero or not finite.
    pub fn inverse(&self) -> Option<Self> {
        let square = self.a * self.a + self.b * self.b;
        if !square.is_normal() {
            return None;
        }
        let (a, b) = (self.a / square, -self.b / square);
        Some(Self { a, b, tx: -(a * self.tx - b * self.ty), ty: -(b * self.tx + a * self.ty) })
    }
}

/// The similarity that brings `src` nearest to `dst` in the least-squares sense. `None` for fewer than two points, lists
/// of different lengths, points that all fall together, or numbers that are not finite.
pub fn align(src: &[Vec2], dst: &[Vec2]) -> Option<Similarity> {
    align_with(src, dst, |_| 1.0)
}

/// [`align`] with one weight, 0 or more, per point.
pub fn align_weighted(src: &[Vec2], dst: &[Vec2], weights: &[f32]) -> Option<Similarity> {
    align_with(src, dst, |index| weights.get(index).copied().unwrap_or(0.0))
}

fn align_with(src: &[Vec2], dst: &[Vec2], weight: impl Fn(usize) -> f32) -> Option<Similarity> {
    if src.len() < 2 || src.len() != dst.len() {
        return None;
    }
    let mut total = 0.0;
    let (mut from, mut to) = (Vec2::ZERO, Vec2::ZERO);
    for (index, (a, b)) in src.iter().zip(dst).enumerate() {
        let w = weight(index);
        total += w;
        from += *a * w;
        to += *b * w;
    }
    if total <= 0.0 {
        return None;
    }
    from /= total;
    to /= total;
    let (mut square, mut cos, mut sin) = (0.0, 0.0, 0.0);
    for (index, (a, b)) in src.iter().zip(dst).enumerate() {
        let (a, b, w) = (*a - from, *b - to, weight(index));
        square += w * a.length_squared();
        cos += w * a.dot(b);
        sin += w * a.perp_dot(b);
    }
    if !square.is_normal() {
        return None;
    }
    let (a, b) = (cos / square, sin / square);
    let found = Similarity { a, b, tx: to.x - (a * from.x - b * from.y), ty: to.y - (b * from.x + a * from.y) };
    [found.a, found.b, found.tx, found.ty].iter().all(|value| value.is_finite()).then_some(found)
}

#[cfg(test)]
mod tests;
