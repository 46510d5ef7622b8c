//! The trainer stage: one model, one recipe, one data set; out come epochs.

pub mod patience;
pub mod schedule;
pub mod split;

#[cfg(feature = "torch")]
pub mod augment;
#[cfg(feature = "torch")]
pub mod average;
#[cfg(feature = "torch")]
pub mod batches;
#[cfg(feature = "torch")]
pub mod checkpoint;
#[cfg(feature = "torch")]
pub mod distill;
#[cfg(feature = "torch")]
mod early_stop;
#[cfg(feature = "torch")]
pub mod evaluate;
#[cfg(feature = "torch")]
pub mod fit;
#[cfg(feature = "torch")]
pub mod meter;
#[cfg(feature = "torch")]
pub mod optim;
#[cfg(feature = "torch")]
pub mod pace;
#[cfg(feature = "torch")]
mod pass;
#[cfg(feature = "torch")]
pub mod precision;
#[cfg(feature = "torch")]
pub mod predictions;
#[cfg(feature = "torch")]
mod replay;
#[cfg(feature = "torch")]
pub mod retrace;
#[cfg(feature = "torch")]
pub mod runner;
#[cfg(feature = "torch")]
pub mod saved;
#[cfg(feature = "torch")]
pub mod statistics;
#[cfg(feature = "torch")]
pub mod whiten;
