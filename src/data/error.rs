//! What can be wrong with a data set, each told with where it is, what it is and how to mend it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::cifar10::{CLASS_NAMES, FILES, FOLDER, RECORD_BYTES, RECORDS, URL};

/// What to do where nothing can be downloaded.
const WITHOUT_DOWNLOAD: &str = "to do without the download, point at a folder that holds \
    cifar-10-batches-bin with --data DIR or the environment variable RESWEEP_DATA, or run \
    `cargo xtask sweep experiments/quick.ron`, which needs none";

/// Why a data set could not be found, fetched, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// A folder that was asked for does not exist.
    #[error("{}: there is no such folder; name the one that holds {FOLDER}, or is it", path.display())]
    Absent {
        /// The folder.
        path: PathBuf,
    },
    /// A file stands where a folder was asked for.
    #[error("{}: is not a folder; name the one that holds {FOLDER}, or is it", path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// The archive is there but was not unpacked.
    #[error(
        "{}: is still packed; unpack it with `tar xzf {}` and name the folder it makes, {FOLDER}",
        archive.display(), archive.display()
    )]
    StillPacked {
        /// The archive.
        archive: PathBuf,
    },
    /// The folder has nothing in it.
    #[error("{}: is empty; CIFAR-10's binary version belongs there, from {URL}", path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has files, but none of CIFAR-10's.
    #[error(
        "{}: holds none of CIFAR-10's files ({} to {}, {}); name the folder that does, or unpack \
         {URL} there", path.display(), FILES[0], FILES[4], FILES[5]
    )]
    NotCifar10 {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds the pickles of the Python version.
    #[error(
        "{}: this is the Python version of CIFAR-10; the binary version is wanted, from {URL}",
        path.display()
    )]
    PythonVersion {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds CIFAR-100.
    #[error(
        "{}: this is CIFAR-100, which has 100 classes; CIFAR-10's binary version is wanted, from \
         {URL}", path.display()
    )]
    Cifar100 {
        /// The folder.
        path: PathBuf,
    },
    /// One of the files of the layout is missing beside others that are there.
    #[error(
        "{}: {file} is missing, the other files are there; unpack the archive again, from {URL}",
        folder.display()
    )]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// The name of the missing file.
        file: &'static str,
    },
    /// The operating system refused to read a file or folder.
    #[error("{}: cannot be read: {source}; check its permissions and the disk", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file ends within a record.
    #[error(
        "{}: is truncated: {bytes} bytes are {} whole records of {RECORD_BYTES} and {} bytes over; \
         the official file has {} ({RECORDS} records); unpack the archive again, from {URL}",
        path.display(), bytes / RECORD_BYTES as u64, bytes % RECORD_BYTES as u64,
        RECORDS * RECORD_BYTES
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// How many bytes it has.
        bytes: u64,
    },
    /// A file has whole records, but not as many as this set has to have.
    #[error(
        "{}: has {found} records ({} bytes) and should have {expected} ({} bytes){}; \
         unpack the archive again, from {URL}",
        path.display(), found * RECORD_BYTES, expected * RECORD_BYTES,
        if *found > 0 { ", as the other files are those of the official set" } else { "" }
    )]
    WrongCount {
        /// The file.
        path: PathBuf,
        /// How many records it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A record carries a label that is no class.
    #[error(
        "{}: record {record} (counted from 0, at byte {}) has the label {label}, and labels run \
         from 0 to 9; the file is damaged or not CIFAR-10, unpack the archive again, from {URL}",
        path.display(), record * RECORD_BYTES
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The record, counted from 0.
        record: usize,
        /// Its label.
        label: u8,
    },
    /// The file of class names is malformed.
    #[error(
        "{}: {problem}; it wants ten names, one a line, which for CIFAR-10 are {}",
        path.display(), CLASS_NAMES.join(", ")
    )]
    Meta {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: MetaProblem,
    },
    /// A folder named by the user or the cache is unfit; no other place was tried.
    #[error("{cause}\n  (this folder comes from {origin})")]
    Source {
        /// Where the folder comes from.
        origin: Origin,
        /// What is wrong with it.
        #[source]
        cause: Box<DataError>,
    },
    /// There is no cache folder to download to.
    #[error(
        "there is no cache folder to download CIFAR-10 to, as neither XDG_CACHE_HOME nor HOME is \
         set; set one, or {WITHOUT_DOWNLOAD}"
    )]
    NoCache,
    /// The data set is not on this machine, and what asked for it downloads nothing.
    #[error(
        "CIFAR-10 is not on this machine; name the folder that holds {FOLDER} with --data DIR or the \
         environment variable RESWEEP_DATA, or download it by training on it once"
    )]
    NotAtHand,
    /// The server could not be reached.
    #[error("{url}: cannot be reached: {source}; {WITHOUT_DOWNLOAD}")]
    Unreachable {
        /// The address.
        url: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// The server answered with a failure.
    #[error("{url}: the server answered {status}; try later, or {WITHOUT_DOWNLOAD}")]
    HttpStatus {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server sent a web page in place of the archive.
    #[error(
        "{url}: a web page came in place of the archive (content type {content_type}), from a \
         login page or a proxy perhaps; open the address in a browser, or {WITHOUT_DOWNLOAD}"
    )]
    NotAnArchive {
        /// The address.
        url: String,
        /// The content type that the server named.
        content_type: String,
    },
    /// The server offers something of another length.
    #[error(
        "{url}: what the server sends has {found} bytes and the archive has {expected}, so it is \
         something else; {WITHOUT_DOWNLOAD}"
    )]
    WrongLength {
        /// The address.
        url: String,
        /// How many bytes the server announces, or has sent when the transfer was stopped.
        found: u64,
        /// How many the archive has.
        expected: u64,
    },
    /// The transfer broke off, and trying again brought nothing more.
    #[error(
        "{url}: the download broke off at {have} of {expected} bytes: {source}; run the same \
         command again to go on from there ({} is kept), or {WITHOUT_DOWNLOAD}", part.display()
    )]
    Interrupted {
        /// The address.
        url: String,
        /// The file that holds what came so far.
        part: PathBuf,
        /// How many bytes it has.
        have: u64,
        /// How many the archive has.
        expected: u64,
        /// What went wrong.
        source: io::Error,
    },
    /// The archive has the right length and the wrong contents. It was removed.
    #[error(
        "{}: its SHA-256 is {found} and should be {expected}, so it was damaged on its way from \
         {url} and is removed; run the same command again, or {WITHOUT_DOWNLOAD}", path.display()
    )]
    Corrupt {
        /// The address it came from.
        url: String,
        /// The file, now removed.
        path: PathBuf,
        /// Its SHA-256, hexadecimal.
        found: String,
        /// The SHA-256 it should have.
        expected: String,
    },
    /// The archive holds an entry that may not be unpacked. Nothing was unpacked.
    #[error(
        "{}: the entry `{entry}` {problem}, so nothing was unpacked; remove the archive and run \
         the same command again, or {WITHOUT_DOWNLOAD}", archive.display()
    )]
    BadEntry {
        /// The archive.
        archive: PathBuf,
        /// The name of the entry.
        entry: String,
        /// What is wrong with it.
        problem: EntryProblem,
    },
    /// The archive cannot be decompressed or unpacked.
    #[error(
        "{}: cannot be unpacked: {source}; check the free space, remove the archive and run the \
         same command again, or {WITHOUT_DOWNLOAD}", archive.display()
    )]
    Unpack {
        /// The archive.
        archive: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error(
        "{}: cannot be written: {source}; check the free space and the permissions", path.display()
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder to write a data set to has something in it already.
    #[error("{}: is there already and not empty; name a new folder", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// A data set has no form in the binary layout.
    #[error("the data set `{name}` cannot be written in CIFAR-10's binary layout: {reason}")]
    NotWritable {
        /// The name of the data set.
        name: String,
        /// What the layout cannot hold.
        reason: String,
    },
}

/// What is wrong with `batches.meta.txt`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetaProblem {
    /// It is not UTF-8 text.
    #[error("is not text")]
    NotText,
    /// It has another number of class names than ten.
    #[error("has {0} class names")]
    Count(usize),
    /// Two classes have one name.
    #[error("names the class `{0}` twice")]
    Twice(String),
}

/// Why an archive's entry may not be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EntryProblem {
    /// Its path is absolute or contains `..`.
    #[error("would be written outside of the folder")]
    Outside,
    /// It is neither a file nor a folder, but a link or a device.
    #[error("is neither a file nor a folder")]
    Kind,
    /// There is a file or a folder of its name already.
    #[error("stands there twice")]
    Twice,
}

impl DataError {
    /// Whether the folder that a person named is another than they meant: a mistake in the command line
    /// and not a failure.
    pub fn is_of_the_command_line(&self) -> bool {
        let Self::Source { origin: Origin::Explicit | Origin::Variable, cause } = self else {
            return false;
        };
        matches!(
            **cause,
            Self::Absent { .. }
                | Self::NotAFolder { .. }
                | Self::StillPacked { .. }
                | Self::EmptyFolder { .. }
                | Self::NotCifar10 { .. }
                | Self::PythonVersion { .. }
                | Self::Cifar100 { .. }
        )
    }
}

/// Where the folder of the data set comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The option `--data`.
    Explicit,
    /// The environment variable `RESWEEP_DATA`.
    Variable,
    /// The cache, where an earlier download left it.
    Cache,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Explicit => "--data",
            Self::Variable => "the environment variable RESWEEP_DATA",
            Self::Cache => "the cache: remove it, and it is downloaded again",
        })
    }
}
