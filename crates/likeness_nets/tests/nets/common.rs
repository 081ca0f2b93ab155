//! What several tests need.

use std::collections::BTreeMap;

use candle_core::{D, Device, Tensor, Var};
use candle_nn::VarMap;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Values in -1..1.
pub(crate) fn noise(seed: u64, shape: &[usize]) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// A map's variables by name.
pub(crate) fn variables(map: &VarMap) -> BTreeMap<String, Var> {
    map.data().lock().unwrap().iter().map(|(name, var)| (name.clone(), var.clone())).collect()
}

/// The largest absolute difference.
pub(crate) fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.shape(), b.shape());
    largest(&(a - b).unwrap())
}

/// The largest absolute value.
pub(crate) fn largest(a: &Tensor) -> f32 {
    a.abs().unwrap().flatten_all().unwrap().max(D::Minus1).unwrap().to_scalar().unwrap()
}

/// All values of a map in the names' order.
pub(crate) fn all_values(map: &VarMap) -> Vec<f32> {
    variables(map).values().flat_map(|var| var.flatten_all().unwrap().to_vec1::<f32>().unwrap()).collect()
}
