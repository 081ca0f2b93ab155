//! Hair that is tied up.

use glam::Vec3;

use super::{Grower, ON_CAP, TAPER, cap, clear_of_ears, layer};
use crate::{
    appearance::{
        atlas::Strip,
        strands::{Layer, Root, Strand},
    },
    textures::noise::ramp,
};

/// Hair pulled tight to one place at the back.
fn pulled(grower: &mut Grower, to: Vec3) {
    grower.out.shells.push(cap(grower.line, 0.0010, 0.5));
    let comb = move |p: Vec3, _: Vec3| (to - p).normalize_or(Vec3::NEG_Z);
    let length = move |root: &Root| (root.place.distance(to) * 1.18 - 0.006).max(0.012);
    for (seed, count, height, shade) in
        [(71, 210, [0.0015, 0.003, 0.003], [0.5, 0.75]), (72, 240, [0.003, 0.006, 0.005], [0.62, 1.0])]
    {
        grower.add(
            &Layer {
                segments: 7,
                root: ON_CAP,
                height,
                shade,
                stand: 0.2,
                gravity: [0.0, 0.0],
                tousle: 0.05,
                strips: &[Strip::Dense, Strip::Dense2],
                ..layer(count, 0.0125, &length, seed)
            },
            &comb,
            &clear_of_ears,
        );
    }
}

/// A strand along a curve of the style's own, lit as a body about `middle`.
fn laid(curve: &dyn Fn(f32) -> Vec3, middle: &dyn Fn(f32) -> Vec3, segments: usize, like: &Strand) -> Strand {
    let points: Vec<Vec3> = (0..=segments).map(|k| curve(k as f32 / segments as f32)).collect();
    let normals =
        (0..=segments).map(|k| (points[k] - middle(k as f32 / segments as f32)).normalize_or(Vec3::NEG_Z)).collect();
    let along = (0..=segments).map(|k| k as f32 / segments as f32).collect();
    Strand { points, normals, along, ..like.clone() }
}

/// Pulled back into a knot.
pub(super) fn bun(grower: &mut Grower) {
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
            along: Vec::new(),
            swings: 0.0,
            half: 0.008,
            taper: TAPER,
            roll: 0.0,
            strip: if number % 2 == 0 { Strip::Dense } else { Strip::Dense2 },
            shade: [shade * 0.7, shade],
            cover: 1.0,
        };
        strands.push(laid(&curve, &|_| middle, 9, &like));
    }
    grower.out.layers.push(strands);
}

/// Pulled back, hanging from one place.
pub(super) fn ponytail(grower: &mut Grower) {
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
            along: Vec::new(),
            swings: 0.0,
            half: 0.0085,
            taper: TAPER,
            roll: 0.0,
            strip: [Strip::Dense, Strip::Dense2, Strip::Medium][number as usize % 3],
            shade: [shade * 0.75, shade],
            cover: 1.0,
        };
        strands.push(laid(&curve, &core, 10, &like));
    }
    grower.out.layers.push(strands);
}
