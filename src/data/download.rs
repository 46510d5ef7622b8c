//! Fetching an archive: downloaded with resumption, checked by length and SHA-256, unpacked aside
//! and renamed into place, so that what is in the cache is always complete.

mod progress;
mod transfer;
mod unpack;

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{DataError, cifar10};

/// Fetches an archive and unpacks it to the folder `cache`, which is made where it is missing.
/// Returns the unpacked folder. Progress goes to stderr.
///
/// What comes is kept in `<file>.part` until it is complete; a transfer that breaks off is taken up
/// again there, within this call as long as it brings more and by the next call after that. An
/// archive that lies complete in `cache` under its own name is used without asking the server.
///
/// # Errors
///
/// Where the server cannot be reached, answers with something else, or breaks off; where the
/// archive is corrupt (it is removed then) or holds entries that must not be unpacked; where the
/// disk refuses.
pub fn fetch(archive: &Archive, cache: &Path) -> Result<PathBuf, DataError> {
    fetch_within(archive, cache, &Patience::default())
}

/// As [`fetch`], with other limits to how long a server may take.
///
/// # Errors
///
/// As [`fetch`].
pub fn fetch_within(
    archive: &Archive,
    cache: &Path,
    patience: &Patience,
) -> Result<PathBuf, DataError> {
    fs::create_dir_all(cache).map_err(writing(cache))?;
    let packed = cache.join(archive.file_name());
    if !packed.is_file() {
        let part = cache.join(format!("{}.part", archive.file_name()));
        transfer::complete(archive, &part, patience)?;
        verify(archive, &part)?;
        fs::rename(&part, &packed).map_err(writing(&packed))?;
    } else {
        verify(archive, &packed)?;
    }
    let folder = unpack::unpack(&packed, &archive.folder, cache)?;
    fs::remove_file(&packed).map_err(writing(&packed))?;
    Ok(folder)
}

/// How long is waited for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For it to accept a connection, or to begin its answer.
    pub answer: Duration,
    /// For the next byte, until a transfer counts as stalled; also the span within which
    /// [`Patience::SLOWEST`] bytes have to come.
    pub stall: Duration,
    /// Before a transfer that broke off is taken up again.
    pub pause: Duration,
}

impl Patience {
    /// A transfer that brings fewer bytes within [`Patience::stall`] counts as stalled too: at such a
    /// pace the official archive takes days.
    pub const SLOWEST: u64 = 16 << 10;
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { answer: seconds(30), stall: seconds(30), pause: Duration::from_millis(500) }
    }
}

/// An archive (`.tar.gz`) on a server, and what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its address.
    pub url: Cow<'static, str>,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: Cow<'static, str>,
    /// The one folder it unpacks to.
    pub folder: Cow<'static, str>,
}

impl Archive {
    /// The binary version of CIFAR-10 at its official address.
    pub const CIFAR10: Self = Self {
        url: Cow::Borrowed(cifar10::URL),
        bytes: 170_052_171,
        sha256: Cow::Borrowed("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
        folder: Cow::Borrowed(cifar10::FOLDER),
    };

    /// The last part of the address.
    fn file_name(&self) -> &str {
        self.url.rsplit('/').find(|part| !part.is_empty()).unwrap_or("archive.tar.gz")
    }
}

/// Checks a complete file by its SHA-256 and removes it where that is wrong.
fn verify(archive: &Archive, path: &Path) -> Result<(), DataError> {
    let found =
        sha256(path).map_err(|source| DataError::Unreadable { path: path.to_owned(), source })?;
    if found == archive.sha256 {
        return Ok(());
    }
    fs::remove_file(path).map_err(writing(path))?;
    let (url, expected) = (archive.url.to_string(), archive.sha256.to_string());
    Err(DataError::Corrupt { url, path: path.to_owned(), found, expected })
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}

/// Tells of a failure to write `path`.
fn writing(path: &Path) -> impl FnOnce(io::Error) -> DataError {
    let path = path.to_owned();
    |source| DataError::Write { path, source }
}
