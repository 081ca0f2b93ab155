//! `likeness bench`: how fast this machine runs every part.
//!
//! `--json` prints one object. Each part's median stands under its key, with further numbers of the part beside it (the steps of
//! `create.ms` and so on); `spread` tells the quartiles, the best and the number of runs of each key, `threads` the threads of
//! the networks.

mod parts;
mod spread;

use super::{Outcome, print_json};
use crate::assets::Assets;
use crate::error::CliError;
use parts::Workbench;
use serde_json::{Map, Value, json};
use spread::{Spread, Unit};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Measure how fast this machine is: networks, photo to face, joints, training step, pictures
///
/// Nothing else should run meanwhile. Keys of --json: `bone_point.ms` and `landmarks.ms` (a forward pass), `create.ms` (photo to
/// face in a warm process) with the medians of its steps, `create.skin_ms` (reading the skin besides), `create.first_ms` (a new process
/// from its start to its end, without the skin),
/// `apply.us` (one changed face to the matrices of its joints), `train.images_per_s`, `render.faces_per_s`. Each is a median;
/// `spread` has quartiles, the best and the number of runs.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Measure these parts only
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Threads of the networks (default: all cores)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Crops at once for the networks (default 1) and images of a training step (default 32)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    batch: Option<u16>,
    /// Measure networks made of candle's own operations instead of this project's kernels, to compare with
    #[arg(long)]
    candle: bool,
    /// How long each part is measured
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    /// The photo of `create.ms` (default: the bundled one, enlarged to 1920x1080)
    #[arg(long, value_name = "FILE")]
    photo: Option<PathBuf>,
}

/// What is measured; the names are the keys of the JSON object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
enum Part {
    /// Forward pass of the bone-point network
    #[value(name = "bone_point.ms")]
    BonePoint,
    /// Forward pass of the landmark network
    #[value(name = "landmarks.ms")]
    Landmarks,
    /// From the bytes of a photo to a face
    #[value(name = "create.ms")]
    Create,
    /// From one changed face to the matrices of all joints
    #[value(name = "apply.us")]
    Apply,
    /// Training of the bone-point network with the domain network and AdamW
    #[value(name = "train.images_per_s")]
    Train,
    /// Pictures of 128 pixels
    #[cfg(feature = "render")]
    #[value(name = "render.faces_per_s")]
    Render,
}

impl Part {
    const ALL: &'static [Self] = &[
        Self::BonePoint,
        Self::Landmarks,
        Self::Create,
        Self::Apply,
        Self::Train,
        #[cfg(feature = "render")]
        Self::Render,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::BonePoint => "bone_point.ms",
            Self::Landmarks => "landmarks.ms",
            Self::Create => "create.ms",
            Self::Apply => "apply.us",
            Self::Train => "train.images_per_s",
            #[cfg(feature = "render")]
            Self::Render => "render.faces_per_s",
        }
    }
}

/// One part's result.
struct Measured {
    spread: Spread,
    /// Further numbers by their keys.
    more: BTreeMap<&'static str, f64>,
}

/// All results as one object: a number a key, and the spreads.
fn to_json(results: &BTreeMap<&'static str, Measured>, threads: usize) -> Value {
    let mut object = Map::new();
    let mut spreads = Map::new();
    for (&key, Measured { spread, more }) in results {
        object.insert(key.to_owned(), spread.median.into());
        object.extend(more.iter().map(|(&key, &value)| (key.to_owned(), value.into())));
        spreads.insert(key.to_owned(), json!(spread));
    }
    object.insert("spread".to_owned(), spreads.into());
    object.insert("threads".to_owned(), threads.into());
    object.into()
}

pub(crate) fn run(assets: &Assets, arguments: &Arguments) -> Result<Outcome, CliError> {
    let threads = arguments.threads.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(CliError::Threads)?;
    let bench = Workbench {
        assets,
        batch: arguments.batch.map(usize::from),
        candle: arguments.candle,
        seconds: arguments.seconds.clamp(0.05, 3600.0),
        photo: arguments.photo.as_deref(),
    };
    let mut results: BTreeMap<&'static str, Measured> = BTreeMap::new();
    for &part in Part::ALL.iter().filter(|part| arguments.only.is_empty() || arguments.only.contains(part)) {
        let measured = pool.install(|| match part {
            Part::BonePoint => bench.bone_point(),
            Part::Landmarks => bench.landmarks(),
            Part::Create => bench.create(),
            Part::Apply => bench.apply(),
            Part::Train => bench.train(),
            #[cfg(feature = "render")]
            Part::Render => bench.render(),
        });
        let measured = measured?;
        if !arguments.json {
            println!("{}", row(part, &measured));
        }
        results.insert(part.key(), measured);
    }
    if arguments.json {
        print_json(&to_json(&results, pool.current_num_threads()));
    }
    Ok(Outcome::Complete)
}

fn row(part: Part, Measured { spread, more }: &Measured) -> String {
    let unit = match spread.unit {
        Unit::Milliseconds => "ms",
        Unit::Microseconds => "us",
        Unit::PerSecond => "/s",
    };
    let names = more.iter().map(|(key, value)| (key.split_once('.').map_or(*key, |(_, name)| name), value));
    let steps: Vec<String> = names.map(|(name, value)| format!("{name} {value:.2}")).collect();
    let Spread { median, low, high, runs, .. } = spread;
    let line = format!("{:<20} {median:>9.2} {unit}  (middle half {low:.2} to {high:.2}, {runs} runs)", part.key());
    if steps.is_empty() { line } else { format!("{line}  {}", steps.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn parts_are_named_by_their_keys() {
        assert_eq!(Part::ALL, Part::value_variants());
        for part in Part::ALL {
            let name = part.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(name.as_deref(), Some(part.key()));
        }
    }

    impl std::fmt::Debug for Part {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.key())
        }
    }
}
