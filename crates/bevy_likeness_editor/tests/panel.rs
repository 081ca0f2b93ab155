//! The window as a person meets it: what it says, what its buttons do, and that nothing typed or clicked breaks it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use bevy_likeness_editor::RigDocument;
use bevy_likeness_editor::panel::{self, Page, PanelData, PanelState, Request, Tool};
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use likeness_rig::{Curve, RangeFault, Rig};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

struct Game {
    panel: PanelState,
    document: RigDocument,
    values: Vec<f32>,
    faults: Vec<RangeFault>,
    requests: Vec<Request>,
    _folder: tempfile::TempDir,
}

/// The bundled rig with fewer bones and sliders, in a file of its own.
fn game() -> Game {
    let head = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron");
    let mut rig = Rig::load(&head).unwrap();
    rig.parameters.retain(|parameter| ["nose", "chin"].contains(&parameter.region.as_str()));
    rig.parameters.truncate(12);
    let used = |name: &String| rig.parameters.iter().flat_map(|p| &p.drives).any(|drive| drive.bone == *name);
    let kept: Vec<bool> =
        rig.bones.iter().map(|bone| used(&bone.name) || bone.mirror.as_ref().is_some_and(used)).collect();
    let mut kept = kept.iter();
    rig.bones.retain(|_| *kept.next().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.rig.ron");
    std::fs::write(&path, rig.to_ron().unwrap()).unwrap();
    let document = RigDocument::open(&path).unwrap();
    let values = vec![0.5; rig.parameters.len()];
    let panel = PanelState::default();
    Game { panel, document, values, faults: Vec::new(), requests: Vec::new(), _folder: folder }
}

fn harness(game: Game) -> Harness<'static, Game> {
    let show = |ui: &mut egui::Ui, game: &mut Game| {
        let data =
            PanelData { values: &game.values, faults: &game.faults, moved: Some((120, 4000)), ..PanelData::default() };
        let requests = panel::show(ui, &mut game.panel, &mut game.document, &data);
        for request in &requests {
            if let Request::Value { parameter, value } = request
                && let Some(place) = game.values.get_mut(*parameter)
            {
                *place = *value;
            }
        }
        game.requests.extend(requests);
        game.values.resize(game.document.rig().parameters.len(), 0.5);
    };
    Harness::builder().with_size([460.0, 900.0]).with_max_steps(24).build_ui_state(show, game)
}

/// The accessibility tree as text: role, name and value of what a screen reader reads.
fn tree(harness: &Harness<'_, Game>) -> String {
    fn add(node: &egui_kittest::Node<'_>, depth: usize, out: &mut String) {
        let shown = node.accesskit_node();
        let plain = [Role::GenericContainer, Role::Unknown, Role::Window, Role::Pane];
        let mut deeper = depth;
        if !plain.contains(&shown.role()) {
            let label = shown.label().map(|label| format!(" {label:?}")).unwrap_or_default();
            let value = shown.value().map(|value| format!(" = {value}")).unwrap_or_default();
            let toggled = shown.toggled().map(|toggled| format!(" {toggled:?}")).unwrap_or_default();
            let off = if shown.is_disabled() { " (disabled)" } else { "" };
            out.push_str(&format!("{}{:?}{label}{value}{toggled}{off}\n", "  ".repeat(depth), shown.role()));
            deeper += 1;
        }
        for child in node.children() {
            add(&child, deeper, out);
        }
    }
    let mut out = String::new();
    add(&harness.root(), 0, &mut out);
    out
}

#[test]
fn the_sliders_page_reads_well() {
    let mut game = game();
    game.panel.slider = Some(0);
    game.faults = vec![RangeFault { value: 1.0, turned: 3e-5, crossed: 0.0, place: Default::default() }];
    let mut harness = harness(game);
    harness.run();
    insta::assert_snapshot!(tree(&harness));
}

#[test]
fn the_bones_page_tells_what_drives_a_bone() {
    let mut game = game();
    (game.panel.page, game.panel.bone) = (Page::Bones, Some(0));
    let mut harness = harness(game);
    harness.run();
    insta::assert_snapshot!(tree(&harness));
}

#[test]
fn an_edit_shows_in_the_changes_and_is_taken_back() {
    let mut game = game();
    game.panel.slider = Some(0);
    let mut harness = harness(game);
    harness.run();
    harness.get_by_label("wider").click();
    harness.run();
    assert!(harness.state().document.is_changed());
    harness.get_by_label("Changes •").click();
    harness.run();
    insta::assert_snapshot!(tree(&harness));
    harness.get_by_label("Undo").click();
    harness.run();
    assert!(!harness.state().document.is_changed());
    harness.get_by_label("The rig is as the file has it.");
}

#[test]
fn ends_are_parted_and_a_curve_is_typed() {
    let mut game = game();
    game.panel.slider = Some(0);
    let mut harness = harness(game);
    harness.run();
    let type_number = |harness: &mut Harness<'_, Game>, field: &str, text: &str| {
        harness.get_by_role_and_label(Role::SpinButton, field).click();
        harness.run();
        harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        harness.event(egui::Event::Text(text.into()));
        harness.key_press(egui::Key::Enter);
        harness.run();
    };
    let ends = |harness: &Harness<'_, Game>| {
        let drive = &harness.state().document.rig().parameters[0].drives[0];
        (drive.low, drive.amount)
    };
    type_number(&mut harness, "at 0", "-2");
    assert_eq!(ends(&harness), (None, 0.002), "linked ends follow each other");
    harness.get_by_label("linked").click();
    harness.run();
    type_number(&mut harness, "at 0", "-0.5");
    assert_eq!(ends(&harness), (Some(-0.0005), 0.002));
    type_number(&mut harness, "Curve", "2");
    assert_eq!(harness.state().document.rig().parameters[0].curve, Curve(2.0));
    insta::assert_snapshot!(tree(&harness));
    harness.get_by_label("straight").click();
    harness.get_by_label("linked").click();
    harness.run();
    assert_eq!((ends(&harness), harness.state().document.rig().parameters[0].curve), ((None, 0.002), Curve::STRAIGHT));
}

#[test]
fn a_name_is_typed_and_a_bad_one_is_explained() {
    let mut game = game();
    game.panel.slider = Some(0);
    let mut harness = harness(game);
    harness.run();
    let type_name = |harness: &mut Harness<'_, Game>, name: &str| {
        harness.get_by_role_and_label(Role::TextInput, "Name").click();
        harness.run();
        harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        harness.event(egui::Event::Text(name.into()));
        harness.key_press(egui::Key::Enter);
        harness.run();
    };
    let before = harness.state().document.rig().parameters[0].name.clone();
    type_name(&mut harness, "nose.mine");
    assert_eq!(harness.state().document.rig().parameters[0].name, "nose.mine");
    harness.get_by_label(&format!("formerly {before}"));
    type_name(&mut harness, "Nase Ä");
    assert_eq!(harness.state().document.rig().parameters[0].name, "nose.mine");
    assert!(tree(&harness).contains("may only have a-z"), "{}", tree(&harness));
}

#[test]
fn sliders_are_added_and_searched_and_values_asked_for() {
    let mut harness = harness(game());
    harness.run();
    let before = harness.state().document.rig().parameters.len();
    harness.get_by_label("New slider").click();
    harness.run();
    assert_eq!(harness.state().document.rig().parameters.len(), before + 1);
    assert_eq!(harness.state().panel.slider, Some(before));
    harness.get_by_label("1").click();
    harness.run();
    assert!(harness.state().requests.contains(&Request::Value { parameter: before, value: 1.0 }));
    harness.state_mut().panel.search = "no such slider".into();
    harness.run();
    harness.get_by_label("No slider is called so.");
}

/// Clicks, drags, keys and texts at random: whatever happens, the rig stays valid.
#[test]
fn ten_thousand_random_events_break_nothing() {
    let mut game = game();
    game.panel.slider = Some(0);
    let mut harness = harness(game);
    harness.run();
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let mut place = egui::pos2(0.0, 0.0);
    let mut edits = 0;
    for number in 0..10_000 {
        match rng.random_range(0..10) {
            0..4 => {
                place = egui::pos2(rng.random_range(0.0..460.0), rng.random_range(0.0..900.0));
                harness.event(egui::Event::PointerMoved(place));
            }
            4..7 => {
                let button = egui::PointerButton::Primary;
                let pressed = rng.random_bool(0.5);
                let modifiers = egui::Modifiers::NONE;
                harness.event(egui::Event::PointerButton { pos: place, button, pressed, modifiers });
            }
            7 => {
                const KEYS: [egui::Key; 8] = [
                    egui::Key::Enter,
                    egui::Key::Tab,
                    egui::Key::Escape,
                    egui::Key::Backspace,
                    egui::Key::Delete,
                    egui::Key::ArrowLeft,
                    egui::Key::ArrowDown,
                    egui::Key::Space,
                ];
                harness.key_press(KEYS[rng.random_range(0..KEYS.len())]);
            }
            8 => {
                const TEXTS: [&str; 6] = ["a", "0.5", "-1e9", "NaN", "nöse\u{202e}", "x.y_z"];
                harness.event(egui::Event::Text(TEXTS[rng.random_range(0..TEXTS.len())].into()));
            }
            _ => {
                let delta = egui::vec2(0.0, rng.random_range(-80.0..80.0));
                harness.event(egui::Event::MouseWheel {
                    unit: egui::MouseWheelUnit::Point,
                    delta,
                    phase: egui::TouchPhase::Move,
                    modifiers: egui::Modifiers::NONE,
                });
            }
        }
        harness.step();
        if number % 500 == 0 {
            let game = harness.state_mut();
            game.document.rig().validate("monkey").unwrap();
            game.document.pending_text().unwrap();
            edits += usize::from(game.document.is_changed());
            game.panel.slider = game.panel.slider.or(Some(0));
            game.panel.page = [Page::Sliders, Page::Bones, Page::Changes, Page::Import][number / 500 % 4];
        }
    }
    assert!(edits > 0, "the events never edited anything");
}

#[test]
fn a_moved_rest_place_is_shown_and_taken_back_by_the_keyboard() {
    let mut game = game();
    (game.panel.page, game.panel.bone) = (Page::Changes, Some(0));
    let bone = game.document.rig().bones[0].joint.clone();
    game.document.move_rest(0, glam::Vec3::new(0.001, -0.0025, 0.0), None).unwrap();
    let mut harness = harness(game);
    harness.run();
    harness.get_by_label(&format!("+ {bone} rests 1.00 mm left, 2.50 mm down"));
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    harness.run();
    assert!(!harness.state().document.is_changed());
    harness.key_press_modifiers(egui::Modifiers::COMMAND | egui::Modifiers::SHIFT, egui::Key::Z);
    harness.run();
    assert!(harness.state().document.is_changed());
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::S);
    harness.run();
    assert_eq!(harness.state().requests, [Request::Save]);
}

#[test]
fn a_rest_place_is_neither_turned_nor_scaled() {
    let mut game = game();
    game.panel.choose_tool(Tool::Turn);
    let mut harness = harness(game);
    harness.run();
    harness.get_by_label("rest place").click();
    harness.run();
    assert_eq!(harness.state().panel.tool, Tool::Move);
    assert!(harness.get_by_label("turns").accesskit_node().is_disabled());
    harness.state_mut().panel.choose_tool(Tool::Scale);
    harness.run();
    harness.get_by_label("a rest place can only be moved: rigs have no rest turn or growth");
    harness.get_by_label("face").click();
    harness.run();
    harness.get_by_label("turns").click();
    harness.run();
    assert_eq!(harness.state().panel.tool, Tool::Turn);
}

#[test]
fn a_drafted_rig_is_opened_once_nothing_is_unsaved() {
    let mut game = game();
    game.panel.page = Page::Import;
    game.panel.drafted = Some("own/hero.rig.ron".into());
    game.panel.slider = Some(0);
    let mut harness = harness(game);
    harness.run();
    harness.get_by_label("Browse …").click();
    harness.run();
    harness.state_mut().document.move_rest(0, glam::Vec3::Y * 0.001, None).unwrap();
    harness.run();
    assert!(harness.get_by_label("Show and edit it").accesskit_node().is_disabled());
    harness.get_by_label("Undo").click();
    harness.run();
    harness.get_by_label("Show and edit it").click();
    harness.run();
    assert_eq!(harness.state().requests, [Request::Browse, Request::Open("own/hero.rig.ron".into())]);
}
