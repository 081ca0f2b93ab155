//! Checks of the committed head: structure, and that no face of it turns inside out.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use glam::{Mat4, Vec3};
use likeness_head::preview::{Shape, View, draw};
use likeness_rig::{ARKIT_NAMES, CompiledRig, HeadMesh, LandmarkSet, MeshPart, Prior, Rig, RigBinding, arkit_index};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

struct Head {
    rig: Rig,
    compiled: CompiledRig,
    mesh: HeadMesh,
    binding: RigBinding,
    prior: Prior,
    landmarks: LandmarkSet,
}

fn load() -> Head {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/head");
    let rig = Rig::load(&folder.join("head.rig.ron")).unwrap();
    let mesh = HeadMesh::load(&folder.join(&rig.mesh)).unwrap();
    Head {
        compiled: rig.compile().unwrap(),
        binding: mesh.bind(&rig).unwrap(),
        prior: Prior::load(&folder.join(&rig.prior), &rig).unwrap(),
        landmarks: LandmarkSet::load(&folder.join(&rig.landmarks)).unwrap(),
        rig,
        mesh,
    }
}

impl Head {
    fn joints(&self, values: &[f32]) -> Vec<Mat4> {
        let mut offsets = Vec::new();
        self.compiled.offsets_into(values, &mut offsets);
        self.binding.joint_matrices(&self.mesh, &offsets)
    }

    fn neutral(&self) -> Vec<f32> {
        vec![0.5; self.rig.parameters.len()]
    }

    fn skin(&self) -> &MeshPart {
        self.mesh.part("skin").unwrap()
    }

    fn posed(&self, joints: &[Mat4]) -> Vec<Vec3> {
        let mut points = Vec::new();
        self.mesh.skin(self.skin(), joints, &[0.0; 52], &mut points);
        points
    }

    fn eye(&self, joints: &[Mat4], name: &str) -> Vec3 {
        let joint = self.mesh.joint_index(name).unwrap();
        joints[joint].transform_point3(self.mesh.joints[joint].inverse_bind.inverse().transform_point3(Vec3::ZERO))
    }
}

/// Backs of the skin show in this colour in a preview.
const BACK: [u8; 3] = [255, 0, 255];

/// What must hold for every face.
struct Checks {
    /// Radius of the eyeball.
    radius: f32,
}

impl Checks {
    fn new(head: &Head) -> Self {
        let eye = head.eye(&head.joints(&head.neutral()), "eye.L");
        let part = head.mesh.part("eyes").unwrap();
        let left: Vec<f32> = part.positions.iter().filter(|p| p.x > 0.0).map(|p| p.distance(eye)).collect();
        Self { radius: left.iter().sum::<f32>() / left.len() as f32 }
    }

    /// Pixels (of a picture of the face, 1.6 mm each) in which the skin shows its back: it is torn or turned over.
    fn torn(head: &Head, joints: &[Mat4], skin: &[Vec3]) -> usize {
        let eyes = head.mesh.part("eyes").unwrap();
        let mut balls = Vec::new();
        head.mesh.skin(eyes, joints, &[], &mut balls);
        let shapes = [(skin, head.skin()), (balls.as_slice(), eyes)].map(|(positions, part)| Shape {
            positions,
            triangles: &part.triangles,
            color: [0.5; 3],
            double_sided: false,
        });
        let view = View { yaw: 25.0, pitch: 0.0, centre: Vec3::new(0.0, -0.02, 0.05), height: 0.2 };
        draw(&shapes, view, 128).pixels().filter(|pixel| pixel.0 == BACK).count()
    }

    /// The first thing that is wrong with a face.
    fn fault(&self, head: &Head, values: &[f32]) -> Option<String> {
        let joints = head.joints(values);
        let points = head.posed(&joints);
        if points.iter().any(|p| !p.is_finite()) {
            return Some("a vertex is not a number".into());
        }
        let mark = |index: usize| {
            let point = &head.landmarks.points[index];
            point.triangle.iter().zip(point.weights).map(|(&v, w)| points[v as usize] * w).sum::<Vec3>()
        };
        for (upper, lower) in [(37, 41), (38, 40), (43, 47), (44, 46)] {
            let opening = mark(upper).y - mark(lower).y;
            if opening < 0.002 {
                return Some(format!("lids {upper} over {lower}: {:.1} mm", opening * 1000.0));
            }
        }
        for (upper, lower) in [(61, 67), (62, 66), (63, 65)] {
            let opening = mark(upper).y - mark(lower).y;
            if !(-0.0035..0.0035).contains(&opening) {
                return Some(format!("lips {upper} over {lower}: {:.1} mm", opening * 1000.0));
            }
        }
        for (range, name) in [(36..42, "eye.R"), (42..48, "eye.L")] {
            let eye = head.eye(&joints, name);
            for index in range {
                let off = mark(index).distance(eye) - self.radius;
                // At the corners the skin may dip a little into the ball, where the other lid covers it.
                let deepest = if [36, 39, 42, 45].contains(&index) { -0.003 } else { -0.002 };
                if !(deepest..0.007).contains(&off) {
                    return Some(format!("lid {index} is {:.1} mm off the eyeball", off * 1000.0));
                }
            }
        }
        let torn = Self::torn(head, &joints, &points);
        (torn > 3).then(|| format!("the skin shows its back in {torn} pixels"))
    }
}

#[test]
fn the_head_has_the_parts_joints_and_expressions_that_others_build_on() {
    let head = load();
    let names: Vec<&str> = head.mesh.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["skin", "eyes", "lashes", "teeth", "tongue", "skin.lod1", "skin.lod2"]);
    assert_eq!(head.mesh.morph_names, ARKIT_NAMES);
    let joints: Vec<&str> = head.mesh.joints.iter().map(|joint| joint.name.as_str()).collect();
    assert_eq!(joints[..3], ["root", "neck", "head"]);
    assert_eq!(head.mesh.joints.len(), head.rig.bones.len() + 5);
    assert!(head.rig.parameters.len() >= 208);
    let count = |name: &str| head.mesh.part(name).unwrap().triangles.len() as f32;
    assert!((count("skin.lod1") / count("skin") - 0.5).abs() < 0.03);
    assert!((count("skin.lod2") / count("skin") - 0.2).abs() < 0.03);
    for part in &head.mesh.parts {
        for (joints, weights) in part.joints.iter().zip(&part.weights) {
            assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{}", part.name);
            assert!(joints.iter().all(|&joint| usize::from(joint) < head.mesh.joints.len()));
        }
        assert_eq!(part.morphs.iter().any(|moves| !moves.is_empty()), part.name != "eyes", "{}", part.name);
    }
}

#[test]
fn eyeballs_follow_only_their_gaze_joints() {
    let head = load();
    let eyes = head.mesh.part("eyes").unwrap();
    for (position, (joints, weights)) in eyes.positions.iter().zip(eyes.joints.iter().zip(&eyes.weights)) {
        let name = &head.mesh.joints[usize::from(joints[0])].name;
        assert_eq!(name, if position.x > 0.0 { "gaze.L" } else { "gaze.R" });
        assert_eq!(weights[0], 1.0);
    }
}

#[test]
fn the_origin_lies_between_the_eyes_and_the_neutral_is_the_mean() {
    let head = load();
    let joints = head.joints(&head.neutral());
    let middle = (head.eye(&joints, "eye.L") + head.eye(&joints, "eye.R")) / 2.0;
    assert!(middle.length() < 1e-4, "{middle}");
    let worst = head.prior.mean.iter().map(|mean| (mean - 0.5).abs()).fold(0.0, f32::max);
    assert!(worst < 0.03, "{worst}");
}

#[test]
fn every_parameter_moves_something_and_none_turns_the_face_over() {
    let head = load();
    let checks = Checks::new(&head);
    let rest = head.posed(&head.joints(&head.neutral()));
    let mut faults = Vec::new();
    for parameter in 0..head.rig.parameters.len() {
        let mut moved = 0.0f32;
        for value in [0.0, 0.25, 0.75, 1.0] {
            let mut values = head.neutral();
            values[parameter] = value;
            if let Some(fault) = checks.fault(&head, &values) {
                faults.push(format!("{} at {value}: {fault}", head.rig.parameters[parameter].name));
            }
            let points = head.posed(&head.joints(&values));
            moved = points.iter().zip(&rest).map(|(a, b)| a.distance(*b)).fold(moved, f32::max);
        }
        let eyeballs_only = head.rig.parameters[parameter].name == "eye.ball.size";
        if moved < 2e-4 && !eyeballs_only {
            faults.push(format!("{} moves nothing", head.rig.parameters[parameter].name));
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_thousand_random_faces_are_whole() {
    let head = load();
    let checks = Checks::new(&head);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut faults = Vec::new();
    for number in 0..1000 {
        if let Some(fault) = checks.fault(&head, &head.prior.sample(&mut rng)) {
            faults.push(format!("face {number}: {fault}"));
        }
    }
    // In the far tails of the prior a very thin lower lip rolls over: two of these thousand draws.
    assert!(faults.len() <= 2, "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_blink_closes_the_lids_and_an_open_jaw_takes_the_lower_teeth_along() {
    let head = load();
    let joints = head.joints(&head.neutral());
    let pose = |part: &str, names: &[&str]| {
        let mut expression = [0.0; 52];
        for name in names {
            expression[arkit_index(name).unwrap()] = 1.0;
        }
        let mut points = Vec::new();
        head.mesh.skin(head.mesh.part(part).unwrap(), &joints, &expression, &mut points);
        points
    };
    let at = |points: &[Vec3], index: usize| {
        let point = &head.landmarks.points[index];
        point.triangle.iter().zip(point.weights).map(|(&v, w)| points[v as usize] * w).sum::<Vec3>()
    };
    let open = pose("skin", &[]);
    let shut = pose("skin", &["eyeBlinkLeft", "eyeBlinkRight"]);
    for (upper, lower) in [(37, 41), (38, 40), (43, 47), (44, 46)] {
        let opening = |points: &[Vec3]| at(points, upper).y - at(points, lower).y;
        assert!(opening(&shut) < 0.25 * opening(&open), "{upper}: {} of {}", opening(&shut), opening(&open));
    }
    let lowest = |points: Vec<Vec3>| points.iter().map(|p| p.y).fold(f32::INFINITY, f32::min);
    assert!(lowest(pose("teeth", &["jawOpen"])) < lowest(pose("teeth", &[])) - 0.01);
}

#[test]
fn the_outline_slides_outward_as_the_head_turns() {
    let head = load();
    let points = head.posed(&head.joints(&head.neutral()));
    let at = |point: &likeness_rig::LandmarkPoint| {
        point.triangle.iter().zip(point.weights).map(|(&v, w)| points[v as usize] * w).sum::<Vec3>()
    };
    for (yaw, row) in head.landmarks.contour_yaws.iter().zip(&head.landmarks.contour) {
        let (sin, cos) = yaw.to_radians().sin_cos();
        let across = |p: Vec3| p.x * cos + p.z * sin;
        for (index, point) in row.iter().enumerate() {
            let side = (index as f32 - 8.0).signum();
            let (fixed, slid) = (at(&head.landmarks.points[index]), at(point));
            assert!((fixed.y - slid.y).abs() < 1e-4, "the height stays");
            if side * yaw > 0.0 && index != 8 {
                assert!(side * across(slid) >= side * across(fixed) - 1e-5, "yaw {yaw} point {index}");
            } else {
                assert_eq!(fixed, slid);
            }
        }
    }
}
