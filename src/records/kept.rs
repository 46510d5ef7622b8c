//! One run as its folder has it, to be trained again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::record::{Environment, Record};
use super::store::read;
use crate::regular;
use crate::saved::RunFile;

/// What the folder of a run holds of it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRun {
    /// The folder.
    pub folder: PathBuf,
    /// Its sweep with this run alone, RON.
    pub spec: String,
    /// What it trained with and on.
    pub environment: Environment,
    /// Its rows; none of a run that is under way.
    pub record: Option<Record>,
}

/// Why a folder is not that of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// There is no such folder.
    #[error(
        "there is no folder {}; name that of a run, such as results/quick/runs/resnet18-thin-seed0-...",
        .0.display()
    )]
    NoFolder(PathBuf),
    /// It is another folder.
    #[error("{} is not the folder of a run: it has no {}{}", path.display(), missing, runs(inside))]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// The file that every run has.
        missing: &'static str,
        /// Folders of runs below it.
        inside: Vec<PathBuf>,
    },
    /// A file of it cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Some folders of runs, where a person named the folder of the sweep.
fn runs(inside: &[PathBuf]) -> String {
    let Some(first) = inside.first() else { return String::new() };
    let (runs, first) = (inside.len(), first.display());
    format!("; name the folder of one of its runs ({runs}), such as {first}")
}

impl KeptRun {
    /// Reads the folder of a run, or the folder that a file of it is in.
    ///
    /// # Errors
    /// [`NotKept`].
    pub fn open(path: &Path) -> Result<Self, NotKept> {
        let folder = match path.is_file() {
            true => path.parent().unwrap_or(Path::new(".")),
            false => path,
        };
        if !folder.is_dir() {
            return Err(NotKept::NoFolder(path.to_owned()));
        }
        let spec = text(folder, RunFile::Spec)?;
        let environment = text(folder, RunFile::Environment)?;
        let unreadable = |file: RunFile, why: String| {
            let path = folder.join(file.name());
            NotKept::Unreadable { path, why }
        };
        let environment = ron::from_str(&environment)
            .map_err(|error| unreadable(RunFile::Environment, error.to_string()))?;
        let record = match read(&folder.join(RunFile::Record.name())) {
            Ok(record) => Some(record),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(RunFile::Record, error.to_string())),
        };
        Ok(Self { folder: folder.to_owned(), spec, environment, record })
    }

    /// A file of it.
    pub fn file(&self, file: RunFile) -> PathBuf {
        self.folder.join(file.name())
    }

    /// The folder of results that its sweep is in, `<results>/<sweep>/runs/<run>`, where teachers of
    /// other sweeps are.
    pub fn results(&self) -> PathBuf {
        let folder = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        folder.ancestors().nth(3).unwrap_or(Path::new("results")).to_owned()
    }
}

fn text(folder: &Path, file: RunFile) -> Result<String, NotKept> {
    let path = folder.join(file.name());
    regular::read_to_string(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            NotKept::NoRun { path: folder.to_owned(), missing: file.name(), inside: below(folder) }
        }
        _ => NotKept::Unreadable { path, why: error.to_string() },
    })
}

/// Folders of runs in `folder` or in its `runs`, sorted.
fn below(folder: &Path) -> Vec<PathBuf> {
    let within = [folder.to_owned(), crate::saved::runs(folder)];
    let entries = within.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.join(RunFile::Spec.name()).is_file());
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_no_run_is_told_with_the_runs_that_are_near() {
        let sweep = tempfile::tempdir().unwrap();
        let told = |path: &Path| KeptRun::open(path).unwrap_err().to_string();
        assert!(told(&sweep.path().join("none")).contains("there is no folder"));
        assert!(told(sweep.path()).ends_with("it has no spec.ron"));
        let run = sweep.path().join("runs/a-seed0-0");
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("spec.ron"), "Sweep()").unwrap();
        assert!(told(sweep.path()).contains("one of its runs (1), such as"));
        assert!(told(&run).contains("it has no environment.ron"));
        fs::write(run.join("environment.ron"), "(").unwrap();
        assert!(told(&run).contains("environment.ron: "));
        let environment = ron::to_string(&Environment::default()).unwrap();
        fs::write(run.join("environment.ron"), environment).unwrap();
        let kept = KeptRun::open(&run.join("spec.ron")).unwrap();
        assert_eq!((kept.record, kept.folder), (None, run.clone()));
        fs::write(run.join("record.ron"), "(").unwrap();
        assert!(told(&run).contains("record.ron: "));
    }
}
