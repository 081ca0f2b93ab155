//! Seeded noise in space.

use glam::Vec3;

/// A well mixed number from a place on a grid.
pub fn hash(x: i32, y: i32, z: i32, seed: u32) -> u32 {
    let mut h = seed.wrapping_mul(0x9E37_79B9) ^ 0x85EB_CA6B;
    for value in [x, y, z] {
        h = (h ^ value as u32).wrapping_mul(0xCC9E_2D51);
        h ^= h >> 15;
        h = h.wrapping_mul(0x1B87_3593);
        h ^= h >> 13;
    }
    h ^= h >> 16;
    h = h.wrapping_mul(0x7FEB_352D);
    h ^ (h >> 15)
}

/// A number in 0..1 from a hash.
pub fn unit(hash: u32) -> f32 {
    (hash >> 8) as f32 / 16_777_216.0
}

/// Smooth noise, about -1..1, with features one unit apart (gradient noise, Perlin 2002).
pub fn noise(p: Vec3, seed: u32) -> f32 {
    let base = p.floor();
    let f = p - base;
    let s = f * f * f * (f * (f * 6.0 - 15.0) + 10.0);
    let (x, y, z) = (base.x as i32, base.y as i32, base.z as i32);
    let mut sum = 0.0;
    for corner in 0..8 {
        let (dx, dy, dz) = (corner & 1, (corner >> 1) & 1, corner >> 2);
        let h = hash(x + dx, y + dy, z + dz, seed);
        let side = |bit: u32| if h & bit == 0 { -1.0 } else { 1.0 };
        let gradient = Vec3::new(side(1), side(2), side(4));
        let offset = f - Vec3::new(dx as f32, dy as f32, dz as f32);
        let weight = |d: i32, s: f32| if d == 1 { s } else { 1.0 - s };
        sum += gradient.dot(offset) * weight(dx, s.x) * weight(dy, s.y) * weight(dz, s.z);
    }
    sum
}

/// Several octaves of [`noise`], about -1..1.
pub fn layered(p: Vec3, octaves: u32, seed: u32) -> f32 {
    let mut sum = 0.0;
    let mut size = 1.0;
    let mut total = 0.0;
    for octave in 0..octaves {
        sum += noise(p * (1 << octave) as f32, seed.wrapping_add(octave * 101)) * size;
        total += size;
        size *= 0.55;
    }
    sum / total * 1.4
}

/// The nearest of points strewn one a unit cell: its distance and its hash.
pub fn nearest_point(p: Vec3, seed: u32) -> (f32, u32) {
    let base = p.floor();
    let mut best = (f32::INFINITY, 0);
    for dz in -1..=1 {
        for dy in -1..=1 {
            for dx in -1..=1 {
                let cell = base + Vec3::new(dx as f32, dy as f32, dz as f32);
                let h = hash(cell.x as i32, cell.y as i32, cell.z as i32, seed);
                let point =
                    cell + Vec3::new(unit(h), unit(h.wrapping_mul(0x2545_F491)), unit(h.wrapping_mul(0x9E37_79B1)));
                let distance = point.distance(p);
                if distance < best.0 {
                    best = (distance, h.wrapping_mul(0xC2B2_AE35) ^ (h >> 7));
                }
            }
        }
    }
    best
}

/// 0 at `low`, 1 at `high`, smooth between and constant beyond; `low` may be the larger.
pub fn ramp(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_centred_and_bounded() {
        let values: Vec<f32> = (0..4000).map(|i| noise(Vec3::new(i as f32 * 0.37, i as f32 * 0.11, 0.5), 7)).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.05, "{mean}");
        assert!(values.iter().all(|v| v.abs() <= 1.5));
        assert!(values.iter().any(|v| *v > 0.4) && values.iter().any(|v| *v < -0.4));
    }

    #[test]
    fn ramps_both_ways() {
        assert_eq!((ramp(0.0, 1.0, 2.0), ramp(1.0, 0.0, 2.0)), (1.0, 0.0));
    }
}
