//! Runs for other programs: TensorBoard's event files, MLflow's file store.
//!
//! | file | what stands there |
//! |---|---|
//! | `event` | scalars as the bytes of an event file |
//! | `tensorboard` | a folder for TensorBoard |
//! | `mlflow` | a folder for MLflow |
//!
//! **Invariant:** what is written is a function of the records, and so are its names: the same runs
//! written twice replace what was there. Names of sweeps and experiments are escaped, so that nothing is
//! written outside the folder that is asked for.

mod event;
mod mlflow;
mod tensorboard;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::records::{Column, EpochRow, Row, RunRow};

pub use mlflow::Mlflow;
pub use tensorboard::Tensorboard;

/// Where runs are written, one by one and in any order: of many runs never all are in memory.
pub trait Export: Sync {
    /// Writes a run, in place of an earlier one.
    ///
    /// # Errors
    /// [`Unwritable`] where the disk refuses.
    fn write(&self, run: &Exported) -> Result<(), Unwritable>;
}

/// A run that is written.
#[derive(Debug, Clone)]
pub struct Exported<'a> {
    /// Its row of runs.csv.
    pub row: &'a RunRow,
    /// Its rows of epochs.csv.
    pub epochs: Vec<EpochRow>,
    /// What it was trained with, by the field of the spec; empty where its spec cannot be read.
    pub recipe: Vec<(String, String)>,
}

/// A file or a folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {why}", path.display())]
pub struct Unwritable {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: io::Error,
}

/// A number at an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scalar {
    /// The column of epochs.csv.
    name: &'static str,
    epoch: u32,
    /// When the epoch ended: seconds since 1970, of the run's start and of the time spent training and
    /// testing since; set-up, checkpoints and waiting are not in it.
    time: f64,
    value: f64,
}

/// Columns of epochs.csv that say which row it is.
const KEYS: [&str; 3] = ["experiment", "seed", "epoch"];

/// Every number of the epochs of a run, by epoch and column; what is missing is left out.
fn scalars(run: &Exported) -> Vec<Scalar> {
    let mut time = started(run.row);
    let mut scalars = Vec::new();
    for row in &run.epochs {
        time += row.epoch_s + row.eval_s.unwrap_or(0.0);
        let columns = EpochRow::COLUMNS.iter().zip(row.cells());
        let values = columns.filter(|(column, _)| !KEYS.contains(&column.name));
        let scalar = |(column, cell): (&Column, String)| {
            Some(Scalar { name: column.name, epoch: row.epoch, time, value: cell.parse().ok()? })
        };
        scalars.extend(values.filter_map(scalar));
    }
    scalars
}

/// When a run started, seconds since 1970; 0 where its record has no such time.
fn started(row: &RunRow) -> f64 {
    let started = humantime::parse_rfc3339(&row.started).ok();
    let since = started.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0.0, |since| since.as_secs_f64())
}

fn folder(path: &Path) -> Result<(), Unwritable> {
    fs::create_dir_all(path).map_err(|why| Unwritable { path: path.to_owned(), why })
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Unwritable> {
    fs::write(path, bytes).map_err(|why| Unwritable { path: path.to_owned(), why })
}
