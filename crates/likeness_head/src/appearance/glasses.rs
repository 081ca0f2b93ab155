//! Glasses: frames of tubes and clear lenses, which rest on the nose and the ears.

use std::f32::consts::TAU;

use glam::{Vec2, Vec3};
use likeness_rig::{HeadMesh, LandmarkSet, MeshPart};

use super::{parts::mean_weights, surface::Surface};
use crate::finish::RenderPart;

/// The styles with captions; the first shows nothing.
pub const STYLES: [(&str, &str); 3] = [("none", "None"), ("round", "Round"), ("rectangular", "Rectangular")];

/// Pieces round a rim, and round a tube, a level of detail.
const PIECES: [(usize, usize); 3] = [(40, 8), (28, 6), (18, 4)];

/// How a frame is made, metres.
struct Frame {
    /// Half width and half height of a lens.
    half: Vec2,
    /// Roundness of a lens: 2 is an ellipse, more is squarer.
    power: f32,
    /// Radius of the rims' tubes.
    rim: f32,
    /// Radius of the temples' tubes.
    temple: f32,
    shade: f32,
}

/// The parts of a style, all levels of detail.
pub fn parts(head: &HeadMesh, skin: &MeshPart, landmarks: &LandmarkSet, style: &str) -> Vec<RenderPart> {
    let frame = match style {
        "round" => Frame { half: Vec2::new(0.0245, 0.0225), power: 2.1, rim: 0.0011, temple: 0.0012, shade: 0.35 },
        "rectangular" => {
            Frame { half: Vec2::new(0.0265, 0.0170), power: 4.2, rim: 0.0017, temple: 0.0019, shade: 0.06 }
        }
        _ => return Vec::new(),
    };
    let surface = Surface::new(head, skin);
    let at: Vec<Vec3> = landmarks
        .points
        .iter()
        .map(|point| point.triangle.iter().zip(point.weights).map(|(&v, w)| skin.positions[v as usize] * w).sum())
        .collect();
    let mut out = Vec::new();
    for (level, &(around, tube)) in PIECES.iter().enumerate() {
        let suffix = ["", ".lod1", ".lod2"][level];
        let mut maker = Maker { surface: &surface, at: &at, frame: &frame, parts: Default::default() };
        maker.make(around, tube);
        let [mut rims, mut lenses] = maker.parts;
        (rims.name, rims.material) = (format!("frame{suffix}"), "frame".to_owned());
        (lenses.name, lenses.material) = (format!("lens{suffix}"), "lens".to_owned());
        out.extend([rims, lenses]);
    }
    out
}

struct Maker<'a> {
    surface: &'a Surface<'a>,
    at: &'a [Vec3],
    frame: &'a Frame,
    /// Frame and lenses.
    parts: [RenderPart; 2],
}

type Skin = ([u16; 4], [f32; 4]);

impl Maker<'_> {
    fn make(&mut self, around: usize, tube: usize) {
        let frame = self.frame;
        let (inner, outer) = (self.at[42], self.at[45]);
        let brow = self.at[24];
        // The middle of the left eye, and the plane of the lenses in front of lashes and brow.
        let middle = Vec3::new((inner.x + outer.x) * 0.5 + 0.0006, (inner.y + outer.y) * 0.5 - 0.0035, 0.0);
        let front = brow.z.max(self.at[27].z - 0.002) + 0.0075;
        let bow = |x: f32| -2.6 * x * x;
        let rim_at = |side: f32, angle: f32| {
            let (s, c) = angle.sin_cos();
            let round = |x: f32| x.signum() * x.abs().powf(2.0 / frame.power);
            let x = middle.x + frame.half.x * round(c);
            let y = middle.y + frame.half.y * round(s);
            // Lenses lean in at the bottom.
            Vec3::new(side * x, y, front + bow(x) + 0.10 * (y - middle.y))
        };
        let bridge_skin = self.skin(&[(self.at[27], 1.0), (self.at[28], 1.0)], 0.009);
        let mut hinges = [Vec3::ZERO; 2];
        for (number, side) in [1.0f32, -1.0].into_iter().enumerate() {
            let eye = |k: usize| self.at[k] * Vec3::new(side, 1.0, 1.0);
            let _ = eye;
            let places: Vec<(Vec3, f32)> = (0..8)
                .map(|k| (self.surface.nearest(rim_at(side, k as f32 / 8.0 * TAU), false).point, 1.0))
                .chain([(self.at[27], 3.0), (self.at[28], 2.0)])
                .collect();
            let lens_skin = self.skin(&places, 0.014);
            let rim: Vec<Vec3> = (0..around).map(|k| rim_at(side, k as f32 / around as f32 * TAU)).collect();
            self.tube(&rim, true, frame.rim, tube, &|_| lens_skin);
            self.lens(&rim, lens_skin);

            // Bridge, one half each, and the temple over the ear.
            let nose_end = rim_at(side, TAU * 0.46);
            let top = Vec3::new(0.0, nose_end.y + 0.0035, front + 0.0012);
            let bridge: Vec<Vec3> = (0..=4)
                .map(|k| {
                    let t = k as f32 / 4.0;
                    nose_end.lerp(top, t) + Vec3::Y * 0.0016 * (t * std::f32::consts::PI).sin()
                })
                .collect();
            self.tube(&bridge, false, frame.rim * 1.1, tube, &|t| if t > 0.6 { bridge_skin } else { lens_skin });

            let hinge = rim_at(side, TAU * 0.06) + Vec3::new(side * 0.0045, 0.001, -0.003);
            hinges[number] = hinge;
            let over = Vec3::new(side * 0.0765, 0.0285, -0.083);
            let behind = Vec3::new(side * 0.0745, -0.004, -0.108);
            let temple: Vec<Vec3> = (0..=12)
                .map(|k| {
                    let t = k as f32 / 12.0;
                    let p = if t < 0.72 {
                        let t = t / 0.72;
                        let bulge = 0.0035 * (t * std::f32::consts::PI).sin();
                        hinge.lerp(over, t) + Vec3::X * side * bulge
                    } else {
                        let t = (t - 0.72) / 0.28;
                        let corner = Vec3::new(side * 0.0765, 0.024, -0.101);
                        over.lerp(corner, t).lerp(corner.lerp(behind, t), t)
                    };
                    let hit = self.surface.nearest(p, false);
                    if hit.height < 0.0025 { p + hit.normal * (0.0025 - hit.height) } else { p }
                })
                .collect();
            let ear_skin = self.skin(&[(over, 1.0), (Vec3::new(side * 0.072, 0.02, -0.08), 1.0)], 0.012);
            let side_skins: Vec<Skin> =
                temple.iter().map(|p| self.skin(&[(self.surface.nearest(*p, false).point, 1.0)], 0.014)).collect();
            let corner: Vec<Vec3> = vec![rim_at(side, TAU * 0.06), hinge];
            self.tube(&corner, false, frame.temple, tube, &|_| lens_skin);
            let skins = move |t: f32| {
                let k = (t * 12.0).round() as usize;
                if k == 0 {
                    lens_skin
                } else if k >= 8 {
                    ear_skin
                } else {
                    side_skins[k.min(12)]
                }
            };
            self.tube(&temple, false, frame.temple, tube, &skins);
        }
    }

    fn skin(&self, places: &[(Vec3, f32)], radius: f32) -> Skin {
        mean_weights(self.surface, places, radius)
    }

    /// A tube along a line.
    fn tube(&mut self, line: &[Vec3], closed: bool, radius: f32, sides: usize, skin: &dyn Fn(f32) -> Skin) {
        let out = &mut self.parts[0];
        let first = out.positions.len() as u32;
        let count = line.len();
        let shade = (self.frame.shade * 255.0) as u8;
        for (k, p) in line.iter().enumerate() {
            let before = if k > 0 {
                line[k - 1]
            } else if closed {
                line[count - 1]
            } else {
                *p
            };
            let after = if k + 1 < count {
                line[k + 1]
            } else if closed {
                line[0]
            } else {
                *p
            };
            let way = (after - before).normalize_or(Vec3::X);
            let u = way.cross(Vec3::new(0.13, 0.3, 0.94)).normalize_or(Vec3::Y);
            let w = way.cross(u);
            let (joints, weights) = skin(k as f32 / (count - 1).max(1) as f32);
            for side in 0..sides {
                let angle = side as f32 / sides as f32 * TAU;
                let normal = u * angle.cos() + w * angle.sin();
                out.positions.push(*p + normal * radius);
                out.normals.push(normal);
                out.tangents.push(way);
                out.uvs.push(Vec2::splat(0.5));
                out.colors.push([shade, shade, shade, 255]);
                out.joints.push(joints);
                out.weights.push(weights);
            }
        }
        let (sides, count) = (sides as u32, count as u32);
        for k in 0..if closed { count } else { count - 1 } {
            let next = (k + 1) % count;
            for side in 0..sides {
                let turn = (side + 1) % sides;
                let [a, b, c, d] =
                    [k * sides + side, k * sides + turn, next * sides + side, next * sides + turn].map(|v| v + first);
                out.triangles.extend([[a, b, c], [c, b, d]]);
            }
        }
    }

    /// A clear disc inside a rim.
    fn lens(&mut self, rim: &[Vec3], (joints, weights): Skin) {
        let out = &mut self.parts[1];
        let first = out.positions.len() as u32;
        let middle = rim.iter().sum::<Vec3>() / rim.len().max(1) as f32;
        for (k, p) in std::iter::once(&middle).chain(rim).enumerate() {
            let bulge = if k == 0 { 0.0012 } else { 0.0 };
            let tilt = (*p - middle) * 9.0;
            out.positions.push(*p + Vec3::Z * bulge);
            out.normals.push((Vec3::Z + Vec3::new(tilt.x, tilt.y, 0.0)).normalize_or(Vec3::Z));
            out.tangents.push(Vec3::X);
            out.uvs.push(Vec2::splat(0.5));
            out.colors.push([255, 255, 255, 40]);
            out.joints.push(joints);
            out.weights.push(weights);
        }
        let count = rim.len() as u32;
        for k in 0..count {
            out.triangles.push([first, first + 1 + k, first + 1 + (k + 1) % count]);
        }
    }
}
