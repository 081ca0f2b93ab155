//! The studio opens once the head's files are there.

use std::path::Path;
use std::sync::Arc;

use bevy::prelude::*;
use bevy_likeness::prelude::*;
use bevy_likeness::{ByteAsset, HeadReady};
use likeness_rig::{HeadMesh, Prior, RigError, Sculptor};

use crate::studio::{Event, Preset, Studio};
use crate::texts::Texts;
use crate::ui::pictures::Pictures;
use crate::{Options, files, library, stage};

/// The studio and the pictures of its panels, once the head is loaded.
#[derive(Resource)]
pub(crate) struct Ready {
    /// What is being made.
    pub studio: Studio,
    /// What the panels show.
    pub pictures: Pictures,
    /// The head on the stage.
    pub star: Entity,
}

/// Opens the studio.
pub(crate) struct StartPlugin;

impl Plugin for StartPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Loading>()
            .add_observer(|ready: On<HeadReady>, stars: Query<(), With<stage::Star>>, mut loading: ResMut<Loading>| {
                if stars.contains(ready.entity) {
                    loading.star = Some(ready.entity);
                }
            })
            .add_systems(Update, open.run_if(not(resource_exists::<Ready>)));
    }
}

#[derive(Resource, Default)]
struct Loading {
    star: Option<Entity>,
    mesh: Option<Handle<ByteAsset>>,
}

fn open(
    mut loading: ResMut<Loading>,
    heads: Query<&LikenessHead>,
    rigs: Res<Assets<RigAsset>>,
    bytes: Res<Assets<ByteAsset>>,
    server: Res<AssetServer>,
    options: Res<Options>,
    mut exit: MessageWriter<AppExit>,
    mut commands: Commands,
) {
    let Some((star, rig)) = loading.star.and_then(|star| Some((star, rigs.get(&heads.get(star).ok()?.rig)?))) else {
        return;
    };
    let mesh = loading.mesh.get_or_insert_with(|| {
        let path = server.get_path(&rig.mesh).map(|path| path.into_owned()).unwrap_or_default();
        server.load(path)
    });
    let (Some(mesh), Some(prior)) = (bytes.get(mesh), bytes.get(&rig.prior)) else {
        return;
    };
    let (language, texts) = match words(&options) {
        Ok(words) => words,
        Err(problem) => {
            error!("{problem}");
            exit.write(AppExit::error());
            return;
        }
    };
    let opened = sculptor(rig, &mesh.0).and_then(|sculptor| {
        let prior = Prior::from_bytes(&prior.0, rig.rig(), &rig.rig().prior)?;
        Ok(Studio::new(Arc::new(prior), Arc::new(sculptor), texts, options.seed))
    });
    let mut studio = match opened {
        Ok(studio) => studio,
        Err(problem) => {
            error!("{problem}");
            exit.write(AppExit::error());
            return;
        }
    };
    studio.set_language(language);
    studio.presets = presets(&studio);
    studio.library = library::names(&files::folder(&options));
    studio.events.push(Event::Ready);
    let mut ready = Ready { studio, pictures: Pictures::default(), star };
    if let Some(first) = &options.photo {
        files::open(&mut ready, first, &mut commands);
    }
    commands.insert_resource(ready);
}

fn words(options: &Options) -> Result<(crate::texts::Language, Texts), crate::texts::TextsError> {
    let mut texts = Texts::bundled(crate::texts::Language::default());
    if let Some(folder) = &options.locales {
        texts.add_folder(folder)?;
    }
    let wanted = options.language.as_deref();
    let asked = texts.languages().into_iter().map(|(language, _)| language).find(|known| Some(known.tag()) == wanted);
    Ok((asked.unwrap_or_else(|| texts.system_language()), texts))
}

fn sculptor(rig: &RigAsset, mesh: &[u8]) -> Result<Sculptor, RigError> {
    let mesh = HeadMesh::from_glb(mesh, &rig.rig().mesh)?;
    Sculptor::new(rig.shared_rig(), Arc::new(mesh), "skin")
}

/// The faces that come with the creator, by their names.
fn presets(studio: &Studio) -> Vec<Preset> {
    let folder = Path::new(&stage::asset_folder()).join("presets");
    library::names(&folder)
        .into_iter()
        .filter_map(|name| match library::load(&folder.join(library::file_name(&name)), &studio.rig) {
            Ok((face, _)) => Some(Preset { name, face }),
            Err(error) => {
                warn!("{error}");
                None
            }
        })
        .collect()
}
