//! The rig editor as a designer uses it, from start to end, with real pointer and keys, on a copy of the bundled head.
//!
//! `LIKENESS_SCREENSHOTS=DIR` keeps a picture of every step.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, unused_imports, reason = "every test uses a part of the driver")]
mod desktop;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use likeness_rig::{HeadMesh, Rig, rig_text};
use serde_json::Value;

use desktop::{Button, Desktop, DesktopError, Key, Program, Window, difference, example, until};

/// The size of the window that Bevy opens by default.
const WIDTH: u16 = 1280;
const HEIGHT: u16 = 720;
/// How long the program may take to open on a busy machine without a GPU.
const LONG: Duration = Duration::from_secs(240);
/// How long everything else may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How far a handle is dragged, pixels.
const PULL: f32 = 40.0;
/// Beside the ring of a bone, pixels.
const RING: f32 = 12.0;
/// What the range button does to amounts.
const WIDER: f32 = 1.1;

/// A bone that sliders move, turn and scale, and its twin.
const BONE: &str = "nasolabial.L";
const TWIN: &str = "nasolabial.R";

/// The button that closes the file dialog.
const CANCEL: &str = "Button 🚫 Cancel";

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The editor on a desktop of its own.
struct Editor {
    watch: PathBuf,
    window: Window,
    program: Program,
    desktop: Desktop,
    pictures: PathBuf,
    /// Whether the pictures are for people.
    keeps: bool,
    steps: usize,
    /// The rig that is edited.
    rig: PathBuf,
    /// Held until the end.
    _folder: tempfile::TempDir,
}

impl Editor {
    /// `None` where there is no Xvfb.
    fn start() -> Outcome<Option<Self>> {
        let Some(desktop) = Desktop::start_or_skip(WIDTH, HEIGHT)? else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        let in_folder = |name: &str| folder.path().join(name);
        let (watch, head) = (in_folder("watch.json"), in_folder("head"));
        copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/head"), &head)?;
        let kept = std::env::var_os("LIKENESS_SCREENSHOTS").map(PathBuf::from);
        let keeps = kept.is_some();
        let pictures = kept.unwrap_or_else(|| in_folder("pictures"));
        std::fs::create_dir_all(&pictures)?;
        let rig = head.join("head.rig.ron");
        let mut command = desktop.command(example("own_rig")?);
        command.arg(&rig).arg("--watch").arg(&watch);
        // Pictures that are kept are to be looked at; else time counts.
        if !keeps {
            command.arg("--low-detail");
        }
        let mut program = Program::start(command, &in_folder("editor.txt"))?;
        let window = desktop.window(&mut program, LONG)?;
        let mut editor = Self { watch, window, program, desktop, pictures, keeps, steps: 0, rig, _folder: folder };
        editor.until_within("the head", LONG, |seen| seen["bones"].get(BONE).is_some())?;
        Ok(Some(editor))
    }

    /// Waits until what is shown is as wanted.
    fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value, DesktopError> {
        self.until_within(what, PATIENCE, wanted)
    }

    fn until_within(
        &mut self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, DesktopError> {
        let mut last = Value::Null;
        let found = until(what, patience, || {
            self.program.check()?;
            let text = std::fs::read(&self.watch).unwrap_or_default();
            last = serde_json::from_slice(&text).unwrap_or_default();
            Ok(wanted(&last).then(|| last.clone()))
        });
        if found.is_err() {
            eprintln!("instead of {what}: {last}");
        }
        found
    }

    /// What is shown now that all that was sent has been handled.
    fn seen(&mut self) -> Result<Value, DesktopError> {
        self.desktop.frame(&self.window)?;
        self.until("anything", |seen| seen.is_object())
    }

    /// A place of the list `bones`, `handles` or `widgets`, once it is there.
    fn place(&mut self, list: &str, name: &str) -> Result<[f32; 2], DesktopError> {
        let seen = self.until(&format!("{name} among the {list}"), |seen| !seen[list][name].is_null())?;
        Ok(serde_json::from_value(seen[list][name].clone()).unwrap())
    }

    fn click(&mut self, widget: &str) -> Result<(), DesktopError> {
        // A window that has just opened finds its size first.
        let mut place = self.place("widgets", widget)?;
        loop {
            self.desktop.frame(&self.window)?;
            let now = self.place("widgets", widget)?;
            if now == place {
                return self.desktop.click(&self.window, place, Button::Left);
            }
            place = now;
        }
    }

    fn press(&mut self, held: &[Key], key: char) -> Result<(), DesktopError> {
        self.desktop.press(&self.window, held, Key::Char(key))
    }

    /// Replaces the text of a field.
    fn type_into(&mut self, field: &str, text: &str) -> Result<(), DesktopError> {
        self.click(&format!("TextInput {field}"))?;
        self.press(&[Key::Control], 'a')?;
        self.desktop.type_text(&self.window, text)
    }

    /// Drags a handle of the chosen bone across its place on the screen.
    fn drag(&mut self, handle: &str, by: [f32; 2]) -> Result<(), DesktopError> {
        let from = self.place("handles", handle)?;
        self.desktop.drag(&self.window, from, [from[0] + by[0], from[1] + by[1]], Button::Left)
    }

    /// What is seen once there is skin below a bone: what draws it comes some frames after the head.
    fn first_picture(&mut self) -> Outcome<image::RgbImage> {
        let [x, y] = self.place("bones", BONE)?;
        let [x, y] = self.window.on_screen([x, y + RING]).map(|coordinate| u32::from(coordinate.unsigned_abs()));
        until("skin", LONG, || {
            self.program.check()?;
            let [red, green, blue] = self.desktop.picture()?.get_pixel(x, y).0;
            Ok((red > green && green > blue && red > 60).then_some(()))
        })?;
        Ok(self.desktop.steady_picture(&self.window, LONG)?)
    }

    /// Keeps a picture of a step: once nothing moves any more, where people look at it, as that takes time.
    fn picture(&mut self, step: &str) -> Outcome<image::RgbImage> {
        let picture = if self.keeps {
            self.desktop.steady_picture(&self.window, LONG)?
        } else {
            self.desktop.frame(&self.window)?;
            self.desktop.frame(&self.window)?;
            self.desktop.picture()?
        };
        self.steps += 1;
        picture.save(self.pictures.join(format!("{:02}-{step}.png", self.steps)))?;
        Ok(picture)
    }
}

/// Copies a folder with all that is in it.
fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The moved rest place of a joint, metres.
fn rest(seen: &Value, joint: &str) -> [f32; 3] {
    serde_json::from_value(seen["rests"][joint].clone()).unwrap_or_default()
}

#[test]
fn needs_xvfb_a_rig_is_edited_from_start_to_end() -> Outcome {
    let Some(mut editor) = Editor::start()? else { return Ok(()) };
    let (rig_before, text_before) = (Rig::load(&editor.rig)?, std::fs::read_to_string(&editor.rig)?);
    let mesh_path = editor.rig.with_file_name(&rig_before.mesh);
    let mesh_before = HeadMesh::load(&mesh_path)?;
    let start = editor.first_picture()?;
    editor.picture("start")?;

    // The key closes the editor and opens it.
    editor.desktop.press(&editor.window, &[], Key::Function(10))?;
    editor.until("a closed editor", |seen| seen["open"] == false)?;
    let closed = editor.desktop.steady_picture(&editor.window, LONG)?;
    editor.picture("closed")?;
    assert!(difference(&start, &closed) > 1.0, "the window is gone");
    editor.desktop.press(&editor.window, &[], Key::Function(10))?;
    editor.until("an open editor", |seen| seen["open"] == true)?;

    // A bone is pointed at and chosen.
    let place = editor.place("bones", BONE)?;
    editor.desktop.move_to(&editor.window, place)?;
    editor.until("a bone under the pointer", |seen| seen["hovered"] == BONE)?;
    editor.picture("hovered")?;
    editor.desktop.click(&editor.window, place, Button::Left)?;
    editor.until("a chosen bone", |seen| seen["bone"] == BONE)?;
    editor.click("Button Influence")?;
    editor.picture("chosen")?;
    editor.click("Button Influence")?;

    // Its handles move, turn and scale it: the face changes, by sliders that drive the bone, and the rig does not.
    let mut before = editor.seen()?["face"].clone();
    for (key, tool, handle, by) in [
        ('g', "Move", "move.y", [0.0, -PULL]),
        ('r', "Turn", "turn.z", [-PULL, -PULL]),
        ('s', "Scale", "move.y", [0.0, -PULL]),
    ] {
        editor.press(&[], key)?;
        editor.until(tool, |seen| seen["tool"] == tool)?;
        editor.drag(handle, by)?;
        let seen = editor.until("another face", |seen| seen["face"] != before)?;
        before = editor.seen()?["face"].clone();
        assert_eq!(seen["changed"], false, "{seen}");
        for (name, value) in before.as_object().unwrap() {
            let parameter = rig_before.parameters.iter().find(|parameter| parameter.name == *name).unwrap();
            assert!(parameter.drives.iter().any(|drive| drive.bone == BONE || drive.bone == TWIN), "{name}");
            assert!(value.as_f64().is_some_and(|value| (0.0..=1.0).contains(&value)), "{name}: {value}");
        }
        editor.picture(&format!("face-{}", tool.to_lowercase()))?;
    }

    // Where it rests moves, its twin with it; that can be undone and done again.
    editor.click("Button rest place")?;
    editor.until("the tool that a rest place has", |seen| seen["target"] == "Rest" && seen["tool"] == "Move")?;
    editor.press(&[], 'r')?;
    editor.drag("move.y", [0.0, -PULL])?;
    editor.until("a moved rest place", |seen| rest(seen, BONE)[1] > 0.0)?;
    let moved = editor.seen()?["rests"].clone();
    let ([x, y, z], twin) = (rest(&editor.seen()?, BONE), rest(&editor.seen()?, TWIN));
    assert!(y > 0.002 && x.abs() < 1e-4 && z.abs() < 1e-4, "up: {x} {y} {z}");
    assert_eq!(twin, [-x, y, z]);
    editor.click("Button Bones")?;
    editor.picture("rest-moved")?;
    editor.press(&[Key::Control], 'z')?;
    let seen = editor.until("the rest place as it was", |seen| seen["rests"] == serde_json::json!({}))?;
    assert_eq!(seen["changed"], false);
    editor.picture("rest-undone")?;
    editor.click("Button Redo")?;
    editor.until("the moved rest place again", |seen| seen["rests"] == moved)?;

    // A slider's range becomes wider.
    editor.click("Button Sliders")?;
    let slider = rig_before.parameters.iter().find(|parameter| parameter.name == "nose.tip.forward").unwrap();
    editor.type_into("Search", &slider.name)?;
    editor.click(&format!("Button {}", slider.name))?;
    editor.until("a chosen slider", |seen| seen["slider"] == slider.name.as_str())?;
    editor.click("Button wider")?;
    editor.picture("slider-wider")?;
    editor.click("Button Changes •")?;
    editor.picture("changes")?;

    // What is saved is what was done, and nothing else.
    editor.press(&[Key::Control], 's')?;
    editor.until("a saved rig", |seen| seen["changed"] == false)?;
    editor.picture("saved")?;
    let mut expected = rig_before.clone();
    let parameter = expected.parameters.iter_mut().find(|parameter| parameter.name == slider.name).unwrap();
    parameter.drives.iter_mut().for_each(|drive| drive.scale(WIDER));
    assert_eq!(std::fs::read_to_string(&editor.rig)?, rig_text::updated(&text_before, &expected, "expected")?);
    let mesh = HeadMesh::load(&mesh_path)?;
    for (before, after) in mesh_before.joints.iter().zip(&mesh.joints) {
        let by = after.rest.translation - before.rest.translation;
        let wanted = rest(&serde_json::json!({ "rests": moved }), &before.name);
        assert!(by.abs_diff_eq(wanted.into(), 1e-6), "{} moved by {by}", before.name);
    }
    assert_eq!(mesh.parts, mesh_before.parts, "the skin is as it was");

    // A rig is drafted for a head of another make, shown and edited.
    let own = editor.rig.with_file_name("own").join("draft.rig.ron");
    editor.click("Button Import")?;
    editor.click("Button Browse …")?;
    editor.until("a file dialog", |seen| !seen["widgets"][CANCEL].is_null())?;
    editor.picture("browse")?;
    editor.desktop.press(&editor.window, &[], Key::Escape)?;
    editor.until("no file dialog", |seen| seen["widgets"][CANCEL].is_null())?;
    // A dropped head is the one to import, whatever page is shown.
    editor.click("Button Sliders")?;
    editor.desktop.drop_files(&editor.window, editor.window.middle(), &[&mesh_path])?;
    editor.until("the page Import", |seen| !seen["widgets"]["Button Draft rig"].is_null())?;
    editor.type_into("Rig", &own.display().to_string())?;
    editor.picture("import")?;
    editor.click("Button Draft rig")?;
    editor.until_within("a draft", LONG, |seen| !seen["widgets"]["Button Show and edit it"].is_null())?;
    editor.picture("drafted")?;
    editor.click("Button Show and edit it")?;
    let canonical = own.canonicalize()?;
    editor.until("the draft in the game", |seen| {
        let rig = seen["rig"].as_str().and_then(|rig| Path::new(rig).canonicalize().ok());
        rig.as_deref() == Some(&canonical) && seen["bones"].get(BONE).is_some()
    })?;
    assert_ne!(Rig::load(&own)?.id, rig_before.id);
    editor.picture("own-rig")?;
    Ok(())
}
