//! Files dragged from a file manager: the source's side of the XDND protocol, version 5.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask};

use super::error::{DesktopError, Result};
use super::selection::Offer;
use super::wait::until;
use super::window::{Window, atom};

/// The version of the protocol.
const VERSION: u32 = 5;
/// How long a window may take for each step.
const PATIENCE: Duration = Duration::from_secs(60);
/// The form in which files are handed over.
const FORM: &str = "text/uri-list";

/// Drags files to a place, pixels of the desktop, and lets them go.
///
/// # Errors
/// [`DesktopError::DropRefused`] when the window does not take files, [`DesktopError::Timeout`] when it does not answer.
pub(crate) fn drop_files(display: &str, window: &Window, place: [i16; 2], files: &[&Path]) -> Result<()> {
    let offer = Offer::new(display, "XdndSelection", &[(FORM, uri_list(files).as_bytes())])?;
    let source = Source { offer, window: window.id() };
    let connection = &source.offer.window.connection;
    let aware = atom(connection, "XdndAware")?;
    let version = connection.get_property(false, window.id(), aware, AtomEnum::ANY, 0, 1)?.reply()?;
    if version.value32().and_then(|mut values| values.next()).is_none_or(|version| version < VERSION) {
        return Err(DesktopError::DropRefused("it is not a drop target"));
    }
    source.send("XdndEnter", [VERSION << 24, atom(connection, FORM)?, 0, 0])?;
    let [x, y] = place.map(|coordinate| u32::from(coordinate.max(0).unsigned_abs()));
    let action = atom(connection, "XdndActionCopy")?;
    source.send("XdndPosition", [0, x << 16 | y, x11rb::CURRENT_TIME, action])?;
    let status = source.answer("XdndStatus", true)?;
    if status[1] & 1 == 0 {
        return Err(DesktopError::DropRefused("it does not want these"));
    }
    source.send("XdndDrop", [0, x11rb::CURRENT_TIME, 0, 0])?;
    let finished = source.answer("XdndFinished", false)?;
    if finished[1] & 1 == 0 {
        return Err(DesktopError::DropRefused("it did not keep them"));
    }
    Ok(())
}

struct Source {
    offer: Offer,
    /// The window above which the files are.
    window: u32,
}

impl Source {
    fn send(&self, kind: &str, [b, c, d, e]: [u32; 4]) -> Result<()> {
        let connection = &self.offer.window.connection;
        let message =
            ClientMessageEvent::new(32, self.window, atom(connection, kind)?, [self.offer.window.id, b, c, d, e]);
        connection.send_event(false, self.window, EventMask::NO_EVENT, message)?.check()?;
        Ok(())
    }

    /// Waits for an answer, and where `with_data` until the files' names have been fetched too.
    fn answer(&self, kind: &str, with_data: bool) -> Result<[u32; 5]> {
        let connection = &self.offer.window.connection;
        let wanted = atom(connection, kind)?;
        let (mut answer, mut is_fetched) = (None, !with_data);
        until(&format!("{kind} from the window"), PATIENCE, || {
            while let Some(event) = connection.poll_for_event()? {
                match event {
                    Event::ClientMessage(message) if message.type_ == wanted => answer = Some(message.data.as_data32()),
                    Event::SelectionRequest(request) => is_fetched |= self.offer.answer(&request)?,
                    _ => {}
                }
            }
            // A window that refuses fetches nothing.
            Ok(answer.filter(|answer| is_fetched || answer[1] & 1 == 0))
        })
    }
}

/// Paths as a list of `file:` addresses (RFC 2483).
fn uri_list(files: &[&Path]) -> String {
    files.iter().map(|file| format!("file://{}\r\n", percent_encoded(file))).collect()
}

fn percent_encoded(path: &Path) -> String {
    let encode = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    path.as_os_str().as_bytes().iter().map(encode).collect()
}
