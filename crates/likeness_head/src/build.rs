//! The whole way from the wheel to assets/head.

use std::{fmt::Write as _, path::Path};

use glam::Vec3;
use likeness_rig::{ARKIT_NAMES, Bone, Channel, ColorSlot, Drive, LandmarkSet, Parameter, Prior, RIG_FORMAT, Rig, write_atomic};
use rayon::prelude::*;

use crate::{
    align::{place, size},
    base_mesh::BaseMesh,
    bones::{BoneInfo, bones, index_of},
    cage::{Cage, Kind},
    error::{HeadError, Result},
    expressions,
    finish::{Fine, Finish, RenderPart, normals, refine},
    glb::{self, JointNode},
    landmarks::{self, is_ear},
    lips::Lips,
    parameters::{ParameterSeed, seeds},
    population::Recipe,
    prior::spread,
    ranges,
    skinning::{ChannelMap, Fitter, Skinning, figures, gram},
    textures,
    weights::{Reach, bind_lashes, headness, mirror, smooth, solve_rigid, truncate},
    wheel::Wheel,
};

/// Heads that ranges and prior are made from, and further ones that only the figures are taken from.
const HEADS: usize = 2200;
const HELD_OUT: usize = 300;
/// Of those, how many the weights are solved for.
const SOLVED: usize = 500;
/// Rounds of moves and weights.
const ROUNDS: usize = 6;
/// Seed of the population.
const SEED: u64 = 20_240_917;
/// Metres in a raw unit; heads of the source run 6 % small.
const METRES: f32 = 0.1 * 1.06;
/// Parameters that are kept.
const PARAMETERS: usize = 300;
/// Components of the prior.
const RANK: usize = 64;
/// What a parameter at one unit costs a fit, square millimetres over all vertices.
const PULL: f64 = 20.0;
/// The source's tongue and teeth lie against the lips; this takes them back a little.
const TONGUE_BACK: Vec3 = Vec3::new(0.0, -0.0015, -0.004);
const TEETH_BACK: Vec3 = Vec3::new(0.0, 0.0, -0.003);
/// Name and version of the rig.
const RIG_ID: &str = "likeness_adult";
const RIG_VERSION: u32 = 1;

/// The heads, aligned and in metres.
struct Heads {
    /// The symmetric mean: cage vertices, then eye cubes; not smoothed.
    neutral: Vec<Vec3>,
    /// Cage vertices as the subdivision leaves them, of the neutral head.
    rest: Vec<Vec3>,
    /// The same of every head, faded to the neutral one toward the cut.
    targets: Vec<Vec<Vec3>>,
    /// Metres per raw unit of the base mesh.
    scale: f32,
}

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
    /// The landmarks.
    pub landmarks: LandmarkSet,
    /// Figures, for people.
    pub report: String,
}

impl Head {
    /// Writes the files of assets/head into the folder `out`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, out: &Path) -> Result<()> {
        std::fs::create_dir_all(out).map_err(|source| HeadError::Io {
            path: out.to_owned(),
            source,
        })?;
        write_atomic(&out.join("head.glb"), &glb::write(&self.joints, &self.parts, &ARKIT_NAMES))?;
        write_atomic(&out.join("head.rig.ron"), self.rig.to_ron()?.as_bytes())?;
        write_atomic(&out.join("head.prior.safetensors"), &self.prior.to_bytes()?)?;
        write_atomic(&out.join("head.landmarks.json"), self.landmarks.to_json()?.as_bytes())?;
        write_atomic(&out.join("head.report.txt"), self.report.as_bytes())?;
        Ok(())
    }
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
    let heads = aligned(&cage, &fine, &recipe, &Lips::new(&cage)?);
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
    let mut motion = gram(&fitter_motions(&skinning, &map), &visible(&cage), seeds.len());
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
    let landmarks = landmarks::build(&cage, &fine[0], &parts[0])?;
    let joints = joints(&cage, &skinning, &bones)?;
    textures::lay_out(&mut parts);

    say("figures");
    let mut report = String::new();
    let _ = writeln!(report, "bones {}, parameters {}, prior rank {} keeps {:.2} % of the vertex variance", bones.len(), seeds.len(), spread.rank, spread.kept * 100.0);
    for part in &parts {
        let _ = writeln!(report, "{}: {} vertices, {} triangles", part.name, part.positions.len(), part.triangles.len());
    }
    let posed = |values: &[Vec<f64>]| -> Vec<Vec<Vec3>> {
        values.par_iter().map(|values| skinning.pose(&map.moves(values))).collect()
    };
    let face_vertices: Vec<usize> = exterior.iter().copied().filter(|&v| cage.raw[v].z > 0.8 && !is_ear(cage.raw[v])).collect();
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
    Ok(Head {
        parts,
        joints,
        rig,
        prior,
        landmarks,
        report,
    })
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

fn fitter_motions(skinning: &Skinning, map: &ChannelMap) -> Vec<Vec<(u32, Vec3)>> {
    skinning.motions(map)
}

fn statistics(seeds: &[ParameterSeed], free: &[Vec<f64>], samples: &[Vec<f64>], bounds: &[f64], prior: &Prior) -> String {
    let mut text = String::new();
    let n = samples.len() as f64;
    let inside = free.iter().flatten().zip(bounds.iter().cycle()).filter(|(x, b)| x.abs() <= **b).count() as f64;
    let worst_mean = prior.mean.iter().map(|m| (m - 0.5).abs()).fold(0.0, f32::max);
    let _ = writeln!(text, "fits inside the ranges: {:.3} %; largest distance of a mean from 0.5: {worst_mean:.4}", 100.0 * inside / (n * bounds.len() as f64));
    let variance: f64 = (0..seeds.len())
        .map(|p| samples.iter().map(|s| (s[p] - f64::from(prior.mean[p])).powi(2)).sum::<f64>() / n)
        .sum();
    let explained: f64 = prior.factor.iter().map(|x| f64::from(*x).powi(2)).sum();
    let _ = writeln!(text, "the prior keeps {:.1} % of the parameters' own variance", 100.0 * explained / variance);
    let _ = writeln!(text, "parameter: range in units, natural heads inside in %, standard deviation, RMS motion per unit in mm");
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

fn aligned(cage: &Cage, fine: &[Fine], recipe: &Recipe, lips: &Lips) -> Heads {
    let mut heads = recipe.heads(SEED, HEADS + HELD_OUT);
    let face: Vec<usize> = (0..cage.part("skin").vertices.end)
        .filter(|&v| {
            let raw = cage.raw[v];
            matches!(cage.kind[v], Kind::Outside | Kind::LidRim) && raw.z > 0.85 && raw.y > 6.15 && raw.y < 7.9
        })
        .collect();
    let mean_size = heads[..HEADS].iter().map(|head| size(head, &face)).sum::<f64>() / HEADS as f64;
    let mut mean = heads[0].clone();
    for _ in 0..3 {
        heads.par_iter_mut().for_each(|head| {
            let placement = place(head, &mean, &face);
            for point in head.iter_mut() {
                *point = placement.apply(*point);
            }
        });
        let mut sums = vec![glam::DVec3::ZERO; mean.len()];
        for head in &heads[..HEADS] {
            for (sum, point) in sums.iter_mut().zip(head) {
                *sum += point.as_dvec3();
            }
        }
        mean = sums.iter().map(|sum| (*sum / HEADS as f64).as_vec3()).collect();
        mean = (0..mean.len())
            .map(|v| {
                let opposite = mean[cage.mirror[v] as usize];
                (mean[v] + Vec3::new(-opposite.x, opposite.y, opposite.z)) / 2.0
            })
            .collect();
        let grow = (mean_size / size(&mean, &face)) as f32;
        for point in &mut mean {
            *point *= grow;
        }
    }
    heads.par_iter_mut().for_each(|head| {
        let placement = place(head, &mean, &face);
        for point in head.iter_mut() {
            *point = placement.apply(*point);
        }
    });
    let cubes = &mean[cage.count..];
    let origin = cubes.iter().sum::<Vec3>() / cubes.len() as f32;
    let (tongue, teeth) = (cage.part("tongue").vertices.clone(), cage.part("teeth").vertices.clone());
    let metres = |points: &[Vec3]| -> Vec<Vec3> {
        let mut points: Vec<Vec3> = points.iter().map(|&p| (p - origin) * METRES).collect();
        lips.close(&fine[0], &mut points);
        for point in &mut points[tongue.clone()] {
            *point += TONGUE_BACK;
        }
        for point in &mut points[teeth.clone()] {
            *point += TEETH_BACK;
        }
        points
    };
    let neutral = metres(&mean);
    let rest = smoothed(cage, fine, &neutral);
    let targets = heads
        .par_iter()
        .map(|head| {
            let head = smoothed(cage, fine, &metres(head));
            (0..cage.count).map(|v| rest[v].lerp(head[v], headness(cage.ascent[v]))).collect()
        })
        .collect();
    let scale = (mean_size / size(&cage.raw, &face)) as f32 * METRES;
    Heads {
        neutral,
        rest,
        targets,
        scale,
    }
}

/// The cage's vertices where the subdivision puts them.
fn smoothed(cage: &Cage, fine: &[Fine], points: &[Vec3]) -> Vec<Vec3> {
    let mut out = Vec::with_capacity(cage.count);
    for (part, fine) in cage.parts.iter().zip(fine) {
        let own = &points[part.vertices.clone()];
        for row in &fine.stencils[..part.vertices.len()] {
            out.push(row.iter().fold(Vec3::ZERO, |sum, &(v, w)| sum + own[v as usize] * w));
        }
    }
    out
}

fn start_skinning(cage: &Cage, heads: &Heads, bones: &[BoneInfo]) -> Result<(Skinning, Vec<Option<usize>>)> {
    let mut centres = Vec::new();
    let mut places = Vec::new();
    let cubes = &heads.neutral[cage.count..];
    for bone in bones {
        if let Some(number) = bone.vertex {
            let vertex = cage.vertex(number)?;
            places.push(Some(vertex));
            centres.push(heads.rest[vertex]);
        } else {
            places.push(None);
            let side = if bone.name.ends_with(".L") { &cubes[..8] } else { &cubes[8..] };
            centres.push(side.iter().sum::<Vec3>() / 8.0);
        }
    }
    let skinning = Skinning {
        rest: heads.rest.clone(),
        centres,
        weights: vec![Vec::new(); cage.count],
    };
    Ok((skinning, places))
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

fn solve_weights(
    cage: &Cage,
    bones: &[BoneInfo],
    skinning: &mut Skinning,
    places: &[Option<usize>],
    seeds: &[ParameterSeed],
    heads: &Heads,
    importance: &[f32],
) -> Result<()> {
    let reach = Reach::new(cage, &skinning.rest, bones, &skinning.centres, places);
    let map = ChannelMap::new(seeds, bones);
    let targets = &heads.targets[..SOLVED.min(heads.targets.len())];
    let pull = vec![PULL; seeds.len()];
    skinning.weights = reach.start();
    for round in 0..ROUNDS {
        let fitter = Fitter::new(skinning, &map, importance, pull.clone());
        let values = fitter.fit_all(targets, None, 2);
        let moves: Vec<_> = values.par_iter().map(|values| map.moves(values)).collect();
        let mut weights = mirror(cage, bones, &reach.solve(cage, skinning, targets, &moves));
        let (passes, amount) = if round + 1 == ROUNDS { (6, 0.6) } else { (2, 0.5) };
        weights = smooth(cage, &weights, passes, amount);
        let mut weights = mirror(cage, bones, &weights);
        for v in 0..cage.count {
            let most = if cage.ascent[v] < 1.0 { 3 } else { 4 };
            weights[v] = truncate(&weights[v], most);
        }
        skinning.weights = weights;
    }
    let fitter = Fitter::new(skinning, &map, importance, pull);
    let values = fitter.fit_all(targets, None, 2);
    let moves: Vec<_> = values.par_iter().map(|values| map.moves(values)).collect();
    let named = |names: &[&str]| names.iter().map(|name| Ok(index_of(bones, name)? as u16)).collect::<Result<Vec<u16>>>();
    let upper = named(&["philtrum", "lip_upper_mid", "nose_septum", "lip_corner.L", "lip_corner.R", "nasolabial.L", "nasolabial.R"])?;
    let lower = named(&["lip_lower_mid", "chin_mid", "chin_low", "lip_corner.L", "lip_corner.R", "submental"])?;
    let teeth = cage.part("teeth").vertices.clone();
    let tongue: Vec<usize> = cage.part("tongue").vertices.clone().collect();
    let (low, high): (Vec<usize>, Vec<usize>) = teeth.partition(|&v| cage.source[v] < 15_060);
    for (vertices, candidates) in [(high, &upper), (low, &lower), (tongue, &lower)] {
        let weights = solve_rigid(skinning, &vertices, candidates, targets, &moves);
        let swapped = weights.iter().map(|&(bone, weight)| (bones[bone as usize].mirror as u16, weight));
        let both = crate::weights::combine(weights.iter().copied().chain(swapped).map(|(bone, weight)| (bone, weight / 2.0)));
        let weights = truncate(&both, 4);
        for v in vertices {
            skinning.weights[v] = weights.clone();
        }
    }
    let rest = skinning.rest.clone();
    bind_lashes(cage, &rest, &mut skinning.weights);
    for v in cage.part("lashes").vertices.clone() {
        skinning.weights[v] = truncate(&skinning.weights[v], 4);
    }
    Ok(())
}

/// Drops the parameters that the population uses least, a few at a time.
fn prune(seeds: &mut Vec<ParameterSeed>, bones: &[BoneInfo], skinning: &Skinning, importance: &[f32], heads: &[Vec<Vec3>]) {
    while seeds.len() > PARAMETERS {
        let map = ChannelMap::new(seeds, bones);
        let fitter = Fitter::new(skinning, &map, importance, vec![PULL; seeds.len()]);
        let values = fitter.fit_all(heads, None, 1);
        let motion = gram(&skinning.motions(&map), importance, seeds.len());
        let mut use_of: Vec<(f64, usize)> = (0..seeds.len())
            .map(|p| {
                let square: f64 = values.iter().map(|v| v[p] * v[p]).sum();
                (square * motion.at(p, p), p)
            })
            .collect();
        use_of.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let drop: Vec<usize> = use_of
            .iter()
            .map(|u| u.1)
            .filter(|&p| seeds[p].symmetric && seeds[p].drives.len() == 1)
            .take((seeds.len() - PARAMETERS).min(20))
            .collect();
        if drop.is_empty() {
            break;
        }
        let mut place = 0;
        seeds.retain(|_| {
            place += 1;
            !drop.contains(&(place - 1))
        });
    }
}

fn rig(bones: &[BoneInfo], seeds: &[ParameterSeed], bounds: &[f64]) -> Rig {
    let color = |name: &str, caption: &str, default: [f32; 3]| ColorSlot {
        name: name.to_owned(),
        caption: caption.to_owned(),
        default,
    };
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
                name: seed.name.clone(),
                caption: seed.caption.clone(),
                region: seed.region.to_owned(),
                drives: seed
                    .drives
                    .iter()
                    .map(|drive| Drive {
                        bone: bones[drive.bone].name.clone(),
                        channel: Channel::ALL[drive.channel],
                        amount: (drive.amount * bound) as f32,
                        mirror: drive.mirror,
                    })
                    .collect(),
            })
            .collect(),
        options: Vec::new(),
        colors: vec![
            color("skin", "Skin", [0.53, 0.31, 0.22]),
            color("iris", "Iris", [0.12, 0.06, 0.03]),
            color("hair", "Hair", [0.045, 0.028, 0.018]),
            color("lips", "Lips", [0.42, 0.16, 0.14]),
        ],
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
    let joint = |name: &str, parent: Option<usize>, place: Vec3| JointNode {
        name: name.to_owned(),
        parent,
        place,
    };
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
