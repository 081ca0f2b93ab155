//! Networks made ready for use: normalisation folded into the convolutions, one crop spread over the threads.

mod dense;
mod trunk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{Device, Tensor};

use crate::appearance::{AppearanceConfig, AppearanceNet, AppearanceOutput};
use crate::bone_point::{BonePointConfig, BonePointNet, BonePointOutput};
use crate::error::{Error, Result};
use crate::landmark::{LANDMARKS, LandmarkConfig, LandmarkNet};
use crate::trunk::with_values;
use dense::FoldedDense;
use trunk::FoldedTrunk;

/// Makes the input of the networks from square RGB crops: `[crops, 3, size, size]`, values `(rgb / 255 - 0.5) / 0.5`.
///
/// # Errors
/// A crop that is not `size * size * 3` bytes long; no crops.
pub fn crop_tensor(crops: &[&[u8]], size: usize) -> Result<Tensor> {
    let mut values = Vec::with_capacity(crops.len() * 3 * size * size);
    for crop in crops {
        if crop.len() != 3 * size * size {
            return Err(Error::Config {
                field: "crops",
                reason: format!("a crop has {} bytes, {size} x {size} RGB pixels have {}", crop.len(), 3 * size * size),
            });
        }
        for channel in 0..3 {
            values.extend(crop.iter().skip(channel).step_by(3).map(|&value| (f32::from(value) / 255.0 - 0.5) / 0.5));
        }
    }
    Ok(Tensor::from_vec(values, (crops.len(), 3, size, size), &Device::Cpu)?)
}

/// Runs `work` on a batch's values, on a thread of rayon's. For a single image the other threads stay awake meanwhile: to wake one for
/// each layer takes as long as the layer on virtual machines.
fn with_images<R: Send>(images: &Tensor, size: usize, work: impl FnOnce(&[f32], usize) -> R + Send) -> Result<R> {
    let (batch, channels, height, width) = images.dims4()?;
    if (channels, height, width) != (3, size, size) || batch == 0 {
        return Err(Error::Config {
            field: "images",
            reason: format!("must be [batch, 3, {size}, {size}], not {:?}", images.dims()),
        });
    }
    Ok(with_values(images, "images", |images| {
        rayon::scope(|scope| {
            let awake = Arc::new(AtomicBool::new(batch == 1));
            // Put to sleep again also when the work panics.
            let _rest = Rest(Arc::clone(&awake));
            let helpers = if batch == 1 { (rayon::current_num_threads() - 1).min(MOST_AWAKE) } else { 0 };
            for _ in 0..helpers {
                let awake = Arc::clone(&awake);
                scope.spawn(move |_| stay_awake(&awake));
            }
            work(images, batch)
        })
    })?)
}

/// Threads that are kept awake beside the one that leads, at most: bands of one image give no more of them work.
const MOST_AWAKE: usize = 7;

/// Takes up work of rayon's as soon as there is any, until told to rest.
fn stay_awake(awake: &AtomicBool) {
    while awake.load(Ordering::Acquire) {
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            std::thread::yield_now();
        }
    }
}

/// Lets helpers rest when it is dropped.
struct Rest(Arc<AtomicBool>);

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A [`BonePointNet`] for use: a snapshot of its weights with running statistics, many times faster on single crops.
#[derive(Debug)]
pub struct FoldedBonePointNet {
    config: BonePointConfig,
    trunk: FoldedTrunk,
    layers: [FoldedDense; 3],
    side: [FoldedDense; 2],
}

impl BonePointNet {
    /// A snapshot for use; later training does not change it.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn fold(&self) -> Result<FoldedBonePointNet> {
        let [fc1, fc2, fc3] = &self.layers;
        let [side1, side2] = &self.side;
        Ok(FoldedBonePointNet {
            config: self.config.clone(),
            trunk: FoldedTrunk::new(&self.trunk)?,
            layers: [FoldedDense::new(fc1)?, FoldedDense::new(fc2)?, FoldedDense::new(fc3)?],
            side: [FoldedDense::new(side1)?, FoldedDense::new(side2)?],
        })
    }
}

impl FoldedBonePointNet {
    /// The sizes.
    pub fn config(&self) -> &BonePointConfig {
        &self.config
    }

    /// What [`BonePointNet::forward`] answers with `train == false`, up to rounding.
    ///
    /// # Errors
    /// Images of another shape or dtype than `f32 [batch, 3, input, input]`.
    pub fn forward(&self, images: &Tensor) -> Result<BonePointOutput> {
        with_images(images, self.config.input, |images, batch| -> Result<BonePointOutput> {
            let extracted = self.trunk.forward(images, batch);
            let [fc1, fc2, fc3] = &self.layers;
            let features = fc1.forward(&extracted, batch);
            let mut parameters = fc3.forward(&fc2.forward(&features, batch), batch);
            parameters.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
            let [side1, side2] = &self.side;
            let side = side2.forward(&side1.forward(&extracted, batch), batch);
            let (mut pose, mut expression) = (Vec::new(), Vec::new());
            for row in side.chunks_exact(self.config.pose + self.config.expression) {
                pose.extend_from_slice(&row[..self.config.pose]);
                expression.extend(row[self.config.pose..].iter().map(|value| 1.0 / (1.0 + (-value).exp())));
            }
            let tensor = |values: Vec<f32>, width: usize| Tensor::from_vec(values, (batch, width), &Device::Cpu);
            Ok(BonePointOutput {
                features: tensor(features, self.config.hidden[0])?,
                parameters: tensor(parameters, self.config.parameters)?,
                expression: tensor(expression, self.config.expression)?,
                pose: tensor(pose, self.config.pose)?,
            })
        })?
    }
}

/// A [`LandmarkNet`] for use, like [`FoldedBonePointNet`].
#[derive(Debug)]
pub struct FoldedLandmarkNet {
    config: LandmarkConfig,
    trunk: FoldedTrunk,
    layers: [FoldedDense; 2],
}

impl LandmarkNet {
    /// A snapshot for use; later training does not change it.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn fold(&self) -> Result<FoldedLandmarkNet> {
        let [fc1, fc2] = &self.layers;
        Ok(FoldedLandmarkNet {
            config: self.config.clone(),
            trunk: FoldedTrunk::new(&self.trunk)?,
            layers: [FoldedDense::new(fc1)?, FoldedDense::new(fc2)?],
        })
    }
}

impl FoldedLandmarkNet {
    /// The sizes.
    pub fn config(&self) -> &LandmarkConfig {
        &self.config
    }

    /// The 68 points of each crop as `[x, y]` in crop coordinates (0..1, y down), for `f32 [batch, 3, input, input]`.
    ///
    /// # Errors
    /// Images of another shape or dtype.
    pub fn forward(&self, images: &Tensor) -> Result<Vec<[[f32; 2]; LANDMARKS]>> {
        with_images(images, self.config.input, |images, batch| {
            let [fc1, fc2] = &self.layers;
            let points = fc2.forward(&fc1.forward(&self.trunk.forward(images, batch), batch), batch);
            let (points, _) = points.as_chunks::<2>();
            points.as_chunks::<LANDMARKS>().0.to_vec()
        })
    }
}

/// An [`AppearanceNet`] for use, like [`FoldedBonePointNet`].
#[derive(Debug)]
pub struct FoldedAppearanceNet {
    config: AppearanceConfig,
    trunk: FoldedTrunk,
    hidden: FoldedDense,
    heads: [FoldedDense; 2],
    details: Option<FoldedDense>,
}

impl AppearanceNet {
    /// A snapshot for use; later training does not change it.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn fold(&self) -> Result<FoldedAppearanceNet> {
        let [options, colors] = &self.heads;
        Ok(FoldedAppearanceNet {
            config: self.config.clone(),
            trunk: FoldedTrunk::new(&self.trunk)?,
            hidden: FoldedDense::new(&self.hidden)?,
            heads: [FoldedDense::new(options)?, FoldedDense::new(colors)?],
            details: self.details.as_ref().map(FoldedDense::new).transpose()?,
        })
    }
}

impl FoldedAppearanceNet {
    /// The sizes.
    pub fn config(&self) -> &AppearanceConfig {
        &self.config
    }

    /// What [`AppearanceNet::forward`] answers with `train == false`, up to rounding.
    ///
    /// # Errors
    /// Images of another shape or dtype than `f32 [batch, 3, input, input]`.
    pub fn forward(&self, images: &Tensor) -> Result<AppearanceOutput> {
        with_images(images, self.config.input, |images, batch| -> Result<AppearanceOutput> {
            let features = self.hidden.forward(&self.trunk.forward(images, batch), batch);
            let [options, colors] = &self.heads;
            let logits = options.forward(&features, batch);
            let shares = |head: &FoldedDense| -> Vec<f32> {
                let mut values = head.forward(&features, batch);
                values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()));
                values
            };
            let (colors, details) = (shares(colors), self.details.as_ref().map(shares));
            let tensor = |values: Vec<f32>, width: usize| Tensor::from_vec(values, (batch, width), &Device::Cpu);
            Ok(AppearanceOutput {
                details: details.map(|details| tensor(details, self.config.details.len())).transpose()?,
                features: tensor(features, self.config.hidden)?,
                logits: tensor(logits, self.config.choices())?,
                colors: tensor(colors, 3 * self.config.colors.len())?,
            })
        })?
    }
}
