//! The keyboard.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use super::error::{DesktopError, Result};

/// A key, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// What types this character.
    Char(char),
    /// Ends a line.
    Return,
    /// Goes to the next field.
    Tab,
    /// Leaves.
    Escape,
    /// Deletes to the left.
    Backspace,
    /// The left shift key.
    Shift,
    /// The left control key.
    Control,
    /// F1 to F12.
    Function(u8),
    /// The arrow to the left.
    Left,
    /// The arrow to the right.
    Right,
    /// The arrow down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
}

impl Key {
    /// X11's number for the meaning (`keysymdef.h`).
    fn keysym(self) -> u32 {
        match self {
            // Latin-1 is numbered as in Unicode, the rest is moved.
            Self::Char(character) if u32::from(character) < 0x100 => u32::from(character),
            Self::Char(character) => 0x0100_0000 + u32::from(character),
            Self::Backspace => 0xff08,
            Self::Tab => 0xff09,
            Self::Return => 0xff0d,
            Self::Escape => 0xff1b,
            Self::Left => 0xff51,
            Self::Right => 0xff53,
            Self::Down => 0xff54,
            Self::PageUp => 0xff55,
            Self::PageDown => 0xff56,
            Self::Function(number) => 0xffbd + u32::from(number),
            Self::Shift => 0xffe1,
            Self::Control => 0xffe3,
        }
    }
}

/// Which key of the server's keyboard means what.
pub(crate) struct Keyboard {
    /// The code of the first key.
    first: u8,
    /// Meanings of one key.
    columns: usize,
    meanings: Vec<u32>,
}

impl Keyboard {
    /// The server's keyboard.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) fn read(connection: &RustConnection) -> Result<Self> {
        let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
        let mapping = connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        Ok(Self { first, columns: usize::from(mapping.keysyms_per_keycode).max(1), meanings: mapping.keysyms })
    }

    /// The code of a key, and whether shift must be held.
    ///
    /// # Errors
    /// [`DesktopError::NoKey`] for a key that the keyboard lacks.
    pub(crate) fn find(&self, key: Key) -> Result<(u8, bool)> {
        let wanted = key.keysym();
        // The first column is a key alone, the second with shift.
        let found = [0, 1].into_iter().find_map(|column| {
            let row = self.meanings.chunks(self.columns).position(|row| row.get(column) == Some(&wanted))?;
            Some((self.first.checked_add(u8::try_from(row).ok()?)?, column == 1))
        });
        found.ok_or_else(|| DesktopError::NoKey(format!("{key:?}")))
    }
}
