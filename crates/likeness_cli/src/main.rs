//! The likeness command: photos to faces, pictures and share codes.

fn main() {}
