//! How a run goes along: learning rate, strength of the gradient reversal, phases, and when it stops.

use std::str::FromStr;

/// The strength of the gradient reversal at progress `p` in 0..1: `2 / (1 + e^(-10 p)) - 1` (Ganin et al. 2016). It starts at zero, so
/// that the domain network learns something before it is worked against.
pub fn reversal_strength(progress: f64) -> f64 {
    2.0 / (1.0 + (-10.0 * progress.clamp(0.0, 1.0)).exp()) - 1.0
}

/// A learning rate that rises over the first `warm_up` of the run and then falls along a cosine to a hundredth.
pub fn learning_rate(peak: f64, progress: f64, warm_up: f64) -> f64 {
    let p = progress.clamp(0.0, 1.0);
    if p < warm_up {
        return peak * (p / warm_up).max(0.02);
    }
    let along = (p - warm_up) / (1.0 - warm_up).max(f64::MIN_POSITIVE);
    peak * (0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * along).cos()))
}

/// Which networks a phase adjusts (A8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// The feature extraction layer: the residual modules.
    pub extractor: bool,
    /// The fully connected layers and the side outputs.
    pub connected: bool,
    /// The domain network.
    pub domain: bool,
}

impl Adjusted {
    /// All networks.
    pub const ALL: Self = Self { extractor: true, connected: true, domain: true };
}

/// A list of phases, each a share of the run and the networks that it adjusts. Written `0.1:domain,0.9:extractor+connected+domain`.
#[derive(Clone, Debug, PartialEq)]
pub struct Phases(Vec<(f64, Adjusted)>);

impl Default for Phases {
    fn default() -> Self {
        Self(vec![(1.0, Adjusted::ALL)])
    }
}

impl Phases {
    /// What is adjusted at `progress` in 0..1.
    pub fn at(&self, progress: f64) -> Adjusted {
        let total: f64 = self.0.iter().map(|(share, _)| share).sum();
        let mut end = 0.0;
        for (share, adjusted) in &self.0 {
            end += share / total;
            if progress < end {
                return *adjusted;
            }
        }
        self.0.last().map_or(Adjusted::ALL, |(_, adjusted)| *adjusted)
    }
}

impl FromStr for Phases {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut phases = Vec::new();
        for part in text.split(',') {
            let (share, names) = part
                .split_once(':')
                .ok_or_else(|| format!("`{part}`: write SHARE:NETWORK+NETWORK, for example 0.2:domain"))?;
            let share: f64 = share.trim().parse().map_err(|_| format!("`{share}`: write a number above 0"))?;
            if !(share.is_finite() && share > 0.0) {
                return Err(format!("`{share}`: write a number above 0"));
            }
            let mut adjusted = Adjusted { extractor: false, connected: false, domain: false };
            for name in names.split('+') {
                match name.trim() {
                    "extractor" => adjusted.extractor = true,
                    "connected" => adjusted.connected = true,
                    "domain" => adjusted.domain = true,
                    "all" => adjusted = Adjusted::ALL,
                    other => return Err(format!("`{other}`: the networks are extractor, connected, domain and all")),
                }
            }
            phases.push((share, adjusted));
        }
        Ok(Self(phases))
    }
}

/// Stops a run when the sum of the losses has gone below a threshold (A8). The sum is smoothed, so that one lucky batch does
/// not stop it.
#[derive(Clone, Copy, Debug)]
pub struct ThresholdStop {
    threshold: Option<f64>,
    smoothed: Option<f64>,
    seen: u32,
}

impl ThresholdStop {
    /// Batches that are seen before it may stop.
    const LEAST: u32 = 20;

    /// A stop at `threshold`, or never.
    pub fn new(threshold: Option<f64>) -> Self {
        Self { threshold, smoothed: None, seen: 0 }
    }

    /// Takes in the sum of the losses of one step; true when training is to stop.
    pub fn reached(&mut self, sum: f64) -> bool {
        let smoothed = self.smoothed.map_or(sum, |old| 0.9 * old + 0.1 * sum);
        self.smoothed = Some(smoothed);
        self.seen += 1;
        self.seen >= Self::LEAST && self.threshold.is_some_and(|threshold| smoothed < threshold)
    }

    /// The state that a checkpoint keeps.
    pub fn state(&self) -> (f64, u32) {
        (self.smoothed.unwrap_or(f64::NAN), self.seen)
    }

    /// Puts a kept state back.
    pub fn restore(&mut self, (smoothed, seen): (f64, u32)) {
        self.smoothed = smoothed.is_finite().then_some(smoothed);
        self.seen = seen;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use super::*;

    #[test]
    fn reversal_starts_at_nothing_and_ends_near_one() {
        assert_eq!(reversal_strength(0.0), 0.0);
        assert!((reversal_strength(0.1) - 0.462_117).abs() < 1e-5);
        assert!((reversal_strength(1.0) - 0.999_909).abs() < 1e-5);
        assert!(
            (0..100).all(|i| reversal_strength(f64::from(i) / 100.0) < reversal_strength(f64::from(i + 1) / 100.0))
        );
        assert_eq!(reversal_strength(5.0), reversal_strength(1.0));
    }

    #[test]
    fn the_learning_rate_rises_and_falls() {
        assert!(learning_rate(1.0, 0.0, 0.1) < 0.05);
        assert!((learning_rate(1.0, 0.1, 0.1) - 1.0).abs() < 1e-9);
        assert!((learning_rate(1.0, 1.0, 0.1) - 0.01).abs() < 1e-9);
    }

    #[test]
    fn phases_choose_the_networks() {
        let phases: Phases = "1:domain,3:extractor+connected".parse().unwrap();
        assert_eq!(phases.at(0.2), Adjusted { extractor: false, connected: false, domain: true });
        assert_eq!(phases.at(0.3), Adjusted { extractor: true, connected: true, domain: false });
        assert_eq!(phases.at(1.0), Adjusted { extractor: true, connected: true, domain: false });
        assert_eq!(Phases::default().at(0.5), Adjusted::ALL);
        for wrong in ["", "domain", "0:domain", "x:domain", "1:nose", "nan:all"] {
            assert!(wrong.parse::<Phases>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_threshold_stops_only_when_the_smoothed_sum_is_below() {
        let mut never = ThresholdStop::new(None);
        assert!((0..100).all(|_| !never.reached(0.0)));
        let mut stop = ThresholdStop::new(Some(1.0));
        assert!((0..50).all(|_| !stop.reached(2.0)));
        assert!(!stop.reached(0.0), "one low batch is not enough");
        assert!((0..50).any(|_| stop.reached(0.5)));
    }

    #[test]
    fn the_threshold_goes_on_after_a_restore() {
        let mut whole = ThresholdStop::new(Some(1.0));
        let mut first = ThresholdStop::new(Some(1.0));
        for _ in 0..30 {
            whole.reached(3.0);
            first.reached(3.0);
        }
        let mut second = ThresholdStop::new(Some(1.0));
        second.restore(first.state());
        for _ in 0..30 {
            assert_eq!(whole.reached(0.7), second.reached(0.7));
        }
    }
}
