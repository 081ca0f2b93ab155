//! Numbers exchanged over TCP connections that all end at rank 0.
//!
//! Every exchange is a message to rank 0, an answer to everybody, or both. A message starts with three whole numbers of 64 bits, the
//! low byte first: what it is, the number of the exchange, and the bytes that follow. So a process that has come out of step is found
//! out instead of adding the wrong numbers.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::error::{Result, TrainError};

/// The connections of one process.
pub(super) struct Star {
    ends: Ends,
    patience: Duration,
    exchange: u64,
    /// The message under way, kept for its memory.
    message: Vec<u8>,
}

enum Ends {
    /// Rank 0: connections to rank 1, 2, ...
    Hub(Vec<TcpStream>),
    /// Every other rank: the connection to rank 0.
    Spoke(TcpStream),
}

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Average = 1,
    Gather = 2,
    Broadcast = 3,
    /// Rank 0 has lost the rank whose number stands in place of the exchange's.
    Lost = 4,
}

/// Bytes before the content of a message.
const HEADER: usize = 24;
/// Bytes that a message of unknown length has at most.
const MOST: u64 = 1 << 32;
const RANK_0: usize = 0;

impl Star {
    /// Over connections whose processes have been greeted.
    ///
    /// # Errors
    /// The system refuses a connection's settings.
    pub(super) fn hub(peers: Vec<TcpStream>, patience: Duration) -> std::io::Result<Self> {
        peers.iter().try_for_each(|peer| prepare(peer, patience))?;
        Ok(Self { ends: Ends::Hub(peers), patience, exchange: 0, message: Vec::new() })
    }

    /// Over the connection to rank 0.
    ///
    /// # Errors
    /// The system refuses a connection's settings.
    pub(super) fn spoke(lead: TcpStream, patience: Duration) -> std::io::Result<Self> {
        prepare(&lead, patience)?;
        Ok(Self { ends: Ends::Spoke(lead), patience, exchange: 0, message: Vec::new() })
    }

    /// Replaces each number by its mean over the ranks. Rank 0 adds them in the ranks' order and sends the result, so all get the
    /// same bits.
    pub(super) fn average(&mut self, values: &mut [f32]) -> Result<()> {
        let expected = Some(4 * values.len());
        self.exchange(|star| {
            if let Ends::Hub(peers) = &star.ends {
                let share = 1.0 / (peers.len() + 1) as f32;
                for peer in 0..peers.len() {
                    star.receive(peer, Kind::Average, expected)?;
                    let others = star.message.as_chunks().0;
                    values.iter_mut().zip(others).for_each(|(value, &other)| *value += f32::from_le_bytes(other));
                }
                values.iter_mut().for_each(|value| *value *= share);
                star.write(Kind::Average, values);
                return star.send_to_all();
            }
            star.write(Kind::Average, values);
            star.send(RANK_0)?;
            star.receive(RANK_0, Kind::Average, expected)?;
            let means = star.message.as_chunks().0;
            values.iter_mut().zip(means).for_each(|(value, &mean)| *value = f32::from_le_bytes(mean));
            Ok(())
        })
    }

    /// The numbers of all ranks one after another; all give equally many.
    pub(super) fn gather(&mut self, own: Vec<f32>) -> Result<Vec<f32>> {
        let size = 4 * own.len();
        self.exchange(|star| {
            let mut all = own;
            let world = match &star.ends {
                Ends::Hub(peers) => peers.len() + 1,
                Ends::Spoke(_) => {
                    star.write(Kind::Gather, &all);
                    star.send(RANK_0)?;
                    // The answer says how many ranks there are.
                    star.receive(RANK_0, Kind::Gather, None)?;
                    all.clear();
                    all.extend(star.message.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
                    return Ok(all);
                }
            };
            for peer in 0..world - 1 {
                star.receive(peer, Kind::Gather, Some(size))?;
                all.extend(star.message.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
            }
            star.write(Kind::Gather, &all);
            star.send_to_all()?;
            Ok(all)
        })
    }

    /// Rank 0's bytes, whatever the others give.
    pub(super) fn broadcast(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        self.exchange(|star| match &star.ends {
            Ends::Hub(_) => {
                star.begin(Kind::Broadcast, bytes.len());
                star.message.extend_from_slice(&bytes);
                star.send_to_all()?;
                Ok(bytes)
            }
            Ends::Spoke(_) => {
                star.receive(RANK_0, Kind::Broadcast, None)?;
                Ok(star.message.clone())
            }
        })
    }

    /// Runs one exchange; where rank 0 loses somebody in it, it tells the others whom.
    fn exchange<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let result = run(self);
        self.exchange += 1;
        if let (Err(TrainError::Peer { rank, .. }), Ends::Hub(peers)) = (&result, &mut self.ends) {
            let notice = [Kind::Lost as u64, *rank as u64, 0].map(u64::to_le_bytes).concat();
            for (peer, _) in peers.iter_mut().zip(1..).filter(|(_, other)| other != rank) {
                // Whom it does not reach finds the connection closed soon.
                drop(peer.write_all(&notice));
            }
        }
        result
    }

    /// Starts a message.
    fn begin(&mut self, kind: Kind, bytes: usize) {
        self.message.clear();
        for number in [kind as u64, self.exchange, bytes as u64] {
            self.message.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// Writes a message of numbers.
    fn write(&mut self, kind: Kind, values: &[f32]) {
        self.begin(kind, 4 * values.len());
        self.message.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn send_to_all(&mut self) -> Result<()> {
        let peers = match &self.ends {
            Ends::Hub(peers) => peers.len(),
            Ends::Spoke(_) => 1,
        };
        (0..peers).try_for_each(|peer| self.send(peer))
    }

    /// Sends the message over the connection at this place.
    fn send(&mut self, peer: usize) -> Result<()> {
        let (rank, stream) = self.ends.at(peer);
        stream.write_all(&self.message).map_err(|error| lost(rank, error.kind(), self.patience))
    }

    /// Receives a message's content from the connection at this place into `self.message`.
    fn receive(&mut self, peer: usize, kind: Kind, bytes: Option<usize>) -> Result<()> {
        let (rank, stream) = self.ends.at(peer);
        let patience = self.patience;
        let fail = |error: std::io::Error| lost(rank, error.kind(), patience);
        let mut header = [0; HEADER];
        stream.read_exact(&mut header).map_err(fail)?;
        let (numbers, _) = header.as_chunks();
        let [what, exchange, length] = [0, 1, 2].map(|i| u64::from_le_bytes(numbers[i]));
        if what == Kind::Lost as u64 {
            let problem = "rank 0 lost it: its own messages say why; start all processes again with --resume".into();
            return Err(TrainError::Peer { rank: exchange as usize, problem });
        }
        let fits = bytes.map_or(length <= MOST, |bytes| length == bytes as u64);
        if what != kind as u64 || exchange != self.exchange || !fits {
            let problem = "is out of step: start all processes with the same program, data and options".into();
            return Err(TrainError::Peer { rank, problem });
        }
        self.message.resize(length as usize, 0);
        stream.read_exact(&mut self.message).map_err(fail)
    }
}

impl Ends {
    /// A connection and the rank at its other end.
    fn at(&mut self, peer: usize) -> (usize, &mut TcpStream) {
        match self {
            Self::Hub(peers) => (peer + 1, &mut peers[peer]),
            Self::Spoke(lead) => (RANK_0, lead),
        }
    }
}

fn prepare(stream: &TcpStream, patience: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))
}

/// What an error on a connection means.
fn lost(rank: usize, error: ErrorKind, patience: Duration) -> TrainError {
    let problem = match error {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => format!(
            "nothing came for {} s: see whether it hangs; start all processes again with --resume, or with a longer --peer-timeout",
            patience.as_secs()
        ),
        other => {
            format!("the connection ended ({other}): its own messages say why; start all processes again with --resume")
        }
    };
    TrainError::Peer { rank, problem }
}
