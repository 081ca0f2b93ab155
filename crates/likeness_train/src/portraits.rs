//! Real portraits with landmark labels: one JSON line a photo.

use std::{collections::BTreeMap, fs, path::Path};

use glam::Vec2;
use rayon::prelude::*;
use serde::Deserialize;

use crate::{
    error::{Result, data_error, io_error},
    picture::{Picture, shrink},
};

/// One line of the label file.
#[derive(Clone, Debug, Deserialize)]
pub struct PortraitLabel {
    /// The photo's path, relative to the label file.
    pub file: String,
    /// A number that is the same on all photos of one person.
    pub person: u64,
    /// Which collection the photo is from.
    pub source: String,
    /// The face box: x, y, width, height in pixels.
    #[serde(rename = "box")]
    pub face_box: [f32; 4],
    /// 68 landmarks in pixels of the photo.
    pub landmarks: Vec<[f32; 2]>,
    /// An estimate that serves balance checks alone.
    #[serde(default)]
    pub estimated_age: f32,
    /// An estimate that serves balance checks alone.
    #[serde(default)]
    pub estimated_sex: String,
}

impl PortraitLabel {
    /// The labelled points.
    pub fn points(&self) -> [Vec2; 68] {
        std::array::from_fn(|i| Vec2::from_array(self.landmarks[i]))
    }

    /// The distance between the outer eye corners in pixels.
    pub fn iod(&self) -> f32 {
        inter_ocular(&self.points())
    }

    /// The decade-wide age band that reports use.
    pub fn age_band(&self) -> &'static str {
        match self.estimated_age {
            a if a < 30.0 => "under 30",
            a if a < 45.0 => "30-44",
            a if a < 60.0 => "45-59",
            _ => "60 and over",
        }
    }
}

/// The distance between the outer eye corners (landmarks 36 and 45).
pub fn inter_ocular(points: &[Vec2; 68]) -> f32 {
    points[36].distance(points[45])
}

/// A portrait in memory, scaled down so that bilinear sampling at the crop's scale does not alias.
pub struct Portrait {
    /// Its line of the label file; the landmarks are in the photo's own pixels.
    pub label: PortraitLabel,
    /// The picture.
    pub picture: Picture,
    /// The landmarks in pixels of `picture`.
    pub landmarks: [Vec2; 68],
}

/// Reads a label file and checks every line.
///
/// # Errors
/// A missing file, a line that is not JSON, fewer than 68 landmarks or a number that is not finite.
pub fn read_labels(path: &Path) -> Result<Vec<PortraitLabel>> {
    let text = fs::read_to_string(path).map_err(io_error(path))?;
    let mut labels = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let field = || format!("line {}", number + 1);
        let label: PortraitLabel =
            serde_json::from_str(line).map_err(|error| data_error(path, field(), error.to_string()))?;
        if label.landmarks.len() != 68 {
            return Err(data_error(path, field(), format!("{} landmarks: write 68", label.landmarks.len())));
        }
        if label.landmarks.iter().flatten().any(|x| !x.is_finite()) || label.iod() <= 0.0 {
            return Err(data_error(path, field(), "a landmark is not finite or the eyes coincide: drop the photo"));
        }
        labels.push(label);
    }
    Ok(labels)
}

/// Leaves out the labels whose inner points do not look like a face: the residual after a similarity to the mean shape,
/// over the inter-ocular distance, is far above that of the others. Drawings and misfits go this way.
pub fn drop_misfits(labels: Vec<PortraitLabel>) -> Vec<PortraitLabel> {
    let mean = mean_shape(&labels);
    let residuals: Vec<f32> = labels.iter().map(|label| residual(&label.points(), &mean)).collect();
    let mut sorted = residuals.clone();
    sorted.sort_by(f32::total_cmp);
    let Some(median) = sorted.get(sorted.len() / 2) else { return labels };
    let limit = median * 2.6;
    labels.into_iter().zip(residuals).filter(|(_, residual)| *residual <= limit).map(|(label, _)| label).collect()
}

fn residual(points: &[Vec2; 68], mean: &[Vec2]) -> f32 {
    let Some(fit) = likeness_rig::similarity::align(&points[17..], &mean[17..]) else { return f32::INFINITY };
    let sum: f32 = points[17..].iter().zip(&mean[17..]).map(|(p, m)| fit.apply(*p).distance_squared(*m)).sum();
    (sum / 51.0).sqrt()
}

/// The mean of the labelled shapes, each brought to an eye distance of one.
fn mean_shape(labels: &[PortraitLabel]) -> Vec<Vec2> {
    let mut mean = vec![Vec2::ZERO; 68];
    for label in labels {
        let points = label.points();
        let (left, right) = (points[36], points[45]);
        let axis = (right - left) / (right - left).length_squared();
        let centre = (left + right) * 0.5;
        for (sum, point) in mean.iter_mut().zip(points) {
            let d = point - centre;
            *sum += Vec2::new(d.dot(axis), d.dot(axis.perp()));
        }
    }
    let count = labels.len().max(1) as f32;
    mean.iter().map(|sum| *sum / count).collect()
}

/// Decodes the photos of `labels` (relative to `root`), each scaled down to at most `max_iod` pixels between the eyes.
///
/// # Errors
/// A photo that is missing or does not decode.
pub fn load_portraits(root: &Path, labels: Vec<PortraitLabel>, max_iod: f32) -> Result<Vec<Portrait>> {
    labels
        .into_par_iter()
        .map(|label| {
            let path = root.join(&label.file);
            let photo = likeness_vision::Photo::open(&path)?;
            let scale = (max_iod / label.iod()).min(1.0);
            let (picture, scale) = shrink(&photo.pixels, scale);
            let landmarks = label.points().map(|p| p * scale);
            Ok(Portrait { label, picture, landmarks })
        })
        .collect()
}

/// Sampling weights for the portraits: each group (source, sex, young or not) is lifted toward an equal share. `strength` 0 keeps
/// the collection as it is, 1 gives every group the same weight.
pub fn balance_weights(labels: &[&PortraitLabel], strength: f32) -> Vec<f32> {
    let group = |label: &PortraitLabel| (label.source.clone(), label.estimated_sex.clone(), label.estimated_age < 40.0);
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for label in labels {
        *counts.entry(group(label)).or_default() += 1;
    }
    let weights: Vec<f32> = labels.iter().map(|label| (counts[&group(label)] as f32).powf(-strength)).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum.max(f32::MIN_POSITIVE)).collect()
}
