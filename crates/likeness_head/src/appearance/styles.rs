//! The hair styles.

mod hanging;
mod layered;
mod short;
mod tied;

use glam::{Vec2, Vec3};
use likeness_rig::{HeadMesh, MeshPart};

use super::{
    atlas::Strip,
    hairline::{Hairline, round},
    parts::{ShellPoint, Thinning, cards, extend_shell, thinned},
    strands::{Comb, IN_SKIN, Layer, Root, Strand, Wave, grow, roots},
    surface::Surface,
};
use crate::{finish::RenderPart, textures::noise::ramp};

/// The styles with captions; the first shows nothing.
pub const STYLES: [(&str, &str); 21] = [
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
    ("layered", "Short, layered"),
    ("pixie", "Pixie"),
];

/// Further levels of detail.
const LEVELS: [(&str, Thinning); 2] = [
    ("strands.lod1", Thinning { share: 0.85, pieces: 6, of_swing: 4.5 }),
    ("strands.lod2", Thinning { share: 0.55, pieces: 4, of_swing: 3.5 }),
];

/// Width of most bands at root and tip as a share: they end in points.
pub const TAPER: [f32; 2] = [0.7, 0.42];

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
        for (name, thinning) in &LEVELS {
            out.push(thinned(&groomed.layers, "strands", name, thinning));
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
        // A part of the strip that has no gaps; hairs run down, and over the top of the head to its sides.
        let (across, down) = ((p.z + 0.18) / 0.22, (0.13 - p.y + p.x.abs()) / 0.4);
        *uv = Strip::Dense.uv(0.40 + 0.2 * across.clamp(0.0, 1.0), 0.13 + 0.4 * down.clamp(0.0, 1.0));
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

/// Straight back, and down to the nape.
fn backward(p: Vec3, _: Vec3) -> Vec3 {
    let down = ramp(-0.085, -0.15, p.z);
    Vec3::new(0.25 * p.x.signum() * ramp(0.02, 0.06, p.x.abs()) * (1.0 - 1.6 * down), -0.05 - 2.5 * down, -1.0)
}

/// A solid ground below the strands.
fn cap(line: Hairline, height: f32, shade: f32) -> ShellSpec {
    tint(line, height, shade, 1.0)
}

/// The same with few triangles, for hair that hides all but the parting; strands begin at the height `ON_CAP`.
fn hidden_cap(line: Hairline, shade: f32) -> ShellSpec {
    ShellSpec { level: 2, ..cap(line, 0.0006, shade) }
}

/// Height over the skin of roots that lie on a cap, metres: in the skin, the cap would hide where strands begin.
const ON_CAP: f32 = 0.0022;

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
        taper: TAPER,
        root: IN_SKIN,
        height: [0.002, 0.004, 0.003],
        reach: 0.0,
        lift: &even,
        uneven: 0.3,
        length,
        cut: None,
        ragged: 0.0,
        turn_in: 0.0,
        stand: 0.25,
        stiff: 0.45,
        gravity: [0.25, 0.6],
        hold: 1.0,
        wave: Wave::NONE,
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

/// Heights over the skin as a layer tells them.
pub fn even(_: Vec3) -> f32 {
    1.0
}

/// Fine short hair along the hairline, so that it has no edge; where `part` of the head says so.
fn soften(grower: &mut Grower, comb: Comb, part: &dyn Fn(Vec3) -> bool) {
    let line = grower.line;
    let length = |root: &Root| 0.007 + 0.009 * root.chance;
    let fine = Layer {
        height: [0.0008, 0.0014, 0.0012],
        segments: 3,
        strips: &[Strip::Medium, Strip::Sparse],
        shade: [0.6, 0.85],
        ..layer(130, 0.0050, &length, 15)
    };
    grower.add(&fine, comb, &|p| line.depth(p) < 0.006 && part(p));
}

/// Everywhere but round the ears, where bands would stand off.
fn clear_of_ears(p: Vec3) -> bool {
    p.y > 0.034 || round(p) < 52.0 || round(p) > 116.0
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
        "short_curly" => short::short_curly(&mut grower),
        "short_straight" | "receding" => short::short_straight(&mut grower),
        "side_part" => short::side_part(&mut grower),
        "slick_back" | "receding_slick" => short::slick_back(&mut grower),
        "afro" => short::afro(&mut grower),
        "layered" => layered::layered(&mut grower),
        "pixie" => layered::pixie(&mut grower),
        "bun" => tied::bun(&mut grower),
        "ponytail" => tied::ponytail(&mut grower),
        "horseshoe" => {
            let length = |root: &Root| 0.012 + 0.012 * ramp(0.0, 0.02, root.depth);
            let comb = whorl(0.0);
            grower.out.shells.push(tint(line, 0.0008, 0.6, 0.85));
            grower.out.shells.extend(shaved(line, 0.0020, 1, 1.0));
            let strips = &[Strip::Medium, Strip::Sparse];
            let layer = Layer { height: [0.001, 0.002, 0.002], strips, segments: 4, ..layer(300, 0.007, &length, 1) };
            grower.add(&layer, &comb, &clear_of_ears);
        }
        _ => hanging::grow(&mut grower, style),
    }
    grower.out
}
