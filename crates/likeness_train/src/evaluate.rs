//! Measurements of finished weights.

pub mod domain;
pub mod landmarks;
pub mod real;
