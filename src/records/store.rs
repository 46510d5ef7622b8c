//! The folder of a sweep, `results/<sweep name>/`: a record file for each run that ended, its final
//! weights, and the four tables.
//!
//! The record files are the truth; the tables follow from them and can be written again at any
//! time. Every file is replaced as a whole, so a reader and a crash see the old or the new one.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::atomic;
use super::column::Row;
use super::csv::csv_bytes;
use super::halving::{Decisions, HalvingRow};
use super::layout::AxisColumns;
use super::record::{Record, RunId};
use super::tables::Tables;
use crate::saved;

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
        let store = Self { folder: saved::folder(results, sweep) };
        let runs = store.runs();
        fs::create_dir_all(&runs)
            .map_err(|source| StoreError::Folder { path: runs.clone(), source })?;
        atomic::temporary(&runs).map_err(|source| StoreError::Write { path: runs, source })?;
        Ok(store)
    }

    /// The store in a folder that another process has opened.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
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

    /// Renames the record of a run and its weights to `*.superseded`, where there are any.
    ///
    /// # Errors
    ///
    /// [`StoreError::SetAside`] where they cannot be renamed.
    pub fn supersede(&self, id: &RunId) -> Result<(), StoreError> {
        for path in [self.record_path(id), self.weights_path(id)] {
            match rename(&path, "superseded") {
                Err(StoreError::SetAside { source, .. })
                    if source.kind() == ErrorKind::NotFound => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Keeps the final weights of a run in place of earlier ones: `write` makes the file that it is
    /// given. When it returns, they outlast a crash.
    ///
    /// # Errors
    ///
    /// [`StoreError::Folder`] and [`StoreError::Write`], also with what `write` reports.
    pub fn save_weights(
        &self,
        id: &RunId,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let folder = self.weights();
        fs::create_dir_all(&folder)
            .map_err(|source| StoreError::Folder { path: folder.clone(), source })?;
        let path = self.weights_path(id);
        atomic::replace_by(&path, write).map_err(|source| StoreError::Write { path, source })
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
        let path = folder.join(saved::of_spec(experiment, hash));
        match fs::read_to_string(&path) {
            Ok(old) if old == text => Ok(()),
            _ => replace(&path, text.as_bytes()),
        }
    }

    /// Replaces the tables, each as a whole; one that cannot be written does not keep the others
    /// from it.
    ///
    /// # Errors
    ///
    /// The first [`StoreError::Write`] or [`StoreError::Table`].
    pub fn write_tables(&self, tables: &Tables) -> Result<(), StoreError> {
        let halving = || match &tables.halving {
            Some(rows) => self.write_table(rows, &tables.axes),
            None => self.remove(&self.folder.join(HalvingRow::FILE)),
        };
        let written = [
            halving(),
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

    /// Removes a file, where there is one.
    fn remove(&self, path: &Path) -> Result<(), StoreError> {
        match fs::remove_file(path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(StoreError::Write { path: path.to_owned(), source })
            }
            _ => Ok(()),
        }
    }

    /// Makes the folder of states.
    ///
    /// # Errors
    ///
    /// [`StoreError::Folder`].
    pub fn prepare_states(&self) -> Result<(), StoreError> {
        let path = self.states();
        fs::create_dir_all(&path).map_err(|source| StoreError::Folder { path, source })
    }

    /// The file for the state of a run that waits.
    pub fn state_path(&self, id: &RunId) -> PathBuf {
        self.states().join(run_file(id, "safetensors"))
    }

    /// Keeps what was decided at the rungs.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub fn save_decisions(&self, decisions: &Decisions) -> Result<(), StoreError> {
        let unwritable = |source| StoreError::Write { path: self.folder.clone(), source };
        decisions.save(&self.folder).map_err(unwritable)
    }

    /// Removes the state of a run, where there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub fn remove_state(&self, id: &RunId) -> Result<(), StoreError> {
        self.remove(&self.state_path(id))
    }

    /// Removes the folder of states if it is empty; not while a run may yet leave one there.
    pub fn tidy_states(&self) {
        let _ = fs::remove_dir(self.states());
    }

    fn states(&self) -> PathBuf {
        self.folder.join("states")
    }

    /// The file of a run's record; distinct runs have distinct files.
    fn record_path(&self, id: &RunId) -> PathBuf {
        self.runs().join(run_file(id, "ron"))
    }

    /// The file of a run's final weights; distinct runs have distinct files.
    fn weights_path(&self, id: &RunId) -> PathBuf {
        self.weights().join(run_file(id, "safetensors"))
    }

    /// The folder of final weights.
    pub fn weights(&self) -> PathBuf {
        self.folder.join("weights")
    }

    fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }
}

/// The name of a file of a run.
fn run_file(id: &RunId, extension: &str) -> String {
    saved::of_run(&id.experiment, id.seed, &id.spec_hash, extension)
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
    atomic::replace(path, bytes)
        .map_err(|source| StoreError::Write { path: path.to_owned(), source })
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
