//! From a parameter's value to how strongly its drives act.

use serde::{Deserialize, Serialize};

/// The value of a parameter that does nothing.
const NEUTRAL: f32 = 0.5;
/// Nearer to neutral than this (neutral 0, ends 1) the slope is that of this distance: there the slope of a bent curve is
/// none or without bound, and neither leads a solver anywhere.
const NEAR: f32 = 0.05;

/// How the effect of a parameter grows from neutral to the ends of its range: the strength of a value is
/// `sign(t) * |t|^exponent` with `t = 2 * value - 1`.
///
/// Amounts of drives are multiplied by the strength. It is 0 at the neutral value 0.5, 1 at value 1 and -1 at value 0,
/// whatever the exponent. With exponent 1 it is a straight line. A greater one makes the slider finer around neutral and
/// coarser at its ends, a smaller one the other way round. Beyond 0..1, where no face is but a network in training may
/// answer, the strength goes on straight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Curve(
    /// The exponent, [`Curve::MIN`]..[`Curve::MAX`].
    pub f32,
);

impl Curve {
    /// A straight line: what files without a curve mean.
    pub const STRAIGHT: Self = Self(1.0);
    /// The least exponent.
    pub const MIN: f32 = 0.25;
    /// The greatest exponent.
    pub const MAX: f32 = 4.0;

    /// Whether the strength is proportional to the distance from neutral.
    pub fn is_straight(&self) -> bool {
        self.0 == 1.0
    }

    /// The strength of a value: -1..1 for values in 0..1, NaN for NaN.
    pub fn strength(self, value: f32) -> f32 {
        let t = 2.0 * (value - NEUTRAL);
        if self.is_straight() {
            return t;
        }
        let distance = t.abs();
        let bent = if distance > 1.0 { 1.0 + self.0 * (distance - 1.0) } else { distance.powf(self.0) };
        bent.copysign(t)
    }

    /// The value, 0..1, that has a strength; strengths beyond -1..1 give the ends.
    pub fn value(self, strength: f32) -> f32 {
        let t = if self.is_straight() { strength } else { strength.abs().powf(1.0 / self.0).copysign(strength) };
        (NEUTRAL + 0.5 * t).clamp(0.0, 1.0)
    }

    /// The change of the strength per unit of the value, finite and above zero for all numbers: close to neutral, where the
    /// exact one need not be, it is that of a place nearby.
    pub fn slope(self, value: f32) -> f32 {
        if self.is_straight() {
            return 2.0;
        }
        let distance = (2.0 * (value - NEUTRAL)).abs().clamp(NEAR, 1.0);
        2.0 * self.0 * distance.powf(self.0 - 1.0)
    }

    /// A value, 0..1, moved so that the effect changes as `by` changes it on a straight curve: even steps of `by` are even
    /// steps of the face, also where the curve is flat or steep.
    pub fn moved(self, value: f32, by: f32) -> f32 {
        if self.is_straight() {
            return (value + by).clamp(0.0, 1.0);
        }
        self.value(self.strength(value) + 2.0 * by)
    }
}

impl Default for Curve {
    fn default() -> Self {
        Self::STRAIGHT
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_and_neutral_stay_where_they_are() {
        for exponent in [Curve::MIN, 0.5, 1.0, 2.0, Curve::MAX] {
            let curve = Curve(exponent);
            assert_eq!([0.0, 0.5, 1.0].map(|value| curve.strength(value)), [-1.0, 0.0, 1.0], "{exponent}");
            assert_eq!([-7.0, -1.0, 0.0, 1.0, 7.0].map(|strength| curve.value(strength)), [0.0, 0.0, 0.5, 1.0, 1.0]);
            assert!(curve.strength(f32::NAN).is_nan());
        }
        assert_eq!(Curve(2.0).strength(0.75), 0.25);
        assert_eq!(Curve(2.0).strength(0.25), -0.25);
        assert_eq!(Curve(0.5).strength(0.625), 0.5);
    }

    #[test]
    fn a_straight_curve_changes_no_bit() {
        for step in 0_u16..=1000 {
            let value = f32::from(step) / 1000.0;
            assert_eq!(Curve::STRAIGHT.strength(value), 2.0 * (value - 0.5));
            assert_eq!(Curve::STRAIGHT.moved(value, 0.0), value);
        }
    }

    proptest! {
        #[test]
        fn a_strength_tells_its_value(exponent in Curve::MIN..=Curve::MAX, value in 0.0_f32..=1.0) {
            let curve = Curve(exponent);
            prop_assert!((curve.value(curve.strength(value)) - value).abs() < 1e-5);
            prop_assert!((curve.moved(value, 0.0) - value).abs() < 1e-5);
        }

        #[test]
        fn strengths_rise_with_the_value_and_mirror_about_neutral(
            exponent in Curve::MIN..=Curve::MAX,
            value in -0.5_f32..1.5,
            more in 0.001_f32..0.5,
        ) {
            let curve = Curve(exponent);
            prop_assert!(curve.strength(value + more) > curve.strength(value));
            prop_assert!((curve.strength(1.0 - value) + curve.strength(value)).abs() < 1e-4);
        }

        #[test]
        fn slopes_are_the_differences_and_finite_everywhere(
            exponent in Curve::MIN..=Curve::MAX,
            value in -0.5_f32..1.5,
        ) {
            const STEP: f32 = 1e-3;
            let (curve, t) = (Curve(exponent), (2.0 * value - 1.0).abs());
            let slope = curve.slope(value);
            prop_assert!(slope.is_finite() && slope > 0.0);
            let difference = (curve.strength(value + STEP) - curve.strength(value - STEP)) / (2.0 * STEP);
            if t > NEAR + 2.0 * STEP && (t - 1.0).abs() > 2.0 * STEP {
                prop_assert!((slope - difference).abs() < 0.01 * slope, "{} {}", slope, difference);
            }
        }
    }
}
