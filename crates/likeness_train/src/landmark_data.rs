//! Crops for the landmark network: what its two passes see, with everything that can be off about them.

use std::sync::Arc;

use glam::Vec2;
use likeness_rig::{crop::CROP_SIZE, similarity::Similarity};
use likeness_vision::{FaceBox, landmark_crop, landmark_recrop};

use crate::{
    augment::{MIRRORED, Strength, augment, mirror},
    dice::{Dice, Purpose},
    picture::{Picture, Planes, about},
    similarity::then,
};

/// A labelled picture.
pub struct LandmarkItem {
    /// The picture.
    pub picture: Picture,
    /// 68 points in its pixels.
    pub landmarks: [Vec2; 68],
}

/// One batch.
pub struct LandmarkBatch {
    /// `[n, 3, 128, 128]`, -1..1.
    pub images: Vec<f32>,
    /// `[n, 68, 2]`, 0..1 of the crop.
    pub points: Vec<f32>,
    /// `[n]`: 1 for renders, 0 for photos.
    pub render: Vec<f32>,
}

/// Photos and renders, and how they are mixed.
pub struct LandmarkData {
    /// Photos, with the running sum of their sampling weights.
    pub photos: Vec<LandmarkItem>,
    /// Running sum of the photos' sampling weights, ending at 1.
    pub photo_weights: Vec<f32>,
    /// Synthetic pictures.
    pub renders: Vec<LandmarkItem>,
    /// The share of photos in a batch; 1 where there are no renders.
    pub photo_share: f32,
}

/// How the middle and the size of a detector's box vary about the landmarks, in box widths.
const BOX_SHIFT: f32 = 0.045;
const BOX_SIZE: f32 = 0.09;
/// The landmarks' extent in box widths, and how far their middle lies below the box's middle.
const BOX_EXTENT: f32 = 0.88;
const BOX_DROP: f32 = 0.145;

/// The box that the detector would give, without its scatter.
pub fn likely_box(landmarks: &[Vec2; 68]) -> FaceBox {
    let low = landmarks.iter().copied().fold(Vec2::MAX, Vec2::min);
    let high = landmarks.iter().copied().fold(Vec2::MIN, Vec2::max);
    let width = (high - low).max_element() / BOX_EXTENT;
    let corner = (low + high) * 0.5 - Vec2::new(0.0, BOX_DROP * width) - width * 0.5;
    FaceBox { x: corner.x, y: corner.y, w: width, h: width, score: 1.0 }
}

impl LandmarkData {
    /// Batch `index` of `seed`.
    pub fn batch(&self, seed: u64, index: u64, size: usize) -> LandmarkBatch {
        let mut dice = Dice::new(seed, Purpose::LandmarkBatch, index);
        let photos = if self.renders.is_empty() {
            size
        } else if self.photos.is_empty() {
            0
        } else {
            (size as f32 * self.photo_share).round() as usize
        };
        let area = CROP_SIZE * CROP_SIZE;
        let mut batch = LandmarkBatch {
            images: Vec::with_capacity(size * 3 * area),
            points: Vec::with_capacity(size * 136),
            render: Vec::with_capacity(size),
        };
        for i in 0..size {
            let item = if i < photos {
                let place = dice.uniform(0.0, 1.0);
                &self.photos[self.photo_weights.partition_point(|sum| *sum < place).min(self.photos.len() - 1)]
            } else {
                &self.renders[dice.below(self.renders.len())]
            };
            let (crop, points) = jittered_crop(item, &mut dice);
            crop.append_normalised(&mut batch.images);
            batch.points.extend(points.iter().flat_map(|p| [p.x / CROP_SIZE as f32, p.y / CROP_SIZE as f32]));
            batch.render.push(if i < photos { 0.0 } else { 1.0 });
        }
        batch
    }
}

/// The running sum of weights, ending at 1.
pub fn running_sum(weights: &[f32]) -> Vec<f32> {
    let total: f32 = weights.iter().sum();
    weights
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight / total;
            Some(*sum)
        })
        .collect()
}

fn jittered_crop(item: &LandmarkItem, dice: &mut Dice) -> (Planes, [Vec2; 68]) {
    let middle = Vec2::splat(CROP_SIZE as f32 * 0.5);
    let first_pass = dice.chance(0.45);
    let to_crop = if first_pass {
        let mut face = likely_box(&item.landmarks);
        let size = face.w;
        face.x += dice.normal_within(BOX_SHIFT, 3.0 * BOX_SHIFT) * size;
        face.y += dice.normal_within(BOX_SHIFT, 3.0 * BOX_SHIFT) * size;
        let grown = size * (1.0 + dice.normal_within(BOX_SIZE, 3.0 * BOX_SIZE));
        face.x -= (grown - size) * 0.5;
        face.y -= (grown - size) * 0.5;
        (face.w, face.h) = (grown, grown);
        let turn = dice.normal_within(12.0, 25.0).to_radians();
        then(&landmark_crop(&face), &about(middle, turn, 1.0, Vec2::ZERO))
    } else {
        // What the first pass leaves: a small similarity.
        let turn = dice.normal_within(4.0, 12.0).to_radians();
        let scale = 1.0 + dice.normal_within(0.05, 0.15);
        let shift = Vec2::new(dice.normal_within(2.0, 6.0), dice.normal_within(2.0, 6.0));
        let crop = landmark_recrop(&item.landmarks).unwrap_or(landmark_crop(&likely_box(&item.landmarks)));
        then(&crop, &about(middle, turn, scale, shift))
    };
    let mut crop = Planes::crop(&item.picture, &to_crop, CROP_SIZE);
    let mut points = item.landmarks.map(|p| to_crop.apply(p));
    if dice.chance(0.5) {
        mirror(&mut crop);
        points = mirror_points(&points);
    }
    augment(&mut crop, Strength::TRAINING, dice);
    (crop, points)
}

/// The landmarks of the mirrored crop.
pub fn mirror_points(points: &[Vec2; 68]) -> [Vec2; 68] {
    std::array::from_fn(|i| {
        let p = points[MIRRORED[i]];
        Vec2::new(CROP_SIZE as f32 - p.x, p.y)
    })
}

/// The crop of pass one (by the likely box) or two (by `found`), unchanged otherwise.
pub fn plain_crop(item: &LandmarkItem, found: Option<&[Vec2; 68]>) -> (Vec<f32>, Similarity) {
    let by_box = || landmark_crop(&likely_box(&item.landmarks));
    let to_crop = found.and_then(|points| landmark_recrop(points).ok()).unwrap_or_else(by_box);
    let mut pixels = Vec::with_capacity(3 * CROP_SIZE * CROP_SIZE);
    Planes::crop(&item.picture, &to_crop, CROP_SIZE).append_normalised(&mut pixels);
    (pixels, to_crop)
}

/// Shares the data with the loader's threads.
pub type SharedLandmarkData = Arc<LandmarkData>;
