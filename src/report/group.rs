//! The runs of an experiment, the unfinished ones too.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use rayon::prelude::*;

use super::curves::Curves;
use crate::compare::newest_runs;
use crate::records::{EpochRow, Run, RunRow, Status, Unreadable};
use crate::statistics::mean;

/// An experiment with its runs.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its runs that have a record, by seed.
    pub runs: Vec<RunRow>,
    /// What is drawn of their epochs, and of those of the runs without a record.
    pub curves: Curves,
    /// Its runs without one.
    pub unfinished: Vec<Unfinished>,
}

/// A run that has begun and has no record: it trains, or was stopped.
#[derive(Debug, Clone)]
pub struct Unfinished {
    /// Name of its experiment.
    pub experiment: String,
    /// Its seed.
    pub seed: u64,
    /// The first characters of the hash of its spec.
    pub hash: String,
    /// When it began, or went on.
    pub begun: SystemTime,
    /// The epochs that it will have trained, where its spec can be read.
    pub planned: Option<u32>,
    /// Multiply-accumulates of one image, and parameters, likewise.
    pub costs: Option<(u64, u64)>,
    /// The epochs that it has trained.
    pub epochs: Vec<EpochRow>,
    /// Its folder.
    pub folder: PathBuf,
}

impl Group {
    /// The experiments of a sweep by their MACs; and what was left out. Records whose epochs cannot be
    /// read are named.
    pub fn all(
        runs: &[Run],
        mut unfinished: Vec<Unfinished>,
        unreadable: &mut Vec<Unreadable>,
    ) -> (Vec<Self>, Vec<String>) {
        let (newest, mut notes) = newest_runs(runs);
        let by_experiment: Vec<&[&Run]> =
            newest.chunk_by(|a, b| a.row.experiment == b.row.experiment).collect();
        let read: Vec<(Self, Vec<Unreadable>)> =
            by_experiment.into_par_iter().map(Self::recorded).collect();
        let mut groups = Vec::new();
        for (group, faults) in read {
            groups.push(group);
            unreadable.extend(faults);
        }
        unfinished.sort_by_key(|run| (std::cmp::Reverse(run.begun), run.seed));
        for run in unfinished {
            let group = find(&mut groups, &run.experiment);
            match group.is_of(&run.hash) {
                true => {
                    group.curves.add(&run.epochs);
                    group.unfinished.push(run);
                }
                false => notes.push(format!(
                    "{}: an unfinished run of another spec is left out, seed {} of {}",
                    run.experiment, run.seed, run.hash
                )),
            }
        }
        groups.iter_mut().for_each(|group| group.unfinished.sort_by_key(|run| run.seed));
        let size = |group: &Self| (group.costs().is_none(), group.costs(), group.name.clone());
        groups.sort_by_key(size);
        (groups, notes)
    }

    /// An experiment by its runs that have a record: their epochs are read one run after the other, and
    /// what is drawn of them alone is kept.
    fn recorded(runs: &[&Run]) -> (Self, Vec<Unreadable>) {
        let name = runs.first().map(|run| run.row.experiment.clone()).unwrap_or_default();
        let (mut group, mut faults) = (Self { name, ..Self::default() }, Vec::new());
        for run in runs {
            match run.epochs() {
                Ok(epochs) if is_stray(&run.row) => group.curves.add_stray(&run.row, &epochs),
                Ok(epochs) => group.curves.add(&epochs),
                Err(fault) => faults.push(fault),
            }
            group.runs.push(run.row.clone());
        }
        (group, faults)
    }

    /// Whether its runs are of the spec with this hash; any where it has none yet.
    fn is_of(&self, hash: &str) -> bool {
        let recorded = self.runs.first().map(|run| run.spec_hash.as_str());
        let known = recorded.or_else(|| self.unfinished.first().map(|run| run.hash.as_str()));
        known.is_none_or(|known| known.starts_with(hash))
    }

    /// Multiply-accumulates of one image, and parameters, where they are known.
    pub fn costs(&self) -> Option<(u64, u64)> {
        let recorded = self.runs.first().map(|run| (run.macs, run.params));
        recorded.or_else(|| self.unfinished.first().and_then(|run| run.costs))
    }

    /// The runs that ended well.
    pub fn ok(&self) -> impl Iterator<Item = &RunRow> {
        self.runs.iter().filter(|run| run.status == Status::Ok)
    }

    /// Mean of the latency over the runs that ended well; none where they did not all train on the same.
    pub fn latency_ms(&self) -> Option<f64> {
        let on = |run: &RunRow| (run.trained_on() == self.ok().next()?.trained_on()).then_some(());
        self.ok().map(on).collect::<Option<Vec<()>>>()?;
        mean(&self.ok().filter_map(|run| run.latency_ms).collect::<Vec<_>>())
    }

    /// What became of the other runs: `1 failed, 2 unfinished, at epoch 3 and 0 of 10`; empty where all
    /// ended well.
    pub fn others(&self) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.status != Status::Ok) {
            *counts.entry(run.status.to_string()).or_default() += 1;
        }
        let told = counts.into_iter().map(|(what, count)| format!("{count} {what}"));
        told.chain(self.told_of_unfinished()).collect::<Vec<_>>().join(", ")
    }

    fn told_of_unfinished(&self) -> Option<String> {
        let first = self.unfinished.first()?;
        let at: Vec<String> =
            self.unfinished.iter().map(|run| run.epochs.len().to_string()).collect();
        let of = first.planned.map(|planned| format!(" of {planned}")).unwrap_or_default();
        Some(format!("{} unfinished, at epoch {}{of}", at.len(), at.join(" and ")))
    }
}

fn is_stray(run: &RunRow) -> bool {
    matches!(run.status, Status::Diverged | Status::Failed)
}

/// Whether the times of all experiments are of the same device with as many threads.
pub(super) fn are_timed_alike(groups: &[Group]) -> bool {
    let mut on = groups.iter().flat_map(Group::ok).map(RunRow::trained_on);
    let first = on.next();
    on.all(|other| Some(other) == first)
}

fn find<'a>(groups: &'a mut Vec<Group>, name: &str) -> &'a mut Group {
    let place = groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
        groups.push(Group { name: name.to_owned(), ..Group::default() });
        groups.len() - 1
    });
    &mut groups[place]
}
