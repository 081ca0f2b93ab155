//! The part of a photo that is read, in linear light.

use crate::error::{Result, VisionError};
use crate::photo::Photo;
use crate::warp::warp;
use glam::{Vec2, Vec3};
use likeness_rig::color::from_srgb;
use likeness_rig::crop::{CROP_SIZE, photo_to_crop};
use likeness_rig::similarity::Similarity;

/// Scale of the crop that is read over that of the network's, and how far it reaches beyond on each side: the outer eye corners are
/// 190 pixels apart.
const ZOOM: f32 = 4.0;
const MARGIN: f32 = 96.0;
/// How near to the photo's edge it is still read, pixels of the crop.
const RIM: f32 = 8.0;

/// A crop in linear light.
pub(super) struct LinearCrop {
    pixels: Vec<[f32; 3]>,
    size: usize,
    to_photo: Similarity,
    /// The photo's size and the rim that is not read, photo pixels.
    photo: Vec2,
    rim: f32,
}

impl LinearCrop {
    /// The crop around a face, and its landmarks in it.
    ///
    /// # Errors
    /// [`VisionError::DegenerateLandmarks`].
    pub(super) fn new(photo: &Photo, landmarks: &[Vec2; 68]) -> Result<(Self, [Vec2; 68])> {
        let to_network = photo_to_crop(landmarks).ok_or(VisionError::DegenerateLandmarks)?;
        let to_crop = Similarity {
            a: to_network.a * ZOOM,
            b: to_network.b * ZOOM,
            tx: to_network.tx * ZOOM + MARGIN,
            ty: to_network.ty * ZOOM + MARGIN,
        };
        let to_photo = to_crop.inverse().ok_or(VisionError::DegenerateLandmarks)?;
        let size = (CROP_SIZE as f32 * ZOOM + 2.0 * MARGIN) as usize;
        let table: Vec<f32> = (0..=255u8).map(from_srgb).collect();
        let crop = warp(&photo.pixels, &to_crop, size as u32);
        let pixels = crop.pixels().map(|pixel| pixel.0.map(|value| table[usize::from(value)])).collect();
        let (width, height) = photo.pixels.dimensions();
        let rim = RIM * to_photo.scale();
        let crop = Self { pixels, size, to_photo, photo: Vec2::new(width as f32, height as f32), rim };
        Ok((crop, landmarks.map(|point| to_crop.apply(point))))
    }

    /// Whether a place is in the crop and shows the photo.
    pub(super) fn holds(&self, place: Vec2) -> bool {
        let most = self.size as f32 - 1.0;
        let in_photo = self.to_photo.apply(place);
        place.cmpge(Vec2::ONE).all()
            && place.cmple(Vec2::splat(most)).all()
            && in_photo.cmpge(Vec2::splat(self.rim)).all()
            && in_photo.cmple(self.photo - self.rim).all()
    }

    /// The colour at a place that it holds, bilinear.
    pub(super) fn at(&self, place: Vec2) -> [f32; 3] {
        let from = (place - 0.5).clamp(Vec2::ZERO, Vec2::splat(self.size as f32 - 1.001));
        let (x, y) = (from.x as usize, from.y as usize);
        let part = from - Vec2::new(x as f32, y as f32);
        let row = |y: usize| -> Vec3 {
            let line = &self.pixels[y * self.size + x..];
            Vec3::from(line[0]).lerp(Vec3::from(line[1]), part.x)
        };
        row(y).lerp(row(y + 1), part.y).to_array()
    }
}
