//! The checkpoints of a run: when one is due, the file and the one before it.
//!
//! **Invariant:** while a checkpoint is written the last good one is there, under its own name or as
//! the one before. One that was cut short or changed is told by its hash, and the one before is used.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::saved::{FileError, Saved, read, write_keeping};
use crate::saved::{RunFile, RunFolder};

/// The largest share of the time since the last checkpoint that one may take.
const SHARE: f64 = 0.02;
/// Bytes a second at which the first is expected to be written; later ones are expected to take as
/// long as the one before.
const EXPECTED: f64 = 200e6;

/// Where a run is when it is asked whether a checkpoint is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Between two steps of an epoch.
    Step,
    /// Between two epochs.
    Epoch,
}

/// The checkpoints of a run.
#[derive(Debug)]
pub struct Checkpoints {
    folder: RunFolder,
    pace: Pace,
}

/// When a checkpoint is due: after an epoch, and within one where the last is so long ago, unless it
/// took more than [`SHARE`] of the time since. Without a least time it is due after every step.
#[derive(Debug)]
struct Pace {
    /// Least time between two within an epoch.
    every: Duration,
    last: Instant,
    cost: Duration,
}

impl Checkpoints {
    /// Those of a run in its folder, at least `every` apart within an epoch; `bytes` are expected to
    /// be written for one.
    pub fn new(folder: RunFolder, every: Duration, bytes: u64) -> Self {
        let cost = Duration::from_secs_f64(bytes as f64 / EXPECTED);
        Self { folder, pace: Pace { every, last: Instant::now(), cost } }
    }

    /// Whether one is due. Asked at every step: costs a look at the clock.
    pub fn is_due(&self, moment: Moment) -> bool {
        self.pace.is_due(moment, self.pace.last.elapsed())
    }

    /// Writes a checkpoint; the last one becomes the one before. Waits for the device.
    ///
    /// # Errors
    /// What cannot be written; the last one is then still there.
    pub fn write(&mut self, saved: &Saved) -> Result<(), FileError> {
        let begun = Instant::now();
        let written = write_to(&self.folder, saved);
        // One that fails is not tried again at once.
        (self.pace.cost, self.pace.last) = (begun.elapsed(), Instant::now());
        written
    }

    /// The latest checkpoint that can be used, none where there is none, and a word on each that
    /// cannot; such a one is set aside.
    pub fn read(folder: &RunFolder) -> (Option<Saved>, Vec<String>) {
        let mut words = Vec::new();
        for file in [RunFile::Checkpoint, RunFile::EarlierCheckpoint] {
            let path = folder.file(file);
            match read(&path) {
                Ok(saved) => return (Some(saved), words),
                Err(FileError::Missing { .. }) => {}
                Err(error) => words.push(format!("{error}{}", set_aside(path))),
            }
        }
        (None, words)
    }
}

/// Writes a checkpoint to a folder; the last one becomes the one before.
fn write_to(folder: &RunFolder, saved: &Saved) -> Result<(), FileError> {
    let (path, before) =
        (folder.file(RunFile::Checkpoint), folder.file(RunFile::EarlierCheckpoint));
    std::fs::create_dir_all(folder.path())
        .map_err(|source| FileError::Unwritable { path: path.clone(), source })?;
    write_keeping(&path, &before, saved)
}

/// Renames a file that cannot be used, lest it takes the place of one that can.
fn set_aside(path: PathBuf) -> String {
    let aside = path.with_extension("corrupt");
    match std::fs::rename(&path, &aside) {
        Ok(()) => format!("; it is now {}", aside.display()),
        Err(error) => format!("; it cannot be renamed ({error})"),
    }
}

impl Pace {
    fn is_due(&self, moment: Moment, since: Duration) -> bool {
        if self.every.is_zero() {
            return true;
        }
        let is_time = moment == Moment::Epoch || since >= self.every;
        is_time && self.cost.as_secs_f64() <= SHARE * since.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_due_after_an_epoch_or_some_minutes_where_it_is_cheap() {
        let seconds = Duration::from_secs;
        let pace = |cost| Pace { every: seconds(120), last: Instant::now(), cost };
        let cheap = pace(Duration::from_millis(10));
        assert!(cheap.is_due(Moment::Epoch, seconds(1)));
        assert!(!cheap.is_due(Moment::Step, seconds(119)));
        assert!(cheap.is_due(Moment::Step, seconds(120)));
        let dear = pace(seconds(3));
        assert!(!dear.is_due(Moment::Epoch, seconds(149)));
        assert!(dear.is_due(Moment::Epoch, seconds(150)));
        assert!(!dear.is_due(Moment::Step, seconds(149)));
        let always = Pace { every: Duration::ZERO, ..dear };
        assert!(always.is_due(Moment::Step, Duration::ZERO));
    }

    #[test]
    fn the_first_is_expected_to_cost_by_its_size() {
        let run = RunFolder::of(std::path::Path::new("x"), "a", 0, "b");
        let first = |bytes| Checkpoints::new(run.clone(), Duration::ZERO, bytes).pace.cost;
        assert_eq!((first(0), first(400_000_000)), (Duration::ZERO, Duration::from_secs(2)));
    }
}
