//! Learning rates over time.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, unmet};

/// How the learning rate goes on after the warm-up. A function of the step alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename = "schedule", deny_unknown_fields)]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// Times `gamma` from each of these epochs on (counted from 0); `MultiStepLR`.
    Step {
        /// Epochs, ascending.
        milestones: Vec<u32>,
        /// The factor.
        #[serde(default = "tenth")]
        gamma: f64,
    },
    /// Half a cosine wave from the full rate to `min_lr` over the steps that are left
    /// (Loshchilov and Hutter 2017); `CosineAnnealingLR`, stepped every batch.
    Cosine {
        /// The rate at the end.
        #[serde(default)]
        min_lr: f64,
    },
}

fn tenth() -> f64 {
    0.1
}

impl Schedule {
    pub(super) fn faults(&self) -> Vec<Fault> {
        match self {
            Self::Constant => Vec::new(),
            Self::Step { milestones, gamma } => unmet(&[
                (
                    milestones.is_sorted_by(|a, b| a < b),
                    "schedule.milestones",
                    "`milestones` are not ascending",
                    "list the epochs in order, each once",
                ),
                (*gamma > 0.0, "schedule.gamma", "`gamma` is not above 0", "a common value is 0.1"),
            ]),
            Self::Cosine { min_lr } => unmet(&[(
                *min_lr >= 0.0,
                "schedule.min_lr",
                "`min_lr` is below 0",
                "use 0 or more",
            )]),
        }
    }
}
