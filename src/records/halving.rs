//! What was decided at the rungs of a sweep with successive halving.

use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic;
use super::column::{Cell, table};
use crate::regular;

table! {
    /// A row of `halving.csv`: one experiment at one rung that it came to.
    pub struct HalvingRow in "halving.csv" {
        /// Name of the experiment.
        experiment: String,
        /// The rung; the first is 1.
        rung: u32,
        /// The epochs after which it is.
        epoch: u32 ["epochs"],
        /// What the experiments were ranked by: `val_top1`, higher is better, or `val_loss`.
        metric: String,
        /// Runs of the experiment that have it; those that failed or diverged have none.
        n: u32 ["runs"],
        /// Mean of the metric over these, after `epoch` epochs or at an earlier end by `early_stop`;
        /// percent, or nats.
        value: Option<f64>,
        /// Place among the experiments that came to the rung; the best has 1. Empty without a value.
        rank: Option<u32>,
        /// The lowest value, for a loss the highest, of those that went on.
        threshold: Option<f64>,
        /// Whether it was `kept` and went on, or `dropped`.
        decision: Decision,
    }
}

/// What becomes of an experiment at a rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It goes on.
    Kept,
    /// It does not.
    Dropped,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kept => "kept",
            Self::Dropped => "dropped",
        })
    }
}

impl Cell for Decision {
    fn cell(&self) -> String {
        self.to_string()
    }
}

/// The decisions of a sweep on the disk. One that was taken stays, so that a sweep that starts
/// again goes on as it would have, whatever becomes of runs that are tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// What they hang on: with other experiments, seeds or rungs they are void.
    pub of: String,
    /// By rung, and within a rung in the order of the sweep.
    pub rows: Vec<HalvingRow>,
}

impl Decisions {
    /// The decisions in a sweep's folder, where there are any that hang on the same.
    pub fn load(folder: &Path, of: &str) -> Option<Self> {
        let text = regular::read_to_string(folder.join(FILE)).ok()?;
        ron::from_str(&text).ok().filter(|found: &Self| found.of == of)
    }

    /// Keeps them.
    ///
    /// # Errors
    /// What the disk reports.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        let pretty = ron::ser::PrettyConfig::new().new_line("\n");
        let text = ron::ser::to_string_pretty(self, pretty).map_err(io::Error::other)?;
        atomic::replace(&folder.join(FILE), format!("{text}\n").as_bytes())
    }
}

/// Beside the tables.
const FILE: &str = "halving.ron";
