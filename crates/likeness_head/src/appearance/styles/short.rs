//! Short hair that does not hang.

use glam::Vec3;

use super::{
    Grower, ON_CAP, backward, cap, clear_of_ears, everywhere, fluff, layer, parted, shaved, soften, top, whorl,
};
use crate::{
    appearance::{
        atlas::Strip,
        hairline::round,
        strands::{Layer, Root, Wave},
    },
    textures::noise::ramp,
};

/// Short all over, combed to a side over the forehead.
pub(super) fn short_straight(grower: &mut Grower) {
    let comb = whorl(1.5);
    grower.out.shells.push(cap(grower.line, 0.0010, 0.50));
    grower.out.shells.extend(shaved(grower.line, 0.0025, 1, 1.0));
    let short = |root: &Root| 0.020 + 0.016 * ramp(0.03, 0.085, root.place.y);
    grower.add(
        &Layer {
            height: [0.0015, 0.0040, 0.0035],
            segments: 4,
            tousle: 0.08,
            strips: &[Strip::Medium, Strip::Dense, Strip::Medium],
            shade: [0.50, 0.82],
            ..layer(270, 0.0085, &short, 11)
        },
        &comb,
        &|p| p.y > 0.028 + 0.02 * ramp(-0.08, -0.14, p.z),
    );
    // Short at the hairline, so that the forehead stays free.
    let long = |root: &Root| 0.024 + 0.024 * ramp(0.0, 0.030, root.depth) + 0.006 * root.chance;
    grower.add(
        &Layer {
            height: [0.003, 0.0085, 0.0075],
            uneven: 0.3,
            stand: 0.40,
            tousle: 0.16,
            taper: [0.75, 0.55],
            strips: &[Strip::Dense2, Strip::Medium, Strip::Medium],
            gravity: [0.0, 0.35],
            hold: 0.8,
            roll: 0.25,
            segments: 5,
            shade: [0.58, 1.0],
            ..layer(380, 0.0070, &long, 12)
        },
        &comb,
        &top,
    );
    // Single hairs between the tips of the locks over the forehead.
    let line = grower.line;
    grower.add(
        &Layer {
            height: [0.002, 0.0060, 0.0050],
            segments: 4,
            taper: [0.8, 0.8],
            tousle: 0.22,
            strips: &[Strip::Sparse, Strip::Medium],
            gravity: [0.0, 0.35],
            shade: [0.55, 0.9],
            ..layer(110, 0.0080, &long, 13)
        },
        &comb,
        &|p| p.y > 0.04 && line.depth(p) < 0.016,
    );
    soften(grower, &comb, &|p| p.y > 0.02);
}

/// Longer on top, combed to both sides of a parting.
pub(super) fn side_part(grower: &mut Grower) {
    let comb = parted(0.034, 0.35);
    grower.out.shells.push(cap(grower.line, 0.0010, 0.55));
    grower.out.shells.extend(shaved(grower.line, 0.0025, 1, 1.0));
    let short = |root: &Root| 0.028 + 0.055 * ramp(0.035, 0.085, root.place.y);
    grower.add(
        &Layer {
            height: [0.0015, 0.004, 0.003],
            segments: 6,
            strips: &[Strip::Medium, Strip::Dense, Strip::Medium],
            shade: [0.52, 0.86],
            ..layer(250, 0.0095, &short, 21)
        },
        &comb,
        &|p| p.y > -0.02 && clear_of_ears(p),
    );
    let long = |root: &Root| 0.075 + 0.03 * ramp(0.02, -0.03, root.place.x);
    grower.add(
        &Layer {
            height: [0.004, 0.012, 0.007],
            stand: 0.45,
            strips: &[Strip::Dense2, Strip::Dense, Strip::Medium],
            gravity: [0.0, 0.35],
            roll: 0.15,
            tousle: 0.09,
            shade: [0.58, 1.0],
            ..layer(240, 0.0098, &long, 22)
        },
        &comb,
        &top,
    );
    soften(grower, &comb, &|p| p.y > 0.02);
}

/// Combed back, close at the sides and the nape.
pub(super) fn slick_back(grower: &mut Grower) {
    grower.out.shells.push(cap(grower.line, 0.0010, 0.45));
    let low = |root: &Root| 0.035 + 0.075 * ramp(0.01, 0.085, root.place.y);
    grower.add(
        &Layer {
            height: [0.0015, 0.003, 0.003],
            gravity: [0.1, 0.25],
            tousle: 0.05,
            root: ON_CAP,
            ..layer(230, 0.0135, &low, 31)
        },
        &backward,
        &|p| p.y > -0.005 && clear_of_ears(p),
    );
    let nape = |root: &Root| 0.014 + 0.012 * ramp(-0.05, 0.0, root.place.y);
    grower.add(
        &Layer {
            height: [0.0010, 0.0020, 0.0016],
            segments: 3,
            tousle: 0.05,
            strips: &[Strip::Medium],
            shade: [0.5, 0.8],
            ..layer(110, 0.0065, &nape, 33)
        },
        &backward,
        &|p| p.y < 0.010 && round(p) > 128.0,
    );
    let long = |root: &Root| 0.11 + 0.03 * root.chance;
    grower.add(
        &Layer {
            root: ON_CAP,
            height: [0.004, 0.009, 0.005],
            stand: 0.5,
            gravity: [0.0, 0.2],
            tousle: 0.06,
            strips: &[Strip::Dense2, Strip::Dense, Strip::Sparse],
            ..layer(200, 0.012, &long, 32)
        },
        &backward,
        &top,
    );
}

/// Small curls all over.
pub(super) fn short_curly(grower: &mut Grower) {
    let comb = whorl(0.4);
    grower.out.shells.push(cap(grower.line, 0.0010, 0.45));
    grower.out.shells.extend(fluff(grower.line, 0.010, 3));
    let length = |root: &Root| 0.018 + 0.022 * ramp(0.02, 0.085, root.place.y) * ramp(0.0, 0.02, root.depth);
    grower.add(
        &Layer {
            height: [0.003, 0.010, 0.012],
            uneven: 0.5,
            stand: 0.7,
            tousle: 0.6,
            hold: 0.5,
            gravity: [0.0, 0.2],
            strips: &[Strip::Curly, Strip::Curly, Strip::Wavy],
            roll: 1.0,
            wave: Wave { size: 0.004, length: 0.022, ..Wave::NONE },
            segments: 6,
            shade: [0.5, 1.0],
            ..layer(380, 0.016, &length, 41)
        },
        &comb,
        &everywhere,
    );
}

/// A ball of tight curls.
pub(super) fn afro(grower: &mut Grower) {
    grower.out.shells.push(cap(grower.line, 0.0010, 0.22));
    grower.out.shells.extend(fluff(grower.line, 0.040, 4));
    let length = |root: &Root| 0.020 + 0.034 * ramp(0.0, 0.035, root.depth);
    let out = |_: Vec3, n: Vec3| n;
    grower.add(
        &Layer {
            height: [0.0, 0.015, 0.03],
            stand: 1.0,
            stiff: 0.8,
            tousle: 0.5,
            hold: 0.0,
            gravity: [0.0, 0.0],
            strips: &[Strip::Curly],
            roll: 3.1,
            wave: Wave { size: 0.004, length: 0.020, ..Wave::NONE },
            segments: 5,
            shade: [0.3, 0.95],
            ..layer(400, 0.022, &length, 51)
        },
        &out,
        &everywhere,
    );
}
