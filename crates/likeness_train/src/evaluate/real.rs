//! The whole way from real photos to faces, measured against the photos' labels.

use std::{collections::BTreeMap, path::Path};

use glam::Vec2;
use likeness_rig::{HeadPose, latent_distance};
use likeness_vision::{FacePredictor, Photo, PredictOptions, SeveralFaces};
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    bone_measure::{aligned_distance, auc},
    error::Result,
    head::Head,
    portraits::PortraitLabel,
};

/// A face that was predicted from a labelled photo.
struct Predicted<'a> {
    label: &'a PortraitLabel,
    parameters: Vec<f32>,
    expression: [f32; 52],
    pose: HeadPose,
    /// The found landmarks' mean distance from the labelled ones, in inter-ocular distances.
    found: f32,
    milliseconds: f64,
}

/// Landmark distances of a group of photos, in inter-ocular distances.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GroupFigures {
    /// Photos that got a face.
    pub photos: usize,
    /// Mean distance of the found from the labelled landmarks.
    pub found: f64,
    /// Mean distance of the own face.
    pub own: f64,
    /// Mean distance of the prior's mean face in the same pose and expression.
    pub mean: f64,
    /// Mean distance of other people's faces in the same pose and expression.
    pub other: f64,
    /// The part of photos whose own face is nearer than the mean face.
    pub own_below_mean: f64,
    /// The part of (photo, other face) pairs in which the own face is nearer.
    pub own_below_other: f64,
    /// The part of photos whose own face is nearer than other faces are on average.
    pub own_below_mean_other: f64,
}

/// What real photos give.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RealFigures {
    /// Photos tried.
    pub tried: usize,
    /// The part that got a face.
    pub share: f64,
    /// Why the others got none, and how many.
    pub failures: BTreeMap<String, usize>,
    /// Mean milliseconds a photo, decoding left out, with other photos on the other core.
    pub milliseconds: f64,
    /// By group; `all` is everybody.
    pub groups: BTreeMap<String, GroupFigures>,
    /// How well the distance of faces tells photos of one person from those of two, on people left out of training.
    pub same_person: Option<SamePerson>,
}

/// The same-person check.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SamePerson {
    /// People.
    pub people: usize,
    /// Photos that got a face.
    pub photos: usize,
    /// By the root mean square difference of latents (`likeness_rig::latent_distance`).
    pub auc: f64,
    /// By the cosine of latents, measured from these people's mean.
    pub auc_cosine: f64,
    /// By parameters weighed by the movement that they cause.
    pub auc_motion: f64,
}

/// Predicts the photos of `labels` (and of `pairs`) and measures the faces.
///
/// # Errors
/// Only those of the rig; photos without a face are counted, not errors.
pub fn evaluate_real(
    head: &Head,
    predictor: &FacePredictor,
    labels: (&Path, &[PortraitLabel]),
    pairs: (&Path, &[PortraitLabel]),
    options: &PredictOptions,
) -> Result<RealFigures> {
    let (found, failures) = predict(head, predictor, labels.0, labels.1, options);
    let mut figures = RealFigures {
        tried: labels.1.len(),
        share: found.len() as f64 / labels.1.len().max(1) as f64,
        failures,
        milliseconds: found.iter().map(|face| face.milliseconds).sum::<f64>() / found.len().max(1) as f64,
        ..RealFigures::default()
    };
    let mut groups: BTreeMap<String, Vec<Distances>> = BTreeMap::new();
    for (i, face) in found.iter().enumerate() {
        let distances = distances(head, &found, i);
        for group in groups_of(face.label) {
            groups.entry(group).or_default().push(distances.clone());
        }
    }
    figures.groups = groups.into_iter().map(|(group, list)| (group, summarise(&list))).collect();
    if !pairs.1.is_empty() {
        let (faces, _) = predict(head, predictor, pairs.0, pairs.1, options);
        figures.same_person = Some(same_person(head, &faces));
    }
    Ok(figures)
}

/// The groups that a photo is reported under.
pub fn groups_of(label: &PortraitLabel) -> Vec<String> {
    vec![
        "all".to_owned(),
        format!("source: {}", label.source),
        format!("sex: {}", label.estimated_sex),
        format!("age: {}", label.age_band()),
    ]
}

fn predict<'a>(
    head: &Head,
    predictor: &FacePredictor,
    root: &Path,
    labels: &'a [PortraitLabel],
    options: &PredictOptions,
) -> (Vec<Predicted<'a>>, BTreeMap<String, usize>) {
    let options = PredictOptions { several_faces: SeveralFaces::TakeLargest, ..*options };
    let answers: Vec<_> = labels
        .par_iter()
        .map(|label| {
            let photo = Photo::open(&root.join(&label.file))?;
            let prediction = predictor.predict(&photo, &options)?;
            let ms = &prediction.ms;
            Ok(Predicted {
                label,
                parameters: prediction.face.parameters,
                expression: prediction.expression,
                pose: prediction.pose,
                found: crate::landmark_training::mean_distance(&prediction.landmarks, &label.points()),
                milliseconds: ms.detect + ms.landmarks + ms.align + ms.predict,
            })
        })
        .collect();
    let mut faces = Vec::with_capacity(answers.len());
    let mut failures = BTreeMap::new();
    for answer in answers {
        match answer {
            Ok(face) if face.parameters.len() == head.prior.mean.len() => faces.push(face),
            Ok(_) => *failures.entry("weights of another rig".to_owned()).or_default() += 1,
            Err(error) => {
                let error: likeness_vision::VisionError = error;
                let text = error.to_string();
                let cause = text.split(':').next().unwrap_or_default().to_owned();
                *failures.entry(cause).or_default() += 1;
            }
        }
    }
    (faces, failures)
}

#[derive(Clone)]
struct Distances {
    found: f32,
    own: f32,
    mean: f32,
    others: Vec<f32>,
}

fn distances(head: &Head, faces: &[Predicted<'_>], i: usize) -> Distances {
    let face = &faces[i];
    let labelled = face.label.points();
    let rotation = face.pose.rotation();
    let distance = |parameters: &[f32]| {
        let seen = head.landmarks.points(parameters, &face.expression, face.pose.yaw).map(|point| {
            let point = rotation * point;
            Vec2::new(point.x, -point.y)
        });
        aligned_distance(&seen, &labelled)
    };
    let others = faces.iter().filter(|other| other.label.person != face.label.person);
    Distances {
        found: face.found,
        own: distance(&face.parameters),
        mean: distance(&head.prior.mean),
        others: others.map(|other| distance(&other.parameters)).collect(),
    }
}

fn summarise(list: &[Distances]) -> GroupFigures {
    let n = list.len().max(1) as f64;
    let mean_of = |value: &dyn Fn(&Distances) -> f64| list.iter().map(value).sum::<f64>() / n;
    let mean_other =
        |d: &Distances| d.others.iter().copied().map(f64::from).sum::<f64>() / d.others.len().max(1) as f64;
    let pairs: usize = list.iter().map(|d| d.others.len()).sum();
    let nearer: usize = list.iter().map(|d| d.others.iter().filter(|other| d.own < **other).count()).sum();
    GroupFigures {
        photos: list.len(),
        found: mean_of(&|d| f64::from(d.found)),
        own: mean_of(&|d| f64::from(d.own)),
        mean: mean_of(&|d| f64::from(d.mean)),
        other: mean_of(&mean_other),
        own_below_mean: mean_of(&|d| f64::from(u8::from(d.own < d.mean))),
        own_below_other: nearer as f64 / pairs.max(1) as f64,
        own_below_mean_other: mean_of(&|d| f64::from(u8::from(f64::from(d.own) < mean_other(d)))),
    }
}

fn same_person(head: &Head, faces: &[Predicted<'_>]) -> SamePerson {
    let people: Vec<u64> = faces.iter().map(|face| face.label.person).collect();
    let latents: Vec<Vec<f32>> =
        faces.par_iter().map(|face| head.prior.parameters_to_latents(&face.parameters)).collect();
    let rank = head.prior.rank;
    let mean: Vec<f32> =
        (0..rank).map(|k| latents.iter().map(|row| row[k]).sum::<f32>() / latents.len().max(1) as f32).collect();
    let centred: Vec<Vec<f32>> =
        latents.iter().map(|row| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect()).collect();
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
    let cosine = |i: usize, j: usize| {
        let (a, b) = (&centred[i], &centred[j]);
        -dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12)
    };
    let motion = |i: usize, j: usize| -> f64 {
        let pairs = faces[i].parameters.iter().zip(&faces[j].parameters).zip(&head.prior.vertex_motion);
        pairs.map(|((a, b), motion)| f64::from(((a - b) * motion).powi(2))).sum()
    };
    let mut distinct = people.clone();
    distinct.sort_unstable();
    distinct.dedup();
    SamePerson {
        people: distinct.len(),
        photos: faces.len(),
        auc: auc(&people, |i, j| f64::from(latent_distance(&latents[i], &latents[j]))),
        auc_cosine: auc(&people, cosine),
        auc_motion: auc(&people, motion),
    }
}
