//! Measurements of finished weights.

pub mod appearance;
pub mod domain;
pub mod landmarks;
pub mod real;
#[cfg(feature = "render")]
pub mod skin;
