//! What can be changed in a rig.

use likeness_rig::{Channel, Drive, Parameter, Rig};

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
    /// The whole range wider or narrower.
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
    /// How far a drive goes.
    Amount {
        /// The parameter.
        parameter: usize,
        /// The drive.
        drive: usize,
        /// Metres, radians or scale - 1 at value 1.
        amount: f32,
    },
    /// Which channel a drive moves; its amount begins anew when the unit is another.
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
        /// The bone's channels at value 1, as far as this parameter moves them.
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
            Self::Scale { .. } => "Scale range",
            Self::AddDrive { .. } => "Add drive",
            Self::RemoveDrive { .. } => "Remove drive",
            Self::Amount { .. } => "Amount",
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
            Self::Scale { parameter, factor } => {
                for drive in &mut self.parameter(rig, *parameter)?.drives {
                    drive.amount *= factor;
                }
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
            Self::Channel { parameter, drive, channel } => {
                let drive = self.drive(rig, *parameter, *drive)?;
                if drive.channel.index() / 3 != channel.index() / 3 {
                    drive.amount = FIRST_AMOUNT[channel.index() / 3];
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
            Self::Pose { parameter, bone, amounts, mirror } => pose(rig, *parameter, *bone, amounts, *mirror)?,
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
    Ok(Drive { bone: bone.name.clone(), channel, amount, mirror: bone.mirror.is_some() })
}

/// Amounts smaller than this are none: metres, radians, scale.
const NOTHING: [f32; 3] = [1e-6, 1e-5, 1e-5];

fn pose(rig: &mut Rig, parameter: usize, bone: usize, amounts: &[f32; 9], mirror: bool) -> Result<(), EditError> {
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
            (Some(own), _) => drives[own].amount = *amount,
            (None, Some(other)) => drives[other].amount = *amount * channel.mirror_sign(),
            (None, None) if amount.abs() > NOTHING[channel.index() / 3] => {
                drives.push(Drive { bone: bone.name.clone(), channel, amount: *amount, mirror });
            }
            (None, None) => {}
        }
    }
    Ok(())
}
