//! The places on the face that the painting goes by, millimetres.

use std::collections::{BTreeMap, BTreeSet};

use glam::Vec3;
use likeness_rig::{LandmarkSet, MeshPart};

use super::layout::{Piece, piece};

/// The places.
pub struct Face {
    /// The 68 iBUG landmarks.
    pub landmarks: Vec<Vec3>,
    /// Edges where the lids meet the sockets, behind the lids' margins.
    pub lid_rim: Vec<[Vec3; 2]>,
    /// Edges along the visible margins of the upper and the lower lids.
    pub lid_margin: [Vec<[Vec3; 2]>; 2],
    /// Edges where the lips meet the inside of the mouth.
    pub mouth_rim: Vec<[Vec3; 2]>,
}

impl Face {
    /// Finds the places on the skin; its vertices given in millimetres.
    pub fn new(skin: &MeshPart, points: &[Vec3], landmarks: &LandmarkSet) -> Self {
        let landmarks: Vec<Vec3> = landmarks
            .points
            .iter()
            .map(|landmark| landmark.triangle.iter().zip(landmark.weights).map(|(&v, w)| points[v as usize] * w).sum())
            .collect();
        let key = |v: u32| points[v as usize].to_array().map(f32::to_bits);
        let mut pieces: BTreeMap<[u32; 3], [bool; 3]> = BTreeMap::new();
        for v in 0..points.len() as u32 {
            let seen = pieces.entry(key(v)).or_default();
            match piece(skin.uvs[v as usize]) {
                Piece::Head => seen[0] = true,
                Piece::Socket => seen[1] = true,
                Piece::Mouth => seen[2] = true,
                Piece::Neck => {}
            }
        }
        let rim = |which: usize| -> Vec<[Vec3; 2]> {
            let on = |v: u32| pieces.get(&key(v)).is_some_and(|seen| seen[0] && seen[which]);
            let mut edges = BTreeSet::new();
            for triangle in &skin.triangles {
                for k in 0..3 {
                    let (a, b) = (triangle[k], triangle[(k + 1) % 3]);
                    if on(a) && on(b) {
                        edges.insert((key(a).min(key(b)), key(a).max(key(b))));
                    }
                }
            }
            edges.into_iter().map(|(a, b)| [a, b].map(|p| Vec3::from_array(p.map(f32::from_bits)))).collect()
        };
        let (lid_rim, mouth_rim) = (rim(1), rim(2));
        let graph = Graph::new(skin, points);
        let margin = |ways: [&[usize]; 2]| -> Vec<[Vec3; 2]> {
            ways.iter()
                .flat_map(|way| way.windows(2))
                .flat_map(|pair| graph.path(landmarks[pair[0]], landmarks[pair[1]]))
                .collect()
        };
        let lid_margin =
            [margin([&[36, 37, 38, 39], &[42, 43, 44, 45]]), margin([&[39, 40, 41, 36], &[45, 46, 47, 42]])];
        Self { landmarks, lid_margin, lid_rim, mouth_rim }
    }

    /// Distance to the nearest of the edges, and the nearest point.
    pub fn nearest(edges: &[[Vec3; 2]], p: Vec3) -> (f32, Vec3) {
        let mut best = (f32::INFINITY, Vec3::ZERO);
        for [a, b] in edges {
            let way = *b - *a;
            let t = ((p - *a).dot(way) / way.length_squared().max(1e-9)).clamp(0.0, 1.0);
            let point = *a + way * t;
            let distance = point.distance_squared(p);
            if distance < best.0 {
                best = (distance, point);
            }
        }
        (best.0.sqrt(), best.1)
    }
}

/// The mesh's edges, seams closed.
struct Graph {
    points: Vec<Vec3>,
    neighbours: Vec<Vec<u32>>,
}

impl Graph {
    fn new(skin: &MeshPart, points: &[Vec3]) -> Self {
        let mut numbers: BTreeMap<[u32; 3], u32> = BTreeMap::new();
        let mut graph = Self { points: Vec::new(), neighbours: Vec::new() };
        let number: Vec<u32> = points
            .iter()
            .map(|p| {
                *numbers.entry(p.to_array().map(f32::to_bits)).or_insert_with(|| {
                    graph.points.push(*p);
                    graph.points.len() as u32 - 1
                })
            })
            .collect();
        graph.neighbours.resize(graph.points.len(), Vec::new());
        for triangle in &skin.triangles {
            for k in 0..3 {
                let (a, b) = (number[triangle[k] as usize], number[triangle[(k + 1) % 3] as usize]);
                graph.neighbours[a as usize].push(b);
                graph.neighbours[b as usize].push(a);
            }
        }
        graph
    }

    /// The edges of the shortest way between the vertices nearest to two places.
    fn path(&self, from: Vec3, to: Vec3) -> Vec<[Vec3; 2]> {
        let nearest = |p: Vec3| {
            let distance = |v: &usize| self.points[*v].distance_squared(p);
            (0..self.points.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0)
        };
        let (start, goal) = (nearest(from), nearest(to));
        let mut best = vec![(f32::INFINITY, u32::MAX); self.points.len()];
        best[start].0 = 0.0;
        // Non-negative floats sort as their bits.
        let mut queue = BTreeSet::from([(0u32, start as u32)]);
        while let Some((bits, vertex)) = queue.pop_first() {
            let vertex = vertex as usize;
            if vertex == goal {
                break;
            }
            if f32::from_bits(bits) > best[vertex].0 {
                continue;
            }
            for &next in &self.neighbours[vertex] {
                let way = best[vertex].0 + self.points[vertex].distance(self.points[next as usize]);
                if way < best[next as usize].0 {
                    best[next as usize] = (way, vertex as u32);
                    queue.insert((way.to_bits(), next));
                }
            }
        }
        let mut edges = Vec::new();
        let mut here = goal;
        while let Some(before) = Some(best[here].1 as usize).filter(|before| *before < self.points.len()) {
            edges.push([self.points[before], self.points[here]]);
            here = before;
        }
        edges
    }
}
