//! The other way round: from where a bone should be to the values that bring it there.

use crate::CompiledRig;
use crate::compile::CHANNELS;

/// What counts as one step of a channel: metres, radians, scale.
const STEP: [f32; CHANNELS] = [0.002, 0.002, 0.002, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05];
/// How much a change of a value costs against a miss of the bone, both in steps: just enough to choose among many ways.
const RELUCTANCE: f32 = 0.01;
const SWEEPS: usize = 200;
/// A sweep that changes no value by more than this is the last, and a value that changed by less in all stays as it was.
const SETTLED: f32 = 1e-5;

impl CompiledRig {
    /// The values nearest to `values`, all in 0..1, whose face has the channels of `bone` as near as possible to `target`:
    /// bounded least squares by coordinate descent. Parameters that move other bones as well are used with reluctance.
    /// Values are in the rig's order, missing ones count as neutral; a bone out of range leaves them as they are.
    ///
    /// The unknowns are half the strengths: the channels are linear in them above neutral, and below.
    pub fn values_toward(&self, bone: usize, target: &[f32; CHANNELS], values: &[f32]) -> Vec<f32> {
        let mut solved = self.usable(values);
        if bone >= self.bone_count() || target.iter().any(|channel| !channel.is_finite()) {
            return solved;
        }
        let now = self.channels_of(bone, &solved);
        let mut miss: [f32; CHANNELS] = std::array::from_fn(|channel| (target[channel] - now[channel]) / STEP[channel]);
        let columns: Vec<Column> = self.columns(bone);
        let start: Vec<f32> = columns
            .iter()
            .map(|column| 0.5 * self.curve(column.parameter).strength(solved[column.parameter]))
            .collect();
        let mut places = start.clone();
        for _ in 0..SWEEPS {
            let mut largest = 0.0_f32;
            for ((column, place), start) in columns.iter().zip(&mut places).zip(&start) {
                // The miss without this parameter.
                let alone = added(&miss, &column.effect(*place), 1.0);
                let best = column.best(&alone, *start);
                miss = added(&alone, &column.effect(best), -1.0);
                largest = largest.max((best - *place).abs());
                *place = best;
            }
            if largest < SETTLED {
                break;
            }
        }
        for ((column, place), start) in columns.iter().zip(&places).zip(&start) {
            if (place - start).abs() > SETTLED {
                solved[column.parameter] = self.curve(column.parameter).value(2.0 * place);
            }
        }
        solved
    }

    /// The parameters that move a bone.
    fn columns(&self, bone: usize) -> Vec<Column> {
        let (matrix, rows, strengths) = self.channel_matrix();
        // Per half of the strength.
        let slope = |row: usize, strength: usize| 2.0 * matrix[row * strengths + strength] / STEP[row % CHANNELS];
        let half = |strength: usize| {
            let here: [f32; CHANNELS] = std::array::from_fn(|channel| slope(bone * CHANNELS + channel, strength));
            let square: f32 = here.iter().map(|slope| slope * slope).sum();
            let all: f32 = (0..rows).map(|row| slope(row, strength).powi(2)).sum();
            Half { here, square, reluctance: (RELUCTANCE * (square + all)).sqrt() }
        };
        (0..self.parameter_count())
            .filter_map(|parameter| {
                let [above, below] = self.strength_places(parameter).map(half);
                (above.square + below.square > 0.0).then_some(Column { parameter, above, below })
            })
            .collect()
    }
}

/// What a parameter does to a bone.
struct Column {
    parameter: usize,
    above: Half,
    below: Half,
}

/// On one side of neutral, in steps per half of the strength.
struct Half {
    here: [f32; CHANNELS],
    /// The sum of the squares of `here`.
    square: f32,
    /// How much going further costs.
    reluctance: f32,
}

impl Column {
    fn half(&self, place: f32) -> &Half {
        if place < 0.0 { &self.below } else { &self.above }
    }

    /// What the parameter does to the bone at a place, -0.5..0.5.
    fn effect(&self, place: f32) -> [f32; CHANNELS] {
        self.half(place).here.map(|slope| slope * place)
    }

    /// The place that leaves the least of a miss, with the cost of going there from `start`: the better one of the best
    /// above and the best below neutral, on the side of the start when both are as good.
    fn best(&self, miss: &[f32; CHANNELS], start: f32) -> f32 {
        let kept = self.half(start).reluctance * start;
        let [above, below] = [(&self.above, 0.0, 0.5), (&self.below, -0.5, 0.0)].map(|(half, low, high)| {
            let pull: f32 = half.here.iter().zip(miss).map(|(slope, miss)| slope * miss).sum();
            let stiffness = half.square + half.reluctance.powi(2);
            // A side without effect is no reason to leave it.
            let place = if stiffness > 0.0 { (pull + half.reluctance * kept) / stiffness } else { start };
            let place = place.clamp(low, high);
            let left: f32 = added(miss, &half.here, -place).iter().map(|miss| miss * miss).sum();
            (place, left + (half.reluctance * place - kept).powi(2))
        });
        let [own, other] = if start < 0.0 { [below, above] } else { [above, below] };
        if other.1 < own.1 { other.0 } else { own.0 }
    }
}

/// `a + factor * b`.
fn added(a: &[f32; CHANNELS], b: &[f32; CHANNELS], factor: f32) -> [f32; CHANNELS] {
    std::array::from_fn(|channel| a[channel] + factor * b[channel])
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
    fn a_bone_comes_to_where_it_should_be_by_either_end_of_a_bent_range() {
        let mut rig = synthetic::rig();
        let index = |rig: &crate::Rig, name: &str| rig.parameter_index(name).unwrap();
        let (across, along) = (index(&rig, "nose.0"), index(&rig, "nose.2"));
        rig.parameters[across].curve = crate::Curve(3.0);
        rig.parameters[across].drives[0].low = Some(-0.002);
        rig.parameters[along].curve = crate::Curve(0.4);
        rig.parameters[along].drives[0].low = Some(0.004);
        let compiled = rig.compile().unwrap();
        let solve = |x: f32, z: f32, start: &[f32]| {
            let mut target = [0.0; CHANNELS];
            (target[0], target[2]) = (x, z);
            let values = compiled.values_toward(0, &target, start);
            assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
            (values.clone(), compiled.channels_of(0, &values))
        };
        let near = |reached: f32, wanted: f32| (reached - wanted).abs() < 2e-4;
        // From neutral, where the steep curve is flat, up and down.
        let (values, reached) = solve(0.006, 0.008, &[]);
        assert!(near(reached[0], 0.006) && near(reached[2], 0.008) && values[across] > 0.5, "{reached:?}");
        let (values, reached) = solve(-0.0015, 0.0, &[]);
        assert!(near(reached[0], -0.0015) && reached[2].abs() < 1e-5 && values[across] < 0.5, "{reached:?}");
        // From one half of the range into the other.
        let (across_again, reached) = solve(0.006, 0.0, &values);
        assert!(near(reached[0], 0.006) && across_again[across] > 0.5, "{reached:?}");
        // Both ends go forward: backward it stays, and the lower end stops where it ends.
        let (values, reached) = solve(-0.009, -0.01, &[]);
        assert!(near(reached[0], -0.002) && values[across] == 0.0 && reached[2] == 0.0, "{reached:?}");
    }

    #[test]
    fn values_that_need_not_move_keep_their_bits() {
        let compiled = synthetic::bent_rig().compile().unwrap();
        let start = synthetic::values(&synthetic::bent_rig(), 8);
        let there = compiled.channels_of(1, &start);
        assert_eq!(compiled.values_toward(1, &there, &start), start);
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
