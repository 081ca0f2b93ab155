#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use glam::Mat3;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::synthetic;

fn expression(seed: u64) -> [f32; 52] {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    std::array::from_fn(|_| rng.random_range(0.0..1.0))
}

/// The landmarks by skinning the whole mesh.
fn skinned(
    rig: &Rig,
    mesh: &HeadMesh,
    set: &LandmarkSet,
    values: &[f32],
    expression: &[f32; 52],
    yaw: f32,
) -> Vec<Vec3> {
    let mut offsets = Vec::new();
    rig.compile().unwrap().offsets_into(values, &mut offsets);
    let matrices = mesh.bind(rig).unwrap().joint_matrices(mesh, &offsets);
    let mut vertices = Vec::new();
    mesh.skin(&mesh.parts[0], &matrices, expression, &mut vertices);
    let at = |point: &LandmarkPoint| {
        point
            .triangle
            .iter()
            .zip(point.weights)
            .map(|(vertex, weight)| vertices[*vertex as usize] * weight)
            .sum::<Vec3>()
    };
    let yaws = &set.contour_yaws;
    let yaw = yaw.clamp(yaws[0], yaws[yaws.len() - 1]);
    let high = yaws.iter().position(|known| *known >= yaw).unwrap().max(1);
    let part = (yaw - yaws[high - 1]) / (yaws[high] - yaws[high - 1]);
    (0..LANDMARK_COUNT)
        .map(|index| {
            if index < CONTOUR_COUNT {
                at(&set.contour[high - 1][index]).lerp(at(&set.contour[high][index]), part)
            } else {
                at(&set.points[index])
            }
        })
        .collect()
}

#[test]
fn points_are_those_of_the_skinned_mesh() {
    for (seed, rig) in (0..20).zip([synthetic::rig(), synthetic::bent_rig()].iter().cycle()) {
        let mesh = synthetic::mesh(seed);
        let set = synthetic::landmarks(&mesh, seed + 100);
        let model = LandmarkModel::new(rig, &mesh, &set).unwrap();
        let values = synthetic::values(rig, seed);
        for yaw in [-90.0, -40.0, -13.0, 0.0, 22.0, 30.0, 55.0] {
            let expected = skinned(rig, &mesh, &set, &values, &expression(seed), yaw);
            let points = model.points(&values, &expression(seed), yaw);
            for (index, (a, b)) in points.iter().zip(expected).enumerate() {
                assert!(a.distance(b) <= 1e-5, "landmark {index} at yaw {yaw}: {a} {b}");
            }
        }
    }
}

#[test]
fn tensors_give_the_points() {
    let rig = synthetic::rig();
    let mesh = synthetic::mesh(3);
    let set = synthetic::landmarks(&mesh, 4);
    let model = LandmarkModel::new(&rig, &mesh, &set).unwrap();
    let tensors = model.tensors();
    let values = synthetic::values(&rig, 5);
    let expression = expression(6);
    let affines = model.affines(&values);
    let (count, bones) = (tensors.fixed.len() / 3, tensors.bones.len());
    assert_eq!(count, 17 * tensors.yaws.len() + 51);
    assert_eq!(tensors.base.len(), count * bones * 4);
    assert_eq!(tensors.expression.len(), tensors.expressions.len() * count * bones * 3);
    assert_eq!(tensors.base_at_yaw(1).len(), LANDMARK_COUNT * bones * 4);
    for (yaw_row, yaw) in tensors.yaws.iter().enumerate() {
        let expected = model.points(&values, &expression, *yaw);
        for (landmark, n) in tensors.rows[yaw_row].iter().enumerate() {
            let mut point = Vec3::from_slice(&tensors.fixed[n * 3..]);
            for (e, index) in tensors.expressions.iter().enumerate() {
                let delta = Vec3::from_slice(&tensors.fixed_expression[(e * count + n) * 3..]);
                point += delta * expression[*index];
            }
            for (b, affine) in affines.iter().enumerate() {
                let base = &tensors.base[(n * bones + b) * 4..];
                let mut mixed = Vec3::from_slice(base);
                for (e, index) in tensors.expressions.iter().enumerate() {
                    let delta = Vec3::from_slice(&tensors.expression[((e * count + n) * bones + b) * 3..]);
                    mixed += delta * expression[*index];
                }
                let linear = Mat3::from_cols_slice(&affine[..9]).transpose();
                point += linear * mixed + Vec3::from_slice(&affine[9..]) * base[3];
            }
            assert!(point.distance(expected[landmark]) < 1e-5, "landmark {landmark} at yaw {yaw}");
        }
    }
}

#[test]
fn meshes_that_cannot_serve_are_errors() {
    let rig = synthetic::rig();
    let sound = synthetic::mesh(0);
    let set = synthetic::landmarks(&sound, 0);
    let build = |mesh: &HeadMesh| LandmarkModel::new(&rig, mesh, &set);

    let mut mesh = sound.clone();
    mesh.joints[4].name = "beard".into();
    let error = build(&mesh).unwrap_err();
    assert!(matches!(&error, RigError::MissingJoint { joint, .. } if joint == "chin"), "{error}");

    let mut mesh = sound.clone();
    mesh.joints[4].rest.scale *= 2.0;
    assert!(matches!(build(&mesh), Err(RigError::Mesh { .. })));

    let mut mesh = sound.clone();
    mesh.joints[4].parent = Some(3);
    let shift = mesh.joints[3].inverse_bind.w_axis - mesh.joints[2].inverse_bind.w_axis;
    mesh.joints[4].rest.translation += shift.truncate();
    let error = build(&mesh).unwrap_err();
    assert!(error.to_string().contains("under other bones"), "{error}");

    let mut mesh = sound.clone();
    mesh.joints[0].parent = Some(2);
    assert!(matches!(build(&mesh), Err(RigError::Mesh { .. })), "a circle of joints");

    let mut mesh = sound;
    mesh.parts[0].positions.truncate(5);
    assert!(matches!(build(&mesh), Err(RigError::OutOfRange { .. })));
}

#[test]
fn landmark_files_come_back_or_name_the_fault() {
    let mesh = synthetic::mesh(0);
    let set = synthetic::landmarks(&mesh, 0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head.landmarks.json");
    set.save(&path).unwrap();
    assert_eq!(LandmarkSet::load(&path).unwrap(), set);

    type Case = (&'static str, fn(&mut LandmarkSet));
    let cases: [Case; 6] = [
        ("points", |set| set.points.truncate(67)),
        ("contour_yaws", |set| set.contour_yaws.clear()),
        ("contour_yaws", |set| set.contour_yaws.swap(0, 1)),
        ("contour", |set| drop(set.contour.pop())),
        ("contour[1]", |set| set.contour[1].truncate(16)),
        ("weights", |set| set.points[0].weights = [0.5, 0.5, 0.5]),
    ];
    for (field, spoil) in cases {
        let mut set = set.clone();
        spoil(&mut set);
        let error = LandmarkSet::from_json(&set.to_json().unwrap(), "x.json").unwrap_err();
        assert!(error.to_string().contains(field), "{field}: {error}");
    }
}
