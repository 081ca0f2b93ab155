//! The skin as a photo shows it: brows, lashes' roots, lips, wrinkles, moles and stubble in the place that the head's texture
//! coordinates have for them.
//!
//! The predicted head is laid over the photo and pulled onto its landmarks, so that every texel of the face knows where it is
//! seen. The light is then taken off (see [`light`]), so that what is left is the skin's own colour over the face's mean one.

mod blur;
mod chart;
mod displacement;
mod light;

use crate::error::{Result, VisionError};
use crate::photo::Photo;
use crate::region::{depth_in, distance_to_path, smoothstep};
use crate::warp::warp;
use blur::Blurred;
use chart::SkinChart;
use displacement::DisplacementField;
use glam::{Vec2, Vec3};
use image::{Rgba, RgbaImage};
use light::{Light, Sample, median};
use likeness_rig::color::{from_srgb, to_srgb};
use likeness_rig::crop::{CROP_SIZE, photo_to_crop};
use likeness_rig::palette::SKIN_REFERENCE;
use likeness_rig::similarity::{Similarity, align};
use likeness_rig::{CompiledRig, HeadMesh, HeadPose, LandmarkModel, LandmarkSet, Rig, RigBinding};

/// Side of the texture, pixels: the outer eye corners of the bundled head are 211 apart in it.
const SIZE: u32 = 1024;
/// Scale of the crop that is read over that of the network's, and how far it reaches beyond on each side: the outer eye corners are
/// 190 pixels apart.
const ZOOM: f32 = 4.0;
const MARGIN: f32 = 96.0;
/// How near to the photo's edge it is still read, pixels of the crop.
const RIM: f32 = 8.0;
const LUMINANCE: Vec3 = Vec3::new(0.2126, 0.7152, 0.0722);
/// The part of the mesh that is skin.
const SKIN: &str = "skin";

/// How well landmarks of the contour and of the inner face are known, over how far heads miss them.
const NOISE: (f32, f32) = (1.0, 0.05);
/// Over how many distances of the outer eye corners misses are alike.
const REACH: f32 = 0.5;

/// The cosine to the camera below which skin is not read, and from which it is read fully.
const FACING: (f32, f32) = (0.15, 0.55);
/// How near to the opening of an eye skin is read, in distances of the outer eye corners: never, and fully.
const LIDS: (f32, f32) = (0.01, 0.04);
/// The same for the opening of a mouth.
const MOUTH: (f32, f32) = (0.0, 0.025);
/// The same for the line through both eyes of somebody with glasses.
const GLASSES: (f32, f32) = (0.32, 0.5);
/// How far apart the lips are, likewise, when a mouth starts to show teeth, and when it does.
const OPEN: (f32, f32) = (0.02, 0.07);
/// How far around an open mouth lips and teeth may be mistaken for each other, likewise.
const OPEN_LIPS: f32 = 0.11;
/// How far the folds of a smile reach, likewise.
const FOLDS: f32 = 0.32;
/// How much of the relief of a smiling face goes: in the folds, and elsewhere.
const SMOOTHED: (f32, f32) = (0.85, 0.1);
/// How dark the folds of a smile may be over the face's mean, and how much of what is darker is lifted.
const DEEP: f32 = 0.72;
const LIFTED: f32 = 0.8;
/// How far brows, eyes and lips reach around their landmarks, likewise: fully, and not at all.
const BROWS: (f32, f32) = (0.04, 0.09);
const EYES: (f32, f32) = (0.03, 0.08);
const LIPS: (f32, f32) = (0.02, 0.07);

/// Over how many texels the skin's own tone changes slowly, and how much of these changes stays: most are left of the light.
const TONE: (f32, f32) = (45.0, 0.35);
/// Over how many texels hair is told from skin.
const HAIR: f32 = 9.0;
/// How dark plain skin may be where hair may hang before it is taken for hair, fully and not at all.
const HAIR_DARKNESS: (f32, f32) = (0.35, 0.65);
/// How much less blue than red it may be, likewise, logarithms.
const HAIR_YELLOW: (f32, f32) = (0.8, 0.45);
/// From which distance of the middle of the face on hair may hang beside the eyes, over that of the outer eye corners.
const BESIDE: f32 = 0.65;
/// Over how far the regions of hair fade, likewise.
const SOFT: f32 = 0.1;
/// Brightness over that of plain skin beyond which it is taken for gloss, and the most that is left of it.
const GLOSS: (f32, f32) = (1.06, 0.22);
/// The least brightness over that of plain skin.
const DARKEST: f32 = 0.01;

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

/// Reads skins from photos.
#[derive(Debug)]
pub(crate) struct SkinReader {
    mesh: HeadMesh,
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
        Ok(Some(Self { binding: mesh.bind(rig)?, rig: rig.compile()?, mesh: mesh.clone(), chart, lips }))
    }

    /// The skin's texture as the photo shows it, see [`Prediction::skin`](crate::Prediction::skin).
    ///
    /// # Errors
    /// [`VisionError::DegenerateLandmarks`].
    pub(crate) fn read(&self, model: &LandmarkModel, sighting: &Sighting<'_>) -> Result<RgbaImage> {
        let to_network = photo_to_crop(sighting.landmarks).ok_or(VisionError::DegenerateLandmarks)?;
        let to_crop = Similarity {
            a: to_network.a * ZOOM,
            b: to_network.b * ZOOM,
            tx: to_network.tx * ZOOM + MARGIN,
            ty: to_network.ty * ZOOM + MARGIN,
        };
        let crop = LinearCrop::new(sighting.photo, &to_crop)?;
        let at = sighting.landmarks.map(|point| to_crop.apply(point));
        let unit = at[36].distance(at[45]);
        let seen = self.seen(model, sighting, &at, unit)?;

        let face = PhotoFace::new(sighting, &at, unit);
        let samples: Vec<Sample> = self
            .chart
            .vertices
            .iter()
            .map(|vertex| seen[*vertex as usize])
            .filter(|seen| seen.normal.z > FACING.0 && crop.holds(seen.place) && face.plain(seen.place) > 0.99)
            .map(|seen| Sample { normal: seen.normal, color: crop.at(seen.place) })
            .collect();
        let light = Light::fit(&samples).ok_or(VisionError::DegenerateLandmarks)?;
        let own = |color: [f32; 3], normal: Vec3| Vec3::from(color) / Vec3::from(light.on(normal));
        let skin = median_color(samples.iter().map(|sample| own(sample.color, sample.normal)));
        let skin = skin.ok_or(VisionError::DegenerateLandmarks)?;

        let mut texels: Vec<Read> = self
            .chart
            .texels
            .iter()
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
                Read { place, color: color.map(f32::ln), sight, plain: face.plain(place) }
            })
            .collect();
        self.even_out(&face, &mut texels);
        Ok(self.painted(&texels))
    }

    /// Takes off what is not the skin's own: what is left of the light, hair over the forehead, folds of a smile.
    fn even_out(&self, face: &PhotoFace<'_>, texels: &mut [Read]) {
        let near = self.mean_skin(HAIR, texels);
        let hair: Vec<f32> = self
            .chart
            .texels
            .iter()
            .zip(texels.iter())
            .map(|(texel, read)| {
                let color = near.at(texel.column, texel.row);
                let is_skin = smoothstep(HAIR_DARKNESS.0.ln(), HAIR_DARKNESS.1.ln(), color.min_element())
                    * smoothstep(HAIR_YELLOW.0, HAIR_YELLOW.1, color.x - color.z);
                face.may_be_hair(read.place) * read.plain * (1.0 - is_skin)
            })
            .collect();
        for (read, hair) in texels.iter_mut().zip(hair) {
            read.sight *= 1.0 - hair;
        }
        let tone = self.mean_skin(TONE.0, texels);
        for (texel, read) in self.chart.texels.iter().zip(texels) {
            let slow = tone.at(texel.column, texel.row);
            let (smoothed, folded) = face.smile_at(read.place);
            let fine = (read.color - slow) * (1.0 - read.plain * smoothed);
            read.color = slow * TONE.1 + fine;
            // The deepest folds are lifted as a whole, so that their hue stays.
            let depth = (DEEP.ln() - read.color.dot(LUMINANCE)).max(0.0);
            read.color += depth * LIFTED * read.plain * folded;
        }
    }

    /// The mean colour of plain skin around each texel.
    fn mean_skin(&self, radius: f32, texels: &[Read]) -> Blurred {
        let texels = self.chart.texels.iter().zip(texels);
        let values = texels.map(|(texel, read)| ((texel.column, texel.row), read.color, read.sight * read.plain));
        Blurred::new(self.chart.size, radius, values)
    }

    fn painted(&self, texels: &[Read]) -> RgbaImage {
        let size = self.chart.size;
        let mut twins = vec![None; (size * size) as usize];
        for (texel, read) in self.chart.texels.iter().zip(texels) {
            twins[(texel.row * size + texel.column) as usize] = Some(read);
        }
        // The lips have the face's colour, and the photo's pattern.
        let lips = self.chart.texels.iter().zip(texels).filter(|(texel, read)| texel.lips > 0.9 && read.sight > 0.3);
        let lips = median_color(lips.map(|(_, read)| read.color.map(f32::exp)));
        let mut picture = RgbaImage::new(size, size);
        for (texel, read) in self.chart.texels.iter().zip(texels) {
            let Read { mut color, mut sight, .. } = *read;
            let twin = twins[(texel.row * size + size - 1 - texel.column) as usize];
            if let Some(other) = twin.filter(|_| self.chart.is_mirrored) {
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
            let cover = (texel.cover * sight * 255.0).round() as u8;
            picture.put_pixel(texel.column, texel.row, Rgba([red, green, blue, cover]));
        }
        picture
    }

    /// Where the photo shows each vertex.
    fn seen(&self, model: &LandmarkModel, sighting: &Sighting<'_>, at: &[Vec2; 68], unit: f32) -> Result<Vec<Seen>> {
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
        let matrices = self.binding.joint_matrices(&self.mesh, &offsets);
        let names = &self.mesh.morph_names;
        let expression: Vec<f32> = names
            .iter()
            .map(|name| likeness_rig::arkit_index(name).map_or(0.0, |index| sighting.expression[index]))
            .collect();
        let Some(skin) = self.mesh.part(SKIN) else { return Err(VisionError::DegenerateLandmarks) };
        let mut positions = Vec::new();
        self.mesh.skin(skin, &matrices, &expression, &mut positions);
        positions.iter_mut().for_each(|position| *position = rotation * *position);

        let mut seen = vec![Seen::default(); positions.len()];
        for [a, b, c] in skin.triangles.iter().map(|triangle| triangle.map(|vertex| vertex as usize)) {
            let normal = (positions[b] - positions[a]).cross(positions[c] - positions[a]);
            for vertex in [a, b, c] {
                seen[vertex].normal += normal;
            }
        }
        for vertex in &self.chart.vertices {
            let vertex = *vertex as usize;
            let place = to_crop.apply(flat(positions[vertex]));
            seen[vertex].place = place + pull.at(place);
            seen[vertex].normal = seen[vertex].normal.normalize_or(Vec3::Z);
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
}

/// The regions of a face in the crop.
struct PhotoFace<'a> {
    at: &'a [Vec2; 68],
    /// The distance of the outer eye corners.
    unit: f32,
    wears_glasses: bool,
    /// How far the mouth shows teeth, 0..1.
    open: f32,
    /// How far the face smiles, 0..1.
    smile: f32,
    folds: [[Vec2; 4]; 2],
}

impl<'a> PhotoFace<'a> {
    fn new(sighting: &Sighting<'_>, at: &'a [Vec2; 68], unit: f32) -> Self {
        let open = smoothstep(OPEN.0, OPEN.1, at[62].distance(at[66]) / unit);
        let smiles = ["mouthSmileLeft", "mouthSmileRight"]
            .map(|name| likeness_rig::arkit_index(name).map_or(0.0, |index| sighting.expression[index]));
        let smile = open.max(smiles[0] + smiles[1]).clamp(0.0, 1.0);
        // From the wing of the nose around the corner of the mouth to the chin.
        let fold = |wing: usize, corner: usize, opposite: usize, jaw: usize| {
            let outward = at[wing] - at[33];
            [
                at[wing],
                at[corner].lerp(at[wing], 0.5) + outward * 0.8,
                at[corner] + (at[corner] - at[opposite]) * 0.1,
                at[jaw],
            ]
        };
        let folds = [fold(31, 48, 54, 6), fold(35, 54, 48, 10)];
        Self { at, unit, wears_glasses: sighting.wears_glasses, open, smile, folds }
    }

    fn plain(&self, place: Vec2) -> f32 {
        let Self { at, unit, .. } = self;
        let beyond = |(low, high): (f32, f32), distance: f32| smoothstep(low * unit, high * unit, distance);
        let brows = [17..22, 22..27].map(|brow| beyond(BROWS, distance_to_path(place, &at[brow])));
        let eyes = [36..42, 42..48].map(|eye| beyond(EYES, -depth_in(place, &at[eye])));
        brows.into_iter().chain(eyes).product::<f32>() * beyond(LIPS, -depth_in(place, &at[48..60]))
    }

    /// How far a place shows skin and nothing else, 0..1.
    fn sight(&self, place: Vec2) -> f32 {
        let Self { at, unit, .. } = self;
        let mut sight = smoothstep(MOUTH.0 * unit, MOUTH.1 * unit, -depth_in(place, &at[60..68]));
        for eye in [36..42, 42..48] {
            sight *= smoothstep(LIDS.0 * unit, LIDS.1 * unit, -depth_in(place, &at[eye]));
        }
        if self.wears_glasses {
            let eyes = [at[36], (at[39] + at[42]) / 2.0, at[45]];
            sight *= smoothstep(GLASSES.0 * unit, GLASSES.1 * unit, distance_to_path(place, &eyes));
        }
        let lips = depth_in(place, &at[48..60]);
        sight * (1.0 - self.open * smoothstep(-OPEN_LIPS * unit, 0.0, lips))
    }

    /// How far hair may hang there, 0..1: above the eyes, and beside them down to the mouth.
    fn may_be_hair(&self, place: Vec2) -> f32 {
        let Self { at, unit, .. } = self;
        let down = (at[8] - at[27]).normalize_or(Vec2::Y);
        let above = |point: Vec2| smoothstep(SOFT * unit, -SOFT * unit, (place - point).dot(down));
        let eyes = (at[36] + at[45]) / 2.0;
        let aside = ((place - eyes).perp_dot(down).abs() / unit - BESIDE) / SOFT;
        above(eyes).max(smoothstep(-1.0, 1.0, aside) * above((at[48] + at[54]) / 2.0))
    }

    /// What a smile does there that a face at rest does not have: how much of the relief, and how far there are folds, 0..1.
    fn smile_at(&self, place: Vec2) -> (f32, f32) {
        let distance = self.folds.iter().map(|fold| distance_to_path(place, fold)).fold(f32::INFINITY, f32::min);
        let folded = self.smile * smoothstep(FOLDS * self.unit, 0.0, distance);
        (self.smile * SMOOTHED.1 + (SMOOTHED.0 - SMOOTHED.1) * folded, folded)
    }
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

/// A crop in linear light.
struct LinearCrop {
    pixels: Vec<[f32; 3]>,
    size: usize,
    to_photo: Similarity,
    /// The photo's size and the rim that is not read, photo pixels.
    photo: Vec2,
    rim: f32,
}

impl LinearCrop {
    fn new(photo: &Photo, to_crop: &Similarity) -> Result<Self> {
        let to_photo = to_crop.inverse().ok_or(VisionError::DegenerateLandmarks)?;
        let size = CROP_SIZE + ((2.0 * MARGIN) / ZOOM) as usize;
        let size = size * ZOOM as usize;
        let table: Vec<f32> = (0..=255u8).map(from_srgb).collect();
        let crop = warp(&photo.pixels, to_crop, size as u32);
        let pixels = crop.pixels().map(|pixel| pixel.0.map(|value| table[usize::from(value)])).collect();
        let (width, height) = photo.pixels.dimensions();
        let rim = RIM * to_photo.scale();
        Ok(Self { pixels, size, to_photo, photo: Vec2::new(width as f32, height as f32), rim })
    }

    /// Whether a place is in the crop and shows the photo.
    fn holds(&self, place: Vec2) -> bool {
        let most = self.size as f32 - 1.0;
        let in_photo = self.to_photo.apply(place);
        place.cmpge(Vec2::ONE).all()
            && place.cmple(Vec2::splat(most)).all()
            && in_photo.cmpge(Vec2::splat(self.rim)).all()
            && in_photo.cmple(self.photo - self.rim).all()
    }

    /// The colour at a place that it holds, bilinear.
    fn at(&self, place: Vec2) -> [f32; 3] {
        let from = (place - 0.5).clamp(Vec2::ZERO, Vec2::splat(self.size as f32 - 1.001));
        let (x, y) = (from.x as usize, from.y as usize);
        let part = from - Vec2::new(x as f32, y as f32);
        let row = |y: usize| -> Vec3 {
            let line = &self.pixels[y * self.size + x..];
            Vec3::from(line[0]).lerp(Vec3::from(line[1]), part.x)
        };
        row(y).lerp(row(y + 1), part.y).to_array()
    }
}
