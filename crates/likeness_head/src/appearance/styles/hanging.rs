//! Hair that hangs down from a parting: bobs, and hair to the shoulders and longer.

use glam::Vec3;

use super::{CROWN, Grower, ON_CAP, hidden_cap, layer, parted};
use crate::{
    appearance::{
        atlas::Strip,
        hairline::round,
        strands::{Layer, Root, Wave},
    },
    textures::noise::ramp,
};

/// Length of hair over which it comes to its full height over the head, metres.
const REACH: f32 = 0.15;

/// What hair that hangs is like.
#[derive(Clone, Copy)]
struct Hanging {
    /// Height of the cut, metres over the eyes.
    cut: f32,
    /// How much higher the cut runs at the nape, and how far it varies, metres.
    nape: f32,
    ragged: f32,
    /// How strongly the ends turn in to the neck.
    turn_in: f32,
    /// Where the parting lies, metres to the left.
    part: f32,
    wave: Wave,
    strips: &'static [Strip],
    /// Height over the head as a share of straight hair's.
    volume: f32,
    /// Width of the bands as a share of straight hair's, and of their tips of their own.
    width: f32,
    tip: f32,
    /// How many bands as a share of straight hair's, and pieces of each.
    count: f32,
    segments: usize,
    fringe: bool,
}

const STRAIGHT: Hanging = Hanging {
    cut: -0.1,
    nape: 0.0,
    ragged: 0.012,
    turn_in: 0.0,
    part: 0.018,
    wave: Wave { size: 0.0012, length: 0.12, shared: 0.8, grown: 0.05, outward: 0.5 },
    strips: &[Strip::Dense, Strip::Dense2, Strip::Medium],
    volume: 1.0,
    width: 1.0,
    tip: 0.7,
    count: 1.0,
    segments: 12,
    fringe: false,
};

const BOB: Hanging = Hanging { cut: -0.080, nape: 0.012, ragged: 0.007, turn_in: 0.35, tip: 0.85, ..STRAIGHT };

/// Grows one of the styles that hang; nothing for any other.
pub(super) fn grow(grower: &mut Grower, style: &str) {
    let style = match style {
        "bob" => BOB,
        "bob_fringe" => Hanging { cut: -0.070, part: 0.0, count: 0.9, fringe: true, ..BOB },
        "shoulder_straight" => Hanging { cut: -0.145, ..STRAIGHT },
        "shoulder_wavy" => Hanging {
            cut: -0.140,
            wave: Wave { size: 0.0095, length: 0.080, shared: 0.9, grown: 0.08, outward: 1.0 },
            strips: &[Strip::Wavy, Strip::Dense, Strip::Wavy],
            volume: 1.35,
            width: 1.5,
            count: 0.55,
            segments: 22,
            ..STRAIGHT
        },
        "long_straight" => Hanging { cut: -0.205, part: 0.004, ..STRAIGHT },
        "long_curly" => Hanging {
            cut: -0.180,
            ragged: 0.035,
            wave: Wave { size: 0.0115, length: 0.070, shared: 0.25, grown: 0.07, outward: 1.0 },
            strips: &[Strip::Curly, Strip::Wavy],
            volume: 2.0,
            width: 1.8,
            count: 0.36,
            segments: 34,
            ..STRAIGHT
        },
        _ => return,
    };
    hang(grower, &style);
}

fn hang(grower: &mut Grower, style: &Hanging) {
    let comb = parted(style.part, 0.06);
    grower.out.shells.push(hidden_cap(grower.line, 0.40));
    let (lowest, nape) = (style.cut, style.nape);
    let length = move |root: &Root| (root.place.y - lowest) * 1.15 + 0.09;
    let cut = move |p: Vec3| lowest + nape * ramp(70.0, 160.0, round(p));
    let v = style.volume;
    let count = |of: f32| (of * style.count) as usize;
    // What hangs at the sides would come out through a fringe.
    let hangs = |p: Vec3| !(style.fringe && falls_ahead(p));
    let base = Layer {
        segments: style.segments,
        taper: [0.75, style.tip],
        root: ON_CAP,
        reach: REACH,
        cut: Some(&cut),
        ragged: style.ragged,
        turn_in: style.turn_in,
        strips: style.strips,
        wave: style.wave,
        hold: 1.5,
        stand: 0.35,
        stiff: 0.55,
        gravity: [0.35, 1.6],
        roll: 0.08,
        tousle: 0.05,
        uneven: 0.08,
        ..layer(0, 0.0, &length, 61)
    };
    // A dark ground that closes gaps, the body, finer bands over it, and more of them where the ground would show: in the
    // parting and at the crown.
    grower.add(
        &Layer {
            count: 110,
            width: 0.024,
            segments: 9,
            wave: Wave::NONE,
            height: [0.004 * v, 0.005 * v, 0.0055 * v],
            shade: [0.34, 0.52],
            ..base
        },
        &comb,
        &hangs,
    );
    grower.add(
        &Layer {
            count: count(190.0),
            width: 0.0145 * style.width,
            height: [0.0070 * v, 0.0080 * v, 0.0095 * v],
            shade: [0.50, 0.84],
            seed: 62,
            ..base
        },
        &comb,
        &hangs,
    );
    grower.add(
        &Layer {
            count: count(150.0),
            width: 0.0115 * style.width,
            height: [0.0092 * v, 0.0100 * v, 0.0115 * v],
            shade: [0.60, 1.0],
            seed: 63,
            ..base
        },
        &comb,
        &|p| p.y > 0.03 && hangs(p),
    );
    let part = style.part;
    grower.add(
        &Layer {
            count: count(68.0),
            width: 0.0115 * style.width,
            height: [0.0080 * v, 0.0094 * v, 0.0105 * v],
            shade: [0.56, 0.96],
            seed: 68,
            ..base
        },
        &comb,
        &|p| hangs(p) && (p.distance(CROWN) < 0.026 || p.y > 0.05 && p.z > -0.10 && (p.x - part).abs() < 0.009),
    );
    if style.fringe {
        fringe(grower, &base);
    } else {
        edges(grower, style, &base);
    }
}

/// Short hair along the hairline, where the long one begins in gaps, and locks that fall over it beside the parting, where
/// the long hair on both sides would leave a notch.
fn edges(grower: &mut Grower, style: &Hanging, base: &Layer) {
    let line = grower.line;
    let short = Layer {
        strips: &[Strip::Medium, Strip::Dense, Strip::Medium],
        wave: Wave::NONE,
        taper: super::TAPER,
        reach: 0.0,
        uneven: 0.3,
        ..*base
    };
    grower.add(
        &Layer {
            count: 90,
            segments: 4,
            width: 0.010,
            length: &|root: &Root| 0.035 + 0.02 * root.chance,
            height: [0.0015, 0.004, 0.004],
            gravity: [0.2, 0.5],
            shade: [0.55, 0.9],
            seed: 67,
            ..short
        },
        &parted(style.part, 0.06),
        &|p| p.y > 0.02 && line.depth(p) < 0.009,
    );
    let part = style.part;
    let beside = move |p: Vec3, n: Vec3| {
        Vec3::new(1.3 * (p.x - part).signum(), -0.5, 0.2).reject_from(n).normalize_or(Vec3::NEG_Y)
    };
    grower.add(
        &Layer {
            count: 34,
            segments: 6,
            width: 0.009,
            length: &|root: &Root| 0.030 + 0.012 * root.chance,
            height: [0.0015, 0.0045, 0.005],
            gravity: [0.1, 0.5],
            shade: [0.58, 0.92],
            seed: 66,
            ..short
        },
        &beside,
        &move |p| p.z > -0.02 && (p.x - part).abs() < 0.014 && line.depth(p) < 0.011,
    );
}

/// Whether hair falls over the forehead where it is cut to a fringe.
fn falls_ahead(p: Vec3) -> bool {
    p.y > 0.05 && p.z > -0.05 && p.x.abs() < 0.055 + 0.012 * ramp(-0.03, 0.0, p.z)
}

/// A fringe that is cut over the brows.
fn fringe(grower: &mut Grower, base: &Layer) {
    let ahead = |p: Vec3, n: Vec3| {
        let away = (p - CROWN).reject_from(n).normalize_or(Vec3::Z);
        away + Vec3::new(p.x * 13.0, 0.0, 0.3)
    };
    let length = |root: &Root| root.place.y - 0.018 + (-root.place.z).max(0.0) + 0.012;
    for (seed, height, shade) in [(64, [0.002, 0.006, 0.004], [0.45, 0.80]), (65, [0.004, 0.009, 0.006], [0.60, 1.0])] {
        grower.add(
            &Layer {
                count: 74,
                width: 0.0115,
                segments: 8,
                cut: Some(&|p| 0.022 - 0.014 * ramp(0.030, 0.062, p.x.abs())),
                ragged: 0.004,
                turn_in: 0.0,
                stand: 0.05,
                length: &length,
                height,
                reach: 0.0,
                shade,
                wave: Wave::NONE,
                gravity: [0.1, 0.6],
                seed,
                ..*base
            },
            &ahead,
            &falls_ahead,
        );
    }
}
