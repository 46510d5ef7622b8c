//! `plan SPEC`: a network or every experiment of a sweep, as table, rows or picture; `plan A B
//! --diff`: what differs between two networks.

mod columns;
mod formats;
pub mod rows;

use std::path::Path;
use std::process::ExitCode;

use crate::cli::{EvalArgs, PlanArgs, SweepArgs};
use crate::experiment::{self, Experiments};
use crate::plan::{Plan, diff};
use crate::spec::error::{Problem, SpecError};
use crate::spec::load::Loader;
use crate::spec::overlay;

pub(super) use columns::Columns;
pub use formats::FormatError;
pub(super) use formats::{print, write};

/// What a spec plans.
#[derive(Debug)]
enum Planned {
    Network(Plan),
    Sweep(Box<Experiments>),
}

/// Why a plan cannot be told.
#[derive(Debug)]
pub enum PlanError {
    /// Every mistake that was found in the specs.
    Specs(Vec<SpecError>),
    /// The command line asks for what cannot be told.
    Format(FormatError),
}

impl PlanError {
    /// As a person reads it on stderr.
    pub fn rendered(&self, loader: &Loader) -> String {
        match self {
            Self::Specs(errors) => rendered(loader, errors),
            Self::Format(error) => format!("error: {error}\n"),
        }
    }
}

impl From<Vec<SpecError>> for PlanError {
    fn from(errors: Vec<SpecError>) -> Self {
        Self::Specs(errors)
    }
}

impl From<SpecError> for PlanError {
    fn from(error: SpecError) -> Self {
        Self::Specs(error.split().collect())
    }
}

impl From<FormatError> for PlanError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

/// Prints or writes the plan of a spec.
pub fn run(args: &PlanArgs) -> ExitCode {
    let loader = Loader::default();
    match text(&loader, args) {
        Ok(text) => match &args.output {
            None => formats::print(&text),
            Some(path) => formats::write(path, &text),
        },
        Err(error) => {
            eprint!("{}", error.rendered(&loader));
            ExitCode::from(2)
        }
    }
}

/// Checks a sweep as `sweep` would before it trains, and tells its mistakes.
///
/// # Errors
/// The exit code for a mistake in a spec.
pub fn check_sweep(args: &SweepArgs) -> Result<(), ExitCode> {
    let loader = loader_of(args);
    match ready(&loader, args) {
        Ok(_) => Ok(()),
        Err(errors) => Err(report(&loader, &errors)),
    }
}

/// Reads specs for a sweep whose results lie where it says.
pub fn loader_of(args: &SweepArgs) -> Loader {
    Loader::with_results(&args.train.results)
}

/// A sweep that can train.
///
/// # Errors
/// Every mistake, and every run that is to teach and is not there.
pub fn ready(loader: &Loader, args: &SweepArgs) -> Result<Experiments, Vec<SpecError>> {
    let experiments = experiment::sweep(loader, &args.spec, &args.set)?;
    experiments.taught().map(|()| experiments)
}

/// Checks a network as `eval` would, and tells its mistake.
///
/// # Errors
/// The exit code for a mistake in a spec.
pub fn check_network(args: &EvalArgs) -> Result<(), ExitCode> {
    let loader = Loader::default();
    match experiment::network(&loader, &args.network, &args.set, None) {
        Ok(_) => Ok(()),
        Err(error) => Err(report(&loader, &[error])),
    }
}

/// Prints mistakes of specs to stderr.
pub fn report(loader: &Loader, errors: &[SpecError]) -> ExitCode {
    eprint!("{}", rendered(loader, errors));
    ExitCode::from(2)
}

/// Mistakes as a person reads them, an empty line after each.
pub fn rendered(loader: &Loader, errors: &[SpecError]) -> String {
    errors.iter().map(|error| error.render(&loader.sources) + "\n\n").collect()
}

/// What the command prints.
///
/// # Errors
/// Every mistake that was found in the specs, or a format in which they cannot be told.
pub fn text(loader: &Loader, args: &PlanArgs) -> Result<String, PlanError> {
    let planned = planned(loader, &args.spec, &args.set)?;
    let Some(other) = &args.other else {
        return Ok(formats::text(&planned, args)?);
    };
    match (planned, self::planned(loader, other, &args.set)?) {
        (Planned::Network(a), Planned::Network(b)) => Ok(diff::between(&a, &b).to_string()),
        (Planned::Sweep(_), _) => Err(FormatError::NotANetwork(args.spec.clone()).into()),
        _ => Err(FormatError::NotANetwork(other.clone()).into()),
    }
}

fn planned(loader: &Loader, path: &Path, sets: &[String]) -> Result<Planned, Vec<SpecError>> {
    let one = |error: SpecError| error.split().collect::<Vec<_>>();
    let tree = loader.open(path).map_err(one)?;
    match tree.name() {
        Some("Network") => {
            experiment::network(loader, path, sets, None).map(Planned::Network).map_err(one)
        }
        Some("Sweep") => experiment::sweep(loader, path, sets).map(Box::new).map(Planned::Sweep),
        _ => {
            let tree = overlay::apply(loader, &tree, sets).map_err(one)?;
            let problem =
                Problem::WrongKind { expected: "Network(` or `Sweep".into(), found: tree.begins() };
            Err(vec![SpecError::at(tree.head(), problem)])
        }
    }
}
