//! Tests that need libtorch. What can be checked against PyTorch is checked against golden files
//! that PyTorch made (`tests/reference/`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batches;
mod cli;
mod family;
mod formula;
mod init;
mod operations;
mod optim;
mod parity;
mod reference;
mod training;
