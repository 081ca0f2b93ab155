//! Natural combinations of hair, brows, beard and glasses, and natural details, for drawing random people.

mod details;

use rand::{Rng, RngExt};

use crate::{AppearanceOption, Face, Rig, palette::NaturalColors};

pub use details::{greyed, sample_details};

/// Parameters by which heads of men and women differ most, and in which direction: heavier brows, a broader and longer jaw,
/// a thicker neck.
const CUES: [(&str, f32); 8] = [
    ("brow.glabella.forward", 1.0),
    ("brow.middle.forward", 1.0),
    ("brow.position.forward", 1.0),
    ("jaw.angle.spread", 1.0),
    ("jaw.size.width", 1.0),
    ("chin.bottom.raise", -1.0),
    ("neck.front.forward", 1.0),
    ("neck.side.spread", 1.0),
];
/// Standard deviation of a parameter among natural heads.
const SPREAD: f32 = 0.14;

/// How common a choice is: on a man, and on a woman.
type Share = (&'static str, f32, f32);

const HAIR: [Share; 21] = [
    ("bald", 4.0, 0.1),
    ("buzz", 9.0, 0.4),
    ("short_curly", 7.0, 2.5),
    ("short_straight", 18.0, 3.0),
    ("side_part", 16.0, 2.0),
    ("slick_back", 9.0, 2.0),
    ("afro", 3.0, 3.0),
    ("bob", 0.4, 9.0),
    ("bob_fringe", 0.3, 8.0),
    ("shoulder_straight", 1.5, 11.0),
    ("shoulder_wavy", 1.5, 11.0),
    ("long_straight", 1.5, 12.0),
    ("long_curly", 0.8, 9.0),
    ("bun", 1.5, 8.0),
    ("ponytail", 1.2, 9.0),
    ("receding", 6.0, 0.2),
    ("receding_buzz", 5.0, 0.1),
    ("receding_slick", 4.0, 0.1),
    ("horseshoe", 4.0, 0.1),
    ("layered", 0.3, 10.0),
    ("pixie", 0.3, 5.0),
];
const BROWS: [Share; 8] = [
    ("medium", 10.0, 10.0),
    ("thin", 2.0, 8.0),
    ("thick", 8.0, 3.0),
    ("straight", 7.0, 6.0),
    ("arched", 2.0, 9.0),
    ("bushy", 5.0, 0.5),
    ("sparse", 3.0, 4.0),
    ("monobrow", 1.0, 0.3),
];
const BEARDS: [Share; 8] = [
    ("none", 50.0, 100.0),
    ("stubble", 18.0, 0.0),
    ("moustache", 4.0, 0.0),
    ("goatee", 7.0, 0.0),
    ("short_full", 12.0, 0.0),
    ("long_full", 4.0, 0.0),
    ("sideburns", 3.0, 0.0),
    ("chin_strap", 3.0, 0.0),
];
const GLASSES: [Share; 3] = [("none", 80.0, 80.0), ("round", 9.0, 10.0), ("rectangular", 11.0, 10.0)];

/// Choices that look alike from afar, the plainest first.
const FAMILIES: [(&str, &[&[&str]]); 4] = [
    (
        "hair.style",
        &[
            &["short_straight", "side_part", "slick_back", "short_curly", "receding", "receding_slick"],
            &["buzz", "receding_buzz"],
            &["bald", "horseshoe"],
            &["bob", "bob_fringe"],
            &["layered", "pixie"],
            &["shoulder_straight", "shoulder_wavy", "long_straight", "long_curly"],
            &["ponytail", "bun"],
            &["afro"],
        ],
    ),
    ("brows", &[&["medium", "thin", "thick", "straight", "arched", "bushy", "sparse", "monobrow"]]),
    (
        "beard",
        &[&["none"], &["stubble", "sideburns"], &["short_full", "goatee", "chin_strap", "moustache", "long_full"]],
    ),
    ("glasses", &[&["none"], &["rectangular", "round"]]),
];
/// The part of its family's probability from which on a choice is taken.
const CLEAR: f32 = 0.45;

/// The place of the choice to take for an option, given the probability of each of its choices. A choice that is likeliest by itself
/// may be wrong by far where many choices that look alike share the rest: first the likeliest family is found, then its
/// likeliest member, or the plainest where no member is clear. An option of another name takes the likeliest choice.
pub fn settle(option: &AppearanceOption, chances: &[f32]) -> usize {
    let chance = |place: usize| chances.get(place).copied().unwrap_or(0.0);
    let likeliest = |places: &mut dyn Iterator<Item = usize>| {
        places.fold(None, |best: Option<usize>, place| match best {
            Some(best) if chance(best) >= chance(place) => Some(best),
            _ => Some(place),
        })
    };
    let families = FAMILIES.iter().find(|(name, _)| *name == option.name).map_or(&[][..], |(_, families)| families);
    let place = |choice: &&str| option.choices.iter().position(|known| known == choice);
    let members: Vec<Vec<usize>> = families.iter().map(|family| family.iter().filter_map(place).collect()).collect();
    let total = |members: &[usize]| members.iter().map(|place| chance(*place)).sum::<f32>();
    let family = members.iter().filter(|members| !members.is_empty()).max_by(|a, b| total(a).total_cmp(&total(b)));
    let Some(family) = family.filter(|family| total(family) > 0.0) else {
        return likeliest(&mut (0..option.choices.len())).unwrap_or(0);
    };
    match likeliest(&mut family.iter().copied()) {
        Some(best) if chance(best) >= CLEAR * total(family) => best,
        _ => family[0],
    }
}

/// Draws everything but the shape of a face whose parameters are set: natural colours, options and details that go together.
pub fn dress(rig: &Rig, face: &mut Face, rng: &mut impl Rng) {
    let colors = NaturalColors::sample(rng);
    for (slot, color) in rig.colors.iter().zip(&mut face.colors) {
        if let Some(natural) = colors.slot(&slot.name) {
            *color = natural;
        }
    }
    face.options = sample(rig, &face.parameters, &colors, rng);
    sample_details(rig, face, rng);
}

/// Draws a choice for each option of a rig, as goes together on one person with these parameters and colours: beards on men,
/// tight curls mostly with dark hair. Options and choices of other names are equally likely.
pub fn sample(rig: &Rig, parameters: &[f32], colors: &NaturalColors, rng: &mut impl Rng) -> Vec<usize> {
    let is_man = rng.random_bool(f64::from(manliness(rig, parameters)));
    let lightness = colors.hair.iter().sum::<f32>() / 3.0;
    rig.options
        .iter()
        .map(|option| {
            let shares: &[Share] = match option.name.as_str() {
                "hair.style" => &HAIR,
                "brows" => &BROWS,
                "beard" => &BEARDS,
                "glasses" => &GLASSES,
                _ => &[],
            };
            let weight = |choice: &String| {
                let share = shares.iter().find(|share| share.0 == choice);
                let share = share.map_or(1.0, |share| if is_man { share.1 } else { share.2 });
                // Tight curls are rare in light hair, and common with dark skin.
                let dark_skin = (0.45 - colors.skin[0]).max(0.0) * 10.0;
                match choice.as_str() {
                    "afro" => share * if lightness > 0.05 { 0.05 } else { 0.3 + dark_skin },
                    "buzz" | "short_curly" => share * (0.7 + 0.6 * dark_skin),
                    _ => share,
                }
            };
            pick(option.choices.iter().map(weight), rng)
        })
        .collect()
}

/// How likely a head of these parameters is a man's, 0..1.
fn manliness(rig: &Rig, parameters: &[f32]) -> f32 {
    let cue = |(name, sign): (&str, f32)| {
        let value = rig.parameter_index(name).and_then(|index| parameters.get(index));
        value.map_or(0.0, |value| sign * (value - 0.5) / SPREAD)
    };
    let sum: f32 = CUES.into_iter().map(cue).sum();
    1.0 / (1.0 + (-0.8 * sum).exp())
}

/// A place in a list of weights; the first when all are zero.
fn pick(weights: impl Iterator<Item = f32>, rng: &mut impl Rng) -> usize {
    let weights: Vec<f32> = weights.collect();
    let mut at = rng.random::<f32>() * weights.iter().sum::<f32>();
    for (place, weight) in weights.iter().enumerate() {
        if at < *weight {
            return place;
        }
        at -= weight;
    }
    0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::synthetic;

    #[test]
    fn every_choice_exists_and_seeds_repeat() {
        let rig = synthetic::rig();
        let draw = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let colors = NaturalColors::sample(&mut rng);
            sample(&rig, &vec![0.5; rig.parameters.len()], &colors, &mut rng)
        };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let options = draw(seed);
            assert_eq!(options.len(), rig.options.len());
            assert!(options.iter().zip(&rig.options).all(|(choice, option)| *choice < option.choices.len()));
            assert_eq!(options, draw(seed));
            seen.insert(options);
        }
        assert!(seen.len() > 1);
    }

    fn option(name: &str, choices: &[&str]) -> AppearanceOption {
        let mut option = synthetic::rig().options[0].clone();
        option.name = name.into();
        option.choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
        option
    }

    #[test]
    fn many_likely_long_styles_beat_one_short_style() {
        let hair = option("hair.style", &["bald", "slick_back", "shoulder_straight", "long_straight", "long_curly"]);
        assert_eq!(settle(&hair, &[0.1, 0.3, 0.15, 0.15, 0.3]), 4);
        assert_eq!(settle(&hair, &[0.1, 0.3, 0.19, 0.2, 0.21]), 2, "none is clear: the plainest");
        assert_eq!(settle(&hair, &[0.1, 0.7, 0.05, 0.1, 0.05]), 1);
        let brows = option("brows", &["thin", "medium", "thick"]);
        assert_eq!(settle(&brows, &[0.4, 0.3, 0.3]), 1);
        assert_eq!(settle(&brows, &[0.5, 0.3, 0.2]), 0);
        let other = option("scar", &["none", "left", "right"]);
        assert_eq!(settle(&other, &[0.3, 0.45, 0.25]), 1);
        assert_eq!(settle(&other, &[]), 0);
        assert_eq!(settle(&hair, &[0.0; 5]), 0);
    }

    #[test]
    fn the_bundled_heads_choices_all_have_a_family() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron");
        let rig = Rig::load(&path).unwrap();
        for option in &rig.options {
            let (_, families) = FAMILIES.iter().find(|(name, _)| *name == option.name).unwrap();
            for choice in &option.choices {
                let count = families.iter().flat_map(|family| family.iter()).filter(|known| *known == choice).count();
                assert_eq!(count, 1, "{choice}");
            }
        }
    }

    #[test]
    fn weights_are_kept() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut counts = [0; 3];
        for _ in 0..4000 {
            counts[pick([1.0, 0.0, 3.0].into_iter(), &mut rng)] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((2800..3200).contains(&counts[2]), "{counts:?}");
        assert_eq!(pick([0.0, 0.0].into_iter(), &mut rng), 0);
    }
}
