//! The beards: shadow of stubs on the skin, and hair on top of it.

use glam::{Vec2, Vec3};
use likeness_rig::{HeadMesh, LandmarkSet, MeshPart};

use super::{
    atlas::Strip,
    hairline::round,
    parts::{ShellPoint, Thinning, cards, extend_shell, follow_expressions, thinned},
    strands::{IN_SKIN, Layer, Root, Strand, Wave, grow, roots},
    styles::{TAPER, even, show_strip},
    surface::Surface,
};
use crate::{
    finish::RenderPart,
    textures::noise::{layered, ramp},
};

/// The styles with captions; the first shows nothing.
pub const STYLES: [(&str, &str); 8] = [
    ("none", "None"),
    ("stubble", "Stubble"),
    ("moustache", "Moustache"),
    ("goatee", "Goatee"),
    ("short_full", "Full, short"),
    ("long_full", "Full, long"),
    ("sideburns", "Sideburns"),
    ("chin_strap", "Chin strap"),
];

/// The further level of detail.
const LEVEL: Thinning = Thinning { share: 0.7, pieces: 2, of_swing: 0.0 };
/// Tiles of stubs across the skin's texture.
const TILES: f32 = 15.5;
/// Expressions that move the skin less than this (metres) below stubs and below hair are left out.
const LEAST_MOVE: [f32; 2] = [1e-3, 3e-3];

/// The places that beards go by, metres on the neutral head.
pub struct FaceLines {
    /// Outline of the lips.
    lips: Vec<Vec2>,
    mouth: Vec3,
    corner: Vec3,
    nose: Vec3,
    chin: Vec3,
}

impl FaceLines {
    /// Finds them.
    pub fn new(skin: &MeshPart, landmarks: &LandmarkSet) -> Self {
        let at: Vec<Vec3> = landmarks
            .points
            .iter()
            .map(|point| point.triangle.iter().zip(point.weights).map(|(&v, w)| skin.positions[v as usize] * w).sum())
            .collect();
        Self {
            lips: (48..60).map(|k| at[k].truncate()).collect(),
            mouth: (at[51] + at[57]) * 0.5,
            corner: at[54],
            nose: at[33],
            chin: at[8],
        }
    }

    /// Distance to the lips in the plane of the face, metres; negative on them.
    fn to_lips(&self, p: Vec3) -> f32 {
        let p = p.truncate();
        let mut inside = false;
        let mut nearest = f32::INFINITY;
        for k in 0..self.lips.len() {
            let (a, b) = (self.lips[k], self.lips[(k + 1) % self.lips.len()]);
            if (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x {
                inside = !inside;
            }
            let way = b - a;
            let t = ((p - a).dot(way) / way.length_squared()).clamp(0.0, 1.0);
            nearest = nearest.min(p.distance(a + way * t));
        }
        if inside { -nearest } else { nearest }
    }

    /// How far inside a full beard a place lies, metres.
    fn full(&self, p: Vec3) -> f32 {
        let across = p.x.abs();
        let uneven = 0.0018 * layered(p * 140.0, 2, 81);
        // The cheek line: from the ear down to above the corner of the mouth.
        let upper = if across < 0.034 {
            self.nose.y - 0.002 - 0.010 * (across / 0.034)
        } else {
            let t = ((across - 0.034) / 0.032).min(1.0);
            self.nose.y - 0.012 + (-0.012 - self.nose.y + 0.012) * t.powf(1.7)
        };
        let side = ramp(0.058, 0.066, across) * ramp(-0.035, -0.05, p.z);
        let upper = upper + 0.012 * side;
        // The line under the jaw.
        let lower = self.chin.y - 0.004 + 0.030 * (across / 0.06).powi(2);
        let deep = (p.z + 0.085) * 0.9;
        let field = (upper - p.y).min((p.y - lower) * 0.8).min(deep);
        // The dimples beside the moustache stay thin.
        field.min(self.to_lips(p) - 0.0015) + uneven
    }

    fn moustache(&self, p: Vec3) -> f32 {
        let across = p.x.abs();
        let middle = self.mouth.y + 0.0135 - 0.10 * across - 4.0 * across * across;
        let half = 0.0068 - 0.06 * (across - 0.012).max(0.0);
        let field = (half - (p.y - middle).abs()).min(0.033 - across).min((self.nose.y - 0.001) - p.y);
        field.min(self.to_lips(p) - 0.0006).min((p.z + 0.03) * 0.5) + 0.0008 * layered(p * 200.0, 2, 82)
    }

    fn chin_patch(&self, p: Vec3, width: f32) -> f32 {
        let across = p.x.abs();
        let top = self.mouth.y - 0.0145 - 0.25 * (across - 0.006).max(0.0) + 0.9 * (across - 0.017).max(0.0);
        let lower = self.chin.y - 0.006;
        (width - across).min(top - p.y + 0.004).min(p.y - lower).min(self.to_lips(p) - 0.003).min((p.z + 0.03) * 0.5)
            + 0.001 * layered(p * 160.0, 2, 83)
    }

    fn goatee(&self, p: Vec3) -> f32 {
        let across = p.x.abs();
        // A ring round the mouth.
        let beside = (0.0055 - (across - self.corner.x.abs() - 0.006).abs()).min(self.mouth.y + 0.010 - p.y);
        let beside = beside.min(p.y - self.chin.y - 0.008).min((p.z + 0.03) * 0.5);
        let beside = beside.min(self.to_lips(p) - 0.002);
        self.moustache(p).max(self.chin_patch(p, 0.026)).max(beside)
    }

    fn sideburns(&self, p: Vec3) -> f32 {
        let round = round(p);
        let edge = (round - 63.0 + 80.0 * (p.y + 0.03).min(0.0)) * 0.0014;
        edge.min((-0.002) - p.y + 0.012).min(p.y + 0.062).min((92.0 - round) * 0.0014)
            + 0.0012 * layered(p * 160.0, 2, 84)
    }

    fn chin_strap(&self, p: Vec3) -> f32 {
        let full = self.full(p);
        if p.y > -0.004 || p.y < self.chin.y - 0.02 {
            return -1.0;
        }
        // A band along the jaw: near the lower edge of the full beard.
        let across = p.x.abs();
        let jaw = self.chin.y + 0.010 + 0.052 * (across / 0.064).powi(3);
        let band = 0.0085 - (p.y - jaw).abs() * 0.75;
        let side = (0.0080 - (p.z + 0.056 + 0.1 * (p.y + 0.03).max(0.0)).abs()).min(p.y + 0.075).min(0.0 - p.y);
        let below = (p.y - self.chin.y - 0.002).min(0.014);
        full.min(band.max(side)).max(below.min(0.012 - across).min(self.to_lips(p) - 0.009).min(self.mouth.y - p.y))
    }

    fn field(&self, style: &str, p: Vec3) -> f32 {
        match style {
            "moustache" => self.moustache(p),
            "goatee" => self.goatee(p),
            "sideburns" => self.sideburns(p),
            "chin_strap" => self.chin_strap(p),
            "stubble" | "short_full" | "long_full" => self.full(p).max(self.moustache(p)).max(self.sideburns(p)),
            _ => -1.0,
        }
    }
}

/// The parts of a style, all levels of detail; none for a shaved face.
pub fn parts(head: &HeadMesh, levels: [&MeshPart; 3], lines: &FaceLines, style: &str) -> Vec<RenderPart> {
    let full = Surface::new(head, levels[0]);
    let half = Surface::new(head, levels[1]).clear(&full);
    let mut out = Vec::new();
    // Below a full beard the skin does not show; elsewhere it does between the stubs.
    let is_full = style.ends_with("_full");
    let (name, most, shade) = match style {
        "stubble" => ("stubble", 0.6, 0.62),
        _ if is_full => ("cap", 0.88, 0.5),
        _ => ("stubble", 1.3, 0.62),
    };
    let mut shadow = RenderPart {
        name: name.to_owned(),
        material: if is_full { "strands" } else { "stubble" }.to_owned(),
        ..Default::default()
    };
    let at = |p: Vec3, _: Vec3| ShellPoint {
        height: 0.0006,
        shade,
        cover: (ramp(-0.0012, 0.0075, lines.field(style, p)) * most).min(1.0),
        way: Vec3::NEG_Y,
    };
    extend_shell(&mut shadow, &half, Vec2::splat(TILES), Some(LEAST_MOVE[0]), &at);
    if is_full {
        show_strip(&mut shadow, 0);
    }
    if !shadow.triangles.is_empty() {
        out.push(shadow);
    }
    let strands = hairs(&full, lines, style);
    let all: Vec<Strand> = strands.iter().flatten().cloned().collect();
    if !all.is_empty() {
        let mut part = cards(&full, &all, "strands");
        follow_expressions(&mut part, &full, &all, LEAST_MOVE[1]);
        out.push(part);
        out.push(thinned(&strands, "strands", "strands.lod1", &LEVEL));
    }
    out
}

fn hairs(surface: &Surface, lines: &FaceLines, style: &str) -> Vec<Vec<Strand>> {
    // Downward and away from the middle of the mouth.
    let comb = |p: Vec3, _: Vec3| Vec3::new((p.x * 9.0).clamp(-0.45, 0.45), -1.0, 0.12);
    let aside = |p: Vec3, _: Vec3| Vec3::new((p.x * 130.0).clamp(-1.0, 1.0), -0.55 - p.x.abs() * 9.0, 0.1);
    let base = |count, length, seed| Layer {
        count,
        segments: 3,
        width: 0.0042,
        strips: &[Strip::Medium, Strip::Dense, Strip::Sparse],
        taper: TAPER,
        root: IN_SKIN,
        height: [0.0006, 0.0016, 0.0022],
        reach: 0.0,
        lift: &even,
        uneven: 0.5,
        length,
        cut: None,
        ragged: 0.0,
        turn_in: 0.0,
        stand: 0.25,
        stiff: 0.4,
        gravity: [0.1, 0.4],
        hold: 0.9,
        wave: Wave::NONE,
        roll: 0.6,
        tousle: 0.25,
        shade: [0.55, 0.8],
        seed,
    };
    let grown = |layer: &Layer, comb: super::strands::Comb, depth: &dyn Fn(Vec3) -> f32| {
        let roots = roots(surface, layer.count, layer.seed, &|p, _| depth(p));
        grow(surface, &roots, layer, comb)
    };
    let moustache = |p: Vec3| lines.moustache(p) - 0.001;
    let lip = |_: &Root| 0.0090;
    let whiskers = |count, seed| grown(&base(count, &lip, seed), &aside, &moustache);
    let body = |p: Vec3| lines.full(p).max(lines.sideburns(p)) - 0.001 - f32::from(lines.moustache(p) > 0.0);
    match style {
        "moustache" => {
            let long = |root: &Root| 0.010 + 0.004 * root.chance;
            vec![
                grown(&base(75, &long, 201), &aside, &moustache),
                grown(&Layer { height: [0.001, 0.0028, 0.003], ..base(50, &long, 202) }, &aside, &moustache),
            ]
        }
        "goatee" => {
            let long = |root: &Root| 0.008 + 0.008 * ramp(0.0, 0.01, root.depth);
            let field = |p: Vec3| lines.goatee(p).min(0.02) - 0.001 - f32::from(lines.moustache(p) > 0.0);
            vec![whiskers(60, 203), grown(&base(130, &long, 204), &comb, &field)]
        }
        "chin_strap" => {
            let short = |_: &Root| 0.007;
            vec![grown(&base(130, &short, 205), &comb, &|p| lines.chin_strap(p) - 0.003)]
        }
        "sideburns" => {
            let short = |_: &Root| 0.010;
            vec![grown(&base(110, &short, 206), &comb, &|p| lines.sideburns(p) - 0.001)]
        }
        "short_full" => {
            let short = |root: &Root| 0.008 + 0.005 * ramp(0.0, 0.02, root.depth);
            vec![whiskers(60, 207), grown(&base(240, &short, 208), &comb, &body)]
        }
        "long_full" => {
            let short = |root: &Root| 0.009 + 0.008 * ramp(0.0, 0.02, root.depth);
            let long = |root: &Root| 0.014 + 0.038 * ramp(0.058, 0.012, root.place.x.abs());
            let low = |p: Vec3| lines.full(p).min(lines.mouth.y - 0.008 - p.y) - 0.002;
            let hanging = Layer {
                segments: 5,
                width: 0.0085,
                height: [0.002, 0.007, 0.012],
                hold: 0.0,
                stand: 0.4,
                gravity: [0.3, 1.0],
                wave: Wave { size: 0.0018, length: 0.028, shared: 0.3, ..Wave::NONE },
                strips: &[Strip::Wavy, Strip::Dense, Strip::Medium],
                shade: [0.5, 0.9],
                ..base(160, &long, 211)
            };
            vec![whiskers(70, 209), grown(&base(180, &short, 210), &comb, &body), grown(&hanging, &comb, &low)]
        }
        _ => Vec::new(),
    }
}
