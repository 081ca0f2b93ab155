//! `likeness create`: photos to faces, with pictures to compare.

use super::{Outcome, create_folder, distinct_stems, print_json};
use crate::assets::Assets;
use crate::error::CliError;
use crate::picture_file::save_png;
use likeness_rig::FaceFile;
use likeness_vision::{FacePredictor, OptionAnswer, Photo, PredictOptions, Prediction, SeveralFaces};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

/// Turn photos into faces: DIR/<photo's stem>/ gets face.json, skin.png, render.png, matched.png and sheet.png
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The photos (JPEG, PNG or WebP); they stay on this machine
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// Where to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The rig to use (default: the bundled head)
    #[arg(long, value_name = "FILE")]
    rig: Option<PathBuf>,
    /// The network to use (default: the bundled bone-point network)
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// How the parameters are predicted
    #[arg(long, value_enum, default_value_t = Method::BonePoint)]
    method: Method,
    /// Polish the predicted parameters by least squares on the 68 landmarks
    #[arg(long)]
    refine: bool,
    /// How far a face's difference from the average face is brought out: 0 is the network's answer, 1 people's natural spread
    #[arg(long, value_name = "PART", default_value_t = PredictOptions::default().emphasis, value_parser = emphasis)]
    emphasis: f32,
    /// Leave the skin as it is painted instead of as the photo shows it
    #[arg(long)]
    painted_skin: bool,
    /// When a photo shows several faces, take the largest instead of failing
    #[arg(long)]
    largest: bool,
    /// Write face.json and skin.png only
    #[arg(long)]
    no_render: bool,
    /// How many photos are predicted at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Also explain each result to people, on standard error
    #[arg(long)]
    explain: bool,
}

/// The picture of the skin as the photo shows it, beside the face file.
const SKIN_FILE: &str = "skin.png";

#[derive(Clone, Copy, clap::ValueEnum)]
enum Method {
    /// One forward pass of the bone-point network
    BonePoint,
}

/// Milliseconds of each step; a step that did not run is absent.
#[derive(Default, Serialize)]
struct Times {
    decode: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    detect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    landmarks: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    align: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predict: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skin: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    render: Option<f64>,
}

#[derive(Serialize)]
struct Line {
    photo: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f32>,
    /// Choice and confidence by option.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    appearance: BTreeMap<String, Chosen>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    ms: Times,
}

/// What an option looks like on a photo.
#[derive(Serialize)]
struct Chosen {
    choice: String,
    confidence: f32,
}

/// What the prediction of one photo left for the pictures.
struct Predicted {
    photo: Photo,
    prediction: Prediction,
}

pub(crate) fn run(assets: &Assets, arguments: &Arguments) -> Result<Outcome, CliError> {
    let Method::BonePoint = arguments.method;
    let predictor = assets.predictor(arguments.rig.as_deref(), arguments.model.as_deref())?;
    create_folder(&arguments.out)?;
    let folders: Vec<PathBuf> = distinct_stems(&arguments.photos).iter().map(|stem| arguments.out.join(stem)).collect();
    let options = PredictOptions {
        refine: arguments.refine,
        emphasis: arguments.emphasis,
        several_faces: if arguments.largest { SeveralFaces::TakeLargest } else { SeveralFaces::Refuse },
        skin: !arguments.painted_skin,
    };
    let mut pictures = Pictures::new(assets, arguments);

    let next = AtomicUsize::new(0);
    let mut failed = 0;
    std::thread::scope(|scope| -> Result<(), CliError> {
        // One finished photo may wait for each worker, so that memory stays bounded however many photos there are.
        let workers = usize::from(arguments.jobs).min(arguments.photos.len());
        let (sender, finished) = mpsc::sync_channel(workers);
        for _ in 0..workers {
            let (sender, next, predictor, options) = (sender.clone(), &next, &predictor, &options);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = arguments.photos.get(index) else { break };
                    if sender.send((index, predict(predictor, path, options))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (index, (result, mut ms)) in finished {
            let path = &arguments.photos[index];
            let written = result.and_then(|predicted| {
                let started = Instant::now();
                write(&predictor, &mut pictures, &folders[index], &predicted)?;
                if !arguments.no_render {
                    ms.render = Some(milliseconds(started));
                }
                Ok(predicted.prediction)
            });
            let photo = path.display().to_string();
            let line = match written {
                Ok(prediction) => Line {
                    photo,
                    ok: true,
                    error: None,
                    confidence: Some(prediction.confidence),
                    appearance: prediction.appearance.into_iter().map(chosen).collect(),
                    warnings: prediction.warnings.iter().map(ToString::to_string).collect(),
                    ms,
                },
                Err(error) => {
                    failed += 1;
                    Line {
                        photo,
                        ok: false,
                        error: Some(error.to_string()),
                        confidence: None,
                        appearance: BTreeMap::new(),
                        warnings: Vec::new(),
                        ms,
                    }
                }
            };
            if arguments.explain {
                explain(&line, &folders[index]);
            }
            print_json(&line);
        }
        Ok(())
    })?;
    Ok(Outcome::from_failures(failed))
}

fn emphasis(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.0..=10.0).contains(&value) => Ok(value),
        _ => Err(format!("'{text}' is not a number from 0 to 10")),
    }
}

fn chosen(answer: OptionAnswer) -> (String, Chosen) {
    (answer.option, Chosen { choice: answer.choice, confidence: answer.confidence })
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e5).round() / 100.0
}

fn predict(predictor: &FacePredictor, path: &Path, options: &PredictOptions) -> (Result<Predicted, CliError>, Times) {
    let started = Instant::now();
    let photo = Photo::open(path);
    let mut ms = Times { decode: milliseconds(started), ..Times::default() };
    let result = photo.and_then(|photo| {
        let prediction = predictor.predict(&photo, options)?;
        ms.detect = Some(prediction.ms.detect);
        ms.landmarks = Some(prediction.ms.landmarks);
        ms.align = Some(prediction.ms.align);
        ms.predict = Some(prediction.ms.predict);
        ms.skin = options.skin.then_some(prediction.ms.skin);
        Ok(Predicted { photo, prediction })
    });
    (result.map_err(CliError::from), ms)
}

fn write(
    predictor: &FacePredictor,
    pictures: &mut Pictures,
    folder: &Path,
    predicted: &Predicted,
) -> Result<(), CliError> {
    create_folder(folder)?;
    let mut face = FaceFile::new(predictor.rig(), &predicted.prediction.face);
    face.confidence = Some(predicted.prediction.confidence);
    if let Some(skin) = &predicted.prediction.skin {
        // Before the face that names it.
        save_png(&skin.clone().into(), &folder.join(SKIN_FILE))?;
        face.photo_skin = Some(SKIN_FILE.to_owned());
    }
    face.save(&folder.join("face.json"))?;
    pictures.write(folder, predicted)
}

fn explain(line: &Line, folder: &Path) {
    match &line.error {
        Some(error) => eprintln!("{}: {error}", line.photo),
        None => {
            let steps = [
                ("decode", Some(line.ms.decode)),
                ("detect", line.ms.detect),
                ("landmarks", line.ms.landmarks),
                ("align", line.ms.align),
                ("predict", line.ms.predict),
                ("skin", line.ms.skin),
                ("render", line.ms.render),
            ];
            eprintln!("{} -> {}", line.photo, folder.display());
            for (step, ms) in steps {
                if let Some(ms) = ms {
                    eprintln!("  {step:<10} {ms:>9.1} ms");
                }
            }
            if let Some(confidence) = line.confidence {
                eprintln!("  confidence {confidence:>9.2}");
            }
            for (option, Chosen { choice, confidence }) in &line.appearance {
                eprintln!("  {option:<10} {choice} ({confidence:.2})");
            }
            for warning in &line.warnings {
                eprintln!("  note: {warning}");
            }
        }
    }
}

/// The pictures of `create`; the renderer starts with the first one.
#[cfg(feature = "render")]
struct Pictures {
    rig: Option<PathBuf>,
    renderer: Option<likeness_render::Renderer>,
}

#[cfg(feature = "render")]
impl Pictures {
    fn new(assets: &Assets, arguments: &Arguments) -> Self {
        let rig = (!arguments.no_render).then(|| assets.rig_path(arguments.rig.as_deref()));
        Self { rig, renderer: None }
    }

    fn write(&mut self, folder: &Path, predicted: &Predicted) -> Result<(), CliError> {
        let Some(rig) = &self.rig else { return Ok(()) };
        let renderer = match &mut self.renderer {
            Some(renderer) => renderer,
            none => none.insert(likeness_render::Renderer::new(likeness_render::RenderOptions::new(rig))?),
        };
        crate::sheet::write_pictures(renderer, folder, &predicted.photo, &predicted.prediction)
    }
}

/// Without the feature `render` there is nothing to draw with, so a face file is all that is written.
#[cfg(not(feature = "render"))]
struct Pictures;

#[cfg(not(feature = "render"))]
impl Pictures {
    fn new(_: &Assets, _: &Arguments) -> Self {
        Self
    }

    fn write(&mut self, _: &Path, _: &Predicted) -> Result<(), CliError> {
        Ok(())
    }
}
