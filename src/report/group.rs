//! The runs of an experiment, those under way too.

use std::collections::BTreeMap;

use crate::compare::newest_runs;
use crate::records::{EpochRow, Run, RunRow, Status};
use crate::statistics::mean;

/// An experiment with its runs.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its runs that have a record, by seed.
    pub runs: Vec<RunRow>,
    /// The epochs of all runs, a list each.
    pub epochs: Vec<Vec<EpochRow>>,
    /// Its runs without one.
    pub under_way: Vec<UnderWay>,
}

/// A run that has not ended.
#[derive(Debug, Clone)]
pub struct UnderWay {
    /// Name of its experiment.
    pub experiment: String,
    /// Its seed.
    pub seed: u64,
    /// The epochs that it has trained.
    pub epochs: Vec<EpochRow>,
}

impl Group {
    /// The experiments of a sweep by their MACs, those that are only under way last; and what was left
    /// out.
    pub fn all(runs: &[Run], under_way: Vec<UnderWay>) -> (Vec<Self>, Vec<String>) {
        let (newest, notes) = newest_runs(runs);
        let mut groups: Vec<Self> = Vec::new();
        for run in newest {
            let group = find(&mut groups, &run.record.run.experiment);
            group.runs.push(run.record.run.clone());
            group.epochs.push(run.record.epochs.clone());
        }
        for run in under_way {
            let group = find(&mut groups, &run.experiment);
            group.epochs.push(run.epochs.clone());
            group.under_way.push(run);
        }
        (groups, notes)
    }

    /// The runs that ended well.
    pub fn ok(&self) -> impl Iterator<Item = &RunRow> {
        self.runs.iter().filter(|run| run.status == Status::Ok)
    }

    /// Mean over these of a column that some of them have.
    pub fn mean(&self, column: impl Fn(&RunRow) -> Option<f64>) -> Option<f64> {
        mean(&self.ok().filter_map(column).collect::<Vec<_>>())
    }

    /// What became of the other runs: `1 failed, 2 under way`; empty where all ended well.
    pub fn others(&self) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.status != Status::Ok) {
            *counts.entry(run.status.to_string()).or_default() += 1;
        }
        if !self.under_way.is_empty() {
            counts.insert("under way".into(), self.under_way.len());
        }
        let told = counts.into_iter().map(|(what, count)| format!("{count} {what}"));
        told.collect::<Vec<_>>().join(", ")
    }
}

fn find<'a>(groups: &'a mut Vec<Group>, name: &str) -> &'a mut Group {
    let place = groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
        let (runs, epochs, under_way) = (Vec::new(), Vec::new(), Vec::new());
        groups.push(Group { name: name.to_owned(), runs, epochs, under_way });
        groups.len() - 1
    });
    &mut groups[place]
}
