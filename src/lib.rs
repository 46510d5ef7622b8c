//! resweep: a declarative experiment runner for residual networks.
pub mod cli;
pub mod data;
pub mod progress;
pub mod records;
pub mod sweep;
