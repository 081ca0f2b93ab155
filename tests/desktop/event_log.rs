//! A log that a program writes: a JSON object a line, with its name in the field `event`.

use std::path::PathBuf;

use serde_json::Value;

use super::error::{DesktopError, Result};

/// A log that is read from the beginning to the end while it grows.
pub(crate) struct EventLog {
    path: PathBuf,
    /// How many lines have been read.
    read: usize,
}

impl EventLog {
    /// A log that need not exist yet.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read: 0 }
    }

    /// The next event of this name; those before it are read too. `None`, and nothing read, when there is none yet.
    ///
    /// # Errors
    /// [`DesktopError::BadLine`], [`DesktopError::Io`].
    pub(crate) fn next(&mut self, name: &str) -> Result<Option<Value>> {
        let events = self.unread()?;
        let place = events.iter().position(|event| event["event"] == name);
        self.read += place.map_or(0, |place| place + 1);
        Ok(place.and_then(|place| events.into_iter().nth(place)))
    }

    /// All events that have not been read; they count as read from now on.
    ///
    /// # Errors
    /// As [`EventLog::next`].
    pub(crate) fn take(&mut self) -> Result<Vec<Value>> {
        let events = self.unread()?;
        self.read += events.len();
        Ok(events)
    }

    /// What has not been read, for an error.
    pub(crate) fn waiting(&self) -> String {
        match self.unread() {
            Ok(events) if events.is_empty() => "nothing".into(),
            Ok(events) => events.iter().map(Value::to_string).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    fn unread(&self) -> Result<Vec<Value>> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(DesktopError::Io { path: self.path.clone(), source }),
        };
        // The last line may still be in the making.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let lines = whole.lines().enumerate().skip(self.read);
        lines
            .map(|(line, text)| {
                serde_json::from_str(text).map_err(|source| DesktopError::BadLine {
                    path: self.path.clone(),
                    line: line + 1,
                    source,
                })
            })
            .collect()
    }
}
