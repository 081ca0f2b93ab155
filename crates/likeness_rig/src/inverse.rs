//! The other way round: from where a bone should be to the values that bring it there.

use crate::CompiledRig;
use crate::compile::CHANNELS;

/// What counts as one step of a channel: metres, radians, scale.
const STEP: [f32; CHANNELS] = [0.002, 0.002, 0.002, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05];
/// How much a change of a value costs against a miss of the bone, both in steps: just enough to choose among many ways.
const RELUCTANCE: f32 = 0.01;
const SWEEPS: usize = 200;
/// A sweep that changes no value by more than this is the last.
const SETTLED: f32 = 1e-5;

impl CompiledRig {
    /// The values nearest to `values`, all in 0..1, whose face has the channels of `bone` as near as possible to `target`:
    /// bounded least squares by coordinate descent. Parameters that move other bones as well are used with reluctance.
    /// Values are in the rig's order, missing ones count as neutral; a bone out of range leaves them as they are.
    pub fn values_toward(&self, bone: usize, target: &[f32; CHANNELS], values: &[f32]) -> Vec<f32> {
        let mut solved = self.usable(values);
        if bone >= self.bone_count() || target.iter().any(|channel| !channel.is_finite()) {
            return solved;
        }
        let start = solved.clone();
        let now = self.channels_of(bone, &start);
        let mut miss: [f32; CHANNELS] = std::array::from_fn(|channel| (target[channel] - now[channel]) / STEP[channel]);
        let columns: Vec<Column> = self.columns(bone);
        for _ in 0..SWEEPS {
            let mut largest = 0.0_f32;
            for column in &columns {
                let value = &mut solved[column.parameter];
                let pull: f32 = column.here.iter().zip(&miss).map(|(slope, miss)| slope * miss).sum();
                let drift = *value - start[column.parameter];
                let step = (pull - column.cost * drift) / (column.square + column.cost);
                let changed = (*value + step).clamp(0.0, 1.0) - *value;
                *value += changed;
                for (miss, slope) in miss.iter_mut().zip(&column.here) {
                    *miss -= slope * changed;
                }
                largest = largest.max(changed.abs());
            }
            if largest < SETTLED {
                break;
            }
        }
        solved
    }

    /// The parameters that move a bone.
    fn columns(&self, bone: usize) -> Vec<Column> {
        let (matrix, rows, parameters) = self.channel_matrix();
        let slope = |row: usize, parameter: usize| matrix[row * parameters + parameter] / STEP[row % CHANNELS];
        (0..parameters)
            .filter_map(|parameter| {
                let here: [f32; CHANNELS] = std::array::from_fn(|channel| slope(bone * CHANNELS + channel, parameter));
                let square: f32 = here.iter().map(|slope| slope * slope).sum();
                let all: f32 = (0..rows).map(|row| slope(row, parameter).powi(2)).sum();
                let cost = RELUCTANCE * (square + all);
                (square > 0.0).then_some(Column { parameter, here, square, cost })
            })
            .collect()
    }
}

/// What a unit of a parameter does to a bone, in steps.
struct Column {
    parameter: usize,
    here: [f32; CHANNELS],
    /// The sum of the squares of `here`.
    square: f32,
    cost: f32,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::synthetic;

    #[test]
    fn a_bone_comes_to_where_it_should_be() {
        let rig = synthetic::rig();
        let compiled = rig.compile().unwrap();
        let bone = rig.bones.iter().position(|bone| bone.name == "chin").unwrap();
        let mut target = [0.0; CHANNELS];
        target[..3].copy_from_slice(&[0.004, -0.006, 0.002]);
        let values = compiled.values_toward(bone, &target, &[]);
        let reached = compiled.channels_of(bone, &values);
        for (reached, target) in reached.iter().zip(target) {
            assert!((reached - target).abs() < 3e-4, "{reached} instead of {target}");
        }
    }

    #[test]
    fn values_stay_in_range_and_bones_that_are_not_there_change_nothing() {
        let compiled = synthetic::rig().compile().unwrap();
        let far = compiled.values_toward(0, &[1.0; CHANNELS], &[f32::NAN, 7.0]);
        assert!(far.iter().all(|value| (0.0..=1.0).contains(value)), "{far:?}");
        let neutral = vec![0.5; compiled.parameter_count()];
        assert_eq!(compiled.values_toward(99, &[0.1; CHANNELS], &[]), neutral);
        assert_eq!(compiled.values_toward(0, &[f32::NAN; CHANNELS], &[]), neutral);
    }
}
