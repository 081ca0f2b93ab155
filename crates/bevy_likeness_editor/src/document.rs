//! A rig file that is being edited: its text, the rig and the rest places as they are now, and the way back.

mod edits;
mod rests;
mod saving;

use std::path::{Path, PathBuf};

use glam::Vec3;
use likeness_rig::{Bone, Channel, Drive, Rig, RigError, rig_text};
use similar::{ChangeTag, TextDiff};

pub use edits::Edit;
pub use rests::{MOST_REST_MOVE, RestMoves};
pub use saving::Saving;

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
    /// A rest place is too far from where the mesh has it, or no place at all.
    #[error("{bone}: a rest place is moved by at most {} mm before it is saved", MOST_REST_MOVE * 1000.0)]
    RestTooFar {
        /// The bone.
        bone: String,
    },
}

/// What is edited.
#[derive(Clone, Debug, PartialEq)]
struct State {
    rig: Rig,
    /// Relative to the meshes as they were when the document was opened.
    rests: RestMoves,
}

/// A step that can be taken back.
#[derive(Clone, Debug)]
struct Step {
    label: String,
    /// Steps of the same gesture become one.
    gesture: Option<String>,
    before: State,
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

/// A rig with the file it came from, and where its bones rest.
#[derive(Debug)]
pub struct RigDocument {
    path: PathBuf,
    text: String,
    saved: State,
    now: State,
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
        let state = State { rig: Rig::from_ron(&text, &path.display().to_string())?, rests: RestMoves::default() };
        Ok(Self {
            path: path.to_path_buf(),
            text,
            saved: state.clone(),
            now: state,
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
        &self.now.rig
    }

    /// The rig as the file has it.
    pub fn saved(&self) -> &Rig {
        &self.saved.rig
    }

    /// How far bones rest from where the meshes have them: what a save moves.
    pub fn unsaved_rests(&self) -> RestMoves {
        self.now.rests.since(&self.saved.rests)
    }

    /// How far a bone rests from where the meshes have it, metres; nothing for a bone that the rig does not have.
    pub fn unsaved_rest(&self, bone: usize) -> Vec3 {
        self.rig().bones.get(bone).map_or(Vec3::ZERO, |bone| self.unsaved_rests().of(&bone.joint))
    }

    /// Whether a slider moves a bone in one of these channels.
    pub fn is_driven(&self, bone: usize, channels: &[Channel]) -> bool {
        let Some(bone) = self.rig().bones.get(bone) else { return false };
        let mut drives = self.rig().parameters.iter().flat_map(|parameter| &parameter.drives);
        drives.any(|drive| drives_bone(drive, bone) && channels.contains(&drive.channel))
    }

    /// Grows with every change of the rig and its rest places.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether there is something to save.
    pub fn is_changed(&self) -> bool {
        self.now != self.saved
    }

    /// Makes an edit that can be taken back. Edits in a row with the same `gesture`, such as those of one drag, are one
    /// step.
    ///
    /// # Errors
    /// [`EditError`] when the result would be no valid rig, or what is edited is not there; the rig stays as it was.
    pub fn edit(&mut self, edit: &Edit, gesture: Option<&str>) -> Result<(), EditError> {
        let mut rig = self.now.rig.clone();
        edit.apply(&mut rig)?;
        if rig != self.now.rig {
            rig.validate(&self.path.display().to_string())?;
            self.change(State { rig, rests: self.now.rests.clone() }, edit.to_string(), gesture);
        }
        Ok(())
    }

    /// Moves where a bone rests to `by` (metres in the mesh's space) from where the meshes have it, and its twin to the
    /// mirrored place; turns and growth are then about the new places. Otherwise as [`RigDocument::edit`].
    ///
    /// # Errors
    /// [`EditError::Gone`] for a bone that is not there, [`EditError::RestTooFar`] beyond [`MOST_REST_MOVE`].
    pub fn move_rest(&mut self, bone: usize, by: Vec3, gesture: Option<&str>) -> Result<(), EditError> {
        let bones = &self.now.rig.bones;
        let bone = bones.get(bone).ok_or_else(|| EditError::Gone { what: "the bone".to_owned() })?;
        if !by.is_finite() || by.length() > MOST_REST_MOVE {
            return Err(EditError::RestTooFar { bone: bone.name.clone() });
        }
        let mut rests = self.now.rests.clone();
        rests.set(&bone.joint, self.saved.rests.of(&bone.joint) + by);
        if let Some(twin) = bones.iter().find(|other| Some(&other.name) == bone.mirror.as_ref()) {
            rests.set(&twin.joint, self.saved.rests.of(&twin.joint) + by * Vec3::new(-1.0, 1.0, 1.0));
        }
        if rests != self.now.rests {
            self.change(State { rig: self.now.rig.clone(), rests }, "Move rest place".to_owned(), gesture);
        }
        Ok(())
    }

    fn change(&mut self, state: State, label: String, gesture: Option<&str>) {
        let before = std::mem::replace(&mut self.now, state);
        self.revision += 1;
        self.redo.clear();
        let continues = gesture.is_some() && self.undo.last().is_some_and(|step| step.gesture.as_deref() == gesture);
        if !continues {
            self.undo.push(Step { label, gesture: gesture.map(str::to_owned), before });
            let surplus = self.undo.len().saturating_sub(MOST_STEPS);
            self.undo.drain(..surplus);
        }
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
            let now = std::mem::replace(&mut self.now, step.before);
            self.redo.push(Step { before: now, gesture: None, label: step.label });
            self.revision += 1;
        }
    }

    /// Does the last step that was taken back again.
    pub fn redo(&mut self) {
        if let Some(step) = self.redo.pop() {
            let now = std::mem::replace(&mut self.now, step.before);
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
        let mut rig = self.now.rig.clone();
        rig.version = self.saved.rig.version + u32::from(self.names_changed());
        rig
    }

    fn names_changed(&self) -> bool {
        !self.saved.rig.parameter_names().eq(self.now.rig.parameter_names())
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

    /// Writes the rig, and the meshes when rest places moved, all of them or none. When names of parameters changed, the
    /// rig gets a new version and the prior is carried over to it.
    ///
    /// # Errors
    /// As [`RigDocument::begin_save`] and [`Saving::write`].
    pub fn save(&mut self) -> Result<Saved, EditError> {
        let saving = self.begin_save()?;
        let saved = saving.write()?;
        self.end_save(saving);
        Ok(saved)
    }

    /// The first part of a save: what is to be written, which may happen on another thread.
    ///
    /// # Errors
    /// [`EditError::ChangedOutside`] the first time that the file on disk is another one than was opened;
    /// [`EditError::Rig`] when it cannot be read, or its text not be changed in place.
    pub fn begin_save(&mut self) -> Result<Saving, EditError> {
        if !self.warned && read(&self.path)? != self.text {
            self.warned = true;
            return Err(EditError::ChangedOutside { path: self.path.clone() });
        }
        Ok(Saving {
            path: self.path.clone(),
            text: self.pending_text()?,
            before: self.saved.rig.clone(),
            rig: self.pending_rig(),
            rests: self.now.rests.clone(),
            moves: self.unsaved_rests(),
        })
    }

    /// The last part of a save, once everything is written.
    pub fn end_save(&mut self, saving: Saving) {
        self.now.rig.version = saving.rig.version;
        self.text = saving.text;
        self.saved = State { rig: saving.rig, rests: saving.rests };
        self.revision += 1;
        self.warned = false;
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

/// Whether a drive moves a bone, itself or as the twin of the one that it names.
pub(crate) fn drives_bone(drive: &Drive, bone: &Bone) -> bool {
    drive.bone == bone.name || (drive.mirror && Some(&drive.bone) == bone.mirror.as_ref())
}

fn read(path: &Path) -> Result<String, RigError> {
    std::fs::read_to_string(path).map_err(|source| RigError::Io { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests;
