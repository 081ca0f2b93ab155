//! Waiting for something to happen.

use std::time::{Duration, Instant};

use super::error::{DesktopError, Result};

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(20);

/// Looks again and again until there is something to see.
///
/// # Errors
/// [`DesktopError::Timeout`] that names `what`, and those of `look`.
pub(crate) fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() >= patience {
            return Err(DesktopError::Timeout { what: what.into(), seconds: patience.as_secs() });
        }
        std::thread::sleep(PERIOD);
    }
}
