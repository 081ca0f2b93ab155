//! A Bevy plugin that turns one photo into a playable character that looks like the person.

mod apply;
mod error;
mod express;
mod head;
mod materials;
mod plan;
mod predict;
mod rig_asset;
mod spawn;
mod textures;

use bevy::app::{AnimationSystems, PluginGroup, PluginGroupBuilder};
use bevy::prelude::*;
use bevy::transform::TransformSystems;

pub use apply::LikenessFacePlugin;
pub use error::{LikenessError, LikenessProblem, Result};
pub use express::{GAZE_LIMITS, GazeLimits, LikenessExpressionPlugin};
pub use head::{
    Expression, Face, Gaze, HeadJoints, HeadPart, HeadParts, HeadReady, LikenessHead, Lod, ShapeOverAnimation,
};
pub use materials::{HeadMaterials, LikenessMaterialPlugin, SKIN_REFERENCE, skin_tint};
pub use predict::{
    CancelPrediction, FacePredicted, FacePredictionFailed, LikenessPredictionPlugin, Local, NamedBytes,
    PendingPrediction, PhotoSource, PredictFace, PredictionBackend, PredictionFiles, PredictionModels,
    PredictionRequest, PredictionWorker,
};
pub use rig_asset::{ByteAsset, ByteLoader, RigAsset, RigAssetPlugin, RigLoader};
pub use spawn::LikenessSpawnPlugin;
pub use textures::HeadTextures;

pub use likeness_vision::{PredictOptions, QualityWarning, SeveralFaces};

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
    /// Heads whose assets are loaded appear; before [`AnimationSystems`].
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
                .before(TransformSystems::Propagate),
        );
    }
}

/// All of bevy_likeness.
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
            .add(LikenessMaterialPlugin)
            .add(LikenessPredictionPlugin)
    }
}
