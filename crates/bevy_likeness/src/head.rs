//! The components of a head.

use std::sync::Arc;

use bevy::asset::RenderAssetUsages;
use bevy::mesh::morph::MorphWeights;
use bevy::prelude::*;
use bevy::render::render_resource::{Extent3d, TextureDimension, TextureFormat};
use image::RgbaImage;
use likeness_rig::{ARKIT_NAMES, Rig};

use crate::rig_asset::RigAsset;

/// A head made from a rig. Spawn it; once the assets are loaded, joints and meshes appear below the entity, it gets
/// [`HeadJoints`], [`HeadParts`] and (unless it is there) a neutral [`Face`], and [`HeadReady`] is triggered.
///
/// Changing the component makes the head anew; removing it takes the joints and meshes away.
#[derive(Component, Reflect, Clone, Debug)]
#[reflect(Component, Debug, Clone)]
#[require(Transform, Visibility, Expression)]
pub struct LikenessHead {
    /// The rig.
    pub rig: Handle<RigAsset>,
    /// How much of the mesh is used.
    pub lod: Lod,
}

impl LikenessHead {
    /// A head at full detail.
    pub fn new(rig: Handle<RigAsset>) -> Self {
        Self { rig, lod: Lod::Full }
    }

    /// The same head at another level of detail.
    pub fn with_lod(self, lod: Lod) -> Self {
        Self { lod, ..self }
    }
}

/// The level of detail of a head. Parts that have no mesh at the level use the next finer one.
#[derive(Reflect, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[reflect(Debug, Clone, Default, PartialEq, Hash)]
pub enum Lod {
    /// All triangles: mesh nodes without a suffix.
    #[default]
    Full,
    /// Half of the triangles: mesh nodes with the suffix `.lod1`.
    Half,
    /// A fifth of the triangles: mesh nodes with the suffix `.lod2`.
    Fifth,
}

impl Lod {
    /// All levels, finest first.
    pub const ALL: [Self; 3] = [Self::Full, Self::Half, Self::Fifth];

    /// Splits a mesh node's name into the part's name and the level.
    pub(crate) fn split(name: &str) -> (&str, Self) {
        if let Some(part) = name.strip_suffix(".lod1") {
            (part, Self::Half)
        } else if let Some(part) = name.strip_suffix(".lod2") {
            (part, Self::Fifth)
        } else {
            (name, Self::Full)
        }
    }
}

/// The values of one character, in the rig's order. Writing to it moves the joints in the same frame; a value that is
/// not a number counts as neutral, one outside 0..1 is clamped.
#[derive(Component, Reflect, Clone, Debug, Default, PartialEq)]
#[reflect(Component, Debug, Clone, Default, PartialEq)]
pub struct Face {
    /// One value per parameter, 0..1, 0.5 = neutral.
    pub parameters: Vec<f32>,
    /// Per appearance option, the index of the choice.
    pub options: Vec<usize>,
    /// Per colour slot, linear RGB in 0..1.
    pub colors: Vec<[f32; 3]>,
    /// Per detail of the look (freckles, age, make-up, ...), 0..1.
    pub details: Vec<f32>,
}

impl Face {
    /// The rig's neutral face.
    pub fn neutral(rig: &Rig) -> Self {
        likeness_rig::Face::neutral(rig).into()
    }

    /// The value of a parameter; `None` for a name that the rig does not have.
    pub fn get(&self, rig: &Rig, parameter: &str) -> Option<f32> {
        self.parameters.get(rig.parameter_index(parameter)?).copied()
    }

    /// Sets a parameter by name; false when the rig does not have it.
    pub fn set(&mut self, rig: &Rig, parameter: &str, value: f32) -> bool {
        let place = rig.parameter_index(parameter).and_then(|index| self.parameters.get_mut(index));
        place.map(|place| *place = value).is_some()
    }

    /// Makes the choice of an appearance option by name; false when the rig does not have it.
    pub fn choose(&mut self, rig: &Rig, option: &str, choice: &str) -> bool {
        let place = rig.option_index(option).and_then(|index| Some((index, rig.options[index].choice_index(choice)?)));
        let chosen = place.and_then(|(index, choice)| Some((self.options.get_mut(index)?, choice)));
        chosen.map(|(slot, choice)| *slot = choice).is_some()
    }

    /// The colour of a slot; `None` for a name that the rig does not have.
    pub fn color(&self, rig: &Rig, slot: &str) -> Option<[f32; 3]> {
        self.colors.get(rig.color_index(slot)?).copied()
    }

    /// Sets the colour of a slot, linear RGB in 0..1; false when the rig does not have it.
    pub fn set_color(&mut self, rig: &Rig, slot: &str, color: [f32; 3]) -> bool {
        let place = rig.color_index(slot).and_then(|index| self.colors.get_mut(index));
        place.map(|place| *place = color).is_some()
    }

    /// The value of a detail, for example `skin.freckles`; the rig's default where the face has none, `None` for a name
    /// that the rig does not have.
    pub fn detail(&self, rig: &Rig, name: &str) -> Option<f32> {
        let index = rig.detail_index(name)?;
        Some(self.details.get(index).copied().unwrap_or(rig.details[index].default))
    }

    /// Sets a detail by name; false when the rig does not have it.
    pub fn set_detail(&mut self, rig: &Rig, name: &str, value: f32) -> bool {
        let place = rig.detail_index(name).and_then(|index| self.details.get_mut(index));
        place.map(|place| *place = value).is_some()
    }
}

impl From<likeness_rig::Face> for Face {
    fn from(face: likeness_rig::Face) -> Self {
        Self { parameters: face.parameters, options: face.options, colors: face.colors, details: face.details }
    }
}

impl From<Face> for likeness_rig::Face {
    fn from(face: Face) -> Self {
        Self { parameters: face.parameters, options: face.options, colors: face.colors, details: face.details }
    }
}

/// The 52 ARKit expression coefficients in ARKit's order ([`ARKIT_NAMES`]), each 0..1. They weigh the morph targets of
/// every part; the `eyeLook*` ones also turn the eyes.
#[derive(Component, Reflect, Clone, Debug, PartialEq)]
#[reflect(Component, Debug, Clone, Default, PartialEq)]
pub struct Expression(pub [f32; 52]);

impl Default for Expression {
    fn default() -> Self {
        Self([0.0; 52])
    }
}

impl Expression {
    /// The coefficient of an ARKit name; `None` for any other name.
    pub fn get(&self, name: &str) -> Option<f32> {
        Some(self.0[likeness_rig::arkit_index(name)?])
    }

    /// Sets a coefficient by its ARKit name; false for any other name.
    pub fn set(&mut self, name: &str, value: f32) -> bool {
        likeness_rig::arkit_index(name).map(|index| self.0[index] = value).is_some()
    }
}

/// Where the eyes look, added to what the expression says. In degrees, relative to the head.
#[derive(Component, Reflect, Clone, Copy, Debug, Default, PartialEq)]
#[reflect(Component, Debug, Clone, Default, PartialEq)]
pub struct Gaze {
    /// Toward the person's left, degrees.
    pub yaw: f32,
    /// Upward, degrees.
    pub pitch: f32,
}

/// Put it on a head whose animation clips drive shape bones too: every frame, after animation, the face's offsets are
/// applied relative to the animated pose instead of the rest pose.
///
/// Bundled heads do not need it: their clips drive the animation joints (neck, jaw, eyes), never shape bones.
#[derive(Component, Reflect, Clone, Copy, Debug, Default)]
#[reflect(Component, Debug, Clone, Default)]
pub struct ShapeOverAnimation;

/// A picture over the skin of a head: a scar or a tattoo, in the skin's texture coordinates, colour (sRGB) and coverage (alpha).
/// The detail `skin.layer` says how much of it shows.
#[derive(Component, Reflect, Clone, Debug, PartialEq, Eq)]
#[reflect(Component, Debug, Clone, PartialEq)]
pub struct SkinLayer(pub Handle<Image>);

/// The skin of a head as a photo shows it, in the skin's texture coordinates: colour (sRGB), painted for
/// [`SKIN_REFERENCE`](crate::SKIN_REFERENCE) as the head's own texture is, and coverage (alpha). The face's skin colour tints it,
/// and age, freckles and make-up go on top.
///
/// [`PredictFace`](crate::PredictFace) puts it on a head when its options ask for the skin. It shows a person: keep it where
/// the photo may be kept.
#[derive(Component, Reflect, Clone, Debug, PartialEq, Eq)]
#[reflect(Component, Debug, Clone, PartialEq)]
pub struct PhotoSkin(pub Handle<Image>);

impl PhotoSkin {
    /// A skin from its pixels: those of [`FacePredicted`](crate::FacePredicted), or of a `skin.png` that
    /// `likeness create` wrote ([`open_skin`](crate::open_skin)). A picture without pixels is a skin that was not seen.
    pub fn new(pixels: &RgbaImage, images: &mut Assets<Image>) -> Self {
        let nothing = RgbaImage::new(1, 1);
        let pixels = if pixels.is_empty() { &nothing } else { pixels };
        let size = Extent3d { width: pixels.width(), height: pixels.height(), depth_or_array_layers: 1 };
        let format = TextureFormat::Rgba8UnormSrgb;
        let usage = RenderAssetUsages::RENDER_WORLD;
        Self(images.add(Image::new(size, TextureDimension::D2, pixels.as_raw().clone(), format, usage)))
    }
}

/// The joints of a head that has been spawned: entities with a `Name` and a `Transform`.
#[derive(Component, Reflect, Clone, Debug, Default)]
#[reflect(Component, Debug, Clone, Default)]
pub struct HeadJoints {
    /// All joints, parents before children.
    #[entities]
    entities: Vec<Entity>,
    /// The joints of the rig's bones, in the rig's order; empty when the mesh lacks one.
    #[entities]
    bones: Vec<Entity>,
    #[reflect(ignore)]
    names: Arc<[String]>,
}

impl HeadJoints {
    pub(crate) fn new(entities: Vec<Entity>, bones: Vec<Entity>, names: Arc<[String]>) -> Self {
        Self { entities, bones, names }
    }

    /// The joint with this name in the mesh, for example `head` or `gaze.L`.
    pub fn get(&self, name: &str) -> Option<Entity> {
        self.entities.get(self.names.iter().position(|known| known == name)?).copied()
    }

    /// All joints with their names, parents before children.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Entity)> {
        self.names.iter().map(String::as_str).zip(self.entities.iter().copied())
    }

    /// The joints of the rig's bones, in the rig's order; empty when the mesh lacks one of them.
    pub fn bones(&self) -> &[Entity] {
        &self.bones
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn at(&self, index: usize) -> Option<Entity> {
        self.entities.get(index).copied()
    }
}

/// The mesh entities of a head that has been spawned.
#[derive(Component, Reflect, Clone, Debug, Default)]
#[reflect(Component, Debug, Clone, Default)]
pub struct HeadParts {
    names: Vec<String>,
    #[entities]
    entities: Vec<Entity>,
}

impl HeadParts {
    pub(crate) fn push(&mut self, name: String, entity: Entity) {
        self.names.push(name);
        self.entities.push(entity);
    }

    pub(crate) fn remove(&mut self, entity: Entity) {
        while let Some(place) = self.entities.iter().position(|known| *known == entity) {
            self.entities.remove(place);
            self.names.remove(place);
        }
    }

    /// The part with this name: `skin`, `eyes`, `lashes`, `teeth`, `tongue`, or what else the mesh holds; parts of appearance
    /// options have the option's name before their own, for example `hair.style.strands`.
    pub fn get(&self, name: &str) -> Option<Entity> {
        self.entities.get(self.names.iter().position(|known| known == name)?).copied()
    }

    /// All parts with their names, without the suffix of the level of detail.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Entity)> {
        self.names.iter().map(String::as_str).zip(self.entities.iter().copied())
    }
}

/// Marks a mesh entity of a head.
#[derive(Component, Reflect, Clone, Debug)]
#[reflect(Component, Debug, Clone)]
pub struct HeadPart {
    /// The entity with the [`LikenessHead`].
    #[entities]
    pub head: Entity,
    /// The part's name, without the suffix of the level of detail.
    pub name: String,
}

/// On a head while the mesh of an appearance option that its [`Face`] chose is being loaded. What it wore before stays until
/// then.
#[derive(Component, Reflect, Clone, Copy, Debug, Default)]
#[reflect(Component, Debug, Clone, Default)]
#[component(storage = "SparseSet")]
pub struct PendingOptions;

/// The joints and meshes of a head have been spawned; the first [`Face`] is applied in the same frame.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct HeadReady {
    /// The head.
    pub entity: Entity,
}

/// The morph weights of a head without an expression.
pub(crate) fn relaxed() -> MorphWeights {
    // 52 is far below Bevy's limit, so that the list is never refused.
    MorphWeights::new(vec![0.0; ARKIT_NAMES.len()], None).unwrap_or_default()
}
