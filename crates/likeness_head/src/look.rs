//! The colours and details of the look that the textures and materials of the head are made for.

use std::path::Path;

use likeness_rig::{ColorSlot, Detail, Rig, write_atomic};

use crate::error::Result;

/// The colour slots: name, caption, linear RGB of a neutral face, and whether it is put on.
const COLORS: [(&str, &str, [f32; 3], bool); 6] = [
    ("skin", "Skin", [0.53, 0.31, 0.22], false),
    ("iris", "Iris", [0.12, 0.06, 0.03], false),
    ("hair", "Hair", [0.045, 0.028, 0.018], false),
    ("lips", "Lips", [0.42, 0.16, 0.14], false),
    ("lipstick", "Lipstick", [0.36, 0.018, 0.035], true),
    ("eyeshadow", "Eye shadow", [0.11, 0.045, 0.055], true),
];

/// The details: group, name, caption and the value of a neutral face.
const DETAILS: [(&str, &str, &str, f32); 12] = [
    ("skin", "skin.redness", "Redness: how much blood shows in the cheeks, the nose and the ears", 0.5),
    ("skin", "skin.freckles", "Freckles", 0.0),
    ("skin", "skin.age", "Age: wrinkles, folds and spots", 0.0),
    ("skin", "skin.pores", "Pores: how rough the relief is", 0.5),
    ("skin", "skin.shine", "Shine: from powdered to oily", 0.5),
    ("skin", "skin.layer", "Scar or tattoo: how much of the head's extra layer shows", 1.0),
    ("make_up", "blush", "Blush on the cheeks", 0.0),
    ("make_up", "eyeshadow", "Eye shadow", 0.0),
    ("make_up", "eyeliner", "Eyeliner", 0.0),
    ("make_up", "lipstick", "Lipstick", 0.0),
    ("eyes", "iris.size", "Size of the iris", 0.5),
    ("eyes", "sclera.tone", "White of the eyes: from clear to yellowed and veined", 0.3),
];

/// The colour slots of the rig.
pub fn colors() -> Vec<ColorSlot> {
    COLORS
        .map(|(name, caption, default, cosmetic)| ColorSlot {
            name: name.to_owned(),
            caption: caption.to_owned(),
            default,
            cosmetic,
        })
        .into()
}

/// The details of the rig.
pub fn details() -> Vec<Detail> {
    DETAILS
        .map(|(group, name, caption, default)| Detail {
            name: name.to_owned(),
            caption: caption.to_owned(),
            group: group.to_owned(),
            default,
        })
        .into()
}

/// Enters them in the rig of the head in `folder`.
///
/// # Errors
/// If the rig is missing or damaged, or cannot be written.
pub fn enter(folder: &Path) -> Result<()> {
    let path = folder.join("head.rig.ron");
    let mut rig = Rig::load(&path)?;
    rig.colors = colors();
    rig.details = details();
    rig.validate(&path.display().to_string())?;
    Ok(write_atomic(&path, rig.to_ron()?.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_rig_has_them() -> Result<()> {
        let rig = Rig::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head/head.rig.ron"))?;
        assert_eq!((rig.colors, rig.details), (colors(), details()));
        Ok(())
    }
}
