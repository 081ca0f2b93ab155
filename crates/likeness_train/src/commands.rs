//! The subcommands.

#[cfg(feature = "render")]
pub(crate) mod render;
pub(crate) mod train;
