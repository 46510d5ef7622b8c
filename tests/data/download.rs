//! Fetching an archive from a server on this machine.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use resweep::data::cifar10::{self, Sources};
use resweep::data::download::{self, Archive};
use resweep::data::{DataError, EntryProblem};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};
use tempfile::TempDir;

use super::server::{Answer, Server};
use super::{says, small, written};

/// The bytes of an archive as the official one is.
pub fn packed() -> Vec<u8> {
    let (_parent, folder) = written();
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    tar.append_dir_all(cifar10::FOLDER, &folder).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

/// The description of an archive with these bytes.
pub fn archive(url: &str, bytes: &[u8]) -> Archive {
    Archive {
        url: url.to_owned().into(),
        bytes: bytes.len() as u64,
        sha256: format!("{:x}", Sha256::digest(bytes)).into(),
        folder: cifar10::FOLDER.into(),
    }
}

/// A server and an empty cache.
pub struct Setting {
    pub server: Server,
    pub archive: Archive,
    pub cache: TempDir,
}

impl Setting {
    /// A server that has `file`, and answers as told.
    pub fn new(file: &[u8], answer: impl Fn(Option<usize>) -> Answer + Send + 'static) -> Self {
        let server = Server::start(answer);
        let archive = archive(&server.url, file);
        Self { server, archive, cache: tempfile::tempdir().unwrap() }
    }

    pub fn part(&self) -> PathBuf {
        self.cache.path().join("set.tar.gz.part")
    }

    pub fn fetch(&self) -> Result<PathBuf, DataError> {
        download::fetch(&self.archive, self.cache.path())
    }

    /// Fetches, and checks that the data set is there and nothing else.
    #[track_caller]
    pub fn succeeds(&self) {
        let folder = self.fetch().unwrap();
        assert_eq!(cifar10::load(&folder).unwrap(), small(20, 10));
        assert_eq!(self.left(), [cifar10::FOLDER]);
    }

    /// The names of what lies in the cache.
    pub fn left(&self) -> Vec<String> {
        let entries = self.cache.path().read_dir().unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// A server that goes on where it is asked to.
pub fn obliging(file: &[u8]) -> impl Fn(Option<usize>) -> Answer + Send + 'static {
    let file = file.to_vec();
    move |range| range.map_or_else(|| Answer::whole(&file), |start| Answer::rest(&file, start))
}

#[test]
fn an_archive_is_fetched_checked_and_unpacked() {
    let file = packed();
    let setting = Setting::new(&file, obliging(&file));
    setting.succeeds();
    assert_eq!(setting.server.asked(), [None]);
}

#[test]
fn what_is_not_in_the_cache_is_downloaded_to_it_once() {
    let file = packed();
    let setting = Setting::new(&file, obliging(&file));
    let cache = Some(setting.cache.path().to_owned());
    let archive = setting.archive.clone();
    let sources = Sources { explicit: None, variable: None, cache, archive };
    let folder = cifar10::locate_among(&sources).unwrap();
    assert_eq!(folder, setting.cache.path().join("resweep").join(cifar10::FOLDER));
    assert_eq!(cifar10::locate_among(&sources).unwrap(), folder);
    assert_eq!(setting.server.asked().len(), 1);
}

#[test]
fn a_transfer_that_is_cut_goes_on_where_it_ended() {
    let file = packed();
    let (half, bytes) = (file.len() / 2, file.clone());
    let setting = Setting::new(&file, move |range| match range {
        None => Answer::whole(&bytes).cut(half),
        Some(start) => Answer::rest(&bytes, start),
    });
    setting.succeeds();
    assert_eq!(setting.server.asked(), [None, Some(half)]);
}

#[test]
fn an_earlier_part_is_gone_on_with() {
    let file = packed();
    let setting = Setting::new(&file, obliging(&file));
    fs::write(setting.part(), &file[..1000]).unwrap();
    setting.succeeds();
    assert_eq!(setting.server.asked(), [Some(1000)]);
}

#[test]
fn a_complete_part_and_an_archive_put_there_need_no_server() {
    let file = packed();
    for name in ["set.tar.gz.part", "set.tar.gz"] {
        let setting = Setting::new(&file, obliging(&file));
        fs::write(setting.cache.path().join(name), &file).unwrap();
        setting.succeeds();
        assert!(setting.server.asked().is_empty());
    }
}

#[test]
fn a_server_that_ignores_ranges_is_read_from_the_start() {
    let file = packed();
    let bytes = file.clone();
    let setting = Setting::new(&file, move |_| Answer::whole(&bytes));
    fs::write(setting.part(), &file[..1000]).unwrap();
    setting.succeeds();
    assert_eq!(setting.server.asked(), [Some(1000)]);
}

#[test]
fn a_range_that_is_refused_or_answered_wrongly_starts_again() {
    let file = packed();
    let refuse: fn(&[u8]) -> Answer = |_| Answer::new("416 Range Not Satisfiable", &[], b"");
    let shift: fn(&[u8]) -> Answer = |file| Answer::rest(file, 500);
    for reply in [refuse, shift] {
        let bytes = file.clone();
        let setting = Setting::new(&file, move |range| match range {
            None => Answer::whole(&bytes),
            Some(_) => reply(&bytes),
        });
        fs::write(setting.part(), &file[..1000]).unwrap();
        setting.succeeds();
        assert_eq!(setting.server.asked(), [Some(1000), None]);
    }
}

#[test]
fn a_part_that_is_too_long_starts_again() {
    let file = packed();
    let setting = Setting::new(&file, obliging(&file));
    fs::write(setting.part(), vec![0; file.len() + 1]).unwrap();
    setting.succeeds();
    assert_eq!(setting.server.asked(), [None]);
}

#[test]
fn a_transfer_that_gains_nothing_more_is_given_up_and_kept() {
    let file = packed();
    let bytes = file.clone();
    let setting = Setting::new(&file, move |_| Answer::whole(&bytes).cut(1000));
    let error = setting.fetch().unwrap_err();
    assert!(matches!(error, DataError::Interrupted { have: 1000, .. }));
    says(&error, &["broke off at 1000 of", "same command again", "set.tar.gz.part", "--data DIR"]);
    assert_eq!(setting.server.asked(), [None, Some(1000)]);
    assert_eq!(fs::read(setting.part()).unwrap(), file[..1000]);
}

#[test]
fn a_corrupt_archive_is_removed_and_told() {
    let file = packed();
    let mut wrong = file.clone();
    wrong[100] ^= 1;
    let setting = Setting::new(&file, obliging(&wrong));
    let error = setting.fetch().unwrap_err();
    assert!(matches!(error, DataError::Corrupt { .. }));
    says(&error, &["set.tar.gz", "SHA-256", &setting.archive.sha256, "is removed"]);
    assert!(setting.left().is_empty());
}

/// What [`download::fetch`] says of a server that has only this answer; nothing may be left.
fn fetched(answer: fn(&[u8]) -> Answer) -> DataError {
    let file = packed();
    let bytes = file.clone();
    let setting = Setting::new(&file, move |_| answer(&bytes));
    let error = setting.fetch().unwrap_err();
    assert!(setting.left().is_empty(), "{:?}", setting.left());
    error
}

#[test]
fn answers_that_are_no_archive_are_told_apart() {
    let error = fetched(|_| Answer::new("404 Not Found", &["Content-Type: text/html"], b"gone"));
    assert!(matches!(error, DataError::HttpStatus { status: 404, .. }));
    says(&error, &["answered 404", "--data DIR", "RESWEEP_DATA", "experiments/quick.ron"]);

    let error = fetched(|_| Answer::new("200 OK", &["Content-Type: text/html"], b"<html>"));
    assert!(matches!(error, DataError::NotAnArchive { .. }));
    says(&error, &["a web page", "text/html", "--data DIR"]);

    let error = fetched(|_| Answer::new("200 OK", &["Content-Length: 5"], b"other"));
    assert!(matches!(error, DataError::WrongLength { found: 5, .. }));
    says(&error, &["has 5 bytes", "something else"]);

    let error = fetched(|file| Answer::new("200 OK", &[], &[file, b"more"].concat()));
    assert!(matches!(error, DataError::WrongLength { found, expected, .. } if found > expected));
}

#[test]
fn without_a_network_the_other_ways_are_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/set.tar.gz", listener.local_addr().unwrap());
    drop(listener);
    let cache = tempfile::tempdir().unwrap();
    let error = download::fetch(&archive(&url, b"any"), cache.path()).unwrap_err();
    assert!(matches!(error, DataError::Unreachable { .. }));
    says(&error, &[&url, "cannot be reached", "--data DIR", "RESWEEP_DATA", "quick.ron"]);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let (_parent, folder) = written();
    let cache = folder.join("test_batch.bin").join("cache");
    let error = download::fetch(&archive("http://127.0.0.1:9/a", b"any"), &cache).unwrap_err();
    assert!(matches!(error, DataError::Write { .. }));
    says(&error, &["test_batch.bin/cache", "cannot be written"]);
}

/// What [`download::fetch`] says of an archive with one entry.
fn unpacked(name: &str, kind: EntryType) -> DataError {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_link_name("/etc/passwd").unwrap();
    header.set_size(0);
    header.set_cksum();
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    tar.append(&header, std::io::empty()).unwrap();
    let file = tar.into_inner().unwrap().finish().unwrap();
    let setting = Setting::new(&file, obliging(&file));
    let error = setting.fetch().unwrap_err();
    assert_eq!(setting.left(), ["set.tar.gz"]);
    error
}

#[test]
fn entries_that_lead_elsewhere_are_refused() {
    let cases = [
        ("../up.bin", EntryType::Regular, EntryProblem::Outside),
        ("a/../../up.bin", EntryType::Regular, EntryProblem::Outside),
        ("/absolute.bin", EntryType::Regular, EntryProblem::Outside),
        ("cifar-10-batches-bin", EntryType::Symlink, EntryProblem::Kind),
        ("hard", EntryType::Link, EntryProblem::Kind),
        ("pipe", EntryType::Fifo, EntryProblem::Kind),
    ];
    for (name, kind, expected) in cases {
        let error = unpacked(name, kind);
        assert!(matches!(error, DataError::BadEntry { problem, .. } if problem == expected));
        says(&error, &["set.tar.gz", name, "nothing was unpacked"]);
    }
}

#[test]
fn archives_that_hold_something_else_are_told() {
    let error = unpacked("elsewhere", EntryType::Directory);
    assert!(matches!(error, DataError::Unpack { .. }));
    says(&error, &["set.tar.gz", "there is no folder cifar-10-batches-bin"]);

    let setting = Setting::new(b"no gzip", |_| Answer::whole(b"no gzip"));
    let error = setting.fetch().unwrap_err();
    assert!(matches!(error, DataError::Unpack { .. }));
    says(&error, &["set.tar.gz", "cannot be unpacked"]);
}
