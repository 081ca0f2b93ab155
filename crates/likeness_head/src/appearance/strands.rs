//! Growing hair: each strand is walked from its root over the head, down and off it.

use glam::Vec3;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    atlas::Strip,
    hairline::round,
    surface::{Hit, Surface},
};
use crate::textures::noise::{noise, ramp};

/// Length of a step of the walk, metres.
const STEP: f32 = 0.004;
/// Height of roots that lie in the skin over it, metres.
pub const IN_SKIN: f32 = -0.0004;
/// Height (metres over the eyes) below which hair that meets a surface that faces up has come to the shoulders.
const ON_SHOULDERS: f32 = -0.09;
/// Height (metres over the eyes) below which hair that meets the skin has come to the back.
const ON_BACK: f32 = -0.165;
/// Roots that are tried for each one taken.
const CANDIDATES: usize = 10;
/// How far above the cut hair that hangs begins at least, metres.
const SHORTEST_HANGING: f32 = 0.015;
/// Size of swings that are seen from afar, metres.
const SEEN_FROM_AFAR: f32 = 0.006;
/// Locks that neighbours gather in, per metre.
const LOCKS: f32 = 32.0;
/// The top of the head, from which waves that neighbours share are measured.
const TOP: Vec3 = Vec3::new(0.0, 0.125, -0.075);
/// The middle of the neck, z in metres.
const NECK: f32 = -0.085;
/// How far the sides of a swing are lit from their side.
const LOCK_LIGHT: f32 = 0.55;
/// Share of a strand's pieces that is spent where it bends, and the least whole bend (radians) that takes it.
const FOR_BENDS: f32 = 0.6;
const LEAST_BEND: f32 = 0.8;

/// Where a strand begins.
#[derive(Clone, Copy, Debug)]
pub struct Root {
    /// The place on the skin.
    pub place: Vec3,
    /// The skin's direction there.
    pub normal: Vec3,
    /// How far inside the region that hair grows in, metres.
    pub depth: f32,
    /// The way round the head from the front, degrees, 0..180.
    pub round: f32,
    /// A number of its own, 0..1.
    pub chance: f32,
}

/// A strand: a band along a line.
#[derive(Clone, Debug)]
pub struct Strand {
    /// The line, root first, metres.
    pub points: Vec<Vec3>,
    /// Directions outward at the points.
    pub normals: Vec<Vec3>,
    /// Where along the strand its points lie, 0..1.
    pub along: Vec<f32>,
    /// How many whole swings it makes that are seen from afar.
    pub swings: f32,
    /// Half width of the band, metres.
    pub half: f32,
    /// Width at root and tip as a share.
    pub taper: [f32; 2],
    /// Turn of the band about its line, radians.
    pub roll: f32,
    /// What it shows.
    pub strip: Strip,
    /// Brightness at root and tip.
    pub shade: [f32; 2],
    /// Coverage.
    pub cover: f32,
}

/// How strands swing about their lines.
#[derive(Clone, Copy, Debug)]
pub struct Wave {
    /// How far hair swings to each side, metres; zero for straight hair.
    pub size: f32,
    /// Length of a whole swing, metres.
    pub length: f32,
    /// How far neighbours agree, 0..1.
    pub shared: f32,
    /// Length of hair from the root over which the swings grow, metres.
    pub grown: f32,
    /// How far hair swings outward as a share of the swing to the sides; coils have 1.
    pub outward: f32,
}

impl Wave {
    /// Straight hair.
    pub const NONE: Self = Self { size: 0.0, length: 0.1, shared: 0.0, grown: 0.05, outward: 0.8 };
}

/// A height (metres over the eyes) at each place.
pub type Cut<'a> = &'a (dyn Fn(Vec3) -> f32 + Sync);

/// How the strands of a layer run.
#[derive(Clone, Copy)]
pub struct Layer<'a> {
    /// Number of strands.
    pub count: usize,
    /// Pieces of a strand.
    pub segments: usize,
    /// Whole width of a band, metres.
    pub width: f32,
    /// What the bands show, in turn.
    pub strips: &'a [Strip],
    /// Width of a band at root and tip as a share.
    pub taper: [f32; 2],
    /// Height of the roots over the skin, metres: in it, or on a cap.
    pub root: f32,
    /// Height over the skin at root, middle and tip, metres.
    pub height: [f32; 3],
    /// Length of hair from the root to the last of these heights, metres; zero for the strand's own. With a length that all
    /// share, hair from further up lies over what begins below it, and neighbours make one smooth surface.
    pub reach: f32,
    /// What the heights are multiplied with at a place of the skin.
    pub lift: &'a (dyn Fn(Vec3) -> f32 + Sync),
    /// How far the height varies from strand to strand, as a share.
    pub uneven: f32,
    /// Length of the strand of a root, metres; nothing grows below 3 mm.
    pub length: &'a (dyn Fn(&Root) -> f32 + Sync),
    /// Height (metres over the eyes) at which hair that hangs is cut at a place; none for hair that does not hang.
    pub cut: Option<Cut<'a>>,
    /// How far the cut varies from strand to strand, metres.
    pub ragged: f32,
    /// How strongly the ends of hair that hangs turn in to the neck, 0..1.
    pub turn_in: f32,
    /// How strongly hair stands up from the skin at its root, 0..1.
    pub stand: f32,
    /// How much of the way it has gone a strand keeps to, a step, 0..1.
    pub stiff: f32,
    /// How strongly it is pulled down at root and tip; 1 is as strong as the combing.
    pub gravity: [f32; 2],
    /// How strongly hair keeps to the head, 0..1.
    pub hold: f32,
    /// Waves and curls.
    pub wave: Wave,
    /// How far the bands are turned about their lines, radians, at most.
    pub roll: f32,
    /// How far the direction of neighbours differs, 0..1.
    pub tousle: f32,
    /// Brightness at root and tip.
    pub shade: [f32; 2],
    /// The seed.
    pub seed: u64,
}

/// What combs hair: the direction at a place of the skin.
pub type Comb<'a> = &'a (dyn Fn(Vec3, Vec3) -> Vec3 + Sync);

/// Places for roots where `depth` is above zero, spread evenly; any first part of the list is spread evenly too.
pub fn roots(surface: &Surface, count: usize, seed: u64, depth: &dyn Fn(Vec3, Vec3) -> f32) -> Vec<Root> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let skin = surface.skin;
    let mut areas = Vec::new();
    let mut total = 0.0;
    for triangle in &skin.triangles {
        let outside = triangle.iter().all(|&v| surface.outside[v as usize] && !surface.ear[v as usize]);
        let [a, b, c] = triangle.map(|v| skin.positions[v as usize]);
        let middle = (a + b + c) / 3.0;
        let normal = (b - a).cross(c - a);
        if outside && depth(middle, normal.normalize_or(Vec3::Y)) > -0.004 {
            total += normal.length();
            areas.push((total, *triangle));
        }
    }
    let mut candidates = Vec::new();
    let mut tries = 0;
    while candidates.len() < count * CANDIDATES && tries < count * CANDIDATES * 8 && total > 0.0 {
        tries += 1;
        let at = rng.random_range(0.0..total);
        let triangle = areas[areas.partition_point(|entry| entry.0 < at).min(areas.len() - 1)].1;
        let (mut u, mut v): (f32, f32) = (rng.random(), rng.random());
        if u + v > 1.0 {
            (u, v) = (1.0 - u, 1.0 - v);
        }
        let weights = [1.0 - u - v, u, v];
        let mix = |of: &[Vec3]| -> Vec3 { triangle.iter().zip(weights).map(|(&v, w)| of[v as usize] * w).sum() };
        let (place, normal) = (mix(&skin.positions), mix(&skin.normals).normalize_or(Vec3::Y));
        let inside = depth(place, normal);
        let chance = rng.random();
        if inside > 0.0 {
            candidates.push(Root { place, normal, depth: inside, round: round(place), chance });
        }
    }
    farthest_first(candidates, count)
}

/// Sorts so that each place is the farthest from all before it.
fn farthest_first(candidates: Vec<Root>, count: usize) -> Vec<Root> {
    let mut away = vec![f32::INFINITY; candidates.len()];
    let mut chosen = Vec::with_capacity(count);
    let mut next = 0;
    while chosen.len() < count.min(candidates.len()) {
        let root = candidates[next];
        chosen.push(root);
        let mut farthest = (-1.0, 0);
        for (i, candidate) in candidates.iter().enumerate() {
            away[i] = away[i].min(candidate.place.distance_squared(root.place));
            if away[i] > farthest.0 {
                farthest = (away[i], i);
            }
        }
        next = farthest.1;
    }
    chosen
}

/// Grows a layer.
pub fn grow(surface: &Surface, roots: &[Root], layer: &Layer, comb: Comb) -> Vec<Strand> {
    use rayon::prelude::*;
    roots
        .par_iter()
        .enumerate()
        .filter_map(|(number, root)| {
            let mut rng = ChaCha8Rng::seed_from_u64(layer.seed.wrapping_mul(7919));
            rng.set_stream(number as u64);
            strand(surface, root, layer, comb, number, &mut rng)
        })
        .collect()
}

fn strand(
    surface: &Surface,
    root: &Root,
    layer: &Layer,
    comb: Comb,
    number: usize,
    rng: &mut ChaCha8Rng,
) -> Option<Strand> {
    let length = (layer.length)(root) * rng.random_range(0.88..1.08);
    if length < 0.003 {
        return None;
    }
    // Neighbours differ little, so that they make locks.
    let common = |seed: u32| noise(root.place * LOCKS, seed);
    let tall = 1.0 + layer.uneven * (0.5 * rng.random_range(-1.0..1.0f32) + 0.8 * common(layer.seed as u32));
    let steps = ((length / STEP).ceil() as usize).max(3);
    let step = length / steps as f32;
    let tousle = Vec3::from_array(std::array::from_fn(|axis| {
        0.5 * rng.random_range(-1.0..1.0f32) + 0.8 * common(401 + axis as u32)
    })) * layer.tousle;
    let hangs = layer.cut.is_some();
    // Hair that begins behind an ear would have to come out through it.
    if hangs && root.round > 84.0 && root.round < 112.0 && root.place.y < 0.026 {
        return None;
    }
    if layer.cut.is_some_and(|cut| root.place.y < cut(root.place) + SHORTEST_HANGING) {
        return None;
    }
    let combed = |hit: &Hit, p: Vec3, t: f32| {
        let gravity = layer.gravity[0] + (layer.gravity[1] - layer.gravity[0]) * t;
        // What hangs below the ears' tops is not combed any more.
        let kept = if hangs { ramp(0.0, 0.06, p.y) } else { 1.0 };
        let mut way = comb(hit.point, hit.normal).normalize_or(Vec3::NEG_Y) * kept + tousle - Vec3::Y * gravity;
        if hangs {
            let low = ramp(-0.045, -0.10, p.y) * ramp(-0.19, -0.15, p.y);
            // Hair before the ears falls before the shoulders, the rest behind them.
            let ahead = ((p.z + 0.078) / 0.02).clamp(-1.0, 1.0);
            // Not all at one place: that would be a rope.
            let front = -0.035 + 0.05 * (root.chance - 0.5);
            let room = if ahead > 0.0 { ramp(front, front - 0.03, p.z) } else { ramp(-0.14, -0.11, p.z) };
            way.z += 0.4 * ahead * low * room * ramp(0.03, 0.05, p.x.abs());
            way.x -= 0.25 * p.x.signum() * low * ramp(0.070, 0.090, p.x.abs());
            // What falls beside the face is drawn back from the cheek.
            let beside = ramp(-0.050, -0.008, p.z) * ramp(0.040, 0.055, p.x.abs());
            way.z -= 0.45 * beside * ramp(0.085, 0.045, p.y) * ramp(-0.09, -0.03, p.y);
            let inward = Vec3::new(-p.x, 0.0, NECK - p.z).normalize_or_zero();
            way += inward * layer.turn_in * ramp(-0.01, -0.06, p.y);
        }
        way.normalize_or(Vec3::NEG_Y)
    };
    let mut place = root.place + root.normal * layer.root;
    let start = Hit { point: root.place, normal: root.normal, height: 0.0, vertex: 0 };
    let along = combed(&start, root.place, 0.0).reject_from_normalized(root.normal).normalize_or(Vec3::NEG_Y);
    let mut way = (along * (1.0 - layer.stand) + root.normal * layer.stand).normalize_or(along);
    let mut line = vec![place];
    let mut outward = vec![root.normal];
    for k in 1..=steps {
        let t = k as f32 / steps as f32;
        let hit = surface.ground(place);
        let target = combed(&hit, place, t);
        // Near the skin, hair runs along it.
        let leaves = target.dot(hit.normal) > 0.0;
        let keeps = if leaves && hangs { ramp(-0.01, 0.04, place.y) } else { 1.0 };
        let near = ramp(0.03, 0.008, hit.height) * keeps;
        let target = target.lerp(target.reject_from_normalized(hit.normal), near).normalize_or(way);
        way = target.lerp(way, layer.stiff).normalize_or(target);
        let mut next = place + way * step;
        let hit = surface.ground(next);
        let h = layer.height;
        let gone = k as f32 * step;
        let (reached, risen) = if layer.reach > 0.0 {
            ((gone / layer.reach).min(1.0), ramp(0.0, 0.018, gone))
        } else {
            (t, ramp(0.0, 0.16, t))
        };
        let floor = if reached < 0.5 {
            h[0] + (h[1] - h[0]) * reached * 2.0
        } else {
            h[1] + (h[2] - h[1]) * (reached * 2.0 - 1.0)
        };
        let floor = tall * floor * risen * (layer.lift)(hit.point);
        let aside = next.x.abs() > 0.062 && next.z < -0.045;
        // The back slopes away from where it would hang.
        let on_back = next.y < ON_BACK && next.z < -0.10;
        let on_shoulder = next.y < ON_SHOULDERS && aside && hit.normal.y > 0.2;
        if hangs && (on_shoulder || on_back) && hit.height < floor * 1.5 {
            break;
        }
        if hit.height < floor {
            next += hit.normal * (floor - hit.height) * 0.7;
        } else {
            // Free of the head, hair hangs.
            let hold = layer.hold * ramp(-0.045, 0.005, next.y);
            next -= hit.normal * (hit.height - floor) * hold * 0.5;
        }
        way = (next - place).normalize_or(way);
        place = next;
        line.push(place);
        let cut = layer.cut.map(|cut| cut(place) + (root.chance - 0.5) * layer.ragged);
        if k > 2 && cut.is_some_and(|cut| place.y < cut) {
            outward.push(hit.normal);
            break;
        }
        // The lit surface is that of the whole mass of hair: the head's, and where hair hangs a column's.
        let column = Vec3::new(place.x, 0.0, place.z + 0.075).normalize_or(hit.normal);
        let hanging = ramp(0.0, -0.05, place.y) * ramp(0.012, 0.035, hit.height).max(ramp(-0.06, -0.10, place.y));
        outward.push(hit.normal.lerp(column, hanging).normalize_or(hit.normal));
    }
    if hangs {
        for (k, p) in line.iter_mut().enumerate() {
            let grown = ramp(0.0, 0.03, k as f32 * step);
            let rises = |way: Vec3| (over_ear(*p + way) - over_ear(*p - way)) / (2.0 * STEP) * grown;
            outward[k] = (outward[k] - Vec3::new(0.0, rises(Vec3::Y * STEP), rises(Vec3::Z * STEP))).normalize();
            p.x += p.x.signum() * over_ear(*p) * grown;
        }
    }
    smooth(&mut line, if hangs { 6 } else { 3 });
    smooth(&mut outward, 3);
    let phase = {
        let own: f32 = rng.random();
        let shared = 0.5 + 0.3 * common(19) + 1.1 * root.place.distance(TOP) / layer.wave.length;
        own + (shared - own) * layer.wave.shared
    };
    let curl: f32 = 1.0 + rng.random_range(-0.15..0.15) * (1.0 - layer.wave.shared);
    wave(&mut line, &mut outward, &layer.wave, phase, curl, step);
    let (points, normals, along) = resample(&line, &outward, layer.segments);
    let lightness = 1.0 + 0.12 * common(23) + 0.10 * (root.chance - 0.5);
    Some(Strand {
        points,
        normals,
        along,
        swings: if layer.wave.size > SEEN_FROM_AFAR { (line.len() - 1) as f32 * step / layer.wave.length } else { 0.0 },
        half: layer.width * 0.5 * rng.random_range(0.8..1.2),
        taper: layer.taper,
        roll: layer.roll * rng.random_range(-1.0..1.0f32),
        strip: layer.strips[number % layer.strips.len().max(1)],
        shade: layer.shade.map(|shade| shade * lightness),
        cover: 1.0,
    })
}

/// How far hair that hangs must stand out at a place to pass over the ear, which is left out of the head that hair is walked
/// over; metres.
fn over_ear(p: Vec3) -> f32 {
    const EAR: Vec3 = Vec3::new(0.0, -0.012, -0.087);
    const WIDE: f32 = 0.0185;
    let from = (p - EAR) / Vec3::new(1.0, 0.058, 0.036);
    WIDE * (-(from.y * from.y + from.z * from.z)).exp() * ramp(0.05, 0.066, p.x.abs()) * ramp(0.118, 0.078, p.x.abs())
}

/// Swings the line to its sides and outward; what swings outward is lit as a lock of its own.
fn wave(line: &mut [Vec3], outward: &mut [Vec3], wave: &Wave, phase: f32, curl: f32, step: f32) {
    if wave.size <= 0.0 {
        return;
    }
    let still = line.to_vec();
    for k in 1..line.len() {
        let way = (still[(k + 1).min(still.len() - 1)] - still[k - 1]).normalize_or(Vec3::NEG_Y);
        let side = way.cross(outward[k]).normalize_or(Vec3::X);
        let gone = k as f32 * step;
        let angle = (gone / (wave.length * curl) + phase) * std::f32::consts::TAU;
        let grown = ramp(0.0, wave.grown, gone);
        let (sideways, out) = (angle.sin(), angle.cos());
        line[k] += (side * sideways + outward[k] * (0.5 + 0.5 * out) * wave.outward) * wave.size * grown;
        outward[k] = (outward[k] + side * sideways * LOCK_LIGHT * wave.outward * grown).normalize_or(outward[k]);
    }
}

/// Takes out the corners that the walk leaves where hair meets the head or comes off it; roots and tips stay.
fn smooth(line: &mut [Vec3], times: usize) {
    for _ in 0..times {
        let mut before = line[0];
        for k in 1..line.len() - 1 {
            let middle = (before + line[k + 1]) * 0.5;
            before = line[k];
            line[k] = line[k].lerp(middle, 0.5);
        }
    }
}

/// `segments` pieces of the line, shorter where it bends: points, directions outward, and where along the line each lies, 0..1.
fn resample(line: &[Vec3], outward: &[Vec3], segments: usize) -> (Vec<Vec3>, Vec<Vec3>, Vec<f32>) {
    let pieces = line.len() - 1;
    let way = |k: usize| (line[k + 1] - line[k]).normalize_or(Vec3::NEG_Y);
    let bends: Vec<f32> = (0..pieces)
        .map(|k| {
            let before = if k > 0 { way(k - 1).angle_between(way(k)) } else { 0.0 };
            let after = if k + 1 < pieces { way(k).angle_between(way(k + 1)) } else { 0.0 };
            before + after
        })
        .collect();
    let total = bends.iter().sum::<f32>().max(LEAST_BEND);
    let mut spent = vec![0.0];
    for (k, bend) in bends.iter().enumerate() {
        spent.push(spent[k] + (1.0 - FOR_BENDS) / pieces as f32 + FOR_BENDS * bend / total);
    }
    let end = spent[pieces];
    let mut points = Vec::with_capacity(segments + 1);
    let mut normals = Vec::with_capacity(segments + 1);
    let mut along = Vec::with_capacity(segments + 1);
    for number in 0..=segments {
        let want = end * number as f32 / segments as f32;
        let k = spent.partition_point(|&x| x < want).clamp(1, pieces) - 1;
        let t = ((want - spent[k]) / (spent[k + 1] - spent[k])).clamp(0.0, 1.0);
        points.push(line[k].lerp(line[k + 1], t));
        normals.push(outward[k].lerp(outward[k + 1], t).normalize_or(Vec3::Y));
        along.push((k as f32 + t) / pieces as f32);
    }
    (points, normals, along)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_from_far_apart() {
        let root = |x: f32| Root { place: Vec3::X * x, normal: Vec3::Y, depth: 0.01, round: 0.0, chance: 0.5 };
        let chosen = farthest_first((0..=10).map(|k| root(k as f32)).collect(), 3);
        let places: Vec<f32> = chosen.iter().map(|root| root.place.x).collect();
        assert_eq!(places, [0.0, 10.0, 5.0]);
    }

    #[test]
    fn bends_get_more_pieces() {
        let corner = |k: usize| if k < 10 { Vec3::X * k as f32 } else { Vec3::new(10.0, 10.0 - k as f32, 0.0) };
        let line: Vec<Vec3> = (0..=20).map(corner).collect();
        let (points, normals, along) = resample(&line, &[Vec3::Z; 21], 6);
        assert_eq!((points[0], points[6]), (line[0], line[20]));
        assert!(along.is_sorted() && (along[0], along[6]) == (0.0, 1.0));
        assert!(normals.iter().all(|n| n.distance(Vec3::Z) < 1e-6));
        let near = points.iter().filter(|p| p.distance(line[10]) < 2.0).count();
        assert!(near >= 3, "{points:?}");
    }

    #[test]
    fn hair_stands_out_at_the_ears_alone() {
        assert!(over_ear(Vec3::new(0.072, -0.012, -0.087)) > 0.015);
        assert!(over_ear(Vec3::new(-0.072, -0.012, -0.087)) > 0.015);
        assert!(over_ear(Vec3::new(0.0, 0.1, 0.0)) < 1e-4);
    }
}
