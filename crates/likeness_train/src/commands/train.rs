//! `likeness-train train NAME`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clap::{Args, Subcommand};
use likeness_train::{
    Result,
    head::Head,
    landmark_data::{LandmarkData, LandmarkItem, running_sum},
    landmark_training::{LandmarkOptions, train_landmarks},
    portraits::{Portrait, PortraitLabel, balance_weights, drop_misfits, load_portraits, read_labels},
    shards::load_renders,
    split::split,
};

/// The networks that can be trained.
#[derive(Subcommand)]
pub enum Train {
    /// The landmark network: 68 points of a face.
    Landmarks(Landmarks),
}

impl Train {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever goes wrong.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Landmarks(landmarks) => landmarks.run(),
        }
    }
}

/// Where the data is and how long a run takes.
#[derive(Args)]
pub struct Common {
    /// The label file of the real portraits, a JSON line a photo
    #[arg(long, value_name = "JSONL")]
    portraits: Option<PathBuf>,
    /// The folder of the synthetic shards
    #[arg(long, value_name = "DIR")]
    renders: Option<PathBuf>,
    /// How many renders are used at most
    #[arg(long, default_value_t = 1_000_000)]
    max_renders: usize,
    /// The rig
    #[arg(long, value_name = "RON", default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
    /// Where the finished weights go
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The folder of metrics and checkpoints
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// Steps of the whole run
    #[arg(long, default_value_t = 6000)]
    steps: u64,
    /// Stop after so many minutes at the latest; the learning rate then follows the clock
    #[arg(long)]
    minutes: Option<f64>,
    /// Pictures a step
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// The highest learning rate
    #[arg(long, default_value_t = 1.5e-3)]
    lr: f64,
    /// Decay of the matrices
    #[arg(long, default_value_t = 0.02)]
    weight_decay: f64,
    /// Decay of the weights' average
    #[arg(long, default_value_t = 0.998)]
    average: f64,
    /// The seed of the first weights and of the batches
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads that make batches
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Steps between checkpoints
    #[arg(long, default_value_t = 500)]
    checkpoint_every: u64,
    /// Steps between measurements on what is held out
    #[arg(long, default_value_t = 500)]
    measure_every: u64,
    /// Go on from the run's checkpoint
    #[arg(long)]
    resume: bool,
    /// The share of photos in a batch
    #[arg(long, default_value_t = 0.5)]
    photo_share: f32,
    /// How far the groups of the photos (source, sex, age) are brought to equal shares, 0..1
    #[arg(long, default_value_t = 0.5)]
    balance: f32,
}

/// Train the landmark network
#[derive(Args)]
pub struct Landmarks {
    #[command(flatten)]
    common: Common,
}

/// Pixels between the outer eye corners that photos in memory have at most.
const MAX_IOD: f32 = 72.0;

fn portraits(path: &Path, labels: Vec<PortraitLabel>) -> Result<Vec<Portrait>> {
    load_portraits(path.parent().unwrap_or(Path::new(".")), labels, MAX_IOD)
}

impl Landmarks {
    fn run(self) -> Result<()> {
        let common = self.common;
        let mut data =
            LandmarkData { photos: vec![], photo_weights: vec![], renders: vec![], photo_share: common.photo_share };
        let mut held_out = Vec::new();
        let item = |portrait: Portrait| LandmarkItem { picture: portrait.picture, landmarks: portrait.landmarks };
        if let Some(path) = &common.portraits {
            let parts = split(drop_misfits(read_labels(path)?));
            data.photo_weights = running_sum(&balance_weights(&parts.train.iter().collect::<Vec<_>>(), common.balance));
            data.photos = portraits(path, parts.train)?.into_iter().map(item).collect();
            let left_out = parts.tuning.into_iter().chain(parts.pairs).collect();
            held_out.extend(portraits(path, left_out)?.into_iter().map(item));
        }
        if let Some(folder) = &common.renders {
            let head = Head::load(&common.rig)?;
            for render in load_renders(folder, &head.rig, common.max_renders)? {
                let landmarks = std::array::from_fn(|i| render.label.landmarks[i].into());
                let held = render.label.held_out();
                let item = LandmarkItem { picture: render.picture, landmarks };
                if !held {
                    data.renders.push(item);
                } else if common.portraits.is_none() {
                    held_out.push(item);
                }
            }
        }
        eprintln!("{} photos, {} renders, {} held out", data.photos.len(), data.renders.len(), held_out.len());
        let options = LandmarkOptions {
            out: common.out,
            run: common.run,
            steps: common.steps,
            minutes: common.minutes,
            batch: common.batch,
            learning_rate: common.lr,
            weight_decay: common.weight_decay,
            seed: common.seed,
            average: common.average,
            workers: common.workers,
            checkpoint_every: common.checkpoint_every,
            measure_every: common.measure_every,
            resume: common.resume,
            revision: revision(),
        };
        let error = train_landmarks(data, &held_out, &options)?;
        println!("held-out error {:.2} % of the inter-ocular distance", 100.0 * error);
        Ok(())
    }
}

/// The source's git revision, or nothing outside a checkout.
fn revision() -> String {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    output
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}
