//! `export RESULTS --to tensorboard|mlflow DIR`: the runs of a sweep for other programs.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use rayon::prelude::*;
use serde_json::Value;

use super::images;
use super::plan::print;
use super::results::{self, FolderError};
use crate::cli::{ExportArgs, ExportTo};
use crate::compare::newest_runs;
use crate::experiment::Experiment;
use crate::export::{Export, Exported, Mlflow, Tensorboard, Unwritable};
use crate::records::{Run, RunRow, Unreadable};
use crate::regular;
use crate::saved::{self, RunFile};

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
    let (program, start, export): (_, _, Box<dyn Export>) = match args.to {
        ExportTo::Tensorboard => {
            ("TensorBoard", START_TENSORBOARD, Box::new(Tensorboard::of(&args.folder, &sweep)))
        }
        ExportTo::Mlflow => {
            let rows: Vec<&RunRow> = runs.iter().map(|run| &run.row).collect();
            ("MLflow", START_MLFLOW, Box::new(Mlflow::of(&args.folder, &sweep, &rows)?))
        }
    };
    let recipes = Recipes::of(&runs);
    let written: Vec<Result<Written, Unwritable>> =
        runs.par_iter().map(|run| recipes.write(run, export.as_ref())).collect();
    let (mut count, mut unreadable) = (0, folder.unreadable.clone());
    for written in written {
        match written? {
            Written::Whole => count += 1,
            Written::WithoutRecipe(note) => {
                count += 1;
                notes.push(note);
            }
            Written::Not(fault) => unreadable.push(fault),
        }
    }
    let notes: String = notes.iter().map(|note| format!("- {note}\n")).collect();
    let plural = if count == 1 { "run" } else { "runs" };
    let text = format!(
        "Wrote {count} {plural} of {sweep} for {program}; see them with\n{}{notes}",
        start.replace("DIR", &args.folder.display().to_string())
    );
    Ok((text, unreadable))
}

/// What became of a run.
enum Written {
    Whole,
    /// And why.
    WithoutRecipe(String),
    Not(Unreadable),
}

/// The recipes of runs, by their specs without the seeds: many runs are of one experiment, and to plan its
/// spec takes longer than all else.
struct Recipes(HashMap<String, Recipe>);

/// Fields of recipe and data, by their paths.
type Recipe = Vec<(String, String)>;

impl Recipes {
    fn of(runs: &[&Run]) -> Self {
        let mut firsts: HashMap<String, &Run> = HashMap::new();
        for (run, spec) in
            runs.iter().zip(runs.par_iter().map(|run| spec_key(run)).collect::<Vec<_>>())
        {
            if let Some(spec) = spec {
                firsts.entry(spec).or_insert(run);
            }
        }
        let read = |(spec, run): (String, &Run)| Some((spec, recipe(&images::spec_of(run).ok()?)));
        Self(firsts.into_par_iter().filter_map(read).collect())
    }

    fn write(&self, run: &Run, export: &dyn Export) -> Result<Written, Unwritable> {
        let epochs = match run.epochs() {
            Ok(epochs) => epochs,
            Err(fault) => return Ok(Written::Not(fault)),
        };
        let known = spec_key(run).and_then(|spec| self.0.get(&spec).cloned());
        let recipe = known.map_or_else(|| images::spec_of(run).map(|spec| recipe(&spec)), Ok);
        let row = &run.row;
        let (recipe, written) = match recipe {
            Ok(recipe) => (recipe, Written::Whole),
            Err(error) => {
                let (experiment, seed) = (&row.experiment, row.seed);
                let note = format!("{experiment}, seed {seed}: without its recipe, as {error}");
                (Vec::new(), Written::WithoutRecipe(note))
            }
        };
        export.write(&Exported { row, epochs, recipe })?;
        Ok(written)
    }
}

/// The text of a run's spec without the line of its seeds; none where there is no such file.
fn spec_key(run: &Run) -> Option<String> {
    let text = regular::read_to_string(run.file(RunFile::Spec)).ok()?;
    let is_of_seeds = |line: &&str| line.trim_start().starts_with("seeds:");
    Some(text.lines().filter(|line| !is_of_seeds(line)).collect::<Vec<_>>().join("\n"))
}

/// The name of a sweep by its folder.
fn name(path: &Path) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = absolute.file_name().map(|name| saved::name_of(&name.to_string_lossy()));
    name.unwrap_or_else(|| "sweep".into())
}

/// The fields of recipe and data, by their paths.
fn recipe(spec: &Experiment) -> Recipe {
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
