//! Expressions to try on; they are not part of the face.

use egui::{CollapsingHeader, Ui, vec2};
use likeness_rig::ARKIT_NAMES;

use super::{heading, theme, unit_slider};
use crate::studio::Studio;

/// Expressions with a button, by ARKit coefficients.
const EXPRESSIONS: [(&str, &[(&str, f32)]); 10] = [
    ("relaxed", &[]),
    (
        "smile",
        &[
            ("mouthSmileLeft", 0.75),
            ("mouthSmileRight", 0.75),
            ("cheekSquintLeft", 0.4),
            ("cheekSquintRight", 0.4),
            ("eyeSquintLeft", 0.25),
            ("eyeSquintRight", 0.25),
        ],
    ),
    (
        "laugh",
        &[
            ("mouthSmileLeft", 0.95),
            ("mouthSmileRight", 0.95),
            ("jawOpen", 0.4),
            ("cheekSquintLeft", 0.7),
            ("cheekSquintRight", 0.7),
            ("eyeSquintLeft", 0.6),
            ("eyeSquintRight", 0.6),
        ],
    ),
    (
        "surprise",
        &[
            ("browInnerUp", 0.9),
            ("browOuterUpLeft", 0.8),
            ("browOuterUpRight", 0.8),
            ("eyeWideLeft", 0.8),
            ("eyeWideRight", 0.8),
            ("jawOpen", 0.45),
        ],
    ),
    (
        "anger",
        &[
            ("browDownLeft", 0.9),
            ("browDownRight", 0.9),
            ("noseSneerLeft", 0.4),
            ("noseSneerRight", 0.4),
            ("mouthPressLeft", 0.6),
            ("mouthPressRight", 0.6),
            ("eyeSquintLeft", 0.4),
            ("eyeSquintRight", 0.4),
        ],
    ),
    ("sadness", &[("browInnerUp", 0.8), ("mouthFrownLeft", 0.7), ("mouthFrownRight", 0.7), ("mouthShrugLower", 0.4)]),
    (
        "disgust",
        &[
            ("noseSneerLeft", 0.9),
            ("noseSneerRight", 0.9),
            ("mouthUpperUpLeft", 0.5),
            ("mouthUpperUpRight", 0.5),
            ("browDownLeft", 0.4),
            ("browDownRight", 0.4),
        ],
    ),
    (
        "fear",
        &[
            ("browInnerUp", 0.9),
            ("eyeWideLeft", 0.9),
            ("eyeWideRight", 0.9),
            ("mouthStretchLeft", 0.6),
            ("mouthStretchRight", 0.6),
            ("jawOpen", 0.15),
        ],
    ),
    ("wink", &[("eyeBlinkLeft", 1.0), ("mouthSmileLeft", 0.5), ("cheekSquintLeft", 0.6), ("mouthSmileRight", 0.25)]),
    ("kiss", &[("mouthPucker", 0.9), ("mouthFunnel", 0.2)]),
];

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio) {
    heading(ui, &studio.texts.get("tab-expression"));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(5.0, 5.0);
        for (name, coefficients) in EXPRESSIONS {
            let label = studio.texts.get(&format!("expression-{name}"));
            let chip = theme::chip(ui, &label, false);
            if studio.layout.note(format!("expression.{name}"), chip).clicked() {
                studio.set_expression(coefficients);
            }
        }
    });
    ui.add_space(8.0);
    CollapsingHeader::new(studio.texts.get("expression-all")).show(ui, |ui| {
        for (index, name) in ARKIT_NAMES.iter().enumerate() {
            let mut value = studio.document.expression[index];
            if unit_slider(ui, studio, format!("arkit.{name}"), name, &mut value, 0.0) {
                studio.document.expression[index] = value;
                studio.at_once = true;
            }
        }
    });
}
