//! Checks of the committed appearance options: structure, and that they follow every shape of the head.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use glam::{Mat4, Vec3};
use likeness_head::appearance::{atlas, surface::Surface};
use likeness_rig::{CompiledRig, HeadMesh, MeshPart, Prior, Rig, RigBinding};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Most triangles of an option at the first level of detail.
const MOST_TRIANGLES: usize = 15_000;
/// Random faces that hair must follow, besides both ends of every parameter.
const FACES: usize = 200;
/// Of so many vertices one is checked.
const EVERY: usize = 9;
/// Vertices nearer to the skin than this are checked, metres.
const NEAR: f32 = 0.012;
/// How much deeper than on the neutral face a vertex may lie below the skin, metres: on natural faces, and at the end of any
/// parameter.
const DEEPER: [f32; 2] = [0.0035, 0.0050];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/head")
}

struct Head {
    rig: Rig,
    compiled: CompiledRig,
    mesh: HeadMesh,
    binding: RigBinding,
}

fn load() -> Head {
    let rig = Rig::load(&folder().join("head.rig.ron")).unwrap();
    let mesh = HeadMesh::load(&folder().join(&rig.mesh)).unwrap();
    Head { compiled: rig.compile().unwrap(), binding: mesh.bind(&rig).unwrap(), rig, mesh }
}

impl Head {
    fn joints(&self, values: &[f32]) -> Vec<Mat4> {
        let mut offsets = Vec::new();
        self.compiled.offsets_into(values, &mut offsets);
        self.binding.joint_matrices(&self.mesh, &offsets)
    }

    /// Every choice's mesh with its name.
    fn meshes(&self) -> Vec<(String, HeadMesh)> {
        let files = self.rig.options.iter().flat_map(|option| option.meshes.values());
        files.map(|file| (file.clone(), HeadMesh::load(&folder().join(file)).unwrap())).collect()
    }
}

#[test]
fn the_rig_offers_what_was_asked_for() {
    let rig = load().rig;
    let choices = |name: &str| rig.options[rig.option_index(name).unwrap()].choices.clone();
    let hair = choices("hair.style");
    for style in [
        "bald",
        "buzz",
        "short_curly",
        "short_straight",
        "side_part",
        "slick_back",
        "afro",
        "bob",
        "shoulder_straight",
        "shoulder_wavy",
        "long_straight",
        "long_curly",
        "bun",
        "ponytail",
        "receding",
        "layered",
        "pixie",
    ] {
        assert!(hair.iter().any(|known| known == style), "{style}");
    }
    assert_eq!((choices("brows").len(), choices("beard").len(), choices("glasses").len()), (8, 8, 3));
}

#[test]
fn meshes_are_sound_and_small_enough() {
    let head = load();
    for (file, mesh) in head.meshes() {
        let names: Vec<&str> = mesh.joints.iter().map(|joint| joint.name.as_str()).collect();
        assert!(head.mesh.joints.iter().zip(&names).all(|(joint, name)| joint.name == *name), "{file}: other joints");
        let mut triangles = 0;
        for part in &mesh.parts {
            if !part.name.contains(".lod") {
                triangles += part.triangles.len();
            }
            assert!(!part.triangles.is_empty(), "{file}: {}", part.name);
            let finite = |of: &[Vec3]| of.iter().all(|p| p.is_finite());
            assert!(finite(&part.positions) && finite(&part.normals), "{file}: {}", part.name);
            assert!(part.normals.iter().all(|n| (n.length() - 1.0).abs() < 1e-3), "{file}: {}", part.name);
        }
        assert!((20..=MOST_TRIANGLES).contains(&triangles), "{file}: {triangles} triangles");
        let strands = |suffix: &str| mesh.part(&format!("strands{suffix}")).map(|part| part.triangles.len());
        if let (Some(full), Some(half)) = (strands(""), strands(".lod1")) {
            assert!(half * 10 < full * 9, "{file}: {half} of {full} triangles");
        }
    }
}

/// A vertex that is checked, and where it hangs.
struct Tracked {
    /// The nearest corner of the skin.
    skin: usize,
    /// Height over it on the neutral face, metres.
    height: f32,
}

/// Height of points over the skin's corners that they belong to.
fn heights<'a>(
    tracked: &'a [Tracked],
    points: &'a [Vec3],
    skin: &'a [Vec3],
    normals: &'a [Vec3],
) -> impl Iterator<Item = f32> + 'a {
    tracked.iter().zip(points).map(|(at, p)| (*p - skin[at.skin]).dot(normals[at.skin]))
}

fn normals(skin: &MeshPart, posed: &[Vec3]) -> Vec<Vec3> {
    let mut sums = vec![Vec3::ZERO; posed.len()];
    for triangle in &skin.triangles {
        let [a, b, c] = triangle.map(|v| posed[v as usize]);
        for &v in triangle {
            sums[v as usize] += (b - a).cross(c - a);
        }
    }
    sums.into_iter().map(|n| n.normalize_or(Vec3::Y)).collect()
}

#[test]
fn options_follow_every_shape() {
    let head = load();
    let skin = head.mesh.part("skin").unwrap();
    let surface = Surface::new(&head.mesh, skin);
    let rest = normals(skin, &skin.positions);
    // All checked vertices of all options as one part, with what each belongs to.
    let mut all = MeshPart::default();
    let mut tracked = Vec::new();
    let mut owners = Vec::new();
    for (file, mesh) in head.meshes() {
        for part in mesh.parts.iter().filter(|part| !part.name.contains(".lod") && part.name != "lens") {
            for v in (0..part.positions.len()).step_by(EVERY) {
                let p = part.positions[v];
                let hit = surface.nearest(p, false);
                let at = hit.vertex as usize;
                // The folds of the ears are no ground for hair.
                if hit.height > NEAR || surface.nearest(p, true).vertex != hit.vertex {
                    continue;
                }
                tracked.push(Tracked { skin: at, height: (p - skin.positions[at]).dot(rest[at]) });
                owners.push(format!("{file}: {}", part.name));
                all.positions.push(p);
                all.joints.push(part.joints[v]);
                all.weights.push(part.weights[v]);
            }
        }
    }
    assert!(tracked.len() > 10_000, "{}", tracked.len());

    let prior = Prior::load(&folder().join(&head.rig.prior), &head.rig).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let mut faces: Vec<(String, Vec<f32>, f32)> =
        (0..FACES).map(|number| (format!("face {number}"), prior.sample(&mut rng), DEEPER[0])).collect();
    for (index, parameter) in head.rig.parameters.iter().enumerate() {
        for value in [0.0, 1.0] {
            let mut values = vec![0.5; head.rig.parameters.len()];
            values[index] = value;
            faces.push((format!("{} {value}", parameter.name), values, DEEPER[1]));
        }
    }
    let mut faults: Vec<(f32, String)> = faces
        .par_iter()
        .flat_map_iter(|(name, values, allowed)| {
            let joints = head.joints(values);
            let (mut posed, mut points) = (Vec::new(), Vec::new());
            head.mesh.skin(skin, &joints, &[], &mut posed);
            head.mesh.skin(&all, &joints, &[], &mut points);
            assert!(points.iter().all(|p| p.is_finite()), "{name}");
            let normals = normals(skin, &posed);
            let mut worst: Option<(f32, usize)> = None;
            for (place, height) in heights(&tracked, &points, &posed, &normals).enumerate() {
                let deeper = tracked[place].height.min(0.0) - height;
                if deeper > *allowed && worst.is_none_or(|worst| worst.0 < deeper) {
                    worst = Some((deeper, place));
                }
            }
            worst.map(|(deeper, place)| {
                (deeper, format!("{name}: {} at {:.3}: {:.2} mm", owners[place], all.positions[place], deeper * 1e3))
            })
        })
        .collect();
    faults.sort_by(|a, b| b.0.total_cmp(&a.0));
    let worst: Vec<&String> = faults.iter().take(12).map(|fault| &fault.1).collect();
    assert!(faults.is_empty(), "{} faces have hair below the skin: {worst:#?}", faults.len());
}

#[test]
fn pictures_repeat_byte_for_byte() {
    let committed = |name: &str| std::fs::read(folder().join("textures").join(name)).unwrap();
    assert!(atlas::strands().unwrap() == committed("hair.png"));
    assert!(atlas::stubble().unwrap() == committed("stubble.png"));
    assert!(atlas::curls().unwrap() == committed("curls.png"));
}
