//! Builds assets/head from the CC0 MakeHuman data.

mod base_mesh;
mod error;
mod wheel;

fn main() {}
