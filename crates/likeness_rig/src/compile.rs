//! Parameters to channels to joint offsets, fast.

use glam::{Quat, Vec3};

use crate::{Channel, Result, Rig, RigError};

/// The number of channels of a bone.
pub const CHANNELS: usize = 9;

/// A bone is never scaled below this: a rig's drives may add up to more than a whole.
const MIN_SCALE: f32 = 0.05;

/// What a bone adds to its joint's local transform: `rest.translation + translation`, `rest.rotation * rotation`,
/// `rest.scale * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoneOffset {
    /// Movement, metres.
    pub translation: Vec3,
    /// Turn: Euler XYZ (`Rx * Ry * Rz`) of the summed angles.
    pub rotation: Quat,
    /// Scale, 1 = as it is.
    pub scale: Vec3,
}

impl BoneOffset {
    /// No offset.
    pub const IDENTITY: Self = Self { translation: Vec3::ZERO, rotation: Quat::IDENTITY, scale: Vec3::ONE };

    /// The offset of nine channels in the order of [`Channel::ALL`].
    pub fn from_channels(channels: &[f32; CHANNELS]) -> Self {
        let [tx, ty, tz, rx, ry, rz, sx, sy, sz] = *channels;
        Self {
            translation: Vec3::new(tx, ty, tz),
            rotation: euler_xyz(rx, ry, rz),
            scale: Vec3::new(1.0 + sx, 1.0 + sy, 1.0 + sz).max(Vec3::splat(MIN_SCALE)),
        }
    }
}

/// `Rx * Ry * Rz` as a quaternion. Bones turn by small angles, most of them not at all, so that a short series does for
/// the library's sine.
fn euler_xyz(x: f32, y: f32, z: f32) -> Quat {
    if x == 0.0 && y == 0.0 && z == 0.0 {
        return Quat::IDENTITY;
    }
    let (sx, cx) = half_sin_cos(x);
    let (sy, cy) = half_sin_cos(y);
    let (sz, cz) = half_sin_cos(z);
    Quat::from_xyzw(
        sx * cy * cz + cx * sy * sz,
        cx * sy * cz - sx * cy * sz,
        cx * cy * sz + sx * sy * cz,
        cx * cy * cz - sx * sy * sz,
    )
}

/// Sine and cosine of half the angle.
fn half_sin_cos(angle: f32) -> (f32, f32) {
    let half = angle * 0.5;
    if half.abs() > 0.5 {
        return half.sin_cos();
    }
    // Taylor's series; at 0.5 what is left out is below half a unit of the last place.
    let square = half * half;
    let sin = half * (1.0 + square * (-1.0 / 6.0 + square * (1.0 / 120.0 - square * (1.0 / 5040.0))));
    let cos = 1.0 + square * (-0.5 + square * (1.0 / 24.0 + square * (-1.0 / 720.0 + square * (1.0 / 40320.0))));
    (sin, cos)
}

/// One nonzero of the channel matrix.
#[derive(Clone, Copy, Debug)]
struct Entry {
    parameter: u32,
    /// The channel's change per unit of the value: twice the drive's amount.
    slope: f32,
}

/// One row of the channel matrix that is not all zero.
#[derive(Clone, Copy, Debug)]
struct Row {
    channel: u32,
    /// Where its entries end; they begin where those of the row before end.
    end: u32,
}

/// A rig in the form that maps values to bones: a sparse matrix, sorted by bone and channel, so that each channel is
/// summed without going through memory.
#[derive(Clone, Debug)]
pub struct CompiledRig {
    parameters: usize,
    /// Per bone, where its rows and its entries begin; one more at the end.
    starts: Vec<(u32, u32)>,
    rows: Vec<Row>,
    entries: Vec<Entry>,
}

impl CompiledRig {
    pub(crate) fn new(rig: &Rig) -> Result<Self> {
        let index = |name: &str, field: &str| {
            rig.bones.iter().position(|bone| bone.name == name).ok_or_else(|| RigError::UnknownBone {
                file: rig.id.clone(),
                field: field.into(),
                bone: name.into(),
            })
        };
        let mut summed = std::collections::BTreeMap::new();
        for (parameter, description) in rig.parameters.iter().enumerate() {
            for drive in &description.drives {
                let bone = index(&drive.bone, &description.name)?;
                let slope = 2.0 * drive.amount;
                *summed.entry((bone, drive.channel.index(), parameter)).or_insert(0.0) += slope;
                let mirror = rig.bones[bone].mirror.as_ref().filter(|_| drive.mirror);
                if let Some(mirror) = mirror {
                    let other = index(mirror, &description.name)?;
                    let slope = slope * drive.channel.mirror_sign();
                    *summed.entry((other, drive.channel.index(), parameter)).or_insert(0.0) += slope;
                }
            }
        }
        let mut compiled = Self {
            parameters: rig.parameters.len(),
            starts: Vec::with_capacity(rig.bones.len() + 1),
            rows: Vec::new(),
            entries: Vec::with_capacity(summed.len()),
        };
        let mut summed = summed.into_iter().peekable();
        for bone in 0..rig.bones.len() {
            compiled.end_bone();
            for channel in 0..CHANNELS {
                while let Some(((_, _, parameter), slope)) =
                    summed.next_if(|(key, _)| (key.0, key.1) == (bone, channel))
                {
                    compiled.entries.push(Entry { parameter: parameter as u32, slope });
                }
                let end = compiled.entries.len() as u32;
                let before = compiled.rows.last().map_or(0, |row| row.end);
                if end > before {
                    compiled.rows.push(Row { channel: channel as u32, end });
                }
            }
        }
        compiled.end_bone();
        Ok(compiled)
    }

    /// What follows belongs to the next bone.
    fn end_bone(&mut self) {
        self.starts.push((self.rows.len() as u32, self.entries.len() as u32));
    }

    /// The rows of a bone: the channel and its entries.
    #[inline]
    fn rows_of(&self, bone: usize) -> impl Iterator<Item = (usize, &[Entry])> {
        let (first, mut begin) = self.starts[bone];
        self.rows[first as usize..self.starts[bone + 1].0 as usize].iter().map(move |row| {
            let entries = &self.entries[begin as usize..row.end as usize];
            begin = row.end;
            (row.channel as usize, entries)
        })
    }

    /// The number of bones.
    pub fn bone_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of parameters.
    pub fn parameter_count(&self) -> usize {
        self.parameters
    }

    /// One value per parameter, in 0..1: missing ones and those that are no numbers count as neutral.
    pub(crate) fn usable(&self, values: &[f32]) -> Vec<f32> {
        (0..self.parameters)
            .map(|index| values.get(index).copied().filter(|value| value.is_finite()).unwrap_or(0.5).clamp(0.0, 1.0))
            .collect()
    }

    /// The channels of one bone, in the order of [`Channel::ALL`]. Values are in the rig's order, 0..1; missing ones count as
    /// neutral. A bone that the rig does not have rests.
    pub fn channels_of(&self, bone: usize, values: &[f32]) -> [f32; CHANNELS] {
        if bone >= self.bone_count() {
            return [0.0; CHANNELS];
        }
        self.channel_change_of(bone, &|parameter| values.get(parameter).map_or(0.0, |value| value - 0.5))
    }

    /// What a change of the values, given by parameter, adds to the channels of one bone.
    #[inline]
    pub(crate) fn channel_change_of(&self, bone: usize, change: &impl Fn(usize) -> f32) -> [f32; CHANNELS] {
        let mut channels = [0.0; CHANNELS];
        for (channel, entries) in self.rows_of(bone) {
            channels[channel] = entries.iter().map(|entry| entry.slope * change(entry.parameter as usize)).sum();
        }
        channels
    }

    /// Fills `out` with nine channels per bone, in the order of [`Channel::ALL`]. Values are in the rig's order, 0..1;
    /// missing ones count as neutral. Allocates only while `out` is too small.
    pub fn channels_into(&self, values: &[f32], out: &mut Vec<[f32; CHANNELS]>) {
        out.clear();
        out.extend((0..self.bone_count()).map(|bone| self.channels_of(bone, values)));
    }

    /// Fills `out` with one offset per bone. Values are in the rig's order, 0..1; missing ones count as neutral.
    /// Allocates only while `out` is too small.
    pub fn offsets_into(&self, values: &[f32], out: &mut Vec<BoneOffset>) {
        out.clear();
        out.extend((0..self.bone_count()).map(|bone| BoneOffset::from_channels(&self.channels_of(bone, values))));
    }

    /// The matrix M, row-major `[bones * 9, parameters]`, and its two sizes: `channels = M * (values - 0.5)`, with the
    /// channels of a bone in the order of [`Channel::ALL`].
    pub fn channel_matrix(&self) -> (Vec<f32>, usize, usize) {
        let rows = self.bone_count() * Channel::ALL.len();
        let mut matrix = vec![0.0; rows * self.parameters];
        for bone in 0..self.bone_count() {
            for (channel, entries) in self.rows_of(bone) {
                let row = (bone * CHANNELS + channel) * self.parameters;
                for entry in entries {
                    matrix[row + entry.parameter as usize] = entry.slope;
                }
            }
        }
        (matrix, rows, self.parameters)
    }
}

#[cfg(test)]
mod tests;
