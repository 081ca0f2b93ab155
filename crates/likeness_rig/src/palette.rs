//! Natural colours of skin, eyes, hair and lips, for drawing random people.

use rand::{Rng, RngExt};

/// The skin colour that textures of skin are painted for, linear RGB: a face of this colour shows its texture as it is.
pub const SKIN_REFERENCE: [f32; 3] = [0.60, 0.36, 0.26];

/// Linear RGB of skin from the lightest to the darkest.
const SKIN: [[f32; 3]; 6] = [
    [0.84, 0.63, 0.53],
    [0.75, 0.50, 0.39],
    [0.60, 0.36, 0.25],
    [0.42, 0.23, 0.14],
    [0.24, 0.12, 0.07],
    [0.095, 0.045, 0.028],
];
const LIGHT_IRISES: [[f32; 3]; 4] = [[0.12, 0.25, 0.45], [0.22, 0.28, 0.30], [0.16, 0.24, 0.10], [0.26, 0.17, 0.06]];
const DARK_IRIS: [f32; 3] = [0.10, 0.045, 0.018];
const HAIRS: [[f32; 3]; 5] =
    [[0.06, 0.03, 0.015], [0.18, 0.09, 0.04], [0.45, 0.30, 0.14], [0.22, 0.07, 0.03], [0.45, 0.44, 0.43]];
const DARK_HAIR: [f32; 3] = [0.012, 0.009, 0.007];

/// The linear RGB of skin, from the lightest (0) to the darkest (1).
pub fn skin_tone(darkness: f32) -> [f32; 3] {
    let place = darkness.clamp(0.0, 1.0) * (SKIN.len() - 1) as f32;
    let (low, part) = (place as usize, place.fract());
    let high = (low + 1).min(SKIN.len() - 1);
    std::array::from_fn(|channel| SKIN[low][channel] * (1.0 - part) + SKIN[high][channel] * part)
}

/// Colours that go together on one person, linear RGB 0..1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NaturalColors {
    /// The skin of the cheeks.
    pub skin: [f32; 3],
    /// The middle of the iris.
    pub iris: [f32; 3],
    /// Hair and brows.
    pub hair: [f32; 3],
    /// The lips.
    pub lips: [f32; 3],
}

impl NaturalColors {
    /// Draws one person's colours: the whole human range of skin, evenly from light to dark, with the eyes and hair that
    /// are common with it.
    pub fn sample(rng: &mut impl Rng) -> Self {
        let darkness: f32 = rng.random_range(0.0..1.0);
        let tone = skin_tone(darkness);
        let light = rng.random_range(0.88..1.12);
        let pink: f32 = rng.random_range(-0.08..0.08);
        let yellow: f32 = rng.random_range(-0.11..0.07);
        let hue = [1.0 + pink, 1.0 - 0.5 * pink, 1.0 - yellow];
        let skin: [f32; 3] = std::array::from_fn(|channel| (tone[channel] * light * hue[channel]).clamp(0.01, 0.92));
        let iris = if rng.random_bool(f64::from(0.35 + 0.6 * darkness)) {
            DARK_IRIS
        } else {
            LIGHT_IRISES[rng.random_range(0..LIGHT_IRISES.len())]
        };
        let hair = if rng.random_bool(f64::from(0.5 + 0.45 * darkness)) {
            DARK_HAIR
        } else {
            HAIRS[rng.random_range(0..HAIRS.len())]
        };
        let (iris_depth, hair_depth) = (rng.random_range(0.6..1.3), rng.random_range(0.7..1.3));
        let lips = [
            skin[0] * rng.random_range(0.72..0.95),
            skin[1] * rng.random_range(0.4..0.68),
            skin[2] * rng.random_range(0.45..0.75),
        ];
        Self { skin, iris: iris.map(|value| value * iris_depth), hair: hair.map(|value| value * hair_depth), lips }
    }

    /// The colour of a rig's slot by its name, if it is one of these.
    pub fn slot(&self, name: &str) -> Option<[f32; 3]> {
        match name {
            "skin" => Some(self.skin),
            "iris" => Some(self.iris),
            "hair" => Some(self.hair),
            "lips" => Some(self.lips),
            _ => None,
        }
    }
}
