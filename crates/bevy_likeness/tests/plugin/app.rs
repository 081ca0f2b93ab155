//! Apps without a window and without a renderer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bevy::animation::AnimationPlugin;
use bevy::gltf::GltfPlugin;
use bevy::image::ImagePlugin;
use bevy::mesh::MeshPlugin;
use bevy::prelude::*;
use bevy::world_serialization::WorldSerializationPlugin;
use bevy_likeness::prelude::*;

/// How long assets and predictions may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was said about heads.
#[derive(Resource, Clone, Default)]
pub(crate) struct Problems(pub(crate) Arc<Mutex<Vec<String>>>);

impl Problems {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// The folder with the bundled assets.
pub(crate) fn bundled_assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets")
}

/// An app over an asset folder.
pub(crate) fn app(assets: &Path) -> App {
    app_with(assets, |_| {})
}

/// An app over an asset folder; `prepare` runs before the plugin is added.
pub(crate) fn app_with(assets: &Path, prepare: impl FnOnce(&mut App)) -> App {
    let mut app = App::new();
    prepare(&mut app);
    app.add_plugins((
        MinimalPlugins,
        AssetPlugin { file_path: assets.to_string_lossy().into_owned(), ..default() },
        TransformPlugin,
        ImagePlugin::default(),
        MeshPlugin,
        WorldSerializationPlugin,
        AnimationPlugin,
        GltfPlugin::default(),
    ));
    app.init_asset::<StandardMaterial>();
    app.add_plugins(LikenessPlugin);
    let problems = Problems::default();
    app.insert_resource(problems.clone());
    app.add_observer(move |error: On<LikenessError>| {
        problems.0.lock().unwrap().push(error.problem.to_string());
    });
    app.finish();
    app.cleanup();
    app
}

/// Updates until `done` is true.
pub(crate) fn update_until(app: &mut App, what: &str, mut done: impl FnMut(&mut World) -> bool) {
    let start = Instant::now();
    while !done(app.world_mut()) {
        assert!(start.elapsed() < PATIENCE, "{what} did not happen; {:?}", app.world().resource::<Problems>().all());
        app.update();
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Spawns a head and waits until it is there.
pub(crate) fn spawn(app: &mut App, rig: &'static str, lod: Lod) -> Entity {
    let rig = app.world().resource::<AssetServer>().load(rig);
    let head = app.world_mut().spawn(LikenessHead::new(rig).with_lod(lod)).id();
    update_until(app, "the head", |world| world.get::<HeadParts>(head).is_some());
    head
}

/// A joint's entity.
pub(crate) fn joint(app: &App, head: Entity, name: &str) -> Entity {
    app.world().get::<HeadJoints>(head).unwrap().get(name).unwrap()
}

/// A joint's transform.
pub(crate) fn transform(app: &App, head: Entity, name: &str) -> Transform {
    *app.world().get::<Transform>(joint(app, head, name)).unwrap()
}
