//! A rig file that is being edited: its text, the rig as it is now, and the way back.

mod edits;

use std::path::{Path, PathBuf};

use likeness_rig::{HeadMesh, Prior, Rig, RigError, rig_text, write_atomic};
use similar::{ChangeTag, TextDiff};

pub use edits::Edit;

/// How many steps can be taken back.
const MOST_STEPS: usize = 200;
/// Lines around a change in the diff view.
const CONTEXT: usize = 2;

/// What can go wrong while a rig is edited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The rig would not be valid, or its file cannot be read or written.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// An edit names a parameter or drive that is not there.
    #[error("{what} is not there any more")]
    Gone {
        /// What was to be edited.
        what: String,
    },
    /// Someone else changed the file since it was read.
    #[error("{}: was changed by another program since it was opened; take it in anew (Reload), or save over it once more", path.display())]
    ChangedOutside {
        /// The file.
        path: PathBuf,
    },
}

/// A step that can be taken back.
#[derive(Clone, Debug)]
struct Step {
    label: String,
    /// Steps of the same gesture become one.
    gesture: Option<String>,
    before: Rig,
}

/// A line of the difference between file and rig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffLine {
    /// Lines that are left out.
    Gap,
    /// A line of both.
    Same(String),
    /// A line of the file alone.
    Removed(String),
    /// A line of the rig alone.
    Added(String),
}

/// What a save did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The rig's version in the file.
    pub version: u32,
    /// What the designer should know.
    pub notices: Vec<String>,
}

/// A rig with the file it came from.
#[derive(Debug)]
pub struct RigDocument {
    path: PathBuf,
    text: String,
    saved: Rig,
    rig: Rig,
    undo: Vec<Step>,
    redo: Vec<Step>,
    revision: u64,
    warned: bool,
}

impl RigDocument {
    /// Opens a rig file.
    ///
    /// # Errors
    /// [`EditError::Rig`] for a file that is missing or no rig.
    pub fn open(path: &Path) -> Result<Self, EditError> {
        let text = read(path)?;
        let rig = Rig::from_ron(&text, &path.display().to_string())?;
        Ok(Self {
            path: path.to_path_buf(),
            text,
            saved: rig.clone(),
            rig,
            undo: Vec::new(),
            redo: Vec::new(),
            revision: 0,
            warned: false,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rig as it is now.
    pub fn rig(&self) -> &Rig {
        &self.rig
    }

    /// The rig as the file has it.
    pub fn saved(&self) -> &Rig {
        &self.saved
    }

    /// Grows with every change of the rig.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether there is something to save.
    pub fn is_changed(&self) -> bool {
        self.rig != self.saved
    }

    /// Makes an edit that can be taken back. Edits in a row with the same `gesture`, such as those of one drag, are one
    /// step.
    ///
    /// # Errors
    /// [`EditError`] when the result would be no valid rig, or what is edited is not there; the rig stays as it was.
    pub fn edit(&mut self, edit: &Edit, gesture: Option<&str>) -> Result<(), EditError> {
        let mut rig = self.rig.clone();
        edit.apply(&mut rig)?;
        if rig == self.rig {
            return Ok(());
        }
        rig.validate(&self.path.display().to_string())?;
        let before = std::mem::replace(&mut self.rig, rig);
        self.revision += 1;
        self.redo.clear();
        let continues = gesture.is_some() && self.undo.last().is_some_and(|step| step.gesture.as_deref() == gesture);
        if !continues {
            self.undo.push(Step { label: edit.to_string(), gesture: gesture.map(str::to_owned), before });
            let surplus = self.undo.len().saturating_sub(MOST_STEPS);
            self.undo.drain(..surplus);
        }
        Ok(())
    }

    /// Ends a gesture: the next edit is a step of its own.
    pub fn end_gesture(&mut self) {
        if let Some(step) = self.undo.last_mut() {
            step.gesture = None;
        }
    }

    /// What [`RigDocument::undo`] would take back.
    pub fn undo_label(&self) -> Option<&str> {
        self.undo.last().map(|step| step.label.as_str())
    }

    /// What [`RigDocument::redo`] would do again.
    pub fn redo_label(&self) -> Option<&str> {
        self.redo.last().map(|step| step.label.as_str())
    }

    /// Takes the last step back.
    pub fn undo(&mut self) {
        if let Some(step) = self.undo.pop() {
            let now = std::mem::replace(&mut self.rig, step.before);
            self.redo.push(Step { before: now, gesture: None, label: step.label });
            self.revision += 1;
        }
    }

    /// Does the last step that was taken back again.
    pub fn redo(&mut self) {
        if let Some(step) = self.redo.pop() {
            let now = std::mem::replace(&mut self.rig, step.before);
            self.undo.push(Step { before: now, gesture: None, label: step.label });
            self.revision += 1;
        }
    }

    /// The text that a save would write.
    ///
    /// # Errors
    /// [`EditError::Rig`] for a text that cannot be changed in place.
    pub fn pending_text(&self) -> Result<String, EditError> {
        Ok(rig_text::updated(&self.text, &self.pending_rig(), &self.path.display().to_string())?)
    }

    /// The rig with the version that it is saved as: names that faces, priors and networks refer to make a new one.
    fn pending_rig(&self) -> Rig {
        let mut rig = self.rig.clone();
        rig.version = self.saved.version + u32::from(self.names_changed());
        rig
    }

    fn names_changed(&self) -> bool {
        !self.saved.parameter_names().eq(self.rig.parameter_names())
    }

    /// How the file would change.
    ///
    /// # Errors
    /// As [`RigDocument::pending_text`].
    pub fn diff(&self) -> Result<Vec<DiffLine>, EditError> {
        let new = self.pending_text()?;
        let diff = TextDiff::from_lines(self.text.as_str(), new.as_str());
        let mut lines = Vec::new();
        for group in diff.grouped_ops(CONTEXT) {
            if !lines.is_empty() {
                lines.push(DiffLine::Gap);
            }
            for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
                let line = change.value().trim_end_matches('\n').to_owned();
                lines.push(match change.tag() {
                    ChangeTag::Equal => DiffLine::Same(line),
                    ChangeTag::Delete => DiffLine::Removed(line),
                    ChangeTag::Insert => DiffLine::Added(line),
                });
            }
        }
        Ok(lines)
    }

    /// Writes the file as a whole or not at all. When names of parameters changed, the rig gets a new version and the prior is
    /// carried over to it.
    ///
    /// # Errors
    /// [`EditError::ChangedOutside`] the first time that the file on disk is another one than was opened;
    /// [`EditError::Rig`] when a file cannot be read or written.
    pub fn save(&mut self) -> Result<Saved, EditError> {
        if !self.warned && read(&self.path)? != self.text {
            self.warned = true;
            return Err(EditError::ChangedOutside { path: self.path.clone() });
        }
        let text = self.pending_text()?;
        let rig = self.pending_rig();
        let mut saved = Saved { version: rig.version, notices: Vec::new() };
        if rig.version != self.saved.version {
            let prior = self.path.with_file_name(&rig.prior);
            let carried = Prior::load(&prior, &self.saved).and_then(|old| {
                let mesh = HeadMesh::load(&self.path.with_file_name(&rig.mesh))?;
                write_atomic(&prior, &old.carried_over(&self.saved, &rig, &mesh)?.to_bytes()?)
            });
            saved.notices.push(match carried {
                Ok(()) => format!("version {}: the prior was carried over; train networks anew", rig.version),
                Err(error) => format!("version {}: the prior was not carried over ({error})", rig.version),
            });
        }
        write_atomic(&self.path, text.as_bytes())?;
        (self.text, self.saved, self.rig) = (text, rig.clone(), rig);
        self.warned = false;
        Ok(saved)
    }

    /// Takes the file in anew; what was not saved is lost.
    ///
    /// # Errors
    /// As [`RigDocument::open`].
    pub fn reload(&mut self) -> Result<(), EditError> {
        let revision = self.revision + 1;
        *self = Self { revision, ..Self::open(&self.path)? };
        Ok(())
    }
}

fn read(path: &Path) -> Result<String, RigError> {
    std::fs::read_to_string(path).map_err(|source| RigError::Io { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests;
