//! Measures how many faces a second are drawn for training: random faces with an expression and a pose.
//!
//! `cargo run --release -p likeness_render --example speed`

use std::path::PathBuf;
use std::time::Instant;

use image::buffer::ConvertBuffer;
use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageFormat, RgbImage};
use likeness_render::{Lod, Passes, Picture, RenderOptions, Renderer, Shot, Views};
use likeness_rig::{Face, Prior};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rig_path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/head/head.rig.ron"));
    let (start, busy) = (Instant::now(), processor_seconds());
    let mut renderer = Renderer::new(RenderOptions::new(&rig_path))?;
    let face = Face::neutral(renderer.rig());
    renderer.portrait(&face, Views::Front, 512)?;
    println!(
        "first portrait of 512 pixels: {:.2} s, {:.2} s of processor time",
        start.elapsed().as_secs_f64(),
        processor_seconds() - busy
    );
    drop(renderer);
    let mut encoding = [0.0; 2];
    println!("size lod    batch samples passes   faces/s  processor ms/face");
    for (size, lod, batch, samples, passes) in [
        (128, Lod::Fifth, 64, 4, Passes::COLOR),
        (128, Lod::Fifth, 64, 4, Passes::ALL),
        (128, Lod::Half, 64, 4, Passes::COLOR),
        (128, Lod::Half, 64, 4, Passes::ALL),
        (128, Lod::Half, 32, 4, Passes::COLOR),
        (128, Lod::Half, 16, 4, Passes::COLOR),
        (128, Lod::Half, 1, 4, Passes::COLOR),
        (128, Lod::Half, 64, 1, Passes::COLOR),
        (128, Lod::Full, 64, 4, Passes::COLOR),
        (128, Lod::Full, 1, 4, Passes::COLOR),
        (512, Lod::Full, 16, 4, Passes::COLOR),
    ] {
        let options = RenderOptions { samples, lod: Some(lod), batch, ..RenderOptions::new(&rig_path) };
        let mut renderer = Renderer::new(options)?;
        let prior = Prior::load(&rig_path.with_file_name(&renderer.rig().prior), renderer.rig())?;
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let count = if size == 512 { 64 } else { 256 };
        let shots: Vec<Shot> = (0..count)
            .map(|_| {
                let mut face = Face::neutral(renderer.rig());
                face.parameters = prior.sample(&mut rng);
                let mut shot = Shot::new(face);
                for _ in 0..8 {
                    shot.expression[rng.random_range(0..52)] = rng.random_range(0.0..0.8);
                }
                shot.pose.yaw = rng.random_range(-30.0..30.0);
                shot
            })
            .collect();
        renderer.render(&shots[..batch.min(count)], size, passes)?;
        let (start, busy) = (Instant::now(), processor_seconds());
        let pictures = renderer.render(&shots, size, passes)?;
        let seconds = start.elapsed().as_secs_f64();
        if lod == Lod::Fifth && passes == Passes::ALL {
            encoding = encoded(&pictures)?;
        }
        let passes = if passes == Passes::COLOR { "colour" } else { "all" };
        let busy = (processor_seconds() - busy) * 1e3 / count as f64;
        let lod = format!("{lod:?}");
        println!("{size:4} {lod:6} {batch:5} {samples:7} {passes:6} {:9.1} {busy:9.2}", count as f64 / seconds);
    }
    let [color, mask] = encoding;
    println!("encoding at 128 pixels: {color:.2} ms a JPEG of the colours, {mask:.2} ms a PNG of the part mask");
    Ok(())
}

/// Milliseconds a picture that encoding takes on one thread: its colours as JPEG, its part mask as PNG.
fn encoded(pictures: &[Picture]) -> Result<[f64; 2], image::ImageError> {
    let colors: Vec<RgbImage> = pictures.iter().map(|picture| picture.color.convert()).collect();
    let start = Instant::now();
    for color in &colors {
        color.write_with_encoder(JpegEncoder::new_with_quality(Vec::new(), 80))?;
    }
    let color = start.elapsed().as_secs_f64();
    let masks: Vec<&GrayImage> = pictures.iter().filter_map(|picture| picture.parts.as_ref()).collect();
    let start = Instant::now();
    for mask in &masks {
        mask.write_to(&mut std::io::Cursor::new(Vec::new()), ImageFormat::Png)?;
    }
    let mask = start.elapsed().as_secs_f64();
    Ok([color, mask].map(|seconds| seconds * 1e3 / pictures.len().max(1) as f64))
}

/// What this process has used of all processors so far; 0 where the system does not tell.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
