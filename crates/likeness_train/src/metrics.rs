//! The course of a run: one JSON line a report, and its reading back.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use crate::error::{Result, data_error, io_error};

/// One report: the step and named numbers.
pub type Report = BTreeMap<String, f64>;

/// Writes reports to a file as they come.
pub struct MetricsLog {
    path: PathBuf,
    file: File,
}

impl MetricsLog {
    /// Opens the file. A resumed run keeps the lines up to its step and drops those after it; a new run starts empty.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: &Path, resumed_at: Option<u64>) -> Result<Self> {
        let kept = match resumed_at {
            Some(step) if path.exists() => read_metrics(path)?
                .into_iter()
                .filter(|report| report.get("step").is_some_and(|s| *s <= step as f64))
                .collect(),
            _ => Vec::new(),
        };
        let mut text = String::new();
        for report in &kept {
            text.push_str(&line(path, report)?);
        }
        likeness_rig::write_atomic(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(io_error(path))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, report: &Report) -> Result<()> {
        let text = line(&self.path, report)?;
        self.file.write_all(text.as_bytes()).map_err(io_error(&self.path))
    }
}

fn line(path: &Path, report: &Report) -> Result<String> {
    let mut text = serde_json::to_string(report).map_err(|error| data_error(path, "report", error.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// Reads the reports of a run. A last line that is cut short (the run was killed while writing) is left out.
///
/// # Errors
/// The file cannot be read; a line before the last is not JSON.
pub fn read_metrics(path: &Path) -> Result<Vec<Report>> {
    let text = fs::read_to_string(path).map_err(io_error(path))?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut reports = Vec::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate() {
        match serde_json::from_str::<BTreeMap<String, Option<f64>>>(line) {
            Ok(report) => {
                reports.push(report.into_iter().filter_map(|(name, value)| Some((name, value?))).collect());
            }
            Err(_) if number + 1 == lines.len() => {}
            Err(error) => return Err(data_error(path, format!("line {}", number + 1), error.to_string())),
        }
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use super::*;

    #[test]
    fn a_resumed_run_drops_what_came_after_its_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let report = |step: f64| Report::from([("step".to_owned(), step), ("loss".to_owned(), 1.0 / step)]);
        let mut log = MetricsLog::open(&path, None).unwrap();
        for step in 1..=5 {
            log.add(&report(f64::from(step))).unwrap();
        }
        drop(log);
        fs::write(&path, fs::read_to_string(&path).unwrap() + "{\"step\": 6, \"lo").unwrap();
        let mut log = MetricsLog::open(&path, Some(3)).unwrap();
        log.add(&report(4.0)).unwrap();
        let steps: Vec<f64> = read_metrics(&path).unwrap().iter().map(|report| report["step"]).collect();
        assert_eq!(steps, [1.0, 2.0, 3.0, 4.0]);
    }
}
