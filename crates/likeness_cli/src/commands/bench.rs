//! `likeness bench`: how fast this machine runs every part.

mod parts;
mod spread;

use super::{Outcome, print_json};
use crate::assets::Assets;
use crate::error::CliError;
use parts::Workbench;
use serde::Serialize;
use spread::{Spread, Unit};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Measure how fast this machine is: networks, photo to face, joints, training step, pictures
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
#[derive(Serialize)]
struct Measured {
    #[serde(flatten)]
    spread: Spread,
    /// Medians of the steps, milliseconds, and whatever else belongs to the part.
    #[serde(flatten)]
    more: BTreeMap<&'static str, f64>,
}

pub(crate) fn run(assets: &Assets, arguments: &Arguments) -> Result<Outcome, CliError> {
    let threads = arguments.threads.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(CliError::Threads)?;
    let bench = Workbench {
        assets,
        batch: arguments.batch.map(usize::from),
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
        let (spread, more) = measured?;
        if !arguments.json {
            println!("{}", row(part, &spread, &more));
        }
        results.insert(part.key(), Measured { spread, more });
    }
    if arguments.json {
        let mut object = serde_json::to_value(&results).unwrap_or_default();
        object["threads"] = pool.current_num_threads().into();
        print_json(&object);
    }
    Ok(Outcome::Complete)
}

fn row(part: Part, spread: &Spread, more: &BTreeMap<&'static str, f64>) -> String {
    let unit = match spread.unit {
        Unit::Milliseconds => "ms",
        Unit::Microseconds => "us",
        Unit::PerSecond => "/s",
    };
    let steps: Vec<String> = more.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
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
