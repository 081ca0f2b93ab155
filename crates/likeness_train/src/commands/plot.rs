//! `likeness-train plot`.

use std::path::PathBuf;

use clap::Args;
use likeness_train::{Result, metrics::read_metrics, plot::plot};

/// Draw a run's numbers into a PNG
#[derive(Args)]
pub(crate) struct Plot {
    /// The run's metrics.jsonl
    #[arg(value_name = "JSONL")]
    metrics: PathBuf,
    /// The picture
    #[arg(long, value_name = "PNG")]
    out: PathBuf,
}

impl Plot {
    pub(crate) fn run(self) -> Result<()> {
        plot(&read_metrics(&self.metrics)?, &self.out)
    }
}
