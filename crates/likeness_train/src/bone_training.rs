//! Training of the bone-point network (A2, A4 to A8).

use std::{path::PathBuf, sync::Arc, time::Instant};

use candle_core::{Device, Tensor};
use candle_nn::VarMap;
use likeness_nets::{
    AdamW, BONE_POINT, BonePointConfig, BonePointNet, DomainNet, PriorStart, SeededInit, Weights, WeightsMeta, backward,
};
use likeness_rig::crop::CROP_SIZE;

use crate::{
    bone_data::BoneData,
    bone_losses::{LossContext, LossWeights},
    bone_measure::{HeldOut, measure, photo_answers},
    checkpoint::{self, Average, Standing},
    domain_loss::DomainMemory,
    ensemble::Ensemble,
    error::{Result, TrainError},
    head::Head,
    loader::Loader,
    metrics::Report,
    run_log::RunLog,
    run_options::RunOptions,
    schedule::{Adjusted, Phases, ThresholdStop, learning_rate, reversal_strength},
    shape_space::ShapeSpace,
};

/// How the bone-point network is trained.
#[derive(Clone, Debug)]
pub struct BoneOptions {
    /// What every run is told.
    pub run: RunOptions,
    /// Channels of the four residual modules.
    pub widths: [usize; 4],
    /// Outputs of the first two fully connected layers.
    pub hidden: [usize; 2],
    /// Finished weights to start from instead of random ones: layers of the same size or smaller are taken over, those that speak of
    /// parameters for the same rig alone. A network that is nowhere smaller begins with the answers of the one that it starts from.
    pub start_from: Option<PathBuf>,
    /// Stops the run after so many steps from now, as an interruption would.
    pub interrupt_after: Option<u64>,
    /// Whether the domain loss reaches the extractor, reversed (A6).
    pub reversal: bool,
    /// Further steps of the domain network after each step (see [`DomainMemory`]).
    pub domain_steps: usize,
    /// Which networks are adjusted when (A8).
    pub phases: Phases,
    /// The run stops when the sum of first and second loss is below this (A8).
    pub threshold: Option<f64>,
    /// The losses' weights.
    pub weights: LossWeights,
}

impl BoneOptions {
    /// What all processes of a run must agree on.
    fn agreement(&self, data: &BoneData) -> String {
        let common = Self { run: self.run.shared(), start_from: None, ..self.clone() };
        format!("network: bone-point, {common:?}, {}", data.summary())
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct BoneOutcome {
    /// Steps done in all.
    pub steps: u64,
    /// Whether the threshold stopped it.
    pub reached_threshold: bool,
    /// The last report; of several processes only rank 0 measures.
    pub report: Report,
}

/// Trains and writes the weights.
///
/// # Errors
/// Files cannot be written; the loss diverges; a checkpoint does not fit; part of a network gets no gradient; another process of the
/// run is lost.
pub fn train_bone_point(head: &Head, data: BoneData, held_out: &HeldOut, options: &BoneOptions) -> Result<BoneOutcome> {
    let run = &options.run;
    let device = run.device.open()?;
    let mut ensemble = Ensemble::join(run.place.as_ref(), &options.agreement(&data), &device)?;
    let map = VarMap::new();
    let builder = SeededInit::builder(&map, run.seed, &device);
    let (widths, hidden) = (options.widths, options.hidden);
    let config = BonePointConfig { widths, hidden, ..BonePointConfig::new(head.rig.parameters.len()) };
    let prior = PriorStart { mean: &head.prior.mean, factor: &head.prior.factor, rank: head.prior.rank };
    let net = BonePointNet::new(&config, builder.pp("bone_point"), Some(prior))?;
    let domain = SeededInit::builder(&map, run.seed, &Device::Cpu);
    let domain = DomainNet::new(config.hidden[0], domain.pp("domain"))?;
    let context = LossContext::new(
        Arc::clone(&head.geometry),
        ShapeSpace::new(&head.rig, &head.mesh, &head.prior)?,
        options.weights,
    )?;
    let mut optimizer = run.optimizer(&map)?;
    if let Some(path) = options.start_from.as_ref().filter(|_| ensemble.leads()) {
        let weights = Weights::load(path)?;
        weights.expect_architecture(BONE_POINT)?;
        // The layers behind the features speak of one rig's parameters.
        let same_rig = weights.expect_rig(&head.rig).is_ok();
        let wanted = |name: &str| same_rig || !(name.starts_with("fc2.") || name.starts_with("fc3."));
        let places = |name: &str| if ["fc1.weight", "side1.weight"].contains(&name) { config.places() } else { 1 };
        let new = weights.load_into(&map, "bone_point.", wanted, places)?;
        if !new.is_empty() {
            eprintln!("of {} these do not fit and start anew: {}", path.display(), new.join(", "));
        }
    }
    // Only rank 0 has read start weights.
    ensemble.broadcast_variables(&map)?;
    let mut average = Average::new(&map, run.average)?;
    let mut stop = ThresholdStop::new(options.threshold);
    let checkpoint_path = run.checkpoint();
    let mut standing = Standing::default();
    let mut memory = DomainMemory::new(config.hidden[0], run.seed);
    if run.resume
        && let Some((stood, remembered)) =
            checkpoint::load(&mut ensemble, &checkpoint_path, &map, &mut optimizer, &mut average)?
    {
        standing = stood;
        memory.restore(&remembered)?;
        stop.restore((standing.smoothed.unwrap_or(f64::NAN), standing.seen));
    }
    let mut log = RunLog::open(&ensemble, "bone-point", run, &standing)?;
    let seed = run.seed;
    let data = Arc::new(data);
    let (batches, share) = (Arc::clone(&data), ensemble.share());
    let mut loader = Loader::start(standing.step, run.workers, 3, move |step| batches.batch(seed, share.batch(step)))?;
    let (started, before, first) = (Instant::now(), standing.seconds, standing.step);
    let mut sums = Sums::default();
    let mut report = Report::new();
    let mut reached_threshold = false;
    let mut adjusted = None;
    while !reached_threshold {
        let at = run.progress(&standing);
        let interrupted = options.interrupt_after.is_some_and(|steps| standing.step - first >= steps);
        if at >= 1.0 || interrupted {
            break;
        }
        let phase = options.phases.at(at);
        if adjusted != Some(phase) {
            adjust(&mut optimizer, phase)?;
        }
        let batch = loader.next_batch()?;
        let count = batch.renders + batch.photos;
        let images = Tensor::from_slice(&batch.images, (count, 3, CROP_SIZE, CROP_SIZE), &device)?;
        let output = net.forward(&images, true)?.to_device(&Device::Cpu)?;
        let strength = reversal_strength(at);
        let losses = context.losses(&output, &domain, &batch, options.reversal.then_some(strength))?;
        let parts = losses.parts.iter().map(|(_, part)| part);
        let mut values = std::iter::once(&losses.total)
            .chain(parts)
            .map(Tensor::to_scalar)
            .collect::<candle_core::Result<Vec<f32>>>()?;
        ensemble.average(&mut values)?;
        let total = f64::from(values[0]);
        if !total.is_finite() {
            return Err(TrainError::Diverged { step: standing.step, loss: total });
        }
        let mut gradients = backward(&losses.total)?;
        if adjusted != Some(phase) {
            check_gradients(&optimizer, &gradients, &batch, &options.weights)?;
        }
        adjusted = Some(phase);
        ensemble.average_gradients(&optimizer, &mut gradients)?;
        optimizer.set_learning_rate(learning_rate(run.learning_rate, at, 0.03));
        optimizer.step(&gradients)?;
        if phase.domain && batch.renders > 0 && batch.photos > 0 {
            for features in ensemble.gather(&output.features)? {
                memory.remember(&features, batch.renders)?;
            }
            let certainty = options.weights.certainty;
            memory.train(&domain, &mut optimizer, certainty, standing.step, options.domain_steps)?;
        }
        if ensemble.leads() {
            average.follow(&map, standing.step)?;
        }
        standing.step += 1;
        standing.seconds = ensemble.broadcast_number(before + started.elapsed().as_secs_f64())?;
        sums.add("loss", total);
        let mut two = 0.0;
        for ((name, _), value) in losses.parts.iter().zip(&values[1..]) {
            let value = f64::from(*value);
            sums.add(name, value);
            if matches!(*name, "domain" | "parameters") {
                two += value;
            }
        }
        reached_threshold = stop.reached(two);
        (standing.smoothed, standing.seen) = (Some(stop.state().0), stop.state().1);
        let end = reached_threshold || run.progress(&standing) >= 1.0;
        if standing.step % 20 == 0 || end {
            report = sums.take();
            report.insert("step".to_owned(), standing.step as f64);
            report.insert("seconds".to_owned(), standing.seconds);
            report.insert("reversal".to_owned(), if options.reversal { strength } else { 0.0 });
            if let Some(log) = &mut log {
                if standing.step % run.measure_every == 0 || end {
                    let averaged = BonePointNet::new(&config, average.builder("bone_point.")?, None)?;
                    report.extend(measure(&averaged, head, &context.space, held_out)?.report());
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
    let outcome = BoneOutcome { steps: standing.step, reached_threshold, report };
    let leads = ensemble.leads();
    ensemble.finish(&device)?;
    if !leads {
        return Ok(outcome);
    }
    let mut meta = WeightsMeta::new(BONE_POINT, &config, CROP_SIZE)?.for_rig(&head.rig);
    let (photos, weights) = data.photos();
    if !photos.is_empty() {
        let averaged = BonePointNet::new(&config, average.builder("bone_point.")?, None)?;
        meta.photo_answers = Some(photo_answers(&averaged, head, photos, weights)?);
    }
    run.save(&average.tensors("bone_point.")?, meta)?;
    Ok(outcome)
}

/// The variables' prefixes of the networks that a phase adjusts.
fn adjust(optimizer: &mut AdamW, phase: Adjusted) -> Result<()> {
    let mut prefixes = Vec::new();
    if phase.extractor {
        prefixes.push("bone_point.trunk");
    }
    if phase.connected {
        prefixes.extend(["bone_point.fc1", "bone_point.fc2", "bone_point.fc3", "bone_point.side1", "bone_point.side2"]);
    }
    if phase.domain {
        prefixes.push("domain");
    }
    Ok(optimizer.adjust_only(&prefixes)?)
}

/// Everything that is adjusted must have got a gradient from some loss that is switched on.
fn check_gradients(
    optimizer: &AdamW,
    gradients: &candle_core::backprop::GradStore,
    batch: &crate::bone_data::BoneBatch,
    weights: &LossWeights,
) -> Result<()> {
    let both = batch.renders > 0 && batch.photos > 0 && weights.domain != 0.0;
    let side = (batch.renders > 0 && (weights.side > 0.0 || weights.render_landmarks > 0.0))
        || (batch.photos > 0 && weights.photo_landmarks > 0.0);
    let expected = |name: &str| {
        if name.starts_with("domain.") { both } else { side || !name.starts_with("bone_point.side") }
    };
    match optimizer.missing(gradients).into_iter().find(|name| expected(name)) {
        Some(name) => Err(TrainError::NoGradient { name }),
        None => Ok(()),
    }
}

/// Means of named numbers between two reports.
#[derive(Default)]
struct Sums(std::collections::BTreeMap<&'static str, (f64, u64)>);

impl Sums {
    fn add(&mut self, name: &'static str, value: f64) {
        let entry = self.0.entry(name).or_default();
        *entry = (entry.0 + value, entry.1 + 1);
    }

    fn take(&mut self) -> Report {
        std::mem::take(&mut self.0)
            .into_iter()
            .map(|(name, (sum, count))| (name.to_owned(), sum / count as f64))
            .collect()
    }
}
