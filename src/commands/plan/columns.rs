//! The columns that a list of experiments has for the axes of their sweep.

use crate::experiment::{Experiment, Experiments};

/// More fields than these that only some cases change make a list too wide to read.
const MOST_OF_CASES: usize = 4;

/// The axes that have a column.
pub(in crate::commands) struct Columns {
    /// By their places.
    shown: Vec<usize>,
    /// What is said of the others, a line.
    pub(in crate::commands) left_out: String,
}

impl Columns {
    /// All of them; but of fields that some cases change and others leave alone none where they are many,
    /// as the name of the case stands for them.
    pub(in crate::commands) fn of(experiments: &Experiments) -> Self {
        let is_whole = |at: &usize| experiments.list.iter().all(|own| !own.axes[*at].1.is_empty());
        let all = 0..experiments.axes.len();
        let (whole, of_cases): (Vec<usize>, Vec<usize>) = all.clone().partition(is_whole);
        if of_cases.len() <= MOST_OF_CASES || whole.is_empty() {
            return Self { shown: all.collect(), left_out: String::new() };
        }
        let names: Vec<&str> = of_cases.iter().map(|at| experiments.axes[*at].as_str()).collect();
        let left_out = format!("Changed by some cases, as `show` tells: {}\n", names.join(", "));
        Self { shown: whole, left_out }
    }

    /// What they are called.
    pub(in crate::commands) fn names<'a>(
        &'a self,
        experiments: &'a Experiments,
    ) -> impl Iterator<Item = String> + 'a {
        self.shown.iter().map(|at| experiments.axes[*at].clone())
    }

    /// Their values in an experiment.
    pub(in crate::commands) fn values<'a>(
        &'a self,
        experiment: &'a Experiment,
    ) -> impl Iterator<Item = String> + 'a {
        self.shown.iter().map(|at| experiment.axes[*at].1.clone())
    }
}
