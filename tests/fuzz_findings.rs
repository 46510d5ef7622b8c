//! Files that once made the program panic, hang or run out of memory, as fuzzing found them
//! (`tests/fuzz`): each is read, or told what is wrong with it, within seconds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/drive.rs"]
mod drive;
#[path = "common/hostile/mod.rs"]
mod hostile;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hostile::{checkpoint, cifar, csv, safetensors};

/// What a file is taken as; whether it is that.
type Drive = Box<dyn Fn(&[u8]) -> bool>;

/// The targets beside `spec`, each with how it is driven and the files that fuzzing begins with.
fn targets() -> [(&'static str, Drive, Vec<Vec<u8>>); 4] {
    let (weights, tables) = (safetensors::Bench::new(), csv::Bench::new());
    [
        ("cifar", Box::new(|bytes| cifar::drive(bytes).is_ok()), cifar::seeds()),
        ("checkpoint", Box::new(checkpoint::drive), checkpoint::seeds()),
        ("safetensors", Box::new(move |bytes| weights.drive(bytes)), safetensors::seeds()),
        ("csv", Box::new(move |bytes| tables.drive(bytes)), csv::seeds()),
    ]
}

#[test]
fn no_finding_comes_back() {
    let spec: Drive = Box::new(|bytes| drive::drive(&String::from_utf8_lossy(bytes)).sweep);
    run(Path::new(""), &spec);
    for (target, drive, _) in targets() {
        run(Path::new(target), &drive);
    }
}

/// Drives every file of a folder of findings; the folder may be missing.
fn run(folder: &Path, drive: &Drive) {
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/findings");
    for entry in std::fs::read_dir(findings.join(folder)).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_file() {
            eprintln!("{}", path.display());
            let (bytes, started) = (std::fs::read(&path).unwrap(), Instant::now());
            drive(&bytes);
            assert!(started.elapsed() < Duration::from_secs(5), "{} takes long", path.display());
        }
    }
}

/// Each driver reaches what it should: the first file of every kind is one.
#[test]
fn files_that_fuzzing_begins_with_are_read() {
    for (target, drive, seeds) in targets() {
        let read: Vec<bool> = seeds.iter().map(|seed| drive(seed)).collect();
        let wanted: &[bool] = match target {
            "cifar" => &[true, true, true, false],
            "checkpoint" => &[true, true, false, false],
            "safetensors" => &[false, true, false, false],
            // Whatever one file holds, the others are compared.
            _ => &[true; 8],
        };
        assert_eq!(read, wanted, "{target}");
    }
}

/// Writes the files that fuzzing begins with, a folder a target.
#[test]
#[ignore = "writes to the folder that RESWEEP_FUZZ_CORPUS names"]
fn write_the_corpus() {
    let corpus = PathBuf::from(std::env::var_os("RESWEEP_FUZZ_CORPUS").unwrap());
    for (target, _, seeds) in targets() {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
        }
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
