//! The clipboard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};

use super::error::Result;
use super::selection::{HiddenWindow, Offer};
use super::wait::until;
use super::window::atom;

/// X11's name of the clipboard.
const CLIPBOARD: &str = "CLIPBOARD";
/// How often the owner looks whether somebody asks.
const PERIOD: Duration = Duration::from_millis(5);
/// How long an owner may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Data on the clipboard, until this is dropped or somebody else takes the clipboard over.
pub(crate) struct OwnedClipboard {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl OwnedClipboard {
    /// Puts text on it.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn text(display: &str, text: &str) -> Result<Self> {
        Self::own(display, &[("UTF8_STRING", text.as_bytes()), ("text/plain;charset=utf-8", text.as_bytes())])
    }

    /// Puts the bytes of a PNG file on it.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn png(display: &str, png: &[u8]) -> Result<Self> {
        Self::own(display, &[("image/png", png)])
    }

    fn own(display: &str, forms: &[(&str, &[u8])]) -> Result<Self> {
        let offer = Offer::new(display, CLIPBOARD, forms)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let is_over_here = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            while !is_over_here.load(Ordering::Relaxed) {
                match offer.window.connection.poll_for_event() {
                    // Who asked may be gone by now, which is no reason to stop.
                    Ok(Some(Event::SelectionRequest(request))) => drop(offer.answer(&request)),
                    Ok(Some(Event::SelectionClear(_))) | Err(_) => break,
                    Ok(Some(_)) => {}
                    Ok(None) => std::thread::sleep(PERIOD),
                }
            }
        });
        Ok(Self { is_over, thread: Some(thread) })
    }
}

impl Drop for OwnedClipboard {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It does not panic, and a test that unwinds must not do so twice.
            let _ = thread.join();
        }
    }
}

/// The text on the clipboard; `None` when there is none.
///
/// # Errors
/// [`DesktopError::Timeout`](super::DesktopError::Timeout) when its owner does not answer.
pub(crate) fn read_text(display: &str) -> Result<Option<String>> {
    let HiddenWindow { connection, id } = HiddenWindow::open(display)?;
    let (clipboard, form) = (atom(&connection, CLIPBOARD)?, atom(&connection, "UTF8_STRING")?);
    let property = atom(&connection, "LIKENESS_TEST_CLIPBOARD")?;
    connection.convert_selection(id, clipboard, form, property, x11rb::CURRENT_TIME)?.check()?;
    let notice = until("an answer of the clipboard's owner", PATIENCE, || {
        while let Some(event) = connection.poll_for_event()? {
            if let Event::SelectionNotify(notice) = event {
                return Ok(Some(notice));
            }
        }
        Ok(None)
    })?;
    if notice.property == x11rb::NONE {
        return Ok(None);
    }
    let data = connection.get_property(true, id, property, AtomEnum::ANY, 0, u32::MAX)?.reply()?;
    Ok((data.type_ == form).then(|| String::from_utf8_lossy(&data.value).into_owned()))
}
