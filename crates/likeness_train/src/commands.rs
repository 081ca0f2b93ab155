//! The subcommands.

pub mod train;
