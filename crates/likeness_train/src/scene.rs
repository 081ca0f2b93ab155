//! What a synthetic picture shows: drawn at random, but the same for the same seed and index.

use glam::Vec3;
use likeness_rig::{ARKIT_NAMES, Face, HeadPose, Prior, Rig, looks, palette::NaturalColors};

use crate::{
    backdrop::Backdrop,
    dice::{Dice, Purpose},
};

/// A lamp far away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lamp {
    /// From the head toward the lamp.
    pub direction: Vec3,
    /// Linear RGB, 0..1.
    pub color: [f32; 3],
    /// 1 lights a surface that faces the lamp at its full colour.
    pub intensity: f32,
    /// 0 a small hard lamp, 1 a very large one.
    pub softness: f32,
}

/// What a bust wears: a shirt, a jumper, or a jacket over a shirt. Heights are those of the rest pose, in metres from between the eyes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Garment {
    /// Linear RGB.
    pub color: [f32; 3],
    /// The collar's colour, linear RGB.
    pub collar: [f32; 3],
    /// The collar's width.
    pub width: f32,
    /// The neckline's height beside the neck.
    pub side: f32,
    /// The neckline's height in the middle of the front.
    pub front: f32,
    /// How far the neckline rises per metre away from the middle.
    pub slope: f32,
}

/// What a synthetic picture shows.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The face.
    pub face: Face,
    /// The ARKit coefficients.
    pub expression: [f32; 52],
    /// How the head is turned.
    pub pose: HeadPose,
    /// Where the eyes look: degrees to the person's left and up.
    pub gaze: [f32; 2],
    /// From the camera to the face in metres; the perspective hangs on it.
    pub distance: f32,
    /// Vertical field of view in radians.
    pub fov_y: f32,
    /// The point at the picture's centre in metres.
    pub target: Vec3,
    /// Key, fill and rim lamp.
    pub lamps: [Lamp; 3],
    /// Light from above and from below, linear RGB.
    pub ambient: [[f32; 3]; 2],
    /// What the bust wears.
    pub garment: Option<Garment>,
    /// What is behind the head.
    pub backdrop: Backdrop,
}

impl Scene {
    /// Turns the eyes into the camera, as far as eyes turn.
    pub(crate) fn look_into_camera(&mut self) {
        self.gaze = into_camera(self.pose);
    }
}

/// The gaze of a turned head into the camera.
fn into_camera(pose: HeadPose) -> [f32; 2] {
    [(-pose.yaw).clamp(-28.0, 28.0), (-pose.pitch).clamp(-18.0, 18.0)]
}

/// Half the height that a picture shows at the face's distance, in metres, before it is varied: room for hair and neck. About 43
/// pixels lie between the outer eye corners of a picture of 192.
pub(crate) const HALF_HEIGHT: f32 = 0.182;
/// The point of the mean head that is at the centre of the picture.
pub(crate) const CENTRE: Vec3 = Vec3::new(0.0, -0.022, 0.045);

impl Scene {
    /// Shows everything this many times larger.
    pub fn zoom(&mut self, times: f32) {
        self.fov_y = 2.0 * ((0.5 * self.fov_y).tan() / times).atan();
    }
}

/// Whose faces are shown.
#[derive(Clone, Copy, Debug)]
pub struct People<'a> {
    /// Natural faces.
    pub prior: &'a Prior,
    /// The population of the photos, and the share of scenes that show one of it, posed as on a portrait.
    pub population: Option<(&'a Prior, f32)>,
    /// Faces to show instead, with their own values.
    pub presets: &'a [Face],
}

impl<'a> People<'a> {
    /// Faces of the prior alone.
    pub fn natural(prior: &'a Prior) -> Self {
        Self { prior, population: None, presets: &[] }
    }
}

/// How many degrees heads are turned, in yaw, pitch and roll: deviation and limit.
const ANY_POSE: [(f32, f32); 3] = [(18.0, 45.0), (9.0, 25.0), (5.0, 15.0)];
/// The same on portraits.
const PORTRAIT_POSE: [(f32, f32); 3] = [(9.0, 30.0), (5.0, 15.0), (4.0, 12.0)];
/// The share of smiles.
const ANY_SMILES: f32 = 0.45;
/// The same on portraits.
const PORTRAIT_SMILES: f32 = 0.75;

/// Draws scene `index` of `seed`.
pub fn draw_scene(rig: &Rig, people: &People<'_>, seed: u64, index: u64) -> Scene {
    let mut dice = Dice::new(seed, Purpose::Scene, index);
    // Dice of their own, so that the choice changes nothing else.
    let chance = Dice::new(seed, Purpose::Population, index).uniform(0.0, 1.0);
    let population = people.population.filter(|(_, share)| chance < *share).map(|(population, _)| population);
    let (turns, smiles) = if population.is_some() { (PORTRAIT_POSE, PORTRAIT_SMILES) } else { (ANY_POSE, ANY_SMILES) };
    let mut face = Face::neutral(rig);
    face.parameters = population.unwrap_or(people.prior).sample(dice.rng());
    let colors = draw_colors(&mut dice);
    for (color, slot) in face.colors.iter_mut().zip(&rig.colors) {
        if let Some(drawn) = colors.slot(&slot.name) {
            *color = drawn;
        }
    }
    // Dice of their own, so that options change nothing else.
    let mut wardrobe = Dice::new(seed, Purpose::Looks, index);
    face.options = looks::sample(rig, &face.parameters, &colors, wardrobe.rng());
    looks::sample_details(rig, &mut face, Dice::new(seed, Purpose::Details, index).rng());
    // The numbers above are drawn in any case and the choice has dice of its own, so that presets change the face and nothing
    // else.
    let preset = Dice::new(seed, Purpose::Preset, index).below(people.presets.len());
    if let Some(preset) = people.presets.get(preset) {
        face = preset.clone();
    }
    let expression = draw_expression(&mut dice, smiles);
    let [yaw, pitch, roll] = turns.map(|(deviation, limit)| dice.normal_within(deviation, limit));
    let pose = HeadPose { yaw, pitch, roll };
    let gaze = if dice.chance(0.6) {
        into_camera(pose)
    } else {
        [dice.normal_within(10.0, 28.0), dice.normal_within(6.0, 16.0)]
    };
    // 0.4 m is a selfie at an arm's bend, 3 m a long lens.
    let distance = 0.4 * (dice.uniform(0.0, 1.0) * (3.0f32 / 0.4).ln()).exp();
    let half = HALF_HEIGHT * (1.0 + dice.normal_within(0.06, 0.15));
    let target = CENTRE + Vec3::new(dice.normal_within(0.006, 0.015), dice.normal_within(0.006, 0.015), 0.0);
    let (lamps, ambient) = draw_light(&mut dice);
    Scene {
        face,
        expression,
        pose,
        gaze,
        distance,
        fov_y: 2.0 * (half / distance).atan(),
        target,
        lamps,
        ambient,
        garment: draw_garment(&mut Dice::new(seed, Purpose::Clothes, index)),
        backdrop: Backdrop::draw(&mut dice),
    }
}

/// Linear RGB of skin from the lightest to the darkest.
const SKIN: [[f32; 3]; 6] = [
    [0.84, 0.63, 0.53],
    [0.75, 0.50, 0.39],
    [0.60, 0.36, 0.25],
    [0.42, 0.23, 0.14],
    [0.24, 0.12, 0.07],
    [0.095, 0.045, 0.028],
];

/// The whole human range of skin with the other colours that go with it.
fn draw_colors(dice: &mut Dice) -> NaturalColors {
    let place = dice.uniform(0.0, (SKIN.len() - 1) as f32);
    let (low, part) = (place as usize, place.fract());
    let high = (low + 1).min(SKIN.len() - 1);
    let light = 1.0 + dice.normal_within(0.08, 0.2);
    let (pink, yellow) = (dice.normal_within(0.05, 0.12), dice.normal_within(0.07, 0.16));
    let hue = [1.0 + pink, 1.0 - 0.5 * pink, 1.0 - yellow];
    let skin = std::array::from_fn(|c| {
        ((SKIN[low][c] * (1.0 - part) + SKIN[high][c] * part) * light * hue[c]).clamp(0.01, 0.92)
    });
    let dark = place / (SKIN.len() - 1) as f32;
    let iris = if dice.chance(0.35 + 0.6 * dark) {
        let depth = dice.uniform(0.4, 1.3);
        [0.10 * depth, 0.045 * depth, 0.018 * depth]
    } else {
        const LIGHT: [[f32; 3]; 4] = [[0.12, 0.25, 0.45], [0.22, 0.28, 0.30], [0.16, 0.24, 0.10], [0.26, 0.17, 0.06]];
        let depth = dice.uniform(0.6, 1.3);
        LIGHT[dice.below(LIGHT.len())].map(|value| value * depth)
    };
    let hair = if dice.chance(0.5 + 0.45 * dark) {
        [0.012, 0.009, 0.007].map(|value: f32| value * dice.uniform(0.6, 2.5))
    } else {
        const HAIR: [[f32; 3]; 5] =
            [[0.06, 0.03, 0.015], [0.18, 0.09, 0.04], [0.45, 0.30, 0.14], [0.22, 0.07, 0.03], [0.45, 0.44, 0.43]];
        HAIR[dice.below(HAIR.len())].map(|value| value * dice.uniform(0.7, 1.3))
    };
    let lips =
        [skin[0] * dice.uniform(0.72, 0.95), skin[1] * dice.uniform(0.4, 0.68), skin[2] * dice.uniform(0.45, 0.75)];
    NaturalColors { skin, iris, hair, lips }
}

/// A kind of light that people are photographed in.
struct Lighting {
    /// How often it is drawn, against the others.
    share: f32,
    /// The key lamp's azimuth to either side and height, degrees, from and to.
    side: (f32, f32),
    height: (f32, f32),
    /// The key lamp's intensity and softness, from and to.
    key: (f32, f32),
    softness: (f32, f32),
    /// The fill lamp's intensity, from and to.
    fill: (f32, f32),
    /// The level of the light from all around, from and to.
    around: (f32, f32),
    /// How far the lamps' colours lie from white: deviation of the warmth.
    warmth: f32,
    /// Whether key, fill and rim have any colours.
    colored: bool,
    /// The probability of a rim lamp.
    rim: f32,
}

const LIGHTINGS: [Lighting; 7] = [
    // Anything: lamps in any place.
    Lighting {
        share: 0.3,
        side: (0.0, 85.0),
        height: (-5.0, 60.0),
        key: (0.35, 1.0),
        softness: (0.1, 0.8),
        fill: (0.0, 0.5),
        around: (0.08, 0.4),
        warmth: 0.08,
        colored: false,
        rim: 0.5,
    },
    // A studio, or a ring light: from the front and soft.
    Lighting {
        share: 0.3,
        side: (0.0, 30.0),
        height: (5.0, 35.0),
        key: (0.55, 0.9),
        softness: (0.35, 0.8),
        fill: (0.1, 0.4),
        around: (0.12, 0.3),
        warmth: 0.05,
        colored: false,
        rim: 0.6,
    },
    // A window: large, from the side.
    Lighting {
        share: 0.1,
        side: (50.0, 90.0),
        height: (0.0, 25.0),
        key: (0.6, 1.0),
        softness: (0.6, 1.0),
        fill: (0.0, 0.15),
        around: (0.1, 0.25),
        warmth: 0.06,
        colored: false,
        rim: 0.1,
    },
    // The sun: small, strong and high.
    Lighting {
        share: 0.1,
        side: (10.0, 80.0),
        height: (25.0, 70.0),
        key: (0.9, 1.3),
        softness: (0.0, 0.1),
        fill: (0.0, 0.1),
        around: (0.2, 0.4),
        warmth: 0.06,
        colored: false,
        rim: 0.2,
    },
    // An office: panels above, light from everywhere.
    Lighting {
        share: 0.1,
        side: (0.0, 60.0),
        height: (55.0, 85.0),
        key: (0.4, 0.7),
        softness: (0.6, 0.9),
        fill: (0.1, 0.3),
        around: (0.35, 0.55),
        warmth: 0.04,
        colored: false,
        rim: 0.2,
    },
    // A dim room.
    Lighting {
        share: 0.06,
        side: (20.0, 90.0),
        height: (-10.0, 50.0),
        key: (0.2, 0.4),
        softness: (0.2, 0.7),
        fill: (0.0, 0.1),
        around: (0.03, 0.1),
        warmth: 0.15,
        colored: false,
        rim: 0.3,
    },
    // Coloured lamps.
    Lighting {
        share: 0.04,
        side: (20.0, 85.0),
        height: (-10.0, 40.0),
        key: (0.4, 0.9),
        softness: (0.2, 0.8),
        fill: (0.2, 0.5),
        around: (0.05, 0.2),
        warmth: 0.1,
        colored: true,
        rim: 0.7,
    },
];

fn draw_light(dice: &mut Dice) -> ([Lamp; 3], [[f32; 3]; 2]) {
    let mut place = dice.uniform(0.0, LIGHTINGS.iter().map(|lighting| lighting.share).sum());
    let drawn = LIGHTINGS.iter().find(|lighting| {
        place -= lighting.share;
        place < 0.0
    });
    let lighting = drawn.unwrap_or(&LIGHTINGS[0]);
    let between = |dice: &mut Dice, (from, to): (f32, f32)| dice.uniform(from, to);
    let warmth = |dice: &mut Dice| {
        if lighting.colored {
            return std::array::from_fn(|_| dice.uniform(0.35, 1.0));
        }
        let warm = dice.normal_within(lighting.warmth, 2.5 * lighting.warmth);
        [1.0, 1.0 - 0.5 * warm.max(0.0) + 0.2 * warm.min(0.0), 1.0 - warm.max(0.0)].map(|c: f32| c.clamp(0.0, 1.0))
    };
    let direction = |azimuth: f32, height: f32| {
        let (a, h) = (azimuth.to_radians(), height.to_radians());
        Vec3::new(a.sin() * h.cos(), h.sin(), a.cos() * h.cos())
    };
    let side = between(dice, lighting.side) * if dice.chance(0.5) { 1.0 } else { -1.0 };
    let key = Lamp {
        direction: direction(side, between(dice, lighting.height)),
        color: warmth(dice),
        intensity: between(dice, lighting.key),
        softness: between(dice, lighting.softness),
    };
    let fill = Lamp {
        direction: direction(-side.signum() * dice.uniform(20.0, 80.0), dice.uniform(-20.0, 40.0)),
        color: warmth(dice),
        intensity: between(dice, lighting.fill),
        softness: dice.uniform(0.4, 0.9),
    };
    let rim = Lamp {
        direction: direction(dice.uniform(110.0, 250.0), dice.uniform(10.0, 60.0)),
        color: warmth(dice),
        intensity: if dice.chance(lighting.rim) { dice.uniform(0.0, 0.9) } else { 0.0 },
        softness: dice.uniform(0.1, 0.4),
    };
    let level = between(dice, lighting.around);
    let sky = warmth(dice).map(|c| c * level);
    let ground_level = level * dice.uniform(0.3, 0.9);
    let ground = warmth(dice).map(|c| c * ground_level);
    ([key, fill, rim], [sky, ground])
}

/// The share of busts that wear something.
const DRESSED: f32 = 0.75;

/// A garment of any colour and cut, or none.
fn draw_garment(dice: &mut Dice) -> Option<Garment> {
    if !dice.chance(DRESSED) {
        return None;
    }
    let any = |dice: &mut Dice| -> [f32; 3] {
        let (grey, colored) = (dice.uniform(0.0, 1.0).powi(2), dice.uniform(0.0, 1.0).powi(2));
        std::array::from_fn(|_| 0.9 * (grey + colored * (dice.uniform(0.0, 1.0) - grey)).clamp(0.01, 1.0))
    };
    let color = any(dice);
    let collar = match dice.below(4) {
        0 => color.map(|value| 0.7 * value),
        1 => [0.85, 0.85, 0.86],
        2 => any(dice),
        _ => color,
    };
    let side = dice.uniform(-0.165, -0.125);
    Some(Garment {
        color,
        collar,
        width: dice.uniform(0.003, 0.03),
        side,
        front: side - dice.uniform(0.0, 0.07),
        slope: dice.uniform(0.6, 4.0),
    })
}

/// Sets one coefficient by its ARKit name.
fn set(expression: &mut [f32; 52], name: &str, value: f32) {
    debug_assert!(ARKIT_NAMES.contains(&name), "{name}");
    if let Some(i) = ARKIT_NAMES.iter().position(|known| *known == name) {
        expression[i] = (expression[i] + value).clamp(0.0, 1.0);
    }
}

/// Sets the left and the right coefficient of a pair, nearly alike.
fn set_pair(expression: &mut [f32; 52], stem: &str, value: f32, dice: &mut Dice) {
    let tilt = dice.normal_within(0.08, 0.25);
    set(expression, &format!("{stem}Left"), value * (1.0 + tilt));
    set(expression, &format!("{stem}Right"), value * (1.0 - tilt));
}

/// A believable expression: a share of smiles of every degree, as people do on photos; the others are neutral or mixed.
pub fn draw_expression(dice: &mut Dice, smiles: f32) -> [f32; 52] {
    let mut e = [0.0; 52];
    let smiling = dice.chance(smiles);
    let kind = dice.uniform(0.0, 1.0);
    if smiling {
        draw_smile(&mut e, dice);
    } else if kind < 0.31 {
        // Neutral, with a trace of something.
        set_pair(&mut e, "mouthSmile", dice.uniform(-0.1, 0.15).max(0.0), dice);
        set_pair(&mut e, "mouthPress", dice.uniform(-0.1, 0.15).max(0.0), dice);
    } else if kind < 0.53 {
        // Speaking.
        set(&mut e, "jawOpen", dice.uniform(0.0, 0.5));
        match dice.below(4) {
            0 => set(&mut e, "mouthFunnel", dice.uniform(0.1, 0.7)),
            1 => set(&mut e, "mouthPucker", dice.uniform(0.1, 0.7)),
            2 => set_pair(&mut e, "mouthStretch", dice.uniform(0.1, 0.6), dice),
            _ => set_pair(&mut e, "mouthLowerDown", dice.uniform(0.1, 0.6), dice),
        }
    } else if kind < 0.67 {
        // Displeased or sad.
        set_pair(&mut e, "mouthFrown", dice.uniform(0.1, 0.8), dice);
        set_pair(&mut e, "browDown", dice.uniform(0.0, 0.7), dice);
        set(&mut e, "mouthShrugLower", dice.uniform(0.0, 0.5));
        set_pair(&mut e, "noseSneer", dice.uniform(-0.3, 0.4).max(0.0), dice);
    } else if kind < 0.76 {
        // Surprised.
        set(&mut e, "browInnerUp", dice.uniform(0.3, 1.0));
        set_pair(&mut e, "browOuterUp", dice.uniform(0.2, 1.0), dice);
        set_pair(&mut e, "eyeWide", dice.uniform(0.2, 0.9), dice);
        set(&mut e, "jawOpen", dice.uniform(0.0, 0.7));
    } else {
        // A mixture of anything but the tongue.
        for _ in 0..3 + dice.below(4) {
            let i = dice.below(51);
            e[i] = dice.uniform(0.0, 0.7);
        }
        let close = ARKIT_NAMES.iter().position(|name| *name == "mouthClose");
        let open = ARKIT_NAMES.iter().position(|name| *name == "jawOpen");
        if let (Some(close), Some(open)) = (close, open) {
            // A mouth cannot close further than the jaw is open.
            e[close] = e[close].min(e[open]);
        }
    }
    if dice.chance(0.07) {
        set_pair(&mut e, "eyeBlink", dice.uniform(0.6, 1.0), dice);
    } else {
        set_pair(&mut e, "eyeBlink", dice.uniform(-0.25, 0.25).max(0.0), dice);
        set_pair(&mut e, "eyeSquint", dice.uniform(-0.3, 0.4).max(0.0), dice);
    }
    if dice.chance(0.25) {
        set(&mut e, "browInnerUp", dice.uniform(0.0, 0.4));
        set_pair(&mut e, "browOuterUp", dice.uniform(0.0, 0.5), dice);
    } else if dice.chance(0.2) {
        set_pair(&mut e, "browDown", dice.uniform(0.0, 0.5), dice);
    }
    e
}

/// A smile from a trace to a laugh, closed or with teeth.
fn draw_smile(e: &mut [f32; 52], dice: &mut Dice) {
    let degree = dice.uniform(0.1, 1.0);
    set_pair(e, "mouthSmile", degree, dice);
    set_pair(e, "cheekSquint", degree * dice.uniform(0.1, 0.8), dice);
    set_pair(e, "eyeSquint", degree * dice.uniform(0.0, 0.5), dice);
    set_pair(e, "mouthDimple", degree * dice.uniform(0.0, 0.5), dice);
    if dice.chance(0.65) {
        // Teeth show.
        let open = degree * dice.uniform(0.3, 1.0);
        set_pair(e, "mouthUpperUp", open * dice.uniform(0.2, 0.8), dice);
        set_pair(e, "mouthLowerDown", open * dice.uniform(0.1, 0.7), dice);
        set(e, "jawOpen", open * dice.uniform(0.0, 0.35));
        set_pair(e, "mouthStretch", open * dice.uniform(0.0, 0.5), dice);
    } else {
        set_pair(e, "mouthPress", degree * dice.uniform(0.0, 0.5), dice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_stay_in_range_and_nearly_half_smile() {
        let smile = ARKIT_NAMES.iter().position(|name| *name == "mouthSmileLeft").unwrap_or_default();
        let mut smiling = 0;
        for index in 0..2000 {
            let expression = draw_expression(&mut Dice::new(5, Purpose::Scene, index), 0.45);
            assert!(expression.iter().all(|value| (0.0..=1.0).contains(value)), "{index}");
            smiling += usize::from(expression[smile] > 0.15);
        }
        assert!((700..1200).contains(&smiling), "{smiling}");
    }

    #[test]
    fn skin_covers_the_human_range_and_no_more() {
        let draw = |index| draw_colors(&mut Dice::new(1, Purpose::Scene, index)).skin;
        let tones: Vec<[f32; 3]> = (0..500).map(draw).collect();
        assert!(tones.iter().all(|tone| tone[0] > tone[1] && tone[1] > tone[2] * 0.9));
        assert!(tones.iter().any(|tone| tone[0] < 0.12) && tones.iter().any(|tone| tone[0] > 0.75));
    }
}
