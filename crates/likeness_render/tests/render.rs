//! Renders of the bundled head, on whatever adapter there is (software Vulkan suffices).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use image::{Rgb, RgbImage, Rgba, RgbaImage};
use likeness_render::{
    Background, Clothes, Lod, PART_CLASSES, Passes, Picture, RenderError, RenderOptions, Renderer, Shot, Views,
    contact_sheet,
};
use likeness_rig::{Face, HeadPose, arkit_index};

const SIZE: u32 = 128;
const LEFT_EYE: u8 = 5;
const RIGHT_EYE: u8 = 6;
const HAIR: u8 = 2;
const NOSE: u8 = 7;
const TEETH: u8 = 9;

fn rig_path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/head/head.rig.ron"))
}

/// One renderer for most tests: starting one takes seconds.
fn renderer() -> MutexGuard<'static, Renderer> {
    static RENDERER: LazyLock<Mutex<Renderer>> =
        LazyLock::new(|| Mutex::new(Renderer::new(RenderOptions::new(rig_path())).unwrap()));
    RENDERER.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn neutral(renderer: &Renderer) -> Shot {
    Shot::new(Face::neutral(renderer.rig()))
}

fn with(mut shot: Shot, weights: &[(&str, f32)]) -> Shot {
    for (name, weight) in weights {
        shot.expression[arkit_index(name).unwrap()] = *weight;
    }
    shot
}

fn pixels_of(picture: &Picture, class: u8) -> Vec<(f32, f32)> {
    let parts = picture.parts.as_ref().unwrap();
    let found = parts.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] == class);
    found.map(|(x, y, _)| (x as f32 + 0.5, y as f32 + 0.5)).collect()
}

fn centre(pixels: &[(f32, f32)]) -> (f32, f32) {
    let count = pixels.len() as f32;
    let sum = pixels.iter().fold((0.0, 0.0), |sum, pixel| (sum.0 + pixel.0, sum.1 + pixel.1));
    (sum.0 / count, sum.1 / count)
}

#[test]
fn renderer_can_be_sent_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Renderer>();
}

#[test]
fn first_picture_is_right() {
    let mut fresh = Renderer::new(RenderOptions { lod: Some(Lod::Fifth), ..RenderOptions::new(rig_path()) }).unwrap();
    let shot = with(neutral(&fresh), &[("jawOpen", 0.5)]);
    let first = fresh.render(std::slice::from_ref(&shot), SIZE, Passes::ALL).unwrap().remove(0);
    for _ in 0..8 {
        fresh.render(std::slice::from_ref(&shot), SIZE, Passes::ALL).unwrap();
    }
    let tenth = fresh.render(std::slice::from_ref(&shot), SIZE, Passes::ALL).unwrap().remove(0);
    assert!(first.color.pixels().any(|pixel| pixel != first.color.get_pixel(0, 0)), "the first picture is blank");
    assert_eq!(first.color.as_raw(), tenth.color.as_raw());
    assert_eq!(first.parts.unwrap().as_raw(), tenth.parts.unwrap().as_raw());
    assert_eq!(first.depth, tenth.depth);
    assert_eq!(first.normals.unwrap().as_raw(), tenth.normals.unwrap().as_raw());
}

#[test]
fn head_is_in_the_middle_and_lit() {
    let mut renderer = renderer();
    let shot = Shot { background: Background::Transparent, ..neutral(&renderer) };
    let picture = renderer.render(&[shot], SIZE, Passes::COLOR).unwrap().remove(0);
    assert!(picture.parts.is_none() && picture.depth.is_none() && picture.normals.is_none());
    let covered: Vec<(f32, f32)> = picture
        .color
        .enumerate_pixels()
        .filter(|(_, _, pixel)| pixel.0[3] > 127)
        .map(|(x, y, _)| (x as f32 + 0.5, y as f32 + 0.5))
        .collect();
    let share = covered.len() as f32 / (SIZE * SIZE) as f32;
    assert!((0.2..0.8).contains(&share), "{share} of the picture is covered");
    assert!((centre(&covered).0 - SIZE as f32 / 2.0).abs() < 2.0, "{:?}", centre(&covered));
    let cheek = picture.color.get_pixel(SIZE * 2 / 5, SIZE / 2 + 6).0;
    assert!(cheek[0] > 90 && cheek[0] > cheek[1] && cheek[1] > cheek[2], "the cheek is {cheek:?}");
}

#[test]
fn part_mask_has_every_class() {
    let mut renderer = renderer();
    let shot = with(neutral(&renderer), &[("jawOpen", 0.6), ("mouthUpperUpLeft", 0.6), ("mouthUpperUpRight", 0.6)]);
    let closed = neutral(&renderer);
    let pictures = renderer.render(&[shot, closed], SIZE, Passes { parts: true, ..Passes::default() }).unwrap();
    for (class, name) in PART_CLASSES.iter().enumerate() {
        let count = pixels_of(&pictures[0], class as u8).len();
        assert!(count >= 4, "{name} has {count} pixels");
    }
    let most = pictures[0].parts.as_ref().unwrap().pixels().map(|pixel| pixel.0[0]).max().unwrap();
    assert!(usize::from(most) < PART_CLASSES.len());
    let left = centre(&pixels_of(&pictures[0], LEFT_EYE));
    let right = centre(&pixels_of(&pictures[0], RIGHT_EYE));
    assert!(left.0 > right.0 + 20.0, "the person's left eye is at the viewer's right: {left:?} {right:?}");
    let (open, closed) = (pixels_of(&pictures[0], TEETH).len(), pixels_of(&pictures[1], TEETH).len());
    assert!(open > closed + 20, "opening the mouth shows {open} pixels of its inside, closed it shows {closed}");
    assert_eq!(pictures[0].color.dimensions(), (0, 0));
}

#[test]
fn landmarks_depth_and_parts_agree() {
    let mut renderer = renderer();
    let mut shot = with(neutral(&renderer), &[("mouthSmileLeft", 0.5)]);
    shot.pose = HeadPose { yaw: 22.0, pitch: 9.0, roll: 14.0 };
    shot.camera.target.x = 0.02;
    shot.camera = shot.camera.with_fov(22f32.to_radians());
    let size = 256;
    let picture = renderer.render(std::slice::from_ref(&shot), size, Passes::ALL).unwrap().remove(0);
    let landmarks = renderer.landmarks(&shot, size).unwrap();
    for (class, points) in [(RIGHT_EYE, 36..42), (LEFT_EYE, 42..48)] {
        let eye = pixels_of(&picture, class);
        for point in &landmarks[points.clone()] {
            let nearest =
                eye.iter().map(|pixel| (pixel.0 - point.x).hypot(pixel.1 - point.y)).fold(f32::INFINITY, f32::min);
            assert!(nearest < 5.0, "{point} is {nearest} pixels from its eye");
        }
        let sum = landmarks[points].iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.x, sum.1 + point.y));
        let middle = (sum.0 / 6.0, sum.1 / 6.0);
        let seen = centre(&eye);
        assert!((middle.0 - seen.0).hypot(middle.1 - seen.1) < 3.0, "{middle:?} {seen:?}");
    }
    let depth = picture.depth.as_ref().unwrap();
    let at = |point: usize| {
        let place = landmarks[point];
        depth[(place.y as u32 * size + place.x as u32) as usize]
    };
    // The tip of the nose is nearer than its root, and that than the outer corner of the eye that is turned away.
    assert!(at(30) < at(27) && at(27) < at(45), "{} {} {}", at(30), at(27), at(45));
    let before_the_eyes = shot.camera.distance - at(30);
    assert!((0.02..0.07).contains(&before_the_eyes), "the nose is {before_the_eyes} m before the eyes");
}

#[test]
fn depth_is_that_of_the_landmarks() {
    let mut renderer = renderer();
    let shot = neutral(&renderer);
    let picture = renderer
        .render(std::slice::from_ref(&shot), 256, Passes { depth: true, ..Passes::default() })
        .unwrap()
        .remove(0);
    let landmarks = renderer.landmarks(&shot, 256).unwrap();
    let depth = picture.depth.unwrap();
    let nose = depth[(landmarks[30].y as u32 * 256 + landmarks[30].x as u32) as usize];
    let chin = depth[((landmarks[8].y - 4.0) as u32 * 256 + landmarks[8].x as u32) as usize];
    let ear = depth.iter().copied().enumerate().filter(|(i, value)| {
        let (x, y) = ((i % 256) as f32, (i / 256) as f32);
        value.is_finite() && x < landmarks[0].x - 4.0 && (y - landmarks[1].y).abs() < 6.0
    });
    let ear = ear.map(|(_, value)| value).fold(f32::INFINITY, f32::min);
    assert!(nose + 0.01 < chin && chin < ear && nose + 0.06 < ear, "nose {nose} chin {chin} ear {ear}");
}

#[test]
fn normals_are_of_unit_length_and_face_the_camera() {
    let mut renderer = renderer();
    let shot = neutral(&renderer);
    let passes = Passes { normals: true, depth: true, ..Passes::default() };
    let picture = renderer.render(&[shot], SIZE, passes).unwrap().remove(0);
    let depth = picture.depth.unwrap();
    let mut toward = 0;
    let mut covered = 0;
    for (pixel, depth) in picture.normals.unwrap().pixels().zip(depth) {
        let [x, y, z] = pixel.0.map(|byte| f32::from(byte) / 255.0 * 2.0 - 1.0);
        let length = (x * x + y * y + z * z).sqrt();
        assert!((length - 1.0).abs() < 0.02, "{pixel:?}");
        if depth.is_finite() {
            covered += 1;
            toward += usize::from(z > 0.0);
        }
    }
    assert!(covered > 1000 && toward * 100 > covered * 97, "{toward} of {covered}");
}

#[test]
fn expression_moves_the_mouth_alone() {
    let mut renderer = renderer();
    let shots = [neutral(&renderer), with(neutral(&renderer), &[("mouthSmileLeft", 1.0), ("mouthSmileRight", 1.0)])];
    let pictures = renderer.render(&shots, SIZE, Passes::COLOR).unwrap();
    let differs = |rows: std::ops::Range<u32>| {
        rows.flat_map(|y| (0..SIZE).map(move |x| (x, y)))
            .filter(|&(x, y)| {
                let (a, b) = (pictures[0].color.get_pixel(x, y).0, pictures[1].color.get_pixel(x, y).0);
                (0..3).any(|c| a[c].abs_diff(b[c]) > 12)
            })
            .count()
    };
    let (mouth, forehead) = (differs(SIZE * 3 / 5..SIZE * 4 / 5), differs(0..SIZE * 2 / 5));
    assert!(mouth > 30, "{mouth} pixels of the mouth changed");
    // Single samples of hair may differ between two places of the atlas.
    assert!(forehead < 12, "the smile reached the forehead: {forehead} pixels");
}

/// The neutral face with a choice.
fn wearing(renderer: &Renderer, option: &str, choice: &str) -> Shot {
    let mut shot = neutral(renderer);
    let place = renderer.rig().option_index(option).unwrap();
    shot.face.options[place] = renderer.rig().options[place].choice_index(choice).unwrap();
    shot
}

#[test]
fn hair_is_drawn_and_has_its_class() {
    let mut renderer = renderer();
    let passes = Passes { color: true, parts: true, ..Passes::default() };
    for size in [SIZE, 400] {
        let styles = ["bald", "buzz", "long_straight"].map(|style| wearing(&renderer, "hair.style", style));
        let pictures = renderer.render(&styles, size, passes).unwrap();
        let area = |i: usize| pixels_of(&pictures[i], HAIR).len() as f32 / (size * size) as f32;
        assert_eq!(area(0), 0.0, "hair on a bald head");
        assert!(area(1) > 0.01 && area(2) > area(1) * 2.0, "{} {}", area(1), area(2));
        // Hair that hangs is seen beside the neck.
        let low = |i: usize| pixels_of(&pictures[i], HAIR).iter().filter(|pixel| pixel.1 > size as f32 * 0.7).count();
        assert!(low(1) == 0 && low(2) > 20, "{} {}", low(1), low(2));
    }
}

#[test]
fn options_change_from_picture_to_picture() {
    let mut renderer = renderer();
    let passes = Passes { color: true, parts: true, ..Passes::default() };
    let styles = ["bob", "bald", "afro", "bun"];
    let shots: Vec<Shot> = styles.map(|style| wearing(&renderer, "hair.style", style)).into();
    let together = renderer.render(&shots, SIZE, passes).unwrap();
    for (shot, picture) in shots.iter().zip(&together).rev() {
        let alone = renderer.render(std::slice::from_ref(shot), SIZE, passes).unwrap().remove(0);
        assert_eq!(alone.parts, picture.parts);
        // Single samples of hair may differ between two places of the atlas; another style would differ everywhere.
        let differ = alone.color.pixels().zip(picture.color.pixels()).filter(|(a, b)| a != b).count();
        assert!(differ < 100, "{differ} pixels");
    }
    let glasses = wearing(&renderer, "glasses", "rectangular");
    let plain = wearing(&renderer, "glasses", "none");
    let pictures = renderer.render(&[glasses, plain], SIZE, passes).unwrap();
    assert!(pictures[0].color != pictures[1].color);
    assert_eq!(pictures[0].parts, pictures[1].parts, "glasses have no class");
}

#[test]
fn a_choice_put_on_anew_looks_as_it_does_when_worn() {
    let mut renderer = renderer();
    let speaking = |shot| with(shot, &[("jawOpen", 1.0), ("browInnerUp", 1.0)]);
    let bearded = speaking(wearing(&renderer, "beard", "long_full"));
    let shaved = speaking(wearing(&renderer, "beard", "moustache"));
    let mut draw = |shot: &Shot| renderer.render_one(shot, 128).unwrap();
    // Both meshes are loaded before, so that nothing is waited for.
    draw(&bearded);
    draw(&shaved);
    let put_on = draw(&bearded);
    let worn = draw(&bearded);
    assert!(put_on == worn, "the beard moved from one picture to the next");
}

#[test]
fn hair_has_the_colour_of_the_face() {
    let mut renderer = renderer();
    let slot = renderer.rig().colors.iter().position(|color| color.name == "hair").unwrap();
    let mut shots = [wearing(&renderer, "hair.style", "bob"), wearing(&renderer, "hair.style", "bob")];
    shots[0].face.colors[slot] = [0.01, 0.008, 0.006];
    shots[1].face.colors[slot] = [0.5, 0.35, 0.17];
    let passes = Passes { color: true, parts: true, ..Passes::default() };
    let pictures = renderer.render(&shots, SIZE, passes).unwrap();
    let brightness = |picture: &Picture| {
        let pixels = pixels_of(picture, HAIR);
        let sum: u32 = pixels.iter().map(|(x, y)| u32::from(picture.color.get_pixel(*x as u32, *y as u32).0[1])).sum();
        sum / pixels.len() as u32
    };
    let (dark, light) = (brightness(&pictures[0]), brightness(&pictures[1]));
    assert!(dark < 70 && light > 110, "{dark} {light}");
}

#[test]
fn pictures_come_back_in_order() {
    let mut renderer = renderer();
    let shots: Vec<Shot> = (0..70u8)
        .map(|i| {
            let mut shot = neutral(&renderer);
            shot.background = Background::Color([i, 255 - i, 7]);
            shot.pose.yaw = if i % 2 == 0 { 25.0 } else { -25.0 };
            shot
        })
        .collect();
    let pictures = renderer.render(&shots, 64, Passes { color: true, parts: true, ..Passes::default() }).unwrap();
    assert_eq!(pictures.len(), shots.len());
    for (i, picture) in pictures.iter().enumerate() {
        assert_eq!(picture.color.get_pixel(0, 0).0, [i as u8, 255 - i as u8, 7, 255]);
        let nose = centre(&pixels_of(picture, NOSE)).0;
        assert!(if i % 2 == 0 { nose > 34.0 } else { nose < 30.0 }, "picture {i}: the nose is at {nose}");
    }
    let again = renderer.render(&shots, 64, Passes { color: true, parts: true, ..Passes::default() }).unwrap();
    assert!(pictures.iter().zip(&again).all(|(a, b)| a.color == b.color && a.parts == b.parts), "not repeatable");
}

#[test]
fn background_pictures_show_behind_the_head() {
    let mut renderer = renderer();
    let backdrop = RgbImage::from_fn(SIZE, SIZE, |x, y| Rgb([x as u8, y as u8, 200]));
    let shot = Shot { background: Background::Image(Arc::new(backdrop.clone())), ..neutral(&renderer) };
    let picture = renderer.render_one(&shot, SIZE).unwrap();
    for (x, y) in [(0, 0), (SIZE - 1, 0), (3, 40)] {
        assert_eq!(picture.get_pixel(x, y).0[..3], backdrop.get_pixel(x, y).0);
    }
    assert_ne!(picture.get_pixel(SIZE / 2, SIZE / 2).0[..3], backdrop.get_pixel(SIZE / 2, SIZE / 2).0);
}

#[test]
fn clothes_cover_the_bust_and_nothing_else() {
    let mut renderer = renderer();
    let bare = neutral(&renderer);
    let blue = [0.02, 0.02, 0.6];
    let clothes = Clothes { color: blue, collar: blue, width: 0.0, side: -0.13, front: -0.14, slope: 1.0 };
    let dressed = Shot { clothes: Some(clothes), ..bare.clone() };
    // One by one, so that both lie in the same place of the atlas.
    let pictures = [&bare, &dressed].map(|shot| renderer.render_one(shot, SIZE).unwrap());
    let at = |picture: usize, x: u32, y: u32| pictures[picture].get_pixel(x, y).0;
    let [red, _, blue, _] = at(1, SIZE / 2, SIZE - 2);
    assert!(blue > red + 40, "the chest is {:?}", at(1, SIZE / 2, SIZE - 2));
    assert_ne!(at(0, SIZE / 2, SIZE - 2), at(1, SIZE / 2, SIZE - 2));
    assert!((0..SIZE).all(|x| (0..SIZE * 6 / 10).all(|y| at(0, x, y) == at(1, x, y))), "the face has changed");
    let nowhere = Shot { clothes: Some(Clothes { side: f32::NAN, ..clothes }), ..bare };
    let error = renderer.render(&[nowhere], SIZE, Passes::COLOR).unwrap_err();
    assert!(matches!(error, RenderError::Shot { field: "clothes", .. }), "{error}");
}

#[test]
fn a_face_keeps_its_shape_when_its_level_of_detail_changes() {
    const SIDE: u32 = 256;
    let draw = |lod| {
        let mut renderer = Renderer::new(RenderOptions { lod: Some(lod), ..RenderOptions::new(rig_path()) }).unwrap();
        let mut shots = Vec::new();
        for seed in 0..4 {
            // Hair has an outline of its own.
            let mut face = wearing(&renderer, "hair.style", "bald").face;
            let wave = |index: usize| (index * (seed + 3)) as f32 * 0.7;
            face.parameters.iter_mut().enumerate().for_each(|(index, value)| *value += 0.2 * wave(index).sin());
            for yaw in [0.0, 40.0] {
                shots.push(Shot { pose: HeadPose { yaw, ..HeadPose::default() }, ..Shot::new(face.clone()) });
            }
        }
        renderer.render(&shots, SIDE, Passes { parts: true, depth: true, ..Passes::default() }).unwrap()
    };
    let full = draw(Lod::Full);
    for (lod, least_overlap, most_millimetres) in [(Lod::Half, 0.99, 0.5), (Lod::Fifth, 0.985, 1.0)] {
        for (index, (fine, coarse)) in full.iter().zip(&draw(lod)).enumerate() {
            let covered = |picture: &Picture| -> Vec<bool> {
                picture.depth.as_ref().unwrap().iter().map(|depth| depth.is_finite()).collect()
            };
            let (a, b) = (covered(fine), covered(coarse));
            let both = a.iter().zip(&b).filter(|(a, b)| **a && **b).count() as f32;
            let either = a.iter().zip(&b).filter(|(a, b)| **a || **b).count() as f32;
            assert!(both > least_overlap * either, "{lod:?}, picture {index}: outlines overlap by {}", both / either);
            let depths = fine.depth.as_ref().unwrap().iter().zip(coarse.depth.as_ref().unwrap());
            let mut apart: Vec<f32> =
                depths.filter(|(a, b)| a.is_finite() && b.is_finite()).map(|(a, b)| (a - b).abs()).collect();
            apart.sort_by(f32::total_cmp);
            let apart = apart[apart.len() * 9 / 10] * 1e3;
            assert!(apart < most_millimetres, "{lod:?}, picture {index}: nine tenths are within {apart} mm");
        }
    }
}

#[test]
fn each_shot_shows_its_own_skin() {
    let mut renderer = renderer();
    let bare = neutral(&renderer);
    let painted = |color: [u8; 4]| Some(Arc::new(RgbaImage::from_pixel(64, 64, Rgba(color))));
    let green = Shot { photo_skin: painted([40, 200, 40, 255]), ..bare.clone() };
    let blue = Shot { photo_skin: painted([40, 40, 220, 255]), ..bare.clone() };
    let unseen = Shot { photo_skin: painted([255, 255, 255, 0]), ..bare.clone() };
    // Twice, so that skins of another size change between calls.
    for side in [64, 32] {
        let large = Arc::new(RgbaImage::from_pixel(side, side, Rgba([40, 200, 40, 255])));
        let shots = [bare.clone(), Shot { photo_skin: Some(large), ..bare.clone() }, blue.clone(), green.clone()];
        let drawn = renderer.render(&shots, SIZE, Passes::COLOR).unwrap();
        let nose: Vec<_> = drawn.iter().map(|picture| picture.color.get_pixel(SIZE / 2, SIZE * 11 / 20).0).collect();
        let excess = |channel: usize, picture: usize| {
            let pixel = nose[picture];
            i32::from(pixel[channel]) - i32::from(pixel[(channel + 1) % 3].max(pixel[(channel + 2) % 3]))
        };
        assert!(excess(0, 0) > 0 && excess(1, 1) > 0 && excess(2, 2) > 0 && excess(1, 3) > 0, "{nose:?}");
    }
    let [plain, unseen] = [&bare, &unseen].map(|shot| renderer.render_one(shot, SIZE).unwrap());
    assert!(plain == unseen, "what is not seen is painted");
    let empty = Shot { photo_skin: Some(Arc::new(RgbaImage::new(0, 4))), ..bare };
    let error = renderer.render(&[empty], SIZE, Passes::COLOR).unwrap_err();
    assert!(matches!(error, RenderError::Shot { field: "photo_skin", .. }), "{error}");
}

#[test]
fn sizes_passes_and_colours_can_change_between_calls() {
    let mut renderer = renderer();
    let face = Face::neutral(renderer.rig());
    let large = renderer.portrait(&face, Views::Side, 400).unwrap();
    assert_eq!(large.dimensions(), (400, 400));
    let mut dark = neutral(&renderer);
    let skin = renderer.rig().colors.iter().position(|color| color.name == "skin").unwrap();
    dark.face.colors[skin] = [0.1, 0.05, 0.03];
    let pale = neutral(&renderer);
    let pictures = renderer.render(&[dark, pale], SIZE, Passes::COLOR).unwrap();
    let nose = |i: usize| pictures[i].color.get_pixel(SIZE / 2, SIZE * 11 / 20).0[1];
    assert!(nose(0) + 40 < nose(1), "{} {}", nose(0), nose(1));
    let colors: Vec<_> = pictures.into_iter().map(|picture| picture.color).collect();
    assert_eq!(contact_sheet(&colors, 1).dimensions(), (SIZE, 2 * SIZE));
    assert!(renderer.render(&[], SIZE, Passes::ALL).unwrap().is_empty());
}

#[test]
fn bad_input_is_refused_with_its_field() {
    let mut renderer = renderer();
    let shot = neutral(&renderer);
    let error = renderer.render(std::slice::from_ref(&shot), 4, Passes::COLOR).unwrap_err();
    assert!(matches!(error, RenderError::Size { size: 4, .. }), "{error}");
    let mut bad = shot.clone();
    bad.expression[3] = f32::NAN;
    let error = renderer.render(&[shot.clone(), bad], 64, Passes::COLOR).unwrap_err();
    assert!(matches!(error, RenderError::Shot { shot: 1, field: "expression", .. }), "{error}");
    let mut bad = shot.clone();
    bad.camera.distance = 0.0;
    let error = renderer.render(&[bad], 64, Passes::COLOR).unwrap_err();
    assert!(matches!(error, RenderError::Shot { field: "camera.distance", .. }), "{error}");
    let mut bad = shot;
    bad.face.parameters.pop();
    let error = renderer.render(&[bad], 64, Passes::COLOR).unwrap_err();
    assert!(matches!(error, RenderError::Rig(_)), "{error}");
}

#[test]
fn missing_files_are_named() {
    let Err(error) = Renderer::new(RenderOptions::new("/nowhere/head.rig.ron")) else {
        panic!("a renderer without a rig");
    };
    assert!(error.to_string().contains("/nowhere/head.rig.ron"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let rig = folder.path().join("head.rig.ron");
    std::fs::copy(rig_path(), &rig).unwrap();
    let Err(error) = Renderer::new(RenderOptions::new(&rig)) else {
        panic!("a renderer without a mesh");
    };
    assert!(error.to_string().contains("head.glb"), "{error}");
}
