//! The files that a run leaves for others: what they are called under `results/<sweep name>/`, and
//! what weights on the disk look like from outside.

mod weights;

use std::path::{Path, PathBuf};

pub use weights::{Faults, faults, sha256};

/// Leading characters of the spec hash in names of files.
pub const HASH_IN_NAME: usize = 12;

/// The folder of a sweep.
pub fn folder(results: &Path, sweep: &str) -> PathBuf {
    results.join(file_name(sweep))
}

/// The name of a file of a run; distinct runs have distinct ones.
pub fn of_run(experiment: &str, seed: u64, hash: &str, extension: &str) -> String {
    file_name(&format!("{experiment}-seed{seed}-{}.{extension}", short(hash)))
}

/// The name of the resolved spec of an experiment.
pub fn of_spec(experiment: &str, hash: &str) -> String {
    file_name(&format!("{experiment}-{}.ron", short(hash)))
}

/// The runs of an experiment with a seed whose weights are in a sweep's folder: the first characters
/// of their spec hashes, sorted.
pub fn hashes(folder: &Path, experiment: &str, seed: u64) -> Vec<String> {
    let start = file_name(&format!("{experiment}-seed{seed}-"));
    let hash = |name: String| {
        let hash = name.strip_prefix(&start)?.strip_suffix(".safetensors")?;
        let is_hash = hash.len() == HASH_IN_NAME && hash.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then(|| hash.to_owned())
    };
    let entries = std::fs::read_dir(folder.join("weights")).into_iter().flatten().flatten();
    let mut hashes: Vec<String> =
        entries.filter_map(|entry| hash(entry.file_name().into_string().ok()?)).collect();
    hashes.sort();
    hashes
}

fn short(hash: &str) -> String {
    hash.chars().take(HASH_IN_NAME).collect()
}

/// A name as one file name that stays in its folder: what is not a letter, a digit, one of `_-+=,`
/// or an inner `.` becomes `%` and its bytes in hexadecimal. Distinct names stay distinct.
pub fn file_name(name: &str) -> String {
    let mut escaped = String::new();
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'.' if index > 0 => escaped.push('.'),
            b'_' | b'-' | b'+' | b'=' | b',' => escaped.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_never_leaves_its_folder() {
        assert_eq!(file_name("resnet18-w0.5_b"), "resnet18-w0.5_b");
        assert_eq!(file_name("resnet18,width=4"), "resnet18,width=4");
        assert_eq!(file_name("../a/b"), "%2E.%2Fa%2Fb");
        assert_eq!(file_name(".."), "%2E.");
        assert_eq!(file_name("ä %"), "%C3%A4%20%25");
    }

    #[test]
    fn runs_are_found_by_name_and_seed() {
        let folder = tempfile::tempdir().unwrap();
        let weights = folder.path().join("weights");
        std::fs::create_dir(&weights).unwrap();
        let hash = |digit: char| digit.to_string().repeat(64);
        for (experiment, seed, digit) in
            [("wide", 1, 'b'), ("wide", 1, 'a'), ("wide", 10, 'c'), ("wide-seed1", 1, 'd')]
        {
            let name = of_run(experiment, seed, &hash(digit), "safetensors");
            std::fs::write(weights.join(name), "").unwrap();
        }
        std::fs::write(weights.join("wide-seed1-aaaaaaaaaaaa.safetensors.superseded"), "").unwrap();
        assert_eq!(hashes(folder.path(), "wide", 1), ["a".repeat(12), "b".repeat(12)]);
        assert_eq!(hashes(folder.path(), "wide", 10), ["c".repeat(12)]);
        assert!(hashes(folder.path(), "narrow", 1).is_empty());
        assert!(hashes(&folder.path().join("none"), "wide", 1).is_empty());
    }
}
