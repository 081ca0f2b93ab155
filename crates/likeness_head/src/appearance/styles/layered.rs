//! Short cuts in layers, with a fringe that is swept to a side.

use glam::Vec3;

use super::{CROWN, Grower, ON_CAP, cap, clear_of_ears, everywhere, hidden_cap, layer, shaved, soften};
use crate::{
    appearance::{
        atlas::Strip,
        hairline::round,
        strands::{Layer, Root},
    },
    textures::noise::ramp,
};

/// Where the hair parts, metres to the left.
const PART: f32 = 0.030;
/// Height of a swept fringe's ends, metres over the eyes: above the brows.
const FRINGE: f32 = 0.027;

/// To the sides of a parting in front and over the forehead, backward at the temples, away from the crown behind.
fn swept(ahead: f32) -> impl Fn(Vec3, Vec3) -> Vec3 {
    move |p, n| {
        let side = ((p.x - PART) / 0.006).clamp(-1.0, 1.0);
        let ahead = if side < 0.0 { ahead } else { 0.25 * ahead };
        let over = Vec3::new(side, 0.0, ahead * ramp(0.055, 0.030, p.x.abs()));
        let temple = Vec3::new(0.0, -0.9, -0.4);
        let front = over.lerp(temple, ramp(0.050, 0.066, p.x.abs()));
        let away = (p - CROWN).reject_from(n).normalize_or(Vec3::NEG_Y);
        front.lerp(away, ramp(-0.075, -0.115, p.z))
    }
}

/// Full hair that covers the ears and tapers to the nape.
pub(super) fn layered(grower: &mut Grower) {
    grower.out.shells.push(hidden_cap(grower.line, 0.40));
    let comb = swept(0.75);
    let line = grower.line;
    // At the hairline over the forehead, full hair would stand off it.
    let inside = move |p: Vec3| line.depth(p) > 0.008 * ramp(40.0, 25.0, round(p));
    let cut = |p: Vec3| {
        let round = round(p);
        FRINGE - 0.086 * ramp(36.0, 66.0, round) - 0.030 * ramp(105.0, 165.0, round)
    };
    // Full at the top and the sides, close at the nape and where the fringe ends.
    let lift = |p: Vec3| {
        let nape = 1.0 - 0.85 * ramp(0.02, -0.06, p.y) * ramp(95.0, 140.0, round(p));
        let brow = 1.0 - 0.45 * ramp(0.075, 0.035, p.y) * ramp(60.0, 25.0, round(p));
        let sides = 1.0 + 0.06 * ramp(0.06, 0.03, p.y) * ramp(40.0, 65.0, round(p));
        let crown = 1.0 - 0.25 * ramp(0.045, 0.0, p.distance(CROWN));
        let beside = 1.0 - 0.45 * ramp(PART + 0.045, PART, p.x) * ramp(PART - 0.03, PART, p.x);
        nape * brow * sides * crown * beside
    };
    let length = |root: &Root| 0.055 + 0.070 * ramp(-0.02, 0.06, root.place.y) + 0.012 * root.chance;
    let base = Layer {
        segments: 11,
        taper: [0.75, 0.6],
        root: ON_CAP,
        reach: 0.085,
        lift: &lift,
        cut: Some(&cut),
        ragged: 0.014,
        turn_in: 0.55,
        hold: 1.5,
        stand: 0.2,
        stiff: 0.5,
        gravity: [0.15, 0.9],
        roll: 0.10,
        tousle: 0.08,
        uneven: 0.10,
        ..layer(0, 0.0, &length, 81)
    };
    grower.add(
        &Layer { count: 112, width: 0.017, segments: 8, height: [0.008, 0.013, 0.013], shade: [0.34, 0.52], ..base },
        &comb,
        &inside,
    );
    grower.add(
        &Layer { count: 180, width: 0.0135, height: [0.010, 0.020, 0.021], shade: [0.46, 0.82], seed: 82, ..base },
        &comb,
        &everywhere,
    );
    grower.add(
        &Layer {
            count: 212,
            width: 0.0115,
            height: [0.012, 0.024, 0.026],
            strips: &[Strip::Dense2, Strip::Medium, Strip::Dense],
            shade: [0.58, 1.0],
            seed: 83,
            ..base
        },
        &comb,
        &|p| p.y > 0.02 && inside(p),
    );
    // Close to the cheek before the ear, which would be seen from the front below the full hair.
    grower.add(
        &Layer {
            count: 56,
            width: 0.0105,
            segments: 8,
            height: [0.003, 0.006, 0.005],
            shade: [0.42, 0.80],
            tousle: 0.05,
            seed: 85,
            ..base
        },
        &|_, _| Vec3::new(0.0, -1.0, 0.05),
        &|p| p.y > 0.005 && p.y < 0.07 && p.z < -0.005 && p.z > -0.075,
    );
    // The parting and the crown, from where hair runs apart.
    grower.add(
        &Layer { count: 80, width: 0.0125, height: [0.011, 0.023, 0.025], shade: [0.56, 0.98], seed: 84, ..base },
        &comb,
        &|p| p.distance(CROWN) < 0.030 || (p.y > 0.05 && p.z > -0.11 && (p.x - PART).abs() < 0.008 && inside(p)),
    );
}

/// Close at the sides and the nape, longer on top.
pub(super) fn pixie(grower: &mut Grower) {
    grower.out.shells.push(cap(grower.line, 0.0011, 0.48));
    grower.out.shells.extend(shaved(grower.line, 0.0025, 1, 1.0));
    let comb = swept(0.9);
    let close = |root: &Root| 0.014 + 0.014 * ramp(-0.04, 0.02, root.place.y) + 0.018 * ramp(0.02, 0.08, root.place.y);
    grower.add(
        &Layer {
            height: [0.0015, 0.0035, 0.0025],
            segments: 5,
            tousle: 0.08,
            shade: [0.48, 0.82],
            ..layer(250, 0.0100, &close, 91)
        },
        &comb,
        &|p| p.y > -0.055 && clear_of_ears(p) && (p.y > 0.034 || round(p) > 52.0),
    );
    let cut = |p: Vec3| FRINGE - 0.014 * ramp(15.0, 40.0, round(p)) - 0.03 * ramp(45.0, 70.0, round(p));
    let length = |root: &Root| 0.062 + 0.020 * ramp(-0.08, 0.0, root.place.z) + 0.012 * root.chance;
    let long = Layer {
        segments: 8,
        taper: [0.75, 0.5],
        reach: 0.06,
        cut: Some(&cut),
        ragged: 0.010,
        hold: 0.95,
        stand: 0.35,
        gravity: [0.05, 0.45],
        roll: 0.12,
        tousle: 0.12,
        uneven: 0.2,
        ..layer(0, 0.0, &length, 92)
    };
    for (seed, count, width, height, shade) in
        [(92, 150, 0.0130, [0.006, 0.008, 0.006], [0.46, 0.78]), (93, 172, 0.0108, [0.010, 0.013, 0.010], [0.58, 1.0])]
    {
        grower.add(&Layer { count, width, height, shade, seed, ..long }, &comb, &|p| p.y > 0.058);
    }
    soften(grower, &comb, &|p| p.y > 0.02);
}
