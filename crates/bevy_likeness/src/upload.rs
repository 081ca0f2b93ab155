//! Only the meshes in use go to the GPU, in buffers that it can bind.
//!
//! Bevy keeps 48 bytes per vertex and morph target, so that the three levels of detail of the bundled head come to 83 MB,
//! most of which a game never draws.

use bevy::asset::RenderAssetUsages;
use bevy::prelude::*;
use bevy::render::mesh::allocator::MeshAllocatorSettings;
use bevy::render::renderer::RenderDevice;
use bevy::render::{RenderApp, RenderStartup};

/// How the meshes of a rig are loaded: into main memory alone, until a head uses them.
pub(crate) const UNUSED: RenderAssetUsages = RenderAssetUsages::MAIN_WORLD;

/// The buffers' slots may reach a little beyond the size that is asked for.
const SPARE: u64 = 1 << 20;

/// Sends a mesh to the GPU, once.
pub(crate) fn use_mesh(meshes: &mut Assets<Mesh>, mesh: &Handle<Mesh>) {
    let waits = |mesh: &Mesh| !mesh.asset_usage.contains(RenderAssetUsages::RENDER_WORLD);
    // Assets are marked as modified by mutable access: look first.
    if meshes.get(mesh).is_some_and(waits)
        && let Some(mut mesh) = meshes.get_mut(mesh)
    {
        mesh.asset_usage |= RenderAssetUsages::RENDER_WORLD;
    }
}

/// Bevy packs the morph targets of all meshes into buffers of up to 512 MB and binds each as a whole, which is an error on
/// adapters that bind less (128 MB is common).
pub(crate) fn keep_buffers_bindable(app: &mut App) {
    if let Some(render) = app.get_sub_app_mut(RenderApp) {
        render.add_systems(RenderStartup, limit_buffers);
    }
}

fn limit_buffers(device: Res<RenderDevice>, settings: Option<ResMut<MeshAllocatorSettings>>) {
    if let Some(mut settings) = settings {
        let limit = device.limits().max_storage_buffer_binding_size.saturating_sub(SPARE).max(SPARE);
        let size = &mut settings.slab_allocator_settings.max_slab_size;
        *size = limit.min(*size);
    }
}
