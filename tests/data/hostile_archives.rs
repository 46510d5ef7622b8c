//! Archives that are made to do harm: each is told, and leaves nothing behind.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use resweep::data::{DataError, EntryProblem, cifar10};
use tar::{EntryType, Header};

use super::download::{Setting, obliging, packed};
use super::says;

/// An entry as its bytes: whatever name and size the header says, and this content.
fn entry(name: &[u8], kind: EntryType, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(0o7777);
    header.set_size(size);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name.as_bytes(), EntryType::Regular, content.len() as u64, content)
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(tar).unwrap();
    gzip.finish().unwrap()
}

/// An archive of these entries.
fn of(entries: &[Vec<u8>]) -> Vec<u8> {
    gzip(&[entries.concat(), vec![0; 1024]].concat())
}

/// What is said of an archive of these bytes; nothing but itself may be left of it.
#[track_caller]
fn refused(bytes: &[u8]) -> DataError {
    let setting = Setting::new(bytes, obliging(bytes));
    let outside = tempfile::tempdir_in(setting.cache.path().parent().unwrap()).unwrap();
    let error = setting.fetch().unwrap_err();
    assert_eq!(setting.left(), ["set.tar.gz"], "{error}");
    assert_eq!(outside.path().read_dir().unwrap().count(), 0);
    error
}

#[test]
fn entries_of_other_kinds_are_refused() {
    let kinds = [
        EntryType::Link,
        EntryType::Symlink,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::Continuous,
        EntryType::new(b'Z'),
    ];
    for kind in kinds {
        let error = refused(&of(&[file("first", b"1"), entry(b"odd", kind, 0, b"")]));
        let is_kind = matches!(&error, DataError::BadEntry { problem: EntryProblem::Kind, .. });
        assert!(is_kind, "{kind:?}: {error}");
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused_however_they_are_said() {
    let long = format!("{}../../up", "a/".repeat(60));
    let pax = |name: &str| {
        let line = format!(" path={name}\n");
        let length = (line.len() + 2..).find(|n| n.to_string().len() + line.len() == *n).unwrap();
        let record = format!("{length}{line}");
        [
            entry(b"pax", EntryType::XHeader, record.len() as u64, record.as_bytes()),
            file("harmless", b"1"),
        ]
    };
    let gnu = |name: &str| {
        [
            entry(b"././@LongLink", EntryType::GNULongName, name.len() as u64, name.as_bytes()),
            file("harmless", b"1"),
        ]
    };
    for entries in [pax("../up"), pax("/up"), pax(&long), gnu("../up"), gnu("/up"), gnu(&long)] {
        let error = refused(&of(&entries));
        assert!(
            matches!(error, DataError::BadEntry { problem: EntryProblem::Outside, .. }),
            "{error}"
        );
        says(&error, &["up` would be written outside", "nothing was unpacked"]);
    }
    let error = refused(&of(&[file("../\u{1b}[31m", b"1")]));
    says(&error, &["..\u{2f}\\u{1b}[31m"]);
}

/// The second could be written through what the first made.
#[test]
fn entries_that_stand_twice_are_refused() {
    let folder = |name: &str| entry(name.as_bytes(), EntryType::Directory, 0, b"");
    let cases = [
        [file("a", b"1"), file("a", b"2")],
        [file("a", b"1"), file("./a", b"2")],
        [folder("a"), file("a", b"2")],
    ];
    for entries in cases {
        let error = refused(&of(&entries));
        assert!(
            matches!(error, DataError::BadEntry { problem: EntryProblem::Twice, .. }),
            "{error}"
        );
        says(&error, &["a` stands there twice"]);
    }
    for entries in [[file("a", b"1"), folder("a")], [file("a", b"1"), file("a/b", b"2")]] {
        assert!(matches!(refused(&of(&entries)), DataError::Unpack { .. }));
    }
}

/// 64 MiB of zeros have some 64 KiB.
#[test]
fn an_archive_that_would_fill_the_disk_is_given_up() {
    let zeros = vec![0; 64 << 20];
    let in_a_file = of(&[file("zeros", &zeros)]);
    let in_a_name =
        of(&[entry(b"long", EntryType::GNULongName, zeros.len() as u64, &zeros), file("a", b"1")]);
    let behind_the_end = gzip(&[file("a", b"1"), zeros].concat());
    for bytes in [in_a_file, in_a_name, behind_the_end] {
        assert!(bytes.len() < 100_000);
        let error = refused(&bytes);
        assert!(matches!(error, DataError::Unpack { .. }), "{error}");
        says(&error, &["it unpacks to more than 1", "MiB"]);
    }
}

#[test]
fn sizes_that_lie_are_told() {
    for size in [1 << 20, 1 << 40, u64::MAX >> 1, u64::MAX] {
        let error = refused(&of(&[entry(b"large", EntryType::Regular, size, b"1")]));
        assert!(matches!(error, DataError::Unpack { .. }), "{size}: {error}");
    }
    let error = refused(&of(&[vec![7; 512]]));
    assert!(matches!(error, DataError::Unpack { .. }), "{error}");
}

/// At whatever place the archive ends too early, though its hash is the one that is wanted.
#[test]
fn archives_that_are_cut_are_told() {
    let whole = packed();
    let places =
        [1, 10, 20, 1000, whole.len() / 2, whole.len() - 9, whole.len() - 4, whole.len() - 1];
    for length in places {
        let error = refused(&whole[..length]);
        assert!(matches!(error, DataError::Unpack { .. }), "{length}: {error}");
    }
    let mut wrong = whole.clone();
    let at = wrong.len() - 6;
    wrong[at] ^= 1;
    assert!(matches!(refused(&wrong), DataError::Unpack { .. }), "a checksum of gzip");
}

/// What stands beside the folder is not kept, nor what is said of owners, modes and times.
#[cfg(unix)]
#[test]
fn only_the_folder_is_kept_and_only_its_bytes() {
    use std::os::unix::fs::PermissionsExt;
    let inside = format!("{}/odd", cifar10::FOLDER);
    let bytes = of(&[file(&inside, b"1"), file("beside", b"2")]);
    let setting = Setting::new(&bytes, obliging(&bytes));
    let folder = setting.fetch().unwrap();
    assert_eq!(setting.left(), [cifar10::FOLDER]);
    let mode = folder.join("odd").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7111, 0, "{mode:o}");
}
