//! The folder of a sweep, `results/<sweep name>/`: a record file for each run that ended, and the
//! four tables.
//!
//! The record files are the truth; the tables follow from them and can be written again at any
//! time. Every file is replaced as a whole, so a reader and a crash see the old or the new one.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::column::Row;
use super::csv::csv_bytes;
use super::layout::AxisColumns;
use super::record::{Record, RunId};
use super::tables::Tables;

/// Leading characters of the spec hash in the name of a record file.
const HASH_IN_NAME: usize = 12;

/// The folder of one sweep.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// What the store holds of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Its record.
    Record(Box<Record>),
    /// Nothing.
    Nothing,
    /// A file under the name of its record that could not be used and was set aside.
    SetAside {
        /// The name it had.
        path: PathBuf,
        /// The name it has now.
        aside: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// What can go wrong on the disk. Every variant names the path.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A folder could not be created.
    #[error("cannot create the folder {}: {source}{}", path.display(), mend(source))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file could not be written; what was there before is still there.
    #[error("cannot write {}: {source}{}", path.display(), mend(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A record file that cannot be used, or is to be replaced, could not be renamed.
    #[error("cannot set {} aside: {source}{}", path.display(), mend(source))]
    SetAside {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A table could not be encoded as CSV.
    #[error("cannot encode {}: {source}", path.display())]
    Table {
        /// The table's file.
        path: PathBuf,
        /// The reason.
        source: csv::Error,
    },
    /// A record could not be encoded as RON.
    #[error("cannot encode {}: {source}", path.display())]
    Record {
        /// The record's file.
        path: PathBuf,
        /// The reason.
        source: ron::Error,
    },
}

impl Store {
    /// The store of a sweep, `<results>/<sweep name>/`; creates its folders and makes sure that a
    /// record could be written there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Folder`] and [`StoreError::Write`] where the folder cannot be made or written.
    pub fn open(results: &Path, sweep: &str) -> Result<Self, StoreError> {
        let store = Self { folder: results.join(file_name(sweep)) };
        let runs = store.runs();
        fs::create_dir_all(&runs)
            .map_err(|source| StoreError::Folder { path: runs.clone(), source })?;
        temporary(&runs).map_err(|source| StoreError::Write { path: runs, source })?;
        Ok(store)
    }

    /// The folder of the sweep.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Looks for the record of a run. A file that cannot be read, or holds another run, is renamed
    /// to `*.corrupt`.
    ///
    /// # Errors
    ///
    /// [`StoreError::SetAside`] where such a file cannot be renamed.
    pub fn find(&self, id: &RunId) -> Result<Found, StoreError> {
        let path = self.record_path(id);
        let why = match read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => error.to_string(),
            Ok(record) if record.id() == *id => return Ok(Found::Record(Box::new(record))),
            Ok(_) => "it is the record of another run".to_owned(),
        };
        let aside = rename(&path, "corrupt")?;
        Ok(Found::SetAside { path, aside, why })
    }

    /// Renames the record of a run to `*.superseded`, where there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError::SetAside`] where it cannot be renamed.
    pub fn supersede(&self, id: &RunId) -> Result<(), StoreError> {
        match rename(&self.record_path(id), "superseded") {
            Err(StoreError::SetAside { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// Keeps the record of a run that ended, in place of an earlier one. When it returns, the
    /// record outlasts a crash.
    ///
    /// # Errors
    ///
    /// [`StoreError::Record`] and [`StoreError::Write`].
    pub fn save(&self, record: &Record) -> Result<(), StoreError> {
        let path = self.record_path(&record.id());
        let pretty = ron::ser::PrettyConfig::new().new_line("\n");
        let text = ron::ser::to_string_pretty(record, pretty)
            .map_err(|source| StoreError::Record { path: path.clone(), source })?;
        replace(&path, format!("{text}\n").as_bytes())
    }

    /// The record of a run, where there is one that can be read; nothing is set aside.
    pub fn peek(&self, id: &RunId) -> Option<Record> {
        read(&self.record_path(id)).ok().filter(|record| record.id() == *id)
    }

    /// A file of the sweep's folder beside records and tables; none where it cannot be read.
    pub fn note(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(name)).ok()
    }

    /// Keeps such a file.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub fn save_note(&self, name: &str, text: &str) -> Result<(), StoreError> {
        replace(&self.folder.join(name), text.as_bytes())
    }

    /// Keeps the resolved spec of an experiment, in `specs/`: RON that runs again as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Folder`] and [`StoreError::Write`].
    pub fn save_spec(&self, experiment: &str, hash: &str, text: &str) -> Result<(), StoreError> {
        let folder = self.folder.join("specs");
        fs::create_dir_all(&folder)
            .map_err(|source| StoreError::Folder { path: folder.clone(), source })?;
        let hash: String = hash.chars().take(HASH_IN_NAME).collect();
        let path = folder.join(file_name(&format!("{experiment}-{hash}.ron")));
        match fs::read_to_string(&path) {
            Ok(old) if old == text => Ok(()),
            _ => replace(&path, text.as_bytes()),
        }
    }

    /// Replaces the four tables, each as a whole; one that cannot be written does not keep the
    /// others from it.
    ///
    /// # Errors
    ///
    /// The first [`StoreError::Write`] or [`StoreError::Table`].
    pub fn write_tables(&self, tables: &Tables) -> Result<(), StoreError> {
        let written = [
            self.write_table(&tables.accuracy, &tables.axes),
            self.write_table(&tables.timing, &tables.axes),
            self.write_table(&tables.runs, &tables.axes),
            self.write_table(&tables.epochs, &tables.axes),
        ];
        written.into_iter().collect()
    }

    fn write_table<R: Row>(&self, rows: &[R], axes: &AxisColumns) -> Result<(), StoreError> {
        let path = self.folder.join(R::FILE);
        match csv_bytes(rows, axes) {
            Ok(bytes) => replace(&path, &bytes),
            Err(source) => Err(StoreError::Table { path, source }),
        }
    }

    /// The file of a run's record; distinct runs have distinct files.
    fn record_path(&self, id: &RunId) -> PathBuf {
        let hash: String = id.spec_hash.chars().take(HASH_IN_NAME).collect();
        let name = format!("{}-seed{}-{}.ron", id.experiment, id.seed, hash);
        self.runs().join(file_name(&name))
    }

    fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }
}

/// A name as one file name that stays in its folder: what is not a letter, a digit, one of `_-+=,`
/// or an inner `.` becomes `%` and its bytes in hexadecimal. Distinct names stay distinct.
fn file_name(name: &str) -> String {
    let mut escaped = String::new();
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'.' if index > 0 => escaped.push('.'),
            b'_' | b'-' | b'+' | b'=' | b',' => escaped.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

fn read(path: &Path) -> io::Result<Record> {
    let text = fs::read_to_string(path)?;
    ron::from_str(&text).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Renames `path` to `path.<suffix>`, over an earlier one.
fn rename(path: &Path, suffix: &str) -> Result<PathBuf, StoreError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".");
    aside.push(suffix);
    let aside = PathBuf::from(aside);
    match fs::rename(path, &aside) {
        Ok(()) => Ok(aside),
        Err(source) => Err(StoreError::SetAside { path: path.to_owned(), source }),
    }
}

/// Replaces a file as a whole, so that the new content outlasts a crash.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let write = |folder: &Path| -> io::Result<()> {
        let mut file = temporary(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_folder(folder)
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    write(folder).map_err(|source| StoreError::Write { path: path.to_owned(), source })
}

/// A nameless-to-be file in `folder`, as readable as any file that the user creates.
fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Makes a rename in `folder` outlast a crash. Elsewhere than on Unix a folder cannot be opened.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// What to do about an error, where that can be said.
fn mend(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space and start the same command again: finished runs are kept"
        }
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::AlreadyExists => "; name a folder that can be written with --results",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leaves_its_folder() {
        assert_eq!(file_name("resnet18-w0.5_b"), "resnet18-w0.5_b");
        assert_eq!(file_name("resnet18,width=4"), "resnet18,width=4");
        assert_eq!(file_name("../a/b"), "%2E.%2Fa%2Fb");
        assert_eq!(file_name(".."), "%2E.");
        assert_eq!(file_name("ä %"), "%C3%A4%20%25");
    }
}
