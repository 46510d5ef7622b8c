//! Seeds that are added only where experiments are still close.

use std::fmt;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::de::{self, Cx};
use super::error::{Problem, SpecError};
use super::expr::Env;
use super::load::Loader;
use super::tree::Tree;

/// Seeds from 0 on: all experiments train the first `min`; then one seed more at a time is trained by
/// those alone that are in a pair which is not settled, until all are, or `max` is reached. With a
/// `baseline` the pairs are those with it, else all.
///
/// A pair is settled where its seeds so far show that one is better, or with `detect`, that they are
/// within that of one another. This is asked after every seed, by a test that allows it (a confidence
/// sequence of paired differences): the chance that any of these claims in the sweep is false is at
/// most 1 - `level`. Nothing is chosen by it but how many seeds are trained. `seeds.csv` has every
/// decision.
///
/// Few seeds never tell, however far they are apart: at a level of 0.95 a single pair takes 4 at the least,
/// 2 to 6 pairs take 5, 10 take 6.
///
/// ```ron
/// (min: 3, max: 20, detect: 0.2)
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UntilResolved {
    /// Seeds that every experiment trains; 2 at the least.
    #[serde(default = "three")]
    pub min: u32,
    /// The most seeds of an experiment.
    pub max: u32,
    /// 1 less the chance that any claim is false.
    #[serde(default = "usual")]
    pub level: f64,
    /// The largest difference that does not matter, percentage points, or nats of a loss: a pair that is
    /// surely closer is settled as equal. Without it, close pairs go on to `max`.
    #[serde(default)]
    pub detect: Option<f64>,
    /// What is compared.
    #[serde(default)]
    pub metric: SeedsMetric,
}

/// What decides how many seeds are trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeedsMetric {
    /// Test accuracy after the last epoch.
    #[default]
    Top1,
    /// Accuracy on held-out training images; needs `data.validation`.
    ValTop1,
    /// Mean cross-entropy on the test set.
    TestLoss,
}

impl SeedsMetric {
    /// The column of `runs.csv`.
    pub fn column(self) -> &'static str {
        match self {
            Self::Top1 => "top1",
            Self::ValTop1 => "val_top1",
            Self::TestLoss => "test_loss",
        }
    }

    /// Whether more is better.
    pub fn more_is_better(self) -> bool {
        self != Self::TestLoss
    }
}

impl fmt::Display for SeedsMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.column())
    }
}

fn three() -> u32 {
    3
}

fn usual() -> f64 {
    0.95
}

impl UntilResolved {
    /// Reads `UntilResolved(..)`.
    ///
    /// # Errors
    /// Every mistake, at its place.
    pub fn read(loader: &Loader, tree: &Rc<Tree>) -> Result<Self, SpecError> {
        let rule: Self = de::read(tree, Cx { loader, env: &Env::new() }, "`UntilResolved`")?;
        let told = rule.faults().into_iter().map(|(path, reason, help)| {
            let problem = Problem::Value { reason, help: help.into() };
            SpecError::at(tree.find(path), problem)
        });
        SpecError::all(told).map_or(Ok(rule), Err)
    }

    /// All seeds that it may train.
    pub fn seeds(&self) -> Vec<u64> {
        (0..u64::from(self.max)).collect()
    }

    fn faults(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut faults = Vec::new();
        if self.min < 2 {
            let help = "one seed has no spread; give 3 or more";
            faults.push(("min", format!("`min` is {}", self.min), help));
        }
        if self.max < self.min {
            let reason = format!("`max` is {}, below `min`, {}", self.max, self.min);
            faults.push(("max", reason, "a common pair is `min: 3, max: 20`"));
        }
        if self.max > MOST {
            let reason = format!("`max` is {}", self.max);
            faults.push(("max", reason, "give 1000 at most"));
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            let reason = format!("`level` is {}", self.level);
            faults.push(("level", reason, "give a level between 0 and 1, usually 0.95"));
        }
        if self.detect.is_some_and(|detect| detect.is_nan() || detect <= 0.0) {
            let reason = format!("`detect` is {}", self.detect.unwrap_or_default());
            let help = "give the largest difference that does not matter, as `detect: 0.2`, or leave it out";
            faults.push(("detect", reason, help));
        }
        faults
    }
}

/// The most seeds.
const MOST: u32 = 1000;
