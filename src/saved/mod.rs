//! The files that a run leaves for others: what they are called under `results/<sweep name>/`, and
//! what weights on the disk look like from outside.

mod header;
mod state;
mod tensors;
mod weights;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use header::open;
pub use state::{State, hash, header_of};
pub use tensors::{How, Parted, parted};
pub use weights::{Faults, check, faults, hex, sha256};

/// Leading characters of the spec hash in names of folders.
pub const HASH_IN_NAME: usize = 12;

/// The folder of a sweep.
pub fn folder(results: &Path, sweep: &str) -> PathBuf {
    results.join(file_name(sweep))
}

/// The folder of the folders of runs, in that of a sweep.
pub fn runs(sweep: &Path) -> PathBuf {
    sweep.join("runs")
}

/// What a run has in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFile {
    /// Its rows, as the tables have them. It stands there once the run has ended, or waits.
    Record,
    /// Its sweep with this run alone: RON that runs again as it is.
    Spec,
    /// What it trained with and on.
    Environment,
    /// Its rows of `epochs.csv`.
    Epochs,
    /// Its weights after the last epoch.
    Weights,
    /// What it says of every test image.
    Predictions,
    /// What was told of it.
    Log,
    /// Its latest checkpoint, while it trains or waits.
    Checkpoint,
    /// The checkpoint before that.
    EarlierCheckpoint,
    /// How long it has trained up to that, while it trains.
    Clock,
}

impl RunFile {
    /// The name of the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Record => "record.ron",
            Self::Spec => "spec.ron",
            Self::Environment => "environment.ron",
            Self::Epochs => "epochs.csv",
            Self::Weights => "weights.safetensors",
            Self::Predictions => "predictions.safetensors",
            Self::Log => "log.txt",
            Self::Checkpoint => "checkpoint.safetensors",
            Self::EarlierCheckpoint => "checkpoint.before.safetensors",
            Self::Clock => "clock.ron",
        }
    }
}

/// The folder of a run, `results/<sweep name>/runs/<experiment>-seed<seed>-<hash>/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// That of a run in the folder of its sweep; distinct runs have distinct ones.
    pub fn of(sweep: &Path, experiment: &str, seed: u64, hash: &str) -> Self {
        let name = file_name(&format!("{experiment}-seed{seed}-{}", short(hash)));
        Self(runs(sweep).join(name))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Who trains it, where several share a sweep: one file after the other, from 1 on.
    pub fn claim(&self, number: u32) -> PathBuf {
        self.0.join(format!("claim.{number}"))
    }

    /// A file of it.
    pub fn file(&self, file: RunFile) -> PathBuf {
        self.0.join(file.name())
    }
}

/// The runs of an experiment with a seed whose weights are in a sweep's folder: the first characters
/// of their spec hashes, sorted.
pub fn hashes(sweep: &Path, experiment: &str, seed: u64) -> Vec<String> {
    let start = file_name(&format!("{experiment}-seed{seed}-"));
    let hash = |name: String| {
        let hash = name.strip_prefix(&start)?;
        let is_hash = hash.len() == HASH_IN_NAME && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let weights = RunFolder::of(sweep, experiment, seed, hash).file(RunFile::Weights);
        (is_hash && weights.exists()).then(|| hash.to_owned())
    };
    let entries = std::fs::read_dir(runs(sweep)).into_iter().flatten().flatten();
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

/// The name that [`file_name`] made a file name of; any other file name is its own.
pub fn name_of(file_name: &str) -> String {
    let mut parts = file_name.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => return file_name.to_owned(),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| file_name.to_owned())
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
    fn names_come_back() {
        for name in ["resnet18,width=4", "../a/b", "..", "ä %", "", "100%"] {
            assert_eq!(name_of(&file_name(name)), name);
        }
        assert_eq!(name_of("50% and %FF"), "50% and %FF");
    }

    #[test]
    fn runs_are_found_by_name_and_seed() {
        let sweep = tempfile::tempdir().unwrap();
        let hash = |digit: char| digit.to_string().repeat(64);
        let trained = |name: &str, seed, digit| {
            let run = RunFolder::of(sweep.path(), name, seed, &hash(digit));
            std::fs::create_dir_all(run.path()).unwrap();
            std::fs::write(run.file(RunFile::Weights), "").unwrap();
            run
        };
        for (experiment, seed, digit) in
            [("wide", 1, 'b'), ("wide", 1, 'a'), ("wide", 10, 'c'), ("wide-seed1", 1, 'd')]
        {
            trained(experiment, seed, digit);
        }
        let untrained = trained("wide", 1, 'e');
        std::fs::remove_file(untrained.file(RunFile::Weights)).unwrap();
        let replaced = trained("wide", 1, 'f');
        let aside = replaced.path().with_extension("superseded");
        std::fs::rename(replaced.path(), aside).unwrap();
        assert_eq!(hashes(sweep.path(), "wide", 1), ["a".repeat(12), "b".repeat(12)]);
        assert_eq!(hashes(sweep.path(), "wide", 10), ["c".repeat(12)]);
        assert!(hashes(sweep.path(), "narrow", 1).is_empty());
        assert!(hashes(&sweep.path().join("none"), "wide", 1).is_empty());
    }
}
