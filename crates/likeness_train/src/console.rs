//! What a long run says: a progress bar on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::metrics::Report;

/// Tells how a run goes.
pub(crate) struct Console {
    name: &'static str,
    bar: Option<ProgressBar>,
    steps: u64,
    spoken: Option<Instant>,
}

impl Console {
    /// Time between plain lines.
    const PAUSE: Duration = Duration::from_secs(10);

    /// Starts to tell of a run of `steps`.
    pub(crate) fn new(name: &'static str, steps: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(steps);
            if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {eta} {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(name);
            bar
        });
        Self { name, bar, steps, spoken: None }
    }

    /// Tells of one report.
    pub(crate) fn report(&mut self, report: &Report) {
        let step = report.get("step").copied().unwrap_or_default() as u64;
        let numbers: Vec<String> = report
            .iter()
            .filter(|(name, _)| *name != "step")
            .map(|(name, value)| format!("{name} {value:.4}"))
            .collect();
        let numbers = numbers.join("  ");
        if let Some(bar) = &self.bar {
            bar.set_position(step);
            bar.set_message(numbers);
            return;
        }
        let measured = report.keys().any(|name| name.starts_with("held_out"));
        if measured || self.spoken.is_none_or(|spoken| spoken.elapsed() >= Self::PAUSE) {
            eprintln!("{} {step}/{}  {numbers}", self.name, self.steps);
            self.spoken = Some(Instant::now());
        }
    }
}
