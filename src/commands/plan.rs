//! `plan SPEC`: the layer table of a network, or every experiment of a sweep side by side.

use std::io::Write as _;
use std::process::ExitCode;

use crate::cli::PlanArgs;
use crate::experiment::{self, Experiments};
use crate::plan::table;
use crate::spec::error::{Problem, SpecError};
use crate::spec::load::Loader;
use crate::spec::overlay;

/// Prints the plan of a spec.
pub fn run(args: &PlanArgs) -> ExitCode {
    let loader = Loader::default();
    match text(&loader, args) {
        Ok(text) => print(&text),
        Err(errors) => report(&loader, &errors),
    }
}

/// Checks a sweep as `sweep` would before it trains, and tells its mistakes.
///
/// # Errors
/// The exit code for a mistake in a spec.
pub fn check_sweep(args: &crate::cli::SweepArgs) -> Result<(), ExitCode> {
    let loader = Loader::default();
    match experiment::sweep(&loader, &args.spec, &args.set) {
        Ok(_) => Ok(()),
        Err(errors) => Err(report(&loader, &errors)),
    }
}

/// Checks a network as `eval` would, and tells its mistake.
///
/// # Errors
/// The exit code for a mistake in a spec.
pub fn check_network(args: &crate::cli::EvalArgs) -> Result<(), ExitCode> {
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

/// The tables of a spec.
///
/// # Errors
/// Every mistake that was found.
pub fn text(loader: &Loader, args: &PlanArgs) -> Result<String, Vec<SpecError>> {
    let one = |error: SpecError| error.split().collect::<Vec<_>>();
    let tree = loader.open(&args.spec).map_err(one)?;
    match tree.name() {
        Some("Network") => {
            let plan = experiment::network(loader, &args.spec, &args.set, None).map_err(one)?;
            Ok(table::layers(&plan))
        }
        Some("Sweep") => {
            let sweep = experiment::sweep(loader, &args.spec, &args.set)?;
            Ok(experiments(&sweep))
        }
        _ => {
            let tree = overlay::apply(loader, &tree, &args.set).map_err(one)?;
            let problem =
                Problem::WrongKind { expected: "Network(` or `Sweep".into(), found: tree.begins() };
            Err(vec![SpecError::at(tree.head(), problem)])
        }
    }
}

/// Every experiment of a sweep side by side, with its axes.
fn experiments(sweep: &Experiments) -> String {
    let header: Vec<String> = ["experiment".to_string()]
        .into_iter()
        .chain(sweep.axes.iter().cloned())
        .chain(["input", "layers", "params", "GMACs", "activations, MB/image"].map(String::from))
        .collect();
    let rows = sweep.list.iter().map(|experiment| {
        std::iter::once(experiment.name.clone())
            .chain(experiment.axes.iter().map(|(_, value)| value.clone()))
            .chain([experiment.plan.input.to_string(), table::depth(&experiment.plan)])
            .chain(table::costs(&experiment.plan))
            .collect()
    });
    table::wide(&header, rows)
}

/// Prints, and stays quiet where the reader has gone (`| head`).
pub(super) fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write to stdout: {error}");
            ExitCode::FAILURE
        }
    }
}
