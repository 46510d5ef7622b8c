//! The order in which the places are asked.

use std::fs;
use std::path::Path;

use resweep::data::cifar10::{self, Sources};
use resweep::data::download::Archive;
use resweep::data::{DataError, Origin};

use super::{says, small, written};

/// No place at all, and an address where nobody answers.
fn nowhere() -> Sources {
    let url = "http://127.0.0.1:9/never-asked.tar.gz".into();
    let archive = Archive { url, ..Archive::CIFAR10 };
    Sources { explicit: None, variable: None, cache: None, archive }
}

/// A cache that has CIFAR-10 already.
fn cached(cache: &Path) -> Sources {
    cifar10::write(&small(5, 5), &cache.join("resweep").join(cifar10::FOLDER)).unwrap();
    Sources { cache: Some(cache.to_owned()), ..nowhere() }
}

/// Nothing listens at the archive's address, so a download would fail in another way.
#[test]
fn what_is_only_shown_is_never_downloaded() {
    let cache = tempfile::tempdir().unwrap();
    for cache in [None, Some(cache.path().to_owned())] {
        let error = cifar10::at_hand(&Sources { cache, ..nowhere() }).unwrap_err();
        assert!(matches!(error, DataError::NotAtHand), "{error}");
        says(&error, &["not on this machine", "--data DIR"]);
    }
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    let sources = cached(cache.path());
    assert_eq!(cifar10::at_hand(&sources).unwrap(), cifar10::locate_among(&sources).unwrap());
}

#[test]
fn the_command_line_comes_before_the_variable_before_the_cache() {
    let cache = tempfile::tempdir().unwrap();
    let (parent, folder) = written();
    let (_parent, other) = written();
    let mut sources = cached(cache.path());
    let in_cache = cache.path().join("resweep").join(cifar10::FOLDER);
    assert_eq!(cifar10::locate_among(&sources).unwrap(), in_cache);
    sources.variable = Some(parent.path().to_owned());
    assert_eq!(cifar10::locate_among(&sources).unwrap(), folder);
    sources.explicit = Some(other.clone());
    assert_eq!(cifar10::locate_among(&sources).unwrap(), other);
}

#[test]
fn a_place_that_is_named_and_unfit_is_never_passed_over() {
    let cache = tempfile::tempdir().unwrap();
    let (_parent, good) = written();
    let bad = tempfile::tempdir().unwrap();
    let sources = cached(cache.path());

    let by_variable = Sources { variable: Some(bad.path().into()), ..sources.clone() };
    let error = cifar10::locate_among(&by_variable).unwrap_err();
    assert!(matches!(error, DataError::Source { origin: Origin::Variable, .. }));
    says(&error, &["is empty", "RESWEEP_DATA"]);

    let explicit = Some(bad.path().join("typo"));
    let by_option = Sources { explicit, variable: Some(good), ..sources };
    let error = cifar10::locate_among(&by_option).unwrap_err();
    assert!(matches!(error, DataError::Source { origin: Origin::Explicit, .. }));
    says(&error, &["typo", "no such folder", "--data"]);
}

#[test]
fn a_damaged_cache_is_told_and_not_replaced() {
    let cache = tempfile::tempdir().unwrap();
    let sources = cached(cache.path());
    let folder = cache.path().join("resweep").join(cifar10::FOLDER);
    fs::remove_file(folder.join("data_batch_2.bin")).unwrap();
    let error = cifar10::locate_among(&sources).unwrap_err();
    assert!(matches!(error, DataError::Source { origin: Origin::Cache, .. }));
    says(&error, &["data_batch_2.bin is missing", "the cache: remove it"]);
}

#[test]
fn without_a_cache_there_is_no_download() {
    let error = cifar10::locate_among(&nowhere()).unwrap_err();
    assert!(matches!(error, DataError::NoCache));
    says(&error, &["XDG_CACHE_HOME", "--data DIR", "experiments/quick.ron"]);
}

#[test]
fn the_environment_is_read_for_what_the_command_line_leaves_out() {
    let sources = Sources::from_environment(Some(Path::new("here")));
    assert_eq!(sources.explicit.as_deref(), Some(Path::new("here")));
    assert_eq!(sources.archive, Archive::CIFAR10);
    assert_eq!(sources.archive.bytes, 170_052_171);
}
