//! How much of its surroundings every vertex of the head sees, so that eye sockets, nostrils and the chin's underside lie
//! in soft shadow without shadow maps.
//!
//! Per vertex, the visibility of the neutral head is fitted over the hemisphere above the surface by a constant and a
//! vector: `seen(d) = x + dot(yzw, d)`, the first two bands of spherical harmonics as in precomputed radiance transfer
//! (Sloan, Kautz & Snyder 2002).

use bevy::math::{Mat4, Quat, Vec3, Vec4};
use bevy::mesh::{Mesh, VertexAttributeValues};
use likeness_rig::HeadMesh;

use crate::bvh::Bvh;
use crate::material::PartKind;

/// Rays a vertex.
const RAYS: usize = 64;
/// Where rays begin, metres above the surface: coarser levels of detail stray about this far from the full mesh.
const LIFT: f32 = 0.0015;
/// What teeth and tongue see, being shut in by a mouth whose opening is not known: mostly what is in front.
const MOUTH: Vec4 = Vec4::new(0.30, 0.0, 0.05, 0.50);

/// The parts of the head that cast shadows.
pub(crate) struct Sight {
    bvh: Bvh,
    /// Directions of a cosine-weighted hemisphere around +z.
    rays: Vec<Vec3>,
    /// The inverse of the fit's normal matrix for these directions.
    fit: Mat4,
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
        Self { bvh: Bvh::new(triangles), rays, fit: normal.inverse() }
    }

    /// What each vertex of a mesh sees.
    pub(crate) fn of(&self, mesh: &Mesh, kind: PartKind) -> Vec<Vec4> {
        let floats = |id| match mesh.try_attribute(id) {
            Ok(VertexAttributeValues::Float32x3(values)) => values.as_slice(),
            _ => &[],
        };
        let (positions, normals) = (floats(Mesh::ATTRIBUTE_POSITION), floats(Mesh::ATTRIBUTE_NORMAL));
        let mut seen = vec![MOUTH; positions.len()];
        if matches!(kind, PartKind::Skin | PartKind::Eyes | PartKind::Lashes) {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let chunk = positions.len().div_ceil(threads).max(1);
            let vertices = positions.chunks(chunk).zip(normals.chunks(chunk));
            std::thread::scope(|scope| {
                for (seen, (positions, normals)) in seen.chunks_mut(chunk).zip(vertices) {
                    scope.spawn(move || {
                        for ((seen, position), normal) in seen.iter_mut().zip(positions).zip(normals) {
                            *seen = self.at(Vec3::from(*position), Vec3::from(*normal));
                        }
                    });
                }
            });
        }
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
        let wall = vec![
            [Vec3::new(0.01, -9.0, -9.0), Vec3::new(0.01, 9.0, -9.0), Vec3::new(0.01, 0.0, 9.0)],
        ];
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
