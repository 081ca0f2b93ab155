//! Drawing synthetic faces into shards.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, mpsc::sync_channel},
    thread,
};

use image::{RgbImage, buffer::ConvertBuffer};
use likeness_render::{
    Background, Clothes, Light, LightRig, Passes, Picture, RenderOptions, Renderer, Shot, ShotCamera,
};
use likeness_rig::{Face, FaceFile, Prior};
use rayon::prelude::*;

use crate::{
    console::Console,
    dice::{Dice, Purpose},
    effects::{Effects, encode_jpeg},
    error::{Result, TrainError, io_error},
    head::Head,
    metrics::Report,
    scene::{Garment, Lamp, People, Scene, draw_scene},
    shards::{CameraLabel, RenderLabel, ShardWriter, shard_path},
    variety::Variety,
};

/// What is drawn, and where it goes.
#[derive(Clone, Debug)]
pub struct FacesOptions {
    /// The folder of the shards.
    pub out: PathBuf,
    /// How many pictures the whole data set has.
    pub count: u64,
    /// The seed.
    pub seed: u64,
    /// This call draws shards `i`, `i + n`, ... : `(i, n)`.
    pub part: (u64, u64),
    /// Pixels on a side.
    pub size: u32,
    /// How many times larger than usual faces are in the pictures, above 0.
    pub zoom: f32,
    /// Pictures in a shard.
    pub shard: u64,
    /// Whether part masks are stored.
    pub masks: bool,
    /// Faces of people's own (A9), drawn instead of faces from the prior.
    pub faces: Vec<PathBuf>,
    /// What is held still, to learn what its variety is worth.
    pub still: Vec<Variety>,
    /// The photos' population (see [`crate::population`]) and the share of pictures that show somebody of it.
    pub population: Option<(PathBuf, f32)>,
}

/// A shard's pictures on their way from drawing to encoding.
struct Drawn {
    path: PathBuf,
    pictures: Vec<(RenderLabel, Picture)>,
}

/// Draws the shards that are not there yet. Answers how many pictures were drawn.
///
/// # Errors
/// A face file does not belong to the rig; there is no graphics driver; a file cannot be written.
pub fn render_faces(head: &Head, options: &FacesOptions) -> Result<u64> {
    let presets = options
        .faces
        .iter()
        .map(|path| Ok(FaceFile::load(path)?.resolve(&head.rig)?.0))
        .collect::<Result<Vec<Face>>>()?;
    let population = match &options.population {
        Some((path, share)) => Some((Prior::load(path, &head.rig)?, *share)),
        None => None,
    };
    let people = People {
        prior: &head.prior,
        population: population.as_ref().map(|(population, share)| (population, *share)),
        presets: &presets,
    };
    fs::create_dir_all(&options.out).map_err(io_error(&options.out))?;
    let shards = options.count.div_ceil(options.shard.max(1));
    let (part, parts) = options.part;
    let missing: Vec<u64> = (0..shards)
        .filter(|shard| shard % parts == part)
        .filter(|shard| !shard_path(&options.out, *shard).exists())
        .collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let mut renderer = Renderer::new(RenderOptions::new(&head.path))?;
    // One shard is encoded while the next is drawn.
    let (send, receive) = sync_channel::<Drawn>(1);
    let seed = options.seed;
    let plain = options.still.contains(&Variety::Effects);
    let encoder = thread::spawn(move || receive.iter().try_for_each(|drawn| encode(drawn, seed, plain)));
    let mut console = Console::new("render", missing.len() as u64);
    let mut drawn = 0;
    for (done, &shard) in missing.iter().enumerate() {
        let indices = shard * options.shard..((shard + 1) * options.shard).min(options.count);
        let pictures = draw(&mut renderer, head, &people, options, indices)?;
        drawn += pictures.len() as u64;
        if send.send(Drawn { path: shard_path(&options.out, shard), pictures }).is_err() {
            break;
        }
        console.report(&Report::from([("step".to_owned(), done as f64 + 1.0), ("pictures".to_owned(), drawn as f64)]));
    }
    drop(send);
    encoder.join().map_err(|_| TrainError::Loader("the encoder's thread ended".into()))??;
    Ok(drawn)
}

fn draw(
    renderer: &mut Renderer,
    head: &Head,
    people: &People<'_>,
    options: &FacesOptions,
    indices: std::ops::Range<u64>,
) -> Result<Vec<(RenderLabel, Picture)>> {
    let scenes: Vec<(u64, Scene)> =
        indices.into_par_iter().map(|index| (index, scene(head, people, options, index))).collect();
    let shots: Vec<Shot> = scenes.par_iter().map(|(_, scene)| shot(scene, options.size)).collect();
    let passes = Passes { parts: options.masks, ..Passes::COLOR };
    let pictures = renderer.render(&shots, options.size, passes)?;
    let labels = scenes.iter().zip(&shots).map(|((index, scene), shot)| label(head, options, *index, scene, shot));
    Ok(labels.zip(pictures).collect())
}

fn scene(head: &Head, people: &People<'_>, options: &FacesOptions, index: u64) -> Scene {
    let mut scene = draw_scene(&head.rig, people, options.seed, index);
    options.still.iter().for_each(|variety| variety.hold_still(&mut scene));
    scene.zoom(options.zoom);
    scene
}

fn light(lamp: &Lamp) -> Light {
    Light { direction: lamp.direction, color: lamp.color, intensity: lamp.intensity, softness: lamp.softness }
}

fn clothes(&Garment { color, collar, width, side, front, slope }: &Garment) -> Clothes {
    Clothes { color, collar, width, side, front, slope }
}

fn shot(scene: &Scene, size: u32) -> Shot {
    let [key, fill, rim] = &scene.lamps;
    Shot {
        face: scene.face.clone(),
        expression: scene.expression,
        pose: scene.pose,
        gaze: scene.gaze,
        camera: ShotCamera { fov_y: scene.fov_y, distance: scene.distance, target: scene.target },
        lights: LightRig {
            key: light(key),
            fill: light(fill),
            rim: light(rim),
            sky: scene.ambient[0],
            ground: scene.ambient[1],
        },
        clothes: scene.garment.as_ref().map(clothes),
        photo_skin: None,
        background: Background::Image(Arc::new(scene.backdrop.paint(size))),
    }
}

fn label(head: &Head, options: &FacesOptions, index: u64, scene: &Scene, shot: &Shot) -> RenderLabel {
    let camera = shot.camera.to_camera(options.size);
    let rotation = scene.pose.rotation();
    // The contour is that of the yaw at which the camera sees the head, which stands off its axis by the target.
    let points = head.landmarks.points(&scene.face.parameters, &scene.expression, scene.pose.yaw);
    let round = |value: f32| (value * 1e5).round() / 1e5;
    let natural = scene.face.colors.iter().zip(&head.rig.colors).filter(|(_, slot)| !slot.cosmetic);
    RenderLabel {
        index,
        seed: options.seed,
        rig: head.rig.id.clone(),
        rig_version: head.rig.version,
        parameters: scene.face.parameters.iter().copied().map(round).collect(),
        options: scene.face.options.clone(),
        colors: natural.map(|(color, _)| color.map(round)).collect(),
        details: scene.face.details.iter().map(|value| round(*value)).collect(),
        expression: scene.expression.iter().copied().map(round).collect(),
        pose: [scene.pose.yaw, scene.pose.pitch, scene.pose.roll],
        gaze: scene.gaze,
        camera: CameraLabel { distance: scene.distance, fov_y: scene.fov_y, target: scene.target.to_array() },
        landmarks: points
            .iter()
            .map(|point| {
                camera.project(rotation * *point).unwrap_or_default().to_array().map(|x| (x * 100.0).round() / 100.0)
            })
            .collect(),
    }
}

fn encode(drawn: Drawn, seed: u64, plain: bool) -> Result<()> {
    let Drawn { path, pictures } = drawn;
    let here = |source| TrainError::Picture { path: path.clone(), source };
    let encoded = pictures
        .into_par_iter()
        .map(|(label, picture)| {
            let mut dice = Dice::new(seed, Purpose::Effects, label.index);
            let effects = if plain { Effects::NONE } else { Effects::draw(&mut dice) };
            let color: RgbImage = picture.color.convert();
            let jpeg = encode_jpeg(&effects.apply(&color, &mut dice), effects.quality).map_err(here)?;
            let mask = picture.parts.as_ref().map(encode_mask).transpose().map_err(here)?;
            Ok((label, jpeg, mask))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut writer = ShardWriter::default();
    for (label, jpeg, mask) in &encoded {
        writer.add(label, jpeg, mask.as_deref())?;
    }
    writer.finish(&path)
}

fn encode_mask(mask: &image::GrayImage) -> std::result::Result<Vec<u8>, image::ImageError> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    mask.write_to(&mut bytes, image::ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// Reads `I/N`.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_part(text: &str) -> std::result::Result<(u64, u64), String> {
    let wrong = || format!("`{text}`: write I/N with I from 0 to N - 1, for example 0/4");
    let (part, parts) = text.split_once('/').ok_or_else(wrong)?;
    match (part.parse(), parts.parse()) {
        (Ok(part), Ok(parts)) if part < parts => Ok((part, parts)),
        _ => Err(wrong()),
    }
}
