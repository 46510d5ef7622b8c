//! What a sweep tells of itself while it runs.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::records::{EpochRow, HalvingRow, Holder, RunId, RunRow, SeedsRow, StoreError};

use super::{Point, Run};

/// Is told what happens in a sweep. Every method but these that interest does nothing.
///
/// Each event names its run, so runs that go on at the same time can be told apart.
pub trait Observer {
    /// The sweep is about to start.
    fn planned(&mut self, _plan: &Planned) {}
    /// A run starts.
    fn started(&mut self, _run: &Outline) {}
    /// A training step is done. Comes once a step: must not wait.
    fn step(&mut self, _run: &Outline, _step: &StepReport) {}
    /// An epoch is trained and evaluated.
    fn epoch(&mut self, _run: &Outline, _row: &EpochRow) {}
    /// A run goes on that has waited; the row is that with which it did.
    fn resumed(&mut self, _run: &Outline, _row: &RunRow) {}
    /// A run goes on from a checkpoint on the way.
    fn went_on(&mut self, _run: &Outline, _from: Point) {}
    /// A run is left to another process, which has it; who that is, where it can be told.
    fn left_to(&mut self, _run: &Outline, _holder: Option<&Holder>) {}
    /// The sweep is to stop: the runs under way stop after their steps in hand.
    fn stopping(&mut self) {}
    /// A run was stopped, with a checkpoint.
    fn stopped(&mut self, _run: &Outline) {}
    /// A run waits at a rung, and its record and state are kept.
    fn paused(&mut self, _run: &Outline, _row: &RunRow) {}
    /// It is decided who goes on from a rung; a row for each experiment that came to it.
    fn decided(&mut self, _rows: &[HalvingRow]) {}
    /// It is decided which pairs are given more seeds; a row for each pair that was open.
    fn added(&mut self, _rows: &[SeedsRow]) {}
    /// A run ended, well or not, and its record is kept.
    fn finished(&mut self, _run: &Outline, _row: &RunRow) {}
    /// Something the user should know, which does not stop the sweep.
    fn warned(&mut self, _warning: &Warning<'_>) {}
    /// The sweep is over; nothing follows.
    fn ended(&mut self) {}
}

/// Tells nobody.
impl Observer for () {}

/// What a sweep is about to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The name of the sweep.
    pub sweep: String,
    /// The runs to train, in order.
    pub due: Vec<Outline>,
    /// The rows of the runs that are already finished and are kept.
    pub kept: Vec<RunRow>,
    /// How many runs go on at the same time, at most.
    pub at_once: usize,
    /// Whether runs may be dropped on the way, so that less is trained.
    pub drops: bool,
}

/// A run as an observer needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// Experiment, seed and spec hash.
    pub id: RunId,
    /// Epochs to train.
    pub epochs: u32,
    /// Multiply-accumulates of the forward passes of an epoch: what it costs, compared with an
    /// epoch of another run.
    pub work: f64,
}

impl Outline {
    /// The outline of a run.
    pub fn of<T>(run: &Run<T>) -> Self {
        let work = run.facts.macs as f64 * run.facts.train_images as f64;
        Self { id: run.id.clone(), epochs: run.epochs, work }
    }
}

/// How far an epoch has come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The epoch; the first is 1.
    pub epoch: u32,
    /// Steps done in this epoch.
    pub step: u32,
    /// Steps of an epoch.
    pub steps: u32,
    /// Training images per second so far in this epoch.
    pub images_per_s: Option<f64>,
    /// The latest training loss at hand; reading it anew would make the host wait.
    pub loss: Option<f64>,
}

/// Something the user should know, which does not stop the sweep.
#[derive(Debug, Clone, Copy)]
pub enum Warning<'a> {
    /// A record file could not be used; its run is trained again.
    SetAside {
        /// The name it had.
        path: &'a Path,
        /// The name it has now.
        aside: &'a Path,
        /// What is wrong with it.
        why: &'a str,
    },
    /// A table was not as it was written last.
    Edited {
        /// The table.
        path: &'a Path,
        /// The name by which it was kept.
        aside: &'a Path,
    },
    /// The tables could not be written; they are tried again after the next run.
    TablesUnwritten(&'a StoreError),
    /// The process of a run has said something.
    Said {
        /// The run; none where its process has ended.
        run: Option<&'a Outline>,
        /// A line.
        line: &'a str,
    },
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetAside { path, aside, why } => write!(
                f,
                "cannot use the record {}: {why}; it is now {}, and its run is trained again",
                path.display(),
                aside.display()
            ),
            Self::Said { run: Some(run), line } => {
                write!(f, "{} seed {} says: {line}", run.id.experiment, run.id.seed)
            }
            Self::Said { run: None, line } => write!(f, "a process that has ended said: {line}"),
            Self::Edited { path, aside } => write!(
                f,
                "{} was changed since it was written; it is now {}, and the table is written anew",
                path.display(),
                aside.display()
            ),
            Self::TablesUnwritten(error) => write!(f, "{error} (the record of the run is kept)"),
        }
    }
}
