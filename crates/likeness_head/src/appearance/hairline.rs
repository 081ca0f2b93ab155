//! Where hair grows on the scalp.

use glam::Vec3;

use crate::textures::noise::{layered, ramp};

/// The axis that the way round the head is measured about: x = 0 and this z, metres.
const AXIS: f32 = -0.072;

/// Height (metres over the eyes) of the hairline by the way round the head from the front, degrees: over the forehead,
/// down the temples to the sideburns, round the ears and down to the nape.
const LINE: [(f32, f32); 14] = [
    (0.0, 0.056),
    (12.0, 0.059),
    (24.0, 0.058),
    (33.0, 0.051),
    (40.0, 0.042),
    (50.0, 0.032),
    (58.0, 0.020),
    (66.0, 0.002),
    (72.0, -0.016),
    (80.0, -0.018),
    (98.0, -0.016),
    (116.0, -0.040),
    (135.0, -0.068),
    (180.0, -0.076),
];

/// A hairline.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hairline {
    /// How far the corners over the temples have receded, metres.
    pub corners: f32,
    /// How far the middle over the forehead has receded, metres.
    pub middle: f32,
    /// Height above which the crown is bald, metres over the eyes; zero for none.
    pub crown: f32,
    /// How far the sideburns reach further down, metres.
    pub sideburns: f32,
}

/// The way round the head from the front, degrees, 0..180 on both sides.
pub fn round(p: Vec3) -> f32 {
    p.x.abs().atan2(p.z - AXIS).to_degrees()
}

impl Hairline {
    /// How far a place of the scalp lies inside the hairline, metres; negative outside.
    pub fn depth(&self, p: Vec3) -> f32 {
        let round = round(p);
        let k = LINE.iter().rposition(|(at, _)| *at <= round).unwrap_or(0).min(LINE.len() - 2);
        let (a, b) = (LINE[k], LINE[k + 1]);
        let t = ((round - a.0) / (b.0 - a.0)).clamp(0.0, 1.0);
        let mut line = a.1 + (b.1 - a.1) * t * t * (3.0 - 2.0 * t);
        line += self.middle * ramp(34.0, 10.0, round);
        line += self.corners * ramp(9.0, 22.0, round) * ramp(58.0, 36.0, round);
        line -= self.sideburns * ramp(66.0, 72.0, round) * ramp(92.0, 84.0, round);
        let uneven = 0.0016 * layered(p * 90.0, 2, 71) + 0.0010 * layered(p * 420.0, 1, 72);
        let mut depth = p.y - line + uneven;
        if round > 60.0 && round < 84.0 {
            // The sideburn's front edge.
            let edge = (round - 66.0) * 0.0014 + 0.012 * ramp(0.0, 0.03, p.y) + 0.03 * ramp(0.020, 0.045, p.y);
            depth = depth.min(edge + uneven);
        }
        if self.crown > 0.0 {
            let front = 0.02 * ramp(60.0, 20.0, round);
            depth = depth.min(self.crown - front - p.y + uneven * 2.0);
        }
        depth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crown_is_inside_and_the_face_outside() {
        let line = Hairline::default();
        assert!(line.depth(Vec3::new(0.0, 0.12, -0.07)) > 0.02);
        assert!(line.depth(Vec3::new(0.0, 0.03, -0.172)) > 0.02);
        assert!(line.depth(Vec3::new(0.0, 0.03, 0.028)) < -0.02);
        assert!(line.depth(Vec3::new(0.05, -0.04, 0.0)) < -0.02);
        let bald = Hairline { crown: 0.07, ..line };
        assert!(bald.depth(Vec3::new(0.0, 0.12, -0.07)) < -0.02);
        assert!(bald.depth(Vec3::new(0.0, 0.03, -0.172)) > 0.02);
    }
}
