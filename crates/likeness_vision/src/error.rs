//! What can go wrong between a photo and a face.

use std::path::PathBuf;

/// An error of the way from a photo to a face. Every message says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisionError {
    /// A file cannot be read.
    #[error("{}: {source}: check that the path exists and may be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The path is a folder.
    #[error("{}: this is a folder: name a photo inside it", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
    },
    /// The file holds no bytes.
    #[error("{photo}: the file is empty: copy or download it again")]
    Empty {
        /// The photo.
        photo: String,
    },
    /// The bytes are not a picture in a format that is read here.
    #[error("{photo}: not a JPEG, PNG or WebP picture ({found}): save it as one of these")]
    NotAnImage {
        /// The photo.
        photo: String,
        /// What the file looks like instead.
        found: String,
    },
    /// The file ends before the picture does.
    #[error("{photo}: the picture is cut short: copy or download the file again")]
    Truncated {
        /// The photo.
        photo: String,
    },
    /// The bytes start like a picture, but it cannot be decoded.
    #[error("{photo}: the picture cannot be decoded ({reason}): save it again as JPEG or PNG")]
    Damaged {
        /// The photo.
        photo: String,
        /// What the decoder said.
        reason: String,
    },
    /// The header announces more pixels than are decoded.
    #[error("{photo}: {width}x{height} is more than {limit} megapixels: save a smaller copy of the picture")]
    TooManyPixels {
        /// The photo.
        photo: String,
        /// Width in the header, pixels.
        width: u32,
        /// Height in the header, pixels.
        height: u32,
        /// The limit, megapixels.
        limit: u32,
    },
    /// The picture is too small to hold a usable face.
    #[error("{photo}: {width}x{height} is too small: a picture needs at least {limit} pixels on each side")]
    PictureTooSmall {
        /// The photo.
        photo: String,
        /// Width, pixels.
        width: u32,
        /// Height, pixels.
        height: u32,
        /// The least width and height, pixels.
        limit: u32,
    },
    /// The detector found no face.
    #[error("no face was found: use a photo in which one face looks at the camera, upright, well lit and not covered")]
    NoFace,
    /// There is more than one face, and taking the largest was not asked for.
    #[error("{count} faces were found: crop the photo to one face, or ask for the largest to be taken")]
    SeveralFaces {
        /// How many faces were found.
        count: usize,
    },
    /// The face has too few pixels.
    #[error(
        "the face is too small: {eye_distance:.0} pixels between the outer eye corners, {limit:.0} are needed: use a larger photo or stand closer"
    )]
    FaceTooSmall {
        /// Distance between the outer eye corners, pixels.
        eye_distance: f32,
        /// The least distance, pixels.
        limit: f32,
    },
    /// The head is turned so far that one half of the face is hidden.
    #[error(
        "the face is turned too far: {yaw:.0} degrees, at most {limit:.0} can be used: look more toward the camera"
    )]
    TurnedTooFar {
        /// The measured yaw, degrees; positive when the head is turned to its own left.
        yaw: f32,
        /// The largest yaw either way, degrees.
        limit: f32,
    },
    /// The landmarks collapse to a point or are not numbers, so that no crop can be aligned.
    #[error("the face's landmarks are degenerate: use a photo in which the face is larger and not covered")]
    DegenerateLandmarks,
    /// The weights do not belong to the rig or to this program.
    #[error("{file}: {field}: {problem}")]
    Model {
        /// The weights' file.
        file: String,
        /// The field that does not fit.
        field: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A rig, a prior or a head could not be read.
    #[error(transparent)]
    Rig(#[from] likeness_rig::RigError),
    /// A network could not be read or run.
    #[error(transparent)]
    Network(#[from] likeness_nets::Error),
    /// The arithmetic under a network failed.
    #[error("a network could not be run: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// The result of a step between a photo and a face.
pub type Result<T> = std::result::Result<T, VisionError>;
