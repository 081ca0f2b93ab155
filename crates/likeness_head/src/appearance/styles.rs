//! The hair styles.

use glam::{Vec2, Vec3};
use likeness_rig::{HeadMesh, MeshPart};

use super::{
    atlas::Strip,
    hairline::{Hairline, round},
    parts::{ShellPoint, cards, extend_shell, thinned},
    strands::{Comb, Layer, Root, Strand, grow, roots},
    surface::Surface,
};
use crate::{finish::RenderPart, textures::noise::ramp};

/// The styles with captions; the first shows nothing.
pub const STYLES: [(&str, &str); 19] = [
    ("bald", "Bald"),
    ("buzz", "Buzz cut"),
    ("short_curly", "Short, curly"),
    ("short_straight", "Short, straight"),
    ("side_part", "Side part"),
    ("slick_back", "Slicked back"),
    ("afro", "Afro"),
    ("bob", "Bob"),
    ("bob_fringe", "Bob with a fringe"),
    ("shoulder_straight", "To the shoulders, straight"),
    ("shoulder_wavy", "To the shoulders, wavy"),
    ("long_straight", "Long, straight"),
    ("long_curly", "Long, curly"),
    ("bun", "Bun"),
    ("ponytail", "Ponytail"),
    ("receding", "Receding, short"),
    ("receding_buzz", "Receding, shaved"),
    ("receding_slick", "Receding, slicked back"),
    ("horseshoe", "Bald crown"),
];

/// Further levels of detail: the share of the strands that is kept and the most pieces of one.
const LEVELS: [(&str, f32, usize); 2] = [("strands.lod1", 0.85, 6), ("strands.lod2", 0.5, 3)];

/// Where hair grows from in a whorl.
const CROWN: Vec3 = Vec3::new(0.008, 0.108, -0.128);

/// The skin at its levels of detail.
pub struct Ground<'a> {
    /// The levels, finest first.
    pub levels: [Surface<'a>; 3],
}

impl<'a> Ground<'a> {
    /// The skin of a head.
    pub fn new(head: &'a HeadMesh, levels: [&'a MeshPart; 3]) -> Self {
        let [full, half, fifth] = levels.map(|skin| Surface::new(head, skin));
        let (half, fifth) = (half.clear(&full), fifth.clear(&full));
        Self { levels: [full, half, fifth] }
    }
}

/// Everything a style is made of, before levels of detail.
#[derive(Default)]
struct Groomed {
    /// Layers of strands.
    layers: Vec<Vec<Strand>>,
    /// Shells: the picture, tiles of it, which level of the skin at full detail, and what they are like.
    shells: Vec<ShellSpec>,
}

struct ShellSpec {
    material: &'static str,
    scale: f32,
    level: usize,
    at: Box<dyn Fn(Vec3, Vec3) -> ShellPoint>,
}

/// The parts of a style, all levels of detail; none for a bald head.
pub fn parts(ground: &Ground, style: &str) -> Vec<RenderPart> {
    let groomed = groom(&ground.levels[0], style);
    let mut out: Vec<RenderPart> = Vec::new();
    let strands: Vec<Strand> = groomed.layers.iter().flatten().cloned().collect();
    if !strands.is_empty() {
        out.push(cards(&ground.levels[0], &strands, "strands"));
        for (name, share, segments) in LEVELS {
            out.push(thinned(&groomed.layers, "strands", name, share, segments));
        }
    }
    // Shells are made from a coarse skin and are the same at every level.
    for shell in &groomed.shells {
        let surface = &ground.levels[shell.level];
        let name = if shell.material == "strands" { "cap" } else { shell.material };
        let place = out.iter().position(|part| part.name == name).unwrap_or_else(|| {
            let (name, material) = (name.to_owned(), shell.material.to_owned());
            out.push(RenderPart { name, material, ..Default::default() });
            out.len() - 1
        });
        if shell.material == "strands" {
            extend_cap(&mut out[place], surface, shell);
        } else {
            extend_shell(&mut out[place], surface, Vec2::splat(shell.scale), None, &shell.at);
        }
    }
    out.retain(|part| !part.triangles.is_empty());
    out
}

/// A shell that shows the strips of hairs instead of a tile.
fn extend_cap(part: &mut RenderPart, surface: &Surface, shell: &ShellSpec) {
    let first = part.positions.len();
    extend_shell(part, surface, Vec2::ONE, None, &shell.at);
    show_strip(part, first);
}

/// Gives the vertices of a cap from `first` on places in a strip of hairs.
pub fn show_strip(part: &mut RenderPart, first: usize) {
    for (p, uv) in part.positions.iter().zip(&mut part.uvs).skip(first) {
        // Back and forth over the part of the strip that has no gaps, so that the cap may be of any size.
        let fold = |x: f32| 1.0 - (x.rem_euclid(2.0) - 1.0).abs();
        *uv = Strip::Dense.uv(0.425 + 0.13 * fold(round(*p) / 8.0), 0.13 + 0.16 * fold(p.y / 0.03));
    }
}

/// Away from the crown, and as far to the left as `sweep` says in front.
fn whorl(sweep: f32) -> impl Fn(Vec3, Vec3) -> Vec3 {
    move |p, n| {
        let away = (p - CROWN).reject_from(n).normalize_or(Vec3::Z);
        let swirl = n.cross(away) * 0.25;
        let front = ramp(-0.06, 0.0, p.z) * ramp(0.05, 0.08, p.y);
        away + swirl + Vec3::X * sweep * front
    }
}

/// To both sides of a line at `x` from the forehead to the crown, and as strongly backward as `back` says.
fn parted(x: f32, back: f32) -> impl Fn(Vec3, Vec3) -> Vec3 {
    move |p, n| {
        let away = (p - CROWN).reject_from(n).normalize_or(Vec3::Z);
        let side = ((p.x - x * ramp(-0.14, -0.08, p.z)) / 0.006).clamp(-1.0, 1.0);
        let apart = Vec3::new(side, 0.0, -back);
        let behind = ramp(-0.085, -0.125, p.z);
        apart.lerp(away, behind)
    }
}

/// Straight back.
fn backward(p: Vec3, _: Vec3) -> Vec3 {
    Vec3::new(0.25 * p.x.signum() * ramp(0.02, 0.06, p.x.abs()), -0.05, -1.0)
}

/// A solid ground below the strands.
fn cap(line: Hairline, height: f32, shade: f32) -> ShellSpec {
    tint(line, height, shade, 1.0)
}

/// The colour of hair over the skin, as strong as `most` says.
fn tint(line: Hairline, height: f32, shade: f32, most: f32) -> ShellSpec {
    let at = move |p: Vec3, _: Vec3| ShellPoint {
        height,
        shade,
        cover: ramp(-0.0015, 0.0075, line.depth(p)) * most,
        way: Vec3::NEG_Y,
    };
    ShellSpec { material: "strands", scale: 1.0, level: 1, at: Box::new(at) }
}

/// Layers of stubs of one length.
fn shaved(line: Hairline, length: f32, layers: usize, cover: f32) -> Vec<ShellSpec> {
    (0..layers)
        .map(|layer| {
            let t = (layer + 1) as f32 / layers as f32;
            let at = move |p: Vec3, _: Vec3| ShellPoint {
                height: 0.0005 + length * t,
                shade: 0.55 + 0.35 * t,
                cover: ramp(-0.001, 0.013, line.depth(p)) * cover * (1.0 - 0.35 * t),
                way: Vec3::NEG_Y,
            };
            ShellSpec { material: "stubble", scale: 14.0 + layer as f32 * 1.7, level: 1, at: Box::new(at) }
        })
        .collect()
}

/// Fluffy shells up to `height`.
fn fluff(line: Hairline, height: f32, layers: usize) -> Vec<ShellSpec> {
    (0..layers)
        .map(|layer| {
            let t = (layer + 1) as f32 / layers as f32;
            let at = move |p: Vec3, n: Vec3| {
                let depth = line.depth(p);
                let grown = ramp(0.0, 0.035, depth);
                let lump = 1.0 + 0.16 * crate::textures::noise::layered(p * 60.0, 2, 91);
                ShellPoint {
                    height: 0.001 + height * t * (0.35 + 0.65 * grown) * lump,
                    shade: 0.30 + 0.62 * t * t,
                    cover: ramp(0.0, 0.010, depth) * (1.0 - 0.55 * t * t),
                    way: n.cross(Vec3::X),
                }
            };
            ShellSpec { material: "curls", scale: 8.5 + layer as f32 * 0.6, level: 2, at: Box::new(at) }
        })
        .collect()
}

/// What most layers have in common.
fn layer<'a>(count: usize, width: f32, length: &'a (dyn Fn(&Root) -> f32 + Sync), seed: u64) -> Layer<'a> {
    Layer {
        count,
        segments: 7,
        width,
        strips: &[Strip::Dense, Strip::Dense2, Strip::Medium],
        height: [0.002, 0.004, 0.003],
        uneven: 0.3,
        length,
        cut: -1.0,
        stand: 0.25,
        stiff: 0.45,
        gravity: [0.25, 0.6],
        hold: 1.0,
        wave: [0.0, 0.1, 0.0],
        roll: 0.25,
        tousle: 0.12,
        shade: [0.68, 0.95],
        seed,
    }
}

/// Collects the layers of a style.
struct Grower<'a> {
    surface: &'a Surface<'a>,
    line: Hairline,
    out: Groomed,
}

impl Grower<'_> {
    /// Grows a layer inside the hairline, where `part` of the head says so.
    fn add(&mut self, layer: &Layer, comb: Comb, part: &dyn Fn(Vec3) -> bool) {
        let line = self.line;
        let depth = |p: Vec3, _: Vec3| if part(p) { line.depth(p) } else { -1.0 };
        let roots = roots(self.surface, layer.count, layer.seed, &depth);
        self.out.layers.push(grow(self.surface, &roots, layer, comb));
    }
}

fn everywhere(_: Vec3) -> bool {
    true
}

fn top(p: Vec3) -> bool {
    p.y > 0.055
}

fn groom(surface: &Surface, style: &str) -> Groomed {
    let mut line = Hairline::default();
    match style {
        "receding" | "receding_buzz" | "receding_slick" => {
            line = Hairline { corners: 0.030, middle: 0.008, ..line };
        }
        "horseshoe" => line = Hairline { corners: 0.05, middle: 0.05, crown: 0.062, ..line },
        _ => {}
    }
    let mut grower = Grower { surface, line, out: Groomed::default() };
    match style {
        "buzz" | "receding_buzz" => {
            grower.out.shells = shaved(line, 0.0022, 2, 0.9);
        }
        "short_curly" => short_curly(&mut grower),
        "short_straight" | "receding" => short_straight(&mut grower),
        "side_part" => side_part(&mut grower),
        "slick_back" | "receding_slick" => slick_back(&mut grower),
        "afro" => afro(&mut grower),
        "bob" => hanging(&mut grower, &Hanging { cut: -0.078, ..Hanging::default() }),
        "bob_fringe" => {
            hanging(&mut grower, &Hanging { cut: -0.070, part: 0.0, fringe: true, ..Hanging::default() });
        }
        "shoulder_straight" => hanging(&mut grower, &Hanging { cut: -0.145, ..Hanging::default() }),
        "shoulder_wavy" => hanging(
            &mut grower,
            &Hanging {
                cut: -0.135,
                wave: [0.0045, 0.11, 0.75],
                strips: &[Strip::Wavy, Strip::Dense],
                ..Hanging::default()
            },
        ),
        "long_straight" => hanging(&mut grower, &Hanging { cut: -0.215, part: 0.004, ..Hanging::default() }),
        "long_curly" => hanging(
            &mut grower,
            &Hanging {
                cut: -0.175,
                wave: [0.013, 0.080, 0.2],
                strips: &[Strip::Curly, Strip::Wavy],
                volume: 2.2,
                width: 0.026,
                ..Hanging::default()
            },
        ),
        "bun" => bun(&mut grower),
        "ponytail" => ponytail(&mut grower),
        "horseshoe" => {
            let length = |root: &Root| 0.012 + 0.012 * ramp(0.0, 0.02, root.depth);
            let comb = whorl(0.0);
            grower.out.shells.push(tint(line, 0.0008, 0.6, 0.85));
            grower.out.shells.extend(shaved(line, 0.0020, 1, 1.0));
            let strips = &[Strip::Medium, Strip::Sparse];
            let layer = Layer { height: [0.001, 0.002, 0.002], strips, segments: 4, ..layer(300, 0.007, &length, 1) };
            grower.add(&layer, &comb, &everywhere);
        }
        _ => {}
    }
    grower.out
}

fn short_straight(grower: &mut Grower) {
    let comb = whorl(0.7);
    grower.out.shells.push(cap(grower.line, 0.0010, 0.55));
    grower.out.shells.extend(shaved(grower.line, 0.0025, 1, 1.0));
    let short = |root: &Root| 0.022 + 0.018 * ramp(0.03, 0.085, root.place.y);
    grower.add(
        &Layer {
            height: [0.0015, 0.0045, 0.004],
            stand: 0.25,
            segments: 4,
            strips: &[Strip::Medium, Strip::Dense, Strip::Medium],
            ..layer(240, 0.008, &short, 11)
        },
        &comb,
        &|p| p.y > 0.028 + 0.02 * ramp(-0.08, -0.14, p.z),
    );
    let long = |root: &Root| 0.036 + 0.020 * ramp(0.0, 0.02, root.depth);
    grower.add(
        &Layer {
            height: [0.004, 0.010, 0.008],
            uneven: 0.4,
            stand: 0.45,
            tousle: 0.2,
            strips: &[Strip::Dense2, Strip::Medium, Strip::Sparse],
            gravity: [0.0, 0.35],
            hold: 0.7,
            roll: 0.45,
            segments: 5,
            shade: [0.72, 1.0],
            ..layer(330, 0.0075, &long, 12)
        },
        &comb,
        &top,
    );
}

fn side_part(grower: &mut Grower) {
    let comb = parted(0.034, 0.35);
    grower.out.shells.push(cap(grower.line, 0.0010, 0.55));
    grower.out.shells.extend(shaved(grower.line, 0.0025, 1, 1.0));
    let short = |root: &Root| 0.028 + 0.055 * ramp(0.035, 0.085, root.place.y);
    grower.add(
        &Layer {
            height: [0.0015, 0.004, 0.003],
            segments: 6,
            strips: &[Strip::Medium, Strip::Dense, Strip::Medium],
            ..layer(250, 0.0095, &short, 21)
        },
        &comb,
        &|p| p.y > -0.02,
    );
    let long = |root: &Root| 0.075 + 0.03 * ramp(0.02, -0.03, root.place.x);
    grower.add(
        &Layer {
            height: [0.004, 0.012, 0.007],
            stand: 0.45,
            strips: &[Strip::Dense2, Strip::Dense, Strip::Medium],
            gravity: [0.0, 0.35],
            ..layer(210, 0.0105, &long, 22)
        },
        &comb,
        &top,
    );
}

fn slick_back(grower: &mut Grower) {
    grower.out.shells.push(cap(grower.line, 0.0010, 0.45));
    let low = |root: &Root| 0.04 + 0.07 * ramp(0.02, 0.085, root.place.y);
    grower.add(
        &Layer { height: [0.0015, 0.003, 0.003], gravity: [0.1, 0.25], tousle: 0.05, ..layer(230, 0.0135, &low, 31) },
        &backward,
        &everywhere,
    );
    let long = |root: &Root| 0.11 + 0.03 * root.chance;
    grower.add(
        &Layer {
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

fn short_curly(grower: &mut Grower) {
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
            wave: [0.004, 0.022, 0.0],
            segments: 6,
            shade: [0.5, 1.0],
            ..layer(380, 0.016, &length, 41)
        },
        &comb,
        &everywhere,
    );
}

fn afro(grower: &mut Grower) {
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
            wave: [0.004, 0.02, 0.0],
            segments: 5,
            shade: [0.3, 0.95],
            ..layer(400, 0.022, &length, 51)
        },
        &out,
        &everywhere,
    );
}

/// Hair that hangs down from a parting.
struct Hanging {
    cut: f32,
    part: f32,
    wave: [f32; 3],
    strips: &'static [Strip],
    volume: f32,
    width: f32,
    fringe: bool,
}

impl Default for Hanging {
    fn default() -> Self {
        Self {
            cut: -0.1,
            part: 0.018,
            wave: [0.0015, 0.12, 0.8],
            strips: &[Strip::Dense, Strip::Dense2, Strip::Medium],
            volume: 1.0,
            width: 0.018,
            fringe: false,
        }
    }
}

fn hanging(grower: &mut Grower, style: &Hanging) {
    let comb = parted(style.part, 0.06);
    grower.out.shells.push(cap(grower.line, 0.0013, 0.6));
    let cut = style.cut;
    let length = move |root: &Root| (root.place.y - cut) * 1.15 + 0.09;
    let v = style.volume;
    let base = Layer {
        segments: 11,
        cut,
        strips: style.strips,
        wave: style.wave,
        hold: 0.9,
        gravity: [0.35, 1.6],
        roll: 0.2,
        tousle: 0.05,
        ..layer(122, style.width * 1.4, &length, 61)
    };
    grower.add(&Layer { height: [0.002, 0.006, 0.006], shade: [0.50, 0.74], ..base }, &comb, &everywhere);
    grower.add(
        &Layer {
            count: 180,
            width: style.width * 0.8,
            height: [0.004, 0.010 * v, 0.011 * v],
            shade: [0.66, 1.0],
            stand: 0.35,
            seed: 62,
            ..base
        },
        &comb,
        &everywhere,
    );
    grower.add(
        &Layer {
            count: 130,
            width: style.width * 0.55,
            height: [0.005, 0.0115 * v, 0.0125 * v],
            stand: 0.3,
            uneven: 0.25,
            tousle: 0.07,
            shade: [0.74, 1.0],
            seed: 63,
            ..base
        },
        &comb,
        &|p| p.y > 0.03,
    );
    // Short hair along the hairline, where the long one begins in gaps.
    let line = grower.line;
    grower.add(
        &Layer {
            count: 90,
            segments: 4,
            width: 0.010,
            strips: &[Strip::Medium, Strip::Dense, Strip::Medium],
            length: &|root: &Root| 0.035 + 0.02 * root.chance,
            height: [0.0015, 0.004, 0.004],
            gravity: [0.2, 0.5],
            wave: [0.0, 0.1, 0.0],
            shade: [0.6, 0.95],
            seed: 67,
            ..base
        },
        &comb,
        &|p| p.y > 0.02 && line.depth(p) < 0.009,
    );
    // Locks that fall over the hairline beside the parting, where the long hair on both sides would leave a notch.
    let part = style.part;
    let beside = move |p: Vec3, n: Vec3| {
        Vec3::new(1.3 * (p.x - part).signum(), -0.5, 0.2).reject_from(n).normalize_or(Vec3::NEG_Y)
    };
    grower.add(
        &Layer {
            count: 34,
            segments: 6,
            width: 0.009,
            strips: &[Strip::Medium, Strip::Dense, Strip::Medium],
            length: &|root: &Root| 0.030 + 0.012 * root.chance,
            height: [0.0015, 0.0045, 0.005],
            gravity: [0.1, 0.5],
            wave: [0.0, 0.1, 0.0],
            shade: [0.62, 0.95],
            seed: 66,
            ..base
        },
        &beside,
        &move |p| p.z > -0.02 && (p.x - part).abs() < 0.014 && line.depth(p) < 0.011,
    );
    if style.fringe {
        let ahead = |p: Vec3, n: Vec3| {
            let away = (p - CROWN).reject_from(n).normalize_or(Vec3::Z);
            away + Vec3::new(p.x * 6.0, 0.0, 0.3)
        };
        let fringe = |root: &Root| root.place.y - 0.018 + (-root.place.z).max(0.0) + 0.012;
        for (seed, height, shade) in
            [(64, [0.002, 0.006, 0.004], [0.58, 0.95]), (65, [0.004, 0.009, 0.006], [0.65, 1.0])]
        {
            grower.add(
                &Layer {
                    count: 42,
                    width: 0.013,
                    segments: 8,
                    cut: 0.018,
                    stand: 0.05,
                    length: &fringe,
                    height,
                    shade,
                    wave: [0.0, 0.1, 0.0],
                    gravity: [0.1, 0.6],
                    seed,
                    ..base
                },
                &ahead,
                &|p| p.y > 0.05 && p.z > -0.05 && p.x.abs() < 0.052,
            );
        }
    }
}

/// Hair pulled tight to one place at the back.
fn pulled(grower: &mut Grower, to: Vec3) {
    grower.out.shells.push(cap(grower.line, 0.0010, 0.5));
    let comb = move |p: Vec3, _: Vec3| (to - p).normalize_or(Vec3::NEG_Z);
    let length = move |root: &Root| (root.place.distance(to) * 1.18 - 0.006).max(0.012);
    for (seed, count, height, shade) in
        [(71, 175, [0.0015, 0.003, 0.003], [0.5, 0.75]), (72, 150, [0.003, 0.006, 0.005], [0.62, 1.0])]
    {
        grower.add(
            &Layer {
                segments: 7,
                height,
                shade,
                stand: 0.2,
                gravity: [0.0, 0.0],
                tousle: 0.05,
                strips: &[Strip::Dense, Strip::Dense2],
                ..layer(count, 0.016, &length, seed)
            },
            &comb,
            &everywhere,
        );
    }
}

/// A strand along a curve of the style's own, lit as a body about `middle`.
fn laid(curve: &dyn Fn(f32) -> Vec3, middle: &dyn Fn(f32) -> Vec3, segments: usize, like: &Strand) -> Strand {
    let points: Vec<Vec3> = (0..=segments).map(|k| curve(k as f32 / segments as f32)).collect();
    let normals =
        (0..=segments).map(|k| (points[k] - middle(k as f32 / segments as f32)).normalize_or(Vec3::NEG_Z)).collect();
    Strand { points, normals, ..like.clone() }
}

fn bun(grower: &mut Grower) {
    let knot = Vec3::new(0.0, 0.086, -0.154);
    pulled(grower, knot);
    let middle = knot + Vec3::new(0.0, 0.007, -0.012);
    let mut strands = Vec::new();
    for number in 0..64u32 {
        let t = number as f32 / 64.0;
        let golden = number as f32 * 2.399_963;
        // Loops round the axis that points out of the head, tilted each its own way.
        let axis = Vec3::new(0.55 * golden.cos(), 0.35 + 0.55 * golden.sin(), -1.0).normalize();
        let u = axis.any_orthonormal_vector();
        let w = axis.cross(u);
        let radius = 0.021 + 0.006 * ((number * 7 % 10) as f32 / 10.0);
        let offset = axis * (0.012 * (t * 2.0 - 1.0));
        let start = golden * 1.7;
        let curve = move |s: f32| {
            let angle = start + s * 3.6;
            middle + offset + (u * angle.cos() + w * angle.sin()) * radius
        };
        let shade = 0.62 + 0.38 * ((number * 13 % 17) as f32 / 17.0);
        let like = Strand {
            points: Vec::new(),
            normals: Vec::new(),
            half: 0.008,
            roll: 0.0,
            strip: if number % 2 == 0 { Strip::Dense } else { Strip::Dense2 },
            shade: [shade * 0.7, shade],
            cover: 1.0,
        };
        strands.push(laid(&curve, &|_| middle, 9, &like));
    }
    grower.out.layers.push(strands);
}

fn ponytail(grower: &mut Grower) {
    let knot = Vec3::new(0.0, 0.070, -0.160);
    pulled(grower, knot);
    let mut strands = Vec::new();
    for number in 0..90u32 {
        let golden = number as f32 * 2.399_963;
        let ring = ((number as f32 + 0.5) / 90.0).sqrt();
        let aside = Vec3::new(golden.cos(), golden.sin(), 0.0) * ring;
        let length = 0.22 + 0.05 * ((number * 11 % 13) as f32 / 13.0);
        let core = move |s: f32| {
            let out = 0.028 * ramp(0.0, 0.20, s) - 0.012 * ramp(0.3, 1.0, s);
            let up = 0.010 * ramp(0.0, 0.12, s) - length * (s - 0.08).max(0.0) * 1.05;
            knot + Vec3::new(0.0, up, -0.006 - out)
        };
        let curve = move |s: f32| {
            let wide = 0.009 + 0.016 * ramp(0.02, 0.4, s) - 0.011 * ramp(0.6, 1.0, s);
            let sway = 0.004 * (s * 7.0 + golden * 0.2).sin();
            core(s) + Vec3::new(aside.x * wide + sway, aside.y * wide * 0.3, aside.y * wide)
        };
        let shade = (0.45 + 0.55 * ring) * (0.8 + 0.3 * ((number * 7 % 11) as f32 / 11.0));
        let like = Strand {
            points: Vec::new(),
            normals: Vec::new(),
            half: 0.0085,
            roll: 0.0,
            strip: [Strip::Dense, Strip::Dense2, Strip::Medium][number as usize % 3],
            shade: [shade * 0.75, shade],
            cover: 1.0,
        };
        strands.push(laid(&curve, &core, 10, &like));
    }
    grower.out.layers.push(strands);
}
