//! The strengths of all parameters of a rig.

use crate::Curve;

/// How values become strengths: those of the parameters in order, then a second one for each parameter whose ends differ.
#[derive(Clone, Debug)]
pub(super) struct Strengths {
    curves: Vec<Curve>,
    /// The parameters that do not go as far down as up, ascending. Their strength above neutral stays at their own place,
    /// that below neutral has a place after those of all parameters.
    uneven: Vec<usize>,
}

impl Strengths {
    pub(super) fn new(curves: Vec<Curve>, uneven: impl IntoIterator<Item = usize>) -> Self {
        Self { curves, uneven: uneven.into_iter().collect() }
    }

    pub(super) fn parameter_count(&self) -> usize {
        self.curves.len()
    }

    /// The parameter of each strength.
    pub(super) fn parameters(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        let all = self.curves.len();
        (0..all + self.uneven.len()).map(move |place| place.checked_sub(all).map_or(place, |place| self.uneven[place]))
    }

    /// The place of a parameter's strength below neutral; none for parameters that have one strength.
    pub(super) fn below(&self, parameter: usize) -> Option<usize> {
        self.uneven.binary_search(&parameter).ok().map(|place| self.curves.len() + place)
    }

    /// Whether the effect of a parameter is proportional to its value's distance from neutral.
    pub(super) fn is_straight(&self, parameter: usize) -> bool {
        self.curves.get(parameter).is_none_or(Curve::is_straight) && self.below(parameter).is_none()
    }

    /// The curve of a parameter.
    pub(super) fn curve(&self, parameter: usize) -> Curve {
        self.curves.get(parameter).copied().unwrap_or_default()
    }

    pub(super) fn fill(&self, values: &[f32], out: &mut Vec<f32>) {
        out.clear();
        let known = self.curves.iter().zip(values);
        out.extend(known.map(|(curve, value)| curve.strength(*value)));
        out.resize(self.curves.len(), 0.0);
        for &parameter in &self.uneven {
            let strength = out[parameter];
            out[parameter] = strength.max(0.0);
            out.push(strength.min(0.0));
        }
    }

    pub(super) fn fill_slopes(&self, values: &[f32], out: &mut Vec<f32>) {
        let value = |parameter: usize| values.get(parameter).copied().unwrap_or(0.5);
        out.clear();
        out.extend(self.curves.iter().enumerate().map(|(parameter, curve)| curve.slope(value(parameter))));
        for &parameter in &self.uneven {
            let (slope, strength) = (out[parameter], self.curves[parameter].strength(value(parameter)));
            // At neutral the mean of both sides.
            let above = if strength > 0.0 {
                1.0
            } else if strength < 0.0 {
                0.0
            } else {
                0.5
            };
            out[parameter] = slope * above;
            out.push(slope * (1.0 - above));
        }
    }
}
