//! A program on the desktop.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::error::{DesktopError, Result};
use super::event_log::EventLog;
use super::wait::until;

/// How much of what a program said is in an error, lines.
const LAST_LINES: usize = 25;

/// A program that runs. Dropping it ends the program.
pub(crate) struct Program {
    name: String,
    child: Child,
    output: PathBuf,
}

impl Program {
    /// Starts a command; what it says goes to the file `output`.
    ///
    /// # Errors
    /// [`DesktopError::NotStarted`], or [`DesktopError::Io`] for the file.
    pub(crate) fn start(mut command: Command, output: &Path) -> Result<Self> {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let at_output = |source| DesktopError::Io { path: output.into(), source };
        let file = File::create(output).map_err(at_output)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(at_output)?)
            .stderr(file)
            .spawn()
            .map_err(|source| DesktopError::NotStarted { program: name.clone(), source })?;
        Ok(Self { name, child, output: output.into() })
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Makes sure that it still runs.
    ///
    /// # Errors
    /// [`DesktopError::Ended`], with the end of what it said.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.status()? {
            None => Ok(()),
            Some(status) => {
                Err(DesktopError::Ended { program: self.name.clone(), status, said: last_lines(&self.output) })
            }
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// [`DesktopError::Timeout`].
    pub(crate) fn end(&mut self, patience: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        until(&what, patience, || self.status())
    }

    /// Waits for the next event of this name in the program's log.
    ///
    /// # Errors
    /// [`DesktopError::Timeout`] that tells the events that came instead, [`DesktopError::Ended`].
    pub(crate) fn event(&mut self, log: &mut EventLog, name: &str, patience: Duration) -> Result<Value> {
        until(&format!("the event \"{name}\""), patience, || {
            self.check()?;
            log.next(name)
        })
        .map_err(|error| match error {
            DesktopError::Timeout { what, seconds } => {
                DesktopError::Timeout { what: format!("{what}; since the one before: {}", log.waiting()), seconds }
            }
            other => other,
        })
    }

    fn status(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(|source| DesktopError::NotStarted { program: self.name.clone(), source })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn last_lines(path: &Path) -> String {
    let said = std::fs::read(path).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
