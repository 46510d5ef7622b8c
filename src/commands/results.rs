//! The folder of a sweep that commands read: by its path, or by the sweep's name.

use std::path::{Path, PathBuf};

use crate::records::{Folder, Unreadable};
use crate::saved;

/// Why there are no records to tell of.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// No such folder.
    #[error("there is no folder {}{}", path.display(), those(there))]
    NoFolder {
        /// As it was asked for.
        path: PathBuf,
        /// The sweeps beside it.
        there: Vec<String>,
    },
    /// A folder without records.
    #[error(
        "there are no records of runs in {}; name the folder of a sweep that has trained, such as \
         results/quick", .0.display()
    )]
    NoRecords(PathBuf),
    /// A folder all of whose records cannot be read.
    #[error("no record in {} can be read:\n{}", .0.display(), listed(.1))]
    NoneReadable(PathBuf, Vec<Unreadable>),
    /// The folder cannot be listed.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl FolderError {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::NoneReadable(..) | Self::Unreadable(_) => 1,
            Self::NoFolder { .. } | Self::NoRecords(_) => 2,
        }
    }
}

/// Where the sweep is, and its records, of which there is at least one.
pub(super) fn open(asked: &Path) -> Result<(PathBuf, Folder), FolderError> {
    let path = find(asked)?;
    let folder = Folder::open(&path)?;
    match (folder.runs.is_empty(), folder.unreadable.is_empty()) {
        (true, true) => Err(FolderError::NoRecords(path)),
        (true, false) => Err(FolderError::NoneReadable(path, folder.unreadable)),
        _ => Ok((path, folder)),
    }
}

/// The folder of a sweep, by its path or by its name under `results`.
pub(super) fn find(asked: &Path) -> Result<PathBuf, FolderError> {
    let is_bare = asked.components().count() == 1;
    let beside = match asked.parent() {
        Some(parent) if !is_bare => parent,
        _ => Path::new("results"),
    };
    let by_name = saved::folder(Path::new("results"), &asked.to_string_lossy());
    let candidates = [Some(asked.to_path_buf()), is_bare.then_some(by_name)];
    let found = candidates.into_iter().flatten().find(|path| path.is_dir());
    found.ok_or_else(|| FolderError::NoFolder { path: asked.to_path_buf(), there: sweeps(beside) })
}

/// The folders of sweeps in a folder of results, each a path.
fn sweeps(results: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(results).into_iter().flatten().flatten();
    let sweeps = entries.map(|entry| entry.path()).filter(|path| saved::runs(path).is_dir());
    let mut sweeps: Vec<String> = sweeps.map(|path| path.display().to_string()).collect();
    sweeps.sort();
    sweeps
}

fn those(there: &[String]) -> String {
    match there.is_empty() {
        true => "; name the folder of a sweep that has trained, such as results/quick".into(),
        false => format!("; there are {}", there.join(", ")),
    }
}

fn listed(faults: &[Unreadable]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}
