//! AdamW with clipping, parameter groups and a state that can be saved.

use std::collections::BTreeMap;
use std::sync::Mutex;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor, Var, bail};
use candle_nn::VarMap;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::trunk::{contiguous, with_values};

/// Values handled by one task; fixed, so that sums repeat whatever the number of threads.
const CHUNK: usize = 1 << 15;

/// Settings of [`AdamW`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWConfig {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the square root of the second moment.
    pub epsilon: f64,
    /// Decoupled decay of matrices and convolution weights (never of biases and normalisation).
    pub weight_decay: f64,
    /// Gradients are scaled down to this global norm when they exceed it.
    pub clip_norm: Option<f64>,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, clip_norm: Some(5.0) }
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Variables that were changed.
    pub variables: usize,
}

struct Slot {
    name: String,
    var: Var,
    moments: Moments,
    steps: u64,
    scale: f64,
}

/// First and second moment of a variable's gradients.
enum Moments {
    /// Of a variable on the CPU.
    Host(Mutex<[Vec<f32>; 2]>),
    /// Of a variable elsewhere, beside it.
    Device([Tensor; 2]),
}

impl Moments {
    fn new(var: &Var, values: [Vec<f32>; 2]) -> Result<Self> {
        if var.device().is_cpu() {
            return Ok(Self::Host(Mutex::new(values)));
        }
        let [first, second] = values.map(|values| Tensor::from_vec(values, var.shape(), var.device()));
        Ok(Self::Device([first?, second?]))
    }

    fn tensors(&self, var: &Var) -> Result<[Tensor; 2]> {
        match self {
            Self::Host(moments) => {
                let moments = moments.lock().unwrap_or_else(|error| error.into_inner());
                let tensor = |values: &[f32]| Tensor::from_slice(values, var.shape(), var.device());
                Ok([tensor(&moments[0])?, tensor(&moments[1])?])
            }
            Self::Device(moments) => Ok(moments.clone()),
        }
    }
}

/// AdamW (I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019) over the named variables of a
/// [`VarMap`], in the names' order, so that runs repeat.
///
/// Running statistics (`*.running_mean`, `*.running_variance`) are left out. Each variable counts its own steps, so that one
/// that joins in a later phase gets its own bias correction.
pub struct AdamW {
    config: AdamWConfig,
    slots: Vec<Slot>,
}

impl AdamW {
    /// For every trainable variable that `map` holds now.
    ///
    /// # Errors
    /// A setting outside its range; a map without variables.
    pub fn new(map: &VarMap, config: AdamWConfig) -> Result<Self> {
        let in_unit = |value: f64| (0.0..1.0).contains(&value);
        if !in_unit(config.beta1) || !in_unit(config.beta2) {
            return Err(Error::Config { field: "beta1, beta2", reason: "must lie in 0..1 (1 excluded)".into() });
        }
        if config.clip_norm.is_some_and(|norm| norm.is_nan() || norm <= 0.0) {
            return Err(Error::Config { field: "clip_norm", reason: "must be above 0".into() });
        }
        let data = map.data().lock().unwrap_or_else(|error| error.into_inner());
        let sorted: BTreeMap<&String, &Var> = data.iter().filter(|(name, _)| is_trainable(name)).collect();
        let slots: Vec<Slot> = sorted
            .into_iter()
            .map(|(name, var)| {
                let zeros = || vec![0.0; var.elem_count()];
                let moments = Moments::new(var, [zeros(), zeros()])?;
                Ok(Slot { name: name.clone(), var: var.clone(), moments, steps: 0, scale: 1.0 })
            })
            .collect::<Result<_>>()?;
        if slots.is_empty() {
            return Err(Error::Config {
                field: "map",
                reason: "it holds no variables; build the networks first".into(),
            });
        }
        Ok(Self { config, slots })
    }

    /// The settings.
    pub fn config(&self) -> &AdamWConfig {
        &self.config
    }

    /// Changes the step size.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.config.learning_rate = learning_rate;
    }

    /// Multiplies the step size of the variables whose name starts with `prefix` (whole dot-separated parts; the empty prefix
    /// means all). 0 freezes them: neither they nor their moments change, and their gradients do not count for clipping.
    ///
    /// # Errors
    /// No variable has such a name.
    pub fn set_scale(&mut self, prefix: &str, scale: f64) -> Result<()> {
        let mut found = false;
        for slot in &mut self.slots {
            if starts_with_parts(&slot.name, prefix) {
                slot.scale = scale;
                found = true;
            }
        }
        if found {
            return Ok(());
        }
        Err(Error::Config { field: "prefix", reason: format!("no variable's name starts with `{prefix}`") })
    }

    /// Adjusts only the variables under these prefixes from now on (A8: any one or more of the networks in a phase).
    ///
    /// # Errors
    /// A prefix that no variable has.
    pub fn adjust_only(&mut self, prefixes: &[&str]) -> Result<()> {
        self.set_scale("", 0.0)?;
        prefixes.iter().try_for_each(|prefix| self.set_scale(prefix, 1.0))
    }

    /// Names of the adjusted variables for which `gradients` holds nothing. Check it after the first backward pass: candle
    /// drops gradients silently where an operation has none.
    pub fn missing(&self, gradients: &GradStore) -> Vec<String> {
        self.adjusted().filter(|(_, var)| gradients.get(var).is_none()).map(|(name, _)| name.to_owned()).collect()
    }

    /// Name and variable of everything that is adjusted now, in the names' order.
    pub fn adjusted(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.active().map(|slot| (slot.name.as_str(), &slot.var))
    }

    fn active(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.scale != 0.0)
    }

    /// Changes every adjusted variable that has a gradient.
    ///
    /// # Errors
    /// A gradient that is not finite: nothing is changed then.
    pub fn step(&mut self, gradients: &GradStore) -> Result<StepReport> {
        let mut square = 0.0;
        for slot in self.active() {
            if let Some(gradient) = gradients.get(&slot.var) {
                let part = squared_norm(gradient)?;
                if !part.is_finite() {
                    return Err(Error::Gradient { name: slot.name.clone() });
                }
                square += part;
            }
        }
        let gradient_norm = f64::sqrt(square);
        let clip = match self.config.clip_norm {
            Some(limit) if gradient_norm > limit => limit / gradient_norm,
            _ => 1.0,
        };
        let mut variables = 0;
        for slot in self.slots.iter_mut().filter(|slot| slot.scale != 0.0) {
            let Some(gradient) = gradients.get(&slot.var) else { continue };
            slot.steps += 1;
            variables += 1;
            let steps = slot.steps.min(i32::MAX as u64) as i32;
            let AdamWConfig { learning_rate, beta1, beta2, epsilon, weight_decay, .. } = self.config;
            let rate = learning_rate * slot.scale;
            let decay = if slot.var.rank() >= 2 { weight_decay } else { 0.0 };
            let update = Update {
                clip: clip as f32,
                beta1: beta1 as f32,
                beta2: beta2 as f32,
                keep: (1.0 - rate * decay) as f32,
                rate: (rate / (1.0 - beta1.powi(steps))) as f32,
                second: (1.0 / (1.0 - beta2.powi(steps))) as f32,
                epsilon: epsilon as f32,
            };
            match &mut slot.moments {
                Moments::Host(moments) => {
                    slot.var.inplace_op2(&gradient.contiguous()?, &HostUpdate { update, moments })?;
                }
                Moments::Device(moments) => update.on_device(&slot.var, gradient, moments)?,
            }
        }
        Ok(StepReport { gradient_norm, variables })
    }

    /// Moments and step counts as named tensors (`first.NAME`, `second.NAME`, `steps.NAME`), to be stored with a checkpoint.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        for slot in &self.slots {
            for (kind, tensor) in ["first", "second"].iter().zip(slot.moments.tensors(&slot.var)?) {
                state.insert(format!("{kind}.{}", slot.name), tensor);
            }
            // Two halves of 24 bits, each exact in f32, so that a state file needs one dtype only.
            let halves = [(slot.steps >> 24) as f32, (slot.steps & 0xff_ffff) as f32];
            state.insert(format!("steps.{}", slot.name), Tensor::from_slice(&halves, 2, slot.var.device())?);
        }
        Ok(state)
    }

    /// Restores what [`Self::state`] returned. With the same variables, data and settings, the run goes on exactly as if it
    /// had not been interrupted.
    ///
    /// # Errors
    /// A missing tensor or one of another shape: nothing is changed then.
    pub fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let read = |kind: &str, name: &str, len: usize| -> Result<Vec<f32>> {
            let field = format!("{kind}.{name}");
            let tensor =
                state.get(&field).ok_or_else(|| Error::State { field: field.clone(), reason: "is missing".into() })?;
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            if values.len() != len {
                return Err(Error::State { field, reason: format!("has {} values, not {len}", values.len()) });
            }
            Ok(values)
        };
        let loaded = self
            .slots
            .iter()
            .map(|slot| {
                let len = slot.var.elem_count();
                let steps = read("steps", &slot.name, 2)?;
                let steps = ((steps[0] as u64) << 24) + steps[1] as u64;
                let moments = [read("first", &slot.name, len)?, read("second", &slot.name, len)?];
                Ok((Moments::new(&slot.var, moments)?, steps))
            })
            .collect::<Result<Vec<_>>>()?;
        for (slot, (moments, steps)) in self.slots.iter_mut().zip(loaded) {
            slot.moments = moments;
            slot.steps = steps;
        }
        Ok(())
    }
}

/// False for the running statistics of normalisation, which training moves but no gradient does.
pub fn is_trainable(name: &str) -> bool {
    !name.ends_with("running_mean") && !name.ends_with("running_variance")
}

fn starts_with_parts(name: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('.');
    prefix.is_empty() || name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn squared_norm(gradient: &Tensor) -> Result<f64> {
    if !gradient.device().is_cpu() {
        return Ok(f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?));
    }
    Ok(with_values(gradient, "gradient", |values| {
        let parts: Vec<f64> = values
            .par_chunks(CHUNK)
            .map(|chunk| {
                let mut lanes = [0f64; 8];
                for part in chunk.chunks(8) {
                    for (lane, &value) in lanes.iter_mut().zip(part) {
                        *lane += f64::from(value) * f64::from(value);
                    }
                }
                lanes.iter().sum()
            })
            .collect();
        parts.iter().sum()
    })?)
}

/// The numbers of one variable's step.
#[derive(Clone, Copy)]
struct Update {
    clip: f32,
    beta1: f32,
    beta2: f32,
    /// What weight decay leaves.
    keep: f32,
    /// Step size over the first moment's bias correction, and the second moment's correction.
    rate: f32,
    second: f32,
    epsilon: f32,
}

/// A step of a variable on the CPU.
struct HostUpdate<'a> {
    update: Update,
    moments: &'a Mutex<[Vec<f32>; 2]>,
}

impl InplaceOp2 for HostUpdate<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("variables must be contiguous") };
        let CpuStorage::F32(values) = values else { bail!("variables must be f32") };
        let gradient = contiguous(gradient, gradient_layout, "gradient")?;
        let mut moments = self.moments.lock().unwrap_or_else(|error| error.into_inner());
        let [first, second] = &mut *moments;
        let arch = pulp::Arch::new();
        values[start..end]
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(first.par_chunks_mut(CHUNK))
            .zip(second.par_chunks_mut(CHUNK))
            .for_each(|(((values, gradient), first), second)| {
                arch.dispatch(
                    #[inline(always)]
                    || self.update.chunk(values, gradient, first, second),
                );
            });
        Ok(())
    }
}

impl Update {
    /// The same by candle's own operations, wherever the variable is.
    fn on_device(&self, var: &Var, gradient: &Tensor, moments: &mut [Tensor; 2]) -> candle_core::Result<()> {
        let gradient = (gradient.detach() * f64::from(self.clip))?;
        let follow = |moment: &Tensor, beta: f32, new: Tensor| -> candle_core::Result<Tensor> {
            (moment * f64::from(beta))? + (new * f64::from(1.0 - beta))?
        };
        let first = follow(&moments[0], self.beta1, gradient.clone())?;
        let second = follow(&moments[1], self.beta2, gradient.sqr()?)?;
        let deviation = ((&second * f64::from(self.second))?.sqrt()? + f64::from(self.epsilon))?;
        let movement = ((&first * f64::from(self.rate))? / deviation)?;
        var.set(&((var.as_detached_tensor() * f64::from(self.keep))? - movement)?)?;
        *moments = [first, second];
        Ok(())
    }

    #[inline(always)]
    fn chunk(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        for (((value, &gradient), first), second) in values.iter_mut().zip(gradient).zip(first).zip(second) {
            let gradient = gradient * self.clip;
            *first = self.beta1 * *first + (1.0 - self.beta1) * gradient;
            *second = self.beta2 * *second + (1.0 - self.beta2) * gradient * gradient;
            *value = *value * self.keep - self.rate * *first / ((*second * self.second).sqrt() + self.epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn steps_beside_a_variable_are_those_of_the_cpu() {
        let values: Vec<f32> = (0..40).map(|index| ((index * 37) % 19) as f32 / 9.0 - 1.0).collect();
        let [host, device] = [0, 1].map(|_| Var::from_slice(&values, (5, 8), &Device::Cpu).unwrap());
        let host_moments = Mutex::new([vec![0.0; 40], vec![0.0; 40]]);
        let zeros = Tensor::zeros((5, 8), DType::F32, &Device::Cpu).unwrap();
        let mut moments = [zeros.clone(), zeros];
        for step in 1..6 {
            let update = Update {
                clip: 0.7,
                beta1: 0.9,
                beta2: 0.99,
                keep: 0.98,
                rate: 0.1 / step as f32,
                second: 1.5,
                epsilon: 1e-8,
            };
            let gradient: Vec<f32> = values.iter().map(|value| value * step as f32 + 0.1).collect();
            let gradient = Tensor::from_vec(gradient, (5, 8), &Device::Cpu).unwrap();
            host.inplace_op2(&gradient, &HostUpdate { update, moments: &host_moments }).unwrap();
            update.on_device(&device, &gradient, &mut moments).unwrap();
        }
        let read = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let pairs = [(read(&host), read(&device))];
        let host_moments = host_moments.into_inner().unwrap();
        let pairs = pairs.into_iter().chain(host_moments.into_iter().zip(moments.iter().map(read)));
        for (host, device) in pairs {
            assert!(host.iter().zip(&device).all(|(a, b)| (a - b).abs() < 1e-5), "{host:?} {device:?}");
        }
    }
}
