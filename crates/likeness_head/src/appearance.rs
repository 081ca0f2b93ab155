//! The appearance options: hair, brows, beards and glasses, made by rule on the finished head.
//!
//! Every choice is a file of its own, skinned to the head's joints. Its nodes are named after their materials, with the
//! suffixes `.lod1` and `.lod2` for further levels of detail:
//!
//! | node | shows |
//! | --- | --- |
//! | `strands` | bands and caps with the strips of hairs in `textures/hair.png` |
//! | `stubble`, `curls` | shells with the tiles `textures/stubble.png`, `textures/curls.png` |
//! | `frame`, `lens` | glasses |
//!
//! Tangents point along the hairs; vertex colours hold shade and coverage.

pub mod atlas;
pub mod beard;
pub mod brows;
pub mod glasses;
pub mod hairline;
pub mod parts;
pub mod strands;
pub mod styles;
pub mod surface;

use std::path::Path;

use glam::Vec3;
use likeness_rig::{ARKIT_NAMES, AppearanceOption, HeadMesh, LandmarkSet, MeshPart, Rig, write_atomic};

use crate::{
    error::{HeadError, Result},
    finish::RenderPart,
    glb::{self, JointNode, Material},
};

/// The materials of the options.
const MATERIALS: [Material; 5] = [
    ("strands", [0.10, 0.065, 0.04, 1.0], 0.5, true),
    ("stubble", [0.10, 0.065, 0.04, 1.0], 0.7, true),
    ("curls", [0.10, 0.065, 0.04, 1.0], 0.7, true),
    ("frame", [0.5, 0.5, 0.5, 1.0], 0.3, false),
    ("lens", [1.0, 1.0, 1.0, 0.12], 0.05, true),
];

/// One choice of an option.
struct Choice {
    name: &'static str,
    parts: Vec<RenderPart>,
}

/// Makes the options for the head in `folder`, writes their meshes and pictures there and lists them in its rig. Names of
/// single choices limit the work to these; `say` is told what is being done.
///
/// # Errors
/// If a file of the head is missing or damaged, or cannot be written.
pub fn write(folder: &Path, only: &[String], say: &dyn Fn(&str)) -> Result<()> {
    let rig_path = folder.join("head.rig.ron");
    let mut rig = Rig::load(&rig_path)?;
    let head = HeadMesh::load(&folder.join(&rig.mesh))?;
    let landmarks = LandmarkSet::load(&folder.join(crate::build::ANATOMY))?;
    let part = |name: &str| {
        head.part(name).ok_or_else(|| HeadError::Mesh {
            what: format!("part {name}"),
            problem: "not in the head's mesh".to_owned(),
        })
    };
    let levels: [&MeshPart; 3] = [part("skin")?, part("skin.lod1")?, part("skin.lod2")?];
    let joints = joints(&head);
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| only == name);

    for (name, bytes) in
        [("hair.png", atlas::strands()?), ("stubble.png", atlas::stubble()?), ("curls.png", atlas::curls()?)]
    {
        let path = folder.join("textures");
        std::fs::create_dir_all(&path).map_err(|source| HeadError::Io { path: path.clone(), source })?;
        write_atomic(&path.join(name), &bytes)?;
    }
    let ground = styles::Ground::new(&head, levels);
    let lines = beard::FaceLines::new(levels[0], &landmarks);
    let hair = styles::STYLES.map(|(name, _)| name);
    let beards = beard::STYLES.map(|(name, _)| name);
    let brow_names: [&str; 8] = std::array::from_fn(|k| brows::STYLES[k].name);
    let glass_names = glasses::STYLES.map(|(name, _)| name);
    let options: [(&str, &str, &str, &[&'static str], &str); 4] = [
        ("hair.style", "Hair", "hair", &hair, "short_straight"),
        ("brows", "Brows", "brows", &brow_names, "medium"),
        ("beard", "Beard", "beard", &beards, "none"),
        ("glasses", "Glasses", "glasses", &glass_names, "none"),
    ];
    rig.options.clear();
    for (option, caption, directory, names, default) in options {
        let mut entry = AppearanceOption {
            name: option.to_owned(),
            caption: caption.to_owned(),
            choices: names.iter().map(|name| (*name).to_owned()).collect(),
            default: default.to_owned(),
            meshes: Default::default(),
        };
        for (number, &name) in names.iter().enumerate() {
            let file = format!("{directory}/{name}.glb");
            let path = folder.join(&file);
            if !wanted(name) && path.exists() {
                entry.meshes.insert(name.to_owned(), file);
                continue;
            }
            say(&format!("{option}: {name}"));
            let parts = match option {
                "hair.style" => styles::parts(&ground, name),
                "brows" => brows::parts(&head, levels, &landmarks, number),
                "beard" => beard::parts(&head, levels, &lines, name),
                _ => glasses::parts(&head, levels[0], &landmarks, name),
            };
            if parts.is_empty() {
                continue;
            }
            write_choice(&joints, &Choice { name, parts }, &path, say)?;
            entry.meshes.insert(name.to_owned(), file);
        }
        rig.options.push(entry);
    }
    rig.validate(&rig_path.display().to_string())?;
    write_atomic(&rig_path, rig.to_ron()?.as_bytes())?;
    Ok(())
}

fn write_choice(joints: &[JointNode], choice: &Choice, path: &Path, say: &dyn Fn(&str)) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| HeadError::Io { path: folder.to_owned(), source })?;
    }
    let bytes = glb::write(joints, &choice.parts, &ARKIT_NAMES, &MATERIALS);
    for part in &choice.parts {
        say(&format!(
            "  {}/{}: {} vertices, {} triangles",
            choice.name,
            part.name,
            part.positions.len(),
            part.triangles.len()
        ));
    }
    say(&format!("  {} bytes", bytes.len()));
    Ok(write_atomic(path, &bytes)?)
}

/// The head's skeleton, for a file of its own.
fn joints(head: &HeadMesh) -> Vec<JointNode> {
    head.joints
        .iter()
        .map(|joint| JointNode {
            name: joint.name.clone(),
            parent: joint.parent,
            place: joint.inverse_bind.inverse().transform_point3(Vec3::ZERO),
        })
        .collect()
}
