//! A desktop for tests: an X server without a screen, programs on it, and a person's hands in front of it: pointer, keys,
//! files that are dropped, a clipboard, and eyes that see pictures.
//!
//! There is no window manager: the driver itself gives windows the keyboard.

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

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

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

/// How long a program may take for a frame on a busy machine that draws without a GPU.
const FRAME_PATIENCE: Duration = Duration::from_secs(60);
/// Steps of a pointer that is dragged.
const DRAG_STEPS: u16 = 6;

/// A button of the pointer, as X11 numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Button {
    /// The main one.
    Left = 1,
    /// The wheel, pressed.
    Middle = 2,
    /// The other one.
    Right = 3,
}

/// X11 turns a notch of the wheel into a click of one of these.
const WHEEL_UP: u8 = 4;
/// See [`WHEEL_UP`].
const WHEEL_DOWN: u8 = 5;

/// A desktop of its own. Dropping it ends the server; programs end with their [`Program`].
pub(crate) struct Desktop {
    // Fields are dropped in this order: the connection closes before the server ends.
    connection: RustConnection,
    root: u32,
    keyboard: Keyboard,
    server: Server,
}

impl Desktop {
    /// A desktop of this size, pixels.
    ///
    /// # Errors
    /// [`DesktopError::NoXvfb`] where Xvfb is not installed; others when it does not start.
    pub(crate) fn start(width: u16, height: u16) -> Result<Self> {
        let server = Server::start(width, height)?;
        let (connection, screen) = x11rb::connect(Some(server.display()))?;
        let root = connection.setup().roots[screen].root;
        // Answers to pings are sent there.
        let listen = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        connection.change_window_attributes(root, &listen)?.check()?;
        let keyboard = Keyboard::read(&connection)?;
        Ok(Self { connection, root, keyboard, server })
    }

    /// As [`Desktop::start`]; `None`, with a line that says why, where Xvfb is not installed.
    ///
    /// # Errors
    /// When Xvfb is there and does not start.
    pub(crate) fn start_or_skip(width: u16, height: u16) -> Result<Option<Self>> {
        match Self::start(width, height) {
            Ok(desktop) => Ok(Some(desktop)),
            Err(error @ DesktopError::NoXvfb) => {
                eprintln!("skipped: {error}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A command whose windows open on this desktop and are drawn in software, so that every machine shows the same.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env("DISPLAY", self.server.display()).env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
        if let Some(driver) = software_vulkan() {
            // The loader's name for it since 1.3.207, and the one before.
            command.env("VK_DRIVER_FILES", &driver).env("VK_ICD_FILENAMES", &driver);
        }
        command
    }

    /// Waits for the program's window and gives it the keyboard.
    ///
    /// # Errors
    /// [`DesktopError::Ended`] when the program ends instead, [`DesktopError::Timeout`].
    pub(crate) fn window(&self, program: &mut Program, patience: Duration) -> Result<Window> {
        let window = until("a window", patience, || {
            program.check()?;
            window::find(&self.connection, self.root, program.id())
        })?;
        self.focus(&window)?;
        Ok(window)
    }

    /// Gives a window the keyboard, as a window manager does.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn focus(&self, window: &Window) -> Result<()> {
        self.connection.set_input_focus(InputFocus::PARENT, window.id(), CURRENT_TIME)?.check()?;
        Ok(())
    }

    /// Waits until the program behind a window has handled what was sent to it, and has run for a whole frame since.
    ///
    /// # Errors
    /// [`DesktopError::Timeout`] when it does not answer.
    pub(crate) fn frame(&self, window: &Window) -> Result<()> {
        // The first answer comes when the events are read, the second after the frame that they are read for.
        for _ in 0..2 {
            window::ping(&self.connection, self.root, window, FRAME_PATIENCE)?;
        }
        Ok(())
    }

    /// Moves the pointer to a place in a window, pixels from its top left corner.
    ///
    /// # Errors
    /// When the program does not answer.
    pub(crate) fn move_to(&self, window: &Window, place: [f32; 2]) -> Result<()> {
        let [x, y] = window.on_screen(place);
        self.connection.xtest_fake_input(MOTION_NOTIFY_EVENT, 0, CURRENT_TIME, self.root, x, y, 0)?.check()?;
        self.frame(window)
    }

    /// Presses and releases a button at a place, at once: a press that lasts for a frame of a slow program is too long for
    /// a click.
    ///
    /// # Errors
    /// When the program does not answer.
    pub(crate) fn click(&self, window: &Window, place: [f32; 2], button: Button) -> Result<()> {
        self.move_to(window, place)?;
        self.fake(&[(BUTTON_PRESS_EVENT, button as u8), (BUTTON_RELEASE_EVENT, button as u8)])?;
        self.frame(window)
    }

    /// Clicks twice.
    ///
    /// # Errors
    /// When the program does not answer.
    pub(crate) fn double_click(&self, window: &Window, place: [f32; 2]) -> Result<()> {
        self.move_to(window, place)?;
        let (press, release) = ((BUTTON_PRESS_EVENT, Button::Left as u8), (BUTTON_RELEASE_EVENT, Button::Left as u8));
        self.fake(&[press, release, press, release])?;
        self.frame(window)
    }

    /// Drags from one place to another, a frame a step.
    ///
    /// # Errors
    /// When the program does not answer.
    pub(crate) fn drag(&self, window: &Window, from: [f32; 2], to: [f32; 2], button: Button) -> Result<()> {
        self.move_to(window, from)?;
        self.fake(&[(BUTTON_PRESS_EVENT, button as u8)])?;
        self.frame(window)?;
        for step in 1..=DRAG_STEPS {
            let part = f32::from(step) / f32::from(DRAG_STEPS);
            self.move_to(window, [0, 1].map(|axis| from[axis] + part * (to[axis] - from[axis])))?;
        }
        self.fake(&[(BUTTON_RELEASE_EVENT, button as u8)])?;
        self.frame(window)
    }

    /// Turns the wheel over a place, notches upward.
    ///
    /// # Errors
    /// When the program does not answer.
    pub(crate) fn scroll(&self, window: &Window, place: [f32; 2], notches: i32) -> Result<()> {
        self.move_to(window, place)?;
        let button = if notches > 0 { WHEEL_UP } else { WHEEL_DOWN };
        for _ in 0..notches.unsigned_abs() {
            self.fake(&[(BUTTON_PRESS_EVENT, button), (BUTTON_RELEASE_EVENT, button)])?;
        }
        self.frame(window)
    }

    /// Presses and releases a key while others are held.
    ///
    /// # Errors
    /// [`DesktopError::NoKey`] for a key that the keyboard lacks.
    pub(crate) fn press(&self, window: &Window, held: &[Key], key: Key) -> Result<()> {
        // Toolkits look at the held keys once a frame, when all of its events have come.
        let held = held.iter().map(|key| Ok(self.keyboard.find(*key)?.0)).collect::<Result<Vec<_>>>()?;
        for code in &held {
            self.fake(&[(KEY_PRESS_EVENT, *code)])?;
            self.frame(window)?;
        }
        self.stroke(key)?;
        self.frame(window)?;
        for code in held.iter().rev() {
            self.fake(&[(KEY_RELEASE_EVENT, *code)])?;
        }
        self.frame(window)
    }

    /// Types a text into the window that has the keyboard.
    ///
    /// # Errors
    /// [`DesktopError::NoKey`] for a character that the keyboard lacks.
    pub(crate) fn type_text(&self, window: &Window, text: &str) -> Result<()> {
        for character in text.chars() {
            self.stroke(Key::Char(character))?;
        }
        self.frame(window)
    }

    /// Drops files on a place of a window, as a file manager does.
    ///
    /// # Errors
    /// [`DesktopError::DropRefused`] when the window does not take files.
    pub(crate) fn drop_files(&self, window: &Window, place: [f32; 2], files: &[&Path]) -> Result<()> {
        self.move_to(window, place)?;
        drop_files::drop_files(self.server.display(), window, window.on_screen(place), files)?;
        self.frame(window)
    }

    /// Puts text on the clipboard, for as long as the answer lives.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn own_text(&self, text: &str) -> Result<OwnedClipboard> {
        OwnedClipboard::text(self.server.display(), text)
    }

    /// Puts a picture (the bytes of a PNG file) on the clipboard, for as long as the answer lives.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn own_png(&self, png: &[u8]) -> Result<OwnedClipboard> {
        OwnedClipboard::png(self.server.display(), png)
    }

    /// The text on the clipboard; `None` when there is none.
    ///
    /// # Errors
    /// [`DesktopError::Timeout`] when its owner does not answer.
    pub(crate) fn clipboard_text(&self) -> Result<Option<String>> {
        clipboard::read_text(self.server.display())
    }

    /// What is on the desktop.
    ///
    /// # Errors
    /// When the server's pixels are not of the kind that Xvfb has.
    pub(crate) fn picture(&self) -> Result<image::RgbImage> {
        sight::picture(&self.connection, self.root)
    }

    /// What is on the desktop once it stays the same.
    ///
    /// # Errors
    /// [`DesktopError::Timeout`] when it does not come to rest.
    pub(crate) fn steady_picture(&self, window: &Window, patience: Duration) -> Result<image::RgbImage> {
        let mut before = self.picture()?;
        until("a picture that stays the same", patience, || {
            std::thread::sleep(sight::REST);
            for _ in 0..sight::FRAMES {
                self.frame(window)?;
            }
            let now = self.picture()?;
            let is_steady = difference(&before, &now) <= sight::STEADY;
            before = now;
            Ok(is_steady.then(|| before.clone()))
        })
    }

    fn stroke(&self, key: Key) -> Result<()> {
        let (code, needs_shift) = self.keyboard.find(key)?;
        let mut codes = Vec::new();
        if needs_shift {
            codes.push(self.keyboard.find(Key::Shift)?.0);
        }
        codes.push(code);
        let presses = codes.iter().map(|code| (KEY_PRESS_EVENT, *code));
        let releases = codes.iter().rev().map(|code| (KEY_RELEASE_EVENT, *code));
        self.fake(&presses.chain(releases).collect::<Vec<_>>())
    }

    /// Presses and releases buttons and keys, all at once: kinds of events and numbers of buttons or codes of keys.
    fn fake(&self, inputs: &[(u8, u8)]) -> Result<()> {
        let sent = inputs
            .iter()
            .map(|&(kind, detail)| self.connection.xtest_fake_input(kind, detail, CURRENT_TIME, self.root, 0, 0, 0))
            .collect::<Result<Vec<_>, _>>()?;
        // Checked afterwards, as a check waits for the server.
        for request in sent {
            request.check()?;
        }
        Ok(())
    }
}

/// The description of Mesa's software Vulkan driver, where it is installed.
fn software_vulkan() -> Option<PathBuf> {
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"].into_iter();
    let mut files = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    files.find(|file| file.file_name().to_string_lossy().starts_with("lvp_icd")).map(|file| file.path())
}

/// Where cargo puts an example of this package: beside the folder of the test that runs.
///
/// # Errors
/// [`DesktopError::NotBuilt`] when it is not there.
pub(crate) fn example(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe().map_err(|source| DesktopError::Io { path: "the test".into(), source })?;
    let path = test.parent().and_then(Path::parent).map(|target| target.join("examples").join(name));
    path.filter(|path| path.is_file()).ok_or_else(|| DesktopError::NotBuilt { example: name.into() })
}
