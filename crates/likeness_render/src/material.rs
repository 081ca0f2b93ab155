//! The material of the head's parts: one shader for the colour pass and the label passes.

use bevy::asset::embedded_asset;
use bevy::math::Mat4;
use bevy::mesh::MeshVertexBufferLayoutRef;
use bevy::pbr::{MaterialPipeline, MaterialPipelineKey};
use bevy::prelude::*;
use bevy::reflect::TypePath;
use bevy::render::render_resource::{AsBindGroup, RenderPipelineDescriptor, ShaderType, SpecializedMeshPipelineError};
use bevy::render::storage::ShaderBuffer;
use bevy::shader::ShaderRef;
use bevy_likeness::{EyeLook, SkinLook};

/// How many lamps a slot holds; `shaders/face.wgsl` has the same number.
pub(crate) const LAMPS: usize = 4;

/// How many pairs of active morph targets a slot holds: all 52, two a vector.
pub(crate) const MORPH_PAIRS: usize = 26;

/// What the shader knows about one lamp.
#[derive(Clone, Copy, Default, ShaderType)]
pub(crate) struct LampSlot {
    /// xyz: unit vector toward the lamp; w: softness.
    pub(crate) direction: Vec4,
    /// xyz: the same direction in the head's own space.
    pub(crate) local_direction: Vec4,
    /// Linear RGB times intensity.
    pub(crate) color: Vec4,
}

/// What the shader knows about one head and its tile; laid out as `Slot` in `shaders/face.wgsl`.
#[derive(Clone, Copy, Default, ShaderType)]
pub(crate) struct Slot {
    pub(crate) clip_from_world: Mat4,
    pub(crate) view_from_world: Mat4,
    pub(crate) tile: Vec4,
    pub(crate) camera: Vec4,
    pub(crate) lamps: [LampSlot; LAMPS],
    pub(crate) sky: Vec4,
    pub(crate) ground: Vec4,
    pub(crate) head_from_world: Mat4,
    pub(crate) skin: SkinLook,
    pub(crate) eyes: EyeLook,
    pub(crate) hair: Vec4,
    pub(crate) cloth: Vec4,
    pub(crate) collar: Vec4,
    pub(crate) neckline: Vec4,
    pub(crate) counts: UVec4,
    pub(crate) morphs: [Vec4; MORPH_PAIRS],
}

/// A part of the head, in the numbering of `shaders/face.wgsl`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum PartKind {
    Skin = 0,
    Eyes = 1,
    Lashes = 2,
    Teeth = 3,
    Tongue = 4,
    Strands = 5,
    Stubble = 6,
    Curls = 7,
    Frame = 8,
    Lens = 9,
}

impl PartKind {
    /// The part that a mesh node or material of the head is named after.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name.split('.').next()? {
            "skin" => Self::Skin,
            "eyes" => Self::Eyes,
            "lashes" => Self::Lashes,
            "teeth" => Self::Teeth,
            "tongue" => Self::Tongue,
            // Parts of appearance options have the option's name before their own.
            _ => match name.rsplit('.').next()? {
                "strands" | "cap" => Self::Strands,
                "stubble" => Self::Stubble,
                "curls" => Self::Curls,
                "frame" => Self::Frame,
                "lens" => Self::Lens,
                _ => return None,
            },
        })
    }

    /// What appearance options are made of.
    pub(crate) const OPTIONS: [Self; 5] = [Self::Strands, Self::Stubble, Self::Curls, Self::Frame, Self::Lens];

    /// Whether it belongs to an appearance option.
    pub(crate) fn is_option(self) -> bool {
        Self::OPTIONS.contains(&self)
    }

    /// Whether it has the colour of the hair.
    pub(crate) fn is_hair(self) -> bool {
        matches!(self, Self::Strands | Self::Stubble | Self::Curls)
    }
}

/// The part's constants; laid out as `Part` in `shaders/face.wgsl`.
#[derive(Clone, Copy, Default, ShaderType)]
pub(crate) struct PartUniform {
    pub(crate) kind: u32,
    pub(crate) has_albedo: u32,
    pub(crate) has_regions: u32,
    pub(crate) has_layers: u32,
}

/// The material of one part, shared by every head.
#[derive(Asset, TypePath, AsBindGroup, Clone)]
#[bind_group_data(PartKey)]
pub(crate) struct PartMaterial {
    #[uniform(0)]
    pub(crate) uniform: PartUniform,
    #[texture(1)]
    #[sampler(2)]
    pub(crate) albedo: Option<Handle<Image>>,
    #[texture(3)]
    pub(crate) regions: Option<Handle<Image>>,
    #[storage(4, read_only)]
    pub(crate) slots: Handle<ShaderBuffer>,
    #[texture(5)]
    pub(crate) normals: Option<Handle<Image>>,
    #[texture(6)]
    pub(crate) roughness: Option<Handle<Image>>,
    /// What every vertex sees (see [`crate::sight`]).
    #[storage(7, read_only)]
    pub(crate) sight: Handle<ShaderBuffer>,
    /// What is laid over the skin; see [`crate::pool`].
    #[texture(8)]
    pub(crate) base: Option<Handle<Image>>,
    #[texture(9)]
    pub(crate) made: Option<Handle<Image>>,
    #[texture(10)]
    pub(crate) wrinkles: Option<Handle<Image>>,
    /// Skins as photos show them, one a layer; a slot names its own.
    #[texture(11, dimension = "2d_array")]
    pub(crate) photo_skins: Option<Handle<Image>>,
    pub(crate) key: PartKey,
    pub(crate) alpha_mode: AlphaMode,
}

/// What selects the pipeline of a part.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(C)]
pub(crate) struct PartKey {
    pub(crate) labels: bool,
    /// Whether what is smaller than a pixel of small pictures is drawn: the relief and gloss of skin, the depth of eyes.
    pub(crate) detail: bool,
    pub(crate) two_sided: bool,
    /// Whether it is a part of an appearance option: lit as hair or glass, with the shade in the vertices.
    pub(crate) option: bool,
    /// Whether coverage becomes a mask of samples instead of a cut.
    pub(crate) multisampled: bool,
}

impl From<&PartMaterial> for PartKey {
    fn from(material: &PartMaterial) -> Self {
        material.key
    }
}

const SHADER: &str = "embedded://likeness_render/shaders/face.wgsl";

impl Material for PartMaterial {
    fn vertex_shader() -> ShaderRef {
        SHADER.into()
    }

    fn fragment_shader() -> ShaderRef {
        SHADER.into()
    }

    fn alpha_mode(&self) -> AlphaMode {
        self.alpha_mode
    }

    fn enable_prepass() -> bool {
        false
    }

    fn enable_shadows() -> bool {
        false
    }

    fn specialize(
        _pipeline: &MaterialPipeline,
        descriptor: &mut RenderPipelineDescriptor,
        _layout: &MeshVertexBufferLayoutRef,
        key: MaterialPipelineKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        let data = key.bind_group_data;
        let switches = [
            (data.labels, "LABELS"),
            (data.detail, "DETAIL"),
            (data.option, "OPTION"),
            (data.option && data.multisampled && !data.labels, "COVERAGE"),
        ];
        for (_, name) in switches.into_iter().filter(|(on, _)| *on) {
            descriptor.vertex.shader_defs.push(name.into());
            if let Some(fragment) = &mut descriptor.fragment {
                fragment.shader_defs.push(name.into());
            }
        }
        // Lashes are seen from both sides.
        if key.bind_group_data.two_sided {
            descriptor.primitive.cull_mode = None;
        }
        Ok(())
    }
}

/// Registers the material and its shader.
pub(crate) struct PartMaterialPlugin;

impl Plugin for PartMaterialPlugin {
    fn build(&self, app: &mut App) {
        embedded_asset!(app, "shaders/face.wgsl");
        app.add_plugins(MaterialPlugin::<PartMaterial>::default());
    }
}
