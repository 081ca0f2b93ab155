//! The `likeness` command: photos to faces, pictures and share codes.
//!
//! Exit codes: 0 all is well, 1 some inputs failed, 2 wrong usage. Results go to standard output, one JSON line an input where
//! a program reads them; everything meant for people goes to standard error. Photos are read, used and forgotten: nothing but
//! what the command is asked to write leaves its memory.

mod assets;
mod commands;
mod error;
mod picture_file;
#[cfg(feature = "render")]
mod sheet;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// One photo becomes a playable game character that looks like the person.
#[derive(Parser)]
#[command(name = "likeness", version, about)]
struct Arguments {
    /// Folder that holds `head/` and `models/` (default: $LIKENESS_ASSETS, ./assets, or beside the program)
    #[arg(long, global = true, value_name = "DIR")]
    assets: Option<std::path::PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Create(commands::create::Arguments),
    #[cfg(feature = "render")]
    Render(commands::render::Arguments),
    Landmarks(commands::landmarks::Arguments),
    #[cfg(feature = "render")]
    Random(commands::random::Arguments),
    Code(commands::code::Encode),
    Decode(commands::code::Decode),
    Info(commands::info::Arguments),
    Rig(commands::rig::Arguments),
    Bench(commands::bench::Arguments),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .without_time()
        .with_target(false)
        .init();
    let arguments = Arguments::parse();
    let outcome = run(arguments);
    match outcome {
        Ok(commands::Outcome::Complete) => ExitCode::SUCCESS,
        Ok(commands::Outcome::SomeFailed) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: Arguments) -> Result<commands::Outcome, error::CliError> {
    let assets = || assets::Assets::locate(arguments.assets);
    match arguments.command {
        Command::Create(arguments) => commands::create::run(&assets()?, &arguments),
        #[cfg(feature = "render")]
        Command::Render(arguments) => commands::render::run(&assets()?, &arguments),
        Command::Landmarks(arguments) => commands::landmarks::run(&assets()?, &arguments),
        #[cfg(feature = "render")]
        Command::Random(arguments) => commands::random::run(&assets()?, &arguments),
        Command::Code(arguments) => commands::code::encode(&assets()?, &arguments),
        Command::Decode(arguments) => commands::code::decode(&assets()?, &arguments),
        Command::Info(arguments) => commands::info::run(&assets()?, &arguments),
        Command::Rig(arguments) => commands::rig::run(&arguments),
        Command::Bench(arguments) => commands::bench::run(&assets()?, &arguments),
    }
}
