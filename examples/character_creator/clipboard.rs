//! The system's clipboard: share codes, photos, paths.

use std::path::Path;

use bevy::prelude::*;
use image::RgbaImage;
use likeness_rig::share_code;

use crate::start::Ready;
use crate::{files, photo};

/// Adds the clipboard.
pub(crate) struct ClipboardPlugin;

impl Plugin for ClipboardPlugin {
    fn build(&self, app: &mut App) {
        // It belongs to the thread of the window on some systems.
        app.insert_non_send(Clipboard::default());
    }
}

/// The clipboard, opened when it is first needed.
#[derive(Default)]
pub(crate) struct Clipboard(Option<arboard::Clipboard>);

impl Clipboard {
    fn get(&mut self) -> Result<&mut arboard::Clipboard, String> {
        if self.0.is_none() {
            self.0 = Some(arboard::Clipboard::new().map_err(|error| error.to_string())?);
        }
        self.0.as_mut().ok_or_else(String::new)
    }

    /// Puts text on it.
    ///
    /// # Errors
    /// The system's message.
    pub(crate) fn set_text(&mut self, text: String) -> Result<(), String> {
        self.get()?.set_text(text).map_err(|error| error.to_string())
    }
}

/// Takes what is on the clipboard: a share code, the path of a photo or of a face file, or a picture.
pub(crate) fn paste(ready: &mut Ready, clipboard: &mut Clipboard, commands: &mut Commands) {
    let clipboard = match clipboard.get() {
        Ok(clipboard) => clipboard,
        Err(problem) => return ready.studio.fail(problem),
    };
    if let Ok(text) = clipboard.get_text() {
        let text = text.trim();
        let path = text.strip_prefix("file://").unwrap_or(text);
        if share_code::looks_like(text) {
            return ready.studio.paste_code(text);
        }
        if text.lines().count() == 1 && Path::new(path).is_file() {
            return files::open(ready, Path::new(path), commands);
        }
    }
    if let Ok(picture) = clipboard.get_image()
        && let Some(png) = encode(picture)
    {
        return photo::open_bytes(ready, png, commands);
    }
    ready.studio.tell("notice-nothing-to-paste");
}

/// A picture as the bytes of a PNG file, which stays in memory.
fn encode(picture: arboard::ImageData<'_>) -> Option<Vec<u8>> {
    let (width, height) = (u32::try_from(picture.width).ok()?, u32::try_from(picture.height).ok()?);
    let picture = RgbaImage::from_raw(width, height, picture.bytes.into_owned())?;
    files::png(&picture.into()).ok()
}
