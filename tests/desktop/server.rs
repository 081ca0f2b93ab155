//! The X server.

use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, Stdio};

use super::error::{DesktopError, Result};

/// Xvfb on a display that was free. Dropping it ends the server.
pub(crate) struct Server {
    child: Child,
    display: String,
}

impl Server {
    /// Starts a server with one screen of this size, pixels.
    ///
    /// # Errors
    /// [`DesktopError::NoXvfb`] where it is not installed, [`DesktopError::NoDisplay`] when it ends at once.
    pub(crate) fn start(width: u16, height: u16) -> Result<Self> {
        // It chooses the display and writes its number to the file descriptor 1, the standard output.
        let child = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24")])
            // It ends with its last client, should nobody be left to end it.
            .args(["-nolisten", "tcp", "-terminate", "+extension", "XTEST"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| match source.kind() {
                ErrorKind::NotFound => DesktopError::NoXvfb,
                _ => DesktopError::NotStarted { program: "Xvfb".into(), source },
            })?;
        let mut server = Self { child, display: String::new() };
        let mut number = String::new();
        if let Some(output) = server.child.stdout.take() {
            BufReader::new(output).read_line(&mut number).map_err(|_| DesktopError::NoDisplay)?;
        }
        let number: u32 = number.trim().parse().map_err(|_| DesktopError::NoDisplay)?;
        server.display = format!(":{number}");
        Ok(server)
    }

    /// The display's name, for example `:99`.
    pub(crate) fn display(&self) -> &str {
        &self.display
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
