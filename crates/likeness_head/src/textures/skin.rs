//! The skin: colour, relief and gloss, painted in space so that it runs across the seams of the texture.

use glam::{Vec2, Vec3};

use super::{
    bake::{Bake, Texel},
    brow::Brow,
    face::Face,
    layout::{Piece, head_source, piece},
    noise::{hash, layered, nearest_point, noise, ramp, unit},
};

/// A CC0 mask in the base mesh's tile.
pub struct Mask(pub image::GrayImage);

impl Mask {
    /// The value at a texture coordinate of the base mesh (v up), 0..1.
    pub fn at(&self, uv: Vec2) -> f32 {
        let (width, height) = self.0.dimensions();
        let p = Vec2::new(uv.x * width as f32 - 0.5, (1.0 - uv.y) * height as f32 - 0.5);
        let base = p.floor();
        let f = p - base;
        let value = |dx: f32, dy: f32| {
            let x = (base.x + dx).clamp(0.0, width as f32 - 1.0) as u32;
            let y = (base.y + dy).clamp(0.0, height as f32 - 1.0) as u32;
            f32::from(self.0.get_pixel(x, y).0[0]) / 255.0
        };
        let top = value(0.0, 0.0) * (1.0 - f.x) + value(1.0, 0.0) * f.x;
        let bottom = value(0.0, 1.0) * (1.0 - f.x) + value(1.0, 1.0) * f.x;
        top * (1.0 - f.y) + bottom * f.y
    }
}

/// The masks that are used.
pub struct Masks {
    /// Both lips.
    pub lips: Mask,
    /// Both lids.
    pub eyelids: Mask,
    /// Both ears.
    pub ears: Mask,
}

/// What is known of one place of the skin before it is painted.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Which piece of the texture.
    pub piece: Piece,
    /// How much lip, 0..1.
    pub lip: f32,
    /// Whether above the line between the lips.
    pub upper_lip: bool,
    /// How much ear.
    pub ear: f32,
    /// How much lid.
    pub lid: f32,
    /// How deep inside a brow, 0..1.
    pub brow: f32,
    /// Way outward from the visible margin of the lids, millimetres (up to 12; negative inside), and whether it is the
    /// upper lid's.
    pub rim: (f32, bool),
    /// Way to the rim of the mouth, millimetres (up to 12).
    pub mouth: f32,
}

/// Paints the skin.
pub struct SkinPainter<'a> {
    /// The places of the face.
    pub face: &'a Face,
    /// The masks.
    pub masks: &'a Masks,
    /// The brows: right, left.
    pub brows: [Brow; 2],
}

/// The lips' rows of the base mesh's tile meet here.
const LIP_LINE: f32 = 0.909;

impl<'a> SkinPainter<'a> {
    /// Prepares the painting.
    pub fn new(face: &'a Face, masks: &'a Masks) -> Self {
        let l = |i: usize| face.landmarks[i];
        Self { face, masks, brows: [Brow::new(&[21, 20, 19, 18, 17].map(l)), Brow::new(&[22, 23, 24, 25, 26].map(l))] }
    }

    /// Finds out what a place is.
    pub fn place(&self, uv: Vec2, texel: &Texel) -> Place {
        let p = texel.point;
        let piece = piece(uv);
        let mut place =
            Place { piece, lip: 0.0, upper_lip: false, ear: 0.0, lid: 0.0, brow: 0.0, rim: (12.0, true), mouth: 12.0 };
        let l = &self.face.landmarks;
        if p.z > l[36].z - 25.0 && p.y.abs() < 30.0 && piece != Piece::Mouth {
            let margins = [0, 1].map(|lid| Face::nearest(&self.face.lid_margin[lid], p));
            let upper = margins[0].0 <= margins[1].0;
            let (distance, near) = margins[usize::from(!upper)];
            // Inside lies what is nearer to the socket than the margin is.
            let inside = piece == Piece::Socket
                || Face::nearest(&self.face.lid_rim, p).0 < Face::nearest(&self.face.lid_rim, near).0;
            place.rim = (if inside { -distance } else { distance.min(12.0) }, upper);
        }
        if piece == Piece::Head || piece == Piece::Mouth {
            let middle = (l[62] + l[66]) / 2.0;
            if p.distance(middle) < 50.0 {
                place.mouth = Face::nearest(&self.face.mouth_rim, p).0.min(12.0);
            }
        }
        if piece == Piece::Head {
            let source = head_source(uv);
            // The mask ends bluntly at the corners of the mouth.
            let corner = ramp(l[54].x + 0.5, l[54].x - 6.0, p.x.abs());
            let ragged = 0.10 * noise(p / 1.4, 26);
            place.lip = ramp(0.12, 0.92, self.masks.lips.at(source) + ragged) * (0.25 + 0.75 * corner);
            place.upper_lip = source.x < LIP_LINE;
            place.ear = ramp(0.1, 0.9, self.masks.ears.at(source));
            place.lid = if p.z > -20.0 { self.masks.eyelids.at(source) } else { 0.0 };
            place.brow = self.brows[usize::from(p.x > 0.0)].inside(p);
        }
        place
    }

    /// Linear colour of a place.
    pub fn color(&self, texel: &Texel, place: &Place) -> Vec3 {
        let p = texel.point;
        match place.piece {
            Piece::Mouth => return self.mouth_color(p, place),
            Piece::Socket => {
                let wet = srgb(214.0, 138.0, 126.0);
                let deep = srgb(150.0, 70.0, 64.0);
                return wet.lerp(deep, ramp(-2.0, -9.0, place.rim.0)) * (1.0 + 0.05 * noise(p / 1.5, 31));
            }
            Piece::Head | Piece::Neck => {}
        }
        let l = &self.face.landmarks;
        let front = ramp(0.0, 0.35, texel.normal.z);
        let spot = |x: f32, y: f32, rx: f32, ry: f32| {
            let d = Vec2::new((p.x.abs() - x) / rx, (p.y - y) / ry);
            (-d.length_squared()).exp() * front
        };
        let mut color = BASE;

        // Pigment and blood in blotches of several sizes.
        let large = layered(p / 34.0, 3, 1);
        let small = layered(p / 7.5, 3, 2);
        let fine = layered(p / 1.6, 3, 3);
        color *= 1.0 - 0.05 * large - 0.045 * small - 0.045 * fine;
        color *= 1.0 - 0.03 * noise(p / 0.55, 10);
        let mut red = 0.16 * layered(p / 18.0, 3, 4) + 0.14 * layered(p / 4.2, 3, 5);

        let cheek = (l[45].x * 0.92, (l[30].y + l[29].y) / 2.0);
        let tip = (-(p.distance(l[30]) / 13.0).powi(2)).exp();
        let wings = (-(p.distance(l[31]) / 9.0).powi(2)).exp() + (-(p.distance(l[35]) / 9.0).powi(2)).exp();
        let mouth_side = spot(l[54].x + 5.0, l[54].y, 12.0, 14.0);
        red += 0.52 * tip + 0.42 * wings + 0.46 * spot(cheek.0, cheek.1, 20.0, 16.0) + 0.12 * mouth_side;
        red += 0.30 * spot(0.0, l[8].y + 13.0, 13.0, 9.0) + 0.16 * spot(0.0, l[27].y + 14.0, 14.0, 10.0);
        red += 0.48 * place.ear * ramp(-0.3, 0.9, layered(p / 16.0, 2, 6) + 0.35);
        red += 0.34 * place.lid + 0.55 * ramp(2.2, 0.0, place.rim.0);
        red -= 0.16 * spot(0.0, l[27].y + 45.0, 45.0, 22.0);
        color *= Vec3::ONE.lerp(Vec3::new(0.985, 0.77, 0.75), red.clamp(-0.5, 1.2));

        // The sockets: brownish above, bluish below the eye.
        let above = spot(l[44].x, l[44].y + 5.0, 17.0, 6.5);
        let inner = spot(l[42].x - 3.0, l[42].y + 2.0, 7.0, 9.0);
        let below = spot((l[42].x + l[46].x) / 2.0 - 1.0, l[46].y - 6.0, 14.0, 5.0);
        color *= Vec3::ONE - Vec3::new(0.10, 0.14, 0.14) * above;
        color *= Vec3::ONE - Vec3::new(0.13, 0.17, 0.15) * inner;
        color *= Vec3::ONE - Vec3::new(0.13, 0.125, 0.08) * below;

        color *= 1.0 - self.pores(p, place, front) * 0.22;
        color *= Self::moles(p, front);

        // Creases: light that comes through skin is red.
        let shut = ramp(0.62, 0.10, texel.open);
        let keep = 1.0 - 0.7 * ramp(0.3, 0.8, place.lip);
        color *= Vec3::ONE.lerp(Vec3::new(0.50, 0.33, 0.29), shut * keep);
        let hole = ramp(0.22, 0.05, texel.open) * keep;
        color *= Vec3::ONE.lerp(Vec3::new(0.40, 0.22, 0.20), hole);

        // Lash line.
        let (reach, depth) = if place.rim.1 { (1.3, 0.70) } else { (0.8, 0.30) };
        let line = ramp(reach, 0.1, place.rim.0) * depth;
        let uneven = 0.85 + 0.3 * noise(p / 0.6, 41);
        color *= Vec3::ONE.lerp(Vec3::new(0.20, 0.15, 0.14), (line * uneven).clamp(0.0, 1.0));

        // The wet edge of the lower lid.
        if !place.rim.1 {
            let corner = p.distance(l[36]).min(p.distance(l[45]));
            let wet = ramp(0.15, -0.35, place.rim.0) * ramp(-2.4, -1.3, place.rim.0) * ramp(2.0, 7.0, corner);
            color = color.lerp(srgb(226.0, 158.0, 146.0), wet * 0.8);
        }

        if place.lip > 0.0 {
            color = color.lerp(self.lip_color(p, texel, place), place.lip * 0.90);
        }
        color
    }

    fn lip_color(&self, p: Vec3, texel: &Texel, place: &Place) -> Vec3 {
        let mut color = if place.upper_lip { LIP * Vec3::new(0.90, 0.85, 0.86) } else { LIP };
        color *= 1.0 - 0.07 * layered(p / 5.0, 2, 21) - 0.04 * noise(p / 1.0, 22);
        color *= 1.0 - 0.20 * self.lip_lines(p);
        // Redder and darker toward the inside.
        color *= Vec3::ONE.lerp(Vec3::new(0.62, 0.38, 0.40), ramp(4.5, 0.2, place.mouth) * 0.75);
        color *= Vec3::ONE.lerp(Vec3::new(0.55, 0.40, 0.40), ramp(0.5, 0.1, texel.open) * 0.6);
        color
    }

    /// Fine lines from the border of the lips to the mouth, 0..1.
    fn lip_lines(&self, p: Vec3) -> f32 {
        let bend = 0.35 * noise(p / 2.5, 23);
        let coarse: f32 = 1.0 - noise(Vec3::new(p.x / 1.15 + bend, p.y / 9.0, p.z / 14.0), 24).abs() * 3.0;
        let fine: f32 = 1.0 - noise(Vec3::new(p.x / 0.62 + bend, p.y / 7.0, p.z / 12.0), 25).abs() * 3.0;
        (coarse.max(0.0) * 0.7 + fine.max(0.0) * 0.4).min(1.0)
    }

    /// Pores, 0..1, more on nose and cheeks.
    fn pores(&self, p: Vec3, place: &Place, front: f32) -> f32 {
        let l = &self.face.landmarks;
        let nose = (-(p.distance(l[30]) / 20.0).powi(2)).exp();
        let cheek = {
            let d = Vec2::new((p.x.abs() - l[45].x * 0.7) / 18.0, (p.y - l[30].y) / 18.0);
            (-d.length_squared()).exp() * front
        };
        let amount = (0.35 + 0.9 * nose + 0.7 * cheek) * (1.0 - place.lip) * (1.0 - 0.7 * place.lid);
        let (distance, id) = nearest_point(p / 1.05, 8);
        (ramp(0.34, 0.08, distance) * (0.4 + 0.6 * unit(id)) * amount).min(1.0)
    }

    /// A few moles and freckles: the factor of the colour.
    fn moles(p: Vec3, front: f32) -> Vec3 {
        let cell = (p / 15.0).floor();
        let mut factor = Vec3::ONE;
        for dz in -1..=1 {
            for dy in -1..=1 {
                for dx in -1..=1 {
                    let at = cell + Vec3::new(dx as f32, dy as f32, dz as f32);
                    let h = hash(at.x as i32, at.y as i32, at.z as i32, 9);
                    let chance = unit(h);
                    if chance > 0.12 {
                        continue;
                    }
                    let random = |k: u32| unit(h.wrapping_mul(0x9E37_79B1 ^ (k * 0x51ED)));
                    let centre = (at + Vec3::new(random(1), random(2), random(3))) * 15.0;
                    let radius = 0.45 + 0.45 * random(4);
                    let amount = ramp(radius * 1.6, radius * 0.4, p.distance(centre)) * (0.18 + 0.35 * random(5));
                    factor *= Vec3::ONE.lerp(Vec3::new(0.50, 0.38, 0.32), amount * (0.4 + 0.6 * front));
                }
            }
        }
        factor
    }

    fn mouth_color(&self, p: Vec3, place: &Place) -> Vec3 {
        let near = LIP * Vec3::new(0.62, 0.38, 0.40);
        let wall = srgb(128.0, 48.0, 46.0);
        let deep = srgb(46.0, 12.0, 12.0);
        let inward = self.face.landmarks[62].z - p.z;
        let color = near.lerp(wall, ramp(0.0, 7.0, place.mouth)).lerp(deep, ramp(14.0, 52.0, inward));
        color * (1.0 + 0.08 * layered(p / 4.0, 2, 33))
    }

    /// Height of the fine relief, millimetres.
    pub fn height(&self, texel: &Texel, place: &Place) -> f32 {
        let p = texel.point;
        if matches!(place.piece, Piece::Mouth | Piece::Socket) {
            return 0.05 * noise(p / 2.0, 34);
        }
        let front = ramp(0.0, 0.35, texel.normal.z);
        let grain = 0.040 * layered(p / 0.8, 2, 81) + 0.06 * layered(p / 3.2, 2, 82);
        let pores = -0.15 * self.pores(p, place, front);
        let lines = -0.16 * self.lip_lines(p) * place.lip;
        // Across the lids run fine folds.
        let folds = 0.03 * place.lid * noise(Vec3::new(p.x / 5.0, p.y / 0.9, p.z / 5.0), 83);
        grain * (1.0 - 0.6 * place.lip) + pores + lines + folds
    }

    /// Roughness of a place, 0..1.
    pub fn roughness(&self, texel: &Texel, place: &Place) -> f32 {
        let p = texel.point;
        if matches!(place.piece, Piece::Mouth | Piece::Socket) {
            return 0.28;
        }
        let l = &self.face.landmarks;
        let front = ramp(0.0, 0.35, texel.normal.z);
        let spot = |x: f32, y: f32, rx: f32, ry: f32| {
            let d = Vec2::new((p.x.abs() - x) / rx, (p.y - y) / ry);
            (-d.length_squared()).exp() * front
        };
        let mut rough = 0.56 + 0.05 * layered(p / 6.0, 3, 91) + 0.04 * noise(p / 0.8, 92);
        rough -= 0.15 * (-(p.distance(l[30]) / 14.0).powi(2)).exp();
        rough -= 0.09 * spot(0.0, l[27].y + 38.0, 32.0, 22.0) + 0.07 * spot(0.0, l[28].y, 7.0, 20.0);
        rough -= 0.05 * spot(0.0, l[8].y + 12.0, 12.0, 10.0);
        rough -= 0.06 * place.lid;
        rough += 0.05 * self.pores(p, place, front);
        rough += (0.36 - rough) * place.lip * 0.9;
        rough += (0.22 - rough) * ramp(0.4, -0.2, place.rim.0);
        rough.clamp(0.2, 0.9)
    }
}

/// Linear colour of an 8-bit sRGB one.
pub fn srgb(red: f32, green: f32, blue: f32) -> Vec3 {
    Vec3::new(red, green, blue).to_array().map(|c| linear(c / 255.0)).into()
}

fn linear(c: f32) -> f32 {
    if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

/// sRGB bytes of a linear colour.
pub fn bytes(color: Vec3) -> [u8; 3] {
    color.to_array().map(|c| {
        let c = c.clamp(0.0, 1.0);
        let s = if c <= 0.003_130_8 { c * 12.92 } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
        (s * 255.0 + 0.5) as u8
    })
}

/// Linear colour of the skin before anything is painted on it.
const BASE: Vec3 = Vec3::new(0.83, 0.625, 0.50);
/// Linear colour of the lower lip.
const LIP: Vec3 = Vec3::new(0.655, 0.335, 0.295);

/// Tangent-space normals of a height field on a bake: x to the right, y up the picture, z out; no longer than one.
pub fn relief(bake: &Bake, heights: &[f32]) -> Vec<Vec3> {
    let size = bake.size;
    let slope = |place: usize, step: usize| -> f32 {
        let (Some(before), Some(after)) = (place.checked_sub(step), Some(place + step).filter(|p| *p < size * size))
        else {
            return 0.0;
        };
        match (bake.texels[before], bake.texels[after]) {
            (Some(a), Some(b)) => {
                let way = a.point.distance(b.point);
                // Texels of different pieces may be neighbours.
                if way > 1e-3 && way < 6.0 { (heights[after] - heights[before]) / way } else { 0.0 }
            }
            _ => 0.0,
        }
    };
    (0..size * size)
        .map(|place| {
            if bake.texels[place].is_none() {
                return Vec3::Z;
            }
            Vec3::new(-slope(place, 1), slope(place, size), 1.0).normalize()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back() {
        for byte in [0u8, 7, 100, 200, 255] {
            let f = f32::from(byte);
            assert_eq!(bytes(srgb(f, f, f)), [byte; 3]);
        }
    }

    #[test]
    fn a_slope_tilts_the_normal() {
        let size = 8;
        let bake = Bake {
            size,
            texels: (0..64)
                .map(|i| {
                    Some(Texel {
                        point: Vec3::new((i % size) as f32, -((i / size) as f32), 0.0),
                        normal: Vec3::Z,
                        open: 1.0,
                    })
                })
                .collect(),
            nearest: (0..64).collect(),
        };
        // Rises to the right and down the picture.
        let heights: Vec<f32> = (0..64).map(|i| (i % size) as f32 * 0.5 + (i / size) as f32).collect();
        let normal = relief(&bake, &heights)[3 * size + 3];
        assert!((normal - Vec3::new(-0.5, 1.0, 1.0).normalize()).length() < 1e-4, "{normal}");
    }
}
