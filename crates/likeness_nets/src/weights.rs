//! Weight files: safetensors whose metadata says what they are for, checked in full when they are loaded.

mod precision;
mod widen;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder, VarMap};
use likeness_rig::{Rig, write_atomic};
use safetensors::tensor::{SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
pub use precision::Precision;
use precision::Stored;

/// Version of the metadata.
pub const WEIGHTS_FORMAT: u32 = 1;

/// Architecture name of [`crate::BonePointNet`].
pub const BONE_POINT: &str = "bone-point-1";

/// Architecture name of [`crate::LandmarkNet`].
pub const LANDMARK: &str = "landmark-1";

/// Architecture name of [`crate::AppearanceNet`].
pub const APPEARANCE: &str = "appearance-1";

/// Architecture name of a training checkpoint: several networks, or an optimiser's state.
pub const CHECKPOINT: &str = "checkpoint-1";

/// The only order of channels in use.
pub const CHANNEL_ORDER: &str = "rgb";

/// The only normalisation of pixels in use.
pub const NORMALISATION: &str = "(v / 255 - 0.5) / 0.5";

/// The metadata's key in the safetensors header.
const KEY: &str = "likeness";

/// What a weight file says about itself, stored as JSON in the safetensors metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightsMeta {
    /// [`WEIGHTS_FORMAT`].
    pub format: u32,
    /// [`BONE_POINT`], [`LANDMARK`], [`APPEARANCE`] or [`CHECKPOINT`].
    pub architecture: String,
    /// The network's sizes, as its configuration serialises.
    pub config: serde_json::Value,
    /// The rig whose parameters the network answers; empty for networks that know no rig.
    pub rig_id: String,
    /// That rig's version.
    pub rig_version: u32,
    /// Width and height of the input in pixels.
    pub input: usize,
    /// [`CHANNEL_ORDER`].
    pub channel_order: String,
    /// [`NORMALISATION`].
    pub normalisation: String,
    /// The rig's parameters in the order of the network's outputs.
    pub parameter_names: Vec<String>,
    /// How the network answers photos; none where it saw none in training or answers no parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo_answers: Option<PhotoAnswers>,
    /// Seed of the training run.
    pub seed: u64,
    /// Git revision that trained it.
    pub revision: String,
}

/// Mean and spread of a network's answers for the photos of its training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhotoAnswers {
    /// The mean answer, in the order of the parameters' names, 0..1: who an average photo shows, as far as the network tells.
    pub mean: Vec<f32>,
    /// The standard deviation of each latent of the rig's prior over the answers; over natural faces it is 1.
    pub spread: Vec<f32>,
}

impl WeightsMeta {
    /// Metadata of a network with this configuration; rig, names, seed and revision are left empty.
    ///
    /// # Errors
    /// A configuration that does not serialise.
    pub fn new(architecture: &str, config: &impl Serialize, input: usize) -> Result<Self> {
        let config = serde_json::to_value(config)
            .map_err(|error| Error::Config { field: "config", reason: error.to_string() })?;
        Ok(Self {
            format: WEIGHTS_FORMAT,
            architecture: architecture.to_owned(),
            config,
            rig_id: String::new(),
            rig_version: 0,
            input,
            channel_order: CHANNEL_ORDER.to_owned(),
            normalisation: NORMALISATION.to_owned(),
            parameter_names: Vec::new(),
            photo_answers: None,
            seed: 0,
            revision: String::new(),
        })
    }

    /// The same for a network that answers this rig's parameters.
    #[must_use]
    pub fn for_rig(mut self, rig: &Rig) -> Self {
        self.rig_id.clone_from(&rig.id);
        self.rig_version = rig.version;
        self.parameter_names = rig.parameter_names().map(str::to_owned).collect();
        self
    }
}

/// Writes named tensors and their metadata, atomically.
///
/// # Errors
/// A value that is not finite (or does not fit f16), named by tensor; a file that cannot be written.
pub fn save_weights(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    meta: &WeightsMeta,
    precision: Precision,
) -> Result<()> {
    let source = path.display().to_string();
    let file = |field: &str, reason: String| Error::Weights { path: source.clone(), field: field.to_owned(), reason };
    let mut stored = Vec::new();
    for (name, tensor) in tensors {
        let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        let precision = if tensor.rank() >= 2 { precision } else { Precision::F32 };
        let limit = precision.limit();
        if let Some(index) = values.iter().position(|value| value.is_nan() || value.abs() > limit) {
            let reason =
                format!("value {index} is {}, which cannot be stored; the training has diverged", values[index]);
            return Err(file(name, reason));
        }
        stored.extend(precision.store(name, tensor.dims(), &values));
    }
    let views = stored
        .iter()
        .map(|Stored { name, dtype, shape, bytes }| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(|error| file(name, error.to_string()))?;
            Ok((name.as_str(), view))
        })
        .collect::<Result<Vec<_>>>()?;
    let json = serde_json::to_string(meta).map_err(|error| file(KEY, error.to_string()))?;
    let info = std::collections::HashMap::from([(KEY.to_owned(), json)]);
    let bytes = safetensors::serialize(views, Some(info)).map_err(|error| file("header", error.to_string()))?;
    Ok(write_atomic(path, &bytes)?)
}

/// The variables of a map whose names start with `prefix`, without it (`"bone_point."`; the empty prefix takes all).
pub fn named_tensors(map: &VarMap, prefix: &str) -> BTreeMap<String, Tensor> {
    let map = map.data().lock().unwrap_or_else(|error| error.into_inner());
    map.iter()
        .filter_map(|(name, var)| Some((name.strip_prefix(prefix)?.to_owned(), var.as_detached_tensor())))
        .collect()
}

/// A loaded weight file: every value is finite, the metadata is of a known format.
#[derive(Debug, Clone)]
pub struct Weights {
    source: String,
    meta: WeightsMeta,
    tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`], or what [`Self::from_bytes`] finds.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Reads a file's bytes; `source` names it in errors.
    ///
    /// # Errors
    /// [`Error::Weights`] for a damaged or truncated file, missing metadata, another format, another channel order or
    /// normalisation, a dtype other than f32, f16 and i8 (see [`Precision`]), a value that is not finite.
    pub fn from_bytes(bytes: &[u8], source: &str) -> Result<Self> {
        let fail = |field: &str, reason: String| {
            Err(Error::Weights { path: source.to_owned(), field: field.to_owned(), reason })
        };
        let (file, header) = match (SafeTensors::deserialize(bytes), SafeTensors::read_metadata(bytes)) {
            (Ok(file), Ok((_, header))) => (file, header),
            (Err(error), _) | (_, Err(error)) => {
                return fail("header", format!("not a complete safetensors file ({error}); fetch or train it again"));
            }
        };
        let Some(json) = header.metadata().as_ref().and_then(|info| info.get(KEY)) else {
            return fail(KEY, "the metadata is missing; this is not a weight file of this project".into());
        };
        let meta: WeightsMeta = match serde_json::from_str(json) {
            Ok(meta) => meta,
            Err(error) => return fail(KEY, format!("the metadata cannot be read: {error}")),
        };
        for (field, found, expected) in [
            ("format", meta.format.to_string(), WEIGHTS_FORMAT.to_string()),
            ("channel_order", meta.channel_order.clone(), CHANNEL_ORDER.to_owned()),
            ("normalisation", meta.normalisation.clone(), NORMALISATION.to_owned()),
        ] {
            if found != expected {
                return fail(field, format!("is `{found}`, this version reads `{expected}`"));
            }
        }
        if let Some(PhotoAnswers { mean, spread }) = &meta.photo_answers
            && (mean.len() != meta.parameter_names.len() || mean.iter().chain(spread).any(|value| !value.is_finite()))
        {
            let reason =
                "needs a finite mean for each of the parameter names; run `likeness-train calibrate` on the file";
            return fail("photo_answers", reason.into());
        }
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            if precision::is_scale(&file, name) {
                continue;
            }
            let values = match precision::read(&file, name, &view) {
                Ok(values) => values,
                Err(reason) => return fail(name, reason),
            };
            if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                return fail(name, format!("value {index} is {}; the file is damaged", values[index]));
            }
            tensors.insert(name.to_owned(), Tensor::from_vec(values, view.shape(), &Device::Cpu)?);
        }
        Ok(Self { source: source.to_owned(), meta, tensors })
    }

    /// What the file says about itself.
    pub fn meta(&self) -> &WeightsMeta {
        &self.meta
    }

    /// The tensors by name, as f32.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    fn error(&self, field: &str, reason: String) -> Error {
        Error::Weights { path: self.source.clone(), field: field.to_owned(), reason }
    }

    /// Checks that the file holds this architecture.
    ///
    /// # Errors
    /// [`Error::Weights`] naming `architecture`.
    pub fn expect_architecture(&self, architecture: &str) -> Result<()> {
        if self.meta.architecture == architecture {
            return Ok(());
        }
        Err(self.error("architecture", format!("is `{}`, needed is `{architecture}`", self.meta.architecture)))
    }

    /// Checks that the network answers exactly this rig's parameters, in its order.
    ///
    /// # Errors
    /// [`Error::Weights`] naming `rig_id`, `rig_version` or `parameter_names`.
    pub fn expect_rig(&self, rig: &Rig) -> Result<()> {
        let meta = &self.meta;
        let advice = "use the weights that belong to the rig, or train on it";
        if meta.rig_id != rig.id {
            return Err(self.error("rig_id", format!("is `{}`, the rig is `{}`; {advice}", meta.rig_id, rig.id)));
        }
        if meta.rig_version != rig.version {
            let reason = format!("is {}, the rig's version is {}; {advice}", meta.rig_version, rig.version);
            return Err(self.error("rig_version", reason));
        }
        let mut names = rig.parameter_names();
        for (index, name) in meta.parameter_names.iter().enumerate() {
            let expected = names.next();
            if expected != Some(name) {
                let reason =
                    format!("has `{name}` at {index}, the rig has `{}`; {advice}", expected.unwrap_or("no more"));
                return Err(self.error("parameter_names", reason));
            }
        }
        if let Some(name) = names.next() {
            return Err(self.error("parameter_names", format!("lacks the rig's `{name}`; {advice}")));
        }
        Ok(())
    }

    /// The network's configuration.
    ///
    /// # Errors
    /// [`Error::Weights`] naming `config`.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C> {
        serde_json::from_value(self.meta.config.clone()).map_err(|error| self.error("config", error.to_string()))
    }

    /// Builds a network from the file's tensors: `build` gets a `VarBuilder` that hands them out.
    ///
    /// # Errors
    /// [`Error::Weights`] naming the first tensor that is missing, has another shape, or that the network did not ask for.
    pub fn build<N>(&self, build: impl FnOnce(VarBuilder<'static>) -> Result<N>) -> Result<N> {
        let log = Arc::new(Mutex::new(Log::default()));
        let backend: Box<dyn SimpleBackend> = Box::new(Strict { tensors: self.tensors.clone(), log: log.clone() });
        let network = build(VarBuilder::from_backend(backend, DType::F32, Device::Cpu));
        let log = lock(&log);
        if let Some((field, reason)) = &log.problem {
            return Err(self.error(field, reason.clone()));
        }
        let network = network?;
        match self.tensors.keys().find(|name| !log.used.contains(*name)) {
            Some(name) => Err(self.error(name, "does not belong to the network; the file is of another one".into())),
            None => Ok(network),
        }
    }

    /// Sets those variables of `map` whose names start with `prefix` to the file's tensors that `wanted` (a name without the prefix)
    /// asks for, as a start for a network of other sizes. Where a variable is larger than its tensor, the first outputs are the
    /// file's and get nothing from inputs that the file does not know, so that a network that is wider in all layers answers as the
    /// file's; `places` tells for a name how many places of a picture a matrix's inputs go through one after the other (1 for all
    /// others). Answers the names of the variables that stay as they are, without the prefix and in order.
    ///
    /// # Errors
    /// [`Error::Weights`] when no variable at all is set.
    pub fn load_into(
        &self,
        map: &VarMap,
        prefix: &str,
        wanted: impl Fn(&str) -> bool,
        places: impl Fn(&str) -> usize,
    ) -> Result<Vec<String>> {
        let map = map.data().lock().unwrap_or_else(|error| error.into_inner());
        let (mut left, mut count) = (Vec::new(), 0);
        for (name, var) in map.iter().filter_map(|(name, var)| Some((name.strip_prefix(prefix)?, var))) {
            count += 1;
            let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
            let start = match self.tensors.get(name).filter(|_| wanted(name)) {
                Some(tensor) if tensor.shape() == var.shape() => Some(tensor.clone()),
                Some(tensor) => {
                    let (old, fresh) = (values(tensor)?, values(var)?);
                    widen::widened(&old, tensor.dims(), &fresh, var.dims(), places(name))
                        .map(|wide| Tensor::from_vec(wide, var.shape(), &Device::Cpu))
                        .transpose()?
                }
                None => None,
            };
            match start {
                Some(tensor) => var.set(&tensor.to_device(var.device())?)?,
                None => left.push(name.to_owned()),
            }
        }
        if left.len() == count {
            return Err(self.error("tensors", "none fits the network that should start from them".into()));
        }
        left.sort_unstable();
        Ok(left)
    }
}

const MISSING: &str = "is missing; the file is of another network or incomplete";

fn other_shape(found: &Shape, needed: &Shape) -> String {
    format!("has shape {:?}, the network needs {:?}", found.dims(), needed.dims())
}

#[derive(Default)]
struct Log {
    used: BTreeSet<String>,
    problem: Option<(String, String)>,
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(|error| error.into_inner())
}

/// Hands out a file's tensors and remembers which, and the first problem.
struct Strict {
    tensors: BTreeMap<String, Tensor>,
    log: Arc<Mutex<Log>>,
}

impl Strict {
    fn fail<T>(&self, name: &str, reason: String) -> candle_core::Result<T> {
        let message = format!("`{name}` {reason}");
        lock(&self.log).problem.get_or_insert((name.to_owned(), reason));
        candle_core::bail!("{message}")
    }
}

impl SimpleBackend for Strict {
    fn get(&self, shape: Shape, name: &str, _init: Init, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() != &shape {
            return self.fail(name, other_shape(tensor.shape(), &shape));
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let Some(tensor) = self.tensors.get(name) else {
            return self.fail(name, MISSING.into());
        };
        lock(&self.log).used.insert(name.to_owned());
        tensor.to_device(device)?.to_dtype(dtype)
    }

    /// Always true, so that a network never fills a gap with first values.
    fn contains_tensor(&self, _name: &str) -> bool {
        true
    }
}
