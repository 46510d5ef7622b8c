//! The data stage: reading and writing CIFAR-10's layout, finding it, fetching it, drawing
//! shapes10.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "data/download.rs"]
mod download;
#[path = "data/faults.rs"]
mod faults;
#[path = "data/hostile_archives.rs"]
mod hostile_archives;
#[path = "data/layout.rs"]
mod layout;
#[path = "data/locate.rs"]
mod locate;
#[path = "data/real.rs"]
mod real;
#[path = "data/server.rs"]
mod server;
#[path = "data/shapes10.rs"]
mod shapes;

use std::path::PathBuf;

use resweep::data::{DataError, Dataset, cifar10, shapes10};
use tempfile::TempDir;

/// A small data set with CIFAR-10's class names, of `train` + `test` images.
fn small(train: usize, test: usize) -> Dataset {
    let classes = cifar10::CLASS_NAMES.map(str::to_owned).to_vec();
    Dataset { name: cifar10::NAME.into(), classes, ..shapes10::generate(train, test, 1) }
}

/// A small data set written to `<temporary folder>/cifar-10-batches-bin`.
fn written() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join(cifar10::FOLDER);
    cifar10::write(&small(20, 10), &folder).unwrap();
    (parent, folder)
}

/// Checks that the message says all of `parts`.
#[track_caller]
fn says(error: &DataError, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "no `{part}` in: {message}");
    }
}
