//! The parts that are measured.

use super::Measured;
use super::spread::{Spread, Unit, median, repeat};
use crate::assets::Assets;
use crate::error::CliError;
use candle_core::{DType, Device, Tensor};
use candle_nn::{Optimizer as _, VarMap};
use image::imageops::{self, FilterType};
use likeness_nets::{
    AdamW, AdamWConfig, BonePointConfig, BonePointNet, DomainNet, LandmarkConfig, LandmarkNet, SeededInit, Weights,
    backward, bce_with_logits, reverse_gradient, weighted_squared_error,
};
use likeness_rig::{HeadMesh, Rig};
use likeness_vision::{Photo, PredictOptions, VisionError};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

type Part = Result<Measured, CliError>;

/// Images of a training step.
const TRAINING_BATCH: usize = 32;

/// What all parts need.
pub(super) struct Workbench<'a> {
    pub(super) assets: &'a Assets,
    pub(super) batch: Option<usize>,
    /// Whether networks are made of candle's own operations.
    pub(super) candle: bool,
    pub(super) seconds: f64,
    pub(super) photo: Option<&'a Path>,
}

/// Images of no meaning, -1..1.
fn images(batch: usize, size: usize) -> Result<Tensor, likeness_nets::Error> {
    let values: Vec<f32> = (0..batch * 3 * size * size).map(|i| ((i * 7919) % 255) as f32 / 127.5 - 1.0).collect();
    Ok(Tensor::from_vec(values, (batch, 3, size, size), &Device::Cpu)?)
}

/// AdamW: this project's or candle's.
enum Optimizer {
    Own(AdamW),
    Candle(candle_nn::AdamW),
}

impl Optimizer {
    fn new(map: &VarMap, candle: bool) -> Result<Self, likeness_nets::Error> {
        const LEARNING_RATE: f64 = 1e-4;
        Ok(if candle {
            Self::Candle(candle_nn::AdamW::new_lr(map.all_vars(), LEARNING_RATE)?)
        } else {
            Self::Own(AdamW::new(map, AdamWConfig { learning_rate: LEARNING_RATE, ..AdamWConfig::default() })?)
        })
    }

    fn step(&mut self, loss: &Tensor) -> Result<(), likeness_nets::Error> {
        match self {
            Self::Own(optimizer) => optimizer.step(&backward(loss)?).map(drop),
            Self::Candle(optimizer) => Ok(optimizer.backward_step(loss)?),
        }
    }
}

impl Workbench<'_> {
    fn times(&self, unit: Unit, work: impl FnMut() -> Result<(), likeness_nets::Error>) -> Part {
        Ok(Measured { spread: Spread::new(repeat(self.seconds, work)?, unit, 1.0), more: BTreeMap::new() })
    }

    /// One forward pass of the folded network.
    pub(super) fn bone_point(&self) -> Part {
        let weights = Weights::load(&self.assets.network("bone_point"))?;
        let config: BonePointConfig = weights.config()?;
        let net = weights.build(|vb| BonePointNet::new(&config, vb, None))?;
        let images = images(self.batch.unwrap_or(1), config.input)?;
        if self.candle {
            let net = net.with_candle_operations();
            return self.times(Unit::Milliseconds, || net.forward(&images, false).map(drop));
        }
        let net = net.fold()?;
        self.times(Unit::Milliseconds, || net.forward(&images).map(drop))
    }

    /// One forward pass of the folded network.
    pub(super) fn landmarks(&self) -> Part {
        let weights = Weights::load(&self.assets.network("landmarks"))?;
        let config: LandmarkConfig = weights.config()?;
        let net = weights.build(|vb| LandmarkNet::new(&config, vb, None))?;
        let images = images(self.batch.unwrap_or(1), config.input)?;
        if self.candle {
            let net = net.with_candle_operations();
            return self.times(Unit::Milliseconds, || net.forward(&images, false).map(drop));
        }
        let net = net.fold()?;
        self.times(Unit::Milliseconds, || net.forward(&images).map(drop))
    }

    /// From a JPEG in memory to a face, with the steps' medians, and what a new process takes.
    pub(super) fn create(&self) -> Part {
        let jpeg = self.jpeg()?;
        let options = PredictOptions::default();
        let start = Instant::now();
        let predictor = self.assets.predictor(None, None)?;
        let load = start.elapsed().as_secs_f64();
        let mut steps: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        let times = repeat(self.seconds, || -> Result<(), VisionError> {
            let start = Instant::now();
            let photo = Photo::from_bytes(&jpeg, "bench")?;
            let decode = start.elapsed().as_secs_f64() * 1e3;
            let ms = predictor.predict(&photo, &options)?.ms;
            let named = [
                ("create.decode_ms", decode),
                ("create.detect_ms", ms.detect),
                ("create.landmarks_ms", ms.landmarks),
                ("create.align_ms", ms.align),
                ("create.predict_ms", ms.predict),
            ];
            named.into_iter().for_each(|(name, value)| steps.entry(name).or_default().push(value));
            Ok(())
        })?;
        let photo = Photo::from_bytes(&jpeg, "bench")?;
        let with_skin = PredictOptions { skin: true, ..options };
        let mut skins = Vec::new();
        repeat(self.seconds / 2.0, || -> Result<(), VisionError> {
            skins.push(predictor.predict(&photo, &with_skin)?.ms.skin);
            Ok(())
        })?;
        steps.insert("create.skin_ms", skins);
        let mut more: BTreeMap<_, _> = steps.into_iter().map(|(name, values)| (name, median(values))).collect();
        more.insert("create.load_ms", load * 1e3);
        more.insert("create.first_ms", self.new_process(&jpeg)?);
        Ok(Measured { spread: Spread::new(times, Unit::Milliseconds, 1.0), more })
    }

    /// Milliseconds of `likeness create --no-render` on one photo, from the start of the process to its end.
    fn new_process(&self, jpeg: &[u8]) -> Result<f64, CliError> {
        let start = |source| CliError::Io { path: std::env::temp_dir(), source };
        let folder = tempfile::tempdir().map_err(start)?;
        let photo = folder.path().join("photo.jpg");
        std::fs::write(&photo, jpeg).map_err(|source| CliError::Io { path: photo.clone(), source })?;
        let program = std::env::current_exe().map_err(start)?;
        let mut command = Command::new(&program);
        command
            .arg("--assets")
            .arg(self.assets.root())
            .arg("create")
            .arg(&photo)
            .args(["--no-render", "--painted-skin"]);
        command.arg("--out").arg(folder.path()).stdout(Stdio::null());
        let times = repeat(self.seconds, || match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(CliError::Child { program: program.clone(), status }),
            Err(source) => Err(CliError::Io { path: program.clone(), source }),
        })?;
        Ok(median(times) * 1e3)
    }

    /// The photo asked for, or the bundled one in the middle of 1920x1080 pixels, as JPEG.
    fn jpeg(&self) -> Result<Vec<u8>, CliError> {
        if let Some(path) = self.photo {
            return std::fs::read(path).map_err(|source| CliError::Io { path: path.to_path_buf(), source });
        }
        let path = self.assets.photo("astronaut.jpg");
        let portrait = Photo::open(&path)?.pixels;
        let mut pixels = image::RgbImage::from_pixel(1920, 1080, image::Rgb([120, 130, 140]));
        imageops::replace(&mut pixels, &imageops::resize(&portrait, 1080, 1080, FilterType::CatmullRom), 420, 0);
        let mut jpeg = Cursor::new(Vec::new());
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90)
            .encode_image(&pixels)
            .map_err(|source| CliError::Encode { path, source })?;
        Ok(jpeg.into_inner())
    }

    /// One changed face to the matrices of all joints, without a game around it.
    pub(super) fn apply(&self) -> Part {
        let path = self.assets.rig_path(None);
        let rig = Rig::load(&path)?;
        let mesh = HeadMesh::load(&path.with_file_name(&rig.mesh))?;
        let (compiled, binding) = (rig.compile()?, mesh.bind(&rig)?);
        let faces: Vec<Vec<f32>> = (0..100)
            .map(|face| (0..rig.parameters.len()).map(|i| ((face * 7 + i * 13) % 101) as f32 / 100.0).collect())
            .collect();
        let mut offsets = Vec::new();
        // A hundred faces at a time, since the clock is too coarse for one.
        let times = repeat(self.seconds, || -> Result<(), CliError> {
            for face in &faces {
                compiled.offsets_into(face, &mut offsets);
                std::hint::black_box(binding.joint_matrices(&mesh, &offsets));
            }
            Ok(())
        })?;
        let each = times.into_iter().map(|seconds| seconds / faces.len() as f64).collect();
        Ok(Measured { spread: Spread::new(each, Unit::Microseconds, 1.0), more: BTreeMap::new() })
    }

    /// Training steps on made-up images: forward, both losses, backward, AdamW.
    pub(super) fn train(&self) -> Part {
        let batch = self.batch.unwrap_or(TRAINING_BATCH);
        let device = Device::Cpu;
        let rig = Rig::load(&self.assets.rig_path(None))?;
        let config = BonePointConfig::new(rig.parameters.len());
        let map = VarMap::new();
        let builder = SeededInit::builder(&map, 1, &device);
        let mut net = BonePointNet::new(&config, builder.pp("bone_point"), None)?;
        let mut domain = DomainNet::new(config.hidden[0], builder.pp("domain"))?;
        if self.candle {
            (net, domain) = (net.with_candle_operations(), domain.with_candle_operations());
        }
        let mut optimizer = Optimizer::new(&map, self.candle)?;
        let images = images(batch, config.input)?;
        let step = || -> Result<(), likeness_nets::Error> {
            let filled = |width: usize, value: f32| Tensor::full(value, (batch, width), &device);
            let labels: Vec<f32> = (0..batch).map(|i| (i % 2) as f32).collect();
            let output = net.forward(&images, true)?;
            let logits = domain.forward(&reverse_gradient(&output.features, 0.5)?)?;
            let first = bce_with_logits(&logits, &Tensor::from_vec(labels, batch, &device)?)?;
            let error = |prediction: &Tensor, width: usize, value: f32| {
                weighted_squared_error(prediction, &filled(width, value)?, &Tensor::ones(width, DType::F32, &device)?)
            };
            let second = error(&output.parameters, config.parameters, 0.5)?;
            let side = (error(&output.expression, config.expression, 0.1)? + error(&output.pose, config.pose, 0.0)?)?;
            optimizer.step(&((first + second)? + side)?)
        };
        let times = repeat(self.seconds, step)?;
        let spread = Spread::new(times, Unit::PerSecond, batch as f64);
        Ok(Measured { spread, more: BTreeMap::from([("train.batch", batch as f64)]) })
    }

    /// Faces of the prior in pictures of 128 pixels, drawn and read back.
    #[cfg(feature = "render")]
    pub(super) fn render(&self) -> Part {
        use likeness_render::{Passes, RenderOptions, Renderer, Shot};
        const FACES: u32 = 64;
        let path = self.assets.rig_path(None);
        let rig = Rig::load(&path)?;
        let prior = likeness_rig::Prior::load(&path.with_file_name(&rig.prior), &rig)?;
        let mut renderer = Renderer::new(RenderOptions::new(&path))?;
        let shots: Vec<Shot> = (0..FACES)
            .map(|number| Shot::new(crate::commands::random::natural_face(&rig, &prior, 1, number)))
            .collect();
        let times = repeat(self.seconds, || renderer.render(&shots, 128, Passes::COLOR).map(drop))?;
        Ok(Measured { spread: Spread::new(times, Unit::PerSecond, f64::from(FACES)), more: BTreeMap::new() })
    }
}
