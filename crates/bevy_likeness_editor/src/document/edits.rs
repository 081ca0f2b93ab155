//! What can be changed in a rig.

use likeness_rig::{Channel, Curve, Drive, Parameter, Rig};

use super::EditError;

/// The amount that a new drive begins with: metres, radians, scale.
const FIRST_AMOUNT: [f32; 3] = [0.003, 0.1, 0.1];

/// A change of a rig. Parameters, drives and bones are told by their place in the rig's lists.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A new parameter with one drive.
    Add {
        /// Its name.
        name: String,
        /// Its region.
        region: String,
        /// The bone that it drives.
        bone: usize,
        /// The channel that it drives.
        channel: Channel,
    },
    /// Takes a parameter away.
    Remove {
        /// The parameter.
        parameter: usize,
    },
    /// Another name; the old one is remembered, so that saved faces still load.
    Rename {
        /// The parameter.
        parameter: usize,
        /// The new name.
        name: String,
    },
    /// Another caption.
    Caption {
        /// The parameter.
        parameter: usize,
        /// The new caption.
        caption: String,
    },
    /// Another region.
    Region {
        /// The parameter.
        parameter: usize,
        /// The new region.
        region: String,
    },
    /// How the effect grows from neutral to the ends.
    Curve {
        /// The parameter.
        parameter: usize,
        /// The curve.
        curve: Curve,
    },
    /// The whole range wider or narrower, at both ends.
    Scale {
        /// The parameter.
        parameter: usize,
        /// The factor of all amounts.
        factor: f32,
    },
    /// A further drive.
    AddDrive {
        /// The parameter.
        parameter: usize,
        /// The bone.
        bone: usize,
        /// The channel.
        channel: Channel,
    },
    /// Takes a drive away.
    RemoveDrive {
        /// The parameter.
        parameter: usize,
        /// The drive.
        drive: usize,
    },
    /// How far a drive goes: at value 1, and where the ends are linked at value 0 as far the other way.
    Amount {
        /// The parameter.
        parameter: usize,
        /// The drive.
        drive: usize,
        /// Metres, radians or scale - 1 at value 1.
        amount: f32,
    },
    /// How far a drive goes at value 0.
    Low {
        /// The parameter.
        parameter: usize,
        /// The drive.
        drive: usize,
        /// Metres, radians or scale - 1 at value 0; `None` links the ends, so that it is the opposite of that at value 1.
        low: Option<f32>,
    },
    /// Which channel a drive moves; its amounts begin anew when the unit is another.
    Channel {
        /// The parameter.
        parameter: usize,
        /// The drive.
        drive: usize,
        /// The channel.
        channel: Channel,
    },
    /// Which bone a drive moves.
    Bone {
        /// The parameter.
        parameter: usize,
        /// The drive.
        drive: usize,
        /// The bone.
        bone: usize,
    },
    /// Whether the other side moves too.
    Mirror {
        /// The parameter.
        parameter: usize,
        /// The drive.
        drive: usize,
        /// Whether it does.
        mirror: bool,
    },
    /// Where a bone is at one end of a parameter's range: the drives of the bone are set so, made where they are missing.
    Pose {
        /// The parameter.
        parameter: usize,
        /// The bone.
        bone: usize,
        /// Whether it is the end at value 0; that at value 1 else. Linked ends follow each other.
        low: bool,
        /// The bone's channels at this end, as far as this parameter moves them.
        amounts: [f32; 9],
        /// Whether new drives move the other side too.
        mirror: bool,
    },
}

impl std::fmt::Display for Edit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Add { .. } => "Add slider",
            Self::Remove { .. } => "Remove slider",
            Self::Rename { .. } => "Rename slider",
            Self::Caption { .. } => "Caption",
            Self::Region { .. } => "Region",
            Self::Curve { .. } => "Curve",
            Self::Scale { .. } => "Scale range",
            Self::AddDrive { .. } => "Add drive",
            Self::RemoveDrive { .. } => "Remove drive",
            Self::Amount { .. } => "Amount",
            Self::Low { low: Some(_), .. } => "Amount at 0",
            Self::Low { low: None, .. } => "Link ends",
            Self::Channel { .. } => "Channel",
            Self::Bone { .. } => "Bone",
            Self::Mirror { .. } => "Mirroring",
            Self::Pose { .. } => "Pose the end",
        })
    }
}

impl Edit {
    /// Changes the rig; it may be invalid afterwards.
    pub(super) fn apply(&self, rig: &mut Rig) -> Result<(), EditError> {
        match self {
            Self::Add { name, region, bone, channel } => {
                let drive = new_drive(rig, *bone, *channel)?;
                rig.parameters.push(Parameter {
                    name: name.clone(),
                    caption: name.replace(['.', '_'], " "),
                    region: region.clone(),
                    curve: Curve::STRAIGHT,
                    drives: vec![drive],
                    renamed_from: Vec::new(),
                });
            }
            Self::Remove { parameter } => {
                self.parameter(rig, *parameter)?;
                rig.parameters.remove(*parameter);
            }
            Self::Rename { parameter, name } => {
                let parameter = self.parameter(rig, *parameter)?;
                if parameter.name != *name {
                    let former = std::mem::replace(&mut parameter.name, name.clone());
                    parameter.renamed_from.retain(|old| old != name && *old != former);
                    parameter.renamed_from.push(former);
                }
            }
            Self::Caption { parameter, caption } => self.parameter(rig, *parameter)?.caption.clone_from(caption),
            Self::Region { parameter, region } => self.parameter(rig, *parameter)?.region.clone_from(region),
            Self::Curve { parameter, curve } => self.parameter(rig, *parameter)?.curve = *curve,
            Self::Scale { parameter, factor } => {
                self.parameter(rig, *parameter)?.drives.iter_mut().for_each(|drive| drive.scale(*factor));
            }
            Self::AddDrive { parameter, bone, channel } => {
                let drive = new_drive(rig, *bone, *channel)?;
                self.parameter(rig, *parameter)?.drives.push(drive);
            }
            Self::RemoveDrive { parameter, drive } => {
                self.drive(rig, *parameter, *drive)?;
                self.parameter(rig, *parameter)?.drives.remove(*drive);
            }
            Self::Amount { parameter, drive, amount } => self.drive(rig, *parameter, *drive)?.amount = *amount,
            Self::Low { parameter, drive, low } => self.drive(rig, *parameter, *drive)?.low = *low,
            Self::Channel { parameter, drive, channel } => {
                let drive = self.drive(rig, *parameter, *drive)?;
                if drive.channel.index() / 3 != channel.index() / 3 {
                    (drive.amount, drive.low) = (FIRST_AMOUNT[channel.index() / 3], None);
                }
                drive.channel = *channel;
            }
            Self::Bone { parameter, drive, bone } => {
                let bone = rig.bones.get(*bone).ok_or_else(|| gone("the bone"))?.clone();
                let drive = self.drive(rig, *parameter, *drive)?;
                drive.mirror &= bone.mirror.is_some();
                drive.bone = bone.name;
            }
            Self::Mirror { parameter, drive, mirror } => self.drive(rig, *parameter, *drive)?.mirror = *mirror,
            Self::Pose { parameter, bone, low, amounts, mirror } => {
                pose(rig, *parameter, *bone, *low, amounts, *mirror)?;
            }
        }
        Ok(())
    }

    fn parameter<'a>(&self, rig: &'a mut Rig, index: usize) -> Result<&'a mut Parameter, EditError> {
        rig.parameters.get_mut(index).ok_or_else(|| gone("the slider"))
    }

    fn drive<'a>(&self, rig: &'a mut Rig, parameter: usize, drive: usize) -> Result<&'a mut Drive, EditError> {
        self.parameter(rig, parameter)?.drives.get_mut(drive).ok_or_else(|| gone("the drive"))
    }
}

fn gone(what: &str) -> EditError {
    EditError::Gone { what: what.to_owned() }
}

fn new_drive(rig: &Rig, bone: usize, channel: Channel) -> Result<Drive, EditError> {
    let bone = rig.bones.get(bone).ok_or_else(|| gone("the bone"))?;
    let amount = FIRST_AMOUNT[channel.index() / 3];
    Ok(Drive { bone: bone.name.clone(), channel, amount, low: None, mirror: bone.mirror.is_some() })
}

/// Amounts smaller than this are none: metres, radians, scale.
const NOTHING: [f32; 3] = [1e-6, 1e-5, 1e-5];

fn pose(
    rig: &mut Rig,
    parameter: usize,
    bone: usize,
    low: bool,
    amounts: &[f32; 9],
    mirror: bool,
) -> Result<(), EditError> {
    let bone = rig.bones.get(bone).ok_or_else(|| gone("the bone"))?.clone();
    let mirror = mirror && bone.mirror.is_some();
    let drives = &mut rig.parameters.get_mut(parameter).ok_or_else(|| gone("the slider"))?.drives;
    for (channel, amount) in Channel::ALL.into_iter().zip(amounts) {
        // A mirrored drive of the other side moves this bone as well.
        let own = drives.iter().position(|drive| drive.bone == bone.name && drive.channel == channel);
        let other = drives
            .iter()
            .position(|drive| drive.mirror && Some(&drive.bone) == bone.mirror.as_ref() && drive.channel == channel);
        match (own, other) {
            (Some(own), _) => set_end(&mut drives[own], low, *amount),
            (None, Some(other)) => set_end(&mut drives[other], low, *amount * channel.mirror_sign()),
            (None, None) if amount.abs() > NOTHING[channel.index() / 3] => {
                let mut drive = Drive { bone: bone.name.clone(), channel, amount: *amount, low: None, mirror };
                set_end(&mut drive, low, *amount);
                drives.push(drive);
            }
            (None, None) => {}
        }
    }
    Ok(())
}

/// Sets how far a drive goes at one end; linked ends stay so.
fn set_end(drive: &mut Drive, low: bool, amount: f32) {
    match &mut drive.low {
        Some(end) if low => *end = amount,
        _ if low => drive.amount = -amount,
        _ => drive.amount = amount,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::path::PathBuf;

    use super::*;
    use crate::document::RigDocument;

    /// The bundled rig with a comment at its second slider, in a file of its own.
    fn opened() -> (tempfile::TempDir, RigDocument) {
        let folder = tempfile::tempdir().unwrap();
        let head = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron");
        let rig = Rig::load(&head).unwrap();
        let name = format!("name: {:?},", rig.parameters[1].name);
        let text = std::fs::read_to_string(head).unwrap().replacen(&name, &format!("{name}  // measured"), 1);
        let path = folder.path().join("head.rig.ron");
        std::fs::write(&path, text).unwrap();
        (folder, RigDocument::open(&path).unwrap())
    }

    fn drive(document: &RigDocument) -> Drive {
        document.rig().parameters[1].drives[0].clone()
    }

    #[test]
    fn ends_are_parted_and_linked_and_curves_bent_and_all_of_it_taken_back() {
        let (_folder, mut document) = opened();
        let first = drive(&document);
        let (parameter, drive_index) = (1, 0);
        let low = |low| Edit::Low { parameter, drive: drive_index, low };
        document.edit(&low(Some(-first.amount)), None).unwrap();
        document.edit(&low(Some(-0.0005)), Some("low")).unwrap();
        document.edit(&low(Some(-0.001)), Some("low")).unwrap();
        document.edit(&Edit::Curve { parameter, curve: Curve(2.0) }, None).unwrap();
        document.edit(&Edit::Scale { parameter, factor: 2.0 }, None).unwrap();
        assert_eq!((drive(&document).amount, drive(&document).low), (2.0 * first.amount, Some(-0.002)));
        assert_eq!(document.rig().parameters[1].curve, Curve(2.0));
        document.edit(&low(None), None).unwrap();
        assert_eq!(drive(&document).low_amount(), -2.0 * first.amount);
        let labels = ["Link ends", "Scale range", "Curve", "Amount at 0", "Amount at 0"];
        for label in labels {
            assert_eq!(document.undo_label(), Some(label));
            document.undo();
        }
        assert!(!document.is_changed() && drive(&document) == first);
        labels.iter().for_each(|_| document.redo());
        assert_eq!((document.rig().parameters[1].curve, document.redo_label()), (Curve(2.0), None));
    }

    #[test]
    fn a_lower_end_and_a_curve_are_saved_beside_the_comments() {
        let (folder, mut document) = opened();
        let version = document.rig().version;
        document.edit(&Edit::Low { parameter: 1, drive: 0, low: Some(-0.001) }, None).unwrap();
        document.edit(&Edit::Curve { parameter: 1, curve: Curve(1.5) }, None).unwrap();
        let saved = document.save().unwrap();
        assert_eq!(saved.version, version, "networks keep reading the same sliders");
        let path = folder.path().join("head.rig.ron");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("  // measured") && text.contains("low: Some(-0.001)") && text.contains("curve: 1.5"));
        assert_eq!(Rig::load(&path).unwrap(), *document.rig());
    }

    #[test]
    fn ends_and_curves_that_make_no_rig_are_refused() {
        let (_folder, mut document) = opened();
        for edit in [
            Edit::Low { parameter: 1, drive: 0, low: Some(f32::NAN) },
            Edit::Low { parameter: 1, drive: 0, low: Some(5.0) },
            Edit::Low { parameter: 1, drive: 99, low: None },
            Edit::Curve { parameter: 1, curve: Curve(0.0) },
            Edit::Curve { parameter: 1, curve: Curve(f32::NAN) },
            Edit::Curve { parameter: 9999, curve: Curve::STRAIGHT },
        ] {
            assert!(document.edit(&edit, None).is_err(), "{edit:?}");
            assert!(!document.is_changed(), "{edit:?}");
        }
    }

    #[test]
    fn another_unit_begins_anew_at_both_ends() {
        let (_folder, mut document) = opened();
        document.edit(&Edit::Low { parameter: 1, drive: 0, low: Some(-0.001) }, None).unwrap();
        document.edit(&Edit::Channel { parameter: 1, drive: 0, channel: Channel::RotationX }, None).unwrap();
        assert_eq!((drive(&document).amount, drive(&document).low), (FIRST_AMOUNT[1], None));
    }

    #[test]
    fn posing_one_end_moves_the_other_only_where_they_are_linked() {
        let (_folder, mut document) = opened();
        let bone = document.rig().bones.iter().position(|bone| bone.name == drive(&document).bone).unwrap();
        let mut amounts = [0.0; 9];
        amounts[drive(&document).channel.index()] = -0.001;
        let pose = |low| Edit::Pose { parameter: 1, bone, low, amounts, mirror: true };
        document.edit(&pose(true), None).unwrap();
        assert_eq!((drive(&document).amount, drive(&document).low), (0.001, None));
        document.edit(&Edit::Low { parameter: 1, drive: 0, low: Some(-0.003) }, None).unwrap();
        document.edit(&pose(true), None).unwrap();
        assert_eq!((drive(&document).amount, drive(&document).low), (0.001, Some(-0.001)));
        document.edit(&pose(false), None).unwrap();
        assert_eq!((drive(&document).amount, drive(&document).low), (-0.001, Some(-0.001)));
    }
}
