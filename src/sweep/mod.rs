//! A sweep: runs in order, each trained once and recorded as it ends.
//!
//! Nothing here knows of tensors. A [`Trainer`] trains one run and knows nothing of the others; an
//! [`Observer`] is told what happens. Between them, [`execute`] decides which runs are due, keeps a
//! record of each however it ends, and writes the tables.
//!
//! **Invariant:** a run that ended is on the disk before the next one starts, so a process that is
//! killed loses at most the run in hand.
//!
//! **Invariant:** an error or a panic of the trainer ends its run and no other.

mod observer;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Instant, SystemTime};

use crate::records::{
    Ending, Environment, EpochRow, Facts, Found, Layout, Record, RunId, Span, Status, Store,
    StoreError, Tables, summary,
};

pub use observer::{Observer, Outline, Planned, StepReport, Warning};

/// Runs every run of a sweep that is due, and returns what the sweep's records then say.
///
/// Before the first run, and after each, the four tables are written. After a run ends its record
/// is kept first; tables that then cannot be written are a warning, and are tried again after the
/// next run.
///
/// # Errors
///
/// [`SweepError::Duplicate`] before anything is touched, and [`SweepError::Store`] where the
/// folder cannot be used or a record cannot be kept. A run that fails is no error: see
/// [`Summary::is_clean`].
pub fn execute<T, R: Trainer<T>>(
    job: &Job<T>,
    trainer: &mut R,
    store: &Store,
    observer: &mut dyn Observer,
    start: Start,
) -> Result<Summary, SweepError> {
    refuse_duplicates(&job.runs)?;
    let mut sweep = Sweep { job, store, observer, records: BTreeMap::new(), unwritten: None };
    let outcome = sweep.run(trainer, start);
    observer.ended();
    outcome
}

/// The runs of a sweep, and what they share.
#[derive(Debug, Clone)]
pub struct Job<T> {
    /// The name of the sweep.
    pub name: String,
    /// Device, threads and versions, as they are recorded in each row.
    pub environment: Environment,
    /// The experiments in the order of the tables, and their axes.
    pub layout: Layout,
    /// The runs in the order in which they are trained.
    pub runs: Vec<Run<T>>,
}

/// One run of a sweep: an experiment with a seed.
#[derive(Debug, Clone)]
pub struct Run<T> {
    /// Experiment, seed and spec hash.
    pub id: RunId,
    /// Epochs to train.
    pub epochs: u32,
    /// What is known of the run before it trains, as it is recorded in its row.
    pub facts: Facts,
    /// What the trainer needs; opaque here.
    pub payload: T,
}

/// Trains one run; knows nothing of the others.
pub trait Trainer<T> {
    /// Why a run could not be trained. The first line of its message, followed by those of its
    /// sources, becomes the reason on record.
    type Error: Error;

    /// Trains and evaluates a run, telling `log` of each epoch as it ends.
    ///
    /// All that a run needs is made in here: after an error or a panic the trainer is called for
    /// the next run all the same.
    ///
    /// # Errors
    ///
    /// Whatever keeps the run from its end; the epochs told until then are kept.
    fn train(&mut self, run: &Run<T>, log: &mut RunLog<'_>) -> Result<Trained, Self::Error>;
}

/// A run that the trainer brought to an end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trained {
    /// Whether it trained all its epochs.
    pub outcome: Outcome,
    /// Median latency in milliseconds of the forward pass of one image.
    pub latency_ms: Option<f64>,
    /// Peak memory in units of 10^6 bytes.
    pub peak_memory_mb: Option<f64>,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It trained all its epochs.
    Completed,
    /// Its loss became NaN or infinite.
    Diverged {
        /// The epoch in which it did; the first is 1.
        epoch: u32,
    },
}

/// Where a trainer tells what happens in its run.
pub struct RunLog<'a> {
    run: Outline,
    epochs: Vec<EpochRow>,
    observer: &'a mut dyn Observer,
}

impl RunLog<'_> {
    /// A training step is done. Costs next to nothing; needs no loss, which would make the host
    /// wait for the device.
    pub fn step(&mut self, step: &StepReport) {
        self.observer.step(&self.run, step);
    }

    /// An epoch is trained and evaluated.
    pub fn epoch(&mut self, row: EpochRow) {
        self.observer.epoch(&self.run, &row);
        self.epochs.push(row);
    }

    /// Something the user should know, which does not stop the run.
    pub fn warned(&mut self, warning: &Warning<'_>) {
        self.observer.warned(warning);
    }
}

/// What becomes of runs that are recorded as finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// They are kept; runs that failed are tried again.
    Resume,
    /// Every run is trained again; the records of the runs are renamed to `*.superseded`.
    Fresh,
}

/// What the records of a sweep say at its end.
#[derive(Debug)]
pub struct Summary {
    /// The tables over all runs of the sweep, those recorded earlier included.
    pub tables: Tables,
    /// Runs trained now, however they ended.
    pub trained: usize,
    /// Runs kept from an earlier start.
    pub kept: usize,
    /// Why the tables on the disk are not those of `tables`; the records are kept all the same.
    pub unwritten: Option<StoreError>,
}

impl Summary {
    /// Whether every run of the sweep ended well and the tables are written. Where not, the
    /// command's exit code is 1.
    pub fn is_clean(&self) -> bool {
        self.unwritten.is_none() && self.tables.runs.iter().all(|run| run.status == Status::Ok)
    }

    /// The summary to print, as [`summary`] makes it.
    pub fn text(&self) -> String {
        summary(&self.tables)
    }
}

/// What keeps a sweep from starting or going on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// Two runs would have one row.
    #[error(
        "experiment `{experiment}` stands twice with seed {seed}; \
         name each experiment differently and list each seed once"
    )]
    Duplicate {
        /// Name of the experiment.
        experiment: String,
        /// The seed.
        seed: u64,
    },
    /// The results folder cannot be used, or a record cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A sweep under way.
struct Sweep<'a, T> {
    job: &'a Job<T>,
    store: &'a Store,
    observer: &'a mut dyn Observer,
    /// The latest record of each run of the job that has one.
    records: BTreeMap<RunId, Record>,
    unwritten: Option<StoreError>,
}

impl<'a, T> Sweep<'a, T> {
    fn run<R: Trainer<T>>(&mut self, trainer: &mut R, start: Start) -> Result<Summary, SweepError> {
        for run in &self.job.runs {
            self.recall(&run.id, start)?;
        }
        self.store.write_tables(&self.tables())?;
        let due = self.due();
        let kept = self.job.runs.len() - due.len();
        self.tell_plan(&due);
        for run in &due {
            self.train(run, trainer)?;
        }
        let (tables, unwritten) = (self.tables(), self.unwritten.take());
        Ok(Summary { tables, trained: due.len(), kept, unwritten })
    }

    /// Looks for what is recorded of a run.
    fn recall(&mut self, id: &RunId, start: Start) -> Result<(), StoreError> {
        if start == Start::Fresh {
            return self.store.supersede(id);
        }
        match self.store.find(id)? {
            Found::Nothing => {}
            Found::Record(record) => drop(self.records.insert(id.clone(), *record)),
            Found::SetAside { path, aside, why } => {
                self.observer.warned(&Warning::SetAside { path: &path, aside: &aside, why: &why });
            }
        }
        Ok(())
    }

    /// The runs without a record that says they are finished.
    fn due(&self) -> Vec<&'a Run<T>> {
        let finished = |run: &Run<T>| self.records.get(&run.id).is_some_and(Record::is_finished);
        self.job.runs.iter().filter(|run| !finished(run)).collect()
    }

    fn tell_plan(&mut self, due: &[&Run<T>]) {
        let kept = self.job.runs.iter().filter_map(|run| self.records.get(&run.id));
        let planned = Planned {
            sweep: self.job.name.clone(),
            due: due.iter().map(|run| Outline::of(run)).collect(),
            kept: kept.filter(|record| record.is_finished()).map(|r| r.run.clone()).collect(),
        };
        self.observer.planned(&planned);
    }

    /// Trains a run, keeps its record, and writes the tables.
    fn train<R: Trainer<T>>(&mut self, run: &Run<T>, trainer: &mut R) -> Result<(), StoreError> {
        let outline = Outline::of(run);
        self.observer.started(&outline);
        let record = attempt(run, &self.job.environment, trainer, self.observer);
        self.store.save(&record)?;
        self.observer.finished(&outline, &record.run);
        self.records.insert(run.id.clone(), record);
        self.unwritten = self.store.write_tables(&self.tables()).err();
        if let Some(error) = &self.unwritten {
            self.observer.warned(&Warning::TablesUnwritten(error));
        }
        Ok(())
    }

    fn tables(&self) -> Tables {
        Tables::of(&self.job.layout, self.records.values())
    }
}

/// Trains a run; whatever happens in it, its record comes back.
fn attempt<T, R: Trainer<T>>(
    run: &Run<T>,
    environment: &Environment,
    trainer: &mut R,
    observer: &mut dyn Observer,
) -> Record {
    let (started, clock) = (SystemTime::now(), Instant::now());
    let mut log = RunLog { run: Outline::of(run), epochs: Vec::new(), observer };
    // A trainer makes all that a run needs within the run, so a panic leaves nothing half made.
    let trained = catch_unwind(AssertUnwindSafe(|| trainer.train(run, &mut log)));
    let ending = match trained {
        Ok(Ok(trained)) => ending(trained, run.epochs, &log.epochs),
        Ok(Err(error)) => failed(&told(&error)),
        Err(panic) => failed(&format!("panicked: {}", message(panic.as_ref()))),
    };
    let span = Span { started, wall: clock.elapsed() };
    Record::new(&run.id, &run.facts, environment, log.epochs, ending, span)
}

/// The ending of a run that the trainer brought to its end, checked against its epochs.
fn ending(trained: Trained, planned: u32, epochs: &[EpochRow]) -> Ending {
    let broken = epochs.iter().find(|row| !row.train_loss.is_finite()).map(|row| row.epoch);
    let (status, reason) = match (trained.outcome, broken) {
        (Outcome::Diverged { epoch }, _) | (Outcome::Completed, Some(epoch)) => {
            let reason = format!("the loss became NaN or infinite in epoch {epoch}");
            (Status::Diverged, Some(reason))
        }
        (Outcome::Completed, None) => match shortfall(planned, epochs) {
            Some(reason) => return failed(&reason),
            None => (Status::Ok, None),
        },
    };
    let Trained { latency_ms, peak_memory_mb, .. } = trained;
    Ending { status, reason, latency_ms, peak_memory_mb }
}

/// What a run lacks that claims to have trained all its epochs.
fn shortfall(planned: u32, epochs: &[EpochRow]) -> Option<String> {
    if !epochs.iter().map(|row| row.epoch).eq(1..=planned) {
        return Some(format!("the trainer reported {} of {planned} epochs", epochs.len()));
    }
    let untested = epochs.last().is_some_and(|row| row.top1.is_none());
    untested.then(|| "the trainer reported no test accuracy after the last epoch".to_owned())
}

fn failed(reason: &str) -> Ending {
    let reason = Some(first_line(reason));
    Ending { status: Status::Failed, reason, latency_ms: None, peak_memory_mb: None }
}

/// An error with its sources, the first line of each; a source that its error already quotes is
/// not told twice.
fn told(error: &dyn Error) -> String {
    let mut text = String::new();
    for error in iter::successors(Some(error), |&error| error.source()) {
        let line = first_line(&error.to_string());
        match text.as_str() {
            "" => text = line,
            told if told.contains(&line) => {}
            _ => text = format!("{text}: {line}"),
        }
    }
    text
}

/// The longest reason that is recorded, in characters.
const LONGEST_REASON: usize = 300;

/// The first line that says something, cut to [`LONGEST_REASON`]: messages of libtorch go on with
/// a backtrace.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or("no reason given");
    if line.chars().count() <= LONGEST_REASON {
        return line.to_owned();
    }
    line.chars().take(LONGEST_REASON - 1).chain(['…']).collect()
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

fn refuse_duplicates<T>(runs: &[Run<T>]) -> Result<(), SweepError> {
    let mut seen = BTreeSet::new();
    for RunId { experiment, seed, .. } in runs.iter().map(|run| &run.id) {
        if !seen.insert((experiment, seed)) {
            return Err(SweepError::Duplicate { experiment: experiment.clone(), seed: *seed });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_at_most_300_characters() {
        assert_eq!(first_line("\n  CUDA out of memory. \nframe #0: ..."), "CUDA out of memory.");
        assert_eq!(first_line(&"é".repeat(300)), "é".repeat(300));
        assert_eq!(first_line(&"é".repeat(301)).chars().count(), 300);
        assert_eq!(first_line(""), "no reason given");
    }
}
