//! Runs that others learn from: found by their names, held against their pupils, part of the hash.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use resweep::experiment::{self, Experiments};
use resweep::plan::Plan;
use resweep::saved::{self, RunFile, RunFolder};
use resweep::spec::load::Loader;

const DATA: &str = "set: Shapes10(seed: 0)";
const DISTILL: &str = "distill: (teacher: (sweep: \"wide\", experiment: \"w8\", seed: 3))";

/// A results folder, and sweeps whose teachers are looked for there.
struct Results(tempfile::TempDir);

impl Results {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A sweep of one thin network; the first mistake where it cannot train.
    fn sweep(&self, network: &str, data: &str, train: &str) -> Result<Experiments, String> {
        let loader = Loader::with_results(self.0.path());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/teachers.ron");
        let text = format!(
            "Sweep(networks: [(name: \"w8\", network: \"models/resnet18.ron\", with: {{{network}}})],
                data: ({data}), train: (epochs: 1, batch: 8, optimizer: Sgd(lr: 0.1), {train}))"
        );
        loader.text(&path, text).unwrap();
        let told = |errors: Vec<resweep::spec::error::SpecError>| {
            errors.iter().map(|error| error.render(&loader.sources)).collect::<String>()
        };
        let experiments = experiment::sweep(&loader, &path, &[]).map_err(told)?;
        experiments.taught().map(|()| experiments).map_err(told)
    }

    fn pupil(&self, data: &str) -> Result<Experiments, String> {
        self.sweep("\"width\": 4", data, DISTILL)
    }

    /// Leaves the files of a run of the sweep `wide`; the weights are all of this byte.
    fn train(&self, network: &str, data: &str, byte: u8) -> PathBuf {
        let sweep = self.sweep(network, data, "").unwrap();
        let (one, folder) = (&sweep.list[0], saved::folder(self.0.path(), "wide"));
        let run = RunFolder::of(&folder, &one.name, 3, &one.hash);
        std::fs::create_dir_all(run.path()).unwrap();
        std::fs::write(run.file(RunFile::Spec), one.alone("wide", 3)).unwrap();
        let weights = run.file(RunFile::Weights);
        std::fs::write(&weights, safetensors(&one.plan, byte)).unwrap();
        weights
    }
}

fn safetensors(plan: &Plan, byte: u8) -> Vec<u8> {
    let mut end = 0;
    let entries = plan.weights.iter().map(|weight| {
        let begin = end;
        end += 4 * weight.numel();
        format!(
            "\"{}\":{{\"dtype\":\"F32\",\"shape\":{:?},\"data_offsets\":[{begin},{end}]}}",
            weight.name, weight.dims
        )
    });
    let header = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + end as usize, byte);
    bytes
}

#[track_caller]
fn refused(told: Result<Experiments, String>, parts: &[&str]) {
    let told = told.map(|_| ()).expect_err("it can train");
    for part in parts {
        assert!(told.contains(part), "`{part}` is not in\n{told}");
    }
    assert!(told.contains("teachers.ron:"), "{told}");
}

#[test]
fn a_teacher_is_found_by_its_names() {
    let results = Results::new();
    refused(results.pupil(DATA), &["no weights of `w8` with seed 3", "run the sweep `wide`"]);
    let weights = results.train("\"width\": 8", DATA, 0);
    let sweep = results.pupil(DATA).unwrap();
    let teacher = sweep.list[0].teacher.clone().unwrap().unwrap();
    assert_eq!(teacher.weights, weights);
    assert_eq!(teacher.plan.params(), 176_402);
    assert!(results.sweep("\"width\": 4", DATA, "").unwrap().list[0].teacher.is_none());
    let other = DISTILL.replace("seed: 3", "seed: 4");
    refused(results.sweep("\"width\": 4", DATA, &other), &["with seed 4"]);
}

/// A sweep whose teacher is not there can be planned all the same.
#[test]
fn a_teacher_that_is_missing_keeps_nothing_from_being_planned() {
    let loader = Loader::with_results(Path::new("/nowhere"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/distill.ron");
    let sweep = experiment::sweep(&loader, &path, &[]).unwrap();
    assert_eq!(sweep.list.len(), 2);
    assert_ne!(sweep.list[0].hash, sweep.list[1].hash);
    assert_eq!(sweep.taught().unwrap_err().len(), 1);
}

#[test]
fn the_weights_of_a_teacher_are_part_of_the_hash_and_its_names_are_not() {
    let results = Results::new();
    let hash = |results: &Results, train: &str| {
        results.sweep("\"width\": 4", DATA, train).unwrap().list[0].hash.clone()
    };
    results.train("\"width\": 8", DATA, 0);
    let first = hash(&results, DISTILL);
    assert_ne!(first, hash(&results, ""));
    assert_ne!(first, hash(&results, &DISTILL.replace("seed: 3)", "seed: 3), alpha: 0.5")));
    assert_eq!(first, hash(&results, &DISTILL.replace("seed: 3)", "seed: 3), alpha: 0.9")));
    std::fs::rename(results.0.path().join("wide"), results.0.path().join("other")).unwrap();
    assert_eq!(first, hash(&results, &DISTILL.replace("wide", "other")));
    results.train("\"width\": 8", DATA, 1);
    assert_ne!(first, hash(&results, DISTILL));
}

#[test]
fn teachers_that_cannot_teach_are_refused() {
    let results = Results::new();
    let weights = results.train("\"width\": 8", DATA, 0);
    refused(results.pupil("set: Cifar10"), &["images of another set", "same `set`"]);
    refused(results.pupil("set: Shapes10(seed: 0), resize: 64"), &["reads", "64x64"]);
    let normalize = format!("{DATA}, normalize: (mean: (0, 0, 0), std: (1, 1, 1))");
    refused(results.pupil(&normalize), &["normalised otherwise"]);

    let whole = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &whole[..whole.len() - 1]).unwrap();
    refused(results.pupil(DATA), &["cannot read", "its length", "--fresh"]);
    let other = results.sweep("\"width\": 4", DATA, "").unwrap();
    std::fs::write(&weights, safetensors(&other.list[0].plan, 0)).unwrap();
    refused(results.pupil(DATA), &["does not fit its network", "`conv1.weight`"]);
}

#[test]
fn of_several_runs_of_the_same_names_one_is_named_by_its_hash() {
    let results = Results::new();
    results.train("\"width\": 8", DATA, 0);
    let weights = results.train("\"width\": 16", DATA, 0);
    refused(results.pupil(DATA), &["2 runs are called `w8` with seed 3", "hash: \""]);
    let name = weights.parent().unwrap().file_name().unwrap().to_str().unwrap();
    let hash = &name[name.len() - saved::HASH_IN_NAME..];
    let train = DISTILL.replace("seed: 3", &format!("seed: 3, hash: \"{hash}\""));
    let sweep = results.sweep("\"width\": 4", DATA, &train).unwrap();
    assert_eq!(sweep.list[0].teacher.clone().unwrap().unwrap().weights, weights);
}
