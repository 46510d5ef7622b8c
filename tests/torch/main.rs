//! Tests that need libtorch. What can be checked against PyTorch is checked against golden files
//! that PyTorch made (`tests/reference/`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod again;
mod augment;
mod augment_batches;
mod augment_draws;
mod batches;
mod bench;
#[path = "../common/cases.rs"]
mod cases;
mod cli;
mod cuda;
mod distill;
mod early_stop;
mod endurance;
mod family;
mod fast94;
mod formula;
mod halving;
mod held_out;
mod in_place;
mod init;
mod jobs;
mod layers;
#[path = "../common/made.rs"]
mod made;
mod operation_values;
mod operations;
mod optim;
mod parity;
mod precision;
mod random_operations;
mod reference;
mod saved;
mod seeds;
mod slurm;
mod start;
mod training;
mod trouble;
mod views;
