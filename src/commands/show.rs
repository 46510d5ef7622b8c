//! `show SPEC`: what a spec says once everything in it is resolved.

use std::process::ExitCode;

use super::plan::{print, report};
use crate::cli::ShowArgs;
use crate::experiment::{self, Experiment};
use crate::plan::flat;
use crate::spec::error::{Problem, SpecError};
use crate::spec::load::Loader;
use crate::spec::tree::Value;

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
            let texts: Result<Vec<String>, SpecError> = sweep.list.iter().map(experiment).collect();
            Ok(texts.map_err(one)?.join("\n"))
        }
        _ => {
            let expected = "Network(` or `Sweep".into();
            let problem = Problem::WrongKind { expected, found: tree.begins() };
            Err(vec![SpecError::at(tree.head(), problem)])
        }
    }
}

/// One experiment as a sweep of its own, with every default written out.
fn experiment(experiment: &Experiment) -> Result<String, SpecError> {
    let entry = vec![
        flat::field("name", flat::make(Value::Str(experiment.name.clone()))),
        flat::field("network", flat::network(&experiment.plan)?),
    ];
    let entry = flat::make(Value::Struct(None, entry));
    let fields = vec![
        flat::field("networks", flat::make(Value::List(vec![entry]))),
        flat::field("data", flat::written(&experiment.data)?),
        flat::field("train", flat::written(&experiment.train)?),
    ];
    let sweep = flat::make(Value::Struct(Some("Sweep".into()), fields));
    Ok(format!("// {}\n{}\n", experiment.name, sweep.to_ron()))
}
