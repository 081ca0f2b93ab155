//! What stands in front of the camera: the head, lights, a background.

use bevy::camera::visibility::RenderLayers;
use bevy::camera::{CameraOutputMode, ClearColorConfig};
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::prelude::*;
use bevy::render::render_resource::{BlendState, Extent3d, TextureDimension, TextureFormat};
use bevy_egui::{EguiGlobalSettings, PrimaryEguiContext};
use bevy_likeness::prelude::*;

use crate::Options;
use crate::start::Ready;

/// The head that is being made.
#[derive(Component, Clone, Copy, Debug, Default)]
pub(crate) struct Star;

/// The camera that looks at it, and from where.
#[derive(Component, Clone, Copy, Debug)]
pub(crate) struct Orbit {
    /// Degrees to the person's left.
    pub yaw: f32,
    /// Degrees upward.
    pub pitch: f32,
    /// Metres from the face.
    pub distance: f32,
}

impl Orbit {
    const FIRST: Self = Self { yaw: 8.0, pitch: 2.0, distance: 0.74 };

    /// Turns by degrees, within what makes sense for a face.
    pub(crate) fn turn(&mut self, yaw: f32, pitch: f32) {
        self.yaw = (self.yaw + yaw).rem_euclid(360.0);
        self.pitch = (self.pitch + pitch).clamp(-60.0, 75.0);
    }

    /// Comes nearer by a factor below one.
    pub(crate) fn zoom(&mut self, factor: f32) {
        self.distance = (self.distance * factor).clamp(0.35, 2.2);
    }
}

/// What the camera looks at: a little below the eyes, so that hair and neck are seen.
pub(crate) const FACE_CENTER: Vec3 = Vec3::new(0.0, -0.02, 0.0);

/// The layers of the star, and of the model that sits for small pictures.
pub(crate) const STAR_LAYER: usize = 0;
/// See [`STAR_LAYER`].
pub(crate) const MODEL_LAYER: usize = 1;

/// The folder `assets` beside the manifest when cargo runs the program, else beside the program.
pub(crate) fn asset_folder() -> String {
    let beside_manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    if beside_manifest.join("head").is_dir() { beside_manifest.to_string_lossy().into_owned() } else { "assets".into() }
}

/// A directional light: from where, its colour, and how bright, lux.
struct Lamp(Vec3, [f32; 3], f32);

/// The light set-ups in the order of the panels: lamps, and the ambient light's colour and brightness.
const LIGHTS: [(&[Lamp], [f32; 3], f32); 3] = [
    (
        &[
            Lamp(Vec3::new(-0.7, 0.7, 1.2), [1.0, 0.96, 0.91], 4_600.0),
            Lamp(Vec3::new(1.3, 0.3, 0.8), [0.86, 0.92, 1.0], 1_700.0),
            Lamp(Vec3::new(0.6, 0.9, -1.2), [1.0, 0.95, 0.9], 3_200.0),
        ],
        [0.92, 0.95, 1.0],
        300.0,
    ),
    (
        &[
            Lamp(Vec3::new(1.5, 0.5, 0.5), [0.93, 0.97, 1.0], 6_500.0),
            Lamp(Vec3::new(-1.2, 0.2, 0.8), [1.0, 0.9, 0.8], 900.0),
        ],
        [0.85, 0.92, 1.0],
        260.0,
    ),
    (
        &[
            Lamp(Vec3::new(-1.4, 0.25, 0.6), [1.0, 0.62, 0.36], 7_500.0),
            Lamp(Vec3::new(1.2, 0.6, -0.8), [0.45, 0.55, 1.0], 5_200.0),
            Lamp(Vec3::new(0.4, 0.2, 1.4), [0.75, 0.7, 0.9], 900.0),
        ],
        [0.6, 0.6, 0.85],
        180.0,
    ),
];

/// Backgrounds in the order of the panels: sRGB of the middle and of the corners.
const BACKGROUNDS: [([u8; 3], [u8; 3]); 4] = [
    ([0x5a, 0x63, 0x70], [0x1d, 0x21, 0x28]),
    ([0xcf, 0xbf, 0xa8], [0x7d, 0x6e, 0x5c]),
    ([0x8d, 0x5f, 0x6d], [0x1c, 0x1a, 0x33]),
    ([0x5f, 0x77, 0x62], [0x16, 0x22, 0x1c]),
];

/// Width and height of the background's picture.
const BACKGROUND_PIXELS: u32 = 64;
/// How far behind the face the background is, metres from the camera.
const BACKGROUND_DISTANCE: f32 = 6.0;

#[derive(Component)]
struct StageLight;

#[derive(Component)]
struct Background;

/// Sets the stage.
pub(crate) struct StagePlugin;

impl Plugin for StagePlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(ClearColor(Color::srgb_u8(0x1d, 0x21, 0x28)))
            .add_systems(Startup, set_up)
            .add_systems(Update, (light, paint_background).run_if(resource_exists::<Ready>))
            .add_systems(PostUpdate, place_camera.before(TransformSystems::Propagate));
    }
}

fn set_up(
    mut commands: Commands,
    assets: Res<AssetServer>,
    options: Res<Options>,
    mut egui: ResMut<EguiGlobalSettings>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    mut images: ResMut<Assets<Image>>,
) {
    egui.auto_create_primary_context = false;
    commands.spawn((Star, LikenessHead::new(assets.load("head/head.rig.ron")).with_lod(options.lods()[0])));
    let background = materials.add(StandardMaterial {
        base_color_texture: Some(images.add(gradient(0))),
        unlit: true,
        fog_enabled: false,
        ..default()
    });
    let size = 2.0 * BACKGROUND_DISTANCE;
    commands
        .spawn((
            Orbit::FIRST,
            Camera3d::default(),
            options.smoothing(),
            Tonemapping::AcesFitted,
            RenderLayers::layer(STAR_LAYER),
        ))
        .with_child((
            Background,
            Mesh3d(meshes.add(Rectangle::new(size * 1.8, size))),
            MeshMaterial3d(background),
            Transform::from_xyz(0.0, 0.0, -BACKGROUND_DISTANCE),
        ));
    commands.spawn((
        PrimaryEguiContext,
        Camera2d,
        options.smoothing(),
        RenderLayers::none(),
        Camera {
            order: 10,
            output_mode: CameraOutputMode::Write {
                blend_state: Some(BlendState::ALPHA_BLENDING),
                clear_color: ClearColorConfig::None,
            },
            clear_color: ClearColorConfig::Custom(Color::NONE),
            ..default()
        },
    ));
    spawn_lights(&mut commands, 0);
}

fn spawn_lights(commands: &mut Commands, choice: usize) {
    let (lamps, ambient, brightness) = &LIGHTS[choice.min(LIGHTS.len() - 1)];
    for Lamp(from, [red, green, blue], illuminance) in *lamps {
        commands.spawn((
            StageLight,
            DirectionalLight { color: Color::linear_rgb(*red, *green, *blue), illuminance: *illuminance, ..default() },
            Transform::from_translation(*from).looking_at(Vec3::ZERO, Vec3::Y),
            RenderLayers::from_layers(&[STAR_LAYER, MODEL_LAYER]),
        ));
    }
    let [red, green, blue] = *ambient;
    commands.insert_resource(GlobalAmbientLight {
        color: Color::linear_rgb(red, green, blue),
        brightness: *brightness,
        ..default()
    });
}

fn light(ready: Res<Ready>, mut shown: Local<usize>, lights: Query<Entity, With<StageLight>>, mut commands: Commands) {
    let wanted = ready.studio.view.lights;
    if *shown != wanted {
        *shown = wanted;
        for light in &lights {
            commands.entity(light).despawn();
        }
        spawn_lights(&mut commands, wanted);
    }
}

fn paint_background(
    ready: Res<Ready>,
    mut shown: Local<usize>,
    background: Single<&MeshMaterial3d<StandardMaterial>, With<Background>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    mut images: ResMut<Assets<Image>>,
) {
    let wanted = ready.studio.view.background;
    if *shown != wanted
        && let Some(mut material) = materials.get_mut(&background.0)
    {
        *shown = wanted;
        material.base_color_texture = Some(images.add(gradient(wanted)));
    }
}

/// A soft spot of light on a wall.
fn gradient(choice: usize) -> Image {
    let (middle, corner) = BACKGROUNDS[choice.min(BACKGROUNDS.len() - 1)];
    let side = BACKGROUND_PIXELS as f32;
    let mut pixels = Vec::new();
    for index in 0..BACKGROUND_PIXELS * BACKGROUND_PIXELS {
        let place = Vec2::new((index % BACKGROUND_PIXELS) as f32, (index / BACKGROUND_PIXELS) as f32) / side;
        let far = (2.3 * place.distance(Vec2::new(0.5, 0.47))).clamp(0.0, 1.0);
        let soft = far * far * (3.0 - 2.0 * far);
        let mix = |from: u8, to: u8| (f32::from(from) + soft * (f32::from(to) - f32::from(from))).round() as u8;
        pixels.extend([mix(middle[0], corner[0]), mix(middle[1], corner[1]), mix(middle[2], corner[2]), u8::MAX]);
    }
    Image::new(
        Extent3d { width: BACKGROUND_PIXELS, height: BACKGROUND_PIXELS, depth_or_array_layers: 1 },
        TextureDimension::D2,
        pixels,
        TextureFormat::Rgba8UnormSrgb,
        default(),
    )
}

fn place_camera(mut cameras: Query<(&Orbit, &mut Transform), Changed<Orbit>>) {
    for (orbit, mut transform) in &mut cameras {
        let turn = Quat::from_rotation_y(orbit.yaw.to_radians()) * Quat::from_rotation_x(-orbit.pitch.to_radians());
        *transform =
            Transform::from_translation(FACE_CENTER + turn * Vec3::Z * orbit.distance).looking_at(FACE_CENTER, Vec3::Y);
    }
}
