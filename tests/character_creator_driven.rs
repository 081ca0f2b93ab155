//! The character creator as a player uses it, from start to end, with real pointer, keys, dropped files and clipboard.
//!
//! `LIKENESS_SCREENSHOTS=DIR` keeps a picture of every step.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "every test uses a part of the driver")]
mod desktop;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use desktop::{Button, Desktop, DesktopError, EventLog, Key, Program, Window, difference, example, is_uniform, until};

/// What the creator calls its widgets and places in the layout log.
mod id {
    pub(super) const UNDO: &str = "toolbar.undo";
    pub(super) const REDO: &str = "toolbar.redo";
    pub(super) const RANDOMISE: &str = "toolbar.randomise";
    pub(super) const SAVE: &str = "toolbar.save";
    pub(super) const COPY_CODE: &str = "toolbar.copy_code";
    pub(super) const PASTE_CODE: &str = "toolbar.paste_code";
    pub(super) const SCREENSHOT: &str = "toolbar.screenshot";
    pub(super) const TAB_BLEND: &str = "tab.blend";
    pub(super) const TAB_LIBRARY: &str = "tab.library";
    pub(super) const KEEP_A: &str = "blend.save_a";
    pub(super) const KEEP_B: &str = "blend.save_b";
    pub(super) const WEIGHT_B: &str = "blend.weight_b";
    pub(super) const NOSE: &str = "face.nose";
    /// Before a saved face's name.
    pub(super) const OPEN: &str = "library.open.";
    /// Before the name of a parameter of the nose.
    pub(super) const NOSE_SLIDER: &str = "slider.nose.";
}

/// What the creator calls events in the state log.
mod event {
    pub(super) const READY: &str = "ready";
    pub(super) const PREDICTED: &str = "predicted";
    pub(super) const SELECTED: &str = "selected";
    pub(super) const CHANGED: &str = "changed";
    pub(super) const JOINTS_MOVED: &str = "joints_moved";
    pub(super) const UNDO: &str = "undo";
    pub(super) const REDO: &str = "redo";
    pub(super) const RANDOMISED: &str = "randomised";
    pub(super) const BLENDED: &str = "blended";
    pub(super) const SAVED: &str = "saved";
    pub(super) const LOADED: &str = "loaded";
    pub(super) const COPIED: &str = "copied";
    pub(super) const PASTED: &str = "pasted";
    pub(super) const SCREENSHOT: &str = "screenshot";
}

const WIDTH: u16 = 1280;
const HEIGHT: u16 = 800;
/// How long the creator may take to open, or a photo to become a face, on a busy machine without a GPU.
const LONG: Duration = Duration::from_secs(240);
/// How long everything else may take.
const PATIENCE: Duration = Duration::from_secs(180);

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// One creator at a time: two that draw by software on the same cores wait for each other.
static ALONE: Mutex<()> = Mutex::new(());

/// The creator on a desktop of its own.
struct Creator {
    log: EventLog,
    layout: PathBuf,
    window: Window,
    program: Program,
    desktop: Desktop,
    pictures: PathBuf,
    steps: usize,
    faces: PathBuf,
    /// Held until the end.
    _folder: tempfile::TempDir,
    /// Held until the end.
    _alone: MutexGuard<'static, ()>,
}

impl Creator {
    /// `None` where there is no Xvfb.
    fn start() -> Outcome<Option<Self>> {
        // A test that failed leaves the others their turn.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(desktop) = Desktop::start_or_skip(WIDTH, HEIGHT)? else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        let in_folder = |name: &str| folder.path().join(name);
        let (log, layout, faces) = (in_folder("state.jsonl"), in_folder("layout.json"), in_folder("faces"));
        let pictures = std::env::var_os("LIKENESS_SCREENSHOTS").map_or_else(|| in_folder("pictures"), PathBuf::from);
        std::fs::create_dir_all(&pictures)?;
        // Where its file dialog begins.
        let photos = in_folder("photos");
        std::fs::create_dir(&photos)?;
        std::fs::copy(astronaut(), photos.join("astronaut.jpg"))?;
        let mut command = desktop.command(example("character_creator")?);
        command.current_dir(&photos);
        command.arg("--state-log").arg(&log).arg("--layout-log").arg(&layout).arg("--folder").arg(&faces);
        command.args(["--language", "en", "--seed", "7", "--window", &format!("{WIDTH}x{HEIGHT}")]);
        // Pictures that are kept are to be looked at; else time counts.
        if std::env::var_os("LIKENESS_SCREENSHOTS").is_none() {
            command.arg("--low-detail");
        }
        let mut program = Program::start(command, &in_folder("creator.txt"))?;
        let window = desktop.window(&mut program, LONG)?;
        let mut log = EventLog::new(log);
        program.event(&mut log, event::READY, LONG)?;
        Ok(Some(Self {
            log,
            layout,
            window,
            program,
            desktop,
            pictures,
            steps: 0,
            faces,
            _folder: folder,
            _alone: alone,
        }))
    }

    /// Waits for the next event of this name.
    fn event(&mut self, name: &str) -> Result<Value, DesktopError> {
        self.program.event(&mut self.log, name, PATIENCE)
    }

    /// The names in the latest layout and their rectangles.
    fn layout(&mut self) -> Result<serde_json::Map<String, Value>, DesktopError> {
        until("a layout", PATIENCE, || {
            self.program.check()?;
            Ok(std::fs::read(&self.layout).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()))
        })
    }

    /// The rectangle `[x, y, width, height]` of a widget, once it is shown.
    fn rectangle(&mut self, name: &str) -> Result<[f32; 4], DesktopError> {
        until(&format!("the widget {name}"), PATIENCE, || {
            let layout = self.layout()?;
            Ok(layout.get(name).and_then(|rectangle| serde_json::from_value(rectangle.clone()).ok()))
        })
    }

    /// The first name that begins like this, once it is shown.
    fn first(&mut self, beginning: &str) -> Result<String, DesktopError> {
        until(&format!("a widget {beginning}…"), PATIENCE, || {
            Ok(self.layout()?.keys().find(|name| name.starts_with(beginning)).cloned())
        })
    }

    fn click(&mut self, name: &str) -> Result<(), DesktopError> {
        let [x, y, width, height] = self.rectangle(name)?;
        self.desktop.click(&self.window, [x + width / 2.0, y + height / 2.0], Button::Left)
    }

    /// Clicks, and waits for what comes of it.
    fn click_for(&mut self, name: &str, event: &str) -> Result<Value, DesktopError> {
        self.log.take()?;
        self.click(name)?;
        self.event(event)
    }

    /// Drags a slider's handle between two parts of its width.
    fn drag_slider(&mut self, name: &str, from: f32, to: f32) -> Result<(), DesktopError> {
        let [x, y, width, height] = self.rectangle(name)?;
        let place = |part: f32| [x + part * width, y + height / 2.0];
        self.desktop.drag(&self.window, place(from), place(to), Button::Left)
    }

    /// The face as a share code: what the creator's state is compared by.
    fn code(&mut self) -> Outcome<String> {
        let copied = self.click_for(id::COPY_CODE, event::COPIED)?;
        Ok(copied["code"].as_str().ok_or("a copied code is text")?.to_owned())
    }

    /// Keeps a picture of a step once the face is at rest.
    fn picture(&mut self, step: &str) -> Outcome<image::RgbImage> {
        let picture = self.desktop.steady_picture(&self.window, LONG)?;
        self.steps += 1;
        picture.save(self.pictures.join(format!("{:02}-{step}.png", self.steps)))?;
        Ok(picture)
    }
}

/// The photo that comes with the project.
fn astronaut() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/photos/astronaut.jpg")
}

/// What is seen between the panels.
fn stage(picture: &image::RgbImage) -> image::RgbImage {
    let (left, right, top, bottom) = (300, 340, 60, 40);
    let (width, height) = (picture.width() - left - right, picture.height() - top - bottom);
    image::imageops::crop_imm(picture, left, top, width, height).to_image()
}

#[test]
fn needs_xvfb_a_face_is_made_from_start_to_end() -> Outcome {
    let Some(mut creator) = Creator::start()? else { return Ok(()) };
    let start = creator.picture("start")?;
    assert!(!is_uniform(&stage(&start)), "a head is shown");
    let first = creator.code()?;

    // A photo is dropped.
    creator.desktop.drop_files(&creator.window, creator.window.middle(), &[&astronaut()])?;
    let predicted = creator.program.event(&mut creator.log, event::PREDICTED, LONG)?;
    assert!(predicted["confidence"].as_f64().is_some_and(|confidence| confidence > 0.3), "{predicted}");
    let likeness = creator.picture("photo")?;
    assert!(difference(&stage(&start), &stage(&likeness)) > 1.0, "another face is shown");
    let photo_code = creator.code()?;
    assert_ne!(photo_code, first);

    // A click on the nose shows its sliders.
    let selected = creator.click_for(id::NOSE, event::SELECTED)?;
    assert_eq!(selected["region"], "nose");
    let slider = creator.first(id::NOSE_SLIDER)?;
    creator.picture("nose")?;

    // A slider is dragged: the joints move in the frame of every change.
    creator.log.take()?;
    creator.drag_slider(&slider, 0.5, 0.95)?;
    creator.event(event::JOINTS_MOVED)?;
    let code = creator.code()?;
    assert_ne!(code, photo_code, "the slider changed the face");
    creator.picture("slider")?;

    // It is one step of the history.
    creator.click_for(id::UNDO, event::UNDO)?;
    assert_eq!(creator.code()?, photo_code);
    creator.click_for(id::REDO, event::REDO)?;
    assert_eq!(creator.code()?, code);
    creator.log.take()?;
    creator.desktop.press(&creator.window, &[Key::Control], Key::Char('z'))?;
    creator.event(event::UNDO)?;
    assert_eq!(creator.code()?, photo_code, "the keyboard takes it back too");
    creator.picture("undo")?;

    // Two faces are blended.
    creator.click(id::TAB_BLEND)?;
    creator.click(id::KEEP_A)?;
    creator.click_for(id::RANDOMISE, event::RANDOMISED)?;
    let random = creator.code()?;
    assert_ne!(random, photo_code);
    creator.picture("random")?;
    creator.click(id::KEEP_B)?;
    creator.log.take()?;
    creator.drag_slider(id::WEIGHT_B, 0.95, 0.5)?;
    creator.event(event::BLENDED)?;
    let blended = creator.code()?;
    assert!(blended != random && blended != photo_code, "a face between the two");
    creator.picture("blend")?;

    // It is saved, lost and loaded.
    let saved = creator.click_for(id::SAVE, event::SAVED)?;
    let path = PathBuf::from(saved["path"].as_str().ok_or("a path is text")?);
    assert!(path.starts_with(&creator.faces) && path.is_file(), "{}", path.display());
    creator.picture("saved")?;
    creator.click_for(id::RANDOMISE, event::RANDOMISED)?;
    assert_ne!(creator.code()?, blended);
    creator.click(id::TAB_LIBRARY)?;
    let entry = creator.first(id::OPEN)?;
    creator.click_for(&entry, event::LOADED)?;
    assert_eq!(creator.code()?, blended);
    creator.picture("loaded")?;

    // A share code comes from another program, and goes to one.
    assert_eq!(creator.desktop.clipboard_text()?.as_deref(), Some(blended.as_str()));
    let owned = creator.desktop.own_text(&photo_code)?;
    creator.click_for(id::PASTE_CODE, event::PASTED)?;
    drop(owned);
    assert_eq!(creator.code()?, photo_code);
    let pasted = creator.picture("pasted")?;
    assert!(difference(&stage(&likeness), &stage(&pasted)) < 4.0, "the photo's face is back");

    // The photo is chosen in the file dialog, by keys alone, after another face was there.
    creator.click_for(id::RANDOMISE, event::RANDOMISED)?;
    assert_ne!(creator.code()?, photo_code);
    creator.desktop.press(&creator.window, &[Key::Control], Key::Char('o'))?;
    creator.picture("dialog")?;
    creator.desktop.press(&creator.window, &[], Key::Down)?;
    creator.log.take()?;
    creator.desktop.press(&creator.window, &[], Key::Return)?;
    creator.program.event(&mut creator.log, event::PREDICTED, LONG)?;
    creator.picture("chosen")?;
    assert_eq!(creator.code()?, photo_code);

    // A screenshot of the face alone.
    let taken = creator.click_for(id::SCREENSHOT, event::SCREENSHOT)?;
    let taken = image::open(taken["path"].as_str().ok_or("a path is text")?)?.to_rgb8();
    assert!(!is_uniform(&taken), "the screenshot shows a face");
    taken.save(creator.pictures.join("screenshot.png"))?;
    Ok(())
}

/// The frames in which a parameter changed, and those in which joints moved.
fn frames(events: &[Value], name: &str) -> Vec<u64> {
    events.iter().filter(|event| event["event"] == name).filter_map(|event| event["frame"].as_u64()).collect()
}

#[test]
fn needs_xvfb_joints_move_in_the_frame_of_the_slider() -> Outcome {
    let Some(mut creator) = Creator::start()? else { return Ok(()) };
    creator.click_for(id::NOSE, event::SELECTED)?;
    let slider = creator.first(id::NOSE_SLIDER)?;
    creator.log.take()?;
    creator.drag_slider(&slider, 0.5, 0.1)?;
    let events = creator.log.take()?;
    let changed = frames(&events, event::CHANGED);
    assert!(changed.len() >= 3, "a drag changes the face in several frames: {events:?}");
    assert_eq!(frames(&events, event::JOINTS_MOVED), changed);
    let name = slider.trim_start_matches("slider.");
    let last = events.iter().rfind(|event| event["event"] == event::CHANGED).unwrap();
    assert_eq!(last["parameter"], name);
    assert!(last["value"].as_f64().is_some_and(|value| value < 0.25), "{last}");
    Ok(())
}
