//! The curve of the chosen slider, with a picture of what it makes of the drives.

use egui::{Button, DragValue, Sense, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};
use likeness_rig::{Curve, Parameter};

use crate::document::{Edit, RigDocument};
use crate::panel::{ACCENT, PanelState};

/// The size of the picture, points.
const SIZE: egui::Vec2 = vec2(132.0, 64.0);
/// How many pieces a line has.
const PIECES: u8 = 48;

pub(super) fn show(ui: &mut Ui, state: &mut PanelState, document: &mut RigDocument, parameter: usize, value: f32) {
    let described = document.rig().parameters[parameter].clone();
    ui.horizontal(|ui| {
        let name = ui.label("Curve");
        let mut exponent = described.curve.0;
        let field = DragValue::new(&mut exponent).range(Curve::MIN..=Curve::MAX).speed(0.01).max_decimals(2);
        let hint = "1 is straight; above 1 the slider is finer around neutral, below 1 at its ends";
        if ui.add(field).labelled_by(name.id).on_hover_text(hint).changed() {
            let edit = Edit::Curve { parameter, curve: Curve(exponent) };
            state.edit(document, &edit, Some(&format!("curve {parameter}")));
        }
        if ui.add_enabled(!described.curve.is_straight(), Button::new("straight")).clicked() {
            state.edit(document, &Edit::Curve { parameter, curve: Curve::STRAIGHT }, None);
        }
        plot(ui, &described, value);
    });
}

/// The offsets of all drives over the range, each as a share of its own greatest, with a dot at the value.
fn plot(ui: &mut Ui, parameter: &Parameter, value: f32) {
    let (frame, response) = ui.allocate_exact_size(SIZE, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Image, true, "Offsets from 0 to 1"));
    response.on_hover_text("How far the drives go, from value 0 on the left to 1 on the right");
    let (painter, visuals) = (ui.painter(), ui.visuals());
    painter.rect_filled(frame, 4.0, visuals.extreme_bg_color);
    let area = frame.shrink(5.0);
    let axis = visuals.widgets.noninteractive.bg_stroke;
    painter.hline(area.x_range(), area.center().y, axis);
    painter.vline(area.center().x, area.y_range(), axis);
    for drive in &parameter.drives {
        let greatest = drive.amount.abs().max(drive.low_amount().abs());
        let share = |value: f32| {
            let offset = drive.offset(parameter.curve.strength(value));
            if greatest > 0.0 { offset / greatest } else { 0.0 }
        };
        let place = |value: f32| {
            let height = 0.5 * area.height() * share(value);
            pos2(area.left() + value * area.width(), area.center().y - height)
        };
        let points = (0..=PIECES).map(|piece| place(f32::from(piece) / f32::from(PIECES))).collect();
        painter.line(points, Stroke::new(1.5, ACCENT));
        painter.circle_filled(place(value.clamp(0.0, 1.0)), 3.0, ACCENT);
    }
}
