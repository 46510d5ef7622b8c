//! `collect RESULTS`: the tables of a sweep that a cluster has trained.

use std::path::Path;
use std::process::ExitCode;

use rayon::prelude::*;

use super::plan::print;
use super::results::{self, FolderError};
use crate::cli::{SubmittedArgs, program};
use crate::cluster::{Planned, SubmissionError};
use crate::records::{
    Access, Record, Row, RunRow, Status, Store, StoreError, Tables, peek, summary,
};
use crate::saved;

/// Writes the tables, by what is recorded so far.
pub fn run(args: &SubmittedArgs) -> ExitCode {
    match collect(&args.results) {
        Ok((text, is_clean)) => match print(&text) {
            ExitCode::SUCCESS if !is_clean => ExitCode::FAILURE,
            code => code,
        },
        Err(error) => error.told(),
    }
}

/// Why there is nothing to tell of a sweep on a cluster.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClusterError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the sweep in {0} was never submitted; `{program} sweep SPEC --launcher slurm` does that. The \
         tables of a sweep that trains here are written while it does", program = program()
    )]
    NeverSubmitted(String),
}

impl ClusterError {
    /// Tells it; 2 for a mistake in what was asked for, 1 for a failure.
    pub(super) fn told(&self) -> ExitCode {
        eprintln!("error: {self}");
        ExitCode::from(match self {
            Self::Folder(error) => error.exit_code(),
            Self::NeverSubmitted(_) => 2,
            Self::Submission(_) | Self::Store(_) => 1,
        })
    }
}

/// The sweep in a folder as it was last submitted.
pub(super) fn planned(sweep: &Path) -> Result<Planned, ClusterError> {
    let never = || ClusterError::NeverSubmitted(sweep.display().to_string());
    Planned::of(sweep)?.ok_or_else(never)
}

/// What is recorded of its runs, in their order.
pub(super) fn records(sweep: &Path, planned: &Planned) -> Vec<Option<Record>> {
    planned.runs.par_iter().map(|run| peek(sweep, &run.id())).collect()
}

fn collect(asked: &Path) -> Result<(String, bool), ClusterError> {
    let sweep = results::find(asked)?;
    let planned = planned(&sweep)?;
    let records = records(&sweep, &planned);
    let left = records.iter().filter(|it| !it.as_ref().is_some_and(is_over)).count();
    let found: Vec<Record> = records.into_iter().flatten().collect();
    let tables = Tables::of(&planned.layout, found.iter());
    if planned.rules.are_there() {
        return Ok((decided_on_the_way(&sweep, &tables), !found.iter().any(has_failed)));
    }
    let store = opened(&sweep)?;
    {
        let _held = store.hold_tables();
        store.write_tables(&tables)?;
    }
    for (path, aside) in store.take_edited() {
        eprintln!(
            "warning: {} was changed by someone and is kept as {}",
            path.display(),
            aside.display()
        );
    }
    let is_clean = !found.iter().any(has_failed);
    let folder = sweep.display();
    let mut text = told(&sweep, &tables);
    if left > 0 {
        let runs = if left == 1 { "run is" } else { "runs are" };
        text += &format!("{left} {runs} not over: {} status {folder}\n", program());
    }
    Ok((text, is_clean))
}

/// The summary, and where the tables are.
fn told(sweep: &Path, tables: &Tables) -> String {
    let folder = sweep.display();
    format!("{}Tables: {folder}/accuracy.csv, timing.csv, runs.csv, epochs.csv\n", summary(tables))
}

/// What is told of a sweep whose one task decides which runs are trained.
fn decided_on_the_way(sweep: &Path, tables: &Tables) -> String {
    let task = "The one task of this sweep decides on the way which runs are trained, and writes the tables itself";
    match sweep.join(RunRow::FILE).exists() {
        true => format!("{}{task}; they are as of its latest run.\n", told(sweep, tables)),
        false => {
            format!("{task}. There are none yet: {} status {}\n", program(), sweep.display())
        }
    }
}

/// The store of a sweep that was named by its folder, or by a link to it.
fn opened(sweep: &Path) -> Result<Store, StoreError> {
    let folder = sweep.canonicalize();
    let folder = folder.map_err(|source| StoreError::Folder { path: sweep.into(), source })?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let results = folder.parent().unwrap_or(Path::new("/"));
    Store::open(results, &saved::name_of(&name), Access::Shared)
}

fn has_failed(record: &Record) -> bool {
    record.run.status == Status::Failed
}

fn is_over(record: &Record) -> bool {
    record.is_finished() || record.run.status == Status::Dropped
}
