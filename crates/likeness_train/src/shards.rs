//! Synthetic pictures on disk: WebDataset tar shards, each picture a `.jpg` beside a `.json` with its labels.

use std::{
    collections::HashMap,
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Result, TrainError, data_error, io_error},
    picture::Picture,
};

/// The labels of a synthetic picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderLabel {
    /// The picture's number; it hangs on the seed and this number alone.
    pub index: u64,
    /// The seed of the data set.
    pub seed: u64,
    /// The rig's id.
    pub rig: String,
    /// The rig's version.
    pub rig_version: u32,
    /// The preset parameters, in the rig's order.
    pub parameters: Vec<f32>,
    /// The appearance options, in the rig's order.
    pub options: Vec<usize>,
    /// The colours, in the rig's order, linear RGB.
    pub colors: Vec<[f32; 3]>,
    /// The details, in the rig's order, 0..1.
    #[serde(default)]
    pub details: Vec<f32>,
    /// The 52 ARKit coefficients.
    pub expression: Vec<f32>,
    /// Yaw, pitch and roll in degrees.
    pub pose: [f32; 3],
    /// Gaze: degrees to the person's left and up.
    pub gaze: [f32; 2],
    /// The camera's distance in metres, vertical field of view in radians and target in metres.
    pub camera: CameraLabel,
    /// 68 landmarks in pixels.
    pub landmarks: Vec<[f32; 2]>,
}

/// The camera of a synthetic picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraLabel {
    /// From the camera to the target in metres.
    pub distance: f32,
    /// Vertical field of view in radians.
    pub fov_y: f32,
    /// The point at the picture's centre in metres.
    pub target: [f32; 3],
}

/// One synthetic picture in memory.
pub struct Render {
    /// Its labels.
    pub label: RenderLabel,
    /// The picture.
    pub picture: Picture,
}

impl RenderLabel {
    /// Whether the picture is kept out of training, to measure on.
    pub fn held_out(&self) -> bool {
        self.index % 20 == 7
    }
}

/// The file of shard `number` in `folder`.
pub fn shard_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("faces-{number:05}.tar"))
}

/// Collects the members of a shard and writes it in one go, so that a killed run never leaves half a shard.
pub struct ShardWriter {
    archive: tar::Builder<Vec<u8>>,
}

impl Default for ShardWriter {
    fn default() -> Self {
        Self { archive: tar::Builder::new(Vec::new()) }
    }
}

impl ShardWriter {
    /// Adds a picture: its labels, the encoded picture and, if drawn, the encoded part mask.
    ///
    /// # Errors
    /// The labels do not serialise; the archive cannot grow.
    pub fn add(&mut self, label: &RenderLabel, jpeg: &[u8], mask: Option<&[u8]>) -> Result<()> {
        let stem = format!("{:06}", label.index);
        let here = |error: std::io::Error| data_error(Path::new(&stem), "shard", error.to_string());
        let json =
            serde_json::to_vec(label).map_err(|error| data_error(Path::new(&stem), "labels", error.to_string()))?;
        self.append(&format!("{stem}.jpg"), jpeg).map_err(here)?;
        self.append(&format!("{stem}.json"), &json).map_err(here)?;
        if let Some(mask) = mask {
            self.append(&format!("{stem}.parts.png"), mask).map_err(here)?;
        }
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_cksum();
        self.archive.append_data(&mut header, name, bytes)
    }

    /// Writes the shard.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self, path: &Path) -> Result<()> {
        let bytes = self.archive.into_inner().map_err(io_error(path))?;
        likeness_rig::write_atomic(path, &bytes)?;
        Ok(())
    }
}

/// Reads a shard: every picture with its labels, in the shard's order.
///
/// # Errors
/// A file that is no tar, a member without its partner, a picture that does not decode, labels that do not fit the format.
pub fn read_shard(path: &Path) -> Result<Vec<Render>> {
    let bytes = fs::read(path).map_err(io_error(path))?;
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    let mut pictures: HashMap<String, Vec<u8>> = HashMap::new();
    let mut labels: Vec<(String, RenderLabel)> = Vec::new();
    let broken =
        |error: std::io::Error| data_error(path, "archive", format!("{error}: delete the shard and render it again"));
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(broken)?;
        if let Some(stem) = name.strip_suffix(".json") {
            let label: RenderLabel =
                serde_json::from_slice(&content).map_err(|error| data_error(path, &name, error.to_string()))?;
            if label.landmarks.len() != 68 || label.expression.len() != 52 {
                return Err(data_error(path, &name, "68 landmarks and 52 coefficients are needed: render it again"));
            }
            labels.push((stem.to_owned(), label));
        } else if let Some(stem) = name.strip_suffix(".jpg") {
            pictures.insert(stem.to_owned(), content);
        }
    }
    labels
        .into_par_iter()
        .map(|(stem, label)| {
            let jpeg = pictures.get(&stem).ok_or_else(|| {
                data_error(path, format!("{stem}.jpg"), "missing: delete the shard and render it again")
            })?;
            let picture = image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg)
                .map_err(|source| TrainError::Picture { path: path.join(format!("{stem}.jpg")), source })?;
            Ok(Render { label, picture: picture.into_rgb8() })
        })
        .collect()
}

/// The shards of a folder in order.
///
/// # Errors
/// The folder cannot be read or holds no shard.
pub fn list_shards(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut shards = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "tar") {
            shards.push(path);
        }
    }
    if shards.is_empty() {
        return Err(data_error(folder, "shards", "no .tar file: make some with `likeness-train render`"));
    }
    shards.sort();
    Ok(shards)
}

/// Reads the first `limit` renders of a folder and checks that they belong to the rig.
///
/// # Errors
/// See [`list_shards`] and [`read_shard`]; renders of another rig.
pub fn load_renders(folder: &Path, rig: &likeness_rig::Rig, limit: usize) -> Result<Vec<Render>> {
    let mut renders = Vec::new();
    for path in list_shards(folder)? {
        if renders.len() >= limit {
            break;
        }
        let shard = read_shard(&path)?;
        for render in &shard {
            let label = &render.label;
            if label.rig != rig.id || label.rig_version != rig.version || label.parameters.len() != rig.parameters.len()
            {
                return Err(data_error(
                    &path,
                    format!("{:06}.json: rig", label.index),
                    format!(
                        "{} version {}, not {} version {}: render again",
                        label.rig, label.rig_version, rig.id, rig.version
                    ),
                ));
            }
        }
        renders.extend(shard);
    }
    renders.truncate(limit);
    Ok(renders)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use super::*;
    use crate::effects::encode_jpeg;

    fn label(index: u64) -> RenderLabel {
        RenderLabel {
            index,
            seed: 1,
            rig: "head".into(),
            rig_version: 1,
            parameters: vec![0.5, 0.25],
            options: vec![],
            colors: vec![[0.1, 0.2, 0.3]],
            details: vec![0.5],
            expression: vec![0.0; 52],
            pose: [1.0, 2.0, 3.0],
            gaze: [0.0; 2],
            camera: CameraLabel { distance: 1.0, fov_y: 0.3, target: [0.0; 3] },
            landmarks: vec![[1.5, 2.5]; 68],
        }
    }

    fn write(path: &Path) {
        let jpeg = encode_jpeg(&Picture::from_pixel(16, 16, image::Rgb([200, 100, 50])), 90).unwrap();
        let mut writer = ShardWriter::default();
        for index in 0..3 {
            writer.add(&label(index), &jpeg, None).unwrap();
        }
        writer.finish(path).unwrap();
    }

    #[test]
    fn a_shard_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = shard_path(folder.path(), 0);
        write(&path);
        let renders = read_shard(&path).unwrap();
        assert_eq!(renders.len(), 3);
        assert_eq!(renders[2].label, label(2));
        assert!(renders[0].picture.get_pixel(8, 8).0[0].abs_diff(200) < 6);
    }

    #[test]
    fn the_same_pictures_make_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.tar"), folder.path().join("b.tar"));
        write(&a);
        write(&b);
        assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap());
    }

    #[test]
    fn a_truncated_shard_is_a_typed_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = shard_path(folder.path(), 0);
        write(&path);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..700]).unwrap();
        assert!(matches!(read_shard(&path), Err(TrainError::Data { .. })));
        fs::write(&path, b"no tar at all, but longer than nothing").unwrap();
        assert!(read_shard(&path).is_err() || read_shard(&path).unwrap().is_empty());
    }
}
