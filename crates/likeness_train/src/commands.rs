//! The subcommands.

pub(crate) mod calibrate;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod plot;
pub(crate) mod population;
#[cfg(feature = "render")]
pub(crate) mod render;
pub(crate) mod train;
