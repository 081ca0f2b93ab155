#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::{Camera, HeadMesh, LandmarkSet, Rig, arkit_index, synthetic};

struct Head {
    prior: Prior,
    model: LandmarkModel,
}

fn head() -> Head {
    head_of(synthetic::rig())
}

fn head_of(rig: Rig) -> Head {
    let mesh: HeadMesh = synthetic::mesh(1);
    let set: LandmarkSet = synthetic::landmarks(&mesh, 2);
    Head { prior: synthetic::prior(&rig), model: LandmarkModel::new(&rig, &mesh, &set).unwrap() }
}

fn truth(head: &Head) -> FitState {
    let latents = vec![0.8, -0.6, 0.4, -1.0, 0.2, 0.5];
    let mut expression = [0.0; 52];
    expression[arkit_index("jawOpen").unwrap()] = 0.6;
    FitState {
        parameters: head.prior.latent_to_parameters(&latents),
        latents,
        expression,
        pose: HeadPose { yaw: 18.0, pitch: -7.0, roll: 11.0 },
        similarity: Similarity { a: 1500.0, b: 0.0, tx: 320.0, ty: 240.0 },
    }
}

fn weak_prior() -> FitOptions {
    FitOptions { prior_strength: 0.01, expression_strength: 0.1, iterations: 20, ..FitOptions::default() }
}

#[test]
fn a_face_is_found_again_from_scratch() {
    found_again(&head());
}

#[test]
fn a_face_of_a_rig_with_curves_is_found_again_from_scratch() {
    found_again(&head_of(synthetic::bent_rig()));
}

fn found_again(head: &Head) {
    let truth = truth(head);
    let landmarks = truth.project(&head.model);
    let start = FitState::mean(&head.prior);
    let found = fit_from_scratch(&head.model, &head.prior, &landmarks, &weak_prior());
    assert!(found.error(&head.model, &landmarks) < 0.3, "{} mm", found.error(&head.model, &landmarks));
    for (name, found, expected) in [
        ("yaw", found.pose.yaw, truth.pose.yaw),
        ("pitch", found.pose.pitch, truth.pose.pitch),
        ("roll", found.pose.roll, truth.pose.roll),
    ] {
        assert!((found - expected).abs() < 2.5, "{name}: {found} instead of {expected}");
    }
    assert!((found.similarity.a / truth.similarity.a - 1.0).abs() < 0.03, "{:?}", found.similarity);
    let distance = |latents: &[f32]| -> f32 { latents.iter().zip(&truth.latents).map(|(a, b)| (a - b).powi(2)).sum() };
    assert!(distance(&found.latents) < 0.3 * distance(&start.latents), "{:?}", found.latents);
    assert!(found.expression.iter().all(|value| (0.0..=1.0).contains(value)));
}

#[test]
fn channels_change_by_the_slopes_where_the_parameters_are() {
    const STEP: f32 = 1e-3;
    let rig = synthetic::bent_rig();
    let head = head_of(rig.clone());
    let (start, way) = (synthetic::values(&rig, 3), synthetic::values(&rig, 4));
    // Away from neutral, where the slopes are exact, and from both sides of it.
    let away = |value: &f32| if *value < 0.5 { 0.8 * value } else { 0.2 + 0.8 * value };
    let start: Vec<f32> = start.iter().map(away).collect();
    let at = |step: f32| {
        head.model.channels(&start.iter().zip(&way).map(|(value, way)| value + step * way).collect::<Vec<f32>>())
    };
    let change = head.model.channel_change(&head.model.strength_slopes(&start), |parameter| way[parameter]);
    for ((change, before), after) in change.iter().zip(at(-STEP)).zip(at(STEP)) {
        for channel in 0..9 {
            let difference = (after[channel] - before[channel]) / (2.0 * STEP);
            assert!((change[channel] - difference).abs() < 2e-3, "{channel}: {} {difference}", change[channel]);
        }
    }
}

#[test]
fn the_similarity_and_the_pose_say_where_the_landmarks_are() {
    let head = head();
    let landmarks = truth(&head).project(&head.model);
    let found = fit_from_scratch(&head.model, &head.prior, &landmarks, &weak_prior());
    assert_eq!(found.similarity.b, 0.0);
    for (index, (a, b)) in found.project(&head.model).iter().zip(landmarks).enumerate() {
        assert!(a.distance(b) < 2.0, "landmark {index}: {a} {b}");
    }
}

#[test]
fn refining_a_good_start_with_a_strong_prior_keeps_it() {
    let head = head();
    let truth = truth(&head);
    let landmarks = truth.project(&head.model);
    let mut start = truth.clone();
    // What a network gives need not lie in the prior's space.
    for (index, value) in start.parameters.iter_mut().enumerate() {
        *value += if index % 2 == 0 { 0.02 } else { -0.02 };
    }
    let options = FitOptions { prior_strength: 1e6, ..FitOptions::default() };
    let kept = refine(&head.model, &head.prior, &landmarks, &start, &options);
    for (a, b) in kept.parameters.iter().zip(&start.parameters) {
        assert!((a - b).abs() < 1e-3, "the centre is the network's answer");
    }
    let mean = refine(&head.model, &head.prior, &landmarks, &start, &FitOptions { center: Center::Mean, ..options });
    for (a, b) in mean.parameters.iter().zip(&head.prior.mean) {
        assert!((a - b).abs() < 1e-2, "the centre is the mean");
    }
}

#[test]
fn refining_lowers_the_error_in_pictures_with_perspective() {
    let head = head();
    let truth = truth(&head);
    let camera = Camera { position: Vec3::new(0.0, 0.0, 0.8), target: Vec3::ZERO, fov_y: 0.5, width: 512, height: 512 };
    let rotation = truth.pose.rotation();
    let landmarks = head
        .model
        .points(&truth.parameters, &truth.expression, truth.pose.yaw)
        .map(|point| camera.project(rotation * point).unwrap());
    let start = FitState::from_prediction(&head.prior, &head.prior.mean, &[0.0; 52], HeadPose::default());
    let one = refine(&head.model, &head.prior, &landmarks, &start, &FitOptions { iterations: 1, ..weak_prior() });
    let many = refine(&head.model, &head.prior, &landmarks, &start, &weak_prior());
    assert!(many.error(&head.model, &landmarks) < 2.0, "{} mm", many.error(&head.model, &landmarks));
    assert!(many.error(&head.model, &landmarks) < one.error(&head.model, &landmarks));
}

#[test]
fn one_landmark_far_off_does_little_harm() {
    let head = head();
    let mut landmarks = truth(&head).project(&head.model);
    landmarks[40] += Vec2::new(80.0, -60.0);
    let found = fit_from_scratch(&head.model, &head.prior, &landmarks, &weak_prior());
    assert!((found.pose.yaw - 18.0).abs() < 8.0, "{:?}", found.pose);
    assert!((found.similarity.a / 1500.0 - 1.0).abs() < 0.08, "{:?}", found.similarity);
}

#[test]
fn landmarks_that_say_nothing_leave_the_start() {
    let head = head();
    let start = truth(&head);
    for value in [f32::NAN, f32::INFINITY, 0.0, 1e30] {
        let landmarks = [Vec2::splat(value); LANDMARK_COUNT];
        let found = refine(&head.model, &head.prior, &landmarks, &start, &FitOptions::default());
        assert!(found.parameters.iter().all(|value| value.is_finite()), "{value}");
    }
    let landmarks = [Vec2::NAN; LANDMARK_COUNT];
    assert_eq!(refine(&head.model, &head.prior, &landmarks, &start, &FitOptions::default()), start);
    let strange = FitState { parameters: vec![0.5], ..start };
    let landmarks = [Vec2::ONE; LANDMARK_COUNT];
    assert_eq!(refine(&head.model, &head.prior, &landmarks, &strange, &FitOptions::default()), strange);
}
