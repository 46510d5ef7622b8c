//! Telling a folder of CIFAR-10's binary version from everything that people point at instead.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{FILES, FOLDER, META};
use crate::data::DataError;

/// The folder that has the files: `dir`, or `cifar-10-batches-bin` within it.
///
/// # Errors
///
/// Where a file of the layout is missing; the error says what is there instead.
pub(super) fn resolve(dir: &Path) -> Result<PathBuf, DataError> {
    let inner = dir.join(FOLDER);
    let folder = if inner.is_dir() { inner } else { dir.to_owned() };
    let names = list(&folder)?;
    let has = |name: &str| names.iter().any(|other| other == name);
    match FILES.into_iter().chain([META]).find(|name| !has(name)) {
        None => Ok(folder),
        Some(missing) => Err(diagnose(folder, missing, &names, has)),
    }
}

/// What stands in a folder where `missing` is not.
fn diagnose(
    path: PathBuf,
    missing: &'static str,
    names: &[String],
    has: impl Fn(&str) -> bool,
) -> DataError {
    let any = |candidates: &[&str]| candidates.iter().any(|name| has(name));
    if names.is_empty() {
        DataError::EmptyFolder { path }
    } else if any(&FILES) {
        DataError::MissingFile { folder: path, file: missing }
    } else if any(&["data_batch_1", "batches.meta", "cifar-10-batches-py"]) {
        DataError::PythonVersion { path }
    } else if any(&["fine_label_names.txt", "train.bin", "cifar-100-binary", "cifar-100-python"]) {
        DataError::Cifar100 { path }
    } else if let Some(archive) = names.iter().find(|name| is_archive(name)) {
        DataError::StillPacked { archive: path.join(archive) }
    } else {
        DataError::NotCifar10 { path }
    }
}

/// The names in a folder.
fn list(folder: &Path) -> Result<Vec<String>, DataError> {
    let names = |entries: fs::ReadDir| {
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    fs::read_dir(folder).and_then(names).map_err(|source| refused(folder.to_owned(), source))
}

fn refused(path: PathBuf, source: io::Error) -> DataError {
    match source.kind() {
        io::ErrorKind::NotFound => DataError::Absent { path },
        io::ErrorKind::NotADirectory if is_archive(&path.to_string_lossy()) => {
            DataError::StillPacked { archive: path }
        }
        io::ErrorKind::NotADirectory => DataError::NotAFolder { path },
        _ => DataError::Unreadable { path, source },
    }
}

fn is_archive(name: &str) -> bool {
    name.ends_with("cifar-10-binary.tar.gz")
}
