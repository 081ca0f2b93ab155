//! The pictures that panels show, and which they would like to have.

use std::collections::HashMap;

use egui::{Color32, Pos2, Rect, Response, Sense, Stroke, StrokeKind, TextureId, Ui, Vec2, pos2};

use super::theme;

/// What a small rendered picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// The face with one parameter at an end of its range.
    End {
        /// The parameter's place in the rig.
        parameter: usize,
        /// The upper end.
        high: bool,
    },
    /// The face with another choice of an option.
    Choice {
        /// The option's place in the rig.
        option: usize,
        /// The choice's place in the option.
        choice: usize,
    },
    /// A face that comes with the creator.
    Preset(usize),
    /// A face kept for blending.
    Slot(usize),
}

impl Subject {
    /// Whether it is the face itself with a change, and not somebody else's.
    pub(crate) fn is_of_the_face(self) -> bool {
        matches!(self, Self::End { .. } | Self::Choice { .. })
    }
}

/// A photo or a camera's frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelPicture {
    /// The picture, which may be smaller.
    pub texture: TextureId,
    /// Its size in pixels of the upright photo or of the frame.
    pub size: Vec2,
}

/// The photo that is worked with.
#[derive(Clone, Debug)]
pub(crate) struct PhotoPicture {
    /// The photo.
    pub picture: PanelPicture,
    /// 68 landmarks in its pixels; empty until they are found.
    pub landmarks: Vec<Pos2>,
}

/// Pictures by what they show.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    /// The photo.
    pub photo: Option<PhotoPicture>,
    /// What the camera sees, while it is on.
    pub preview: Option<PanelPicture>,
    /// The small ones that are ready.
    pub ready: HashMap<Subject, TextureId>,
    /// Those that the last frame showed or had wished to show, in order.
    pub wanted: Vec<Subject>,
}

impl Pictures {
    /// A small picture of a subject, or its empty frame until it is ready. `chosen` draws a border.
    pub(crate) fn show(&mut self, ui: &mut Ui, subject: Subject, size: Vec2, chosen: bool, label: &str) -> Response {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::RadioButton, true, chosen, label));
        if ui.is_rect_visible(rect) {
            self.wanted.push(subject);
            let painter = ui.painter();
            painter.rect_filled(rect, 7.0, theme::FIELD);
            if let Some(texture) = self.ready.get(&subject) {
                let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                egui::Image::new((*texture, size)).uv(whole).corner_radius(7).paint_at(ui, rect);
            }
            let stroke = if chosen {
                Stroke::new(2.0, theme::ACCENT)
            } else if response.hovered() || response.has_focus() {
                Stroke::new(1.5, theme::TEXT)
            } else {
                Stroke::new(1.0, Color32::from_black_alpha(90))
            };
            painter.rect_stroke(rect, 7.0, stroke, StrokeKind::Inside);
        }
        response
    }
}
