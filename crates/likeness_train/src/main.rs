//! Synthetic faces, losses, trainers and evaluation for the networks of bevy_likeness.

fn main() {}
