//! Fitting a face to 68 landmarks of a photo: Gauss-Newton with Levenberg's and Marquardt's damping under the prior.
//!
//! Weak perspective: the head is turned, its depth dropped, and the closest similarity brings it onto the picture. That
//! similarity is solved in closed form inside each evaluation, so that only latents, yaw, pitch and expression are
//! unknowns.

use glam::{EulerRot, Quat, Vec2, Vec3};

use crate::linear::Cholesky;
use crate::similarity::{Similarity, align_weighted};
use crate::{ARKIT_NAMES, CONTOUR_COUNT, HeadPose, LANDMARK_COUNT, LandmarkModel, Prior};

/// A coefficient that a fit may use: it shows in the 68 landmarks. Cheeks, gaze, tongue and nose hardly do.
fn shows_in_landmarks(name: &str) -> bool {
    let prefixes = ["brow", "eyeBlink", "eyeWide", "eyeSquint", "jaw", "mouth"];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) && name != "jawForward"
}

/// Where the prior pulls to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Center {
    /// The mean face without expression.
    Mean,
    /// The start: the network's answer.
    #[default]
    Start,
}

/// How a fit weighs its terms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitOptions {
    /// Where the prior pulls to.
    pub center: Center,
    /// Weight of the squared latents; 1 = as likely as the population.
    pub prior_strength: f32,
    /// Weight of the squared expression coefficients.
    pub expression_strength: f32,
    /// How far off a landmark is expected to be, millimetres on the head.
    pub noise: f32,
    /// Beyond this distance, in millimetres, a landmark pulls with constant force (Huber 1964).
    pub huber: f32,
    /// Weight of the contour landmarks against the inner ones.
    pub contour_weight: f32,
    /// The most steps.
    pub iterations: usize,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            center: Center::Start,
            prior_strength: 1.0,
            expression_strength: 4.0,
            noise: 2.0,
            huber: 4.0,
            contour_weight: 0.35,
            iterations: 8,
        }
    }
}

/// A face in a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct FitState {
    /// The latents of the prior.
    pub latents: Vec<f32>,
    /// The parameters, 0..1, in the rig's order.
    pub parameters: Vec<f32>,
    /// ARKit's coefficients, 0..1.
    pub expression: [f32; 52],
    /// The turn of the head.
    pub pose: HeadPose,
    /// From the turned head's plane, `(x, -y)` in metres, to pixels: `b` = 0, as the pose holds the roll.
    pub similarity: Similarity,
}

impl FitState {
    /// The mean face from the front, without expression.
    pub fn mean(prior: &Prior) -> Self {
        Self {
            latents: vec![0.0; prior.rank],
            parameters: prior.mean.clone(),
            expression: [0.0; 52],
            pose: HeadPose::default(),
            similarity: Similarity::IDENTITY,
        }
    }

    /// A state from a network's answer; the latents are the nearest ones.
    pub fn from_prediction(prior: &Prior, parameters: &[f32], expression: &[f32; 52], pose: HeadPose) -> Self {
        Self {
            latents: prior.parameters_to_latents(parameters),
            parameters: parameters.to_vec(),
            expression: *expression,
            pose,
            similarity: Similarity::IDENTITY,
        }
    }

    /// Where the state puts the landmarks, pixels.
    pub fn project(&self, model: &LandmarkModel) -> [Vec2; LANDMARK_COUNT] {
        let rotation = self.pose.rotation();
        model
            .points(&self.parameters, &self.expression, view_angles(&self.pose).0)
            .map(|point| self.similarity.apply(flat(rotation, point)))
    }

    /// The root mean square distance of the inner landmarks, millimetres on the head.
    pub fn error(&self, model: &LandmarkModel, landmarks: &[Vec2; LANDMARK_COUNT]) -> f32 {
        let points = self.project(model);
        let inner = CONTOUR_COUNT..LANDMARK_COUNT;
        let sum: f32 = inner.clone().map(|index| points[index].distance_squared(landmarks[index])).sum();
        (sum / inner.len() as f32).sqrt() / self.similarity.scale().max(1e-9) * 1000.0
    }
}

/// A state fitted to landmarks, starting at the mean face from the front.
pub fn fit_from_scratch(
    model: &LandmarkModel,
    prior: &Prior,
    landmarks: &[Vec2; LANDMARK_COUNT],
    options: &FitOptions,
) -> FitState {
    let options = FitOptions { center: Center::Mean, iterations: options.iterations * 2, ..*options };
    refine(model, prior, landmarks, &FitState::mean(prior), &options)
}

/// A state refined to landmarks (pixels, y down) of a photo. Landmarks that are not finite, or that all fall together,
/// leave the start as it is.
pub fn refine(
    model: &LandmarkModel,
    prior: &Prior,
    landmarks: &[Vec2; LANDMARK_COUNT],
    start: &FitState,
    options: &FitOptions,
) -> FitState {
    if landmarks.iter().any(|point| !point.is_finite()) {
        return start.clone();
    }
    Solver::new(model, prior, landmarks, start, options).and_then(Solver::run).unwrap_or_else(|| start.clone())
}

/// The turned head without its depth, y down.
fn flat(rotation: Quat, point: Vec3) -> Vec2 {
    let turned = rotation * point;
    Vec2::new(turned.x, -turned.y)
}

/// Yaw and pitch, degrees, once the turn in the picture plane is taken off on the outside.
fn view_angles(pose: &HeadPose) -> (f32, f32) {
    let (_, yaw, x) = pose.rotation().to_euler(EulerRot::ZYX);
    (yaw.to_degrees(), -x.to_degrees())
}

/// The greatest angles that 68 landmarks make sense at.
const MAX_YAW: f32 = 75.0;
const MAX_PITCH: f32 = 50.0;
/// Steps of the differences: a latent, and degrees.
const LATENT_STEP: f32 = 0.02;
const ANGLE_STEP: f32 = 0.25;
/// Keeps the angles from running away when landmarks say nothing: one standard deviation, degrees.
const ANGLE_SPREAD: f32 = 30.0;
/// A step that lowers the cost by less than this share ends the fit.
const ENOUGH: f64 = 1e-3;

#[derive(Clone)]
struct Unknowns {
    latents: Vec<f32>,
    yaw: f32,
    pitch: f32,
    expression: [f32; 52],
}

struct Solver<'a> {
    model: &'a LandmarkModel,
    prior: &'a Prior,
    landmarks: &'a [Vec2; LANDMARK_COUNT],
    options: &'a FitOptions,
    /// The parameters and latents that the latents are counted from.
    parameters: Vec<f32>,
    center: Unknowns,
    state: Unknowns,
    /// Millimetres per pixel, as found at the start: a constant, so that a smaller head gains nothing.
    unit: f32,
    /// Places of the coefficients in use, and the way back.
    coefficients: Vec<usize>,
    place_of: [Option<usize>; 52],
}

/// One evaluation.
struct Evaluation {
    similarity: Similarity,
    residuals: [Vec2; LANDMARK_COUNT],
    cost: f64,
}

impl<'a> Solver<'a> {
    fn new(
        model: &'a LandmarkModel,
        prior: &'a Prior,
        landmarks: &'a [Vec2; LANDMARK_COUNT],
        start: &FitState,
        options: &'a FitOptions,
    ) -> Option<Self> {
        let usable = prior.mean.len() == model.parameter_count()
            && start.parameters.len() == prior.mean.len()
            && start.latents.len() == prior.rank
            && prior.factor.len() == prior.mean.len() * prior.rank;
        if !usable {
            return None;
        }
        let (yaw, pitch) = view_angles(&start.pose);
        let state = Unknowns {
            latents: start.latents.clone(),
            yaw: yaw.clamp(-MAX_YAW, MAX_YAW),
            pitch: pitch.clamp(-MAX_PITCH, MAX_PITCH),
            expression: start.expression.map(|value| value.clamp(0.0, 1.0)),
        };
        let (parameters, center) = match options.center {
            Center::Start => (start.parameters.clone(), state.clone()),
            Center::Mean => {
                let zero = Unknowns { latents: vec![0.0; prior.rank], expression: [0.0; 52], yaw: 0.0, pitch: 0.0 };
                (prior.mean.clone(), zero)
            }
        };
        let coefficients: Vec<usize> =
            (0..ARKIT_NAMES.len()).filter(|index| shows_in_landmarks(ARKIT_NAMES[*index])).collect();
        let mut place_of = [None; 52];
        for (place, index) in coefficients.iter().enumerate() {
            place_of[*index] = Some(place);
        }
        let mut solver =
            Self { model, prior, landmarks, options, parameters, center, state, unit: 1.0, coefficients, place_of };
        let points = solver.points(&solver.state);
        let weights = solver.base_weights();
        let scale = align_weighted(&solver.flatten(&points, &solver.state), landmarks, &weights)?.scale();
        solver.unit = 1000.0 / scale;
        solver.unit.is_finite().then_some(solver)
    }

    fn base_weights(&self) -> [f32; LANDMARK_COUNT] {
        std::array::from_fn(|index| if index < CONTOUR_COUNT { self.options.contour_weight } else { 1.0 })
    }

    fn parameters(&self, latents: &[f32]) -> Vec<f32> {
        let rows = self.prior.factor.chunks_exact(self.prior.rank.max(1));
        let shift: Vec<f32> = latents.iter().zip(&self.center.latents).map(|(z, center)| z - center).collect();
        let mut rows = rows.map(|row| row.iter().zip(&shift).map(|(factor, z)| factor * z).sum::<f32>());
        self.parameters.iter().map(|base| (base + rows.next().unwrap_or(0.0)).clamp(0.0, 1.0)).collect()
    }

    fn points(&self, state: &Unknowns) -> [Vec3; LANDMARK_COUNT] {
        self.model.points(&self.parameters(&state.latents), &state.expression, state.yaw)
    }

    fn flatten(&self, points: &[Vec3; LANDMARK_COUNT], state: &Unknowns) -> [Vec2; LANDMARK_COUNT] {
        let rotation = HeadPose { yaw: state.yaw, pitch: state.pitch, roll: 0.0 }.rotation();
        points.map(|point| flat(rotation, point))
    }

    /// Distances in millimetres after the best similarity.
    fn residuals(
        &self,
        plane: &[Vec2; LANDMARK_COUNT],
        weights: &[f32; LANDMARK_COUNT],
    ) -> Option<(Similarity, [Vec2; LANDMARK_COUNT])> {
        let similarity = align_weighted(plane, self.landmarks, weights)?;
        let residual = |index: usize| (similarity.apply(plane[index]) - self.landmarks[index]) * self.unit;
        Some((similarity, std::array::from_fn(residual)))
    }

    fn evaluate(&self, state: &Unknowns, weights: &[f32; LANDMARK_COUNT]) -> Option<Evaluation> {
        let plane = self.flatten(&self.points(state), state);
        let (similarity, residuals) = self.residuals(&plane, weights)?;
        let huber = f64::from(self.options.huber);
        let data: f64 = residuals
            .iter()
            .zip(self.base_weights())
            .map(|(residual, weight)| {
                let length = f64::from(residual.length());
                let square = if length <= huber { length * length } else { huber * (2.0 * length - huber) };
                square * f64::from(weight)
            })
            .sum();
        let cost = data / f64::from(self.options.noise).powi(2) + self.penalty(state);
        cost.is_finite().then_some(Evaluation { similarity, residuals, cost })
    }

    fn penalty(&self, state: &Unknowns) -> f64 {
        let square = |a: f32, b: f32| f64::from(a - b).powi(2);
        let latents: f64 = state.latents.iter().zip(&self.center.latents).map(|(a, b)| square(*a, *b)).sum();
        let expression: f64 = self
            .coefficients
            .iter()
            .map(|index| square(state.expression[*index], self.center.expression[*index]))
            .sum();
        let angles = square(state.yaw, self.center.yaw) + square(state.pitch, self.center.pitch);
        latents * f64::from(self.options.prior_strength)
            + expression * f64::from(self.options.expression_strength)
            + angles / f64::from(ANGLE_SPREAD).powi(2)
    }

    /// Weights of the landmarks: the contour's, and less for those far off.
    fn robust_weights(&self, residuals: &[Vec2; LANDMARK_COUNT]) -> [f32; LANDMARK_COUNT] {
        let base = self.base_weights();
        std::array::from_fn(|index| base[index] * (self.options.huber / residuals[index].length().max(1e-6)).min(1.0))
    }

    fn run(mut self) -> Option<FitState> {
        let mut weights = self.base_weights();
        let mut damping = 1e-3;
        let mut similarity = self.evaluate(&self.state, &weights)?.similarity;
        for _ in 0..self.options.iterations {
            let now = self.evaluate(&self.state, &weights)?;
            weights = self.robust_weights(&now.residuals);
            let now = self.evaluate(&self.state, &weights)?;
            similarity = now.similarity;
            let (normal, right) = self.normal_equations(&now, &weights)?;
            let mut gained = None;
            for _ in 0..4 {
                let next = self.step(&normal, &right, damping);
                if let Some(next) = next
                    && let Some(found) = self.evaluate(&next, &weights)
                    && found.cost < now.cost
                {
                    gained = Some((next, found));
                    break;
                }
                damping *= 8.0;
            }
            let Some((next, found)) = gained else { break };
            damping = (damping * 0.2).max(1e-6);
            similarity = found.similarity;
            self.state = next;
            if now.cost - found.cost < ENOUGH * now.cost {
                break;
            }
        }
        Some(self.finish(similarity))
    }

    /// The columns of the Jacobian, each the residuals' change per unit of an unknown: latents, yaw, pitch, coefficients.
    fn jacobian(&self, now: &Evaluation, weights: &[f32; LANDMARK_COUNT]) -> Option<Vec<[Vec2; LANDMARK_COUNT]>> {
        let state = &self.state;
        let rank = self.prior.rank;
        let parameters = self.parameters(&state.latents);
        let channels = self.model.channels(&parameters);
        let slopes = self.model.strength_slopes(&parameters);
        let maps = self.model.maps(&channels);
        let settled = self.model.settle(&state.expression, state.yaw);
        let points = settled.place(&maps);
        let mut columns = Vec::with_capacity(rank + 2 + self.coefficients.len());
        let mut column = |plane: &[Vec2; LANDMARK_COUNT], step: f32| {
            let (_, residuals) = self.residuals(plane, weights)?;
            columns.push(std::array::from_fn(|index| (residuals[index] - now.residuals[index]) / step));
            Some(())
        };
        for latent in 0..rank {
            let change = self.model.channel_change(&slopes, |parameter| self.prior.factor[parameter * rank + latent]);
            let mut moved = channels.clone();
            for (channels, change) in moved.iter_mut().zip(&change) {
                for (channel, change) in channels.iter_mut().zip(change) {
                    *channel += change * LATENT_STEP;
                }
            }
            let points = settled.place(&self.model.maps(&moved));
            column(&self.flatten(&points, state), LATENT_STEP)?;
        }
        let turned = Unknowns { yaw: state.yaw + ANGLE_STEP, ..state.clone() };
        let slid = self.model.settle(&state.expression, turned.yaw).place(&maps);
        column(&self.flatten(&slid, &turned), ANGLE_STEP)?;
        let turned = Unknowns { pitch: state.pitch + ANGLE_STEP, ..state.clone() };
        column(&self.flatten(&points, &turned), ANGLE_STEP)?;
        let motion = self.model.expression_motion(&maps, state.yaw, &self.place_of, self.coefficients.len());
        for motion in motion {
            const STEP: f32 = 0.05;
            let points = std::array::from_fn(|index| points[index] + motion[index] * STEP);
            column(&self.flatten(&points, state), STEP)?;
        }
        Some(columns)
    }

    fn normal_equations(&self, now: &Evaluation, weights: &[f32; LANDMARK_COUNT]) -> Option<(Vec<f64>, Vec<f64>)> {
        let columns = self.jacobian(now, weights)?;
        let size = columns.len();
        let scale = f64::from(self.options.noise).powi(-2);
        let weighted: Vec<[Vec2; LANDMARK_COUNT]> =
            columns.iter().map(|column| std::array::from_fn(|index| column[index] * weights[index])).collect();
        let dot = |a: &[Vec2; LANDMARK_COUNT], b: &[Vec2; LANDMARK_COUNT]| {
            f64::from(a.iter().zip(b).map(|(a, b)| a.dot(*b)).sum::<f32>()) * scale
        };
        let mut normal = vec![0.0; size * size];
        let mut right = vec![0.0; size];
        let penalties = self.penalties();
        for i in 0..size {
            for j in 0..=i {
                normal[i * size + j] = dot(&weighted[i], &columns[j]);
            }
            let (strength, offset) = penalties[i];
            normal[i * size + i] += strength;
            right[i] = -dot(&weighted[i], &now.residuals) - strength * offset;
        }
        Some((normal, right))
    }

    /// Per unknown, the weight of its square and how far it is from its centre.
    fn penalties(&self) -> Vec<(f64, f64)> {
        let (state, center) = (&self.state, &self.center);
        let angle = f64::from(ANGLE_SPREAD).powi(-2);
        let latents = state.latents.iter().zip(&center.latents);
        let strength = f64::from(self.options.prior_strength);
        let mut list: Vec<(f64, f64)> = latents.map(|(z, center)| (strength, f64::from(z - center))).collect();
        list.push((angle, f64::from(state.yaw - center.yaw)));
        list.push((angle, f64::from(state.pitch - center.pitch)));
        let strength = f64::from(self.options.expression_strength);
        list.extend(
            self.coefficients
                .iter()
                .map(|index| (strength, f64::from(state.expression[*index] - center.expression[*index]))),
        );
        list
    }

    /// The damped step; coefficients that stand at a bound and are pushed beyond it stay there.
    fn step(&self, normal: &[f64], right: &[f64], damping: f64) -> Option<Unknowns> {
        let size = right.len();
        let rank = self.prior.rank;
        let (mut normal, mut right) = (normal.to_vec(), right.to_vec());
        for (place, index) in self.coefficients.iter().enumerate() {
            let value = self.state.expression[*index];
            let at = rank + 2 + place;
            if (value <= 0.0 && right[at] < 0.0) || (value >= 1.0 && right[at] > 0.0) {
                for other in 0..size {
                    normal[at.max(other) * size + at.min(other)] = 0.0;
                }
                normal[at * size + at] = 1.0;
                right[at] = 0.0;
            }
        }
        for i in 0..size {
            normal[i * size + i] *= 1.0 + damping;
        }
        let change = Cholesky::new(normal, size)?.solve(&right);
        let mut next = self.state.clone();
        for (latent, change) in next.latents.iter_mut().zip(&change) {
            *latent += *change as f32;
        }
        next.yaw = (next.yaw + change[rank] as f32).clamp(-MAX_YAW, MAX_YAW);
        next.pitch = (next.pitch + change[rank + 1] as f32).clamp(-MAX_PITCH, MAX_PITCH);
        for (index, change) in self.coefficients.iter().zip(&change[rank + 2..]) {
            next.expression[*index] = (next.expression[*index] + *change as f32).clamp(0.0, 1.0);
        }
        Some(next)
    }

    fn finish(self, similarity: Similarity) -> FitState {
        // The picture plane's turn goes outside of yaw and pitch; y points down there.
        let turn = Quat::from_rotation_z(-similarity.angle());
        let rotation = turn * HeadPose { yaw: self.state.yaw, pitch: self.state.pitch, roll: 0.0 }.rotation();
        FitState {
            parameters: self.parameters(&self.state.latents),
            latents: self.state.latents,
            expression: self.state.expression,
            pose: HeadPose::from_rotation(rotation),
            similarity: Similarity { a: similarity.scale(), b: 0.0, tx: similarity.tx, ty: similarity.ty },
        }
    }
}

#[cfg(test)]
mod tests;
