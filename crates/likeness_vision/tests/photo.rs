//! Photos good and bad, made here: what is read, and how what cannot be read is refused.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba};
use likeness_vision::{Photo, VisionError};
use std::io::Cursor;

fn noise(width: u32, height: u32) -> RgbImage {
    let mut state = 1u32;
    RgbImage::from_fn(width, height, |_, _| {
        Rgb(std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }))
    })
}

fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn read(bytes: &[u8]) -> Result<Photo, VisionError> {
    Photo::from_bytes(bytes, "test picture")
}

fn centre(photo: &Photo) -> [u8; 3] {
    photo.pixels.get_pixel(photo.pixels.width() / 2, photo.pixels.height() / 2).0
}

#[track_caller]
fn assert_near(found: [u8; 3], expected: [u8; 3], tolerance: u8) {
    assert!(
        found.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= tolerance),
        "{found:?} is not about {expected:?}"
    );
}

#[test]
fn names_a_missing_file_and_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.jpg");
    let error = Photo::open(&missing).unwrap_err();
    assert!(matches!(error, VisionError::Io { .. }), "{error}");
    assert!(error.to_string().contains("missing.jpg"), "{error}");
    assert!(matches!(Photo::open(folder.path()).unwrap_err(), VisionError::Directory { .. }));
}

#[test]
fn refuses_an_empty_file_and_text_named_jpg() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portrait.jpg");
    std::fs::write(&path, "").unwrap();
    assert!(matches!(Photo::open(&path).unwrap_err(), VisionError::Empty { .. }));
    std::fs::write(&path, "Dear diary, this is not a portrait.").unwrap();
    let error = Photo::open(&path).unwrap_err();
    assert!(matches!(&error, VisionError::NotAnImage { found, .. } if found == "it is text"), "{error}");
    let error = read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap_err();
    assert!(matches!(&error, VisionError::NotAnImage { found, .. } if found.contains("HEIC")), "{error}");
    let error = read(b"GIF89a\x20\0\x20\0\0\0\0;").unwrap_err();
    assert!(matches!(error, VisionError::NotAnImage { .. }), "{error}");
}

#[test]
fn the_content_decides_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portrait.jpg");
    std::fs::write(&path, encode(noise(40, 30), ImageFormat::Png)).unwrap();
    assert_eq!(Photo::open(&path).unwrap().pixels, noise(40, 30));
}

#[test]
fn refuses_truncated_pictures_wherever_they_are_cut() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let whole = encode(noise(96, 80), format);
        read(&whole).unwrap();
        for part in [0.05, 0.3, 0.6, 0.9] {
            let cut = (whole.len() as f32 * part) as usize;
            let error = read(&whole[..cut]).unwrap_err();
            assert!(
                matches!(error, VisionError::Truncated { .. } | VisionError::Damaged { .. }),
                "{format:?} {part}: {error:?}"
            );
        }
    }
    let jpeg = encode(noise(96, 80), ImageFormat::Jpeg);
    for cut in [jpeg.len() / 2, jpeg.len() - 2, jpeg.len() - 1] {
        let error = read(&jpeg[..cut]).unwrap_err();
        assert!(matches!(error, VisionError::Truncated { .. }), "{error:?}");
    }
}

#[test]
fn a_jpeg_may_have_a_thumbnail_before_and_a_video_behind() {
    let thumbnail = encode(noise(32, 24), ImageFormat::Jpeg);
    let whole = encode(noise(96, 80), ImageFormat::Jpeg);
    let mut bytes = with_segment(&whole, 0xE1, &[b"thumbnail\0".as_slice(), &thumbnail].concat());
    assert_eq!(read(&bytes).unwrap().pixels.dimensions(), (96, 80));
    bytes.extend_from_slice(b"ftypmp42 and so on");
    assert_eq!(read(&bytes).unwrap().pixels.dimensions(), (96, 80));
    // The thumbnail's end is not the picture's.
    let mut cut = with_segment(&whole, 0xE1, &[b"thumbnail\0".as_slice(), &thumbnail].concat());
    cut.truncate(cut.len() - 40);
    assert!(matches!(read(&cut).unwrap_err(), VisionError::Truncated { .. }));
}

#[test]
fn refuses_huge_pictures_from_the_header_alone() {
    let bomb = png_header(10_000, 10_000);
    assert!(bomb.len() < 100);
    let error = read(&bomb).unwrap_err();
    assert!(matches!(error, VisionError::TooManyPixels { width: 10_000, height: 10_000, limit: 60, .. }), "{error}");
    // A side of any length cannot overflow the product.
    assert!(matches!(read(&png_header(0x1_0000, 0x1_0000)).unwrap_err(), VisionError::TooManyPixels { .. }));
    read(&png_header(0x7FFF_FFFF, 0x7FFF_FFFF)).unwrap_err();
    // Fewer pixels, but no data.
    let error = read(&png_header(4_000, 4_000)).unwrap_err();
    assert!(matches!(error, VisionError::Truncated { .. } | VisionError::Damaged { .. }), "{error:?}");
}

#[test]
fn refuses_tiny_pictures() {
    for (width, height) in [(1, 1), (23, 400), (400, 23)] {
        let error = read(&encode(noise(width, height), ImageFormat::Png)).unwrap_err();
        assert!(matches!(error, VisionError::PictureTooSmall { limit: 24, .. }), "{error}");
    }
    read(&encode(noise(24, 24), ImageFormat::Png)).unwrap();
}

#[test]
fn reads_sixteen_bits_grey_and_palettes_of_grey() {
    let deep = ImageBuffer::<Rgb<u16>, _>::from_pixel(32, 32, Rgb([0x8000, 0x4000, 0xFFFF]));
    assert_near(centre(&read(&encode(deep, ImageFormat::Png)).unwrap()), [128, 64, 255], 1);
    let deep_grey = ImageBuffer::<Luma<u16>, _>::from_pixel(32, 32, Luma([0x4000]));
    assert_near(centre(&read(&encode(deep_grey, ImageFormat::Png)).unwrap()), [64; 3], 1);
    let grey = ImageBuffer::<Luma<u8>, _>::from_pixel(32, 32, Luma([77]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        assert_near(centre(&read(&encode(grey.clone(), format)).unwrap()), [77; 3], 1);
    }
}

#[test]
fn lays_transparent_parts_over_white() {
    let with_alpha = |alpha| ImageBuffer::<Rgba<u8>, _>::from_pixel(32, 32, Rgba([100, 0, 200, alpha]));
    for (alpha, expected) in [(0, [255, 255, 255]), (255, [100, 0, 200]), (128, [177, 127, 227])] {
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            assert_near(centre(&read(&encode(with_alpha(alpha), format)).unwrap()), expected, 1);
        }
    }
    let grey = ImageBuffer::<LumaA<u8>, _>::from_pixel(32, 32, LumaA([0, 51]));
    assert_near(centre(&read(&encode(grey, ImageFormat::Png)).unwrap()), [204; 3], 1);
}

#[test]
fn reads_cmyk() {
    // Stored inverted, as Adobe programs do: ink 0 is 255.
    let photo = read(&cmyk_jpeg([200, 128, 64, 255])).unwrap();
    assert_near(centre(&photo), [200, 128, 64], 2);
    let photo = read(&cmyk_jpeg([200, 200, 200, 128])).unwrap();
    assert_near(centre(&photo), [100; 3], 2);
}

#[test]
fn turns_the_picture_as_exif_asks() {
    let halves = RgbImage::from_fn(48, 32, |x, _| if x < 24 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) });
    let stored = encode(halves, ImageFormat::Jpeg);
    let turned = |orientation| read(&with_exif(&stored, orientation)).unwrap().pixels;
    let near = |pixel: &Rgb<u8>, expected: [u8; 3]| assert_near(pixel.0, expected, 40);
    let (red, blue) = ([255, 0, 0], [0, 0, 255]);
    let quarter = turned(6);
    assert_eq!(quarter.dimensions(), (32, 48));
    near(quarter.get_pixel(16, 4), red);
    near(quarter.get_pixel(16, 44), blue);
    let other = turned(8);
    assert_eq!(other.dimensions(), (32, 48));
    near(other.get_pixel(16, 4), blue);
    let half = turned(3);
    assert_eq!(half.dimensions(), (48, 32));
    near(half.get_pixel(4, 16), blue);
    // Nonsense is no reason to refuse the picture.
    assert_eq!(turned(99).dimensions(), (48, 32));
}

/// Puts a segment behind a JPEG's start marker.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, content, &jpeg[2..]].concat()
}

fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0, 0]);
    with_segment(jpeg, 0xE1, &exif)
}

/// A PNG that announces a size and has no data.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    for (name, content) in [(b"IHDR", header), (b"IDAT", vec![0x78, 0x9C]), (b"IEND", vec![])] {
        bytes.extend_from_slice(&(content.len() as u32).to_be_bytes());
        let checked = [&name[..], &content].concat();
        bytes.extend_from_slice(&checked);
        let mut crc = u32::MAX;
        for byte in checked {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
            }
        }
        bytes.extend_from_slice(&(!crc).to_be_bytes());
    }
    bytes
}

/// A 32x32 baseline JPEG of one colour with four components and the mark of Adobe's CMYK.
fn cmyk_jpeg(stored: [u8; 4]) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xEE, 0, 14];
    bytes.extend_from_slice(b"Adobe\0\x64\0\0\0\0\0");
    // One quantisation step of 8 makes a constant block's coefficient the value itself, less 128.
    bytes.extend_from_slice(&[0xFF, 0xDB, 0, 67, 0]);
    bytes.extend_from_slice(&[8; 64]);
    bytes.extend_from_slice(&[0xFF, 0xC0, 0, 20, 8, 0, 32, 0, 32, 4]);
    (1..=4).for_each(|component| bytes.extend_from_slice(&[component, 0x11, 0]));
    // Differences: size classes 0..8 with codes of four bits; other coefficients: only "end of block", the code 0.
    bytes.extend_from_slice(&[
        0xFF, 0xC4, 0, 28, 0x00, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    bytes.extend_from_slice(&[0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&[0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
    let mut bits = String::new();
    for block in 0..16 {
        for value in stored {
            let difference = if block == 0 { i32::from(value) - 128 } else { 0 };
            let class = 32 - difference.unsigned_abs().leading_zeros();
            bits += &format!("{class:04b}");
            if class > 0 {
                let code = if difference > 0 { difference } else { difference + (1 << class) - 1 };
                bits += &format!("{code:0width$b}", width = class as usize);
            }
            bits += "0";
        }
    }
    while !bits.len().is_multiple_of(8) {
        bits += "1";
    }
    for byte in bits.as_bytes().chunks(8) {
        let byte = byte.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0'));
        bytes.push(byte);
        if byte == 0xFF {
            bytes.push(0);
        }
    }
    bytes.extend_from_slice(&[0xFF, 0xD9]);
    bytes
}
