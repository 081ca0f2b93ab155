//! `likeness info`: what the program, the rig and the networks are.

use super::{Outcome, print_json};
use crate::assets::Assets;
use crate::error::CliError;
use likeness_rig::Rig;
use serde::Serialize;
use std::path::PathBuf;

/// Print the versions of the program, the rig and the networks as JSON
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The rig to describe (default: the bundled head)
    #[arg(long, value_name = "FILE")]
    rig: Option<PathBuf>,
}

#[derive(Serialize)]
struct Info {
    version: &'static str,
    rig: RigInfo,
    networks: serde_json::Value,
}

#[derive(Serialize)]
struct RigInfo {
    id: String,
    version: u32,
    bones: usize,
    parameters: usize,
}

pub(crate) fn run(assets: &Assets, arguments: &Arguments) -> Result<Outcome, CliError> {
    let rig = Rig::load(&assets.rig_path(arguments.rig.as_deref()))?;
    let networks = match assets.predictor(arguments.rig.as_deref(), None) {
        Ok(predictor) => serde_json::json!(predictor.network_metadata()),
        Err(error) => serde_json::json!({ "error": error.to_string() }),
    };
    print_json(&Info {
        version: env!("CARGO_PKG_VERSION"),
        rig: RigInfo {
            id: rig.id.clone(),
            version: rig.version,
            bones: rig.bones.len(),
            parameters: rig.parameters.len(),
        },
        networks,
    });
    Ok(Outcome::Complete)
}
