//! Contact sheets of skin and eyes: tones in three lights, ages, make-up, irises.
//!
//! `cargo run --release -p likeness_render --example look -- docs/images`
//!
//! After the folder may follow the width of one picture in pixels, 320 unless told.

use std::path::{Path, PathBuf};

use bevy::math::Vec3;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, RgbaImage};
use likeness_render::{Light, LightRig, Passes, RenderOptions, Renderer, Shot, Views, contact_sheet};
use likeness_rig::{Face, HeadPose, Prior, Rig, looks, palette};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Width and height of one picture of a sheet, unless told.
const SIZE: u32 = 320;
/// Linear hair colours, dark to light.
const HAIR: [[f32; 3]; 4] = [[0.012, 0.009, 0.007], [0.06, 0.03, 0.015], [0.18, 0.09, 0.04], [0.42, 0.27, 0.12]];
/// The youngest and the oldest age that the detail `skin.age` stands for, years.
const AGES: (f32, f32) = (18.0, 80.0);

fn main() -> Result<()> {
    let out = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "out/look".into()));
    let size = std::env::args().nth(2).map_or(Ok(SIZE), |size| size.parse())?;
    std::fs::create_dir_all(&out)?;
    let rig_path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/head/head.rig.ron"));
    let mut renderer = Renderer::new(RenderOptions::new(&rig_path))?;
    let rig = renderer.rig().clone();
    let people = People { prior: Prior::load(&rig_path.with_file_name(&rig.prior), &rig)?, rig };
    save(&mut renderer, &tones(&people), size, 8, &out.join("skin_tones.jpg"))?;
    save(&mut renderer, &ages(&people), size, 8, &out.join("skin_ages.jpg"))?;
    save(&mut renderer, &make_up(&people), size, 6, &out.join("skin_make_up.jpg"))?;
    eyes(&mut renderer, &people, 2 * size, &out.join("eyes.jpg"))?;
    Ok(())
}

/// Whom the sheets show.
struct People {
    rig: Rig,
    prior: Prior,
}

impl People {
    /// A face of the prior with natural hair and brows.
    fn natural(&self, seed: u64, hair: &str, brows: &str) -> Face {
        let mut face = Face::neutral(&self.rig);
        face.parameters = self.prior.sample(&mut ChaCha8Rng::seed_from_u64(seed));
        self.choose(&mut face, "hair.style", hair);
        self.choose(&mut face, "brows", brows);
        face
    }

    /// One of the two whose ages are shown: a woman, then a man.
    fn hero(&self, number: usize) -> Face {
        let (seed, hair, brows) = [(31, "ponytail", "thin"), (5, "side_part", "medium")][number];
        let mut face = self.natural(seed, hair, brows);
        self.skin(&mut face, [0.24, 0.38][number]);
        self.color(&mut face, "hair", HAIR[[2, 1][number]]);
        self.color(&mut face, "iris", [[0.13, 0.20, 0.26], [0.12, 0.06, 0.03]][number]);
        face
    }

    fn choose(&self, face: &mut Face, option: &str, choice: &str) {
        if let Some(index) = self.rig.option_index(option) {
            face.options[index] = self.rig.options[index].choice_index(choice).unwrap_or(face.options[index]);
        }
    }

    fn color(&self, face: &mut Face, slot: &str, color: [f32; 3]) {
        if let Some(index) = self.rig.color_index(slot) {
            face.colors[index] = color;
        }
    }

    fn detail(&self, face: &mut Face, name: &str, value: f32) {
        if let Some(index) = self.rig.detail_index(name) {
            face.details[index] = value;
        }
    }

    /// Skin of a darkness 0..1 with lips that go with it.
    fn skin(&self, face: &mut Face, darkness: f32) {
        let skin = palette::skin_tone(darkness);
        self.color(face, "skin", skin);
        self.color(face, "lips", [skin[0] * 0.82, skin[1] * 0.52, skin[2] * 0.58]);
    }
}

/// A portrait that the face fills.
fn close(face: Face) -> Shot {
    let mut shot = Views::Front.shot(face);
    shot.camera.distance = 0.46;
    shot.camera.target.y = -0.022;
    shot
}

/// Eight tones, pale to dark; below each other in studio light, in the sun and at a window.
fn tones(people: &People) -> Vec<Shot> {
    let mut shots = Vec::new();
    for lights in [LightRig::default(), sun(), window()] {
        for number in 0..8 {
            let darkness = number as f32 / 7.0;
            let hair =
                ["ponytail", "short_straight", "bun", "side_part", "bun", "short_curly", "ponytail", "buzz"][number];
            let mut face = people.natural(40 + number as u64, hair, "medium");
            people.skin(&mut face, darkness);
            people.color(&mut face, "hair", HAIR[[3, 2, 2, 1, 1, 0, 0, 0][number]]);
            let iris = if number < 3 { [0.12, 0.21, 0.30] } else { [0.09, 0.042, 0.02] };
            people.color(&mut face, "iris", iris);
            let mut shot = close(face);
            shot.pose = HeadPose { yaw: 14.0, pitch: 0.0, roll: 0.0 };
            shot.lights = lights;
            shots.push(shot);
        }
    }
    shots
}

/// Hard light from high up, blue sky, bright ground.
fn sun() -> LightRig {
    let light = |direction, color, intensity, softness| Light { direction, color, intensity, softness };
    LightRig {
        key: light(Vec3::new(0.75, 0.7, 0.5), [1.0, 0.93, 0.82], 1.25, 0.02),
        fill: light(Vec3::new(-0.6, -0.3, 0.6), [1.0, 0.9, 0.75], 0.10, 0.8),
        rim: light(Vec3::new(-0.8, 0.5, -0.6), [0.8, 0.9, 1.0], 0.2, 0.5),
        sky: [0.16, 0.20, 0.27],
        ground: [0.11, 0.095, 0.075],
    }
}

/// A large window at the side, a dim room.
fn window() -> LightRig {
    let light = |direction, color, intensity, softness| Light { direction, color, intensity, softness };
    LightRig {
        key: light(Vec3::new(-1.0, 0.15, 0.25), [0.90, 0.96, 1.0], 1.0, 0.35),
        fill: light(Vec3::new(0.9, 0.0, 0.5), [1.0, 0.85, 0.7], 0.06, 0.9),
        rim: light(Vec3::new(0.5, 0.4, -0.9), [1.0, 0.9, 0.8], 0.0, 0.5),
        sky: [0.07, 0.075, 0.085],
        ground: [0.04, 0.034, 0.028],
    }
}

/// Two people from 18 to 80 years.
fn ages(people: &People) -> Vec<Shot> {
    let mut shots = Vec::new();
    for number in 0..2 {
        for step in 0..8 {
            let years = AGES.0 + (AGES.1 - AGES.0) * step as f32 / 7.0;
            let age = (years - AGES.0) / (AGES.1 - AGES.0);
            let mut face = people.hero(number);
            people.detail(&mut face, "skin.age", age);
            people.detail(&mut face, "sclera.tone", 0.2 + 0.35 * age);
            people.color(&mut face, "hair", looks::greyed(HAIR[[2, 1][number]], age, 0.6));
            shots.push(close(face));
        }
    }
    shots
}

/// Make-up, part by part and together, and freckles and redness, on different skins.
fn make_up(people: &People) -> Vec<Shot> {
    type Wear = &'static [(&'static str, f32)];
    let worn: [Wear; 6] = [
        &[],
        &[("blush", 0.8)],
        &[("eyeshadow", 0.8), ("eyeliner", 0.8)],
        &[("lipstick", 0.9)],
        &[("lipstick", 0.9), ("eyeshadow", 0.7), ("eyeliner", 0.9), ("blush", 0.5)],
        &[("skin.freckles", 0.8), ("skin.redness", 0.8)],
    ];
    let mut shots = Vec::new();
    for (row, darkness) in [0.1, 0.48, 0.86].into_iter().enumerate() {
        for wear in worn {
            let mut face = people.natural([31, 33, 34][row], ["ponytail", "bun", "bun"][row], "arched");
            people.skin(&mut face, darkness);
            people.color(&mut face, "hair", HAIR[[3, 1, 0][row]]);
            people.color(&mut face, "iris", [[0.12, 0.25, 0.42], [0.10, 0.06, 0.02], [0.06, 0.03, 0.015]][row]);
            people.color(&mut face, "lipstick", [[0.40, 0.02, 0.04], [0.36, 0.05, 0.08], [0.22, 0.012, 0.03]][row]);
            people.color(&mut face, "eyeshadow", [[0.11, 0.05, 0.06], [0.05, 0.07, 0.10], [0.34, 0.17, 0.06]][row]);
            for (name, value) in wear {
                people.detail(&mut face, name, *value);
            }
            shots.push(close(face));
        }
    }
    shots
}

/// Eyes close up: six irises.
fn eyes(renderer: &mut Renderer, people: &People, size: u32, path: &Path) -> Result<()> {
    let irises: [[f32; 3]; 6] = [
        [0.10, 0.24, 0.46],
        [0.21, 0.28, 0.31],
        [0.13, 0.22, 0.09],
        [0.24, 0.15, 0.05],
        [0.12, 0.052, 0.02],
        [0.035, 0.018, 0.010],
    ];
    let shots: Vec<Shot> = irises
        .into_iter()
        .enumerate()
        .map(|(number, iris)| {
            let mut face = people.natural(60 + number as u64, "bun", "medium");
            people.skin(&mut face, [0.05, 0.15, 0.2, 0.35, 0.55, 0.85][number]);
            people.color(&mut face, "iris", iris);
            people.detail(&mut face, "iris.size", [0.5, 0.3, 0.6, 0.5, 0.9, 0.5][number]);
            let mut shot = Views::Front.shot(face);
            shot.pose.yaw = [0.0, 12.0, -12.0, 0.0, 18.0, 0.0][number];
            shot.gaze = [-shot.pose.yaw, 0.0];
            shot.camera.fov_y = 11f32.to_radians();
            shot.camera.target = Vec3::new(0.0, 0.0, 0.0);
            shot
        })
        .collect();
    let pictures = renderer.render(&shots, size, Passes::COLOR)?;
    // The eyes lie in the middle: the rest is cut away.
    let bands: Vec<RgbaImage> = pictures
        .into_iter()
        .map(|picture| image::imageops::crop_imm(&picture.color, 0, size * 5 / 16, size, size * 3 / 8).to_image())
        .collect();
    write(&contact_sheet(&bands, 2), path)
}

fn save(renderer: &mut Renderer, shots: &[Shot], size: u32, columns: u32, path: &Path) -> Result<()> {
    let pictures = renderer.render(shots, size, Passes::COLOR)?;
    let colors: Vec<RgbaImage> = pictures.into_iter().map(|picture| picture.color).collect();
    write(&contact_sheet(&colors, columns), path)
}

fn write(sheet: &RgbaImage, path: &Path) -> Result<()> {
    let picture = DynamicImage::from(sheet.clone()).into_rgb8();
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    picture.write_with_encoder(JpegEncoder::new_with_quality(file, 90))?;
    Ok(())
}
