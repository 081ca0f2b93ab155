//! What a bone-point network is worth, on data that it was not trained on.

use candle_core::{Device, Tensor};
use glam::Vec2;
use likeness_nets::{BonePointNet, PhotoAnswers};
use likeness_rig::{Rig, crop::CROP_SIZE, similarity};
use serde::Serialize;

use crate::{
    bone_data::{Photo, plain_crop},
    error::Result,
    evaluate::domain::{PROBE_SHARE, evaluate_domain},
    geometry::View,
    head::Head,
    metrics::Report,
    shape_space::ShapeSpace,
    shards::Render,
};

/// Renders and photos that no network was trained on.
#[derive(Default)]
pub struct HeldOut {
    /// Synthetic pictures.
    pub renders: Vec<Render>,
    /// Photos, among them several of one person.
    pub photos: Vec<Photo>,
}

/// What the network answers for one picture.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The bone parameters, 0..1.
    pub parameters: Vec<f32>,
    /// The ARKit coefficients.
    pub expression: Vec<f32>,
    /// Yaw, pitch and roll in units of 90 degrees, in the crop.
    pub pose: [f32; 3],
    /// What the domain network sees.
    pub features: Vec<f32>,
    /// The labelled landmarks in the crop, in eye distances.
    pub landmarks: [Vec2; 68],
}

/// The answers for pictures with their landmarks, as prediction gives them: the mirrored crop is asked too where the rig allows it.
///
/// # Errors
/// Only those of the network.
pub fn answers<'a>(
    net: &BonePointNet,
    rig: &Rig,
    items: impl Iterator<Item = (&'a crate::picture::Picture, [Vec2; 68])>,
) -> Result<Vec<Answer>> {
    let items: Vec<_> = items.collect();
    let signs = rig.mirror_signs();
    let mut answers = Vec::with_capacity(items.len());
    for chunk in items.chunks(32) {
        let crops: Vec<_> = chunk.iter().map(|(picture, landmarks)| plain_crop(picture, landmarks)).collect();
        let pixels: Vec<f32> = crops.iter().flat_map(|(pixels, _, _)| pixels.iter().copied()).collect();
        let images = Tensor::from_vec(pixels, (chunk.len(), 3, CROP_SIZE, CROP_SIZE), &Device::Cpu)?;
        let output = match &signs {
            Some(signs) => net.forward_mirrored(&images, signs)?,
            None => net.forward(&images, false)?,
        };
        let parameters = output.parameters.to_vec2::<f32>()?;
        let expression = output.expression.to_vec2::<f32>()?;
        let pose = output.pose.to_vec2::<f32>()?;
        let features = output.features.to_vec2::<f32>()?;
        let rows = parameters.into_iter().zip(expression).zip(pose).zip(features).zip(&crops);
        for ((((parameters, expression), pose), features), (_, points, _)) in rows {
            answers.push(Answer {
                parameters,
                expression,
                pose: [pose[0], pose[1], pose[2]],
                features,
                landmarks: std::array::from_fn(|i| Vec2::new(points[2 * i], points[2 * i + 1])),
            });
        }
    }
    Ok(answers)
}

/// How a network answers photos, each counted by its weight.
///
/// # Errors
/// Only those of the network.
pub fn photo_answers(net: &BonePointNet, head: &Head, photos: &[Photo], weights: &[f32]) -> Result<PhotoAnswers> {
    let answers = answers(net, &head.rig, photos.iter().map(|photo| (&photo.picture, photo.landmarks)))?;
    let latents: Vec<_> = answers.iter().map(|answer| head.prior.parameters_to_latents(&answer.parameters)).collect();
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let mean = |value: &dyn Fn(usize) -> f32| -> f64 {
        let weighed = weights.iter().enumerate();
        weighed.map(|(photo, weight)| f64::from(*weight) * f64::from(value(photo))).sum::<f64>() / total
    };
    let spread = |latent: usize| {
        let middle = mean(&|photo| latents[photo][latent]) as f32;
        mean(&|photo| (latents[photo][latent] - middle).powi(2)).sqrt() as f32
    };
    Ok(PhotoAnswers {
        mean: (0..head.rig.parameters.len())
            .map(|index| mean(&|photo| answers[photo].parameters[index]) as f32)
            .collect(),
        spread: (0..head.prior.rank).map(spread).collect(),
    })
}

/// The mean landmark distance between a face in a photo's pose and expression and the photo's landmarks, brought over each other by a
/// similarity, over the photo's inter-ocular distance.
pub fn landmark_distance(head: &Head, parameters: &[f32], answer: &Answer) -> f32 {
    let points = head.geometry.points(parameters, &answer.expression, answer.pose[0] * 90.0);
    let seen = points.map(|point| View::PARALLEL.project(answer.pose, point));
    aligned_distance(&seen, &answer.landmarks)
}

/// The mean distance after the best similarity, over the second set's inter-ocular distance.
pub fn aligned_distance(seen: &[Vec2; 68], labelled: &[Vec2; 68]) -> f32 {
    let Some(fit) = similarity::align(seen, labelled) else { return f32::INFINITY };
    let sum: f32 = seen.iter().zip(labelled).map(|(a, b)| fit.apply(*a).distance(*b)).sum();
    sum / 68.0 / crate::portraits::inter_ocular(labelled)
}

/// Held-out figures.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Figures {
    /// Mean absolute parameter error on renders, weighed by vertex motion.
    pub parameter_error: Option<f64>,
    /// The same for always answering the prior's mean.
    pub parameter_error_of_mean: Option<f64>,
    /// Mean vertex movement (root mean square over the head) between predicted and preset face, millimetres.
    pub vertex_error_mm: Option<f64>,
    /// The same for the mean face.
    pub vertex_error_of_mean_mm: Option<f64>,
    /// Landmark distance on photos: own face.
    pub own: Option<f64>,
    /// Landmark distance on photos: the mean face.
    pub mean: Option<f64>,
    /// Landmark distance on photos: other people's faces.
    pub other: Option<f64>,
    /// Share of photos whose own face is nearer than the mean face.
    pub own_below_mean: Option<f64>,
    /// Share of (photo, other face) pairs in which the own face is nearer.
    pub own_below_other: Option<f64>,
    /// How well a fresh discriminator tells photos from renders by the features.
    pub domain: Option<f64>,
    /// How well the distance of faces tells pairs of photos of one person from those of two people.
    pub same_person_auc: Option<f64>,
    /// The same by the plain root mean square of vertex movement.
    pub same_person_auc_vertices: Option<f64>,
    /// The same by the Euclidean distance of latents.
    pub same_person_auc_latents: Option<f64>,
}

impl Figures {
    /// The figures that are there, by name.
    pub fn report(&self) -> Report {
        let named = [
            ("held_out_parameters", self.parameter_error),
            ("held_out_parameters_mean", self.parameter_error_of_mean),
            ("held_out_vertices_mm", self.vertex_error_mm),
            ("held_out_vertices_mean_mm", self.vertex_error_of_mean_mm),
            ("held_out_own", self.own),
            ("held_out_mean", self.mean),
            ("held_out_other", self.other),
            ("held_out_own_below_mean", self.own_below_mean),
            ("held_out_own_below_other", self.own_below_other),
            ("held_out_domain", self.domain),
            ("held_out_auc", self.same_person_auc),
            ("held_out_auc_vertices", self.same_person_auc_vertices),
            ("held_out_auc_latents", self.same_person_auc_latents),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// How many other people's faces each photo is compared with.
const OTHERS: usize = 20;

/// Measures a network on everything that is held out.
///
/// # Errors
/// Only those of the network.
pub fn measure(net: &BonePointNet, head: &Head, space: &ShapeSpace, held_out: &HeldOut) -> Result<Figures> {
    let mut figures = Figures::default();
    let mut of_renders: Vec<Vec<f32>> = Vec::new();
    if !held_out.renders.is_empty() {
        let items = held_out
            .renders
            .iter()
            .map(|render| (&render.picture, std::array::from_fn(|i| Vec2::from_array(render.label.landmarks[i]))));
        let answers = answers(net, &head.rig, items)?;
        measure_renders(&answers, head, space, &held_out.renders, &mut figures)?;
        of_renders = answers.into_iter().map(|answer| answer.features).collect();
    }
    if !held_out.photos.is_empty() {
        let items = held_out.photos.iter().map(|photo| (&photo.picture, photo.landmarks));
        let answers = answers(net, &head.rig, items)?;
        measure_photos(&answers, head, &held_out.photos, &mut figures);
        let people: Vec<u64> = held_out.photos.iter().map(|photo| photo.label.person).collect();
        let faces: Vec<&[f32]> = answers.iter().map(|answer| answer.parameters.as_slice()).collect();
        let aucs = same_person(space, &faces, &people)?;
        [figures.same_person_auc, figures.same_person_auc_vertices, figures.same_person_auc_latents] = aucs.map(Some);
        if !of_renders.is_empty() {
            let mut by_person: Vec<(u64, Vec<f32>)> =
                people.iter().copied().zip(answers.into_iter().map(|answer| answer.features)).collect();
            by_person.sort_by_key(|(person, _)| *person);
            let of_photos: Vec<Vec<f32>> = by_person.into_iter().map(|(_, features)| features).collect();
            figures.domain = Some(evaluate_domain(&of_photos, &of_renders, PROBE_SHARE, 1)?.accuracy);
        }
    }
    Ok(figures)
}

/// The parameter error of one region of the rig.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegionError {
    /// The region.
    pub region: String,
    /// Its share of the error of always answering the prior's mean, 0..1.
    pub share: f64,
    /// The network's error over that of the mean.
    pub ratio: f64,
}

/// The parameter error on renders by region, in the order of the rig.
///
/// # Errors
/// Only those of the network.
pub fn region_errors(net: &BonePointNet, head: &Head, renders: &[Render]) -> Result<Vec<RegionError>> {
    let items = renders
        .iter()
        .map(|render| (&render.picture, std::array::from_fn(|i| Vec2::from_array(render.label.landmarks[i]))));
    let answers = answers(net, &head.rig, items)?;
    let mut sums: Vec<(&str, f64, f64)> = Vec::new();
    for (index, parameter) in head.rig.parameters.iter().enumerate() {
        let weight = f64::from(head.prior.vertex_motion[index]);
        let preset = |render: &Render| f64::from(render.label.parameters[index]);
        let own: f64 = answers
            .iter()
            .zip(renders)
            .map(|(answer, render)| weight * (f64::from(answer.parameters[index]) - preset(render)).abs())
            .sum();
        let mean = f64::from(head.prior.mean[index]);
        let of_mean: f64 = renders.iter().map(|render| weight * (mean - preset(render)).abs()).sum();
        match sums.iter_mut().find(|(region, _, _)| *region == parameter.region) {
            Some(sum) => *sum = (sum.0, sum.1 + own, sum.2 + of_mean),
            None => sums.push((&parameter.region, own, of_mean)),
        }
    }
    let total: f64 = sums.iter().map(|(_, _, of_mean)| of_mean).sum();
    Ok(sums
        .into_iter()
        .map(|(region, own, of_mean)| RegionError {
            region: region.to_owned(),
            share: of_mean / total,
            ratio: own / of_mean,
        })
        .collect())
}

fn measure_renders(
    answers: &[Answer],
    head: &Head,
    space: &ShapeSpace,
    renders: &[Render],
    figures: &mut Figures,
) -> Result<()> {
    let motion = &head.prior.vertex_motion;
    let total: f64 = motion.iter().map(|motion| f64::from(*motion)).sum();
    let error = |predicted: &[f32], preset: &[f32]| -> f64 {
        let pairs = predicted.iter().zip(preset).zip(motion);
        pairs.map(|((a, b), motion)| f64::from(motion * (a - b).abs())).sum::<f64>() / total
    };
    let p = motion.len();
    let vertex_error = |rows: Vec<f32>| -> Result<f64> {
        let n = rows.len() / p;
        let rows = Tensor::from_vec(rows, (n, p), &Device::Cpu)?;
        let moved = space.squared_movement(&rows)?.to_vec1::<f32>()?;
        Ok(moved.iter().map(|square| f64::from(square.max(0.0)).sqrt()).sum::<f64>() / n as f64 * 1e3)
    };
    let difference =
        |predicted: &[f32], preset: &[f32]| -> Vec<f32> { predicted.iter().zip(preset).map(|(a, b)| a - b).collect() };
    let mean = &head.prior.mean;
    let n = renders.len() as f64;
    let (mut own, mut of_mean) = (0.0, 0.0);
    let (mut own_rows, mut mean_rows) = (Vec::new(), Vec::new());
    for (answer, render) in answers.iter().zip(renders) {
        own += error(&answer.parameters, &render.label.parameters);
        of_mean += error(mean, &render.label.parameters);
        own_rows.extend(difference(&answer.parameters, &render.label.parameters));
        mean_rows.extend(difference(mean, &render.label.parameters));
    }
    figures.parameter_error = Some(own / n);
    figures.parameter_error_of_mean = Some(of_mean / n);
    figures.vertex_error_mm = Some(vertex_error(own_rows)?);
    figures.vertex_error_of_mean_mm = Some(vertex_error(mean_rows)?);
    Ok(())
}

fn measure_photos(answers: &[Answer], head: &Head, photos: &[Photo], figures: &mut Figures) {
    let n = answers.len();
    let (mut own_sum, mut mean_sum, mut other_sum) = (0.0, 0.0, 0.0);
    let (mut below_mean, mut below_other, mut others) = (0usize, 0usize, 0usize);
    for (i, answer) in answers.iter().enumerate() {
        let own = landmark_distance(head, &answer.parameters, answer);
        let mean = landmark_distance(head, &head.prior.mean, answer);
        own_sum += f64::from(own);
        mean_sum += f64::from(mean);
        below_mean += usize::from(own < mean);
        for k in 1..=OTHERS {
            let j = (i + k * (n / (OTHERS + 1)).max(1)) % n;
            if photos[j].label.person == photos[i].label.person {
                continue;
            }
            let other = landmark_distance(head, &answers[j].parameters, answer);
            other_sum += f64::from(other);
            below_other += usize::from(own < other);
            others += 1;
        }
    }
    figures.own = Some(own_sum / n as f64);
    figures.mean = Some(mean_sum / n as f64);
    figures.own_below_mean = Some(below_mean as f64 / n as f64);
    if others > 0 {
        figures.other = Some(other_sum / others as f64);
        figures.own_below_other = Some(below_other as f64 / others as f64);
    }
}

/// The area under the curve of three distances: the cosine of whitened latents, vertex movement, Euclidean latents.
///
/// # Errors
/// Only those of the tensor library.
pub fn same_person(space: &ShapeSpace, faces: &[&[f32]], people: &[u64]) -> Result<[f64; 3]> {
    let p = faces.first().map_or(0, |face| face.len());
    let rows: Vec<f32> = faces.iter().flat_map(|face| face.iter().copied()).collect();
    let parameters = Tensor::from_vec(rows, (faces.len(), p), &Device::Cpu)?;
    // Measured from the mean of the photos, which is not that of the prior.
    let centred = parameters.broadcast_sub(&parameters.mean_keepdim(0)?)?;
    let latents = centred.matmul(&space.to_latents)?.to_vec2::<f32>()?;
    let moved = centred.matmul(&space.gram)?.to_vec2::<f32>()?;
    let plain = centred.to_vec2::<f32>()?;
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    // Each latent counts by how much it varies over these people: a direction that the network never answers is no difference.
    let cosine = |i: usize, j: usize| {
        -dot(&latents[i], &latents[j])
            / (dot(&latents[i], &latents[i]) * dot(&latents[j], &latents[j])).sqrt().max(1e-12)
    };
    let vertices =
        |i: usize, j: usize| dot(&moved[i], &plain[i]) + dot(&moved[j], &plain[j]) - 2.0 * dot(&moved[i], &plain[j]);
    let euclid = |i: usize, j: usize| latents[i].iter().zip(&latents[j]).map(|(a, b)| f64::from((a - b).powi(2))).sum();
    Ok([auc(people, cosine), auc(people, vertices), auc(people, euclid)])
}

/// The probability that two photos of one person are nearer than two photos of two people.
pub fn auc(people: &[u64], distance: impl Fn(usize, usize) -> f64) -> f64 {
    let (mut same, mut different) = (Vec::new(), Vec::new());
    for i in 0..people.len() {
        for j in 0..i {
            let list = if people[i] == people[j] { &mut same } else { &mut different };
            list.push(distance(i, j));
        }
    }
    different.sort_by(f64::total_cmp);
    let above = |d: &f64| {
        let below = different.partition_point(|other| other < d);
        let ties = different.partition_point(|other| other <= d) - below;
        (different.len() - below) as f64 - 0.5 * ties as f64
    };
    same.iter().map(above).sum::<f64>() / (same.len().max(1) * different.len().max(1)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_one_for_a_perfect_distance_and_half_for_none() {
        let people = [1, 1, 2, 2, 3];
        assert_eq!(auc(&people, |i, j| f64::from(u8::from(people[i] != people[j]))), 1.0);
        assert_eq!(auc(&people, |_, _| 0.0), 0.5);
        assert_eq!(auc(&people, |i, j| f64::from(u8::from(people[i] == people[j]))), 0.0);
    }
}
