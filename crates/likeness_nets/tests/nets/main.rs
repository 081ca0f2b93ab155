//! Tests of the networks through the public interface.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod kernels;
mod networks;
mod trunk;
mod weights;
