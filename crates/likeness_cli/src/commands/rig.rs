//! `likeness rig draft`: a first rig for a head of one's own.

use super::{Outcome, print_json};
use crate::error::CliError;
use likeness_rig::draft::{Draft, DraftOptions};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Work on rigs
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Draft(DraftArguments),
}

/// Draft a rig for a glTF head (.glb): bones and mirror pairs by the joints' names, ranges by the head's size
#[derive(clap::Args)]
struct DraftArguments {
    /// The head: a binary glTF file with a skin whose joints are named after parts of the face
    #[arg(value_name = "HEAD.glb")]
    head: PathBuf,
    /// The rig to write; the head in the rig's space, landmarks and prior go beside it (default: HEAD.rig.ron in ./HEAD/)
    #[arg(long, value_name = "RON")]
    out: Option<PathBuf>,
    /// The rig's id (default: made from the head's file name)
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// What one unit of the file is, metres (default: found from the distance of the eyes)
    #[arg(long, value_name = "METRES", value_parser = metres)]
    unit: Option<f32>,
    /// Write over a rig that is there already
    #[arg(long)]
    force: bool,
}

fn metres(text: &str) -> Result<f32, String> {
    let metres = text.parse().ok().filter(|metres: &f32| metres.is_finite() && *metres > 0.0);
    metres.ok_or_else(|| "write a number of metres, for example 0.01".into())
}

#[derive(Serialize)]
struct Line {
    rig: String,
    bones: usize,
    pairs: usize,
    parameters: usize,
    notices: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CliError> {
    let Command::Draft(arguments) = &arguments.command;
    let out = arguments.out.clone().unwrap_or_else(|| beside(&arguments.head));
    if out.exists() && !arguments.force {
        return Err(CliError::Exists { path: out });
    }
    let io = |source| CliError::Io { path: arguments.head.clone(), source };
    let bytes = std::fs::read(&arguments.head).map_err(io)?;
    let options = DraftOptions { id: arguments.id.clone(), unit: arguments.unit };
    let mut draft = Draft::from_glb(&bytes, &arguments.head.display().to_string(), &options)?;
    draft.save(&out)?;
    print_json(&Line {
        rig: out.display().to_string(),
        bones: draft.rig.bones.len(),
        pairs: draft.rig.bones.iter().filter(|bone| bone.mirror.is_some()).count() / 2,
        parameters: draft.rig.parameters.len(),
        notices: draft.notices.iter().map(ToString::to_string).collect(),
    });
    Ok(Outcome::Complete)
}

/// `heads/Hero.glb` becomes `heads/Hero/Hero.rig.ron`, so that the head itself is not written over.
fn beside(head: &Path) -> PathBuf {
    let stem = head.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_else(|| "head".into());
    head.with_file_name(&stem).join(format!("{stem}.rig.ron"))
}
