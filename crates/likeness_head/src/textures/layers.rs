//! What a material lays over the skin by a face's numbers: make-up, freckles, spots and wrinkles.
//!
//! Nine masks, three to a picture; the pictures stand one below the other in `skin_layers.jpg`:
//!
//! | picture | red | green | blue |
//! | --- | --- | --- | --- |
//! | 0 | lips | blush | freckles, by rank |
//! | 1 | eye shadow | eyeliner | depth of wrinkles and folds |
//! | 2 | wrinkles: normal x | normal y | spots of age, by rank |
//!
//! A rank says from which amount on a freckle shows: 1 first, 0 never.

use glam::{Vec2, Vec3};

use super::{
    bake::Texel,
    layout::Piece,
    noise::{hash, layered, noise, ramp, unit},
    skin::{Place, SkinPainter},
};

/// Pictures in the stack.
pub const LAYERS: usize = 3;

/// A furrow along a line in the plane of the face: the points (millimetres, the person's left side), its depth and half its
/// width in millimetres, and how far the skin beside it bulges.
struct Furrow {
    line: Vec<Vec2>,
    depth: f32,
    width: f32,
    bulge: f32,
}

/// Paints the layers of a skin.
pub struct LayerPainter<'a> {
    skin: &'a SkinPainter<'a>,
    furrows: Vec<Furrow>,
}

impl<'a> LayerPainter<'a> {
    /// Finds the lines that a face wrinkles along.
    pub fn new(skin: &'a SkinPainter<'a>) -> Self {
        let l = |i: usize| skin.face.landmarks[i].truncate();
        let (corner, wing, chin) = (l(54), l(35), l(8));
        let mut furrows = Vec::new();
        // From the wing of the nose past the corner of the mouth.
        let start = wing + Vec2::new(3.0, 5.0);
        let beside = Vec2::new(corner.x + 8.0, corner.y + 5.0);
        let end = Vec2::new(corner.x + 10.5, corner.y - 8.0);
        furrows.push(Furrow {
            line: curve([start, start.lerp(beside, 0.5) + Vec2::new(2.5, 1.5), beside, end]),
            depth: 1.3,
            width: 2.8,
            bulge: 0.4,
        });
        // From the corner of the mouth toward the jaw.
        let low = Vec2::new(corner.x + 6.5, corner.y.lerp_to(chin.y, 0.55));
        furrows.push(Furrow {
            line: curve([
                corner + Vec2::new(3.0, -2.0),
                corner + Vec2::new(4.5, -7.0),
                low + Vec2::new(-0.5, 4.0),
                low,
            ]),
            depth: 0.7,
            width: 1.8,
            bulge: 0.3,
        });
        // Between brows.
        let brow = l(27);
        furrows.push(Furrow {
            line: vec![brow + Vec2::new(6.0, 3.0), brow + Vec2::new(7.2, 12.0), brow + Vec2::new(9.0, 21.0)],
            depth: 0.5,
            width: 1.3,
            bulge: 0.25,
        });
        // Below the eyes: the edge of the bag, and the trough from the inner corner.
        let (inner, outer, lower) = (l(42), l(45), (l(46) + l(47)) / 2.0);
        let bag = |drop: f32| {
            let inside = inner + Vec2::new(-1.0, -2.0 - 0.5 * drop);
            let outside = outer + Vec2::new(2.0, -1.5 - 0.55 * drop);
            curve([
                inside,
                Vec2::new(inner.x.lerp_to(lower.x, 0.6), lower.y - drop),
                Vec2::new(outer.x.lerp_to(lower.x, 0.5), lower.y - drop),
                outside,
            ])
        };
        furrows.push(Furrow { line: bag(6.0), depth: 0.32, width: 1.0, bulge: 0.2 });
        furrows.push(Furrow { line: bag(11.0), depth: 0.75, width: 2.4, bulge: 0.45 });
        // Below the lower lip.
        let fold = l(57).y.lerp_to(chin.y, 0.33);
        furrows.push(Furrow {
            line: curve([
                Vec2::new(0.0, fold),
                Vec2::new(6.0, fold),
                Vec2::new(11.0, fold - 1.5),
                Vec2::new(15.0, fold - 4.0),
            ]),
            depth: 0.5,
            width: 2.2,
            bulge: 0.2,
        });
        Self { skin, furrows }
    }

    /// Blush, 0..1: an oval on the cheek that rises toward the ear.
    pub fn blush(&self, texel: &Texel) -> f32 {
        let l = &self.skin.face.landmarks;
        let p = texel.point;
        let out = (l[45].x * 1.02, (l[29].y + l[30].y) / 2.0 + 3.0);
        let way = Vec2::from_angle(-0.42).rotate(Vec2::new(p.x.abs() - out.0, p.y - out.1));
        let oval = Vec2::new(way.x / 21.0, way.y / 11.5).length_squared();
        (-oval).exp() * ramp(-0.25, 0.35, texel.normal.z)
    }

    /// The rank of the freckle at a place; 0 between them.
    pub fn freckles(&self, texel: &Texel, place: &Place) -> f32 {
        if place.piece == Piece::Mouth || place.piece == Piece::Socket {
            return 0.0;
        }
        let l = &self.skin.face.landmarks;
        let p = texel.point;
        let nose = (-((p - l[29]) / Vec3::new(24.0, 20.0, 40.0)).length_squared()).exp();
        let cheek = {
            let d = Vec2::new((p.x.abs() - l[45].x * 0.8) / 24.0, (p.y - l[30].y - 6.0) / 22.0);
            (-d.length_squared()).exp() * ramp(0.0, 0.4, texel.normal.z)
        };
        let forehead = {
            let d = Vec2::new(p.x / 50.0, (p.y - l[24].y - 22.0) / 26.0);
            (-d.length_squared()).exp() * ramp(0.0, 0.4, texel.normal.z)
        };
        let dense = (0.42 + 0.6 * nose.max(cheek) + 0.18 * forehead).min(1.0);
        let thin = (1.0 - place.lip) * (1.0 - 0.6 * place.lid);
        let small = spots(p, 2.2, 0.7, 1.3, 61);
        let large = spots(p + Vec3::splat(0.7), 4.2, 1.1, 2.1, 62) * 0.9;
        (small.max(large) * dense * thin * (1.0 + 0.18 * layered(p / 9.0, 2, 63))).clamp(0.0, 1.0)
    }

    /// The rank of the spot of age at a place.
    pub fn spots(&self, texel: &Texel, place: &Place) -> f32 {
        if place.piece == Piece::Mouth || place.piece == Piece::Socket {
            return 0.0;
        }
        let l = &self.skin.face.landmarks;
        let p = texel.point;
        // Where the sun shines: temples, forehead, cheekbones.
        let temple = ramp(24.0, 52.0, p.x.abs()) * ramp(l[33].y - 10.0, l[45].y, p.y);
        let forehead = ramp(l[24].y + 4.0, l[24].y + 22.0, p.y);
        let dense = (0.35 + 0.5 * temple + 0.35 * forehead).min(1.0) * (1.0 - place.lip) * (1.0 - place.lid);
        let ragged = p + Vec3::new(noise(p / 1.7, 71), noise(p / 1.7, 72), noise(p / 1.7, 73)) * 0.8;
        let large = spots(ragged, 14.0, 1.6, 3.6, 74);
        let small = spots(ragged, 6.5, 0.8, 1.7, 75) * 0.9;
        // Uneven pigment besides.
        let mottled = ramp(0.1, 0.9, layered(p / 11.0, 3, 76)) * 0.45;
        (large.max(small) * dense).max(mottled * dense).clamp(0.0, 1.0)
    }

    /// Eye shadow, 0..1: from the lashes to the fold of the lid, thinning out toward the brow.
    pub fn eyeshadow(&self, texel: &Texel, place: &Place) -> f32 {
        let (way, upper) = place.rim;
        if place.piece != Piece::Head {
            return 0.0;
        }
        let l = &self.skin.face.landmarks;
        let p = texel.point;
        let outward = ramp(l[42].x - 2.0, l[45].x + 1.0, p.x.abs());
        // The mask of distances ends at 12 mm.
        let top = ramp(9.0 + 2.6 * outward, 3.5 + 3.0 * outward, way);
        let low = ramp(3.6, 0.6, way) * outward * 0.55;
        let ends = ramp(l[45].x + 9.0, l[45].x + 1.0, p.x.abs()) * ramp(l[42].x - 7.0, l[42].x + 1.0, p.x.abs());
        let amount = if upper { top * (0.62 + 0.38 * outward) } else { low };
        amount * ends * ramp(-0.6, 0.2, way) * (1.0 + 0.06 * noise(p / 0.9, 77))
    }

    /// Eyeliner, 0..1: along the lashes, thicker toward the outer corner, and a thin line below.
    pub fn eyeliner(&self, texel: &Texel, place: &Place) -> f32 {
        let (way, upper) = place.rim;
        if place.piece == Piece::Mouth || place.piece == Piece::Neck {
            return 0.0;
        }
        let l = &self.skin.face.landmarks;
        let p = texel.point;
        let outward = ramp(l[42].x, l[45].x, p.x.abs());
        let width = if upper { 0.7 + 1.25 * outward } else { 0.55 * ramp(0.25, 0.6, outward) };
        if width < 0.05 {
            return 0.0;
        }
        // A short wing beyond the corner, upward.
        let past = p.x.abs() - l[45].x;
        let wing = if past > 0.0 { ramp(4.5, 0.0, past) * ramp(-1.6, 0.4, p.y - l[45].y - 0.25 * past) } else { 1.0 };
        let inside = ramp(-1.3, -0.6, way);
        ramp(width + 0.35, width - 0.35, way) * inside * wing
    }

    /// Height of the wrinkles of great age, millimetres, and how deep in a furrow the place lies, 0..1.
    pub fn wrinkle(&self, texel: &Texel, place: &Place) -> (f32, f32) {
        if matches!(place.piece, Piece::Mouth | Piece::Socket) {
            return (0.0, 0.0);
        }
        let p = texel.point;
        let front = ramp(0.0, 0.35, texel.normal.z);
        // Sides differ a little.
        let bent = Vec2::new(noise(p / 13.0, 101), noise(p / 11.0, 102)) * 1.2
            + Vec2::new(noise(p / 3.0, 103), noise(p / 3.0, 104)) * 0.35;
        let at = Vec2::new(p.x.abs(), p.y) + bent;
        let (mut height, mut depth) = (0.0f32, 0.0f32);
        let mut groove = |distance: f32, along: f32, furrow: (f32, f32, f32)| {
            let (deep, width, bulge) = furrow;
            let cut = (-(distance / width).powi(2)).exp() * along;
            let beside = (-((distance.abs() - 2.3 * width) / (1.4 * width)).powi(2)).exp() * along;
            height += bulge * beside - deep * cut;
            depth = depth.max(cut * (deep / 1.6).min(1.0).sqrt());
        };
        for furrow in &self.furrows {
            let (distance, t) = nearest(&furrow.line, at);
            let fade = ramp(0.0, 0.12, t) * ramp(1.0, 0.8, t) * front;
            groove(distance, fade, (furrow.depth, furrow.width, furrow.bulge));
        }
        self.forehead(p, &mut |distance, along, furrow| groove(distance, along * front, furrow));
        self.crows_feet(p, &mut groove);
        self.neck(p, place, &mut groove);
        let lips = self.lip_lines(p, place) * front;
        height -= 0.16 * lips;
        depth = depth.max(0.35 * lips);
        // Crepe: fine crossed lines, most below the eyes and on the cheeks.
        let slant = |angle: f32, seed: u32| {
            let turned = Vec2::from_angle(angle).rotate(Vec2::new(p.x, p.y));
            let line = noise(Vec3::new(turned.x / 7.0, turned.y / 1.5, p.z / 5.0), seed).abs();
            ramp(0.16, 0.0, line)
        };
        let thin = (1.0 - place.lip) * ramp(-0.3, 0.3, texel.normal.z);
        let crepe = slant(0.5, 105).max(slant(-0.75, 106) * 0.8) * thin;
        height -= 0.075 * crepe;
        (height, depth.max(0.10 * crepe).min(1.0))
    }

    /// Lines across the forehead.
    fn forehead(&self, p: Vec3, groove: &mut impl FnMut(f32, f32, (f32, f32, f32))) {
        let l = &self.skin.face.landmarks;
        let brow = l[24].y.max(l[19].y);
        for (number, rise) in [11.5, 20.0, 28.0, 37.0].into_iter().enumerate() {
            let seed = 110 + number as u32;
            let wave = 2.2 * (p.x / 21.0).cos() + 2.6 * noise(Vec3::new(p.x / 19.0, 0.3, 0.0), seed);
            let tremble = 0.45 * noise(p / 4.0, seed + 10);
            let line = brow + rise + wave + tremble;
            // Lines break off and set in again.
            let whole = ramp(-0.55, 0.15, noise(Vec3::new(p.x / 15.0, 4.7, 0.0), seed + 20));
            let reach = ramp(44.0 - 3.0 * number as f32, 24.0, p.x.abs());
            let strength = [0.85, 1.0, 0.9, 0.6][number];
            groove(p.y - line, (0.35 + 0.65 * whole) * reach * strength, (0.7, 1.25, 0.4));
        }
    }

    /// Rays from the outer corners of the eyes.
    fn crows_feet(&self, p: Vec3, groove: &mut impl FnMut(f32, f32, (f32, f32, f32))) {
        let corner = self.skin.face.landmarks[45];
        let side = Vec3::new(p.x.abs(), p.y, p.z);
        let back = corner - Vec3::new(3.0, 0.0, 0.0);
        let away = (side - back) * Vec3::new(1.0, 0.0, 1.0);
        let out = away.length() * (side.x - back.x).signum();
        let way = Vec2::new(out, side.y - back.y);
        let radius = way.length();
        if radius > 34.0 || out < 0.0 {
            return;
        }
        let wander = 0.10 * noise(p / 6.0, 120);
        for (number, (angle, long)) in
            [(-0.62, 20.0), (-0.34, 25.0), (-0.08, 27.0), (0.2, 24.0), (0.5, 19.0)].into_iter().enumerate()
        {
            let bend = 0.012 * (radius - 10.0) * (number as f32 - 2.0);
            let off = (way.y.atan2(way.x) - angle - wander - bend) * radius;
            let long = long + 3.0 * noise(Vec3::new(p.x.signum() * 3.3, number as f32, 0.5), 121);
            let along = ramp(5.5, 9.0, radius) * ramp(long, long * 0.55, radius);
            groove(off, along, (0.42, 0.85, 0.2));
        }
    }

    /// Rings round the neck.
    fn neck(&self, p: Vec3, place: &Place, groove: &mut impl FnMut(f32, f32, (f32, f32, f32))) {
        let chin = self.skin.face.landmarks[8];
        if p.y > chin.y - 6.0 || place.lip > 0.0 {
            return;
        }
        for (number, drop) in [24.0, 40.0].into_iter().enumerate() {
            let seed = 130 + number as u32;
            let fade = ramp(chin.y - 58.0, chin.y - 44.0, p.y) * ramp(62.0, 40.0, p.x.abs());
            let line = chin.y - drop + 0.0016 * p.x * p.x + 3.0 * noise(Vec3::new(p.x / 24.0, 0.0, p.z / 24.0), seed);
            groove(p.y - line, fade * ramp(-0.4, 0.4, noise(p / 20.0, seed + 5) + 0.3), (0.5, 1.7, 0.25));
        }
    }

    /// Short upright lines round the lips, 0..1.
    fn lip_lines(&self, p: Vec3, place: &Place) -> f32 {
        let l = &self.skin.face.landmarks;
        let near = {
            let middle = (l[51] + l[57]) / 2.0;
            let d = Vec2::new((p.x - middle.x) / (l[54].x + 3.0), (p.y - middle.y) / 17.0);
            ramp(1.15, 0.75, d.length())
        };
        let spread = p.x / (1.0 + 0.012 * (p.y - l[62].y).abs());
        let line = noise(Vec3::new(spread / 2.1, p.y / 11.0, 0.0), 140).abs();
        ramp(0.17, 0.0, line) * near * (1.0 - 0.75 * place.lip)
    }
}

/// Round spots strewn about one a cell of `cell` millimetres, with radii between `small` and `large`: the rank of the strongest
/// here, soft at its rim.
fn spots(p: Vec3, cell: f32, small: f32, large: f32, seed: u32) -> f32 {
    let base = (p / cell).floor();
    let mut best = 0.0f32;
    for dz in -1..=1 {
        for dy in -1..=1 {
            for dx in -1..=1 {
                let at = base + Vec3::new(dx as f32, dy as f32, dz as f32);
                let h = hash(at.x as i32, at.y as i32, at.z as i32, seed);
                let random = |k: u32| unit(h.wrapping_mul(0x9E37_79B1 ^ (k * 0x51ED)));
                let centre = (at + Vec3::new(random(1), random(2), random(3))) * cell;
                let radius = small + (large - small) * random(4) * random(4);
                let rank = 0.25 + 0.75 * random(5);
                best = best.max(rank * ramp(radius * 1.4, radius * 0.35, p.distance(centre)));
            }
        }
    }
    best
}

/// Points along a cubic curve (Bézier).
fn curve([a, b, c, d]: [Vec2; 4]) -> Vec<Vec2> {
    (0..=12)
        .map(|step| {
            let t = step as f32 / 12.0;
            let u = 1.0 - t;
            a * u * u * u + b * 3.0 * u * u * t + c * 3.0 * u * t * t + d * t * t * t
        })
        .collect()
}

/// Distance to a line of points, and how far along it the nearest point lies, 0..1.
fn nearest(line: &[Vec2], p: Vec2) -> (f32, f32) {
    let mut best = (f32::INFINITY, 0.0);
    let pieces = (line.len().max(2) - 1) as f32;
    for (number, pair) in line.windows(2).enumerate() {
        let way = pair[1] - pair[0];
        let t = ((p - pair[0]).dot(way) / way.length_squared().max(1e-9)).clamp(0.0, 1.0);
        let distance = (pair[0] + way * t).distance(p);
        if distance < best.0 {
            best = (distance, (number as f32 + t) / pieces);
        }
    }
    best
}

/// Mixing two numbers.
trait LerpTo {
    fn lerp_to(self, other: f32, part: f32) -> f32;
}

impl LerpTo for f32 {
    fn lerp_to(self, other: f32, part: f32) -> f32 {
        self + (other - self) * part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_knows_its_distance_and_its_length() {
        let line = curve([Vec2::ZERO, Vec2::new(1.0, 0.0), Vec2::new(2.0, 0.0), Vec2::new(3.0, 0.0)]);
        let (distance, t) = nearest(&line, Vec2::new(1.5, 2.0));
        assert!((distance - 2.0).abs() < 1e-5 && (t - 0.5).abs() < 1e-3, "{distance} {t}");
        assert_eq!(nearest(&line, Vec2::new(9.0, 0.0)).1, 1.0);
    }

    #[test]
    fn spots_have_ranks_and_leave_room() {
        let values: Vec<f32> =
            (0..4000).map(|i| spots(Vec3::new(i as f32 * 0.31, i as f32 * 0.17, 0.4), 4.0, 0.6, 1.4, 5)).collect();
        let bare = values.iter().filter(|value| **value == 0.0).count();
        assert!((1200..3800).contains(&bare), "{bare}");
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
        assert!(values.iter().any(|value| *value > 0.8) && values.iter().any(|value| (0.25..0.5).contains(value)));
    }
}
