#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use glam::{EulerRot, Mat3};
use proptest::prelude::*;

use super::*;
use crate::{Parameter, synthetic};

#[test]
fn neutral_values_move_nothing() {
    let rig = synthetic::rig();
    let compiled = rig.compile().unwrap();
    let mut offsets = Vec::new();
    compiled.offsets_into(&vec![0.5; rig.parameters.len()], &mut offsets);
    assert_eq!(offsets, vec![BoneOffset::IDENTITY; rig.bones.len()]);
    compiled.offsets_into(&[], &mut offsets);
    assert_eq!(offsets, vec![BoneOffset::IDENTITY; rig.bones.len()]);
}

#[test]
fn a_drive_reaches_its_amount_at_one_and_its_opposite_at_zero() {
    let rig = synthetic::rig();
    let compiled = rig.compile().unwrap();
    let index = rig.parameter_index("jaw_l.0").unwrap();
    let mut values = vec![0.5; rig.parameters.len()];
    let mut channels = Vec::new();
    for (value, expected) in [(1.0, 0.01), (0.0, -0.01), (0.75, 0.005)] {
        values[index] = value;
        compiled.channels_into(&values, &mut channels);
        assert!((channels[2][0] - expected).abs() < 1e-7);
        assert!((channels[3][0] + expected).abs() < 1e-7, "the mirror moves the other way along x");
    }
}

#[test]
fn ends_that_differ_are_reached_and_the_curve_bends_the_way_there() {
    let mut rig = synthetic::rig();
    let index = rig.parameter_index("jaw_l.0").unwrap();
    rig.parameters[index].curve = Curve(2.0);
    rig.parameters[index].drives[0].low = Some(-0.004);
    let compiled = rig.compile().unwrap();
    assert_eq!(compiled.strength_count(), rig.parameters.len() + 1);
    assert_eq!(compiled.strength_parameters().last(), Some(index));
    let mut values = vec![0.5; rig.parameters.len()];
    let mut channels = Vec::new();
    for (value, expected) in [(1.0, 0.01), (0.75, 0.0025), (0.5, 0.0), (0.25, -0.001), (0.0, -0.004)] {
        values[index] = value;
        compiled.channels_into(&values, &mut channels);
        assert_eq!((channels[2][0], channels[3][0]), (expected, -expected), "{value}, and its mirror");
        assert_eq!(compiled.channels_of(2, &values), channels[2]);
        assert_eq!(rig.parameters[index].drives[0].offset(Curve(2.0).strength(value)), expected);
    }
}

#[test]
fn an_end_written_out_as_the_opposite_is_no_other_rig() {
    let plain = synthetic::rig();
    let mut rig = plain.clone();
    for drive in rig.parameters.iter_mut().flat_map(|parameter| &mut parameter.drives) {
        drive.low = Some(-drive.amount);
    }
    let (plain, compiled) = (plain.compile().unwrap(), rig.compile().unwrap());
    assert_eq!(compiled.strength_count(), rig.parameters.len());
    assert_eq!(compiled.channel_matrix(), plain.channel_matrix());
}

/// What rigs without curves and lower ends have always given, to the bit: `channel = sum of 2 amount (value - 0.5)`.
#[test]
fn straight_rigs_give_the_bits_that_they_always_gave() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron");
    for rig in [synthetic::rig(), Rig::load(&path).unwrap()] {
        let compiled = rig.compile().unwrap();
        let mut channels = Vec::new();
        for seed in 0..20 {
            let values = synthetic::values(&rig, seed);
            compiled.channels_into(&values, &mut channels);
            for (bone, channel) in (0..rig.bones.len()).flat_map(|bone| Channel::ALL.map(|channel| (bone, channel))) {
                let slope = |parameter: &Parameter| {
                    let mut slope = None;
                    for drive in parameter.drives.iter().filter(|drive| drive.channel == channel) {
                        if drive.bone == rig.bones[bone].name {
                            *slope.get_or_insert(0.0) += 2.0 * drive.amount;
                        }
                        if drive.mirror && Some(&drive.bone) == rig.bones[bone].mirror.as_ref() {
                            *slope.get_or_insert(0.0) += 2.0 * drive.amount * channel.mirror_sign();
                        }
                    }
                    slope
                };
                let terms = rig.parameters.iter().zip(&values);
                let expected: Option<f32> = terms
                    .filter_map(|(parameter, value)| slope(parameter).map(|slope: f32| slope * (value - 0.5)))
                    .reduce(|sum, term| sum + term);
                let found = channels[bone][channel.index()];
                assert_eq!(found.to_bits(), expected.unwrap_or(0.0).to_bits(), "{} {channel:?}", rig.bones[bone].name);
            }
        }
    }
}

#[test]
fn drives_of_one_channel_add_up() {
    let rig = synthetic::rig();
    let compiled = rig.compile().unwrap();
    let mut values = vec![0.5; rig.parameters.len()];
    values[rig.parameter_index("chin.1").unwrap()] = 1.0;
    values[rig.parameter_index("whole.length").unwrap()] = 0.0;
    let mut channels = Vec::new();
    compiled.channels_into(&values, &mut channels);
    assert!((channels[1][1] - 0.02).abs() < 1e-7);
}

#[test]
fn steady_state_allocates_nothing() {
    let rig = synthetic::bent_rig();
    let compiled = rig.compile().unwrap();
    let mut offsets = Vec::new();
    compiled.offsets_into(&synthetic::values(&rig, 1), &mut offsets);
    let (place, capacity) = (offsets.as_ptr(), offsets.capacity());
    compiled.offsets_into(&synthetic::values(&rig, 2), &mut offsets);
    assert_eq!((offsets.as_ptr(), offsets.capacity()), (place, capacity));
}

proptest! {
    #[test]
    fn the_matrix_gives_the_channels(seed in 0_u64..1000, bent: bool) {
        let rig = if bent { synthetic::bent_rig() } else { synthetic::rig() };
        let compiled = rig.compile().unwrap();
        let values = synthetic::values(&rig, seed);
        let (matrix, rows, columns) = compiled.channel_matrix();
        prop_assert_eq!((rows, columns), (rig.bones.len() * 9, compiled.strength_count()));
        let (mut channels, mut strengths) = (Vec::new(), Vec::new());
        compiled.channels_into(&values, &mut channels);
        compiled.strengths_into(&values, &mut strengths);
        for (row, channel) in matrix.chunks_exact(columns).zip(channels.as_flattened()) {
            let sum: f32 = row.iter().zip(&strengths).map(|(amount, strength)| amount * strength).sum();
            prop_assert!((sum - channel).abs() < 1e-6);
        }
    }

    #[test]
    fn strength_slopes_are_the_differences(seed in 0_u64..1000) {
        const STEP: f32 = 1e-3;
        let rig = synthetic::bent_rig();
        let compiled = rig.compile().unwrap();
        let values = synthetic::values(&rig, seed);
        let (mut slopes, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
        compiled.strength_slopes_into(&values, &mut slopes);
        let moved = |step: f32| values.iter().map(|value| value + step).collect::<Vec<f32>>();
        compiled.strengths_into(&moved(-STEP), &mut before);
        compiled.strengths_into(&moved(STEP), &mut after);
        prop_assert_eq!(slopes.len(), before.len());
        for ((parameter, slope), (before, after)) in
            compiled.strength_parameters().zip(&slopes).zip(before.iter().zip(&after))
        {
            // Near neutral slopes are those of a place nearby.
            if (values[parameter] - 0.5).abs() > 0.03 {
                let difference = (after - before) / (2.0 * STEP);
                prop_assert!((slope - difference).abs() < 0.02 * difference.abs().max(0.1), "{} {}", slope, difference);
            }
        }
    }

    #[test]
    fn any_curve_and_lower_end_give_finite_offsets(
        values in prop::collection::vec(0.0_f32..=1.0, 37),
        exponent in Curve::MIN..=Curve::MAX,
        low in -0.2_f32..=0.2,
    ) {
        let mut rig = synthetic::rig();
        for parameter in &mut rig.parameters {
            parameter.curve = Curve(exponent);
            parameter.drives[0].low = Some(low);
        }
        rig.validate("bent.rig.ron").unwrap();
        let compiled = rig.compile().unwrap();
        let (mut offsets, mut slopes) = (Vec::new(), Vec::new());
        compiled.offsets_into(&values, &mut offsets);
        for offset in offsets {
            prop_assert!(offset.translation.is_finite() && offset.scale.is_finite());
            prop_assert!(offset.rotation.is_normalized() && offset.scale.min_element() > 0.0);
        }
        compiled.strength_slopes_into(&values, &mut slopes);
        prop_assert!(slopes.iter().all(|slope| slope.is_finite() && *slope >= 0.0));
    }

    #[test]
    fn values_in_range_give_finite_offsets(values in prop::collection::vec(0.0_f32..=1.0, 37)) {
        let rig = synthetic::rig();
        let mut offsets = Vec::new();
        rig.compile().unwrap().offsets_into(&values, &mut offsets);
        for offset in offsets {
            prop_assert!(offset.translation.is_finite() && offset.scale.is_finite());
            prop_assert!(offset.rotation.is_normalized());
            prop_assert!(offset.scale.min_element() > 0.0);
        }
    }

    #[test]
    fn mirrored_parameters_give_mirrored_bones(seed in 0_u64..1000, bent: bool) {
        let rig = if bent { synthetic::bent_rig() } else { synthetic::rig() };
        let mut offsets = Vec::new();
        rig.compile().unwrap().offsets_into(&synthetic::values(&rig, seed), &mut offsets);
        let (left, right) = (offsets[2], offsets[3]);
        let flip = Vec3::new(-1.0, 1.0, 1.0);
        prop_assert!((left.translation * flip).abs_diff_eq(right.translation, 1e-7));
        prop_assert!(left.scale.abs_diff_eq(right.scale, 1e-7));
        let mirror = Mat3::from_diagonal(flip);
        let reflected = mirror * Mat3::from_quat(left.rotation) * mirror;
        prop_assert!(reflected.abs_diff_eq(Mat3::from_quat(right.rotation), 1e-6));
    }

    #[test]
    fn the_series_is_the_library_rotation(x in -3.0_f32..3.0, y in -3.0_f32..3.0, z in -3.0_f32..3.0, small: bool) {
        let factor = if small { 0.2 } else { 1.0 };
        let (x, y, z) = (x * factor, y * factor, z * factor);
        let expected = Quat::from_euler(EulerRot::XYZ, x, y, z);
        prop_assert!(euler_xyz(x, y, z).abs_diff_eq(expected, 1e-6));
        let product = Quat::from_rotation_x(x) * Quat::from_rotation_y(y) * Quat::from_rotation_z(z);
        prop_assert!(euler_xyz(x, y, z).abs_diff_eq(product, 1e-6));
    }
}
