//! `*.face.json`: a face stored by name.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::read_text_limited;
use crate::face::check_unit;
use crate::{Face, Result, Rig, RigError, write_atomic};

/// The format number of face files that this version reads and writes.
pub const FACE_FORMAT: u32 = 1;

/// The largest face file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// A face by name, with the rig that it was made for: what `*.face.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaceFile {
    /// The format number, [`FACE_FORMAT`].
    pub format: u32,
    /// The id of the rig.
    pub rig: String,
    /// The version of the rig.
    pub rig_version: u32,
    /// The parameters by name, 0..1.
    pub parameters: BTreeMap<String, f32>,
    /// The choices by the options' names.
    pub options: BTreeMap<String, String>,
    /// The colours by the slots' names, linear RGB in 0..1.
    pub colors: BTreeMap<String, [f32; 3]>,
    /// The details by name, 0..1. Files may leave any out, which then have the rig's defaults.
    pub details: BTreeMap<String, f32>,
    /// How sure the prediction was, 0..1; none for faces made by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// The name of the picture with the skin as a photo shows it, in the folder of the face file; none for painted skin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photo_skin: Option<String>,
    /// The name of the file for messages; never written.
    #[serde(skip)]
    file: FileName,
}

/// A name for messages, which takes no part in comparisons.
#[derive(Clone, Debug, Default)]
struct FileName(String);

impl PartialEq for FileName {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Something worth telling about a face that was loaded for another version of its rig.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaceNotice {
    /// The face was made with another version of the rig.
    OtherVersion {
        /// The version in the file.
        face: u32,
        /// The version of the rig in use.
        rig: u32,
    },
    /// A name that this version of the rig does not have was left out.
    Ignored {
        /// The field.
        field: String,
    },
    /// A parameter has another name now.
    Renamed {
        /// The field as the file names it.
        field: String,
        /// The parameter's name in the rig.
        now: String,
    },
    /// A name that the file does not have got the rig's default.
    Defaulted {
        /// The field.
        field: String,
    },
}

impl std::fmt::Display for FaceNotice {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherVersion { face, rig } => {
                write!(out, "the face was made with version {face} of the rig, this is version {rig}")
            }
            Self::Ignored { field } => write!(out, "{field}: this version of the rig does not have it; left out"),
            Self::Renamed { field, now } => write!(out, "{field}: is called {now:?} now"),
            Self::Defaulted { field } => write!(out, "{field}: not in the file; set to the default"),
        }
    }
}

impl FaceFile {
    /// The face by name. Lists shorter than the rig's leave the rest out.
    pub fn new(rig: &Rig, face: &Face) -> Self {
        let choice = |(option, choice): (&crate::AppearanceOption, &usize)| {
            Some((option.name.clone(), option.choices.get(*choice)?.clone()))
        };
        Self {
            format: FACE_FORMAT,
            rig: rig.id.clone(),
            rig_version: rig.version,
            parameters: rig.parameter_names().map(str::to_owned).zip(face.parameters.iter().copied()).collect(),
            options: rig.options.iter().zip(&face.options).filter_map(choice).collect(),
            colors: rig.colors.iter().map(|slot| slot.name.clone()).zip(face.colors.iter().copied()).collect(),
            details: rig.details.iter().map(|detail| detail.name.clone()).zip(face.details.iter().copied()).collect(),
            confidence: None,
            photo_skin: None,
            file: FileName("face".into()),
        }
    }

    /// Reads a face from JSON text; `source` names the file in messages.
    ///
    /// # Errors
    /// [`RigError::Syntax`], [`RigError::TooLarge`], [`RigError::Format`], [`RigError::MissingName`],
    /// [`RigError::WrongType`], [`RigError::UnknownName`] for a field that the format does not have, and
    /// [`RigError::OutOfRange`] for a number outside 0..1 (JSON's stand-in for NaN, null, included).
    pub fn from_json(text: &str, source: &str) -> Result<Self> {
        if text.len() as u64 > MAX_BYTES {
            return Err(RigError::TooLarge { file: source.into(), bytes: text.len() as u64, limit: MAX_BYTES });
        }
        let value: Value = serde_json::from_str(text)
            .map_err(|error| RigError::Syntax { file: source.into(), problem: error.to_string() })?;
        let fields =
            Fields { file: source, root: value.as_object().ok_or_else(|| wrong(source, "face", "an object"))? };
        let format = fields.whole("format")?;
        if format != u64::from(FACE_FORMAT) {
            return Err(RigError::Format { file: source.into(), found: format, known: FACE_FORMAT });
        }
        const KNOWN: [&str; 9] =
            ["format", "rig", "rig_version", "parameters", "options", "colors", "details", "confidence", "photo_skin"];
        if let Some(field) = fields.root.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(RigError::UnknownName { file: source.into(), field: field.clone(), rig: "face".into() });
        }
        let rig_version = fields.whole("rig_version")?;
        Ok(Self {
            format: FACE_FORMAT,
            rig: fields.text("rig")?,
            rig_version: u32::try_from(rig_version).map_err(|_| RigError::OutOfRange {
                file: source.into(),
                field: "rig_version".into(),
                value: rig_version as f64,
                min: 0.0,
                max: u32::MAX.into(),
            })?,
            parameters: fields.map("parameters", |field, value| fields.unit(field, value))?,
            options: fields.map("options", |field, value| {
                value.as_str().map(str::to_owned).ok_or_else(|| wrong(source, field, "the name of a choice"))
            })?,
            colors: fields.map("colors", |field, value| fields.color(field, value))?,
            details: match fields.root.get("details") {
                // Files from before there were details.
                None => BTreeMap::new(),
                Some(_) => fields.map("details", |field, value| fields.unit(field, value))?,
            },
            confidence: match fields.root.get("confidence") {
                None | Some(Value::Null) => None,
                Some(value) => Some(fields.unit("confidence", value)?),
            },
            photo_skin: match fields.root.get("photo_skin") {
                None | Some(Value::Null) => None,
                Some(_) => Some(fields.file_name("photo_skin")?),
            },
            file: FileName(source.into()),
        })
    }

    /// Reads a face file.
    ///
    /// # Errors
    /// [`RigError::Io`] and the errors of [`FaceFile::from_json`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_json(&read_text_limited(path, MAX_BYTES)?, &path.display().to_string())
    }

    /// The face as JSON text with a line per name.
    ///
    /// # Errors
    /// [`RigError::OutOfRange`] for a number outside 0..1, which could not be read back.
    pub fn to_json(&self) -> Result<String> {
        for (name, value) in &self.parameters {
            check_unit(&self.file.0, || format!("parameters.{name}"), *value)?;
        }
        for (name, color) in &self.colors {
            for value in color {
                check_unit(&self.file.0, || format!("colors.{name}"), *value)?;
            }
        }
        for (name, value) in &self.details {
            check_unit(&self.file.0, || format!("details.{name}"), *value)?;
        }
        if let Some(value) = self.confidence {
            check_unit(&self.file.0, || "confidence".into(), value)?;
        }
        if let Some(name) = &self.photo_skin {
            check_file_name(&self.file.0, "photo_skin", name)?;
        }
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|error| RigError::Syntax { file: self.file.0.clone(), problem: error.to_string() })?;
        text.push('\n');
        Ok(text)
    }

    /// Writes the face file as a whole or not at all.
    ///
    /// # Errors
    /// [`RigError::Io`] and the errors of [`FaceFile::to_json`].
    pub fn save(&self, path: &Path) -> Result<()> {
        write_atomic(path, self.to_json()?.as_bytes())
    }

    /// The face in the rig's order, with notices when it was made with another version of the rig.
    ///
    /// A face of the same version has exactly the rig's names, present or former, but may lack details and colours that are
    /// put on. A newer or older face loses the names that the rig does not know; names that it lacks get the rig's defaults.
    ///
    /// # Errors
    /// [`RigError::WrongRig`], [`RigError::UnknownName`], [`RigError::MissingName`], [`RigError::UnknownChoice`] and
    /// [`RigError::OutOfRange`].
    pub fn resolve(&self, rig: &Rig) -> Result<(Face, Vec<FaceNotice>)> {
        let file = if self.file.0.is_empty() { "face" } else { self.file.0.as_str() };
        if self.rig != rig.id {
            return Err(RigError::WrongRig { file: file.into(), found: self.rig.clone(), expected: rig.id.clone() });
        }
        let mut notices = Vec::new();
        if self.rig_version != rig.version {
            notices.push(FaceNotice::OtherVersion { face: self.rig_version, rig: rig.version });
        }
        let mut merge = Merge { file, rig, other_version: self.rig_version != rig.version, notices };
        let parameters = merge.present_names(&self.parameters);
        let mut face = Face::neutral(rig);

        let names: Vec<&str> = rig.parameter_names().collect();
        merge.each(
            "parameters",
            &parameters,
            &names,
            |_| true,
            |_, field, index, value| {
                check_unit(file, || field.into(), *value)?;
                face.parameters[index] = *value;
                Ok(())
            },
        )?;
        let names: Vec<&str> = rig.options.iter().map(|option| option.name.as_str()).collect();
        merge.each(
            "options",
            &self.options,
            &names,
            |_| true,
            |merge, field, index, choice| {
                let option = &rig.options[index];
                match option.choices.iter().position(|known| known == choice) {
                    Some(place) => face.options[index] = place,
                    None if merge.other_version => merge.notices.push(FaceNotice::Defaulted { field: field.into() }),
                    None => {
                        return Err(RigError::UnknownChoice {
                            file: file.into(),
                            field: field.into(),
                            choice: choice.clone(),
                            choices: option.choices.clone(),
                        });
                    }
                }
                Ok(())
            },
        )?;
        let names: Vec<&str> = rig.colors.iter().map(|slot| slot.name.as_str()).collect();
        let natural = |index: usize| !rig.colors[index].cosmetic;
        merge.each("colors", &self.colors, &names, natural, |_, field, index, color| {
            for value in color {
                check_unit(file, || field.into(), *value)?;
            }
            face.colors[index] = *color;
            Ok(())
        })?;
        let names: Vec<&str> = rig.details.iter().map(|detail| detail.name.as_str()).collect();
        merge.each(
            "details",
            &self.details,
            &names,
            |_| false,
            |_, field, index, value| {
                check_unit(file, || field.into(), *value)?;
                face.details[index] = *value;
                Ok(())
            },
        )?;
        Ok((face, merge.notices))
    }
}

/// Matches the names of a file with the rig's.
struct Merge<'a> {
    file: &'a str,
    rig: &'a Rig,
    /// Whether the face was made with another version of the rig.
    other_version: bool,
    notices: Vec<FaceNotice>,
}

impl Merge<'_> {
    /// The parameters under the names that they have now.
    fn present_names(&mut self, values: &BTreeMap<String, f32>) -> BTreeMap<String, f32> {
        let mut present = BTreeMap::new();
        for (name, value) in values {
            let now = match self.rig.parameter_index(name) {
                Some(_) => None,
                None => self.rig.renamed_parameter_index(name),
            };
            let Some(now) = now.map(|index| self.rig.parameters[index].name.clone()) else {
                present.insert(name.clone(), *value);
                continue;
            };
            // A file with both names says what it means by the present one.
            if !values.contains_key(&now) {
                present.insert(now.clone(), *value);
            }
            self.notices.push(FaceNotice::Renamed { field: format!("parameters.{name}"), now });
        }
        present
    }

    fn each<T>(
        &mut self,
        section: &str,
        values: &BTreeMap<String, T>,
        names: &[&str],
        is_required: impl Fn(usize) -> bool,
        mut take: impl FnMut(&mut Self, &str, usize, &T) -> Result<()>,
    ) -> Result<()> {
        for name in values.keys().filter(|name| !names.contains(&name.as_str())) {
            let field = format!("{section}.{name}");
            if !self.other_version {
                return Err(RigError::UnknownName { file: self.file.into(), field, rig: self.rig.id.clone() });
            }
            self.notices.push(FaceNotice::Ignored { field });
        }
        for (index, name) in names.iter().enumerate() {
            let field = format!("{section}.{name}");
            match values.get(*name) {
                Some(value) => take(self, &field, index, value)?,
                None if !self.other_version && !is_required(index) => {}
                None if !self.other_version => return Err(RigError::MissingName { file: self.file.into(), field }),
                None => self.notices.push(FaceNotice::Defaulted { field }),
            }
        }
        Ok(())
    }
}

fn wrong(file: &str, field: &str, expected: &'static str) -> RigError {
    RigError::WrongType { file: file.into(), field: field.into(), expected }
}

/// Refuses names that lead out of the face file's folder.
fn check_file_name(file: &str, field: &str, name: &str) -> Result<()> {
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0']);
    if is_plain { Ok(()) } else { Err(wrong(file, field, "the name of a picture in the same folder")) }
}

/// Typed access to a JSON object.
struct Fields<'a> {
    file: &'a str,
    root: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn get(&self, field: &str) -> Result<&Value> {
        self.root.get(field).ok_or_else(|| RigError::MissingName { file: self.file.into(), field: field.into() })
    }

    fn whole(&self, field: &str) -> Result<u64> {
        self.get(field)?.as_u64().ok_or_else(|| wrong(self.file, field, "a whole number"))
    }

    fn text(&self, field: &str) -> Result<String> {
        self.get(field)?.as_str().map(str::to_owned).ok_or_else(|| wrong(self.file, field, "a text"))
    }

    fn file_name(&self, field: &str) -> Result<String> {
        let name = self.text(field)?;
        check_file_name(self.file, field, &name)?;
        Ok(name)
    }

    fn unit(&self, field: &str, value: &Value) -> Result<f32> {
        let number = match value {
            // What serialisers make of NaN.
            Value::Null => f32::NAN,
            _ => value.as_f64().ok_or_else(|| wrong(self.file, field, "a number in 0..1"))? as f32,
        };
        check_unit(self.file, || field.into(), number)?;
        Ok(number)
    }

    fn color(&self, field: &str, value: &Value) -> Result<[f32; 3]> {
        let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let [r, g, b] = list else { return Err(wrong(self.file, field, "three numbers in 0..1")) };
        Ok([self.unit(field, r)?, self.unit(field, g)?, self.unit(field, b)?])
    }

    fn map<T>(&self, section: &str, read: impl Fn(&str, &Value) -> Result<T>) -> Result<BTreeMap<String, T>> {
        let object = self.get(section)?.as_object().ok_or_else(|| wrong(self.file, section, "an object"))?;
        object.iter().map(|(name, value)| Ok((name.clone(), read(&format!("{section}.{name}"), value)?))).collect()
    }
}

#[cfg(test)]
mod tests;
