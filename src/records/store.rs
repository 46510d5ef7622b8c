//! The folder of a sweep, `results/<sweep name>/`: a folder for each run, and the tables.
//!
//! The records of the runs are the truth; the tables follow from them and can be written again at any
//! time. Every file is replaced as a whole, so a reader and a crash see the old or the new one.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;
use serde::Serialize;

use super::atomic;
use super::claim::Claim;
use super::column::Row;
use super::csv::csv_bytes;
use super::edited::Written;
use super::halving::{Decisions, HalvingRow};
use super::inside;
use super::layout::AxisColumns;
use super::lock::{Access, Lock};
use super::record::{Clock, Environment, Record, RunId};
use super::rows::EpochRow;
use super::seeds::SeedsRow;
use super::tables::Tables;
use crate::regular;
use crate::saved::{self, RunFile, RunFolder};

/// The folder of one sweep, which no other process may open for itself meanwhile.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// The folder of results that it is in, without links.
    root: PathBuf,
    access: Access,
    /// Held as long as the store is there; none where the file system has no locks.
    lock: Option<Lock>,
    written: Written,
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
    /// A folder or a file is a link to another place.
    #[error(
        "{} is a link that leads to {}, and nothing is written outside of the results; remove the link, \
         or put what it leads to in its place", path.display(), to.display()
    )]
    Link {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// A file could not be written; what was there before is still there.
    #[error("cannot write {}: {source}{}", path.display(), mend(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Another process has the folder.
    #[error(
        "{} is in use by {holder}; wait until it has ended, name another folder with --results, or \
         let both share the runs by starting both with --share",
        path.display()
    )]
    Held {
        /// The folder.
        path: PathBuf,
        /// Who has it.
        holder: String,
    },
    /// A folder that is to be shared, on a file system without locks.
    #[error(
        "{} cannot be shared: its file system has no locks; leave --share out, or name a folder \
         elsewhere with --results",
        path.display()
    )]
    NoLocks {
        /// The folder.
        path: PathBuf,
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
    /// [`StoreError::Folder`] and [`StoreError::Write`] where the folder cannot be made or written;
    /// [`StoreError::Link`] where it leads out of the results;
    /// [`StoreError::Held`] where another process has it, and [`StoreError::NoLocks`] where it is to
    /// be shared and cannot be.
    pub fn open(results: &Path, sweep: &str, access: Access) -> Result<Self, StoreError> {
        let folder = saved::folder(results, sweep);
        let runs = saved::runs(&folder);
        make(results)?;
        let root = results.canonicalize();
        let root = root.map_err(|source| StoreError::Folder { path: results.into(), source })?;
        make_inside(&root, &folder)?;
        make_inside(&root, &runs)?;
        no_link(&folder.join(LOCK))?;
        no_link(&folder.join(TABLES_LOCK))?;
        atomic::temporary(&runs).map_err(|source| StoreError::Write { path: runs, source })?;
        let lock = Lock::take(&folder.join(LOCK), access)
            .map_err(|holder| StoreError::Held { path: folder.clone(), holder })?;
        if access == Access::Shared && lock.is_none() {
            return Err(StoreError::NoLocks { path: folder });
        }
        if access == Access::Alone {
            atomic::tidy(&folder);
        }
        let written = Written::of(&folder);
        Ok(Self { folder, root, access, lock, written })
    }

    /// The folder of the sweep.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether others may train runs of it.
    pub fn access(&self) -> Access {
        self.access
    }

    /// The folder of a run.
    pub fn run(&self, id: &RunId) -> RunFolder {
        RunFolder::of(&self.folder, &id.experiment, id.seed, &id.spec_hash)
    }

    /// Whether another process may have a run.
    pub fn is_shared(&self) -> bool {
        self.access != Access::Alone || self.lock.is_none()
    }

    /// Claims a run, so that no other process trains it; none where another does. `lost` is set where
    /// another takes it over, which believes that this one is gone.
    ///
    /// # Errors
    ///
    /// [`StoreError::Folder`] where the folder of the run cannot be made, [`StoreError::Link`] where it
    /// leads out of the results, and [`StoreError::Write`].
    pub fn claim(&self, id: &RunId, lost: Arc<AtomicBool>) -> Result<Option<Claim>, StoreError> {
        let run = self.run(id);
        make_inside(&self.root, run.path())?;
        Claim::take(&run, lost).map_err(|source| StoreError::Write { path: run.claim(1), source })
    }

    /// Looks for the record of a run. A file that cannot be read, or holds another run, is renamed
    /// to `*.corrupt`.
    ///
    /// # Errors
    ///
    /// [`StoreError::SetAside`] where such a file cannot be renamed.
    pub fn find(&self, id: &RunId) -> Result<Found, StoreError> {
        let path = self.run(id).file(RunFile::Record);
        let why = match read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => error.to_string(),
            Ok(record) if record.id() == *id => return Ok(Found::Record(Box::new(record))),
            Ok(_) => "it is the record of another run".to_owned(),
        };
        let aside = rename(&path, "corrupt")?;
        Ok(Found::SetAside { path, aside, why })
    }

    /// The same of many runs, in their order.
    pub fn find_all(&self, ids: &[&RunId]) -> Vec<Result<Found, StoreError>> {
        ids.par_iter().map(|id| self.find(id)).collect()
    }

    /// Renames the folder of a run to `*.superseded`, where there is one; an earlier one of that name
    /// goes.
    ///
    /// # Errors
    ///
    /// [`StoreError::SetAside`] where it cannot be renamed.
    pub fn supersede(&self, id: &RunId) -> Result<(), StoreError> {
        let run = self.run(id);
        if !run.path().exists() {
            return Ok(());
        }
        let aside = aside(run.path(), "superseded");
        let replaced = match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => fs::rename(run.path(), &aside),
        };
        replaced.map_err(|source| StoreError::SetAside { path: run.path().to_owned(), source })
    }

    /// Makes the folder of a run that begins or goes on, with what it trains and on what.
    ///
    /// # Errors
    ///
    /// [`StoreError::Folder`], [`StoreError::Link`], [`StoreError::Write`] and [`StoreError::Record`].
    pub fn begin(&self, id: &RunId, spec: &str, on: &Environment) -> Result<(), StoreError> {
        let run = self.run(id);
        make_inside(&self.root, run.path())?;
        atomic::tidy(run.path());
        replace(&run.file(RunFile::Spec), spec.as_bytes())?;
        write_ron(&run.file(RunFile::Environment), on)
    }

    /// Adds a line to the log of a run. What cannot be written there is lost, and nothing else.
    pub fn log(&self, id: &RunId, line: &str) {
        let path = self.run(id).file(RunFile::Log);
        let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now());
        let mut options = fs::File::options();
        if let Ok(mut file) = inside::without_links(options.append(true).create(true)).open(path) {
            let _ = writeln!(file, "{now} {line}");
        }
    }

    /// Writes the epochs of a run that goes on. They are a convenience: those that count are in its
    /// record, and before it has one in its checkpoint.
    pub fn save_epochs(&self, id: &RunId, epochs: &[EpochRow]) {
        if let Ok(bytes) = csv_bytes(epochs, &AxisColumns::default()) {
            let _ = atomic::replace_soon(&self.run(id).file(RunFile::Epochs), &bytes);
        }
    }

    /// Keeps how long a run has trained, for when it goes on. What cannot be written is lost, and
    /// nothing else.
    pub fn save_clock(&self, id: &RunId, clock: &Clock) {
        if let Ok(text) = ron::to_string(clock) {
            let _ = atomic::replace_soon(&self.run(id).file(RunFile::Clock), text.as_bytes());
        }
    }

    /// How long a run had trained that goes on from a checkpoint, where it is known.
    pub fn clock(&self, id: &RunId) -> Option<Clock> {
        ron::from_str(&regular::read_to_string(self.run(id).file(RunFile::Clock)).ok()?).ok()
    }

    /// Keeps the record of a run that ended, in place of an earlier one. When it returns, the
    /// record outlasts a crash.
    ///
    /// # Errors
    ///
    /// [`StoreError::Folder`], [`StoreError::Link`], [`StoreError::Record`] and [`StoreError::Write`].
    pub fn save(&self, record: &Record) -> Result<(), StoreError> {
        let id = record.id();
        let run = self.run(&id);
        make_inside(&self.root, run.path())?;
        self.save_epochs(&id, &record.epochs);
        write_ron(&run.file(RunFile::Record), record)
    }

    /// The record of a run, where there is one that can be read; nothing is set aside.
    pub fn peek(&self, id: &RunId) -> Option<Record> {
        peek(&self.folder, id)
    }

    /// A file of the sweep's folder beside records and tables; none where it cannot be read.
    pub fn note(&self, name: &str) -> Option<String> {
        regular::read_to_string(self.folder.join(name)).ok()
    }

    /// Keeps such a file.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub fn save_note(&self, name: &str, text: &str) -> Result<(), StoreError> {
        replace(&self.folder.join(name), text.as_bytes())
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
        let seeds = || match &tables.seeds {
            Some(rows) => self.write_table(rows, &tables.axes),
            None => self.remove(&self.folder.join(SeedsRow::FILE)),
        };
        let written = [
            halving(),
            seeds(),
            self.write_table(&tables.accuracy, &tables.axes),
            self.write_table(&tables.timing, &tables.axes),
            self.write_table(&tables.runs, &tables.axes),
            self.write_table(&tables.epochs, &tables.axes),
        ];
        written.into_iter().collect()
    }

    /// The tables that someone had changed, and the names by which they were kept when they were
    /// written anew.
    pub fn take_edited(&self) -> Vec<(PathBuf, PathBuf)> {
        self.written.take_moved()
    }

    fn write_table<R: Row>(&self, rows: &[R], axes: &AxisColumns) -> Result<(), StoreError> {
        let path = self.folder.join(R::FILE);
        match csv_bytes(rows, axes) {
            Ok(bytes) => (self.written.replace(R::FILE, &bytes))
                .map_err(|source| StoreError::Write { path, source }),
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

    /// Keeps what was decided at the rungs.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub fn save_decisions(&self, decisions: &Decisions) -> Result<(), StoreError> {
        let unwritable = |source| StoreError::Write { path: self.folder.clone(), source };
        decisions.save(&self.folder).map_err(unwritable)
    }

    /// Removes the checkpoints of a run and its clock, where there are some.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub fn remove_checkpoints(&self, id: &RunId) -> Result<(), StoreError> {
        let run = self.run(id);
        self.remove(&run.file(RunFile::Clock))?;
        self.remove(&run.file(RunFile::EarlierCheckpoint))?;
        self.remove(&run.file(RunFile::Checkpoint))
    }

    /// Holds the tables for this process where several share the sweep, until what is returned is
    /// dropped.
    pub fn hold_tables(&self) -> Option<Lock> {
        match self.access {
            Access::Alone => None,
            Access::Shared | Access::Part => Lock::wait(&self.folder.join(TABLES_LOCK)).ok(),
        }
    }
}

/// The record of a run in the folder of its sweep, where there is one that can be read.
pub fn peek(sweep: &Path, id: &RunId) -> Option<Record> {
    let run = RunFolder::of(sweep, &id.experiment, id.seed, &id.spec_hash);
    read(&run.file(RunFile::Record)).ok().filter(|record| record.id() == *id)
}

/// Held by who uses the folder.
const LOCK: &str = ".lock";
/// Held by who writes the tables of a sweep that several processes share.
const TABLES_LOCK: &str = ".tables-lock";

fn make(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder)
        .map_err(|source| StoreError::Folder { path: folder.to_owned(), source })
}

/// Makes a folder that is no link out of the results.
fn make_inside(root: &Path, folder: &Path) -> Result<(), StoreError> {
    match inside::leads_out(root, folder) {
        Some(to) => Err(StoreError::Link { path: folder.to_owned(), to }),
        None => make(folder),
    }
}

fn no_link(file: &Path) -> Result<(), StoreError> {
    match inside::is_link(file) {
        Some(to) => Err(StoreError::Link { path: file.to_owned(), to }),
        None => Ok(()),
    }
}

fn write_ron<T: Serialize>(path: &Path, value: &T) -> Result<(), StoreError> {
    let pretty = ron::ser::PrettyConfig::new().new_line("\n");
    let text = ron::ser::to_string_pretty(value, pretty)
        .map_err(|source| StoreError::Record { path: path.to_owned(), source })?;
    replace(path, format!("{text}\n").as_bytes())
}

/// A record from its file.
pub(super) fn read(path: &Path) -> io::Result<Record> {
    let text = regular::read_to_string(path)?;
    ron::from_str(&text).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Renames `path` to `path.<suffix>`, over an earlier one.
fn rename(path: &Path, suffix: &str) -> Result<PathBuf, StoreError> {
    let aside = aside(path, suffix);
    match fs::rename(path, &aside) {
        Ok(()) => Ok(aside),
        Err(source) => Err(StoreError::SetAside { path: path.to_owned(), source }),
    }
}

/// `path.<suffix>`.
fn aside(path: &Path, suffix: &str) -> PathBuf {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".");
    aside.push(suffix);
    PathBuf::from(aside)
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
