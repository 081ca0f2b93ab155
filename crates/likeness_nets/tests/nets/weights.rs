//! Weight files: round trips, and an error for everything that can be wrong.

use std::collections::{BTreeMap, HashMap};

use crate::common::{all_values, largest, largest_difference, noise, variables};
use candle_core::{Device, Tensor};
use candle_nn::VarMap;
use likeness_nets::{
    BONE_POINT, BonePointConfig, BonePointNet, Error, LANDMARK, Precision, SeededInit, Weights, WeightsMeta,
    named_tensors, save_weights,
};
use likeness_rig::{Curve, Parameter, Rig};

fn config() -> BonePointConfig {
    BonePointConfig { input: 32, widths: [4, 4, 4, 4], hidden: [8, 8], expression: 2, ..BonePointConfig::new(3) }
}

fn rig() -> Rig {
    let parameter = |name: &str| Parameter {
        name: name.into(),
        caption: name.into(),
        region: "nose".into(),
        curve: Curve::STRAIGHT,
        drives: Vec::new(),
        renamed_from: Vec::new(),
    };
    Rig {
        format: likeness_rig::RIG_FORMAT,
        id: "head".into(),
        version: 4,
        mesh: String::new(),
        prior: String::new(),
        landmarks: String::new(),
        bones: Vec::new(),
        parameters: ["nose.width", "nose.length", "chin.height"].map(parameter).into(),
        options: Vec::new(),
        colors: Vec::new(),
        details: Vec::new(),
    }
}

struct Saved {
    folder: tempfile::TempDir,
    map: VarMap,
    net: BonePointNet,
    meta: WeightsMeta,
}

impl Saved {
    fn new(precision: Precision) -> Self {
        let map = VarMap::new();
        let vb = SeededInit::builder(&map, 1, &Device::Cpu);
        let net = BonePointNet::new(&config(), vb.pp("bone_point"), None).unwrap();
        net.forward(&noise(1, &[3, 3, 32, 32]), true).unwrap();
        let mut meta = WeightsMeta::new(BONE_POINT, &config(), 32).unwrap().for_rig(&rig());
        meta.seed = u64::MAX;
        let saved = Self { folder: tempfile::tempdir().unwrap(), map, net, meta };
        save_weights(&saved.path(), &saved.tensors(), &saved.meta, precision).unwrap();
        saved
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("net.safetensors")
    }

    fn tensors(&self) -> BTreeMap<String, Tensor> {
        named_tensors(&self.map, "bone_point.")
    }

    /// Loads the file after a change of its tensors.
    fn with_tensors(&self, change: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> Weights {
        let mut tensors = self.tensors();
        change(&mut tensors);
        save_weights(&self.path(), &tensors, &self.meta, Precision::F32).unwrap();
        Weights::load(&self.path()).unwrap()
    }

    /// Loads the file after a change of its metadata.
    fn with_meta(&self, change: impl FnOnce(&mut WeightsMeta)) -> Result<Weights, Error> {
        let mut meta = self.meta.clone();
        change(&mut meta);
        save_weights(&self.path(), &self.tensors(), &meta, Precision::F32).unwrap();
        Weights::load(&self.path())
    }
}

/// Checks that the error names the file and the field.
#[track_caller]
fn assert_names<T>(result: Result<T, Error>, expected: &str) {
    let Err(error) = result else { panic!("no error about {expected}") };
    assert!(error.to_string().contains("net.safetensors"), "{error}");
    match &error {
        Error::Weights { field, .. } => assert_eq!(field, expected, "{error}"),
        other => panic!("{other:?} instead of an error about {expected}"),
    }
}

fn build(weights: &Weights) -> Result<BonePointNet, Error> {
    weights.build(|vb| BonePointNet::new(&config(), vb, None))
}

#[test]
fn a_saved_network_answers_the_same() {
    for (precision, tolerance) in [(Precision::F32, 0.0), (Precision::F16, 2e-3), (Precision::I8, 0.1)] {
        let saved = Saved::new(precision);
        let weights = Weights::load(&saved.path()).unwrap();
        assert_eq!(weights.meta(), &saved.meta);
        assert_eq!(weights.config::<BonePointConfig>().unwrap(), config());
        weights.expect_architecture(BONE_POINT).unwrap();
        weights.expect_rig(&rig()).unwrap();
        let images = noise(2, &[2, 3, 32, 32]);
        let expected = saved.net.forward(&images, false).unwrap();
        let got = build(&weights).unwrap().forward(&images, false).unwrap();
        for (expected, got) in [(&expected.parameters, &got.parameters), (&expected.features, &got.features)] {
            let (off, largest) = (largest_difference(expected, got), largest(expected));
            assert!(off <= tolerance * largest, "{precision:?}: {off} of {largest}");
        }
        let other = VarMap::new();
        BonePointNet::new(&config(), SeededInit::builder(&other, 2, &Device::Cpu).pp("student"), None).unwrap();
        assert!(weights.load_into(&other, "student.", |_| true, |_| 1).unwrap().is_empty());
        if precision == Precision::F32 {
            assert!(all_values(&other) == all_values(&saved.map));
        }
    }
    let size = |precision| std::fs::metadata(Saved::new(precision).path()).unwrap().len();
    assert!(size(Precision::F16) < size(Precision::F32));
    assert!(size(Precision::I8) < size(Precision::F16));
}

#[test]
fn whole_numbers_are_off_by_half_a_step_at_most() {
    let saved = Saved::new(Precision::F32);
    let mut tensors = saved.tensors();
    // Outputs of very different sizes, one without any weight, and values at the end of what there is.
    let rows = [
        [1e-3, -4e-3, 0.0],
        [2.0, -1.0, 0.3],
        [0.0; 3],
        [f32::MAX / 2.0, -f32::MAX / 2.0, 1.0],
        [f32::MIN_POSITIVE; 3],
    ];
    tensors.insert("fc9.weight".into(), Tensor::new(&rows, &Device::Cpu).unwrap());
    save_weights(&saved.path(), &tensors, &saved.meta, Precision::I8).unwrap();
    let weights = Weights::load(&saved.path()).unwrap();
    assert!(weights.tensors().keys().eq(tensors.keys()), "scales are no tensors of the network");
    for (name, tensor) in &tensors {
        let read = &weights.tensors()[name];
        assert_eq!(read.dims(), tensor.dims(), "{name}");
        let rows = |tensor: &Tensor| tensor.flatten_from(1.min(tensor.rank() - 1)).unwrap();
        if tensor.rank() < 2 {
            assert_eq!(read.to_vec1::<f32>().unwrap(), tensor.to_vec1::<f32>().unwrap(), "{name}");
            continue;
        }
        let (read, tensor) = (rows(read).to_vec2::<f32>().unwrap(), rows(tensor).to_vec2::<f32>().unwrap());
        for (read, row) in read.iter().zip(&tensor) {
            let largest = row.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            for (a, b) in read.iter().zip(row) {
                let allowed = (largest / 253.0).max(f32::MIN_POSITIVE);
                assert!((a - b).abs() <= allowed, "{name}: {b} was read as {a}");
            }
        }
    }
}

#[test]
fn damaged_files_are_errors() {
    let saved = Saved::new(Precision::F16);
    let bytes = std::fs::read(saved.path()).unwrap();
    for end in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        assert_names(Weights::from_bytes(&bytes[..end], "net.safetensors"), "header");
    }
    let mut huge = bytes.clone();
    huge[..8].fill(0xff);
    assert_names(Weights::from_bytes(&huge, "net.safetensors"), "header");
    let missing = saved.folder.path().join("absent.safetensors");
    assert!(matches!(Weights::load(&missing), Err(Error::Io { path, .. }) if path == missing));
}

#[test]
fn values_that_are_not_finite_are_errors() {
    let saved = Saved::new(Precision::F32);
    for value in [f32::NAN, f32::INFINITY] {
        let mut tensors = saved.tensors();
        tensors.insert("fc1.bias".into(), Tensor::full(value, 8, &Device::Cpu).unwrap());
        assert_names(save_weights(&saved.path(), &tensors, &saved.meta, Precision::F32), "fc1.bias");
    }
    let mut tensors = saved.tensors();
    tensors.insert("fc2.weight".into(), Tensor::full(7e4f32, (8, 8), &Device::Cpu).unwrap());
    assert_names(save_weights(&saved.path(), &tensors, &saved.meta, Precision::F16), "fc2.weight");
    // The failed saves left the good file alone.
    build(&Weights::load(&saved.path()).unwrap()).unwrap();

    let mut bytes = std::fs::read(saved.path()).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    let Err(Error::Weights { reason, .. }) = Weights::from_bytes(&bytes, "net.safetensors") else {
        panic!("NaN was read")
    };
    assert!(reason.contains("NaN"), "{reason}");
}

#[test]
fn tensors_of_another_network_are_errors() {
    let saved = Saved::new(Precision::F32);
    let check = |weights: Weights, field: &str| assert_names(build(&weights), field);
    check(saved.with_tensors(|tensors| drop(tensors.remove("fc2.weight").unwrap())), "fc2.weight");
    check(saved.with_tensors(|tensors| drop(tensors.insert("fc9.weight".into(), noise(1, &[2])))), "fc9.weight");
    check(saved.with_tensors(|tensors| drop(tensors.insert("fc3.bias".into(), noise(1, &[4])))), "fc3.bias");
    let norm = "trunk.module1.norm2.running_mean";
    check(saved.with_tensors(|tensors| drop(tensors.remove(norm).unwrap())), norm);
}

#[test]
fn a_network_starts_from_what_fits() {
    let saved = Saved::new(Precision::F32);
    let fresh = || {
        let map = VarMap::new();
        BonePointNet::new(&config(), SeededInit::builder(&map, 2, &Device::Cpu).pp("student"), None).unwrap();
        map
    };
    let weights = saved.with_tensors(|tensors| {
        tensors.remove("fc2.weight").unwrap();
        tensors.insert("fc3.bias".into(), noise(1, &[4]));
    });
    let map = fresh();
    let left = weights.load_into(&map, "student.", |name| !name.starts_with("fc1."), |_| 1).unwrap();
    assert_eq!(left, ["fc1.bias", "fc1.weight", "fc2.weight", "fc3.bias"]);
    let value = |map: &VarMap, name: &str| {
        let map = map.data().lock().unwrap();
        map[name].flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let is_as = |other: &VarMap, prefix: &str, name: &str| {
        value(&map, &format!("student.{name}")) == value(other, &format!("{prefix}.{name}"))
    };
    assert!(
        is_as(&saved.map, "bone_point", "trunk.module0.conv1.weight") && is_as(&saved.map, "bone_point", "fc3.weight")
    );
    assert!(is_as(&fresh(), "student", "fc1.weight") && is_as(&fresh(), "student", "fc3.bias"));
    assert_names(saved.with_tensors(|_| ()).load_into(&fresh(), "student.", |_| false, |_| 1), "tensors");
}

#[test]
fn a_wider_network_starts_with_the_answers_of_a_smaller_one() {
    let saved = Saved::new(Precision::F32);
    let weights = Weights::load(&saved.path()).unwrap();
    let wide = BonePointConfig { widths: [5, 4, 7, 6], hidden: [9, 12], ..config() };
    let map = VarMap::new();
    let build = || BonePointNet::new(&wide, SeededInit::builder(&map, 2, &Device::Cpu).pp("student"), None).unwrap();
    build();
    // The trunk ends with 2 x 2 places.
    let places = |name: &str| if ["fc1.weight", "side1.weight"].contains(&name) { 4 } else { 1 };
    assert_eq!(weights.load_into(&map, "student.", |_| true, places).unwrap(), [""; 0]);
    let images = noise(2, &[2, 3, 32, 32]);
    let expected = saved.net.forward(&images, false).unwrap();
    let got = build().forward(&images, false).unwrap();
    for (expected, got) in
        [(&expected.parameters, &got.parameters), (&expected.expression, &got.expression), (&expected.pose, &got.pose)]
    {
        assert!(largest_difference(expected, got) <= 1e-4 * largest(expected));
    }
}

#[test]
fn metadata_of_another_kind_is_an_error() {
    let saved = Saved::new(Precision::F32);
    assert_names(saved.with_meta(|meta| meta.format = 2), "format");
    assert_names(saved.with_meta(|meta| meta.channel_order = "bgr".into()), "channel_order");
    assert_names(saved.with_meta(|meta| meta.normalisation = "none".into()), "normalisation");

    let weights = saved.with_meta(|_| ()).unwrap();
    assert_names(weights.expect_architecture(LANDMARK), "architecture");
    let mut other = rig();
    other.id = "robot".into();
    assert_names(weights.expect_rig(&other), "rig_id");
    let mut other = rig();
    other.version = 5;
    assert_names(weights.expect_rig(&other), "rig_version");
    let mut other = rig();
    other.parameters.swap(0, 1);
    assert_names(weights.expect_rig(&other), "parameter_names");
    let mut other = rig();
    other.parameters.pop();
    assert_names(weights.expect_rig(&other), "parameter_names");
    let weights = saved.with_meta(|meta| drop(meta.parameter_names.pop())).unwrap();
    assert_names(weights.expect_rig(&rig()), "parameter_names");
    let weights = saved.with_meta(|meta| meta.config = "small".into()).unwrap();
    assert_names(weights.config::<BonePointConfig>(), "config");
}

#[test]
fn files_of_others_are_errors() {
    let values = 1f32.to_le_bytes();
    let view = |dtype| safetensors::tensor::TensorView::new(dtype, vec![1], &values).unwrap();
    let f32s = view(safetensors::Dtype::F32);
    let plain = safetensors::serialize([("a", &f32s)], None).unwrap();
    assert_names(Weights::from_bytes(&plain, "net.safetensors"), "likeness");
    let info = HashMap::from([("likeness".to_owned(), "{}".to_owned())]);
    let empty = safetensors::serialize([("a", &f32s)], Some(info)).unwrap();
    assert_names(Weights::from_bytes(&empty, "net.safetensors"), "likeness");
    let saved = Saved::new(Precision::F32);
    let info = HashMap::from([("likeness".to_owned(), serde_json::to_string(&saved.meta).unwrap())]);
    let ints = view(safetensors::Dtype::I32);
    let integers = safetensors::serialize([("a", &ints)], Some(info)).unwrap();
    assert_names(Weights::from_bytes(&integers, "net.safetensors"), "a");
    // Whole numbers without scales, with too few of them, and with some that are not finite.
    let info = HashMap::from([("likeness".to_owned(), serde_json::to_string(&saved.meta).unwrap())]);
    let tensor =
        |dtype, shape: &[usize], bytes| safetensors::tensor::TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
    let whole = tensor(safetensors::Dtype::I8, &[2, 2], &[1, 2, 3, 4]);
    let infinite = [f32::INFINITY.to_le_bytes(), 1f32.to_le_bytes()].concat();
    let infinite = tensor(safetensors::Dtype::F32, &[2], &infinite);
    for tensors in
        [vec![("a", &whole)], vec![("a", &whole), ("a.scale", &f32s)], vec![("a", &whole), ("a.scale", &infinite)]]
    {
        let file = safetensors::serialize(tensors, Some(info.clone())).unwrap();
        assert_names(Weights::from_bytes(&file, "net.safetensors"), "a");
    }
    assert_eq!(variables(&saved.map).len(), saved.tensors().len());
}
