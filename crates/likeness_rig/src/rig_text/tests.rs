#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{Channel, Curve, Drive, Parameter, synthetic};

const HAND_WRITTEN: &str = r#"// A head with two sliders.
Rig(
    format: 1,
    id: "small",  // never changes
    version: 2,
    mesh: "head.glb", prior: "p.safetensors", landmarks: "l.json",
    bones: [(name: "nose", joint: "Nose_JNT"), (name: "chin", joint: "Chin_JNT", mirror: None)],
    parameters: [
        // The nose comes first.
        (
            name: "nose.length", /* metres */
            caption: "Nose: longer",
            region: "nose",
            drives: [
                (bone: "nose", channel: TranslationZ, amount: 4e-3),  // measured
                (bone: "nose", channel: ScaleX, amount: 0.10),
            ],
        ),
        // Then the chin.
        (
            name: "chin.length",
            caption: "Chin: longer",
            region: "chin",
            drives: [(bone: "chin", channel: TranslationY, amount: -0.005)]
        )
    ],
    options: [],
    colors: [],
)
// The end.
"#;

fn rig() -> Rig {
    Rig::from_ron(HAND_WRITTEN, "small.rig.ron").unwrap()
}

fn update(rig: &Rig) -> String {
    updated(HAND_WRITTEN, rig, "small.rig.ron").unwrap()
}

/// The lines of `new` that are not in the hand-written text, and the other way round.
fn changed_lines(new: &str) -> (Vec<String>, Vec<String>) {
    let lines = |a: &str, b: &str| {
        let others: Vec<&str> = b.lines().collect();
        a.lines().filter(|line| !others.contains(line)).map(str::to_owned).collect()
    };
    (lines(HAND_WRITTEN, new), lines(new, HAND_WRITTEN))
}

#[test]
fn an_amount_changes_its_own_text_alone() {
    let mut rig = rig();
    rig.parameters[0].drives[0].amount = 0.006;
    assert_eq!(update(&rig), HAND_WRITTEN.replace("4e-3", "0.006"));
}

#[test]
fn a_field_that_was_left_out_is_added_and_taken_away() {
    let mut rig = rig();
    rig.bones[0].mirror = Some("chin".into());
    rig.bones[1].mirror = Some("nose".into());
    let expected = HAND_WRITTEN
        .replace("joint: \"Nose_JNT\")", "joint: \"Nose_JNT\", mirror: Some(\"chin\"),)")
        .replace("mirror: None", "mirror: Some(\"nose\")");
    assert_eq!(update(&rig), expected);
    let back = updated(&expected, &self::rig(), "small.rig.ron").unwrap();
    assert_eq!(Rig::from_ron(&back, "x").unwrap(), self::rig());
}

#[test]
fn curves_and_lower_ends_are_added_changed_and_taken_away() {
    let mut rig = rig();
    rig.parameters[0].curve = Curve(1.5);
    rig.parameters[0].drives[0].low = Some(-0.002);
    let bent = update(&rig);
    let (gone, come) = changed_lines(&bent);
    assert_eq!(gone, ["                (bone: \"nose\", channel: TranslationZ, amount: 4e-3),  // measured"]);
    let drive =
        "                (bone: \"nose\", channel: TranslationZ, amount: 4e-3, low: Some(-0.002),),  // measured";
    assert_eq!(come, [drive, "            curve: 1.5,"]);

    rig.parameters[0].curve = Curve(0.75);
    rig.parameters[0].drives[0].low = Some(0.0);
    let changed = updated(&bent, &rig, "small.rig.ron").unwrap();
    assert_eq!(changed, bent.replace("curve: 1.5", "curve: 0.75").replace("Some(-0.002)", "Some(0.0)"));
    let back = updated(&changed, &self::rig(), "small.rig.ron").unwrap();
    assert_eq!(Rig::from_ron(&back, "x").unwrap(), self::rig());
    assert!(!back.contains("curve") && !back.contains("low"), "{back}");
}

#[test]
fn a_straight_curve_written_out_by_hand_stays() {
    let text = HAND_WRITTEN.replacen("drives: [", "curve: 1, drives: [", 1);
    let mut rig = Rig::from_ron(&text, "x").unwrap();
    rig.parameters[0].drives[0].amount = 0.006;
    assert_eq!(updated(&text, &rig, "x").unwrap(), text.replace("4e-3", "0.006"));
}

#[test]
fn a_new_parameter_is_laid_out_like_its_neighbours() {
    let mut rig = rig();
    rig.parameters.push(Parameter {
        name: "nose.width".into(),
        caption: "Nose: wider".into(),
        region: "nose".into(),
        curve: Curve::STRAIGHT,
        drives: vec![Drive { bone: "nose".into(), channel: Channel::ScaleX, amount: 0.2, low: None, mirror: false }],
        renamed_from: Vec::new(),
    });
    let (gone, come) = changed_lines(&update(&rig));
    assert_eq!(gone, ["        )"], "the last parameter had no comma");
    assert!(come.contains(&"            name: \"nose.width\",".to_owned()), "{come:?}");
}

#[test]
fn a_removed_parameter_takes_its_comment_along() {
    let mut rig = rig();
    rig.parameters.remove(0);
    let text = update(&rig);
    assert!(!text.contains("The nose comes first") && text.contains("// Then the chin."), "{text}");
    assert!(text.starts_with("// A head with two sliders.\n") && text.ends_with("// The end.\n"));
}

#[test]
fn parameters_move_with_their_comments() {
    let mut rig = rig();
    rig.parameters.swap(0, 1);
    let text = update(&rig);
    let place = |needle: &str| text.find(needle).unwrap();
    assert!(
        place("// Then the chin.") < place("chin.length") && place("chin.length") < place("// The nose comes first.")
    );
}

#[test]
fn a_renamed_parameter_keeps_its_place_and_comments() {
    let mut rig = rig();
    rig.parameters[0].name = "nose.reach".into();
    rig.parameters[0].renamed_from.push("nose.length".into());
    let text = update(&rig);
    let (gone, come) = changed_lines(&text);
    assert_eq!(gone, ["            name: \"nose.length\", /* metres */"]);
    let name = "            name: \"nose.reach\", /* metres */".to_owned();
    assert_eq!(come[0], name, "{come:?}");
    assert!(text.contains("renamed_from: [") && text.contains("// measured"), "{text}");
}

#[test]
fn a_renamed_bone_is_known_by_its_place() {
    let mut rig = rig();
    rig.bones[0].name = "nose_tip".into();
    for drive in &mut rig.parameters[0].drives {
        drive.bone = "nose_tip".into();
    }
    let expected =
        HAND_WRITTEN.replace("(name: \"nose\"", "(name: \"nose_tip\"").replace("bone: \"nose\"", "bone: \"nose_tip\"");
    assert_eq!(update(&rig), expected);
}

#[test]
fn faulty_texts_and_rigs_are_errors() {
    assert!(matches!(updated("(", &rig(), "x.rig.ron"), Err(RigError::Syntax { .. })));
    let mut faulty = rig();
    faulty.parameters[0].drives[0].amount = f32::NAN;
    let error = updated(HAND_WRITTEN, &faulty, "x.rig.ron").unwrap_err();
    assert!(matches!(error, RigError::OutOfRange { .. }), "{error}");
}

/// The synthetic rig's text with comments sown over it.
fn commented(seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut text = String::new();
    for (number, line) in synthetic::rig().to_ron().unwrap().lines().enumerate() {
        text.push_str(line);
        if rng.random_bool(0.1) && (line.ends_with(',') || line.ends_with(['(', '[', '{'])) {
            text.push_str(&format!("  // comment {number}"));
        }
        text.push('\n');
    }
    text
}

fn change(rig: &mut Rig, rng: &mut ChaCha8Rng) {
    let index = rng.random_range(0..rig.parameters.len());
    match rng.random_range(0..10) {
        0 => rig.parameters[index].drives[0].amount *= rng.random_range(0.2..0.9),
        1 => rig.parameters[index].caption.push_str(" \"so\" \\ to speak, (or) [not] // ?"),
        2 => rig.parameters[index].region = "chin".into(),
        3 => {
            let former = rig.parameters[index].name.clone();
            rig.parameters[index].name = format!("{former}.new");
            rig.parameters[index].renamed_from.push(former);
        }
        4 if rig.parameters.len() > 3 => drop(rig.parameters.remove(index)),
        5 => {
            let parameter = rig.parameters[index].clone();
            let name = format!("{}.{}", parameter.name, rng.random_range(0..u32::MAX));
            rig.parameters.insert(index, Parameter { name, renamed_from: Vec::new(), ..parameter });
        }
        6 => {
            let drive = rig.parameters[index].drives[0].clone();
            let channel = Channel::ALL[rng.random_range(0..9)];
            rig.parameters[index].drives.push(Drive { channel, amount: 0.01, ..drive });
        }
        7 => rig.parameters[index].curve = Curve([1.0, 0.5, 2.25][rng.random_range(0..3)]),
        8 => rig.parameters[index].drives[0].low = [None, Some(0.0), Some(-0.1)][rng.random_range(0..3)],
        _ => {
            let other = rng.random_range(0..rig.parameters.len());
            rig.parameters.swap(index, other);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_unchanged_rig_is_saved_byte_for_byte(seed in 0_u64..1 << 32) {
        let text = commented(seed);
        let rig = Rig::from_ron(&text, "x").unwrap();
        prop_assert_eq!(updated(&text, &rig, "x").unwrap(), text);
    }

    #[test]
    fn any_changes_are_written_and_comments_of_what_stays_survive(seed in 0_u64..1 << 32, count in 1_usize..12) {
        let text = commented(seed);
        let mut rig = Rig::from_ron(&text, "x").unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 1);
        for _ in 0..count {
            change(&mut rig, &mut rng);
        }
        let new = updated(&text, &rig, "x").unwrap();
        prop_assert_eq!(Rig::from_ron(&new, "x").unwrap(), rig.clone());
        // Bones, options and colours were left alone.
        let head = |text: &str| text[..text.find("parameters: [").unwrap()].to_owned();
        prop_assert_eq!(head(&new), head(&text));
        let tail = |text: &str| text[text.find("    options: [").unwrap()..].to_owned();
        prop_assert_eq!(tail(&new), tail(&text));
        prop_assert_eq!(updated(&new, &rig, "x").unwrap(), new);
    }

    #[test]
    fn one_amount_changes_one_line(seed in 0_u64..1 << 32, pick in 0_usize..1000, factor in 0.1_f32..0.9) {
        let text = commented(seed);
        let mut rig = Rig::from_ron(&text, "x").unwrap();
        let index = pick % rig.parameters.len();
        rig.parameters[index].drives[0].amount *= factor;
        let new = updated(&text, &rig, "x").unwrap();
        let differing = text.lines().zip(new.lines()).filter(|(a, b)| a != b).count();
        prop_assert_eq!((differing, text.lines().count()), (1, new.lines().count()));
    }
}
