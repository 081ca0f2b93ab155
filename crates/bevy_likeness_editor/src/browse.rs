//! Choosing the head to import.

use std::path::{Path, PathBuf};

use bevy::prelude::*;
use bevy::window::FileDragAndDrop;
use bevy_egui::egui;
use egui_file_dialog::{DialogState, FileDialog};

use crate::panel::Page;
use crate::session::LikenessEditor;

/// What heads are called.
const KIND: &str = "glTF head (*.glb)";

/// The file dialog, while it is open.
#[derive(Resource, Default)]
pub(crate) struct HeadDialog(Option<FileDialog>);

impl HeadDialog {
    /// Lets the designer choose a head.
    pub(crate) fn open(&mut self) {
        let mut dialog = FileDialog::new()
            .title("Choose a head")
            .anchor(egui::Align2::CENTER_CENTER, egui::Vec2::ZERO)
            .add_file_filter_extensions(KIND, vec!["glb"])
            .default_file_filter(KIND);
        dialog.pick_file();
        self.0 = Some(dialog);
    }

    /// Shows it; gives the file that was chosen.
    pub(crate) fn show(&mut self, context: &egui::Context) -> Option<PathBuf> {
        let dialog = self.0.as_mut()?;
        dialog.update(context);
        let picked = dialog.take_picked();
        if picked.is_some() || !matches!(dialog.state(), DialogState::Open) {
            self.0 = None;
        }
        picked
    }
}

/// A head that is dropped on the game's window is one to import.
pub(crate) fn take_dropped(mut drops: MessageReader<FileDragAndDrop>, mut editor: ResMut<LikenessEditor>) {
    for drop in drops.read() {
        if let FileDragAndDrop::DroppedFile { path_buf, .. } = drop
            && path_buf.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("glb"))
        {
            let editor = editor.bypass_change_detection();
            editor.panel.page = Page::Import;
            choose(path_buf, editor);
        }
    }
}

/// Fills the fields of the page Import for a head.
pub(crate) fn choose(head: &Path, editor: &mut LikenessEditor) {
    if editor.panel.import.rig.is_empty() {
        editor.panel.import.rig = rig_for(head, &editor.folder).display().to_string();
    }
    editor.panel.import.head = head.display().to_string();
}

/// Where the rig of a head goes unless the designer says something else: into a folder of its own among the game's assets.
fn rig_for(head: &Path, assets: &Path) -> PathBuf {
    let stem = head.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    assets.join(&stem).join(format!("{stem}.rig.ron"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rig_goes_among_the_assets() {
        let rig = rig_for(Path::new("/models/hero.glb"), Path::new("/game/assets"));
        assert_eq!(rig, Path::new("/game/assets/hero/hero.rig.ron"));
    }
}
