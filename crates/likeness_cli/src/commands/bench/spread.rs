//! Repeated times and their spread.

use serde::Serialize;
use std::time::{Duration, Instant};

/// What numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Unit {
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "us")]
    Microseconds,
    #[serde(rename = "1/s")]
    PerSecond,
}

/// The middle and the spread of repeated measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    /// First and third quartile.
    pub(super) low: f64,
    pub(super) high: f64,
    /// The best of all.
    pub(super) best: f64,
    pub(super) runs: usize,
    pub(super) unit: Unit,
}

impl Spread {
    /// Of times in seconds. For rates, `amount` is what is done in one of them.
    pub(super) fn new(mut seconds: Vec<f64>, unit: Unit, amount: f64) -> Self {
        seconds.sort_by(f64::total_cmp);
        let convert = |seconds: f64| match unit {
            Unit::Milliseconds => seconds * 1e3,
            Unit::Microseconds => seconds * 1e6,
            Unit::PerSecond => amount / seconds,
        };
        let at = |part: f64| match seconds.len() {
            0 => f64::NAN,
            len => convert(seconds[((len - 1) as f64 * part).round() as usize]),
        };
        let (mut low, mut high) = (at(0.25), at(0.75));
        if low > high {
            std::mem::swap(&mut low, &mut high);
        }
        Self { median: at(0.5), low, high, best: at(0.0), runs: seconds.len(), unit }
    }
}

/// Runs `work` once unmeasured and then again and again for `seconds`, at least three times; answers the time of each.
///
/// # Errors
/// The first that `work` ends with.
pub(super) fn repeat<E>(seconds: f64, mut work: impl FnMut() -> Result<(), E>) -> Result<Vec<f64>, E> {
    work()?;
    let (started, limit) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut times = Vec::new();
    while times.len() < 3 || started.elapsed() < limit {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// The median of numbers; not a number where there are none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_and_rates_are_in_order() {
        let times = vec![0.004, 0.001, 0.002, 0.005, 0.003];
        let spread = Spread::new(times.clone(), Unit::Milliseconds, 1.0);
        assert_eq!((spread.low, spread.median, spread.high, spread.best, spread.runs), (2.0, 3.0, 4.0, 1.0, 5));
        let rate = Spread::new(times, Unit::PerSecond, 12.0);
        assert_eq!((rate.low.round(), rate.median, rate.high, rate.best), (3000.0, 4000.0, 6000.0, 12000.0));
        assert!(Spread::new(Vec::new(), Unit::Microseconds, 1.0).median.is_nan());
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn a_failing_part_ends_the_measurement() {
        let mut left = 3;
        let result = repeat(10.0, || {
            left -= 1;
            if left == 0 { Err("broken") } else { Ok(()) }
        });
        assert_eq!(result, Err("broken"));
    }
}
