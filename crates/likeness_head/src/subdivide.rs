//! One step of Catmull-Clark subdivision (Catmull & Clark 1978) on quads with boundaries, as a table of stencils, so
//! that positions, weights and expression moves are all carried over by the same sums.

use std::collections::BTreeMap;

use glam::Vec2;

/// A mesh of quads with texture coordinates by corner.
#[derive(Clone, Debug, Default)]
pub struct QuadMesh {
    /// How many vertices there are.
    pub vertex_count: usize,
    /// Corners as vertices, counter-clockwise.
    pub quads: Vec<[u32; 4]>,
    /// Corners as indices into `uvs`.
    pub quad_uvs: Vec<[u32; 4]>,
    /// Texture coordinates.
    pub uvs: Vec<Vec2>,
}

/// Where each new vertex comes from: weights over the old vertices that sum to one.
pub type Stencils = Vec<Vec<(u32, f32)>>;

/// Subdivides once. The first vertices of the new mesh are the old ones, moved; then come the edges' and the faces'.
pub fn subdivide(mesh: &QuadMesh) -> (QuadMesh, Stencils) {
    let n = mesh.vertex_count;
    let mut edges: BTreeMap<(u32, u32), (u32, Vec<u32>)> = BTreeMap::new();
    for (face, quad) in mesh.quads.iter().enumerate() {
        for k in 0..4 {
            let key = sorted(quad[k], quad[(k + 1) % 4]);
            edges.entry(key).or_default().1.push(face as u32);
        }
    }
    for (place, (_, edge)) in edges.iter_mut().enumerate() {
        edge.0 = (n + place) as u32;
    }
    let face_start = n + edges.len();
    let mut sums: Vec<BTreeMap<u32, f32>> = vec![BTreeMap::new(); face_start + mesh.quads.len()];
    let mut put = |row: usize, column: u32, amount: f32| *sums[row].entry(column).or_insert(0.0) += amount;

    for (face, quad) in mesh.quads.iter().enumerate() {
        for &corner in quad {
            put(face_start + face, corner, 0.25);
        }
    }
    let mut around: Vec<(Vec<u32>, Vec<u32>, Vec<u32>)> = vec![Default::default(); n];
    for (face, quad) in mesh.quads.iter().enumerate() {
        for &corner in quad {
            around[corner as usize].0.push(face as u32);
        }
    }
    for (&(a, b), (vertex, faces)) in &edges {
        let row = *vertex as usize;
        if faces.len() == 2 {
            put(row, a, 0.25);
            put(row, b, 0.25);
            for &face in faces {
                for &corner in &mesh.quads[face as usize] {
                    put(row, corner, 0.0625);
                }
            }
        } else {
            put(row, a, 0.5);
            put(row, b, 0.5);
        }
        for (from, to) in [(a, b), (b, a)] {
            around[from as usize].1.push(to);
            if faces.len() != 2 {
                around[from as usize].2.push(to);
            }
        }
    }
    for (vertex, (faces, neighbours, rim)) in around.iter().enumerate() {
        if rim.len() == 2 {
            put(vertex, vertex as u32, 0.75);
            for &other in rim {
                put(vertex, other, 0.125);
            }
        } else if rim.is_empty() && !faces.is_empty() {
            // (face mean + 2 edge-midpoint mean + (k - 3) vertex) / k
            let k = neighbours.len() as f32;
            for &face in faces {
                for &corner in &mesh.quads[face as usize] {
                    put(vertex, corner, 0.25 / (faces.len() as f32 * k));
                }
            }
            for &other in neighbours {
                put(vertex, other, 1.0 / (k * k));
                put(vertex, vertex as u32, 1.0 / (k * k));
            }
            put(vertex, vertex as u32, (k - 3.0) / k);
        } else {
            put(vertex, vertex as u32, 1.0);
        }
    }

    let mut uvs = mesh.uvs.clone();
    let mut edge_uvs: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut quads = Vec::with_capacity(mesh.quads.len() * 4);
    let mut quad_uvs = Vec::with_capacity(mesh.quads.len() * 4);
    for (face, (quad, corners)) in mesh.quads.iter().zip(&mesh.quad_uvs).enumerate() {
        let centre = (face_start + face) as u32;
        let centre_uv = uvs.len() as u32;
        let mean = corners.iter().fold(Vec2::ZERO, |sum, &uv| sum + mesh.uvs[uv as usize]) / 4.0;
        uvs.push(mean);
        let mut edge = [0u32; 4];
        let mut edge_uv = [0u32; 4];
        for k in 0..4 {
            let next = (k + 1) % 4;
            edge[k] = edges[&sorted(quad[k], quad[next])].0;
            edge_uv[k] = *edge_uvs.entry(sorted(corners[k], corners[next])).or_insert_with(|| {
                uvs.push((mesh.uvs[corners[k] as usize] + mesh.uvs[corners[next] as usize]) / 2.0);
                (uvs.len() - 1) as u32
            });
        }
        for k in 0..4 {
            let last = (k + 3) % 4;
            quads.push([quad[k], edge[k], centre, edge[last]]);
            quad_uvs.push([corners[k], edge_uv[k], centre_uv, edge_uv[last]]);
        }
    }
    let stencils: Stencils = sums.into_iter().map(|row| row.into_iter().collect()).collect();
    let mesh = QuadMesh { vertex_count: stencils.len(), quads, quad_uvs, uvs };
    (mesh, stencils)
}

fn sorted(a: u32, b: u32) -> (u32, u32) {
    (a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stencils_sum_to_one_and_a_grid_stays_flat() {
        let mut mesh = QuadMesh { vertex_count: 16, ..Default::default() };
        for y in 0..3u32 {
            for x in 0..3u32 {
                let a = y * 4 + x;
                mesh.quads.push([a, a + 1, a + 5, a + 4]);
            }
        }
        mesh.uvs = (0..16).map(|i| Vec2::new((i % 4) as f32, (i / 4) as f32)).collect();
        mesh.quad_uvs = mesh.quads.clone();
        let (fine, stencils) = subdivide(&mesh);
        assert_eq!(fine.quads.len(), 36);
        assert_eq!(fine.vertex_count, 49);
        for row in &stencils {
            let sum: f32 = row.iter().map(|term| term.1).sum();
            assert!((sum - 1.0).abs() < 1e-5);
        }
        let inner: f32 = stencils[5].iter().map(|&(v, w)| (v % 4) as f32 * w).sum();
        assert!((inner - 1.0).abs() < 1e-5, "an inner vertex of a regular grid does not move");
    }
}
