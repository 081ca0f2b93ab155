//! The headless Bevy app that draws one atlas a frame: two cameras (colour and labels), the buffers that their pictures
//! are copied into, and the gate that waits until everything is ready.

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use bevy::animation::AnimationPlugin;
use bevy::app::{AppLabel, PluginsState, SubApps, TaskPoolPlugin};
use bevy::asset::AssetPlugin;
use bevy::camera::visibility::RenderLayers;
use bevy::camera::{CameraPlugin, RenderTarget};
use bevy::core_pipeline::CorePipelinePlugin;
use bevy::core_pipeline::tonemapping::{DebandDither, Tonemapping};
use bevy::diagnostic::{DiagnosticsPlugin, FrameCountPlugin};
use bevy::gizmos::GizmoPlugin;
use bevy::gltf::GltfPlugin;
use bevy::image::ImagePlugin;
use bevy::input::InputPlugin;
use bevy::light::LightPlugin;
use bevy::mesh::MeshPlugin;
use bevy::pbr::PbrPlugin;
use bevy::prelude::*;
use bevy::render::error_handler::{RenderErrorHandler, RenderErrorPolicy};
use bevy::render::render_resource::{CachedPipelineState, MapMode, PipelineCache, PollType, TextureFormat};
use bevy::render::renderer::{RenderDevice, RenderQueue};
use bevy::render::settings::{RenderCreation, WgpuSettings};
use bevy::render::storage::ShaderBuffer;
use bevy::render::{RenderApp, RenderPlugin};
use bevy::tasks::block_on;
use bevy::time::{TimePlugin, TimeUpdateStrategy};
use bevy::transform::TransformPlugin;
use bevy::window::{ExitCondition, WindowPlugin};
use bevy::world_serialization::WorldSerializationPlugin;

use crate::atlas::Atlas;
use crate::error::{RenderError, Result};
use crate::material::{PartMaterialPlugin, Slot};
use crate::readback::{CopyTo, ReadbackPlugin};
use crate::shot::Passes;

/// The layer of the colour camera; the heads' own meshes.
pub(crate) const COLOR_LAYER: usize = 0;
/// The layer of the label camera; twins of the heads' meshes.
pub(crate) const LABEL_LAYER: usize = 1;

/// How many heads one frame draws at most.
pub(crate) const MOST_TILES: usize = 64;

const COLOR_BYTES: u32 = 4;
const LABEL_BYTES: u32 = 16;

/// Longest wait for assets and pipelines.
const PATIENCE: Duration = Duration::from_secs(180);

/// What the graphics driver complained about.
#[derive(Resource)]
struct DriverProblem(String);

/// The buffers of one frame in flight.
struct Buffers {
    color: CopyTo,
    labels: Option<CopyTo>,
}

/// A frame that has been handed to the driver.
pub(crate) struct InFlight {
    parity: usize,
    passes: Passes,
    submission: wgpu::SubmissionIndex,
    mapped: Receiver<std::result::Result<(), wgpu::BufferAsyncError>>,
    waiting: usize,
}

/// The app and its cameras.
pub(crate) struct Engine {
    apps: SubApps,
    device: RenderDevice,
    queue: RenderQueue,
    color_camera: Entity,
    label_camera: Entity,
    slots: Handle<ShaderBuffer>,
    layout: Option<(Atlas, bool)>,
    buffers: Vec<Buffers>,
    parity: usize,
}

/// The interfaces to try. OpenGL is left out: it lacks what the shaders need, and asking for it without a desktop makes
/// drivers complain.
fn backends() -> wgpu::Backends {
    wgpu::Backends::from_env().unwrap_or(wgpu::Backends::PRIMARY)
}

/// Whether any graphics adapter is there: Bevy itself would panic.
fn adapter_exists() -> bool {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends();
    let instance = wgpu::Instance::new(descriptor);
    !block_on(instance.enumerate_adapters(backends())).is_empty()
}

impl Engine {
    /// Starts the app with `asset_folder` as its asset source; `extend` adds plugins before the app is finished.
    pub(crate) fn new(asset_folder: &Path, samples: u32, extend: impl FnOnce(&mut App)) -> Result<Self> {
        if !adapter_exists() {
            return Err(RenderError::NoAdapter);
        }
        let mut app = App::new();
        // Named one by one, because the default set holds a window backend when another crate of the build asks for it.
        app.add_plugins((
            TaskPoolPlugin::default(),
            FrameCountPlugin,
            TimePlugin,
            TransformPlugin,
            DiagnosticsPlugin,
            InputPlugin,
            WindowPlugin { primary_window: None, exit_condition: ExitCondition::DontExit, ..default() },
            AssetPlugin { file_path: asset_folder.to_string_lossy().into_owned(), ..default() },
            WorldSerializationPlugin,
            RenderPlugin {
                render_creation: RenderCreation::from(WgpuSettings { backends: Some(backends()), ..default() }),
                synchronous_pipeline_compilation: true,
                ..default()
            },
            ImagePlugin::default(),
            MeshPlugin,
            CameraPlugin,
        ));
        app.add_plugins((
            // Lights draw gizmos where some crate of the build asks for them, and fail without this.
            GizmoPlugin,
            LightPlugin,
            CorePipelinePlugin,
            GltfPlugin::default(),
            PbrPlugin::default(),
            AnimationPlugin,
            PartMaterialPlugin,
            ReadbackPlugin,
        ));
        app.insert_resource(TimeUpdateStrategy::ManualDuration(Duration::from_millis(16)));
        // Bevy's own handler asks the app to quit, which nobody here would hear.
        app.insert_resource(RenderErrorHandler(|error, main_world, _| {
            main_world.insert_resource(DriverProblem(error.description.clone()));
            RenderErrorPolicy::StopRendering
        }));
        extend(&mut app);
        while app.plugins_state() == PluginsState::Adding {
            bevy::tasks::tick_global_task_pools_on_main_thread();
        }
        app.finish();
        app.cleanup();
        let mut apps = std::mem::take(app.sub_apps_mut());

        let world = apps.main.world_mut();
        let device = world.resource::<RenderDevice>().clone();
        let queue = world.resource::<RenderQueue>().clone();
        let slots =
            world.resource_mut::<Assets<ShaderBuffer>>().add(ShaderBuffer::from(vec![Slot::default(); MOST_TILES]));
        let camera = |order: isize, layer: usize, msaa: Msaa, color: Color| {
            (
                Camera3d::default(),
                Camera { order, is_active: false, clear_color: ClearColorConfig::Custom(color), ..default() },
                Tonemapping::None,
                DebandDither::Disabled,
                msaa,
                RenderLayers::layer(layer),
            )
        };
        let clear = Color::linear_rgba(0.0, 0.0, 0.0, 0.0);
        let color_camera = world.spawn(camera(0, COLOR_LAYER, Msaa::from_samples(samples), clear)).id();
        let label_camera = world.spawn(camera(1, LABEL_LAYER, Msaa::Off, clear)).id();
        Ok(Self {
            apps,
            device,
            queue,
            color_camera,
            label_camera,
            slots,
            layout: None,
            buffers: Vec::new(),
            parity: 0,
        })
    }

    pub(crate) fn world(&mut self) -> &mut World {
        self.apps.main.world_mut()
    }

    pub(crate) fn slots(&self) -> Handle<ShaderBuffer> {
        self.slots.clone()
    }

    /// Points the cameras at targets for this atlas and switches the passes; true when something changed.
    pub(crate) fn arrange(&mut self, atlas: Atlas, passes: Passes) -> bool {
        let wanted = (atlas, passes.labels());
        let (color_camera, label_camera) = (self.color_camera, self.label_camera);
        let mut changed = false;
        if self.layout != Some(wanted) {
            changed = true;
            let (width, height) = (atlas.width(), atlas.height());
            let device = self.device.clone();
            self.buffers = (0..2)
                .map(|_| Buffers {
                    color: CopyTo::new(&device, width, height, COLOR_BYTES),
                    labels: passes.labels().then(|| CopyTo::new(&device, width, height, LABEL_BYTES)),
                })
                .collect();
            let world = self.world();
            let mut images = world.resource_mut::<Assets<Image>>();
            let mut target =
                |format| RenderTarget::Image(images.add(Image::new_target_texture(width, height, format, None)).into());
            let color = target(TextureFormat::Rgba8UnormSrgb);
            let labels = passes.labels().then(|| target(TextureFormat::Rgba32Float));
            world.entity_mut(color_camera).insert(color);
            if let Some(labels) = labels {
                world.entity_mut(label_camera).insert(labels);
            }
            self.layout = Some(wanted);
        }
        for (camera, active) in [(color_camera, passes.color), (label_camera, passes.labels())] {
            if let Some(mut camera) = self.world().get_mut::<Camera>(camera)
                && camera.is_active != active
            {
                camera.is_active = active;
                changed = true;
            }
        }
        changed
    }

    /// One update of the app, drawing `slots`.
    fn update(&mut self, slots: &[Slot]) -> Result<()> {
        let handle = self.slots.clone();
        let parity = self.parity;
        let to = self.buffers.get(parity).map(|b| (b.color.clone(), b.labels.clone()));
        let (color_camera, label_camera) = (self.color_camera, self.label_camera);
        let world = self.world();
        if let Some(mut buffer) = world.resource_mut::<Assets<ShaderBuffer>>().get_mut(&handle) {
            // Always the full length: a buffer of another size would be a new one, and the materials keep the old one.
            let mut all = slots.to_vec();
            all.resize(MOST_TILES, Slot::default());
            buffer.set_data(all);
        }
        if let Some((color, labels)) = to {
            world.entity_mut(color_camera).insert(color);
            if let Some(labels) = labels {
                world.entity_mut(label_camera).insert(labels);
            }
        }
        self.apps.update();
        // What is written to the world from outside before the next update must be newer than this update's extraction, or
        // the renderer would not see it as changed.
        self.world().increment_change_tick();
        match self.apps.main.world().get_resource::<DriverProblem>() {
            Some(problem) => Err(RenderError::Driver(problem.0.clone())),
            None => Ok(()),
        }
    }

    /// Updates until `check` finds nothing missing and no pipeline is waiting, twice in a row.
    pub(crate) fn settle(
        &mut self,
        slots: &[Slot],
        mut check: impl FnMut(&mut World) -> Result<Option<String>>,
    ) -> Result<()> {
        let start = Instant::now();
        let mut steady = 0;
        while steady < 2 {
            self.update(slots)?;
            self.wait()?;
            let mut waiting = check(self.world())?;
            if waiting.is_none() {
                waiting = self.pipelines_waiting()?;
            }
            steady = if waiting.is_none() { steady + 1 } else { 0 };
            if let Some(waiting) = waiting {
                if start.elapsed() > PATIENCE {
                    return Err(RenderError::NotReady { seconds: PATIENCE.as_secs(), waiting });
                }
                // Files are read on other threads.
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    fn pipelines_waiting(&self) -> Result<Option<String>> {
        let Some(render) = self.apps.sub_apps.get(&RenderApp.intern()) else {
            return Err(RenderError::Driver("the renderer did not start".into()));
        };
        let cache = render.world().resource::<PipelineCache>();
        let waiting: HashSet<_> = cache.waiting_pipelines().collect();
        if !waiting.is_empty() {
            return Ok(Some(format!("{} pipelines", waiting.len())));
        }
        for pipeline in cache.pipelines() {
            if let CachedPipelineState::Err(error) = &pipeline.state {
                return Err(RenderError::Driver(error.to_string()));
            }
        }
        Ok(None)
    }

    fn wait(&self) -> Result<()> {
        self.device.poll(PollType::wait_indefinitely()).map_err(|error| RenderError::Driver(error.to_string()))?;
        Ok(())
    }

    /// Draws a frame and asks for its bytes; it need not be finished when this returns.
    pub(crate) fn draw(&mut self, slots: &[Slot], passes: Passes) -> Result<InFlight> {
        self.update(slots)?;
        let submission = self.queue.submit([]);
        let (sender, mapped) = channel();
        let mut waiting = 0;
        let buffers = &self.buffers[self.parity];
        let wanted = [passes.color.then_some(&buffers.color), buffers.labels.as_ref().filter(|_| passes.labels())];
        for to in wanted.into_iter().flatten() {
            let sender = sender.clone();
            waiting += 1;
            to.buffer.slice(..).map_async(MapMode::Read, move |result| {
                // The receiver is gone only when the renderer was dropped.
                let _ = sender.send(result);
            });
        }
        let flight = InFlight { parity: self.parity, passes, submission, mapped, waiting };
        self.parity = 1 - self.parity;
        Ok(flight)
    }

    /// Waits for a frame and hands its bytes (and bytes in a row) to `color` and `labels`.
    pub(crate) fn collect(
        &mut self,
        flight: InFlight,
        mut read: impl FnMut(Option<(&[u8], usize)>, Option<(&[u8], usize)>),
    ) -> Result<()> {
        self.device
            .poll(PollType::Wait { submission_index: Some(flight.submission), timeout: None })
            .map_err(|error| RenderError::Driver(error.to_string()))?;
        for _ in 0..flight.waiting {
            flight
                .mapped
                .recv_timeout(PATIENCE)
                .map_err(|_| RenderError::Driver("a picture did not arrive".into()))?
                .map_err(|error| RenderError::Driver(error.to_string()))?;
        }
        let buffers = &self.buffers[flight.parity];
        let color = flight.passes.color.then_some(&buffers.color);
        let labels = buffers.labels.as_ref().filter(|_| flight.passes.labels());
        {
            let color = color.map(|to| (to.buffer.slice(..).get_mapped_range(), to.bytes_per_row));
            let labels = labels.map(|to| (to.buffer.slice(..).get_mapped_range(), to.bytes_per_row));
            read(
                color.as_ref().map(|(bytes, row)| (&bytes[..], *row as usize)),
                labels.as_ref().map(|(bytes, row)| (&bytes[..], *row as usize)),
            );
        }
        for to in color.into_iter().chain(labels) {
            to.buffer.unmap();
        }
        Ok(())
    }
}
