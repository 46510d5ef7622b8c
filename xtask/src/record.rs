//! Tables that a command adds to: read, merged and written as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use resweep::records::{AxisColumns, Row, csv_bytes};
use serde::de::DeserializeOwned;

/// A table that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct RecordError {
    /// The file.
    path: PathBuf,
    /// What is wrong.
    reason: String,
}

impl RecordError {
    fn of(path: &Path, reason: &dyn std::fmt::Display) -> Self {
        Self { path: path.to_path_buf(), reason: reason.to_string() }
    }
}

/// The rows of a file, none where there is no file. A table with other columns is put aside.
///
/// # Errors
/// A file that cannot be read or renamed.
pub fn older<R: Row + DeserializeOwned>(path: &Path) -> Result<Vec<R>, RecordError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RecordError::of(path, &error)),
    };
    if let Some(rows) = read(&text) {
        return Ok(rows);
    }
    let aside = path.with_extension("csv.old");
    eprintln!("{} has other columns; it is kept as {}", path.display(), aside.display());
    fs::rename(path, aside).map_err(|error| RecordError::of(path, &error))?;
    Ok(Vec::new())
}

/// The rows of a table; none where it is another.
pub fn read<R: Row + DeserializeOwned>(text: &str) -> Option<Vec<R>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().ok()?;
    if !header.iter().eq(R::COLUMNS.iter().map(|column| column.name)) {
        return None;
    }
    reader.deserialize().collect::<Result<_, _>>().ok()
}

/// The rows, of which new ones replace those that `same` says are theirs; the others come last.
pub fn merged<R>(mut rows: Vec<R>, new: Vec<R>, same: impl Fn(&R, &R) -> bool) -> Vec<R> {
    for row in new {
        match rows.iter_mut().find(|old| same(old, &row)) {
            Some(old) => *old = row,
            None => rows.push(row),
        }
    }
    rows
}

/// Writes a table.
///
/// # Errors
/// A file that cannot be written.
pub fn write<R: Row>(path: &Path, rows: &[R]) -> Result<(), RecordError> {
    let bytes = csv_bytes(rows, &AxisColumns::default());
    text(path, &bytes.map_err(|error| RecordError::of(path, &error))?)
}

/// Writes a file as a whole or not at all, and its folder where that is not there.
///
/// # Errors
/// A file that cannot be written.
pub fn text(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&partial, bytes))
        .and_then(|()| fs::rename(&partial, path))
        .map_err(|error| RecordError::of(path, &error))
}
