//! Natural details of random people: freckles on pale skin, wrinkles and grey hair on old people, make-up on some women.

use rand::{Rng, RngExt};

use super::manliness;
use crate::{Face, Rig};

/// How often a woman wears make-up, and how likely each part of it is then.
const MADE_UP: f64 = 0.4;
const PART_OF_IT: f64 = 0.65;
/// Linear RGB of lipsticks and of eye shadows.
const LIPSTICKS: [[f32; 3]; 5] =
    [[0.36, 0.018, 0.035], [0.42, 0.10, 0.11], [0.20, 0.012, 0.03], [0.48, 0.045, 0.10], [0.30, 0.085, 0.06]];
const EYESHADOWS: [[f32; 3]; 5] =
    [[0.11, 0.045, 0.055], [0.13, 0.07, 0.04], [0.05, 0.05, 0.06], [0.30, 0.16, 0.10], [0.07, 0.09, 0.16]];
/// The hair of old age, linear RGB.
const GREY: [f32; 3] = [0.46, 0.45, 0.44];
/// The luminance of skin on which freckles are common.
const PALE: f32 = 0.36;

/// The colour of hair at an age (0 young to 1 old, as the detail `skin.age`): `grey` (0..1) is how early it turns.
pub fn greyed(hair: [f32; 3], age: f32, grey: f32) -> [f32; 3] {
    let part = ((age - 0.72 + 0.5 * grey) / 0.38).clamp(0.0, 1.0);
    std::array::from_fn(|channel| hair[channel] + (GREY[channel] - hair[channel]) * part)
}

/// Draws the details of a face whose parameters and natural colours are set, and what goes with them: the colours of make-up,
/// and greying hair. Details of names that are not known keep the rig's defaults.
pub fn sample_details(rig: &Rig, face: &mut Face, rng: &mut impl Rng) {
    let is_man = rng.random_bool(f64::from(manliness(rig, &face.parameters)));
    let luminance = |[red, green, blue]: [f32; 3]| 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let color = |name: &str| rig.color_index(name).and_then(|slot| face.colors.get(slot).copied());
    let skin = color("skin").map_or(0.3, luminance);
    let is_red_haired = color("hair").is_some_and(|[red, green, _]| red > 0.1 && red > 2.4 * green);

    // All numbers are drawn in any case, so that one does not change the others.
    let age = rng.random::<f32>().powf(1.7);
    let freckle_chance = (if is_red_haired { 0.8 } else { 0.28 }) * (skin / PALE).clamp(0.0, 1.0).powi(2);
    let has_freckles = rng.random_bool(f64::from(freckle_chance));
    let freckles = if has_freckles { rng.random_range(0.2..0.9) } else { rng.random_range(0.0..0.12) };
    let redness = 0.48 + 0.14 * age + 0.3 * (rng.random::<f32>() - rng.random::<f32>());
    let pores = 0.38 + 0.12 * f32::from(u8::from(is_man)) + rng.random_range(0.0..0.3);
    let shine = 0.5 + 0.32 * (rng.random::<f32>() - rng.random::<f32>());
    let iris = 0.5 + 0.4 * (rng.random::<f32>() - rng.random::<f32>());
    let sclera = 0.15 + 0.3 * rng.random::<f32>() + 0.25 * age;
    let is_made_up = rng.random_bool(MADE_UP) && !is_man;
    let mut part = |least: f32, most: f32| {
        let amount = rng.random_range(least..most);
        if rng.random_bool(PART_OF_IT) && is_made_up { amount } else { 0.0 }
    };
    let make_up = [part(0.35, 0.95), part(0.2, 0.7), part(0.3, 0.9), part(0.15, 0.6)];
    let [lipstick, eyeshadow] = [LIPSTICKS, EYESHADOWS].map(|colors| colors[rng.random_range(0..colors.len())]);
    let grey = rng.random::<f32>();

    for (value, detail) in face.details.iter_mut().zip(&rig.details) {
        let drawn = match detail.name.as_str() {
            "skin.redness" => redness,
            "skin.freckles" => freckles,
            "skin.age" => age,
            "skin.pores" => pores,
            "skin.shine" => shine,
            "iris.size" => iris,
            "sclera.tone" => sclera,
            "lipstick" => make_up[0],
            "eyeshadow" => make_up[1],
            "eyeliner" => make_up[2],
            "blush" => make_up[3],
            _ => continue,
        };
        *value = drawn.clamp(0.0, 1.0);
    }
    for (color, slot) in face.colors.iter_mut().zip(&rig.colors) {
        match slot.name.as_str() {
            "lipstick" => *color = lipstick,
            "eyeshadow" => *color = eyeshadow,
            "hair" => *color = greyed(*color, age, grey),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::path::Path;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::palette::NaturalColors;

    #[test]
    fn details_are_in_range_repeat_and_go_together() {
        let rig = Rig::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron")).unwrap();
        let draw = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let colors = NaturalColors::sample(&mut rng);
            let mut face = Face::neutral(&rig);
            for (color, slot) in face.colors.iter_mut().zip(&rig.colors) {
                *color = colors.slot(&slot.name).unwrap_or(*color);
            }
            sample_details(&rig, &mut face, &mut rng);
            face
        };
        let faces: Vec<Face> = (0..1000).map(draw).collect();
        assert_eq!(faces[7], draw(7));
        faces.iter().for_each(|face| face.validate(&rig).unwrap());
        let detail = |face: &Face, name: &str| face.details[rig.detail_index(name).unwrap()];
        let painted = faces.iter().filter(|face| detail(face, "lipstick") > 0.0).count();
        assert!((20..200).contains(&painted), "{painted} of 1000 wear lipstick");
        let dark = |face: &&Face| face.colors[rig.color_index("skin").unwrap()][0] < 0.2;
        let freckled = faces.iter().filter(|face| detail(face, "skin.freckles") > 0.15).count();
        assert!((60..400).contains(&freckled), "{freckled} of 1000 are freckled");
        assert!(faces.iter().filter(dark).all(|face| detail(face, "skin.freckles") < 0.95));
        let few = faces.iter().filter(dark).filter(|face| detail(face, "skin.freckles") > 0.15).count();
        assert!(few * 20 < faces.iter().filter(dark).count(), "{few} with dark skin are freckled");
    }

    #[test]
    fn hair_turns_grey_late_and_wholly() {
        let brown = [0.06, 0.03, 0.015];
        assert_eq!(greyed(brown, 0.2, 0.5), brown);
        assert_eq!(greyed(brown, 1.0, 1.0), GREY);
        assert!(greyed(brown, 0.7, 0.5)[0] > brown[0]);
    }
}
