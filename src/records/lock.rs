//! Files that say who uses a folder.
//!
//! The kernel holds the lock, so it goes with the process that has it, however that ends. What is in
//! the file tells a person who it is. On network file systems it holds among machines where they pass
//! locks on, as NFS 4 does.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, Write};
use std::path::Path;
use std::time::SystemTime;

use super::inside::without_links;
use crate::regular;

/// No more is told of who has a lock, characters.
const MOST_SHOWN: usize = 300;

/// Whether others may use a folder at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// No other may.
    #[default]
    Alone,
    /// Those may who say the same, or `Part`.
    Shared,
    /// As `Shared`, by one that leaves the tables to whoever collects them.
    Part,
}

/// A lock, which is given up when it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes a lock; none on a file system without locks, or where the file cannot be made.
    ///
    /// # Errors
    ///
    /// Who has it, where another does.
    pub fn take(path: &Path, access: Access) -> Result<Option<Self>, String> {
        let Ok(file) = open(path) else { return Ok(None) };
        let locked = match access {
            Access::Alone => file.try_lock(),
            Access::Shared | Access::Part => file.try_lock_shared(),
        };
        match locked {
            Ok(()) => {
                // What it says is for people alone.
                let _ = sign(&file);
                Ok(Some(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Err(holder(path)),
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }

    /// Takes a lock, waiting for whoever has it.
    ///
    /// # Errors
    ///
    /// What the file system reports.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        file.lock()?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    without_links(options.read(true).write(true).create(true).truncate(false)).open(path)
}

/// Writes who has the lock into its file: `process 123 on host since 2026-01-01T00:00:00Z: ...`.
fn sign(mut file: &File) -> io::Result<()> {
    let since = humantime::format_rfc3339_seconds(SystemTime::now());
    file.set_len(0)?;
    file.rewind()?;
    let (process, host, command) = (std::process::id(), host(), command_line());
    write!(file, "process {process} on {host} since {since}: {command}")
}

/// The name of this machine.
pub(super) fn host() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    host.trim().to_owned()
}

/// The arguments of this process.
pub(super) fn command_line() -> String {
    std::env::args().skip(1).collect::<Vec<_>>().join(" ")
}

fn holder(path: &Path) -> String {
    let text = regular::read_to_string(path).unwrap_or_default();
    let text = regular::shown(&text.chars().take(MOST_SHOWN).collect::<String>());
    if text.is_empty() { "another process".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_has_it_and_the_other_is_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mine = Lock::take(&path, Access::Alone).unwrap();
        assert!(mine.is_some());
        for access in [Access::Alone, Access::Shared] {
            let who = Lock::take(&path, access).unwrap_err();
            assert!(who.starts_with(&format!("process {} on ", std::process::id())), "{who}");
        }
        drop(mine);
        let shared = Lock::take(&path, Access::Shared).unwrap();
        assert!(Lock::take(&path, Access::Shared).unwrap().is_some());
        assert!(Lock::take(&path, Access::Alone).is_err());
        drop(shared);
        assert!(Lock::take(&path, Access::Alone).unwrap().is_some());
    }

    #[test]
    fn a_folder_without_locks_is_used_without() {
        let nowhere = Path::new("/proc/no/such/folder/lock");
        assert!(Lock::take(nowhere, Access::Alone).unwrap().is_none());
    }
}
