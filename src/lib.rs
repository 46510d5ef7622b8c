//! resweep: a declarative experiment runner for residual networks.
pub mod cli;
pub mod data;
pub mod records;
