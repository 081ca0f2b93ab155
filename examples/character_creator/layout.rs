//! Where the widgets are, by name: what `--layout-log` writes, so that a test finds what to click.

use std::collections::BTreeMap;

use egui::{Pos2, Rect, Response};

/// Rectangles and points of one frame, in logical pixels from the window's top left corner.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layout {
    rects: BTreeMap<String, Rect>,
}

impl Layout {
    /// Forgets the frame before.
    pub(crate) fn clear(&mut self) {
        self.rects.clear();
    }

    /// Notes where a widget is and hands it on.
    pub(crate) fn note(&mut self, name: impl Into<String>, response: Response) -> Response {
        // What is scrolled out of sight cannot be clicked.
        let visible = response.interact_rect;
        if visible.is_positive() {
            self.rects.insert(name.into(), visible);
        }
        response
    }

    /// Notes a point.
    pub(crate) fn note_point(&mut self, name: impl Into<String>, point: Pos2) {
        self.rects.insert(name.into(), Rect::from_min_max(point, point));
    }

    /// `{name: [x, y, width, height]}` in window pixels.
    pub(crate) fn to_json(&self, pixels_per_point: f32) -> String {
        let scaled: BTreeMap<&str, [f32; 4]> = self
            .rects
            .iter()
            .map(|(name, rect)| {
                let values = [rect.min.x, rect.min.y, rect.width(), rect.height()];
                (name.as_str(), values.map(|value| (value * pixels_per_point).round()))
            })
            .collect();
        serde_json::to_string(&scaled).unwrap_or_default()
    }
}
