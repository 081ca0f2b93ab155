//! Windows on the desktop.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, MapState};
use x11rb::rust_connection::RustConnection;

use super::error::Result;
use super::wait::until;

/// Smaller windows are helpers of toolkits, pixels.
const SMALLEST: u16 = 64;

/// A window that can be seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    id: u32,
    origin: [i16; 2],
    size: [u16; 2],
}

impl Window {
    /// Its identifier.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Width and height, pixels.
    pub(crate) fn size(&self) -> [u16; 2] {
        self.size
    }

    /// Its middle, pixels from its top left corner.
    pub(crate) fn middle(&self) -> [f32; 2] {
        self.size.map(|side| f32::from(side) / 2.0)
    }

    /// A place in the window, as pixels of the desktop.
    pub(crate) fn on_screen(&self, place: [f32; 2]) -> [i16; 2] {
        // The cast saturates.
        [0, 1].map(|axis| (f32::from(self.origin[axis]) + place[axis]).round() as i16)
    }
}

/// The window of a process, once it is shown.
///
/// # Errors
/// When the connection breaks.
pub(crate) fn find(connection: &RustConnection, root: u32, process: u32) -> Result<Option<Window>> {
    let pid = atom(connection, "_NET_WM_PID")?;
    for id in connection.query_tree(root)?.reply()?.children {
        // A window may go while it is looked at.
        let Ok(attributes) = connection.get_window_attributes(id)?.reply() else { continue };
        let Ok(geometry) = connection.get_geometry(id)?.reply() else { continue };
        let owner = connection.get_property(false, id, pid, AtomEnum::CARDINAL, 0, 1)?.reply().ok();
        let owner = owner.and_then(|property| property.value32()?.next());
        let size = [geometry.width, geometry.height];
        let is_shown = attributes.map_state == MapState::VIEWABLE && size.iter().all(|side| *side >= SMALLEST);
        if is_shown && owner == Some(process) {
            let place = connection.translate_coordinates(id, root, 0, 0)?.reply()?;
            return Ok(Some(Window { id, origin: [place.dst_x, place.dst_y], size }));
        }
    }
    Ok(None)
}

/// Asks the program behind a window whether it still reads its events (`_NET_WM_PING`), and waits for the answer. From a
/// window that is closed there is none to wait for.
///
/// # Errors
/// [`DesktopError::Timeout`](super::DesktopError::Timeout) when there is none.
pub(crate) fn ping(connection: &RustConnection, root: u32, window: &Window, patience: Duration) -> Result<()> {
    static SERIAL: AtomicU32 = AtomicU32::new(1);
    let (protocols, ping) = (atom(connection, "WM_PROTOCOLS")?, atom(connection, "_NET_WM_PING")?);
    let question = [ping, SERIAL.fetch_add(1, Ordering::Relaxed), window.id, 0, 0];
    let message = ClientMessageEvent::new(32, window.id, protocols, question);
    // Not checked, as the window may be closed: that is seen below.
    connection.send_event(false, window.id, EventMask::NO_EVENT, message)?.ignore_error();
    until("an answer of the window", patience, || {
        while let Some(event) = connection.poll_for_event()? {
            if let Event::ClientMessage(answer) = event
                && answer.window == root
                && answer.type_ == protocols
                && answer.data.as_data32() == question
            {
                return Ok(Some(()));
            }
        }
        let is_open = connection.get_window_attributes(window.id)?.reply().is_ok();
        Ok((!is_open).then_some(()))
    })
}

/// The number of an X11 name.
///
/// # Errors
/// When the connection breaks.
pub(crate) fn atom(connection: &RustConnection, name: &str) -> Result<u32> {
    Ok(connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
}
