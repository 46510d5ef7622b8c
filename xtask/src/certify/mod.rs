//! `cargo xtask certify`: whether short trainings of resweep and of plain PyTorch end alike.

mod verdict;

use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};

use clap::Args;
use resweep::data::{DataError, cifar10};
use resweep::records::{CertifyRow, CertifyRunRow};
use serde::Deserialize;

use crate::handover::{HandoverError, Kept, workspace};
use crate::machine;
use crate::python::{Python, PythonError};
use crate::record::{self, RecordError};
use verdict::{DIFFER, FIGURES, judge};

/// `cargo xtask certify`.
#[derive(Debug, Clone, Args)]
pub struct CertifyArgs {
    /// Runs of each recipe on either side.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..))]
    seeds: u32,
    /// The recipes, files of experiments/certify, joined by commas; all by default.
    #[arg(long, value_delimiter = ',')]
    recipes: Vec<String>,
    /// CPU threads of each side; both train at the same time.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threads: u32,
    /// The folder that holds cifar-10-batches-bin, or is it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A Python with torch 2.11.0; found or installed by default.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// The folder under which `certify/` is written.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
}

/// Why nothing is certified.
#[derive(Debug, thiserror::Error)]
pub enum CertifyError {
    /// The binary.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// PyTorch.
    #[error(transparent)]
    Python(#[from] PythonError),
    /// The images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A recipe that is not there.
    #[error("experiments/certify has no `{name}`; there are {there}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        there: String,
    },
    /// A side that did not train.
    #[error("{side} did not train {recipe}: {reason}")]
    Side {
        /// `resweep` or `PyTorch`.
        side: &'static str,
        /// The recipe.
        recipe: String,
        /// Why.
        reason: String,
    },
}

/// Trains every recipe on both sides, and writes its rows when it is done.
///
/// # Errors
/// Why one could not be trained.
pub fn run(args: &CertifyArgs) -> Result<ExitCode, CertifyError> {
    let recipes = chosen(&args.recipes)?;
    let data = cifar10::locate(args.data.as_deref())?;
    let libtorch = crate::setup::libtorch().map_err(HandoverError::from)?;
    let python = Python::find(args.python.as_deref(), &libtorch)?;
    let binary = Kept::build(&libtorch)?;
    let work = Work { args, python, data };
    let mut differ = 0;
    for recipe in &recipes {
        eprintln!("\n{recipe}: {} runs on either side", args.seeds);
        let rows = work.recipe(recipe, &binary)?;
        rows.iter().for_each(|row| println!("{}", verdict::line(row)));
        differ += rows.iter().filter(|row| row.verdict == DIFFER).count();
    }
    println!("\nTables: {0}/certify.csv, {0}/certify_runs.csv", work.folder().display());
    Ok(if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The names of the recipes: those that are asked for, else all.
fn chosen(asked: &[String]) -> Result<Vec<String>, CertifyError> {
    let folder = std::fs::read_dir(workspace().join("experiments/certify"));
    let paths = folder.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let stem = |path: PathBuf| Some(path.file_stem()?.to_string_lossy().into_owned());
    let mut there: Vec<String> = paths.filter_map(stem).collect();
    there.sort();
    if let Some(name) = asked.iter().find(|name| !there.contains(name)) {
        return Err(CertifyError::Unknown { name: name.clone(), there: there.join(", ") });
    }
    Ok(if asked.is_empty() { there } else { asked.to_vec() })
}

/// What all recipes share.
struct Work<'a> {
    args: &'a CertifyArgs,
    python: Python,
    data: PathBuf,
}

impl Work<'_> {
    fn folder(&self) -> PathBuf {
        self.args.results.join("certify")
    }

    /// Trains a recipe on both sides at once, compares, and writes the record.
    fn recipe(&self, recipe: &str, binary: &Kept) -> Result<Vec<CertifyRow>, CertifyError> {
        let peer = self.start_peer(recipe)?;
        let ours = self.ours(recipe, binary);
        let theirs = finished(peer, recipe);
        let ((ours, version), theirs) = (ours?, theirs?);
        let about = CertifyRow {
            recipe: recipe.into(),
            threads: self.args.threads,
            code_version: version,
            torch_version: self.python.torch.clone(),
            measured: machine::now(),
            ..CertifyRow::default()
        };
        let rows: Vec<CertifyRow> =
            FIGURES.iter().map(|figure| judge(figure, &ours, &theirs, &about)).collect();
        self.write(&rows, ours.into_iter().chain(theirs).collect())?;
        Ok(rows)
    }

    fn write(&self, rows: &[CertifyRow], runs: Vec<CertifyRunRow>) -> Result<(), CertifyError> {
        let (table, of_runs) =
            (self.folder().join("certify.csv"), self.folder().join("certify_runs.csv"));
        let mut all: Vec<CertifyRunRow> = record::older(&of_runs)?;
        // Those of more seeds than now would stand beside another mean.
        all.retain(|old| runs.iter().all(|run| run.recipe != old.recipe));
        all.extend(runs);
        record::write(&of_runs, &all)?;
        let same =
            |a: &CertifyRow, b: &CertifyRow| (&a.recipe, &a.figure) == (&b.recipe, &b.figure);
        record::write(&table, &record::merged(record::older(&table)?, rows.to_vec(), same))?;
        let text =
            machine::description(&self.python, &[("threads", self.args.threads.to_string())]);
        Ok(record::text(&self.folder().join("machine.txt"), text.as_bytes())?)
    }

    fn start_peer(&self, recipe: &str) -> Result<Child, CertifyError> {
        let mut command = self.python.script("certify_peer.py");
        command.args(["--recipe", recipe, "--data"]).arg(&self.data);
        command.args(["--threads", &self.args.threads.to_string(), "--seeds"]);
        command.args((0..self.args.seeds).map(|seed| seed.to_string()));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let failed = |error: std::io::Error| side("PyTorch", recipe, error.to_string());
        command.spawn().map_err(failed)
    }

    /// The runs of the sweep, and the version that trained them.
    fn ours(
        &self,
        recipe: &str,
        binary: &Kept,
    ) -> Result<(Vec<CertifyRunRow>, String), CertifyError> {
        let failed = |reason: String| side("resweep", recipe, reason);
        let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let status = binary
            .command()
            .arg("sweep")
            .arg(workspace().join(format!("experiments/certify/{recipe}.ron")))
            .args(["--device", "cpu", "--jobs", "1", "--threads", &self.args.threads.to_string()])
            .args(["--set", &format!("seeds={}", self.args.seeds), "--data"])
            .arg(&self.data)
            .arg("--results")
            .arg(folder.path())
            .stdout(Stdio::null())
            .status();
        match status {
            Ok(status) if status.success() => runs(&folder.path().join(recipe), recipe),
            Ok(status) => Err(failed(format!("{status}; its words are above"))),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

fn side(side: &'static str, recipe: &str, reason: String) -> CertifyError {
    CertifyError::Side { side, recipe: recipe.into(), reason }
}

/// What a run ended with, as either side tells it.
#[derive(Debug, Deserialize)]
struct Ended {
    seed: u64,
    top1: f64,
    test_loss: f64,
    train_loss: f64,
    code_version: Option<String>,
}

impl Ended {
    fn row(self, recipe: &str, side: &str) -> CertifyRunRow {
        let Self { seed, top1, test_loss, train_loss, .. } = self;
        CertifyRunRow {
            recipe: recipe.into(),
            side: side.into(),
            seed,
            top1,
            test_loss,
            train_loss,
        }
    }
}

/// The rows of a sweep's `runs.csv`.
fn runs(folder: &Path, recipe: &str) -> Result<(Vec<CertifyRunRow>, String), CertifyError> {
    let failed = |error: csv::Error| side("resweep", recipe, error.to_string());
    let mut reader = csv::Reader::from_path(folder.join("runs.csv")).map_err(failed)?;
    let ended: Vec<Ended> = reader.deserialize().collect::<Result<_, _>>().map_err(failed)?;
    let version = ended.iter().find_map(|run| run.code_version.clone()).unwrap_or_default();
    Ok((ended.into_iter().map(|run| run.row(recipe, "resweep")).collect(), version))
}

/// The lines of the peer.
fn finished(peer: Child, recipe: &str) -> Result<Vec<CertifyRunRow>, CertifyError> {
    let failed = |reason: String| side("PyTorch", recipe, reason);
    let output = peer.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("{}; its words are above", output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let read = |line: &str| {
        let ended: Result<Ended, _> = serde_json::from_str(line);
        ended.map(|run| run.row(recipe, "pytorch")).map_err(|_| failed(line.into()))
    };
    text.lines().map(read).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::Command;

    use super::verdict::AGREE;
    use super::*;

    #[test]
    fn every_recipe_is_on_both_sides() {
        let path = workspace().join("tests/reference/certify_peer.py");
        let peer = std::fs::read_to_string(path).unwrap();
        let recipes = chosen(&[]).unwrap();
        assert!(recipes.len() >= 4, "{recipes:?}");
        for recipe in &recipes {
            assert!(peer.contains(&format!("class {recipe}(Recipe):")), "{recipe}");
        }
        assert_eq!(peer.matches("(Recipe):").count(), recipes.len());
        let error = chosen(&["resnet19".into()]).unwrap_err().to_string();
        assert!(error.contains("has no `resnet19`; there are ") && error.contains(&recipes[0]));
    }

    #[test]
    fn runs_are_read_from_both_sides() {
        let folder = tempfile::tempdir().unwrap();
        let csv =
            "experiment,seed,top1,train_loss,test_loss,code_version\nr,4,41.5,1.5,1.25,0.1.0\n";
        std::fs::write(folder.path().join("runs.csv"), csv).unwrap();
        let (ours, version) = runs(folder.path(), "r").unwrap();
        assert_eq!(version, "0.1.0");
        let line = r#"{"seed": 4, "top1": 41.5, "test_loss": 1.25, "train_loss": 1.5}"#;
        let peer = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdout(Stdio::piped());
            finished(command.spawn().unwrap(), "r")
        };
        let theirs = peer(&format!("echo '{line}'")).unwrap();
        assert_eq!(CertifyRunRow { side: "resweep".into(), ..theirs[0].clone() }, ours[0]);
        assert!(
            peer("exit 3")
                .unwrap_err()
                .to_string()
                .contains("PyTorch did not train r: exit status: 3")
        );
    }

    #[test]
    fn runs_of_a_recipe_replace_all_its_older_ones() {
        let results = tempfile::tempdir().unwrap();
        let args = CertifyArgs {
            seeds: 2,
            recipes: Vec::new(),
            threads: 1,
            data: None,
            python: None,
            results: results.path().into(),
        };
        let python = Python::unknown();
        let work = Work { args: &args, python, data: PathBuf::new() };
        let run = |recipe: &str, seed, top1| {
            let ended = Ended { seed, top1, test_loss: 1.0, train_loss: 1.0, code_version: None };
            ended.row(recipe, "resweep")
        };
        let row = |recipe: &str, mean| CertifyRow {
            recipe: recipe.into(),
            figure: "top1".into(),
            mean,
            verdict: AGREE.into(),
            ..CertifyRow::default()
        };
        work.write(&[row("a", 1.0)], vec![run("a", 0, 1.0), run("a", 1, 1.0)]).unwrap();
        work.write(&[row("b", 2.0)], vec![run("b", 0, 2.0)]).unwrap();
        work.write(&[row("a", 3.0)], vec![run("a", 0, 3.0)]).unwrap();
        let text = std::fs::read_to_string(work.folder().join("certify_runs.csv")).unwrap();
        let runs: Vec<CertifyRunRow> = record::read(&text).unwrap();
        let told: Vec<_> = runs.iter().map(|run| (run.recipe.as_str(), run.top1)).collect();
        assert_eq!(told, [("b", 2.0), ("a", 3.0)]);
        let text = std::fs::read_to_string(work.folder().join("certify.csv")).unwrap();
        let rows: Vec<CertifyRow> = record::read(&text).unwrap();
        assert_eq!(rows.iter().map(|row| row.mean).collect::<Vec<_>>(), [3.0, 2.0]);
    }
}
