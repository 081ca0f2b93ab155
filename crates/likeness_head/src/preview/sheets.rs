//! Sheets of pictures of a built head, for a check by eye.

use std::path::Path;

use glam::{Mat4, Vec3};
use image::{Rgb, RgbImage};
use likeness_rig::{CompiledRig, HeadMesh, LandmarkModel, LandmarkSet, Prior, Rig, RigBinding, arkit_index};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Shape, View, draw, tile};
use crate::error::{HeadError, Result};

/// Size of one picture, pixels.
const SIZE: u32 = 384;
/// Expressions that show faults soonest.
const EXPRESSIONS: [&[&str]; 6] = [
    &["jawOpen"],
    &["mouthSmileLeft", "mouthSmileRight"],
    &["eyeBlinkLeft", "eyeBlinkRight"],
    &["mouthPucker", "browInnerUp"],
    &["mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight"],
    &["tongueOut", "jawOpen"],
];

/// A head as it lies in a folder.
struct Folder {
    rig: Rig,
    compiled: CompiledRig,
    mesh: HeadMesh,
    binding: RigBinding,
    prior: Prior,
    landmarks: LandmarkModel,
}

/// Draws the head in the folder `head` into pictures in the folder `out`.
///
/// # Errors
/// If a file of the head is missing or damaged, or a picture cannot be written.
pub fn write(head: &Path, out: &Path) -> Result<()> {
    let rig = Rig::load(&head.join("head.rig.ron"))?;
    let mesh = HeadMesh::load(&head.join(&rig.mesh))?;
    let set = LandmarkSet::load(&head.join(&rig.landmarks))?;
    let folder = Folder {
        compiled: rig.compile()?,
        binding: mesh.bind(&rig)?,
        prior: Prior::load(&head.join(&rig.prior), &rig)?,
        landmarks: LandmarkModel::new(&rig, &mesh, &set)?,
        rig,
        mesh,
    };
    std::fs::create_dir_all(out).map_err(|source| HeadError::Io { path: out.to_owned(), source })?;
    let save = |name: &str, pictures: &[RgbImage], columns: u32| {
        let path = out.join(name);
        tile(pictures, columns).save(&path).map_err(|source| HeadError::Image { path, source })
    };
    let neutral = vec![0.5; folder.rig.parameters.len()];
    let turned = |yaw: f32| View { yaw, ..View::HEAD };
    let face = View { centre: Vec3::new(0.0, -0.03, 0.06), height: 0.17, ..View::HEAD };

    let mut pictures: Vec<RgbImage> =
        [0.0, 45.0, 90.0, 180.0].iter().map(|&yaw| folder.shot(&neutral, &[], "skin", turned(yaw))).collect();
    for level in ["skin", "skin.lod1", "skin.lod2"] {
        pictures.push(folder.shot(&neutral, &[], level, face));
    }
    pictures.push(folder.shot(
        &neutral,
        &[],
        "skin",
        View { yaw: 30.0, centre: Vec3::new(0.03, 0.0, 0.04), height: 0.07, ..face },
    ));
    save("neutral.png", &pictures, 4)?;

    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let faces: Vec<Vec<f32>> = (0..12).map(|_| folder.prior.sample(&mut rng)).collect();
    let pictures: Vec<RgbImage> =
        faces.iter().map(|values| folder.shot(values, &[], "skin", View { yaw: 20.0, ..face })).collect();
    save("random.png", &pictures, 4)?;

    let mut pictures = Vec::new();
    for values in [&neutral, &faces[0], &faces[6]] {
        for names in EXPRESSIONS {
            pictures.push(folder.shot(values, names, "skin", face));
        }
    }
    save("expressions.png", &pictures, EXPRESSIONS.len() as u32)?;

    let mut pictures = Vec::new();
    for parameter in 0..neutral.len() {
        for value in [0.0, 1.0] {
            let mut values = neutral.clone();
            values[parameter] = value;
            let mut picture = folder.shot(&values, &[], "skin", View { yaw: 25.0, ..View::HEAD });
            picture = image::imageops::thumbnail(&picture, 160, 160);
            pictures.push(picture);
        }
    }
    save("extremes.png", &pictures, 20)?;

    let mut pictures = Vec::new();
    for values in [&neutral, &faces[1], &faces[4]] {
        for yaw in [-60.0, -30.0, 0.0, 30.0, 60.0] {
            pictures.push(folder.marked(values, View { yaw, ..face }));
        }
    }
    save("landmarks.png", &pictures, 5)
}

impl Folder {
    fn joints(&self, values: &[f32]) -> Vec<Mat4> {
        let mut offsets = Vec::new();
        self.compiled.offsets_into(values, &mut offsets);
        self.binding.joint_matrices(&self.mesh, &offsets)
    }

    fn shot(&self, values: &[f32], expressions: &[&str], level: &str, view: View) -> RgbImage {
        let joints = self.joints(values);
        let mut expression = vec![0.0; self.mesh.morph_names.len()];
        for index in expressions.iter().filter_map(|name| arkit_index(name)) {
            expression[index] = 1.0;
        }
        let mut posed = Vec::new();
        for part in &self.mesh.parts {
            if part.name.starts_with("skin") && part.name != level {
                continue;
            }
            let mut points = Vec::new();
            self.mesh.skin(part, &joints, &expression, &mut points);
            posed.push((part, points));
        }
        let shapes: Vec<Shape> = posed
            .iter()
            .map(|(part, points)| Shape {
                positions: points,
                triangles: &part.triangles,
                color: match part.name.as_str() {
                    "eyes" => [0.9, 0.93, 1.0],
                    "lashes" => [0.05, 0.04, 0.04],
                    "teeth" => [0.9, 0.9, 0.7],
                    "tongue" => [0.85, 0.3, 0.3],
                    _ => [0.75, 0.55, 0.45],
                },
                double_sided: part.name == "lashes",
            })
            .collect();
        draw(&shapes, view, SIZE)
    }

    /// A picture with the landmarks as dots: the outline's in green.
    fn marked(&self, values: &[f32], view: View) -> RgbImage {
        let mut picture = self.shot(values, &[], "skin", view);
        let points = self.landmarks.points(values, &[0.0; 52], view.yaw);
        for (index, &point) in points.iter().enumerate() {
            let at = view.place(point, SIZE);
            let color = if index < 17 { Rgb([0, 200, 0]) } else { Rgb([220, 0, 0]) };
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1), (-1, 0), (0, -1)] {
                let (x, y) = (at.x as i64 + dx, at.y as i64 + dy);
                if (0..i64::from(SIZE)).contains(&x) && (0..i64::from(SIZE)).contains(&y) {
                    picture.put_pixel(x as u32, y as u32, color);
                }
            }
        }
        picture
    }
}
