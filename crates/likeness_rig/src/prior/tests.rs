#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::synthetic;

#[test]
fn a_prior_survives_a_round_trip() {
    let rig = synthetic::rig();
    let prior = synthetic::prior(&rig);
    assert_eq!(Prior::from_bytes(&prior.to_bytes().unwrap(), &rig, "head.prior.safetensors").unwrap(), prior);
}

#[test]
fn draws_repeat_by_seed_and_have_the_moments() {
    let prior = synthetic::prior(&synthetic::rig());
    let draw = |seed| prior.sample(&mut ChaCha8Rng::seed_from_u64(seed));
    assert_eq!(draw(5), draw(5));
    assert_ne!(draw(5), draw(6));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let draws: Vec<f32> = (0..20_000).map(|_| prior.sample(&mut rng)[3]).collect();
    let mean = draws.iter().sum::<f32>() / draws.len() as f32;
    let spread = (draws.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / draws.len() as f32).sqrt();
    let expected = prior.factor[18..24].iter().map(|factor| factor * factor).sum::<f32>().sqrt();
    assert!((mean - prior.mean[3]).abs() < 0.004, "{mean}");
    assert!((spread / expected - 1.0).abs() < 0.1, "{spread} {expected}");
    assert!(draws.iter().all(|value| (0.0..=1.0).contains(value)));
}

#[test]
fn latents_come_back_from_their_parameters() {
    let prior = synthetic::prior(&synthetic::rig());
    let latents = [0.5, -1.0, 0.3, 1.2, -0.4, 0.8];
    let back = prior.parameters_to_latents(&prior.latent_to_parameters(&latents));
    for (a, b) in latents.iter().zip(back) {
        assert!((a - b).abs() < 0.02, "{a} {b}");
    }
}

#[test]
fn each_fault_gives_its_error() {
    type Case = (&'static str, fn(&mut Prior), fn(&RigError) -> bool);
    let cases: [Case; 7] = [
        ("rig", |prior| prior.rig_id = "other".into(), |error| matches!(error, RigError::WrongRig { .. })),
        ("rig", |prior| prior.rig_version = 9, |error| matches!(error, RigError::WrongRig { .. })),
        ("mean", |prior| prior.mean[2] = f32::NAN, |error| matches!(error, RigError::OutOfRange { .. })),
        ("mean", |prior| prior.mean[2] = 1.1, |error| matches!(error, RigError::OutOfRange { .. })),
        ("factor", |prior| prior.factor[2] = f32::INFINITY, |error| matches!(error, RigError::OutOfRange { .. })),
        ("vertex_motion", |prior| prior.vertex_motion[0] = -1.0, |error| matches!(error, RigError::OutOfRange { .. })),
        ("vertex_motion", |prior| prior.vertex_motion.truncate(36), |error| matches!(error, RigError::Shape { .. })),
    ];
    let rig = synthetic::rig();
    for (field, spoil, expected) in cases {
        let mut prior = synthetic::prior(&rig);
        spoil(&mut prior);
        let error =
            prior.to_bytes().and_then(|bytes| Prior::from_bytes(&bytes, &rig, "head.prior.safetensors")).unwrap_err();
        assert!(expected(&error) && error.to_string().contains(field), "{field}: {error}");
    }
}

#[test]
fn cut_files_are_errors() {
    let rig = synthetic::rig();
    let bytes = synthetic::prior(&rig).to_bytes().unwrap();
    for length in 0..bytes.len() {
        assert!(Prior::from_bytes(&bytes[..length], &rig, "x").is_err(), "cut at {length}");
    }
}
