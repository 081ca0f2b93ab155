//! The heads that are drawn: spawned once per level of detail, then used again for every batch.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bevy::asset::{AssetEventSystems, LoadState};
use bevy::camera::visibility::VisibilitySystems;
use bevy::camera::visibility::{NoFrustumCulling, RenderLayers};
use bevy::mesh::MeshTag;
use bevy::mesh::morph::MeshMorphWeights;
use bevy::mesh::skinning::SkinnedMesh;
use bevy::prelude::*;
use bevy::render::storage::ShaderBuffer;
use bevy_likeness::{
    Expression, Face, Gaze, HeadPart, HeadParts, HeadReady, LikenessError, LikenessHead, LikenessSystems, Lod,
    PendingOptions, RigAsset,
};
use image::RgbaImage;

use crate::engine::{COLOR_LAYER, LABEL_LAYER};
use crate::error::{RenderError, Result};
use crate::material::{PartKey, PartKind, PartMaterial, PartUniform};
use crate::picture::Transfer;
use crate::shot::Shot;
use crate::sight::Sight;
use crate::textures::{LAYERS, index_map, skin_array, unstacked, with_mips};

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

/// The option whose parts the part mask shows as hair. What else grows counts as the skin that it grows on.
const HAIR_OPTION: &str = "hair";

/// The materials of appearance options, once their pictures are there.
#[derive(Resource)]
struct OptionMaterials(HashMap<PartKind, PartMaterials>);

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
    /// Lips, blush and freckles; eye shadow, eyeliner and depth of wrinkles; relief of wrinkles and spots of age.
    layers: Option<[Handle<Image>; LAYERS]>,
    heads: HashMap<Lod, Vec<Entity>>,
    materials: HashMap<(PartKind, Lod), PartMaterials>,
    pictures: HashMap<AssetId<Image>, Handle<Image>>,
    sight: Sight,
    multisampled: bool,
    /// The skins that the materials show, and the texture that holds them.
    skins: Vec<Arc<RgbaImage>>,
    photo_skins: Option<Handle<Image>>,
    /// The choices whose meshes have been loaded: level of detail, option and choice.
    known: HashSet<(Lod, usize, usize)>,
}

/// Adds what the pool needs to the app.
pub(crate) fn pool_plugin(app: &mut App) {
    app.init_resource::<Problems>().add_observer(|error: On<LikenessError>, mut problems: ResMut<Problems>| {
        problems.0.push(error.problem.to_string());
    });
    app.add_observer(undress);
    app.add_systems(
        PostUpdate,
        dress_options
            .after(LikenessSystems::Spawn)
            .before(VisibilitySystems::VisibilityPropagate)
            .before(AssetEventSystems)
            .run_if(resource_exists::<OptionMaterials>),
    );
}

/// Gives the parts of appearance options their materials and twins in the frame in which they appear.
fn dress_options(
    parts: Query<
        (Entity, &HeadPart, &Mesh3d, Option<&SkinnedMesh>, Has<MeshMorphWeights>),
        Without<MeshMaterial3d<PartMaterial>>,
    >,
    heads: Query<&SlotIndex>,
    materials: Res<OptionMaterials>,
    mut commands: Commands,
) {
    for (entity, part, mesh, skin, morphs) in &parts {
        let kind = PartKind::from_name(&part.name).filter(|kind| kind.is_option());
        let (Some(kind), Ok(slot)) = (kind, heads.get(part.head)) else {
            continue;
        };
        let Some(materials) = materials.0.get(&kind) else {
            continue;
        };
        commands.entity(entity).insert((
            MeshMaterial3d(materials.color.clone()),
            MeshTag(slot.0),
            NoFrustumCulling,
            RenderLayers::layer(COLOR_LAYER),
        ));
        let labels = materials.labels.as_ref().filter(|_| part.name.starts_with(HAIR_OPTION));
        let Some(labels) = labels else {
            continue;
        };
        let mut twin = commands.spawn((
            mesh.clone(),
            MeshMaterial3d(labels.clone()),
            MeshTag(slot.0),
            NoFrustumCulling,
            RenderLayers::layer(LABEL_LAYER),
            Transform::default(),
            ChildOf(entity),
        ));
        if let Some(skin) = skin {
            twin.insert(skin.clone());
        }
        if morphs {
            twin.insert(MeshMorphWeights::Reference(part.head));
        }
    }
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
        layers: Option<&image::RgbImage>,
        transfer: &Transfer,
        slots: Handle<ShaderBuffer>,
        sight: Sight,
        multisampled: bool,
    ) -> Self {
        let rig = world.resource::<AssetServer>().load(rig_name.to_owned());
        let regions = regions.map(|regions| world.resource_mut::<Assets<Image>>().add(index_map(regions)));
        let layers = layers.and_then(unstacked).and_then(|layers| {
            let mut images = world.resource_mut::<Assets<Image>>();
            let [base, made, wrinkles] = layers.map(|layer| Some(images.add(with_mips(&layer, false, transfer)?)));
            Some([base?, made?, wrinkles?])
        });
        Self {
            rig_path: rig_path.to_owned(),
            rig,
            slots,
            regions,
            layers,
            heads: HashMap::new(),
            materials: HashMap::new(),
            pictures: HashMap::new(),
            sight,
            multisampled,
            skins: Vec::new(),
            photo_skins: None,
            known: HashSet::new(),
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
        if !self.make_option_materials(world, transfer)? {
            return Ok(Some("textures of hair".into()));
        }
        let pending = world.query_filtered::<(), With<PendingOptions>>().iter(world).count();
        if pending > 0 {
            return Ok(Some(format!("hair of {pending} heads")));
        }
        let is_new = !ready.is_empty();
        for (head, lod, slot, parts) in ready {
            for (name, part) in parts {
                let Some(kind) = PartKind::from_name(&name) else {
                    return Err(self.problem(format!(
                        "the mesh part {name} is not known: name it skin, eyes, lashes, teeth or tongue, and in an appearance \
                         option strands, cap, stubble, curls, frame or lens"
                    )));
                };
                if kind.is_option() {
                    continue;
                }
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
        let has_relief = textures.skin_normal.is_some() && textures.skin_roughness.is_some();
        let detail = lod == Lod::Full && (kind == PartKind::Eyes || kind == PartKind::Skin && has_relief);
        let wanted = match kind {
            PartKind::Skin => &textures.skin_color,
            PartKind::Eyes => &textures.eyes,
            PartKind::Lashes => &textures.lashes,
            PartKind::Teeth => &textures.teeth,
            PartKind::Tongue => &textures.tongue,
            PartKind::Strands => &textures.hair,
            PartKind::Stubble => &textures.stubble,
            PartKind::Curls => &textures.curls,
            PartKind::Frame | PartKind::Lens => &None,
        };
        let mut pictures = [None, None, None];
        let is_skin = kind == PartKind::Skin;
        let relief =
            [&textures.skin_normal, &textures.skin_roughness].map(|map| map.as_ref().filter(|_| is_skin && detail));
        for (source, place) in [wanted.as_ref(), relief[0], relief[1]].into_iter().zip(&mut pictures) {
            if let Some(source) = source {
                let Some(picture) = self.picture(world, source, false, transfer)? else {
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
            has_layers: u32::from(self.layers.is_some()),
        };
        let [base, made, wrinkles] = match (&self.layers, kind) {
            (Some(layers), PartKind::Skin) => layers.clone().map(Some),
            _ => [None, None, None],
        };
        let blended = kind == PartKind::Lashes;
        let key = PartKey { labels: false, detail, two_sided: blended, option: false, multisampled: self.multisampled };
        let material = PartMaterial {
            uniform,
            albedo,
            regions: self.regions.clone(),
            slots: self.slots.clone(),
            normals,
            roughness,
            sight,
            base,
            made,
            wrinkles,
            photo_skins: self.photo_skins.clone().filter(|_| is_skin),
            key,
            alpha_mode: if blended { AlphaMode::Blend } else { AlphaMode::Opaque },
        };
        let labels = PartMaterial {
            key: PartKey { labels: true, detail: false, two_sided: false, ..key },
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

    /// Makes the materials of appearance options; false while a picture is being loaded.
    fn make_option_materials(&mut self, world: &mut World, transfer: &Transfer) -> Result<bool> {
        if world.contains_resource::<OptionMaterials>() {
            return Ok(true);
        }
        let Some(rig) = world.resource::<Assets<RigAsset>>().get(&self.rig) else {
            return Ok(false);
        };
        let textures = rig.textures.clone();
        // The shader of options reads no sight; the binding must be there all the same.
        let sight = world.resource_mut::<Assets<ShaderBuffer>>().add(ShaderBuffer::from(vec![Vec4::ONE]));
        let mut made = HashMap::new();
        for kind in PartKind::OPTIONS {
            let (source, tiles) = match kind {
                PartKind::Strands => (&textures.hair, false),
                PartKind::Stubble => (&textures.stubble, true),
                PartKind::Curls => (&textures.curls, true),
                _ => (&None, false),
            };
            let albedo = match source {
                Some(source) => match self.picture(world, source, tiles, transfer)? {
                    Some(picture) => Some(picture),
                    None => return Ok(false),
                },
                None => None,
            };
            let material = PartMaterial {
                uniform: PartUniform {
                    kind: kind as u32,
                    has_albedo: u32::from(albedo.is_some()),
                    ..PartUniform::default()
                },
                albedo,
                regions: None,
                slots: self.slots.clone(),
                normals: None,
                roughness: None,
                sight: sight.clone(),
                base: None,
                made: None,
                wrinkles: None,
                photo_skins: None,
                key: PartKey {
                    labels: false,
                    detail: false,
                    two_sided: kind != PartKind::Frame,
                    option: true,
                    multisampled: self.multisampled,
                },
                alpha_mode: if kind == PartKind::Lens { AlphaMode::Blend } else { AlphaMode::Opaque },
            };
            let labels = PartMaterial { key: PartKey { labels: true, ..material.key }, ..material.clone() };
            let mut assets = world.resource_mut::<Assets<PartMaterial>>();
            let color = assets.add(material);
            made.insert(kind, PartMaterials { color, labels: kind.is_hair().then(|| assets.add(labels)) });
        }
        world.insert_resource(OptionMaterials(made));
        Ok(true)
    }

    /// Whether one of these shots shows a choice for the first time, so that its mesh must be waited for.
    pub(crate) fn is_new(&mut self, lod: Lod, shots: &[Shot]) -> bool {
        let mut is_new = false;
        for shot in shots {
            for (option, &choice) in shot.face.options.iter().enumerate() {
                is_new |= self.known.insert((lod, option, choice));
            }
        }
        is_new
    }

    /// Gives the skin's materials these skins as photos show them, one a layer; true when they had others.
    pub(crate) fn show_skins(&mut self, world: &mut World, skins: Vec<Arc<RgbaImage>>, transfer: &Transfer) -> bool {
        let same = |(a, b): (&Arc<RgbaImage>, &Arc<RgbaImage>)| Arc::ptr_eq(a, b);
        if skins.is_empty() || skins.len() == self.skins.len() && skins.iter().zip(&self.skins).all(same) {
            return false;
        }
        let array = skin_array(&skins, transfer);
        self.photo_skins = array.map(|array| world.resource_mut::<Assets<Image>>().add(array));
        self.skins = skins;
        let mut assets = world.resource_mut::<Assets<PartMaterial>>();
        for (_, materials) in self.materials.iter().filter(|((kind, _), _)| *kind == PartKind::Skin) {
            if let Some(mut material) = assets.get_mut(&materials.color) {
                material.photo_skins = self.photo_skins.clone();
            }
        }
        true
    }

    /// The texture with mip levels; `None` while it is being loaded.
    fn picture(
        &mut self,
        world: &mut World,
        source: &Handle<Image>,
        tiles: bool,
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
        let picture = match with_mips(image, tiles, transfer) {
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
