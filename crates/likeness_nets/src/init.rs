//! Seeded initialisation, so that a run on the CPU repeats exactly.

use std::collections::HashMap;

use candle_core::{DType, Device, Shape, Tensor, Var};
use candle_nn::init::{FanInOut, NonLinearity, NormalOrUniform};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder, VarMap};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Normal values for layers followed by a ReLU (He et al., "Delving Deep into Rectifiers", ICCV 2015).
pub(crate) fn he_normal() -> Init {
    Init::Kaiming { dist: NormalOrUniform::Normal, fan: FanInOut::FanIn, non_linearity: NonLinearity::ReLU }
}

/// Normal values for layers that no ReLU follows.
pub(crate) fn linear_normal() -> Init {
    Init::Kaiming { dist: NormalOrUniform::Normal, fan: FanInOut::FanIn, non_linearity: NonLinearity::Linear }
}

/// Fills new variables of a [`VarMap`] from a ChaCha generator.
///
/// Each variable's values depend on the seed, its full name and its shape only: not on the order in which a network asks for
/// its variables, nor on which other networks share the map.
#[derive(Clone)]
pub struct SeededInit {
    map: VarMap,
    seed: u64,
}

impl SeededInit {
    /// A `VarBuilder` that finds variables in `map` and makes missing ones from `seed` (f32).
    pub fn builder(map: &VarMap, seed: u64, device: &Device) -> VarBuilder<'static> {
        let backend: Box<dyn SimpleBackend> = Box::new(Self { map: map.clone(), seed });
        VarBuilder::from_backend(backend, DType::F32, device.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Var>> {
        self.map.data().lock().unwrap_or_else(|error| error.into_inner())
    }
}

impl SimpleBackend for SeededInit {
    fn get(&self, shape: Shape, name: &str, init: Init, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let mut map = self.lock();
        if let Some(var) = map.get(name) {
            if var.shape() != &shape {
                candle_core::bail!("variable `{name}` is {:?}, the network needs {shape:?}", var.shape())
            }
            return Ok(var.as_tensor().clone());
        }
        let values = draw(self.seed, name, &shape, init);
        let var = Var::from_tensor(&Tensor::from_vec(values, shape, device)?.to_dtype(dtype)?)?;
        let tensor = var.as_tensor().clone();
        map.insert(name.to_owned(), var);
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, _dtype: DType, _device: &Device) -> candle_core::Result<Tensor> {
        match self.lock().get(name) {
            Some(var) => Ok(var.as_tensor().clone()),
            None => candle_core::bail!("no variable `{name}`"),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }
}

/// 64-bit FNV-1a: stable across platforms and releases, unlike the standard library's hashers.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn draw(seed: u64, name: &str, shape: &Shape, init: Init) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ name_hash(name));
    let count = shape.elem_count();
    let mut uniform =
        |lo: f64, up: f64| -> Vec<f32> { (0..count).map(|_| (lo + (up - lo) * rng.random::<f64>()) as f32).collect() };
    match init {
        Init::Const(value) => vec![value as f32; count],
        Init::Uniform { lo, up } => uniform(lo, up),
        Init::Randn { mean, stdev } => normal(&mut rng, count, mean, stdev),
        Init::Kaiming { dist, fan, non_linearity } => {
            let deviation = non_linearity.gain() / (fan.for_shape(shape).max(1) as f64).sqrt();
            match dist {
                NormalOrUniform::Uniform => uniform(-3f64.sqrt() * deviation, 3f64.sqrt() * deviation),
                NormalOrUniform::Normal => normal(&mut rng, count, 0.0, deviation),
            }
        }
    }
}

/// Normal values by the Box-Muller transform.
fn normal(rng: &mut ChaCha8Rng, count: usize, mean: f64, deviation: f64) -> Vec<f32> {
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let radius = (-2.0 * f64::ln(1.0 - rng.random::<f64>())).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
        values.push((mean + deviation * radius * cos) as f32);
        values.push((mean + deviation * radius * sin) as f32);
    }
    values.truncate(count);
    values
}
