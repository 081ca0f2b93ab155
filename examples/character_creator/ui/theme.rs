//! Colours, sizes and the few widgets of our own.

use egui::{Color32, Context, CornerRadius, FontId, Response, RichText, Stroke, TextStyle, Ui, Vec2, Visuals};

/// The panels.
pub(crate) const PANEL: Color32 = Color32::from_rgb(0x16, 0x18, 0x1d);
/// What lies in panels: fields, chips.
pub(crate) const FIELD: Color32 = Color32::from_rgb(0x22, 0x26, 0x2e);
/// The same under the pointer.
pub(crate) const HOVERED: Color32 = Color32::from_rgb(0x2f, 0x35, 0x40);
/// What is chosen.
pub(crate) const ACCENT: Color32 = Color32::from_rgb(0xe6, 0x8a, 0x56);
/// Text.
pub(crate) const TEXT: Color32 = Color32::from_rgb(0xe9, 0xe6, 0xe0);
/// Text of less weight; 5.5 to 1 against the panels.
pub(crate) const WEAK: Color32 = Color32::from_rgb(0x97, 0x9d, 0xa8);
/// What went wrong.
pub(crate) const ERROR: Color32 = Color32::from_rgb(0xff, 0x8f, 0x80);
/// What is fine.
pub(crate) const GOOD: Color32 = Color32::from_rgb(0x8f, 0xd1, 0x9e);

/// Gives a context the creator's looks.
pub(crate) fn apply(context: &Context) {
    let mut visuals = Visuals::dark();
    visuals.override_text_color = Some(TEXT);
    visuals.panel_fill = PANEL;
    visuals.window_fill = PANEL;
    visuals.window_stroke = Stroke::new(1.0, HOVERED);
    visuals.window_corner_radius = CornerRadius::same(12);
    visuals.extreme_bg_color = Color32::from_rgb(0x0f, 0x11, 0x15);
    visuals.selection.bg_fill = ACCENT.gamma_multiply(0.55);
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    visuals.slider_trailing_fill = true;
    for (widget, fill) in [
        (&mut visuals.widgets.inactive, FIELD),
        (&mut visuals.widgets.hovered, HOVERED),
        (&mut visuals.widgets.active, ACCENT),
        (&mut visuals.widgets.open, HOVERED),
    ] {
        widget.weak_bg_fill = fill;
        widget.bg_fill = fill;
        widget.bg_stroke = Stroke::NONE;
        widget.corner_radius = CornerRadius::same(7);
    }
    visuals.widgets.hovered.bg_stroke = Stroke::new(1.0, ACCENT.gamma_multiply(0.7));
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, FIELD);
    context.set_visuals(visuals);
    // However long a slow machine takes between press and release: still a click.
    context.options_mut(|options| options.input_options.max_click_duration = f64::INFINITY);
    context.all_styles_mut(|style| {
        style.text_styles = [
            (TextStyle::Small, FontId::proportional(11.0)),
            (TextStyle::Body, FontId::proportional(13.5)),
            (TextStyle::Button, FontId::proportional(13.5)),
            (TextStyle::Heading, FontId::proportional(18.0)),
            (TextStyle::Monospace, FontId::monospace(12.0)),
        ]
        .into();
        style.spacing.item_spacing = Vec2::new(8.0, 6.0);
        style.spacing.button_padding = Vec2::new(10.0, 5.0);
        style.spacing.interact_size.y = 26.0;
    });
}

/// A rounded button that stays pressed while it is chosen.
pub(crate) fn chip(ui: &mut Ui, label: &str, chosen: bool) -> Response {
    let (fill, color) = if chosen { (ACCENT, Color32::from_rgb(0x1a, 0x12, 0x0c)) } else { (FIELD, TEXT) };
    let text = RichText::new(label).color(color);
    let response = ui.add(egui::Button::new(text).fill(fill).corner_radius(CornerRadius::same(13)));
    response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::RadioButton, true, chosen, label));
    response
}
