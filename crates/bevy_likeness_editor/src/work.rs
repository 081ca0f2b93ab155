//! Work with files, on a thread of its own.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use likeness_rig::draft::{Draft, DraftOptions};

use crate::document::{EditError, Saved, Saving};
use crate::panel::ImportFields;

/// What is being worked on.
#[derive(Debug)]
pub(crate) enum Work {
    Save(JoinHandle<(Saving, Result<Saved, EditError>)>),
    Import(JoinHandle<Result<Drafted, String>>),
}

/// What came of it.
pub(crate) enum Outcome {
    Saved(Saving, Result<Saved, EditError>),
    Drafted(Result<Drafted, String>),
}

/// A rig that was drafted.
#[derive(Debug)]
pub(crate) struct Drafted {
    pub(crate) rig: PathBuf,
    /// What to tell.
    pub(crate) lines: Vec<String>,
}

impl Work {
    pub(crate) fn save(saving: Saving) -> Self {
        Self::Save(std::thread::spawn(move || {
            let saved = saving.write();
            (saving, saved)
        }))
    }

    pub(crate) fn import(fields: ImportFields) -> Self {
        Self::Import(std::thread::spawn(move || import(&fields)))
    }

    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Self::Save(thread) => thread.is_finished(),
            Self::Import(thread) => thread.is_finished(),
        }
    }

    /// Waits for the end; nothing when the work failed inside.
    pub(crate) fn join(self) -> Option<Outcome> {
        match self {
            Self::Save(thread) => thread.join().ok().map(|(saving, saved)| Outcome::Saved(saving, saved)),
            Self::Import(thread) => thread.join().ok().map(Outcome::Drafted),
        }
    }
}

/// Drafts a rig.
fn import(fields: &ImportFields) -> Result<Drafted, String> {
    let unit = match fields.unit.trim() {
        "" => None,
        text => {
            let unit = text.parse::<f32>().ok().filter(|unit| unit.is_finite() && *unit > 0.0);
            Some(unit.ok_or_else(|| format!("Unit: {text:?} is no number of metres"))?)
        }
    };
    let rig = PathBuf::from(fields.rig.trim());
    if !rig.to_string_lossy().ends_with(".rig.ron") {
        return Err(format!("Rig: {} does not end in .rig.ron, as games know rigs by", rig.display()));
    }
    if rig.exists() {
        return Err(format!("Rig: {} exists; choose another name", rig.display()));
    }
    let head = Path::new(fields.head.trim());
    let told = head.display().to_string();
    let bytes = std::fs::read(head).map_err(|error| format!("Head: {told}: {error}"))?;
    let options = DraftOptions { unit, ..DraftOptions::default() };
    let mut draft = Draft::from_glb(&bytes, &told, &options).map_err(|error| error.to_string())?;
    draft.save(&rig).map_err(|error| error.to_string())?;
    let (bones, sliders) = (draft.rig.bones.len(), draft.rig.parameters.len());
    let notices = draft.notices.iter().map(ToString::to_string);
    let lines = notices.chain([format!("wrote {}: {bones} bones, {sliders} sliders", rig.display())]).collect();
    Ok(Drafted { rig, lines })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_draft_is_refused_in_words_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken.rig.ron");
        std::fs::write(&taken, "x").unwrap();
        let free = folder.path().join("free.rig.ron");
        let fields = |head: &str, rig: &Path, unit: &str| ImportFields {
            head: head.into(),
            rig: rig.display().to_string(),
            unit: unit.into(),
        };
        for (fields, reason) in [
            (fields("no.glb", &free, ""), "Head: no.glb"),
            (fields("no.glb", &free, "two"), "no number of metres"),
            (fields("no.glb", &taken, ""), "exists"),
            (fields("no.glb", &folder.path().join("free.ron"), ""), "does not end in .rig.ron"),
        ] {
            let error = import(&fields).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
        assert!(!free.exists());
    }
}
