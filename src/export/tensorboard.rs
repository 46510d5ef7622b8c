//! A folder for TensorBoard: an event file a run, in a folder by sweep, experiment and seed.

use std::path::{Path, PathBuf};

use super::{Export, Exported, Unwritable, event, folder, put, scalars, started};
use crate::saved::file_name;

/// The name of the event file of a run; TensorBoard reads what has `tfevents` in its name.
const FILE: &str = "events.out.tfevents.resweep";

/// Writes `<into>/<sweep>/<experiment>/seed<seed>/events.out.tfevents.resweep` for every run: each column
/// of epochs.csv as a scalar by epoch.
#[derive(Debug)]
pub struct Tensorboard {
    sweep: PathBuf,
}

impl Tensorboard {
    /// The folder of a sweep below `into`.
    #[must_use]
    pub fn of(into: &Path, sweep: &str) -> Self {
        Self { sweep: into.join(file_name(sweep)) }
    }
}

impl Export for Tensorboard {
    fn write(&self, run: &Exported) -> Result<(), Unwritable> {
        let experiment = self.sweep.join(file_name(&run.row.experiment));
        let place = experiment.join(format!("seed{}", run.row.seed));
        folder(&place)?;
        put(&place.join(FILE), &event::file(started(run.row), &scalars(run)))
    }
}
