//! `likeness landmarks`: the 68 iBUG landmarks of photos.

use super::{Outcome, print_json};
use crate::assets::Assets;
use crate::error::CliError;
use likeness_vision::Photo;
use serde::Serialize;
use std::path::PathBuf;

/// Print the face box and the 68 landmarks of photos, one JSON line each, in pixels of the upright picture
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The photos
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Line {
    photo: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    bounds: Option<[f32; 4]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    landmarks: Option<Vec<[f32; 2]>>,
}

pub(crate) fn run(assets: &Assets, arguments: &Arguments) -> Result<Outcome, CliError> {
    let predictor = assets.predictor(None, None)?;
    let mut failed = 0;
    for path in &arguments.photos {
        let found = Photo::open(path).and_then(|photo| predictor.locate(&photo));
        let photo = path.display().to_string();
        print_json(&match found {
            Ok((bounds, landmarks)) => Line {
                photo,
                ok: true,
                error: None,
                bounds: Some([bounds.x, bounds.y, bounds.w, bounds.h]),
                landmarks: Some(landmarks.iter().map(|point| [point.x, point.y]).collect()),
            },
            Err(error) => {
                failed += 1;
                Line { photo, ok: false, error: Some(error.to_string()), bounds: None, landmarks: None }
            }
        });
    }
    Ok(Outcome::from_failures(failed))
}
