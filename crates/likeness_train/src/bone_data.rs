//! Aligned crops for the bone-point network: renders with all their labels, photos with their landmarks.

use std::{collections::BTreeMap, path::Path};

use glam::{Quat, Vec2};
use likeness_rig::{
    HeadPose, Rig,
    crop::{CROP_SIZE, EYE_DISTANCE, photo_to_crop},
    mirrored_arkit,
    similarity::Similarity,
};

use crate::{
    augment::{Strength, augment, mirror},
    dice::{Dice, Purpose},
    error::{Result, data_error},
    landmark_data::mirror_points,
    picture::{Picture, Planes, about},
    portraits::{Portrait, PortraitLabel, balance_weights, inter_ocular},
    shards::{Render, RenderLabel},
    similarity::then,
};

/// What photos go through; a face that is covered says little about its shape.
const PHOTO_STRENGTH: Strength = Strength { occlusion: 0.12, ..Strength::TRAINING };
/// What renders go through besides the effects that they were drawn with.
const RENDER_STRENGTH: Strength = Strength { colour: 0.7, quality: 0.4, occlusion: 0.08 };

/// A photo of the training set.
pub struct Photo {
    /// The picture.
    pub picture: Picture,
    /// 68 points in its pixels.
    pub landmarks: [Vec2; 68],
    /// Who it shows and where it is from.
    pub label: PortraitLabel,
}

impl From<Portrait> for Photo {
    fn from(portrait: Portrait) -> Self {
        Self { picture: portrait.picture, landmarks: portrait.landmarks, label: portrait.label }
    }
}

/// A batch: renders first, then photos.
pub struct BoneBatch {
    /// How many renders.
    pub renders: usize,
    /// How many photos.
    pub photos: usize,
    /// The first photos are pairs of one person each: this many pairs.
    pub pairs: usize,
    /// `[n, 3, 128, 128]`, -1..1.
    pub images: Vec<f32>,
    /// `[n, 68, 2]`, in eye distances of the reference crop.
    pub landmarks: Vec<f32>,
    /// `[renders, P]`.
    pub parameters: Vec<f32>,
    /// `[renders, 52]`.
    pub expression: Vec<f32>,
    /// `[renders, 3]`, in units of 90 degrees.
    pub pose: Vec<f32>,
}

/// The training data and how batches are put together.
pub struct BoneData {
    renders: Vec<Render>,
    photos: Vec<Photo>,
    balance: Vec<f32>,
    photo_weights: Vec<f32>,
    /// Places of the photos of people with several.
    people: Vec<Vec<usize>>,
    /// What a mirror does to the parameters; none when renders cannot be mirrored.
    mirror: Option<Mirror>,
    parameters: usize,
    mix: Mix,
}

/// How labels change in a mirror.
struct Mirror {
    /// See [`Rig::mirror_signs`].
    signs: Vec<f32>,
    /// See [`mirrored_arkit`].
    expression: [usize; 52],
}

/// What a batch is made of.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// Renders in a batch.
    pub renders: usize,
    /// Photos in a batch.
    pub photos: usize,
    /// Pairs of photos of one person among them.
    pub pairs: usize,
    /// How far the groups of photos are balanced, 0..1.
    pub balance: f32,
}

impl BoneData {
    /// Puts the data together.
    ///
    /// # Errors
    /// A batch needs renders or photos, and there are none.
    pub fn new(rig: &Rig, renders: Vec<Render>, photos: Vec<Photo>, mix: Mix) -> Result<Self> {
        let here = Path::new("training data");
        if (mix.renders > 0 && renders.is_empty()) || (mix.photos > 0 && photos.is_empty()) {
            return Err(data_error(here, "batch", "no renders or no photos: give both, or a photo share of 0 or 1"));
        }
        let labels: Vec<&PortraitLabel> = photos.iter().map(|photo| &photo.label).collect();
        let balance = balance_weights(&labels, mix.balance);
        let photo_weights = crate::landmark_data::running_sum(&balance);
        let mut people: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (place, label) in labels.iter().enumerate() {
            people.entry(label.person).or_default().push(place);
        }
        let people: Vec<Vec<usize>> = people.into_values().filter(|places| places.len() > 1).collect();
        let pairs = if people.is_empty() { 0 } else { mix.pairs.min(mix.photos / 2) };
        Ok(Self {
            mirror: rig.mirror_signs().map(|signs| Mirror { signs, expression: mirrored_arkit() }),
            parameters: rig.parameters.len(),
            mix: Mix { pairs, ..mix },
            renders,
            photos,
            balance,
            photo_weights,
            people,
        })
    }

    /// Batch `index` of `seed`.
    pub fn batch(&self, seed: u64, index: u64) -> BoneBatch {
        let mut dice = Dice::new(seed, Purpose::BoneBatch, index);
        let Mix { renders, photos, pairs, .. } = self.mix;
        let count = renders + photos;
        let mut batch = BoneBatch {
            renders,
            photos,
            pairs,
            images: Vec::with_capacity(count * 3 * CROP_SIZE * CROP_SIZE),
            landmarks: Vec::with_capacity(count * 136),
            parameters: Vec::with_capacity(renders * self.parameters),
            expression: Vec::with_capacity(renders * 52),
            pose: Vec::with_capacity(renders * 3),
        };
        for _ in 0..renders {
            let render = &self.renders[dice.below(self.renders.len())];
            let points = std::array::from_fn(|i| Vec2::from_array(render.label.landmarks[i]));
            let to_crop = jittered(&points, &mut dice);
            let flip = self.mirror.as_ref().filter(|_| dice.chance(0.5));
            add_crop(&mut batch, &render.picture, &points, &to_crop, flip.is_some(), RENDER_STRENGTH, &mut dice);
            add_labels(&mut batch, &render.label, &to_crop, flip);
        }
        let mut places = Vec::with_capacity(photos);
        for _ in 0..pairs {
            places.extend(self.pair(&mut dice));
        }
        while places.len() < photos {
            let place = dice.uniform(0.0, 1.0);
            places.push(self.photo_weights.partition_point(|sum| *sum < place).min(self.photos.len() - 1));
        }
        for place in places {
            let photo = &self.photos[place];
            let to_crop = jittered(&photo.landmarks, &mut dice);
            let flip = dice.chance(0.5);
            add_crop(&mut batch, &photo.picture, &photo.landmarks, &to_crop, flip, PHOTO_STRENGTH, &mut dice);
        }
        batch
    }

    /// What there is and how batches are made of it, for processes that must have the same.
    pub(crate) fn summary(&self) -> String {
        format!(
            "training renders: {}, training photos: {}, batch: {:?}",
            self.renders.len(),
            self.photos.len(),
            self.mix
        )
    }

    /// The photos, and how much each counts.
    pub fn photos(&self) -> (&[Photo], &[f32]) {
        (&self.photos, &self.balance)
    }

    /// Two photos of one person.
    fn pair(&self, dice: &mut Dice) -> [usize; 2] {
        let photos = &self.people[dice.below(self.people.len())];
        let first = dice.below(photos.len());
        let second = (first + 1 + dice.below(photos.len() - 1)) % photos.len();
        [photos[first], photos[second]]
    }
}

/// The crop by landmarks that are a little off, as those of a network are.
fn jittered(landmarks: &[Vec2; 68], dice: &mut Dice) -> Similarity {
    let noise = 0.012 * inter_ocular(landmarks);
    let seen = landmarks.map(|p| p + Vec2::new(dice.normal(0.0, noise), dice.normal(0.0, noise)));
    let to_crop = photo_to_crop(&seen).unwrap_or(Similarity::IDENTITY);
    let middle = Vec2::splat(CROP_SIZE as f32 * 0.5);
    let turn = dice.normal_within(1.5, 4.0).to_radians();
    let scale = 1.0 + dice.normal_within(0.015, 0.04);
    let shift = Vec2::new(dice.normal_within(0.8, 2.4), dice.normal_within(0.8, 2.4));
    then(&to_crop, &about(middle, turn, scale, shift))
}

fn add_crop(
    batch: &mut BoneBatch,
    picture: &Picture,
    landmarks: &[Vec2; 68],
    to_crop: &Similarity,
    flip: bool,
    strength: Strength,
    dice: &mut Dice,
) {
    let mut crop = Planes::crop(picture, to_crop, CROP_SIZE);
    let mut points = landmarks.map(|p| to_crop.apply(p));
    if flip {
        mirror(&mut crop);
        points = mirror_points(&points);
    }
    augment(&mut crop, strength, dice);
    crop.append_normalised(&mut batch.images);
    batch.landmarks.extend(points.iter().flat_map(|p| (*p / EYE_DISTANCE).to_array()));
}

fn add_labels(batch: &mut BoneBatch, label: &RenderLabel, to_crop: &Similarity, mirror: Option<&Mirror>) {
    match mirror {
        Some(Mirror { signs, expression }) => {
            let parameters = label.parameters.iter().zip(signs);
            batch.parameters.extend(parameters.map(|(value, sign)| 0.5 + sign * (value - 0.5)));
            batch.expression.extend(expression.iter().map(|&from| label.expression[from]));
        }
        None => {
            batch.parameters.extend(&label.parameters);
            batch.expression.extend(&label.expression);
        }
    }
    let pose = pose_in_crop(label, to_crop);
    let side = if mirror.is_some() { -1.0 } else { 1.0 };
    batch.pose.extend([side * pose.yaw / 90.0, pose.pitch / 90.0, side * pose.roll / 90.0]);
}

/// The head's pose once the crop has turned the picture.
pub fn pose_in_crop(label: &RenderLabel, to_crop: &Similarity) -> HeadPose {
    let [yaw, pitch, roll] = label.pose;
    let turned = Quat::from_rotation_z(-to_crop.angle()) * HeadPose { yaw, pitch, roll }.rotation();
    HeadPose::from_rotation(turned)
}

/// The crop without changes: normalised pixels, landmarks in eye distances, and the similarity.
pub fn plain_crop(picture: &Picture, landmarks: &[Vec2; 68]) -> (Vec<f32>, Vec<f32>, Similarity) {
    let to_crop = photo_to_crop(landmarks).unwrap_or(Similarity::IDENTITY);
    let mut pixels = Vec::with_capacity(3 * CROP_SIZE * CROP_SIZE);
    Planes::crop(picture, &to_crop, CROP_SIZE).append_normalised(&mut pixels);
    let points = landmarks.iter().flat_map(|p| (to_crop.apply(*p) / EYE_DISTANCE).to_array()).collect();
    (pixels, points, to_crop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_the_picture_turns_the_roll() {
        let label = RenderLabel {
            index: 0,
            seed: 0,
            rig: String::new(),
            rig_version: 1,
            parameters: vec![],
            options: vec![],
            colors: vec![],
            details: vec![],
            expression: vec![0.0; 52],
            pose: [0.0, 0.0, 10.0],
            gaze: [0.0; 2],
            camera: crate::shards::CameraLabel { distance: 1.0, fov_y: 0.3, target: [0.0; 3] },
            landmarks: vec![],
        };
        // Turned by -10 degrees (x toward y, y down: counter-clockwise) a head that leaned clockwise is upright.
        let turn = about(Vec2::ZERO, (-10f32).to_radians(), 1.0, Vec2::ZERO);
        let pose = pose_in_crop(&label, &turn);
        assert!(pose.roll.abs() < 1e-3 && pose.yaw.abs() < 1e-3, "{pose:?}");
    }
}
