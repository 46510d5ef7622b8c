//! Which experiments are trained with one more seed. Pure functions of the records, round by round, so
//! that a sweep that was killed anywhere decides again as it had.

use std::collections::BTreeSet;

use crate::records::{Record, RunRow, SeedsDecision, SeedsRow, Status, StoreError};
use crate::spec::until_resolved::{SeedsMetric, UntilResolved};
use crate::statistics::Sequential;

use super::{Pool, Run, Sweep};

/// An experiment with its runs by seed, as far as they are recorded.
#[derive(Debug)]
pub(super) struct Tried<'a> {
    pub name: &'a str,
    /// By seed, in the order of the seeds; none of those that are not over.
    pub runs: Vec<Option<&'a RunRow>>,
}

/// What follows from the records.
#[derive(Debug, PartialEq)]
pub(super) struct Rounds {
    /// The pairs after each round that is over.
    pub rows: Vec<SeedsRow>,
    /// How many of the first seeds each experiment is to train.
    pub seeds: Vec<usize>,
    /// Whether every pair is settled.
    pub is_over: bool,
}

/// Decides round after round, until one is not over yet or nothing is open.
pub(super) fn rounds(
    rule: &UntilResolved,
    pairs: &[(usize, usize)],
    tried: &[Tried<'_>],
) -> Rounds {
    let mut seeds = vec![rule.min as usize; tried.len()];
    let (mut rows, mut settled) = (Vec::new(), BTreeSet::new());
    for round in 1.. {
        let is_done =
            |(one, count): (&Tried<'_>, &usize)| one.runs.iter().take(*count).all(Option::is_some);
        if !tried.iter().zip(&seeds).all(is_done) {
            return Rounds { rows, seeds, is_over: false };
        }
        let mut more = BTreeSet::new();
        for (at, pair) in
            pairs.iter().enumerate().filter(|(at, _)| !settled.contains(at)).collect::<Vec<_>>()
        {
            let row = decide(
                rule,
                pairs.len(),
                round,
                [pair.0, pair.1].map(|own| (&tried[own], seeds[own])),
            );
            match row.decision {
                SeedsDecision::Open => more.extend([pair.0, pair.1]),
                _ => drop(settled.insert(at)),
            }
            rows.push(row);
        }
        if more.is_empty() {
            return Rounds { rows, seeds, is_over: true };
        }
        more.into_iter().for_each(|own| seeds[own] = (seeds[own] + 1).min(rule.max as usize));
    }
    Rounds { rows, seeds, is_over: true }
}

/// What is to be said of a pair, of which each has trained so many seeds.
fn decide(
    rule: &UntilResolved,
    pairs: usize,
    round: u32,
    [(a, of_a), (b, of_b)]: [(&Tried<'_>, usize); 2],
) -> SeedsRow {
    let value = |run: &Option<&RunRow>| value(rule.metric, (*run)?);
    let values = |one: &Tried<'_>, count: usize| -> Vec<Option<f64>> {
        one.runs.iter().take(count).map(value).collect()
    };
    let (first, second) = (values(a, of_a), values(b, of_b));
    let both = first.iter().zip(&second).filter_map(|(a, b)| Some((*a)? - (*b)?));
    let differences: Vec<f64> = both.collect();
    let alpha = (1.0 - rule.level) / pairs.max(1) as f64;
    let test = Sequential::of(&differences);
    let interval = test.and_then(|test| test.interval(alpha));
    let e_value = test.map(|test| test.e_value());
    let more = of_a.min(of_b) < rule.max as usize;
    // Who has no value after so many seeds is not fed for ever.
    let is_known = |values: &[Option<f64>]| values.iter().any(Option::is_some);
    let decision = match (settled(rule, interval), more) {
        (Some(decision), _) => decision,
        (None, true) if is_known(&first) && is_known(&second) => SeedsDecision::Open,
        _ => SeedsDecision::Undecided,
    };
    SeedsRow {
        experiment: a.name.to_owned(),
        other: b.name.to_owned(),
        round,
        metric: rule.metric.column().to_owned(),
        n: differences.len() as u32,
        difference: crate::statistics::mean(&differences),
        low: interval.map(|ends| ends.0),
        high: interval.map(|ends| ends.1),
        e_value,
        // 60 and not 59.99999999999995.
        threshold: (1e9 / alpha).round() / 1e9,
        decision,
    }
}

/// What an interval settles.
fn settled(rule: &UntilResolved, interval: Option<(f64, f64)>) -> Option<SeedsDecision> {
    let (low, high) = interval?;
    let is_better = if rule.metric.more_is_better() { low > 0.0 } else { high < 0.0 };
    match rule.detect {
        _ if is_better => Some(SeedsDecision::Better),
        _ if low > 0.0 || high < 0.0 => Some(SeedsDecision::Worse),
        Some(detect) if -detect < low && high < detect => Some(SeedsDecision::Equal),
        _ => None,
    }
}

fn value(metric: SeedsMetric, run: &RunRow) -> Option<f64> {
    let value = match metric {
        SeedsMetric::Top1 => run.top1,
        SeedsMetric::ValTop1 => run.val_top1,
        SeedsMetric::TestLoss => run.test_loss,
    };
    value.filter(|value| run.status == Status::Ok && value.is_finite())
}

impl<'a, T> Sweep<'a, T> {
    /// Trains round after round, until every pair is settled.
    pub(super) fn add_seeds(
        &mut self,
        rule: &UntilResolved,
        pool: &mut dyn Pool<T>,
    ) -> Result<(), StoreError> {
        loop {
            let before = self.seed_rows.as_ref().map_or(0, Vec::len);
            self.decide_seeds(rule);
            let rows = self.seed_rows.clone().unwrap_or_default();
            if rows.len() > before {
                self.observer.added(&rows[before..]);
                self.unwritten = self.write_tables().err();
            }
            let due: Vec<&'a Run<T>> = self.due();
            let due: Vec<&'a Run<T>> =
                due.into_iter().filter(|run| !self.failed.contains(&run.id)).collect();
            if due.is_empty() || self.is_stopping() {
                return Ok(());
            }
            self.train(&due, None, pool)?;
        }
    }

    /// Decides by what is recorded which seeds are wanted.
    pub(super) fn decide_seeds(&mut self, rule: &UntilResolved) {
        let Rounds { rows, seeds, .. } = {
            let names: Vec<&str> =
                self.job.layout.experiments.iter().map(|(name, _)| name.as_str()).collect();
            let tried: Vec<Tried<'_>> = names.iter().map(|name| self.tried(name)).collect();
            rounds(rule, &pairs(&names, self.job.layout.baseline.as_deref()), &tried)
        };
        let names = self.job.layout.experiments.iter().map(|(name, _)| name.clone());
        self.wanted = Some(names.zip(seeds.into_iter().map(|count| count as u64)).collect());
        self.seed_rows = Some(rows);
    }

    /// The runs of an experiment by seed. One that failed now is over.
    fn tried(&self, name: &'a str) -> Tried<'_> {
        let mut runs: Vec<&Run<T>> =
            self.job.runs.iter().filter(|run| run.id.experiment == name).collect();
        runs.sort_by_key(|run| run.id.seed);
        let is_over = |record: &&Record| record.is_finished() || self.failed.contains(&record.id());
        let row = |run: &&Run<T>| self.records.get(&run.id).filter(is_over).map(|it| &it.run);
        Tried { name, runs: runs.iter().map(row).collect() }
    }
}

/// The pairs of a sweep by their places: every other against the baseline, or every two, the later
/// against the earlier.
fn pairs(names: &[&str], baseline: Option<&str>) -> Vec<(usize, usize)> {
    let baseline = baseline.and_then(|own| names.iter().position(|name| *name == own));
    let all = 0..names.len();
    match baseline {
        Some(own) => all.filter(|other| *other != own).map(|other| (other, own)).collect(),
        None => all.flat_map(|a| (0..a).map(move |b| (a, b))).collect(),
    }
}
