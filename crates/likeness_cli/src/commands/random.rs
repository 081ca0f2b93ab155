//! `likeness random`: faces drawn from the prior.

use super::{Outcome, create_folder};
use crate::assets::Assets;
use crate::error::CliError;
use indicatif::ProgressBar;
use likeness_render::{RenderOptions, Renderer, Shot};
use likeness_rig::{Face, FaceFile, Prior, Rig, looks};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use std::path::PathBuf;

/// Draw random natural faces: DIR/000/face.json and render.png and so on, and DIR/sheet.png with all of them
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many faces
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// The same seed draws the same faces
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Where to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The rig whose faces are drawn (default: the bundled head)
    #[arg(long, value_name = "FILE")]
    rig: Option<PathBuf>,
    /// Width and height of a picture
    #[arg(long, default_value_t = 512, value_name = "PX", value_parser = clap::value_parser!(u32).range(16..=2048))]
    size: u32,
    /// Turn of the heads in degrees, positive to their left: 35 is a three-quarter view
    #[arg(long, default_value_t = 0.0, value_name = "DEG", allow_negative_numbers = true)]
    yaw: f32,
}

/// The most faces that one contact sheet shows.
const SHEET_FACES: usize = 120;

/// Faces that are drawn at once.
const BATCH: usize = 8;

pub(crate) fn run(assets: &Assets, arguments: &Arguments) -> Result<Outcome, CliError> {
    let rig_path = assets.rig_path(arguments.rig.as_deref());
    let rig = Rig::load(&rig_path)?;
    let prior = Prior::load(&rig_path.with_file_name(&rig.prior), &rig)?;
    let mut renderer = Renderer::new(RenderOptions::new(&rig_path))?;
    create_folder(&arguments.out)?;
    let progress = ProgressBar::new(u64::from(arguments.count));
    let mut thumbnails = Vec::new();
    let numbers: Vec<u32> = (0..arguments.count).collect();
    for numbers in numbers.chunks(BATCH) {
        let shot = |number: &u32| {
            let mut shot = Shot::new(natural_face(&rig, &prior, arguments.seed, *number));
            shot.pose.yaw = arguments.yaw;
            shot
        };
        let shots: Vec<_> = numbers.iter().map(shot).collect();
        let pictures = crate::sheet::pictures(&mut renderer, &shots, arguments.size)?;
        for ((number, shot), picture) in numbers.iter().zip(&shots).zip(pictures) {
            let folder = arguments.out.join(format!("{number:03}"));
            create_folder(&folder)?;
            FaceFile::new(&rig, &shot.face).save(&folder.join("face.json"))?;
            crate::picture_file::save_png(&picture.clone().into(), &folder.join("render.png"))?;
            if thumbnails.len() < SHEET_FACES {
                thumbnails.push(picture);
            }
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let sheet = crate::sheet::contact_sheet(&thumbnails, 6, 256);
    crate::picture_file::save_png(&sheet.into(), &arguments.out.join("sheet.png"))?;
    Ok(Outcome::Complete)
}

/// The face of one number under a seed, whatever the count.
pub(crate) fn natural_face(rig: &Rig, prior: &Prior, seed: u64, number: u32) -> Face {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(u64::from(number));
    let mut face = Face::neutral(rig);
    face.parameters = prior.sample(&mut rng);
    looks::dress(rig, &mut face, &mut rng);
    face
}
