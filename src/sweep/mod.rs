//! A sweep: runs in order, each trained once and recorded as it ends.
//!
//! Nothing here knows of tensors. A [`Trainer`] trains one run and knows nothing of the others; a
//! [`Pool`] has the runs trained, one or several at a time; an [`Observer`] is told what happens.
//! Between them, [`execute`] decides which runs are due, keeps a record of each however it ends, and
//! writes the tables.
//!
//! **Invariant:** a run that ended is on the disk before another takes its place, so a process that
//! is killed loses at most the runs in hand.
//!
//! **Invariant:** an error or a panic of the trainer ends its run and no other.

mod ending;
mod observer;
mod pool;
mod split;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Instant, SystemTime};

use crate::records::{
    Environment, EpochRow, Facts, Found, Layout, Record, RunId, Span, Status, Store, StoreError,
    Tables, summary,
};

pub use observer::{Observer, Outline, Planned, StepReport, Warning};
pub use pool::{End, OneByOne, Outcome, Pool, RunLog, Trained, Trainer, Watch, Work, attempt};
pub use split::{Calibration, Cost, Measured, Split, Stopwatch, calibrate, is_short, too_large};

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
pub fn execute<T>(
    job: &Job<T>,
    pool: &mut dyn Pool<T>,
    store: &Store,
    observer: &mut dyn Observer,
    start: Start,
) -> Result<Summary, SweepError> {
    refuse_duplicates(&job.runs)?;
    let mut sweep = Sweep { job, store, observer, records: BTreeMap::new(), unwritten: None };
    let outcome = sweep.run(pool, start);
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
    fn run(&mut self, pool: &mut dyn Pool<T>, start: Start) -> Result<Summary, SweepError> {
        for run in &self.job.runs {
            self.recall(&run.id, start)?;
        }
        self.store.write_tables(&self.tables())?;
        let due = self.due();
        let kept = self.job.runs.len() - due.len();
        self.tell_plan(&due, pool.at_once());
        let work: Vec<Work<'_, T>> = due.iter().map(|&run| Work { run }).collect();
        let live = due.iter().map(|run| Live::of(run)).collect();
        pool.train_all(&work, &mut Keeper { sweep: self, live })?;
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

    fn tell_plan(&mut self, due: &[&Run<T>], at_once: usize) {
        let kept = self.job.runs.iter().filter_map(|run| self.records.get(&run.id));
        let planned = Planned {
            sweep: self.job.name.clone(),
            due: due.iter().map(|run| Outline::of(run)).collect(),
            kept: kept.filter(|record| record.is_finished()).map(|r| r.run.clone()).collect(),
            at_once,
        };
        self.observer.planned(&planned);
    }

    /// Keeps the record of a run that ended, and writes the tables.
    fn keep(&mut self, outline: &Outline, record: Record) -> Result<(), StoreError> {
        self.store.save(&record)?;
        self.observer.finished(outline, &record.run);
        self.records.insert(outline.id.clone(), record);
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

/// Makes records of what a pool tells.
struct Keeper<'s, 'a, T> {
    sweep: &'s mut Sweep<'a, T>,
    /// The runs that are due, in the order in which the pool has them.
    live: Vec<Live<'a, T>>,
}

/// A run that is due or under way.
struct Live<'a, T> {
    run: &'a Run<T>,
    outline: Outline,
    started: (SystemTime, Instant),
    epochs: Vec<EpochRow>,
}

impl<'a, T> Live<'a, T> {
    fn of(run: &'a Run<T>) -> Self {
        let started = (SystemTime::now(), Instant::now());
        Self { run, outline: Outline::of(run), started, epochs: Vec::new() }
    }

    /// The record of the run, which ended now.
    fn record(&mut self, end: &End, environment: &Environment) -> Record {
        let (epochs, (started, clock)) = (std::mem::take(&mut self.epochs), self.started);
        let ending = ending::ending(end, self.run.epochs, &epochs);
        let span = Span { started, wall: clock.elapsed() };
        Record::new(&self.run.id, &self.run.facts, environment, epochs, ending, span)
    }
}

impl<T> Watch for Keeper<'_, '_, T> {
    fn started(&mut self, at: usize) {
        let live = &mut self.live[at];
        live.started = (SystemTime::now(), Instant::now());
        self.sweep.observer.started(&live.outline);
    }

    fn step(&mut self, at: usize, step: &StepReport) {
        self.sweep.observer.step(&self.live[at].outline, step);
    }

    fn epoch(&mut self, at: usize, row: EpochRow) {
        self.sweep.observer.epoch(&self.live[at].outline, &row);
        self.live[at].epochs.push(row);
    }

    fn said(&mut self, at: Option<usize>, line: &str) {
        let run = at.map(|at| &self.live[at].outline);
        self.sweep.observer.warned(&Warning::Said { run, line });
    }

    fn ended(&mut self, at: usize, end: End) -> Result<(), StoreError> {
        let record = self.live[at].record(&end, &self.sweep.job.environment);
        self.sweep.keep(&self.live[at].outline, record)
    }
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
