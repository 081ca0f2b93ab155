//! The whole way from the wheel to assets/head.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use glam::Vec3;
use likeness_rig::{
    ARKIT_NAMES, Bone, Channel, Curve, Drive, LandmarkSet, Parameter, Prior, RIG_FORMAT, Rig, write_atomic,
};
use rayon::prelude::*;
use serde_json::Value;

use crate::{
    base_mesh::BaseMesh,
    bones::{BoneInfo, bones, index_of},
    cage::{Cage, Kind},
    error::{HeadError, Result},
    expressions,
    finish::{Finish, RenderPart, normals, refine},
    glb::{self, JointNode},
    heads::aligned,
    landmarks::{self, is_ear},
    lips::Lips,
    look,
    parameters::{ParameterSeed, seeds},
    population::Recipe,
    prior::spread,
    ranges,
    skinning::{ChannelMap, Fitter, Skinning, figures, gram},
    solve::{PULL, prune, solve_weights, start_skinning},
    textures,
    wheel::Wheel,
};

/// Heads that ranges and prior are made from, and further ones that only the figures are taken from.
const HEADS: usize = 2200;
const HELD_OUT: usize = 300;
/// Components of the prior.
const RANK: usize = 64;
/// Name and version of the rig.
const RIG_ID: &str = "likeness_adult";
const RIG_VERSION: u32 = 1;

/// The file of the landmarks at their anatomical places, which the textures are painted by.
pub const ANATOMY: &str = "head.anatomy.json";

/// The finished head.
pub struct Head {
    /// All drawn parts.
    pub parts: Vec<RenderPart>,
    /// The skeleton, parents first.
    pub joints: Vec<JointNode>,
    /// The rig.
    pub rig: Rig,
    /// The prior.
    pub prior: Prior,
    /// The landmarks where annotators of photos put them.
    pub landmarks: LandmarkSet,
    /// The landmarks at their anatomical places.
    pub anatomy: LandmarkSet,
    /// Figures, for people.
    pub report: String,
}

impl Head {
    /// Writes the files of assets/head into the folder `out`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, out: &Path) -> Result<()> {
        std::fs::create_dir_all(out).map_err(|source| HeadError::Io { path: out.to_owned(), source })?;
        write_atomic(
            &out.join("head.glb"),
            &glb::write(&self.joints, &self.parts, &ARKIT_NAMES, &glb::HEAD_MATERIALS),
        )?;
        write_atomic(&out.join("head.rig.ron"), self.rig.to_ron()?.as_bytes())?;
        write_atomic(&out.join("head.prior.safetensors"), &stable_header(self.prior.to_bytes()?))?;
        write_atomic(&out.join("head.landmarks.json"), self.landmarks.to_json()?.as_bytes())?;
        write_atomic(&out.join(ANATOMY), self.anatomy.to_json()?.as_bytes())?;
        write_atomic(&out.join("head.report.txt"), self.report.as_bytes())?;
        Ok(())
    }
}

/// Sorts the names in a safetensors header, which come in another order each time: the same head is the same bytes.
fn stable_header(bytes: Vec<u8>) -> Vec<u8> {
    let sorted = || -> Option<Vec<u8>> {
        let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
        let end = usize::try_from(length).ok()?.checked_add(8)?;
        let header: BTreeMap<String, Value> = serde_json::from_slice(bytes.get(8..end)?).ok()?;
        let header: BTreeMap<String, BTreeMap<String, Value>> = header
            .into_iter()
            .map(|(name, value)| Some((name, serde_json::from_value(value).ok()?)))
            .collect::<Option<_>>()?;
        let mut text = serde_json::to_vec(&header).ok()?;
        text.resize(text.len().next_multiple_of(8), b' ');
        let mut out = (text.len() as u64).to_le_bytes().to_vec();
        out.extend_from_slice(&text);
        out.extend_from_slice(&bytes[end..]);
        Some(out)
    };
    sorted().unwrap_or(bytes)
}

/// Makes the head from the wheel's data; `say` is told what is being done.
///
/// # Errors
/// If the wheel does not read as expected.
pub fn build(wheel: &mut Wheel, base: &BaseMesh, say: &dyn Fn(&str)) -> Result<Head> {
    let cage = Cage::cut(base)?;
    let fine = refine(&cage);
    say("population");
    let recipe = Recipe::read(wheel, base, &cage.source, &cage.eyeballs())?;
    let heads = aligned(&cage, &fine, &recipe, &Lips::new(&cage)?, HEADS, HELD_OUT);
    let bones = bones(&base.mirror);
    let (mut skinning, places) = start_skinning(&cage, &heads, &bones)?;

    say("weights");
    let mut seeds = seeds(&bones)?;
    let importance = importance(&cage);
    let exterior = exterior(&cage);
    solve_weights(&cage, &bones, &mut skinning, &places, &seeds, &heads, &importance)?;

    say("parameters");
    let (train, held_out) = heads.targets.split_at(HEADS);
    prune(&mut seeds, &bones, &skinning, &importance, &train[..train.len().min(600)]);
    let map = ChannelMap::new(&seeds, &bones);
    let fitter = Fitter::new(&skinning, &map, &importance, vec![PULL; seeds.len()]);
    let free = fitter.fit_all(train, None, 3);

    say("mesh");
    let expressions = expressions::read(wheel, &cage, heads.scale)?;
    let neutral = &heads.neutral[..cage.count];
    let mut parts = Finish {
        cage: &cage,
        fine: &fine,
        neutral,
        weights: &skinning.weights,
        bones: &bones,
        expressions: &expressions,
    }
    .parts();

    let bounds = ranges::bounds(&free, &parts[0], &skinning.centres, &map, &cage, &fine[0]);
    let fitted = fitter.fit_all(train, Some(&bounds), 5);
    let tested = fitter.fit_all(held_out, Some(&bounds), 5);

    let unit = |values: &Vec<f64>| -> Vec<f64> {
        values.iter().zip(&bounds).map(|(value, bound)| 0.5 + 0.5 * value / bound).collect()
    };
    let samples: Vec<Vec<f64>> = fitted.iter().map(unit).collect();
    let mut motion = gram(&skinning.motions(&map), &visible(&cage), seeds.len());
    for row in 0..seeds.len() {
        for column in 0..seeds.len() {
            *motion.at_mut(row, column) *= 4.0 * bounds[row] * bounds[column];
        }
    }
    let spread = spread(&samples, &motion, RANK);
    let seen = visible(&cage).iter().filter(|w| **w > 0.0).count() as f64;
    let prior = Prior {
        mean: spread.mean.iter().map(|&x| x as f32).collect(),
        factor: spread.factor.iter().map(|&x| x as f32).collect(),
        rank: spread.rank,
        vertex_motion: (0..seeds.len()).map(|p| ((motion.at(p, p) / seen).sqrt() / 1000.0) as f32).collect(),
        rig_id: RIG_ID.to_owned(),
        rig_version: RIG_VERSION,
    };
    let rig = rig(&bones, &seeds, &bounds);
    let landmarks = landmarks::annotated(&cage, &fine[0], &parts[0])?;
    let anatomy = landmarks::anatomical(&cage, &fine[0], &parts[0])?;
    let joints = joints(&cage, &skinning, &bones)?;
    textures::lay_out(&mut parts);

    say("figures");
    let mut report = String::new();
    let _ = writeln!(
        report,
        "bones {}, parameters {}, prior rank {} keeps {:.2} % of the vertex variance",
        bones.len(),
        seeds.len(),
        spread.rank,
        spread.kept * 100.0
    );
    for part in &parts {
        let _ =
            writeln!(report, "{}: {} vertices, {} triangles", part.name, part.positions.len(), part.triangles.len());
    }
    let posed = |values: &[Vec<f64>]| -> Vec<Vec<Vec3>> {
        values.par_iter().map(|values| skinning.pose(&map.moves(values))).collect()
    };
    let face_vertices: Vec<usize> =
        exterior.iter().copied().filter(|&v| cage.raw[v].z > 0.8 && !is_ear(cage.raw[v])).collect();
    let rows = [
        ("held out, doing nothing", vec![skinning.rest.clone(); held_out.len()], held_out),
        ("held out, parameters in range", posed(&tested), held_out),
        ("trained on, parameters in range", posed(&fitted), train),
    ];
    for (name, models, targets) in &rows {
        let pairs: Vec<(&[Vec3], &[Vec3])> =
            models.iter().zip(targets.iter()).map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        let all = figures(&pairs, &exterior);
        let face = figures(&pairs, &face_vertices);
        let turned = normal_error(&cage, &pairs, &face_vertices);
        let _ = writeln!(
            report,
            "{name}: normals {turned:.2} degrees; head RMS {:.3} mm, 95 % {:.3} mm; face RMS {:.3} mm, 95 % {:.3} mm",
            all.rms, all.p95, face.rms, face.p95
        );
    }
    let _ = writeln!(report, "{}", statistics(&seeds, &free, &samples, &bounds, &prior));
    Ok(Head { parts, joints, rig, prior, landmarks, anatomy, report })
}

/// Root mean square angle between the normals of two sets of heads, degrees: how smooth the fits are.
fn normal_error(cage: &Cage, pairs: &[(&[Vec3], &[Vec3])], chosen: &[usize]) -> f64 {
    let quads = &cage.parts[0].mesh.quads;
    let sum: f64 = pairs
        .par_iter()
        .map(|(a, b)| {
            let (a, b) = (normals(a, quads), normals(b, quads));
            chosen.iter().map(|&v| f64::from(a[v].angle_between(b[v])).to_degrees().powi(2)).sum::<f64>()
        })
        .collect::<Vec<f64>>()
        .iter()
        .sum();
    (sum / (pairs.len() * chosen.len()).max(1) as f64).sqrt()
}

fn statistics(
    seeds: &[ParameterSeed],
    free: &[Vec<f64>],
    samples: &[Vec<f64>],
    bounds: &[f64],
    prior: &Prior,
) -> String {
    let mut text = String::new();
    let n = samples.len() as f64;
    let inside = free.iter().flatten().zip(bounds.iter().cycle()).filter(|(x, b)| x.abs() <= **b).count() as f64;
    let worst_mean = prior.mean.iter().map(|m| (m - 0.5).abs()).fold(0.0, f32::max);
    let _ = writeln!(
        text,
        "fits inside the ranges: {:.3} %; largest distance of a mean from 0.5: {worst_mean:.4}",
        100.0 * inside / (n * bounds.len() as f64)
    );
    let variance: f64 = (0..seeds.len())
        .map(|p| samples.iter().map(|s| (s[p] - f64::from(prior.mean[p])).powi(2)).sum::<f64>() / n)
        .sum();
    let explained: f64 = prior.factor.iter().map(|x| f64::from(*x).powi(2)).sum();
    let _ = writeln!(text, "the prior keeps {:.1} % of the parameters' own variance", 100.0 * explained / variance);
    let _ = writeln!(
        text,
        "parameter: range in units, natural heads inside in %, standard deviation, RMS motion per unit in mm"
    );
    for (p, seed) in seeds.iter().enumerate() {
        let mean = f64::from(prior.mean[p]);
        let deviation = (samples.iter().map(|s| (s[p] - mean).powi(2)).sum::<f64>() / n).sqrt();
        let within = 100.0 * free.iter().filter(|fit| fit[p].abs() <= bounds[p]).count() as f64 / n;
        let _ = writeln!(
            text,
            "{:32} {:6.2} {within:6.2} {deviation:6.3} {:7.3}",
            seed.name,
            bounds[p],
            prior.vertex_motion[p] * 1000.0
        );
    }
    text
}

/// How much each vertex counts in a fit.
fn importance(cage: &Cage) -> Vec<f32> {
    (0..cage.count)
        .map(|v| {
            let raw = cage.raw[v];
            let part = cage.parts.iter().find(|part| part.vertices.contains(&v)).map_or("skin", |part| part.name);
            match part {
                "eyes" => 3.0,
                "skin" => match cage.kind[v] {
                    Kind::LidRim => 4.0,
                    Kind::Socket => 0.2,
                    Kind::Mouth => 0.1,
                    _ if cage.ascent[v] < 1.0 => 0.5,
                    _ if is_ear(raw) => 0.4,
                    _ if raw.z > 0.8 => 1.5,
                    _ => 1.2,
                },
                _ => 0.0,
            }
        })
        .collect()
}

/// Vertices of the outside of the head, which the fit figures are taken over.
fn exterior(cage: &Cage) -> Vec<usize> {
    (0..cage.part("skin").vertices.end)
        .filter(|&v| matches!(cage.kind[v], Kind::Outside | Kind::LidRim) && cage.ascent[v] >= 1.0)
        .collect()
}

/// One where a vertex is part of what is seen of a head: face, ears, skull.
fn visible(cage: &Cage) -> Vec<f32> {
    let mut weights = vec![0.0; cage.count];
    for v in exterior(cage) {
        weights[v] = 1.0;
    }
    weights
}

fn rig(bones: &[BoneInfo], seeds: &[ParameterSeed], bounds: &[f64]) -> Rig {
    Rig {
        format: RIG_FORMAT,
        id: RIG_ID.to_owned(),
        version: RIG_VERSION,
        mesh: "head.glb".to_owned(),
        prior: "head.prior.safetensors".to_owned(),
        landmarks: "head.landmarks.json".to_owned(),
        bones: bones
            .iter()
            .enumerate()
            .map(|(number, bone)| Bone {
                name: bone.name.clone(),
                joint: bone.name.clone(),
                mirror: (bone.mirror != number).then(|| bones[bone.mirror].name.clone()),
            })
            .collect(),
        parameters: seeds
            .iter()
            .zip(bounds)
            .map(|(seed, bound)| Parameter {
                renamed_from: Vec::new(),
                name: seed.name.clone(),
                caption: seed.caption.clone(),
                region: seed.region.to_owned(),
                curve: Curve::STRAIGHT,
                drives: seed
                    .drives
                    .iter()
                    .map(|drive| Drive {
                        bone: bones[drive.bone].name.clone(),
                        channel: Channel::ALL[drive.channel],
                        amount: (drive.amount * bound) as f32,
                        low: None,
                        mirror: drive.mirror,
                    })
                    .collect(),
            })
            .collect(),
        options: Vec::new(),
        colors: look::colors(),
        details: look::details(),
    }
}

fn joints(cage: &Cage, skinning: &Skinning, bones: &[BoneInfo]) -> Result<Vec<JointNode>> {
    let middle = |low: f32, high: f32| {
        let ring: Vec<Vec3> = (0..cage.part("skin").vertices.end)
            .filter(|&v| cage.ascent[v] >= low && cage.ascent[v] <= high)
            .map(|v| skinning.rest[v])
            .collect();
        let sum: Vec3 = ring.iter().sum();
        Vec3::new(0.0, sum.y, sum.z) / ring.len().max(1) as f32
    };
    let mastoid = skinning.centres[index_of(bones, "mastoid.L")?];
    let joint = |name: &str, parent: Option<usize>, place: Vec3| JointNode { name: name.to_owned(), parent, place };
    let mut joints = vec![
        joint("root", None, middle(0.0, 0.0)),
        joint("neck", Some(0), middle(0.2, 0.4)),
        joint("head", Some(1), Vec3::new(0.0, mastoid.y, mastoid.z)),
    ];
    for (bone, &centre) in bones.iter().zip(&skinning.centres) {
        joints.push(joint(&bone.name, Some(2), centre));
    }
    for side in ["L", "R"] {
        let eye = index_of(bones, &format!("eye.{side}"))?;
        joints.push(joint(&format!("gaze.{side}"), Some(3 + eye), skinning.centres[eye]));
    }
    Ok(joints)
}

/// What [`crate::ranges`] needs of a drawn part: the rest as a skinned set of its own.
pub fn drawn_skinning(part: &RenderPart, centres: &[Vec3]) -> Skinning {
    let first = crate::finish::FIRST_BONE;
    let last = first + centres.len() as u16;
    Skinning {
        rest: part.positions.clone(),
        centres: centres.to_vec(),
        weights: part
            .joints
            .iter()
            .zip(&part.weights)
            .map(|(joints, weights)| {
                joints
                    .iter()
                    .zip(weights)
                    .filter(|(joint, weight)| **weight > 0.0 && (first..last).contains(*joint))
                    .map(|(&joint, &weight)| (joint - first, weight))
                    .collect()
            })
            .collect(),
    }
}
