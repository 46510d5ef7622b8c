//! A network and a disk that fail, while an archive is fetched.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use resweep::data::download::{self, Patience};
use resweep::data::{DataError, cifar10};

use super::download::{Setting, archive, obliging, packed};
use super::says;
use super::server::Answer;

/// Waits less than a person would.
const HASTY: Patience = Patience {
    answer: Duration::from_millis(700),
    stall: Duration::from_millis(700),
    pause: Duration::from_millis(1),
};

/// What a server says, that has this file.
type Reply = fn(&[u8]) -> Answer;

/// Fetches from a server that gives these answers in turn, the last again and again; what is said,
/// and how often it was asked.
fn fetched(answers: Vec<Reply>) -> (DataError, Setting) {
    let file = packed();
    let (bytes, next) = (file.clone(), AtomicUsize::new(0));
    let setting = Setting::new(&file, move |_| {
        let at = next.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
        answers[at](&bytes)
    });
    let started = Instant::now();
    let error = download::fetch_within(&setting.archive, setting.cache.path(), &HASTY).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(20), "{error}");
    assert!(!setting.cache.path().join(cifar10::FOLDER).exists());
    (error, setting)
}

#[test]
fn a_server_that_stalls_is_given_up_and_what_came_is_kept() {
    let (error, setting) =
        fetched(vec![|file| Answer::whole(file).cut(1000).slowly(1000, Duration::from_secs(3))]);
    assert!(matches!(error, DataError::Interrupted { have: 1000, .. }), "{error}");
    says(&error, &["nothing came for 700ms", "same command again", "--data DIR"]);
    assert_eq!(setting.server.asked(), [None]);
    assert_eq!(setting.left(), ["set.tar.gz.part"]);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/set.tar.gz", silent.local_addr().unwrap());
    let cache = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let error = download::fetch_within(&archive(&url, b"any"), cache.path(), &HASTY).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(matches!(error, DataError::Unreachable { .. }));
    says(&error, &[&url, "cannot be reached", "timeout", "--data DIR"]);
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}

/// One byte now and then would keep a transfer alive for years.
#[test]
fn a_server_that_drips_is_given_up() {
    let drips = |file: &[u8]| Answer::whole(file).slowly(10, Duration::from_millis(100));
    let (error, setting) = fetched(vec![drips]);
    assert!(matches!(error, DataError::Interrupted { .. }), "{error}");
    says(&error, &["bytes came within 700ms", "same command again"]);
    assert_eq!(setting.left(), ["set.tar.gz.part"]);
}

#[test]
fn a_slow_server_that_goes_on_is_waited_for() {
    let file = packed();
    let (bytes, piece) = (file.clone(), file.len() / 4 + 1);
    let setting = Setting::new(&file, move |_| {
        Answer::whole(&bytes).slowly(piece, Duration::from_millis(300))
    });
    download::fetch_within(&setting.archive, setting.cache.path(), &HASTY).unwrap();
    assert_eq!((setting.server.asked().len(), setting.left().len()), (1, 1));
}

#[test]
fn a_transfer_that_is_cut_again_and_again_comes_to_its_end() {
    let file = packed();
    let (bytes, piece) = (file.clone(), file.len() / 5 + 1);
    let setting = Setting::new(&file, move |range| match range {
        None => Answer::whole(&bytes).cut(piece),
        Some(start) => Answer::rest(&bytes, start).cut(piece),
    });
    let folder = download::fetch_within(&setting.archive, setting.cache.path(), &HASTY).unwrap();
    assert!(cifar10::load(&folder).is_ok());
    assert_eq!(setting.server.asked().len(), 5);
}

#[test]
fn redirects_lead_to_the_archive_or_are_told() {
    let moved: Reply =
        |_| Answer::new("302 Found", &["Location: /elsewhere", "Content-Length: 0"], b"");
    let page: Reply = |_| {
        Answer::new("200 OK", &["Content-Type: text/html; charset=utf-8"], b"<html>log in</html>")
    };
    let (error, setting) = fetched(vec![moved, page]);
    assert!(matches!(error, DataError::NotAnArchive { .. }), "{error}");
    says(&error, &["a web page came", "login page", "--data DIR"]);
    assert!(setting.left().is_empty());

    let (error, setting) = fetched(vec![moved]);
    assert!(matches!(error, DataError::Unreachable { .. }), "{error}");
    says(&error, &["redirect", "--data DIR"]);
    assert!(setting.server.asked().len() < 30 && setting.left().is_empty());

    let file = packed();
    let (bytes, next) = (file.clone(), AtomicUsize::new(0));
    let setting = Setting::new(&file, move |_| match next.fetch_add(1, Ordering::Relaxed) {
        0 => moved(&bytes),
        _ => Answer::whole(&bytes),
    });
    setting.succeeds();
}

/// A file of this machine is no archive of a server.
#[test]
fn redirects_to_other_places_are_not_followed() {
    let elsewhere: [Reply; 3] = [
        |_| Answer::new("302 Found", &["Location: file:///etc/passwd"], b""),
        |_| Answer::new("302 Found", &["Location: ftp://127.0.0.1/a"], b""),
        |_| Answer::new("302 Found", &[], b""),
    ];
    for answer in elsewhere {
        let (error, setting) = fetched(vec![answer]);
        assert!(setting.left().is_empty(), "{error}");
        says(&error, &["--data DIR"]);
    }
}

#[test]
fn failures_of_a_server_are_told_with_their_number() {
    let answers: [(u16, Reply); 5] = [
        (403, |_| Answer::new("403 Forbidden", &[], b"no")),
        (404, |_| Answer::new("404 Not Found", &[], b"gone")),
        (500, |_| Answer::new("500 Internal Server Error", &[], b"")),
        (503, |_| Answer::new("503 Service Unavailable", &["Retry-After: 100000"], b"later")),
        (206, |file| Answer::rest(file, 10)),
    ];
    for (number, answer) in answers {
        let (error, setting) = fetched(vec![answer]);
        assert!(
            matches!(error, DataError::HttpStatus { status, .. } if status == number),
            "{error}"
        );
        says(&error, &[&number.to_string(), "--data DIR"]);
        assert!(setting.left().is_empty() && setting.server.asked().len() == 1);
    }
}

#[test]
fn answers_that_are_no_http_are_told() {
    let answers: [Reply; 3] = [
        |_| Answer::new("OK then", &[], b""),
        |_| Answer::new("200 OK", &[&"X: y\r\n".repeat(100_000)], b""),
        |_| Answer::new("200 OK", &["Content-Length: many"], b""),
    ];
    for answer in answers {
        let (error, setting) = fetched(vec![answer]);
        says(&error, &["--data DIR"]);
        assert!(setting.left().iter().all(|name| name == "set.tar.gz.part"), "{error}");
    }
}

/// A page of the length of the archive, of no declared type.
#[test]
fn wrong_bytes_of_the_right_length_are_removed() {
    let (error, setting) = fetched(vec![|file| Answer::whole(&vec![b'<'; file.len()])]);
    assert!(matches!(error, DataError::Corrupt { .. }), "{error}");
    says(&error, &["SHA-256", "is removed", "same command again"]);
    assert!(setting.left().is_empty());
}

/// Where this process finds what to fetch, in [`within_limits`].
const CACHE: &str = "RESWEEP_FAULTS_CACHE";
/// And what the server has.
const ARCHIVE: &str = "RESWEEP_FAULTS_ARCHIVE";

/// The archive in the cache that the environment names is completed, or unpacked; what is said of it.
#[test]
#[ignore = "a part of the tests of a full disk, in a process of its own"]
fn within_limits() {
    let (Some(cache), Some(file)) = (std::env::var_os(CACHE), std::env::var_os(ARCHIVE)) else {
        return;
    };
    let file = fs::read(file).unwrap();
    let setting = Setting::new(&file, obliging(&file));
    match download::fetch(&setting.archive, Path::new(&cache)) {
        Ok(folder) => println!("fetched {}", folder.display()),
        Err(error) => println!("{error}"),
    }
}

/// Runs [`within_limits`] where no file may have more than so many blocks of 512 bytes, as on a disk
/// that is full half way; what it says.
#[cfg(unix)]
fn with_blocks(cache: &Path, file: &[u8], blocks: &str) -> String {
    let archive = tempfile::NamedTempFile::new().unwrap();
    fs::write(archive.path(), file).unwrap();
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &limited])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "faults::within_limits", "--ignored", "--nocapture"])
        .env(CACHE, cache)
        .env(ARCHIVE, archive.path())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr)
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_half_way_loses_nothing() {
    let file = packed();
    assert!(file.len() > 20 << 10, "{}", file.len());
    // While it is downloaded: what came is kept, and gone on with when there is room.
    let cache = tempfile::tempdir().unwrap();
    let names = || {
        let entries = cache.path().read_dir().unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let told = with_blocks(cache.path(), &file, "8");
    assert!(told.contains("set.tar.gz.part: cannot be written: "), "{told}");
    assert!(told.contains("check the free space"), "{told}");
    assert_eq!(names(), ["set.tar.gz.part"]);
    let came = fs::read(cache.path().join("set.tar.gz.part")).unwrap();
    assert_eq!(came, file[..came.len()]);
    assert!(with_blocks(cache.path(), &file, "unlimited").contains("fetched "));
    assert_eq!(names(), [cifar10::FOLDER]);

    // While it is unpacked: the archive is kept, and nothing of what it holds.
    fs::remove_dir_all(cache.path().join(cifar10::FOLDER)).unwrap();
    fs::write(cache.path().join("set.tar.gz"), &file).unwrap();
    let told = with_blocks(cache.path(), &file, "8");
    assert!(told.contains("set.tar.gz: cannot be unpacked: "), "{told}");
    assert!(told.contains("check the free space"), "{told}");
    assert_eq!(names(), ["set.tar.gz"]);
    assert!(with_blocks(cache.path(), &file, "unlimited").contains("fetched "));
    assert_eq!(names(), [cifar10::FOLDER]);
}
