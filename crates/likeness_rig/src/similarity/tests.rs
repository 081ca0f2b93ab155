#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

#[test]
fn degenerate_points_have_no_similarity() {
    let point = Vec2::new(3.0, 4.0);
    assert_eq!(align(&[], &[]), None);
    assert_eq!(align(&[point], &[point]), None);
    assert_eq!(align(&[point, point], &[Vec2::ZERO, Vec2::ONE]), None);
    assert_eq!(align(&[Vec2::ZERO, Vec2::ONE], &[Vec2::ZERO]), None);
    assert_eq!(align(&[Vec2::ZERO, Vec2::ONE], &[Vec2::ZERO, Vec2::NAN]), None);
    assert_eq!(align_weighted(&[Vec2::ZERO, Vec2::ONE], &[Vec2::ZERO, Vec2::ONE], &[0.0, 0.0]), None);
    assert_eq!(Similarity { a: 0.0, b: 0.0, tx: 1.0, ty: 1.0 }.inverse(), None);
}

proptest! {
    #[test]
    fn a_similarity_is_found_again(a in 0.2_f32..3.0, b in -3.0_f32..3.0, tx in -50.0_f32..50.0, ty in -50.0_f32..50.0) {
        let truth = Similarity { a, b, tx, ty };
        let points = [(0.0, 0.0), (10.0, 2.0), (-3.0, 8.0), (5.0, -7.0)].map(|(x, y)| Vec2::new(x, y));
        let found = align(&points, &points.map(|point| truth.apply(point))).unwrap();
        let back = found.inverse().unwrap();
        for point in points {
            prop_assert!(found.apply(point).abs_diff_eq(truth.apply(point), 1e-3));
            prop_assert!(back.apply(found.apply(point)).abs_diff_eq(point, 1e-3));
        }
        prop_assert!((found.scale() - a.hypot(b)).abs() < 1e-3);
    }
}
