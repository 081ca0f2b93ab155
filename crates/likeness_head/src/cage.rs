//! The cage: what is kept of the base mesh (bust, eyes, lashes, teeth, tongue) and what each vertex of it is.

use std::{collections::BTreeMap, ops::Range};

use glam::{Vec2, Vec3};

use crate::{
    base_mesh::BaseMesh,
    error::{HeadError, Result},
    subdivide::QuadMesh,
};

/// The loop round the collar at which the bust is cut: its front vertex and the neighbour to begin with.
const COLLAR: [u32; 2] = [1526, 1525];
/// A vertex that is kept.
const CROWN: u32 = 879;
/// First vertex of the cubes that mark the eyeballs' centres: group names in the base mesh.
const EYE_CUBES: [&str; 2] = ["joint-l-eye", "joint-r-eye"];

/// The parts of the head, in the order of the cage's vertices.
pub const PARTS: [&str; 5] = ["skin", "eyes", "lashes", "teeth", "tongue"];

/// What a vertex of the skin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The outside of head and neck.
    Outside,
    /// The rim between lid and socket.
    LidRim,
    /// Inside an eye socket.
    Socket,
    /// Inside the mouth.
    Mouth,
    /// Not of the skin.
    Other,
}

/// One part of the cage.
#[derive(Clone, Debug)]
pub struct CagePart {
    /// One of [`PARTS`].
    pub name: &'static str,
    /// Its vertices in the cage.
    pub vertices: Range<usize>,
    /// Its faces; vertices counted from the part's first.
    pub mesh: QuadMesh,
}

/// The kept vertices and faces.
pub struct Cage {
    /// Base-mesh number of each vertex; after the parts' vertices come the eight of each eye cube (left, right).
    pub source: Vec<u32>,
    /// How many vertices belong to the parts.
    pub count: usize,
    /// The parts.
    pub parts: Vec<CagePart>,
    /// What each vertex is.
    pub kind: Vec<Kind>,
    /// The opposite of each vertex.
    pub mirror: Vec<u32>,
    /// Positions in the base mesh, raw units.
    pub raw: Vec<Vec3>,
    /// How far up the neck each vertex is: 0 at the cut, 1 where the head begins and on the other parts.
    pub ascent: Vec<f32>,
    /// Neighbours of each vertex along edges and across quads.
    pub neighbours: Vec<Vec<u32>>,
    place: BTreeMap<u32, u32>,
}

impl Cage {
    /// Cuts the bust out of the base mesh.
    ///
    /// # Errors
    /// If a group is missing or the loop at the collar does not close.
    pub fn cut(base: &BaseMesh) -> Result<Self> {
        let group = |name: &str| {
            base.group(name).ok_or_else(|| HeadError::Mesh {
                what: format!("group {name}"),
                problem: "not in the base mesh".to_owned(),
            })
        };
        let body = group("body")?;
        let bust = cut_bust(base, body)?;
        let mut quads_of: Vec<Vec<usize>> = vec![bust];
        for names in [
            &["helper-l-eye", "helper-r-eye"][..],
            &["helper-l-eyelashes-1", "helper-l-eyelashes-2", "helper-r-eyelashes-1", "helper-r-eyelashes-2"],
            &["helper-lower-teeth", "helper-upper-teeth"],
            &["helper-tongue"],
        ] {
            let groups = names.iter().map(|name| group(name)).collect::<Result<Vec<_>>>()?;
            quads_of.push((0..base.quads.len()).filter(|&q| groups.contains(&base.quads[q].group)).collect());
        }

        let mut source = Vec::new();
        let mut place = BTreeMap::new();
        let mut parts = Vec::new();
        let mut neighbours = Vec::new();
        for (name, quads) in PARTS.into_iter().zip(&quads_of) {
            let start = source.len();
            let mut vertices: Vec<u32> = quads.iter().flat_map(|&q| base.quads[q].vertices).collect();
            vertices.sort_unstable();
            vertices.dedup();
            for &vertex in &vertices {
                place.insert(vertex, source.len() as u32);
                source.push(vertex);
            }
            let mut uv_place = BTreeMap::new();
            let mut mesh = QuadMesh { vertex_count: vertices.len(), ..Default::default() };
            neighbours.resize(source.len(), Vec::new());
            for &q in quads {
                let quad = base.quads[q];
                mesh.quads.push(quad.vertices.map(|v| place[&v] - start as u32));
                mesh.quad_uvs.push(quad.uvs.map(|uv| {
                    *uv_place.entry(uv).or_insert_with(|| {
                        mesh.uvs.push(base.uvs[uv as usize]);
                        (mesh.uvs.len() - 1) as u32
                    })
                }));
                for a in quad.vertices {
                    for b in quad.vertices {
                        if a != b {
                            neighbours[place[&a] as usize].push(place[&b]);
                        }
                    }
                }
            }
            parts.push(CagePart { name, vertices: start..source.len(), mesh });
        }
        for list in &mut neighbours {
            list.sort_unstable();
            list.dedup();
        }
        let count = source.len();
        for name in EYE_CUBES {
            let cube = group(name)?;
            let mut corners: Vec<u32> =
                base.quads.iter().filter(|quad| quad.group == cube).flat_map(|quad| quad.vertices).collect();
            corners.sort_unstable();
            corners.dedup();
            if corners.len() != 8 {
                return Err(HeadError::Mesh {
                    what: format!("group {name}"),
                    problem: format!("has {} vertices, not 8", corners.len()),
                });
            }
            for corner in corners {
                place.insert(corner, source.len() as u32);
                source.push(corner);
            }
        }
        let mirror = source
            .iter()
            .map(|&vertex| {
                place.get(&base.mirror[vertex as usize]).copied().ok_or_else(|| HeadError::Mesh {
                    what: format!("vertex {vertex}"),
                    problem: "its mirror vertex is cut away".to_owned(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let raw: Vec<Vec3> = source.iter().map(|&vertex| base.positions[vertex as usize]).collect();
        let kind = kinds(&parts[0].mesh, count);
        let mut cage = Self { source, count, parts, kind, mirror, raw, ascent: Vec::new(), neighbours, place };
        cage.ascent = cage.ascents();
        Ok(cage)
    }

    /// The cage's vertex that is vertex `number` of the base mesh.
    ///
    /// # Errors
    /// If the vertex is cut away.
    pub fn vertex(&self, number: u32) -> Result<usize> {
        self.place.get(&number).map(|&place| place as usize).ok_or_else(|| HeadError::Mesh {
            what: format!("vertex {number}"),
            problem: "is not part of the head".to_owned(),
        })
    }

    /// The part called `name`.
    pub fn part(&self, name: &str) -> &CagePart {
        let index = PARTS.iter().position(|part| *part == name).unwrap_or(0);
        &self.parts[index]
    }

    /// Whether each vertex belongs to an eyeball.
    pub fn eyeballs(&self) -> Vec<bool> {
        let eyes = self.part("eyes").vertices.clone();
        (0..self.source.len()).map(|v| eyes.contains(&v)).collect()
    }

    /// Shortest ways along the mesh from the given vertices, in the unit of `positions`; infinite across parts.
    pub fn distances(&self, positions: &[Vec3], from: &[usize]) -> Vec<f32> {
        let mut distance = vec![f32::INFINITY; self.count];
        let mut queue = std::collections::BTreeSet::new();
        for &vertex in from {
            distance[vertex] = 0.0;
            queue.insert((0u32, vertex as u32));
        }
        // Non-negative floats sort as their bits.
        while let Some((bits, vertex)) = queue.pop_first() {
            let here = f32::from_bits(bits);
            if here > distance[vertex as usize] {
                continue;
            }
            for &next in &self.neighbours[vertex as usize] {
                let there = here + positions[vertex as usize].distance(positions[next as usize]);
                if there < distance[next as usize] {
                    distance[next as usize] = there;
                    queue.insert((there.to_bits(), next));
                }
            }
        }
        distance
    }

    fn ascents(&self) -> Vec<f32> {
        let mut uses: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for quad in &self.parts[0].mesh.quads {
            for k in 0..4 {
                let (a, b) = (quad[k], quad[(k + 1) % 4]);
                *uses.entry((a.min(b), a.max(b))).or_insert(0) += 1;
            }
        }
        let mut rim: Vec<usize> =
            uses.iter().filter(|(_, count)| **count == 1).flat_map(|((a, b), _)| [*a as usize, *b as usize]).collect();
        rim.sort_unstable();
        rim.dedup();
        let from_rim = self.distances(&self.raw, &rim);
        (0..self.count)
            .map(|v| {
                if v >= self.parts[0].vertices.end {
                    return 1.0;
                }
                let p = self.raw[v];
                // The collar rises from front to back; the head begins 9 cm above it, measured across that slope.
                let above = p.y - (5.25 + 0.31 * (0.94 - p.z));
                (above / 0.9).min(from_rim[v] / 0.6).clamp(0.0, 1.0)
            })
            .collect()
    }
}

/// The faces of the body above the collar's loop.
fn cut_bust(base: &BaseMesh, body: u16) -> Result<Vec<usize>> {
    let faces: Vec<usize> = (0..base.quads.len()).filter(|&q| base.quads[q].group == body).collect();
    let mut edge_faces: BTreeMap<(u32, u32), Vec<usize>> = BTreeMap::new();
    for &q in &faces {
        let quad = base.quads[q].vertices;
        for k in 0..4 {
            let (a, b) = (quad[k], quad[(k + 1) % 4]);
            edge_faces.entry((a.min(b), a.max(b))).or_default().push(q);
        }
    }
    let key = |a: u32, b: u32| (a.min(b), a.max(b));
    // Straight on: the edge at the next vertex that shares no face with the edge walked along.
    let mut path = COLLAR.to_vec();
    while path.len() < 200 {
        let (last, here) = (path[path.len() - 2], path[path.len() - 1]);
        let beside = edge_faces.get(&key(last, here)).cloned().unwrap_or_default();
        let next = beside
            .iter()
            .flat_map(|&q| neighbours_of(base, &edge_faces, q, here))
            .find(|&v| v != last && edge_faces[&key(here, v)].iter().all(|q| !beside.contains(q)));
        match next {
            Some(v) if v == path[0] => break,
            Some(v) => path.push(v),
            None => break,
        }
    }
    if path.len() != 42 {
        return Err(HeadError::Mesh {
            what: "the loop round the collar".to_owned(),
            problem: format!("{} vertices, not 42", path.len()),
        });
    }
    let mut wall = std::collections::BTreeSet::new();
    for k in 0..path.len() {
        wall.insert(key(path[k], path[(k + 1) % path.len()]));
    }
    let mut kept = vec![false; base.quads.len()];
    let mut open: Vec<usize> = faces.iter().copied().filter(|&q| base.quads[q].vertices.contains(&CROWN)).collect();
    while let Some(q) = open.pop() {
        if std::mem::replace(&mut kept[q], true) {
            continue;
        }
        let quad = base.quads[q].vertices;
        for k in 0..4 {
            let edge = key(quad[k], quad[(k + 1) % 4]);
            if !wall.contains(&edge) {
                open.extend(edge_faces[&edge].iter().copied().filter(|&next| !kept[next]));
            }
        }
    }
    Ok((0..base.quads.len()).filter(|&q| kept[q]).collect())
}

/// Vertices joined by an edge to `vertex`, seen from the faces round the edge-neighbours of face `q`.
fn neighbours_of(base: &BaseMesh, edge_faces: &BTreeMap<(u32, u32), Vec<usize>>, q: usize, vertex: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut seen = vec![q];
    let mut open = vec![q];
    while let Some(q) = open.pop() {
        let quad = base.quads[q].vertices;
        for k in 0..4 {
            let (a, b) = (quad[k], quad[(k + 1) % 4]);
            if a != vertex && b != vertex {
                continue;
            }
            found.push(if a == vertex { b } else { a });
            for &next in &edge_faces[&(a.min(b), a.max(b))] {
                if !seen.contains(&next) {
                    seen.push(next);
                    open.push(next);
                }
            }
        }
    }
    found
}

/// Sockets and the mouth cavity are UV islands of their own.
fn kinds(skin: &QuadMesh, count: usize) -> Vec<Kind> {
    let socket = |uv: Vec2| uv.x < 0.16 && uv.y > 0.54 && uv.y < 0.64;
    let mouth = |uv: Vec2| uv.x > 0.75 && uv.x < 0.93 && uv.y < 0.14;
    let mut seen = vec![[false; 3]; count];
    for (quad, corners) in skin.quads.iter().zip(&skin.quad_uvs) {
        for (&vertex, &uv) in quad.iter().zip(corners) {
            let uv = skin.uvs[uv as usize];
            let which = if socket(uv) {
                1
            } else if mouth(uv) {
                2
            } else {
                0
            };
            seen[vertex as usize][which] = true;
        }
    }
    seen.iter()
        .map(|seen| match seen {
            [true, true, _] => Kind::LidRim,
            [true, ..] => Kind::Outside,
            [false, true, _] => Kind::Socket,
            [false, false, true] => Kind::Mouth,
            _ => Kind::Other,
        })
        .collect()
}
