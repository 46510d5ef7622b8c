//! `cargo xtask verify-resume`: whether a sweep that is killed again and again ends with the tables and
//! weights of one that was not.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use resweep::records::{
    AccuracyRow, Column, EpochRow, HalvingRow, Row, RunRow, SeedsRow, TimingRow,
};
use resweep::saved::RunFile;

use crate::handover::{HandoverError, Kept};

/// `cargo xtask verify-resume`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The sweep, a RON file such as experiments/quick.ron.
    spec: PathBuf,
    /// How often a sweep is killed. One that ends before is compared, and another is begun.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    kills: u32,
    /// Seed of the instants.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Change one field for this invocation, as in `train.epochs=1`.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Runs that train at the same time.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    jobs: u32,
    /// The folder that holds cifar-10-batches-bin, or is it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Why nothing is verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The binary.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// A process, or a folder for it.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// A sweep that does not end well without being killed.
    #[error("the sweep ended with {0} though nothing had killed it; it said:\n{1}")]
    Ended(std::process::ExitStatus, String),
}

/// Kills sweeps, has them go on, and compares.
///
/// # Errors
/// Why that cannot be done.
pub fn run(args: &VerifyArgs) -> Result<ExitCode, VerifyError> {
    let libtorch = crate::setup::libtorch().map_err(HandoverError::from)?;
    let binary = Kept::build(&libtorch)?;
    let failed = |source| VerifyError::System { what: "no folder could be made", source };
    let folder = tempfile::tempdir().map_err(failed)?;
    let verify = Verify { args, binary: &binary, folder: folder.path() };
    let begun = Instant::now();
    let whole = verify.folder.join("whole");
    verify.to_the_end(&whole, 120.0)?;
    let length = begun.elapsed();
    eprintln!("the sweep takes {:.1} s without being killed", length.as_secs_f64());
    let wanted = Left::of(&whole).map_err(failed)?;
    println!("{} files to compare", wanted.0.len());

    let mut random = StdRng::seed_from_u64(args.seed);
    let (mut tally, mut sweeps, mut differ) = (Tally::default(), 0, 0);
    while tally.kills < args.kills {
        sweeps += 1;
        let results = verify.folder.join(format!("killed{sweeps}"));
        verify.kill_till_the_end(&results, length, &mut random, &mut tally)?;
        let faults = Left::of(&results).map_err(failed)?.against(&wanted);
        faults.iter().for_each(|fault| println!("sweep {sweeps}: {fault}"));
        differ += u32::from(!faults.is_empty());
        eprintln!("sweep {sweeps} is over, after {} kills in all", tally.kills);
    }
    println!("{tally}; {} of {sweeps} sweeps ended equal, measured columns aside", sweeps - differ);
    Ok(if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Verify<'a> {
    args: &'a VerifyArgs,
    binary: &'a Kept,
    folder: &'a Path,
}

/// What became of the kills.
#[derive(Default)]
struct Tally {
    kills: u32,
    /// Those that came while a file was being written.
    in_writes: u32,
    /// Those among them that came while a table was.
    in_tables: u32,
    /// Those that left a run with a checkpoint.
    with_checkpoint: u32,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kills, in_writes, in_tables, with_checkpoint } = self;
        write!(
            f,
            "{kills} kills, {in_writes} of them while a file was being written ({in_tables} a table), \
             {with_checkpoint} with a run that had a checkpoint"
        )
    }
}

impl Verify<'_> {
    /// The sweep, started. Checkpoints are written so many seconds apart.
    fn start(&self, results: &Path, every: f64) -> Result<Child, VerifyError> {
        let failed = |source| VerifyError::System { what: "the sweep cannot be started", source };
        std::fs::create_dir_all(results).map_err(failed)?;
        let words = results.join("words.txt");
        let words = std::fs::File::options().append(true).create(true).open(words);
        let words = words.map_err(failed)?;
        let mut command: Command = self.binary.command();
        command.arg("sweep").arg(&self.args.spec).arg("--results").arg(results);
        command.args(["--device", "cpu", "--jobs", &self.args.jobs.to_string()]);
        command.args(["--checkpoint-every", &every.to_string()]);
        // One number of threads in all starts, or the bytes would not be the same.
        command.args(["--threads", &(cores() / self.args.jobs).max(1).to_string()]);
        command.args(self.args.set.iter().flat_map(|set| ["--set", set]));
        if let Some(data) = &self.args.data {
            command.arg("--data").arg(data);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words);
        command.spawn().map_err(failed)
    }

    fn to_the_end(&self, results: &Path, every: f64) -> Result<(), VerifyError> {
        let status = self.start(results, every)?.wait();
        let status = status.map_err(|source| VerifyError::System { what: "waiting", source })?;
        let words = || std::fs::read_to_string(results.join("words.txt")).unwrap_or_default();
        match status.success() {
            true => Ok(()),
            false => Err(VerifyError::Ended(status, words())),
        }
    }

    /// Starts a sweep and kills it after a random time, until it is at its end or has been killed
    /// often enough; then it goes on to its end.
    fn kill_till_the_end(
        &self,
        results: &Path,
        length: Duration,
        random: &mut StdRng,
        tally: &mut Tally,
    ) -> Result<(), VerifyError> {
        let system = |source| VerifyError::System { what: "killing a sweep", source };
        while tally.kills < self.args.kills {
            // Half of the time every step ends with a checkpoint, so that many kills meet one; without,
            // those that wait for a write meet tables too.
            let every = if random.random() { 0.0 } else { 0.5 };
            let aim =
                [Aim::Instant, Aim::Instant, Aim::Write, Aim::Table][random.random_range(0..4)];
            let mut child = self.start(results, every)?;
            let due = Instant::now() + length.mul_f64(random.random_range(0.0..0.7));
            let last = due + if aim == Aim::Instant { Duration::ZERO } else { PATIENCE };
            let ended = loop {
                let now = Instant::now();
                match child.try_wait().map_err(system)? {
                    Some(status) => break Some(status),
                    None if now >= last || now >= due && aim.is_met(results) => break None,
                    None if now >= due => {}
                    None => std::thread::sleep(Duration::from_millis(1)),
                }
            };
            match ended {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    let words = std::fs::read_to_string(results.join("words.txt"));
                    return Err(VerifyError::Ended(status, words.unwrap_or_default()));
                }
                None => {
                    child.kill().map_err(system)?;
                    child.wait().map_err(system)?;
                    tally.kills += 1;
                    tally.look(results);
                }
            }
        }
        self.to_the_end(results, 120.0)
    }
}

/// The longest that a kill waits for a write.
const PATIENCE: Duration = Duration::from_secs(5);

/// When a kill comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// At an instant that is drawn.
    Instant,
    /// After it, when any file is being written.
    Write,
    /// After it, when a table is, which takes a fraction of a millisecond.
    Table,
}

impl Aim {
    fn is_met(self, results: &Path) -> bool {
        match self {
            Self::Instant => true,
            Self::Write => writing(results).is_some(),
            Self::Table => is_writing_table(results),
        }
    }
}

/// Whether a file is being written in the folder of a sweep itself, where tables are. It looks nowhere
/// else, as it would come too late.
fn is_writing_table(results: &Path) -> bool {
    let inner = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_writing = |name: std::ffi::OsString| name.to_string_lossy().starts_with(".writing-");
    let sweeps = inner(results).map(|entry| entry.path());
    sweeps.into_iter().any(|sweep| inner(&sweep).any(|entry| is_writing(entry.file_name())))
}

/// A file that is being written, or was when the process was killed.
fn writing(results: &Path) -> Option<PathBuf> {
    let files = files(results).unwrap_or_default();
    files.into_iter().find(|(name, _)| name.contains(".writing-")).map(|(_, path)| path)
}

impl Tally {
    /// What a kill has left.
    fn look(&mut self, results: &Path) {
        if let Some(path) = writing(results) {
            self.in_writes += 1;
            let text = std::fs::read(path).unwrap_or_default();
            self.in_tables += u32::from(text.starts_with(b"experiment,"));
        }
        let files = files(results).unwrap_or_default();
        let checkpoint = RunFile::Checkpoint.name();
        self.with_checkpoint += u32::from(files.keys().any(|name| name.ends_with(checkpoint)));
    }
}

fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32)
}

/// What a sweep has left, by the names of the files, without what is measured.
struct Left(BTreeMap<String, Vec<u8>>);

impl Left {
    fn of(results: &Path) -> io::Result<Self> {
        let mut left = BTreeMap::new();
        for (name, path) in files(results)? {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let keep = [RunFile::Weights, RunFile::Predictions, RunFile::Spec];
            if let Some(columns) = columns(&file) {
                left.insert(name, unmeasured(&path, columns)?);
            } else if keep.iter().any(|it| it.name() == file) || is_state(&file) {
                left.insert(name, std::fs::read(path)?);
            }
        }
        Ok(Self(left))
    }

    /// What is not as in another.
    fn against(&self, wanted: &Self) -> Vec<String> {
        let differs = |(name, bytes): (&String, &Vec<u8>)| match self.0.get(name) {
            None => Some(format!("{name} is missing")),
            Some(ours) if ours != bytes => Some(format!("{name} differs")),
            Some(_) => None,
        };
        let surplus = self.0.keys().filter(|name| !wanted.0.contains_key(*name));
        let surplus = surplus.map(|name| format!("{name} is left"));
        wanted.0.iter().filter_map(differs).chain(surplus).collect()
    }
}

/// What must not be left at the end.
fn is_state(file: &str) -> bool {
    file.starts_with("checkpoint") || file.starts_with(".writing-") || file.ends_with(".corrupt")
}

/// The columns of a table.
fn columns(file: &str) -> Option<&'static [Column]> {
    let tables = [
        (AccuracyRow::FILE, AccuracyRow::COLUMNS),
        (TimingRow::FILE, TimingRow::COLUMNS),
        (RunRow::FILE, RunRow::COLUMNS),
        (EpochRow::FILE, EpochRow::COLUMNS),
        (HalvingRow::FILE, HalvingRow::COLUMNS),
        (SeedsRow::FILE, SeedsRow::COLUMNS),
    ];
    tables.iter().find(|(name, _)| *name == file).map(|(_, columns)| *columns)
}

/// A table without its measured columns.
fn unmeasured(path: &Path, columns: &[Column]) -> io::Result<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path)?;
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>()?;
    let measured = |name: &str| columns.iter().any(|it| it.name == name && it.is_measured());
    let Some(header) = rows.first() else { return Ok(Vec::new()) };
    let kept: Vec<usize> = (0..header.len()).filter(|&at| !measured(&header[at])).collect();
    let line = |row: &csv::StringRecord| {
        kept.iter().map(|&at| row.get(at).unwrap_or_default()).collect::<Vec<_>>().join(",")
    };
    Ok(rows.iter().map(line).collect::<Vec<_>>().join("\n").into_bytes())
}

/// All files under a folder, by their names from there.
fn files(folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(name) = path.strip_prefix(folder) {
                found.insert(name.display().to_string(), path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn left(files: &[(&str, &str)]) -> Left {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Left::of(folder.path()).unwrap()
    }

    #[test]
    fn what_is_measured_may_differ_and_nothing_else() {
        let table = |top1: &str, time: &str| format!("experiment,top1,epoch_s\na,{top1},{time}\n");
        let whole = left(&[
            ("q/epochs.csv", &table("1", "2")),
            ("q/runs/a/weights.safetensors", "w"),
            ("q/runs/a/log.txt", "x"),
        ]);
        let same =
            left(&[("q/epochs.csv", &table("1", "3")), ("q/runs/a/weights.safetensors", "w")]);
        assert!(same.against(&whole).is_empty());
        let other =
            left(&[("q/epochs.csv", &table("2", "2")), ("q/runs/a/checkpoint.safetensors", "c")]);
        let faults = [
            "q/epochs.csv differs",
            "q/runs/a/weights.safetensors is missing",
            "q/runs/a/checkpoint.safetensors is left",
        ];
        assert_eq!(other.against(&whole), faults);
    }
}
