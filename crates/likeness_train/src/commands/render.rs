//! `likeness-train render`.

use std::{path::PathBuf, time::Instant};

use clap::Args;
use likeness_train::{
    Result,
    faces::{FacesOptions, parse_part, render_faces},
    head::Head,
    variety::Variety,
};

/// Draw synthetic faces into shards
#[derive(Args)]
pub(crate) struct Render {
    /// The folder of the shards
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many pictures the whole data set has
    #[arg(long)]
    count: u64,
    /// The seed: the same seed makes the same pictures
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw only every N-th shard, starting with the I-th
    #[arg(long, value_name = "I/N", value_parser = parse_part, default_value = "0/1")]
    shard: (u64, u64),
    /// Pixels on a side
    #[arg(long, default_value_t = 192, value_parser = clap::value_parser!(u32).range(32..=1024))]
    size: u32,
    /// How many times larger faces are than where hair and neck have room too; the crop that the landmark and bone-point networks see
    /// needs no more of the picture than 1.25 leaves
    #[arg(long, default_value_t = 1.0, value_parser = zoom)]
    zoom: f32,
    /// Pictures in a shard
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    shard_size: u64,
    /// Store the part mask of every picture
    #[arg(long)]
    masks: bool,
    /// Faces of people's own to draw instead of faces from the prior
    #[arg(long, value_name = "FACE.json", num_args = 1..)]
    faces: Vec<PathBuf>,
    /// Kinds of variety that are left out, to learn what they are worth
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',')]
    still: Vec<Variety>,
    /// The photos' population, by `likeness-train population`; a part of the pictures then shows such people
    #[arg(long, value_name = "FILE")]
    population: Option<PathBuf>,
    /// The share of pictures that show the photos' population
    #[arg(long, default_value_t = 0.5)]
    population_share: f32,
    /// The rig
    #[arg(long, value_name = "RON", default_value = "assets/head/head.rig.ron")]
    rig: PathBuf,
}

fn zoom(text: &str) -> std::result::Result<f32, String> {
    text.parse().ok().filter(|zoom| (0.5..=4.0).contains(zoom)).ok_or_else(|| "must be a number of 0.5 to 4".to_owned())
}

impl Render {
    pub(crate) fn run(self) -> Result<()> {
        let head = Head::load(&self.rig)?;
        let options = FacesOptions {
            out: self.out,
            count: self.count,
            seed: self.seed,
            part: self.shard,
            size: self.size,
            zoom: self.zoom,
            shard: self.shard_size,
            masks: self.masks,
            faces: self.faces,
            still: self.still,
            population: self.population.map(|path| (path, self.population_share)),
        };
        let started = Instant::now();
        let drawn = render_faces(&head, &options)?;
        let seconds = started.elapsed().as_secs_f64();
        println!("{drawn} pictures in {seconds:.1} s ({:.1} a second)", drawn as f64 / seconds.max(1e-9));
        Ok(())
    }
}
