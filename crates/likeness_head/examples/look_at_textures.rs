//! Paints the textures for a built head and draws it with them: `look_at_textures WHEEL HEAD_FOLDER OUT_FOLDER`.

use std::{error::Error, path::Path};

use glam::{Quat, Vec2, Vec3};
use image::{Rgb, RgbImage, RgbaImage};
use likeness_head::{textures, wheel::Wheel};
use likeness_rig::{HeadMesh, LandmarkSet, MeshPart};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, wheel, head, out] = arguments.as_slice() else {
        return Err("usage: look_at_textures WHEEL HEAD_FOLDER OUT_FOLDER".into());
    };
    let (head, out) = (Path::new(head), Path::new(out));
    let mesh = HeadMesh::load(&head.join("head.glb"))?;
    let landmarks = LandmarkSet::load(&head.join(likeness_head::build::ANATOMY))?;
    let masks = textures::masks(&mut Wheel::open(Path::new(wheel))?)?;
    let files = textures::paint(&mesh, &landmarks, &masks, textures::Sizes::FULL)?;
    textures::write(&files, out)?;
    for (name, bytes) in &files {
        println!("{name}: {} kB", bytes.len() / 1024);
    }
    let picture = |name: &str| -> Result<RgbaImage, Box<dyn Error>> {
        let (_, bytes) = files.iter().find(|file| file.0 == name).ok_or("no such file")?;
        Ok(image::load_from_memory(bytes)?.into_rgba8())
    };
    let normals = picture("textures/skin_normal.jpg")?;
    let shapes = [
        ("skin", picture("textures/skin_color.jpg")?),
        ("eyes", picture("textures/eyes.jpg")?),
        ("teeth", picture("textures/teeth.jpg")?),
        ("tongue", picture("textures/tongue.jpg")?),
        ("lashes", picture("textures/lashes.png")?),
    ];
    let views = [
        ("front", 0.0, 0.0, Vec3::new(0.0, -0.012, 0.0), 0.30),
        ("side", 42.0, 0.0, Vec3::new(0.0, -0.012, 0.0), 0.30),
        ("profile", 95.0, 0.0, Vec3::new(0.0, -0.012, -0.06), 0.30),
        ("back", 180.0, 0.0, Vec3::new(0.0, -0.012, -0.06), 0.32),
        ("face", 0.0, 0.0, Vec3::new(0.0, -0.02, 0.0), 0.16),
        ("eye", 8.0, 0.0, Vec3::new(0.035, 0.008, 0.0), 0.06),
        ("lips", 8.0, 0.0, Vec3::new(0.0, -0.068, 0.0), 0.07),
    ];
    for (name, yaw, pitch, centre, height) in views {
        let size = 1000;
        let mut canvas = Canvas::new(size * 2);
        for (part, texture) in &shapes {
            if let Some(part) = mesh.part(part) {
                canvas.draw(part, texture, &normals, (yaw, pitch, centre, height));
            }
        }
        image::imageops::resize(&canvas.picture, size, size, image::imageops::FilterType::Triangle)
            .save(out.join(format!("look_{name}.png")))?;
    }
    Ok(())
}

struct Canvas {
    picture: RgbImage,
    depth: Vec<f32>,
}

impl Canvas {
    fn new(size: u32) -> Self {
        Self {
            picture: RgbImage::from_pixel(size, size, Rgb([92, 98, 104])),
            depth: vec![f32::NEG_INFINITY; (size * size) as usize],
        }
    }

    fn draw(
        &mut self,
        part: &MeshPart,
        texture: &RgbaImage,
        relief: &RgbaImage,
        (yaw, pitch, centre, height): (f32, f32, Vec3, f32),
    ) {
        let size = self.picture.width();
        let turn = Quat::from_rotation_y(yaw.to_radians()) * Quat::from_rotation_x(-f32::to_radians(pitch));
        let scale = size as f32 / height;
        let key = Vec3::new(-0.45, 0.45, 0.80).normalize();
        let fill = Vec3::new(0.8, 0.1, 0.5).normalize();
        let (gloss, level) = match part.name.as_str() {
            "eyes" => (90.0, 0.9),
            "skin" => (14.0, 0.10),
            "lashes" => (1.0, 0.0),
            _ => (40.0, 0.25),
        };
        let linear = |c: u8| (f32::from(c) / 255.0).powf(2.2);
        let screen: Vec<Vec3> = part
            .positions
            .iter()
            .map(|&p| {
                let p = turn * p - centre;
                Vec3::new(size as f32 / 2.0 + p.x * scale, size as f32 / 2.0 - p.y * scale, p.z)
            })
            .collect();
        for triangle in &part.triangles {
            let [a, b, c] = triangle.map(|v| screen[v as usize]);
            let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
            if area == 0.0 || (area > 0.0 && part.name != "lashes") {
                continue;
            }
            // The texture's axes on the triangle.
            let [pa, pb, pc] = triangle.map(|v| turn * part.positions[v as usize]);
            let [ta, tb, tc] = triangle.map(|v| part.uvs[v as usize]);
            let (e1, e2, d1, d2) = (pb - pa, pc - pa, tb - ta, tc - ta);
            let det = d1.perp_dot(d2);
            let tangent = ((e1 * d2.y - e2 * d1.y) / det).normalize_or_zero();
            let up = -((e2 * d1.x - e1 * d2.x) / det).normalize_or_zero();
            let limit = |x: f32| x.clamp(0.0, size as f32 - 1.0) as u32;
            for y in limit(a.y.min(b.y).min(c.y))..=limit(a.y.max(b.y).max(c.y)) {
                for x in limit(a.x.min(b.x).min(c.x))..=limit(a.x.max(b.x).max(c.x)) {
                    let p = (x as f32 + 0.5, y as f32 + 0.5);
                    let side = |u: Vec3, v: Vec3| ((v.x - u.x) * (p.1 - u.y) - (v.y - u.y) * (p.0 - u.x)) / area;
                    let weights = [side(b, c), side(c, a), side(a, b)];
                    if weights.iter().any(|w| *w < 0.0) {
                        continue;
                    }
                    let z = weights[0] * a.z + weights[1] * b.z + weights[2] * c.z;
                    let place = (y * size + x) as usize;
                    if z <= self.depth[place] || z + centre.z < -1.0 {
                        continue;
                    }
                    let mut uv = Vec2::ZERO;
                    let mut normal = Vec3::ZERO;
                    for (&v, w) in triangle.iter().zip(weights) {
                        uv += part.uvs[v as usize] * w;
                        normal += turn * part.normals[v as usize] * w;
                    }
                    let texel = sample(texture, uv);
                    if texel[3] < 0.02 {
                        continue;
                    }
                    if part.name == "skin" {
                        let n = sample(relief, uv).map(|c| c * 2.0 - 1.0);
                        normal = (tangent * n[0] + up * n[1] + normal.normalize_or_zero() * n[2]).normalize_or_zero();
                    }
                    let normal = normal.normalize_or_zero();
                    let half = (key + Vec3::Z).normalize();
                    let shine = normal.dot(half).max(0.0).powf(gloss) * level;
                    let old = self.picture.get_pixel(x, y).0;
                    let mut out = [0u8; 3];
                    for k in 0..3 {
                        let wrap = [0.25, 0.12, 0.08][k];
                        let wrapped = |light: Vec3| ((normal.dot(light) + wrap) / (1.0 + wrap)).max(0.0);
                        let light = 0.22 + 0.95 * wrapped(key) + 0.28 * wrapped(fill) + 0.10 * normal.y.max(0.0);
                        let color = texel[k].powf(2.2) * light * 1.05 + shine * 0.5;
                        let mixed = color * texel[3] + linear(old[k]) * (1.0 - texel[3]);
                        out[k] = (mixed.clamp(0.0, 1.0).powf(1.0 / 2.2) * 255.0 + 0.5) as u8;
                    }
                    if texel[3] > 0.5 {
                        self.depth[place] = z;
                    }
                    self.picture.put_pixel(x, y, Rgb(out));
                }
            }
        }
    }
}

fn sample(picture: &RgbaImage, uv: Vec2) -> [f32; 4] {
    let (width, height) = picture.dimensions();
    let p = uv * Vec2::new(width as f32, height as f32) - 0.5;
    let base = p.floor();
    let f = p - base;
    let mut sum = [0.0; 4];
    for (dx, dy, w) in [
        (0.0, 0.0, (1.0 - f.x) * (1.0 - f.y)),
        (1.0, 0.0, f.x * (1.0 - f.y)),
        (0.0, 1.0, (1.0 - f.x) * f.y),
        (1.0, 1.0, f.x * f.y),
    ] {
        let x = (base.x + dx).clamp(0.0, width as f32 - 1.0) as u32;
        let y = (base.y + dy).clamp(0.0, height as f32 - 1.0) as u32;
        for (sum, c) in sum.iter_mut().zip(picture.get_pixel(x, y).0) {
            *sum += f32::from(c) / 255.0 * w;
        }
    }
    sum
}
