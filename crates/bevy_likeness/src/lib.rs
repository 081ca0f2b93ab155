//! A Bevy plugin that turns one photo into a playable character that looks like the person.
//!
//! A head is made from a rig: a `*.rig.ron` file that names the shape bones of a skinned mesh and the parameters
//! (sliders in 0..1) that move them. [`Face`] holds one character's values, [`Expression`] the 52 ARKit coefficients of
//! the moment, and [`PredictFace`] sets a [`Face`] from a photo.
//!
//! # Getting started
//!
//! Put the folders `head` and `models` of the project's `assets` into your game's `assets`, and:
//!
//! ```no_run
//! use bevy::prelude::*;
//! use bevy_likeness::prelude::*;
//!
//! App::new()
//!     .add_plugins((DefaultPlugins, LikenessPlugin))
//!     .add_systems(Startup, |mut commands: Commands, assets: Res<AssetServer>| {
//!         let hero = commands.spawn(LikenessHead::new(assets.load("head/head.rig.ron"))).id();
//!         commands.trigger(PredictFace::from_file(hero, "selfie.jpg"));
//!     })
//!     .add_observer(|done: On<FacePredicted>| info!("confidence {}", done.confidence))
//!     .add_observer(|failed: On<FacePredictionFailed>| warn!("{}", failed.error))
//!     .run();
//! ```
//!
//! The head's own `Transform` places it: its origin lies midway between the eyes, +z points out of the face, +y up and +x
//! toward the person's left, in metres.
//!
//! # Components
//!
//! | component | on | what it is for |
//! | --- | --- | --- |
//! | [`LikenessHead`] | the head; you add it | which rig, at which level of detail |
//! | [`Face`] | the head; added when missing | the character's values; write to it and the joints move in the same frame |
//! | [`Expression`] | the head; comes with [`LikenessHead`] | the 52 ARKit coefficients |
//! | [`Gaze`] | the head; optional | where the eyes look |
//! | [`ShapeOverAnimation`] | the head; optional | for meshes whose clips drive shape bones too |
//! | [`HeadJoints`], [`HeadParts`] | the head, once it is there | joint and mesh entities by name |
//! | [`HeadMaterials`] | the head, once it is there | the materials that belong to it alone |
//! | [`SkinLayer`] | the head; optional | a picture of a scar or a tattoo |
//! | [`PhotoSkin`] | the head; optional | the skin as a photo shows it |
//! | [`HeadPart`] | every mesh entity | its head and its name |
//! | [`PendingOptions`] | the head, while the mesh of a chosen hair style, brow, beard or pair of glasses loads |
//! | [`PendingPrediction`] | the head, while a photo is worked on | remove it to cancel |
//!
//! `RenderLayers` on a head count for all of its parts.
//!
//! Animation clips play on the joints when the head's entity gets an `AnimationPlayer` and an `AnimationGraphHandle`.
//!
//! # Events
//!
//! All are observed on the head's entity.
//!
//! | event | says |
//! | --- | --- |
//! | [`HeadReady`] | joints and meshes are there |
//! | [`LikenessError`] | something is wrong with a rig, a mesh or a face; nothing panics |
//! | [`PredictFace`], [`CancelPrediction`] | you trigger these |
//! | [`FacePredicted`], [`FacePredictionFailed`] | the answer; the [`Face`] has been set before |
//!
//! # Systems
//!
//! | set | schedule | work |
//! | --- | --- | --- |
//! | [`LikenessSystems::Predict`] | `PreUpdate` | predicted faces arrive, requests are sent off |
//! | [`LikenessSystems::Spawn`] | `PostUpdate`, before `AnimationSystems` | heads appear, and what their faces chose to wear |
//! | [`LikenessSystems::Apply`] | `PostUpdate`, after `AnimationSystems` | changed faces move joints |
//! | [`LikenessSystems::Express`] | `PostUpdate`, before `TransformSystems::Propagate` | morph targets, eyes, tints |
//!
//! # Privacy
//!
//! Photos are predicted from in this process, on a thread of the plugin's own. They are neither cached nor logged nor
//! sent anywhere, and are dropped with the request. A [`PhotoSkin`] is read only when a request asks for it; it stays in memory, as
//! the texture and, while [`FacePredicted`] is observed, as its pixels.
//!
//! # A head of your own
//!
//! Any glTF with a skin will do: write a `*.rig.ron` that names its joints. Mesh nodes may have coarser versions with the
//! suffixes `.lod1` and `.lod2`; morph targets with ARKit's names follow [`Expression`]; joints named `gaze.L` and
//! `gaze.R` turn as eyes. An appearance option of the rig may name a glTF for each choice, whose skin has joints of the same
//! names: it is loaded when a [`Face`] chooses it, and its parts are called after the option, then the node. Pictures in a folder `textures` beside the mesh replace those of the glTF ([`HeadTextures`]).

mod apply;
mod error;
mod express;
mod gpu;
mod head;
mod look;
mod materials;
mod options;
mod plan;
mod predict;
mod rig_asset;
mod spawn;
mod surface;
mod textures;

use bevy::app::{AnimationSystems, PluginGroup, PluginGroupBuilder};
use bevy::asset::AssetEventSystems;
use bevy::camera::visibility::VisibilitySystems;
use bevy::prelude::*;
use bevy::transform::TransformSystems;

pub use apply::LikenessFacePlugin;
pub use error::{LikenessError, LikenessProblem, Result};
pub use express::{GAZE_LIMITS, GazeLimits, LikenessExpressionPlugin};
pub use head::{
    Expression, Face, Gaze, HeadJoints, HeadPart, HeadParts, HeadReady, LikenessHead, Lod, PendingOptions, PhotoSkin,
    ShapeOverAnimation, SkinLayer,
};
pub use look::{EyeLook, LikenessShaderPlugin, SKIN_REFERENCE, SkinLook};
pub use materials::{HeadMaterials, LikenessMaterialPlugin, skin_tint};
pub use predict::{
    CancelPrediction, FacePredicted, FacePredictionFailed, LikenessPredictionPlugin, Local, NamedBytes,
    PendingPrediction, PhotoSource, PredictFace, PredictionBackend, PredictionFiles, PredictionModels,
    PredictionRequest, PredictionWorker,
};
pub use rig_asset::{ByteAsset, ByteLoader, RigAsset, RigAssetPlugin, RigLoader};
pub use spawn::LikenessSpawnPlugin;
pub use surface::{EyeExtension, EyeMaterial, SkinExtension, SkinKey, SkinMaterial, SkinQuality};
pub use textures::HeadTextures;

pub use likeness_vision::{PredictOptions, QualityWarning, SeveralFaces, open_skin};

/// What most games need: `use bevy_likeness::prelude::*;`
pub mod prelude {
    pub use crate::{
        CancelPrediction, Expression, Face, FacePredicted, FacePredictionFailed, Gaze, HeadJoints, HeadParts,
        HeadReady, LikenessError, LikenessHead, LikenessPlugin, LikenessSystems, Lod, PredictFace, PredictOptions,
        RigAsset, ShapeOverAnimation,
    };
}

/// The steps of a frame, in this order. All but the first are in [`PostUpdate`], before [`TransformSystems::Propagate`].
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LikenessSystems {
    /// Predicted faces arrive, requests are sent off; in [`PreUpdate`], so that `Update` sees new faces.
    Predict,
    /// Heads whose assets are loaded appear, and the meshes of their faces' appearance options; before [`AnimationSystems`].
    Spawn,
    /// Faces move joints; after [`AnimationSystems`].
    Apply,
    /// Expressions weigh morph targets, gaze turns the eyes, colours tint materials; after [`AnimationSystems`].
    Express,
}

/// Orders [`LikenessSystems`].
#[derive(Clone, Copy, Debug, Default)]
pub struct LikenessSchedulePlugin;

impl Plugin for LikenessSchedulePlugin {
    fn build(&self, app: &mut App) {
        app.configure_sets(
            PostUpdate,
            (
                LikenessSystems::Spawn.before(AnimationSystems),
                LikenessSystems::Apply.after(AnimationSystems),
                LikenessSystems::Express.after(AnimationSystems),
            )
                .chain()
                .before(TransformSystems::Propagate)
                // What is spawned is seen in the same frame.
                .before(VisibilitySystems::VisibilityPropagate)
                .before(AssetEventSystems),
        );
    }
}

/// All of bevy_likeness: a group of plugins, each of which can be disabled or replaced.
///
/// | plugin | what it adds |
/// | --- | --- |
/// | [`LikenessSchedulePlugin`] | the order of [`LikenessSystems`] |
/// | [`RigAssetPlugin`] | [`RigAsset`] and its loaders |
/// | [`LikenessSpawnPlugin`] | joints and meshes of heads |
/// | [`LikenessFacePlugin`] | [`Face`] moves joints |
/// | [`LikenessExpressionPlugin`] | [`Expression`] and [`Gaze`] |
/// | [`LikenessShaderPlugin`] | the shader module `bevy_likeness::look` |
/// | [`LikenessMaterialPlugin`] | a material for every part; skin and eyes show the face's colours and details |
/// | [`LikenessPredictionPlugin`] | [`PredictFace`] |
///
/// Heads with materials of your own:
///
/// ```
/// use bevy::app::PluginGroup;
/// use bevy_likeness::{LikenessMaterialPlugin, LikenessPlugin};
///
/// let plugins = LikenessPlugin.build().disable::<LikenessMaterialPlugin>();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LikenessPlugin;

impl PluginGroup for LikenessPlugin {
    fn build(self) -> PluginGroupBuilder {
        PluginGroupBuilder::start::<Self>()
            .add(LikenessSchedulePlugin)
            .add(RigAssetPlugin)
            .add(LikenessSpawnPlugin)
            .add(LikenessFacePlugin)
            .add(LikenessExpressionPlugin)
            .add(LikenessShaderPlugin)
            .add(LikenessMaterialPlugin)
            .add(LikenessPredictionPlugin)
    }
}
