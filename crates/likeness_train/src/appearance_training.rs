//! Training of the appearance network: options, colours and details on renders, what somebody saw on photos, and features that do not
//! tell photos from renders.

use std::{sync::Arc, time::Instant};

use candle_core::{Device, Tensor};
use candle_nn::VarMap;
use likeness_nets::{
    APPEARANCE, AppearanceConfig, AppearanceNet, AppearanceOutput, DomainNet, SeededInit, WeightsMeta, backward,
    cross_entropy, partial_label_loss,
};
use likeness_rig::crop::CROP_SIZE;

use crate::{
    appearance_data::{AppearanceBatch, AppearanceData, SeenPhoto},
    checkpoint::{self, Average, Standing},
    domain_loss::{DomainLoss, DomainMemory},
    ensemble::Ensemble,
    error::{Result, TrainError},
    evaluate::appearance::{evaluate_appearance, evaluate_looks},
    head::Head,
    loader::Loader,
    metrics::Report,
    run_log::RunLog,
    run_options::RunOptions,
    schedule::{learning_rate, reversal_strength},
    shards::Render,
};

/// How far off an answered colour may be from one that somebody saw, in encoded RGB: eyes name colours, they do not measure them.
const COLOR_BY_EYE: f64 = 0.06;

/// How the appearance network is trained.
#[derive(Clone, Debug)]
pub struct AppearanceOptions {
    /// What every run is told.
    pub run: RunOptions,
    /// Weight of telling photos from renders, and of the domain network's certainty (see [`DomainLoss`]).
    pub domain: [f64; 2],
    /// Further steps of the domain network after each step (see [`DomainMemory`]).
    pub domain_steps: usize,
    /// Weight of the colours against the options.
    pub colors: f64,
    /// Weight of the details against the options; with 0 the network answers none, and faces keep the rig's.
    pub details: f64,
    /// Weight of what somebody saw on photos against the same on renders.
    pub looks: f64,
}

impl AppearanceOptions {
    /// What all processes of a run must agree on.
    fn agreement(&self, data: &AppearanceData) -> String {
        let common = Self { run: self.run.shared(), ..self.clone() };
        format!("network: appearance, {common:?}, {}", data.summary())
    }
}

/// What the network is measured on while it is trained.
#[derive(Default)]
pub struct HeldOutAppearance {
    /// Renders of other people.
    pub renders: Vec<Render>,
    /// Photos of other people of which something is known.
    pub photos: Vec<SeenPhoto>,
}

/// Trains and writes the weights. Answers the last report; of several processes only rank 0 measures.
///
/// # Errors
/// Files cannot be written; the loss diverges; a checkpoint does not fit; part of the network gets no gradient; another process of the
/// run is lost.
pub fn train_appearance(
    head: &Head,
    data: AppearanceData,
    held_out: &HeldOutAppearance,
    options: &AppearanceOptions,
) -> Result<Report> {
    let run = &options.run;
    let device = run.device.open()?;
    let mut ensemble = Ensemble::join(run.place.as_ref(), &options.agreement(&data), &device)?;
    let map = VarMap::new();
    let builder = SeededInit::builder(&map, run.seed, &device);
    let mut config = AppearanceConfig::new(&head.rig);
    if options.details == 0.0 {
        config.details.clear();
    }
    let net = AppearanceNet::new(&config, builder.pp("appearance"))?;
    let domain = SeededInit::builder(&map, run.seed, &Device::Cpu);
    let domain = DomainNet::new(config.hidden, domain.pp("domain"))?;
    let mut optimizer = run.optimizer(&map)?;
    let mut average = Average::new(&map, run.average)?;
    let checkpoint_path = run.checkpoint();
    let mut standing = Standing::default();
    let mut memory = DomainMemory::new(config.hidden, run.seed);
    if run.resume
        && let Some((stood, remembered)) =
            checkpoint::load(&mut ensemble, &checkpoint_path, &map, &mut optimizer, &mut average)?
    {
        standing = stood;
        memory.restore(&remembered)?;
    }
    let mut log = RunLog::open(&ensemble, "appearance", run, &standing)?;
    let (seed, share) = (run.seed, ensemble.share());
    let data = Arc::new(data);
    let mut loader = Loader::start(standing.step, run.workers, 3, move |step| data.batch(seed, share.batch(step)))?;
    let (started, before, first) = (Instant::now(), standing.seconds, standing.step);
    let mut sums: Vec<(String, f64)> = Vec::new();
    let mut seen = 0.0;
    let mut report = Report::new();
    loop {
        let at = run.progress(&standing);
        if at >= 1.0 {
            break;
        }
        let batch = loader.next_batch()?;
        let count = batch.renders + batch.photos;
        let images = Tensor::from_slice(&batch.images, (count, 3, CROP_SIZE, CROP_SIZE), &device)?;
        let output = net.forward(&images, true)?.to_device(&Device::Cpu)?;
        let losses = losses(&config, &output, &domain, &batch, reversal_strength(at), options)?;
        let mut total = Tensor::zeros((), candle_core::DType::F32, &Device::Cpu)?;
        for (_, weight, part) in &losses {
            total = (total + (part * *weight)?)?;
        }
        let parts = losses.iter().map(|(_, _, part)| part);
        let mut values =
            std::iter::once(&total).chain(parts).map(Tensor::to_scalar).collect::<candle_core::Result<Vec<f32>>>()?;
        ensemble.average(&mut values)?;
        let value = f64::from(values[0]);
        if !value.is_finite() {
            return Err(TrainError::Diverged { step: standing.step, loss: value });
        }
        let mut gradients = backward(&total)?;
        if standing.step == first
            && let Some(name) =
                optimizer.missing(&gradients).into_iter().find(|name| batch.photos > 0 || !name.starts_with("domain"))
        {
            return Err(TrainError::NoGradient { name });
        }
        ensemble.average_gradients(&optimizer, &mut gradients)?;
        optimizer.set_learning_rate(learning_rate(run.learning_rate, at, 0.03));
        optimizer.step(&gradients)?;
        if batch.photos > 0 {
            for features in ensemble.gather(&output.features)? {
                memory.remember(&features, batch.renders)?;
            }
            memory.train(&domain, &mut optimizer, options.domain[1], standing.step, options.domain_steps)?;
        }
        if ensemble.leads() {
            average.follow(&map, standing.step)?;
        }
        standing.step += 1;
        standing.seconds = ensemble.broadcast_number(before + started.elapsed().as_secs_f64())?;
        sums.resize(values.len(), (String::new(), 0.0));
        let names = std::iter::once("loss").chain(losses.iter().map(|(name, _, _)| name.as_str()));
        for ((sum, name), value) in sums.iter_mut().zip(names).zip(values) {
            *sum = (name.to_owned(), sum.1 + f64::from(value));
        }
        seen += 1.0;
        let end = run.progress(&standing) >= 1.0;
        if standing.step % 20 == 0 || end {
            report = sums.drain(..).map(|(name, sum)| (name, sum / seen)).collect();
            seen = 0.0;
            report.insert("step".to_owned(), standing.step as f64);
            report.insert("seconds".to_owned(), standing.seconds);
            if let Some(log) = &mut log {
                if standing.step % run.measure_every == 0 || end {
                    let averaged = AppearanceNet::new(&config, average.builder("appearance.")?)?;
                    report.extend(evaluate_appearance(&averaged, &held_out.renders)?.report());
                    report.extend(evaluate_looks(&averaged, &head.rig, &held_out.photos)?.report());
                }
                log.add(&report)?;
            }
        }
        if standing.step % run.checkpoint_every == 0 {
            let memory = memory.state()?;
            checkpoint::save(&mut ensemble, &checkpoint_path, &map, &optimizer, &average, &standing, memory)?;
        }
    }
    let memory = memory.state()?;
    checkpoint::save(&mut ensemble, &checkpoint_path, &map, &optimizer, &average, &standing, memory)?;
    let leads = ensemble.leads();
    ensemble.finish(&device)?;
    if !leads {
        return Ok(report);
    }
    let meta = WeightsMeta::new(APPEARANCE, &config, CROP_SIZE)?.for_rig(&head.rig);
    run.save(&average.tensors("appearance.")?, meta)?;
    Ok(report)
}

/// Name, weight and value of each loss.
fn losses(
    config: &AppearanceConfig,
    output: &AppearanceOutput,
    domain: &DomainNet,
    batch: &AppearanceBatch,
    reversal: f64,
    options: &AppearanceOptions,
) -> Result<Vec<(String, f64, Tensor)>> {
    let device = Device::Cpu;
    let r = batch.renders;
    let mut losses = Vec::new();
    let targets = Tensor::from_slice(&batch.choices, (r, config.choices()), &device)?;
    let logits = output.logits.narrow(0, 0, r)?;
    for (option, (start, count)) in config.options.iter().zip(config.groups()) {
        let loss = cross_entropy(&logits.narrow(1, start, count)?, &targets.narrow(1, start, count)?)?;
        losses.push((option.name.clone(), 1.0, loss));
    }
    let wanted = Tensor::from_slice(&batch.colors, (r, 3 * config.colors.len()), &device)?;
    let error = (output.colors.narrow(0, 0, r)? - wanted)?.abs()?.mean_all()?;
    losses.push(("colors".to_owned(), options.colors, error));
    if let Some(details) = &output.details {
        let wanted = Tensor::from_slice(&batch.details, (r, config.details.len()), &device)?;
        // Absolute, so that what is unsure stays at the commonest value: no make-up.
        let error = (details.narrow(0, 0, r)? - wanted)?.abs()?.mean_all()?;
        losses.push(("details".to_owned(), options.details, error));
    }
    if batch.photos > 0 && options.looks > 0.0 {
        let (p, weight) = (batch.photos, options.looks);
        let candidates = Tensor::from_slice(&batch.photo_candidates, (p, config.choices()), &device)?;
        let logits = output.logits.narrow(0, r, p)?;
        for (option, (start, count)) in config.options.iter().zip(config.groups()) {
            let loss = partial_label_loss(&logits.narrow(1, start, count)?, &candidates.narrow(1, start, count)?)?;
            losses.push((format!("photo_{}", option.name), weight, loss));
        }
        let wanted = Tensor::from_slice(&batch.photo_colors, (p, 3 * config.colors.len()), &device)?;
        let known = Tensor::from_slice(&batch.photo_colors_known, (p, 3 * config.colors.len()), &device)?;
        let off = ((output.colors.narrow(0, r, p)? - wanted)?.abs()? - COLOR_BY_EYE)?.relu()?;
        losses.push(("photo_colors".to_owned(), weight * options.colors, (off * known)?.mean_all()?));
    }
    if batch.photos > 0 && options.domain[0] > 0.0 {
        let loss = DomainLoss::new(&output.features, domain, r, batch.photos, Some(reversal))?;
        losses.push(("domain".to_owned(), options.domain[0], loss.told));
        losses.push(("certainty".to_owned(), options.domain[0] * options.domain[1], loss.certainty));
    }
    Ok(losses)
}
