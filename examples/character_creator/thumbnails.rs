//! Small pictures: a second head sits for them in front of a camera of its own, one picture after the other.

use std::collections::HashMap;

use bevy::camera::visibility::RenderLayers;
use bevy::camera::{ClearColorConfig, RenderTarget};
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::prelude::*;
use bevy::render::render_resource::TextureFormat;
use bevy_egui::{EguiTextureHandle, EguiUserTextures};
use bevy_likeness::prelude::*;
use bevy_likeness::{PendingOptions, PhotoSkin};

use crate::Options;
use crate::stage::{FACE_CENTER, MODEL_LAYER, Star};
use crate::start::Ready;
use crate::studio::Studio;
use crate::ui::pictures::Subject;

/// Side of a small picture, pixels.
const SIDE: u32 = 128;
/// Vertical field of view of the model's camera, radians.
const FIELD_OF_VIEW: f32 = 0.35;
/// Half the height of what a whole head needs, metres.
const WHOLE_HEAD: f32 = 0.165;
/// The least half height of a close-up, metres.
const CLOSE_UP: f32 = 0.042;
/// A movement with more than this share along the line of sight is looked at from the side.
const DEPTH_SHARE: f32 = 0.5;
/// Degrees that the side view is turned by.
const SIDE_VIEW: f32 = 65.0;
/// The face must rest for so long, seconds, before its pictures are made anew.
const REST: f32 = 0.4;

/// Makes the panels' small pictures.
pub(crate) struct ThumbnailsPlugin;

impl Plugin for ThumbnailsPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Album>().add_systems(Update, (hire, sit).chain().run_if(resource_exists::<Ready>));
    }
}

/// The head that sits.
#[derive(Component)]
struct Model;

/// The camera in front of it.
#[derive(Component)]
struct ModelCamera;

/// What has been taken.
#[derive(Resource, Default)]
struct Album {
    /// Each subject's picture, and what it shows once it has been taken.
    pictures: HashMap<Subject, (Handle<Image>, Option<Shown>)>,
    sitting: Option<Sitting>,
    /// The face that pictures are made for, and how long it has rested, seconds.
    face: Option<likeness_rig::Face>,
    rested: f32,
}

/// What a picture shows.
#[derive(Clone, PartialEq)]
struct Shown {
    face: likeness_rig::Face,
    /// The photo's skin; painted without.
    skin: Option<PhotoSkin>,
    lights: usize,
}

/// A picture being taken.
struct Sitting {
    subject: Subject,
    shown: Shown,
    /// Whether the camera is on in this frame.
    exposed: bool,
}

/// Hires the model with the studio's rig.
fn hire(
    ready: Res<Ready>,
    options: Res<Options>,
    models: Query<(), With<Model>>,
    heads: Query<&LikenessHead>,
    mut commands: Commands,
) {
    if !models.is_empty() {
        return;
    }
    let Ok(head) = heads.get(ready.star) else { return };
    commands.spawn((Model, head.clone().with_lod(options.lods()[1]), RenderLayers::layer(MODEL_LAYER)));
    commands.spawn((
        ModelCamera,
        Camera3d::default(),
        options.smoothing(),
        Camera {
            order: -1,
            is_active: false,
            clear_color: ClearColorConfig::Custom(Color::srgb_u8(0x3a, 0x41, 0x4c)),
            ..default()
        },
        Projection::Perspective(PerspectiveProjection { fov: FIELD_OF_VIEW, near: 0.01, ..default() }),
        Tonemapping::AcesFitted,
        RenderLayers::layer(MODEL_LAYER),
        // Any target does until the first picture: the camera is off.
        RenderTarget::None { size: UVec2::splat(SIDE) },
    ));
}

fn sit(
    mut ready: ResMut<Ready>,
    mut album: ResMut<Album>,
    mut models: Query<(Entity, &mut Face, Has<PendingOptions>), (With<Model>, With<HeadParts>)>,
    stars: Query<&PhotoSkin, With<Star>>,
    camera: Single<(&mut Camera, &mut RenderTarget, &mut Transform), With<ModelCamera>>,
    mut images: ResMut<Assets<Image>>,
    mut textures: ResMut<EguiUserTextures>,
    time: Res<Time>,
    mut commands: Commands,
) {
    let Ok((model, mut face, pending)) = models.single_mut() else { return };
    let (mut camera, mut target, mut place) = camera.into_inner();
    let Ready { studio, pictures, star, .. } = &mut *ready;
    if album.face.as_ref() == Some(&studio.document.face) {
        album.rested += time.delta_secs();
    } else {
        album.face = Some(studio.document.face.clone());
        album.rested = 0.0;
    }
    if let Some(mut sitting) = album.sitting.take() {
        if !sitting.exposed {
            // Hair that the face has just chosen may still be loading.
            camera.is_active = !pending;
            sitting.exposed = !pending;
            album.sitting = Some(sitting);
            return;
        }
        camera.is_active = false;
        if let Some((picture, shown)) = album.pictures.get_mut(&sitting.subject) {
            *shown = Some(sitting.shown);
            let texture = textures.image_id(picture.id());
            let texture = texture.unwrap_or_else(|| textures.add_image(EguiTextureHandle::Strong(picture.clone())));
            pictures.ready.insert(sitting.subject, texture);
        }
    }
    if album.rested < REST || studio.hand_is_busy {
        return;
    }
    let worn = stars.get(*star).ok();
    let due = pictures.wanted.iter().find_map(|subject| {
        let face = face_of(studio, *subject)?;
        let skin = worn.filter(|_| subject.is_of_the_face()).cloned();
        let wanted = Shown { face, skin, lights: studio.view.lights };
        let shown = album.pictures.get(subject).and_then(|(_, shown)| shown.as_ref());
        (shown != Some(&wanted)).then_some((*subject, wanted))
    });
    let Some((subject, wanted)) = due else { return };
    let (picture, _) = album.pictures.entry(subject).or_insert_with(|| {
        let format = TextureFormat::Rgba8UnormSrgb;
        (images.add(Image::new_target_texture(SIDE, SIDE, format, None)), None)
    });
    // The same hair as in the picture before is there already.
    let picture = picture.clone();
    let exposed = face.options == wanted.face.options && !pending;
    camera.is_active = exposed;
    *target = RenderTarget::Image(picture.into());
    *place = viewpoint(studio, subject);
    *face = wanted.face.clone().into();
    match &wanted.skin {
        Some(skin) => commands.entity(model).insert(skin.clone()),
        None => commands.entity(model).remove::<PhotoSkin>(),
    };
    album.sitting = Some(Sitting { subject, shown: wanted, exposed });
}

/// The face that a subject shows now; `None` for what is not there.
fn face_of(studio: &Studio, subject: Subject) -> Option<likeness_rig::Face> {
    let mut face = studio.document.face.clone();
    match subject {
        Subject::End { parameter, high } => *face.parameters.get_mut(parameter)? = if high { 1.0 } else { 0.0 },
        Subject::Choice { option, choice } => *face.options.get_mut(option)? = choice,
        Subject::Preset(index) => return Some(studio.presets.get(index)?.face.clone()),
        Subject::Slot(slot) => return studio.document.slots.get(slot)?.clone(),
    }
    Some(face)
}

/// Where the camera stands for a subject: close to what a parameter moves, and aside when that moves toward the camera.
fn viewpoint(studio: &Studio, subject: Subject) -> Transform {
    let close_up = match subject {
        Subject::End { parameter, .. } => studio.sculptor.focus(parameter),
        _ => None,
    };
    let (center, half_height, yaw): (Vec3, f32, f32) = match close_up {
        Some(focus) => {
            let half = (2.2 * focus.radius).clamp(CLOSE_UP, WHOLE_HEAD);
            (focus.center, half, if focus.direction.z > DEPTH_SHARE { SIDE_VIEW } else { 0.0 })
        }
        None => (FACE_CENTER + Vec3::new(0.0, 0.01, 0.0), WHOLE_HEAD, 12.0),
    };
    let distance = half_height / (FIELD_OF_VIEW * 0.5).tan();
    let from = Quat::from_rotation_y(yaw.to_radians()) * Vec3::Z * distance;
    Transform::from_translation(center + from).looking_at(center, Vec3::Y)
}
