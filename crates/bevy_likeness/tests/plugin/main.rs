//! The plugin in an app without a window.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod express;
mod fixture;
mod shape;
mod spawn;
