//! What Bevy's renderer needs help with: only the meshes in use go to the GPU, in buffers that it can bind, and heads that
//! stand still have an expression too.
//!
//! Bevy keeps 48 bytes per vertex and morph target, so that the three levels of detail of the bundled head come to 83 MB,
//! most of which a game never draws.

use bevy::asset::RenderAssetUsages;
use bevy::pbr::{MeshesToReextractNextFrame, MorphIndices};
use bevy::prelude::*;
use bevy::render::mesh::allocator::MeshAllocatorSettings;
use bevy::render::renderer::RenderDevice;
use bevy::render::sync_world::MainEntityHashMap;
use bevy::render::{Render, RenderApp, RenderStartup, RenderSystems};

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

/// Adds the systems of the render world.
pub(crate) fn help_renderer(app: &mut App) {
    if let Some(render) = app.get_sub_app_mut(RenderApp) {
        render
            .add_systems(RenderStartup, limit_buffers)
            .add_systems(Render, extract_morphed_meshes_again.in_set(RenderSystems::Cleanup));
    }
}

/// Bevy packs the morph targets of all meshes into buffers of up to 512 MB and binds each as a whole, which is an error on
/// adapters that bind less (128 MB is common).
fn limit_buffers(device: Res<RenderDevice>, settings: Option<ResMut<MeshAllocatorSettings>>) {
    if let Some(mut settings) = settings {
        let limit = device.limits().max_storage_buffer_binding_size.saturating_sub(SPARE).max(SPARE);
        let size = &mut settings.slab_allocator_settings.max_slab_size;
        *size = limit.min(*size);
    }
}

/// Bevy 0.19 gives a mesh its morph descriptor only in the frame after the one in which it writes the descriptor's number
/// for the shader, and writes that again only when the mesh moves. A mesh that has got a new descriptor is therefore
/// extracted once more.
fn extract_morphed_meshes_again(
    morphs: Option<Res<MorphIndices>>,
    again: Option<ResMut<MeshesToReextractNextFrame>>,
    mut known: Local<MainEntityHashMap<u32>>,
) {
    let (Some(morphs), Some(mut again)) = (morphs, again) else {
        return;
    };
    let MorphIndices::Storage { gpu_descriptor_indices: descriptors, .. } = &*morphs else {
        return;
    };
    known.retain(|mesh, _| descriptors.contains_key(mesh));
    for (mesh, descriptor) in descriptors {
        if known.insert(*mesh, descriptor.0) != Some(descriptor.0) {
            again.insert(*mesh);
        }
    }
}
