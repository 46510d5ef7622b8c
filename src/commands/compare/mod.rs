//! `compare RESULTS`: whether an experiment of a sweep is really better than another.

mod formats;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::plan::{print, write};
use crate::cli::CompareArgs;
use crate::compare::{self, CompareError, Comparison, Metric, Question, Which};
use crate::records::{Folder, Unreadable};
use crate::saved;
use crate::spec::error::suggest;

/// Why nothing can be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such folder.
    #[error("there is no folder {}{}", path.display(), those(there))]
    NoFolder {
        /// As it was asked for.
        path: PathBuf,
        /// The sweeps beside it.
        there: Vec<String>,
    },
    /// A folder without records.
    #[error(
        "there are no records of runs in {}; name the folder of a sweep that has trained, such as \
         results/quick", .0.display()
    )]
    NoRecords(PathBuf),
    /// A folder all of whose records cannot be read.
    #[error("no record in {} can be read:\n{}", .0.display(), listed(.1))]
    NoneReadable(PathBuf, Vec<Unreadable>),
    /// The folder cannot be listed.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// No such metric.
    #[error("there is no metric `{name}`; {}", suggest(name, &metrics(), "there are"))]
    UnknownMetric {
        /// As it was asked for.
        name: String,
    },
    /// What is asked of the runs.
    #[error("{}", told(.0))]
    Compare(CompareError),
    /// Only a defect of this program leads here.
    #[error("cannot write the rows: {0}")]
    Rows(String),
}

impl Error {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    fn exit_code(&self) -> u8 {
        match self {
            Self::NoneReadable(..) | Self::Unreadable(_) | Self::Rows(_) => 1,
            _ => 2,
        }
    }
}

/// Compares and prints; a file that cannot be read is named, and ends the command with 1.
pub fn run(args: &CompareArgs) -> ExitCode {
    let (text, unreadable) = match text(args) {
        Ok(done) => done,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(error.exit_code());
        }
    };
    let code = match &args.output {
        None => print(&text),
        Some(path) => write(path, &text),
    };
    for fault in &unreadable {
        eprintln!("error: {fault}; the others were compared without it");
    }
    if unreadable.is_empty() { code } else { ExitCode::FAILURE }
}

/// What is printed, and the files that could not be read.
///
/// # Errors
/// [`Error`] where nothing can be compared.
pub fn text(args: &CompareArgs) -> Result<(String, Vec<Unreadable>), Error> {
    let name = &args.metric;
    let metric = Metric::named(name).ok_or_else(|| Error::UnknownMetric { name: name.clone() })?;
    let path = find(&args.results)?;
    let folder = Folder::open(&path)?;
    match (folder.runs.is_empty(), folder.unreadable.is_empty()) {
        (true, true) => return Err(Error::NoRecords(path)),
        (true, false) => return Err(Error::NoneReadable(path, folder.unreadable)),
        _ => {}
    }
    let which = match (&args.first, &args.second, &args.baseline) {
        (Some(first), Some(second), _) => Which::Two(first.clone(), second.clone()),
        (_, _, Some(baseline)) => Which::Baseline(baseline.clone()),
        _ => Which::All,
    };
    let question = Question { which, metric, level: args.level, power: args.power };
    let comparison: Comparison = compare::compare(folder, &question).map_err(Error::Compare)?;
    let text = formats::text(&comparison, args.format).map_err(Error::Rows)?;
    Ok((text, comparison.unreadable))
}

/// The folder of a sweep, by its path or by its name under `results`.
fn find(asked: &Path) -> Result<PathBuf, Error> {
    let is_bare = asked.components().count() == 1;
    let beside = match asked.parent() {
        Some(parent) if !is_bare => parent,
        _ => Path::new("results"),
    };
    let by_name = saved::folder(Path::new("results"), &asked.to_string_lossy());
    let candidates = [Some(asked.to_path_buf()), is_bare.then_some(by_name)];
    let found = candidates.into_iter().flatten().find(|path| path.is_dir());
    found.ok_or_else(|| Error::NoFolder { path: asked.to_path_buf(), there: sweeps(beside) })
}

/// The folders of sweeps in a folder of results, each a path.
fn sweeps(results: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(results).into_iter().flatten().flatten();
    let sweeps = entries.map(|entry| entry.path()).filter(|path| saved::runs(path).is_dir());
    let mut sweeps: Vec<String> = sweeps.map(|path| path.display().to_string()).collect();
    sweeps.sort();
    sweeps
}

fn those(there: &[String]) -> String {
    match there.is_empty() {
        true => "; name the folder of a sweep that has trained, such as results/quick".into(),
        false => format!("; there are {}", there.join(", ")),
    }
}

fn metrics() -> Vec<String> {
    Metric::ALL.iter().map(|metric| metric.name.to_owned()).collect()
}

fn listed(faults: &[Unreadable]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}

fn told(error: &CompareError) -> String {
    match error {
        CompareError::UnknownExperiment { name, known } => {
            format!("no run is of an experiment `{name}`; {}", suggest(name, known, "there are"))
        }
        CompareError::Itself(name) => {
            format!(
                "`{name}` cannot be compared with itself; name two experiments, or none for all"
            )
        }
        CompareError::NoValues { metric, others } if others.is_empty() => {
            format!("no run has a {metric}, nor any other metric: none ended well")
        }
        CompareError::NoValues { metric, others } => {
            format!("no run has a {metric}; compare by --metric {}", others.join(", or "))
        }
    }
}
