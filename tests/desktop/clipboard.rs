//! The clipboard, as another program has and reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use x11rb::CURRENT_TIME;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};

use super::error::Result;
use super::selection::{HiddenWindow, Offer};
use super::wait::until;
use super::window::atom;

const NAME: &str = "CLIPBOARD";
/// Between two looks for somebody who asks.
const PERIOD: Duration = Duration::from_millis(5);
/// How long an owner may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest text that is read, units of four bytes.
const LONGEST: u32 = 1 << 20;

/// Something on the clipboard, for as long as this is kept.
pub(crate) struct OwnedClipboard {
    is_over: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl OwnedClipboard {
    /// Offers data in these forms.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn new(display: &str, forms: &[(&str, &[u8])]) -> Result<Self> {
        let offer = Offer::new(display, NAME, forms)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&is_over);
        let server = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                match offer.window.connection.poll_for_event() {
                    // Whoever asked may be gone: that is not the test's concern.
                    Ok(Some(Event::SelectionRequest(request))) => drop(offer.answer(&request)),
                    Ok(_) => std::thread::sleep(PERIOD),
                    Err(_) => return,
                }
            }
        });
        Ok(Self { is_over, server: Some(server) })
    }
}

impl Drop for OwnedClipboard {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(server) = self.server.take() {
            // Its panic has been printed.
            let _ = server.join();
        }
    }
}

/// The text on the clipboard; `None` when nobody offers any.
///
/// # Errors
/// [`DesktopError::Timeout`](super::DesktopError::Timeout) when its owner does not answer.
pub(crate) fn text(display: &str) -> Result<Option<String>> {
    let window = HiddenWindow::open(display)?;
    let connection = &window.connection;
    let (clipboard, utf8) = (atom(connection, NAME)?, atom(connection, "UTF8_STRING")?);
    let answer = atom(connection, "LIKENESS_ANSWER")?;
    connection.convert_selection(window.id, clipboard, utf8, answer, CURRENT_TIME)?.check()?;
    let property = until("the clipboard's owner", PATIENCE, || {
        while let Some(event) = connection.poll_for_event()? {
            if let Event::SelectionNotify(notice) = event {
                return Ok(Some(notice.property));
            }
        }
        Ok(None)
    })?;
    if property == x11rb::NONE {
        return Ok(None);
    }
    let reply = connection.get_property(true, window.id, property, AtomEnum::ANY, 0, LONGEST)?.reply()?;
    Ok(String::from_utf8(reply.value).ok())
}
