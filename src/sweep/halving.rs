//! Successive halving: who goes on from a rung. Pure functions of the records.

use sha2::{Digest, Sha256};

use crate::records::{Decision, EpochRow, HalvingRow, Record, Status};
use crate::saved::hex;
use crate::spec::halving::Halving;
use crate::spec::train::Metric;

use super::Run;

/// A rung of a sweep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rung<'a> {
    pub rule: &'a Halving,
    /// From 0.
    pub at: usize,
}

/// An experiment that came to a rung, and what its runs have there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub experiment: String,
    /// In the order of the seeds.
    pub values: Vec<f64>,
}

impl Rung<'_> {
    /// All rungs of a sweep.
    pub fn all(rule: &Halving) -> impl Iterator<Item = Rung<'_>> {
        (0..rule.rungs.len()).map(move |at| Rung { rule, at })
    }

    /// The epochs after which it is.
    pub fn epoch(&self) -> u32 {
        self.rule.rungs[self.at]
    }

    /// The number that people give it.
    pub fn number(&self) -> u32 {
        self.at as u32 + 1
    }

    /// What a run has at this rung: after its epochs, or at its end where it ended well before.
    /// None where it failed, or the value is no number.
    pub fn value(&self, record: &Record) -> Option<f64> {
        let at = |epoch: u32| record.epochs.iter().find(|row| row.epoch == epoch);
        let end = || {
            let ended = record.run.status == Status::Ok;
            at(record.run.restored_epoch.unwrap_or(record.run.epochs)).filter(|_| ended)
        };
        let value = at(self.epoch()).or_else(end).and_then(|row| self.of_row(row));
        value.filter(|value| value.is_finite())
    }

    fn of_row(&self, row: &EpochRow) -> Option<f64> {
        match self.rule.metric {
            Metric::ValTop1 => row.val_top1,
            Metric::ValLoss => row.val_loss,
        }
    }

    /// Who goes on: a row for each experiment, in the order in which they are given, which is that
    /// of the sweep and decides between equal values.
    pub fn decide(&self, standings: &[Standing]) -> Vec<HalvingRow> {
        let means: Vec<Option<f64>> = standings.iter().map(|s| mean(&s.values)).collect();
        let mut ranked: Vec<(usize, f64)> =
            (0..).zip(&means).filter_map(|(at, mean)| Some((at, (*mean)?))).collect();
        // Stable: equal ones keep their order.
        ranked.sort_by(|a, b| match self.rule.metric {
            Metric::ValTop1 => b.1.total_cmp(&a.1),
            Metric::ValLoss => a.1.total_cmp(&b.1),
        });
        let kept = &ranked[..self.rule.keeps(standings.len()).min(ranked.len())];
        let threshold = kept.last().map(|(_, value)| *value);
        let row = |(at, standing): (usize, &Standing)| HalvingRow {
            experiment: standing.experiment.clone(),
            rung: self.number(),
            epoch: self.epoch(),
            metric: self.rule.metric.column().to_owned(),
            n: standing.values.len() as u32,
            value: means[at],
            rank: ranked.iter().position(|ranked| ranked.0 == at).map(|rank| rank as u32 + 1),
            threshold,
            decision: match kept.iter().any(|kept| kept.0 == at) {
                true => Decision::Kept,
                false => Decision::Dropped,
            },
        };
        standings.iter().enumerate().map(row).collect()
    }

    /// Why an experiment was dropped at this rung, where so many stood:
    /// `rung 1 of 3: mean val_top1 41.2 of 2 runs is rank 5 of 9; 3 went on, the last with 44`.
    pub fn reason(&self, row: &HalvingRow, standings: &[HalvingRow]) -> String {
        let rung = format!("rung {} of {}", self.number(), self.rule.rungs.len());
        let (Some(value), Some(rank)) = (row.value, row.rank) else {
            return format!("{rung}: no run has a {}", row.metric);
        };
        let kept = standings.iter().filter(|row| row.decision == Decision::Kept).count();
        let runs = if row.n == 1 { "run" } else { "runs" };
        let last = row.threshold.map(rounded).unwrap_or_default();
        format!(
            "{rung}: mean {} {} of {} {runs} is rank {rank} of {}; {kept} went on, the last with {last}",
            row.metric,
            rounded(value),
            row.n,
            standings.len()
        )
    }
}

fn rounded(value: f64) -> String {
    ((value * 1e4).round() / 1e4).to_string()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// What the decisions of a sweep hang on: the rungs, the experiments and the seeds.
pub(super) fn fingerprint<T>(rule: &Halving, runs: &[Run<T>]) -> String {
    let mut ids: Vec<String> =
        runs.iter().map(|run| format!("{:?} {}", run.id, run.epochs)).collect();
    ids.sort();
    let text = format!("{rule:?}\n{}", ids.join("\n"));
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(metric: Metric) -> Halving {
        Halving { rungs: vec![1, 3], eta: 3.0, metric }
    }

    fn standings(values: &[&[f64]]) -> Vec<Standing> {
        let standing = |(at, values): (usize, &&[f64])| Standing {
            experiment: char::from(b'a' + at as u8).to_string(),
            values: values.to_vec(),
        };
        values.iter().enumerate().map(standing).collect()
    }

    /// The experiments with their ranks, those that go on in capitals.
    fn decided(metric: Metric, values: &[&[f64]]) -> String {
        let rule = rule(metric);
        let rows = Rung { rule: &rule, at: 0 }.decide(&standings(values));
        let told = |row: &HalvingRow| {
            let rank = row.rank.map(|rank| rank.to_string()).unwrap_or_default();
            match row.decision {
                Decision::Kept => row.experiment.to_uppercase() + &rank,
                Decision::Dropped => row.experiment.clone() + &rank,
            }
        };
        rows.iter().map(told).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_best_third_goes_on_by_the_mean_of_its_seeds() {
        let top1 = |values: &[&[f64]]| decided(Metric::ValTop1, values);
        assert_eq!(top1(&[&[50.0], &[70.0], &[60.0]]), "a3 B1 c2");
        assert_eq!(top1(&[&[50.0, 80.0], &[70.0, 64.0], &[60.0, 60.0]]), "a2 B1 c3");
        let six: [&[f64]; 6] = [&[1.0], &[5.0], &[3.0], &[6.0], &[2.0], &[4.0]];
        assert_eq!(top1(&six), "a6 B2 c4 D1 e5 f3");
        assert_eq!(decided(Metric::ValLoss, &six), "A1 b5 c3 d6 E2 f4");
    }

    #[test]
    fn of_equal_ones_the_first_of_the_sweep_goes_on() {
        assert_eq!(decided(Metric::ValTop1, &[&[40.0], &[50.0], &[50.0]]), "a3 B1 c2");
        assert_eq!(decided(Metric::ValLoss, &[&[0.5], &[0.5], &[0.5]]), "A1 b2 c3");
    }

    #[test]
    fn an_experiment_goes_by_the_runs_that_are_left() {
        // With one value and two; without any; more go on than have a value.
        assert_eq!(decided(Metric::ValTop1, &[&[60.0], &[50.0, 69.0], &[]]), "A1 b2 c");
        assert_eq!(decided(Metric::ValTop1, &[&[], &[10.0], &[]]), "a B1 c");
        let none: [&[f64]; 6] = [&[], &[], &[1.0], &[], &[], &[]];
        assert_eq!(decided(Metric::ValTop1, &none), "a b C1 d e f");
        assert_eq!(decided(Metric::ValTop1, &[&[], &[]]), "a b");
        assert_eq!(decided(Metric::ValTop1, &[&[10.0]]), "A1");
    }

    #[test]
    fn the_reason_has_value_rank_and_threshold() {
        let rule = rule(Metric::ValTop1);
        let rung = Rung { rule: &rule, at: 1 };
        let rows = rung.decide(&standings(&[&[50.0, 51.0], &[70.123_456], &[]]));
        assert_eq!((rows[0].epoch, rows[0].rung, rows[0].n, rows[0].value), (3, 2, 2, Some(50.5)));
        assert_eq!(rows[1].threshold, rows[1].value);
        let reason = "rung 2 of 2: mean val_top1 50.5 of 2 runs is rank 2 of 3; \
                      1 went on, the last with 70.1235";
        assert_eq!(rung.reason(&rows[0], &rows), reason);
        assert_eq!(rung.reason(&rows[2], &rows), "rung 2 of 2: no run has a val_top1");
    }
}
