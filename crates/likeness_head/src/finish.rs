//! From the cage to what is drawn: subdivision, seams, normals, joints, expression moves and levels of detail.

use std::collections::BTreeMap;

use glam::{Vec2, Vec3};

use crate::{
    bones::BoneInfo,
    cage::{Cage, Kind},
    simplify::simplify,
    skinning::Weights,
    subdivide::{QuadMesh, Stencils, subdivide},
    weights::{combine, headness, rootness, truncate},
};

/// Joints before the shape bones.
pub const ROOT: u16 = 0;
/// The neck's joint.
pub const NECK: u16 = 1;
/// The head's joint.
pub const HEAD: u16 = 2;
/// The first shape bone's joint.
pub const FIRST_BONE: u16 = 3;
/// Moves below this (metres) are left out of expressions.
const LEAST_MOVE: f32 = 2e-5;
/// Shares of the full number of triangles that the skin's further levels of detail have.
const LEVELS: [f32; 2] = [0.5, 0.2];

/// A part of the cage, subdivided.
pub struct Fine {
    /// The faces.
    pub mesh: QuadMesh,
    /// Where each vertex comes from among the part's cage vertices.
    pub stencils: Stencils,
}

impl Fine {
    /// The positions that the part's cage vertices at `cage` make.
    pub fn apply(&self, cage: &[Vec3]) -> Vec<Vec3> {
        self.stencils.iter().map(|row| row.iter().fold(Vec3::ZERO, |sum, &(v, w)| sum + cage[v as usize] * w)).collect()
    }
}

/// Subdivides the cage's parts; lashes are strips of cards and stay as they are. An eyeball's smoothing shrinks it,
/// which is undone.
pub fn refine(cage: &Cage) -> Vec<Fine> {
    cage.parts
        .iter()
        .map(|part| match part.name {
            "lashes" => Fine {
                mesh: part.mesh.clone(),
                stencils: (0..part.mesh.vertex_count as u32).map(|v| vec![(v, 1.0)]).collect(),
            },
            "eyes" => {
                let (mesh, stencils) = subdivide(&part.mesh);
                let stencils = keep_balls(&cage.raw[part.vertices.clone()], stencils);
                Fine { mesh, stencils }
            }
            _ => {
                let (mesh, stencils) = subdivide(&part.mesh);
                Fine { mesh, stencils }
            }
        })
        .collect()
}

/// Scales the balls about their centres so that their mean radius stays: `k p + (1 - k) centre`, again as stencils.
fn keep_balls(raw: &[Vec3], stencils: Stencils) -> Stencils {
    let sides = [true, false].map(|left| {
        let ball: Vec<u32> = (0..raw.len() as u32).filter(|&v| (raw[v as usize].x > 0.0) == left).collect();
        let centre = ball.iter().fold(Vec3::ZERO, |sum, &v| sum + raw[v as usize]) / ball.len().max(1) as f32;
        let radius = ball.iter().map(|&v| raw[v as usize].distance(centre)).sum::<f32>() / ball.len().max(1) as f32;
        let place = |row: &Vec<(u32, f32)>| row.iter().fold(Vec3::ZERO, |sum, &(v, w)| sum + raw[v as usize] * w);
        let smooth: Vec<f32> =
            stencils.iter().map(place).filter(|p| (p.x > 0.0) == left).map(|p| p.distance(centre)).collect();
        let shrunk = smooth.iter().sum::<f32>() / smooth.len().max(1) as f32;
        (ball, radius / shrunk)
    });
    stencils
        .into_iter()
        .map(|row| {
            let x: f32 = row.iter().map(|&(v, w)| raw[v as usize].x * w).sum();
            let (ball, factor) = &sides[usize::from(x <= 0.0)];
            let rest = (1.0 - factor) / ball.len() as f32;
            let mut sums: BTreeMap<u32, f32> = ball.iter().map(|&v| (v, rest)).collect();
            for (v, w) in row {
                *sums.entry(v).or_insert(0.0) += w * factor;
            }
            sums.into_iter().collect()
        })
        .collect()
}

/// A mesh as it is written.
#[derive(Clone, Debug, Default)]
pub struct RenderPart {
    /// Node's and mesh's name.
    pub name: String,
    /// Material's name.
    pub material: String,
    /// Metres, at rest.
    pub positions: Vec<Vec3>,
    /// Unit normals.
    pub normals: Vec<Vec3>,
    /// Texture coordinates, v down as in glTF.
    pub uvs: Vec<Vec2>,
    /// Joint numbers.
    pub joints: Vec<[u16; 4]>,
    /// Weights, falling, summing to one.
    pub weights: Vec<[f32; 4]>,
    /// Corners.
    pub triangles: Vec<[u32; 3]>,
    /// Moves by expression; empty if the part has none.
    pub morphs: Vec<Vec<(u32, Vec3)>>,
    /// Which vertex of the subdivided part each one is.
    pub welded: Vec<u32>,
    /// Unit directions of the hairs; only of appearance options.
    pub tangents: Vec<Vec3>,
    /// Shade and coverage, linear, 0..255; only of appearance options.
    pub colors: Vec<[u8; 4]>,
    /// The name of a part written before whose vertices the triangles are made of; such a part has none of its own.
    pub vertices_of: Option<String>,
}

/// What is needed to finish the parts.
pub struct Finish<'a> {
    /// The cage.
    pub cage: &'a Cage,
    /// Its subdivided parts.
    pub fine: &'a [Fine],
    /// Cage positions of the neutral head, not smoothed, metres about the final origin.
    pub neutral: &'a [Vec3],
    /// The bones' weights on the cage's vertices.
    pub weights: &'a [Weights],
    /// The bones.
    pub bones: &'a [BoneInfo],
    /// Moves of the cage's vertices by expression, metres.
    pub expressions: &'a [Vec<Vec3>],
}

impl Finish<'_> {
    /// All parts, then the skin's further levels of detail.
    pub fn parts(&self) -> Vec<RenderPart> {
        let mut parts: Vec<RenderPart> = (0..self.cage.parts.len()).map(|index| self.part(index)).collect();
        let full = parts[0].triangles.len();
        let importance = self.importance(&parts[0]);
        for (level, share) in (1..).zip(LEVELS) {
            let triangles = simplify(
                &parts[0].positions,
                &parts[0].welded,
                &parts[0].triangles,
                &importance,
                (full as f32 * share) as usize,
            );
            let name = format!("skin.lod{level}");
            let part = compact(&parts[0], triangles, name);
            parts.push(part);
        }
        parts
    }

    fn part(&self, index: usize) -> RenderPart {
        let part = &self.cage.parts[index];
        let fine = &self.fine[index];
        let start = part.vertices.start;
        let eyes = part.name == "eyes";
        let positions = fine.apply(&self.neutral[part.vertices.clone()]);
        let normals = normals(&positions, &fine.mesh.quads);
        let skin: Vec<([u16; 4], [f32; 4])> = fine
            .stencils
            .iter()
            .enumerate()
            .map(|(v, row)| {
                if eyes {
                    let gaze = FIRST_BONE + self.bones.len() as u16 + u16::from(positions[v].x < 0.0);
                    return ([gaze, 0, 0, 0], [1.0, 0.0, 0.0, 0.0]);
                }
                // Smoothed vertices of the cage keep its weights; new ones take the stencil's mixture.
                let own = [(v as u32, 1.0f32)];
                let row: &[(u32, f32)] = if v < part.vertices.len() { &own } else { row };
                self.influences(row, start)
            })
            .collect();
        let expressions: Vec<Vec<Vec3>> = if eyes {
            Vec::new()
        } else {
            self.expressions.iter().map(|moves| fine.apply(&moves[part.vertices.clone()])).collect()
        };

        let mut corners: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for (quad, uvs) in fine.mesh.quads.iter().zip(&fine.mesh.quad_uvs) {
            for (&v, &uv) in quad.iter().zip(uvs) {
                corners.insert((v, uv), 0);
            }
        }
        let mut out = RenderPart { name: part.name.to_owned(), material: part.name.to_owned(), ..Default::default() };
        for (place, (&(v, uv), number)) in corners.iter_mut().enumerate() {
            *number = place as u32;
            let at = v as usize;
            out.positions.push(positions[at]);
            out.normals.push(normals[at]);
            let uv = fine.mesh.uvs[uv as usize];
            out.uvs.push(Vec2::new(uv.x, 1.0 - uv.y));
            out.joints.push(skin[at].0);
            out.weights.push(skin[at].1);
            out.welded.push(v);
        }
        for (quad, uvs) in fine.mesh.quads.iter().zip(&fine.mesh.quad_uvs) {
            let place = |k: usize| quad[k] as usize;
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| corners[&(quad[k], uvs[k])]);
            let first = positions[place(0)].distance_squared(positions[place(2)]);
            let second = positions[place(1)].distance_squared(positions[place(3)]);
            if first <= second {
                out.triangles.extend([[a, b, c], [a, c, d]]);
            } else {
                out.triangles.extend([[b, c, d], [b, d, a]]);
            }
        }
        out.morphs = expressions
            .iter()
            .map(|moves| {
                out.welded
                    .iter()
                    .enumerate()
                    .map(|(place, &v)| (place as u32, moves[v as usize]))
                    .filter(|(_, by)| by.length_squared() > LEAST_MOVE * LEAST_MOVE)
                    .collect()
            })
            .collect();
        out
    }

    /// Joints and weights of a vertex that is mixed from cage vertices.
    fn influences(&self, row: &[(u32, f32)], start: usize) -> ([u16; 4], [f32; 4]) {
        let mut terms: Vec<(u16, f32)> = Vec::new();
        let mut ascent = 0.0;
        for &(v, share) in row {
            let v = start + v as usize;
            ascent += self.cage.ascent[v] * share;
            terms.extend(self.weights[v].iter().map(|&(bone, weight)| (bone, weight * share)));
        }
        let (head, root) = (headness(ascent), rootness(ascent));
        let neck = (1.0 - head - root).max(0.0);
        let mut bones: Weights = combine(terms).into_iter().filter(|w| w.1 > 0.0).collect();
        let sum: f32 = bones.iter().map(|w| w.1).sum();
        if sum > head && sum > 0.0 {
            for weight in &mut bones {
                weight.1 *= head / sum;
            }
        }
        let still = (head - sum).max(0.0);
        let mut fixed: Vec<(u16, f32)> =
            [(ROOT, root), (NECK, neck), (HEAD, still)].into_iter().filter(|w| w.1 > 0.01).collect();
        let bones = truncate(&bones, 4 - fixed.len());
        fixed.extend(bones.iter().map(|&(bone, weight)| (FIRST_BONE + bone, weight)));
        fixed.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let total: f32 = fixed.iter().map(|w| w.1).sum();
        let mut joints = [0; 4];
        let mut weights = [0.0; 4];
        if total <= 0.0 {
            return ([HEAD, 0, 0, 0], [1.0, 0.0, 0.0, 0.0]);
        }
        for (k, (joint, weight)) in fixed.into_iter().take(4).enumerate() {
            joints[k] = joint;
            weights[k] = weight / total;
        }
        (joints, weights)
    }

    /// How much the shape matters where a vertex is: more at lids and lips, little in sockets and mouth.
    fn importance(&self, skin: &RenderPart) -> Vec<f32> {
        let fine = &self.fine[0];
        let kind = |v: u32| -> Vec<Kind> {
            fine.stencils[v as usize].iter().map(|&(c, _)| self.cage.kind[c as usize]).collect()
        };
        skin.welded
            .iter()
            .map(|&v| {
                let kinds = kind(v);
                if kinds.contains(&Kind::LidRim) {
                    6.0
                } else if kinds.iter().all(|k| matches!(k, Kind::Socket | Kind::Mouth)) {
                    0.1
                } else if fine.stencils[v as usize]
                    .iter()
                    .all(|&(c, _)| self.expressions.iter().any(|e| e[c as usize].length() > 0.003))
                {
                    2.0
                } else {
                    1.0
                }
            })
            .collect()
    }
}

/// Keeps only the vertices that the triangles use.
fn compact(from: &RenderPart, triangles: Vec<[u32; 3]>, name: String) -> RenderPart {
    let mut place = vec![u32::MAX; from.positions.len()];
    for &v in triangles.iter().flatten() {
        place[v as usize] = 0;
    }
    let mut out = RenderPart { name, material: from.material.clone(), ..Default::default() };
    for (v, place) in place.iter_mut().enumerate() {
        if *place == 0 {
            *place = out.positions.len() as u32;
            out.positions.push(from.positions[v]);
            out.normals.push(from.normals[v]);
            out.uvs.push(from.uvs[v]);
            out.joints.push(from.joints[v]);
            out.weights.push(from.weights[v]);
            out.welded.push(from.welded[v]);
        }
    }
    out.triangles = triangles.into_iter().map(|t| t.map(|v| place[v as usize])).collect();
    out.morphs = from
        .morphs
        .iter()
        .map(|moves| {
            moves
                .iter()
                .filter(|(v, _)| place[*v as usize] != u32::MAX)
                .map(|&(v, by)| (place[v as usize], by))
                .collect()
        })
        .collect();
    out
}

/// Area-weighted vertex normals of quads.
pub fn normals(positions: &[Vec3], quads: &[[u32; 4]]) -> Vec<Vec3> {
    let mut sums = vec![Vec3::ZERO; positions.len()];
    for quad in quads {
        let [a, b, c, d] = quad.map(|v| positions[v as usize]);
        let normal = (c - a).cross(d - b);
        for &v in quad {
            sums[v as usize] += normal;
        }
    }
    sums.into_iter().map(|n| n.normalize_or(Vec3::Z)).collect()
}
