//! Copies what a camera has drawn into a buffer that the processor can map.

use bevy::core_pipeline::schedule::{Core3d, Core3dSystems};
use bevy::prelude::*;
use bevy::render::RenderApp;
use bevy::render::extract_component::{ExtractComponent, ExtractComponentPlugin};
use bevy::render::render_resource::{
    Buffer, BufferDescriptor, BufferUsages, Extent3d, TexelCopyBufferInfo, TexelCopyBufferLayout,
};
use bevy::render::renderer::{RenderContext, RenderDevice, ViewQuery};
use bevy::render::view::ViewTarget;

/// On a camera: where its picture is copied to in this frame.
#[derive(Component, Clone, ExtractComponent)]
pub(crate) struct CopyTo {
    pub(crate) buffer: Buffer,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes_per_row: u32,
}

impl CopyTo {
    /// A buffer for a picture of `width` x `height` pixels of `pixel_bytes` bytes.
    pub(crate) fn new(device: &RenderDevice, width: u32, height: u32, pixel_bytes: u32) -> Self {
        let bytes_per_row = RenderDevice::align_copy_bytes_per_row((width * pixel_bytes) as usize) as u32;
        let buffer = device.create_buffer(&BufferDescriptor {
            label: Some("atlas read-back"),
            size: u64::from(bytes_per_row) * u64::from(height),
            usage: BufferUsages::COPY_DST | BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        Self { buffer, width, height, bytes_per_row }
    }
}

/// Adds the copy behind the camera's last pass.
pub(crate) struct ReadbackPlugin;

impl Plugin for ReadbackPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(ExtractComponentPlugin::<CopyTo>::default());
        if let Some(render_app) = app.get_sub_app_mut(RenderApp) {
            render_app.add_systems(Core3d, copy_picture.after(Core3dSystems::PostProcess));
        }
    }
}

fn copy_picture(view: ViewQuery<(&ViewTarget, &CopyTo)>, mut context: RenderContext) {
    let (target, to) = view.into_inner();
    let texture = target.main_texture();
    if texture.width() != to.width || texture.height() != to.height {
        return;
    }
    context.command_encoder().copy_texture_to_buffer(
        texture.as_image_copy(),
        TexelCopyBufferInfo {
            buffer: &to.buffer,
            layout: TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(to.bytes_per_row), rows_per_image: None },
        },
        Extent3d { width: to.width, height: to.height, depth_or_array_layers: 1 },
    );
}
