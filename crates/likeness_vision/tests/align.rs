//! Resampling, crops, poses, quality and colours, from landmarks made here.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use glam::{Vec2, Vec3};
use image::{Rgb, RgbImage};
use likeness_rig::HeadPose;
use likeness_rig::crop::{EYE_DISTANCE, REFERENCE_LANDMARKS, reference};
use likeness_rig::similarity::Similarity;
use likeness_vision::{
    FaceBox, Photo, QualityWarning, VisionError, align_crop, check_usable, head_pose, landmark_crop, landmark_recrop,
    measure_colors, warnings, warp,
};

/// From the reference crop to a photo: larger, turned and moved.
fn to_photo(scale: f32, degrees: f32, shift: Vec2) -> Similarity {
    let (sin, cos) = degrees.to_radians().sin_cos();
    Similarity { a: scale * cos, b: scale * sin, tx: shift.x, ty: shift.y }
}

fn mean(picture: &RgbImage) -> f32 {
    picture.as_raw().iter().map(|&value| f32::from(value)).sum::<f32>() / picture.as_raw().len() as f32
}

#[test]
fn warping_by_nothing_changes_nothing() {
    let picture = RgbImage::from_fn(32, 32, |x, y| Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]));
    assert_eq!(warp(&picture, &Similarity::IDENTITY, 32), picture);
}

#[test]
fn warping_moves_points_as_the_similarity_says() {
    let spot = Vec2::new(400.5, 300.5);
    let picture = RgbImage::from_fn(800, 600, |x, y| {
        let distance = Vec2::new(x as f32 + 0.5, y as f32 + 0.5).distance(spot);
        Rgb([(255.0 * (-distance * distance / 100.0).exp()) as u8; 3])
    });
    for scale in [0.1, 0.3, 0.7, 1.0, 1.8] {
        let mut photo_to_crop = to_photo(scale, 25.0, Vec2::ZERO);
        let at = photo_to_crop.apply(spot);
        let target = Vec2::new(70.0, 58.0);
        (photo_to_crop.tx, photo_to_crop.ty) = (target.x - at.x, target.y - at.y);
        let crop = warp(&picture, &photo_to_crop, 128);
        let (mut sum, mut weight) = (Vec2::ZERO, 0.0);
        for (x, y, pixel) in crop.enumerate_pixels() {
            let value = f32::from(pixel.0[0]);
            sum += Vec2::new(x as f32 + 0.5, y as f32 + 0.5) * value;
            weight += value;
        }
        assert!((sum / weight).distance(target) < 0.1, "scale {scale}: {} for {target}", sum / weight);
    }
}

#[test]
fn shrinking_averages_and_does_not_alias() {
    // Lines of one pixel: any sampling of single pixels would give stripes.
    let lines = RgbImage::from_fn(1280, 1280, |x, _| Rgb([if x % 2 == 0 { 255 } else { 0 }; 3]));
    let crop = warp(&lines, &Similarity { a: 0.1, b: 0.0, tx: 0.0, ty: 0.0 }, 128);
    let worst = crop.as_raw().iter().map(|&value| (f32::from(value) - 127.5).abs()).fold(0.0, f32::max);
    assert!(worst < 2.0, "off by {worst}");
}

#[test]
fn outside_the_photo_its_edge_goes_on() {
    let picture = RgbImage::from_fn(600, 600, |x, _| if x < 300 { Rgb([10, 20, 30]) } else { Rgb([200, 210, 220]) });
    for scale in [0.25, 1.0] {
        let far_left = Similarity { a: scale, b: 0.0, tx: 5000.0, ty: 0.0 };
        assert!(warp(&picture, &far_left, 64).pixels().all(|pixel| pixel.0 == [10, 20, 30]));
        let far_right = Similarity { a: scale, b: 0.0, tx: -5000.0, ty: -9000.0 };
        assert!(warp(&picture, &far_right, 64).pixels().all(|pixel| pixel.0 == [200, 210, 220]));
    }
}

#[test]
fn impossible_similarities_do_no_harm() {
    let picture = RgbImage::from_pixel(50, 40, Rgb([9; 3]));
    for bad in [0.0, f32::NAN, f32::INFINITY, 1e-30, 1e-9, 1e9] {
        assert_eq!(warp(&picture, &Similarity { a: bad, b: 0.0, tx: 3.0, ty: 1.0 }, 16).dimensions(), (16, 16));
        assert_eq!(warp(&picture, &Similarity { a: 1.0, b: 0.0, tx: bad, ty: 1.0 }, 16).dimensions(), (16, 16));
    }
    assert_eq!(warp(&RgbImage::new(0, 0), &Similarity::IDENTITY, 16).dimensions(), (16, 16));
}

#[test]
fn aligned_landmarks_lie_on_the_reference() {
    let photo = Photo { pixels: RgbImage::from_pixel(900, 700, Rgb([1, 2, 3])) };
    for degrees in [-40.0, 0.0, 90.0] {
        let place = to_photo(3.0, degrees, Vec2::new(250.0, 120.0));
        let landmarks = reference().map(|point| place.apply(point));
        let (crop, photo_to_crop) = align_crop(&photo, &landmarks).unwrap();
        assert_eq!(crop.dimensions(), (128, 128));
        let worst =
            landmarks.iter().zip(reference()).map(|(a, b)| photo_to_crop.apply(*a).distance(b)).fold(0.0, f32::max);
        assert!(worst < 0.01, "{degrees} degrees: {worst}");
        let recrop = landmark_recrop(&landmarks).unwrap();
        let upright = landmarks.map(|point| recrop.apply(point));
        let low = upright.iter().copied().fold(Vec2::MAX, Vec2::min);
        let high = upright.iter().copied().fold(Vec2::MIN, Vec2::max);
        assert!(((low + high) * 0.5).distance(Vec2::splat(64.0)) < 0.5, "{low} {high}");
        assert!(low.min_element() > 14.0 && high.max_element() < 114.0, "{low} {high}");
        assert!(upright[27].y < upright[8].y);
    }
}

#[test]
fn degenerate_landmarks_are_an_error() {
    let photo = Photo { pixels: RgbImage::new(64, 64) };
    for point in [Vec2::splat(20.0), Vec2::NAN, Vec2::INFINITY] {
        let landmarks = [point; 68];
        assert!(matches!(align_crop(&photo, &landmarks), Err(VisionError::DegenerateLandmarks)));
        assert!(matches!(landmark_recrop(&landmarks), Err(VisionError::DegenerateLandmarks)));
    }
}

#[test]
fn the_box_crop_is_a_margin_about_the_face() {
    let face = FaceBox { x: 100.0, y: 200.0, w: 80.0, h: 80.0, score: 10.0 };
    let crop = landmark_crop(&face);
    let (low, high) = (crop.apply(Vec2::new(100.0, 200.0)), crop.apply(Vec2::new(180.0, 280.0)));
    assert!(((high - low) - 128.0 / 1.5).abs().max_element() < 1e-3, "{low} {high}");
    // The box stands above the middle: chins are further from it than brows.
    assert!(low.y < 128.0 - high.y);
}

/// A face in space: the reference in the plane, with a nose, 1 unit = 1 mm.
fn solid() -> [Vec3; 68] {
    let mut points = REFERENCE_LANDMARKS.map(|[x, y]| {
        let (x, y) = ((x - 64.0) * 2.0, (54.0 - y) * 2.0);
        Vec3::new(x, y, -0.008 * x * x - 0.003 * y * y)
    });
    for (index, height) in
        [(27, 6.0), (28, 14.0), (29, 22.0), (30, 30.0), (31, 10.0), (32, 14.0), (33, 18.0), (34, 14.0), (35, 10.0)]
    {
        points[index].z += height;
    }
    points
}

fn seen(pose: &HeadPose, scale: f32) -> [Vec2; 68] {
    solid().map(|point| {
        let point = pose.rotation() * point;
        Vec2::new(300.0 + point.x * scale, 250.0 - point.y * scale)
    })
}

#[test]
fn poses_are_read_from_landmarks() {
    for (yaw, pitch, roll) in
        [(0.0, 0.0, 0.0), (30.0, 0.0, 0.0), (-70.0, 0.0, 0.0), (20.0, -15.0, 25.0), (-10.0, 20.0, -40.0)]
    {
        let pose = HeadPose { yaw, pitch, roll };
        let found = head_pose(&solid(), &seen(&pose, 0.9)).unwrap();
        let off = (found.yaw - yaw).abs().max((found.pitch - pitch).abs()).max((found.roll - roll).abs());
        assert!(off < 0.1, "{found:?} for {pose:?}");
    }
    assert!(head_pose(&solid(), &[Vec2::ONE; 68]).is_none());
    assert!(head_pose(&[Vec3::ONE; 68], &seen(&HeadPose::default(), 1.0)).is_none());
}

#[test]
fn profiles_and_small_faces_are_refused() {
    let check = |yaw: f32, scale: f32| {
        let landmarks = seen(&HeadPose { yaw, pitch: 0.0, roll: 10.0 }, scale);
        check_usable(&landmarks, &head_pose(&solid(), &landmarks).unwrap())
    };
    check(0.0, 1.0).unwrap();
    check(55.0, 1.0).unwrap();
    assert!(matches!(check(75.0, 1.0).unwrap_err(), VisionError::TurnedTooFar { yaw, .. } if (yaw - 75.0).abs() < 0.5));
    assert!(matches!(check(-80.0, 1.0).unwrap_err(), VisionError::TurnedTooFar { yaw, .. } if yaw < -79.0));
    let error = check(0.0, 0.2).unwrap_err();
    assert!(
        matches!(error, VisionError::FaceTooSmall { eye_distance, .. } if (eye_distance - 19.2).abs() < 1.0),
        "{error}"
    );
    // A turned face's eyes are near each other, but it is no smaller.
    check(58.0, 0.4).unwrap();
    let nan = [Vec2::NAN; 68];
    assert!(matches!(check_usable(&nan, &HeadPose::default()), Err(VisionError::DegenerateLandmarks)));
}

/// A face painted at the reference landmarks with some grain.
fn painted(skin: [u8; 3], lips: [u8; 3], brows: [u8; 3]) -> RgbImage {
    RgbImage::from_fn(128, 128, |x, y| {
        let (x_at, y_at) = (x as f32, y as f32);
        let mut color = skin;
        if (50.0..79.0).contains(&x_at) && (89.0..102.0).contains(&y_at) {
            color = lips;
        } else if (31.0..98.0).contains(&x_at) && (36.0..47.0).contains(&y_at) && !(60.0..68.0).contains(&x_at) {
            color = brows;
        }
        let grain = if (x + y) % 2 == 0 { 6 } else { 0 };
        Rgb(color.map(|value| value.saturating_add(grain)))
    })
}

#[test]
fn light_and_sharpness_are_judged() {
    let landmarks = reference();
    let judge = |crop: &RgbImage| warnings(crop, &Similarity::IDENTITY, &landmarks, &HeadPose::default(), (128, 128));
    let good = painted([190, 140, 120], [150, 70, 70], [50, 40, 30]);
    assert_eq!(judge(&good), []);
    let dark = RgbImage::from_fn(128, 128, |x, y| Rgb(good.get_pixel(x, y).0.map(|value| value / 6)));
    assert!(matches!(judge(&dark)[..], [QualityWarning::TooDark { mean }] if (mean - self::mean(&dark)).abs() < 12.0));
    let bright = RgbImage::from_fn(128, 128, |x, y| Rgb(good.get_pixel(x, y).0.map(|value| value.saturating_mul(2))));
    assert!(
        judge(&bright).iter().any(|found| matches!(found, QualityWarning::Overexposed { percent } if *percent > 20.0))
    );
    let blurred = image::imageops::blur(&good, 5.0);
    assert!(matches!(judge(&blurred)[..], [QualityWarning::Blurred { sharpness }] if sharpness < 0.1));
}

#[test]
fn pose_size_and_frame_are_judged() {
    let crop = painted([190, 140, 120], [150, 70, 70], [50, 40, 30]);
    let judge = |scale: f32, shift: f32, yaw: f32| {
        let place = to_photo(scale, 0.0, Vec2::new(shift, 0.0));
        let landmarks = reference().map(|point| place.apply(point));
        warnings(&crop, &place.inverse().unwrap(), &landmarks, &HeadPose { yaw, ..HeadPose::default() }, (400, 400))
    };
    assert_eq!(judge(2.0, 0.0, 0.0), []);
    assert!(matches!(judge(2.0, 0.0, -41.0)[..], [QualityWarning::TurnedFar { yaw: -41.0 }]));
    assert!(
        matches!(judge(0.6, 0.0, 0.0)[..], [QualityWarning::SmallFace { eye_distance }] if (eye_distance - 0.6 * EYE_DISTANCE).abs() < 0.1)
    );
    assert!(
        matches!(judge(2.0, -110.0, 0.0)[..], [QualityWarning::CutOff { percent }] if (50.0..95.0).contains(&percent))
    );
}

#[test]
fn colours_are_measured_by_region() {
    let linear = |value: f32| ((value / 255.0 + 0.055) / 1.055).powf(2.4);
    let near = |found: Option<[f32; 3]>, expected: [u8; 3]| {
        let found = found.unwrap();
        for (found, expected) in found.iter().zip(expected) {
            let (low, high) = (linear(f32::from(expected) - 3.0), linear(f32::from(expected) + 9.0));
            assert!((low..=high).contains(found), "{found} is not in {low}..{high}");
        }
    };
    let (skin, lips, brows) = ([190, 140, 120], [150, 70, 70], [50, 40, 30]);
    let mut crop = painted(skin, lips, brows);
    // Shine on the nose and a shadow on one cheek do not count.
    for (x, y, pixel) in crop.enumerate_pixels_mut() {
        if (60..68).contains(&x) && (50..70).contains(&y) {
            *pixel = Rgb([255; 3]);
        } else if x < 36 && y > 60 {
            *pixel = Rgb([20; 3]);
        }
    }
    let found = measure_colors(&crop, &Similarity::IDENTITY, &reference());
    near(found.skin, skin);
    near(found.lips, lips);
    near(found.brows, brows);
    assert_eq!(found.hair, None, "a bald forehead");
    let nothing = measure_colors(&crop, &Similarity::IDENTITY, &[Vec2::NAN; 68]);
    assert_eq!((nothing.skin, nothing.lips, nothing.brows, nothing.hair), (None, None, None, None));
    // Hair over the forehead, uneven at its edge.
    let hair = [120, 90, 50];
    for (x, y, pixel) in crop.enumerate_pixels_mut() {
        if y < 10 + x % 5 {
            let grain = if (x + y) % 2 == 0 { 6 } else { 0 };
            *pixel = Rgb(hair.map(|value| value + grain));
        }
    }
    near(measure_colors(&crop, &Similarity::IDENTITY, &reference()).hair, hair);
    // Hair on both sides of the face, and on one alone.
    let sides = [reference()[1].x - 3.0, reference()[15].x + 3.0].map(|x| x as u32);
    for (x, _, pixel) in crop.enumerate_pixels_mut().filter(|(x, _, _)| *x < sides[0] || *x > sides[1]) {
        *pixel = Rgb(if x < sides[0] { [130, 100, 55] } else { [110, 80, 45] });
    }
    near(measure_colors(&crop, &Similarity::IDENTITY, &reference()).locks, hair);
    for (_, _, pixel) in crop.enumerate_pixels_mut().filter(|(x, _, _)| *x > sides[1]) {
        *pixel = Rgb([60, 110, 200]);
    }
    assert_eq!(measure_colors(&crop, &Similarity::IDENTITY, &reference()).locks, None, "what is behind on one side");
}
