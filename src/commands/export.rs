//! `export RESULTS --to tensorboard|mlflow DIR`: the runs of a sweep for other programs.

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use super::images;
use super::plan::print;
use super::results::{self, FolderError};
use crate::cli::{ExportArgs, ExportTo};
use crate::compare::newest_runs;
use crate::experiment::Experiment;
use crate::export::{Exported, Unwritable, mlflow, tensorboard};
use crate::records::{Run, Unreadable};
use crate::saved;

/// Why nothing can be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no records.
    #[error(transparent)]
    Results(#[from] FolderError),
    /// The disk refuses.
    #[error("{0}; is there a file in the way, and room?")]
    Unwritable(#[from] Unwritable),
}

impl Error {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Results(error) => error.exit_code(),
            Self::Unwritable(_) => 1,
        }
    }
}

const START_TENSORBOARD: &str = "    tensorboard --logdir DIR\n";
/// MLflow (seen of 3.17) refuses file stores unless it is told not to.
const START_MLFLOW: &str = "    MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri DIR\n\
    or, into MLflow's database,\n    \
    MLFLOW_ALLOW_FILE_STORE=true mlflow migrate-filestore --source DIR --target sqlite:///mlflow.db\n";

/// Writes, and says what; a record that cannot be read is named, and ends the command with 1.
pub fn run(args: &ExportArgs) -> ExitCode {
    match write(args) {
        Ok((text, unreadable)) => {
            let code = print(&text);
            unreadable
                .iter()
                .for_each(|fault| eprintln!("error: {fault}; the others were written"));
            if unreadable.is_empty() { code } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Writes the runs; what is to be said of them, and the records that could not be read.
///
/// # Errors
/// [`Error`] where there is nothing to write, or nowhere.
pub fn write(args: &ExportArgs) -> Result<(String, Vec<Unreadable>), Error> {
    let (path, folder) = results::open(&args.results)?;
    let sweep = name(&path);
    let (runs, mut notes) = newest_runs(&folder.runs);
    let exported: Vec<Exported> = runs.iter().map(|run| exported(run, &mut notes)).collect();
    let (program, start) = match args.to {
        ExportTo::Tensorboard => {
            tensorboard::write(&args.folder, &sweep, &exported)?;
            ("TensorBoard", START_TENSORBOARD)
        }
        ExportTo::Mlflow => {
            mlflow::write(&args.folder, &sweep, &exported)?;
            ("MLflow", START_MLFLOW)
        }
    };
    let notes: String = notes.iter().map(|note| format!("- {note}\n")).collect();
    let plural = if exported.len() == 1 { "run" } else { "runs" };
    let text = format!(
        "Wrote {} {plural} of {sweep} for {program}; see them with\n{}{notes}",
        exported.len(),
        start.replace("DIR", &args.folder.display().to_string())
    );
    Ok((text, folder.unreadable))
}

/// The name of a sweep by its folder.
fn name(path: &Path) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = absolute.file_name().map(|name| saved::name_of(&name.to_string_lossy()));
    name.unwrap_or_else(|| "sweep".into())
}

fn exported<'a>(run: &'a Run, notes: &mut Vec<String>) -> Exported<'a> {
    let recipe = images::spec_of(run).map(|spec| recipe(&spec));
    let recipe = recipe.unwrap_or_else(|error| {
        let row = &run.record.run;
        notes
            .push(format!("{}, seed {}: without its recipe, as {error}", row.experiment, row.seed));
        Vec::new()
    });
    Exported { record: &run.record, recipe }
}

/// The fields of recipe and data, by their paths.
fn recipe(spec: &Experiment) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let parts =
        [("train", serde_json::to_value(&spec.train)), ("data", serde_json::to_value(&spec.data))];
    for (name, value) in parts {
        flatten(name, &value.unwrap_or_default(), &mut fields);
    }
    fields
}

fn flatten(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&format!("{path}.{name}"), value, into);
            }
        }
        Value::Null => {}
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        value => into.push((path.to_owned(), value.to_string())),
    }
}
