//! Builds assets/head from the CC0 MakeHuman data.

pub mod align;
pub mod base_mesh;
pub mod bones;
pub mod build;
pub mod cage;
pub mod error;
pub mod expressions;
pub mod finish;
pub mod glb;
pub mod heads;
pub mod landmarks;
pub mod linear;
pub mod lips;
pub mod parameters;
pub mod population;
pub mod preview;
pub mod prior;
pub mod ranges;
pub mod simplify;
pub mod skinning;
pub mod sliders;
pub mod solve;
pub mod subdivide;
pub mod textures;
pub mod weights;
pub mod wheel;
