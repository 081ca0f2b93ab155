//! Writing an edited rig: its file, and with it the meshes and the prior where they change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use glam::Vec3;
use likeness_rig::draft::move_rest_places;
use likeness_rig::{HeadMesh, Prior, Rig, RigError, write_atomic};

use super::{EditError, RestMoves, Saved};

/// What a save writes. It owns what it needs, so that it can be written on another thread.
#[derive(Debug)]
pub struct Saving {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// The rig that the prior on disk is for.
    pub(super) before: Rig,
    pub(super) rig: Rig,
    pub(super) rests: RestMoves,
    /// What the meshes on disk lack of `rests`.
    pub(super) moves: RestMoves,
}

/// A mesh file that changes.
struct Mesh {
    path: PathBuf,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Saving {
    /// The rig's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether meshes are written, too.
    pub fn moves_rests(&self) -> bool {
        !self.moves.is_empty()
    }

    /// Writes the files; when one cannot be written, the meshes are as they were.
    ///
    /// # Errors
    /// [`EditError::Rig`] when a file cannot be read or written.
    pub fn write(&self) -> Result<Saved, EditError> {
        let mut saved = Saved { version: self.rig.version, notices: Vec::new() };
        let meshes = self.meshes()?;
        for (count, mesh) in meshes.iter().enumerate() {
            if let Err(error) = write_atomic(&mesh.path, &mesh.new) {
                restore(&meshes[..count]);
                return Err(error.into());
            }
        }
        if self.rig.version != self.before.version {
            saved.notices.push(match self.carry_prior() {
                Ok(()) => format!("version {}: the prior was carried over; train networks anew", self.rig.version),
                Err(error) => format!("version {}: the prior was not carried over ({error})", self.rig.version),
            });
        }
        // The rig comes last: where it is, everything is.
        if let Err(error) = write_atomic(&self.path, self.text.as_bytes()) {
            restore(&meshes);
            return Err(error.into());
        }
        if !meshes.is_empty() {
            let bones = self.moves.iter().count();
            saved.notices.push(format!("moved where {bones} joints rest, in {} files", meshes.len()));
        }
        Ok(saved)
    }

    /// The head's mesh and those of everything that hangs on its joints, with their new contents.
    fn meshes(&self) -> Result<Vec<Mesh>, RigError> {
        if self.moves.is_empty() {
            return Ok(Vec::new());
        }
        let moves: Vec<(String, Vec3)> = self.moves.iter().map(|(joint, by)| (joint.to_owned(), by)).collect();
        let options = self.rig.options.iter().flat_map(|option| option.meshes.values());
        let names: BTreeSet<&String> = std::iter::once(&self.rig.mesh).chain(options).collect();
        names
            .into_iter()
            .map(|name| {
                let path = self.path.with_file_name(name);
                let old = std::fs::read(&path).map_err(|source| RigError::Io { path: path.clone(), source })?;
                let new = move_rest_places(&old, &moves, &path.display().to_string())?;
                Ok(Mesh { path, old, new })
            })
            .collect()
    }

    fn carry_prior(&self) -> Result<(), RigError> {
        let path = self.path.with_file_name(&self.rig.prior);
        let old = Prior::load(&path, &self.before)?;
        let mesh = HeadMesh::load(&self.path.with_file_name(&self.rig.mesh))?;
        write_atomic(&path, &old.carried_over(&self.before, &self.rig, &mesh)?.to_bytes()?)
    }
}

/// Writes back what meshes were, as far as the disk allows: the error that led here is the one to tell.
fn restore(meshes: &[Mesh]) {
    for mesh in meshes {
        let _ = write_atomic(&mesh.path, &mesh.old);
    }
}
