//! The published textures and the painter, on the published head.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use image::GrayImage;
use likeness_head::textures::{
    Sizes, paint,
    skin::{Mask, Masks},
};
use likeness_rig::{HeadMesh, LandmarkSet};

fn head() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/head")
}

#[test]
fn painting_twice_gives_the_same_bytes() {
    let mesh = HeadMesh::load(&head().join("head.glb")).unwrap();
    let landmarks = LandmarkSet::load(&head().join(likeness_head::build::ANATOMY)).unwrap();
    let grey = || Mask(GrayImage::from_fn(64, 64, |x, y| image::Luma([(x * 3 + y) as u8])));
    let masks = Masks { lips: grey(), eyelids: grey(), ears: grey() };
    let sizes = Sizes { color: 256, detail: 128, parts: 128 };
    let first = paint(&mesh, &landmarks, &masks, sizes).unwrap();
    let second = paint(&mesh, &landmarks, &masks, sizes).unwrap();
    assert_eq!(first.len(), 9);
    for ((name, a), (_, b)) in first.iter().zip(&second) {
        assert!(!a.is_empty(), "{name} is empty");
        assert!(a == b, "{name} differs between two runs");
    }
}

#[test]
fn the_map_of_classes_is_whole_and_symmetric() {
    let map = image::open(head().join("head.regions.png")).unwrap().into_luma8();
    let (width, height) = map.dimensions();
    let mut area = [0.0f64; 256];
    for pixel in map.pixels() {
        area[usize::from(pixel.0[0])] += 1.0 / f64::from(width * height);
    }
    assert_eq!(area[11..].iter().sum::<f64>(), 0.0, "only the eleven classes");
    // Share of the picture: least and most.
    let limits = [
        (0.2, 0.6),
        (0.3, 0.6),
        // Hair has meshes of its own.
        (-1.0, 1e-9),
        (0.0008, 0.008),
        (0.0008, 0.008),
        (0.01, 0.05),
        (0.01, 0.05),
        (0.003, 0.015),
        (0.001, 0.008),
        (0.02, 0.06),
        (0.001, 0.008),
    ];
    for (class, (least, most)) in limits.into_iter().enumerate() {
        assert!(area[class] > least && area[class] < most, "class {class} covers {:.4}", area[class]);
    }
    for (left, right) in [(3, 4), (5, 6)] {
        assert!((area[left] / area[right] - 1.0).abs() < 0.1, "{} and {}", area[left], area[right]);
    }
    // The head's piece lies upright and mirrors about the middle of the picture.
    let opposite = |class: u8| match class {
        3 => 4,
        4 => 3,
        5 => 6,
        6 => 5,
        class => class,
    };
    let rows = height * 79 / 100;
    let wrong = (0..rows)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .filter(|&(x, y)| map.get_pixel(x, y).0[0] != opposite(map.get_pixel(width - 1 - x, y).0[0]))
        .count();
    assert!((wrong as f64) < 0.03 * f64::from(rows * width), "{wrong} texels differ from their mirror");
}

#[test]
fn plain_cheeks_have_the_reference_colour() {
    let picture = image::open(head().join("textures/skin_color.jpg")).unwrap().into_rgb8();
    let (width, height) = picture.dimensions();
    // Beside the nose, below the eye, in the layout of the texture.
    for x in [0.40, 0.60] {
        let mut sum = [0.0f32; 3];
        let mut count = 0.0;
        for dy in 0..height / 40 {
            for dx in 0..width / 40 {
                let place = ((x - 0.0125) * width as f32) as u32 + dx;
                let pixel = picture.get_pixel(place, height * 21 / 40 + dy).0;
                for (sum, byte) in sum.iter_mut().zip(pixel) {
                    *sum += (f32::from(byte) / 255.0).powf(2.2);
                }
                count += 1.0;
            }
        }
        for (sum, wanted) in sum.iter().zip(likeness_head::textures::SKIN_REFERENCE_LINEAR) {
            let mean = sum / count;
            assert!((mean / wanted - 1.0).abs() < 0.12, "{mean} instead of {wanted}");
        }
    }
}

#[test]
fn layers_are_where_they_are_looked_for() {
    let stack = image::open(head().join("textures/skin_layers.jpg")).unwrap().into_rgb8();
    let side = stack.width();
    assert_eq!(stack.height(), 3 * side);
    let classes = image::open(head().join("head.regions.png")).unwrap().into_luma8();
    assert_eq!(classes.width(), side);
    // The mean of a channel over the texels of some classes, 0..255.
    let mean = |layer: u32, channel: usize, wanted: &[u8]| {
        let texels = classes.enumerate_pixels().filter(|(_, _, class)| wanted.contains(&class.0[0]));
        let values: Vec<f32> =
            texels.map(|(x, y, _)| f32::from(stack.get_pixel(x, y + layer * side).0[channel])).collect();
        values.iter().sum::<f32>() / values.len() as f32
    };
    let (face, nose, lips, inner) = (&[1][..], &[7][..], &[8, 10][..], &[5, 6, 9][..]);
    assert!(mean(0, 0, lips) > 180.0 && mean(0, 0, face) < 5.0, "lips");
    assert!(mean(0, 1, face) > 5.0 && mean(0, 1, lips) < 5.0, "blush");
    assert!(mean(0, 2, nose) > 1.2 * mean(0, 2, face) && mean(0, 2, inner) < 3.0, "freckles");
    assert!(mean(1, 0, lips) < 2.0 && mean(1, 1, lips) < 2.0 && mean(1, 0, face) > 0.5, "make-up of the eyes");
    assert!(mean(1, 2, face) > 2.0 && mean(1, 2, inner) < 3.0, "wrinkles");
    for channel in [0, 1] {
        assert!((mean(2, channel, face) - 127.5).abs() < 3.0, "the relief is level on average");
    }
}
