#![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use likeness_nets::{AdamWConfig, DomainNet, SeededInit, backward, bce_with_logits};

use super::*;

fn place(file: &Path, rank: usize, world: usize) -> Place {
    Place { rank, world, rendezvous: Rendezvous::File(file.to_path_buf()), patience: Duration::from_secs(20) }
}

/// What each member of an ensemble answers, by rank.
fn members<T: Send>(world: usize, member: impl Fn(Place) -> T + Sync) -> Vec<T> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("meet");
    let (member, file) = (&member, &file);
    thread::scope(|scope| {
        let all: Vec<_> = (0..world).map(|rank| scope.spawn(move || member(place(file, rank, world)))).collect();
        all.into_iter().map(|member| member.join().unwrap()).collect()
    })
}

fn join(place: &Place, run: &str) -> Result<Ensemble> {
    Ensemble::join(Some(place), run, &Device::Cpu)
}

#[test]
fn numbers_are_averaged_gathered_and_led() {
    let answers = members(3, |place| {
        let mut ensemble = join(&place, "seed: 1").unwrap();
        let rank = place.rank as f32;
        let mut values = [rank, 0.1 * rank, 1e-3 / (1.0 + rank)];
        ensemble.average(&mut values).unwrap();
        let tensor = Tensor::new(&[[rank, 10.0]], &Device::Cpu).unwrap();
        let gathered: Vec<Vec<Vec<f32>>> =
            ensemble.gather(&tensor).unwrap().iter().map(|tensor| tensor.to_vec2().unwrap()).collect();
        let clock = ensemble.broadcast_number(7.25 + f64::from(rank)).unwrap();
        let file = ensemble.broadcast_file((place.rank == 0).then(|| vec![1, 2, 3])).unwrap();
        let none = ensemble.broadcast_file(None).unwrap();
        assert_eq!((ensemble.leads(), ensemble.share().batch(4)), (place.rank == 0, 12 + place.rank as u64));
        let Rendezvous::File(path) = &place.rendezvous else { unreachable!("members meet at a file") };
        assert!(!path.exists(), "the rendezvous file stays");
        ensemble.finish(&Device::Cpu).unwrap();
        (values, gathered, clock, file, none)
    });
    let (values, gathered, clock, file, none) = &answers[0];
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    assert!((values[0] - 1.0).abs() < 1e-6 && (values[1] - 0.1).abs() < 1e-7, "{values:?}");
    assert_eq!(gathered, &[[[0.0, 10.0]], [[1.0, 10.0]], [[2.0, 10.0]]].map(|rows| rows.map(Vec::from).to_vec()));
    assert_eq!((*clock, file.as_deref(), none), (7.25, Some([1, 2, 3].as_slice()), &None));
}

#[test]
fn one_process_changes_nothing() {
    for place in [None, Some(place(Path::new("never/written"), 0, 1))] {
        let mut ensemble = Ensemble::join(place.as_ref(), "", &Device::Cpu).unwrap();
        let mut values = [0.1, f32::NAN];
        ensemble.average(&mut values).unwrap();
        assert!(values[0].to_bits() == 0.1f32.to_bits() && values[1].is_nan());
        assert_eq!((ensemble.leads(), ensemble.share().batch(9)), (true, 9));
        assert_eq!(ensemble.broadcast_number(2.5).unwrap(), 2.5);
        ensemble.finish(&Device::Cpu).unwrap();
    }
}

/// Trains a domain network on rows `first..` of a table, `rows` of them a step; answers its variables.
fn trained(mut ensemble: Ensemble, seed: u64, first: usize, rows: usize) -> BTreeMap<String, Vec<f32>> {
    const WIDTH: usize = 24;
    let map = VarMap::new();
    let net = DomainNet::new(WIDTH, SeededInit::builder(&map, seed, &Device::Cpu).pp("domain")).unwrap();
    ensemble.broadcast_variables(&map).unwrap();
    let mut optimizer = AdamW::new(&map, AdamWConfig::default()).unwrap();
    for step in 0..40 {
        let numbers = (first..first + rows).flat_map(|row| {
            (0..WIDTH).map(move |column| ((row * 31 + column * 17 + step * 7) % 23) as f32 / 11.0 - 1.0)
        });
        let features = Tensor::from_vec(numbers.collect::<Vec<_>>(), (rows, WIDTH), &Device::Cpu).unwrap();
        let labels: Vec<f32> = (first..first + rows).map(|row| (row % 2) as f32).collect();
        let labels = Tensor::from_vec(labels, rows, &Device::Cpu).unwrap();
        let loss = bce_with_logits(&net.forward(&features).unwrap(), &labels).unwrap();
        let mut gradients = backward(&loss).unwrap();
        ensemble.average_gradients(&optimizer, &mut gradients).unwrap();
        optimizer.step(&gradients).unwrap();
    }
    let variables = likeness_nets::named_tensors(&map, "");
    variables.into_iter().map(|(name, tensor)| (name, tensor.flatten_all().unwrap().to_vec1().unwrap())).collect()
}

#[test]
fn halves_of_a_batch_give_the_weights_of_the_whole() {
    let whole = trained(Ensemble::join(None, "", &Device::Cpu).unwrap(), 3, 0, 32);
    // Rank 1 starts from other weights: it takes those of rank 0.
    let halves =
        members(2, |place| trained(join(&place, "rows: 16").unwrap(), 3 + place.rank as u64, 16 * place.rank, 16));
    assert!(halves[0] == halves[1], "the ranks went apart");
    let start = trained(Ensemble::join(None, "", &Device::Cpu).unwrap(), 3, 0, 16);
    let far = |a: &BTreeMap<String, Vec<f32>>, b: &BTreeMap<String, Vec<f32>>| {
        let pairs = a.iter().flat_map(|(name, values)| values.iter().zip(&b[name]));
        pairs.map(|(a, b)| (a - b).abs()).fold(0f32, f32::max)
    };
    assert!(far(&whole, &halves[0]) < 1e-4, "{}", far(&whole, &halves[0]));
    assert!(far(&whole, &start) > 1e-2, "half of the rows alone would do");
}

#[test]
fn a_lost_process_ends_the_others_with_its_rank() {
    let begun = Instant::now();
    let answers = members(3, |place| {
        let mut ensemble = join(&place, "").unwrap();
        ensemble.average(&mut [1.0]).unwrap();
        if place.rank == 2 {
            return None;
        }
        Some(ensemble.average(&mut [1.0]).unwrap_err().to_string())
    });
    for answer in &answers[..2] {
        let answer = answer.as_deref().unwrap();
        assert!(answer.starts_with("rank 2:") && answer.contains("--resume"), "{answer}");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "its end was not noticed at once");
}

#[test]
fn a_silent_process_is_not_waited_for_without_end() {
    let answers = members(2, |mut place| {
        place.patience = Duration::from_millis(if place.rank == 0 { 1500 } else { 20_000 });
        let mut ensemble = join(&place, "").unwrap();
        if place.rank == 1 {
            thread::sleep(Duration::from_secs(3));
        }
        ensemble.average(&mut [1.0]).err().map(|error| error.to_string())
    });
    let answer = answers[0].as_deref().unwrap();
    assert!(answer.starts_with("rank 1: nothing came for 1 s"), "{answer}");
}

#[test]
fn processes_with_other_options_do_not_start() {
    let answers = members(2, |place| {
        let run = format!("steps: 10, seed: {}, batch: 4", 5 + place.rank);
        join(&place, &run).err().unwrap().to_string()
    });
    for answer in &answers {
        assert!(answer.contains("rank 1 has `seed: 6`, rank 0 `seed: 5`"), "{answer}");
    }
}

#[test]
fn a_process_out_of_step_is_found_out() {
    let answers = members(2, |place| {
        let mut ensemble = join(&place, "").unwrap();
        let mut values = vec![1.0; 2 + place.rank];
        ensemble.average(&mut values).unwrap_err().to_string()
    });
    assert!(answers[0].starts_with("rank 1: is out of step"), "{answers:?}");
}

#[test]
fn who_does_not_come_is_named_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("meet");
    let patience = Duration::from_millis(300);
    let lead = Place { patience, ..place(&file, 0, 3) };
    let error = join(&lead, "").err().unwrap().to_string();
    assert!(error.contains("missing: rank 1, 2") && error.contains("meet"), "{error}");
    assert!(!file.exists());
    let error = join(&Place { patience, ..place(&file, 1, 3) }, "").err().unwrap().to_string();
    assert!(error.contains("rank 0 did not open"), "{error}");
}

#[test]
fn strangers_and_an_old_file_do_not_disturb() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("meet");
    // Somebody listens where the old file points, and says nothing that makes sense.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    fs::write(&file, format!(r#"{{"token":1,"addresses":["127.0.0.1:{port}"]}}"#)).unwrap();
    thread::scope(|scope| {
        let follower = scope.spawn(|| {
            let mut ensemble = join(&place(&file, 1, 2), "")?;
            ensemble.broadcast_number(0.0)
        });
        let (mut stream, _) = other.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        drop(stream);
        drop(other);
        let lead = scope.spawn(|| {
            let mut ensemble = join(&place(&file, 0, 2), "")?;
            ensemble.broadcast_number(4.0)
        });
        assert_eq!((lead.join().unwrap().unwrap(), follower.join().unwrap().unwrap()), (4.0, 4.0));
    });
    // A port that was given is found without a file, and a stranger there is sent away.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = |rank| Place {
        rendezvous: Rendezvous::Address { host: "127.0.0.1".into(), port: free },
        ..place(&file, rank, 2)
    };
    thread::scope(|scope| {
        let lead = scope.spawn(|| join(&at(0), "")?.broadcast_number(5.0));
        let stranger = scope.spawn(|| {
            let give_up = Instant::now() + Duration::from_secs(10);
            loop {
                if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", free)) {
                    return stream.write_all(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n").is_ok();
                }
                assert!(Instant::now() < give_up, "rank 0 does not listen");
                thread::sleep(Duration::from_millis(10));
            }
        });
        assert!(stranger.join().unwrap());
        let follower = scope.spawn(|| join(&at(1), "")?.broadcast_number(0.0));
        assert_eq!((lead.join().unwrap().unwrap(), follower.join().unwrap().unwrap()), (5.0, 5.0));
    });
}
