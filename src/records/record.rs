//! One run with its epochs, and how the row of a run follows from its epochs.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::rows::{EpochRow, RunRow, Status};
use super::tables::{mean, sample_std};

/// Everything that is kept of one run: its row and those of its epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The row of `runs.csv`.
    pub run: RunRow,
    /// The rows of `epochs.csv`, by epoch.
    pub epochs: Vec<EpochRow>,
}

/// What makes a run itself: a record with the same identity is the record of that run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    /// Name of the experiment.
    pub experiment: String,
    /// Seed of the run.
    pub seed: u64,
    /// Hash of the resolved spec, in full, without the seed.
    pub spec_hash: String,
}

/// What is known of a run before it trains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Parameters, trained and frozen.
    pub params: u64,
    /// Multiply-accumulates of one forward pass of one image.
    pub macs: u64,
    /// Bytes of activations of one forward pass of one image.
    pub activation_bytes: Option<u64>,
    /// Number format of the arithmetic, such as `fp32`.
    pub precision: String,
    /// Images in a training batch.
    pub batch: u32,
    /// Images that train: the training set less what is held out.
    pub train_images: u64,
    /// Images in the test set.
    pub test_images: u64,
}

/// What all runs of one invocation share; what it trains with and on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Environment {
    /// `cpu` or `cuda:N`; `cuda:0,cuda:1` of a sweep that several GPUs shared.
    pub device: String,
    /// The model of the device.
    pub device_name: Option<String>,
    /// CPU threads within an operation.
    pub threads: u32,
    /// The `--set` arguments in order.
    pub overrides: Vec<String>,
    /// Version of resweep.
    pub code_version: String,
    /// Version of tch.
    pub tch_version: Option<String>,
    /// Version of libtorch.
    pub libtorch_version: Option<String>,
    /// The git commit that resweep was built from.
    pub commit: Option<String>,
    /// Whether its files differed from that commit.
    pub dirty: bool,
    /// What is known of the machine, by name.
    pub machine: BTreeMap<String, String>,
}

/// How a run ended, and what is measured once at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// How it ended.
    pub status: Status,
    /// Why, unless [`Status::Ok`].
    pub reason: Option<String>,
    /// Why it was stopped before its last epoch, where it was.
    pub stop_reason: Option<String>,
    /// The epoch whose weights it ended with, where its recipe asks for the best ones.
    pub restored_epoch: Option<u32>,
    /// Median latency in milliseconds of the forward pass of one image.
    pub latency_ms: Option<f64>,
    /// Peak memory in units of 10^6 bytes.
    pub peak_memory_mb: Option<f64>,
}

impl Ending {
    /// An ending of which nothing else is known.
    pub fn of(status: Status) -> Self {
        Self {
            status,
            reason: None,
            stop_reason: None,
            restored_epoch: None,
            latency_ms: None,
            peak_memory_mb: None,
        }
    }
}

/// How long a run has trained that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// From its beginning, without the time in which nobody trained it, seconds.
    pub wall_s: f64,
    /// The epochs that an earlier record has, which tells of its own time.
    pub after: u32,
}

/// When a run took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The time of day at its start.
    pub started: SystemTime,
    /// From its start to its end.
    pub wall: Duration,
}

impl Record {
    /// The record of a run that ended: its row follows from `epochs`, which stand by epoch.
    pub fn new(
        id: &RunId,
        facts: &Facts,
        environment: &Environment,
        epochs: Vec<EpochRow>,
        ending: Ending,
        span: Span,
    ) -> Self {
        let best = best(&epochs);
        // An accuracy of a run that stopped short is no result: it stays in `epochs.csv`.
        let last = epochs.last().filter(|_| ending.status == Status::Ok);
        let restored = ending.restored_epoch;
        let headline =
            last.map(|last| epochs.iter().find(|e| Some(e.epoch) == restored).unwrap_or(last));
        let epoch_s: Vec<f64> = epochs.iter().map(|e| e.epoch_s).collect();
        let eval_s: Vec<f64> = epochs.iter().filter_map(|e| e.eval_s).collect();
        let run = RunRow {
            experiment: id.experiment.clone(),
            seed: id.seed,
            status: ending.status,
            reason: ending.reason,
            epochs: epochs.last().map_or(0, |e| e.epoch),
            stopped_epoch: ending.stop_reason.as_ref().and(epochs.last()).map(|e| e.epoch),
            stop_reason: ending.stop_reason,
            restored_epoch: ending.restored_epoch,
            top1: headline.and_then(|e| e.top1),
            top1_best: best.map(|(top1, _)| top1),
            top1_best_epoch: best.map(|(_, epoch)| epoch),
            top1_tta: last.and_then(|e| e.top1_tta),
            val_top1: headline.and_then(|e| e.val_top1),
            val_loss: headline.and_then(|e| e.val_loss),
            top1_ema: headline.and_then(|e| e.top1_ema),
            top1_swa: last.and_then(|e| e.top1_swa),
            test_loss: headline.and_then(|e| e.test_loss),
            train_loss: epochs.last().map(|e| e.train_loss),
            params: facts.params,
            macs: facts.macs,
            activation_bytes: facts.activation_bytes,
            device: environment.device.clone(),
            device_name: environment.device_name.clone(),
            precision: facts.precision.clone(),
            threads: environment.threads,
            batch: facts.batch,
            train_images: facts.train_images,
            test_images: facts.test_images,
            train_s: total(&epoch_s),
            eval_s: total(&eval_s),
            epoch_s_mean: mean(&epoch_s),
            epoch_s_std: sample_std(&epoch_s),
            train_images_per_s: rate(
                epochs.iter().map(|e| (e.train_images_per_s, Some(e.epoch_s))),
            ),
            eval_images_per_s: rate(epochs.iter().map(|e| (e.eval_images_per_s, e.eval_s))),
            latency_ms: ending.latency_ms,
            peak_memory_mb: ending.peak_memory_mb,
            spec_hash: id.spec_hash.clone(),
            overrides: Some(environment.overrides.join(" ")).filter(|text| !text.is_empty()),
            code_version: environment.code_version.clone(),
            tch_version: environment.tch_version.clone(),
            libtorch_version: environment.libtorch_version.clone(),
            started: humantime::format_rfc3339_seconds(span.started).to_string(),
            wall_s: span.wall.as_secs_f64(),
        };
        Self { run, epochs }
    }

    /// The run that this is the record of.
    pub fn id(&self) -> RunId {
        RunId {
            experiment: self.run.experiment.clone(),
            seed: self.run.seed,
            spec_hash: self.run.spec_hash.clone(),
        }
    }

    /// The record of a run that waited and was dropped.
    pub fn dropped(mut self, reason: String) -> Self {
        self.run.status = Status::Dropped;
        self.run.stopped_epoch = Some(self.run.epochs);
        self.run.stop_reason = Some(reason);
        self
    }

    /// The record of a run that went on from where another left it.
    pub fn after(mut self, before: &Self) -> Self {
        let (run, before) = (&mut self.run, &before.run);
        run.started.clone_from(&before.started);
        run.wall_s += before.wall_s;
        let peaks = [run.peak_memory_mb, before.peak_memory_mb];
        run.peak_memory_mb = peaks.into_iter().flatten().reduce(f64::max);
        self
    }

    /// The record of a run that was cut off and went on.
    pub fn since(mut self, earlier: &Clock) -> Self {
        self.run.started.clone_from(&earlier.started);
        self.run.wall_s += earlier.wall_s;
        self
    }

    /// Whether a sweep that starts again leaves the run as it is. Diverging is a result; a run
    /// that failed is tried again.
    pub fn is_finished(&self) -> bool {
        matches!(self.run.status, Status::Ok | Status::Diverged)
    }
}

/// The test accuracy in percent after the best epoch, and that epoch: the first with the highest
/// accuracy on held-out images, or where none are, on the test set.
fn best(epochs: &[EpochRow]) -> Option<(f64, u32)> {
    let held_out = epochs.iter().any(|e| e.val_top1.is_some());
    let chosen_by = |e: &EpochRow| if held_out { e.val_top1 } else { e.top1 };
    let tested = epochs.iter().filter_map(|e| Some((chosen_by(e)?, e)));
    let (_, best) = tested.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    Some((best.top1?, best.epoch))
}

fn total(seconds: &[f64]) -> Option<f64> {
    (!seconds.is_empty()).then(|| seconds.iter().sum())
}

/// Images per second over all epochs: all images by all seconds, not a mean of rates.
fn rate(epochs: impl Iterator<Item = (Option<f64>, Option<f64>)>) -> Option<f64> {
    let timed = epochs.filter_map(|(rate, seconds)| rate.zip(seconds));
    let (images, seconds) =
        timed.fold((0.0, 0.0), |(images, seconds), (rate, s)| (images + rate * s, seconds + s));
    (seconds > 0.0).then(|| images / seconds)
}
