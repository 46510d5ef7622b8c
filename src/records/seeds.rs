//! What was decided of pairs of experiments while seeds were added.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::regular;

use super::column::{Cell, Row, table};

table! {
    /// A row of `seeds.csv`: a pair of experiments after a round of seeds.
    pub struct SeedsRow in "seeds.csv" {
        /// The experiment that is compared.
        experiment: String,
        /// The experiment that it is compared with.
        other: String,
        /// The round; the first is 1.
        round: u32,
        /// What is compared: a column of runs.csv.
        metric: String,
        /// Seeds that both have.
        n: u32 ["seeds"],
        /// Mean of `experiment` less that of `other` over these: percentage points, or nats.
        difference: Option<f64>,
        /// Lower end of the confidence sequence of the difference, with the correction for all pairs;
        /// empty where so few seeds bound nothing.
        low: Option<f64>,
        /// Upper end of the same.
        high: Option<f64>,
        /// Evidence against there being no difference; a pair is resolved from `threshold` on.
        e_value: Option<f64>,
        /// The number of pairs by 1 less the level of the sweep.
        threshold: f64,
        /// `better` or `worse` where one is, `equal` where both are within `detect`, `open` where seeds are
        /// added, `undecided` where there are no more.
        decision: SeedsDecision,
    }
}

/// What becomes of a pair after a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeedsDecision {
    /// The first is better.
    Better,
    /// The first is worse.
    Worse,
    /// Both are so close that it does not matter.
    Equal,
    /// Seeds are added.
    Open,
    /// There are no more seeds, or no values.
    Undecided,
}

impl fmt::Display for SeedsDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Equal => "equal",
            Self::Open => "open",
            Self::Undecided => "undecided",
        })
    }
}

impl Cell for SeedsDecision {
    fn cell(&self) -> String {
        self.to_string()
    }
}

/// The latest decision of every pair in the folder of a sweep; nothing where no seeds were added by
/// rule, or the table cannot be read.
pub fn last_decisions(sweep: &Path) -> Vec<SeedsRow> {
    let Ok(file) = regular::open(sweep.join(SeedsRow::FILE)) else { return Vec::new() };
    let mut reader = csv::Reader::from_reader(file);
    let mut last: Vec<SeedsRow> = Vec::new();
    for row in reader.deserialize::<SeedsRow>().map_while(Result::ok) {
        last.retain(|known| (&known.experiment, &known.other) != (&row.experiment, &row.other));
        last.push(row);
    }
    last
}
