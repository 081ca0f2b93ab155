//! Materials: one instance of the skin and of the eyes per head, tinted by the face's colours; the rest is shared.

use std::collections::HashMap;

use bevy::gltf::GltfMaterial;
use bevy::material::OpaqueRendererMethod;
use bevy::prelude::*;

use crate::LikenessSystems;
use crate::head::{Face, HeadPart, HeadParts, LikenessHead, PhotoSkin, SkinLayer};
use crate::look::{EyeLook, SKIN_REFERENCE, SkinLook};
use crate::rig_asset::RigAsset;
use crate::spawn::SourceMaterial;
use crate::surface::{EyeExtension, EyeMaterial, SkinExtension, SkinMaterial, SkinQuality, surface_plugin};
use crate::textures::HeadTextures;

/// How rough hair is: a broad shine.
const HAIR_ROUGHNESS: f32 = 0.58;

/// The pictures of hair are of middle brightness: with this gain a face's hair colour shows in them on average.
const HAIR_GAIN: f32 = 2.2;

/// Gives the parts of heads materials: the skin a [`SkinMaterial`], the eyes an [`EyeMaterial`], the rest a
/// [`StandardMaterial`]. Disable it to give them materials of your own.
#[derive(Clone, Copy, Debug, Default)]
pub struct LikenessMaterialPlugin;

impl Plugin for LikenessMaterialPlugin {
    fn build(&self, app: &mut App) {
        surface_plugin(app);
        app.init_resource::<SharedMaterials>()
            .add_observer(retint::<PhotoSkin>)
            .add_observer(retint::<SkinLayer>)
            .add_systems(PostUpdate, (give_materials, tint).chain().in_set(LikenessSystems::Express));
    }
}

/// The materials that belong to one head alone.
#[derive(Component, Reflect, Clone, Debug, Default)]
#[reflect(Component, Debug, Clone, Default)]
pub struct HeadMaterials {
    /// The skin, which has the face's colours and details.
    pub skin: Handle<SkinMaterial>,
    /// The eyes, likewise; none where the rig has no picture of eyes, whose material all heads share then.
    pub eyes: Option<Handle<EyeMaterial>>,
    /// What is tinted by the colour slot `hair`, by the last word of the parts' names: `strands`, `cap`, `stubble`, `curls`.
    pub hair: Vec<(String, Handle<StandardMaterial>)>,
}

/// The parts that have the colour of the hair.
fn is_hair(kind: &str) -> bool {
    matches!(kind, "strands" | "cap" | "stubble" | "curls")
}

/// What a part is: the last word of its name, without the option that it belongs to.
fn kind_of(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Materials of parts that look the same on every head of a rig.
#[derive(Resource, Default, Debug)]
struct SharedMaterials(HashMap<(AssetId<RigAsset>, String), Handle<StandardMaterial>>);

fn give_materials(
    heads: Query<(Entity, &LikenessHead, &HeadParts, Option<&HeadMaterials>), Changed<HeadParts>>,
    parts: Query<
        (&Mesh3d, Option<&SourceMaterial>),
        (
            With<HeadPart>,
            Without<MeshMaterial3d<StandardMaterial>>,
            Without<MeshMaterial3d<SkinMaterial>>,
            Without<MeshMaterial3d<EyeMaterial>>,
        ),
    >,
    rigs: Res<Assets<RigAsset>>,
    server: Res<AssetServer>,
    quality: Res<SkinQuality>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    mut skins: ResMut<Assets<SkinMaterial>>,
    mut eyes: ResMut<Assets<EyeMaterial>>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut shared: ResMut<SharedMaterials>,
    mut rig_events: MessageReader<AssetEvent<RigAsset>>,
    mut commands: Commands,
) {
    for event in rig_events.read() {
        if let AssetEvent::Removed { id } | AssetEvent::Modified { id } = event {
            shared.0.retain(|(rig, _), _| rig != id);
        }
    }
    for (entity, head, head_parts, own) in &heads {
        let Some(rig) = rigs.get(&head.rig) else {
            continue;
        };
        let mut own = own.cloned().unwrap_or_default();
        for (name, part) in head_parts.iter() {
            let Ok((mesh, source)) = parts.get(part) else {
                continue;
            };
            let kind = kind_of(name);
            let base = |materials: &Assets<StandardMaterial>| {
                let source = source.and_then(|source| standard_material(&server, &source.0));
                let source = source.and_then(|source| materials.get(&source)).cloned();
                material(kind, &rig.textures, source.unwrap_or_default())
            };
            if name == "skin" {
                if rig.textures.skin_normal.is_some() {
                    ensure_tangents(&mut meshes, &mesh.0);
                }
                let layers = rig.textures.skin_layers.clone();
                let extension = SkinExtension { layers, quality: *quality, ..default() };
                own.skin = skins.add(SkinMaterial { base: base(&materials), extension });
                commands.entity(part).insert(MeshMaterial3d(own.skin.clone()));
                continue;
            }
            if name == "eyes" && rig.textures.eyes.is_some() {
                let handle = eyes.add(EyeMaterial { base: base(&materials), extension: EyeExtension::default() });
                own.eyes = Some(handle.clone());
                commands.entity(part).insert(MeshMaterial3d(handle));
                continue;
            }
            let handle = if is_hair(kind) {
                match own.hair.iter().find(|(known, _)| known == kind) {
                    Some((_, handle)) => handle.clone(),
                    None => {
                        let made = base(&materials);
                        let handle = materials.add(made);
                        own.hair.push((kind.to_owned(), handle.clone()));
                        handle
                    }
                }
            } else if let Some(known) = shared.0.get(&(head.rig.id(), name.to_owned())) {
                known.clone()
            } else {
                let made = base(&materials);
                let handle = materials.add(made);
                shared.0.insert((head.rig.id(), name.to_owned()), handle.clone());
                handle
            };
            commands.entity(part).insert(MeshMaterial3d(handle));
        }
        commands.entity(entity).insert(own);
    }
}

/// The standard material that Bevy makes of a glTF material; the glTF's scenes keep it.
fn standard_material(server: &AssetServer, source: &Handle<GltfMaterial>) -> Option<Handle<StandardMaterial>> {
    let path = server.get_path(source)?.into_owned();
    let label = format!("{}/std", path.label()?);
    server.get_handle(path.with_label(label))
}

/// The material of a part.
fn material(name: &str, textures: &HeadTextures, mut material: StandardMaterial) -> StandardMaterial {
    let picture = |own: &Option<Handle<Image>>, material: &mut StandardMaterial| {
        if own.is_some() {
            material.base_color_texture.clone_from(own);
            material.base_color = Color::WHITE;
        }
        own.is_some()
    };
    match name {
        "skin" => {
            picture(&textures.skin_color, &mut material);
            if textures.skin_normal.is_some() {
                material.normal_map_texture.clone_from(&textures.skin_normal);
            }
            if textures.skin_roughness.is_some() {
                material.metallic_roughness_texture.clone_from(&textures.skin_roughness);
                material.occlusion_texture.clone_from(&textures.skin_roughness);
                material.perceptual_roughness = 1.0;
            }
            material.metallic = 0.0;
            material.reflectance = 0.4;
            // What the extension adds is drawn in the forward pass alone.
            material.opaque_render_method = OpaqueRendererMethod::Forward;
        }
        "eyes" if picture(&textures.eyes, &mut material) => {
            material.perceptual_roughness = 0.45;
            material.metallic = 0.0;
            material.reflectance = 0.3;
            // The cornea and the film of tears, over iris and white.
            material.clearcoat = 1.0;
            material.clearcoat_perceptual_roughness = 0.06;
            material.opaque_render_method = OpaqueRendererMethod::Forward;
        }
        "lashes" if picture(&textures.lashes, &mut material) => {
            // From a few steps away a lash is narrower than a pixel: what is left of it must not fall below a threshold.
            material.alpha_mode = AlphaMode::AlphaToCoverage;
            material.double_sided = true;
            material.cull_mode = None;
            material.perceptual_roughness = 0.9;
        }
        "teeth" if picture(&textures.teeth, &mut material) => {
            material.perceptual_roughness = 0.25;
            material.metallic = 0.0;
        }
        "tongue" if picture(&textures.tongue, &mut material) => {
            material.perceptual_roughness = 0.35;
            material.metallic = 0.0;
        }
        "strands" | "cap" | "stubble" | "curls" => {
            let own = match name {
                "stubble" => &textures.stubble,
                "curls" => &textures.curls,
                _ => &textures.hair,
            };
            picture(own, &mut material);
            material.alpha_mode = AlphaMode::AlphaToCoverage;
            // Both sides of a card have the light of the mass of hair that it belongs to: normals are not turned on the back.
            material.double_sided = false;
            material.cull_mode = None;
            material.perceptual_roughness = HAIR_ROUGHNESS;
            material.metallic = 0.0;
            material.reflectance = 0.35;
            // No anisotropy: Bevy's lobe turns white under the directional lights of a game on these cards. Strands are in the pictures.
        }
        "lens" => material.alpha_mode = AlphaMode::Blend,
        _ => {}
    }
    material
}

/// Normal maps need tangents, which most exporters leave out. Each mesh is completed once.
fn ensure_tangents(meshes: &mut Assets<Mesh>, handle: &Handle<Mesh>) {
    let lacks = |mesh: &Mesh| {
        mesh.try_attribute(Mesh::ATTRIBUTE_POSITION).is_ok()
            && mesh.try_attribute_option(Mesh::ATTRIBUTE_TANGENT).is_ok_and(|tangents| tangents.is_none())
    };
    if !meshes.get(handle).is_some_and(lacks) {
        return;
    }
    if let Some(mut mesh) = meshes.get_mut(handle)
        && let Err(error) = mesh.generate_tangents()
    {
        warn!("the skin's normal map is not shown: {error}");
    }
}

/// A head that something was taken off must be tinted again.
fn retint<C: Component>(removed: On<Remove, C>, mut heads: Query<&mut HeadMaterials>) {
    if let Ok(mut materials) = heads.get_mut(removed.entity) {
        materials.set_changed();
    }
}

/// Heads whose looks may have changed.
type Tinted = Or<(Changed<Face>, Changed<HeadMaterials>, Changed<SkinLayer>, Changed<PhotoSkin>)>;

fn tint(
    heads: Query<(&LikenessHead, &Face, &HeadMaterials, Option<&SkinLayer>, Option<&PhotoSkin>), Tinted>,
    rigs: Res<Assets<RigAsset>>,
    quality: Res<SkinQuality>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    mut skins: ResMut<Assets<SkinMaterial>>,
    mut eyes: ResMut<Assets<EyeMaterial>>,
) {
    // Assets are marked as modified by mutable access: look first, everywhere.
    for (head, face, own, layer, photo_skin) in &heads {
        let Some(rig) = rigs.get(&head.rig).map(RigAsset::rig) else {
            continue;
        };
        let look = SkinLook::new(rig, &face.colors, &face.details);
        let layer = layer.map(|layer| &layer.0);
        let photo_skin = photo_skin.map(|skin| &skin.0);
        let differs = |skin: &SkinExtension| {
            skin.look != look
                || skin.extra_layer.as_ref() != layer
                || skin.photo_skin.as_ref() != photo_skin
                || skin.quality != *quality
        };
        if skins.get(&own.skin).is_some_and(|skin| differs(&skin.extension))
            && let Some(mut skin) = skins.get_mut(&own.skin)
        {
            skin.extension = SkinExtension {
                look,
                layers: skin.extension.layers.clone(),
                extra_layer: layer.cloned(),
                photo_skin: photo_skin.cloned(),
                quality: *quality,
            };
        }
        let look = EyeLook::new(rig, &face.colors, &face.details);
        if let Some(handle) = &own.eyes
            && eyes.get(handle).is_some_and(|eyes| eyes.extension.look != look)
            && let Some(mut eyes) = eyes.get_mut(handle)
        {
            eyes.extension.look = look;
        }
        if let Some([red, green, blue]) = face.color(rig, "hair") {
            let tint = Color::linear_rgb(red * HAIR_GAIN, green * HAIR_GAIN, blue * HAIR_GAIN);
            for (_, handle) in &own.hair {
                if materials.get(handle).is_some_and(|material| material.base_color != tint)
                    && let Some(mut material) = materials.get_mut(handle)
                {
                    material.base_color = tint;
                }
            }
        }
    }
}

/// What a texture of skin is multiplied with to show this colour (linear RGB), in materials of your own.
pub fn skin_tint(color: [f32; 3]) -> Color {
    let [red, green, blue] = [0, 1, 2]
        .map(|channel| if color[channel].is_finite() { color[channel] / SKIN_REFERENCE[channel] } else { 1.0 });
    Color::linear_rgb(red, green, blue)
}
