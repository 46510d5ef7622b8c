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
    /// Times `gamma` after every so many epochs; `StepLR`.
    StepEvery {
        /// Epochs between two changes.
        epochs: u32,
        /// The factor.
        #[serde(default = "tenth")]
        gamma: f64,
    },
    /// Times `gamma` after every epoch; `ExponentialLR`.
    Exponential {
        /// The factor.
        gamma: f64,
    },
    /// Half a cosine wave from the full rate to `min_lr` over the steps that are left
    /// (Loshchilov and Hutter 2017); `CosineAnnealingLR`, stepped every batch.
    Cosine {
        /// The rate at the end.
        #[serde(default)]
        min_lr: f64,
    },
    /// Half cosine waves from the full rate to `min_lr`, one after another (Loshchilov and Hutter
    /// 2017); `CosineAnnealingWarmRestarts`, stepped every batch.
    CosineRestarts {
        /// Length of the first wave, epochs.
        period: u32,
        /// Each wave is so many times as long as the one before.
        #[serde(default = "one")]
        mult: u32,
        /// The rate that a wave ends at.
        #[serde(default)]
        min_lr: f64,
    },
    /// From the full rate to `min_lr` as a power of the share of steps that are left;
    /// `PolynomialLR`, stepped every batch.
    Polynomial {
        /// The power; 1 is a straight line.
        #[serde(default = "unit")]
        power: f64,
        /// The rate at the end.
        #[serde(default)]
        min_lr: f64,
    },
    /// Up to the full rate, then down to almost nothing (Smith and Topin 2019); `OneCycleLR`, with
    /// the momentum left alone. It is its own warm-up.
    OneCycle {
        /// Share of the run in which the rate rises.
        #[serde(default = "three_tenths")]
        pct_start: f64,
        /// The run begins at the full rate divided by this.
        #[serde(default = "twenty_five")]
        div: f64,
        /// The run ends at its first rate divided by this.
        #[serde(default = "ten_thousand")]
        final_div: f64,
        /// The shape of both ways.
        #[serde(default)]
        anneal: Anneal,
    },
    /// Straight up to the full rate and straight down, as in the speed records of DAWNBench and
    /// airbench. It is its own warm-up.
    Triangular {
        /// The first rate, as a share of the full one.
        #[serde(default)]
        start: f64,
        /// Share of the run after which the rate is full.
        #[serde(default = "three_tenths")]
        peak: f64,
        /// The rate after the last step, as a share of the full one.
        #[serde(default)]
        end: f64,
    },
}

/// The way from one learning rate to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "way of annealing"))]
pub enum Anneal {
    /// Half a cosine wave.
    #[default]
    Cosine,
    /// A straight line.
    Linear,
}

fn tenth() -> f64 {
    0.1
}

fn one() -> u32 {
    1
}

fn unit() -> f64 {
    1.0
}

fn three_tenths() -> f64 {
    0.3
}

fn twenty_five() -> f64 {
    25.0
}

fn ten_thousand() -> f64 {
    10_000.0
}

impl Schedule {
    /// Whether it begins with a rise of its own, which a warm-up would double.
    pub fn rises(&self) -> bool {
        matches!(self, Self::OneCycle { .. } | Self::Triangular { .. })
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        match *self {
            Self::Constant => Vec::new(),
            Self::Step { ref milestones, gamma } => unmet(&[
                (
                    milestones.is_sorted_by(|a, b| a < b),
                    "schedule.milestones",
                    "`milestones` are not ascending",
                    "list the epochs in order, each once",
                ),
                factor(gamma),
            ]),
            Self::StepEvery { epochs, gamma } => {
                let reason = "`epochs` is 0";
                unmet(&[
                    (epochs > 0, "schedule.epochs", reason, "a common value is 30"),
                    factor(gamma),
                ])
            }
            Self::Exponential { gamma } => unmet(&[factor(gamma)]),
            Self::Cosine { min_lr } => unmet(&[lowest(min_lr)]),
            Self::CosineRestarts { period, mult, min_lr } => unmet(&[
                (period > 0, "schedule.period", "`period` is 0", "a common value is 10 epochs"),
                (mult > 0, "schedule.mult", "`mult` is 0", "common values are 1 and 2"),
                lowest(min_lr),
            ]),
            Self::Polynomial { power, min_lr } => {
                let reason = "`power` is not above 0";
                unmet(&[
                    (power > 0.0, "schedule.power", reason, "common values are 0.9, 1 and 2"),
                    lowest(min_lr),
                ])
            }
            Self::OneCycle { pct_start, div, final_div, .. } => cycle(pct_start, div, final_div),
            Self::Triangular { start, peak, end } => triangle(start, peak, end),
        }
    }
}

/// A demand, as `unmet` takes them.
type Demand = (bool, &'static str, &'static str, &'static str);

fn factor(gamma: f64) -> Demand {
    (gamma > 0.0, "schedule.gamma", "`gamma` is not above 0", "a common value is 0.1")
}

fn lowest(min_lr: f64) -> Demand {
    (min_lr >= 0.0, "schedule.min_lr", "`min_lr` is below 0", "use 0 or more")
}

fn cycle(pct_start: f64, div: f64, final_div: f64) -> Vec<Fault> {
    unmet(&[
        (
            (0.0..1.0).contains(&pct_start),
            "schedule.pct_start",
            "`pct_start` is not from 0 to below 1",
            "a common value is 0.3",
        ),
        (div > 0.0, "schedule.div", "`div` is not above 0", "a common value is 25"),
        (
            final_div > 0.0,
            "schedule.final_div",
            "`final_div` is not above 0",
            "a common value is 10000",
        ),
    ])
}

fn triangle(start: f64, peak: f64, end: f64) -> Vec<Fault> {
    unmet(&[
        (start >= 0.0, "schedule.start", "`start` is below 0", "a common value is 0.2"),
        (
            (0.0..=1.0).contains(&peak),
            "schedule.peak",
            "`peak` is no share of the run",
            "use a number from 0 to 1, such as 0.2",
        ),
        (end >= 0.0, "schedule.end", "`end` is below 0", "use 0 or more"),
    ])
}
