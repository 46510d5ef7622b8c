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

mod adding;
mod ending;
mod halving;
mod observer;
mod pace;
mod pool;
mod rungs;
mod split;
mod stop;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Instant, SystemTime};

use crate::records::{
    Access, Claim, Clock, Decisions, Environment, EpochRow, Facts, Found, Layout, Record, RunId,
    RunRow, SeedsRow, Span, Status, Store, StoreError, Tables, summary,
};
use crate::spec::halving::Halving;
use crate::spec::until_resolved::UntilResolved;

use pace::Pace;

pub use observer::{Observer, Outline, Planned, StepReport, Warning};
pub use pool::{
    Admission, End, Leg, OneByOne, Outcome, Point, Pool, RunLog, Trained, Trainer, Watch, Work,
    attempt,
};
pub use split::{Calibration, Cost, Measured, Split, Stopwatch, calibrate, is_short, too_large};
pub use stop::Stop;

/// Runs every run of a sweep that is due, and returns what the sweep's records then say.
///
/// Before the first run, after each, and at the end, the four tables are written; of many runs as often
/// as that takes a small share of the time. After a run ends its record is kept first; tables that then
/// cannot be written are a warning, and are tried again after the next run.
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
        wanted: None,
        seed_rows: None,
        unwritten: None,
        pace: Pace::default(),
        is_stopping: false,
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
    /// By what rule seeds are added; all runs are trained where there is none.
    pub until_resolved: Option<UntilResolved>,
    /// Says that the sweep is to stop.
    pub stop: Stop,
}

/// One run of a sweep: an experiment with a seed.
#[derive(Debug, Clone)]
pub struct Run<T> {
    /// Experiment, seed and spec hash.
    pub id: RunId,
    /// Epochs to train.
    pub epochs: u32,
    /// The sweep with this run alone, as RON.
    pub spec: String,
    /// What is known of the run before it trains, as it is recorded in its row.
    pub facts: Facts,
    /// What the trainer needs; opaque here.
    pub payload: T,
}

/// What becomes of runs that have a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Those that are finished are kept; those that failed go on from their last checkpoint.
    Resume,
    /// Those with this status are trained again from their start, and all others kept; their folders
    /// are renamed to `*.superseded`.
    Rerun(Status),
    /// Every run is trained again; the folders of the runs are renamed to `*.superseded`.
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
    /// Runs that are not over, since the sweep was stopped or others train them.
    pub left: usize,
    /// Whether it was stopped.
    pub is_stopped: bool,
    /// Why the tables on the disk are not those of `tables`; the records are kept all the same.
    pub unwritten: Option<StoreError>,
}

impl Summary {
    /// Whether every run of the sweep that is over ended well and the tables are written. Where not,
    /// the command's exit code is 1.
    pub fn is_clean(&self) -> bool {
        let is_good =
            |run: &RunRow| matches!(run.status, Status::Ok | Status::Dropped | Status::Paused);
        self.unwritten.is_none() && !self.is_stopped && self.tables.runs.iter().all(is_good)
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
    /// How many of the first seeds of each experiment are wanted; all where seeds are not added by rule.
    wanted: Option<BTreeMap<String, u64>>,
    /// What was decided of pairs while seeds were added.
    seed_rows: Option<Vec<SeedsRow>>,
    unwritten: Option<StoreError>,
    /// When the tables are written while runs end.
    pace: Pace,
    /// Whether the observer was told that the sweep stops.
    is_stopping: bool,
}

impl<'a, T> Sweep<'a, T> {
    fn run(&mut self, pool: &mut dyn Pool<T>, start: Start) -> Result<Summary, SweepError> {
        self.recall(start)?;
        self.recall_decisions(start)?;
        self.remove_checkpoints()?;
        if let Some(rule) = &self.job.until_resolved {
            self.decide_seeds(rule);
        }
        self.write_tables()?;
        let due = self.due();
        let kept = self.job.runs.iter().filter(|run| self.is_wanted(&run.id)).count() - due.len();
        self.tell_plan(&due, pool.at_once());
        let trained = match (&self.job.halving, &self.job.until_resolved) {
            (Some(rule), _) => self.halve(rule, pool),
            (None, Some(rule)) => self.add_seeds(rule, pool),
            (None, None) => self.train(&due, None, pool),
        };
        // Whatever ends the sweep, the tables have what is recorded.
        if self.store.access() != Access::Alone || self.pace.is_behind() {
            self.unwritten = self.write_tables().err();
        }
        trained?;
        let (tables, unwritten) = (self.tables(), self.unwritten.take());
        let left = self.due().iter().filter(|run| !self.failed.contains(&run.id)).count();
        let (trained, is_stopped) = (self.begun.len(), self.is_stopping && left > 0);
        Ok(Summary { tables, trained, kept, left, is_stopped, unwritten })
    }

    /// Removes the checkpoints of runs that are over, which a kill may have left.
    fn remove_checkpoints(&self) -> Result<(), StoreError> {
        let mut records = self.records.values().filter(|record| self.is_over(record));
        records.try_for_each(|record| self.store.remove_checkpoints(&record.id()))
    }

    /// Has runs trained to their end, or until so many epochs of each are done.
    fn train(
        &mut self,
        due: &[&'a Run<T>],
        until: Option<u32>,
        pool: &mut dyn Pool<T>,
    ) -> Result<(), StoreError> {
        let work = due.iter().map(|&run| {
            let folder = Some(self.store.run(&run.id));
            Work { run, leg: Leg { until, folder } }
        });
        let work: Vec<Work<'_, T>> = work.collect();
        let live = due.iter().map(|run| Live::of(run, until, self.records.get(&run.id))).collect();
        pool.train_all(&work, &mut Keeper { sweep: self, live })
    }

    /// Looks for what is recorded of the runs.
    fn recall(&mut self, start: Start) -> Result<(), StoreError> {
        let ids = || self.job.runs.iter().map(|run| &run.id);
        if start == Start::Fresh {
            return ids().try_for_each(|id| self.store.supersede(id));
        }
        for (id, found) in ids().zip(self.store.find_all(&ids().collect::<Vec<_>>())) {
            match found? {
                Found::Nothing => {}
                Found::Record(record) if start == Start::Rerun(record.run.status) => {
                    self.store.supersede(id)?;
                }
                Found::Record(record) => drop(self.records.insert(id.clone(), *record)),
                Found::SetAside { path, aside, why } => {
                    let warning = Warning::SetAside { path: &path, aside: &aside, why: &why };
                    self.observer.warned(&warning);
                }
            }
        }
        Ok(())
    }

    /// The runs without a record that says they are finished.
    fn due(&self) -> Vec<&'a Run<T>> {
        let finished = |run: &Run<T>| self.records.get(&run.id).is_some_and(|r| self.is_over(r));
        let due = self.job.runs.iter().filter(|run| self.is_wanted(&run.id));
        due.filter(|run| !finished(run)).collect()
    }

    /// Whether its seed is among those that its experiment is to train.
    fn is_wanted(&self, id: &RunId) -> bool {
        let Some(wanted) = &self.wanted else { return true };
        wanted.get(&id.experiment).is_some_and(|seeds| id.seed < *seeds)
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
            _ => self.store.remove_checkpoints(&outline.id)?,
        }
        self.records.insert(outline.id.clone(), record);
        if !self.pace.is_time(self.records.len()) {
            return Ok(());
        }
        self.unwritten = self.write_tables().err();
        if let Some(error) = &self.unwritten {
            self.observer.warned(&Warning::TablesUnwritten(error));
        }
        Ok(())
    }

    /// Writes the tables; where others share the sweep, with what they have recorded. Where the tables
    /// are for others to write, only what is recorded is taken in.
    fn write_tables(&mut self) -> Result<(), StoreError> {
        if self.store.access() == Access::Part {
            self.recall_others();
            return Ok(());
        }
        let _held = self.store.hold_tables();
        let begun = Instant::now();
        if self.store.access() == Access::Shared {
            self.recall_others();
        }
        let written = self.store.write_tables(&self.tables());
        for (path, aside) in self.store.take_edited() {
            self.observer.warned(&Warning::Edited { path: &path, aside: &aside });
        }
        self.pace.wrote(begun.elapsed());
        written
    }

    /// Takes in what other processes have recorded meanwhile.
    fn recall_others(&mut self) {
        for run in self.due() {
            if let Some(record) = self.store.peek(&run.id) {
                self.records.insert(run.id.clone(), record);
            }
        }
    }

    /// Whether the sweep is to stop; tells the observer once.
    fn is_stopping(&mut self) -> bool {
        if self.job.stop.is_set() && !self.is_stopping {
            self.is_stopping = true;
            self.observer.stopping();
        }
        self.is_stopping
    }

    fn tables(&self) -> Tables {
        let halving = self.decisions.as_ref().map(|decisions| decisions.rows.clone());
        let seeds = self.seed_rows.clone();
        Tables { halving, seeds, ..Tables::of(&self.job.layout, self.records.values()) }
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
    /// How long it had trained where it was cut off, if it goes on from there.
    earlier: Option<Clock>,
    /// Whether a process died of it, and another tries it.
    is_second: bool,
    epochs: Vec<EpochRow>,
    /// Held while it trains, where others share the sweep.
    claim: Option<Claim>,
}

impl<'a, T> Live<'a, T> {
    fn of(run: &'a Run<T>, until: Option<u32>, before: Option<&Record>) -> Self {
        let before = before.filter(|record| record.run.status == Status::Paused).cloned();
        let (started, epochs) = ((SystemTime::now(), Instant::now()), Vec::new());
        let (outline, earlier, claim) = (Outline::of(run), None, None);
        Self { run, outline, until, before, started, earlier, is_second: false, epochs, claim }
    }

    /// How long it has trained, for when it is cut off.
    fn clock(&self) -> Clock {
        let (started, clock) = self.started;
        let own = Clock {
            started: humantime::format_rfc3339_seconds(started).to_string(),
            wall_s: clock.elapsed().as_secs_f64(),
            after: self.after(),
        };
        match &self.earlier {
            Some(Clock { started, wall_s, .. }) => {
                Clock { started: started.clone(), wall_s: own.wall_s + wall_s, ..own }
            }
            None => own,
        }
    }

    /// The epochs that its earlier record has.
    fn after(&self) -> u32 {
        self.before.as_ref().map_or(0, |before| before.run.epochs)
    }

    /// The record of the run, which ended now.
    fn record(&mut self, end: &End, environment: &Environment) -> Record {
        let (epochs, (started, clock)) = (std::mem::take(&mut self.epochs), self.started);
        let ending = ending::ending(end, (self.run.epochs, self.until), &epochs);
        let span = Span { started, wall: clock.elapsed() };
        let record = Record::new(&self.run.id, &self.run.facts, environment, epochs, ending, span);
        let record = match &self.earlier {
            Some(earlier) => record.since(earlier),
            None => record,
        };
        match &self.before {
            Some(before) => record.after(before),
            None => record,
        }
    }
}

impl<T> Keeper<'_, '_, T> {
    fn log(&self, at: usize, line: &str) {
        self.sweep.store.log(&self.live[at].run.id, line);
    }
}

impl<T> Watch for Keeper<'_, '_, T> {
    fn admit(&mut self, at: usize) -> Result<Admission, StoreError> {
        if self.sweep.is_stopping() {
            return Ok(Admission::Stop);
        }
        let (store, run) = (self.sweep.store, self.live[at].run);
        if store.is_shared() {
            let lost = self.sweep.job.stop.flag();
            let Some(claim) = store.claim(&run.id, lost)? else {
                let holder = Claim::seen(&store.run(&run.id)).ok().flatten();
                let holder = holder.and_then(|seen| seen.holder);
                self.sweep.observer.left_to(&self.live[at].outline, holder.as_ref());
                return Ok(Admission::Skip);
            };
            if store.peek(&run.id).is_some_and(|record| self.sweep.is_over(&record)) {
                claim.clear();
                return Ok(Admission::Skip);
            }
            self.live[at].claim = Some(claim);
        }
        store.begin(&run.id, &run.spec, &self.sweep.job.environment)?;
        Ok(Admission::Begin)
    }

    fn is_stopping(&mut self) -> bool {
        self.sweep.is_stopping()
    }

    fn went_on(&mut self, at: usize, from: Point) {
        self.log(at, &format!("goes on after epoch {} and {} steps", from.epochs, from.steps));
        let live = &mut self.live[at];
        if !live.is_second {
            let known = self.sweep.store.clock(&live.run.id);
            live.earlier = known.filter(|known| known.after == live.after());
        }
        if live.before.is_none() {
            self.sweep.observer.went_on(&live.outline, from);
        }
    }

    fn started(&mut self, at: usize) {
        self.log(at, "starts");
        let live = &mut self.live[at];
        live.started = (SystemTime::now(), Instant::now());
        self.sweep.begun.insert(live.run.id.clone());
        match &live.before {
            Some(before) => self.sweep.observer.resumed(&live.outline, &before.run),
            None => self.sweep.observer.started(&live.outline),
        }
    }

    fn tried_again(&mut self, at: usize, why: &str) {
        let line = format!("{why}; it goes on from its last checkpoint, once more");
        self.live[at].epochs.clear();
        self.live[at].is_second = true;
        self.said(Some(at), &line);
    }

    fn step(&mut self, at: usize, step: &StepReport) {
        self.sweep.observer.step(&self.live[at].outline, step);
    }

    fn epoch(&mut self, at: usize, row: EpochRow) {
        self.log(at, &format!("epoch {}: {}", row.epoch, told(&row)));
        self.sweep.observer.epoch(&self.live[at].outline, &row);
        let live = &mut self.live[at];
        live.epochs.push(row);
        self.sweep.store.save_epochs(&live.run.id, &live.epochs);
        self.sweep.store.save_clock(&live.run.id, &live.clock());
    }

    fn recalled(&mut self, at: usize, row: EpochRow) {
        self.live[at].epochs.push(row);
    }

    fn said(&mut self, at: Option<usize>, line: &str) {
        if let Some(at) = at {
            self.log(at, line);
        }
        let run = at.map(|at| &self.live[at].outline);
        self.sweep.observer.warned(&Warning::Said { run, line });
    }

    fn ended(&mut self, at: usize, end: End) -> Result<(), StoreError> {
        if self.live[at].claim.as_ref().is_some_and(|claim| !claim.is_held()) {
            let line = "another process goes on with it, to which this one seemed gone";
            self.said(Some(at), line);
            self.live[at].claim = None;
            return Ok(());
        }
        if let End::Trained(Trained { outcome: Outcome::Stopped, .. }) = end {
            self.sweep.is_stopping();
            self.log(at, "was stopped, with a checkpoint");
            self.sweep.store.save_clock(&self.live[at].run.id, &self.live[at].clock());
            self.live[at].claim = None;
            self.sweep.observer.stopped(&self.live[at].outline);
            return Ok(());
        }
        let record = self.live[at].record(&end, &self.sweep.job.environment);
        let why = record.run.reason.as_deref().unwrap_or("no complaint");
        self.log(at, &format!("ended {}: {why}", record.run.status));
        let is_over = self.sweep.is_over(&record);
        self.sweep.keep(&self.live[at].outline, record)?;
        match self.live[at].claim.take() {
            Some(claim) if is_over => claim.clear(),
            _ => {}
        }
        Ok(())
    }
}

/// An epoch, for a log.
fn told(row: &EpochRow) -> String {
    let percent = |top1: Option<f64>| top1.map_or("none".into(), |top1| format!("{top1:.2} %"));
    format!(
        "train loss {:.4}, top1 {} on images as trained, {} on the test set, {:.1} s",
        row.train_loss,
        percent(row.train_top1),
        percent(row.top1),
        row.epoch_s
    )
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
