//! How well the landmark network finds points, by group.

use std::collections::BTreeMap;

use likeness_nets::LandmarkNet;
use serde::Serialize;

use crate::{
    error::Result,
    landmark_data::LandmarkItem,
    landmark_training::{find_points, mean_distance},
};

/// Errors over a group of pictures, in inter-ocular distances.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LandmarkFigures {
    /// Pictures.
    pub count: usize,
    /// Mean of the mean distance.
    pub mean: f64,
    /// Median of the mean distance.
    pub median: f64,
    /// The part of pictures whose mean distance is above 0.1.
    pub above_tenth: f64,
}

/// Measures pictures, each with the groups that it belongs to; the group `all` is added.
///
/// # Errors
/// Only those of the network.
pub fn evaluate_landmarks(
    net: &LandmarkNet,
    items: &[LandmarkItem],
    groups: &[Vec<String>],
) -> Result<BTreeMap<String, LandmarkFigures>> {
    let found = find_points(net, items)?;
    let mut errors: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for ((item, found), groups) in items.iter().zip(&found).zip(groups) {
        let error = f64::from(mean_distance(found, &item.landmarks));
        for group in groups.iter().map(String::as_str).chain(["all"]) {
            errors.entry(group.to_owned()).or_default().push(error);
        }
    }
    let figures = |mut errors: Vec<f64>| {
        errors.sort_by(f64::total_cmp);
        let count = errors.len();
        LandmarkFigures {
            count,
            mean: errors.iter().sum::<f64>() / count as f64,
            median: errors[count / 2],
            above_tenth: errors.iter().filter(|error| **error > 0.1).count() as f64 / count as f64,
        }
    };
    Ok(errors.into_iter().map(|(group, errors)| (group, figures(errors))).collect())
}
