//! Portrait crops for the appearance network: renders with their options, colours and details, photos with what
//! somebody saw on them.

use std::path::Path;

use glam::Vec2;
use likeness_nets::{AppearanceConfig, encoded};
use likeness_rig::{
    Rig,
    crop::{CROP_SIZE, PORTRAIT_EYE_DISTANCE, photo_to_portrait},
    similarity::Similarity,
};

use crate::{
    augment::{Strength, augment, mirror},
    bone_data::Photo,
    dice::{Dice, Purpose},
    error::{Result, data_error},
    landmark_data::running_sum,
    photo_looks::PhotoLooks,
    picture::{Picture, Planes, about},
    portraits::{PortraitLabel, balance_weights, inter_ocular},
    shards::Render,
    similarity::then,
};

/// What photos go through. They are few, so they are changed a lot, but for the colours that somebody saw on them.
const PHOTO_STRENGTH: Strength = Strength { colour: 0.6, occlusion: 0.15, ..Strength::TRAINING };
/// What renders go through besides the effects that they were drawn with: their colours are to be told.
const RENDER_STRENGTH: Strength = Strength { colour: 0.4, quality: 0.6, occlusion: 0.08 };
/// The part of a choice's certainty that is spread over its group: neighbouring styles look alike.
const SMOOTHING: f32 = 0.05;

/// A batch: renders first, then photos.
pub struct AppearanceBatch {
    /// How many renders.
    pub renders: usize,
    /// How many photos.
    pub photos: usize,
    /// `[n, 3, 128, 128]`, -1..1.
    pub images: Vec<f32>,
    /// `[renders, choices]`: for each option's group the wanted probabilities.
    pub choices: Vec<f32>,
    /// `[renders, 3 * colours]`: encoded RGB.
    pub colors: Vec<f32>,
    /// `[renders, details]`.
    pub details: Vec<f32>,
    /// `[photos, choices]`: [`PhotoLooks::candidates`].
    pub photo_candidates: Vec<f32>,
    /// `[photos, 3 * colours]`: encoded RGB, 0 where unknown.
    pub photo_colors: Vec<f32>,
    /// `[photos, 3 * colours]`: 1 where the colour is known, else 0.
    pub photo_colors_known: Vec<f32>,
}

/// A photo with what somebody saw on it.
pub struct SeenPhoto {
    /// The photo.
    pub photo: Photo,
    /// What is known of it.
    pub looks: PhotoLooks,
}

/// The training data and how batches are put together.
pub struct AppearanceData {
    renders: Vec<Render>,
    photos: Vec<SeenPhoto>,
    photo_weights: Vec<f32>,
    config: AppearanceConfig,
    counts: [usize; 2],
}

impl AppearanceData {
    /// Puts the data together; a batch has `counts` renders and photos.
    ///
    /// # Errors
    /// A batch needs renders or photos, and there are none; renders without options, colours or details of the rig.
    pub fn new(
        rig: &Rig,
        renders: Vec<Render>,
        photos: Vec<SeenPhoto>,
        counts: [usize; 2],
        balance: f32,
    ) -> Result<Self> {
        let here = Path::new("training data");
        if renders.is_empty() || counts[0] == 0 || (counts[1] > 0 && photos.is_empty()) {
            return Err(data_error(here, "batch", "renders are needed, and photos unless --photo-share is 0"));
        }
        check_labels(rig, &renders)?;
        let labels: Vec<&PortraitLabel> = photos.iter().map(|seen| &seen.photo.label).collect();
        let photo_weights = running_sum(&balance_weights(&labels, balance));
        Ok(Self { renders, photos, photo_weights, config: AppearanceConfig::new(rig), counts })
    }

    /// What there is and how batches are made of it, for processes that must have the same.
    pub(crate) fn summary(&self) -> String {
        let [renders, photos] = self.counts;
        let told = self.photos.iter().filter(|seen| seen.looks != PhotoLooks::unknown(&self.config)).count();
        format!(
            "training renders: {}, training photos: {}, with looks: {told}, renders a batch: {renders}, photos a batch: {photos}",
            self.renders.len(),
            self.photos.len()
        )
    }

    /// Batch `index` of `seed`.
    pub fn batch(&self, seed: u64, index: u64) -> AppearanceBatch {
        let mut dice = Dice::new(seed, Purpose::AppearanceBatch, index);
        let [renders, photos] = self.counts;
        let mut batch = AppearanceBatch {
            renders,
            photos,
            images: Vec::with_capacity((renders + photos) * 3 * CROP_SIZE * CROP_SIZE),
            choices: Vec::with_capacity(renders * self.config.choices()),
            colors: Vec::with_capacity(renders * 3 * self.config.colors.len()),
            details: Vec::with_capacity(renders * self.config.details.len()),
            photo_candidates: Vec::with_capacity(photos * self.config.choices()),
            photo_colors: Vec::with_capacity(photos * 3 * self.config.colors.len()),
            photo_colors_known: Vec::with_capacity(photos * 3 * self.config.colors.len()),
        };
        for _ in 0..renders {
            let render = &self.renders[dice.below(self.renders.len())];
            let points = std::array::from_fn(|i| Vec2::from_array(render.label.landmarks[i]));
            add_crop(&mut batch.images, &render.picture, &points, RENDER_STRENGTH, &mut dice);
            for (option, &chosen) in self.config.options.iter().zip(&render.label.options) {
                let count = option.choices.len();
                let spread = SMOOTHING / count as f32;
                batch.choices.extend((0..count).map(|i| spread + if i == chosen { 1.0 - SMOOTHING } else { 0.0 }));
            }
            batch.colors.extend(render.label.colors.iter().flatten().map(|value| encoded(*value)));
            batch.details.extend(&render.label.details);
        }
        for _ in 0..photos {
            let place = dice.uniform(0.0, 1.0);
            let place = self.photo_weights.partition_point(|sum| *sum < place).min(self.photos.len() - 1);
            let SeenPhoto { photo, looks } = &self.photos[place];
            batch.photo_candidates.extend(&looks.candidates);
            batch.photo_colors.extend(looks.colors.iter().flat_map(|color| color.unwrap_or_default().map(encoded)));
            batch.photo_colors_known.extend(looks.colors.iter().flat_map(|color| [f32::from(color.is_some()); 3]));
            add_crop(&mut batch.images, &photo.picture, &photo.landmarks, PHOTO_STRENGTH, &mut dice);
        }
        batch
    }
}

/// Whether renders have a choice for every option, a colour for every natural slot and a value for every detail of the rig.
///
/// # Errors
/// The first one that has not.
pub fn check_labels(rig: &Rig, renders: &[Render]) -> Result<()> {
    for Render { label, .. } in renders {
        let fits = label.options.len() == rig.options.len()
            && label.options.iter().zip(&rig.options).all(|(choice, option)| *choice < option.choices.len())
            && label.colors.len() == rig.natural_colors().count()
            && label.details.len() == rig.details.len();
        if !fits {
            let field = format!("render {}: options, colors, details", label.index);
            return Err(data_error(Path::new(&rig.id), field, "not those of the rig: render the shards again"));
        }
    }
    Ok(())
}

/// A crop by landmarks that are a little off, as those of a network are.
fn add_crop(to: &mut Vec<f32>, picture: &Picture, landmarks: &[Vec2; 68], strength: Strength, dice: &mut Dice) {
    let noise = 0.012 * inter_ocular(landmarks);
    let seen = landmarks.map(|p| p + Vec2::new(dice.normal(0.0, noise), dice.normal(0.0, noise)));
    let to_crop = photo_to_portrait(&seen).unwrap_or(Similarity::IDENTITY);
    let middle = Vec2::splat(CROP_SIZE as f32 * 0.5);
    let turn = dice.normal_within(4.0, 12.0).to_radians();
    let scale = 1.0 + dice.normal_within(0.05, 0.12);
    let shift = Vec2::new(dice.normal_within(2.0, 6.0), dice.normal_within(2.0, 6.0));
    let mut crop = Planes::crop(picture, &then(&to_crop, &about(middle, turn, scale, shift)), CROP_SIZE);
    if dice.chance(0.5) {
        mirror(&mut crop);
    }
    // A different border, as pictures that are cut close have: the edge goes on outside.
    if dice.chance(0.25) {
        cut_close(&mut crop, dice);
    }
    augment(&mut crop, strength, dice);
    crop.append_normalised(to);
}

/// Repeats the rows and columns from a random frame about the face outwards.
fn cut_close(crop: &mut Planes, dice: &mut Dice) {
    let n = crop.size;
    let most = 64.0 - 1.1 * PORTRAIT_EYE_DISTANCE;
    let mut edge = || dice.uniform(0.0, most) as usize;
    let (left, right, top, bottom) = (edge(), n - 1 - edge(), edge(), n - 1 - edge());
    let source = crop.data.clone();
    for (plane, source) in crop.data.chunks_exact_mut(n * n).zip(source.chunks_exact(n * n)) {
        for (y, row) in plane.chunks_exact_mut(n).enumerate() {
            let from = &source[y.clamp(top, bottom) * n..][..n];
            row.iter_mut().enumerate().for_each(|(x, value)| *value = from[x.clamp(left, right)]);
        }
    }
}

/// The portrait crop without changes: normalised pixels.
pub fn plain_crop(picture: &Picture, landmarks: &[Vec2; 68]) -> Vec<f32> {
    let to_crop = photo_to_portrait(landmarks).unwrap_or(Similarity::IDENTITY);
    let mut pixels = Vec::with_capacity(3 * CROP_SIZE * CROP_SIZE);
    Planes::crop(picture, &to_crop, CROP_SIZE).append_normalised(&mut pixels);
    pixels
}
