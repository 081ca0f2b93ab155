//! The sliders of the source data and how far a natural adult face moves them.

/// One slider of two opposite targets.
#[derive(Clone, Copy, Debug)]
pub struct Slider {
    /// Path below the folder of targets without the suffix; `@` stands for the side (`l` or `r`).
    pub stem: &'static str,
    /// Suffixes of the targets for negative and positive values.
    pub ends: (&'static str, &'static str),
    /// Standard deviation as a share of the usual one.
    pub spread: f32,
    /// Largest value of the negative and of the positive target.
    pub limit: (f32, f32),
}

const AMOUNT: (&str, &str) = ("decr", "incr");
const RAISE: (&str, &str) = ("down", "up");
const DEPTH: (&str, &str) = ("backward", "forward");
const INOUT: (&str, &str) = ("in", "out");
const USUAL: (f32, f32) = (0.35, 0.35);
const SMALL: (f32, f32) = (0.15, 0.15);

const fn slider(stem: &'static str, ends: (&'static str, &'static str), spread: f32) -> Slider {
    Slider { stem, ends, spread, limit: USUAL }
}

const fn limited(stem: &'static str, ends: (&'static str, &'static str), spread: f32, limit: (f32, f32)) -> Slider {
    Slider { stem, ends, spread, limit }
}

/// All sliders that shape identity. Those that pose the head, change the stature or smile are left out, and those
/// that tear the mesh at full weight are held back.
pub const SLIDERS: &[Slider] = &[
    slider("head/head-back-scale-depth", AMOUNT, 0.6),
    slider("head/head-scale-depth", AMOUNT, 0.8),
    slider("head/head-scale-horiz", AMOUNT, 0.8),
    slider("head/head-scale-vert", AMOUNT, 0.8),
    limited("forehead/forehead-nubian", AMOUNT, 0.3, (0.06, 0.06)),
    limited("forehead/forehead-scale-vert", AMOUNT, 0.5, SMALL),
    slider("forehead/forehead-temple", AMOUNT, 1.0),
    slider("forehead/forehead-trans", DEPTH, 1.0),
    slider("eyebrows/eyebrows-angle", RAISE, 1.0),
    slider("eyebrows/eyebrows-trans", RAISE, 1.0),
    slider("eyebrows/eyebrows-trans", DEPTH, 1.0),
    slider("eyes/@-eye-bag", AMOUNT, 1.0),
    slider("eyes/@-eye-bag-height", AMOUNT, 1.0),
    slider("eyes/@-eye-bag", INOUT, 1.0),
    slider("eyes/@-eye-corner1", RAISE, 1.0),
    slider("eyes/@-eye-corner2", RAISE, 1.0),
    limited("eyes/@-eye-epicanthus", INOUT, 1.0, (0.35, 0.2)),
    slider("eyes/@-eye-eyefold-angle", RAISE, 1.0),
    limited("eyes/@-eye-eyefold", ("concave", "convex"), 0.7, (0.2, 0.3)),
    limited("eyes/@-eye-eyefold", RAISE, 0.8, (0.2, 0.3)),
    slider("eyes/@-eye-height1", AMOUNT, 1.0),
    slider("eyes/@-eye-height2", AMOUNT, 1.0),
    slider("eyes/@-eye-height3", AMOUNT, 1.0),
    slider("eyes/@-eye-push1", INOUT, 0.5),
    slider("eyes/@-eye-push2", INOUT, 0.5),
    slider("eyes/@-eye-scale", AMOUNT, 0.5),
    slider("eyes/@-eye-trans", RAISE, 1.0),
    slider("eyes/@-eye-trans", INOUT, 1.0),
    slider("nose/nose-base", RAISE, 1.0),
    slider("nose/nose-compression", ("compress", "uncompress"), 0.5),
    slider("nose/nose-curve", ("concave", "convex"), 1.0),
    slider("nose/nose-flaring", AMOUNT, 1.0),
    slider("nose/nose-greek", AMOUNT, 1.0),
    slider("nose/nose-hump", AMOUNT, 1.0),
    slider("nose/nose-nostrils-angle", RAISE, 1.0),
    slider("nose/nose-nostrils-width", AMOUNT, 1.0),
    slider("nose/nose-point", RAISE, 1.0),
    slider("nose/nose-point-width", AMOUNT, 1.0),
    slider("nose/nose-scale-depth", AMOUNT, 1.0),
    slider("nose/nose-scale-horiz", AMOUNT, 1.0),
    slider("nose/nose-scale-vert", AMOUNT, 1.0),
    slider("nose/nose-septumangle", AMOUNT, 0.5),
    slider("nose/nose-trans", DEPTH, 1.0),
    slider("nose/nose-trans", RAISE, 1.0),
    slider("nose/nose-trans", INOUT, 0.3),
    slider("nose/nose-volume", AMOUNT, 1.0),
    slider("nose/nose-width1", AMOUNT, 1.0),
    slider("nose/nose-width2", AMOUNT, 1.0),
    slider("nose/nose-width3", AMOUNT, 1.0),
    slider("mouth/mouth-cupidsbow", AMOUNT, 1.0),
    slider("mouth/mouth-cupidsbow-width", AMOUNT, 1.0),
    slider("mouth/mouth-dimples", INOUT, 1.0),
    slider("mouth/mouth-laugh-lines", INOUT, 1.0),
    slider("mouth/mouth-lowerlip-ext", RAISE, 1.0),
    slider("mouth/mouth-lowerlip-height", AMOUNT, 1.0),
    slider("mouth/mouth-lowerlip-middle", RAISE, 1.0),
    slider("mouth/mouth-lowerlip-volume", AMOUNT, 1.0),
    slider("mouth/mouth-lowerlip-width", AMOUNT, 1.0),
    slider("mouth/mouth-philtrum-volume", AMOUNT, 1.0),
    slider("mouth/mouth-scale-depth", AMOUNT, 1.0),
    slider("mouth/mouth-scale-horiz", AMOUNT, 1.0),
    slider("mouth/mouth-scale-vert", AMOUNT, 1.0),
    limited("mouth/mouth-trans", DEPTH, 0.8, (0.3, 0.25)),
    slider("mouth/mouth-trans", RAISE, 1.0),
    slider("mouth/mouth-trans", INOUT, 0.3),
    slider("mouth/mouth-upperlip-ext", RAISE, 1.0),
    slider("mouth/mouth-upperlip-height", AMOUNT, 1.0),
    slider("mouth/mouth-upperlip-middle", RAISE, 1.0),
    slider("mouth/mouth-upperlip-volume", AMOUNT, 1.0),
    slider("mouth/mouth-upperlip-width", AMOUNT, 1.0),
    slider("cheek/@-cheek-bones", AMOUNT, 1.0),
    slider("cheek/@-cheek-inner", AMOUNT, 1.0),
    slider("cheek/@-cheek-trans", RAISE, 1.0),
    slider("cheek/@-cheek-volume", AMOUNT, 1.0),
    slider("chin/chin-bones", AMOUNT, 1.0),
    slider("chin/chin-cleft", AMOUNT, 1.0),
    slider("chin/chin-height", AMOUNT, 1.0),
    slider("chin/chin-jaw-drop", AMOUNT, 1.0),
    slider("chin/chin-prognathism", AMOUNT, 1.0),
    slider("chin/chin-prominent", AMOUNT, 1.0),
    slider("chin/chin-width", AMOUNT, 1.0),
    limited("ears/@-ear-flap", AMOUNT, 0.6, (0.25, 0.15)),
    slider("ears/@-ear-lobe", AMOUNT, 0.7),
    slider("ears/@-ear-rot", DEPTH, 0.7),
    slider("ears/@-ear-scale", AMOUNT, 0.7),
    slider("ears/@-ear-scale-depth", AMOUNT, 0.7),
    slider("ears/@-ear-scale-vert", AMOUNT, 0.7),
    slider("ears/@-ear-shape", ("square", "round"), 0.7),
    slider("ears/@-ear-trans", DEPTH, 0.7),
    slider("ears/@-ear-trans", RAISE, 0.7),
    slider("ears/@-ear-wing", AMOUNT, 0.7),
    slider("neck/neck-back-scale-depth", AMOUNT, 0.5),
    slider("neck/neck-double", AMOUNT, 0.5),
    slider("neck/neck-scale-depth", AMOUNT, 0.5),
    slider("neck/neck-scale-horiz", AMOUNT, 0.5),
];

/// Differences between the halves of a face: targets `asym/asym-NAME-l` and `-r`.
pub const ASYMMETRIES: &[&str] = &[
    "brown-1", "brown-2", "cheek-1", "cheek-2", "ear-1", "ear-2", "ear-3", "ear-4", "eye-1", "eye-2", "eye-3", "eye-4",
    "eye-5", "eye-6", "eye-7", "eye-8", "jaw-1", "jaw-2", "jaw-3", "mouth-1", "mouth-2", "nose-1", "nose-2", "nose-3",
    "nose-4", "temple-1", "temple-2", "top-1", "top-2",
];

/// Whole-head shapes, of which a head takes at most two, lightly.
pub const HEAD_SHAPES: &[(&str, f32)] = &[
    ("head/head-oval", 0.2),
    ("head/head-round", 0.2),
    ("head/head-rectangular", 0.2),
    ("head/head-invertedtriangular", 0.2),
    ("head/head-square", 0.12),
    ("head/head-triangular", 0.12),
    ("head/head-diamond", 0.12),
];
