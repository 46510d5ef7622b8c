//! Who trains the runs: a [`Pool`] takes all that are due, and trains them one by one in this
//! process or several at once elsewhere. A [`Watch`] is told how each of them goes.

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::records::{EpochRow, StoreError};
use crate::saved::RunFolder;

use super::ending::{message, told};
use super::{Run, StepReport};

/// Trains runs, one or several at a time.
pub trait Pool<T> {
    /// How many runs go on at the same time, at most.
    fn at_once(&self) -> usize;

    /// Trains all of `work`, begun in its order. `watch` is told of each piece that it starts and,
    /// after that, once how it ended; whatever becomes of one, the others are trained.
    ///
    /// # Errors
    ///
    /// What the watch says at the end of a piece: nothing more is begun then.
    fn train_all(&mut self, work: &[Work<'_, T>], watch: &mut dyn Watch) -> Result<(), StoreError>;
}

/// A piece of work of a pool: a run to train.
#[derive(Debug)]
pub struct Work<'a, T> {
    /// The run.
    pub run: &'a Run<T>,
    /// The part of it.
    pub leg: Leg,
}

/// The part of a run that is to be trained: from where it waited, or the start, to where it is to
/// wait, or its end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Leg {
    /// The epochs after which it is to wait.
    pub until: Option<u32>,
    /// The folder of the run: it goes on from the checkpoint there, and leaves its own and what is
    /// kept of it; none keeps nothing.
    pub folder: Option<RunFolder>,
}

/// Is told what becomes of the pieces of work of a pool, each named by its place in their list.
pub trait Watch {
    /// Whether a piece is to be begun. Asked once of each, in order.
    ///
    /// # Errors
    ///
    /// Where that cannot be found out: then the pool goes on no longer.
    fn admit(&mut self, _at: usize) -> Result<Admission, StoreError> {
        Ok(Admission::Begin)
    }
    /// Whether the pieces in hand are to stop, each with a checkpoint. Asked often while they train.
    fn is_stopping(&mut self) -> bool {
        false
    }
    /// A piece is begun.
    fn started(&mut self, at: usize);
    /// A piece goes on from a checkpoint.
    fn went_on(&mut self, _at: usize, _from: Point) {}
    /// The process of a piece died, and the piece is begun again by another: the epochs told of it so far
    /// will be told again, as trained or recalled.
    fn tried_again(&mut self, _at: usize, _why: &str) {}
    /// A training step is done. Comes often: must not wait.
    fn step(&mut self, at: usize, step: &StepReport);
    /// An epoch is trained and evaluated.
    fn epoch(&mut self, at: usize, row: EpochRow);
    /// An epoch was trained by an earlier piece of the run, from whose state this one goes on.
    fn recalled(&mut self, at: usize, row: EpochRow);
    /// A trainer, or a process of one, has something to say that is no report.
    fn said(&mut self, _at: Option<usize>, _line: &str) {}
    /// A piece has ended.
    ///
    /// # Errors
    ///
    /// Where it cannot be kept: then the pool goes on no longer.
    fn ended(&mut self, at: usize, end: End) -> Result<(), StoreError>;
}

/// What becomes of a piece of work whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is begun.
    Begin,
    /// Another process has it, or has done it.
    Skip,
    /// Nothing is begun any more.
    Stop,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Epochs that are done.
    pub epochs: u32,
    /// Steps done of the next.
    pub steps: u64,
}

/// How a piece of work ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum End {
    /// The trainer brought it to its end.
    Trained(Trained),
    /// It did not, and why.
    Failed(String),
}

/// Trains one run; knows nothing of the others.
pub trait Trainer<T> {
    /// Why a run could not be trained. The first line of its message, followed by those of its
    /// sources, becomes the reason on record.
    type Error: Error;

    /// Trains and evaluates a run, or the part of it that `work` names, telling `log` of each epoch
    /// as it ends, after those that an earlier part has trained.
    ///
    /// All that a run needs is made in here: after an error or a panic the trainer is called for
    /// the next run all the same.
    ///
    /// # Errors
    ///
    /// Whatever keeps the run from its end; the epochs told until then are kept.
    fn train(&mut self, work: &Work<'_, T>, log: &mut RunLog<'_>) -> Result<Trained, Self::Error>;
}

/// A run that the trainer brought to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Whether it trained all its epochs.
    pub outcome: Outcome,
    /// The epoch whose weights it ended with, where its recipe asks for the best ones.
    pub restored_epoch: Option<u32>,
    /// Median latency in milliseconds of the forward pass of one image.
    pub latency_ms: Option<f64>,
    /// Peak memory in units of 10^6 bytes.
    pub peak_memory_mb: Option<f64>,
}

/// How a run came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It trained all its epochs.
    Completed,
    /// It ended well before its last epoch, as its recipe says.
    StoppedEarly {
        /// Why.
        reason: String,
    },
    /// It waits where its leg ends, and its state is kept.
    Paused,
    /// It was stopped on the way, and its state is kept.
    Stopped,
    /// Its loss became NaN or infinite.
    Diverged {
        /// The epoch in which it did; the first is 1.
        epoch: u32,
    },
}

/// Where a trainer tells what happens in its run.
pub struct RunLog<'a> {
    at: usize,
    watch: &'a mut dyn Watch,
}

impl RunLog<'_> {
    /// A training step is done. Costs next to nothing; needs no loss, which would make the host
    /// wait for the device.
    pub fn step(&mut self, step: &StepReport) {
        self.watch.step(self.at, step);
    }

    /// An epoch is trained and evaluated.
    pub fn epoch(&mut self, row: EpochRow) {
        self.watch.epoch(self.at, row);
    }

    /// Something that a person should know, and that does not stop the run.
    pub fn say(&mut self, line: &str) {
        self.watch.said(Some(self.at), line);
    }

    /// The run goes on from a checkpoint.
    pub fn go_on(&mut self, from: Point) {
        self.watch.went_on(self.at, from);
    }

    /// An epoch that was trained before, with whose state the run goes on.
    pub fn recall(&mut self, row: EpochRow) {
        self.watch.recalled(self.at, row);
    }
}

/// Trains in this process, one run after another.
pub struct OneByOne<'a, R>(pub &'a mut R);

impl<T, R: Trainer<T>> Pool<T> for OneByOne<'_, R> {
    fn at_once(&self) -> usize {
        1
    }

    fn train_all(&mut self, work: &[Work<'_, T>], watch: &mut dyn Watch) -> Result<(), StoreError> {
        for (at, work) in work.iter().enumerate() {
            match watch.admit(at)? {
                Admission::Begin => watch.started(at),
                Admission::Skip => continue,
                Admission::Stop => break,
            }
            let end = attempt(self.0, work, at, watch);
            watch.ended(at, end)?;
        }
        Ok(())
    }
}

/// Trains a piece of work; whatever happens in it, its end comes back.
pub fn attempt<T, R: Trainer<T>>(
    trainer: &mut R,
    work: &Work<'_, T>,
    at: usize,
    watch: &mut dyn Watch,
) -> End {
    let mut log = RunLog { at, watch };
    // A trainer makes all that a run needs within the run, so a panic leaves nothing half made.
    match catch_unwind(AssertUnwindSafe(|| trainer.train(work, &mut log))) {
        Ok(Ok(trained)) => End::Trained(trained),
        Ok(Err(error)) => End::Failed(told(&error)),
        Err(panic) => End::Failed(format!("panicked: {}", message(panic.as_ref()))),
    }
}
