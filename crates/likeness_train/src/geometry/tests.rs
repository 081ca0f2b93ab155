#![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]

use candle_core::{Device, Var};
use likeness_rig::{Curve, LandmarkModel};

use super::*;
use crate::{
    dice::{Dice, Purpose},
    head::Head,
};

/// A perspective that is strong enough to matter.
const NEAR: View = View { distance: 0.8 };

fn head() -> Head {
    Head::load(&Head::default_rig()).unwrap()
}

/// The head with curves, and with ends that differ: one side nearer, still, or beyond the other.
fn bent_head() -> Head {
    let mut head = head();
    for (index, parameter) in head.rig.parameters.iter_mut().enumerate() {
        parameter.curve = Curve([1.0, 1.6, 0.6][index % 3]);
        for drive in &mut parameter.drives {
            drive.low = [None, Some(-0.5), Some(0.0), Some(-1.2)][index % 4].map(|share| share * drive.amount);
        }
    }
    let set = LandmarkSet::load(&head.path.with_file_name(&head.rig.landmarks)).unwrap();
    head.landmarks = LandmarkModel::new(&head.rig, &head.mesh, &set).unwrap();
    head.geometry = Arc::new(FaceGeometry::new(&head.rig, &head.mesh, &set).unwrap());
    head
}

fn draw(head: &Head, index: u64) -> (Vec<f32>, [f32; 52], [f32; 3]) {
    let mut dice = Dice::new(9, Purpose::Probe, index);
    let parameters = head.prior.sample(dice.rng());
    let expression = std::array::from_fn(|_| dice.uniform(0.0, 0.4));
    (parameters, expression, [dice.uniform(-0.3, 0.3), dice.uniform(-0.2, 0.2), dice.uniform(-0.1, 0.1)])
}

#[test]
fn points_are_those_of_the_rig_crate() {
    for head in [head(), bent_head()] {
        for index in 0..8 {
            let (parameters, expression, pose) = draw(&head, index);
            let yaw = pose[0] * 90.0;
            let ours = head.geometry.points(&parameters, &expression, yaw);
            let theirs = head.landmarks.points(&parameters, &expression, yaw);
            for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
                assert!(a.distance(b) < 2e-5, "landmark {i}: {a} {b}");
            }
        }
    }
}

#[test]
fn projecting_turns_as_the_pose_says() {
    let pose = likeness_rig::HeadPose { yaw: 20.0, pitch: -10.0, roll: 5.0 };
    let point = Vec3::new(0.03, -0.05, 0.09);
    let turned = pose.rotation() * point;
    let seen = View::PARALLEL.project([20.0 / 90.0, -10.0 / 90.0, 5.0 / 90.0], point);
    assert!(seen.distance(Vec2::new(turned.x, -turned.y)) < 1e-6);
}

/// The loss that the gradients are checked on.
fn loss(geometry: &Arc<FaceGeometry>, vars: &[Tensor; 3], targets: &Tensor, weights: &Tensor) -> Tensor {
    let points = project_landmarks(geometry, NEAR, &vars[0], &vars[1], &vars[2]).unwrap();
    let aligned = align_points(&points, targets, weights).unwrap();
    ((aligned - targets).unwrap() * 1000.0).unwrap().sqr().unwrap().mean_all().unwrap()
}

#[test]
fn gradients_agree_with_finite_differences() {
    let head = head();
    let start = draw(&head, 1);
    check_gradients(&head, start);
}

#[test]
fn gradients_of_curves_and_lower_ends_agree_with_finite_differences() {
    let head = bent_head();
    let (mut parameters, expression, pose) = draw(&head, 1);
    for value in &mut parameters {
        // At neutral the two sides meet, and near to it curves are steep.
        if (*value - 0.5).abs() < 0.08 {
            *value = 0.5 + (*value - 0.5).signum() * 0.08;
        }
    }
    check_gradients(&head, (parameters, expression, pose));
}

#[test]
fn gradients_at_and_beyond_neutral_and_the_ends_are_finite_and_lead_on() {
    let head = bent_head();
    let expression = [0.0; 52];
    let up = [Vec3::Y; 68];
    for value in [-3.0, 0.0, 0.5 - 1e-7, 0.5, 0.5 + 1e-7, 1.0, 4.0] {
        let values = vec![value; head.geometry.parameter_count()];
        let (mut to_values, mut to_expression) = (vec![0.0; values.len()], [0.0; 52]);
        head.geometry.pull_back(&values, &expression, 0.0, &up, (&mut to_values, &mut to_expression));
        assert!(to_values.iter().all(|gradient| gradient.is_finite()), "{value}: {to_values:?}");
        let raise = head.rig.parameter_index("nose.septum.raise").unwrap();
        assert!(to_values[raise] > 0.0, "{value}: {}", to_values[raise]);
    }
}

/// Compares the gradients at a start with differences of the loss.
fn check_gradients(head: &Head, (p0, e0, pose0): (Vec<f32>, [f32; 52], [f32; 3])) {
    let device = Device::Cpu;
    let (p1, e1, pose1) = draw(head, 2);
    let tensor = |values: Vec<f32>| {
        let n = values.len();
        Tensor::from_vec(values, (1, n), &device).unwrap()
    };
    let targets =
        project_landmarks(&head.geometry, NEAR, &tensor(p1), &tensor(e1.to_vec()), &tensor(pose1.to_vec())).unwrap();
    let weights = Tensor::ones(68, candle_core::DType::F32, &device).unwrap();
    let start = [tensor(p0), tensor(e0.to_vec()), tensor(pose0.to_vec())];
    let vars = start.clone().map(|tensor| Var::from_tensor(&tensor).unwrap());
    let inputs = vars.clone().map(|var| var.as_tensor().clone());
    let gradients = loss(&head.geometry, &inputs, &targets, &weights).backward().unwrap();
    for (k, var) in vars.iter().enumerate() {
        let gradient = gradients.get(var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let scale = gradient.iter().fold(0.0f32, |max, value| max.max(value.abs()));
        assert!(scale > 0.0);
        let step = if k == 2 { 2e-3 } else { 1e-2 };
        for i in (0..gradient.len()).step_by(if k == 0 { 7 } else { 1 }) {
            let moved = |sign: f32| {
                let mut inputs = start.clone();
                let mut values = inputs[k].flatten_all().unwrap().to_vec1::<f32>().unwrap();
                values[i] += sign * step;
                inputs[k] = tensor(values);
                loss(&head.geometry, &inputs, &targets, &weights).to_scalar::<f32>().unwrap()
            };
            let numeric = (moved(1.0) - moved(-1.0)) / (2.0 * step);
            let error = (numeric - gradient[i]).abs();
            // The contour slides with the yaw, which the gradient leaves out on purpose.
            let allowed = if k == 2 && i == 0 { 0.35 } else { 0.02 };
            assert!(error <= allowed * scale.max(numeric.abs()), "input {k}[{i}]: {} against {numeric}", gradient[i]);
        }
    }
}

#[test]
fn aligning_undoes_a_similarity() {
    let head = head();
    let (p, e, pose) = draw(&head, 3);
    let points: Vec<f32> =
        head.geometry.points(&p, &e, 0.0).iter().flat_map(|point| NEAR.project(pose, *point).to_array()).collect();
    let moved: Vec<f32> = points
        .chunks_exact(2)
        .flat_map(|p| [30.0 * p[0] - 12.0 * p[1] + 5.0, 12.0 * p[0] + 30.0 * p[1] - 3.0])
        .collect();
    let tensor = |values: Vec<f32>| Tensor::from_vec(values, (1, 68, 2), &Device::Cpu).unwrap();
    let weights = Tensor::ones(68, candle_core::DType::F32, &Device::Cpu).unwrap();
    let target = tensor(moved);
    let aligned = align_points(&tensor(points), &target, &weights).unwrap();
    let error = (aligned - target).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(error < 1e-4, "{error}");
}
