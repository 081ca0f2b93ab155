//! The landmark network: 68 points of a face crop.

use candle_core::Tensor;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::linear::{Dense, Then, dense, dense_with};
use crate::trunk::ResidualTrunk;

/// Points found in each crop (the iBUG 68).
pub const LANDMARKS: usize = 68;

/// How much of the usual spread the untrained network's answers have about the mean shape.
const FIRST_SPREAD: f32 = 0.02;

/// Sizes of a [`LandmarkNet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandmarkConfig {
    /// Width and height of the square input in pixels.
    pub input: usize,
    /// Channels of the four residual modules.
    pub widths: [usize; 4],
    /// Outputs of the fully connected layer in front of the points.
    pub hidden: usize,
}

impl Default for LandmarkConfig {
    /// 128 pixels, widths 24, 48, 96, 128, a layer of 256.
    fn default() -> Self {
        Self { input: 128, widths: [24, 48, 96, 128], hidden: 256 }
    }
}

/// A residual trunk and two fully connected layers that regress 68 points.
#[derive(Debug, Clone)]
pub struct LandmarkNet {
    pub(crate) config: LandmarkConfig,
    pub(crate) trunk: ResidualTrunk,
    pub(crate) layers: [Dense; 2],
}

impl LandmarkNet {
    /// Creates (or finds) the variables `trunk.*`, `fc1.*` and `fc2.*` under `vb`; new ones start at `mean_shape` (crop
    /// coordinates, 0..1, y down), or at the crop's middle.
    ///
    /// # Errors
    /// Sizes of zero, variables of another shape.
    pub fn new(
        config: &LandmarkConfig,
        vb: VarBuilder<'_>,
        mean_shape: Option<&[[f32; 2]; LANDMARKS]>,
    ) -> Result<Self> {
        if config.hidden == 0 {
            return Err(Error::Config { field: "hidden", reason: "may not be 0".into() });
        }
        let trunk = ResidualTrunk::new(config.input, config.widths, vb.pp("trunk"))?;
        let fc1 = dense(trunk.features(), config.hidden, Then::Relu, &vb.pp("fc1"))?;
        let fc2 = dense_with(config.hidden, 2 * LANDMARKS, Then::Nothing, &vb.pp("fc2"), |weight, bias| {
            weight.iter_mut().for_each(|value| *value *= FIRST_SPREAD);
            match mean_shape {
                Some(shape) => bias.copy_from_slice(shape.as_flattened()),
                None => bias.fill(0.5),
            }
        })?;
        Ok(Self { config: config.clone(), trunk, layers: [fc1, fc2] })
    }

    /// The same network, made of candle's own operations on the CPU too, as it is on other devices: much slower, to compare with.
    #[must_use]
    pub fn with_candle_operations(self) -> Self {
        Self {
            trunk: self.trunk.with_candle_operations(),
            layers: self.layers.map(Dense::with_candle_operations),
            ..self
        }
    }

    /// The sizes.
    pub fn config(&self) -> &LandmarkConfig {
        &self.config
    }

    /// Points `[batch, 68, 2]` in crop coordinates (0..1, x right, y down; points outside the crop lie outside 0..1), for
    /// `images` `[batch, 3, input, input]`, values `(rgb / 255 - 0.5) / 0.5`.
    ///
    /// # Errors
    /// Images of another shape or dtype.
    pub fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let extracted = self.trunk.forward(images, train)?;
        self.heads(&extracted)
    }

    pub(crate) fn heads(&self, extracted: &Tensor) -> Result<Tensor> {
        let [fc1, fc2] = &self.layers;
        let points = fc2.forward(&fc1.forward(extracted)?)?;
        Ok(points.reshape((points.dim(0)?, LANDMARKS, 2))?)
    }
}
