//! Texts that once made the program panic, hang or run out of memory, as fuzzing found them
//! (`tests/fuzz`): each is planned, or told what is wrong with it, within a second.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/drive.rs"]
mod drive;

use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn no_finding_comes_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/findings");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        eprintln!("{}", path.display());
        let started = Instant::now();
        drive::drive(&String::from_utf8_lossy(&bytes));
        assert!(started.elapsed() < Duration::from_secs(5), "{} takes long", path.display());
    }
}

/// The driver reaches what it should: a sweep with its files, a network, a block.
#[test]
fn shipped_specs_are_planned_as_what_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let planned = |file| drive::drive(&std::fs::read_to_string(root.join(file)).unwrap());
    let none = drive::Planned::default;
    assert_eq!(planned("quick.ron"), drive::Planned { sweep: true, ..none() });
    assert_eq!(planned("models/resnet18.ron"), drive::Planned { network: true, ..none() });
    assert_eq!(planned("blocks/basic.ron"), drive::Planned { block: true, ..none() });
}
