//! The losses of the bone-point network.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use likeness_nets::{BonePointOutput, DomainNet, weighted_squared_error};

use crate::{
    bone_data::BoneBatch,
    domain_loss::DomainLoss,
    error::Result,
    geometry::{FaceGeometry, View, align_points, project_landmarks},
    shape_space::ShapeSpace,
};

/// How the losses are weighed. The first and second loss of the patent are `domain` and `parameters`; the others go beyond it and are
/// off at zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossWeights {
    /// First loss: telling photos from renders.
    pub domain: f64,
    /// The domain network's squared logits, which keep it from being certain: where it is, the first loss has no gradient left to
    /// reverse. The extractor does not see this.
    pub certainty: f64,
    /// Second loss: predicted against preset parameters, each weighed as in the parameter error (see [`ShapeSpace::weights`]); 1 for
    /// always answering the mean face.
    pub parameters: f64,
    /// The movement of the vertices between predicted and preset face; 1 for always answering the mean face.
    pub vertices: f64,
    /// Expression and pose of renders.
    pub side: f64,
    /// Distance of the landmarks on renders, eye distances.
    pub render_landmarks: f64,
    /// Distance of the landmarks on photos, eye distances.
    pub photo_landmarks: f64,
    /// The photos' squared latents.
    pub prior: f64,
    /// The photos' squared expression coefficients.
    pub expression: f64,
    /// The difference of two photos of a person, against that of two people.
    pub pairs: f64,
    /// Weight of the contour's landmarks against the inner ones.
    pub contour: f64,
}

impl Default for LossWeights {
    fn default() -> Self {
        Self {
            domain: 0.2,
            certainty: 0.1,
            parameters: 1.0,
            vertices: 1.0,
            side: 1.0,
            render_landmarks: 5.0,
            photo_landmarks: 20.0,
            prior: 0.02,
            expression: 0.3,
            pairs: 0.1,
            contour: 0.6,
        }
    }
}

/// The losses of one batch as tensors, not yet weighed, and their weighed sum.
pub struct Losses {
    /// Name and value of each.
    pub parts: Vec<(&'static str, Tensor)>,
    /// What is minimised.
    pub total: Tensor,
}

/// What the losses need besides the batch.
pub struct LossContext {
    /// The landmarks with gradients.
    pub geometry: Arc<FaceGeometry>,
    /// The rig's parameters as a space of shapes.
    pub space: ShapeSpace,
    /// The weights.
    pub weights: LossWeights,
    landmark_weights: Tensor,
    expression_weights: Tensor,
    mirrored_expression: Tensor,
}

/// Variance of yaw, pitch and roll over the renders, in units of 90 degrees squared: about 18, 9 and 5 degrees.
const POSE_VARIANCE: [f32; 3] = [0.04, 0.01, 0.003];
/// Mean squared value of an expression coefficient that is in use.
const EXPRESSION_VARIANCE: f64 = 0.06;
/// How much dearer a difference between left and right is to a photo's expression than the expression itself: people on photos
/// smile with both sides.
const UNEVENNESS: f64 = 4.0;
/// Landmarks nearer than this, in eye distances, hardly pull any more.
const NEAR: f64 = 0.015;

impl LossContext {
    /// Gathers the constants.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn new(geometry: Arc<FaceGeometry>, space: ShapeSpace, weights: LossWeights) -> Result<Self> {
        let device = Device::Cpu;
        let landmark_weights: Vec<f32> = (0..68).map(|i| if i < 17 { weights.contour as f32 } else { 1.0 }).collect();
        let visible = geometry.expression_visibility();
        Ok(Self {
            landmark_weights: Tensor::from_vec(landmark_weights, 68, &device)?,
            expression_weights: Tensor::from_slice(&visible, 52, &device)?,
            mirrored_expression: Tensor::from_slice(&likeness_rig::mirrored_arkit().map(|i| i as u32), 52, &device)?,
            geometry,
            space,
            weights,
        })
    }

    /// Mean distance `[n]` between projected and given landmarks `[n, 68, 2]` after the best similarity, in the landmarks' unit;
    /// a little rounded at zero.
    ///
    /// # Errors
    /// Tensors of other shapes.
    pub fn landmark_distance(
        &self,
        parameters: &Tensor,
        expression: &Tensor,
        pose: &Tensor,
        landmarks: &Tensor,
    ) -> Result<Tensor> {
        let points = project_landmarks(&self.geometry, View::PARALLEL, parameters, expression, pose)?;
        let aligned = align_points(&points, landmarks, &self.landmark_weights)?;
        let distance = ((aligned - landmarks)?.sqr()?.sum(2)? + NEAR * NEAR)?.sqrt()?;
        let sum = f64::from(self.landmark_weights.sum_all()?.to_scalar::<f32>()?);
        Ok(((distance - NEAR)?.broadcast_mul(&self.landmark_weights)?.sum(1)? / sum)?)
    }

    /// All losses of a batch. `reversal` is the strength of the gradient reversal; none leaves the extractor untouched by the
    /// domain loss.
    ///
    /// # Errors
    /// Tensors of other shapes.
    pub fn losses(
        &self,
        output: &BonePointOutput,
        domain: &DomainNet,
        batch: &BoneBatch,
        reversal: Option<f64>,
    ) -> Result<Losses> {
        let device = Device::Cpu;
        let w = &self.weights;
        let (r, p) = (batch.renders, batch.photos);
        let landmarks = Tensor::from_slice(&batch.landmarks, (r + p, 68, 2), &device)?;
        let mut parts: Vec<(&'static str, f64, Tensor)> = Vec::new();
        if r > 0 && p > 0 {
            let loss = DomainLoss::new(&output.features, domain, r, p, reversal)?;
            parts.push(("domain", w.domain, loss.told));
            parts.push(("certainty", w.domain * w.certainty, loss.certainty));
        }
        if r > 0 {
            let preset = Tensor::from_slice(&batch.parameters, (r, batch.parameters.len() / r), &device)?;
            let predicted = output.parameters.narrow(0, 0, r)?;
            let [weighted, squared] = self.space.mean_answer;
            let error = weighted_squared_error(&predicted, &preset, &self.space.weights)?;
            parts.push(("parameters", w.parameters, (error / weighted)?));
            if w.vertices > 0.0 {
                let movement = self.space.squared_movement(&(&predicted - &preset)?)?.mean_all()?;
                parts.push(("vertices", w.vertices, (movement / squared)?));
            }
            let expression = output.expression.narrow(0, 0, r)?;
            let pose = output.pose.narrow(0, 0, r)?;
            if w.side > 0.0 {
                let preset = Tensor::from_slice(&batch.expression, (r, 52), &device)?;
                let error = weighted_squared_error(&expression, &preset, &self.expression_weights)?;
                parts.push(("expression", w.side, (error / EXPRESSION_VARIANCE)?));
                let preset = Tensor::from_slice(&batch.pose, (r, 3), &device)?;
                let scale = Tensor::from_slice(&POSE_VARIANCE.map(|variance| 1.0 / variance), (1, 3), &device)?;
                let error = (&pose - preset)?.sqr()?.broadcast_mul(&scale)?.mean_all()?;
                parts.push(("pose", w.side, error));
            }
            if w.render_landmarks > 0.0 {
                let given = landmarks.narrow(0, 0, r)?;
                let distance = self.landmark_distance(&predicted, &expression, &pose, &given)?.mean_all()?;
                parts.push(("render_landmarks", w.render_landmarks, distance));
            }
        }
        if p > 0 {
            let predicted = output.parameters.narrow(0, r, p)?;
            let expression = output.expression.narrow(0, r, p)?;
            if w.photo_landmarks > 0.0 {
                let given = landmarks.narrow(0, r, p)?;
                let pose = output.pose.narrow(0, r, p)?;
                let distance = self.landmark_distance(&predicted, &expression, &pose, &given)?.mean_all()?;
                parts.push(("photo_landmarks", w.photo_landmarks, distance));
                let latents = self.space.latents(&predicted)?;
                let within = latents.matmul(&self.space.to_parameters)?.broadcast_add(&self.space.mean)?;
                let beside = weighted_squared_error(&predicted, &within, &self.space.weights)?;
                let beside = (beside / self.space.mean_answer[0])?;
                parts.push(("prior", w.prior, latents.sqr()?.mean_all()?));
                parts.push(("beside_prior", w.prior * 10.0, beside));
                let squared = expression.sqr()?.broadcast_mul(&self.expression_weights)?.mean_all()?;
                parts.push(("photo_expression", w.expression, squared));
                let mirrored = expression.index_select(&self.mirrored_expression, 1)?;
                let uneven = (&expression - mirrored)?.sqr()?.broadcast_mul(&self.expression_weights)?.mean_all()?;
                parts.push(("photo_unevenness", w.expression * UNEVENNESS, uneven));
            }
            if w.pairs > 0.0 && batch.pairs > 0 {
                parts.push(("pairs", w.pairs, self.pair_loss(&predicted.narrow(0, 0, 2 * batch.pairs)?)?));
            }
        }
        let mut total = Tensor::zeros((), candle_core::DType::F32, &device)?;
        for (_, weight, part) in &parts {
            if *weight != 0.0 {
                total = (total + (part * *weight)?)?;
            }
        }
        Ok(Losses { parts: parts.into_iter().map(|(name, _, part)| (name, part)).collect(), total })
    }

    /// The squared movement between the two photos of each pair over that between one pair's photo and the next pair's: 1 when a
    /// person is no nearer to himself than to others, 0 when both photos give the same face.
    fn pair_loss(&self, parameters: &Tensor) -> Result<Tensor> {
        let pairs = parameters.dim(0)? / 2;
        let grouped = parameters.reshape((pairs, 2, parameters.dim(1)?))?;
        let (first, second) = (grouped.narrow(1, 0, 1)?.squeeze(1)?, grouped.narrow(1, 1, 1)?.squeeze(1)?);
        let same = self.space.squared_movement(&(&first - &second)?)?.mean_all()?;
        let next = Tensor::cat(&[second.narrow(0, 1, pairs - 1)?, second.narrow(0, 0, 1)?], 0)?;
        let other = self.space.squared_movement(&(&first - next)?)?.mean_all()?;
        Ok((same / (other + 1e-8)?)?)
    }
}
