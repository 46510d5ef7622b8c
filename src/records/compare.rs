//! The tables of `cargo xtask compare`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::column::{Cell, table};

table! {
    /// How one experiment stands by itself.
    pub struct StandingRow in "standing.csv" {
        /// Name of the experiment.
        experiment: String,
        /// Runs that ended `ok` and have the metric; the statistics are over these.
        n: u32 ["runs"],
        /// Mean of the metric over these.
        mean: Option<f64>,
        /// Sample standard deviation (n - 1) of the same; empty below two runs.
        std: Option<f64>,
        /// Whether it is better than every other, with each difference resolved.
        best: bool,
        /// Parameters, trained and frozen.
        params: u64,
        /// Multiply-accumulates of one forward pass of one image.
        macs: u64 ["MACs/image"],
        /// Training time of a run, mean over the runs; empty where they trained on different devices,
        /// threads or precisions.
        train_s: Option<f64> ["s"],
    }
}

table! {
    /// One experiment against another.
    pub struct CompareRow in "compare.csv" {
        /// The experiment that is compared.
        experiment: String,
        /// The experiment that it is compared with.
        other: String,
        /// What is compared: a column of runs.csv.
        metric: String,
        /// Seeds that both have; of a paired test the pairs.
        pairs: u32,
        /// Runs of `experiment` that enter the test.
        n: u32 ["runs"],
        /// Runs of `other` that enter the test.
        other_n: u32 ["runs"],
        /// Mean of `experiment` less that of `other`, over the runs that enter the test: percentage
        /// points of an accuracy, nats of a loss. Empty where a side has no run.
        difference: Option<f64>,
        /// Lower end of the confidence interval of the difference, not corrected for the other pairs.
        difference_low: Option<f64>,
        /// Upper end of the same.
        difference_high: Option<f64>,
        /// The level of the interval, and 1 less that of the tests.
        level: f64,
        /// `paired t` where two seeds or more are on both sides, else `Welch`; `sequential t` where seeds
        /// were added until pairs were resolved; empty where there is no spread to test by.
        test: Option<String>,
        /// Two-sided probability of so large a difference where there is none, by that test.
        p: Option<f64>,
        /// The same corrected for all pairs that were compared (Holm): what the verdict goes by.
        p_holm: Option<f64>,
        /// The share of all exchanges within the pairs that give so large a difference: a test that
        /// assumes no distribution. Up to 20 pairs; empty where they are not paired.
        p_sign_flip: Option<f64>,
        /// `better`, `worse`, or `not resolved`.
        verdict: Verdict,
        /// Why it is not resolved; empty where it is.
        why: Option<String>,
        /// Seeds a side with which a true difference as large as the one seen would be found at the power
        /// asked for, with this spread and at the strictest level that the correction asks for; at most
        /// 1000, and empty without a spread.
        seeds_needed: Option<u32>,
        /// Shared seeds whose predictions were compared image by image (McNemar's exact test).
        mcnemar_seeds: u32,
        /// Seeds among these where `experiment` has more images right, corrected for these seeds (Holm).
        mcnemar_better: u32,
        /// Seeds among these where `other` has.
        mcnemar_worse: u32,
        /// Parameters of `experiment` less those of `other`.
        extra_params: i64,
        /// Multiply-accumulates of one forward pass of one image, likewise.
        extra_macs: i64 ["MACs/image"],
        /// Training time of a run, likewise; empty where they did not all train on the same device with
        /// the same threads and precision.
        extra_train_s: Option<f64> ["s"],
        /// `difference` by `extra_macs` in units of 10^9; empty where both cost the same within 1 %.
        per_extra_gmac: Option<f64>,
        /// `difference` by `extra_train_s`; empty alike.
        per_extra_s: Option<f64>,
    }
}

table! {
    /// Two runs of the same seed on the same test images.
    pub struct McNemarRow in "mcnemar.csv" {
        /// The experiment that is compared.
        experiment: String,
        /// The experiment that it is compared with.
        other: String,
        /// The seed of both runs.
        seed: u64,
        /// Images.
        images: u64 ["images"],
        /// Images that the run of `experiment` alone has right.
        alone: u64 ["images"],
        /// Images that the run of `other` alone has right.
        other_alone: u64 ["images"],
        /// Two-sided p of McNemar's exact test.
        p_exact: f64,
        /// The same with half of the probability of just this split (mid-p).
        p_mid: f64,
        /// `p_exact` corrected for the seeds of this pair (Holm).
        p_holm: f64,
    }
}

/// What is said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The first is better.
    #[serde(rename = "better")]
    Better,
    /// The first is worse.
    #[serde(rename = "worse")]
    Worse,
    /// These runs do not tell.
    #[serde(rename = "not resolved")]
    NotResolved,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NotResolved => "not resolved",
        })
    }
}

impl Cell for Verdict {
    fn cell(&self) -> String {
        self.to_string()
    }
}
