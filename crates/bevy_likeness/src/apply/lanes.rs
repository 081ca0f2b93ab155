//! Strengths of parameters to joint offsets for several heads at once: one head per lane, so that the compiler's vector
//! instructions do the arithmetic of [`CompiledRig::offsets_into`] for all of them together.

use std::ops::Range;

use bevy::math::{Quat, Vec3};
use likeness_rig::{BoneOffset, CHANNELS, CompiledRig};

/// How many heads are computed at once.
pub(crate) const LANES: usize = 8;

/// One number of every head.
pub(crate) type Lane = [f32; LANES];

/// The places of a bone's turns and scales among its channels.
const TURN: usize = 3;
const SCALE: usize = 6;

/// Up to this angle the series for sine and cosine of its half are exact to single precision.
const SERIES_LIMIT: f32 = std::f32::consts::PI;

/// A rig whose matrix is laid out for lanes.
#[derive(Debug)]
pub(crate) struct LaneRig {
    strengths: usize,
    bones: Vec<LaneBone>,
    rows: Vec<Row>,
    entries: Vec<Entry>,
    least_scale: f32,
}

#[derive(Debug)]
struct LaneBone {
    rows: Range<usize>,
    moves: bool,
    turn: Turn,
    scales: bool,
}

/// How a bone turns over the whole range of the parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    Never,
    /// By angles for which the series do.
    Series,
    /// By any angle.
    Any,
}

/// A channel that is not always zero.
#[derive(Debug)]
struct Row {
    channel: usize,
    entries: Range<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The place of the strength.
    strength: usize,
    /// The channel's change per unit of the strength.
    amount: f32,
}

impl LaneRig {
    pub(crate) fn new(rig: &CompiledRig) -> Self {
        let (matrix, _, strengths) = rig.channel_matrix();
        // However much a bone is asked to shrink, the rig stops somewhere.
        let least_scale = BoneOffset::from_channels(&[f32::MIN; CHANNELS].map(|least| least * 0.5)).scale.x;
        let mut lanes = Self { strengths, bones: Vec::new(), rows: Vec::new(), entries: Vec::new(), least_scale };
        for bone in 0..rig.bone_count() {
            let first = lanes.rows.len();
            let mut angle: f32 = 0.0;
            for channel in 0..CHANNELS {
                let row = (bone * CHANNELS + channel) * strengths;
                let amounts = matrix[row..row + strengths].iter().copied().enumerate();
                let begin = lanes.entries.len();
                lanes.entries.extend(
                    amounts.filter(|(_, amount)| *amount != 0.0).map(|(strength, amount)| Entry { strength, amount }),
                );
                let entries = begin..lanes.entries.len();
                if (TURN..SCALE).contains(&channel) {
                    // Strengths are in -1..1; of the two of a parameter only one acts at a time, so that it is less at most.
                    let reach = lanes.entries[entries.clone()].iter().map(|entry| entry.amount.abs()).sum();
                    angle = angle.max(reach);
                }
                if !entries.is_empty() {
                    lanes.rows.push(Row { channel, entries });
                }
            }
            let turn = match angle {
                0.0 => Turn::Never,
                angle if angle <= SERIES_LIMIT => Turn::Series,
                _ => Turn::Any,
            };
            let drives = |channels: Range<usize>| lanes.rows[first..].iter().any(|row| channels.contains(&row.channel));
            let (moves, scales) = (drives(0..TURN), drives(SCALE..CHANNELS));
            lanes.bones.push(LaneBone { rows: first..lanes.rows.len(), moves, turn, scales });
        }
        lanes
    }

    pub(crate) fn strength_count(&self) -> usize {
        self.strengths
    }

    /// Sets the offsets of up to [`LANES`] heads with these strengths ([`CompiledRig::strengths_into`]). What a bone never
    /// does is not written: the lists must hold [`BoneOffset::IDENTITY`] or earlier results for every bone.
    pub(crate) fn offsets(&self, strengths: &[Lane], heads: &mut [&mut [BoneOffset]]) {
        // Wider vectors than the target has at least, where the processor has them.
        pulp::Arch::new().dispatch(Offsets { rig: self, strengths, heads });
    }

    #[inline(always)]
    fn channels_of(&self, bone: &LaneBone, strengths: &[Lane]) -> [Lane; CHANNELS] {
        let mut channels = [[0.0; LANES]; CHANNELS];
        for row in &self.rows[bone.rows.clone()] {
            let mut sum = [0.0; LANES];
            for entry in &self.entries[row.entries.clone()] {
                sum = plus(&sum, &times(&strengths[entry.strength], &[entry.amount; LANES]));
            }
            channels[row.channel] = sum;
        }
        channels
    }
}

/// The work of [`LaneRig::offsets`], compiled once for every kind of processor.
struct Offsets<'a, 'b> {
    rig: &'a LaneRig,
    strengths: &'a [Lane],
    heads: &'a mut [&'b mut [BoneOffset]],
}

impl pulp::NullaryFnOnce for Offsets<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (index, bone) in self.rig.bones.iter().enumerate() {
            let channels = self.rig.channels_of(bone, self.strengths);
            if bone.moves {
                let [x, y, z, ..] = &channels;
                for (lane, head) in self.heads.iter_mut().enumerate() {
                    head[index].translation = Vec3::new(x[lane], y[lane], z[lane]);
                }
            }
            match bone.turn {
                Turn::Never => {}
                Turn::Series => {
                    let [x, y, z, w] = euler_xyz(&channels[TURN], &channels[TURN + 1], &channels[TURN + 2]);
                    for (lane, head) in self.heads.iter_mut().enumerate() {
                        head[index].rotation = Quat::from_xyzw(x[lane], y[lane], z[lane], w[lane]);
                    }
                }
                Turn::Any => {
                    for (lane, head) in self.heads.iter_mut().enumerate() {
                        let channels = channels.map(|channel| channel[lane]);
                        head[index].rotation = BoneOffset::from_channels(&channels).rotation;
                    }
                }
            }
            if bone.scales {
                let [.., x, y, z] = &channels;
                for (lane, head) in self.heads.iter_mut().enumerate() {
                    let scale = Vec3::new(1.0 + x[lane], 1.0 + y[lane], 1.0 + z[lane]);
                    head[index].scale = scale.max(Vec3::splat(self.rig.least_scale));
                }
            }
        }
    }
}

/// The Taylor series of sine (without the leading factor) and cosine of half an angle, in the square of the angle;
/// highest power first.
const SIN: [f32; 6] = [-1.0 / 39_916_800.0, 1.0 / 362_880.0, -1.0 / 5_040.0, 1.0 / 120.0, -1.0 / 6.0, 1.0];
const COS: [f32; 7] =
    [1.0 / 479_001_600.0, -1.0 / 3_628_800.0, 1.0 / 40_320.0, -1.0 / 720.0, 1.0 / 24.0, -1.0 / 2.0, 1.0];

/// `Rx * Ry * Rz` as quaternions.
#[inline(always)]
fn euler_xyz(x: &Lane, y: &Lane, z: &Lane) -> [Lane; 4] {
    let ((sx, cx), (sy, cy), (sz, cz)) = (half_sin_cos(x), half_sin_cos(y), half_sin_cos(z));
    // One operation of all lanes at a time: this the compiler turns into vector instructions.
    let (ss, sc, cs, cc) = (times(&sx, &sy), times(&sx, &cy), times(&cx, &sy), times(&cx, &cy));
    [
        plus(&times(&sc, &cz), &times(&cs, &sz)),
        minus(&times(&cs, &cz), &times(&sc, &sz)),
        plus(&times(&cc, &sz), &times(&ss, &cz)),
        minus(&times(&cc, &cz), &times(&ss, &sz)),
    ]
}

/// Sine and cosine of half the angles, up to [`SERIES_LIMIT`].
#[inline(always)]
fn half_sin_cos(angle: &Lane) -> (Lane, Lane) {
    let half = times(angle, &[0.5; LANES]);
    let square = times(&half, &half);
    (times(&half, &horner(&square, &SIN)), horner(&square, &COS))
}

#[inline(always)]
fn horner<const N: usize>(x: &Lane, coefficients: &[f32; N]) -> Lane {
    let mut sum = [0.0; LANES];
    for coefficient in coefficients {
        sum = plus(&times(&sum, x), &[*coefficient; LANES]);
    }
    sum
}

#[inline(always)]
fn times(a: &Lane, b: &Lane) -> Lane {
    std::array::from_fn(|lane| a[lane] * b[lane])
}

#[inline(always)]
fn plus(a: &Lane, b: &Lane) -> Lane {
    std::array::from_fn(|lane| a[lane] + b[lane])
}

#[inline(always)]
fn minus(a: &Lane, b: &Lane) -> Lane {
    std::array::from_fn(|lane| a[lane] - b[lane])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use likeness_rig::{Bone, Channel, Curve, Drive, Parameter, RIG_FORMAT, Rig};

    use super::*;

    fn rig() -> Rig {
        let drive =
            |bone: &str, channel, amount| Drive { bone: bone.into(), channel, amount, low: None, mirror: bone != "b" };
        let parameter = |name: &str, drives| Parameter {
            name: name.into(),
            caption: name.into(),
            region: "face".into(),
            curve: Curve::STRAIGHT,
            drives,
            renamed_from: Vec::new(),
        };
        Rig {
            format: RIG_FORMAT,
            id: "lanes".into(),
            version: 1,
            mesh: "m.glb".into(),
            prior: "p.safetensors".into(),
            landmarks: "l.json".into(),
            bones: [("a.L", Some("a.R")), ("a.R", Some("a.L")), ("b", None), ("still", None)]
                .map(|(name, mirror)| Bone { name: name.into(), joint: name.into(), mirror: mirror.map(Into::into) })
                .into(),
            parameters: vec![
                parameter(
                    "one",
                    vec![
                        drive("a.L", Channel::TranslationX, 0.02),
                        drive("a.L", Channel::RotationZ, 1.2),
                        drive("b", Channel::RotationX, 1.6),
                    ],
                ),
                parameter(
                    "two",
                    vec![
                        drive("a.L", Channel::RotationY, -0.9),
                        drive("a.L", Channel::RotationZ, 1.5),
                        drive("b", Channel::RotationX, 1.6),
                        drive("b", Channel::ScaleY, 0.8),
                        drive("a.L", Channel::TranslationX, -0.01),
                    ],
                ),
            ],
            options: Vec::new(),
            colors: Vec::new(),
            details: Vec::new(),
        }
    }

    /// Computes heads with these values of both parameters by lanes and one by one.
    fn compare(rig: &Rig) {
        let compiled = rig.compile().unwrap();
        let lanes = LaneRig::new(&compiled);
        let values: [[f32; LANES]; 2] =
            [[0.0, 0.1, 0.3, 0.5, 0.6, 0.8, 0.95, 1.0], [1.0, 0.2, 0.9, 0.5, 0.0, 0.45, 0.7, 1.0]];
        let mut strengths: Vec<Lane> = vec![[0.0; LANES]; lanes.strength_count()];
        let mut of_head = Vec::new();
        for lane in 0..LANES {
            compiled.strengths_into(&[values[0][lane], values[1][lane]], &mut of_head);
            strengths.iter_mut().zip(&of_head).for_each(|(to, strength)| to[lane] = *strength);
        }
        let mut found = vec![vec![BoneOffset::IDENTITY; compiled.bone_count()]; LANES];
        let mut heads: Vec<&mut [BoneOffset]> = found.iter_mut().map(Vec::as_mut_slice).collect();
        lanes.offsets(&strengths, &mut heads);
        let mut expected = Vec::new();
        for lane in 0..LANES {
            compiled.offsets_into(&[values[0][lane], values[1][lane]], &mut expected);
            assert_eq!(found[lane].len(), expected.len());
            for (found, expected) in found[lane].iter().zip(&expected) {
                assert!(found.translation.abs_diff_eq(expected.translation, 1e-6), "{found:?} {expected:?}");
                assert!(found.rotation.abs_diff_eq(expected.rotation, 2e-6), "{found:?} {expected:?}");
                assert!(found.scale.abs_diff_eq(expected.scale, 1e-6), "{found:?} {expected:?}");
            }
        }
    }

    #[test]
    fn lanes_agree_with_the_rig_for_any_angle() {
        compare(&rig());
    }

    #[test]
    fn lanes_agree_with_the_rig_where_ends_differ_and_curves_bend() {
        let mut rig = rig();
        rig.parameters[0].curve = Curve(2.5);
        rig.parameters[0].drives[1].low = Some(0.3);
        rig.parameters[1].drives[2].low = Some(-0.2);
        rig.parameters[1].drives[3].low = Some(0.0);
        compare(&rig);
    }
}
