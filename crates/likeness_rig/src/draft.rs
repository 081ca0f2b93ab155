//! A first rig for a head of one's own: bones found by the joints' names, mirror pairs, ranges and sliders guessed.
//!
//! The head may have any joint names, axes and unit, as long as its joints are named after parts of the face. The draft
//! comes with a copy of the head that lies in the space of this crate (metres, y up, +z out of the face, the origin between
//! the eyes) and whose shape bones rest without turn or scale, with landmarks and with a prior, so that networks can be
//! trained on it at once.

mod glb;
mod names;
mod parameters;
mod space;
mod template;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use glam::{Mat4, Vec3};

use self::glb::Glb;
use self::names::{JointName, Side};
use self::space::{PlacedJoint, Space};
use crate::landmarks::SKIN;
use crate::palette::SKIN_REFERENCE;
use crate::{Bone, ColorSlot, HeadMesh, LandmarkSet, Prior, RIG_FORMAT, Result, Rig, RigError, write_atomic};

/// How far the mirror image of a joint may be from its twin, as a share of the eyes' distance.
const MIRROR_TOLERANCE: f32 = 0.15;
/// Names for parts that materials know, and the words that tell them.
const PARTS: [(&str, &[&str]); 4] =
    [("lashes", &["lash"]), ("teeth", &["teeth", "tooth"]), ("tongue", &["tongue"]), ("eyes", &["eye"])];

/// How a draft is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftOptions {
    /// The rig's id; by default made from the name of the file.
    pub id: Option<String>,
    /// What one unit of the file is, metres; by default found from the distance of the eyes.
    pub unit: Option<f32>,
}

/// Something that a designer should know about a draft.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DraftNotice {
    /// The copy of the head was turned and scaled.
    Moved {
        /// What one unit of the file was, metres.
        unit: f32,
        /// The axis of the file that points up.
        up: String,
        /// The axis of the file that points out of the face.
        front: String,
    },
    /// Joints named left lie on the person's right: the names are those of the viewer.
    SidesSwapped,
    /// The eyes are not as far apart as people's.
    UnusualSize {
        /// The distance of the eyes, metres.
        eye_distance: f32,
    },
    /// A joint's twin by name is not its mirror image by place.
    NotMirrored {
        /// The joint.
        joint: String,
        /// The twin.
        twin: String,
        /// How far off it is, metres.
        off: f32,
    },
    /// Joints that were taken for animation, not shape.
    LeftAlone {
        /// The joints.
        joints: Vec<String>,
    },
    /// The part that was taken for the face's skin.
    Skin {
        /// The name of its node in the file.
        node: String,
    },
    /// Ranges were made smaller so that the skin stays whole, and sliders that move nothing left out.
    Ranges {
        /// How many ranges shrank.
        shrunk: usize,
        /// How many sliders were left out.
        dropped: usize,
    },
}

impl std::fmt::Display for DraftNotice {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Moved { unit, up, front } => {
                write!(
                    out,
                    "the head was placed anew: one unit was {unit} m, up was {up}, the face looked along {front}"
                )
            }
            Self::SidesSwapped => write!(out, "joints named left lie on the person's right; they are kept as pairs"),
            Self::UnusualSize { eye_distance } => {
                write!(out, "the eyes are {:.0} mm apart; name the unit if that is wrong", eye_distance * 1000.0)
            }
            Self::NotMirrored { joint, twin, off } => write!(
                out,
                "{joint} and {twin} are no mirror images (off by {:.1} mm); they were not paired",
                off * 1000.0
            ),
            Self::LeftAlone { joints } => write!(out, "left to animation: {}", joints.join(", ")),
            Self::Skin { node } => write!(out, "{node} was taken for the skin of the face"),
            Self::Ranges { shrunk, dropped } => write!(
                out,
                "{shrunk} ranges were made smaller so that the skin stays whole; {dropped} sliders move nothing and were left out"
            ),
        }
    }
}

/// A drafted rig with what belongs to it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The rig; its paths are set by [`Draft::save`].
    pub rig: Rig,
    /// The head in this crate's space, a binary glTF file.
    pub mesh: Vec<u8>,
    /// The 68 landmarks, guessed: look at them before training.
    pub landmarks: LandmarkSet,
    /// A mild prior: see [`Prior::independent`].
    pub prior: Prior,
    /// What a designer should know.
    pub notices: Vec<DraftNotice>,
}

impl Draft {
    /// Drafts a rig for a binary glTF file; `source` names it in messages, and gives the rig's id.
    ///
    /// # Errors
    /// The errors of [`HeadMesh::from_glb`]; [`RigError::Mesh`] when no joint is named like an eye on each side and like
    /// mouth or chin; [`RigError::Duplicate`] when two joints have one name.
    pub fn from_glb(bytes: &[u8], source: &str, options: &DraftOptions) -> Result<Self> {
        let mesh = HeadMesh::from_glb(bytes, source)?;
        let mut file = Glb::new(bytes, source)?;
        let (names, globals, joints) = (file.names(), file.globals(), file.joints());
        let mut seen = HashSet::new();
        if let Some(twice) = joints.iter().map(|joint| &names[*joint]).find(|name| !seen.insert(*name)) {
            return Err(RigError::Duplicate { file: source.into(), field: "joints".into(), name: twice.clone() });
        }
        let mut notices = Vec::new();
        let skin = name_parts(&mut file, &mesh, &mut notices);
        let rest: Vec<Vec3> = rest_vertices(&mesh, skin)?;
        let mut placed: Vec<PlacedJoint> = joints
            .iter()
            .map(|joint| PlacedJoint { name: JointName::new(&names[*joint]), place: globals[*joint].w_axis.truncate() })
            .collect();
        let space = Space::find(&placed, &rest, options, source, &mut notices)?;
        for joint in &mut placed {
            joint.place = space.matrix.transform_point3(joint.place);
            if !space.sides_agree {
                joint.name.side = match joint.name.side {
                    Side::Left => Side::Right,
                    Side::Right => Side::Left,
                    Side::Middle => Side::Middle,
                };
            }
        }
        let eye_distance = eye_distance(&placed);
        let bones = bones(&joints, &names, &placed, eye_distance, &mut notices);
        let shape: HashSet<usize> =
            joints.iter().copied().filter(|joint| bones.iter().any(|(bone, _)| bone.joint == names[*joint])).collect();
        file.normalize(space.matrix, &shape)?;
        let bytes = file.to_bytes();
        let mesh = HeadMesh::from_glb(&bytes, source)?;

        let id = options.id.clone().unwrap_or_else(|| id_of(source));
        let mut rig = Rig {
            format: RIG_FORMAT,
            id,
            version: 1,
            mesh: "head.glb".into(),
            prior: "head.prior.safetensors".into(),
            landmarks: "head.landmarks.json".into(),
            parameters: parameters::parameters(&bones, eye_distance),
            bones: bones.into_iter().map(|(bone, _)| bone).collect(),
            options: Vec::new(),
            colors: vec![ColorSlot {
                name: "skin".into(),
                caption: "Skin".into(),
                default: SKIN_REFERENCE,
                cosmetic: false,
            }],
            details: Vec::new(),
        };
        rig.validate(source)?;
        let (shrunk, dropped) = parameters::fit_ranges(&mut rig, &mesh)?;
        notices.push(DraftNotice::Ranges { shrunk, dropped });
        let missing = || RigError::MissingName { file: source.into(), field: SKIN.into() };
        let landmarks = template::landmarks(mesh.part(SKIN).ok_or_else(missing)?, &placed);
        let prior = Prior::independent(&rig, &mesh)?;
        Ok(Self { rig, mesh: bytes, landmarks, prior, notices })
    }

    /// Writes the rig and what belongs to it: for `own/hero.rig.ron` also `own/hero.glb`, `own/hero.prior.safetensors` and
    /// `own/hero.landmarks.json`.
    ///
    /// # Errors
    /// [`RigError::Io`] with the path.
    pub fn save(&mut self, rig_path: &Path) -> Result<()> {
        let name = rig_path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = name.strip_suffix(".rig.ron").unwrap_or(&name);
        self.rig.mesh = format!("{stem}.glb");
        self.rig.prior = format!("{stem}.prior.safetensors");
        self.rig.landmarks = format!("{stem}.landmarks.json");
        write_atomic(&rig_path.with_file_name(&self.rig.mesh), &self.mesh)?;
        write_atomic(&rig_path.with_file_name(&self.rig.prior), &self.prior.to_bytes()?)?;
        self.landmarks.save(&rig_path.with_file_name(&self.rig.landmarks))?;
        // The rig comes last: where it is, everything is.
        let text = format!(
            "// A draft: sliders and ranges were guessed from the joints' names and places.\n{}",
            self.rig.to_ron()?
        );
        write_atomic(rig_path, text.as_bytes())
    }
}

/// The bytes of a binary glTF file in which some joints, by name, rest elsewhere (by metres, in the file's space): what turns
/// and grows with them does so about their new places, and at rest nothing moves. Joints that the file does not have are
/// passed over; `source` names the file in messages.
///
/// # Errors
/// The errors of [`HeadMesh::from_glb`].
pub fn move_rest_places(bytes: &[u8], joints: &[(String, Vec3)], source: &str) -> Result<Vec<u8>> {
    HeadMesh::from_glb(bytes, source)?;
    let mut file = Glb::new(bytes, source)?;
    for (name, by) in joints {
        if let Some(joint) = file.names().iter().position(|known| known == name) {
            file.move_rest(joint, *by)?;
        }
    }
    Ok(file.to_bytes())
}

/// `own/Big Head.glb` is `big_head`.
fn id_of(source: &str) -> String {
    let stem = Path::new(source).file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let id: String = stem.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect();
    if id.is_empty() { "head".into() } else { id }
}

/// Gives the parts the names that landmarks and materials know them by; gives the part that is the skin.
fn name_parts(file: &mut Glb, mesh: &HeadMesh, notices: &mut Vec<DraftNotice>) -> usize {
    let nodes: Vec<usize> = file.json["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
        .filter(|(_, node)| node.get("mesh").is_some() && node.get("skin").is_some())
        .map(|(index, _)| index)
        .collect();
    let lower: Vec<String> = mesh.parts.iter().map(|part| part.name.to_lowercase()).collect();
    let known = |name: &str| PARTS.iter().find(|(_, words)| words.iter().any(|word| name.contains(word)));
    // The part with the most vertices that hang on joints of the face; a name tells best.
    let score = |index: usize| {
        let part = &mesh.parts[index];
        let named = part.name == SKIN;
        let coarse = part.name.contains(".lod");
        let faces = part.joints.iter().zip(&part.weights).filter(|(joints, weights)| {
            joints.iter().zip(*weights).any(|(joint, weight)| {
                let name = mesh.joints.get(usize::from(*joint)).map_or("", |joint| &joint.name);
                *weight > 0.0 && JointName::new(name).region.is_some()
            })
        });
        (named, !coarse && known(&lower[index]).is_none(), faces.count())
    };
    let skin = (0..mesh.parts.len()).max_by_key(|index| score(*index)).unwrap_or_default();
    for (index, node) in nodes.iter().enumerate() {
        if index == skin {
            if mesh.parts[index].name != SKIN {
                notices.push(DraftNotice::Skin { node: mesh.parts[index].name.clone() });
                file.rename(*node, SKIN);
            }
        } else if let Some((name, _)) = known(&lower[index])
            && !lower.iter().any(|part| part == name)
        {
            file.rename(*node, name);
        }
    }
    skin
}

/// The vertices of a part where they rest, in the file's space.
fn rest_vertices(mesh: &HeadMesh, part: usize) -> Result<Vec<Vec3>> {
    let mut globals = vec![Mat4::IDENTITY; mesh.joints.len()];
    for joint in mesh.joint_order()? {
        let parent = mesh.joints[joint].parent.map_or(Mat4::IDENTITY, |parent| globals[parent]);
        globals[joint] = parent * mesh.joints[joint].rest.matrix();
    }
    let matrices: Vec<Mat4> =
        globals.iter().zip(&mesh.joints).map(|(global, joint)| *global * joint.inverse_bind).collect();
    let mut points = Vec::new();
    mesh.skin(&mesh.parts[part], &matrices, &[], &mut points);
    Ok(points)
}

fn eye_distance(placed: &[PlacedJoint]) -> f32 {
    let mean = |side: Side| {
        let eyes = placed.iter().filter(|joint| joint.name.region == Some("eye") && joint.name.side == side);
        let xs: Vec<f32> = eyes.map(|joint| joint.place.x).collect();
        xs.iter().sum::<f32>() / xs.len().max(1) as f32
    };
    (mean(Side::Left) - mean(Side::Right)).abs()
}

/// The shape bones with their twins.
fn bones(
    joints: &[usize],
    names: &[String],
    placed: &[PlacedJoint],
    eye_distance: f32,
    notices: &mut Vec<DraftNotice>,
) -> Vec<(Bone, JointName)> {
    let is_shape = |index: &usize| placed[*index].name.region.is_some();
    let left_alone: Vec<String> =
        (0..joints.len()).filter(|index| !is_shape(index)).map(|index| names[joints[index]].clone()).collect();
    if !left_alone.is_empty() {
        notices.push(DraftNotice::LeftAlone { joints: left_alone });
    }
    let shape: Vec<usize> = (0..joints.len()).filter(is_shape).collect();
    let mut taken: HashMap<String, usize> = HashMap::new();
    let bone_names: HashMap<usize, String> = shape
        .iter()
        .map(|index| {
            let name = &placed[*index].name;
            let side = match name.side {
                Side::Left => ".L",
                Side::Right => ".R",
                Side::Middle => "",
            };
            let count = taken.entry(format!("{}{side}", name.stem)).or_insert(0);
            *count += 1;
            let number = if *count == 1 { String::new() } else { format!("_{count}") };
            (*index, format!("{}{number}{side}", name.stem))
        })
        .collect();
    let twin_of = |index: usize| {
        let JointName { stem, side, .. } = &placed[index].name;
        let other = match side {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
            Side::Middle => return None,
        };
        let mut twins =
            shape.iter().filter(|twin| placed[**twin].name.stem == *stem && placed[**twin].name.side == other);
        twins.next().filter(|_| twins.next().is_none()).copied()
    };
    shape
        .iter()
        .map(|index| {
            let twin = twin_of(*index).filter(|twin| twin_of(*twin) == Some(*index)).filter(|twin| {
                let off = (placed[*index].place * Vec3::new(-1.0, 1.0, 1.0)).distance(placed[*twin].place);
                if off > MIRROR_TOLERANCE * eye_distance && placed[*index].name.side == Side::Left {
                    let (joint, twin) = (names[joints[*index]].clone(), names[joints[*twin]].clone());
                    notices.push(DraftNotice::NotMirrored { joint, twin, off });
                }
                off <= MIRROR_TOLERANCE * eye_distance
            });
            let bone = Bone {
                name: bone_names[index].clone(),
                joint: names[joints[*index]].clone(),
                mirror: twin.map(|twin| bone_names[&twin].clone()),
            };
            (bone, placed[*index].name.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests;
