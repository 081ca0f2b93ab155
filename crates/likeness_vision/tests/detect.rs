//! Face detection on a public-domain portrait (NASA) and on pictures made from it.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use likeness_vision::{Detector, FaceBox, Photo};
use std::path::Path;

fn astronaut() -> Photo {
    Photo::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/photos/astronaut.jpg")).unwrap()
}

/// The face's middle and the part of its width by which it may be off, in the 512-pixel portrait.
#[track_caller]
fn assert_face(face: &FaceBox, offset: (f32, f32), scale: f32) {
    let middle = ((face.x + face.w / 2.0 - offset.0) / scale, (face.y + face.h / 2.0 - offset.1) / scale);
    let width = face.w / scale;
    assert!((middle.0 - 223.0).abs() < 12.0 && (middle.1 - 118.0).abs() < 12.0, "{face:?}: middle {middle:?}");
    assert!((85.0..120.0).contains(&width), "{face:?}: width {width}");
}

fn canvas(width: u32, height: u32) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb([120, 130, 140]))
}

#[test]
fn finds_the_one_face() {
    let faces = Detector::new().detect(&astronaut());
    assert_eq!(faces.len(), 1, "{faces:?}");
    assert!(faces[0].score > 8.0, "{faces:?}");
    assert_face(&faces[0], (0.0, 0.0), 1.0);
}

#[test]
fn finds_the_same_face_at_other_sizes() {
    let portrait = astronaut().pixels;
    let detector = Detector::new();
    for side in [160, 300, 1200, 2000] {
        let pixels = imageops::resize(&portrait, side, side, FilterType::Triangle);
        let faces = detector.detect(&Photo { pixels });
        assert_eq!(faces.len(), 1, "side {side}: {faces:?}");
        assert_face(&faces[0], (0.0, 0.0), side as f32 / 512.0);
    }
}

#[test]
fn finds_two_faces_and_puts_the_larger_first() {
    let portrait = astronaut().pixels;
    let smaller = imageops::resize(&portrait, 410, 410, FilterType::Triangle);
    let mut pixels = canvas(512 + 410, 512);
    imageops::replace(&mut pixels, &smaller, 0, 0);
    imageops::replace(&mut pixels, &portrait, 410, 0);
    let faces = Detector::new().detect(&Photo { pixels });
    assert_eq!(faces.len(), 2, "{faces:?}");
    assert_face(&faces[0], (410.0, 0.0), 1.0);
    assert_face(&faces[1], (0.0, 0.0), 410.0 / 512.0);
}

#[test]
fn finds_a_small_face_in_a_large_photo() {
    let scale = 0.6;
    let small = imageops::resize(&astronaut().pixels, 307, 307, FilterType::Triangle);
    let mut pixels = canvas(1400, 1000);
    imageops::replace(&mut pixels, &small, 700, 400);
    let faces = Detector::new().detect(&Photo { pixels });
    assert_eq!(faces.len(), 1, "{faces:?}");
    assert_face(&faces[0], (700.0, 400.0), scale);
}

#[test]
fn finds_a_face_that_fills_the_frame() {
    let pixels = imageops::crop_imm(&astronaut().pixels, 170, 55, 108, 130).to_image();
    let faces = Detector::new().detect(&Photo { pixels });
    assert_eq!(faces.len(), 1, "{faces:?}");
    assert_face(&faces[0], (-170.0, -55.0), 1.0);
}

#[test]
fn finds_nothing_where_nothing_is() {
    let detector = Detector::new();
    let gradient = RgbImage::from_fn(640, 480, |x, y| Rgb([(x / 3) as u8, (y / 2) as u8, 90]));
    let stripes = RgbImage::from_fn(500, 700, |x, y| Rgb([if (x / 7 + y / 11) % 2 == 0 { 230 } else { 20 }; 3]));
    for pixels in [gradient, stripes, canvas(24, 24), canvas(40, 40), canvas(41, 3000), canvas(100, 24)] {
        let size = pixels.dimensions();
        assert_eq!(detector.detect(&Photo { pixels }), [], "{size:?}");
    }
}

#[test]
fn may_be_shared_between_threads() {
    let detector = Detector::new();
    let photo = astronaut();
    let expected = detector.detect(&photo);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| detector.detect(&photo))).collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), expected);
        }
    });
}
