//! The rig: shape bones, parameters, appearance options and colours.

mod validate;

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::error::read_text_limited;
use crate::{CompiledRig, Curve, Result, RigError};

/// The format number of rig files that this version reads and writes.
pub const RIG_FORMAT: u32 = 1;

/// The largest rig file that is read: far above any real rig, small enough that a wrong file fails at once.
const MAX_BYTES: u64 = 16 << 20;

/// A face rig: what `*.rig.ron` holds. Paths are relative to the rig's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rig {
    /// The format number, [`RIG_FORMAT`].
    pub format: u32,
    /// The name of the rig; faces, priors and networks are made for one rig.
    pub id: String,
    /// Grows with each change of the rig.
    pub version: u32,
    /// The head mesh (`.glb`).
    pub mesh: String,
    /// The prior (`.safetensors`).
    pub prior: String,
    /// The landmarks (`.json`).
    pub landmarks: String,
    /// The shape bones.
    pub bones: Vec<Bone>,
    /// The continuous parameters.
    pub parameters: Vec<Parameter>,
    /// The discrete choices.
    pub options: Vec<AppearanceOption>,
    /// The colours.
    pub colors: Vec<ColorSlot>,
    /// The numbers of the look that are no shape: how the skin is worn, make-up, the eyes. Files without this field have
    /// none.
    #[serde(default)]
    pub details: Vec<Detail>,
}

/// A joint of the mesh that carries shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bone {
    /// The bone's name in the rig.
    pub name: String,
    /// The joint's name in the mesh.
    pub joint: String,
    /// The bone on the other side of the face, which in turn names this one; none for bones in the middle.
    #[serde(default)]
    pub mirror: Option<String>,
}

/// One of the nine numbers that place a bone relative to its rest transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// Movement along x, metres.
    TranslationX,
    /// Movement along y, metres.
    TranslationY,
    /// Movement along z, metres.
    TranslationZ,
    /// Turn about x, radians.
    RotationX,
    /// Turn about y, radians.
    RotationY,
    /// Turn about z, radians.
    RotationZ,
    /// Growth along x: scale - 1.
    ScaleX,
    /// Growth along y: scale - 1.
    ScaleY,
    /// Growth along z: scale - 1.
    ScaleZ,
}

impl Channel {
    /// All channels in the order of the nine numbers.
    pub const ALL: [Self; 9] = [
        Self::TranslationX,
        Self::TranslationY,
        Self::TranslationZ,
        Self::RotationX,
        Self::RotationY,
        Self::RotationZ,
        Self::ScaleX,
        Self::ScaleY,
        Self::ScaleZ,
    ];

    /// The place of the channel among a bone's nine numbers.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The factor, 1 or -1, that a mirrored bone's channel has: reflection in the plane x = 0 turns the sign of the
    /// movement along x and of the turns about y and z.
    pub fn mirror_sign(self) -> f32 {
        match self {
            Self::TranslationX | Self::RotationY | Self::RotationZ => -1.0,
            _ => 1.0,
        }
    }
}

/// How a parameter moves one channel of a bone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drive {
    /// The bone's name.
    pub bone: String,
    /// The channel.
    pub channel: Channel,
    /// The offset at value 1: metres (-0.2..0.2), radians (-1.6..1.6), or scale - 1 (-0.9..0.9). From neutral to the ends
    /// it grows as the parameter's [`Parameter::curve`] says.
    pub amount: f32,
    /// The offset at value 0, in the same unit and range. Files without this field mean `-amount`: the parameter goes as far
    /// down as up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f32>,
    /// Whether the bone's mirror moves too, with the reflected sign.
    #[serde(default)]
    pub mirror: bool,
}

impl Drive {
    /// The offset at value 0.
    pub fn low_amount(&self) -> f32 {
        self.low.unwrap_or(-self.amount)
    }

    /// The offset at a strength ([`Curve::strength`]) of the parameter.
    pub fn offset(&self, strength: f32) -> f32 {
        if strength > 0.0 { self.amount * strength } else { -self.low_amount() * strength }
    }

    /// Makes the range wider or narrower by a factor, at both ends.
    pub fn scale(&mut self, factor: f32) {
        self.amount *= factor;
        self.low = self.low.map(|low| low * factor);
    }
}

/// One slider: a number in 0..1, 0.5 = neutral.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The name, for example `nose.bridge.height`.
    pub name: String,
    /// A line for people.
    pub caption: String,
    /// The region of the face that the parameter is listed under.
    pub region: String,
    /// How the effect grows from neutral to both ends: an exponent in 0.25..4. Files without this field mean 1, a straight
    /// line.
    #[serde(default, skip_serializing_if = "Curve::is_straight")]
    pub curve: Curve,
    /// What the parameter moves.
    pub drives: Vec<Drive>,
    /// The names that the parameter had before, so that faces saved with them still load. Files without this field have
    /// none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed_from: Vec<String>,
}

/// A discrete choice, for example the hair style.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppearanceOption {
    /// The name.
    pub name: String,
    /// A line for people.
    pub caption: String,
    /// The names of the choices.
    pub choices: Vec<String>,
    /// The choice of a neutral face.
    pub default: String,
    /// The meshes (`.glb`, skinned to the head's joints) of the choices that show one, by the choice; the others show
    /// nothing. Files without this field have none.
    #[serde(default)]
    pub meshes: BTreeMap<String, String>,
}

impl AppearanceOption {
    /// The place of a choice; `None` when there is none of that name.
    pub fn choice_index(&self, choice: &str) -> Option<usize> {
        self.choices.iter().position(|known| known == choice)
    }

    /// The mesh of a choice, relative to the rig's file; `None` for choices that show nothing.
    pub fn mesh(&self, choice: usize) -> Option<&str> {
        self.meshes.get(self.choices.get(choice)?).map(String::as_str)
    }
}

/// A colour of the appearance: `skin`, `iris`, `hair` or `lips` in the bundled rig.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColorSlot {
    /// The name.
    pub name: String,
    /// A line for people.
    pub caption: String,
    /// The colour of a neutral face, linear RGB in 0..1.
    pub default: [f32; 3],
    /// Whether the colour is put on, as make-up is: networks do not answer it, and face files may leave it out. Files
    /// without this field mean a natural colour.
    #[serde(default)]
    pub cosmetic: bool,
}

/// A number in 0..1 of the look that moves no bone, for example how freckled the skin is or how much lipstick it wears.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// The name, for example `skin.freckles`.
    pub name: String,
    /// A line for people.
    pub caption: String,
    /// What the detail is listed under, for example `skin` or `make_up`.
    pub group: String,
    /// The value of a neutral face, 0..1; 0 where a file does not tell.
    #[serde(default)]
    pub default: f32,
}

impl Rig {
    /// For each parameter what a mirror does to its value: 1 keeps it, -1 makes it `1 - value` (a nose bent to the left is then bent
    /// to the right). `None` when the mirror image of some face is no face of the rig, for example as one side has a parameter of
    /// its own.
    pub fn mirror_signs(&self) -> Option<Vec<f32>> {
        self.parameters.iter().map(|parameter| self.mirror_sign(parameter)).collect()
    }

    fn mirror_sign(&self, parameter: &Parameter) -> Option<f32> {
        let twin = |bone: &str| {
            let paired = self.bones.iter().find(|known| known.name == bone).and_then(|known| known.mirror.clone());
            paired.unwrap_or_else(|| bone.to_owned())
        };
        // What the parameter does to every channel at its upper and lower end, and what its mirror image would do.
        let (mut moves, mut mirrored) = (BTreeMap::new(), BTreeMap::new());
        let add = |to: &mut BTreeMap<_, [f32; 2]>, bone: String, channel: Channel, ends: [f32; 2], sign: f32| {
            let sums = to.entry((bone, channel)).or_insert([0.0; 2]);
            sums.iter_mut().zip(ends).for_each(|(sum, end)| *sum += end * sign);
        };
        for drive in &parameter.drives {
            let (other, channel, reflected) = (twin(&drive.bone), drive.channel, drive.channel.mirror_sign());
            let ends = [drive.amount, drive.low_amount()];
            add(&mut moves, drive.bone.clone(), channel, ends, 1.0);
            add(&mut mirrored, other.clone(), channel, ends, reflected);
            if drive.mirror && other != drive.bone {
                add(&mut moves, other, channel, ends, reflected);
                add(&mut mirrored, drive.bone.clone(), channel, ends, 1.0);
            }
        }
        let near = |a: f32, b: f32| (a - b).abs() <= 1e-4 * a.abs().max(b.abs());
        // The curve is the same on both sides of neutral, so that the ends tell all.
        let alike = |sign: &f32| {
            moves.keys().chain(mirrored.keys()).all(|key| {
                let ends = |of: &BTreeMap<_, [f32; 2]>| of.get(key).copied().unwrap_or_default();
                let ([high, low], [mirrored_high, mirrored_low]) = (ends(&moves), ends(&mirrored));
                if *sign > 0.0 {
                    near(high, mirrored_high) && near(low, mirrored_low)
                } else {
                    near(high, mirrored_low) && near(low, mirrored_high)
                }
            })
        };
        [1.0, -1.0].into_iter().find(alike)
    }

    /// Reads a rig from RON text and validates it; `source` names the file in messages.
    ///
    /// # Errors
    /// [`RigError::Syntax`] for text that is no rig, and every error of [`Rig::validate`].
    pub fn from_ron(text: &str, source: &str) -> Result<Self> {
        if text.len() as u64 > MAX_BYTES {
            return Err(RigError::TooLarge { file: source.into(), bytes: text.len() as u64, limit: MAX_BYTES });
        }
        let rig: Self = ron::from_str(text)
            .map_err(|error| RigError::Syntax { file: source.into(), problem: error.to_string() })?;
        rig.validate(source)?;
        Ok(rig)
    }

    /// Reads and validates a rig file.
    ///
    /// # Errors
    /// [`RigError::Io`], [`RigError::TooLarge`] and the errors of [`Rig::from_ron`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_ron(&read_text_limited(path, MAX_BYTES)?, &path.display().to_string())
    }

    /// The rig as RON text, one drive a line.
    ///
    /// # Errors
    /// [`RigError::Syntax`] when a value cannot be written.
    pub fn to_ron(&self) -> Result<String> {
        let pretty = ron::ser::PrettyConfig::new().depth_limit(4).new_line("\n");
        let mut text = ron::ser::to_string_pretty(self, pretty)
            .map_err(|error| RigError::Syntax { file: self.id.clone(), problem: error.to_string() })?;
        text.push('\n');
        Ok(text)
    }

    /// Checks that the rig is whole: format, names, mirrors, drives and ranges; `source` names the file in messages.
    ///
    /// # Errors
    /// The first problem found, with the field: [`RigError::Format`], [`RigError::Empty`], [`RigError::BadName`],
    /// [`RigError::Duplicate`], [`RigError::UnknownBone`], [`RigError::UnknownMirror`], [`RigError::OutOfRange`] or
    /// [`RigError::UnknownChoice`].
    pub fn validate(&self, source: &str) -> Result<()> {
        validate::validate(self, source)
    }

    /// The parameters' names in order.
    pub fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|parameter| parameter.name.as_str())
    }

    /// The place of an appearance option; `None` when there is none of that name.
    pub fn option_index(&self, name: &str) -> Option<usize> {
        self.options.iter().position(|option| option.name == name)
    }

    /// The place of a detail; `None` when there is none of that name.
    pub fn detail_index(&self, name: &str) -> Option<usize> {
        self.details.iter().position(|detail| detail.name == name)
    }

    /// The place of a colour slot; `None` when there is none of that name.
    pub fn color_index(&self, name: &str) -> Option<usize> {
        self.colors.iter().position(|slot| slot.name == name)
    }

    /// The colours that belong to a person, without those that are put on.
    pub fn natural_colors(&self) -> impl Iterator<Item = &ColorSlot> {
        self.colors.iter().filter(|slot| !slot.cosmetic)
    }

    /// The place of a parameter; `None` when there is none of that name.
    pub fn parameter_index(&self, name: &str) -> Option<usize> {
        self.parameters.iter().position(|parameter| parameter.name == name)
    }

    /// The place of the parameter that once had this name; `None` when there is none.
    pub fn renamed_parameter_index(&self, old_name: &str) -> Option<usize> {
        self.parameters.iter().position(|parameter| parameter.renamed_from.iter().any(|name| name == old_name))
    }

    /// Turns the rig into the form that maps values to bones fast.
    ///
    /// # Errors
    /// The errors of [`Rig::validate`].
    pub fn compile(&self) -> Result<CompiledRig> {
        self.validate(&self.id)?;
        CompiledRig::new(self)
    }
}

#[cfg(test)]
mod tests;
