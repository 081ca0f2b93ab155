//! Which people are left out of training. The answer hangs on the person's number alone, so that every command agrees on it.

use std::collections::BTreeMap;

use crate::portraits::PortraitLabel;

/// The share of the people with several photos that is left out for the same-person check.
pub const LEFT_OUT_SHARE: f64 = 0.4;
/// The share of the other people that is left out for tuning.
pub const TUNING_SHARE: f64 = 0.06;

/// The portraits by use.
pub struct Split {
    /// Trained on.
    pub train: Vec<PortraitLabel>,
    /// People with one photo, left out to tune by.
    pub tuning: Vec<PortraitLabel>,
    /// People with several photos, left out to compare two photos of one person.
    pub pairs: Vec<PortraitLabel>,
}

/// Splits the portraits by person.
pub fn split(labels: Vec<PortraitLabel>) -> Split {
    let mut photos: BTreeMap<u64, usize> = BTreeMap::new();
    for label in &labels {
        *photos.entry(label.person).or_default() += 1;
    }
    let mut split = Split { train: Vec::new(), tuning: Vec::new(), pairs: Vec::new() };
    for label in labels {
        let several = photos[&label.person] > 1;
        let place = unit_hash(label.person);
        if several && place < LEFT_OUT_SHARE {
            split.pairs.push(label);
        } else if !several && place < TUNING_SHARE {
            split.tuning.push(label);
        } else {
            split.train.push(label);
        }
    }
    split
}

/// A number in 0..1 from a person's number (SplitMix64).
fn unit_hash(person: u64) -> f64 {
    let mut z = person.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn labels() -> Vec<PortraitLabel> {
        (0..1000u64)
            .flat_map(|person| {
                (0..1 + person % 2).map(move |photo| PortraitLabel {
                    file: format!("{person}-{photo}.jpg"),
                    person,
                    source: String::new(),
                    face_box: [0.0; 4],
                    landmarks: vec![[0.0; 2]; 68],
                    estimated_age: 40.0,
                    estimated_sex: String::new(),
                })
            })
            .collect()
    }

    #[test]
    fn no_person_is_in_two_parts() {
        let split = split(labels());
        let people = |part: &[PortraitLabel]| part.iter().map(|label| label.person).collect::<BTreeSet<_>>();
        let (train, tuning, pairs) = (people(&split.train), people(&split.tuning), people(&split.pairs));
        assert!(train.is_disjoint(&tuning) && train.is_disjoint(&pairs) && tuning.is_disjoint(&pairs));
        assert_eq!(split.train.len() + split.tuning.len() + split.pairs.len(), labels().len());
        assert!((150..250).contains(&pairs.len()), "{}", pairs.len());
        assert!(!tuning.is_empty());
    }

    #[test]
    fn left_out_people_come_with_all_their_photos() {
        let split = split(labels());
        for label in &split.pairs {
            assert_eq!(split.pairs.iter().filter(|other| other.person == label.person).count(), 2);
        }
    }

    #[test]
    fn the_split_ignores_the_order_of_the_lines() {
        let mut reversed = labels();
        reversed.reverse();
        let files = |split: &Split| split.pairs.iter().map(|label| label.file.clone()).collect::<BTreeSet<_>>();
        assert_eq!(files(&split(labels())), files(&split(reversed)));
    }
}
