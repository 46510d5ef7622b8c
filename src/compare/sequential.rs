//! Pairs whose seeds were added until they were resolved. What a test of a fixed number of seeds says of
//! them is not to be trusted, since the number hung on what was seen.

use crate::records::{CompareRow, SeedsDecision, SeedsRow, Verdict};

/// What the test of these pairs is called.
pub(super) const TEST: &str = "sequential t";

/// Puts what the sequential test found in the place of what other tests say; a note where it was of
/// another metric.
pub(super) fn apply(
    rows: &mut [CompareRow],
    decisions: &[SeedsRow],
    metric: &str,
) -> Option<String> {
    let first = decisions.first()?;
    if first.metric != metric {
        return Some(format!(
            "seeds were added by {} until pairs were resolved (seeds.csv): tests of {metric} here take \
             their number for fixed, which it was not",
            first.metric
        ));
    }
    for row in rows {
        let is_own = |it: &&SeedsRow| it.experiment == row.experiment && it.other == row.other;
        let is_turned = |it: &&SeedsRow| it.experiment == row.other && it.other == row.experiment;
        if let Some(own) = decisions.iter().find(is_own) {
            put(row, own, 1.0);
        } else if let Some(turned) = decisions.iter().find(is_turned) {
            put(row, turned, -1.0);
        }
    }
    None
}

fn put(row: &mut CompareRow, decision: &SeedsRow, sign: f64) {
    let turn = |value: Option<f64>| value.map(|value| sign * value);
    let (low, high) = (turn(decision.low), turn(decision.high));
    let pairs = decision.threshold * (1.0 - row.level);
    row.test = Some(TEST.into());
    (row.pairs, row.n, row.other_n) = (decision.n, decision.n, decision.n);
    row.difference = turn(decision.difference);
    (row.difference_low, row.difference_high) = if sign > 0.0 { (low, high) } else { (high, low) };
    row.p = decision.e_value.map(|e| (1.0 / e).min(1.0));
    row.p_holm = row.p.map(|p| (p * pairs).min(1.0));
    (row.p_sign_flip, row.seeds_needed) = (None, None);
    let better = if sign > 0.0 { SeedsDecision::Better } else { SeedsDecision::Worse };
    let why = |text: &str| (Verdict::NotResolved, Some(text.to_owned()));
    (row.verdict, row.why) = match decision.decision {
        SeedsDecision::Better | SeedsDecision::Worse => {
            let is_better = decision.decision == better;
            (if is_better { Verdict::Better } else { Verdict::Worse }, None)
        }
        SeedsDecision::Equal => why("both are surely within what the sweep says matters"),
        SeedsDecision::Open => why("seeds are still being added"),
        SeedsDecision::Undecided => why("the most seeds that were allowed did not tell"),
    };
}
