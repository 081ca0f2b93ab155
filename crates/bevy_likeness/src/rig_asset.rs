//! The rig as an asset: `*.rig.ron` and what it refers to.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::asset::io::Reader;
use bevy::asset::{AssetLoader, AssetPath, LoadContext};
use bevy::gltf::{Gltf, GltfLoaderSettings};
use bevy::prelude::*;
use likeness_rig::{CompiledRig, Rig};

use crate::error::{LikenessProblem, Result};
use crate::gpu;
use crate::textures::HeadTextures;

/// A face rig, loaded from `*.rig.ron` together with its mesh, prior and landmarks.
#[derive(Asset, TypePath, Debug)]
pub struct RigAsset {
    rig: Arc<Rig>,
    compiled: Arc<CompiledRig>,
    /// The head mesh.
    #[dependency]
    pub mesh: Handle<Gltf>,
    /// The bytes of the prior: [`likeness_rig::Prior::from_bytes`] reads them.
    pub prior: Handle<ByteAsset>,
    /// The bytes of the landmarks.
    pub landmarks: Handle<ByteAsset>,
    /// The pictures of the head's materials.
    pub textures: HeadTextures,
    /// Where the meshes of appearance options lie, by what the rig calls them. They are loaded when a face chooses them.
    pub option_meshes: HashMap<String, AssetPath<'static>>,
}

impl RigAsset {
    /// A rig made in code.
    ///
    /// # Errors
    /// [`LikenessProblem::Rig`] for a rig that does not validate.
    pub fn new(rig: Rig, mesh: Handle<Gltf>) -> Result<Self> {
        rig.validate(&rig.id)?;
        let compiled = Arc::new(rig.compile()?);
        Ok(Self {
            rig: Arc::new(rig),
            compiled,
            mesh,
            prior: Handle::default(),
            landmarks: Handle::default(),
            textures: HeadTextures::default(),
            option_meshes: HashMap::new(),
        })
    }

    /// The rig.
    pub fn rig(&self) -> &Rig {
        &self.rig
    }

    /// The rig, to be kept by another thread.
    pub fn shared_rig(&self) -> Arc<Rig> {
        Arc::clone(&self.rig)
    }

    /// Parameter values to joint offsets.
    pub fn compiled(&self) -> &Arc<CompiledRig> {
        &self.compiled
    }

    /// Replaces the rig, as an editor does; heads that use it are made anew.
    ///
    /// # Errors
    /// [`LikenessProblem::Rig`] for a rig that does not validate; the old one stays.
    pub fn set_rig(&mut self, rig: Rig) -> Result<()> {
        rig.validate(&rig.id)?;
        self.compiled = Arc::new(rig.compile()?);
        self.rig = Arc::new(rig);
        Ok(())
    }
}

/// Reads `*.rig.ron`.
///
/// The mesh, the prior and the landmarks are loaded from the paths in the rig, relative to its file. When a folder
/// `textures` lies beside the mesh, the pictures in it are loaded too (see [`HeadTextures`]).
///
/// The mesh is loaded into main memory, and a level of detail goes to the GPU when a head uses it: a scene of the same
/// glTF file that is spawned without the plugin shows nothing until then.
#[derive(TypePath)]
pub struct RigLoader {
    server: AssetServer,
}

impl FromWorld for RigLoader {
    fn from_world(world: &mut World) -> Self {
        Self { server: world.resource::<AssetServer>().clone() }
    }
}

impl AssetLoader for RigLoader {
    type Asset = RigAsset;
    type Settings = ();
    type Error = LikenessProblem;

    async fn load(&self, reader: &mut dyn Reader, _settings: &(), context: &mut LoadContext<'_>) -> Result<RigAsset> {
        let file = context.path().to_string();
        let bytes = read_all(reader, &file).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| LikenessProblem::NotText { file: file.clone() })?;
        let rig = Rig::from_ron(text, &file)?;
        let compiled = Arc::new(rig.compile()?);
        let relative = |field: &'static str, path: &str| -> Result<AssetPath<'static>> {
            context.path().resolve_embed_str(path).map_err(|_| LikenessProblem::BadPath {
                file: file.clone(),
                field,
                path: path.to_owned(),
            })
        };
        let mesh = relative("mesh", &rig.mesh)?;
        let prior = relative("prior", &rig.prior)?;
        let landmarks = relative("landmarks", &rig.landmarks)?;
        let mut option_meshes = HashMap::new();
        for mesh in rig.options.iter().flat_map(|option| option.meshes.values()) {
            option_meshes.insert(mesh.clone(), relative("options.meshes", mesh)?);
        }
        let textures = HeadTextures::load(&self.server, context, &mesh).await;
        Ok(RigAsset {
            rig: Arc::new(rig),
            compiled,
            mesh: context
                .load_builder()
                .with_settings(|settings: &mut GltfLoaderSettings| settings.load_meshes = gpu::UNUSED)
                .load(mesh),
            prior: context.load(prior),
            landmarks: context.load(landmarks),
            textures,
            option_meshes,
        })
    }

    fn extensions(&self) -> &[&str] {
        &["rig.ron"]
    }
}

/// The bytes of a file, as they are: priors, landmarks and network weights.
#[derive(Asset, TypePath, Clone, Debug, Default)]
pub struct ByteAsset(pub Arc<[u8]>);

/// Reads any file that is asked for as a [`ByteAsset`].
#[derive(Default, TypePath)]
pub struct ByteLoader;

impl AssetLoader for ByteLoader {
    type Asset = ByteAsset;
    type Settings = ();
    type Error = LikenessProblem;

    async fn load(&self, reader: &mut dyn Reader, _settings: &(), context: &mut LoadContext<'_>) -> Result<ByteAsset> {
        let file = context.path().to_string();
        Ok(ByteAsset(read_all(reader, &file).await?.into()))
    }
}

async fn read_all(reader: &mut dyn Reader, file: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.map_err(|source| LikenessProblem::Io { file: file.to_owned(), source })?;
    Ok(bytes)
}

/// Registers the rig asset and its loaders.
#[derive(Clone, Copy, Debug, Default)]
pub struct RigAssetPlugin;

impl Plugin for RigAssetPlugin {
    fn build(&self, app: &mut App) {
        app.init_asset::<RigAsset>()
            .init_asset::<ByteAsset>()
            .init_asset_loader::<RigLoader>()
            .register_asset_loader(ByteLoader);
    }
}
