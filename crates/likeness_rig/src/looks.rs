//! Natural combinations of hair, brows, beard and glasses, for drawing random people.

use rand::{Rng, RngExt};

use crate::{Rig, palette::NaturalColors};

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

const HAIR: [Share; 19] = [
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
