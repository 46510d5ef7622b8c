//! resweep: a declarative experiment runner for residual networks.
pub mod cli;
pub mod commands;
pub mod data;
pub mod experiment;
pub mod graph;
#[cfg(feature = "torch")]
pub mod model;
pub mod op;
pub mod plan;
pub mod random;
pub mod records;
#[cfg(feature = "torch")]
pub mod shim;
pub mod spec;
#[cfg(feature = "torch")]
pub mod torch_error;
pub mod train;
