//! A desktop of its own for a test: an X server without a screen, a pointer and a keyboard whose events are real to programs,
//! files that are dragged, a clipboard, and pictures of what is shown. No window manager runs.

mod clipboard;
mod drop_files;
mod error;
mod event_log;
mod keys;
mod program;
mod selection;
mod server;
mod sight;
mod wait;
mod window;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use image::RgbImage;
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, InputFocus,
    KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

pub(crate) use clipboard::OwnedClipboard;
pub(crate) use error::{DesktopError, Result};
pub(crate) use event_log::EventLog;
pub(crate) use keys::Key;
pub(crate) use program::Program;
pub(crate) use sight::{difference, is_uniform};
pub(crate) use wait::until;
pub(crate) use window::Window;

use keys::Keyboard;
use server::Server;

/// How long a window may take to read an event.
const PATIENCE: Duration = Duration::from_secs(60);
/// The steps of a drag.
const DRAG_STEPS: u8 = 6;

/// A button of the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Button {
    /// The main one.
    Left,
    /// The other one.
    Right,
}

impl Button {
    /// X11's number.
    fn number(self) -> u8 {
        match self {
            Self::Left => 1,
            Self::Right => 3,
        }
    }
}

/// The numbers of X11's buttons that turn the wheel.
const WHEEL_UP: u8 = 4;
const WHEEL_DOWN: u8 = 5;

/// A desktop. Dropping it ends the server; programs must be dropped before.
pub(crate) struct Desktop {
    connection: RustConnection,
    root: u32,
    keyboard: Keyboard,
    server: Server,
}

impl Desktop {
    /// A desktop of this size, pixels; `None`, with the reason printed, where Xvfb is not installed.
    ///
    /// # Errors
    /// When the server does not start.
    pub(crate) fn start_or_skip(width: u16, height: u16) -> Result<Option<Self>> {
        let server = match Server::start(width, height) {
            Err(error @ DesktopError::NoXvfb) => {
                println!("skipped: {error}");
                return Ok(None);
            }
            server => server?,
        };
        let (connection, screen) = RustConnection::connect(Some(server.display()))?;
        let root = connection.setup().roots[screen].root;
        // The answers to pings go to the root.
        let events = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        connection.change_window_attributes(root, &events)?.check()?;
        let keyboard = Keyboard::read(&connection)?;
        Ok(Some(Self { connection, root, keyboard, server }))
    }

    /// A command that will run on this desktop.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", self.server.display()).env_remove("WAYLAND_DISPLAY");
        command
    }

    /// The window of a program, once it is shown; it gets the keyboard.
    ///
    /// # Errors
    /// [`DesktopError::Ended`], [`DesktopError::Timeout`].
    pub(crate) fn window(&self, program: &mut Program, patience: Duration) -> Result<Window> {
        let window = until("a window", patience, || {
            program.check()?;
            window::find(&self.connection, self.root, program.id())
        })?;
        self.focus(&window)?;
        Ok(window)
    }

    /// Clicks at a place of a window.
    ///
    /// # Errors
    /// [`DesktopError::Timeout`] when the window does not read it.
    pub(crate) fn click(&self, window: &Window, place: [f32; 2], button: Button) -> Result<()> {
        self.move_to(window, place)?;
        for kind in [BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT] {
            self.event(kind, button.number())?;
            self.is_read(window)?;
        }
        Ok(())
    }

    /// Clicks twice with the left button.
    ///
    /// # Errors
    /// As [`Desktop::click`].
    pub(crate) fn double_click(&self, window: &Window, place: [f32; 2]) -> Result<()> {
        self.move_to(window, place)?;
        for kind in [BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT] {
            self.event(kind, Button::Left.number())?;
        }
        self.is_read(window)
    }

    /// Drags from one place of a window to another, in steps.
    ///
    /// # Errors
    /// As [`Desktop::click`].
    pub(crate) fn drag(&self, window: &Window, from: [f32; 2], to: [f32; 2], button: Button) -> Result<()> {
        self.move_to(window, from)?;
        self.event(BUTTON_PRESS_EVENT, button.number())?;
        self.is_read(window)?;
        for step in 1..=DRAG_STEPS {
            let part = f32::from(step) / f32::from(DRAG_STEPS);
            self.move_to(window, [0, 1].map(|axis| from[axis] + part * (to[axis] - from[axis])))?;
        }
        self.event(BUTTON_RELEASE_EVENT, button.number())?;
        self.is_read(window)
    }

    /// Turns the wheel over a place by lines, up when positive.
    ///
    /// # Errors
    /// As [`Desktop::click`].
    pub(crate) fn scroll(&self, window: &Window, place: [f32; 2], lines: i32) -> Result<()> {
        self.move_to(window, place)?;
        let button = if lines > 0 { WHEEL_UP } else { WHEEL_DOWN };
        for _ in 0..lines.unsigned_abs() {
            self.event(BUTTON_PRESS_EVENT, button)?;
            self.event(BUTTON_RELEASE_EVENT, button)?;
        }
        self.is_read(window)
    }

    /// Presses a key while others are held.
    ///
    /// # Errors
    /// [`DesktopError::NoKey`], and as [`Desktop::click`].
    pub(crate) fn press(&self, window: &Window, held: &[Key], key: Key) -> Result<()> {
        let (code, shifted) = self.keyboard.find(key)?;
        let mut codes = held.iter().map(|key| Ok(self.keyboard.find(*key)?.0)).collect::<Result<Vec<u8>>>()?;
        if shifted {
            codes.push(self.keyboard.find(Key::Shift)?.0);
        }
        codes.push(code);
        self.focus(window)?;
        for code in &codes {
            self.event(KEY_PRESS_EVENT, *code)?;
        }
        for code in codes.iter().rev() {
            self.event(KEY_RELEASE_EVENT, *code)?;
        }
        self.is_read(window)
    }

    /// Types a text.
    ///
    /// # Errors
    /// As [`Desktop::press`].
    pub(crate) fn type_text(&self, window: &Window, text: &str) -> Result<()> {
        text.chars().try_for_each(|character| self.press(window, &[], Key::Char(character)))
    }

    /// Drags files from another program and drops them at a place of a window.
    ///
    /// # Errors
    /// [`DesktopError::DropRefused`], [`DesktopError::Timeout`].
    pub(crate) fn drop_files(&self, window: &Window, place: [f32; 2], files: &[&Path]) -> Result<()> {
        drop_files::drop_files(self.server.display(), window, window.on_screen(place), files)
    }

    /// Puts text on the clipboard for as long as the answer is kept.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn own_text(&self, text: &str) -> Result<OwnedClipboard> {
        OwnedClipboard::new(self.server.display(), &[("UTF8_STRING", text.as_bytes())])
    }

    /// Puts a picture, the bytes of a PNG file, on the clipboard for as long as the answer is kept.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn own_png(&self, png: &[u8]) -> Result<OwnedClipboard> {
        OwnedClipboard::new(self.server.display(), &[("image/png", png)])
    }

    /// The text on the clipboard, if there is any.
    ///
    /// # Errors
    /// [`DesktopError::Timeout`] when its owner does not answer.
    pub(crate) fn clipboard_text(&self) -> Result<Option<String>> {
        clipboard::text(self.server.display())
    }

    /// What the desktop shows.
    ///
    /// # Errors
    /// [`DesktopError::PixelFormat`].
    pub(crate) fn picture(&self) -> Result<RgbImage> {
        sight::picture(&self.connection, self.root)
    }

    /// What a window shows once it stays the same.
    ///
    /// # Errors
    /// [`DesktopError::Timeout`] when something always moves.
    pub(crate) fn steady_picture(&self, window: &Window, patience: Duration) -> Result<RgbImage> {
        let mut last = sight::picture(&self.connection, window.id())?;
        until("a steady picture", patience, || {
            // A window that draws slowly must have had its turn.
            self.is_read(window)?;
            std::thread::sleep(sight::REST);
            let next = sight::picture(&self.connection, window.id())?;
            let steady = !is_uniform(&next) && difference(&last, &next) < sight::STEADY;
            last = next;
            Ok(steady.then(|| last.clone()))
        })
    }

    fn focus(&self, window: &Window) -> Result<()> {
        self.connection.set_input_focus(InputFocus::PARENT, window.id(), CURRENT_TIME)?;
        self.is_read(window)
    }

    /// Moves the pointer to a place of a window.
    ///
    /// # Errors
    /// As [`Desktop::click`].
    pub(crate) fn move_to(&self, window: &Window, place: [f32; 2]) -> Result<()> {
        let [x, y] = window.on_screen(place);
        self.connection.xtest_fake_input(MOTION_NOTIFY_EVENT, 0, CURRENT_TIME, self.root, x, y, 0)?.check()?;
        self.is_read(window)
    }

    fn event(&self, kind: u8, detail: u8) -> Result<()> {
        self.connection.xtest_fake_input(kind, detail, CURRENT_TIME, self.root, 0, 0, 0)?.check()?;
        Ok(())
    }

    /// Waits until the window has read everything so far, so that slow programs see one event after the other.
    fn is_read(&self, window: &Window) -> Result<()> {
        window::ping(&self.connection, self.root, window, PATIENCE)
    }
}

/// The program of an example; cargo builds examples before tests.
///
/// # Errors
/// [`DesktopError::NotBuilt`].
pub(crate) fn example(name: &str) -> Result<PathBuf> {
    // Tests lie in `<profile>/deps`, examples in `<profile>/examples`.
    let profile = std::env::current_exe().ok().and_then(|test| Some(test.parent()?.parent()?.to_path_buf()));
    let program = profile.map(|profile| profile.join("examples").join(name));
    program.filter(|program| program.is_file()).ok_or_else(|| DesktopError::NotBuilt { example: name.to_owned() })
}
