//! What a run tells while it goes on: to the console, and to the metrics' file.

use crate::{
    checkpoint::Standing,
    console::Console,
    ensemble::Ensemble,
    error::Result,
    metrics::{MetricsLog, Report},
    run_options::RunOptions,
};

/// Tells how a run goes.
pub(crate) struct RunLog {
    console: Console,
    metrics: MetricsLog,
}

impl RunLog {
    /// For a run that stands at `standing`; nothing on a process that does not lead.
    ///
    /// # Errors
    /// The metrics' file cannot be read or written.
    pub(crate) fn open(
        ensemble: &Ensemble,
        name: &'static str,
        run: &RunOptions,
        standing: &Standing,
    ) -> Result<Option<Self>> {
        if !ensemble.leads() {
            return Ok(None);
        }
        let metrics =
            MetricsLog::open(&run.folder.join("metrics.jsonl"), (standing.step > 0).then_some(standing.step))?;
        Ok(Some(Self { console: Console::new(name, run.steps), metrics }))
    }

    /// Tells of one report.
    ///
    /// # Errors
    /// The metrics' file cannot be written.
    pub(crate) fn add(&mut self, report: &Report) -> Result<()> {
        self.console.report(report);
        self.metrics.add(report)
    }
}
