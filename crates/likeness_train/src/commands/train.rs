//! `likeness-train train NAME`.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::{Args, Subcommand};
use likeness_nets::AppearanceConfig;
use likeness_train::{
    Result, TrainError,
    appearance_data::{AppearanceData, SeenPhoto, check_labels},
    appearance_training::{AppearanceOptions, HeldOutAppearance, train_appearance},
    bone_data::{BoneData, Mix, Photo},
    bone_losses::LossWeights,
    bone_measure::HeldOut,
    bone_training::{BoneOptions, train_bone_point},
    device::TrainDevice,
    ensemble::{Place, Rendezvous},
    head::Head,
    landmark_data::{LandmarkData, LandmarkItem, running_sum},
    landmark_training::{LandmarkOptions, train_landmarks},
    photo_looks::{PhotoLooks, read_looks},
    portraits::{Portrait, PortraitLabel, balance_weights, drop_misfits, load_portraits, read_labels},
    run_options::RunOptions,
    schedule::Phases,
    shards::load_renders,
    split::split,
};

/// The networks that can be trained.
#[derive(Subcommand)]
pub(crate) enum Train {
    /// The landmark network: 68 points of a face.
    Landmarks(Landmarks),
    /// The bone-point network: from a face crop to the bone parameters.
    BonePoint(BonePoint),
    /// The appearance network: hair, brows, beard, glasses and colours.
    Appearance(Appearance),
}

impl Train {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever goes wrong.
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Landmarks(landmarks) => landmarks.run(),
            Self::BonePoint(bone_point) => bone_point.run(),
            Self::Appearance(appearance) => appearance.run(),
        }
    }
}

/// Where the data is and how long a run takes.
#[derive(Args)]
pub(crate) struct Common {
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
    /// Pictures a step; of several processes each takes as many
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// The highest learning rate
    #[arg(long, default_value_t = 5e-4)]
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
    /// Where the network is trained: cpu, cuda, cuda:N or metal; a GPU needs the program built for it
    #[arg(long, default_value_t)]
    device: TrainDevice,
    /// Go on from the run's checkpoint
    #[arg(long)]
    resume: bool,
    /// Further steps of the domain network on remembered features after each step
    #[arg(long, default_value_t = 2)]
    domain_steps: usize,
    /// The share of photos in a batch
    #[arg(long, default_value_t = 0.5)]
    photo_share: f32,
    /// How far the groups of the photos (source, sex, age) are brought to equal shares, 0..1
    #[arg(long, default_value_t = 0.5)]
    balance: f32,
    #[command(flatten)]
    together: Together,
}

impl Common {
    fn run_options(&self) -> Result<RunOptions> {
        Ok(RunOptions {
            out: self.out.clone(),
            folder: self.run.clone(),
            steps: self.steps,
            minutes: self.minutes,
            learning_rate: self.lr,
            weight_decay: self.weight_decay,
            seed: self.seed,
            average: self.average,
            workers: self.workers,
            checkpoint_every: self.checkpoint_every,
            measure_every: self.measure_every,
            resume: self.resume,
            revision: revision(),
            device: self.device,
            place: self.together.place()?,
        })
    }
}

/// Several processes that train one network (docs/training.md)
#[derive(Args)]
struct Together {
    /// Train with other processes that meet here: a file that all of them see, or tcp://HOST:PORT of rank 0
    #[arg(long, value_name = "FILE|tcp://HOST:PORT")]
    rendezvous: Option<Rendezvous>,
    /// This process's number, from 0; with --rendezvous RANK, SLURM_PROCID or JOB_COMPLETION_INDEX stands in
    #[arg(long)]
    rank: Option<usize>,
    /// How many processes there are; with --rendezvous WORLD_SIZE or SLURM_NTASKS stands in
    #[arg(long)]
    world: Option<usize>,
    /// How long another process is waited for that has not ended but says nothing; rank 0 measures meanwhile
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(1..))]
    peer_timeout: u64,
}

impl Together {
    fn place(&self) -> Result<Option<Place>> {
        let patience = Duration::from_secs(self.peer_timeout);
        let place = Place::find(self.rank, self.world, self.rendezvous.clone(), patience, |name| env::var(name).ok())?;
        if let Some(Place { rank, world, rendezvous, .. }) = &place {
            eprintln!("rank {rank} of {world}, meeting at {rendezvous}");
        }
        Ok(place)
    }
}

/// Train the landmark network
#[derive(Args)]
pub(crate) struct Landmarks {
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
        let run = common.run_options()?;
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
        let options = LandmarkOptions { run, batch: common.batch };
        if let Some(error) = train_landmarks(data, &held_out, &options)? {
            println!("held-out error {:.2} % of the inter-ocular distance", 100.0 * error);
        }
        Ok(())
    }
}

/// Train the bone-point network
#[derive(Args)]
pub(crate) struct BonePoint {
    #[command(flatten)]
    common: Common,
    /// Leave the extractor untouched by the domain loss, for comparison
    #[arg(long)]
    no_reversal: bool,
    /// Which networks are adjusted when, for example 0.1:domain,0.9:all (extractor, connected, domain, all)
    #[arg(long, default_value = "1:all")]
    phases: Phases,
    /// Stop when the sum of first and second loss is below this
    #[arg(long)]
    threshold: Option<f64>,
    /// Start from these finished weights: a fine-tuning. Smaller layers are widened and answer as before, larger ones and, for another
    /// rig, the last two start anew
    #[arg(long, value_name = "FILE")]
    start_from: Option<PathBuf>,
    /// Channels of the four residual modules; multiples of 16 are the fastest
    #[arg(long, value_name = "A,B,C,D", default_value = "24,48,96,128", value_parser = sizes::<4>)]
    widths: [usize; 4],
    /// Outputs of the first two fully connected layers
    #[arg(long, value_name = "A,B", default_value = "256,192", value_parser = sizes::<2>)]
    hidden: [usize; 2],
    /// Stop after so many steps from now, as if interrupted; --resume goes on
    #[arg(long)]
    interrupt_after: Option<u64>,
    /// The share of a batch's photos that are pairs of one person
    #[arg(long, default_value_t = 0.5)]
    pair_share: f32,
    /// Weight of the first loss: telling photos from renders
    #[arg(long, default_value_t = LossWeights::default().domain)]
    domain: f64,
    /// Weight of the domain network's squared logits against the first loss; keeps it uncertain
    #[arg(long, default_value_t = LossWeights::default().certainty)]
    certainty: f64,
    /// Weight of the second loss: predicted against preset parameters
    #[arg(long, default_value_t = LossWeights::default().parameters)]
    parameters: f64,
    /// Weight of the vertex movement between predicted and preset faces
    #[arg(long, default_value_t = LossWeights::default().vertices)]
    vertices: f64,
    /// Weight of pose and expression of renders
    #[arg(long, default_value_t = LossWeights::default().side)]
    side: f64,
    /// Weight of the landmark distance on renders
    #[arg(long, default_value_t = LossWeights::default().render_landmarks)]
    render_landmarks: f64,
    /// Weight of the landmark distance on photos; 0 with --pairs 0 is the plain form
    #[arg(long, default_value_t = LossWeights::default().photo_landmarks)]
    photo_landmarks: f64,
    /// Weight of the photos' squared latents
    #[arg(long, default_value_t = LossWeights::default().prior)]
    prior: f64,
    /// Weight of the photos' squared expression coefficients
    #[arg(long, default_value_t = LossWeights::default().expression)]
    expression: f64,
    /// Weight of the difference between two photos of a person
    #[arg(long, default_value_t = LossWeights::default().pairs)]
    pairs: f64,
    /// Weight of the contour's landmarks against the inner ones
    #[arg(long, default_value_t = LossWeights::default().contour)]
    contour: f64,
}

/// Numbers above zero with commas between them.
fn sizes<const N: usize>(text: &str) -> std::result::Result<[usize; N], String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    let numbers = numbers.and_then(|numbers| <[usize; N]>::try_from(numbers).ok());
    numbers
        .filter(|numbers| !numbers.contains(&0))
        .ok_or_else(|| format!("must be {N} numbers above zero, as in {}", vec!["64"; N].join(",")))
}

impl BonePoint {
    fn run(self) -> Result<()> {
        let common = self.common;
        let run = common.run_options()?;
        let head = Head::load(&common.rig)?;
        let mut held_out = HeldOut::default();
        let (mut photos, mut renders) = (Vec::new(), Vec::new());
        if let Some(path) = &common.portraits {
            let parts = split(drop_misfits(read_labels(path)?));
            photos = portraits(path, parts.train)?.into_iter().map(Photo::from).collect();
            let left_out = parts.tuning.into_iter().chain(parts.pairs).collect();
            held_out.photos = portraits(path, left_out)?.into_iter().map(Photo::from).collect();
        }
        if let Some(folder) = &common.renders {
            let all = load_renders(folder, &head.rig, common.max_renders)?;
            (held_out.renders, renders) = all.into_iter().partition(|render| render.label.held_out());
        }
        eprintln!(
            "{} photos, {} renders; held out: {} photos, {} renders",
            photos.len(),
            renders.len(),
            held_out.photos.len(),
            held_out.renders.len()
        );
        let share = match (photos.is_empty(), renders.is_empty()) {
            (true, _) => 0.0,
            (_, true) => 1.0,
            _ => common.photo_share.clamp(0.0, 1.0),
        };
        let from_photos = (common.batch as f32 * share).round() as usize;
        let mix = Mix {
            renders: common.batch - from_photos,
            photos: from_photos,
            pairs: (from_photos as f32 * self.pair_share.clamp(0.0, 1.0) * 0.5) as usize,
            balance: common.balance,
        };
        let data = BoneData::new(&head.rig, renders, photos, mix)?;
        let options = BoneOptions {
            run,
            widths: self.widths,
            hidden: self.hidden,
            start_from: self.start_from,
            interrupt_after: self.interrupt_after,
            reversal: !self.no_reversal,
            domain_steps: common.domain_steps,
            phases: self.phases,
            threshold: self.threshold,
            weights: LossWeights {
                domain: self.domain,
                certainty: self.certainty,
                parameters: self.parameters,
                vertices: self.vertices,
                side: self.side,
                render_landmarks: self.render_landmarks,
                photo_landmarks: self.photo_landmarks,
                prior: self.prior,
                expression: self.expression,
                pairs: self.pairs,
                contour: self.contour,
            },
        };
        let outcome = train_bone_point(&head, data, &held_out, &options)?;
        if outcome.reached_threshold {
            println!("stopped by the threshold after {} steps", outcome.steps);
        }
        for (name, value) in outcome.report.iter().filter(|(name, _)| name.starts_with("held_out")) {
            println!("{name} {value:.4}");
        }
        Ok(())
    }
}

/// Train the appearance network
#[derive(Args)]
pub(crate) struct Appearance {
    #[command(flatten)]
    common: Common,
    /// Weight of telling photos from renders; 0 leaves the extractor untouched by it
    #[arg(long, default_value_t = LossWeights::default().domain)]
    domain: f64,
    /// Weight of the domain network's squared logits against that
    #[arg(long, default_value_t = LossWeights::default().certainty)]
    certainty: f64,
    /// Weight of the colours against the options
    #[arg(long, default_value_t = 8.0)]
    colors: f64,
    /// Weight of the details (age, make-up) against the options; with 0 the network does not answer them
    #[arg(long, default_value_t = 8.0)]
    details: f64,
    /// What somebody saw on the portraits: their hair, beard, glasses and colours
    #[arg(long, value_name = "JSONL")]
    looks: Option<PathBuf>,
    /// Weight of what somebody saw on photos against the same on renders
    #[arg(long, default_value_t = 1.0)]
    looks_weight: f64,
}

impl Appearance {
    fn run(self) -> Result<()> {
        let common = self.common;
        let run = common.run_options()?;
        let head = Head::load(&common.rig)?;
        let Some(folder) = &common.renders else {
            return Err(TrainError::Option {
                option: "renders",
                problem: "is needed: options are learned there".into(),
            });
        };
        let all = load_renders(folder, &head.rig, common.max_renders)?;
        check_labels(&head.rig, &all)?;
        let (held_out, renders): (Vec<_>, Vec<_>) = all.into_iter().partition(|render| render.label.held_out());
        let config = AppearanceConfig::new(&head.rig);
        let mut looks = match &self.looks {
            Some(path) => read_looks(path, &config)?,
            None => BTreeMap::new(),
        };
        let mut held_out = HeldOutAppearance { renders: held_out, photos: Vec::new() };
        let (mut photos, mut told) = (Vec::new(), 0);
        if let Some(path) = &common.portraits {
            let parts = split(drop_misfits(read_labels(path)?));
            for portrait in portraits(path, parts.train)? {
                let known = looks.remove(&portrait.label.file);
                told += usize::from(known.is_some());
                let looks = known.unwrap_or_else(|| PhotoLooks::unknown(&config));
                photos.push(SeenPhoto { photo: portrait.into(), looks });
            }
            let mut left_out: Vec<_> = parts.tuning.into_iter().chain(parts.pairs).collect();
            left_out.retain(|label| looks.contains_key(&label.file));
            for portrait in portraits(path, left_out)? {
                if let Some(looks) = looks.remove(&portrait.label.file) {
                    held_out.photos.push(SeenPhoto { photo: portrait.into(), looks });
                }
            }
        }
        eprintln!(
            "{} photos, {told} of them with looks, {} renders; held out: {} renders, {} photos with looks",
            photos.len(),
            renders.len(),
            held_out.renders.len(),
            held_out.photos.len()
        );
        let share = if photos.is_empty() { 0.0 } else { common.photo_share.clamp(0.0, 0.9) };
        let from_photos = (common.batch as f32 * share).round() as usize;
        let counts = [common.batch - from_photos, from_photos];
        let data = AppearanceData::new(&head.rig, renders, photos, counts, common.balance)?;
        let options = AppearanceOptions {
            run,
            domain: [self.domain, self.certainty],
            domain_steps: common.domain_steps,
            colors: self.colors,
            details: self.details,
            looks: if told > 0 { self.looks_weight } else { 0.0 },
        };
        let report = train_appearance(&head, data, &held_out, &options)?;
        for (name, value) in report.iter().filter(|(name, _)| name.starts_with("held_out")) {
            println!("{name} {value:.4}");
        }
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
