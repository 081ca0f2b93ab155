//! Pixels of photos and camera frames as textures of the panels.

use bevy::asset::RenderAssetUsages;
use bevy::prelude::*;
use bevy::render::render_resource::{Extent3d, TextureDimension, TextureFormat};
use bevy_egui::{EguiTextureHandle, EguiUserTextures, egui};
use image::RgbImage;
use image::imageops::FilterType;

/// The longest side of a picture in a panel, pixels.
const LONGEST_SIDE: u32 = 560;

/// The pixels of a picture as few as a panel needs.
pub(crate) fn shrink(picture: &RgbImage) -> RgbImage {
    let size = Vec2::new(picture.width() as f32, picture.height() as f32);
    let scale = (LONGEST_SIDE as f32 / size.max_element()).min(1.0);
    let [width, height] = (size * scale).round().max(Vec2::ONE).to_array().map(|side| side as u32);
    image::imageops::resize(picture, width, height, FilterType::Triangle)
}

/// A place in the panels that shows one picture after the other; of those before, nothing is kept.
#[derive(Default)]
pub(crate) struct PanelTexture(Option<Handle<Image>>);

impl PanelTexture {
    /// Shows a picture.
    pub(crate) fn show(
        &mut self,
        picture: &RgbImage,
        images: &mut Assets<Image>,
        textures: &mut EguiUserTextures,
    ) -> egui::TextureId {
        self.clear(textures);
        let size = Extent3d { width: picture.width(), height: picture.height(), depth_or_array_layers: 1 };
        let pixels = picture.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2], u8::MAX]).collect();
        let (format, usage) = (TextureFormat::Rgba8UnormSrgb, RenderAssetUsages::RENDER_WORLD);
        let image = images.add(Image::new(size, TextureDimension::D2, pixels, format, usage));
        self.0 = Some(image.clone());
        textures.add_image(EguiTextureHandle::Strong(image))
    }

    /// Shows nothing any more.
    pub(crate) fn clear(&mut self, textures: &mut EguiUserTextures) {
        if let Some(image) = self.0.take() {
            textures.remove_image(&image);
        }
    }
}
