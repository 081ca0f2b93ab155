//! Carrying what is known at vertices into a texture.

use glam::{Vec2, Vec3};

/// What is known of one texel of a part.
#[derive(Clone, Copy, Debug)]
pub struct Texel {
    /// Place on the mesh, millimetres.
    pub point: Vec3,
    /// The mesh's normal.
    pub normal: Vec3,
    /// How much of the sky the place sees, 0..1.
    pub open: f32,
}

/// A part seen as a texture.
pub struct Bake {
    /// Texels a side.
    pub size: usize,
    /// The texels row by row; none where the texture is not used.
    pub texels: Vec<Option<Texel>>,
    /// For every texel the used one whose colour it takes: its own, or a near one's; `u32::MAX` far from all.
    pub nearest: Vec<u32>,
}

/// Width of the margin round the used places, texels of a texture of 1024.
const MARGIN: usize = 6;

/// Rasterises a part's triangles into its texture.
pub fn bake(
    size: usize,
    points: &[Vec3],
    normals: &[Vec3],
    uvs: &[Vec2],
    open: &[f32],
    triangles: &[[u32; 3]],
) -> Bake {
    let mut texels: Vec<Option<Texel>> = vec![None; size * size];
    for triangle in triangles {
        let corners = triangle.map(|v| uvs[v as usize] * size as f32);
        triangle_cover(corners, size, |place, weights| {
            let mut texel = Texel { point: Vec3::ZERO, normal: Vec3::ZERO, open: 0.0 };
            for (&v, w) in triangle.iter().zip(weights) {
                texel.point += points[v as usize] * w;
                texel.normal += normals[v as usize] * w;
                texel.open += open[v as usize] * w;
            }
            texel.normal = texel.normal.normalize_or_zero();
            texels[place] = Some(texel);
        });
    }
    let nearest = spread(size, &texels);
    Bake { size, texels, nearest }
}

/// Calls `put` with each texel whose centre lies in the triangle, and the weights of the corners there.
fn triangle_cover([a, b, c]: [Vec2; 3], size: usize, mut put: impl FnMut(usize, [f32; 3])) {
    let area = (b - a).perp_dot(c - a);
    if area == 0.0 || !area.is_finite() {
        return;
    }
    let limit = |x: f32| x.clamp(0.0, size as f32 - 1.0) as usize;
    let low = a.min(b).min(c);
    let high = a.max(b).max(c);
    for y in limit(low.y.floor())..=limit(high.y.ceil()) {
        for x in limit(low.x.floor())..=limit(high.x.ceil()) {
            let p = Vec2::new(x as f32 + 0.5, y as f32 + 0.5);
            let weights = [(c - b).perp_dot(p - b), (a - c).perp_dot(p - c), (b - a).perp_dot(p - a)].map(|w| w / area);
            if weights.iter().all(|w| *w >= -1e-4) {
                put(y * size + x, weights);
            }
        }
    }
}

fn spread(size: usize, texels: &[Option<Texel>]) -> Vec<u32> {
    let mut nearest: Vec<u32> =
        texels.iter().enumerate().map(|(i, texel)| if texel.is_some() { i as u32 } else { u32::MAX }).collect();
    let mut front: Vec<u32> = nearest.iter().copied().filter(|&i| i != u32::MAX).collect();
    for _ in 0..(MARGIN * size).div_ceil(1024).max(2) {
        let mut next = Vec::new();
        for &place in &front {
            let (x, y) = (place as usize % size, place as usize / size);
            let source = nearest[place as usize];
            let mut visit = |x: usize, y: usize| {
                let other = y * size + x;
                if x < size && y < size && nearest[other] == u32::MAX {
                    nearest[other] = source;
                    next.push(other as u32);
                }
            };
            visit(x + 1, y);
            visit(x.wrapping_sub(1).min(size), y);
            if y + 1 < size {
                visit(x, y + 1);
            }
            if y > 0 {
                visit(x, y - 1);
            }
        }
        front = next;
    }
    nearest
}

impl Bake {
    /// A picture whose texels come from `paint`, continued beyond the used places; `empty` where nothing is near.
    pub fn paint<T: Copy + Send + Sync>(&self, empty: T, paint: impl Fn(usize, &Texel) -> T + Sync) -> Vec<T> {
        use rayon::prelude::*;
        let painted: Vec<T> = self
            .texels
            .par_iter()
            .enumerate()
            .map(|(place, texel)| texel.as_ref().map_or(empty, |texel| paint(place, texel)))
            .collect();
        self.continued(&painted, empty)
    }

    /// The picture continued beyond the used places.
    pub fn continued<T: Copy>(&self, painted: &[T], empty: T) -> Vec<T> {
        self.nearest.iter().map(|&source| painted.get(source as usize).copied().unwrap_or(empty)).collect()
    }

    /// The middle of a texel, texture coordinates (v down).
    pub fn uv(&self, place: usize) -> Vec2 {
        Vec2::new((place % self.size) as f32 + 0.5, (place / self.size) as f32 + 0.5) / self.size as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triangle_is_carried_and_continued() {
        let points = [Vec3::ZERO, Vec3::X, Vec3::Y];
        let uvs = [Vec2::new(0.25, 0.25), Vec2::new(0.75, 0.25), Vec2::new(0.25, 0.75)];
        let baked = bake(64, &points, &[Vec3::Z; 3], &uvs, &[1.0; 3], &[[0, 1, 2]]);
        let inside = baked.texels[20 * 64 + 20].unwrap_or_else(|| panic!("not covered"));
        assert!((inside.point - Vec3::new(0.14, 0.14, 0.0)).length() < 0.02, "{}", inside.point);
        assert!(baked.texels[5 * 64 + 5].is_none());
        assert_eq!(baked.nearest[15 * 64 + 20], 16 * 64 + 20);
        assert_eq!(baked.nearest[0], u32::MAX);
    }
}
