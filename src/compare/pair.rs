//! Two experiments: whether they differ, and what they cost.

use super::Question;
use super::metric::Metric;
use super::samples::{Samples, Test, verdict};
use super::side::{Side, are_alike};
use crate::records::{CompareRow, Run, Verdict};
use crate::statistics::{Design, mean, variance};

/// Costs that differ by less than this share are alike: nothing is bought by the difference.
const ALIKE: f64 = 0.01;

/// An experiment against another.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    first: &'a Side<'a>,
    second: &'a Side<'a>,
    more_is_better: bool,
    samples: Samples,
    test: Option<Test>,
    p: Option<f64>,
    /// The seeds that a paired test leaves out.
    pub(super) left_out: Option<String>,
}

impl<'a> Pair<'a> {
    pub(super) fn of(first: &'a Side<'a>, second: &'a Side<'a>, metric: Metric) -> Self {
        let samples = Samples::of(&first.by_seed(), &second.by_seed());
        let left_out = samples.is_paired().then(|| left_out(first, second)).flatten();
        let more_is_better = metric.more_is_better;
        let test = samples.test();
        let p = test.as_ref().map(Test::p);
        Self { first, second, more_is_better, test, p, samples, left_out }
    }

    /// The two-sided probability of so large a difference where there is none.
    pub(super) fn p(&self) -> Option<f64> {
        self.p
    }

    /// Its row, given the corrected probability. What is told of images, and the seeds that are needed, are
    /// filled in later.
    pub(super) fn row(&self, asked: &Question, p_holm: Option<f64>) -> CompareRow {
        let (first, second) = (self.samples.first(), self.samples.second());
        let difference = mean(first).zip(mean(second)).map(|(a, b)| a - b);
        let interval = self.test.as_ref().map(|test| test.interval(asked.level));
        let verdict = verdict(difference, p_holm, asked.level, self.more_is_better);
        let is_open = verdict == Verdict::NotResolved;
        let extra_macs = less(self.first.macs, self.second.macs);
        let extra_train_s = self.extra_train_s();
        let per = |extra: f64, of: f64| {
            let counts = extra != 0.0 && extra.abs() >= ALIKE * of;
            difference.filter(|_| counts).map(|points| points / extra)
        };
        let train_s = self.second.train_s().unwrap_or(0.0);
        CompareRow {
            experiment: self.first.name.clone(),
            other: self.second.name.clone(),
            metric: asked.metric.name.to_owned(),
            pairs: count(shared(self.first, self.second).len()),
            n: count(first.len()),
            other_n: count(second.len()),
            difference,
            difference_low: interval.map(|ends| ends.0),
            difference_high: interval.map(|ends| ends.1),
            level: asked.level,
            test: self.test.as_ref().map(|test| test.name().to_owned()),
            p: self.p(),
            p_holm,
            p_sign_flip: self.samples.p_sign_flip(),
            verdict,
            why: is_open.then(|| self.why(p_holm, asked)),
            seeds_needed: None,
            mcnemar_seeds: 0,
            mcnemar_better: 0,
            mcnemar_worse: 0,
            extra_params: less(self.first.params, self.second.params),
            extra_macs,
            extra_train_s,
            per_extra_gmac: per(extra_macs as f64 / 1e9, self.second.macs as f64 / 1e9),
            per_extra_s: extra_train_s.and_then(|extra| per(extra, train_s)),
        }
    }

    fn why(&self, p_holm: Option<f64>, asked: &Question) -> String {
        if let Some(p) = p_holm {
            return format!(
                "p is {p:.2} after Holm's correction, not below {:.3}",
                1.0 - asked.level
            );
        }
        let (first, second) = (self.samples.first().len(), self.samples.second().len());
        let sides = [(self.first, first), (self.second, second)];
        let few = |enough: usize| {
            let few = sides.iter().filter(|(_, n)| *n < enough);
            few.map(|(side, _)| side.name.as_str()).collect::<Vec<_>>().join(" and ")
        };
        match first.min(second) {
            0 => format!("there is no run with {} of {}", asked.metric.name, few(1)),
            1 => format!("one run of {} has no spread (n = 1); train 2 seeds or more", few(2)),
            _ => "the differences do not vary, so there is no spread to test by".into(),
        }
    }

    /// The effect that was seen, in the measure of the test that fits.
    pub(super) fn effect(&self) -> Option<(Design, f64)> {
        Some(match self.test.as_ref()? {
            Test::Paired(t) => {
                (Design::Paired, t.difference / (t.error * (t.freedom + 1.0).sqrt()))
            }
            Test::Welch(welch) => {
                let (a, b) = (variance(self.samples.first())?, variance(self.samples.second())?);
                (Design::TwoSamples, welch.difference / f64::midpoint(a, b).sqrt())
            }
        })
    }

    fn extra_train_s(&self) -> Option<f64> {
        let (first, second) = (self.first.train_s()?, self.second.train_s()?);
        let one_of_each = [self.first.runs.first(), self.second.runs.first()];
        // The runs of a side are alike where it has a time.
        let both: Vec<&Run> = one_of_each.into_iter().flatten().copied().collect();
        are_alike(&both).then_some(first - second)
    }
}

/// The places of the runs of each side whose seeds both have, by seed; runs stand by seed, so one walk
/// along both finds them.
pub(super) fn shared(first: &Side, second: &Side) -> Vec<(usize, usize)> {
    let seed = |side: &Side, at: usize| side.runs.get(at).map(|run| run.row.seed);
    let (mut a, mut b, mut found) = (0, 0, Vec::new());
    while let (Some(own), Some(other)) = (seed(first, a), seed(second, b)) {
        if own == other {
            found.push((a, b));
        }
        (a, b) = (a + usize::from(own <= other), b + usize::from(other <= own));
    }
    found
}

/// The seeds that one side alone has.
fn left_out(first: &Side, second: &Side) -> Option<String> {
    let both = shared(first, second);
    if both.len() == first.runs.len() && both.len() == second.runs.len() {
        return None;
    }
    let alone = |side: &Side, places: Vec<usize>| {
        let runs = side.runs.iter().enumerate().filter(|(at, _)| places.binary_search(at).is_err());
        let alone: Vec<String> = runs.map(|(_, run)| run.row.seed.to_string()).collect();
        let plural = if alone.len() == 1 { "" } else { "s" };
        (!alone.is_empty()).then(|| format!("seed{plural} {} of {}", alone.join(", "), side.name))
    };
    let (ours, theirs) = both.into_iter().unzip();
    let found: Vec<String> =
        [alone(first, ours), alone(second, theirs)].into_iter().flatten().collect();
    let pair = format!("{} against {}", first.name, second.name);
    let only = "not paired, and left out of the test";
    (!found.is_empty()).then(|| format!("{pair}: {} {only}", found.join(" and ")))
}

fn less(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(i64::MAX)
}

fn count(runs: usize) -> u32 {
    u32::try_from(runs).unwrap_or(u32::MAX)
}
