//! Time of the steps that need no network, on a 1080p JPEG with one face.
#![allow(missing_docs, reason = "made by criterion's macros")]
#![allow(clippy::unwrap_used, reason = "a benchmark may fail by panicking")]

use criterion::{Criterion, criterion_group, criterion_main};
use glam::Vec2;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use likeness_rig::HeadPose;
use likeness_rig::crop::reference;
use likeness_vision::{Detector, Photo, align_crop, landmark_crop, landmark_recrop, measure_colors, warnings};
use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;

fn full_hd() -> RgbImage {
    let portrait =
        Photo::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/photos/astronaut.jpg")).unwrap();
    let mut pixels = RgbImage::from_pixel(1920, 1080, Rgb([120, 130, 140]));
    imageops::replace(&mut pixels, &imageops::resize(&portrait.pixels, 1080, 1080, FilterType::CatmullRom), 420, 0);
    pixels
}

fn steps(criterion: &mut Criterion) {
    let pixels = full_hd();
    let mut jpeg = Cursor::new(Vec::new());
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&pixels).unwrap();
    let jpeg = jpeg.into_inner();
    criterion
        .bench_function("decode", |bencher| bencher.iter(|| Photo::from_bytes(black_box(&jpeg), "bench").unwrap()));

    let photo = Photo { pixels };
    let detector = Detector::new();
    criterion.bench_function("detect", |bencher| bencher.iter(|| detector.detect(black_box(&photo))));

    let face = detector.detect(&photo)[0];
    let to_photo = landmark_crop(&face).inverse().unwrap();
    let landmarks = reference().map(|point: Vec2| to_photo.apply(point));
    criterion.bench_function("landmark crop", |bencher| {
        bencher.iter(|| likeness_vision::warp(&photo.pixels, &landmark_recrop(black_box(&landmarks)).unwrap(), 128));
    });
    let (crop, photo_to_crop) = align_crop(&photo, &landmarks).unwrap();
    criterion.bench_function("aligned crop", |bencher| bencher.iter(|| align_crop(&photo, black_box(&landmarks))));
    criterion.bench_function("quality", |bencher| {
        bencher.iter(|| warnings(&crop, &photo_to_crop, black_box(&landmarks), &HeadPose::default(), (1920, 1080)));
    });
    criterion.bench_function("colours", |bencher| {
        bencher.iter(|| measure_colors(black_box(&crop), &photo_to_crop, &landmarks));
    });
}

criterion_group!(benches, steps);
criterion_main!(benches);
