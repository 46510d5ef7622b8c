//! Tables that someone has changed since they were written: they are kept under another name.
//!
//! A file in the folder, `.tables.sha256`, has the hashes of the tables as they were last written, in
//! the format of `sha256sum`. A table with another hash is not resweep's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use sha2::{Digest, Sha256};

use super::atomic;
use crate::regular;
use crate::saved::hex;

/// The tables in a folder, as they were written. What they are is read anew each time, as another
/// process may share the sweep.
#[derive(Debug)]
pub(super) struct Written {
    folder: PathBuf,
    moved: Mutex<Vec<(PathBuf, PathBuf)>>,
}

/// Hashes by the name of the table: the last, and before it is sure to be there the one before too.
type Hashes = BTreeMap<String, Vec<String>>;

const FILE: &str = ".tables.sha256";

impl Written {
    /// Those of a folder.
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), moved: Mutex::default() }
    }

    /// Replaces a table as a whole. One that is not as it was written last is renamed first.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (path, mut hashes) = (self.folder.join(name), self.hashes());
        let known = hashes.entry(name.to_owned()).or_default();
        let there = regular::read(&path).ok();
        let (old, new) = (there.as_deref().map(hash), hash(bytes));
        match &old {
            Some(old) if *old == new && known.contains(old) => return Ok(()),
            Some(old) if *old != new && !known.contains(old) => {
                let aside = free_name(&path);
                fs::rename(&path, &aside)?;
                self.moved().push((path.clone(), aside));
            }
            _ => {}
        }
        // Both are ours until the new one is sure to be there.
        *known = old.into_iter().chain([new.clone()]).collect();
        self.note(&hashes)?;
        atomic::replace(&path, bytes)?;
        hashes.insert(name.to_owned(), vec![new]);
        self.note(&hashes)
    }

    /// The tables that were renamed since this was last asked: from what to what.
    pub(super) fn take_moved(&self) -> Vec<(PathBuf, PathBuf)> {
        std::mem::take(&mut *self.moved())
    }

    fn moved(&self) -> MutexGuard<'_, Vec<(PathBuf, PathBuf)>> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hashes(&self) -> Hashes {
        let text = regular::read_to_string(self.folder.join(FILE)).unwrap_or_default();
        let mut hashes = Hashes::new();
        for (hash, name) in text.lines().filter_map(|line| line.split_once("  ")) {
            hashes.entry(name.to_owned()).or_default().push(hash.to_owned());
        }
        hashes
    }

    fn note(&self, hashes: &Hashes) -> io::Result<()> {
        let lines = hashes
            .iter()
            .flat_map(|(name, hashes)| hashes.iter().map(move |hash| format!("{hash}  {name}\n")));
        atomic::replace_soon(&self.folder.join(FILE), lines.collect::<String>().as_bytes())
    }
}

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// `runs.edited.csv`, or `runs.edited-2.csv` where there is one.
fn free_name(path: &Path) -> PathBuf {
    let named = |number: u32| match number {
        1 => path.with_extension("edited.csv"),
        number => path.with_extension(format!("edited-{number}.csv")),
    };
    (1..).map(named).find(|name| !name.exists()).unwrap_or_else(|| named(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_someone_has_changed_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let read = |name: &str| fs::read_to_string(path(name)).unwrap();
        let written = Written::of(folder.path());
        written.replace("runs.csv", b"1").unwrap();
        written.replace("runs.csv", b"2").unwrap();
        assert!(written.take_moved().is_empty());

        fs::write(path("runs.csv"), "a note").unwrap();
        // Another process goes on.
        let written = Written::of(folder.path());
        written.replace("runs.csv", b"3").unwrap();
        assert_eq!((read("runs.csv"), read("runs.edited.csv")), ("3".into(), "a note".into()));
        assert_eq!(written.take_moved(), [(path("runs.csv"), path("runs.edited.csv"))]);
        fs::write(path("runs.csv"), "another").unwrap();
        written.replace("runs.csv", b"3").unwrap();
        assert_eq!((read("runs.csv"), read("runs.edited-2.csv")), ("3".into(), "another".into()));
    }

    #[test]
    fn a_table_that_was_written_when_the_process_died_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let written = Written::of(folder.path());
        let both = Hashes::from([("runs.csv".into(), vec![hash(b"1"), hash(b"2")])]);
        for there in ["1", "2"] {
            fs::write(folder.path().join("runs.csv"), there).unwrap();
            written.note(&both).unwrap();
            written.replace("runs.csv", b"3").unwrap();
            assert!(written.take_moved().is_empty(), "{there}");
        }
    }

    #[test]
    fn what_another_process_has_written_is_no_change_by_a_person() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Written::of(folder.path()), Written::of(folder.path()));
        for (written, bytes) in [(&one, b"1"), (&other, b"2"), (&one, b"3"), (&one, b"3")] {
            written.replace("runs.csv", bytes).unwrap();
            assert!(written.take_moved().is_empty());
        }
        assert_eq!(fs::read(folder.path().join("runs.csv")).unwrap(), b"3");
    }

    #[test]
    fn a_table_of_unknown_origin_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("runs.csv"), "old").unwrap();
        Written::of(folder.path()).replace("runs.csv", b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("runs.edited.csv")).unwrap(), b"old");
    }
}
