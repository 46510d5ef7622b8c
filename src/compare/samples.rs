//! The values of two sides by seed, and the test that fits them.

use crate::records::Verdict;
use crate::statistics::{MOST_FLIPPED, PairedT, Welch, sign_flip};

/// The values that enter a test.
#[derive(Debug)]
pub(super) enum Samples {
    /// By seed.
    Paired { first: Vec<f64>, second: Vec<f64> },
    /// Each for itself.
    Apart { first: Vec<f64>, second: Vec<f64> },
}

/// The test that fits.
#[derive(Debug)]
pub(super) enum Test {
    Paired(PairedT),
    Welch(Welch),
}

impl Samples {
    /// Of seeds and their values, by seed: paired where two seeds or more are on both sides.
    pub(super) fn of(first: &[(u64, f64)], second: &[(u64, f64)]) -> Self {
        let with = |own: &[(u64, f64)], other: &[(u64, f64)]| -> Vec<f64> {
            let is_there = |seed: &u64| other.binary_search_by_key(seed, |(seed, _)| *seed).is_ok();
            own.iter().filter(|(seed, _)| is_there(seed)).map(|(_, value)| *value).collect()
        };
        let all = |side: &[(u64, f64)]| side.iter().map(|(_, value)| *value).collect();
        let paired = with(first, second);
        match paired.len() {
            2.. => Self::Paired { first: paired, second: with(second, first) },
            _ => Self::Apart { first: all(first), second: all(second) },
        }
    }

    pub(super) fn is_paired(&self) -> bool {
        matches!(self, Self::Paired { .. })
    }

    /// The values of the first side that enter the test.
    pub(super) fn first(&self) -> &[f64] {
        match self {
            Self::Paired { first, .. } | Self::Apart { first, .. } => first,
        }
    }

    /// Those of the second, in the same order of seeds where they are paired.
    pub(super) fn second(&self) -> &[f64] {
        match self {
            Self::Paired { second, .. } | Self::Apart { second, .. } => second,
        }
    }

    fn differences(&self) -> Vec<f64> {
        self.first().iter().zip(self.second()).map(|(a, b)| a - b).collect()
    }

    /// Above [`MOST_FLIPPED`] pairs there are too many exchanges to try them all.
    pub(super) fn p_sign_flip(&self) -> Option<f64> {
        let is_tried = self.is_paired() && self.first().len() <= MOST_FLIPPED;
        is_tried.then(|| sign_flip(&self.differences())).flatten()
    }

    /// None where there is no spread to test by.
    pub(super) fn test(&self) -> Option<Test> {
        match self {
            Self::Paired { .. } => PairedT::of(&self.differences()).map(Test::Paired),
            Self::Apart { first, second } => Welch::of(first, second).map(Test::Welch),
        }
    }
}

impl Test {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Paired(_) => "paired t",
            Self::Welch(_) => "Welch",
        }
    }

    pub(super) fn p(&self) -> f64 {
        match self {
            Self::Paired(test) => test.p_difference(),
            Self::Welch(test) => test.p_difference(),
        }
    }

    pub(super) fn interval(&self, level: f64) -> (f64, f64) {
        match self {
            Self::Paired(test) => test.interval(level),
            Self::Welch(test) => test.interval(level),
        }
    }
}

/// What a corrected probability says of a difference.
pub(super) fn verdict(
    difference: Option<f64>,
    p_holm: Option<f64>,
    level: f64,
    more_is_better: bool,
) -> Verdict {
    match (p_holm, difference) {
        (Some(p), Some(difference)) if p < 1.0 - level => {
            let is_better = (difference > 0.0) == more_is_better;
            if is_better { Verdict::Better } else { Verdict::Worse }
        }
        _ => Verdict::NotResolved,
    }
}
