//! Faces in a folder: `<name>.face.json`.

use std::path::Path;

use likeness_rig::{Face, FaceFile, Result, Rig};

/// What face files end in.
const ENDING: &str = ".face.json";

/// The longest name, characters.
const LONGEST: usize = 60;

/// The file of a name. What a file system would not take, or would take as a path, becomes a dash.
pub(crate) fn file_name(name: &str) -> String {
    let clean: String = name
        .trim()
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '(' | ')') { c } else { '-' })
        .collect();
    let clean = clean.trim();
    format!("{}{ENDING}", if clean.is_empty() { "face" } else { clean })
}

/// The names of the faces in a folder, sorted; a folder that is not there holds none.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(ENDING)?.to_owned())).collect();
    names.sort();
    names
}

/// Reads a face for a rig.
///
/// # Errors
/// Those of [`FaceFile::load`] and [`FaceFile::resolve`].
pub(crate) fn load(path: &Path, rig: &Rig) -> Result<Face> {
    FaceFile::load(path)?.resolve(rig).map(|(face, _)| face)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_name_leaves_the_folder(name in ".{0,90}") {
            let file = file_name(&name);
            prop_assert!(file.ends_with(ENDING) && file.len() > ENDING.len());
            prop_assert!(!file.contains(['/', '\\', '\0', ':']) && !file.starts_with('.'));
        }
    }

    #[test]
    fn names_come_back_sorted() {
        let folder = tempfile::tempdir().unwrap();
        assert!(names(&folder.path().join("missing")).is_empty());
        for name in ["Zoe", "明", "Ada"] {
            std::fs::write(folder.path().join(file_name(name)), "{}").unwrap();
        }
        std::fs::write(folder.path().join("notes.txt"), "").unwrap();
        assert_eq!(names(folder.path()), ["Ada", "Zoe", "明"]);
    }
}
