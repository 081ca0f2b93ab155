//! How much of its surroundings every vertex of the head sees, so that eye sockets, nostrils and the chin's underside lie
//! in soft shadow without shadow maps.
//!
//! Per vertex, the visibility of the neutral head is fitted over the hemisphere above the surface by a constant and a
//! vector: `seen(d) = x + dot(yzw, d)`, the first two bands of spherical harmonics as in precomputed radiance transfer
//! (Sloan, Kautz & Snyder 2002).

use std::collections::HashMap;

use bevy::math::{Mat4, Quat, Vec3, Vec4};
use bevy::mesh::{Mesh, VertexAttributeValues};
use bevy_likeness::Lod;
use likeness_rig::HeadMesh;

use crate::bvh::Bvh;
use crate::material::PartKind;

/// Rays a vertex.
const RAYS: usize = 64;
/// Where rays begin, metres above the surface: coarser levels of detail stray about this far from the full mesh.
const LIFT: f32 = 0.0015;
/// Vertices that closing the eyes moves further than this belong to the lids, metres.
const LID_MOTION: f32 = 0.0002;
/// What teeth and tongue see, being shut in by a mouth whose opening is not known: mostly what is in front.
const MOUTH: Vec4 = Vec4::new(0.35, 0.0, 0.05, 0.45);

/// The parts of the head that cast shadows.
pub(crate) struct Sight {
    bvh: Bvh,
    /// Directions of a cosine-weighted hemisphere around +z.
    rays: Vec<Vec3>,
    /// The inverse of the fit's normal matrix for these directions.
    fit: Mat4,
    /// How far closing both eyes moves every vertex.
    blinks: HashMap<(PartKind, Lod), Vec<Vec3>>,
}

impl Sight {
    /// Prepares the head's coarsest skin as occluder.
    pub(crate) fn new(head: &HeadMesh) -> Self {
        let skin = ["skin.lod2", "skin.lod1", "skin"].iter().find_map(|name| head.part(name));
        let triangles = skin.map_or_else(Vec::new, |skin| {
            skin.triangles.iter().map(|triangle| triangle.map(|vertex| skin.positions[vertex as usize])).collect()
        });
        let rays: Vec<Vec3> = (0..RAYS).map(hemisphere).collect();
        let mut normal = Mat4::from_diagonal(Vec4::new(0.0, 0.3, 0.3, 0.3));
        for ray in &rays {
            let terms = Vec4::new(1.0, ray.x, ray.y, ray.z);
            normal += Mat4::from_cols(terms * terms.x, terms * terms.y, terms * terms.z, terms * terms.w);
        }
        let mut blinks = HashMap::new();
        for (kind, part) in [(PartKind::Skin, "skin"), (PartKind::Lashes, "lashes")] {
            for (lod, suffix) in [(Lod::Full, ""), (Lod::Half, ".lod1"), (Lod::Fifth, ".lod2")] {
                let named = head.part(&format!("{part}{suffix}")).or_else(|| head.part(part));
                let Some(part) = named else {
                    continue;
                };
                let mut motion = vec![Vec3::ZERO; part.positions.len()];
                for target in ["eyeBlinkLeft", "eyeBlinkRight"] {
                    let index = head.morph_names.iter().position(|name| name == target);
                    let deltas = index.and_then(|index| part.morphs.get(index));
                    for (vertex, delta) in deltas.into_iter().flatten() {
                        motion[*vertex as usize] += *delta;
                    }
                }
                blinks.insert((kind, lod), motion);
            }
        }
        Self { bvh: Bvh::new(triangles), rays, fit: normal.inverse(), blinks }
    }

    /// What each vertex of a mesh sees. Eyelids count as open or closed, whichever sees more: folded away, the upper lid
    /// sees nothing, and closed it would be black.
    pub(crate) fn of(&self, mesh: &Mesh, kind: PartKind, lod: Lod) -> Vec<Vec4> {
        let floats = |attribute| match mesh.try_attribute(attribute) {
            Ok(VertexAttributeValues::Float32x3(values)) => values.as_slice(),
            _ => &[],
        };
        let (positions, normals) = (floats(Mesh::ATTRIBUTE_POSITION), floats(Mesh::ATTRIBUTE_NORMAL));
        let mut seen = vec![MOUTH; positions.len()];
        if !matches!(kind, PartKind::Skin | PartKind::Lashes) {
            return seen;
        }
        let empty = Vec::new();
        let blinks = self.blinks.get(&(kind, lod)).unwrap_or(&empty);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let chunk = positions.len().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            for (i, seen) in seen.chunks_mut(chunk).enumerate() {
                scope.spawn(move || {
                    for (offset, seen) in seen.iter_mut().enumerate() {
                        let vertex = i * chunk + offset;
                        let (position, normal) = (Vec3::from(positions[vertex]), Vec3::from(normals[vertex]));
                        *seen = self.at(position, normal);
                        if let Some(blink) = blinks.get(vertex).filter(|blink| blink.length() > LID_MOTION) {
                            let closed = self.at(position + *blink, closed_normal(normal));
                            if openness(closed, Vec3::Z) > openness(*seen, normal) {
                                *seen = closed;
                            }
                        }
                    }
                });
            }
        });
        seen
    }

    fn at(&self, position: Vec3, normal: Vec3) -> Vec4 {
        let normal = normal.normalize_or(Vec3::Z);
        let frame = Quat::from_rotation_arc(Vec3::Z, normal);
        let start = position + normal * LIFT;
        let mut sum = Vec4::ZERO;
        for ray in &self.rays {
            if !self.bvh.is_hit(start, frame * *ray) {
                sum += Vec4::new(1.0, ray.x, ray.y, ray.z);
            }
        }
        let fitted = self.fit * sum;
        let vector = frame * Vec3::new(fitted.y, fitted.z, fitted.w);
        Vec4::new(fitted.x, vector.x, vector.y, vector.z)
    }
}

/// A closed lid faces forward.
fn closed_normal(normal: Vec3) -> Vec3 {
    Vec3::new(0.5 * normal.x, 0.0, 1.0)
}

/// The part of the surroundings that is seen by a surface with this normal.
fn openness(seen: Vec4, normal: Vec3) -> f32 {
    seen.x + 0.6667 * Vec3::new(seen.y, seen.z, seen.w).dot(normal)
}

/// The `i`-th of [`RAYS`] directions, cosine-weighted around +z, on a golden spiral.
fn hemisphere(i: usize) -> Vec3 {
    let along = (i as f32 + 0.5) / RAYS as f32;
    let radius = along.sqrt();
    let angle = i as f32 * 2.399_963_2;
    Vec3::new(radius * angle.cos(), radius * angle.sin(), (1.0 - along).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(triangles: Vec<[Vec3; 3]>) -> Sight {
        let head = HeadMesh { joints: Vec::new(), morph_names: Vec::new(), parts: Vec::new() };
        Sight { bvh: Bvh::new(triangles), ..Sight::new(&head) }
    }

    #[test]
    fn open_surface_sees_everything() {
        let seen = sight(Vec::new()).at(Vec3::ZERO, Vec3::new(0.3, 0.8, 0.1));
        let facing = seen.x + seen.truncate_first().dot(Vec3::new(0.3, 0.8, 0.1).normalize());
        assert!((facing - 1.0).abs() < 0.05, "{seen}");
    }

    #[test]
    fn wall_hides_its_side() {
        let wall = vec![[Vec3::new(0.01, -9.0, -9.0), Vec3::new(0.01, 9.0, -9.0), Vec3::new(0.01, 0.0, 9.0)]];
        let seen = sight(wall).at(Vec3::ZERO, Vec3::Z);
        let toward = |direction: Vec3| seen.x + seen.truncate_first().dot(direction.normalize());
        assert!(toward(Vec3::new(-1.0, 0.0, 1.0)) > 0.8);
        assert!(toward(Vec3::new(1.0, 0.0, 1.0)) < 0.3);
    }

    trait TruncateFirst {
        fn truncate_first(self) -> Vec3;
    }

    impl TruncateFirst for Vec4 {
        fn truncate_first(self) -> Vec3 {
            Vec3::new(self.y, self.z, self.w)
        }
    }
}
