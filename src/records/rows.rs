//! The four tables of every sweep. A column stands here once; its header, its cells, the record files
//! and `results/README.md` follow from it. The first columns are the ones people look for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::column::{Cell, table};

table! {
    /// A row of `runs.csv`: one run, that is one experiment with one seed.
    pub struct RunRow in "runs.csv" {
        /// Name of the experiment.
        experiment: String,
        /// Seed of the run.
        seed: u64,
        /// How the run ended: `ok`, `diverged` (its loss became NaN or infinite), `failed`, or
        /// `dropped` by `halving`. While a sweep goes on, `paused` at a rung.
        status: Status,
        /// Why the run diverged or failed; empty for `ok`.
        reason: Option<String>,
        /// Epochs finished.
        epochs: u32 ["epochs"],
        /// The epoch after which the run was stopped, before its last (`early_stop`, `halving`);
        /// empty where it was not.
        stopped_epoch: Option<u32>,
        /// Why it was stopped; empty where it was not.
        stop_reason: Option<String>,
        /// The epoch whose weights the run ended with, chosen on held-out images
        /// (`early_stop.restore_best`): `top1`, `val_top1`, `top1_ema` and the losses are then those
        /// after this epoch and not after the last; empty without.
        restored_epoch: Option<u32>,
        /// Test accuracy after the last epoch, the headline; empty unless `ok`.
        top1: Option<f64> ["%"],
        /// Extra: the test accuracy after the best epoch, the first with the highest `val_top1`.
        /// Without held-out images (`data.validation`) it is the best test accuracy after any
        /// epoch: chosen on the test set, so do not report that as the result.
        top1_best: Option<f64> ["%"],
        /// Extra: the epoch of `top1_best`.
        top1_best_epoch: Option<u32>,
        /// Extra: test accuracy after the last epoch by logits averaged over several views of every
        /// image (`train.eval.views`), usually higher than `top1`; empty without.
        top1_tta: Option<f64> ["%"],
        /// Accuracy on the held-out training images after the last epoch; empty without
        /// `data.validation`, and unless `ok`.
        val_top1: Option<f64> ["%"],
        /// Mean cross-entropy on the held-out training images after the last epoch; empty alike.
        val_loss: Option<f64> ["nats"],
        /// Extra: test accuracy of the moving average of the weights after the last epoch; empty
        /// without `ema`.
        top1_ema: Option<f64> ["%"],
        /// Extra: test accuracy of the equal average of the weights after the last epochs; empty
        /// without `swa`.
        top1_swa: Option<f64> ["%"],
        /// Mean cross-entropy on the test set after the last epoch; empty unless `ok`.
        test_loss: Option<f64> ["nats"],
        /// Mean training loss over the last epoch that finished.
        train_loss: Option<f64> ["nats"],
        /// Parameters, trained and frozen.
        params: u64,
        /// Multiply-accumulates of one forward pass of one image.
        macs: u64 ["MACs/image"],
        /// Activations one image leaves in a forward pass.
        activation_bytes: Option<u64> ["B/image"],
        /// Where it trained: `cpu` or `cuda:N`; `cuda:0,cuda:1` where GPUs shared the sweep.
        device: String,
        /// The model of that device.
        device_name: Option<String>,
        /// Number format of the arithmetic: `fp32`, `tf32`, `bf16` and `fp16` (autocast), `pure bf16`.
        precision: String,
        /// CPU threads within an operation.
        threads: u32 ["threads"],
        /// Images in a training batch.
        batch: u32 ["images"],
        /// Images that train: the training set less what is held out.
        train_images: u64 ["images"],
        /// Images in the test set.
        test_images: u64 ["images"],
        /// Time spent training, all finished epochs together.
        train_s: Option<f64> ["s"],
        /// Time spent on the test set, all finished epochs together; one view of each image.
        eval_s: Option<f64> ["s"],
        /// Mean training time of an epoch.
        epoch_s_mean: Option<f64> ["s"],
        /// Sample standard deviation (n - 1) of an epoch's training time; empty below two epochs.
        epoch_s_std: Option<f64> ["s"],
        /// Training images per second of training time.
        train_images_per_s: Option<f64> ["images/s"],
        /// Test images per second of evaluation time.
        eval_images_per_s: Option<f64> ["images/s"],
        /// Median time of the forward pass of one image (batch 1).
        latency_ms: Option<f64> ["ms"],
        /// Peak memory while the run trained, in units of 10^6 bytes.
        peak_memory_mb: Option<f64> ["MB"],
        /// Hash of the resolved spec. Runs of one experiment with the same hash differ in the seed
        /// alone.
        spec_hash: String,
        /// The `--set` arguments, joined by spaces; empty without any.
        overrides: Option<String>,
        /// Version of resweep that ran it.
        code_version: String,
        /// Version of tch.
        tch_version: Option<String>,
        /// Version of libtorch.
        libtorch_version: Option<String>,
        /// When the run started, for the first time if it was cut off: RFC 3339, UTC.
        started: String,
        /// Time from start to end, set-up and latency measurement included; of a run that was cut off, that of
        /// all its parts up to their last epochs.
        wall_s: f64 ["s"],
    }
}

table! {
    /// A row of `epochs.csv`: one epoch of one run. By default one of which nothing was measured.
    #[derive(Default)]
    pub struct EpochRow in "epochs.csv" {
        /// Name of the experiment.
        experiment: String,
        /// Seed of the run.
        seed: u64,
        /// The epoch; the first is 1.
        epoch: u32,
        /// Learning rate at the last step of the epoch.
        lr: f64,
        /// Mean training loss over the epoch.
        train_loss: f64 ["nats"],
        /// Accuracy on the augmented training images as they were seen. Where images are mixed
        /// (Mixup, CutMix), the class with the largest share counts as right.
        train_top1: Option<f64> ["%"],
        /// Mean cross-entropy on the test set after the epoch.
        test_loss: Option<f64> ["nats"],
        /// Accuracy on the test set after the epoch.
        top1: Option<f64> ["%"],
        /// Mean cross-entropy on the held-out training images after the epoch; empty without
        /// `data.validation`.
        val_loss: Option<f64> ["nats"],
        /// Accuracy on the held-out training images after the epoch; empty without
        /// `data.validation`.
        val_top1: Option<f64> ["%"],
        /// Extra: accuracy on the test set by logits averaged over several views of every image
        /// (`train.eval.views`); empty without, and before the last epoch.
        top1_tta: Option<f64> ["%"],
        /// Extra: the same of the moving average of the weights; empty without `ema`, and before
        /// it begins.
        top1_ema: Option<f64> ["%"],
        /// Extra: the same of the equal average of the weights, after the last epoch; empty
        /// without `swa`.
        top1_swa: Option<f64> ["%"],
        /// Time spent training.
        epoch_s: f64 ["s"],
        /// Time spent on the test set; one view of each image.
        eval_s: Option<f64> ["s"],
        /// Training images per second of `epoch_s`.
        train_images_per_s: Option<f64> ["images/s"],
        /// Test images per second of `eval_s`.
        eval_images_per_s: Option<f64> ["images/s"],
    }
}

table! {
    /// A row of `accuracy.csv`: one experiment over its seeds.
    pub struct AccuracyRow in "accuracy.csv" {
        /// Name of the experiment.
        experiment: String,
        /// Runs that ended `ok`; the statistics are over these.
        n: u32 ["runs"],
        /// Runs that diverged or failed.
        failed: u32 ["runs"],
        /// Runs among `n` that `early_stop` ended before their last epoch.
        stopped_early: u32 ["runs"],
        /// Runs that `halving` dropped before their end; they are in no mean.
        dropped: u32 ["runs"],
        /// Mean over the runs of the test accuracy after the last epoch.
        top1_mean: Option<f64> ["%"],
        /// Sample standard deviation (n - 1) of the same; empty below two runs.
        top1_std: Option<f64> ["%"],
        /// Lowest of the same.
        top1_min: Option<f64> ["%"],
        /// Highest of the same.
        top1_max: Option<f64> ["%"],
        /// `top1_mean` less that of the sweep's `baseline`; empty for the baseline itself, and
        /// where there is none.
        top1_vs_baseline: Option<f64> ["percentage points"],
        /// Extra: mean over the runs of `top1_best`. Without held-out images it is chosen on the
        /// test set, so do not report it as the result.
        top1_best_mean: Option<f64> ["%"],
        /// Extra: mean over the runs of `top1_tta`, the test accuracy by several views of every
        /// image.
        top1_tta_mean: Option<f64> ["%"],
        /// Mean over the runs of the accuracy on held-out training images after the last epoch: to
        /// choose between experiments by.
        val_top1_mean: Option<f64> ["%"],
        /// Extra: mean over the runs of `top1_ema`; empty without `ema`.
        top1_ema_mean: Option<f64> ["%"],
        /// Extra: mean over the runs of `top1_swa`; empty without `swa`.
        top1_swa_mean: Option<f64> ["%"],
        /// Mean over the runs of the test loss after the last epoch.
        test_loss_mean: Option<f64> ["nats"],
        /// Sample standard deviation (n - 1) of the same; empty below two runs.
        test_loss_std: Option<f64> ["nats"],
        /// Parameters, trained and frozen.
        params: u64,
        /// Multiply-accumulates of one forward pass of one image.
        macs: u64 ["MACs/image"],
    }
}

table! {
    /// A row of `timing.csv`: what one experiment costs, over its runs that ended `ok`.
    pub struct TimingRow in "timing.csv" {
        /// Name of the experiment.
        experiment: String,
        /// Runs that ended `ok`; the statistics are over these.
        n: u32 ["runs"],
        /// Where they trained: `cpu` or `cuda:N`; several, joined by ` + `, where they differ.
        device: Option<String>,
        /// The model of that device; several, joined by ` + `, where they differ.
        device_name: Option<String>,
        /// Number format of the arithmetic; several, joined by ` + `, where they differ.
        precision: Option<String>,
        /// CPU threads within an operation; empty where the runs differ.
        threads: Option<u32> ["threads"],
        /// Images in a training batch; empty where the runs differ.
        batch: Option<u32> ["images"],
        /// Training images per second of training time, mean over the runs.
        train_images_per_s: Option<f64> ["images/s"],
        /// Test images per second of evaluation time, mean over the runs.
        eval_images_per_s: Option<f64> ["images/s"],
        /// Mean training time of an epoch, over all epochs of all runs.
        epoch_s_mean: Option<f64> ["s"],
        /// Sample standard deviation (n - 1) of the same; empty below two epochs.
        epoch_s_std: Option<f64> ["s"],
        /// Training time of a run, mean over the runs.
        train_s: Option<f64> ["s"],
        /// Median time of the forward pass of one image (batch 1), mean over the runs.
        latency_ms: Option<f64> ["ms"],
        /// Peak memory, the highest of the runs, in units of 10^6 bytes.
        peak_memory_mb: Option<f64> ["MB"],
        /// Parameters, trained and frozen.
        params: u64,
        /// Multiply-accumulates of one forward pass of one image.
        macs: u64 ["MACs/image"],
    }
}

impl RunRow {
    /// What its times hang on beside what it trains: the kind of its device, its model, its threads.
    pub fn trained_on(&self) -> (&str, Option<&str>, u32) {
        let kind = self.device.split(':').next().unwrap_or_default();
        (kind, self.device_name.as_deref(), self.threads)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It trained all its epochs.
    Ok,
    /// Its loss became NaN or infinite.
    Diverged,
    /// It ended with an error, a panic, or short of its epochs.
    Failed,
    /// It was dropped at a rung of successive halving.
    Dropped,
    /// It waits at a rung of successive halving.
    Paused,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Paused => "paused",
        })
    }
}

impl Cell for Status {
    fn cell(&self) -> String {
        self.to_string()
    }
}
