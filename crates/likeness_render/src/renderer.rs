//! The renderer: shots in, pictures out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bevy::math::{Mat4, Quat, UVec4, Vec2, Vec3, Vec4};
use bevy::prelude::PluginGroup;
use bevy_likeness::{EyeLook, LikenessMaterialPlugin, LikenessPlugin, Lod, SkinLook};
use image::RgbaImage;
use likeness_rig::{Face, HeadMesh, LandmarkModel, LandmarkSet, Rig};

use crate::atlas::Atlas;
use crate::engine::{Engine, InFlight, MOST_TILES};
use crate::error::{RenderError, Result};
use crate::material::{LampSlot, Slot};
use crate::picture::{Picture, Transfer, color_tile, label_tile};
use crate::pool::{HeadPool, pool_plugin};
use crate::shot::{Passes, Shot, Views};
use crate::sight::Sight;

/// Near plane of the renderer's cameras, metres.
const NEAR: f32 = 0.01;
/// Smallest and largest side of a picture, pixels.
const SIZES: (u32, u32) = (16, 4096);
/// Longest side of an atlas, pixels.
const ATLAS_SIDE: u32 = 2048;
/// Pictures from these sizes on are drawn with half of the mesh and with all of it. Below, triangles would be smaller than
/// pixels.
const HALF_DETAIL_FROM: u32 = 256;
const FULL_DETAIL_FROM: u32 = 384;

/// The hair of rigs without a colour for it, linear RGB.
const HAIR_REFERENCE: Vec3 = Vec3::new(0.045, 0.028, 0.018);

/// How to start a renderer.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// The rig's file (`head.rig.ron`); the mesh and textures are found from it.
    pub rig_path: PathBuf,
    /// Samples a pixel of the colour pass: 1 or 4.
    pub samples: u32,
    /// The level of detail; by default the full mesh for large pictures and a coarser one for small pictures.
    pub lod: Option<Lod>,
    /// How many heads are drawn at once, at most: 1 to 64.
    pub batch: usize,
}

impl RenderOptions {
    /// The defaults for a rig.
    pub fn new(rig_path: impl Into<PathBuf>) -> Self {
        Self { rig_path: rig_path.into(), samples: 4, lod: None, batch: MOST_TILES }
    }
}

/// Draws faces without a window: it owns a headless Bevy app.
pub struct Renderer {
    engine: Engine,
    pool: HeadPool,
    rig: Rig,
    mesh: HeadMesh,
    rig_path: PathBuf,
    transfer: Transfer,
    landmarks: Option<LandmarkModel>,
    lod: Option<Lod>,
    batch: usize,
    hair_slot: Option<usize>,
}

impl Renderer {
    /// Starts the app. Pictures can be asked for at once: the first call waits for assets and pipelines.
    ///
    /// # Errors
    /// [`RenderError::NoAdapter`] without a graphics driver (software rendering needs `mesa-vulkan-drivers`), and
    /// [`RenderError::Rig`] or [`RenderError::Image`] for missing or broken files.
    pub fn new(options: RenderOptions) -> Result<Self> {
        let rig = Rig::load(&options.rig_path)?;
        let io = |source| RenderError::Io { path: options.rig_path.clone(), source };
        let rig_path = options.rig_path.canonicalize().map_err(io)?;
        let folder = rig_path.parent().unwrap_or(Path::new("/")).to_owned();
        let name = rig_path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let picture = |path: PathBuf| {
            if !path.exists() {
                return Ok(None);
            }
            image::open(&path).map(Some).map_err(|source| RenderError::Image { path, source })
        };
        let regions = picture(folder.join("head.regions.png"))?.map(|picture| picture.to_luma8());
        let mesh_path = folder.join(&rig.mesh);
        let layers = picture(mesh_path.with_file_name("textures").join("skin_layers.jpg"))?;
        let layers = layers.map(|picture| picture.to_rgb8());
        let samples = if options.samples > 1 { 4 } else { 1 };
        let mut engine = Engine::new(&folder, samples, |app| {
            app.add_plugins(LikenessPlugin.build().disable::<LikenessMaterialPlugin>());
            pool_plugin(app);
        })?;
        let slots = engine.slots();
        let transfer = Transfer::new();
        let mesh = HeadMesh::load(&mesh_path)?;
        let pool = HeadPool::new(
            engine.world(),
            &rig_path,
            &name,
            regions.as_ref(),
            layers.as_ref(),
            &transfer,
            slots,
            Sight::new(&mesh),
            samples > 1,
        );
        Ok(Self {
            engine,
            pool,
            hair_slot: rig.color_index("hair"),
            rig,
            mesh,
            rig_path,
            transfer,
            landmarks: None,
            lod: options.lod,
            batch: options.batch.clamp(1, MOST_TILES),
        })
    }

    /// The rig.
    pub fn rig(&self) -> &Rig {
        &self.rig
    }

    /// Draws every shot at `size` x `size` pixels; pictures come back in the shots' order. Up to 64 heads are drawn at
    /// once, and a batch is read back while the next one is drawn.
    ///
    /// # Errors
    /// [`RenderError::Size`], [`RenderError::Shot`] and [`RenderError::Rig`] for values out of range,
    /// [`RenderError::Head`] for a broken head, [`RenderError::Driver`] when the driver fails.
    pub fn render(&mut self, shots: &[Shot], size: u32, passes: Passes) -> Result<Vec<Picture>> {
        let (min, max) = SIZES;
        if !(min..=max).contains(&size) {
            return Err(RenderError::Size { size, min, max });
        }
        for (i, shot) in shots.iter().enumerate() {
            shot.face.validate(&self.rig)?;
            shot.check(i)?;
        }
        let mut pictures = Vec::with_capacity(shots.len());
        if shots.is_empty() {
            return Ok(pictures);
        }
        let lod = self.lod.unwrap_or(match size {
            FULL_DETAIL_FROM.. => Lod::Full,
            HALF_DETAIL_FROM.. => Lod::Half,
            _ => Lod::Fifth,
        });
        let atlas = Atlas::for_pictures(size, shots.len(), self.batch, ATLAS_SIDE);
        let changed = self.engine.arrange(atlas, passes);
        let spawned = self.pool.ensure(self.engine.world(), lod, atlas.tiles().min(shots.len()));

        let mut in_flight: Option<(InFlight, &[Shot])> = None;
        let mut settled = !(changed || spawned);
        for batch in shots.chunks(atlas.tiles()) {
            let skins = distinct_skins(batch);
            let slots: Vec<Slot> =
                batch.iter().enumerate().map(|(tile, shot)| self.slot(shot, atlas, tile, &skins)).collect();
            settled &= !self.pool.show_skins(self.engine.world(), skins, &self.transfer);
            self.pool.pose(self.engine.world(), lod, batch);
            settled &= !self.pool.is_new(lod, batch);
            if !settled {
                let (pool, transfer) = (&mut self.pool, &self.transfer);
                self.engine.settle(&slots, |world| pool.advance(world, transfer))?;
                settled = true;
            }
            let flight = self.engine.draw(&slots, passes)?;
            if let Some((flight, batch)) = in_flight.replace((flight, batch)) {
                self.collect(flight, batch, atlas, passes, &mut pictures)?;
            }
        }
        if let Some((flight, batch)) = in_flight {
            self.collect(flight, batch, atlas, passes, &mut pictures)?;
        }
        Ok(pictures)
    }

    fn collect(
        &mut self,
        flight: InFlight,
        batch: &[Shot],
        atlas: Atlas,
        passes: Passes,
        pictures: &mut Vec<Picture>,
    ) -> Result<()> {
        let transfer = &self.transfer;
        self.engine.collect(flight, |color, labels| {
            for (tile, shot) in batch.iter().enumerate() {
                let mut picture = Picture { color: RgbaImage::new(0, 0), parts: None, depth: None, normals: None };
                if let Some((bytes, row)) = color {
                    picture.color = color_tile(bytes, row, atlas, tile, &shot.background, transfer);
                }
                if let Some((bytes, row)) = labels {
                    label_tile(bytes, row, atlas, tile, passes, &mut picture);
                }
                pictures.push(picture);
            }
        })
    }

    /// One colour picture.
    ///
    /// # Errors
    /// As [`Renderer::render`].
    pub fn render_one(&mut self, shot: &Shot, size: u32) -> Result<RgbaImage> {
        let mut pictures = self.render(std::slice::from_ref(shot), size, Passes::COLOR)?;
        Ok(pictures.pop().map(|picture| picture.color).unwrap_or_default())
    }

    /// A neutral portrait in the default light.
    ///
    /// # Errors
    /// As [`Renderer::render`].
    pub fn portrait(&mut self, face: &Face, view: Views, size: u32) -> Result<RgbaImage> {
        self.render_one(&view.shot(face.clone()), size)
    }

    /// Where the 68 landmarks of a shot lie in its picture: pixels from the top left corner, y down. The contour follows
    /// the head's yaw, as in photos.
    ///
    /// # Errors
    /// [`RenderError::Rig`] when the mesh or the landmarks cannot be read.
    pub fn landmarks(&mut self, shot: &Shot, size: u32) -> Result<[Vec2; 68]> {
        let model = match self.landmarks.take() {
            Some(model) => model,
            None => {
                let folder = self.rig_path.parent().unwrap_or(Path::new("/"));
                let set = LandmarkSet::load(&folder.join(&self.rig.landmarks))?;
                LandmarkModel::new(&self.rig, &self.mesh, &set)?
            }
        };
        let points = model.points(&shot.face.parameters, &shot.expression, shot.pose.yaw);
        self.landmarks = Some(model);
        let rotation = shot.pose.rotation();
        let camera = shot.camera.to_camera(size);
        Ok(points.map(|point| camera.project(rotation * point).unwrap_or(Vec2::splat(f32::NAN))))
    }

    fn slot(&self, shot: &Shot, atlas: Atlas, tile: usize, skins: &[Arc<RgbaImage>]) -> Slot {
        let position = shot.camera.target + Vec3::Z * shot.camera.distance;
        let view = Mat4::look_at_rh(position, shot.camera.target, Vec3::Y);
        let projection = Mat4::perspective_infinite_reverse_rh(shot.camera.fov_y, 1.0, NEAR);
        let to_head: Quat = shot.pose.rotation().inverse();
        let hair = self.hair_slot.and_then(|slot| shot.face.colors.get(slot).copied()).map(Vec3::from);
        let mut slot = Slot {
            clip_from_world: atlas.clip_from_tile(tile) * projection * view,
            view_from_world: view,
            tile: atlas.bounds(tile),
            camera: position.extend(1.0),
            sky: Vec3::from(shot.lights.sky).extend(0.0),
            ground: Vec3::from(shot.lights.ground).extend(0.0),
            head_from_world: Mat4::from_quat(to_head),
            skin: SkinLook::new(&self.rig, &shot.face.colors, &shot.face.details),
            eyes: EyeLook::new(&self.rig, &shot.face.colors, &shot.face.details),
            hair: hair.unwrap_or(HAIR_REFERENCE).extend(1.0),
            ..Slot::default()
        };
        if let Some(clothes) = &shot.clothes {
            slot.cloth = Vec3::from(clothes.color).extend(1.0);
            slot.collar = Vec3::from(clothes.collar).extend(0.0);
            slot.neckline = Vec4::new(clothes.side, clothes.front, clothes.slope, clothes.width);
        }
        for (light, lamp) in shot.lights.lamps().iter().zip(&mut slot.lamps) {
            let direction = light.direction.normalize_or(Vec3::Z);
            *lamp = LampSlot {
                direction: direction.extend(light.softness),
                local_direction: (to_head * direction).extend(0.0),
                color: (Vec3::from(light.color) * light.intensity).extend(0.0),
            };
        }
        let active = shot.expression.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
        let mut count = 0;
        for (index, weight) in active {
            let pair: &mut Vec4 = &mut slot.morphs[count / 2];
            let entry = Vec2::new(index as f32, *weight);
            *pair = if count % 2 == 0 {
                Vec4::new(entry.x, entry.y, pair.z, pair.w)
            } else {
                Vec4::new(pair.x, pair.y, entry.x, entry.y)
            };
            count += 1;
        }
        let own = shot.photo_skin.as_ref();
        let skin = own.and_then(|own| skins.iter().position(|known| Arc::ptr_eq(known, own)));
        slot.counts = UVec4::new(count as u32, skin.map_or(0, |layer| layer as u32 + 1), 0, 0);
        slot
    }
}

/// The skins as photos show them that shots ask for, each once.
fn distinct_skins(shots: &[Shot]) -> Vec<Arc<RgbaImage>> {
    let mut skins: Vec<Arc<RgbaImage>> = Vec::new();
    for skin in shots.iter().filter_map(|shot| shot.photo_skin.as_ref()) {
        if !skins.iter().any(|known| Arc::ptr_eq(known, skin)) {
            skins.push(Arc::clone(skin));
        }
    }
    skins
}
