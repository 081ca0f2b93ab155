//! Faces in a folder: `<name>.face.json`.

use std::path::Path;
use std::sync::Arc;

use likeness_rig::{Face, FaceFile, Rig};
use likeness_vision::open_skin;

use crate::studio::SkinPixels;

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

/// The name of the picture that holds a face's skin, from the face's file.
pub(crate) fn skin_name(face: &Path) -> String {
    let name = face.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{}.skin.png", name.strip_suffix(ENDING).unwrap_or(&name))
}

/// Reads a face for a rig, and the skin that its file names.
///
/// # Errors
/// Those of [`FaceFile::load`] and [`FaceFile::resolve`], and what is wrong with the picture.
pub(crate) fn load(path: &Path, rig: &Rig) -> Result<(Face, Option<SkinPixels>), String> {
    let file = FaceFile::load(path).map_err(|error| error.to_string())?;
    let (face, _) = file.resolve(rig).map_err(|error| error.to_string())?;
    let skin = file.photo_skin.map(|name| load_skin(&path.with_file_name(name))).transpose()?;
    Ok((face, skin))
}

fn load_skin(path: &Path) -> Result<SkinPixels, String> {
    open_skin(path).map(|pixels| SkinPixels(Arc::new(pixels))).map_err(|error| error.to_string())
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

    #[test]
    fn a_skin_lies_beside_its_face_and_a_broken_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let face = folder.path().join(file_name("Ada"));
        let place = folder.path().join(skin_name(&face));
        assert_eq!(place.file_name().unwrap(), "Ada.skin.png");
        let pixels = image::RgbaImage::from_pixel(8, 8, image::Rgba([200, 150, 120, 255]));
        pixels.save(&place).unwrap();
        assert_eq!(*load_skin(&place).unwrap().0, pixels);
        std::fs::write(&place, "no picture").unwrap();
        assert!(load_skin(&place).unwrap_err().contains("Ada.skin.png"));
        assert!(load_skin(&folder.path().join("missing.png")).is_err());
    }
}
