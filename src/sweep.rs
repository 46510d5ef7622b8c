//! The sweep stage: which runs there are, which are done, and training the rest one after another.
//!
//! Nothing here knows of tensors: the [`Trainer`] is passed in. A run that fails, panics or
//! diverges is recorded and the others go on; every run that ends is on the disk, and in the
//! tables, before the next begins.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Instant, SystemTime};

use crate::records::{
    Ending, Environment, EpochRow, Facts, Found, Record, RunId, Span, Status, Store, StoreError,
    Tables,
};

/// A sweep, ready to run.
#[derive(Debug, Clone)]
pub struct Job<T> {
    /// Names of the experiments in the order of the tables.
    pub experiments: Vec<String>,
    /// The runs in the order in which they train.
    pub runs: Vec<Run<T>>,
    /// What all of them share.
    pub environment: Environment,
    /// Train also what is recorded as finished.
    pub fresh: bool,
}

/// One experiment with one seed.
#[derive(Debug, Clone)]
pub struct Run<T> {
    /// What makes the run itself.
    pub id: RunId,
    /// What is known before it trains.
    pub facts: Facts,
    /// How many epochs it is to train.
    pub epochs: u32,
    /// The resolved spec, RON that runs again as it is.
    pub resolved: String,
    /// What the trainer needs.
    pub payload: T,
}

/// Trains one run; knows nothing of the others.
pub trait Trainer<T> {
    /// Trains a run from its start, and tells of its steps and epochs.
    ///
    /// # Errors
    /// Why it stopped before its end.
    fn train(&mut self, run: &Run<T>, watch: &mut dyn Watch) -> Result<Measured, Failure>;
}

/// Told what happens while a run trains.
pub trait Watch {
    /// A step is done. Called at every step: must be quick.
    fn step(&mut self, step: &Step);
    /// An epoch is done.
    fn epoch(&mut self, epoch: EpochRow);
}

/// A step that is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// From 1.
    pub epoch: u32,
    /// Steps done in this epoch.
    pub step: u64,
    /// Steps in every epoch.
    pub steps: u64,
    /// Training images per second in this epoch so far.
    pub images_per_s: f64,
    /// Mean loss of the epoch so far; none on a device that would have to be waited for.
    pub loss: Option<f64>,
}

/// What is measured once, at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// Median time of the forward pass of one image, milliseconds.
    pub latency_ms: Option<f64>,
    /// Peak memory in units of 10^6 bytes.
    pub peak_memory_mb: Option<f64>,
}

/// Why a run stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Its loss is no longer a finite number.
    Diverged(String),
    /// Anything else.
    Failed(String),
}

/// Told what happens in a sweep, for people to see.
pub trait Observer {
    /// Before the first run, with the record of each run that is finished already.
    fn sweep(&mut self, plan: &[RunPlan], finished: usize);
    /// A run is left as it is recorded.
    fn skipped(&mut self, record: &Record);
    /// A run begins: its place among the planned ones.
    fn started(&mut self, run: usize);
    /// A step is done. Called at every step: must be quick.
    fn step(&mut self, step: &Step);
    /// An epoch is done.
    fn epoch(&mut self, epoch: &EpochRow);
    /// A run has ended and is recorded.
    fn ended(&mut self, record: &Record);
    /// Something that the reader should know.
    fn warning(&mut self, text: &str);
}

/// What an observer is told of a planned run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPlan {
    /// Name of the experiment.
    pub experiment: String,
    /// Its seed.
    pub seed: u64,
    /// How many epochs it is to train.
    pub epochs: u32,
    /// Multiply-accumulates for one image, by which times are guessed before they are measured.
    pub macs: u64,
}

/// What came out of a sweep.
#[derive(Debug)]
pub struct Outcome {
    /// Its tables, as they are on the disk.
    pub tables: Tables,
    /// Whether every run ended well and everything is on the disk.
    pub clean: bool,
}

/// Trains every run that is not finished, and keeps the tables up to date.
///
/// # Errors
/// A record of an earlier run that can neither be used nor set aside.
pub fn execute<T>(
    job: &Job<T>,
    store: &Store,
    trainer: &mut dyn Trainer<T>,
    observer: &mut dyn Observer,
) -> Result<Outcome, StoreError> {
    let mut kept = Kept { job, store, records: earlier(job, store, observer)?, clean: true };
    let finished = kept.records.iter().flatten().count();
    observer.sweep(&job.runs.iter().map(Run::plan).collect::<Vec<_>>(), finished);
    kept.write_tables(observer);
    for (index, run) in job.runs.iter().enumerate() {
        if let Some(record) = &kept.records[index] {
            observer.skipped(record);
            continue;
        }
        observer.started(index);
        let record = train(job, run, trainer, observer);
        kept.add(index, record, observer);
    }
    let failed = |record: &Record| record.run.status != Status::Ok;
    let clean = kept.clean && !kept.records.iter().flatten().any(failed);
    Ok(Outcome { tables: kept.tables(), clean })
}

impl<T> Run<T> {
    fn plan(&self) -> RunPlan {
        RunPlan {
            experiment: self.id.experiment.clone(),
            seed: self.id.seed,
            epochs: self.epochs,
            macs: self.facts.macs,
        }
    }
}

/// The records of runs that are finished.
fn earlier<T>(
    job: &Job<T>,
    store: &Store,
    observer: &mut dyn Observer,
) -> Result<Vec<Option<Record>>, StoreError> {
    let mut records = Vec::with_capacity(job.runs.len());
    for run in &job.runs {
        if job.fresh {
            store.supersede(&run.id)?;
        }
        records.push(match store.find(&run.id)? {
            Found::Record(record) if record.is_finished() => Some(*record),
            Found::Record(_) | Found::Nothing => None,
            Found::SetAside { path, aside, why } => {
                let (path, aside) = (path.display(), aside.display());
                observer.warning(&format!(
                    "{path} cannot be used ({why}): it is now {aside}, and its run trains again"
                ));
                None
            }
        });
    }
    Ok(records)
}

/// The records so far, in memory and on the disk.
struct Kept<'a, T> {
    job: &'a Job<T>,
    store: &'a Store,
    records: Vec<Option<Record>>,
    clean: bool,
}

impl<T> Kept<'_, T> {
    fn add(&mut self, index: usize, record: Record, observer: &mut dyn Observer) {
        let resolved = &self.job.runs[index].resolved;
        let saved =
            self.store.save_spec(&record.id(), resolved).and_then(|()| self.store.save(&record));
        self.warn(saved, observer);
        observer.ended(&record);
        self.records[index] = Some(record);
        self.write_tables(observer);
    }

    fn write_tables(&mut self, observer: &mut dyn Observer) {
        let written = self.store.write_tables(&self.tables());
        self.warn(written, observer);
    }

    fn tables(&self) -> Tables {
        let experiments: Vec<&str> = self.job.experiments.iter().map(String::as_str).collect();
        Tables::of(&experiments, self.records.iter().flatten())
    }

    /// What cannot be written now may be written after the next run; the sweep goes on.
    fn warn(&mut self, result: Result<(), StoreError>, observer: &mut dyn Observer) {
        if let Err(error) = result {
            observer.warning(&error.to_string());
            self.clean = false;
        }
    }
}

/// Trains one run, whatever happens, and says how it went.
fn train<T>(
    job: &Job<T>,
    run: &Run<T>,
    trainer: &mut dyn Trainer<T>,
    observer: &mut dyn Observer,
) -> Record {
    let (started, clock) = (SystemTime::now(), Instant::now());
    let mut watch = Recorder { observer, epochs: Vec::new() };
    let result = catch_unwind(AssertUnwindSafe(|| trainer.train(run, &mut watch)));
    let epochs = watch.epochs;
    let ending = match result {
        Ok(Ok(measured)) => ending(Status::Ok, None, measured),
        Ok(Err(Failure::Diverged(why))) => ending(Status::Diverged, Some(why), Measured::default()),
        Ok(Err(Failure::Failed(why))) => ending(Status::Failed, Some(why), Measured::default()),
        Err(panic) => {
            let why = format!("a defect in resweep: {}", panic_text(panic.as_ref()));
            ending(Status::Failed, Some(why), Measured::default())
        }
    };
    let span = Span { started, wall: clock.elapsed() };
    Record::new(&run.id, &run.facts, &job.environment, epochs, ending, span)
}

fn ending(status: Status, reason: Option<String>, measured: Measured) -> Ending {
    let Measured { latency_ms, peak_memory_mb } = measured;
    Ending { status, reason: reason.map(|text| first_line(&text)), latency_ms, peak_memory_mb }
}

/// Keeps the epochs of a run, and tells the observer.
struct Recorder<'a> {
    observer: &'a mut dyn Observer,
    epochs: Vec<EpochRow>,
}

impl Watch for Recorder<'_> {
    fn step(&mut self, step: &Step) {
        self.observer.step(step);
    }

    fn epoch(&mut self, epoch: EpochRow) {
        self.observer.epoch(&epoch);
        self.epochs.push(epoch);
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}

/// Reasons are one line of at most 300 characters.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(300).collect()
}
