//! The runs of an experiment that count, and why the others do not.

use std::collections::BTreeMap;

use super::Metric;
use crate::records::{Run, RunRow, StandingRow, Status};
use crate::statistics::{mean, variance};

/// The runs of every experiment that stand for it, by MACs, parameters, name and seed, however they
/// ended: of several specs the one that was trained last, of several runs of a seed the last. And what
/// is left out.
#[must_use]
pub fn newest_runs(runs: &[Run]) -> (Vec<&Run>, Vec<String>) {
    let mut notes = Vec::new();
    let by_name = by_name(runs).into_iter();
    let mut found: Vec<Vec<&Run>> =
        by_name.filter_map(|(name, runs)| newest(name, runs, &mut notes)).collect();
    found.sort_by_key(|runs| {
        let row = &runs[0].row;
        (row.macs, row.params, row.experiment.clone())
    });
    (found.concat(), notes)
}

fn by_name(runs: &[Run]) -> BTreeMap<&str, Vec<&Run>> {
    let mut by_name: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        by_name.entry(&run.row.experiment).or_default().push(run);
    }
    by_name
}

/// An experiment with its runs.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) name: String,
    /// Those that ended well and have the metric, by seed.
    pub(super) runs: Vec<&'a Run>,
    /// By `runs`.
    pub(super) values: Vec<f64>,
    /// What does not count, and why.
    pub(super) notes: Vec<String>,
    pub(super) params: u64,
    pub(super) macs: u64,
    /// Mean training time of a run; none where they did not all train on the same.
    train_s: Option<f64>,
}

impl<'a> Side<'a> {
    /// All experiments, by MACs, parameters and name.
    pub(super) fn all(runs: &'a [Run], metric: Metric) -> Vec<Self> {
        let sides =
            by_name(runs).into_iter().filter_map(|(name, runs)| Self::of(name, runs, metric));
        let mut sides: Vec<Self> = sides.collect();
        sides.sort_by(|a, b| (a.macs, a.params, &a.name).cmp(&(b.macs, b.params, &b.name)));
        sides
    }

    /// One experiment; none without a run.
    fn of(name: &str, runs: Vec<&'a Run>, metric: Metric) -> Option<Self> {
        let mut notes = Vec::new();
        let mut runs = newest(name, runs, &mut notes)?;
        let all = runs.len();
        let RunRow { params, macs, .. } = runs.first()?.row;
        let idle: Vec<String> = runs.iter().filter_map(|run| idle(run, metric)).collect();
        if !idle.is_empty() {
            let are = if idle.len() == 1 { "is" } else { "are" };
            let idle =
                format!("{} of {all} runs {are} not compared: {}", idle.len(), idle.join("; "));
            notes.push(format!("{name}: {idle}"));
        }
        runs.retain(|run| self::idle(run, metric).is_none());
        let values = runs.iter().filter_map(|run| metric.of(&run.row)).collect();
        let seconds: Vec<f64> = runs.iter().filter_map(|run| run.row.train_s).collect();
        let train_s = are_alike(&runs).then(|| mean(&seconds)).flatten();
        Some(Self { name: name.to_owned(), runs, values, notes, params, macs, train_s })
    }

    /// Its values with their seeds.
    pub(super) fn by_seed(&self) -> Vec<(u64, f64)> {
        let seeds = self.runs.iter().map(|run| run.row.seed);
        seeds.zip(self.values.iter().copied()).collect()
    }

    /// Its row.
    pub(super) fn standing(&self, best: bool) -> StandingRow {
        StandingRow {
            experiment: self.name.clone(),
            n: u32::try_from(self.runs.len()).unwrap_or(u32::MAX),
            mean: mean(&self.values),
            std: variance(&self.values).map(f64::sqrt),
            best,
            params: self.params,
            macs: self.macs,
            train_s: self.train_s(),
        }
    }

    /// Mean training time of a run; none where they did not all train on the same.
    pub(super) fn train_s(&self) -> Option<f64> {
        self.train_s
    }
}

/// Whether times of runs can be compared: the same kind of device, with the same threads and precision.
pub(super) fn are_alike(runs: &[&Run]) -> bool {
    let rows = || runs.iter().map(|run| &run.row);
    let mut on = rows().map(|row| (row.trained_on(), row.precision.as_str()));
    let first = on.next();
    on.all(|other| Some(other) == first)
}

/// The runs of the spec that was trained last, one a seed, by seed: runs of different specs are
/// different experiments, whatever they are called.
fn newest<'a>(name: &str, mut runs: Vec<&'a Run>, notes: &mut Vec<String>) -> Option<Vec<&'a Run>> {
    runs.sort_by(|a, b| b.row.started.cmp(&a.row.started));
    let last = &runs.first()?.row;
    let (hash, started) = (last.spec_hash.clone(), last.started.clone());
    let count = runs.len();
    runs.retain(|run| run.row.spec_hash == hash);
    if runs.len() < count {
        let short: String = hash.chars().take(crate::saved::HASH_IN_NAME).collect();
        let older = plural(count - runs.len(), "run");
        notes.push(format!(
            "{name}: {older} of another spec left out; the spec that was trained last counts, \
             {short}, last started {started}"
        ));
    }
    runs.sort_by_key(|run| run.row.seed);
    let count = runs.len();
    runs.dedup_by_key(|run| run.row.seed);
    if runs.len() < count {
        let copies = plural(count - runs.len(), "copy of a run");
        notes.push(format!("{name}: {copies} left out; of a seed the run started last counts"));
    }
    Some(runs)
}

/// Why a run does not count; none where it does.
fn idle(run: &Run, metric: Metric) -> Option<String> {
    let row = &run.row;
    let reason = row.reason.as_ref().or(row.stop_reason.as_ref());
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    match (row.status, metric.of(row)) {
        (Status::Ok, Some(_)) => None,
        (Status::Ok, None) => Some(format!("seed {} has no {}", row.seed, metric.name)),
        (Status::Paused, _) => Some(format!("seed {} waits at a rung of halving", row.seed)),
        (Status::Dropped, _) => Some(format!("seed {} was dropped{reason}", row.seed)),
        (status, _) => Some(format!("seed {} {status}{reason}", row.seed)),
    }
}

/// `1 run`, `2 runs`.
pub(super) fn plural(count: usize, what: &str) -> String {
    match (count, what.split_once(' ')) {
        (1, _) => format!("1 {what}"),
        (_, Some(("copy", rest))) => format!("{count} copies {rest}"),
        _ => format!("{count} {what}s"),
    }
}
