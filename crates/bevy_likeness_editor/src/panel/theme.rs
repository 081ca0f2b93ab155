//! How the window looks.

use egui::{Color32, CornerRadius, Frame, Margin, Stroke, Ui};

/// What is chosen.
pub const ACCENT: Color32 = Color32::from_rgb(255, 176, 92);
/// What is wrong.
pub const FAULT: Color32 = Color32::from_rgb(255, 122, 104);
/// What is right.
pub const FINE: Color32 = Color32::from_rgb(128, 205, 150);

const GROUND: Color32 = Color32::from_rgb(24, 26, 31);
const RAISED: Color32 = Color32::from_rgb(43, 46, 54);
const LIT: Color32 = Color32::from_rgb(60, 64, 75);
const TEXT: Color32 = Color32::from_rgb(226, 228, 233);

/// The window's frame.
pub fn frame() -> Frame {
    Frame::new()
        .fill(GROUND.gamma_multiply(0.96))
        .stroke(Stroke::new(1.0, LIT))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::same(12))
}

/// Colours and spacing of this window alone: the game's own windows keep theirs.
pub(super) fn apply(ui: &mut Ui) {
    let style = ui.style_mut();
    style.spacing.item_spacing = egui::vec2(6.0, 5.0);
    style.spacing.button_padding = egui::vec2(8.0, 3.0);
    style.spacing.slider_width = 120.0;
    let visuals = &mut style.visuals;
    visuals.override_text_color = None;
    visuals.selection.bg_fill = ACCENT.gamma_multiply(0.32);
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    visuals.extreme_bg_color = Color32::from_rgb(16, 17, 21);
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.fg_stroke.color = TEXT;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, RAISED);
    for (widget, fill) in [(&mut widgets.inactive, RAISED), (&mut widgets.hovered, LIT), (&mut widgets.active, LIT)] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.fg_stroke.color = TEXT;
        widget.corner_radius = CornerRadius::same(4);
    }
}
