//! A small software rasteriser to look at heads: orthographic, lit from the viewer, one picture a row of tiles.

pub mod sheets;

use glam::{Quat, Vec3};
use image::{Rgb, RgbImage};

/// Something to draw: positions (metres), triangles and a colour.
pub struct Shape<'a> {
    /// Vertices.
    pub positions: &'a [Vec3],
    /// Corners.
    pub triangles: &'a [[u32; 3]],
    /// Colour in full light.
    pub color: [f32; 3],
    /// Whether backs are drawn, lit as fronts; otherwise a back shows bright magenta, so that holes are seen.
    pub double_sided: bool,
}

/// What is seen: turn, centre and height in metres.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Turn of the head to its left, degrees.
    pub yaw: f32,
    /// Turn of the head upward, degrees.
    pub pitch: f32,
    /// Point in the middle of the picture.
    pub centre: Vec3,
    /// Height of what is seen, metres.
    pub height: f32,
}

impl View {
    /// The whole head.
    pub const HEAD: Self = Self { yaw: 0.0, pitch: 0.0, centre: Vec3::new(0.0, -0.02, 0.0), height: 0.34 };

    /// Where a point lies in a square picture: pixels from the upper left, and the way toward the viewer in metres.
    pub fn place(&self, point: Vec3, size: u32) -> Vec3 {
        let turn = Quat::from_rotation_y(self.yaw.to_radians()) * Quat::from_rotation_x(-self.pitch.to_radians());
        let point = turn * (point - self.centre);
        let (middle, scale) = (size as f32 / 2.0, size as f32 / self.height);
        Vec3::new(middle + point.x * scale, middle - point.y * scale, point.z)
    }
}

/// Draws the shapes into a square picture.
pub fn draw(shapes: &[Shape], view: View, size: u32) -> RgbImage {
    let mut picture = RgbImage::from_pixel(size, size, Rgb([225, 228, 235]));
    let mut depth = vec![f32::NEG_INFINITY; (size * size) as usize];
    let light = Vec3::new(-0.25, 0.45, 0.85).normalize();
    for shape in shapes {
        let screen: Vec<Vec3> = shape.positions.iter().map(|&p| view.place(p, size)).collect();
        let metres = view.height / size as f32;
        let mut normals = vec![Vec3::ZERO; screen.len()];
        for triangle in shape.triangles {
            let [a, b, c] = triangle.map(|v| screen[v as usize] * Vec3::new(metres, -metres, 1.0));
            let normal = (b - a).cross(c - a);
            for &v in triangle {
                normals[v as usize] += normal;
            }
        }
        for triangle in shape.triangles {
            let [a, b, c] = triangle.map(|v| screen[v as usize]);
            let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
            if area == 0.0 || !area.is_finite() {
                continue;
            }
            let back = area > 0.0;
            let limit = |x: f32| x.clamp(0.0, size as f32 - 1.0) as u32;
            for y in limit(a.y.min(b.y).min(c.y))..=limit(a.y.max(b.y).max(c.y).ceil()) {
                for x in limit(a.x.min(b.x).min(c.x))..=limit(a.x.max(b.x).max(c.x).ceil()) {
                    let p = (x as f32 + 0.5, y as f32 + 0.5);
                    let side = |u: Vec3, v: Vec3| ((v.x - u.x) * (p.1 - u.y) - (v.y - u.y) * (p.0 - u.x)) / area;
                    let (wa, wb, wc) = (side(b, c), side(c, a), side(a, b));
                    if wa < 0.0 || wb < 0.0 || wc < 0.0 {
                        continue;
                    }
                    let z = wa * a.z + wb * b.z + wc * c.z;
                    let place = (y * size + x) as usize;
                    if z <= depth[place] {
                        continue;
                    }
                    depth[place] = z;
                    let [na, nb, nc] = triangle.map(|v| normals[v as usize].normalize_or_zero());
                    let normal = (na * wa + nb * wb + nc * wc).normalize_or_zero();
                    let lit = normal.dot(light);
                    let color = if back && !shape.double_sided {
                        [1.0, 0.0, 1.0]
                    } else {
                        let shade = 0.18 + 0.82 * if shape.double_sided { lit.abs() } else { lit.max(0.0) };
                        shape.color.map(|channel| channel * shade)
                    };
                    picture.put_pixel(x, y, Rgb(color.map(|c| (c.clamp(0.0, 1.0).powf(1.0 / 1.6) * 255.0) as u8)));
                }
            }
        }
    }
    picture
}

/// Puts square pictures of one size side by side, `columns` in a row.
pub fn tile(pictures: &[RgbImage], columns: u32) -> RgbImage {
    let size = pictures.first().map_or(1, RgbImage::width);
    let rows = (pictures.len() as u32).div_ceil(columns.max(1));
    let mut sheet = RgbImage::new(size * columns, size * rows);
    for (index, picture) in pictures.iter().enumerate() {
        let (x, y) = (index as u32 % columns, index as u32 / columns);
        image::imageops::replace(&mut sheet, picture, i64::from(x * size), i64::from(y * size));
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triangle_is_drawn_from_its_front() {
        let positions = [Vec3::new(-0.1, -0.1, 0.0), Vec3::new(0.1, -0.1, 0.0), Vec3::new(0.0, 0.1, 0.0)];
        let triangles = [[0, 1, 2]];
        let shape = Shape { positions: &positions, triangles: &triangles, color: [1.0, 1.0, 1.0], double_sided: false };
        let view = View { centre: Vec3::ZERO, ..View::HEAD };
        let picture = draw(&[shape], view, 33);
        let middle = picture.get_pixel(16, 16).0;
        assert!(middle[0] > 150 && middle[0] == middle[1], "{middle:?}");
        assert_eq!(picture.get_pixel(0, 0).0, [225, 228, 235]);
    }
}
