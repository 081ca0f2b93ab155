//! The camera: looked for while the photo page is open, on while its preview shows. What it sees stays in memory.

mod capture;
mod frame;
mod linux;

use std::io;
use std::thread::JoinHandle;

use bevy::prelude::*;
use bevy::tasks::futures::check_ready;
use bevy::tasks::{AsyncComputeTaskPool, IoTaskPool, Task};
use bevy_egui::{EguiUserTextures, egui};
use image::{ImageResult, RgbImage};

use crate::panel_texture::PanelTexture;
use crate::start::Ready;
use crate::studio::{CameraState, Tab};
use crate::texts::Texts;
use crate::ui::pictures::PanelPicture;
use crate::{files, photo};
use capture::{Capture, Frame};
use frame::FrameError;
use linux::Survey;

/// Seconds between two looks for a camera.
const LOOK_PERIOD: f32 = 2.0;

/// Shows what the camera sees, and takes pictures.
pub(crate) struct CameraPlugin;

impl Plugin for CameraPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Booth>()
            .add_systems(Update, (look, watch, hand_over).chain().run_if(resource_exists::<Ready>));
    }
}

/// Why the camera gives no pictures.
#[derive(Debug, thiserror::Error)]
enum CameraError {
    /// It belongs to another program.
    #[error("another program uses the camera")]
    Busy,
    /// It was unplugged, or its thread has died of it.
    #[error("the camera does not answer any more")]
    Gone,
    /// It is on, and nothing comes.
    #[error("the camera sends no pictures")]
    Silent,
    /// What it sends cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The system's message.
    #[error("camera: {0}")]
    Device(io::Error),
}

/// What goes on in front of the camera.
#[derive(Resource, Default)]
struct Booth {
    /// Which devices there are, and the next look at them.
    survey: Survey,
    looking: Option<Task<Survey>>,
    /// Seconds until then.
    rest: f32,
    /// The thread that reads frames while the preview shows.
    capture: Option<Capture>,
    /// The thread of the preview before, which may still have to give the device back.
    ending: Option<JoinHandle<()>>,
    /// The frame that the preview shows.
    frame: Option<RgbImage>,
    texture: PanelTexture,
    /// The picture that was taken, on its way into a file's bytes.
    encoding: Option<Task<ImageResult<Vec<u8>>>>,
}

impl Booth {
    /// The newest frame that nobody has seen yet; turns the camera on.
    fn newest(&mut self) -> Result<Option<Frame>, CameraError> {
        if self.capture.is_none() && self.ending.as_ref().is_none_or(JoinHandle::is_finished) {
            self.capture = Some(Capture::start(linux::Camera::open)?);
        }
        self.capture.as_ref().map_or(Ok(None), Capture::newest)
    }
}

/// Looks for a camera when the photo page opens, and every now and then while it is open.
fn look(mut booth: ResMut<Booth>, mut ready: ResMut<Ready>, time: Res<Time>) {
    let studio = &mut ready.studio;
    if let Some(task) = &mut booth.looking {
        if let Some(survey) = check_ready(task) {
            studio.camera = match studio.camera {
                CameraState::Absent if survey.has_camera => CameraState::Off,
                CameraState::Off if !survey.has_camera => CameraState::Absent,
                same => same,
            };
            booth.looking = None;
            booth.survey = survey;
        }
        return;
    }
    let due = studio.tab == Tab::Photo && !studio.camera.is_on();
    booth.rest = if due { booth.rest - time.delta_secs() } else { 0.0 };
    if due && booth.rest <= 0.0 {
        booth.rest = LOOK_PERIOD;
        let survey = booth.survey.clone();
        // A device may take its time to open.
        booth.looking = Some(IoTaskPool::get().spawn(async move { survey.again() }));
    }
}

/// Keeps the camera on while the preview shows, and no longer.
fn watch(
    mut booth: ResMut<Booth>,
    mut ready: ResMut<Ready>,
    mut images: ResMut<Assets<Image>>,
    mut textures: ResMut<EguiUserTextures>,
) {
    let Ready { studio, pictures, .. } = &mut *ready;
    let booth = &mut *booth;
    if studio.tab != Tab::Photo {
        studio.close_camera();
    }
    if studio.camera.is_on() {
        match booth.newest() {
            Ok(Some(frame)) => {
                let size = egui::vec2(frame.picture.width() as f32, frame.picture.height() as f32);
                let texture = booth.texture.show(&frame.small, &mut images, &mut textures);
                pictures.preview = Some(PanelPicture { texture, size });
                booth.frame = Some(frame.picture);
            }
            Ok(None) => {}
            Err(error) => {
                studio.fail(words(&error, &studio.texts));
                studio.close_camera();
                booth.survey = Survey::default();
            }
        }
    }
    if studio.camera == CameraState::Taking
        && let Some(picture) = booth.frame.take()
    {
        booth.encoding = Some(AsyncComputeTaskPool::get().spawn(async move { files::png(&picture.into()) }));
        studio.close_camera();
    }
    if !studio.camera.is_on()
        && let Some(capture) = booth.capture.take()
    {
        booth.ending = Some(capture.stop());
        booth.frame = None;
        booth.texture.clear(&mut textures);
        pictures.preview = None;
    }
}

/// Hands the picture that was taken to where dropped photos go.
fn hand_over(mut booth: ResMut<Booth>, mut ready: ResMut<Ready>, mut commands: Commands) {
    if let Some(task) = &mut booth.encoding
        && let Some(done) = check_ready(task)
    {
        booth.encoding = None;
        match done {
            Ok(png) => photo::open_bytes(&mut ready, png, &mut commands),
            Err(problem) => ready.studio.fail(problem.to_string()),
        }
    }
}

/// An error in the player's words.
fn words(error: &CameraError, texts: &Texts) -> String {
    match error {
        CameraError::Busy => texts.get("camera-busy"),
        CameraError::Gone => texts.get("camera-gone"),
        CameraError::Silent => texts.get("camera-silent"),
        CameraError::Frame(_) | CameraError::Device(_) => texts.with("notice-failed", "problem", error.to_string()),
    }
}
