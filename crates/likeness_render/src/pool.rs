//! The heads that are drawn: spawned once per level of detail, then used again for every batch.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bevy::asset::LoadState;
use bevy::camera::visibility::{NoFrustumCulling, RenderLayers};
use bevy::mesh::MeshTag;
use bevy::mesh::morph::MeshMorphWeights;
use bevy::mesh::skinning::SkinnedMesh;
use bevy::prelude::*;
use bevy::render::storage::ShaderBuffer;
use bevy_likeness::{Expression, Face, Gaze, HeadParts, HeadReady, LikenessError, LikenessHead, Lod, RigAsset};

use crate::engine::{COLOR_LAYER, LABEL_LAYER};
use crate::error::{RenderError, Result};
use crate::material::{PartKey, PartKind, PartMaterial, PartUniform};
use crate::picture::Transfer;
use crate::shot::Shot;
use crate::sight::Sight;
use crate::textures::{index_map, mask_map, with_mips};

/// What went wrong with heads, told by the plugin's error events.
#[derive(Resource, Default)]
struct Problems(Vec<String>);

/// A head whose parts have got their materials.
#[derive(Component)]
struct Dressed;

/// A mesh of the label passes.
#[derive(Component)]
struct Twin;

/// A head's slot in the shader's list.
#[derive(Component, Clone, Copy)]
struct SlotIndex(u32);

/// The materials of one part: colour, and labels unless the part has none.
#[derive(Clone)]
struct PartMaterials {
    color: Handle<PartMaterial>,
    labels: Option<Handle<PartMaterial>>,
}

/// The heads of one rig.
pub(crate) struct HeadPool {
    rig_path: PathBuf,
    rig: Handle<RigAsset>,
    slots: Handle<ShaderBuffer>,
    regions: Option<Handle<Image>>,
    masks: Option<Handle<Image>>,
    heads: HashMap<Lod, Vec<Entity>>,
    materials: HashMap<(PartKind, Lod), PartMaterials>,
    pictures: HashMap<AssetId<Image>, Handle<Image>>,
    sight: Sight,
}

/// Adds what the pool needs to the app.
pub(crate) fn pool_plugin(app: &mut App) {
    app.init_resource::<Problems>().add_observer(|error: On<LikenessError>, mut problems: ResMut<Problems>| {
        problems.0.push(error.problem.to_string());
    });
    app.add_observer(undress);
}

/// A head whose parts were made anew, as the plugin does when an asset arrives late, needs its materials again.
fn undress(
    ready: On<HeadReady>,
    heads: Query<Option<&Children>, With<SlotIndex>>,
    twins: Query<(), With<Twin>>,
    mut commands: Commands,
) {
    let Ok(children) = heads.get(ready.entity) else {
        return;
    };
    commands.entity(ready.entity).remove::<Dressed>();
    for child in children.into_iter().flatten() {
        if twins.contains(*child) {
            commands.entity(*child).despawn();
        }
    }
}

impl HeadPool {
    pub(crate) fn new(
        world: &mut World,
        rig_path: &Path,
        rig_name: &str,
        regions: Option<&image::GrayImage>,
        masks: Option<&image::RgbImage>,
        transfer: &Transfer,
        slots: Handle<ShaderBuffer>,
        sight: Sight,
    ) -> Self {
        let rig = world.resource::<AssetServer>().load(rig_name.to_owned());
        let regions = regions.map(|regions| world.resource_mut::<Assets<Image>>().add(index_map(regions)));
        let masks = masks
            .and_then(|masks| with_mips(&mask_map(masks), transfer))
            .map(|masks| world.resource_mut::<Assets<Image>>().add(masks));
        Self {
            rig_path: rig_path.to_owned(),
            rig,
            slots,
            regions,
            masks,
            heads: HashMap::new(),
            materials: HashMap::new(),
            pictures: HashMap::new(),
            sight,
        }
    }

    /// Makes sure that `count` heads of this level of detail exist; true when some were missing.
    pub(crate) fn ensure(&mut self, world: &mut World, lod: Lod, count: usize) -> bool {
        let heads = self.heads.entry(lod).or_default();
        let missing = count.saturating_sub(heads.len());
        for _ in 0..missing {
            let head = LikenessHead::new(self.rig.clone()).with_lod(lod);
            let slot = SlotIndex(heads.len() as u32);
            heads.push(world.spawn((head, slot, Gaze::default(), Visibility::Hidden)).id());
        }
        missing > 0
    }

    /// Gives new heads their materials; what is still being loaded, if anything.
    pub(crate) fn advance(&mut self, world: &mut World, transfer: &Transfer) -> Result<Option<String>> {
        if let Some(message) = world.resource::<Problems>().0.first() {
            return Err(self.problem(message.clone()));
        }
        let mut naked =
            world.query_filtered::<(Entity, &LikenessHead, &SlotIndex, Option<&HeadParts>), Without<Dressed>>();
        let mut ready = Vec::new();
        let mut waiting = 0;
        for (head, settings, slot, parts) in naked.iter(world) {
            match parts {
                Some(parts) => {
                    let parts: Vec<_> = parts.iter().map(|(name, part)| (name.to_owned(), part)).collect();
                    ready.push((head, settings.lod, slot.0, parts));
                }
                None => waiting += 1,
            }
        }
        if waiting > 0 {
            return Ok(Some(format!("{waiting} heads")));
        }
        let is_new = !ready.is_empty();
        for (head, lod, slot, parts) in ready {
            for (name, part) in parts {
                let Some(kind) = PartKind::from_name(&name) else {
                    return Err(self.problem(format!(
                        "the mesh part {name} is not known: name it skin, eyes, lashes, teeth or tongue"
                    )));
                };
                let materials = match self.materials.get(&(kind, lod)) {
                    Some(materials) => materials.clone(),
                    None => match self.make_materials(world, kind, lod, part, transfer)? {
                        Some(materials) => materials,
                        None => return Ok(Some("textures".into())),
                    },
                };
                self.dress(world, head, part, slot, &materials);
            }
            world.entity_mut(head).insert(Dressed);
        }
        Ok(is_new.then(|| "the first picture of new heads".into()))
    }

    fn problem(&self, message: String) -> RenderError {
        RenderError::Head { path: self.rig_path.clone(), message }
    }

    /// The materials of a part; `None` while a texture is being loaded.
    fn make_materials(
        &mut self,
        world: &mut World,
        kind: PartKind,
        lod: Lod,
        part: Entity,
        transfer: &Transfer,
    ) -> Result<Option<PartMaterials>> {
        let Some(rig) = world.resource::<Assets<RigAsset>>().get(&self.rig) else {
            return Ok(None);
        };
        let textures = rig.textures.clone();
        // Relief is smaller than a pixel where coarse meshes are used.
        let detail = kind == PartKind::Skin
            && lod == Lod::Full
            && textures.skin_normal.is_some()
            && textures.skin_roughness.is_some();
        let wanted = match kind {
            PartKind::Skin => &textures.skin_color,
            PartKind::Eyes => &textures.eyes,
            PartKind::Lashes => &textures.lashes,
            PartKind::Teeth => &textures.teeth,
            PartKind::Tongue => &textures.tongue,
        };
        let mut pictures = [None, None, None];
        let relief =
            [textures.skin_normal.as_ref().filter(|_| detail), textures.skin_roughness.as_ref().filter(|_| detail)];
        for (source, place) in [wanted.as_ref(), relief[0], relief[1]].into_iter().zip(&mut pictures) {
            if let Some(source) = source {
                let Some(picture) = self.picture(world, source, transfer)? else {
                    return Ok(None);
                };
                *place = Some(picture);
            }
        }
        let [albedo, normals, roughness] = pictures;
        let Some(mesh) = world.get::<Mesh3d>(part).and_then(|mesh| world.resource::<Assets<Mesh>>().get(&mesh.0))
        else {
            return Ok(None);
        };
        let seen = self.sight.of(mesh, kind, lod);
        let sight = world.resource_mut::<Assets<ShaderBuffer>>().add(ShaderBuffer::from(seen));
        let uniform = PartUniform {
            kind: kind as u32,
            has_albedo: u32::from(albedo.is_some()),
            has_regions: u32::from(self.regions.is_some()),
            has_masks: u32::from(self.masks.is_some()),
        };
        let blended = kind == PartKind::Lashes;
        let material = PartMaterial {
            uniform,
            albedo,
            regions: self.regions.clone(),
            slots: self.slots.clone(),
            normals,
            roughness,
            sight,
            masks: self.masks.clone(),
            key: PartKey { labels: false, detail, two_sided: blended },
            alpha_mode: if blended { AlphaMode::Blend } else { AlphaMode::Opaque },
        };
        let labels = PartMaterial {
            key: PartKey { labels: true, detail: false, two_sided: false },
            alpha_mode: AlphaMode::Opaque,
            ..material.clone()
        };
        let mut assets = world.resource_mut::<Assets<PartMaterial>>();
        let materials = PartMaterials {
            color: assets.add(material),
            // Lashes have no class of their own: the mask shows what is behind them.
            labels: (!blended).then(|| assets.add(labels)),
        };
        self.materials.insert((kind, lod), materials.clone());
        Ok(Some(materials))
    }

    /// The texture with mip levels; `None` while it is being loaded.
    fn picture(
        &mut self,
        world: &mut World,
        source: &Handle<Image>,
        transfer: &Transfer,
    ) -> Result<Option<Handle<Image>>> {
        if let Some(picture) = self.pictures.get(&source.id()) {
            return Ok(Some(picture.clone()));
        }
        let mut images = world.resource_mut::<Assets<Image>>();
        let Some(image) = images.get(source) else {
            let state = world.resource::<AssetServer>().get_load_state(source);
            return match state {
                Some(LoadState::Failed(error)) => Err(self.problem(error.to_string())),
                _ => Ok(None),
            };
        };
        let picture = match with_mips(image, transfer) {
            Some(mipped) => images.add(mipped),
            None => source.clone(),
        };
        self.pictures.insert(source.id(), picture.clone());
        Ok(Some(picture))
    }

    /// Puts the materials on a part and adds its twin for the label passes.
    fn dress(&self, world: &mut World, head: Entity, part: Entity, slot: u32, materials: &PartMaterials) {
        let Some(mesh) = world.get::<Mesh3d>(part).map(|mesh| mesh.0.clone()) else {
            return;
        };
        let skin = world.get::<SkinnedMesh>(part).cloned();
        let morphs = world.get::<MeshMorphWeights>(part).is_some();
        world.entity_mut(part).insert((
            MeshMaterial3d(materials.color.clone()),
            MeshTag(slot),
            NoFrustumCulling,
            RenderLayers::layer(COLOR_LAYER),
        ));
        let Some(labels) = &materials.labels else {
            return;
        };
        let mut twin = world.spawn((
            Mesh3d(mesh),
            MeshMaterial3d(labels.clone()),
            MeshTag(slot),
            NoFrustumCulling,
            RenderLayers::layer(LABEL_LAYER),
            Twin,
            Transform::default(),
            ChildOf(head),
        ));
        if let Some(skin) = skin {
            twin.insert(skin);
        }
        if morphs {
            twin.insert(MeshMorphWeights::Reference(head));
        }
    }

    /// Shows the first heads of a level of detail as the shots say and hides all others.
    pub(crate) fn pose(&self, world: &mut World, lod: Lod, shots: &[Shot]) {
        for (&level, heads) in &self.heads {
            for (i, &head) in heads.iter().enumerate() {
                let shot = if level == lod { shots.get(i) } else { None };
                let shown = if shot.is_some() { Visibility::Inherited } else { Visibility::Hidden };
                let Ok(mut head) = world.get_entity_mut(head) else {
                    continue;
                };
                if let Some(mut visibility) = head.get_mut::<Visibility>() {
                    visibility.set_if_neq(shown);
                }
                let Some(shot) = shot else {
                    continue;
                };
                head.insert((
                    Transform::from_rotation(shot.pose.rotation()),
                    Face::from(shot.face.clone()),
                    Expression(shot.expression),
                    Gaze { yaw: shot.gaze[0], pitch: shot.gaze[1] },
                ));
            }
        }
    }
}
