//! The checks of a rig.

use std::collections::{HashMap, HashSet};

use super::{RIG_FORMAT, Rig};
use crate::{Curve, Result, RigError};

/// The greatest amounts of a drive: beyond these a head turns inside out, and a wrong unit is the likely cause.
const MAX_METRES: f32 = 0.2;
const MAX_RADIANS: f32 = 1.6;
const MAX_GROWTH: f32 = 0.9;
/// A share code stores a choice in one byte.
const MAX_CHOICES: usize = 256;
/// It stores the number of colours and the number of details in one byte each.
const MAX_LOOKS: usize = 255;

pub(super) fn validate(rig: &Rig, source: &str) -> Result<()> {
    if rig.format != RIG_FORMAT {
        return Err(RigError::Format { file: source.into(), found: rig.format.into(), known: RIG_FORMAT });
    }
    let checks = Checks { source };
    checks.name("id", &rig.id, false)?;
    for (field, text) in [("mesh", &rig.mesh), ("prior", &rig.prior), ("landmarks", &rig.landmarks)] {
        checks.filled(field, text.is_empty())?;
    }
    checks.filled("bones", rig.bones.is_empty())?;
    checks.filled("parameters", rig.parameters.is_empty())?;

    let mut bones = HashMap::new();
    let mut joints = HashSet::new();
    for (index, bone) in rig.bones.iter().enumerate() {
        let field = format!("bones[{index}]");
        checks.name(&format!("{field}.name"), &bone.name, true)?;
        checks.filled(&format!("{field}.joint"), bone.joint.is_empty())?;
        checks.unique(&format!("{field}.name"), bones.insert(bone.name.as_str(), bone).is_none(), &bone.name)?;
        checks.unique(&format!("{field}.joint"), joints.insert(bone.joint.as_str()), &bone.joint)?;
    }
    for (index, bone) in rig.bones.iter().enumerate() {
        let Some(mirror) = &bone.mirror else { continue };
        let answered = bones.get(mirror.as_str()).is_some_and(|other| other.mirror.as_ref() == Some(&bone.name));
        if !answered || *mirror == bone.name {
            let field = format!("bones[{index}].mirror");
            return Err(RigError::UnknownMirror { file: source.into(), field, bone: mirror.clone() });
        }
    }

    let mut names = HashSet::new();
    for (index, parameter) in rig.parameters.iter().enumerate() {
        let field = format!("parameters[{index}]");
        checks.name(&format!("{field}.name"), &parameter.name, false)?;
        checks.unique(&format!("{field}.name"), names.insert(parameter.name.as_str()), &parameter.name)?;
        let field = format!("parameters[{index}] ({})", parameter.name);
        checks.range(&format!("{field}.curve"), parameter.curve.0, Curve::MIN, Curve::MAX)?;
        checks.filled(&format!("{field}.drives"), parameter.drives.is_empty())?;
        for (place, drive) in parameter.drives.iter().enumerate() {
            let field = format!("{field}.drives[{place}]");
            let Some(bone) = bones.get(drive.bone.as_str()) else {
                return Err(RigError::UnknownBone { file: source.into(), field, bone: drive.bone.clone() });
            };
            if drive.mirror && bone.mirror.is_none() {
                return Err(RigError::UnknownMirror {
                    file: source.into(),
                    field: format!("{field}.mirror"),
                    bone: drive.bone.clone(),
                });
            }
            let limit = [MAX_METRES, MAX_RADIANS, MAX_GROWTH][drive.channel.index() / 3];
            checks.range(&format!("{field}.amount"), drive.amount, -limit, limit)?;
            checks.range(&format!("{field}.low"), drive.low_amount(), -limit, limit)?;
        }
    }

    for (index, parameter) in rig.parameters.iter().enumerate() {
        for old in &parameter.renamed_from {
            let field = format!("parameters[{index}] ({}).renamed_from", parameter.name);
            checks.name(&field, old, false)?;
            checks.unique(&field, names.insert(old), old)?;
        }
    }

    let mut names = HashSet::new();
    for (index, option) in rig.options.iter().enumerate() {
        let field = format!("options[{index}]");
        checks.name(&format!("{field}.name"), &option.name, false)?;
        checks.unique(&format!("{field}.name"), names.insert(option.name.as_str()), &option.name)?;
        checks.filled(&format!("{field}.choices"), option.choices.is_empty())?;
        checks.range(&format!("{field}.choices"), option.choices.len() as f32, 1.0, MAX_CHOICES as f32)?;
        let mut choices = HashSet::new();
        for choice in &option.choices {
            checks.name(&format!("{field}.choices"), choice, false)?;
            checks.unique(&format!("{field}.choices"), choices.insert(choice.as_str()), choice)?;
        }
        if !choices.contains(option.default.as_str()) {
            return Err(RigError::UnknownChoice {
                file: source.into(),
                field: format!("{field}.default"),
                choice: option.default.clone(),
                choices: option.choices.clone(),
            });
        }
        for (choice, mesh) in &option.meshes {
            let field = format!("{field}.meshes");
            if !choices.contains(choice.as_str()) {
                return Err(RigError::UnknownChoice {
                    file: source.into(),
                    field,
                    choice: choice.clone(),
                    choices: option.choices.clone(),
                });
            }
            checks.filled(&format!("{field}.{choice}"), mesh.is_empty())?;
        }
    }

    let mut names = HashSet::new();
    for (index, color) in rig.colors.iter().enumerate() {
        let field = format!("colors[{index}]");
        checks.name(&format!("{field}.name"), &color.name, false)?;
        checks.unique(&format!("{field}.name"), names.insert(color.name.as_str()), &color.name)?;
        for value in color.default {
            checks.range(&format!("{field}.default"), value, 0.0, 1.0)?;
        }
    }
    checks.range("colors", rig.colors.len() as f32, 0.0, MAX_LOOKS as f32)?;

    let mut names = HashSet::new();
    for (index, detail) in rig.details.iter().enumerate() {
        let field = format!("details[{index}]");
        checks.name(&format!("{field}.name"), &detail.name, false)?;
        checks.unique(&format!("{field}.name"), names.insert(detail.name.as_str()), &detail.name)?;
        checks.name(&format!("{field}.group"), &detail.group, false)?;
        checks.range(&format!("{field}.default"), detail.default, 0.0, 1.0)?;
    }
    checks.range("details", rig.details.len() as f32, 0.0, MAX_LOOKS as f32)?;
    Ok(())
}

struct Checks<'a> {
    source: &'a str,
}

impl Checks<'_> {
    fn filled(&self, field: &str, empty: bool) -> Result<()> {
        if empty {
            return Err(RigError::Empty { file: self.source.into(), field: field.into() });
        }
        Ok(())
    }

    fn name(&self, field: &str, name: &str, sided: bool) -> Result<()> {
        self.filled(field, name.is_empty())?;
        let stem = if sided { name.strip_suffix(".L").or(name.strip_suffix(".R")).unwrap_or(name) } else { name };
        if stem.is_empty() || !stem.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_')) {
            return Err(RigError::BadName { file: self.source.into(), field: field.into(), name: name.into() });
        }
        Ok(())
    }

    fn unique(&self, field: &str, fresh: bool, name: &str) -> Result<()> {
        if !fresh {
            return Err(RigError::Duplicate { file: self.source.into(), field: field.into(), name: name.into() });
        }
        Ok(())
    }

    fn range(&self, field: &str, value: f32, min: f32, max: f32) -> Result<()> {
        if !(min..=max).contains(&value) {
            return Err(RigError::OutOfRange {
                file: self.source.into(),
                field: field.into(),
                value: value.into(),
                min: min.into(),
                max: max.into(),
            });
        }
        Ok(())
    }
}
