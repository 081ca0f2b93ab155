//! How the processes of a run find rank 0 and make sure that they are about to do the same.
//!
//! Rank 0 listens; the others knock until it opens. Their greeting carries a token, which tells those who read the rendezvous file of
//! this run from strangers and from what an old file sends here, their rank, and what they are about to do. A greeting with another token
//! is ignored; one that is about to do something else ends the run with an error that names the difference.

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher, Hasher},
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    place::{Place, Rendezvous},
    star::Star,
};
use crate::error::{Result, TrainError};

/// The first bytes of every greeting.
const GREETING: [u8; 8] = *b"likeness";
/// Bytes of a greeting before what the process is about to do.
const HEADER: usize = 24;
/// Bytes that a process says about itself at most.
const MOST: usize = 1 << 16;
/// How long a stranger who says nothing keeps the door.
const SILENCE: Duration = Duration::from_secs(5);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// Rank 0's answers.
const COME_IN: u8 = 0;
const REFUSED: u8 = 1;
/// The token at an address that was given: there is no file to read one from.
const NO_TOKEN: u64 = 0;

/// What the rendezvous file says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Posted {
    /// A number that no other run has.
    token: u64,
    /// Where rank 0 may be reached, `host:port`, to be tried one after another.
    addresses: Vec<String>,
}

/// The rendezvous file while rank 0 waits.
struct PostedFile<'a>(&'a Path);

impl Drop for PostedFile<'_> {
    fn drop(&mut self) {
        // Somebody may have cleared it away; nobody needs it any more.
        drop(fs::remove_file(self.0));
    }
}

/// Connects this process with the others of its run.
///
/// # Errors
/// Rank 0 cannot listen or write the file; somebody does not come in time; somebody is about to do something else.
pub(super) fn meet(place: &Place, run: &str) -> Result<Star> {
    let star = if place.rank == 0 {
        let peers = welcome_all(place, run)?;
        Star::hub(peers, place.patience)
    } else {
        let lead = find_lead(place, run)?;
        Star::spoke(lead, place.patience)
    };
    star.map_err(|error| failed(place, error.to_string()))
}

fn failed(place: &Place, problem: impl Into<String>) -> TrainError {
    TrainError::Rendezvous { place: place.rendezvous.to_string(), problem: problem.into() }
}

/// Rank 0: connections to rank 1, 2, ..., all told to begin.
fn welcome_all(place: &Place, run: &str) -> Result<Vec<TcpStream>> {
    let port = match &place.rendezvous {
        Rendezvous::File(_) => 0,
        Rendezvous::Address { port, .. } => *port,
    };
    let here =
        [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)].map(|ip| SocketAddr::new(ip, port));
    let listener = TcpListener::bind(here.as_slice())
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|error| failed(place, format!("cannot listen at port {port}: {error}: choose a free port")))?;
    let mut posted_file = None;
    let mut token = NO_TOKEN;
    if let Rendezvous::File(path) = &place.rendezvous {
        let port = listener.local_addr().map_err(|error| failed(place, error.to_string()))?.port();
        token = RandomState::new().build_hasher().finish();
        post(path, token, port)?;
        posted_file = Some(PostedFile(path));
    }
    let mut peers: Vec<Option<TcpStream>> = (1..place.world).map(|_| None).collect();
    let deadline = Instant::now() + place.patience;
    while peers.iter().any(Option::is_none) {
        match listener.accept() {
            Ok((mut stream, from)) => match greeting(&mut stream, token) {
                Ok((rank, theirs)) => {
                    if let Err(problem) = admit(&peers, rank, run, &theirs) {
                        // It ends anyway; the answer is a courtesy.
                        drop(refuse(&mut stream, &problem));
                        return Err(failed(place, problem));
                    }
                    peers[rank - 1] = Some(stream);
                }
                Err(error) => tracing::warn!("rendezvous: {from} is none of this run's processes ({error})"),
            },
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if Instant::now() >= deadline {
                    return Err(failed(place, missing(&peers, place.patience)));
                }
                thread::sleep(PAUSE);
            }
            Err(error) => return Err(failed(place, error.to_string())),
        }
    }
    drop(posted_file);
    let mut peers: Vec<TcpStream> = peers.into_iter().flatten().collect();
    for (peer, rank) in peers.iter_mut().zip(1..) {
        peer.write_all(&[COME_IN]).map_err(|error| failed(place, format!("rank {rank} has gone again: {error}")))?;
    }
    Ok(peers)
}

/// Writes the rendezvous file.
fn post(path: &Path, token: u64, port: u16) -> Result<()> {
    let name = gethostname::gethostname();
    // Processes on this machine find it even where its own name leads nowhere.
    let addresses = [name.to_string_lossy().as_ref(), "127.0.0.1"].map(|host| format!("{host}:{port}")).into();
    let text = serde_json::to_vec(&Posted { token, addresses })
        .map_err(|error| crate::error::data_error(path, "rendezvous", error.to_string()))?;
    Ok(likeness_rig::write_atomic(path, &text)?)
}

/// Who has not come.
fn missing(peers: &[Option<TcpStream>], patience: Duration) -> String {
    let missing = peers.iter().zip(1..).filter(|(peer, _)| peer.is_none()).map(|(_, rank): (_, u32)| rank.to_string());
    format!(
        "not all processes came within {} s, missing: rank {}: start them with the same --rendezvous and --world",
        patience.as_secs(),
        missing.collect::<Vec<_>>().join(", ")
    )
}

/// Reads who knocks, and what it is about to do.
fn greeting(stream: &mut TcpStream, token: u64) -> io::Result<(usize, String)> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut header = [0; HEADER];
    stream.read_exact(&mut header)?;
    let (head, tail) = header.split_at(8);
    let (token_bytes, tail) = tail.split_at(8);
    let numbers: Vec<u32> = tail.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect();
    let (rank, length) = (numbers[0] as usize, numbers[1] as usize);
    if head != GREETING || token_bytes != token.to_le_bytes() || length > MOST {
        return Err(io::Error::new(ErrorKind::InvalidData, "another greeting or token"));
    }
    let mut run = vec![0; length];
    stream.read_exact(&mut run)?;
    Ok((rank, String::from_utf8_lossy(&run).into_owned()))
}

/// Whether a process may come in; otherwise why not.
fn admit(peers: &[Option<TcpStream>], rank: usize, ours: &str, theirs: &str) -> std::result::Result<(), String> {
    if ours != theirs {
        let (ours, theirs) = first_difference(ours, theirs);
        return Err(format!(
            "rank {rank} has `{theirs}`, rank 0 `{ours}`: start all processes with the same program, data and options"
        ));
    }
    match rank.checked_sub(1).and_then(|place| peers.get(place)) {
        Some(None) => Ok(()),
        // Somebody ended it while it waited, and started it again.
        Some(Some(earlier)) if has_ended(earlier) => Ok(()),
        Some(Some(_)) => Err(format!("rank {rank} came twice: give every process a --rank of its own")),
        None => Err(format!("a second process came as rank {rank}: ranks go from 0 to {}", peers.len())),
    }
}

/// Whether the process at the other end has closed a connection over which it says nothing.
fn has_ended(stream: &TcpStream) -> bool {
    let looked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    let alive = matches!(&looked, Err(error) if error.kind() == ErrorKind::WouldBlock);
    !alive || stream.set_nonblocking(false).is_err()
}

/// The first parts in which two descriptions differ.
fn first_difference<'a>(ours: &'a str, theirs: &'a str) -> (&'a str, &'a str) {
    ours.split(", ").zip(theirs.split(", ")).find(|(ours, theirs)| ours != theirs).unwrap_or((ours, theirs))
}

fn refuse(stream: &mut TcpStream, problem: &str) -> io::Result<()> {
    let mut answer = vec![REFUSED];
    answer.extend_from_slice(&(problem.len() as u32).to_le_bytes());
    answer.extend_from_slice(problem.as_bytes());
    stream.write_all(&answer)
}

/// Every other rank: the connection to rank 0, once everybody has come.
fn find_lead(place: &Place, run: &str) -> Result<TcpStream> {
    let deadline = Instant::now() + place.patience;
    loop {
        if let Some(posted) = whereabouts(&place.rendezvous) {
            for address in &posted.addresses {
                if let Some(stream) = knock(place, address, posted.token, run, deadline)? {
                    return Ok(stream);
                }
            }
        }
        if Instant::now() >= deadline {
            let seconds = place.patience.as_secs();
            return Err(failed(
                place,
                format!(
                    "rank 0 did not open within {seconds} s: see whether all processes were started, with this --rendezvous"
                ),
            ));
        }
        thread::sleep(PAUSE);
    }
}

/// Where rank 0 says that it is; nothing as long as it has not said so.
fn whereabouts(rendezvous: &Rendezvous) -> Option<Posted> {
    match rendezvous {
        Rendezvous::File(path) => serde_json::from_slice(&fs::read(path).ok()?).ok(),
        Rendezvous::Address { host, port } => {
            Some(Posted { token: NO_TOKEN, addresses: vec![format!("{host}:{port}")] })
        }
    }
}

/// Knocks at an address; nothing where nobody is, or somebody else, or rank 0 closed before everybody had come.
fn knock(place: &Place, address: &str, token: u64, run: &str, deadline: Instant) -> Result<Option<TcpStream>> {
    let Ok(targets) = address.to_socket_addrs() else { return Ok(None) };
    for target in targets {
        let Ok(mut stream) = TcpStream::connect_timeout(&target, SILENCE) else { continue };
        match ask(&mut stream, place.rank, token, run, deadline) {
            Ok(None) => return Ok(Some(stream)),
            Ok(Some(refusal)) => return Err(failed(place, refusal)),
            Err(_) => {}
        }
    }
    Ok(None)
}

/// Greets rank 0 and waits for its answer: nothing, or why it refuses.
fn ask(stream: &mut TcpStream, rank: usize, token: u64, run: &str, deadline: Instant) -> io::Result<Option<String>> {
    let mut greeting = GREETING.to_vec();
    greeting.extend_from_slice(&token.to_le_bytes());
    for number in [rank, run.len()] {
        greeting.extend_from_slice(&(number as u32).to_le_bytes());
    }
    greeting.extend_from_slice(run.as_bytes());
    stream.set_write_timeout(Some(SILENCE))?;
    stream.write_all(&greeting)?;
    // A timeout of nothing is refused by the system.
    let left = deadline.saturating_duration_since(Instant::now()).max(PAUSE);
    stream.set_read_timeout(Some(left))?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    match answer[0] {
        COME_IN => return Ok(None),
        REFUSED => {}
        _ => return Err(io::Error::new(ErrorKind::InvalidData, "another program answers")),
    }
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut problem = vec![0; (u32::from_le_bytes(length) as usize).min(MOST)];
    stream.read_exact(&mut problem)?;
    Ok(Some(String::from_utf8_lossy(&problem).into_owned()))
}
