//! What tables know of a sweep beside its records: the experiments in order, their axes, and what
//! they are compared with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::column::Row;
use super::halving::HalvingRow;
use super::rows::{AccuracyRow, EpochRow, RunRow, TimingRow};
use super::seeds::SeedsRow;

/// The experiments of a sweep and their axes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Layout {
    /// The experiments in the order of the tables, with the values of the axes as they stand in
    /// cells, one for each of `axes`; empty where an experiment has none.
    pub experiments: Vec<(String, Vec<String>)>,
    /// What the axes are called, in order.
    pub axes: Vec<String>,
    /// The experiment that the others are compared with.
    pub baseline: Option<String>,
}

/// The columns of the axes, which stand after `experiment` in every table. They follow from the
/// sweep alone, so they are the same before the first run and after the last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AxisColumns {
    /// Their names in the header.
    pub names: Vec<String>,
    /// The cells of each experiment.
    cells: BTreeMap<String, Vec<String>>,
}

impl Layout {
    /// A sweep without axes.
    pub fn plain(experiments: &[&str]) -> Self {
        let experiments = experiments.iter().map(|name| (name.to_string(), Vec::new())).collect();
        Self { experiments, ..Self::default() }
    }

    /// The columns of the axes.
    pub fn columns(&self) -> AxisColumns {
        let mut names: Vec<String> = Vec::new();
        for axis in &self.axes {
            let mut name = axis.clone();
            while is_fixed(&name) || names.contains(&name) || self.is_other(axis, &name) {
                name = format!("axis_{name}");
            }
            names.push(name);
        }
        AxisColumns { names, cells: self.experiments.iter().cloned().collect() }
    }

    /// Whether another axis goes by this name.
    fn is_other(&self, axis: &str, name: &str) -> bool {
        axis != name && self.axes.iter().any(|other| other == name)
    }
}

impl AxisColumns {
    /// The cells of an experiment, as many as there are columns.
    pub fn cells(&self, experiment: &str) -> Vec<String> {
        let mut cells = self.cells.get(experiment).cloned().unwrap_or_default();
        cells.resize(self.names.len(), String::new());
        cells
    }
}

/// Whether any table has a column of this name; an axis is called the same in all of them.
fn is_fixed(name: &str) -> bool {
    let all = [
        AccuracyRow::COLUMNS,
        TimingRow::COLUMNS,
        RunRow::COLUMNS,
        EpochRow::COLUMNS,
        HalvingRow::COLUMNS,
        SeedsRow::COLUMNS,
    ];
    all.concat().iter().any(|column| column.name == name)
}
