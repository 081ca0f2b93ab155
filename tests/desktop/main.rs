//! The desktop that tests drive programs on, tried out with a small window and with an example.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "mod.rs"]
#[allow(dead_code, reason = "every test uses a part of the driver")]
mod desktop;
mod listener;

use std::path::Path;
use std::time::Duration;

use desktop::{Button, Desktop, DesktopError, EventLog, Key, Program, Window, example, is_uniform};

/// How long a program may take to open its window on a busy machine.
const START: Duration = Duration::from_secs(120);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A desktop with the listener's window.
struct Heard {
    log: EventLog,
    window: Window,
    program: Program,
    desktop: Desktop,
    folder: tempfile::TempDir,
}

impl Heard {
    fn start() -> Result<Option<Self>, Box<dyn std::error::Error>> {
        let Some(desktop) = Desktop::start_or_skip(640, 480)? else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("heard.jsonl");
        let mut command = desktop.command(std::env::current_exe()?);
        command.args(["--exact", "listener::listen", "--ignored", "--nocapture"]).env(listener::LOG, &path);
        let mut program = Program::start(command, &folder.path().join("listener.txt"))?;
        let window = desktop.window(&mut program, START)?;
        let mut log = EventLog::new(path);
        program.event(&mut log, "ready", START)?;
        Ok(Some(Self { log, window, program, desktop, folder }))
    }

    fn hears(&mut self, name: &str) -> Result<serde_json::Value, DesktopError> {
        self.program.event(&mut self.log, name, PATIENCE)
    }
}

#[test]
fn needs_xvfb_a_pointer_moves_presses_drags_and_scrolls() -> Outcome {
    let Some(mut heard) = Heard::start()? else { return Ok(()) };
    assert_eq!(heard.window.size(), listener::SIZE);
    // The pointer may have come with the window.
    heard.desktop.move_to(&heard.window, [1.0, 1.0])?;
    heard.log.take()?;
    heard.desktop.click(&heard.window, [100.0, 60.0], Button::Left)?;
    let moved = heard.hears("moved")?;
    assert_eq!((&moved["x"], &moved["y"]), (&100.0.into(), &60.0.into()));
    assert_eq!(heard.hears("pressed")?["button"], "Left");
    assert_eq!(heard.hears("released")?["button"], "Left");
    heard.desktop.drag(&heard.window, [10.0, 20.0], [70.0, 50.0], Button::Right)?;
    assert_eq!(heard.hears("pressed")?["button"], "Right");
    let dragged = heard.log.take()?;
    let places: Vec<f64> =
        dragged.iter().filter(|event| event["event"] == "moved").filter_map(|event| event["x"].as_f64()).collect();
    assert!(places.len() >= 3 && places.is_sorted() && places.last() == Some(&70.0), "{places:?}");
    assert_eq!(dragged.last().map(|event| &event["event"]), Some(&"released".into()));
    heard.desktop.scroll(&heard.window, [50.0, 50.0], -2)?;
    assert_eq!(heard.hears("scrolled")?["y"], -1.0);
    assert_eq!(heard.hears("scrolled")?["y"], -1.0);
    heard.desktop.double_click(&heard.window, [50.0, 50.0])?;
    for event in ["pressed", "released", "pressed", "released"] {
        heard.hears(event)?;
    }
    Ok(())
}

#[test]
fn needs_xvfb_the_keyboard_types_into_the_window() -> Outcome {
    let Some(mut heard) = Heard::start()? else { return Ok(()) };
    heard.desktop.type_text(&heard.window, "Nose 7_BL1-x")?;
    let mut typed = String::new();
    while typed.chars().count() < 12 {
        if let Some(text) = heard.hears("key")?["text"].as_str() {
            typed.push_str(text);
        }
    }
    assert_eq!(typed, "Nose 7_BL1-x");
    heard.desktop.press(&heard.window, &[Key::Control], Key::Char('z'))?;
    assert_eq!(heard.hears("key")?["key"], "ControlLeft");
    assert_eq!(heard.hears("key")?["key"], "KeyZ");
    heard.desktop.press(&heard.window, &[], Key::Function(12))?;
    assert_eq!(heard.hears("key")?["key"], "F12");
    let missing = heard.desktop.press(&heard.window, &[], Key::Char('鼻'));
    assert!(matches!(missing, Err(DesktopError::NoKey(_))), "{missing:?}");
    heard.desktop.press(&heard.window, &[], Key::Escape)?;
    assert!(heard.program.end(PATIENCE)?.success(), "Escape closes the window");
    Ok(())
}

#[test]
fn needs_xvfb_files_are_dropped() -> Outcome {
    let Some(mut heard) = Heard::start()? else { return Ok(()) };
    let files = ["a photo.jpg", "Größe 100 %.png"].map(|name| heard.folder.path().join(name));
    for file in &files {
        std::fs::write(file, "picture")?;
    }
    let paths: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
    heard.desktop.drop_files(&heard.window, heard.window.middle(), &paths)?;
    for file in &files {
        assert_eq!(heard.hears("dropped")?["path"].as_str().map(Path::new), Some(file.canonicalize()?.as_path()));
    }
    // Again, as the window must forget the first drop.
    heard.desktop.drop_files(&heard.window, heard.window.middle(), &paths[..1])?;
    heard.hears("dropped")?;
    Ok(())
}

#[test]
fn needs_xvfb_the_clipboard_goes_both_ways() -> Outcome {
    let Some(mut heard) = Heard::start()? else { return Ok(()) };
    assert_eq!(heard.desktop.clipboard_text()?, None, "a new desktop's clipboard is empty");
    let owned = heard.desktop.own_text("BL1-sh ünd more")?;
    assert_eq!(heard.desktop.clipboard_text()?.as_deref(), Some("BL1-sh ünd more"));
    heard.desktop.press(&heard.window, &[], listener::PASTE)?;
    assert_eq!(heard.hears("pasted_text")?["text"], "BL1-sh ünd more");
    drop(owned);

    let mut png = Vec::new();
    let picture = image::RgbaImage::from_fn(300, 200, |x, y| image::Rgba([x as u8, y as u8, 40, 255]));
    picture.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)?;
    let _owned = heard.desktop.own_png(&png)?;
    heard.desktop.press(&heard.window, &[], listener::PASTE)?;
    let pasted = heard.hears("pasted_picture")?;
    assert_eq!((&pasted["width"], &pasted["height"]), (&300.into(), &200.into()));
    assert_eq!(pasted["middle"], serde_json::json!([150, 100, 40, 255]));

    heard.desktop.press(&heard.window, &[], listener::COPY)?;
    heard.hears("copied")?;
    assert_eq!(heard.desktop.clipboard_text()?.as_deref(), Some(listener::COPIED));
    Ok(())
}

#[test]
fn needs_xvfb_what_a_game_draws_is_seen() -> Outcome {
    let Some(desktop) = Desktop::start_or_skip(1280, 720)? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let empty = desktop.picture()?;
    assert!(is_uniform(&empty), "nothing is shown yet");
    let mut command = desktop.command(example("minimal")?);
    // The folder of the assets, and of the photo.
    command.env("BEVY_ASSET_ROOT", env!("CARGO_MANIFEST_DIR")).current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut program = Program::start(command, &folder.path().join("minimal.txt"))?;
    let window = desktop.window(&mut program, START)?;
    // The face of the photo has come when what is in the middle is neither the background nor black.
    desktop::until("a face", START, || {
        program.check()?;
        let picture = desktop.picture()?;
        let [x, y] = window.on_screen(window.middle()).map(|coordinate| u32::from(coordinate.unsigned_abs()));
        let [red, green, blue] = picture.get_pixel(x, y).0;
        Ok((red > 80 && red > green && green > blue && !is_uniform(&picture)).then_some(()))
    })?;
    let picture = desktop.steady_picture(&window, PATIENCE)?;
    assert!(desktop::difference(&empty, &picture) > 10.0);
    Ok(())
}

#[test]
fn needs_xvfb_a_program_that_ends_is_told_with_its_last_words() -> Outcome {
    let Some(desktop) = Desktop::start_or_skip(320, 240)? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let mut command = desktop.command("sh");
    command.args(["-c", "echo no head today; exit 3"]);
    let mut program = Program::start(command, &folder.path().join("said.txt"))?;
    let error = desktop.window(&mut program, START).unwrap_err();
    assert!(matches!(error, DesktopError::Ended { .. }) && error.to_string().contains("no head today"), "{error}");
    Ok(())
}

#[test]
fn a_log_is_read_while_it_grows() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log.jsonl");
    let mut log = EventLog::new(&path);
    assert!(log.next("b")?.is_none(), "there is no log yet");
    std::fs::write(&path, "{\"event\":\"a\"}\n{\"event\":\"b\",\"n\":1}\n{\"event\":\"b\",\"n\":2}")?;
    assert_eq!(log.next("b")?.map(|event| event["n"].clone()), Some(1.into()));
    assert!(log.next("b")?.is_none(), "half a line is none");
    std::fs::write(&path, "{\"event\":\"a\"}\n{\"event\":\"b\",\"n\":1}\n{\"event\":\"b\",\"n\":2}\nnonsense\n")?;
    let error = log.next("b").unwrap_err();
    assert!(matches!(error, DesktopError::BadLine { line: 4, .. }), "{error}");
    Ok(())
}
