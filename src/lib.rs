//! resweep: a declarative experiment runner for residual networks.
pub mod cli;
pub mod commands;
pub mod data;
pub mod experiment;
pub mod graph;
pub mod op;
pub mod plan;
pub mod records;
pub mod spec;
