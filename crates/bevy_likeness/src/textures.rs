//! The pictures of the head's materials, found by name in the folder `textures` beside the mesh.

use bevy::asset::{AssetPath, AssetServer, LoadContext};
use bevy::image::{ImageAddressMode, ImageArrayLayout, ImageLoaderSettings, ImageSampler, ImageSamplerDescriptor};
use bevy::prelude::*;

/// The folder that is looked in, beside the mesh.
const FOLDER: &str = "textures";

/// The pictures of the head's materials.
///
/// | field | file | holds |
/// | --- | --- | --- |
/// | `skin_color` | `skin_color` | the skin's colour, sRGB; plain cheeks have [`SKIN_REFERENCE`](crate::SKIN_REFERENCE) |
/// | `skin_normal` | `skin_normal` | tangent-space normals, linear, y up the picture |
/// | `skin_roughness` | `skin_rough` | red: occlusion, green: roughness, linear |
/// | `skin_layers` | `skin_layers` | three square pictures one below the other, linear: lips, blush, freckles; eye shadow, eyeliner, depth of wrinkles; normal x and y of wrinkles, spots of age |
/// | `eyes` | `eyes` | sclera and iris, sRGB |
/// | `lashes` | `lashes` | colour and coverage (alpha) of the lashes, sRGB |
/// | `teeth` | `teeth` | teeth and gums, sRGB |
/// | `tongue` | `tongue` | the tongue, sRGB |
/// | `hair` | `hair` | strips of hairs: brightness (sRGB) and coverage (alpha), tinted by the colour slot `hair` |
/// | `stubble`, `curls` | the same | tiles of stubs and of small curls, likewise |
///
/// Each file ends in `.jpg` or `.png`. One that is missing leaves the material of the glTF as it is.
#[derive(Clone, Debug, Default)]
pub struct HeadTextures {
    /// The skin's colour.
    pub skin_color: Option<Handle<Image>>,
    /// The skin's normals.
    pub skin_normal: Option<Handle<Image>>,
    /// The skin's occlusion and roughness.
    pub skin_roughness: Option<Handle<Image>>,
    /// Masks and relief of make-up, freckles and age.
    pub skin_layers: Option<Handle<Image>>,
    /// The eyeballs.
    pub eyes: Option<Handle<Image>>,
    /// The lashes.
    pub lashes: Option<Handle<Image>>,
    /// The teeth.
    pub teeth: Option<Handle<Image>>,
    /// The tongue.
    pub tongue: Option<Handle<Image>>,
    /// Strips of hairs.
    pub hair: Option<Handle<Image>>,
    /// A tile of stubs.
    pub stubble: Option<Handle<Image>>,
    /// A tile of small curls.
    pub curls: Option<Handle<Image>>,
}

#[derive(Clone, Copy)]
enum Space {
    Srgb,
    Linear,
    /// Linear, and a stack of pictures.
    Layers,
}

/// How many pictures a stack holds.
const LAYERS: u32 = 3;

impl HeadTextures {
    /// Begins to load the pictures that exist.
    pub(crate) async fn load(server: &AssetServer, context: &mut LoadContext<'_>, mesh: &AssetPath<'static>) -> Self {
        Self {
            skin_color: find(server, context, mesh, "skin_color", Space::Srgb).await,
            skin_normal: find(server, context, mesh, "skin_normal", Space::Linear).await,
            skin_roughness: find(server, context, mesh, "skin_rough", Space::Linear).await,
            skin_layers: find(server, context, mesh, "skin_layers", Space::Layers).await,
            eyes: find(server, context, mesh, "eyes", Space::Srgb).await,
            lashes: find(server, context, mesh, "lashes", Space::Srgb).await,
            teeth: find(server, context, mesh, "teeth", Space::Srgb).await,
            tongue: find(server, context, mesh, "tongue", Space::Srgb).await,
            hair: find(server, context, mesh, "hair", Space::Srgb).await,
            stubble: find(server, context, mesh, "stubble", Space::Srgb).await,
            curls: find(server, context, mesh, "curls", Space::Srgb).await,
        }
    }
}

async fn find(
    server: &AssetServer,
    context: &mut LoadContext<'_>,
    mesh: &AssetPath<'static>,
    name: &str,
    space: Space,
) -> Option<Handle<Image>> {
    for extension in ["jpg", "png"] {
        let Ok(path) = mesh.resolve_embed_str(&format!("{FOLDER}/{name}.{extension}")) else {
            continue;
        };
        if !exists(server, &path).await {
            continue;
        }
        let is_srgb = matches!(space, Space::Srgb);
        let array_layout = matches!(space, Space::Layers).then_some(ImageArrayLayout::RowCount { rows: LAYERS });
        return Some(
            context
                .load_builder()
                .with_settings(move |settings: &mut ImageLoaderSettings| {
                    settings.is_srgb = is_srgb;
                    settings.array_layout = array_layout;
                    settings.sampler = ImageSampler::Descriptor(ImageSamplerDescriptor {
                        address_mode_u: ImageAddressMode::Repeat,
                        address_mode_v: ImageAddressMode::Repeat,
                        ..ImageSamplerDescriptor::linear()
                    });
                })
                .load(path),
        );
    }
    None
}

/// Whether the asset's source has the file: a load of a missing one would log an error.
async fn exists(server: &AssetServer, path: &AssetPath<'static>) -> bool {
    let Ok(source) = server.get_source(path.source()) else {
        return false;
    };
    source.reader().read(path.path()).await.is_ok()
}
