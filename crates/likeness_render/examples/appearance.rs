//! Contact sheets of the appearance options: every hair style, beard, brow and pair of glasses, front and three-quarter.
//!
//! `cargo run --release -p likeness_render --example appearance -- docs/images`
//!
//! After the folder may follow an option and some of its choices, for a look at these alone, larger and from more sides:
//! `... -- out hair.style bob afro`.

use std::path::PathBuf;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, RgbaImage};
use likeness_render::{Passes, RenderOptions, Renderer, Shot, Views, contact_sheet};
use likeness_rig::{Face, HeadPose, Rig};

/// Linear skin and hair colours that take turns.
const PEOPLE: [([f32; 3], [f32; 3]); 4] = [
    ([0.62, 0.38, 0.27], [0.06, 0.03, 0.015]),
    ([0.30, 0.155, 0.09], [0.012, 0.009, 0.007]),
    ([0.74, 0.49, 0.38], [0.42, 0.27, 0.12]),
    ([0.66, 0.42, 0.30], [0.16, 0.075, 0.035]),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = PathBuf::from(arguments.first().map_or("out/appearance", String::as_str));
    std::fs::create_dir_all(&out)?;
    let rig_path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/head/head.rig.ron"));
    let mut renderer = Renderer::new(RenderOptions::new(&rig_path))?;
    let rig = renderer.rig().clone();
    if let Some(option) = arguments.get(1) {
        let place = rig.option_index(option).ok_or("the rig has no such option")?;
        let mut shots = Vec::new();
        for (number, choice) in rig.options[place].choices.iter().enumerate() {
            if arguments.len() == 2 || arguments[2..].contains(choice) {
                let face = person(&rig, option, number, number);
                for (yaw, pitch) in [(0.0, 0.0), (35.0, 0.0), (90.0, 0.0), (180.0, 0.0)] {
                    shots.push(framed(face.clone(), yaw, pitch));
                }
            }
        }
        let (size, columns) = if shots.len() == 4 { (768, 2) } else { (400, 4) };
        sheet(&mut renderer, &shots, size, columns)?.save(out.join(format!("{option}.png")))?;
        return Ok(());
    }
    for option in &rig.options {
        let mut shots = Vec::new();
        for number in 0..option.choices.len() {
            let face = person(&rig, &option.name, number, number);
            for yaw in [0.0, 35.0] {
                shots.push(framed(face.clone(), yaw, 0.0));
            }
        }
        let columns = if option.choices.len() < 4 { 2 } else { 8 };
        let name = option.name.replace('.', "_");
        let picture = DynamicImage::from(sheet(&mut renderer, &shots, 256, columns)?).into_rgb8();
        let file = std::io::BufWriter::new(std::fs::File::create(out.join(format!("option_{name}.jpg")))?);
        picture.write_with_encoder(JpegEncoder::new_with_quality(file, 90))?;
    }
    Ok(())
}

/// A neutral face with one choice, and colours of its own.
fn person(rig: &Rig, option: &str, choice: usize, number: usize) -> Face {
    let mut face = Face::neutral(rig);
    if let Some(option) = rig.option_index(option) {
        face.options[option] = choice;
    }
    let (skin, hair) = PEOPLE[number % PEOPLE.len()];
    for (slot, color) in rig.colors.iter().zip(&mut face.colors) {
        match slot.name.as_str() {
            "skin" => *color = skin,
            "hair" => *color = hair,
            "lips" => *color = [skin[0] * 0.8, skin[1] * 0.5, skin[2] * 0.55],
            _ => {}
        }
    }
    face
}

/// A portrait with room for all of the hair.
fn framed(face: Face, yaw: f32, pitch: f32) -> Shot {
    let mut shot = Views::Front.shot(face);
    shot.pose = HeadPose { yaw, pitch, roll: 0.0 };
    shot.camera.distance = 0.70;
    shot.camera.target.x = -0.075 * yaw.to_radians().sin();
    shot.camera.target.y = -0.025;
    shot
}

fn sheet(
    renderer: &mut Renderer,
    shots: &[Shot],
    size: u32,
    columns: u32,
) -> Result<RgbaImage, Box<dyn std::error::Error>> {
    let pictures = renderer.render(shots, size, Passes::COLOR)?;
    let colors: Vec<RgbaImage> = pictures.into_iter().map(|picture| picture.color).collect();
    Ok(contact_sheet(&colors, columns))
}
