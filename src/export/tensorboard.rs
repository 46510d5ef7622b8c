//! A folder for TensorBoard: an event file a run, in a folder by sweep, experiment and seed.

use std::path::{Path, PathBuf};

use super::{Exported, Unwritable, event, folder, put, scalars, started};
use crate::saved::file_name;

/// The name of the event file of a run; TensorBoard reads what has `tfevents` in its name.
const FILE: &str = "events.out.tfevents.resweep";

/// Writes `<into>/<sweep>/<experiment>/seed<seed>/events.out.tfevents.resweep` for every run: each column
/// of epochs.csv as a scalar by epoch.
///
/// # Errors
/// [`Unwritable`] where the disk refuses; runs before that are written.
pub fn write(into: &Path, sweep: &str, runs: &[Exported]) -> Result<(), Unwritable> {
    for run in runs {
        let place = place(into, sweep, run);
        folder(&place)?;
        put(&place.join(FILE), &event::file(started(run.record), &scalars(run.record)))?;
    }
    Ok(())
}

fn place(into: &Path, sweep: &str, run: &Exported) -> PathBuf {
    let row = &run.record.run;
    let experiment = into.join(file_name(sweep)).join(file_name(&row.experiment));
    experiment.join(format!("seed{}", row.seed))
}
