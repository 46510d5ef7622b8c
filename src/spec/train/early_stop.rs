//! Runs that end where held-out images no longer gain.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, unmet};

/// Ends a run where held-out images no longer gain: after `patience` epochs in a row in which the
/// best value was not bettered. Keras's and Lightning's `EarlyStopping`. Needs `data.validation`:
/// test images choose nothing. The schedule is that of all `epochs`; the tables say which runs
/// stopped, after which epoch and why.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStop {
    /// Epochs in a row without a better value after which the run ends.
    pub patience: u32,
    /// What has to become better.
    #[serde(default)]
    pub metric: Metric,
    /// A value is better only if it is by more than this: percentage points, or nats.
    #[serde(default)]
    pub min_delta: f64,
    /// No run ends before so many epochs; they count for `patience` all the same.
    #[serde(default)]
    pub min_epochs: u32,
    /// Ends with the weights of the best epoch, however the run ends. `top1` and `val_top1` of the
    /// run are then those after that epoch, which stands in `restored_epoch`.
    #[serde(default)]
    pub restore_best: bool,
}

/// What held-out images say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "metric of held-out images"))]
pub enum Metric {
    /// The accuracy; higher is better.
    #[default]
    ValTop1,
    /// The mean cross-entropy; lower is better.
    ValLoss,
}

impl Metric {
    /// The column that has it.
    pub fn column(self) -> &'static str {
        match self {
            Self::ValTop1 => "val_top1",
            Self::ValLoss => "val_loss",
        }
    }

    /// Whether a value is better than another by more than `by`. No number is better than a NaN.
    pub fn is_better(self, value: f64, other: f64, by: f64) -> bool {
        match self {
            Self::ValTop1 => value - by > other,
            Self::ValLoss => value + by < other,
        }
    }
}

impl EarlyStop {
    pub(super) fn faults(&self) -> Vec<Fault> {
        unmet(&[
            (self.patience > 0, "patience", "`patience` is 0", "a common value is 10 epochs"),
            (self.min_delta >= 0.0, "min_delta", "`min_delta` is below 0", "a common value is 0"),
        ])
    }
}
