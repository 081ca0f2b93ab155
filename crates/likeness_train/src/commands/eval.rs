//! `likeness-train eval NAME`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use likeness_nets::{AppearanceNet, BonePointNet, LandmarkNet, Weights};
use likeness_train::{
    Result,
    appearance_data::{SeenPhoto, check_labels},
    bone_data::Photo,
    bone_measure::{HeldOut, answers, measure, region_errors},
    evaluate::{
        appearance::{
            AppearanceAnswer, AppearanceFigures, LooksFigures, appearance_of_photos, appearance_of_renders,
            evaluate_appearance, evaluate_looks,
        },
        domain::{PROBE_SHARE, evaluate_domain},
        landmarks::evaluate_landmarks,
        real::{evaluate_real, groups_of},
    },
    head::Head,
    landmark_data::LandmarkItem,
    photo_looks::read_looks,
    portraits::{PortraitLabel, balance_weights, drop_misfits, load_portraits, read_labels},
    shape_space::ShapeSpace,
    shards::{Render, load_renders},
    split::split,
};
use likeness_vision::{FacePredictor, ModelPaths, PredictOptions};
use serde::Serialize;

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Eval {
    /// The landmark network on photos.
    Landmarks(Landmarks),
    /// The bone-point network on renders and on photos with labelled landmarks.
    BonePoint(BonePoint),
    /// Whether a fresh discriminator tells photos from renders by the bone-point network's features.
    Domain(Domain),
    /// The appearance network on renders.
    Appearance(Appearance),
    /// Skin colour: photos against renders of their faces.
    #[cfg(feature = "render")]
    Skin(Skin),
    /// The whole way from real photos to faces.
    Real(Real),
}

impl Eval {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Landmarks(command) => command.run(),
            Self::BonePoint(command) => command.run(),
            Self::Domain(command) => command.run(),
            Self::Appearance(command) => command.run(),
            #[cfg(feature = "render")]
            Self::Skin(command) => command.run(),
            Self::Real(command) => command.run(),
        }
    }
}

/// Which photos of a label file are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Those that training leaves out.
    LeftOut,
    /// All of them.
    All,
}

fn chosen(path: &Path, part: Part) -> Result<Vec<PortraitLabel>> {
    let labels = read_labels(path)?;
    Ok(match part {
        Part::All => labels,
        Part::LeftOut => {
            let parts = split(drop_misfits(labels));
            parts.tuning.into_iter().chain(parts.pairs).collect()
        }
    })
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Pixels between the outer eye corners that photos in memory have at most.
const MAX_IOD: f32 = 96.0;

fn photos(path: &Path, part: Part) -> Result<Vec<Photo>> {
    portraits_of(path, chosen(path, part)?)
}

/// The photos of these labels of a label file.
///
/// # Errors
/// A photo that is missing or does not decode.
fn portraits_of(path: &Path, labels: Vec<PortraitLabel>) -> Result<Vec<Photo>> {
    Ok(load_portraits(folder(path), labels, MAX_IOD)?.into_iter().map(Photo::from).collect())
}

/// The photos of a label file that networks are trained on, and how much each counts; `balance` as in training.
///
/// # Errors
/// Labels that do not fit the format; a photo that is missing or does not decode.
pub(crate) fn training_photos(path: &Path, balance: f32) -> Result<(Vec<Photo>, Vec<f32>)> {
    let photos = portraits_of(path, split(drop_misfits(read_labels(path)?)).train)?;
    let weights = balance_weights(&photos.iter().map(|photo| &photo.label).collect::<Vec<_>>(), balance);
    Ok((photos, weights))
}

/// The held-out renders of a folder, or all of them.
///
/// # Errors
/// Shards that cannot be read or belong to another rig.
pub(crate) fn renders(folder: &Path, head: &Head, all: bool, limit: usize) -> Result<Vec<Render>> {
    let renders = load_renders(folder, &head.rig, if all { limit } else { usize::MAX })?;
    Ok(renders.into_iter().filter(|render| all || render.label.held_out()).take(limit).collect())
}

/// The network of a file of weights, made for the head's rig.
///
/// # Errors
/// A file that cannot be read, or weights of something else.
pub(crate) fn bone_point_net(path: &Path, head: &Head) -> Result<BonePointNet> {
    let weights = Weights::load(path)?;
    weights.expect_architecture(likeness_nets::BONE_POINT)?;
    weights.expect_rig(&head.rig)?;
    let config = weights.config()?;
    Ok(weights.build(|builder| BonePointNet::new(&config, builder, None))?)
}

fn landmark_net(path: &Path) -> Result<LandmarkNet> {
    let weights = Weights::load(path)?;
    weights.expect_architecture(likeness_nets::LANDMARK)?;
    let config = weights.config()?;
    Ok(weights.build(|builder| LandmarkNet::new(&config, builder, None))?)
}

fn appearance_net(path: &Path, head: &Head) -> Result<AppearanceNet> {
    let weights = Weights::load(path)?;
    weights.expect_architecture(likeness_nets::APPEARANCE)?;
    weights.expect_rig(&head.rig)?;
    let config = weights.config()?;
    Ok(weights.build(|builder| AppearanceNet::new(&config, builder))?)
}

fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| likeness_train::TrainError::Data {
        path: PathBuf::from("result"),
        field: "json".into(),
        problem: error.to_string(),
    })?;
    println!("{text}");
    Ok(())
}

/// Measure the landmark network
#[derive(Args)]
pub(crate) struct Landmarks {
    /// The network's weights
    #[arg(long, value_name = "FILE", default_value = "assets/models/landmarks.safetensors")]
    weights: PathBuf,
    /// The photos' label file
    #[arg(long, value_name = "JSONL")]
    portraits: PathBuf,
    /// Which photos of the file
    #[arg(long, value_enum, default_value = "all")]
    part: Part,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Landmarks {
    fn run(self) -> Result<()> {
        let photos = photos(&self.portraits, self.part)?;
        let groups: Vec<Vec<String>> =
            photos.iter().map(|photo| groups_of(&photo.label).into_iter().skip(1).collect()).collect();
        let items: Vec<LandmarkItem> = photos
            .into_iter()
            .map(|photo| LandmarkItem { picture: photo.picture, landmarks: photo.landmarks })
            .collect();
        let figures = evaluate_landmarks(&landmark_net(&self.weights)?, &items, &groups)?;
        if self.json {
            return print_json(&figures);
        }
        for (group, f) in &figures {
            println!(
                "{group:<28} {:>5} photos  mean {:5.2} %  median {:5.2} %  above 10 %: {:5.2} %",
                f.count,
                100.0 * f.mean,
                100.0 * f.median,
                100.0 * f.above_tenth
            );
        }
        Ok(())
    }
}

/// Measure the bone-point network
#[derive(Args)]
pub(crate) struct BonePoint {
    /// The network's weights
    #[arg(long, value_name = "FILE", default_value = "assets/models/bone_point.safetensors")]
    weights: PathBuf,
    /// The rig
    #[arg(long, value_name = "RON", default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
    /// The folder of the synthetic shards; their held-out pictures are used
    #[arg(long, value_name = "DIR")]
    renders: Option<PathBuf>,
    /// Use all pictures of the shards: they were drawn for measuring
    #[arg(long)]
    all_renders: bool,
    /// How many renders are used at most
    #[arg(long, default_value_t = 2000)]
    max_renders: usize,
    /// The label file of the portraits; those that training leaves out are used
    #[arg(long, value_name = "JSONL")]
    portraits: Option<PathBuf>,
    /// Which photos of the file
    #[arg(long, value_enum, default_value = "left-out")]
    part: Part,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl BonePoint {
    fn run(self) -> Result<()> {
        let head = Head::load(&self.rig)?;
        let net = bone_point_net(&self.weights, &head)?;
        let mut held_out = HeldOut::default();
        if let Some(folder) = &self.renders {
            held_out.renders = renders(folder, &head, self.all_renders, self.max_renders)?;
        }
        if let Some(path) = &self.portraits {
            held_out.photos = photos(path, self.part)?;
        }
        let space = ShapeSpace::new(&head.rig, &head.mesh, &head.prior)?;
        let figures = measure(&net, &head, &space, &held_out)?;
        if self.json {
            return print_json(&figures);
        }
        println!("{} renders, {} photos", held_out.renders.len(), held_out.photos.len());
        for (name, value) in figures.report() {
            println!("{:<32} {value:.5}", name.trim_start_matches("held_out_"));
        }
        if let (Some(error), Some(of_mean)) = (figures.parameter_error, figures.parameter_error_of_mean) {
            println!("{:<32} {:.3}", "parameter error over the mean's", error / of_mean);
            println!("by region                        ratio  share of the mean's error");
            for error in region_errors(&net, &head, &held_out.renders)? {
                println!("{:<32} {:.3}  {:4.1} %", error.region, error.ratio, 100.0 * error.share);
            }
        }
        Ok(())
    }
}

/// Measure how well photos and renders can be told apart
#[derive(Args)]
pub(crate) struct Domain {
    /// The bone-point network's weights
    #[arg(long, value_name = "FILE", default_value = "assets/models/bone_point.safetensors")]
    weights: PathBuf,
    /// The rig
    #[arg(long, value_name = "RON", default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
    /// The folder of the synthetic shards; their held-out pictures are used
    #[arg(long, value_name = "DIR")]
    renders: PathBuf,
    /// Use all pictures of the shards: they were drawn for measuring
    #[arg(long)]
    all_renders: bool,
    /// How many renders are used at most
    #[arg(long, default_value_t = 1000)]
    max_renders: usize,
    /// The label file of the portraits; those that training leaves out are used
    #[arg(long, value_name = "JSONL")]
    portraits: PathBuf,
    /// The discriminator's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Domain {
    fn run(self) -> Result<()> {
        let head = Head::load(&self.rig)?;
        let net = bone_point_net(&self.weights, &head)?;
        let mut photos = photos(&self.portraits, Part::LeftOut)?;
        photos.sort_by_key(|photo| photo.label.person);
        let renders = renders(&self.renders, &head, self.all_renders, self.max_renders)?;
        let photos = answers(&net, &head.rig, photos.iter().map(|photo| (&photo.picture, photo.landmarks)))?;
        let renders = answers(
            &net,
            &head.rig,
            renders.iter().map(|render| (&render.picture, std::array::from_fn(|i| render.label.landmarks[i].into()))),
        )?;
        let features = |list: Vec<likeness_train::bone_measure::Answer>| -> Vec<Vec<f32>> {
            list.into_iter().map(|answer| answer.features).collect()
        };
        let figures = evaluate_domain(&features(photos), &features(renders), PROBE_SHARE, self.seed)?;
        if self.json {
            return print_json(&figures);
        }
        println!(
            "fresh discriminator: accuracy {:.1} % (photos {:.1} %, renders {:.1} %; trained on {}, measured on {})",
            100.0 * figures.accuracy,
            100.0 * figures.photos,
            100.0 * figures.renders,
            figures.counts[0],
            figures.counts[1]
        );
        Ok(())
    }
}

/// Measure the whole way from real photos to faces
#[derive(Args)]
pub(crate) struct Real {
    /// The label file of the photos that no network was trained on
    #[arg(long, value_name = "JSONL")]
    portraits: PathBuf,
    /// The label file of the training photos, for the same-person check on the people that training leaves out
    #[arg(long, value_name = "JSONL")]
    pairs: Option<PathBuf>,
    /// The rig
    #[arg(long, value_name = "RON", default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
    /// Weights of the landmark network
    #[arg(long, value_name = "FILE", default_value = "assets/models/landmarks.safetensors")]
    landmarks: PathBuf,
    /// Weights of the bone-point network
    #[arg(long, value_name = "FILE", default_value = "assets/models/bone_point.safetensors")]
    weights: PathBuf,
    /// Polish the predicted faces by a fit to the found landmarks
    #[arg(long)]
    refine: bool,
    /// How far a face's difference from the average face on photos is brought out: 0 is the network's answer
    #[arg(long, value_name = "PART", default_value_t = 0.0)]
    emphasis: f32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Real {
    fn run(self) -> Result<()> {
        let head = Head::load(&self.rig)?;
        let paths = ModelPaths { rig: self.rig, landmarks: self.landmarks, bone_point: self.weights, appearance: None };
        let predictor = FacePredictor::load(&paths)?;
        let options = PredictOptions { refine: self.refine, emphasis: self.emphasis, ..PredictOptions::default() };
        let labels = read_labels(&self.portraits)?;
        let pairs = match &self.pairs {
            Some(path) => split(drop_misfits(read_labels(path)?)).pairs,
            None => Vec::new(),
        };
        let pairs_folder = self.pairs.as_deref().map_or(Path::new("."), folder);
        let figures =
            evaluate_real(&head, &predictor, (folder(&self.portraits), &labels), (pairs_folder, &pairs), &options)?;
        if self.json {
            return print_json(&figures);
        }
        println!(
            "{} photos, {:.1} % got a face, {:.0} ms each",
            figures.tried,
            100.0 * figures.share,
            figures.milliseconds
        );
        for (cause, count) in &figures.failures {
            println!("  {count} x {cause}");
        }
        println!("distances in % of the inter-ocular distance:");
        for (group, g) in &figures.groups {
            println!(
                "{group:<28} {:>4} photos  found {:5.2}  own {:5.2}  mean {:5.2}  other {:5.2}  own<mean {:5.1} %  own<other {:5.1} %",
                g.photos,
                100.0 * g.found,
                100.0 * g.own,
                100.0 * g.mean,
                100.0 * g.other,
                100.0 * g.own_below_mean,
                100.0 * g.own_below_other
            );
        }
        if let Some(s) = figures.same_person {
            println!(
                "same person: {} people, {} photos: AUC {:.3} (cosine {:.3}, by motion {:.3})",
                s.people, s.photos, s.auc, s.auc_cosine, s.auc_motion
            );
        }
        Ok(())
    }
}

/// Measure the appearance network
#[derive(Args)]
pub(crate) struct Appearance {
    /// The network's weights
    #[arg(long, value_name = "FILE", default_value = "assets/models/appearance.safetensors")]
    weights: PathBuf,
    /// The rig
    #[arg(long, value_name = "RON", default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
    /// The folder of the synthetic shards; their held-out pictures are used
    #[arg(long, value_name = "DIR", required_unless_present = "looks")]
    renders: Option<PathBuf>,
    /// Use all pictures of the shards: they were drawn for measuring
    #[arg(long)]
    all_renders: bool,
    /// The portraits' label file: also train a fresh discriminator on those that training leaves out
    #[arg(long, value_name = "JSONL")]
    portraits: Option<PathBuf>,
    /// What somebody saw on the portraits: also measure on those of which it tells something
    #[arg(long, value_name = "JSONL", requires = "portraits")]
    looks: Option<PathBuf>,
    /// Which portraits are used
    #[arg(long, value_enum, default_value = "left-out")]
    part: Part,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `eval appearance --json` prints.
#[derive(Serialize)]
struct AppearanceReport {
    renders: Option<AppearanceFigures>,
    photos: Option<LooksFigures>,
    /// How often a fresh discriminator tells photos from renders.
    told: Option<f64>,
}

impl Appearance {
    fn run(self) -> Result<()> {
        let head = Head::load(&self.rig)?;
        let net = appearance_net(&self.weights, &head)?;
        let renders = match &self.renders {
            Some(folder) => renders(folder, &head, self.all_renders, usize::MAX)?,
            None => Vec::new(),
        };
        check_labels(&head.rig, &renders)?;
        let mut photos = match &self.portraits {
            Some(path) => photos(path, self.part)?,
            None => Vec::new(),
        };
        photos.sort_by_key(|photo| photo.label.person);
        let told = if photos.is_empty() || renders.is_empty() {
            None
        } else {
            let features = |answers: Vec<AppearanceAnswer>| -> Vec<_> {
                answers.into_iter().map(|answer| answer.features).collect()
            };
            let of_photos = features(appearance_of_photos(&net, &photos)?);
            let of_renders = features(appearance_of_renders(&net, &renders)?);
            Some(evaluate_domain(&of_photos, &of_renders, PROBE_SHARE, 1)?.accuracy)
        };
        let of_renders = (!renders.is_empty()).then(|| evaluate_appearance(&net, &renders)).transpose()?;
        let of_photos = match &self.looks {
            Some(path) => {
                let mut looks = read_looks(path, net.config())?;
                let seen = photos.into_iter().filter_map(|photo| {
                    let looks = looks.remove(&photo.label.file)?;
                    Some(SeenPhoto { photo, looks })
                });
                Some(evaluate_looks(&net, &head.rig, &seen.collect::<Vec<_>>())?)
            }
            None => None,
        };
        let report = AppearanceReport { renders: of_renders, photos: of_photos, told };
        if self.json {
            return print_json(&report);
        }
        report.print(renders.len());
        Ok(())
    }
}

impl AppearanceReport {
    fn print(&self, renders: usize) {
        if let Some(figures) = &self.renders {
            println!("{renders} renders");
            for option in &figures.options {
                println!(
                    "{:<16} first {:5.1} %  among three {:5.1} %  (always the commonest: {:5.1} %)",
                    option.name,
                    100.0 * option.first,
                    100.0 * option.among_three,
                    100.0 * option.commonest
                );
            }
            for (name, median, high) in &figures.colors {
                println!("{name:<16} CIEDE2000 median {median:.1}, 90th percentile {high:.1}");
            }
            for (name, error, of_median) in &figures.details {
                println!("{name:<16} off by {error:.3}, always the median {of_median:.3}");
            }
        }
        if let Some(figures) = &self.photos {
            for (name, photos, share) in &figures.options {
                println!("{name:<16} fits what was seen on {:5.1} % of {photos} photos", 100.0 * share);
            }
            for (name, photos, off) in &figures.colors {
                println!("{name:<16} CIEDE2000 median {off:.1} to what was seen on {photos} photos");
            }
        }
        if let Some(told) = self.told {
            println!("a fresh discriminator tells photos from renders in {:.1} %", 100.0 * told);
        }
    }
}

/// Measure skin colours
#[cfg(feature = "render")]
#[derive(Args)]
pub(crate) struct Skin {
    /// The label file of the photos
    #[arg(long, value_name = "JSONL")]
    portraits: PathBuf,
    /// The rig
    #[arg(long, value_name = "RON", default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
    /// The folder of the networks
    #[arg(long, value_name = "DIR", default_value = "assets/models")]
    models: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[cfg(feature = "render")]
impl Skin {
    fn run(self) -> Result<()> {
        let network = |name: &str| self.models.join(format!("{name}.safetensors"));
        let predictor = FacePredictor::load(&ModelPaths {
            rig: self.rig.clone(),
            landmarks: network("landmarks"),
            bone_point: network("bone_point"),
            appearance: Some(network("appearance")),
        })?;
        let mut renderer = likeness_render::Renderer::new(likeness_render::RenderOptions::new(&self.rig))?;
        let labels = chosen(&self.portraits, Part::All)?;
        let figures =
            likeness_train::evaluate::skin::evaluate_skin(&predictor, &mut renderer, folder(&self.portraits), &labels)?;
        if self.json {
            return print_json(&figures);
        }
        println!(
            "{} photos: CIEDE2000 median {:.1}, 90th percentile {:.1}",
            figures.photos, figures.median, figures.high
        );
        Ok(())
    }
}
