//! 200 different people on screen: `cargo run --release --example crowd [-- --seed S]`. Escape quits.
//!
//! Everybody is drawn from the rig's prior, blinks, smiles and looks around. Those near the camera have all their
//! triangles, those far away a fifth.

use std::collections::HashSet;
use std::f32::consts::PI;
use std::path::PathBuf;
use std::time::Duration;

use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::mesh::Indices;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured, save_to_disk};
use bevy::time::TimeUpdateStrategy;
use bevy_likeness::prelude::*;
use bevy_likeness::{ByteAsset, EyeMaterial, HeadPart, PendingOptions, SkinMaterial, SkinQuality};
use clap::Parser;
use likeness_rig::{Prior, Rig, looks};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A crowd of random people.
#[derive(Parser, Resource, Clone, Debug)]
struct Options {
    /// How many people
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2000))]
    count: u32,
    /// The same seed draws the same people
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw everybody at this level of detail instead of by the distance
    #[arg(long, value_enum)]
    detail: Option<Detail>,
    /// With --screenshot: after how many frames, counted from when everybody is seen
    #[arg(long, default_value_t = 5, requires = "screenshot")]
    frames: u32,
    /// Write a picture to this PNG file and quit
    #[arg(long, value_name = "FILE")]
    screenshot: Option<PathBuf>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Detail {
    Full,
    Half,
    Fifth,
}

impl From<Detail> for Lod {
    fn from(detail: Detail) -> Self {
        match detail {
            Detail::Full => Self::Full,
            Detail::Half => Self::Half,
            Detail::Fifth => Self::Fifth,
        }
    }
}

/// People in a row.
const ROW: u32 = 20;
/// Metres from neighbour to neighbour, and from row to row upward and backward.
const STEP: Vec3 = Vec3::new(0.37, 0.28, 0.30);
/// Metres from the first row to the point that all rows curve around.
const RADIUS: f32 = 8.0;
/// Half the width, height and depth of a body, metres. Its top covers the collar, where the head's mesh ends.
const BODY: Vec3 = Vec3::new(0.235, 0.32, 0.14);
/// The middle of a body from between the eyes, metres.
const BODY_PLACE: Vec3 = Vec3::new(0.0, -0.475, -0.06);

/// The camera's angle from the bottom to the top of the picture, degrees.
const VIEW: f32 = 30.0;
/// A head nearer than this has all its triangles, one nearer than the second half of them, metres: with [`VIEW`], where a
/// face is a quarter and an eighth of the picture high.
const DETAIL: [f32; 2] = [1.9, 3.8];
/// A head must be this part nearer or farther than the limit before it changes, so that it does not flicker.
const HYSTERESIS: f32 = 0.1;
/// Heads are made anew for another level; no more of them a frame than this, so that no frame is long.
const CHANGES_A_FRAME: usize = 2;

/// Colours of clothes, sRGB.
const CLOTHES: [[u8; 3]; 10] = [
    [0x2f, 0x3b, 0x52],
    [0x6d, 0x2e, 0x38],
    [0x39, 0x57, 0x4a],
    [0xb8, 0x8b, 0x4a],
    [0x8d, 0x93, 0x9c],
    [0x27, 0x2a, 0x30],
    [0x4d, 0x6a, 0x8f],
    [0xc9, 0xbf, 0xae],
    [0x7b, 0x56, 0x7d],
    [0x9a, 0x4f, 0x33],
];

fn main() -> AppExit {
    let options = Options::parse();
    let mut app = App::new();
    app.add_plugins((
        DefaultPlugins.set(RenderPlugin {
            // A picture of the crowd has everything in it.
            synchronous_pipeline_compilation: options.screenshot.is_some(),
            ..default()
        }),
        LikenessPlugin,
    ));
    if options.screenshot.is_some() {
        // The picture does not depend on the machine's speed.
        app.insert_resource(TimeUpdateStrategy::ManualDuration(Duration::from_secs_f32(1.0 / 30.0)));
    }
    app.insert_resource(options)
        .insert_resource(ClearColor(Color::srgb_u8(0x20, 0x25, 0x2e)))
        // Nobody is near enough for the relief of wrinkles.
        .insert_resource(SkinQuality::Simple)
        .init_resource::<Loading>()
        .add_systems(Startup, set_up)
        .add_systems(
            Update,
            (
                gather.run_if(resource_exists::<Loading>),
                (reveal, tell_budget, picture).chain(),
                orbit,
                choose_detail,
                idle,
                quit,
            ),
        )
        .run()
}

/// What the people are made of, on its way.
#[derive(Resource, Default)]
struct Loading {
    rig: Handle<RigAsset>,
}

/// Somebody: the parent of a head and a body.
#[derive(Component)]
struct Person;

/// The camera's way around the crowd.
#[derive(Component)]
struct Orbit;

/// What somebody does all the time.
#[derive(Component)]
struct Idle {
    rng: ChaCha8Rng,
    /// Seconds until the eyes begin to close, negative while they do.
    blink: f32,
    /// Seconds until the next smile or the next serious moment, and how much it will be.
    mood: f32,
    smile: f32,
    brows: f32,
    /// Seconds until the eyes look elsewhere, and where they look; degrees.
    glance: f32,
    target: Vec2,
}

/// Seconds from open to open eyes.
const BLINK: f32 = 0.24;

fn set_up(mut commands: Commands, assets: Res<AssetServer>, mut loading: ResMut<Loading>) {
    loading.rig = assets.load("head/head.rig.ron");
    let lens = PerspectiveProjection { fov: VIEW.to_radians(), ..default() };
    commands.spawn((Orbit, Camera3d::default(), Projection::from(lens), Tonemapping::AcesFitted, Transform::default()));
    let lamps = [
        (Vec3::new(-0.7, 0.9, 1.2), Color::linear_rgb(1.0, 0.96, 0.91), 3_300.0),
        (Vec3::new(1.3, 0.3, 0.8), Color::linear_rgb(0.86, 0.92, 1.0), 1_100.0),
        (Vec3::new(0.4, 1.2, -1.0), Color::linear_rgb(1.0, 0.93, 0.85), 2_600.0),
    ];
    for (from, color, illuminance) in lamps {
        let lamp = DirectionalLight { color, illuminance, ..default() };
        commands.spawn((lamp, Transform::from_translation(from).looking_at(Vec3::ZERO, Vec3::Y)));
    }
    commands.insert_resource(GlobalAmbientLight { brightness: 230.0, ..default() });
}

/// Where somebody sits: rows of a stand that curves around a point in front of it.
fn seat(number: u32, count: u32) -> Transform {
    let row = number / ROW;
    let in_row = (count - row * ROW).min(ROW);
    let radius = RADIUS + row as f32 * STEP.z;
    // Everybody sees between the two in front.
    let shift = if row.is_multiple_of(2) { 0.25 } else { -0.25 };
    let place = (number % ROW) as f32 - (in_row - 1) as f32 / 2.0 + shift;
    let angle = place * STEP.x / RADIUS;
    let (sin, cos) = angle.sin_cos();
    Transform::from_xyz(radius * sin, row as f32 * STEP.y, RADIUS - radius * cos)
        .with_rotation(Quat::from_rotation_y(-angle))
}

/// Once the rig is there, so are the people.
fn gather(
    loading: Res<Loading>,
    options: Res<Options>,
    rigs: Res<Assets<RigAsset>>,
    bytes: Res<Assets<ByteAsset>>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    mut exit: MessageWriter<AppExit>,
    mut commands: Commands,
) {
    let Some(rig) = rigs.get(&loading.rig) else { return };
    let Some(prior) = bytes.get(&rig.prior) else { return };
    commands.remove_resource::<Loading>();
    let prior = match Prior::from_bytes(&prior.0, rig.rig(), &rig.rig().prior) {
        Ok(prior) => prior,
        Err(problem) => {
            error!("{problem}");
            exit.write(AppExit::error());
            return;
        }
    };
    let cloth = |color: [u8; 3], materials: &mut Assets<StandardMaterial>| {
        let [red, green, blue] = color;
        let base_color = Color::srgb_u8(red, green, blue);
        materials.add(StandardMaterial { base_color, perceptual_roughness: 0.9, ..default() })
    };
    let clothes = CLOTHES.map(|color| cloth(color, &mut materials));
    let shoulders = meshes.add(Sphere::new(1.0));
    for number in 0..options.count {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(number.into());
        let face = somebody(rig.rig(), &prior, &mut rng);
        let turn =
            Quat::from_rotation_y(rng.random_range(-0.2..0.2)) * Quat::from_rotation_x(rng.random_range(-0.05..0.08));
        let place = seat(number, options.count).with_scale(Vec3::splat(rng.random_range(0.95..1.05)));
        let cloth = clothes[rng.random_range(0..clothes.len())].clone();
        let detail = options.detail.map_or(Lod::Fifth, Lod::from);
        let head = LikenessHead::new(loading.rig.clone()).with_lod(detail);
        let body = Transform::from_translation(BODY_PLACE).with_scale(BODY);
        // Seen once everybody is there: see `reveal`.
        commands.spawn((Person, place, Visibility::Hidden)).with_children(|person| {
            person.spawn((head, face, Gaze::default(), Idle::new(rng), Transform::from_rotation(turn)));
            person.spawn((Mesh3d(shoulders.clone()), MeshMaterial3d(cloth), body));
        });
    }
}

/// A face as it goes together on one person: shape, colours, hair, beard, glasses, age.
fn somebody(rig: &Rig, prior: &Prior, rng: &mut ChaCha8Rng) -> Face {
    let mut face = likeness_rig::Face::neutral(rig);
    face.parameters = prior.sample(rng);
    looks::dress(rig, &mut face, rng);
    face.into()
}

/// The camera swings in front of the crowd, comes near and goes away.
fn orbit(time: Res<Time>, options: Res<Options>, mut camera: Single<&mut Transform, With<Orbit>>) {
    let seconds = time.elapsed_secs();
    let rows = options.count.div_ceil(ROW).saturating_sub(1) as f32;
    let middle = Vec3::new(0.0, STEP.y * rows * 0.5 - 0.26, -STEP.z * rows * 0.5);
    let nearness = 0.5 - 0.5 * (0.11 * seconds).cos();
    let distance = (6.6f32).lerp(3.4, nearness * nearness);
    let angle = 0.4 * (0.16 * seconds + 0.4).sin();
    let eye = middle + Quat::from_rotation_y(angle) * Vec3::new(0.0, 0.1 * distance, distance);
    **camera = Transform::from_translation(eye).looking_at(middle, Vec3::Y);
}

/// How many triangles a head at a distance (metres) should have; `now` is kept near a limit.
fn detail_at(distance: f32, now: Lod) -> Lod {
    let level = |distance: f32| match distance {
        near if near < DETAIL[0] => Lod::Full,
        middle if middle < DETAIL[1] => Lod::Half,
        _ => Lod::Fifth,
    };
    let (finest, coarsest) = (level(distance / (1.0 - HYSTERESIS)), level(distance / (1.0 + HYSTERESIS)));
    if finest <= coarsest { now.clamp(finest, coarsest) } else { now.clamp(coarsest, finest) }
}

/// Heads near the camera get their triangles, the nearest first.
fn choose_detail(
    options: Res<Options>,
    camera: Single<&GlobalTransform, With<Orbit>>,
    mut heads: Query<(Entity, &GlobalTransform, &mut LikenessHead)>,
) {
    if options.detail.is_some() {
        return;
    }
    let mut wishes: Vec<(f32, Entity, Lod)> = heads
        .iter()
        .filter_map(|(entity, place, head)| {
            let distance = place.translation().distance(camera.translation());
            let lod = detail_at(distance, head.lod);
            (lod != head.lod).then_some((distance, entity, lod))
        })
        .collect();
    wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, entity, lod) in wishes.into_iter().take(CHANGES_A_FRAME) {
        if let Ok((_, _, mut head)) = heads.get_mut(entity) {
            head.lod = lod;
        }
    }
}

impl Idle {
    fn new(mut rng: ChaCha8Rng) -> Self {
        let (blink, mood, glance) =
            (rng.random_range(0.0..5.0), rng.random_range(0.0..3.0), rng.random_range(0.0..3.0));
        Self { rng, blink, mood, smile: 0.0, brows: 0.0, glance, target: Vec2::ZERO }
    }

    /// What is decided anew now and then.
    fn decide(&mut self, seconds: f32) {
        self.blink -= seconds;
        if self.blink < -BLINK {
            self.blink = self.rng.random_range(1.5..6.0);
        }
        self.mood -= seconds;
        if self.mood < 0.0 {
            self.mood = self.rng.random_range(2.0..6.0);
            self.smile = if self.rng.random_bool(0.6) { self.rng.random_range(0.2..0.75) } else { 0.0 };
            self.brows = if self.rng.random_bool(0.3) { self.rng.random_range(0.2..0.6) } else { 0.0 };
        }
        self.glance -= seconds;
        if self.glance < 0.0 {
            self.glance = self.rng.random_range(0.8..4.0);
            self.target = Vec2::new(self.rng.random_range(-18.0..18.0), self.rng.random_range(-8.0..6.0));
            if self.rng.random_bool(0.6) {
                self.target *= 0.15;
            }
        }
    }

    /// How far the eyes are closed, 0..1.
    fn closed(&self) -> f32 {
        (-self.blink / BLINK * PI).sin().max(0.0) * f32::from(self.blink < 0.0)
    }
}

fn idle(time: Res<Time>, mut people: Query<(&mut Idle, &mut Expression, &mut Gaze)>) {
    let seconds = time.delta_secs();
    let (slow, fast) = (1.0 - (-3.0 * seconds).exp(), 1.0 - (-25.0 * seconds).exp());
    for (mut idle, mut expression, mut gaze) in &mut people {
        idle.decide(seconds);
        let closed = idle.closed();
        expression.set("eyeBlinkLeft", closed);
        expression.set("eyeBlinkRight", closed);
        let mut ease = |name: &str, wanted: f32| {
            let now = expression.get(name).unwrap_or(wanted);
            expression.set(name, now.lerp(wanted, slow));
        };
        ease("mouthSmileLeft", idle.smile);
        ease("mouthSmileRight", idle.smile * 0.92);
        ease("cheekSquintLeft", idle.smile * 0.5);
        ease("cheekSquintRight", idle.smile * 0.5);
        ease("browInnerUp", idle.brows);
        gaze.yaw = gaze.yaw.lerp(idle.target.x, fast);
        gaze.pitch = gaze.pitch.lerp(idle.target.y, fast);
    }
}

/// Shows the people once all have their heads and are dressed.
fn reveal(
    mut people: Query<&mut Visibility, With<Person>>,
    unready: Query<(), (With<LikenessHead>, Or<(Without<HeadParts>, With<PendingOptions>)>)>,
) {
    if unready.is_empty() {
        for mut visibility in people.iter_mut().filter(|visibility| **visibility == Visibility::Hidden) {
            *visibility = Visibility::Inherited;
        }
    }
}

/// Logs what the heads ask of a graphics card, once they are seen.
fn tell_budget(
    people: Query<&Visibility, With<Person>>,
    parts: Query<
        (
            &Mesh3d,
            Option<&MeshMaterial3d<SkinMaterial>>,
            Option<&MeshMaterial3d<EyeMaterial>>,
            Option<&MeshMaterial3d<StandardMaterial>>,
        ),
        With<HeadPart>,
    >,
    meshes: Res<Assets<Mesh>>,
    images: Res<Assets<Image>>,
    mut told: Local<bool>,
) {
    let is_seen = !people.is_empty() && people.iter().all(|visibility| *visibility != Visibility::Hidden);
    if *told || !is_seen {
        return;
    }
    *told = true;
    let mut triangles = 0;
    let (mut distinct, mut materials) = (HashSet::new(), HashSet::new());
    for (mesh, skin, eyes, other) in &parts {
        let indices = meshes.get(&mesh.0).and_then(|mesh| mesh.try_indices().ok().map(Indices::len));
        triangles += indices.unwrap_or_default() / 3;
        distinct.insert(mesh.id());
        materials.extend(skin.map(|material| material.id().untyped()));
        materials.extend(eyes.map(|material| material.id().untyped()));
        materials.extend(other.map(|material| material.id().untyped()));
    }
    let texels: u32 = images
        .iter()
        .map(|(_, image)| image.width() * image.height() * image.texture_descriptor.size.depth_or_array_layers)
        .sum();
    info!(
        "{} heads: {} meshes drawn ({} different), {triangles} triangles, {} materials, {} textures of {:.1} megatexels",
        people.iter().count(),
        parts.iter().count(),
        distinct.len(),
        materials.len(),
        images.len(),
        f64::from(texels) / 1e6,
    );
}

/// Takes the picture that was asked for.
fn picture(
    options: Res<Options>,
    people: Query<&Visibility, With<Person>>,
    mut frames: Local<u32>,
    mut commands: Commands,
) {
    let is_seen = !people.is_empty() && people.iter().all(|visibility| *visibility != Visibility::Hidden);
    let Some(path) = options.screenshot.clone().filter(|_| is_seen) else { return };
    *frames += 1;
    if *frames == options.frames.max(1) {
        commands.spawn(Screenshot::primary_window()).observe(save_to_disk(path)).observe(
            |_: On<ScreenshotCaptured>, mut exit: MessageWriter<AppExit>| {
                exit.write(AppExit::Success);
            },
        );
    }
}

fn quit(keys: Res<ButtonInput<KeyCode>>, mut exit: MessageWriter<AppExit>) {
    if keys.just_pressed(KeyCode::Escape) {
        exit.write(AppExit::Success);
    }
}
