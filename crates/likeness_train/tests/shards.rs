//! Renders spread over processes: `likeness-train render --shard I/N`.
#![cfg(feature = "render")]
#![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]

use likeness_train::{head::Head, shards::load_renders};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Starts one process that draws its part of eight shards.
fn draw(out: &Path, part: &str) -> Child {
    render(out, &["--count", "15", "--shard-size", "2", "--masks", "--shard", part])
}

fn render(out: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_likeness-train"))
        .args(["render", "--size", "64", "--seed", "4"])
        .args(arguments)
        .arg("--out")
        .arg(out)
        .arg("--rig")
        .arg(Head::default_rig())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn shards_of_several_processes_are_those_of_one() {
    let (alone, spread) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(draw(alone.path(), "0/1").wait().unwrap().success());
    let mut processes: Vec<Child> = (0..3).map(|part| draw(spread.path(), &format!("{part}/3"))).collect();
    assert!(processes.iter_mut().all(|process| process.wait().unwrap().success()));
    let (alone_files, spread_files) = (files(alone.path()), files(spread.path()));
    assert_eq!(alone_files.len(), 8);
    assert_eq!(alone_files.keys().collect::<Vec<_>>(), spread_files.keys().collect::<Vec<_>>());
    for (name, bytes) in &alone_files {
        assert!(bytes == &spread_files[name], "{name} differs");
    }
    // What is there is not drawn again, so that a killed run goes on: a lost shard comes back as it was.
    let lost = spread.path().join("faces-00004.tar");
    fs::remove_file(&lost).unwrap();
    assert!(draw(spread.path(), "1/3").wait().unwrap().success());
    assert!(fs::read(lost).unwrap() == alone_files["faces-00004.tar"]);
}

#[test]
fn zoom_shows_the_same_people_larger() {
    let head = Head::load(&Head::default_rig()).unwrap();
    let labels = |zoom: &str| {
        let folder = tempfile::tempdir().unwrap();
        assert!(render(folder.path(), &["--count", "3", "--zoom", zoom]).wait().unwrap().success());
        load_renders(folder.path(), &head.rig, usize::MAX)
            .unwrap()
            .into_iter()
            .map(|render| render.label)
            .collect::<Vec<_>>()
    };
    let (usual, larger) = (labels("1"), labels("1.25"));
    assert_eq!(usual.len(), 3);
    for (usual, larger) in usual.iter().zip(&larger) {
        assert_eq!(usual.parameters, larger.parameters);
        for (usual, larger) in usual.landmarks.iter().flatten().zip(larger.landmarks.iter().flatten()) {
            assert!((1.25 * (usual - 32.0) - (larger - 32.0)).abs() < 0.03, "{usual} {larger}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(!render(folder.path(), &["--count", "3", "--zoom", "nan"]).wait().unwrap().success());
}
