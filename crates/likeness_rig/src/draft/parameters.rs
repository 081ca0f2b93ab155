//! The parameters of a drafted rig.

use glam::Vec3;

use super::names::{JointName, Side};
use super::space::EYE_DISTANCE;
use crate::{Bone, Channel, Curve, Drive, HeadMesh, Parameter, Prior, RangeCheck, Result, Rig};

/// How far joints of a region move at the ends of a slider on a head of usual size, metres.
const REACH: [(&str, f32); 5] = [("eye", 0.002), ("mouth", 0.003), ("jaw", 0.006), ("ear", 0.006), ("skull", 0.008)];
const USUAL_REACH: f32 = 0.004;
/// How much joints grow at the ends of a slider.
const GROWTH: f32 = 0.12;
/// Ranges that turn or cross the skin shrink by this factor, so many times at most.
const SHRINK: f32 = 0.75;
const ATTEMPTS: usize = 8;
/// Sliders that move no vertex further than this are left out, metres.
const LEAST_MOVEMENT: f32 = 0.0002;
/// The standard deviation of each value in the drafted prior: faces differ mildly and without connection.
const SPREAD: f32 = 0.12;
/// Half the step that the vertices' movement is measured with.
const STEP: f32 = 0.1;

/// What a slider does to a joint.
struct Move {
    noun: &'static str,
    words: &'static str,
    channels: &'static [Channel],
    /// Only for joints with a twin.
    paired: bool,
}

const MOVES: [Move; 5] = [
    Move { noun: "spread", words: "further apart", channels: &[Channel::TranslationX], paired: true },
    Move { noun: "raise", words: "higher", channels: &[Channel::TranslationY], paired: false },
    Move { noun: "forward", words: "further forward", channels: &[Channel::TranslationZ], paired: false },
    Move { noun: "width", words: "wider", channels: &[Channel::ScaleX], paired: false },
    Move {
        noun: "size",
        words: "larger",
        channels: &[Channel::ScaleX, Channel::ScaleY, Channel::ScaleZ],
        paired: false,
    },
];

/// The sliders of each joint and its twin; twins share theirs.
pub(super) fn parameters(bones: &[(Bone, JointName)], eye_distance: f32) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for (bone, name) in bones {
        let region = name.region.unwrap_or("face");
        if bone.mirror.is_some() && name.side == Side::Right {
            continue;
        }
        let reach = REACH.iter().find(|(known, _)| *known == region).map_or(USUAL_REACH, |(_, reach)| *reach);
        let reach = reach * eye_distance / EYE_DISTANCE;
        let lone = match name.side {
            _ if bone.mirror.is_some() => "",
            Side::Left => "_left",
            Side::Right => "_right",
            Side::Middle => "",
        };
        for moves in MOVES.iter().filter(|moves| !moves.paired || bone.mirror.is_some()) {
            let drive = |channel: &Channel| Drive {
                bone: bone.name.clone(),
                channel: *channel,
                amount: if channel.index() < 3 { rounded(reach) } else { GROWTH },
                low: None,
                mirror: bone.mirror.is_some(),
            };
            parameters.push(Parameter {
                name: format!("{region}.{}{lone}.{}", name.stem, moves.noun),
                caption: format!("{}: {}", sentence(&name.stem), moves.words),
                region: region.to_owned(),
                curve: Curve::STRAIGHT,
                drives: moves.channels.iter().map(drive).collect(),
                renamed_from: Vec::new(),
            });
        }
    }
    parameters
}

/// `lip_upper` is "Lip upper".
fn sentence(stem: &str) -> String {
    let words = stem.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Four significant digits, as a person would write.
fn rounded(amount: f32) -> f32 {
    let scale = 10.0_f32.powf(3.0 - amount.abs().max(1e-9).log10().floor());
    (amount * scale).round() / scale
}

/// Shrinks ranges until the skin is whole at both ends, and drops sliders that move nothing. Gives how many were shrunk and
/// how many dropped.
pub(super) fn fit_ranges(rig: &mut Rig, mesh: &HeadMesh) -> Result<(usize, usize)> {
    let mut check = RangeCheck::new(rig, mesh)?;
    let (mut shrunk, mut still) = (0, Vec::new());
    for index in 0..rig.parameters.len() {
        if check.movement(index).into_iter().fold(0.0, f32::max) < LEAST_MOVEMENT {
            still.push(rig.parameters[index].name.clone());
            continue;
        }
        for attempt in 0..ATTEMPTS {
            if check.faults(index).is_empty() {
                break;
            }
            shrunk += usize::from(attempt == 0);
            for drive in &mut rig.parameters[index].drives {
                drive.amount = rounded(drive.amount * SHRINK);
            }
            check.set_rig(rig)?;
        }
    }
    // A rig needs at least one slider.
    if still.len() < rig.parameters.len() {
        rig.parameters.retain(|parameter| !still.contains(&parameter.name));
    }
    Ok((shrunk, still.len()))
}

impl Prior {
    /// A prior for a rig of which no natural faces are known: every value varies mildly and on its own around neutral.
    ///
    /// # Errors
    /// The errors of [`RangeCheck::new`].
    pub fn independent(rig: &Rig, mesh: &HeadMesh) -> Result<Self> {
        let count = rig.parameters.len();
        let mut factor = vec![0.0; count * count];
        for index in 0..count {
            factor[index * count + index] = SPREAD;
        }
        Ok(Self {
            mean: vec![0.5; count],
            factor,
            rank: count,
            vertex_motion: vertex_motion(rig, mesh)?,
            rig_id: rig.id.clone(),
            rig_version: rig.version,
        })
    }

    /// The prior after the rig became `rig`: parameters keep what is known of them under their present or former names, new
    /// ones vary mildly and on their own.
    ///
    /// # Errors
    /// The errors of [`RangeCheck::new`].
    pub fn carried_over(&self, old: &Rig, rig: &Rig, mesh: &HeadMesh) -> Result<Self> {
        let known: Vec<Option<usize>> = rig
            .parameters
            .iter()
            .map(|parameter| {
                let names = std::iter::once(&parameter.name).chain(&parameter.renamed_from);
                names.filter_map(|name| old.parameter_index(name)).find(|index| *index < self.mean.len())
            })
            .collect();
        let fresh = known.iter().filter(|index| index.is_none()).count();
        let rank = self.rank + fresh;
        let mut factor = vec![0.0; known.len() * rank];
        let mut next = self.rank;
        for (row, index) in factor.chunks_exact_mut(rank.max(1)).zip(&known) {
            match index {
                Some(index) => {
                    row[..self.rank].copy_from_slice(&self.factor[index * self.rank..(index + 1) * self.rank]);
                }
                None => {
                    row[next] = SPREAD;
                    next += 1;
                }
            }
        }
        Ok(Self {
            mean: known.iter().map(|index| index.map_or(0.5, |index| self.mean[index])).collect(),
            factor,
            rank,
            vertex_motion: vertex_motion(rig, mesh)?,
            rig_id: rig.id.clone(),
            rig_version: rig.version,
        })
    }
}

/// The root mean square movement of the skin's vertices, metres per unit of each value: around neutral, or over both halves
/// of the range of a parameter whose effect is not proportional to its value.
fn vertex_motion(rig: &Rig, mesh: &HeadMesh) -> Result<Vec<f32>> {
    let (check, compiled) = (RangeCheck::new(rig, mesh)?, rig.compile()?);
    let at = |index: usize, value: f32| {
        let mut values = vec![0.5; rig.parameters.len()];
        values[index] = value;
        check.placed(&values)
    };
    let slope = |index: usize, (middle, step): (f32, f32)| {
        let (low, high): (Vec<Vec3>, Vec<Vec3>) = (at(index, middle - step), at(index, middle + step));
        let squares: f32 = low.iter().zip(&high).map(|(a, b)| a.distance_squared(*b)).sum();
        (squares / low.len().max(1) as f32).sqrt() / (2.0 * step)
    };
    let motion = |index: usize| {
        let spans = compiled.spans(index, 0.5, STEP);
        let squares: f32 = spans.iter().map(|span| slope(index, *span).powi(2)).sum();
        (squares / spans.len() as f32).sqrt()
    };
    Ok((0..rig.parameters.len()).map(motion).collect())
}
