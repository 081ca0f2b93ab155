//! `likeness-train`: synthetic faces, training, evaluation and plots.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Makes synthetic faces, trains the networks of bevy_likeness and measures them.
#[derive(Parser)]
#[command(name = "likeness-train", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Draw synthetic faces into shards.
    #[cfg(feature = "render")]
    Render(commands::render::Render),
    /// Measure who the photos show.
    Population(commands::population::Population),
    /// Measure how a trained network answers photos.
    Calibrate(commands::calibrate::Calibrate),
    /// Train a network.
    #[command(subcommand)]
    Train(commands::train::Train),
    /// Measure finished weights.
    #[command(subcommand)]
    Eval(commands::eval::Eval),
    /// Write a network in the format of another runtime.
    #[command(subcommand)]
    Export(commands::export::Export),
    /// Draw a run's numbers into a PNG.
    Plot(commands::plot::Plot),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    let result = match Cli::parse().command {
        #[cfg(feature = "render")]
        Command::Render(render) => render.run(),
        Command::Population(population) => population.run(),
        Command::Calibrate(calibrate) => calibrate.run(),
        Command::Train(train) => train.run(),
        Command::Eval(eval) => eval.run(),
        Command::Export(export) => export.run(),
        Command::Plot(plot) => plot.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
