//! `compare RESULTS`: whether an experiment of a sweep is really better than another.

mod formats;

use std::process::ExitCode;

use super::results::{self, FolderError};
use super::sheet::finish;
use crate::cli::CompareArgs;
use crate::compare::{self, CompareError, Comparison, Metric, Question, Which};
use crate::records::Unreadable;
use crate::spec::error::suggest;

/// Why nothing can be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no records to compare.
    #[error(transparent)]
    Results(#[from] FolderError),
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
            Self::Results(error) => error.exit_code(),
            Self::Rows(_) => 1,
            _ => 2,
        }
    }
}

/// Compares and prints; a file that cannot be read is named, and ends the command with 1.
pub fn run(args: &CompareArgs) -> ExitCode {
    finish(text(args), Error::exit_code, args.output.as_deref())
}

/// What is printed, and the files that could not be read.
///
/// # Errors
/// [`Error`] where nothing can be compared.
pub fn text(args: &CompareArgs) -> Result<(String, Vec<Unreadable>), Error> {
    let name = &args.metric;
    let metric = Metric::named(name).ok_or_else(|| Error::UnknownMetric { name: name.clone() })?;
    let (_, folder) = results::open(&args.results)?;
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

fn metrics() -> Vec<String> {
    Metric::ALL.iter().map(|metric| metric.name.to_owned()).collect()
}

/// What is wrong with what is asked of the runs.
pub(super) fn told(error: &CompareError) -> String {
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
