//! The skin as a photo shows it: brows, lashes' roots, lips, wrinkles, moles and stubble in the place that the head's texture
//! coordinates have for them.
//!
//! The predicted head is laid over the photo and pulled onto its landmarks, so that every texel of the face knows where it is
//! seen. The light is then taken off (see [`light`]), so that what is left is the skin's own colour over the face's mean one.

mod blur;
mod chart;
mod crop;
mod displacement;
mod face;
mod light;

use crate::error::{Result, VisionError};
use crate::photo::Photo;
use crate::region::smoothstep;
use blur::Blurred;
use chart::{SkinChart, Texel};
use crop::LinearCrop;
use displacement::DisplacementField;
use face::PhotoFace;
use glam::{Vec2, Vec3};
use image::{ImageError, ImageFormat, ImageReader, Limits, Rgba, RgbaImage};
use light::{Light, Sample, median};
use likeness_rig::color::to_srgb;
use likeness_rig::palette::SKIN_REFERENCE;
use likeness_rig::similarity::align;
use likeness_rig::{CompiledRig, HeadMesh, HeadPose, LandmarkModel, LandmarkSet, Rig, RigBinding};
use rayon::prelude::*;
use std::path::Path;

/// Side of the texture, pixels: the outer eye corners of the bundled head are 211 apart in it.
const SIZE: u32 = 1024;
const LUMINANCE: Vec3 = Vec3::new(0.2126, 0.7152, 0.0722);
/// The part of the mesh that is skin.
const SKIN: &str = "skin";

/// How well landmarks of the contour and of the inner face are known, over how far heads miss them.
const NOISE: (f32, f32) = (1.0, 0.05);
/// Over how many distances of the outer eye corners misses are alike.
const REACH: f32 = 0.5;

/// The cosine to the camera below which skin is not read, and from which it is read fully.
const FACING: (f32, f32) = (0.15, 0.55);
/// By how much more the other side of the face must face the camera to be looked at in place of a side that is turned away: not at
/// all, and alone.
const TURNED_AWAY: (f32, f32) = (0.25, 0.5);
/// How much darker than the other side, logarithms, beside the brows is taken for hair that hangs there: not at all, and fully.
const DARKER: (f32, f32) = (0.35, 0.8);
/// How much bluer than plain skin the white of an eye is, logarithms, and how dark its iris: not at all, and fully.
const WHITE: (f32, f32) = (0.22, 0.42);
const IRIS: (f32, f32) = (-0.7, -1.1);
/// How dark the folds of a smile may be over the face's mean, and how much of what is darker is lifted.
const DEEP: f32 = 0.72;
const LIFTED: f32 = 0.8;
/// Over how many texels the skin's own tone changes slowly, and how much of these changes stays: most are left of the light.
const TONE: (f32, f32) = (45.0, 0.35);
/// Over how many texels hair is told from skin.
const HAIR: f32 = 9.0;
/// How dark plain skin may be where hair may hang before it is taken for hair, fully and not at all.
const HAIR_DARKNESS: (f32, f32) = (0.35, 0.65);
/// How much less blue than red it may be, likewise, logarithms.
const HAIR_YELLOW: (f32, f32) = (0.8, 0.45);
/// Over how many texels hair reaches beyond where it is told from skin, and how much it grows there.
const HAIR_EDGE: (f32, f32) = (6.0, 2.0);
/// Brightness over that of plain skin beyond which it is taken for gloss, and the most that is left of it.
const GLOSS: (f32, f32) = (1.06, 0.22);
/// The least brightness over that of plain skin.
const DARKEST: f32 = 0.01;

/// The largest side of a skin's picture that is read, pixels.
const LARGEST: u32 = 4096;

/// Reads a skin from the PNG file that it was saved in, such as the `skin.png` that `likeness create` writes.
///
/// # Errors
/// [`VisionError::Io`], and [`VisionError::Damaged`] for a file that is no PNG or has more than 4096 pixels a side.
pub fn open_skin(path: &Path) -> Result<RgbaImage> {
    let io = |source| VisionError::Io { path: path.to_path_buf(), source };
    let mut reader = ImageReader::open(path).map_err(io)?;
    reader.set_format(ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST);
    limits.max_image_height = Some(LARGEST);
    reader.limits(limits);
    let damaged =
        |error: ImageError| VisionError::Damaged { photo: path.display().to_string(), reason: error.to_string() };
    Ok(reader.decode().map_err(damaged)?.to_rgba8())
}

/// What a skin is read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting<'a> {
    pub(crate) photo: &'a Photo,
    /// Pixels of the photo.
    pub(crate) landmarks: &'a [Vec2; 68],
    pub(crate) parameters: &'a [f32],
    pub(crate) expression: &'a [f32; 52],
    pub(crate) pose: &'a HeadPose,
    pub(crate) wears_glasses: bool,
}

/// What a photo shows of a skin.
pub(crate) enum PhotoSkin {
    /// The texture, see [`Prediction::skin`](crate::Prediction::skin).
    Seen(RgbaImage),
    /// The head's texture coordinates do not show a face.
    Unmapped,
    /// Too little: the part of the face's texture that is seen, percent.
    Hidden(f32),
}

/// The least part of the face's texture that must be seen.
const LEAST_SEEN: f32 = 0.3;

/// Reads skins from photos.
#[derive(Debug)]
pub(crate) struct SkinReader {
    rig: CompiledRig,
    binding: RigBinding,
    chart: SkinChart,
    /// The colour of the painted lips, linear RGB.
    lips: [f32; 3],
}

/// A vertex as the photo shows it.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Pixels of the crop.
    place: Vec2,
    /// Toward +z is the camera.
    normal: Vec3,
}

impl SkinReader {
    /// A reader for a head; `None` when its texture coordinates do not show a face.
    ///
    /// # Errors
    /// The mesh does not belong to the rig.
    pub(crate) fn new(rig: &Rig, mesh: &HeadMesh, points: &LandmarkSet) -> Result<Option<Self>> {
        let chart = mesh.part(SKIN).and_then(|skin| SkinChart::new(skin, points, SIZE));
        let Some(chart) = chart else { return Ok(None) };
        let lips = rig.color_index("lips").map_or(SKIN_REFERENCE, |slot| rig.colors[slot].default);
        Ok(Some(Self { binding: mesh.bind(rig)?, rig: rig.compile()?, chart, lips }))
    }

    /// The skin's texture as the photo shows it.
    ///
    /// # Errors
    /// [`VisionError::DegenerateLandmarks`].
    pub(crate) fn read(&self, mesh: &HeadMesh, model: &LandmarkModel, sighting: &Sighting<'_>) -> Result<PhotoSkin> {
        let (crop, at) = LinearCrop::new(sighting.photo, sighting.landmarks)?;
        let unit = at[36].distance(at[45]);
        let seen = self.seen(mesh, model, sighting, &at, unit)?;

        let face = PhotoFace::new(sighting, &at, unit);
        let samples: Vec<Sample> = self
            .chart
            .vertices
            .iter()
            .map(|vertex| seen[*vertex as usize])
            .filter(|seen| seen.normal.z > FACING.0 && crop.holds(seen.place) && face.plain(seen.place) > 0.99)
            .map(|seen| Sample { normal: seen.normal, color: crop.at(seen.place) })
            .collect();
        let Some(light) = Light::fit(&samples) else { return Ok(PhotoSkin::Hidden(0.0)) };
        let own = |color: [f32; 3], normal: Vec3| Vec3::from(color) / Vec3::from(light.on(normal));
        let skin = median_color(samples.iter().map(|sample| own(sample.color, sample.normal)));
        let Some(skin) = skin else { return Ok(PhotoSkin::Hidden(0.0)) };

        let mut texels: Vec<Read> = self
            .chart
            .texels
            .par_iter()
            .map(|texel| {
                let corners = texel.triangle.map(|vertex| seen[vertex as usize]);
                let mixed = |value: &dyn Fn(&Seen) -> Vec3| -> Vec3 {
                    corners.iter().zip(texel.weights).map(|(corner, weight)| value(corner) * weight).sum()
                };
                let place = mixed(&|seen| seen.place.extend(0.0)).truncate();
                let normal = mixed(&|seen| seen.normal).normalize_or(Vec3::Z);
                if !crop.holds(place) {
                    return Read::default();
                }
                let sight = smoothstep(FACING.0, FACING.1, normal.z) * face.sight(place);
                let color = matt(own(crop.at(place), normal) / skin).max(Vec3::splat(DARKEST));
                Read { place, color: color.map(f32::ln), sight, plain: face.plain(place), facing: normal.z }
            })
            .collect();
        let covers = self.chart.texels.iter().map(|texel| texel.cover);
        let seen: f32 = covers.clone().zip(&texels).map(|(cover, read)| cover * read.sight).sum();
        let seen = seen / covers.sum::<f32>();
        if seen < LEAST_SEEN {
            return Ok(PhotoSkin::Hidden(seen * 100.0));
        }
        self.leave_eyes_out(&face, &mut texels);
        self.compare_sides(&face, &mut texels);
        self.even_out(&face, &mut texels);
        Ok(PhotoSkin::Seen(self.painted(&texels)))
    }

    /// Leaves out what of an eye shows below its lid's landmarks.
    fn leave_eyes_out(&self, face: &PhotoFace<'_>, texels: &mut [Read]) {
        self.each(texels, |_, read| {
            let white = smoothstep(WHITE.0, WHITE.1, read.color.z - read.color.x);
            let iris = smoothstep(IRIS.0, IRIS.1, read.color.dot(LUMINANCE));
            read.sight *= 1.0 - face.may_be_eye(read.place) * white.max(iris);
        });
    }

    /// Leaves to the face's other side what this one does not show: what is turned away, where the outline of a face that is a little
    /// off mixes in what is behind, and what hair covers beside a brow.
    fn compare_sides(&self, face: &PhotoFace<'_>, texels: &mut [Read]) {
        let seen = self.mean(HAIR, texels, |read| read.sight);
        let before = texels.to_vec();
        self.each(texels, |texel, read| {
            let Some(other) = texel.twin.map(|twin| &before[twin]) else { return };
            let turned = smoothstep(TURNED_AWAY.0, TURNED_AWAY.1, other.facing - read.facing);
            let here = seen.at(texel.column, texel.row).dot(LUMINANCE);
            let there = seen.at(self.chart.size - 1 - texel.column, texel.row).dot(LUMINANCE);
            let hair = smoothstep(DARKER.0, DARKER.1, there - here) * face.beside_brow(read.place);
            read.sight *= 1.0 - other.sight * turned.max(hair);
        });
    }

    /// Takes off what is not the skin's own: what is left of the light, hair over the forehead, folds of a smile.
    fn even_out(&self, face: &PhotoFace<'_>, texels: &mut [Read]) {
        let near = self.mean_skin(HAIR, texels);
        let hidden = |(texel, read): (&Texel, &Read)| {
            let color = near.at(texel.column, texel.row);
            let is_skin = smoothstep(HAIR_DARKNESS.0.ln(), HAIR_DARKNESS.1.ln(), color.min_element())
                * smoothstep(HAIR_YELLOW.0, HAIR_YELLOW.1, color.x - color.z);
            face.may_be_hair(read.place) * read.plain * (1.0 - is_skin)
        };
        let hidden: Vec<f32> = self.chart.texels.par_iter().zip(&*texels).map(hidden).collect();
        let places = self.chart.texels.iter().map(|texel| (texel.column, texel.row));
        let values = places.zip(&hidden).map(|(place, hidden)| (place, Vec3::splat(*hidden), 1.0));
        let around = Blurred::new(self.chart.size, HAIR_EDGE.0, values);
        self.each(texels, |texel, read| {
            // Up to its half a soft edge is hair all the same: what is thin there or lies in its shade is no skin to keep.
            let hair = HAIR_EDGE.1 * around.at(texel.column, texel.row).x;
            read.sight *= 1.0 - read.plain * hair.min(1.0);
        });
        let tone = self.mean_skin(TONE.0, texels);
        self.each(texels, |texel, read| {
            let slow = tone.at(texel.column, texel.row);
            let (smoothed, folded) = face.smile_at(read.place);
            let fine = (read.color - slow) * (1.0 - read.plain * smoothed);
            read.color = slow * TONE.1 + fine;
            // The deepest folds are lifted as a whole, so that their hue stays.
            let depth = (DEEP.ln() - read.color.dot(LUMINANCE)).max(0.0);
            read.color += depth * LIFTED * read.plain * folded;
        });
    }

    fn each(&self, texels: &mut [Read], change: impl Fn(&Texel, &mut Read) + Sync) {
        self.chart.texels.par_iter().zip(texels).for_each(|(texel, read)| change(texel, read));
    }

    /// The mean colour of plain skin around each texel.
    fn mean_skin(&self, radius: f32, texels: &[Read]) -> Blurred {
        self.mean(radius, texels, |read| read.sight * read.plain)
    }

    /// The mean colour around each texel.
    fn mean(&self, radius: f32, texels: &[Read], weight: impl Fn(&Read) -> f32) -> Blurred {
        let texels = self.chart.texels.iter().zip(texels);
        let values = texels.map(|(texel, read)| ((texel.column, texel.row), read.color, weight(read)));
        Blurred::new(self.chart.size, radius, values)
    }

    /// The picture of what was read.
    fn painted(&self, texels: &[Read]) -> RgbaImage {
        let size = self.chart.size;
        // The lips have the face's colour, and the photo's pattern.
        let lips = self.chart.texels.iter().zip(texels).filter(|(texel, read)| texel.lips > 0.9 && read.sight > 0.3);
        let lips = median_color(lips.map(|(_, read)| read.color.map(f32::exp)));
        let colors = self.chart.texels.par_iter().zip(texels).map(|(texel, read)| {
            let Read { mut color, mut sight, .. } = *read;
            if let Some(other) = texel.twin.map(|twin| &texels[twin]) {
                // What is turned away looks like its other side.
                let share = other.sight * (1.0 - sight);
                let total = sight + share;
                if total > 0.0 {
                    color = (color * sight + other.color * share) / total;
                    sight = total.min(1.0);
                }
            }
            let color = color.map(f32::exp);
            let mut painted = color * Vec3::from(SKIN_REFERENCE);
            match lips {
                Some(lips) => painted = painted.lerp(color / lips * Vec3::from(self.lips), texel.lips),
                None => sight *= 1.0 - texel.lips,
            }
            let [red, green, blue] = painted.to_array().map(to_srgb);
            Rgba([red, green, blue, (texel.cover * sight * 255.0).round() as u8])
        });
        let mut picture = RgbaImage::new(size, size);
        for (texel, color) in self.chart.texels.iter().zip(colors.collect::<Vec<_>>()) {
            picture.put_pixel(texel.column, texel.row, color);
        }
        picture
    }

    /// Where the photo shows each vertex.
    fn seen(
        &self,
        mesh: &HeadMesh,
        model: &LandmarkModel,
        sighting: &Sighting<'_>,
        at: &[Vec2; 68],
        unit: f32,
    ) -> Result<Vec<Seen>> {
        let rotation = sighting.pose.rotation();
        let flat = |point: Vec3| Vec2::new(point.x, -point.y);
        let expected = model
            .points(sighting.parameters, sighting.expression, sighting.pose.yaw)
            .map(|point| flat(rotation * point));
        let to_crop = align(&expected[17..], &at[17..]).ok_or(VisionError::DegenerateLandmarks)?;
        let expected = expected.map(|point| to_crop.apply(point));
        let misses: Vec<Vec2> = expected.iter().zip(at).map(|(expected, at)| *at - *expected).collect();
        let noise: Vec<f32> = (0..68).map(|index| if index < 17 { NOISE.0 } else { NOISE.1 }).collect();
        let pull = DisplacementField::new(&expected, &misses, &noise, REACH * unit);

        let mut offsets = Vec::new();
        self.rig.offsets_into(sighting.parameters, &mut offsets);
        let matrices = self.binding.joint_matrices(mesh, &offsets);
        let names = &mesh.morph_names;
        let expression: Vec<f32> = names
            .iter()
            .map(|name| likeness_rig::arkit_index(name).map_or(0.0, |index| sighting.expression[index]))
            .collect();
        let Some(skin) = mesh.part(SKIN) else { return Err(VisionError::DegenerateLandmarks) };
        let mut positions = Vec::new();
        mesh.skin(skin, &matrices, &expression, &mut positions);
        positions.iter_mut().for_each(|position| *position = rotation * *position);

        let mut seen = vec![Seen::default(); positions.len()];
        for [a, b, c] in skin.triangles.iter().map(|triangle| triangle.map(|vertex| vertex as usize)) {
            let normal = (positions[b] - positions[a]).cross(positions[c] - positions[a]);
            for vertex in [a, b, c] {
                seen[vertex].normal += normal;
            }
        }
        let places = self.chart.vertices.par_iter().map(|vertex| {
            let place = to_crop.apply(flat(positions[*vertex as usize]));
            place + pull.at(place)
        });
        for (vertex, place) in self.chart.vertices.iter().zip(places.collect::<Vec<_>>()) {
            let seen = &mut seen[*vertex as usize];
            *seen = Seen { place, normal: seen.normal.normalize_or(Vec3::Z) };
        }
        Ok(seen)
    }
}

/// A texel as the photo shows it.
#[derive(Clone, Copy, Default)]
struct Read {
    /// Pixels of the crop.
    place: Vec2,
    /// Logarithms of the colour over that of plain skin.
    color: Vec3,
    /// How well it is seen, 0..1.
    sight: f32,
    /// How far plain skin is expected there, neither brows, eyes nor lips, 0..1.
    plain: f32,
    /// The cosine to the camera.
    facing: f32,
}

/// A colour over that of plain skin, without gloss.
fn matt(color: Vec3) -> Vec3 {
    let (knee, most) = GLOSS;
    let brightness = color.dot(LUMINANCE);
    let over = brightness - knee;
    if over > 0.0 { color * ((knee + most * over / (over + most)) / brightness) } else { color }
}

/// The median of each channel; `None` of none.
fn median_color(colors: impl Iterator<Item = Vec3>) -> Option<Vec3> {
    let colors: Vec<Vec3> = colors.collect();
    let channel = |channel: usize| median(colors.iter().map(|color| color[channel]).collect()).max(1e-3);
    (!colors.is_empty()).then(|| Vec3::new(channel(0), channel(1), channel(2)))
}

#[cfg(test)]
mod tests;
