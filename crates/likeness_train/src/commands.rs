//! The subcommands.

pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod plot;
#[cfg(feature = "render")]
pub(crate) mod render;
pub(crate) mod train;
