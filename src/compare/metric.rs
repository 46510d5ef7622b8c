//! What can be compared.

use crate::records::RunRow;

/// A column of runs.csv that says how good a run is.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The column.
    pub name: &'static str,
    /// `%` or `nats`.
    pub unit: &'static str,
    /// Whether more is better.
    pub more_is_better: bool,
    value: fn(&RunRow) -> Option<f64>,
}

const fn accuracy(name: &'static str, value: fn(&RunRow) -> Option<f64>) -> Metric {
    Metric { name, unit: "%", more_is_better: true, value }
}

const fn loss(name: &'static str, value: fn(&RunRow) -> Option<f64>) -> Metric {
    Metric { name, unit: "nats", more_is_better: false, value }
}

impl Metric {
    /// Test accuracy after the last epoch, the headline.
    pub const TOP1: Self = accuracy("top1", |run| run.top1);

    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::TOP1,
        accuracy("top1_best", |run| run.top1_best),
        accuracy("top1_tta", |run| run.top1_tta),
        accuracy("top1_ema", |run| run.top1_ema),
        accuracy("top1_swa", |run| run.top1_swa),
        accuracy("val_top1", |run| run.val_top1),
        loss("test_loss", |run| run.test_loss),
        loss("val_loss", |run| run.val_loss),
    ];

    /// By the name of its column.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name == name)
    }

    /// Its value for a run; none where there is no number.
    pub fn of(&self, run: &RunRow) -> Option<f64> {
        (self.value)(run).filter(|value| value.is_finite())
    }

    /// Whether predictions, which are those of the final weights on single images, are what it counts.
    pub(super) fn is_of_final_weights(&self) -> bool {
        self.name == "top1"
    }

    /// What a difference is in.
    pub fn difference_unit(&self) -> &'static str {
        difference_unit(self.unit)
    }
}

/// What a difference is in, of values in `unit`.
pub(super) fn difference_unit(unit: &str) -> &'static str {
    if unit == "%" { "points" } else { "nats" }
}
