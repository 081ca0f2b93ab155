//! How long values take to become joint offsets, on a rig of the bundled one's size.

use criterion::{Criterion, criterion_group, criterion_main};
use likeness_rig::{Bone, BoneOffset, Channel, ColorSlot, Curve, Drive, Parameter, RIG_FORMAT, Rig};

/// 40 pairs of bones; 240 parameters of two mirrored drives each.
fn rig() -> Rig {
    let bone = |index: usize, side: &str, other: &str| Bone {
        name: format!("bone{index}.{side}"),
        joint: format!("bone{index}.{side}"),
        mirror: Some(format!("bone{index}.{other}")),
    };
    let drive = |index: usize| Drive {
        bone: format!("bone{}.L", index % 40),
        channel: Channel::ALL[index / 40 % 9],
        amount: 0.01,
        low: None,
        mirror: true,
    };
    Rig {
        format: RIG_FORMAT,
        id: "bench".into(),
        version: 1,
        mesh: "head.glb".into(),
        prior: "head.prior.safetensors".into(),
        landmarks: "head.landmarks.json".into(),
        bones: (0..40).flat_map(|index| [bone(index, "L", "R"), bone(index, "R", "L")]).collect(),
        parameters: (0..240)
            .map(|index| Parameter {
                renamed_from: Vec::new(),
                name: format!("parameter{index}"),
                caption: String::new(),
                region: String::new(),
                curve: Curve::STRAIGHT,
                drives: vec![drive(index), drive(index + 120)],
            })
            .collect(),
        options: Vec::new(),
        colors: vec![ColorSlot { name: "skin".into(), caption: String::new(), default: [0.5; 3], cosmetic: false }],
        details: Vec::new(),
    }
}

fn apply(criterion: &mut Criterion) {
    let compiled = match rig().compile() {
        Ok(compiled) => compiled,
        Err(error) => panic!("the bench's rig is faulty: {error}"),
    };
    let faces: Vec<Vec<f32>> =
        (0..1000).map(|face| (0..240).map(|index| ((face * 7 + index * 13) % 101) as f32 / 100.0).collect()).collect();
    let mut offsets: Vec<BoneOffset> = Vec::new();
    criterion.bench_function("one face", |bencher| {
        bencher.iter(|| {
            compiled.offsets_into(std::hint::black_box(&faces[0]), &mut offsets);
            std::hint::black_box(&offsets);
        });
    });
    criterion.bench_function("1000 faces", |bencher| {
        bencher.iter(|| {
            for face in &faces {
                compiled.offsets_into(std::hint::black_box(face), &mut offsets);
                std::hint::black_box(&offsets);
            }
        });
    });
}

criterion_group!(benches, apply);
criterion_main!(benches);
