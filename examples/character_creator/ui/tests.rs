//! The panels as a screen reader tells them, and ten thousand random events.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Vec2, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::pictures::{PanelPicture, Pictures};
use crate::studio::tests::studio;
use crate::studio::{CameraState, PhotoNote, Preset, Request, Studio, Tab};
use crate::texts::Language;

const SIZE: Vec2 = Vec2::new(1280.0, 800.0);

fn harness(studio: Studio) -> Harness<'static, (Studio, Pictures)> {
    let mut dressed = false;
    Harness::builder().with_size(SIZE).with_max_steps(20).build_ui_state(
        move |ui, (studio, pictures): &mut (Studio, Pictures)| {
            if !std::mem::replace(&mut dressed, true) {
                super::apply_theme(ui.ctx());
            }
            let context = ui.ctx().clone();
            super::shortcuts(&context, studio);
            super::show(ui, studio, pictures);
            studio.settle(context.egui_is_using_pointer());
        },
        (studio, Pictures::default()),
    )
}

/// The roles, names and states of everything on the page, in order.
fn told(harness: &Harness<'_, (Studio, Pictures)>) -> String {
    let mut lines = String::new();
    for node in harness.root().children_recursive() {
        let node = node.accesskit_node();
        let label = node.label().or(node.value()).unwrap_or_default();
        // The runs of a text repeat it.
        if label.is_empty() || node.role() == egui::accesskit::Role::TextRun {
            continue;
        }
        let state = match node.toggled() {
            Some(toggled) => format!(" {toggled:?}"),
            None if node.is_disabled() => " disabled".to_owned(),
            None => String::new(),
        };
        lines.push_str(&format!("{:?} {label}{state}\n", node.role()));
    }
    lines
}

#[test]
fn every_page_is_told_to_a_screen_reader() {
    let mut studio = studio();
    studio.presets = vec![Preset { name: "01-ada".into(), face: studio.document.face.clone() }];
    studio.library = vec!["my face".into()];
    studio.photo_note = Some(PhotoNote {
        confidence: 0.91,
        warnings: vec!["The face is dark".into()],
        expression: [0.0; 52],
        looks: Vec::new(),
    });
    let mut harness = harness(studio);
    let mut pages = String::new();
    for tab in Tab::ALL {
        harness.state_mut().0.tab = tab;
        harness.run_steps(2);
        pages.push_str(&format!("== {}\n{}\n", tab.name(), told(&harness)));
    }
    insta::assert_snapshot!(pages);
}

/// What is told of the photo page alone.
fn photo_page(harness: &Harness<'_, (Studio, Pictures)>) -> String {
    let told = told(harness);
    let page =
        told.split_once("RadioButton Scene False\n").and_then(|(_, page)| page.split_once("RadioButton Forehead"));
    page.unwrap().0.to_owned()
}

#[test]
fn pictures_are_taken_where_a_camera_is() {
    let mut harness = harness(studio());
    harness.run_steps(2);
    assert!(!photo_page(&harness).contains("Camera"), "without a camera there is no button");
    harness.state_mut().0.camera = CameraState::Off;
    harness.run_steps(2);
    insta::assert_snapshot!(photo_page(&harness), @r"
    Button 🖼 Choose a photo …
    Button 📷 Camera
    Label Drop a photo here, paste one, or choose a file. It stays on this computer.
    ");
    harness.get_by_label("📷 Camera").click();
    harness.run_steps(2);
    assert_eq!(harness.state().0.camera, CameraState::On);
    insta::assert_snapshot!(photo_page(&harness), @r"
    Label The camera is on while you see this. Its pictures stay on this computer.
    Button 📷 Take picture disabled
    Button Cancel
    ");
    harness.state_mut().1.preview = Some(preview());
    harness.run_steps(2);
    insta::assert_snapshot!(photo_page(&harness), @r"
    Label The camera is on while you see this. Its pictures stay on this computer.
    Button 📷 Take picture
    Button Cancel
    ");
    harness.get_by_label("📷 Take picture").click();
    harness.run_steps(2);
    assert_eq!(harness.state().0.camera, CameraState::Taking);
    harness.get_by_label("Cancel").click();
    harness.run_steps(2);
    assert_eq!(harness.state().0.camera, CameraState::Off);
}

#[test]
fn the_camera_obeys_keys_alone() {
    let mut studio = studio();
    studio.camera = CameraState::Off;
    let mut harness = harness(studio);
    harness.run_steps(2);
    harness.get_by_label("📷 Camera").focus();
    harness.key_press(Key::Space);
    harness.run_steps(2);
    assert_eq!(harness.state().0.camera, CameraState::On);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert_eq!(harness.state().0.camera, CameraState::Off);
    harness.state_mut().0.camera = CameraState::On;
    harness.state_mut().1.preview = Some(preview());
    harness.run_steps(3);
    harness.key_press(Key::Space);
    harness.run_steps(2);
    assert_eq!(harness.state().0.camera, CameraState::Taking, "the preview's first button has the focus");
}

fn preview() -> PanelPicture {
    PanelPicture { texture: egui::TextureId::User(1), size: Vec2::new(1280.0, 720.0) }
}

#[test]
fn blending_needs_no_scrolling() {
    let mut studio = studio();
    let face = studio.document.face.clone();
    studio.presets = (0..12).map(|index| Preset { name: format!("{index}"), face: face.clone() }).collect();
    studio.tab = Tab::Blend;
    let languages = studio.texts.languages();
    let mut harness = harness(studio);
    for (language, name) in languages {
        harness.state_mut().0.set_language(language);
        harness.run_steps(3);
        let label = harness.state().0.texts.get("blend-apply");
        let last = harness.get_all_by_label(&label).last().unwrap().rect();
        assert!(last.bottom() <= SIZE.y - super::NOTICE_HEIGHT, "{name}: {last}");
    }
}

#[test]
fn buttons_do_what_they_say() {
    let mut harness = harness(studio());
    let before = harness.state().0.document.clone();
    harness.get_by_label("🎲 Randomise").click();
    harness.run_steps(3);
    assert_ne!(harness.state().0.document, before);
    harness.get_by_label("⟲ Undo").click();
    harness.run_steps(3);
    assert_eq!(harness.state().0.document, before);
    harness.get_by_label("Ears").click();
    harness.run_steps(2);
    assert_eq!(harness.state().0.region, "ear");
    harness.get_by_label("💾 Save").click();
    harness.run_steps(2);
    assert!(matches!(harness.state().0.requests.last(), Some(Request::Save(_))));
}

#[test]
fn a_slider_is_reached_and_moved_by_keys_alone() {
    let mut harness = harness(studio());
    let index = harness.state().0.visible_parameters()[0];
    let before = harness.state().0.document.face.parameters[index];
    let label = harness.state().0.parameter_label(index).to_owned();
    // The keys of the tabulator lead to every control.
    let mut steps = 0;
    loop {
        let here = harness.root().children_recursive().any(|node| {
            let node = node.accesskit_node();
            node.is_focused() && node.role() == egui::accesskit::Role::Slider && node.label().as_deref() == Some(&label)
        });
        if here {
            break;
        }
        steps += 1;
        assert!(steps < 200, "the slider is never focused");
        harness.key_press(Key::Tab);
        harness.run_steps(1);
    }
    for _ in 0..10 {
        harness.key_press(Key::ArrowRight);
        harness.run_steps(1);
    }
    assert!(harness.state().0.document.face.parameters[index] > before);
}

#[test]
fn the_panels_speak_chinese_and_grow() {
    let mut studio = studio();
    let chinese = studio.texts.languages().into_iter().find(|(language, _)| language.tag() == "zh-Hans").unwrap().0;
    studio.set_language(chinese);
    let mut harness = harness(studio);
    harness.run_steps(2);
    harness.get_by_label_contains("撤销");
    assert!(told(&harness).contains("鼻梁"));
    harness.state_mut().0.set_language(Language::default());
    harness.run_steps(2);
    harness.get_by_label_contains("Undo");
}

/// Ten thousand random events: the panels never panic, and the face stays a face of the rig.
#[test]
fn a_monkey_does_no_harm() {
    let mut studio = studio();
    studio.camera = CameraState::Off;
    let mut harness = harness(studio);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let keys = [
        Key::Tab,
        Key::Space,
        Key::Enter,
        Key::ArrowLeft,
        Key::ArrowRight,
        Key::ArrowDown,
        Key::Escape,
        Key::Backspace,
    ];
    let mut pointer = Pos2::ZERO;
    let mut held = false;
    for step in 0..10_000 {
        let event = match rng.random_range(0..12) {
            0..=4 => {
                pointer = pos2(rng.random_range(-20.0..SIZE.x + 20.0), rng.random_range(-20.0..SIZE.y + 20.0));
                Event::PointerMoved(pointer)
            }
            5..=7 => {
                held = !held;
                let modifiers = Modifiers::NONE;
                Event::PointerButton { pos: pointer, button: PointerButton::Primary, pressed: held, modifiers }
            }
            8 => Event::Text(char::from_u32(rng.random_range(32..0x500)).unwrap_or('x').to_string()),
            9 => Event::MouseWheel {
                unit: egui::MouseWheelUnit::Line,
                delta: Vec2::new(0.0, rng.random_range(-5.0..5.0)),
                phase: egui::TouchPhase::Move,
                modifiers: Modifiers::NONE,
            },
            _ => {
                let modifiers = if rng.random_bool(0.2) { Modifiers::COMMAND } else { Modifiers::NONE };
                let key = if modifiers.command {
                    [Key::Z, Key::Y, Key::R, Key::S][rng.random_range(0..4)]
                } else {
                    keys[rng.random_range(0..keys.len())]
                };
                harness.event(Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers });
                Event::Key { key, physical_key: None, pressed: false, repeat: false, modifiers }
            }
        };
        harness.event(event);
        harness.run_steps(1);
        let studio = &mut harness.state_mut().0;
        studio.requests.clear();
        studio.events.clear();
        assert!(studio.document.face.validate(&studio.rig).is_ok(), "step {step}");
    }
}
