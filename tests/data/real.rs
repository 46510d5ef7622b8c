//! CIFAR-10 itself, where it is at hand.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use resweep::data::cifar10;

#[test]
fn the_real_set_is_read_whole() {
    let Some(folder) = real() else {
        eprintln!("skipped: set RESWEEP_REAL_CIFAR10 to the folder of CIFAR-10's binary version");
        return;
    };
    let dataset = cifar10::load(&folder).unwrap();
    assert_eq!(dataset.name, "cifar10");
    assert_eq!(dataset.train.per_class(), [5000; 10]);
    assert_eq!(dataset.test.per_class(), [1000; 10]);
    let measured = dataset.train.take(10_000).normalization();
    // Fewer images than the constants are of, and copies that were compressed once lose contrast.
    for c in 0..3 {
        assert!((measured.mean[c] - cifar10::MEAN[c]).abs() < 0.005, "{measured:?}");
        assert!((measured.std[c] - cifar10::STD[c]).abs() < 0.005, "{measured:?}");
    }
}

/// The folder that the variable names, else what a script that makes the set beside the crate does.
fn real() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("RESWEEP_REAL_CIFAR10") {
        return Some(folder.into());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/make-cifar10");
    let target = dirs::cache_dir()?.join("resweep/test-data");
    let made = script.exists() && Command::new(script).arg(&target).status().ok()?.success();
    made.then_some(target)
}
