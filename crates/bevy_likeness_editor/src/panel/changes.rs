//! How the file would change.

use egui::{RichText, ScrollArea, Ui};

use super::{FAULT, FINE};
use crate::document::{DiffLine, RigDocument};

pub(super) fn show(ui: &mut Ui, document: &RigDocument) {
    if !document.is_changed() {
        ui.label(RichText::new("The rig is as the file has it.").weak());
        return;
    }
    let lines = match document.diff() {
        Ok(lines) => lines,
        Err(error) => {
            ui.label(RichText::new(error.to_string()).color(FAULT));
            return;
        }
    };
    ScrollArea::both().id_salt("changes").min_scrolled_height(360.0).auto_shrink([false, true]).show(ui, |ui| {
        for line in lines {
            let (text, color) = match line {
                DiffLine::Gap => ("…".to_owned(), None),
                DiffLine::Same(line) => (format!("  {line}"), None),
                DiffLine::Removed(line) => (format!("- {line}"), Some(FAULT)),
                DiffLine::Added(line) => (format!("+ {line}"), Some(FINE)),
            };
            let text = RichText::new(text).monospace();
            ui.label(match color {
                Some(color) => text.color(color),
                None => text.weak(),
            });
        }
    });
}
