//! The rows of `tests/golden/family_params.csv`: networks that `tests/reference/family.py` counted and
//! ran, and the specs that must be the same networks.

use std::path::{Path, PathBuf};

use resweep::experiment;
use resweep::plan::Plan;
use resweep::spec::load::Loader;
use resweep::spec::network::Task;
use serde::Deserialize;

/// A network of the family.
#[derive(Debug, Deserialize)]
#[allow(dead_code)] // Each test reads the columns that it is about.
pub struct Row {
    pub name: String,
    /// Its file under `experiments/models`, without the ending.
    pub spec: String,
    /// What `--set` is given, with spaces between.
    pub set: String,
    pub input: String,
    pub params: u64,
    pub macs: u64,
    pub published: String,
    pub source: String,
    pub difference: String,
    /// The rule for its weights in the golden run.
    pub fill: String,
}

/// All rows, in the order of the file.
pub fn rows() -> Vec<Row> {
    let mut reader = csv::Reader::from_path(golden("family_params.csv")).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

/// A file that the reference scripts wrote.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

impl Row {
    /// The plan of its spec, for the input that the spec is written for or for a task.
    pub fn plan(&self, task: Option<Task>) -> Plan {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models");
        let sets: Vec<String> = self.set.split_whitespace().map(str::to_string).collect();
        let loader = Loader::default();
        experiment::network(&loader, &models.join(format!("{}.ron", self.spec)), &sets, task)
            .unwrap_or_else(|error| panic!("{}: {}", self.name, error.render(&loader.sources)))
    }

    /// Keys and shapes of PyTorch's state dict in its order, where they were written.
    pub fn keys(&self) -> Option<Vec<(String, String)>> {
        let path = golden(&format!("state_dict/{}.csv", self.name));
        let mut reader = csv::Reader::from_path(path).ok()?;
        Some(reader.deserialize().map(|row| row.unwrap()).collect())
    }
}
