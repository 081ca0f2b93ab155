//! Choosing a file.

use bevy::prelude::*;
use bevy_egui::egui;
use egui_file_dialog::{DialogState, FileDialog};

use crate::studio::{Request, Studio};

/// What a chosen file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Photo,
    Face,
}

/// The file dialogs, of which one is open at a time.
#[derive(Resource)]
pub(crate) struct Dialogs {
    dialog: FileDialog,
    open: Option<Purpose>,
}

impl Default for Dialogs {
    fn default() -> Self {
        Self { dialog: FileDialog::new(), open: None }
    }
}

impl Dialogs {
    /// Whether one is open: the face is then out of reach.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Lets the player choose a photo.
    pub(crate) fn choose_photo(&mut self, studio: &Studio) {
        self.begin(
            Purpose::Photo,
            studio.texts.get("dialog-photo"),
            "JPEG, PNG, WebP",
            &["jpg", "jpeg", "png", "webp"],
        );
    }

    /// Lets the player choose a face file.
    pub(crate) fn choose_face(&mut self, studio: &Studio) {
        self.begin(Purpose::Face, studio.texts.get("dialog-face"), "*.face.json", &["json"]);
    }

    fn begin(&mut self, purpose: Purpose, title: String, kinds: &str, endings: &[&'static str]) {
        self.dialog = FileDialog::new()
            .title(&title)
            .anchor(egui::Align2::CENTER_CENTER, egui::Vec2::ZERO)
            .add_file_filter_extensions(kinds, endings.to_vec())
            .default_file_filter(kinds);
        self.dialog.pick_file();
        self.open = Some(purpose);
    }

    /// Shows the open one; what was chosen becomes a request.
    pub(crate) fn show(&mut self, context: &egui::Context, studio: &mut Studio) {
        let Some(purpose) = self.open else { return };
        self.dialog.update(context);
        if let Some(path) = self.dialog.take_picked() {
            self.open = None;
            studio.requests.push(match purpose {
                Purpose::Photo => Request::OpenPhoto(path),
                Purpose::Face => Request::Load(path),
            });
        } else if !matches!(self.dialog.state(), DialogState::Open) {
            self.open = None;
        }
    }
}
