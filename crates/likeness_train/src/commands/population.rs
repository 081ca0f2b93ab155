//! `likeness-train population`.

use std::path::PathBuf;

use clap::Args;
use likeness_train::{Result, bone_measure::answers, head::Head, population::population};

use super::eval::{bone_point_net, renders, training_photos};

/// Measure who the photos of the training set show, to draw such people: `render --population`
#[derive(Args)]
pub(crate) struct Population {
    /// The photos' label file; those that training leaves out stay out
    #[arg(long, value_name = "JSONL")]
    portraits: PathBuf,
    /// The folder of synthetic shards; their held-out pictures tell what the network leaves open
    #[arg(long, value_name = "DIR")]
    renders: PathBuf,
    /// The bone-point network's weights
    #[arg(long, value_name = "FILE", default_value = "assets/models/bone_point.safetensors")]
    weights: PathBuf,
    /// The rig
    #[arg(long, value_name = "RON", default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
    /// How far the groups of the photos (source, sex, age) are brought to equal shares, 0..1
    #[arg(long, default_value_t = 0.5)]
    balance: f32,
    /// Where the population goes: a prior's file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Population {
    pub(crate) fn run(self) -> Result<()> {
        let head = Head::load(&self.rig)?;
        let net = bone_point_net(&self.weights, &head)?;
        let (photos, weights) = training_photos(&self.portraits, self.balance)?;
        let seen = answers(&net, &head.rig, photos.iter().map(|photo| (&photo.picture, photo.landmarks)))?;
        let renders = renders(&self.renders, &head, false, usize::MAX)?;
        let points =
            |render: &likeness_train::shards::Render| std::array::from_fn(|i| render.label.landmarks[i].into());
        let on_renders = answers(&net, &head.rig, renders.iter().map(|render| (&render.picture, points(render))))?;
        let weighed: Vec<(&[f32], f32)> =
            seen.iter().zip(&weights).map(|(answer, weight)| (answer.parameters.as_slice(), *weight)).collect();
        let pairs: Vec<(&[f32], &[f32])> = on_renders
            .iter()
            .zip(&renders)
            .map(|(answer, render)| (answer.parameters.as_slice(), render.label.parameters.as_slice()))
            .collect();
        let found = population(&head.prior, &weighed, &pairs)?;
        likeness_rig::write_atomic(&self.out, &found.to_bytes()?)?;
        let shift = head.prior.distance(&found.mean, &head.prior.mean);
        let turn = |axis: usize| {
            let sum: f32 = seen.iter().map(|answer| (answer.pose[axis] * 90.0).powi(2)).sum();
            (sum / seen.len() as f32).sqrt()
        };
        println!("{} photos, {} renders: the mean face lies {shift:.2} from the prior's", seen.len(), renders.len());
        println!("yaw {:.1}, pitch {:.1}, roll {:.1} degrees, root mean square", turn(0), turn(1), turn(2));
        Ok(())
    }
}
