//! Smaller copies of textures (mip levels), which Bevy's loaders do not make: a head of 128 pixels would shimmer without.

use std::sync::Arc;

use bevy::asset::RenderAssetUsages;
use bevy::image::{ImageAddressMode, ImageFilterMode, ImageSampler, ImageSamplerDescriptor};
use bevy::prelude::*;
use bevy::render::render_resource::{
    Extent3d, TextureDimension, TextureFormat, TextureViewDescriptor, TextureViewDimension,
};
use image::RgbaImage;
use image::imageops::FilterType;

use crate::picture::Transfer;

/// The picture with all its mip levels, averaged in linear light and weighted by alpha, repeated on all sides if it `tiles`;
/// `None` for formats other than 8-bit RGBA.
pub(crate) fn with_mips(image: &Image, tiles: bool, transfer: &Transfer) -> Option<Image> {
    let is_srgb = match image.texture_descriptor.format {
        TextureFormat::Rgba8UnormSrgb => true,
        TextureFormat::Rgba8Unorm => false,
        _ => return None,
    };
    let size = image.texture_descriptor.size;
    let (mut width, mut height) = (size.width as usize, size.height as usize);
    let mut level = image.data.clone()?;
    if level.len() != width * height * 4 {
        return None;
    }
    let mut data = level.clone();
    let mut levels = 1;
    while width > 1 || height > 1 {
        let (next_width, next_height) = ((width / 2).max(1), (height / 2).max(1));
        let mut next = Vec::with_capacity(next_width * next_height * 4);
        for y in 0..next_height {
            for x in 0..next_width {
                let texel = |dx: usize, dy: usize| {
                    let column = (2 * x + dx).min(width - 1);
                    let row = (2 * y + dy).min(height - 1);
                    &level[(row * width + column) * 4..][..4]
                };
                let four = [texel(0, 0), texel(1, 0), texel(0, 1), texel(1, 1)];
                next.extend(average(four, is_srgb, transfer));
            }
        }
        data.extend_from_slice(&next);
        level = next;
        (width, height) = (next_width, next_height);
        levels += 1;
    }
    let mut mipped =
        Image::new_uninit(size, TextureDimension::D2, image.texture_descriptor.format, RenderAssetUsages::RENDER_WORLD);
    mipped.texture_descriptor.mip_level_count = levels;
    mipped.data = Some(data);
    let address = if tiles { ImageAddressMode::Repeat } else { ImageAddressMode::ClampToEdge };
    mipped.sampler = ImageSampler::Descriptor(ImageSamplerDescriptor {
        address_mode_u: address,
        address_mode_v: address,
        mipmap_filter: ImageFilterMode::Linear,
        ..ImageSamplerDescriptor::linear()
    });
    Some(mipped)
}

fn average(texels: [&[u8]; 4], is_srgb: bool, transfer: &Transfer) -> [u8; 4] {
    let weight: f32 = texels.iter().map(|texel| f32::from(texel[3])).sum();
    let channel = |c: usize| {
        let value = |texel: &[u8]| {
            if is_srgb { transfer.decode(texel[c]) } else { f32::from(texel[c]) / 255.0 }
        };
        let sum: f32 = if weight > 0.0 {
            texels.iter().map(|texel| value(texel) * f32::from(texel[3])).sum::<f32>() / weight
        } else {
            texels.iter().map(|texel| value(texel)).sum::<f32>() / 4.0
        };
        if is_srgb { transfer.encode(sum) } else { (sum * 255.0).round() as u8 }
    };
    [channel(0), channel(1), channel(2), (weight / 4.0).round() as u8]
}

/// Pictures of skin as the layers of one texture with mip levels; smaller ones are scaled to the largest. `None` of none.
pub(crate) fn skin_array(skins: &[Arc<RgbaImage>], transfer: &Transfer) -> Option<Image> {
    let side = skins.iter().map(|skin| skin.width().max(skin.height())).max()?;
    let size = Extent3d { width: side, height: side, depth_or_array_layers: 1 };
    let mut array: Option<Image> = None;
    for skin in skins {
        let texels = if skin.dimensions() == (side, side) {
            skin.as_raw().clone()
        } else {
            image::imageops::resize(skin.as_ref(), side, side, FilterType::Triangle).into_raw()
        };
        let format = TextureFormat::Rgba8UnormSrgb;
        let layer = Image::new(size, TextureDimension::D2, texels, format, RenderAssetUsages::RENDER_WORLD);
        let layer = with_mips(&layer, false, transfer)?;
        match &mut array {
            None => array = Some(layer),
            Some(array) => array.data.as_mut()?.extend(layer.data?),
        }
    }
    let mut array = array?;
    array.texture_descriptor.size.depth_or_array_layers = skins.len() as u32;
    array.texture_view_descriptor =
        Some(TextureViewDescriptor { dimension: Some(TextureViewDimension::D2Array), ..default() });
    Some(array)
}

/// A texture whose red channel is a byte a texel, read unfiltered.
pub(crate) fn index_map(indices: &image::GrayImage) -> Image {
    Image::new(
        Extent3d { width: indices.width(), height: indices.height(), depth_or_array_layers: 1 },
        TextureDimension::D2,
        indices.as_raw().clone(),
        TextureFormat::R8Unorm,
        RenderAssetUsages::RENDER_WORLD,
    )
}

/// How many pictures of what is laid over the skin stand one below the other.
pub(crate) const LAYERS: usize = 3;

/// The pictures of a stack as textures, linear; `None` where they are not square.
pub(crate) fn unstacked(stack: &image::RgbImage) -> Option<[Image; LAYERS]> {
    let side = stack.width();
    if stack.height() != side * LAYERS as u32 {
        return None;
    }
    let size = Extent3d { width: side, height: side, depth_or_array_layers: 1 };
    let layer = |number: usize| {
        let bytes = 3 * side as usize * side as usize;
        let texels = stack.as_raw()[number * bytes..][..bytes].as_chunks::<3>().0;
        let texels = texels.iter().flat_map(|[red, green, blue]| [*red, *green, *blue, 255]).collect();
        Image::new(size, TextureDimension::D2, texels, TextureFormat::Rgba8Unorm, RenderAssetUsages::RENDER_WORLD)
    };
    Some(std::array::from_fn(layer))
}
