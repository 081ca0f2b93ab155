//! The materials of skin and eyes: Bevy's standard material, extended.

use bevy::asset::embedded_asset;
use bevy::mesh::MeshVertexBufferLayoutRef;
use bevy::pbr::{ExtendedMaterial, MaterialExtension, MaterialExtensionKey, MaterialExtensionPipeline, MaterialPlugin};
use bevy::prelude::*;
use bevy::render::RenderApp;
use bevy::render::render_resource::{AsBindGroup, RenderPipelineDescriptor, SpecializedMeshPipelineError};
use bevy::shader::ShaderRef;

use crate::look::{EyeLook, SkinLook};

/// The material of the part `skin`.
pub type SkinMaterial = ExtendedMaterial<StandardMaterial, SkinExtension>;

/// The material of the part `eyes`, where the eyes have a texture that is laid out as the bundled head's.
pub type EyeMaterial = ExtendedMaterial<StandardMaterial, EyeExtension>;

/// How much work skin is. Insert the resource before heads appear; a change reaches heads as soon as their faces change.
#[derive(Resource, Reflect, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[reflect(Resource, Debug, Clone, Default, PartialEq, Hash)]
pub enum SkinQuality {
    /// Relief of wrinkles; light bleeds past the terminator for every kind of lamp, within shadows.
    Full,
    /// For WebGL2-class hardware: wrinkles are drawn without relief, and light of directional lamps alone bleeds.
    Simple,
}

impl Default for SkinQuality {
    /// Simple in browsers, full elsewhere.
    fn default() -> Self {
        if cfg!(target_arch = "wasm32") { Self::Simple } else { Self::Full }
    }
}

/// What makes a standard material skin. Bind group entries 100 to 103; no storage buffers, and no samplers of its own.
#[derive(Asset, AsBindGroup, Reflect, Clone, Debug, Default)]
#[bind_group_data(SkinKey)]
#[reflect(Debug, Clone, Default)]
pub struct SkinExtension {
    /// The face's numbers.
    #[uniform(100)]
    pub look: SkinLook,
    /// Masks and relief of make-up, freckles and age: three pictures, see [`HeadTextures`](crate::HeadTextures). Without,
    /// the skin shows tone and redness alone.
    #[texture(101, dimension = "2d_array")]
    pub layers: Option<Handle<Image>>,
    /// A scar or a tattoo in the skin's texture coordinates: colour (sRGB) and coverage (alpha).
    #[texture(102)]
    pub extra_layer: Option<Handle<Image>>,
    /// The skin as a photo shows it, see [`PhotoSkin`](crate::PhotoSkin).
    #[texture(103)]
    pub photo_skin: Option<Handle<Image>>,
    /// How much work it is.
    pub quality: SkinQuality,
}

/// What selects the pipeline of a skin.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(C)]
pub struct SkinKey {
    has_layers: bool,
    has_extra_layer: bool,
    has_photo_skin: bool,
    is_simple: bool,
}

impl From<&SkinExtension> for SkinKey {
    fn from(skin: &SkinExtension) -> Self {
        Self {
            has_layers: skin.layers.is_some(),
            has_extra_layer: skin.extra_layer.is_some(),
            has_photo_skin: skin.photo_skin.is_some(),
            is_simple: skin.quality == SkinQuality::Simple,
        }
    }
}

impl MaterialExtension for SkinExtension {
    fn fragment_shader() -> ShaderRef {
        "embedded://bevy_likeness/shaders/skin.wgsl".into()
    }

    fn specialize(
        _pipeline: &MaterialExtensionPipeline,
        descriptor: &mut RenderPipelineDescriptor,
        _layout: &MeshVertexBufferLayoutRef,
        key: MaterialExtensionKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        let SkinKey { has_layers, has_extra_layer, has_photo_skin, is_simple } = key.bind_group_data;
        let switches = [
            (has_layers, "SKIN_LAYERS"),
            (has_extra_layer, "SKIN_EXTRA_LAYER"),
            (has_photo_skin, "SKIN_PHOTO"),
            (is_simple, "SKIN_SIMPLE"),
        ];
        if let Some(fragment) = &mut descriptor.fragment {
            fragment.shader_defs.extend(switches.into_iter().filter(|(on, _)| *on).map(|(_, name)| name.into()));
        }
        Ok(())
    }
}

/// What makes a standard material a pair of eyes. Bind group entry 100.
#[derive(Asset, AsBindGroup, Reflect, Clone, Debug, Default)]
#[reflect(Debug, Clone, Default)]
pub struct EyeExtension {
    /// The face's numbers.
    #[uniform(100)]
    pub look: EyeLook,
}

impl MaterialExtension for EyeExtension {
    fn fragment_shader() -> ShaderRef {
        "embedded://bevy_likeness/shaders/eyes.wgsl".into()
    }
}

/// Registers the materials and, where there is a renderer, their shaders.
pub(crate) fn surface_plugin(app: &mut App) {
    app.register_type::<SkinQuality>().init_resource::<SkinQuality>();
    if app.get_sub_app(RenderApp).is_some() {
        embedded_asset!(app, "shaders/skin.wgsl");
        embedded_asset!(app, "shaders/eyes.wgsl");
        app.add_plugins((MaterialPlugin::<SkinMaterial>::default(), MaterialPlugin::<EyeMaterial>::default()));
    } else {
        app.init_asset::<SkinMaterial>().init_asset::<EyeMaterial>();
    }
}
