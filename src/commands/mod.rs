//! The commands, one file each. The binary and `cargo xtask` call them; they print, and say by
//! their exit code how it went: 0 done, 1 failed, 2 a mistake in the command line or a spec.

#[cfg(feature = "torch")]
pub mod bench_worker;
#[cfg(feature = "torch")]
pub mod bisect;
pub mod check;
pub mod classes;
pub mod collect;
pub mod compare;
mod dataset;
pub mod disagree;
pub mod dry_run;
#[cfg(feature = "torch")]
mod error;
#[cfg(feature = "torch")]
pub mod eval;
pub mod export;
mod grid;
mod images;
#[cfg(feature = "torch")]
mod interrupt;
#[cfg(feature = "torch")]
mod jobs;
pub mod kept;
pub mod launch;
pub mod plan;
pub mod plan_seeds;
#[cfg(feature = "torch")]
mod prepare;
pub mod report;
#[cfg(feature = "torch")]
pub mod rerun;
pub mod results;
#[cfg(feature = "torch")]
mod session;
mod sheet;
pub mod show;
#[cfg(feature = "torch")]
mod slow;
pub mod status;
#[cfg(feature = "torch")]
pub mod sweep;
#[cfg(feature = "torch")]
pub mod task;
#[cfg(feature = "torch")]
pub mod worker;

#[cfg(feature = "torch")]
use error::{Error, fail};
