//! `report RESULTS`: one page on a sweep that stands by itself, its charts as files, or the page served
//! while the sweep trains.

mod again;
mod collect;
mod images;
mod plots;
mod serve;
mod unfinished;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::results::{self, FolderError};
use super::sheet::ended;
use crate::cli::ReportArgs;
use crate::records::atomic::replace;
use crate::records::{Folder, Unreadable};
use crate::report::page;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no records.
    #[error(transparent)]
    Results(#[from] FolderError),
    /// No such experiment.
    #[error("{0}")]
    Baseline(String),
    /// A file cannot be written.
    #[error("cannot write `{}`: {why}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// A chart cannot be drawn as PNG.
    #[error("cannot draw `{}` as PNG: {why}", path.display())]
    Png {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The address cannot be had.
    #[error("cannot serve on 127.0.0.1:{port}: {why}; name another port with --port, or 0 for any")]
    Address {
        /// The port.
        port: u16,
        /// Why.
        why: String,
    },
}

impl Error {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Results(error) => error.exit_code(),
            Self::Baseline(_) => 2,
            _ => 1,
        }
    }
}

/// Writes or serves a report; a file that cannot be read is named, and ends the command with 1.
pub fn run(args: &ReportArgs) -> ExitCode {
    match report(args) {
        Ok(unreadable) => ended(ExitCode::SUCCESS, &unreadable),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn report(args: &ReportArgs) -> Result<Vec<Unreadable>, Error> {
    if args.watch {
        return serve::serve(args).map(|()| Vec::new());
    }
    let (path, text, unreadable) = text(args, false)?;
    let output = args.output.clone().unwrap_or_else(|| path.join("report.html"));
    put(&output, text.as_bytes())?;
    println!("Report: {}", output.display());
    Ok(unreadable)
}

/// The folder of the sweep, its page, and the files that could not be read; charts are written where
/// that is asked for.
fn text(args: &ReportArgs, watched: bool) -> Result<(PathBuf, String, Vec<Unreadable>), Error> {
    let (path, folder) = open(&args.results, watched)?;
    let (report, unreadable) = collect::report(args, &path, folder)?;
    if let Some(folder) = args.plots.as_deref().filter(|_| !watched) {
        plots::write(folder, &report.charts())?;
    }
    Ok((path, page(&report, watched), unreadable))
}

/// The folder of a sweep with its records. It need have none where a run has begun, or where one is
/// waited for.
fn open(asked: &Path, watched: bool) -> Result<(PathBuf, Folder), FolderError> {
    let has_begun = |path: &Path| watched || unfinished::has_any(path);
    let (path, unreadable) = match results::open(asked) {
        Err(FolderError::NoRecords(path)) if has_begun(&path) => (path, Vec::new()),
        Err(FolderError::NoneReadable(path, faults)) if has_begun(&path) => (path, faults),
        found => return found,
    };
    Ok((path, Folder { runs: Vec::new(), unreadable, decisions: Vec::new() }))
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let unwritable = |why| Error::Unwritable { path: path.to_owned(), why };
    // A pipe or a terminal is written to, not replaced.
    let is_special = path.metadata().is_ok_and(|known| !known.is_file());
    if is_special { fs::write(path, bytes) } else { replace(path, bytes) }.map_err(unwritable)
}
