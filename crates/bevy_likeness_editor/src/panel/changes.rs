//! How the file would change.

use egui::{RichText, ScrollArea, Ui};

use glam::Vec3;

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
        for (joint, by) in document.unsaved_rests().iter() {
            ui.label(RichText::new(rest_line(joint, by)).monospace().color(FINE));
        }
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

/// How a joint's rest place moves, in words.
fn rest_line(joint: &str, by: Vec3) -> String {
    let ways = [("left", "right"), ("up", "down"), ("forward", "back")];
    let moves = by.to_array().into_iter().zip(ways).filter(|(by, _)| *by != 0.0).map(|(by, (more, less))| {
        let way = if by > 0.0 { more } else { less };
        format!("{:.2} mm {way}", by.abs() * 1000.0)
    });
    format!("+ {joint} rests {}", moves.collect::<Vec<_>>().join(", "))
}
