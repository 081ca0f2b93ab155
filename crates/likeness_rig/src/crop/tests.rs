#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use super::*;
use crate::{HeadMesh, LandmarkSet, Rig};

/// How far the constant may be from the head, pixels: small changes of the head leave trained networks of use.
const TOLERANCE: f32 = 2.5;

#[test]
fn the_reference_is_the_bundled_heads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head");
    let rig = Rig::load(&folder.join("head.rig.ron")).unwrap();
    let mesh = HeadMesh::load(&folder.join(&rig.mesh)).unwrap();
    let set = LandmarkSet::load(&folder.join(&rig.landmarks)).unwrap();
    let model = LandmarkModel::new(&rig, &mesh, &set).unwrap();
    for (index, (a, b)) in reference_of(&model).iter().zip(reference()).enumerate() {
        assert!(a.distance(b) < TOLERANCE, "landmark {index}: the head has {a}, the constant {b}");
    }
}

#[test]
fn the_reference_is_symmetric_and_inside_the_crop() {
    let points = reference();
    let mirrored = |index: usize| Vec2::new(CROP_SIZE as f32 - points[index].x, points[index].y);
    for (right, left) in [(0, 16), (8, 8), (17, 26), (30, 30), (31, 35), (36, 45), (39, 42), (48, 54), (60, 64)] {
        assert!(points[left].distance(mirrored(right)) < 0.5, "{right} and {left}");
    }
    assert!(points.iter().all(|point| point.min_element() > 0.0 && point.max_element() < CROP_SIZE as f32));
    assert!((points[45].x - points[36].x - EYE_DISTANCE).abs() < 0.1);
}

#[test]
fn a_photo_is_brought_onto_the_reference() {
    let photo = Similarity { a: 3.0, b: 0.8, tx: 200.0, ty: 90.0 };
    let mut landmarks = reference().map(|point| photo.apply(point));
    landmarks[4] += Vec2::splat(300.0);
    let found = photo_to_crop(&landmarks).unwrap();
    for index in INNER {
        assert!(found.apply(landmarks[index]).distance(reference()[index]) < 1e-2, "the contour takes no part");
    }
    assert_eq!(photo_to_crop(&[Vec2::ONE; LANDMARK_COUNT]), None);
}

#[test]
fn a_portrait_shows_more_of_the_same() {
    let photo = Similarity { a: 3.0, b: 0.8, tx: 200.0, ty: 90.0 };
    let landmarks = reference().map(|point| photo.apply(point));
    let (face, portrait) = (photo_to_crop(&landmarks).unwrap(), photo_to_portrait(&landmarks).unwrap());
    let eyes = |to: &Similarity| (to.apply(landmarks[36]), to.apply(landmarks[45]));
    let (right, left) = eyes(&portrait);
    assert!((left.x - right.x - PORTRAIT_EYE_DISTANCE).abs() < 0.1 && (left.y - right.y).abs() < 0.1);
    assert!(((left + right) / 2.0).distance(PORTRAIT_EYES) < 0.1);
    assert!((face.angle() - portrait.angle()).abs() < 1e-5);
}

#[test]
fn mirrored_parameters_mirror_the_face() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head");
    let rig = Rig::load(&folder.join("head.rig.ron")).unwrap();
    let mesh = HeadMesh::load(&folder.join(&rig.mesh)).unwrap();
    let set = LandmarkSet::load(&folder.join(&rig.landmarks)).unwrap();
    let model = LandmarkModel::new(&rig, &mesh, &set).unwrap();
    let signs = rig.mirror_signs().unwrap();
    assert!(signs.contains(&1.0) && signs.contains(&-1.0));
    let values = crate::synthetic::values(&rig, 3);
    let mirrored: Vec<f32> = values.iter().zip(&signs).map(|(value, sign)| 0.5 + sign * (value - 0.5)).collect();
    let (face, twin) = (model.points(&values, &[0.0; 52], 0.0), model.points(&mirrored, &[0.0; 52], 0.0));
    for (right, left) in
        [(8, 8), (17, 26), (27, 27), (30, 30), (31, 35), (36, 45), (39, 42), (48, 54), (51, 51), (57, 57)]
    {
        let reflected = twin[left] * glam::Vec3::new(-1.0, 1.0, 1.0);
        assert!(face[right].distance(reflected) < 6e-4, "{right}: {} {reflected}", face[right]);
    }
    // One side with a parameter of its own has no mirror image.
    let mut lopsided = rig.clone();
    for drive in &mut lopsided.parameters[0].drives {
        drive.bone = "lip_corner.L".into();
        drive.mirror = false;
    }
    assert_eq!(lopsided.mirror_signs(), None);
}
