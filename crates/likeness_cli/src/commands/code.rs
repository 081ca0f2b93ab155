//! `likeness code` and `likeness decode`: faces as one line that players can paste.

use super::Outcome;
use crate::assets::Assets;
use crate::error::CliError;
use likeness_rig::{FaceFile, Rig, share_code};
use std::path::PathBuf;

/// Print a face's share code
#[derive(clap::Args)]
pub(crate) struct Encode {
    /// The face file
    face: PathBuf,
    /// The rig that the face belongs to (default: the bundled head)
    #[arg(long, value_name = "FILE")]
    rig: Option<PathBuf>,
}

/// Turn a share code into a face file
#[derive(clap::Args)]
pub(crate) struct Decode {
    /// The share code
    code: String,
    /// Where to write the face (default: standard output)
    #[arg(long, value_name = "FACE.json")]
    out: Option<PathBuf>,
    /// The rig that the face belongs to (default: the bundled head)
    #[arg(long, value_name = "FILE")]
    rig: Option<PathBuf>,
}

pub(crate) fn encode(assets: &Assets, arguments: &Encode) -> Result<Outcome, CliError> {
    let rig = Rig::load(&assets.rig_path(arguments.rig.as_deref()))?;
    let (face, notices) = FaceFile::load(&arguments.face)?.resolve(&rig)?;
    for notice in notices {
        eprintln!("note: {notice}");
    }
    println!("{}", share_code::encode(&rig, &face));
    Ok(Outcome::Complete)
}

pub(crate) fn decode(assets: &Assets, arguments: &Decode) -> Result<Outcome, CliError> {
    let rig = Rig::load(&assets.rig_path(arguments.rig.as_deref()))?;
    let face = FaceFile::new(&rig, &share_code::decode(&rig, &arguments.code)?);
    match &arguments.out {
        Some(path) => face.save(path)?,
        None => println!("{}", face.to_json()?),
    }
    Ok(Outcome::Complete)
}
