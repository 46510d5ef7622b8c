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
mod halving;
mod observer;
mod pool;
mod rungs;
mod split;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Instant, SystemTime};

use crate::records::{
    Decisions, Environment, EpochRow, Facts, Found, Layout, Record, RunId, RunRow, Span, Status,
    Store, StoreError, Tables, summary,
};
use crate::spec::halving::Halving;

pub use observer::{Observer, Outline, Planned, StepReport, Warning};
pub use pool::{End, Leg, OneByOne, Outcome, Pool, RunLog, Trained, Trainer, Watch, Work, attempt};
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
    let mut sweep = Sweep {
        job,
        store,
        observer,
        records: BTreeMap::new(),
        begun: BTreeSet::new(),
        failed: BTreeSet::new(),
        decisions: None,
        unwritten: None,
    };
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
    /// Which experiments are trained to their end; all where there is none.
    pub halving: Option<Halving>,
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
        let is_good = |run: &RunRow| matches!(run.status, Status::Ok | Status::Dropped);
        self.unwritten.is_none() && self.tables.runs.iter().all(is_good)
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
    /// The runs that were begun now.
    begun: BTreeSet<RunId>,
    /// Those that failed now, and are not tried again.
    failed: BTreeSet<RunId>,
    /// What was decided at the rungs; none where there are no rungs.
    decisions: Option<Decisions>,
    unwritten: Option<StoreError>,
}

impl<'a, T> Sweep<'a, T> {
    fn run(&mut self, pool: &mut dyn Pool<T>, start: Start) -> Result<Summary, SweepError> {
        for run in &self.job.runs {
            self.recall(&run.id, start)?;
        }
        self.recall_decisions(start)?;
        self.remove_states()?;
        self.store.write_tables(&self.tables())?;
        let due = self.due();
        let kept = self.job.runs.len() - due.len();
        self.tell_plan(&due, pool.at_once());
        match &self.job.halving {
            Some(rule) => self.halve(rule, pool)?,
            None => self.train(&due, None, pool)?,
        }
        self.store.tidy_states();
        let (tables, unwritten) = (self.tables(), self.unwritten.take());
        Ok(Summary { tables, trained: self.begun.len(), kept, unwritten })
    }

    /// Removes the states of runs that are over, which a kill may have left.
    fn remove_states(&self) -> Result<(), StoreError> {
        let mut records = self.records.values().filter(|record| self.is_over(record));
        records.try_for_each(|record| self.store.remove_state(&record.id()))
    }

    /// Has runs trained to their end, or until so many epochs of each are done.
    fn train(
        &mut self,
        due: &[&'a Run<T>],
        until: Option<u32>,
        pool: &mut dyn Pool<T>,
    ) -> Result<(), StoreError> {
        if until.is_some() {
            self.store.prepare_states()?;
        }
        let work = due.iter().map(|&run| {
            let path = self.store.state_path(&run.id);
            let state = Some(path).filter(|path| until.is_some() || path.exists());
            Work { run, leg: Leg { until, state } }
        });
        let work: Vec<Work<'_, T>> = work.collect();
        let live = due.iter().map(|run| Live::of(run, until, self.records.get(&run.id))).collect();
        pool.train_all(&work, &mut Keeper { sweep: self, live })
    }

    /// Looks for what is recorded of a run.
    fn recall(&mut self, id: &RunId, start: Start) -> Result<(), StoreError> {
        if start == Start::Fresh {
            self.store.remove_state(id)?;
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
        let finished = |run: &Run<T>| self.records.get(&run.id).is_some_and(|r| self.is_over(r));
        self.job.runs.iter().filter(|run| !finished(run)).collect()
    }

    fn tell_plan(&mut self, due: &[&Run<T>], at_once: usize) {
        let kept = self.job.runs.iter().filter_map(|run| self.records.get(&run.id));
        let planned = Planned {
            sweep: self.job.name.clone(),
            due: due.iter().map(|run| Outline::of(run)).collect(),
            kept: kept.filter(|record| self.is_over(record)).map(|r| r.run.clone()).collect(),
            at_once,
            drops: self.job.halving.is_some(),
        };
        self.observer.planned(&planned);
    }

    /// Keeps the record of a run that ended or waits, and writes the tables. The state of a run
    /// goes once its record says that it has ended; a run that failed may go on from it.
    fn keep(&mut self, outline: &Outline, record: Record) -> Result<(), StoreError> {
        self.store.save(&record)?;
        match record.run.status {
            Status::Paused => self.observer.paused(outline, &record.run),
            _ => self.observer.finished(outline, &record.run),
        }
        match record.run.status {
            Status::Paused => {}
            Status::Failed => drop(self.failed.insert(outline.id.clone())),
            _ => self.store.remove_state(&outline.id)?,
        }
        self.records.insert(outline.id.clone(), record);
        self.unwritten = self.store.write_tables(&self.tables()).err();
        if let Some(error) = &self.unwritten {
            self.observer.warned(&Warning::TablesUnwritten(error));
        }
        Ok(())
    }

    fn tables(&self) -> Tables {
        let halving = self.decisions.as_ref().map(|decisions| decisions.rows.clone());
        Tables { halving, ..Tables::of(&self.job.layout, self.records.values()) }
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
    until: Option<u32>,
    /// The record of the run where it waited.
    before: Option<Record>,
    started: (SystemTime, Instant),
    epochs: Vec<EpochRow>,
}

impl<'a, T> Live<'a, T> {
    fn of(run: &'a Run<T>, until: Option<u32>, before: Option<&Record>) -> Self {
        let before = before.filter(|record| record.run.status == Status::Paused).cloned();
        let (started, epochs) = ((SystemTime::now(), Instant::now()), Vec::new());
        Self { run, outline: Outline::of(run), until, before, started, epochs }
    }

    /// The record of the run, which ended now.
    fn record(&mut self, end: &End, environment: &Environment) -> Record {
        let (epochs, (started, clock)) = (std::mem::take(&mut self.epochs), self.started);
        let ending = ending::ending(end, (self.run.epochs, self.until), &epochs);
        let span = Span { started, wall: clock.elapsed() };
        let record = Record::new(&self.run.id, &self.run.facts, environment, epochs, ending, span);
        match &self.before {
            Some(before) => record.after(before),
            None => record,
        }
    }
}

impl<T> Watch for Keeper<'_, '_, T> {
    fn started(&mut self, at: usize) {
        let live = &mut self.live[at];
        live.started = (SystemTime::now(), Instant::now());
        self.sweep.begun.insert(live.run.id.clone());
        match &live.before {
            Some(before) => self.sweep.observer.resumed(&live.outline, &before.run),
            None => self.sweep.observer.started(&live.outline),
        }
    }

    fn step(&mut self, at: usize, step: &StepReport) {
        self.sweep.observer.step(&self.live[at].outline, step);
    }

    fn epoch(&mut self, at: usize, row: EpochRow) {
        self.sweep.observer.epoch(&self.live[at].outline, &row);
        self.live[at].epochs.push(row);
    }

    fn recalled(&mut self, at: usize, row: EpochRow) {
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
