//! Writes pictures of the bundled head: views, expressions, passes and random faces.
//!
//! `cargo run --release -p likeness_render --example gallery -- out/gallery`

use std::path::PathBuf;
use std::time::Instant;

use image::{DynamicImage, Rgb, RgbImage, RgbaImage};
use likeness_render::{Passes, RenderOptions, Renderer, Shot, Views, contact_sheet};
use likeness_rig::{Face, Prior, arkit_index};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Linear skin colours, light to dark.
const SKINS: [[f32; 3]; 6] = [
    [0.72, 0.46, 0.35],
    [0.62, 0.38, 0.27],
    [0.52, 0.30, 0.20],
    [0.38, 0.20, 0.12],
    [0.22, 0.105, 0.06],
    [0.11, 0.052, 0.032],
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let out = PathBuf::from(arguments.next().unwrap_or_else(|| "out/gallery".into()));
    let rig_path = arguments.next().map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/head/head.rig.ron")),
        PathBuf::from,
    );
    std::fs::create_dir_all(&out)?;

    let start = Instant::now();
    let mut renderer = Renderer::new(RenderOptions::new(&rig_path))?;
    let neutral = Face::neutral(renderer.rig());
    let mut shots: Vec<Shot> = Vec::new();
    for view in Views::ALL {
        shots.push(view.shot(neutral.clone()));
    }
    for weights in [
        &[("mouthSmileLeft", 0.8), ("mouthSmileRight", 0.8), ("cheekSquintLeft", 0.4), ("cheekSquintRight", 0.4)][..],
        &[("jawOpen", 0.8)],
        &[("eyeBlinkLeft", 1.0), ("eyeBlinkRight", 1.0)],
        &[("eyeLookOutLeft", 0.8), ("eyeLookInRight", 0.8), ("browInnerUp", 0.8)],
        &[
            ("browDownLeft", 1.0),
            ("browDownRight", 1.0),
            ("noseSneerLeft", 0.7),
            ("mouthFrownLeft", 0.7),
            ("mouthFrownRight", 0.7),
        ],
        &[
            ("mouthSmileLeft", 1.0),
            ("mouthSmileRight", 1.0),
            ("jawOpen", 0.3),
            ("mouthUpperUpLeft", 0.5),
            ("mouthUpperUpRight", 0.5),
        ],
    ] {
        let mut shot = Shot::new(neutral.clone());
        for (name, weight) in weights {
            if let Some(index) = arkit_index(name) {
                shot.expression[index] = *weight;
            }
        }
        shots.push(shot);
    }
    let pictures = renderer.render(&shots, 512, Passes::COLOR)?;
    println!("first pictures after {:.2} s", start.elapsed().as_secs_f32());
    let colors: Vec<RgbaImage> = pictures.into_iter().map(|picture| picture.color).collect();
    contact_sheet(&colors, 3).save(out.join("views.png"))?;
    renderer.portrait(&neutral, Views::Front, 1024)?.save(out.join("large.png"))?;

    let picture = &renderer.render(&shots[5..7], 512, Passes::ALL)?[1];
    let parts = picture.parts.as_ref().ok_or("no parts")?;
    let tinted = RgbImage::from_fn(512, 512, |x, y| {
        let class = parts.get_pixel(x, y).0[0];
        Rgb([class.wrapping_mul(67), class.wrapping_mul(131), class.wrapping_mul(29)])
    });
    let depth = picture.depth.as_ref().ok_or("no depth")?;
    let near = depth.iter().copied().fold(f32::INFINITY, f32::min);
    let grey = RgbImage::from_fn(512, 512, |x, y| {
        let value = depth[(y * 512 + x) as usize];
        let byte = if value.is_finite() { 255.0 - (value - near) * 1000.0 } else { 0.0 };
        Rgb([byte as u8; 3])
    });
    let normals = picture.normals.clone().ok_or("no normals")?;
    let mut marked = picture.color.clone();
    for point in renderer.landmarks(&shots[6], 512)? {
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let (x, y) = (point.x as u32 + dx, point.y as u32 + dy);
            if x < 512 && y < 512 {
                marked.put_pixel(x, y, image::Rgba([0, 255, 0, 255]));
            }
        }
    }
    let passes = [marked, rgba(tinted), rgba(grey), rgba(normals)];
    contact_sheet(&passes, 2).save(out.join("passes.png"))?;

    let prior = Prior::load(&rig_path.with_file_name(&renderer.rig().prior), renderer.rig())?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let skin = renderer.rig().colors.iter().position(|color| color.name == "skin");
    let random: Vec<Shot> = (0..24)
        .map(|_| {
            let mut face = neutral.clone();
            face.parameters = prior.sample(&mut rng);
            if let Some(skin) = skin {
                face.colors[skin] = SKINS[rng.random_range(0..SKINS.len())];
            }
            Shot::new(face)
        })
        .collect();
    let pictures = renderer.render(&random, 320, Passes::COLOR)?;
    let colors: Vec<RgbaImage> = pictures.into_iter().map(|picture| picture.color).collect();
    contact_sheet(&colors, 6).save(out.join("random.png"))?;
    let small: Vec<Shot> = shots.iter().chain(&random).cloned().collect();
    let pictures = renderer.render(&small, 128, Passes::COLOR)?;
    let colors: Vec<RgbaImage> = pictures.into_iter().map(|picture| picture.color).collect();
    contact_sheet(&colors, 11).save(out.join("small.png"))?;
    Ok(())
}

fn rgba(picture: RgbImage) -> RgbaImage {
    DynamicImage::ImageRgb8(picture).to_rgba8()
}
