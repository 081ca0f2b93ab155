//! What an appearance network is worth on renders and photos that it was not trained on.

use candle_core::{Device, Tensor};
use glam::Vec2;
use likeness_nets::{AppearanceNet, decoded, softmax};
use likeness_rig::{Rig, color::difference, crop::CROP_SIZE, looks::settle};
use serde::Serialize;

use crate::{
    appearance_data::{SeenPhoto, plain_crop},
    bone_data::Photo,
    error::Result,
    metrics::Report,
    picture::Picture,
    shards::Render,
};

/// What the network answers for one picture.
#[derive(Clone, Debug, Serialize)]
pub struct AppearanceAnswer {
    /// For each option the probability of each choice.
    pub options: Vec<Vec<f32>>,
    /// The colours, linear RGB.
    pub colors: Vec<[f32; 3]>,
    /// The details, 0..1.
    pub details: Vec<f32>,
    /// What the domain network sees.
    #[serde(skip)]
    pub features: Vec<f32>,
}

/// Figures of one option.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptionFigures {
    /// The option's name.
    pub name: String,
    /// Share of pictures whose choice was the likeliest.
    pub first: f64,
    /// Share of pictures whose choice was among the three likeliest.
    pub among_three: f64,
    /// The share of the commonest choice: what always answering it would reach.
    pub commonest: f64,
}

/// Figures on held-out renders.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AppearanceFigures {
    /// By option.
    pub options: Vec<OptionFigures>,
    /// By colour slot: name, median and 90th percentile of the difference between answered and preset colour, CIEDE2000.
    pub colors: Vec<(String, f64, f64)>,
    /// By detail: name, mean distance of the answer from the preset value, and that of always answering the median.
    pub details: Vec<(String, f64, f64)>,
}

impl AppearanceFigures {
    /// The figures by name.
    pub fn report(&self) -> Report {
        let options = self.options.iter().flat_map(|option| {
            [
                (format!("held_out_{}_first", option.name), option.first),
                (format!("held_out_{}_three", option.name), option.among_three),
            ]
        });
        let colors = self.colors.iter().map(|(name, median, _)| (format!("held_out_{name}_difference"), *median));
        let details = self.details.iter().map(|(name, error, _)| (format!("held_out_{name}_error"), *error));
        options.chain(colors).chain(details).collect()
    }
}

/// The answers for pictures with their landmarks, each looked at together with its mirror image.
///
/// # Errors
/// Only those of the network.
pub fn appearance_answers<'a>(
    net: &AppearanceNet,
    items: impl Iterator<Item = (&'a Picture, [Vec2; 68])>,
) -> Result<Vec<AppearanceAnswer>> {
    let items: Vec<_> = items.collect();
    let groups = net.config().groups();
    let mut answers = Vec::with_capacity(items.len());
    for chunk in items.chunks(32) {
        let pixels: Vec<f32> = chunk.iter().flat_map(|(picture, landmarks)| plain_crop(picture, landmarks)).collect();
        let images = Tensor::from_vec(pixels, (chunk.len(), 3, CROP_SIZE, CROP_SIZE), &Device::Cpu)?;
        let output = net.forward_mirrored(&images)?;
        let details = match &output.details {
            Some(details) => details.to_vec2::<f32>()?,
            None => vec![Vec::new(); chunk.len()],
        };
        let rows = output.logits.to_vec2::<f32>()?.into_iter().zip(output.colors.to_vec2::<f32>()?);
        for (((logits, colors), details), features) in rows.zip(details).zip(output.features.to_vec2::<f32>()?) {
            answers.push(AppearanceAnswer {
                options: groups.iter().map(|&(start, count)| softmax(&logits[start..start + count])).collect(),
                colors: colors.as_chunks::<3>().0.iter().map(|color| color.map(decoded)).collect(),
                details,
                features,
            });
        }
    }
    Ok(answers)
}

/// The answers for photos by their labelled landmarks.
///
/// # Errors
/// Only those of the network.
pub fn appearance_of_photos(net: &AppearanceNet, photos: &[Photo]) -> Result<Vec<AppearanceAnswer>> {
    appearance_answers(net, photos.iter().map(|photo| (&photo.picture, photo.landmarks)))
}

/// The answers for renders.
///
/// # Errors
/// Only those of the network.
pub fn appearance_of_renders(net: &AppearanceNet, renders: &[Render]) -> Result<Vec<AppearanceAnswer>> {
    let points = |render: &Render| std::array::from_fn(|i| Vec2::from_array(render.label.landmarks[i]));
    appearance_answers(net, renders.iter().map(|render| (&render.picture, points(render))))
}

/// Measures a network on held-out renders.
///
/// # Errors
/// Only those of the network.
pub fn evaluate_appearance(net: &AppearanceNet, renders: &[Render]) -> Result<AppearanceFigures> {
    if renders.is_empty() {
        return Ok(AppearanceFigures::default());
    }
    let answers = appearance_of_renders(net, renders)?;
    let share = |count: usize| count as f64 / renders.len() as f64;
    let options = net.config().options.iter().enumerate().map(|(index, option)| {
        let mut counts = vec![0; option.choices.len()];
        let (mut first, mut among_three) = (0, 0);
        for (answer, render) in answers.iter().zip(renders) {
            let preset = render.label.options[index];
            counts[preset] += 1;
            let own = answer.options[index][preset];
            let likelier = answer.options[index].iter().filter(|other| **other > own).count();
            first += usize::from(likelier == 0);
            among_three += usize::from(likelier < 3);
        }
        OptionFigures {
            name: option.name.clone(),
            first: share(first),
            among_three: share(among_three),
            commonest: share(counts.into_iter().max().unwrap_or(0)),
        }
    });
    let colors = net.config().colors.iter().enumerate().map(|(index, name)| {
        let pairs = answers.iter().zip(renders);
        let mut differences: Vec<f64> = pairs
            .map(|(answer, render)| f64::from(difference(answer.colors[index], render.label.colors[index])))
            .collect();
        differences.sort_by(f64::total_cmp);
        (name.clone(), differences[differences.len() / 2], differences[differences.len() * 9 / 10])
    });
    let details = net.config().details.iter().enumerate().map(|(index, name)| {
        let mut presets: Vec<f32> = renders.iter().map(|render| render.label.details[index]).collect();
        presets.sort_by(f32::total_cmp);
        let median = presets[presets.len() / 2];
        let mean =
            |distances: &mut dyn Iterator<Item = f32>| distances.map(f64::from).sum::<f64>() / renders.len() as f64;
        let pairs = answers.iter().zip(renders);
        let error =
            mean(&mut pairs.map(|(answer, render)| (answer.details[index] - render.label.details[index]).abs()));
        (name.clone(), error, mean(&mut presets.iter().map(|preset| (preset - median).abs())))
    });
    Ok(AppearanceFigures { options: options.collect(), colors: colors.collect(), details: details.collect() })
}

/// Figures on photos of which somebody saw something.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LooksFigures {
    /// By option: name, how many photos tell something of it, and the share of them whose settled choice is one of the candidates.
    pub options: Vec<(String, usize, f64)>,
    /// By colour slot: name, how many photos tell it, and the median difference from it, CIEDE2000; those that no photo tells are left out.
    pub colors: Vec<(String, usize, f64)>,
}

impl LooksFigures {
    /// The figures by name.
    pub fn report(&self) -> Report {
        let options = self.options.iter().map(|(name, _, share)| (format!("held_out_photos_{name}"), *share));
        let colors = self.colors.iter().map(|(name, _, off)| (format!("held_out_photos_{name}_difference"), *off));
        options.chain(colors).collect()
    }
}

/// Measures a network on photos: its choices as a prediction would take them, and its colours, which a prediction mixes with measured ones.
///
/// # Errors
/// Only those of the network.
pub fn evaluate_looks(net: &AppearanceNet, rig: &Rig, photos: &[SeenPhoto]) -> Result<LooksFigures> {
    let answers = appearance_answers(net, photos.iter().map(|seen| (&seen.photo.picture, seen.photo.landmarks)))?;
    let mut figures = LooksFigures::default();
    for (index, (option, group)) in rig.options.iter().zip(net.config().groups()).enumerate() {
        let told = photos.iter().zip(&answers).filter_map(|(seen, answer)| {
            let candidates = seen.looks.known(group)?;
            Some(candidates[settle(option, &answer.options[index])] > 0.0)
        });
        let right: Vec<bool> = told.collect();
        if !right.is_empty() {
            let share = right.iter().filter(|right| **right).count() as f64 / right.len() as f64;
            figures.options.push((option.name.clone(), right.len(), share));
        }
    }
    for (index, name) in net.config().colors.iter().enumerate() {
        let told = photos.iter().zip(&answers).filter_map(|(seen, answer)| {
            seen.looks.colors[index].map(|color| f64::from(difference(answer.colors[index], color)))
        });
        let mut differences: Vec<f64> = told.collect();
        differences.sort_by(f64::total_cmp);
        if let Some(median) = differences.get(differences.len() / 2) {
            figures.colors.push((name.clone(), differences.len(), *median));
        }
    }
    Ok(figures)
}
