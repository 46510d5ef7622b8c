//! What a submission leaves in the folder of its sweep, `<results>/<sweep>/slurm/`:
//!
//! ```text
//! sweep.ron      all runs of the sweep as it was last submitted, and what its tables look like
//! resweep-...    the program, as it was then
//! 1/tasks.ron    the first submission: its tasks, and the resolved specs of their runs
//! 1/task.sh      its batch script
//! 1/jobs.ron     the job arrays it became
//! 1/log/         what its tasks printed
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::slurm::Task;
use crate::records::{Layout, RunId, atomic};
use crate::regular;
use crate::spec::halving::Halving;
use crate::spec::until_resolved::UntilResolved;

/// A run of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRun {
    /// Its experiment.
    pub experiment: String,
    /// Its seed.
    pub seed: u64,
    /// The hash of its resolved spec.
    pub spec_hash: String,
    /// The epochs that it trains.
    pub epochs: u32,
}

/// A sweep as it was last submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// What its tables look like.
    pub layout: Layout,
    /// All its runs, in the order in which they are trained.
    pub runs: Vec<PlannedRun>,
    /// What decides on the way which runs are trained, and how far.
    pub rules: Rules,
}

/// What decides on the way which runs of a sweep are trained, and how far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Which experiments are trained to their end.
    pub halving: Option<Halving>,
    /// By what seeds are added.
    pub until_resolved: Option<UntilResolved>,
}

/// The tasks of a submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The name of the sweep.
    pub sweep: String,
    /// The `--set` arguments.
    pub overrides: Vec<String>,
    /// What its tables look like.
    pub layout: Layout,
    /// What decides on the way; then there is one task, which has all runs and writes the tables.
    pub rules: Rules,
    /// The resolved spec of each experiment, without seeds, by its name.
    pub specs: BTreeMap<String, String>,
    /// The runs of each task.
    pub tasks: Vec<Vec<PlannedRun>>,
}

/// A job array, which has some of the tasks of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Array {
    /// Its job.
    pub job: String,
    /// The task of the submission that is its first.
    pub first: usize,
    /// How many it has.
    pub count: usize,
}

/// Where a run is in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// `41_3`.
    pub name: String,
    /// How it stands.
    pub task: Task,
}

/// The runs of a sweep whose tasks are in the queue.
///
/// # Errors
/// [`SubmissionError::Unreadable`].
pub fn queued(
    sweep: &Path,
    queue: &BTreeMap<(String, usize), Task>,
) -> Result<BTreeMap<RunId, Queued>, SubmissionError> {
    let mut found = BTreeMap::new();
    for folder in submissions(sweep) {
        let arrays = Array::all(&folder);
        let places = arrays.iter().flat_map(|array| {
            let place = move |index| (array.first + index, (array.job.clone(), index));
            (0..array.count).map(place)
        });
        let there: Vec<_> =
            places.filter_map(|(at, key)| Some((at, queue.get(&key)?, key))).collect();
        if there.is_empty() {
            continue;
        }
        let tasks = Submission::open(&folder)?.tasks;
        for (at, task, (job, index)) in there {
            let queued = Queued { name: format!("{job}_{index}"), task: task.clone() };
            let runs = tasks.get(at).into_iter().flatten();
            found.extend(runs.map(|run| (run.id(), queued.clone())));
        }
    }
    Ok(found)
}

/// A file of a submission that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    /// It cannot be read.
    #[error("cannot read {}: {why}; submit the sweep again with --launcher slurm", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The folder of all submissions of a sweep, in that of the sweep.
pub fn folder(sweep: &Path) -> PathBuf {
    sweep.join("slurm")
}

/// The folders of the submissions of a sweep, the oldest first.
pub fn submissions(sweep: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(sweep)).into_iter().flatten().flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u64>().ok();
    let mut all: Vec<(u64, PathBuf)> =
        entries.filter_map(|entry| Some((number(&entry.path())?, entry.path()))).collect();
    all.sort();
    all.into_iter().map(|(_, path)| path).collect()
}

impl PlannedRun {
    /// The run of this identity, which trains so many epochs.
    pub fn of(id: RunId, epochs: u32) -> Self {
        let RunId { experiment, seed, spec_hash } = id;
        Self { experiment, seed, spec_hash, epochs }
    }

    /// What identifies it.
    pub fn id(&self) -> RunId {
        let Self { experiment, seed, spec_hash, .. } = self.clone();
        RunId { experiment, seed, spec_hash }
    }
}

impl Rules {
    /// Whether there are any: then one process trains the sweep.
    pub fn are_there(&self) -> bool {
        self.halving.is_some() || self.until_resolved.is_some()
    }
}

impl Planned {
    const FILE: &'static str = "sweep.ron";

    /// The sweep as it was last submitted; none where it never was.
    ///
    /// # Errors
    /// [`SubmissionError::Unreadable`].
    pub fn of(sweep: &Path) -> Result<Option<Self>, SubmissionError> {
        let path = folder(sweep).join(Self::FILE);
        if path.exists() { read(&path).map(Some) } else { Ok(None) }
    }

    /// Keeps it in the folder of the sweep.
    ///
    /// # Errors
    /// [`SubmissionError::Unwritable`].
    pub fn save(&self, sweep: &Path) -> Result<(), SubmissionError> {
        let path = folder(sweep);
        let made = std::fs::create_dir_all(&path);
        made.map_err(|source| SubmissionError::Unwritable { path: path.clone(), source })?;
        write(&path.join(Self::FILE), self)
    }
}

impl Submission {
    const FILE: &'static str = "tasks.ron";

    /// Reads that in a folder.
    ///
    /// # Errors
    /// [`SubmissionError::Unreadable`].
    pub fn open(folder: &Path) -> Result<Self, SubmissionError> {
        read(&folder.join(Self::FILE))
    }

    /// Makes a folder for it in that of the sweep, with all but the job arrays.
    ///
    /// # Errors
    /// [`SubmissionError::Unwritable`].
    pub fn save(&self, sweep: &Path) -> Result<PathBuf, SubmissionError> {
        let folder = next(sweep)?;
        let log = folder.join("log");
        let made = std::fs::create_dir(&log);
        made.map_err(|source| SubmissionError::Unwritable { path: log, source })?;
        write(&folder.join(Self::FILE), self)?;
        Ok(folder)
    }
}

impl Array {
    const FILE: &'static str = "jobs.ron";

    /// The arrays of a submission.
    pub fn all(submission: &Path) -> Vec<Self> {
        read(&submission.join(Self::FILE)).unwrap_or_default()
    }

    /// Keeps those that a submission has become so far.
    ///
    /// # Errors
    /// [`SubmissionError::Unwritable`].
    pub fn save(all: &[Self], submission: &Path) -> Result<(), SubmissionError> {
        write(&submission.join(Self::FILE), &all)
    }
}

/// Makes the folder of the next submission.
fn next(sweep: &Path) -> Result<PathBuf, SubmissionError> {
    let all = folder(sweep);
    let unwritable = |path: PathBuf| |source| SubmissionError::Unwritable { path, source };
    std::fs::create_dir_all(&all).map_err(unwritable(all.clone()))?;
    let last = submissions(sweep).last().and_then(|path| path.file_name()?.to_str()?.parse().ok());
    for number in last.unwrap_or(0_u64) + 1.. {
        let path = all.join(number.to_string());
        match std::fs::create_dir(&path) {
            // Another is being submitted.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(SubmissionError::Unwritable { path, source }),
            Ok(()) => return Ok(path),
        }
    }
    Err(unwritable(all)(io::ErrorKind::AlreadyExists.into()))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, SubmissionError> {
    let unreadable = |why: String| SubmissionError::Unreadable { path: path.to_owned(), why };
    let text = regular::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    ron::from_str(&text).map_err(|error| unreadable(error.to_string()))
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), SubmissionError> {
    let pretty = ron::ser::PrettyConfig::new().new_line("\n").depth_limit(3);
    let text = ron::ser::to_string_pretty(value, pretty).map_err(io::Error::other);
    let written = text.and_then(|text| atomic::replace(path, (text + "\n").as_bytes()));
    written.map_err(|source| SubmissionError::Unwritable { path: path.to_owned(), source })
}
