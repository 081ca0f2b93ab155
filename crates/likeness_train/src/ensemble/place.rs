//! Which process of a run this is, and where the processes meet.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use crate::error::{Result, TrainError};

/// A process's place among those that train one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 0; rank 0 leads.
    pub rank: usize,
    /// How many processes there are.
    pub world: usize,
    /// Where they meet.
    pub rendezvous: Rendezvous,
    /// How long the others are waited for, at the rendezvous and then in every exchange. A process that ends is noticed at once.
    pub patience: Duration,
}

/// Where the processes of a run find rank 0. Written as the file's path or as `tcp://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rendezvous {
    /// A file that all processes see: rank 0 writes there where it listens, and takes it away when all have come.
    File(PathBuf),
    /// Rank 0's host and the port that it listens at.
    Address {
        /// A name or an IP address, one of version 6 in brackets.
        host: String,
        /// The port.
        port: u16,
    },
}

impl fmt::Display for Rendezvous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Address { host, port } => write!(f, "tcp://{host}:{port}"),
        }
    }
}

impl FromStr for Rendezvous {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let Some(address) = text.strip_prefix("tcp://") else {
            return if text.is_empty() {
                Err("write a file's path or tcp://HOST:PORT".into())
            } else {
                Ok(Self::File(text.into()))
            };
        };
        let parts = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        match parts.and_then(|(host, port)| Some((host, port.parse().ok().filter(|port| *port != 0)?))) {
            Some((host, port)) => Ok(Self::Address { host: host.into(), port }),
            None => Err(format!("`{text}`: write tcp://HOST:PORT, the port from 1 to 65535")),
        }
    }
}

/// Variables that tell a process its number, and how many there are: those of PyTorch's launcher, of Slurm and of Kubernetes.
const RANK: [&str; 3] = ["RANK", "SLURM_PROCID", "JOB_COMPLETION_INDEX"];
const WORLD: [&str; 2] = ["WORLD_SIZE", "SLURM_NTASKS"];

impl Place {
    /// The place that the options give, or none for a run of one process. Numbers that are not given are taken from `variable`, the
    /// environment, but only with a rendezvous: a run of one process in a cluster's job stays one.
    ///
    /// # Errors
    /// Something is missing or does not fit together.
    pub fn find(
        rank: Option<usize>,
        world: Option<usize>,
        rendezvous: Option<Rendezvous>,
        patience: Duration,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>> {
        let wrong = |option, problem: String| Err(TrainError::Option { option, problem });
        let Some(rendezvous) = rendezvous else {
            if rank.is_some_and(|rank| rank != 0) || world.is_some_and(|world| world != 1) {
                let problem = "is needed by several processes: a file that all of them see, or tcp://HOST:PORT";
                return wrong("rendezvous", problem.into());
            }
            return Ok(None);
        };
        let rank = number("rank", rank, &RANK, &variable)?;
        let world = number("world", world, &WORLD, &variable)?;
        if rank >= world {
            return wrong("rank", format!("is {rank} of {world}: ranks go from 0 to one less than --world"));
        }
        Ok(Some(Self { rank, world, rendezvous, patience }))
    }
}

/// The option's number, or that of the first variable that is set.
fn number(
    option: &'static str,
    given: Option<usize>,
    names: &[&str],
    variable: impl Fn(&str) -> Option<String>,
) -> Result<usize> {
    if let Some(given) = given {
        return Ok(given);
    }
    let wrong = |problem| TrainError::Option { option, problem };
    let found = names.iter().find_map(|name| Some((name, variable(name)?)));
    let (name, text) = found.ok_or_else(|| {
        wrong(format!("is needed with --rendezvous: give it, or set {} in the environment", names.join(" or ")))
    })?;
    text.trim().parse().map_err(|_| wrong(format!("the variable {name} is `{text}`: set it to a whole number")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first error")]
    use super::*;

    fn find(
        rank: Option<usize>,
        world: Option<usize>,
        at: Option<&str>,
        set: &[(&str, &str)],
    ) -> Result<Option<Place>> {
        let variable = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Place::find(rank, world, at.map(|at| at.parse().unwrap()), Duration::from_secs(1), variable)
    }

    #[test]
    fn options_come_before_the_environment() {
        let slurm = [("SLURM_PROCID", "3"), ("SLURM_NTASKS", "4")];
        let place = find(None, None, Some("/shared/meet"), &slurm).unwrap().unwrap();
        assert_eq!((place.rank, place.world), (3, 4));
        let place = find(Some(1), Some(2), Some("/shared/meet"), &slurm).unwrap().unwrap();
        assert_eq!((place.rank, place.world), (1, 2));
        let torch = [("RANK", "0"), ("WORLD_SIZE", "2"), ("SLURM_PROCID", "3"), ("SLURM_NTASKS", "4")];
        let place = find(None, None, Some("tcp://node1:29500"), &torch).unwrap().unwrap();
        assert_eq!((place.rank, place.world, place.rendezvous.to_string().as_str()), (0, 2, "tcp://node1:29500"));
    }

    #[test]
    fn without_a_rendezvous_a_job_of_many_tasks_runs_alone() {
        assert_eq!(find(None, None, None, &[("SLURM_PROCID", "3"), ("SLURM_NTASKS", "4")]).unwrap(), None);
        assert_eq!(find(Some(0), Some(1), None, &[]).unwrap(), None);
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_names_the_option() {
        let error = |rank, world, at, set: &[_]| find(rank, world, at, set).unwrap_err().to_string();
        assert!(error(Some(0), Some(2), None, &[]).starts_with("--rendezvous"));
        assert!(error(None, Some(2), Some("meet"), &[]).starts_with("--rank"));
        assert!(error(Some(0), None, Some("meet"), &[]).contains("WORLD_SIZE or SLURM_NTASKS"));
        assert!(error(Some(2), Some(2), Some("meet"), &[]).contains("2 of 2"));
        assert!(error(Some(0), None, Some("meet"), &[("WORLD_SIZE", "two")]).contains("`two`"));
    }

    #[test]
    fn a_rendezvous_is_read_as_it_is_written() {
        for text in ["/shared/run.meet", "tcp://node-1.cluster:29500", "tcp://[fe80::1]:5"] {
            assert_eq!(text.parse::<Rendezvous>().unwrap().to_string(), text);
        }
        for wrong in ["", "tcp://", "tcp://host", "tcp://:5", "tcp://host:0", "tcp://host:70000"] {
            assert!(wrong.parse::<Rendezvous>().is_err(), "{wrong}");
        }
    }
}
