//! The plugin in an app without a window.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod bundled;
mod express;
mod fixture;
mod predict;
mod shape;
mod spawn;
