//! What the studio asks of the file system.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use bevy::prelude::*;
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};
use image::{DynamicImage, ImageFormat, ImageResult};
use likeness_rig::write_atomic;

use crate::dialogs::Dialogs;
use crate::start::Ready;
use crate::studio::{Event, Request};
use crate::window::Hidden;
use crate::{Options, clipboard, library, photo};

/// Frames without panels around a screenshot: that of the request, that which is taken, and one of slack for pipelined rendering.
const WITHOUT_PANELS: u32 = 3;

/// Serves the studio's requests.
pub(crate) struct FilesPlugin;

impl Plugin for FilesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Dialogs>().add_systems(Update, (serve, dropped).run_if(resource_exists::<Ready>));
    }
}

/// Where faces and screenshots are saved.
pub(crate) fn folder(options: &Options) -> PathBuf {
    options.folder.clone().unwrap_or_else(|| {
        directories::ProjectDirs::from("", "", "likeness")
            .map_or_else(|| PathBuf::from("faces"), |folders| folders.data_dir().join("faces"))
    })
}

fn serve(
    mut ready: ResMut<Ready>,
    mut dialogs: ResMut<Dialogs>,
    mut clipboard: NonSendMut<clipboard::Clipboard>,
    mut hidden: ResMut<Hidden>,
    options: Res<Options>,
    mut commands: Commands,
) {
    let folder = folder(&options);
    for request in std::mem::take(&mut ready.studio.requests) {
        match request {
            Request::ChoosePhoto => dialogs.choose_photo(&ready.studio),
            Request::ChooseFace => dialogs.choose_face(&ready.studio),
            Request::OpenPhoto(path) => photo::open(&mut ready, &path, &mut commands),
            Request::Copy(text) => {
                if let Err(problem) = clipboard.set_text(text) {
                    ready.studio.fail(problem);
                }
            }
            Request::Paste => clipboard::paste(&mut ready, &mut clipboard, &mut commands),
            Request::Save(name) => save(&mut ready, &folder, &name),
            Request::Load(path) => load(&mut ready, &folder.join(path)),
            Request::Screenshot => {
                hidden.0 = WITHOUT_PANELS;
                take_screenshot(&ready, &folder, &mut commands);
            }
        }
    }
}

fn save(ready: &mut Ready, folder: &Path, name: &str) {
    let path = folder.join(library::file_name(name));
    let saved = std::fs::create_dir_all(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))
        .and_then(|()| save_skin(ready, &path))
        .and_then(|skin| {
            let mut file = ready.studio.face_file();
            file.photo_skin = skin;
            file.save(&path).map_err(|error| error.to_string())
        });
    let studio = &mut ready.studio;
    match saved {
        Ok(()) => {
            studio.library = library::names(folder);
            studio.events.push(Event::Saved { path: path.display().to_string() });
            studio.tell_with("notice-saved", "name", path.display().to_string());
        }
        Err(problem) => studio.fail(problem),
    }
}

/// Saves the face's skin beside its file; the name of the picture.
fn save_skin(ready: &Ready, face: &Path) -> Result<Option<String>, String> {
    let Some(skin) = &ready.studio.document.skin else { return Ok(None) };
    let name = library::skin_name(face);
    write_png(&DynamicImage::from(skin.0.as_ref().clone()), &face.with_file_name(&name))?;
    Ok(Some(name))
}

/// Takes a face file.
pub(crate) fn load(ready: &mut Ready, path: &Path) {
    let studio = &mut ready.studio;
    match library::load(path, &studio.rig) {
        Ok((face, skin)) => {
            studio.take(face, skin);
            studio.events.push(Event::Loaded { path: path.display().to_string() });
            studio.tell_with("notice-loaded", "name", path.display().to_string());
        }
        Err(problem) => studio.fail(problem),
    }
}

/// A file that was dropped on the window: a face file, or else a photo.
fn dropped(mut ready: ResMut<Ready>, mut drops: MessageReader<FileDragAndDrop>, mut commands: Commands) {
    for drop in drops.read() {
        if let FileDragAndDrop::DroppedFile { path_buf, .. } = drop {
            open(&mut ready, path_buf, &mut commands);
        }
    }
}

/// Opens a face file or a photo, by its ending.
pub(crate) fn open(ready: &mut Ready, path: &Path, commands: &mut Commands) {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        load(ready, path);
    } else {
        photo::open(ready, path, commands);
    }
}

/// A picture of the window without panels.
fn take_screenshot(ready: &Ready, folder: &Path, commands: &mut Commands) {
    let stem = library::file_name(&ready.studio.save_name).replace(".face.json", "");
    let taken = (1..).map(|number| folder.join(format!("{stem} {number}.png"))).find(|path| !path.exists());
    let Some(path) = taken else { return };
    commands.spawn(Screenshot::primary_window()).observe(
        move |captured: On<ScreenshotCaptured>, mut ready: ResMut<Ready>| {
            let studio = &mut ready.studio;
            match write_picture(&captured.image, &path) {
                Ok(()) => {
                    studio.events.push(Event::Screenshot { path: path.display().to_string() });
                    studio.tell_with("notice-screenshot", "name", path.display().to_string());
                }
                Err(problem) => studio.fail(problem),
            }
        },
    );
}

fn write_picture(picture: &Image, path: &Path) -> Result<(), String> {
    let picture = picture.clone().try_into_dynamic().map_err(|error| error.to_string())?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    write_png(&picture.to_rgb8().into(), path)
}

fn write_png(picture: &DynamicImage, path: &Path) -> Result<(), String> {
    let png = png(picture).map_err(|error| error.to_string())?;
    write_atomic(path, &png).map_err(|error| error.to_string())
}

/// A picture as the bytes of a PNG file.
pub(crate) fn png(picture: &DynamicImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    Ok(bytes)
}
