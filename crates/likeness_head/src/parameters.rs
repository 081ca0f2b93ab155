//! The parameters: what each one is called and which channels it drives.

use crate::{
    bones::{BoneInfo, SEEDS, index_of},
    error::Result,
};

/// Channels in the order of a bone's nine numbers: translation (metres), rotation (radians), scale less one.
pub const CHANNELS: usize = 9;
/// What a unit of each kind of channel is, so that a unit of a parameter is a usual move: 4 mm, 6 degrees, a tenth.
const UNITS: [f64; CHANNELS] = [0.004, 0.004, 0.004, 0.105, 0.105, 0.105, 0.1, 0.1, 0.1];
/// Channels that change sign in the mirror: x translation, y and z rotation.
const FLIPS: [bool; CHANNELS] = [true, false, false, false, true, true, false, false, false];

/// One driven channel.
#[derive(Clone, Copy, Debug)]
pub struct DriveSeed {
    /// The bone's number.
    pub bone: usize,
    /// The channel, 0..9.
    pub channel: usize,
    /// Offset at one unit of the parameter.
    pub amount: f64,
    /// Whether the opposite bone is driven too, mirrored.
    pub mirror: bool,
}

/// One parameter. Its value is counted in units from neutral while the rig is made; the range comes later.
#[derive(Clone, Debug)]
pub struct ParameterSeed {
    /// Unique name.
    pub name: String,
    /// What it does, for people.
    pub caption: String,
    /// Region of the face.
    pub region: &'static str,
    /// What it drives.
    pub drives: Vec<DriveSeed>,
    /// Whether it changes both halves alike.
    pub symmetric: bool,
}

impl ParameterSeed {
    /// Offsets of single channels at one unit: (bone, channel, offset), with the mirrored ones.
    pub fn channels(&self, bones: &[BoneInfo]) -> Vec<(usize, usize, f64)> {
        let mut channels = Vec::new();
        for drive in &self.drives {
            channels.push((drive.bone, drive.channel, drive.amount));
            if drive.mirror {
                let sign = if FLIPS[drive.channel] { -1.0 } else { 1.0 };
                channels.push((bones[drive.bone].mirror, drive.channel, sign * drive.amount));
            }
        }
        channels
    }
}

/// Names and captions of the channels of a pair (pushed apart rather than to one side) and of a midline bone.
const NOUNS: [(&str, &str); CHANNELS] = [
    ("spread", "further apart"),
    ("raise", "higher"),
    ("forward", "further forward"),
    ("tilt", "tilted forward"),
    ("turn", "turned outward"),
    ("slant", "slanted"),
    ("width", "wider"),
    ("height", "taller"),
    ("depth", "deeper"),
];

/// A group of bones that moves as one.
struct Group {
    name: &'static str,
    words: &'static str,
    region: &'static str,
    channel: usize,
    bones: &'static [(&'static str, f64)],
}

#[rustfmt::skip]
const EYE: &[(&str, f64)] = &[
    ("eye.L", 1.0), ("lid_upper.L", 1.0), ("lid_lower.L", 1.0), ("eye_inner.L", 1.0), ("eye_outer.L", 1.0),
    ("orbit_low.L", 0.6), ("orbit_outer.L", 0.5),
];
#[rustfmt::skip]
const MOUTH: &[(&str, f64)] = &[
    ("lip_upper_mid", 1.0), ("lip_lower_mid", 1.0), ("lip_upper.L", 1.0), ("lip_lower.L", 1.0), ("lip_corner.L", 1.0),
    ("philtrum", 0.5),
];
const MOUTH_SIDES: &[(&str, f64)] = &[("lip_upper.L", 0.6), ("lip_lower.L", 0.6), ("lip_corner.L", 1.0)];
const NOSE: &[(&str, f64)] =
    &[("nose_tip", 1.0), ("nose_septum", 1.0), ("nose_wing.L", 0.9), ("nose_mid", 0.5), ("nose_side.L", 0.4)];
const NOSE_WIDTH: &[(&str, f64)] = &[("nose_wing.L", 1.0), ("nose_side.L", 0.6)];
const CHIN: &[(&str, f64)] = &[("chin_mid", 1.0), ("chin_low", 1.0), ("chin.L", 0.9)];
const JAW: &[(&str, f64)] = &[("jaw_angle.L", 1.0), ("jaw_mid.L", 0.9), ("jaw_line.L", 0.7)];
const EAR: &[(&str, f64)] = &[("ear.L", 1.0), ("ear_upper.L", 1.0), ("ear_lobe.L", 1.0)];
const BROW: &[(&str, f64)] = &[("brow_inner.L", 1.0), ("brow_mid.L", 1.0), ("brow_outer.L", 1.0)];

#[rustfmt::skip]
const GROUPS: &[Group] = &[
    Group { name: "eye.position.spread", words: "Eyes: further apart", region: "eye", channel: 0, bones: EYE },
    Group { name: "eye.position.raise", words: "Eyes: higher", region: "eye", channel: 1, bones: EYE },
    Group { name: "eye.position.forward", words: "Eyes: further forward", region: "eye", channel: 2, bones: EYE },
    Group { name: "mouth.position.raise", words: "Mouth: higher", region: "mouth", channel: 1, bones: MOUTH },
    Group { name: "mouth.position.forward", words: "Mouth: further forward", region: "mouth", channel: 2, bones: MOUTH },
    Group { name: "mouth.size.width", words: "Mouth: wider", region: "mouth", channel: 0, bones: MOUTH_SIDES },
    Group { name: "nose.size.raise", words: "Nose: shorter", region: "nose", channel: 1, bones: NOSE },
    Group { name: "nose.size.forward", words: "Nose: further forward", region: "nose", channel: 2, bones: NOSE },
    Group { name: "nose.size.width", words: "Nose: wider", region: "nose", channel: 0, bones: NOSE_WIDTH },
    Group { name: "chin.position.raise", words: "Chin: higher", region: "chin", channel: 1, bones: CHIN },
    Group { name: "chin.position.forward", words: "Chin: further forward", region: "chin", channel: 2, bones: CHIN },
    Group { name: "jaw.size.width", words: "Jaw: wider", region: "jaw", channel: 0, bones: JAW },
    Group { name: "jaw.position.raise", words: "Jaw: higher", region: "jaw", channel: 1, bones: JAW },
    Group { name: "ear.position.spread", words: "Ears: standing off", region: "ear", channel: 0, bones: EAR },
    Group { name: "ear.position.raise", words: "Ears: higher", region: "ear", channel: 1, bones: EAR },
    Group { name: "ear.position.forward", words: "Ears: further forward", region: "ear", channel: 2, bones: EAR },
    Group { name: "brow.position.raise", words: "Brows: higher", region: "brow", channel: 1, bones: BROW },
    Group { name: "brow.position.forward", words: "Brows: further forward", region: "brow", channel: 2, bones: BROW },
];

/// Differences between the halves: pairs move opposite ways, midline bones to the person's left.
#[rustfmt::skip]
const UNEVEN: &[Group] = &[
    Group { name: "nose.tip.sideways", words: "Tip of the nose: to the left", region: "nose", channel: 0, bones: &[("nose_tip", 1.0), ("nose_septum", 1.0), ("nose_wing.L", 0.8)] },
    Group { name: "nose.bridge.sideways", words: "Bridge of the nose: to the left", region: "nose", channel: 0, bones: &[("nose_bridge", 1.0), ("nose_mid", 1.0), ("nose_root", 0.5), ("nose_side.L", 0.5)] },
    Group { name: "mouth.position.sideways", words: "Mouth: to the left", region: "mouth", channel: 0, bones: MOUTH },
    Group { name: "mouth.corner.uneven", words: "Left corner of the mouth: higher", region: "mouth", channel: 1, bones: &[("lip_corner.L", 1.0), ("lip_upper.L", 0.5), ("lip_lower.L", 0.5)] },
    Group { name: "chin.position.sideways", words: "Chin: to the left", region: "chin", channel: 0, bones: CHIN },
    Group { name: "jaw.position.sideways", words: "Jaw: to the left", region: "jaw", channel: 0, bones: JAW },
    Group { name: "jaw.height.uneven", words: "Left jaw: higher", region: "jaw", channel: 1, bones: JAW },
    Group { name: "eye.height.uneven", words: "Left eye: higher", region: "eye", channel: 1, bones: EYE },
    Group { name: "eye.position.sideways", words: "Eyes: to the left", region: "eye", channel: 0, bones: EYE },
    Group { name: "eye.upper_lid.uneven", words: "Left upper lid: higher", region: "eye", channel: 1, bones: &[("lid_upper.L", 1.0)] },
    Group { name: "eye.lower_lid.uneven", words: "Left lower lid: higher", region: "eye", channel: 1, bones: &[("lid_lower.L", 1.0)] },
    Group { name: "brow.height.uneven", words: "Left brow: higher", region: "brow", channel: 1, bones: BROW },
    Group { name: "cheek.width.uneven", words: "Cheeks: to the left", region: "cheek", channel: 0, bones: &[("cheek.L", 1.0), ("cheekbone.L", 0.7), ("zygoma_side.L", 0.7), ("cheek_low.L", 0.7)] },
    Group { name: "cheek.height.uneven", words: "Left cheek: higher", region: "cheek", channel: 1, bones: &[("cheek.L", 1.0), ("cheekbone.L", 1.0), ("nasolabial.L", 0.7)] },
    Group { name: "forehead.temple.uneven", words: "Temples: to the left", region: "forehead", channel: 0, bones: &[("temple.L", 1.0), ("forehead.L", 1.0)] },
    Group { name: "ear.height.uneven", words: "Left ear: higher", region: "ear", channel: 1, bones: EAR },
    Group { name: "ear.depth.uneven", words: "Left ear: further forward", region: "ear", channel: 2, bones: EAR },
    Group { name: "ear.spread.uneven", words: "Ears: to the left", region: "ear", channel: 0, bones: EAR },
    Group { name: "skull.top.sideways", words: "Top of the skull: to the left", region: "skull", channel: 0, bones: &[("skull_top", 1.0), ("skull_front", 0.8), ("skull_upper.L", 0.8), ("skull_side.L", 0.5)] },
];

/// Everything a face may be changed by, before what the population does not use is dropped.
///
/// # Errors
/// If a table names a bone that is not there.
pub fn seeds(bones: &[BoneInfo]) -> Result<Vec<ParameterSeed>> {
    let mut seeds = Vec::new();
    for seed in SEEDS {
        let bone = index_of(bones, &if seed.pair { format!("{}.L", seed.name) } else { seed.name.to_owned() })?;
        for channel in 0..CHANNELS {
            if !seed.pair && FLIPS[channel] {
                continue;
            }
            let (noun, words) = NOUNS[channel];
            seeds.push(ParameterSeed {
                name: format!("{}.{}.{noun}", seed.region, seed.part),
                caption: format!("{}: {words}", seed.words),
                region: seed.region,
                drives: vec![DriveSeed { bone, channel, amount: UNITS[channel], mirror: seed.pair }],
                symmetric: true,
            });
        }
    }
    let eye = index_of(bones, "eye.L")?;
    seeds.push(ParameterSeed {
        name: "eye.ball.size".to_owned(),
        caption: "Eyeballs: larger".to_owned(),
        region: "eye",
        drives: (6..9)
            .map(|channel| DriveSeed { bone: eye, channel, amount: UNITS[channel] * 0.5, mirror: true })
            .collect(),
        symmetric: true,
    });
    for group in GROUPS {
        let mut drives = Vec::new();
        for &(name, share) in group.bones {
            let bone = index_of(bones, name)?;
            drives.push(DriveSeed {
                bone,
                channel: group.channel,
                amount: UNITS[group.channel] * share,
                mirror: bones[bone].mirror != bone,
            });
        }
        seeds.push(ParameterSeed {
            name: group.name.to_owned(),
            caption: group.words.to_owned(),
            region: group.region,
            drives,
            symmetric: true,
        });
    }
    for group in UNEVEN {
        let mut drives = Vec::new();
        for &(name, share) in group.bones {
            let bone = index_of(bones, name)?;
            let amount = UNITS[group.channel] * share * 0.5;
            let mut drive = |bone, amount| {
                drives.push(DriveSeed { bone, channel: group.channel, amount, mirror: false });
            };
            drive(bone, amount);
            let opposite = bones[bone].mirror;
            if opposite != bone {
                drive(opposite, if group.channel == 0 { amount } else { -amount });
            }
        }
        seeds.push(ParameterSeed {
            name: group.name.to_owned(),
            caption: group.words.to_owned(),
            region: group.region,
            drives,
            symmetric: false,
        });
    }
    Ok(seeds)
}
