#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use glam::{EulerRot, Mat3};
use proptest::prelude::*;

use super::*;
use crate::synthetic;

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
    let rig = synthetic::rig();
    let compiled = rig.compile().unwrap();
    let mut offsets = Vec::new();
    compiled.offsets_into(&synthetic::values(&rig, 1), &mut offsets);
    let (place, capacity) = (offsets.as_ptr(), offsets.capacity());
    compiled.offsets_into(&synthetic::values(&rig, 2), &mut offsets);
    assert_eq!((offsets.as_ptr(), offsets.capacity()), (place, capacity));
}

proptest! {
    #[test]
    fn the_matrix_gives_the_channels(seed in 0_u64..1000) {
        let rig = synthetic::rig();
        let compiled = rig.compile().unwrap();
        let values = synthetic::values(&rig, seed);
        let (matrix, rows, columns) = compiled.channel_matrix();
        prop_assert_eq!((rows, columns), (rig.bones.len() * 9, rig.parameters.len()));
        let mut channels = Vec::new();
        compiled.channels_into(&values, &mut channels);
        for (row, channel) in matrix.chunks_exact(columns).zip(channels.as_flattened()) {
            let sum: f32 = row.iter().zip(&values).map(|(slope, value)| slope * (value - 0.5)).sum();
            prop_assert!((sum - channel).abs() < 1e-6);
        }
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
    fn mirrored_parameters_give_mirrored_bones(seed in 0_u64..1000) {
        let rig = synthetic::rig();
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
