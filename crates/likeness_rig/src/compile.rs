//! Parameters to strengths to channels to joint offsets, fast.

mod strengths;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use glam::{Quat, Vec3};

use crate::compile::strengths::Strengths;
use crate::{Channel, Curve, Result, Rig, RigError};

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
    /// The place of the strength.
    strength: u32,
    /// The channel's change per unit of the strength: the drive's amount.
    amount: f32,
}

/// One row of the channel matrix that is not all zero.
#[derive(Clone, Copy, Debug)]
struct Row {
    channel: u32,
    /// Where its entries end; they begin where those of the row before end.
    end: u32,
}

thread_local! {
    /// The strengths of the face at hand; kept to save the allocation.
    static STRENGTHS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// A rig in the form that maps values to bones. Each value becomes a strength ([`Curve::strength`]), a parameter whose ends
/// differ has one above and one below neutral, and the channels are the strengths times a constant matrix. That matrix is
/// sparse and sorted by bone and channel, so that each channel is summed without going through memory.
#[derive(Clone, Debug)]
pub struct CompiledRig {
    strengths: Strengths,
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
        // What each parameter adds to a channel at its upper and at its lower end.
        let mut ends = BTreeMap::new();
        for (parameter, description) in rig.parameters.iter().enumerate() {
            for drive in &description.drives {
                let bone = index(&drive.bone, &description.name)?;
                let mut add = |bone: usize, sign: f32| {
                    let (high, low) = ends.entry((bone, drive.channel.index(), parameter)).or_insert((0.0, 0.0));
                    *high += drive.amount * sign;
                    *low += drive.low_amount() * sign;
                };
                add(bone, 1.0);
                if let Some(mirror) = rig.bones[bone].mirror.as_ref().filter(|_| drive.mirror) {
                    add(index(mirror, &description.name)?, drive.channel.mirror_sign());
                }
            }
        }
        let uneven: BTreeSet<usize> =
            ends.iter().filter(|(_, (high, low))| *low != -*high).map(|((_, _, parameter), _)| *parameter).collect();
        let curves = rig.parameters.iter().map(|parameter| parameter.curve).collect();
        let strengths = Strengths::new(curves, uneven);
        let mut summed = BTreeMap::new();
        for ((bone, channel, parameter), (high, low)) in ends {
            summed.insert((bone, channel, parameter), high);
            if let Some(below) = strengths.below(parameter) {
                // The strength is -1 at the lower end.
                summed.insert((bone, channel, below), -low);
            }
        }
        let mut compiled = Self {
            strengths,
            starts: Vec::with_capacity(rig.bones.len() + 1),
            rows: Vec::new(),
            entries: Vec::with_capacity(summed.len()),
        };
        let mut summed = summed.into_iter().peekable();
        for bone in 0..rig.bones.len() {
            compiled.end_bone();
            for channel in 0..CHANNELS {
                while let Some(((_, _, strength), amount)) =
                    summed.next_if(|(key, _)| (key.0, key.1) == (bone, channel))
                {
                    compiled.entries.push(Entry { strength: strength as u32, amount });
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
        self.strengths.parameter_count()
    }

    /// The number of strengths: one for each parameter, and a second one for each whose ends differ.
    pub fn strength_count(&self) -> usize {
        self.strengths.parameters().len()
    }

    /// The parameter of each strength: the parameters in order, then those that have a second one.
    pub fn strength_parameters(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.strengths.parameters()
    }

    /// Fills `out` with the strengths of the values, the numbers in -1..1 that amounts are multiplied by. A parameter whose
    /// ends differ has two: its own place holds what is above neutral (0..1), the later one what is below (-1..0). Values
    /// are in the rig's order, 0..1; missing ones count as neutral. Allocates only while `out` is too small.
    pub fn strengths_into(&self, values: &[f32], out: &mut Vec<f32>) {
        self.strengths.fill(values, out);
    }

    /// Fills `out` with the change of each strength per unit of its parameter's value, at these values: always finite, see
    /// [`Curve::slope`]. At neutral, the two strengths of a parameter share it.
    pub fn strength_slopes_into(&self, values: &[f32], out: &mut Vec<f32>) {
        self.strengths.fill_slopes(values, out);
    }

    /// The curve of a parameter; a straight one for parameters that the rig does not have.
    pub(crate) fn curve(&self, parameter: usize) -> Curve {
        self.strengths.curve(parameter)
    }

    /// The places of a parameter's strengths above and below neutral: the same one for parameters that have one.
    pub(crate) fn strength_places(&self, parameter: usize) -> [usize; 2] {
        [parameter, self.strengths.below(parameter).unwrap_or(parameter)]
    }

    /// Where to measure by differences what a unit of a parameter does, as middles and half widths of the spans: `step` to both
    /// sides of `value` when the effect is proportional to the value, else each half of the range, whose mean slopes then
    /// stand for it.
    pub fn spans(&self, parameter: usize, value: f32, step: f32) -> Vec<(f32, f32)> {
        if self.strengths.is_straight(parameter) { vec![(value, step)] } else { vec![(0.25, 0.25), (0.75, 0.25)] }
    }

    /// One value per parameter, in 0..1: missing ones and those that are no numbers count as neutral.
    pub(crate) fn usable(&self, values: &[f32]) -> Vec<f32> {
        (0..self.parameter_count())
            .map(|index| values.get(index).copied().filter(|value| value.is_finite()).unwrap_or(0.5).clamp(0.0, 1.0))
            .collect()
    }

    /// The channels of one bone, in the order of [`Channel::ALL`]. Values are in the rig's order, 0..1; missing ones count as
    /// neutral. A bone that the rig does not have rests.
    pub fn channels_of(&self, bone: usize, values: &[f32]) -> [f32; CHANNELS] {
        if bone >= self.bone_count() {
            return [0.0; CHANNELS];
        }
        self.with_strengths(values, |strengths| self.channels_by(bone, strengths))
    }

    /// The channels of one bone of the rig by the strengths, or what a change of the strengths adds to them.
    #[inline]
    pub(crate) fn channels_by(&self, bone: usize, strengths: &[f32]) -> [f32; CHANNELS] {
        let mut channels = [0.0; CHANNELS];
        for (channel, entries) in self.rows_of(bone) {
            channels[channel] = entries.iter().map(|entry| entry.amount * strengths[entry.strength as usize]).sum();
        }
        channels
    }

    fn with_strengths<T>(&self, values: &[f32], then: impl FnOnce(&[f32]) -> T) -> T {
        STRENGTHS.with_borrow_mut(|strengths| {
            self.strengths_into(values, strengths);
            then(strengths)
        })
    }

    /// Fills `out` with nine channels per bone, in the order of [`Channel::ALL`]. Values are in the rig's order, 0..1;
    /// missing ones count as neutral. Allocates only while `out` is too small.
    pub fn channels_into(&self, values: &[f32], out: &mut Vec<[f32; CHANNELS]>) {
        out.clear();
        self.with_strengths(values, |strengths| {
            out.extend((0..self.bone_count()).map(|bone| self.channels_by(bone, strengths)));
        });
    }

    /// Fills `out` with one offset per bone. Values are in the rig's order, 0..1; missing ones count as neutral.
    /// Allocates only while `out` is too small.
    pub fn offsets_into(&self, values: &[f32], out: &mut Vec<BoneOffset>) {
        out.clear();
        self.with_strengths(values, |strengths| {
            let offset = |bone| BoneOffset::from_channels(&self.channels_by(bone, strengths));
            out.extend((0..self.bone_count()).map(offset));
        });
    }

    /// The matrix M, row-major `[bones * 9, strengths]`, and its two sizes: `channels = M * strengths`
    /// ([`CompiledRig::strengths_into`]), with the channels of a bone in the order of [`Channel::ALL`].
    pub fn channel_matrix(&self) -> (Vec<f32>, usize, usize) {
        let (rows, columns) = (self.bone_count() * Channel::ALL.len(), self.strength_count());
        let mut matrix = vec![0.0; rows * columns];
        for bone in 0..self.bone_count() {
            for (channel, entries) in self.rows_of(bone) {
                let row = (bone * CHANNELS + channel) * columns;
                for entry in entries {
                    matrix[row + entry.strength as usize] = entry.amount;
                }
            }
        }
        (matrix, rows, columns)
    }
}

#[cfg(test)]
mod tests;
