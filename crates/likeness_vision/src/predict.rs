//! The whole way from a photo to a face.

use crate::align::align_crop;
use crate::appearance::{Appearance, AppearanceReader, OptionAnswer};
use crate::colors::{MeasuredColors, measure_colors};
use crate::detect::{Detector, FaceBox};
use crate::error::{Result, VisionError};
use crate::iris;
use crate::landmarks::Landmarker;
use crate::photo::Photo;
use crate::photo_skin::{PhotoSkin, Sighting, SkinReader};
use crate::quality::{QualityWarning, check_usable, eye_distance, head_pose, warnings};
use crate::region::smoothstep;
use crate::smile::{bare_teeth, shows_teeth};
use candle_core::Tensor;
use glam::Vec2;
use image::RgbaImage;
use likeness_nets::{
    BONE_POINT, BonePointConfig, BonePointNet, FoldedBonePointNet, Weights, WeightsMeta, crop_tensor, decoded, encoded,
};
use likeness_rig::color::difference;
use likeness_rig::crop::{CROP_SIZE, INNER};
use likeness_rig::fit::{self, FitOptions, FitState};
use likeness_rig::similarity::align;
use likeness_rig::{Face, HeadMesh, HeadPose, LandmarkModel, LandmarkSet, Prior, Rig};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

/// Detector score at which the confidence has lost 37 %: clear faces have 18, doubtful ones 4.
const SCORE_SCALE: f32 = 5.0;
/// Landmark disagreement, in distances of the outer eye corners, at which the confidence is down to 37 %.
const DISAGREEMENT_SCALE: f32 = 0.1;
/// Disagreement from which a warning is given.
const POOR_FIT: f32 = 0.1;

/// The most that one latent is stretched by: what is hardly seen on photos would be noise.
const MOST_STRETCH: f32 = 2.5;

/// How far the skin's colour is the one measured in the photo; the rest is the network's, which knows the light's colour and how human
/// skin looks.
const SKIN_MEASURED: f32 = 0.7;
/// The same for the lips.
const LIPS_MEASURED: f32 = 0.5;
/// The same for the hair, where what is seen beside the face or over the forehead is not much unlike what the network reads: else it
/// is a background or a shadow. The differences (CIEDE2000) up to which it counts, and from which it does not.
const HAIR_MEASURED: f32 = 0.5;
const HAIR_DOUBTED: (f32, f32) = (8.0, 20.0);

/// The colour slots for the eyes, the hair and the skin.
const IRIS: &str = "iris";
const HAIR: &str = "hair";
const SKIN: &str = "skin";
/// The option for hair, and its choices without hair over the forehead.
const HAIR_STYLE: &str = "hair.style";
const HAIRLESS: [&str; 3] = ["bald", "buzz", "horseshoe"];
/// The choices whose hair hangs beside the face.
const HANGING: [&str; 7] =
    ["bob", "bob_fringe", "shoulder_straight", "shoulder_wavy", "long_straight", "long_curly", "layered"];
/// The option for brows, and the choice that hides least of the skin's own.
const BROWS: &str = "brows";
const THIN_BROWS: &str = "thin";
/// The option for glasses and its choice for wearing none.
const GLASSES: &str = "glasses";
const NO_GLASSES: &str = "none";

/// The number of expression coefficients.
const EXPRESSIONS: usize = likeness_rig::ARKIT_NAMES.len();

/// Where the files of a predictor lie.
#[derive(Clone, Debug)]
pub struct ModelPaths {
    /// The rig, `*.rig.ron`; mesh, prior and landmarks are found through it.
    pub rig: PathBuf,
    /// Weights of the landmark network.
    pub landmarks: PathBuf,
    /// Weights of the bone-point network, made for the rig.
    pub bone_point: PathBuf,
    /// Weights of the appearance network, made for the rig; without it, options stay at their defaults.
    pub appearance: Option<PathBuf>,
}

/// The contents of a predictor's files, for programs that read files their own way.
#[derive(Clone, Copy, Debug)]
pub struct ModelBytes<'a> {
    /// The rig, RON.
    pub rig: &'a [u8],
    /// The mesh, GLB.
    pub mesh: &'a [u8],
    /// The prior, safetensors.
    pub prior: &'a [u8],
    /// Where the 68 landmarks lie on the mesh, JSON.
    pub landmark_points: &'a [u8],
    /// Weights of the landmark network, safetensors.
    pub landmarks: &'a [u8],
    /// Weights of the bone-point network, safetensors.
    pub bone_point: &'a [u8],
    /// Weights of the appearance network, safetensors; without it, options stay at their defaults.
    pub appearance: Option<&'a [u8]>,
}

/// What to do when a photo shows several faces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeveralFaces {
    /// Answer with [`VisionError::SeveralFaces`].
    #[default]
    Refuse,
    /// Take the largest and warn.
    TakeLargest,
}

/// How to predict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictOptions {
    /// Polish the network's answer by a least-squares fit to the landmarks under the prior.
    pub refine: bool,
    /// How far a face's difference from the average face on photos is brought out: 0 is the network's answer, 1 gives people their
    /// natural spread back, more is a caricature.
    ///
    /// A network that is trained to be least wrong answers the mean of all faces that a photo may show, so its faces differ less
    /// than people do.
    pub emphasis: f32,
    /// What to do when the photo shows several faces.
    pub several_faces: SeveralFaces,
    /// Whether to read the skin too: see [`Prediction::skin`]. The skin has brows, so that those of the face are thin then, whatever
    /// was read.
    pub skin: bool,
}

impl Default for PredictOptions {
    fn default() -> Self {
        Self { refine: false, emphasis: 1.0, several_faces: SeveralFaces::default(), skin: false }
    }
}

/// Milliseconds of each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StepTimes {
    /// Finding faces.
    pub detect: f64,
    /// Finding the landmarks.
    pub landmarks: f64,
    /// Cutting out the aligned crop, judging its quality and measuring colours.
    pub align: f64,
    /// The bone-point and the appearance network, and refining when asked for.
    pub predict: f64,
    /// Reading the skin, when asked for.
    pub skin: f64,
}

/// A face read from a photo.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The character's face: parameters, options and colours from the networks, the colours `skin`, `lips` and `hair` mixed with those
    /// measured in the photo. Without an appearance network, options are neutral and these colours are the measured ones, where
    /// the rig has such slots.
    pub face: Face,
    /// What the appearance network read, one answer for each option of the rig; empty without that network.
    pub appearance: Vec<OptionAnswer>,
    /// 0..1: how clear the face was to the detector, times how well the predicted face's landmarks agree with the
    /// photo's.
    pub confidence: f32,
    /// The skin as the photo shows it, when [`PredictOptions::skin`] asked for it and enough of it is seen: sRGB in the skin's texture coordinates, 1024 pixels
    /// a side, with how far it was seen as alpha. It is lit by nothing and painted for
    /// [`SKIN_REFERENCE`](likeness_rig::palette::SKIN_REFERENCE), as the head's own texture is, so that the face's colours tint it.
    pub skin: Option<RgbaImage>,
    /// The photo's expression, coefficients 0..1 in the order of [`likeness_rig::ARKIT_NAMES`]. Where teeth fill the opening between
    /// the lips, these are drawn off closed teeth, whatever the network made of the opening.
    pub expression: [f32; 52],
    /// The head's turn in the photo.
    pub pose: HeadPose,
    /// 68 iBUG landmarks, pixels of the upright photo.
    pub landmarks: [Vec2; 68],
    /// The face's box.
    pub bounds: FaceBox,
    /// What makes the result less certain.
    pub warnings: Vec<QualityWarning>,
    /// Milliseconds of each step.
    pub ms: StepTimes,
}

/// Photos to faces. It holds everything that prediction needs, keeps no state between photos, and may be shared by
/// threads.
pub struct FacePredictor {
    rig: Rig,
    prior: Prior,
    model: LandmarkModel,
    detector: Detector,
    landmarker: Landmarker,
    net: FoldedBonePointNet,
    /// What a mirror does to the parameters, so that the mirrored crop tells them too.
    mirror_signs: Option<Vec<f32>>,
    meta: WeightsMeta,
    appearance: Option<AppearanceReader>,
    mesh: HeadMesh,
    points: LandmarkSet,
    /// Made when a skin is asked for the first time: it takes longer than a prediction.
    skin: OnceLock<Option<SkinReader>>,
}

impl std::fmt::Debug for FacePredictor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FacePredictor").field("rig", &self.rig.id).finish_non_exhaustive()
    }
}

impl FacePredictor {
    /// Reads all files.
    ///
    /// # Errors
    /// A file is missing or damaged, or the weights were trained for another rig.
    pub fn load(paths: &ModelPaths) -> Result<Self> {
        let rig = Rig::load(&paths.rig)?;
        let folder = paths.rig.parent().unwrap_or(Path::new("."));
        let read =
            |path: &Path| std::fs::read(path).map_err(|source| VisionError::Io { path: path.to_path_buf(), source });
        let prior = Prior::load(&folder.join(&rig.prior), &rig)?;
        let mesh = HeadMesh::load(&folder.join(&rig.mesh))?;
        let points = LandmarkSet::load(&folder.join(&rig.landmarks))?;
        let landmarker = Landmarker::from_bytes(&read(&paths.landmarks)?, &paths.landmarks.display().to_string())?;
        let weights = read(&paths.bone_point)?;
        let source = paths.bone_point.display().to_string();
        let predictor = Self::new(rig, prior, &mesh, &points, landmarker, &weights, &source)?;
        match &paths.appearance {
            Some(path) => predictor.with_appearance(&read(path)?, &path.display().to_string()),
            None => Ok(predictor),
        }
    }

    /// Reads all files' contents. Errors name the files by their kind.
    ///
    /// # Errors
    /// Contents are damaged, or the weights were trained for another rig.
    pub fn from_bytes(bytes: &ModelBytes<'_>) -> Result<Self> {
        let text = |bytes, field: &str| {
            std::str::from_utf8(bytes).map_err(|error| VisionError::Model {
                file: field.to_owned(),
                field: format!("byte {}", error.valid_up_to()),
                problem: "the text is not UTF-8: save it as UTF-8".to_owned(),
            })
        };
        let rig = Rig::from_ron(text(bytes.rig, "rig")?, "rig")?;
        let prior = Prior::from_bytes(bytes.prior, &rig, "prior")?;
        let mesh = HeadMesh::from_glb(bytes.mesh, "mesh")?;
        let points = LandmarkSet::from_json(text(bytes.landmark_points, "landmark points")?, "landmark points")?;
        let landmarker = Landmarker::from_bytes(bytes.landmarks, "landmark network")?;
        let predictor = Self::new(rig, prior, &mesh, &points, landmarker, bytes.bone_point, "bone-point network")?;
        match bytes.appearance {
            Some(weights) => predictor.with_appearance(weights, "appearance network"),
            None => Ok(predictor),
        }
    }

    /// Puts a predictor together. `weights` are the bytes of the bone-point network's file, `source` names it in
    /// errors.
    ///
    /// # Errors
    /// Weights, mesh or landmark points do not belong to the rig.
    pub fn new(
        rig: Rig,
        prior: Prior,
        mesh: &HeadMesh,
        points: &LandmarkSet,
        landmarker: Landmarker,
        weights: &[u8],
        source: &str,
    ) -> Result<Self> {
        let model = LandmarkModel::new(&rig, mesh, points)?;
        let weights = Weights::from_bytes(weights, source)?;
        weights.expect_architecture(BONE_POINT)?;
        weights.expect_rig(&rig)?;
        let config: BonePointConfig = weights.config()?;
        for (field, found, needed) in [
            ("config.input", config.input, CROP_SIZE),
            ("config.parameters", config.parameters, rig.parameters.len()),
            ("config.expression", config.expression, EXPRESSIONS),
        ] {
            if found != needed {
                return Err(VisionError::Model {
                    file: source.to_owned(),
                    field: field.to_owned(),
                    problem: format!(
                        "is {found}, needed is {needed}: use the weights that belong to this version and rig"
                    ),
                });
            }
        }
        let net = weights.build(|vb| BonePointNet::new(&config, vb, None))?.fold()?;
        let meta = weights.meta().clone();
        let mirror_signs = rig.mirror_signs();
        Ok(Self {
            mirror_signs,
            rig,
            prior,
            model,
            detector: Detector::new(),
            landmarker,
            net,
            meta,
            appearance: None,
            mesh: mesh.clone(),
            points: points.clone(),
            skin: OnceLock::new(),
        })
    }

    /// The same predictor with an appearance network: options and colours are read from photos too. `weights` are the bytes of the
    /// network's file, `source` names it in errors.
    ///
    /// # Errors
    /// The weights do not belong to the rig, its options or its colours.
    pub fn with_appearance(mut self, weights: &[u8], source: &str) -> Result<Self> {
        self.appearance = Some(AppearanceReader::from_bytes(weights, source, &self.rig)?);
        Ok(self)
    }

    /// The rig whose parameters are predicted.
    #[must_use]
    pub fn rig(&self) -> &Rig {
        &self.rig
    }

    /// What the networks' files say about them.
    #[must_use]
    pub fn network_metadata(&self) -> Vec<&WeightsMeta> {
        let appearance = self.appearance.as_ref().map(AppearanceReader::meta);
        [self.landmarker.meta(), &self.meta].into_iter().chain(appearance).collect()
    }

    /// The largest face of a photo and its landmarks.
    ///
    /// # Errors
    /// [`VisionError::NoFace`] and the errors of [`Landmarker::landmarks`].
    pub fn locate(&self, photo: &Photo) -> Result<(FaceBox, [Vec2; 68])> {
        let bounds = *self.detector.detect(photo).first().ok_or(VisionError::NoFace)?;
        Ok((bounds, self.landmarker.landmarks(photo, &bounds)?))
    }

    /// The face in a photo.
    ///
    /// # Errors
    /// [`VisionError::NoFace`], [`VisionError::SeveralFaces`], [`VisionError::FaceTooSmall`],
    /// [`VisionError::TurnedTooFar`], [`VisionError::DegenerateLandmarks`].
    pub fn predict(&self, photo: &Photo, options: &PredictOptions) -> Result<Prediction> {
        let mut ms = StepTimes::default();
        let mut lap = Lap::new();
        let faces = self.detector.detect(photo);
        ms.detect = lap.end();
        let bounds = *faces.first().ok_or(VisionError::NoFace)?;
        if faces.len() > 1 && options.several_faces == SeveralFaces::Refuse {
            return Err(VisionError::SeveralFaces { count: faces.len() });
        }

        let landmarks = self.landmarker.landmarks(photo, &bounds)?;
        ms.landmarks = lap.end();

        let neutral = self.model.points(&self.prior.mean, &[0.0; EXPRESSIONS], 0.0);
        let pose = head_pose(&neutral, &landmarks).ok_or(VisionError::DegenerateLandmarks)?;
        check_usable(&landmarks, &pose)?;
        let (crop, photo_to_crop) = align_crop(photo, &landmarks)?;
        let mut warnings = warnings(&crop, &photo_to_crop, &landmarks, &pose, photo.pixels.dimensions());
        if faces.len() > 1 {
            warnings.push(QualityWarning::SeveralFaces { count: faces.len() });
        }
        let colors = measure_colors(&crop, &photo_to_crop, &landmarks);
        ms.align = lap.end();

        let images = crop_tensor(&[crop.as_raw()], CROP_SIZE)?;
        let output = match &self.mirror_signs {
            Some(signs) => self.net.forward_mirrored(&images, signs)?,
            None => self.net.forward(&images)?,
        };
        let mut parameters = values(&output.parameters)?;
        let mut expression: [f32; EXPRESSIONS] = values(&output.expression)?.try_into().unwrap_or([0.0; EXPRESSIONS]);
        // The predicted shape tells the pose better than the mean face does.
        let mut pose = head_pose(&self.model.points(&parameters, &expression, pose.yaw), &landmarks).unwrap_or(pose);
        if options.refine {
            let start = FitState::from_prediction(&self.prior, &parameters, &expression, pose);
            let fitted = fit::refine(&self.model, &self.prior, &landmarks, &start, &FitOptions::default());
            (parameters, expression, pose) = (fitted.parameters, fitted.expression, fitted.pose);
        }
        let appearance = self.appearance.as_ref().map(|reader| reader.read(photo, &landmarks)).transpose()?;
        ms.predict = lap.end();

        let disagreement = self.disagreement(&parameters, &expression, &pose, &landmarks);
        if disagreement > POOR_FIT {
            warnings.push(QualityWarning::PoorFit { percent: disagreement * 100.0 });
        }
        let wears_glasses = wears_glasses(appearance.as_ref());
        let mut skin = None;
        if options.skin {
            let sighting = Sighting {
                photo,
                landmarks: &landmarks,
                parameters: &parameters,
                expression: &expression,
                pose: &pose,
                wears_glasses,
            };
            match self.skin(&sighting)? {
                PhotoSkin::Seen(seen) => skin = Some(seen),
                PhotoSkin::Unmapped => warnings.push(QualityWarning::SkinUnmapped),
                PhotoSkin::Hidden(percent) => warnings.push(QualityWarning::SkinHidden { percent }),
            }
        }
        ms.skin = lap.end();
        if let Some(skin) = colors.skin {
            let teeth = shows_teeth(&crop, &photo_to_crop, &landmarks, skin);
            bare_teeth(&self.model, &parameters, &mut expression, pose.yaw, teeth);
        }
        let clarity = 1.0 - (-bounds.score / SCORE_SCALE).exp();
        let agreement = (-(disagreement / DISAGREEMENT_SCALE).powi(2)).exp();
        self.emphasise(&mut parameters, options.emphasis);
        let mut face = self.face(parameters, &colors, appearance.as_ref());
        if let Some(iris) = self.rig.color_index(IRIS) {
            let others = [HAIR, SKIN].into_iter().filter_map(|name| self.rig.color_index(name));
            let others: Vec<_> = others.map(|slot| face.colors[slot]).collect();
            face.colors[iris] =
                iris::judged(face.colors[iris], iris::measure(&photo.pixels, &landmarks), &others, mixed);
        }
        if skin.is_some() && !wears_glasses {
            self.thin_brows(&mut face);
        }
        Ok(Prediction {
            face,
            appearance: appearance.map(|appearance| appearance.options).unwrap_or_default(),
            confidence: (clarity * agreement).clamp(0.0, 1.0),
            skin,
            expression,
            pose,
            landmarks,
            bounds,
            warnings,
            ms,
        })
    }

    fn skin(&self, sighting: &Sighting<'_>) -> Result<PhotoSkin> {
        let reader = match self.skin.get() {
            Some(reader) => reader,
            None => {
                let reader = SkinReader::new(&self.rig, &self.mesh, &self.points)?;
                self.skin.get_or_init(|| reader)
            }
        };
        let Some(reader) = reader else { return Ok(PhotoSkin::Unmapped) };
        reader.read(&self.mesh, &self.model, sighting)
    }

    /// Brows that let those of the photo's skin show, where the rig has such.
    fn thin_brows(&self, face: &mut Face) {
        let brows = self.rig.options.iter().zip(&mut face.options).find(|(option, _)| option.name == BROWS);
        if let Some((option, chosen)) = brows
            && let Some(thin) = option.choices.iter().position(|choice| choice == THIN_BROWS)
        {
            *chosen = thin;
        }
    }

    /// Stretches what is a person's own toward the spread that it has in nature.
    fn emphasise(&self, parameters: &mut [f32], emphasis: f32) {
        if emphasis == 0.0 || !emphasis.is_finite() {
            return;
        }
        let Some(answers) = &self.meta.photo_answers else { return };
        let own: Vec<f32> = parameters
            .iter()
            .zip(&answers.mean)
            .zip(&self.prior.mean)
            .map(|((value, shared), natural)| natural + value - shared)
            .collect();
        let mut latents = self.prior.parameters_to_latents(&own);
        for (index, latent) in latents.iter_mut().enumerate() {
            let spread = answers.spread.get(index).copied().unwrap_or(1.0);
            *latent *= emphasis * ((1.0 / spread.max(1e-6)).clamp(1.0, MOST_STRETCH) - 1.0);
        }
        let stretched = self.prior.latent_to_parameters(&latents);
        for ((value, stretched), natural) in parameters.iter_mut().zip(stretched).zip(&self.prior.mean) {
            *value = (*value + stretched - natural).clamp(0.0, 1.0);
        }
    }

    fn face(&self, parameters: Vec<f32>, measured: &MeasuredColors, appearance: Option<&Appearance>) -> Face {
        let mut face = Face::neutral(&self.rig);
        face.parameters = parameters;
        if let Some(Appearance { options, colors, details }) = appearance {
            for ((chosen, option), answer) in face.options.iter_mut().zip(&self.rig.options).zip(options) {
                *chosen = option.choices.iter().position(|choice| *choice == answer.choice).unwrap_or(*chosen);
            }
            face.details.iter_mut().zip(details).for_each(|(detail, answer)| *detail = *answer);
            let natural = face.colors.iter_mut().zip(&self.rig.colors).filter(|(_, slot)| !slot.cosmetic);
            for ((color, _), answer) in natural.zip(colors) {
                *color = *answer;
            }
            // Who has no hair over the forehead still has brows. Of what is seen beside the face and over the forehead, one may be a
            // background: the one that is more like what the network reads is the hair.
            let style = options.iter().find(|answer| answer.option == HAIR_STYLE);
            let is_one_of = |choices: &[&str]| style.is_some_and(|answer| choices.contains(&answer.choice.as_str()));
            let above = measured.hair.filter(|_| !is_one_of(&HAIRLESS));
            let beside = measured.locks.filter(|_| is_one_of(&HANGING));
            let read = self.rig.color_index(HAIR).and_then(|slot| face.colors.get(slot).copied());
            let unlike = |seen: &[f32; 3]| read.map_or(0.0, |read| difference(read, *seen));
            let hair = beside.into_iter().chain(above).min_by(|a, b| unlike(a).total_cmp(&unlike(b)));
            let mixes = [
                (SKIN, measured.skin, SKIN_MEASURED),
                ("lips", measured.lips, LIPS_MEASURED),
                (HAIR, hair.or(measured.brows), HAIR_MEASURED),
                // Whatever is on the lips has been measured there.
                ("lipstick", measured.lips, 1.0),
            ];
            for (name, color, mut part) in mixes {
                let slot = self.rig.color_index(name);
                if let (Some(slot), Some(color)) = (slot.and_then(|slot| face.colors.get_mut(slot)), color) {
                    if name == HAIR {
                        part *= smoothstep(HAIR_DOUBTED.1, HAIR_DOUBTED.0, difference(*slot, color));
                    }
                    *slot = mixed(*slot, color, part);
                }
            }
            return face;
        }
        for (name, color) in [(SKIN, measured.skin), ("lips", measured.lips), (HAIR, measured.hair.or(measured.brows))]
        {
            let slot = self.rig.color_index(name);
            if let (Some(slot), Some(color)) = (slot.and_then(|slot| face.colors.get_mut(slot)), color) {
                *slot = color;
            }
        }
        face
    }

    /// How far the inner landmarks of a face lie from the photo's on average, once brought over them by a similarity,
    /// in distances of the outer eye corners. Parallel projection.
    fn disagreement(
        &self,
        parameters: &[f32],
        expression: &[f32; EXPRESSIONS],
        pose: &HeadPose,
        landmarks: &[Vec2; 68],
    ) -> f32 {
        let rotation = pose.rotation();
        let points = self.model.points(parameters, expression, pose.yaw).map(|point| {
            let point = rotation * point;
            Vec2::new(point.x, -point.y)
        });
        let Some(fitted) = align(&points[INNER], &landmarks[INNER]) else {
            return f32::INFINITY;
        };
        let sum: f32 = points[INNER].iter().zip(&landmarks[INNER]).map(|(a, b)| fitted.apply(*a).distance(*b)).sum();
        sum / INNER.len() as f32 / eye_distance(landmarks)
    }
}

fn wears_glasses(appearance: Option<&Appearance>) -> bool {
    let glasses = appearance.and_then(|read| read.options.iter().find(|answer| answer.option == GLASSES));
    glasses.is_some_and(|answer| answer.choice != NO_GLASSES)
}

/// A part of the second colour in the first, in even steps to the eye.
fn mixed(first: [f32; 3], second: [f32; 3], part: f32) -> [f32; 3] {
    std::array::from_fn(|i| decoded(encoded(first[i]) * (1.0 - part) + encoded(second[i]) * part))
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

/// A stopwatch for steps that follow each other.
struct Lap(Instant);

impl Lap {
    fn new() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the step before.
    fn end(&mut self) -> f64 {
        let now = Instant::now();
        let passed = now - std::mem::replace(&mut self.0, now);
        passed.as_secs_f64() * 1e3
    }
}
