//! A folder for MLflow: its file store, `<experiment id>/<run id>/{meta.yaml,params,metrics,tags}`, where
//! an experiment of MLflow is a sweep.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Export, Exported, Unwritable, folder, put, scalars, started};
use crate::records::{EpochRow, Row, RunRow, Status};
use crate::saved::hex;

/// Columns of runs.csv that a run was given: they become params.
const GIVEN: [&str; 10] = [
    "seed",
    "params",
    "macs",
    "activation_bytes",
    "device",
    "precision",
    "threads",
    "batch",
    "train_images",
    "test_images",
];
/// Columns of runs.csv that are words, whatever they look like: they become tags.
const WORDS: [&str; 11] = [
    "experiment",
    "status",
    "reason",
    "stop_reason",
    "device_name",
    "spec_hash",
    "overrides",
    "code_version",
    "tch_version",
    "libtorch_version",
    "started",
];

/// Writes the runs of a sweep to `into`, the folder `mlruns` of a file store:
///
/// - metrics: every column of epochs.csv by epoch; those of runs.csv that were measured, at the last
///   epoch, `final_` before those that epochs.csv has too (`final_top1` is the headline);
/// - params: the fields of the recipe and of the data, and what else a run was given;
/// - tags: `resweep.<column>` for the columns that are words.
///
/// Ids follow from the names of sweep and experiment and the seed. Metrics, params and tags of these
/// runs are replaced, tags of others kept.
#[derive(Debug)]
pub struct Mlflow {
    sweep: String,
    id: String,
    place: PathBuf,
}

impl Mlflow {
    /// The experiment of MLflow that the sweep with these runs becomes.
    ///
    /// # Errors
    /// [`Unwritable`] where the disk refuses.
    pub fn of(into: &Path, sweep: &str, runs: &[&RunRow]) -> Result<Self, Unwritable> {
        let id = experiment_id(sweep);
        let place = into.join(&id);
        folder(&place)?;
        let created = runs.iter().map(|row| millis(started(row))).min().unwrap_or(0);
        let ended = runs.iter().map(|row| ended(row)).max().unwrap_or(0);
        let meta = yaml(&[
            ("artifact_location", quoted(&uri(&place))),
            ("creation_time", created.to_string()),
            ("experiment_id", quoted(&id)),
            ("last_update_time", ended.to_string()),
            ("lifecycle_stage", "active".into()),
            ("name", quoted(sweep)),
        ]);
        put(&place.join("meta.yaml"), meta.as_bytes())?;
        Ok(Self { sweep: sweep.to_owned(), id, place })
    }
}

impl Export for Mlflow {
    fn write(&self, run: &Exported) -> Result<(), Unwritable> {
        let row = run.row;
        let id = run_id(&self.sweep, row);
        let name = format!("{}-seed{}", row.experiment, row.seed);
        let place = self.place.join(&id);
        for (kind, files) in
            [("params", params(run)), ("metrics", metrics(run)), ("tags", tags(row, &name))]
        {
            let own = place.join(kind);
            if kind != "tags" {
                clear(&own)?;
            }
            folder(&own)?;
            for (key, text) in files {
                put(&own.join(key), text.as_bytes())?;
            }
        }
        folder(&place.join("artifacts"))?;
        let meta = meta(row, &self.id, (&id, &name), &place);
        put(&place.join("meta.yaml"), meta.as_bytes())
    }
}

/// What MLflow knows of a run itself.
fn meta(row: &RunRow, experiment_id: &str, (id, name): (&str, &str), place: &Path) -> String {
    yaml(&[
        ("artifact_uri", quoted(&uri(&place.join("artifacts")))),
        ("end_time", ended(row).to_string()),
        ("entry_point_name", "''".into()),
        ("experiment_id", quoted(experiment_id)),
        ("lifecycle_stage", "active".into()),
        ("run_id", quoted(id)),
        ("run_name", quoted(name)),
        ("run_uuid", quoted(id)),
        ("source_name", "resweep".into()),
        ("source_type", SOURCE_LOCAL.to_string()),
        ("source_version", quoted(&row.code_version)),
        ("start_time", millis(started(row)).to_string()),
        ("status", state(row.status).to_string()),
        ("tags", "[]".into()),
        ("user_id", "''".into()),
    ])
}

/// `SourceType.LOCAL` of MLflow.
const SOURCE_LOCAL: u32 = 4;

/// A `RunStatus` of MLflow: 1 runs, 3 finished, 4 failed, 5 was killed.
fn state(status: Status) -> u32 {
    match status {
        Status::Ok => 3,
        Status::Diverged | Status::Failed => 4,
        Status::Dropped => 5,
        Status::Paused => 1,
    }
}

/// The recipe, and what else the run was given.
fn params(run: &Exported) -> BTreeMap<String, String> {
    let recipe = run.recipe.iter().map(|(key, value)| (key_of(key), value.clone()));
    let given = cells(run.row).filter(|(name, _)| GIVEN.contains(name));
    recipe.chain(given.map(|(name, cell)| (name.to_owned(), cell))).collect()
}

/// A line a value: milliseconds since 1970, value, step.
fn metrics(run: &Exported) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut line = |key: String, time: i64, value: f64, step: u32| {
        // Writing to a String cannot fail.
        let _ = writeln!(files.entry(key).or_default(), "{time} {value} {step}");
    };
    for scalar in scalars(run) {
        line(scalar.name.to_owned(), millis(scalar.time), scalar.value, scalar.epoch);
    }
    let row = run.row;
    for (name, cell) in cells(row) {
        let is_measured = !GIVEN.contains(&name) && !WORDS.contains(&name);
        if let (true, Ok(value)) = (is_measured, cell.parse::<f64>()) {
            let is_of_epochs = EpochRow::COLUMNS.iter().any(|column| column.name == name);
            let key = if is_of_epochs { format!("final_{name}") } else { name.to_owned() };
            line(key, ended(row), value, row.epochs);
        }
    }
    files
}

fn tags(row: &RunRow, name: &str) -> BTreeMap<String, String> {
    let words = cells(row).filter(|(name, _)| WORDS.contains(name));
    let words = words.map(|(name, cell)| (format!("resweep.{name}"), cell));
    let known = [("mlflow.runName", name), ("mlflow.source.name", "resweep")];
    words.chain(known.map(|(key, text)| (key.to_owned(), text.to_owned()))).collect()
}

/// The cells of a run that are not empty.
fn cells(row: &RunRow) -> impl Iterator<Item = (&'static str, String)> {
    let cells = RunRow::COLUMNS.iter().map(|column| column.name).zip(row.cells());
    cells.filter(|(_, cell)| !cell.is_empty())
}

/// A name that MLflow takes as a key, and that stays in its folder.
fn key_of(name: &str) -> String {
    let letter = |letter: char| match letter {
        '_' | '-' | '.' | ' ' => letter,
        _ if letter.is_ascii_alphanumeric() => letter,
        _ => '_',
    };
    let key: String = name.chars().map(letter).collect();
    if key.starts_with('.') { format!("_{key}") } else { key }
}

/// 18 digits, as MLflow makes them.
fn experiment_id(sweep: &str) -> String {
    let hash = Sha256::digest(format!("resweep\n{sweep}"));
    let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    (number % 900_000_000_000_000_000 + 100_000_000_000_000_000).to_string()
}

/// 32 hexadecimal digits.
fn run_id(sweep: &str, row: &RunRow) -> String {
    let named = format!("resweep\n{sweep}\n{}\n{}", row.experiment, row.seed);
    hex(&Sha256::digest(named)[..16])
}

fn ended(row: &RunRow) -> i64 {
    millis(started(row) + row.wall_s)
}

fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// An absolute path as MLflow has it.
fn uri(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}

/// Text in YAML, which takes JSON's strings.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn yaml(fields: &[(&str, String)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

fn clear(path: &Path) -> Result<(), Unwritable> {
    match fs::remove_dir_all(path) {
        Err(why) if why.kind() != ErrorKind::NotFound => {
            Err(Unwritable { path: path.to_owned(), why })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_in_their_folder() {
        assert_eq!(key_of("train.optimizer.Sgd.lr"), "train.optimizer.Sgd.lr");
        assert_eq!(key_of("../a/b"), "_.._a_b");
        assert_eq!(key_of(".."), "_..");
    }

    #[test]
    fn ids_are_distinct_and_of_the_right_form() {
        let (one, two) = (experiment_id("one"), experiment_id("two"));
        assert!(one != two && [one, two].iter().all(|id| id.len() == 18), "18 digits");
        assert_eq!(uri(Path::new("/a b/é")), "file:///a%20b/%C3%A9");
    }

    #[test]
    fn text_is_quoted() {
        assert_eq!(yaml(&[("name", quoted("a: \"b\"\nc"))]), "name: \"a: \\\"b\\\"\\nc\"\n");
    }
}
