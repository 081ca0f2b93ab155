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
/// How deep roots lie below the skin, metres.
const ROOT_DEPTH: f32 = 0.0004;
/// Height (metres over the eyes) below which hair that meets a surface that faces up has come to the shoulders.
const ON_SHOULDERS: f32 = -0.09;
/// Roots that are tried for each one taken.
const CANDIDATES: usize = 10;

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
    /// Half width of the band, metres.
    pub half: f32,
    /// Turn of the band about its line, radians.
    pub roll: f32,
    /// What it shows.
    pub strip: Strip,
    /// Brightness at root and tip.
    pub shade: [f32; 2],
    /// Coverage.
    pub cover: f32,
}

/// How the strands of a layer run.
pub struct Layer<'a> {
    /// Number of strands.
    pub count: usize,
    /// Pieces of a strand.
    pub segments: usize,
    /// Whole width of a band, metres.
    pub width: f32,
    /// What the bands show, in turn.
    pub strips: &'a [Strip],
    /// Height over the skin at root, middle and tip, metres.
    pub height: [f32; 3],
    /// How far the height varies from strand to strand, as a share.
    pub uneven: f32,
    /// Length of the strand of a root, metres; nothing grows below 3 mm.
    pub length: &'a (dyn Fn(&Root) -> f32 + Sync),
    /// Height (metres over the eyes) at which hair that hangs is cut.
    pub cut: f32,
    /// How strongly hair stands up from the skin at its root, 0..1.
    pub stand: f32,
    /// How much of the way it has gone a strand keeps to, a step, 0..1.
    pub stiff: f32,
    /// How strongly it is pulled down at root and tip; 1 is as strong as the combing.
    pub gravity: [f32; 2],
    /// How strongly hair keeps to the head, 0..1.
    pub hold: f32,
    /// Sideways waves: size in metres, length in metres, and how far neighbours agree, 0..1.
    pub wave: [f32; 3],
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
    let tall = 1.0 + layer.uneven * rng.random_range(-1.0..1.0f32);
    let steps = ((length / STEP).ceil() as usize).max(3);
    let step = length / steps as f32;
    let tousle = Vec3::from_array(std::array::from_fn(|_| rng.random_range(-1.0..1.0))) * layer.tousle;
    let hangs = layer.cut > -0.5;
    // Hair that begins behind an ear would have to come out through it.
    if hangs && root.round > 84.0 && root.round < 112.0 && root.place.y < 0.026 {
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
            let room = if ahead > 0.0 { ramp(-0.035, -0.065, p.z) } else { ramp(-0.14, -0.11, p.z) };
            way.z += 0.4 * ahead * low * room * ramp(0.03, 0.05, p.x.abs());
            way.x -= 0.25 * p.x.signum() * low * ramp(0.070, 0.090, p.x.abs());
        }
        way.normalize_or(Vec3::NEG_Y)
    };
    let mut place = root.place - root.normal * ROOT_DEPTH;
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
        let floor =
            tall * if t < 0.5 { h[0] + (h[1] - h[0]) * t * 2.0 } else { h[1] + (h[2] - h[1]) * (t * 2.0 - 1.0) };
        let floor = floor * ramp(0.0, 0.16, t);
        let aside = next.x.abs() > 0.062 && next.z < -0.045;
        if hangs && next.y < ON_SHOULDERS && aside && hit.normal.y > 0.2 && hit.height < floor * 1.5 {
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
        if place.y < layer.cut + (root.chance - 0.5) * 0.022 && k > 2 {
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
            p.x += p.x.signum() * over_ear(*p) * ramp(0.0, 0.03, k as f32 * step);
        }
    }
    let phase = {
        let own: f32 = rng.random();
        let shared = 0.5 + 0.9 * noise(root.place * 26.0, 19);
        own + (shared - own) * layer.wave[2]
    };
    let curl: f32 = rng.random_range(0.85..1.15);
    wave(&mut line, &outward, layer.wave, phase, curl, step);
    smooth(&mut line);
    let (points, normals) = resample(&line, &outward, layer.segments);
    Some(Strand {
        points,
        normals,
        half: layer.width * 0.5 * rng.random_range(0.8..1.2),
        roll: layer.roll * rng.random_range(-1.0..1.0f32),
        strip: layer.strips[number % layer.strips.len().max(1)],
        shade: layer.shade.map(|shade| shade * (0.84 + 0.32 * root.chance)),
        cover: 1.0,
    })
}

/// How far hair that hangs must stand out at a place to pass over the ear, which is left out of the head that hair is walked
/// over; metres.
fn over_ear(p: Vec3) -> f32 {
    const EAR: Vec3 = Vec3::new(0.0, -0.012, -0.087);
    const WIDE: f32 = 0.020;
    let from = (p - EAR) / Vec3::new(1.0, 0.046, 0.034);
    WIDE * (-(from.y * from.y + from.z * from.z)).exp() * ramp(0.05, 0.066, p.x.abs()) * ramp(0.100, 0.080, p.x.abs())
}

/// Swings the line to its sides, and a little in and out.
fn wave(line: &mut [Vec3], outward: &[Vec3], [size, period, _]: [f32; 3], phase: f32, curl: f32, step: f32) {
    if size <= 0.0 {
        return;
    }
    let still = line.to_vec();
    for k in 1..line.len() {
        let way = (still[(k + 1).min(still.len() - 1)] - still[k - 1]).normalize_or(Vec3::NEG_Y);
        let side = way.cross(outward[k]).normalize_or(Vec3::X);
        let angle = (k as f32 * step / (period * curl) + phase) * std::f32::consts::TAU;
        let grown = ramp(0.0, 0.05, k as f32 * step);
        line[k] += (side * angle.sin() + outward[k] * (0.5 + 0.5 * angle.cos()) * 0.8) * size * grown;
    }
}

/// Takes out the corners that the walk leaves where hair meets the head or comes off it; roots and tips stay.
fn smooth(line: &mut [Vec3]) {
    for _ in 0..3 {
        let mut before = line[0];
        for k in 1..line.len() - 1 {
            let middle = (before + line[k + 1]) * 0.5;
            before = line[k];
            line[k] = line[k].lerp(middle, 0.5);
        }
    }
}

/// Where along a strand its point `k` of `count` pieces lies, 0..1: they are denser near the root, where the head is round
/// and hair lies close to it.
pub fn along(k: usize, count: usize) -> f32 {
    (k as f32 / count as f32).powf(1.2)
}

/// `segments` pieces of the line.
fn resample(line: &[Vec3], outward: &[Vec3], segments: usize) -> (Vec<Vec3>, Vec<Vec3>) {
    let last = (line.len() - 1) as f32;
    (0..=segments)
        .map(|k| {
            let x = last * along(k, segments);
            let i = (x as usize).min(line.len() - 2);
            let t = x - i as f32;
            let normal = outward[i].lerp(outward[i + 1], t).normalize_or(Vec3::Y);
            (line[i].lerp(line[i + 1], t), normal)
        })
        .unzip()
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
    fn hair_stands_out_at_the_ears_alone() {
        assert!(over_ear(Vec3::new(0.072, -0.012, -0.087)) > 0.015);
        assert!(over_ear(Vec3::new(-0.072, -0.012, -0.087)) > 0.015);
        assert!(over_ear(Vec3::new(0.0, 0.1, 0.0)) < 1e-4);
    }
}
