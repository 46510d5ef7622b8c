//! `show SPEC`: what a spec says once everything in it is resolved.

use std::process::ExitCode;

use super::plan::{print, report};
use crate::cli::ShowArgs;
use crate::experiment;
use crate::plan::flat;
use crate::spec::error::{Problem, SpecError};
use crate::spec::load::Loader;

/// Prints a resolved spec.
pub fn run(args: &ShowArgs) -> ExitCode {
    let loader = Loader::default();
    match text(&loader, args) {
        Ok(text) => print(&text),
        Err(errors) => report(&loader, &errors),
    }
}

/// The resolved spec, which runs again as it is.
///
/// # Errors
/// Every mistake that was found.
pub fn text(loader: &Loader, args: &ShowArgs) -> Result<String, Vec<SpecError>> {
    let one = |error: SpecError| error.split().collect::<Vec<_>>();
    let tree = loader.open(&args.spec).map_err(one)?;
    match tree.name() {
        Some("Network") => {
            let plan = experiment::network(loader, &args.spec, &args.set, None).map_err(one)?;
            Ok(flat::network(&plan).map_err(one)?.to_ron() + "\n")
        }
        Some("Sweep") => {
            let sweep = experiment::sweep(loader, &args.spec, &args.set)?;
            let text = |experiment: &experiment::Experiment| {
                format!("// {}\n{}", experiment.name, experiment.resolved)
            };
            Ok(sweep.list.iter().map(text).collect::<Vec<_>>().join("\n"))
        }
        _ => {
            let expected = "Network(` or `Sweep".into();
            let problem = Problem::WrongKind { expected, found: tree.begins() };
            Err(vec![SpecError::at(tree.head(), problem)])
        }
    }
}
