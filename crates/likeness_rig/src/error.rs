//! What can go wrong with rigs, faces, priors and meshes.

use std::path::PathBuf;

/// An error of this crate. Each message names the file and the field, and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RigError {
    /// A file could not be read or written.
    #[error("{}: {source}: check that the path exists and may be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is larger than any of its kind has reason to be.
    #[error("{file}: {bytes} bytes, but at most {limit} are read: check that this is the right file")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
        /// The greatest size that is read.
        limit: u64,
    },
    /// A file does not read as the format it should have.
    #[error("{file}: {problem}: correct the file or write it again")]
    Syntax {
        /// The file.
        file: String,
        /// What the reader found.
        problem: String,
    },
    /// A file has a format number that this version does not know.
    #[error("{file}: format {found}, but this version reads {known}: use a newer version, or save the file again")]
    Format {
        /// The file.
        file: String,
        /// The number in the file.
        found: u64,
        /// The number that is read.
        known: u32,
    },
    /// A list or a text that must hold something is empty.
    #[error("{file}: {field}: is empty: give at least one entry")]
    Empty {
        /// The file.
        file: String,
        /// The field, as a path inside the file.
        field: String,
    },
    /// A name has characters other than a-z, 0-9, dot and underscore (bones may also end in `.L` or `.R`).
    #[error("{file}: {field}: the name {name:?} may only have a-z, 0-9, '.' and '_': rename it")]
    BadName {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// The name.
        name: String,
    },
    /// A name occurs twice in one list.
    #[error("{file}: {field}: the name {name:?} occurs twice: rename one of the two")]
    Duplicate {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// The name.
        name: String,
    },
    /// A drive names a bone that the rig does not have.
    #[error("{file}: {field}: there is no bone {bone:?}: add it to `bones` or correct the name")]
    UnknownBone {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// The bone.
        bone: String,
    },
    /// A bone's mirror is not a bone of the rig, or does not name the bone in turn, or a mirrored drive has no mirror.
    #[error("{file}: {field}: {bone:?} is no valid mirror: name a bone whose own `mirror` names this one")]
    UnknownMirror {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// The name given.
        bone: String,
    },
    /// A number is NaN, infinite, or outside its range.
    #[error("{file}: {field}: {value} is not in {min}..{max}: correct the number")]
    OutOfRange {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// The number; NaN where the file has none (JSON writes NaN as null).
        value: f64,
        /// The least value.
        min: f64,
        /// The greatest value.
        max: f64,
    },
    /// An appearance option's default or choice is not one of its choices.
    #[error("{file}: {field}: there is no choice {choice:?}: use one of {choices:?}")]
    UnknownChoice {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// The choice given.
        choice: String,
        /// The choices there are.
        choices: Vec<String>,
    },
    /// A name in the file is not in the rig.
    #[error("{file}: {field}: the rig {rig:?} has no such name: remove it or correct it")]
    UnknownName {
        /// The file.
        file: String,
        /// The field with the name.
        field: String,
        /// The rig.
        rig: String,
    },
    /// A name of the rig, or a field of the format, is not in the file.
    #[error("{file}: {field}: is missing: add it")]
    MissingName {
        /// The file.
        file: String,
        /// The field.
        field: String,
    },
    /// A field has another type than it should.
    #[error("{file}: {field}: should be {expected}: correct the value")]
    WrongType {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The file belongs to another rig.
    #[error("{file}: made for the rig {found}, but this is {expected}: load the rig it was made for")]
    WrongRig {
        /// The file.
        file: String,
        /// The rig it names.
        found: String,
        /// The rig in use.
        expected: String,
    },
    /// A list has another length than the rig asks for.
    #[error("{file}: {field}: has shape {found:?}, but {expected:?} is needed: write it again for this rig")]
    Shape {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// The shape found.
        found: Vec<usize>,
        /// The shape needed.
        expected: Vec<usize>,
    },
    /// A joint that the rig's bone moves is not in the mesh.
    #[error("{field}: the mesh has no joint {joint:?}: add the joint to the skin or correct the rig")]
    MissingJoint {
        /// The field of the rig.
        field: String,
        /// The joint.
        joint: String,
    },
    /// The mesh file does not have what a head needs.
    #[error("{file}: {field}: {problem}: export the mesh again")]
    Mesh {
        /// The file.
        file: String,
        /// The part of the file.
        field: String,
        /// What is wrong.
        problem: String,
    },
    /// A share code is damaged or is none.
    #[error("share code: {problem}: copy the whole code again")]
    ShareCode {
        /// What is wrong.
        problem: String,
    },
}

/// The result of an operation of this crate.
pub type Result<T> = std::result::Result<T, RigError>;

/// Reads a file after checking its size.
pub(crate) fn read_limited(path: &std::path::Path, limit: u64) -> Result<Vec<u8>> {
    let fail = |source| RigError::Io { path: path.to_path_buf(), source };
    let bytes = std::fs::metadata(path).map_err(fail)?.len();
    if bytes > limit {
        return Err(RigError::TooLarge { file: path.display().to_string(), bytes, limit });
    }
    std::fs::read(path).map_err(fail)
}

/// Reads a text file after checking its size.
pub(crate) fn read_text_limited(path: &std::path::Path, limit: u64) -> Result<String> {
    String::from_utf8(read_limited(path, limit)?)
        .map_err(|_| RigError::Syntax { file: path.display().to_string(), problem: "not a UTF-8 text file".into() })
}
