//! A photo becomes the face, and is shown beside it with its landmarks. Photos stay in memory.

use std::path::Path;
use std::sync::Arc;

use bevy::prelude::*;
use bevy::tasks::futures::check_ready;
use bevy::tasks::{AsyncComputeTaskPool, Task};
use bevy_egui::{EguiUserTextures, egui};
use bevy_likeness::prelude::*;
use bevy_likeness::{PhotoSource, QualityWarning, SeveralFaces};
use image::RgbImage;
use likeness_vision::Photo;

use crate::panel_texture::{self, PanelTexture};
use crate::stage::Star;
use crate::start::Ready;
use crate::studio::{Event, PhotoNote, SkinPixels};
use crate::ui::pictures::{PanelPicture, PhotoPicture};

/// Opens photos.
pub(crate) struct PhotoPlugin;

impl Plugin for PhotoPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Desk>()
            .add_observer(predicted)
            .add_observer(failed)
            .add_systems(Update, (decode, show).chain().run_if(resource_exists::<Ready>));
    }
}

/// The photo whose picture is being prepared.
#[derive(Resource, Default)]
struct Desk {
    decoding: Option<Task<Option<(RgbImage, egui::Vec2)>>>,
    texture: PanelTexture,
    /// The landmarks of the newest answer.
    landmarks: Vec<egui::Pos2>,
}

/// Asks for a photo to be decoded for the panel.
#[derive(Component)]
struct ForPanel(PhotoSource);

/// Finds the face in a photo file.
pub(crate) fn open(ready: &mut Ready, path: &Path, commands: &mut Commands) {
    ask(ready, PhotoSource::File(path.to_path_buf()), commands);
}

/// Finds the face in the bytes of a photo file.
pub(crate) fn open_bytes(ready: &mut Ready, bytes: Vec<u8>, commands: &mut Commands) {
    ask(ready, PhotoSource::Bytes(Arc::from(bytes)), commands);
}

fn ask(ready: &mut Ready, photo: PhotoSource, commands: &mut Commands) {
    ready.studio.predicting = true;
    ready.studio.tab = crate::studio::Tab::Photo;
    ready.studio.close_camera();
    commands.entity(ready.star).insert(ForPanel(photo.clone()));
    let options = PredictOptions { several_faces: SeveralFaces::TakeLargest, skin: true, ..PredictOptions::default() };
    commands.trigger(PredictFace { entity: ready.star, photo, options });
}

fn decode(asked: Query<(Entity, &ForPanel), Added<ForPanel>>, mut desk: ResMut<Desk>, mut commands: Commands) {
    for (entity, ForPanel(photo)) in &asked {
        let photo = photo.clone();
        commands.entity(entity).remove::<ForPanel>();
        desk.landmarks.clear();
        desk.decoding = Some(AsyncComputeTaskPool::get().spawn(async move {
            // What is wrong with a photo, the prediction says.
            let photo = match photo {
                PhotoSource::File(path) => Photo::open(&path),
                PhotoSource::Bytes(bytes) => Photo::from_bytes(&bytes, "clipboard"),
            };
            let pixels = photo.ok()?.pixels;
            let size = egui::vec2(pixels.width() as f32, pixels.height() as f32);
            Some((panel_texture::shrink(&pixels), size))
        }));
    }
}

fn show(
    mut desk: ResMut<Desk>,
    mut ready: ResMut<Ready>,
    mut images: ResMut<Assets<Image>>,
    mut textures: ResMut<EguiUserTextures>,
) {
    let desk = &mut *desk;
    if let Some(task) = &mut desk.decoding
        && let Some(done) = check_ready(task)
    {
        desk.decoding = None;
        desk.texture.clear(&mut textures);
        ready.pictures.photo = done.map(|(pixels, size)| {
            let texture = desk.texture.show(&pixels, &mut images, &mut textures);
            PhotoPicture { picture: PanelPicture { texture, size }, landmarks: Vec::new() }
        });
    }
    let landmarks = &desk.landmarks;
    if let Some(photo) = &mut ready.pictures.photo
        && photo.landmarks.len() != landmarks.len()
    {
        photo.landmarks.clone_from(landmarks);
    }
}

fn predicted(
    done: On<FacePredicted>,
    ready: Option<ResMut<Ready>>,
    faces: Query<&Face, With<Star>>,
    mut desk: ResMut<Desk>,
) {
    let Some(mut ready) = ready.filter(|ready| ready.star == done.entity) else { return };
    let Ok(face) = faces.get(done.entity) else { return };
    desk.landmarks = done.landmarks.iter().map(|point| egui::pos2(point.x, point.y)).collect();
    let words = |warning: &QualityWarning| ready.studio.texts.or(text_of(warning), &warning.to_string());
    let warnings = done.warnings.iter().map(words).collect();
    let looks = done.appearance.clone();
    let note = PhotoNote { confidence: done.confidence, warnings, expression: done.expression, looks };
    let skin = done.skin.clone().map(SkinPixels);
    ready.studio.take_photo(face.clone().into(), skin, note);
}

fn failed(failed: On<FacePredictionFailed>, ready: Option<ResMut<Ready>>) {
    let Some(mut ready) = ready.filter(|ready| ready.star == failed.entity) else { return };
    let problem = failed.error.to_string();
    let studio = &mut ready.studio;
    studio.predicting = false;
    studio.events.push(Event::PredictionFailed { error: problem.clone() });
    let text = studio.texts.with("notice-failed", "problem", problem);
    studio.fail(text);
}

/// The key of a warning's words.
fn text_of(warning: &QualityWarning) -> &'static str {
    match warning {
        QualityWarning::TooDark { .. } => "warning-dark",
        QualityWarning::Overexposed { .. } => "warning-bright",
        QualityWarning::Blurred { .. } => "warning-blurred",
        QualityWarning::TurnedFar { .. } => "warning-turned",
        QualityWarning::SmallFace { .. } => "warning-small",
        QualityWarning::CutOff { .. } => "warning-cut",
        QualityWarning::SeveralFaces { .. } => "warning-several",
        QualityWarning::PoorFit { .. } => "warning-fit",
        QualityWarning::SkinHidden { .. } | QualityWarning::SkinUnmapped => "warning-skin",
        // A warning of a later version speaks for itself.
        _ => "",
    }
}
