//! Training of the landmark network on renders and photos.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use candle_core::{Device, Tensor};
use candle_nn::VarMap;
use glam::Vec2;
use likeness_nets::{LANDMARK, LandmarkConfig, LandmarkNet, SeededInit, WeightsMeta, backward};
use likeness_rig::crop::{CROP_SIZE, REFERENCE_LANDMARKS};

use crate::{
    checkpoint::{self, Average, Standing},
    ensemble::Ensemble,
    error::{Result, TrainError},
    landmark_data::{LandmarkBatch, LandmarkData, LandmarkItem, plain_crop},
    loader::Loader,
    metrics::Report,
    portraits::inter_ocular,
    run_log::RunLog,
    run_options::RunOptions,
    schedule::learning_rate,
};

/// How the landmark network is trained.
#[derive(Clone, Debug)]
pub struct LandmarkOptions {
    /// What every run is told.
    pub run: RunOptions,
    /// Pictures a step.
    pub batch: usize,
}

impl LandmarkOptions {
    /// What all processes of a run must agree on.
    fn agreement(&self, data: &LandmarkData) -> String {
        let common = Self { run: self.run.shared(), ..self.clone() };
        let LandmarkData { photos, renders, photo_share, .. } = data;
        format!(
            "network: landmarks, {common:?}, training renders: {}, training photos: {}, photo share: {photo_share}",
            renders.len(),
            photos.len()
        )
    }
}

/// Pixels between the outer eye corners of an average crop: the loss counts in these.
const EYE_DISTANCE: f64 = 44.0;

/// Wing loss (Z. Feng et al., "Wing Loss for Robust Facial Landmark Localisation", CVPR 2018), in eye distances: logarithmic near
/// zero, so that small errors matter, and linear far out, so that wrong labels do not.
///
/// # Errors
/// Tensors of different shapes.
pub fn wing_loss(predicted: &Tensor, labelled: &Tensor) -> candle_core::Result<Tensor> {
    const WIDTH: f64 = 0.15;
    const CURVE: f64 = 0.03;
    let distance = ((predicted - labelled)? * (CROP_SIZE as f64 / EYE_DISTANCE))?.abs()?;
    let near = (((&distance / CURVE)? + 1.0)?.log()? * WIDTH)?;
    let far = (&distance - (WIDTH - WIDTH * (1.0 + WIDTH / CURVE).ln()))?;
    distance.lt(WIDTH)?.where_cond(&near, &far)?.mean_all()
}

/// The name of the learned difference between where renders and photos have their landmarks. It is used in training alone: a vertex
/// of the mesh and a label on a photo never mean quite the same point.
const OFFSET: &str = "render_offset";

/// Trains and writes the weights. Answers the last held-out error (mean distance over the inter-ocular distance), of several processes
/// on rank 0 alone.
///
/// # Errors
/// Files cannot be written; the loss diverges; a checkpoint does not fit; another process of the run is lost.
pub fn train_landmarks(
    data: LandmarkData,
    held_out: &[LandmarkItem],
    options: &LandmarkOptions,
) -> Result<Option<f64>> {
    let run = &options.run;
    let device = run.device.open()?;
    let mut ensemble = Ensemble::join(run.place.as_ref(), &options.agreement(&data), &device)?;
    let map = VarMap::new();
    let builder = SeededInit::builder(&map, run.seed, &device);
    let config = LandmarkConfig::default();
    let mean = REFERENCE_LANDMARKS.map(|p| {
        let half = CROP_SIZE as f32 * 0.5;
        [((p[0] - half) * 0.92 + half) / CROP_SIZE as f32, ((p[1] - 77.0) * 0.92 + half) / CROP_SIZE as f32]
    });
    let net = LandmarkNet::new(&config, builder.pp("net"), Some(&mean))?;
    let offset = SeededInit::builder(&map, run.seed, &Device::Cpu);
    let offset = offset.get_with_hints((1, 68, 2), OFFSET, candle_nn::Init::Const(0.0))?;
    let mut optimizer = run.optimizer(&map)?;
    let mut average = Average::new(&map, run.average)?;
    let checkpoint_path = run.checkpoint();
    let mut standing = Standing::default();
    if run.resume
        && let Some((stood, _)) = checkpoint::load(&mut ensemble, &checkpoint_path, &map, &mut optimizer, &mut average)?
    {
        standing = stood;
    }
    let mut log = RunLog::open(&ensemble, "landmarks", run, &standing)?;
    let (seed, batch, share) = (run.seed, options.batch, ensemble.share());
    let data = Arc::new(data);
    let mut loader =
        Loader::start(standing.step, run.workers, 3, move |step| data.batch(seed, share.batch(step), batch))?;
    let (started, before) = (Instant::now(), standing.seconds);
    let mut held_out_error = None;
    let (mut sum, mut count) = (0.0, 0u64);
    loop {
        let progress = run.progress(&standing);
        if progress >= 1.0 {
            break;
        }
        let LandmarkBatch { images, points, render } = loader.next_batch()?;
        let images = Tensor::from_vec(images, (batch, 3, CROP_SIZE, CROP_SIZE), &device)?;
        let points = Tensor::from_vec(points, (batch, 68, 2), &Device::Cpu)?;
        let render = Tensor::from_vec(render, (batch, 1, 1), &Device::Cpu)?;
        let predicted = net.forward(&images, true)?.to_device(&Device::Cpu)?;
        let predicted = (predicted + render.broadcast_mul(&offset)?)?;
        let loss = wing_loss(&predicted, &points)?;
        let mut value = [loss.to_scalar::<f32>()?];
        ensemble.average(&mut value)?;
        let value = f64::from(value[0]);
        if !value.is_finite() {
            return Err(TrainError::Diverged { step: standing.step, loss: value });
        }
        let mut gradients = backward(&loss)?;
        if standing.step == 0
            && let Some(name) = optimizer.missing(&gradients).into_iter().next()
        {
            return Err(TrainError::NoGradient { name });
        }
        ensemble.average_gradients(&optimizer, &mut gradients)?;
        optimizer.set_learning_rate(learning_rate(run.learning_rate, progress, 0.03));
        optimizer.step(&gradients)?;
        if ensemble.leads() {
            average.follow(&map, standing.step)?;
        }
        standing.step += 1;
        standing.seconds = ensemble.broadcast_number(before + started.elapsed().as_secs_f64())?;
        (sum, count) = (sum + value, count + 1);
        let end = run.progress(&standing) >= 1.0;
        if standing.step % 20 == 0 || end {
            let mut report = Report::from([
                ("step".to_owned(), standing.step as f64),
                ("seconds".to_owned(), standing.seconds),
                ("loss".to_owned(), sum / count as f64),
            ]);
            (sum, count) = (0.0, 0);
            if let Some(log) = &mut log {
                if standing.step % run.measure_every == 0 || end {
                    let error = measure(&averaged(&average, &config)?, held_out)?;
                    report.insert("held_out_nme".to_owned(), error);
                    held_out_error = Some(error);
                }
                log.add(&report)?;
            }
        }
        if standing.step % run.checkpoint_every == 0 {
            let nothing = BTreeMap::new();
            checkpoint::save(&mut ensemble, &checkpoint_path, &map, &optimizer, &average, &standing, nothing)?;
        }
    }
    let nothing = BTreeMap::new();
    checkpoint::save(&mut ensemble, &checkpoint_path, &map, &optimizer, &average, &standing, nothing)?;
    let leads = ensemble.leads();
    ensemble.finish(&device)?;
    if !leads {
        return Ok(None);
    }
    let meta = WeightsMeta::new(LANDMARK, &config, CROP_SIZE)?;
    run.save(&average.tensors("net.")?, meta)?;
    Ok(held_out_error)
}

fn averaged(average: &Average, config: &LandmarkConfig) -> Result<LandmarkNet> {
    Ok(LandmarkNet::new(config, average.builder("net.")?, None)?)
}

/// The points that the two passes find in each picture, in its pixels.
///
/// # Errors
/// Only those of the network.
pub fn find_points(net: &LandmarkNet, items: &[LandmarkItem]) -> Result<Vec<[Vec2; 68]>> {
    let mut found: Vec<Option<[Vec2; 68]>> = vec![None; items.len()];
    for _ in 0..2 {
        for (items, found) in items.chunks(32).zip(found.chunks_mut(32)) {
            let crops: Vec<_> =
                items.iter().zip(found.iter()).map(|(item, found)| plain_crop(item, found.as_ref())).collect();
            let pixels: Vec<f32> = crops.iter().flat_map(|(pixels, _)| pixels.iter().copied()).collect();
            let images = Tensor::from_vec(pixels, (items.len(), 3, CROP_SIZE, CROP_SIZE), &Device::Cpu)?;
            let points = net.forward(&images, false)?.flatten_all()?.to_vec1::<f32>()?;
            for ((found, (_, to_crop)), points) in found.iter_mut().zip(&crops).zip(points.chunks_exact(136)) {
                let back = to_crop.inverse().unwrap_or(likeness_rig::similarity::Similarity::IDENTITY);
                *found = Some(std::array::from_fn(|i| {
                    back.apply(Vec2::new(points[2 * i], points[2 * i + 1]) * CROP_SIZE as f32)
                }));
            }
        }
    }
    Ok(found.into_iter().flatten().collect())
}

/// The mean distance between found and labelled points over the inter-ocular distance, averaged over pictures.
///
/// # Errors
/// Only those of the network.
pub fn measure(net: &LandmarkNet, items: &[LandmarkItem]) -> Result<f64> {
    let found = find_points(net, items)?;
    let errors = items.iter().zip(&found).map(|(item, found)| mean_distance(found, &item.landmarks));
    Ok(errors.map(f64::from).sum::<f64>() / items.len().max(1) as f64)
}

/// The mean distance between two sets of points over the second's inter-ocular distance.
pub fn mean_distance(found: &[Vec2; 68], labelled: &[Vec2; 68]) -> f32 {
    let sum: f32 = found.iter().zip(labelled).map(|(a, b)| a.distance(*b)).sum();
    sum / 68.0 / inter_ocular(labelled)
}
