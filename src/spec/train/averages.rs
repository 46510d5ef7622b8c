//! Averages of the weights, evaluated beside the weights themselves.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, unmet};

/// A moving average of the weights that forgets exponentially; PyTorch's `AveragedModel` with
/// `get_ema_multi_avg_fn`. It begins as a copy of the weights; running statistics are copied at
/// each of its steps. Its accuracy is `top1_ema` of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename = "ema", deny_unknown_fields)]
pub struct Ema {
    /// Share of the average that stays in a step of it.
    #[serde(default = "decay")]
    pub decay: f64,
    /// Steps of training between two of its own.
    #[serde(default = "one")]
    pub every: u32,
    /// Share of the run after which it begins.
    #[serde(default)]
    pub from: f64,
}

/// The equal average of the weights after several epochs (Izmailov et al. 2018); PyTorch's
/// `AveragedModel` with `update_bn`. At the end of the run the running statistics are taken anew
/// over the training images. Its accuracy is `top1_swa` of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename = "swa", deny_unknown_fields)]
pub struct Swa {
    /// Share of the run after which epochs count.
    #[serde(default = "three_quarters")]
    pub from: f64,
    /// Epochs between two that count; the last one does.
    #[serde(default = "one")]
    pub every: u32,
}

fn decay() -> f64 {
    0.999
}

fn one() -> u32 {
    1
}

fn three_quarters() -> f64 {
    0.75
}

impl Ema {
    pub(super) fn faults(&self) -> Vec<Fault> {
        let reason = "`decay` is not from 0 to below 1";
        unmet(&[
            ((0.0..1.0).contains(&self.decay), "decay", reason, "a common value is 0.999"),
            (self.every > 0, "every", "`every` is 0", "use 1 or more steps"),
            start(self.from),
        ])
    }
}

impl Swa {
    pub(super) fn faults(&self) -> Vec<Fault> {
        unmet(&[
            start(self.from),
            (self.every > 0, "every", "`every` is 0", "use 1 or more epochs"),
        ])
    }
}

fn start(from: f64) -> (bool, &'static str, &'static str, &'static str) {
    let help = "use a share of the run, such as 0.75";
    ((0.0..1.0).contains(&from), "from", "`from` is not from 0 to below 1", help)
}
