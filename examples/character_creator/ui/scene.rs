//! Light, background, text size and language.

use egui::{RichText, Slider, Ui, vec2};

use super::{heading, theme};
use crate::studio::Studio;
use crate::texts::Texts;

/// Light set-ups, in the order of the stage.
pub(crate) const LIGHTS: [&str; 3] = ["studio", "window", "evening"];
/// Backgrounds, in the order of the stage.
pub(crate) const BACKGROUNDS: [&str; 4] = ["slate", "sand", "dusk", "forest"];

pub(crate) fn show(ui: &mut Ui, studio: &mut Studio) {
    heading(ui, &studio.texts.get("scene-light"));
    let mut lights = studio.view.lights;
    chips(ui, studio, "light", &LIGHTS, &mut lights);
    heading(ui, &studio.texts.get("scene-background"));
    let mut background = studio.view.background;
    chips(ui, studio, "background", &BACKGROUNDS, &mut background);
    (studio.view.lights, studio.view.background) = (lights, background);
    heading(ui, &studio.texts.get("scene-text"));
    let size = ui.add(Slider::new(&mut studio.view.text_scale, 0.75..=2.0).step_by(0.05));
    studio.layout.note("scene.text_scale", size);
    heading(ui, &studio.texts.get("scene-language"));
    let spoken = studio.texts.language();
    for (language, name) in studio.texts.languages() {
        let shown =
            if Texts::needs_wide_font(&language) && !studio.view.has_wide_font { language.tag() } else { &name };
        let chip = theme::chip(ui, shown, language == spoken);
        if studio.layout.note(format!("language.{}", language.tag()), chip).clicked() {
            if Texts::needs_wide_font(&language) && !studio.view.has_wide_font {
                studio.tell("scene-no-font");
            } else {
                studio.set_language(language);
            }
        }
    }
    ui.add_space(10.0);
    ui.label(RichText::new(studio.texts.get("scene-controls")).color(theme::WEAK));
}

fn chips(ui: &mut Ui, studio: &mut Studio, kind: &str, names: &[&str], chosen: &mut usize) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(5.0, 5.0);
        for (index, name) in names.iter().enumerate() {
            let label = studio.texts.get(&format!("{kind}-{name}"));
            let chip = theme::chip(ui, &label, *chosen == index);
            if studio.layout.note(format!("{kind}.{name}"), chip).clicked() {
                *chosen = index;
            }
        }
    });
}
