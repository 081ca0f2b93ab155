//! What Bevy's renderer needs help with: only the meshes in use go to the GPU, in buffers that it can bind, and heads that
//! stand still have an expression too.
//!
//! Bevy keeps 48 bytes per vertex and morph target, so that the three levels of detail of the bundled head come to 83 MB,
//! most of which a game never draws.

use bevy::asset::RenderAssetUsages;
use bevy::mesh::morph::MeshMorphWeights;
use bevy::pbr::{
    GpuMorphDescriptor, MeshesToReextractNextFrame, MorphDescriptorIndex, MorphIndices, MorphUniforms,
    collect_meshes_for_gpu_building, prepare_morph_descriptors,
};
use bevy::prelude::*;
use bevy::render::mesh::RenderMesh;
use bevy::render::mesh::allocator::{MeshAllocator, MeshAllocatorSettings};
use bevy::render::render_asset::RenderAssets;
use bevy::render::renderer::RenderDevice;
use bevy::render::sync_world::{MainEntity, MainEntityHashMap};
use bevy::render::{Extract, ExtractSchedule, Render, RenderApp, RenderStartup, RenderSystems};

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
        let reserve = reserve_morph_descriptors
            .in_set(RenderSystems::PrepareMeshes)
            .after(prepare_morph_descriptors)
            .before(collect_meshes_for_gpu_building);
        render
            .init_resource::<NewMorphedMeshes>()
            .add_systems(RenderStartup, limit_buffers)
            .add_systems(ExtractSchedule, extract_new_morphed_meshes)
            .add_systems(Render, (reserve, extract_morphed_meshes_again.in_set(RenderSystems::Cleanup)));
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

/// Morphed meshes that are drawn for the first time in this frame.
#[derive(Resource, Default)]
struct NewMorphedMeshes(Vec<(MainEntity, AssetId<Mesh>)>);

fn extract_new_morphed_meshes(
    meshes: Extract<Query<(Entity, &Mesh3d), Added<MeshMorphWeights>>>,
    mut new: ResMut<NewMorphedMeshes>,
) {
    new.0.clear();
    new.0.extend(meshes.iter().map(|(entity, mesh)| (entity.into(), mesh.id())));
}

/// Gives new meshes, which [`prepare_morph_descriptors`] does not know yet, their morph descriptors, so that brows and beards
/// are in place in the frame in which they appear. Where a mesh's weights lie is known from the next frame on: until then
/// Bevy's shaders leave it unmorphed, and shaders that bring weights of their own are right at once.
fn reserve_morph_descriptors(
    new: Res<NewMorphedMeshes>,
    indices: Option<ResMut<MorphIndices>>,
    uniforms: Option<ResMut<MorphUniforms>>,
    meshes: Res<RenderAssets<RenderMesh>>,
    allocator: Res<MeshAllocator>,
) {
    let (Some(mut indices), Some(mut uniforms)) = (indices, uniforms) else {
        return;
    };
    let MorphIndices::Storage { morph_weights_info, gpu_descriptor_indices, gpu_descriptor_free_list } = &mut *indices
    else {
        return;
    };
    let Some(descriptors) = &mut uniforms.descriptors_buffer else {
        return;
    };
    for (entity, id) in &new.0 {
        // What is not drawn has no weights, and Bevy would take its descriptor back.
        if gpu_descriptor_indices.contains_key(entity) || !morph_weights_info.contains_key(entity) {
            continue;
        }
        let (Some(mesh), Some(targets)) = (meshes.get(*id), allocator.mesh_morph_target_slice(id)) else {
            continue;
        };
        let descriptor = GpuMorphDescriptor {
            current_weights_offset: 0,
            prev_weights_offset: !0,
            targets_offset: targets.range.start,
            vertex_count: mesh.vertex_count,
            weight_count: 0,
        };
        let index = match gpu_descriptor_free_list.pop() {
            Some(free) => {
                descriptors.set(free.0, descriptor);
                free
            }
            None => MorphDescriptorIndex(descriptors.push(descriptor) as u32),
        };
        gpu_descriptor_indices.insert(*entity, index);
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
