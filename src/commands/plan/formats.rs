//! A plan in each format.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::rows::{self, NetworkPlan, SweepPlan};
use super::{Columns, Planned};
use crate::cli::{EVERY_STAGE, PlanArgs, PlanFormat};
use crate::experiment::Experiments;
use crate::picture::{self, Unfold, UnknownStage};
use crate::plan::{Plan, table};
use crate::records::{AxisColumns, Row, csv_bytes};

/// A format in which a spec cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A picture of several networks.
    #[error(
        "--format {format} draws one network, but `{}` is a sweep of {count}; name a network file",
        .spec.display()
    )]
    SeveralNetworks {
        /// The format as the command line has it.
        format: &'static str,
        /// The sweep.
        spec: PathBuf,
        /// Of its networks.
        count: usize,
    },
    /// `--diff` of something else.
    #[error("--diff compares two networks, but `{}` is a sweep; name a network file", .0.display())]
    NotANetwork(PathBuf),
    /// `--unfold` with another format.
    #[error("--unfold is for --format svg alone")]
    NothingToUnfold,
    /// `--unfold` of a stage that is not there.
    #[error(transparent)]
    UnknownStage(#[from] UnknownStage),
    /// Only a defect of this program leads here.
    #[error("cannot write the rows: {0}")]
    Rows(String),
}

/// A plan in the format that is asked for.
pub(super) fn text(planned: &Planned, args: &PlanArgs) -> Result<String, FormatError> {
    if !args.unfold.is_empty() && args.format != PlanFormat::Svg {
        return Err(FormatError::NothingToUnfold);
    }
    match (args.format, planned) {
        (PlanFormat::Table, Planned::Network(plan)) => Ok(table::layers(plan)),
        (PlanFormat::Table, Planned::Sweep(sweep)) => Ok(side_by_side(sweep)),
        (PlanFormat::Csv, Planned::Network(plan)) => {
            csv(&rows::steps(plan), &AxisColumns::default())
        }
        (PlanFormat::Csv, Planned::Sweep(sweep)) => {
            csv(&rows::experiments(sweep), &rows::layout(sweep).columns())
        }
        (PlanFormat::Json, Planned::Network(plan)) => json(&NetworkPlan::of(plan)),
        (PlanFormat::Json, Planned::Sweep(sweep)) => json(&SweepPlan::of(sweep)),
        (PlanFormat::Dot, planned) => {
            let (title, plan) = one(planned, args, "dot")?;
            Ok(picture::dot(plan, &title))
        }
        (PlanFormat::Svg, planned) => {
            let (title, plan) = one(planned, args, "svg")?;
            Ok(picture::svg(plan, &title, &unfold(&args.unfold))?)
        }
    }
}

/// The one network there is, and what it is called.
fn one<'a>(
    planned: &'a Planned,
    args: &PlanArgs,
    format: &'static str,
) -> Result<(String, &'a Plan), FormatError> {
    match planned {
        Planned::Network(plan) => {
            let stem = args.spec.file_stem().unwrap_or(args.spec.as_os_str());
            Ok((stem.to_string_lossy().into_owned(), plan))
        }
        Planned::Sweep(sweep) => match sweep.list.as_slice() {
            [only] => Ok((only.name.clone(), &only.plan)),
            _ => {
                let (spec, count) = (args.spec.clone(), sweep.list.len());
                Err(FormatError::SeveralNetworks { format, spec, count })
            }
        },
    }
}

fn unfold(stages: &[String]) -> Unfold {
    match stages {
        [] => Unfold::Nothing,
        stages if stages.iter().any(|stage| stage == EVERY_STAGE) => Unfold::Everything,
        stages => Unfold::Stages(stages.to_vec()),
    }
}

/// Every experiment of a sweep side by side, with its axes.
fn side_by_side(sweep: &Experiments) -> String {
    let costs = ["input", "layers", "params", "GMACs", "activations, MB/image"].map(String::from);
    let columns = Columns::of(sweep);
    let names = std::iter::once("experiment".to_string()).chain(columns.names(sweep));
    let header: Vec<String> = names.chain(costs).collect();
    let rows = sweep.list.iter().map(|experiment| {
        std::iter::once(experiment.name.clone())
            .chain(columns.values(experiment))
            .chain([experiment.plan.input.to_string(), table::depth(&experiment.plan)])
            .chain(table::costs(&experiment.plan))
            .collect()
    });
    table::wide(&header, rows) + &columns.left_out
}

fn csv<R: Row>(rows: &[R], axes: &AxisColumns) -> Result<String, FormatError> {
    let bytes = csv_bytes(rows, axes).map_err(|error| FormatError::Rows(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| FormatError::Rows(error.to_string()))
}

fn json(value: &impl Serialize) -> Result<String, FormatError> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(|error| FormatError::Rows(error.to_string()))
}

/// Prints, and stays quiet where the reader has gone (`| head`).
pub(in crate::commands) fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write to stdout: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes to a file.
pub(in crate::commands) fn write(path: &Path, text: &str) -> ExitCode {
    match std::fs::write(path, text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write `{}`: {error}; is its folder there?", path.display());
            ExitCode::FAILURE
        }
    }
}
