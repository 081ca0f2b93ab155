//! Files that are never half written.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Result, RigError};

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Writes `bytes` beside `path` and renames the result over it, so that readers see the old file or the whole new one.
/// Missing parent folders are made.
///
/// # Errors
/// [`RigError::Io`] with the path when a folder or the file cannot be written; nothing is left behind.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |source| RigError::Io { path: path.to_path_buf(), source };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    let beside = beside(path);
    std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path)).map_err(|source| {
        // The rename or the write failed; what was begun beside the file is of no use to anybody.
        drop(std::fs::remove_file(&beside));
        fail(source)
    })
}

/// A name in the same folder that no other writer uses, in this process or another.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.{}.part", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}
