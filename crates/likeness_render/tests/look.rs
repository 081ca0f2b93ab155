//! Details change the places of the picture that they are made for, and no others.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard};

use image::GrayImage;
use likeness_render::{PART_CLASSES, Passes, RenderOptions, Renderer, Shot};
use likeness_rig::Face;

/// The full mesh with its relief, and a coarser one without.
const SIZES: [u32; 2] = [384, 256];
/// How far a pixel's colour channels together must move to count as changed.
const STEP: u32 = 6;

fn renderer() -> MutexGuard<'static, Renderer> {
    static RENDERER: LazyLock<Mutex<Renderer>> = LazyLock::new(|| {
        let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/head/head.rig.ron"));
        Mutex::new(Renderer::new(RenderOptions::new(path)).unwrap())
    });
    RENDERER.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The share of each class' pixels that one change of a bald face changes; pixels beside another class are left out.
struct Changed([f32; PART_CLASSES.len()]);

impl Changed {
    fn by(size: u32, change: impl Fn(&likeness_rig::Rig, &mut Face)) -> Self {
        let mut renderer = renderer();
        let rig = renderer.rig().clone();
        let mut plain = Face::neutral(&rig);
        let hair = rig.option_index("hair.style").unwrap();
        plain.options[hair] = rig.options[hair].choice_index("bald").unwrap();
        let mut changed = plain.clone();
        change(&rig, &mut changed);
        let shots = [Shot::new(plain), Shot::new(changed)];
        let passes = Passes { color: true, parts: true, ..Passes::default() };
        let pictures = renderer.render(&shots, size, passes).unwrap();
        let parts = pictures[0].parts.as_ref().unwrap();
        let (mut moved, mut all) = ([0.0; PART_CLASSES.len()], [0.0; PART_CLASSES.len()]);
        for (x, y, class) in parts.enumerate_pixels() {
            if is_inner(parts, x, y) {
                let (a, b) = (pictures[0].color.get_pixel(x, y).0, pictures[1].color.get_pixel(x, y).0);
                let step: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum();
                all[usize::from(class.0[0])] += 1.0;
                moved[usize::from(class.0[0])] += if step >= STEP { 1.0 } else { 0.0 };
            }
        }
        Self(std::array::from_fn(|class| moved[class] / f32::max(all[class], 1.0)))
    }

    fn of(&self, class: &str) -> f32 {
        self.0[PART_CLASSES.iter().position(|known| *known == class).unwrap()]
    }

    fn most_of(&self, classes: &[&str]) -> f32 {
        classes.iter().map(|class| self.of(class)).fold(0.0, f32::max)
    }
}

fn is_inner(parts: &GrayImage, x: u32, y: u32) -> bool {
    let inside = 2..parts.width() - 2;
    inside.contains(&x)
        && inside.contains(&y)
        && (x - 2..=x + 2).all(|i| (y - 2..=y + 2).all(|j| parts.get_pixel(i, j) == parts.get_pixel(x, y)))
}

fn set(name: &'static str, value: f32) -> impl Fn(&likeness_rig::Rig, &mut Face) {
    move |rig, face| face.details[rig.detail_index(name).unwrap()] = value
}

#[test]
fn lipstick_colours_the_lips_alone() {
    for size in SIZES {
        let changed = Changed::by(size, set("lipstick", 1.0));
        assert!(changed.of("lower_lip") > 0.9, "{size}: {:?}", changed.0);
        assert!(
            changed.most_of(&["nose", "left_eye", "right_eye", "left_brow", "background"]) < 0.01,
            "{:?}",
            changed.0
        );
        assert!(changed.of("face") < 0.02, "{size}: {:?}", changed.0);
    }
}

#[test]
fn freckles_lie_on_nose_and_cheeks() {
    for size in SIZES {
        let changed = Changed::by(size, set("skin.freckles", 0.9));
        assert!(changed.of("nose") > 0.1, "{size}: {:?}", changed.0);
        assert!(changed.of("face") > 0.03 && changed.of("face") < changed.of("nose"), "{size}: {:?}", changed.0);
        assert!(changed.most_of(&["left_eye", "right_eye", "background"]) < 0.01, "{size}: {:?}", changed.0);
    }
}

#[test]
fn age_changes_the_skin_and_not_the_eyes() {
    for size in SIZES {
        let changed = Changed::by(size, set("skin.age", 1.0));
        assert!(changed.of("face") > 0.15, "{size}: {:?}", changed.0);
        // The neck, which wrinkles too, belongs to no class.
        assert!(changed.most_of(&["left_eye", "right_eye"]) < 0.01, "{size}: {:?}", changed.0);
    }
}

#[test]
fn blush_shadow_and_liner_stay_in_their_places() {
    let blush = Changed::by(SIZES[0], set("blush", 1.0));
    assert!(blush.of("face") > 0.04 && blush.of("face") < 0.4, "{:?}", blush.0);
    for name in ["eyeshadow", "eyeliner"] {
        let changed = Changed::by(SIZES[0], set(name, 1.0));
        assert!(changed.of("face") > 0.0005 && changed.of("face") < 0.05, "{name}: {:?}", changed.0);
        assert!(changed.most_of(&["nose", "upper_lip", "lower_lip", "background"]) < 0.01, "{name}: {:?}", changed.0);
    }
}

#[test]
fn irises_have_their_colour_and_their_size() {
    for size in SIZES {
        let changed = Changed::by(size, |rig, face| face.colors[rig.color_index("iris").unwrap()] = [0.1, 0.3, 0.5]);
        assert!(changed.of("left_eye") > 0.15 && changed.of("right_eye") > 0.15, "{size}: {:?}", changed.0);
        assert!(changed.most_of(&["face", "nose", "background"]) < 0.001, "{size}: {:?}", changed.0);
    }
    let larger = Changed::by(SIZES[0], set("iris.size", 1.0));
    assert!(larger.of("left_eye") > 0.02 && larger.of("face") < 0.001, "{:?}", larger.0);
}

#[test]
fn the_default_details_change_nothing() {
    for name in ["skin.redness", "skin.pores", "skin.shine"] {
        assert!(Changed::by(SIZES[0], set(name, 0.5)).0.iter().all(|share| *share == 0.0), "{name}");
        assert!(Changed::by(SIZES[0], set(name, 1.0)).of("face") > 0.0, "{name}");
    }
}
