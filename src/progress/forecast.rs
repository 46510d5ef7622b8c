//! The time left, from the epochs that are finished.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::records::{EpochRow, RunId};
use crate::sweep::{Outline, StepReport};

/// The time left for each run and for the sweep, if the runs go on as many at a time as they can.
///
/// An epoch to come takes as long as those of its experiment took; before there is one, as long as
/// its multiply-accumulates take at the pace of the whole sweep. Runs that are dropped on the way take
/// less.
#[derive(Debug, Default)]
pub struct Forecast {
    /// Runs that go on at the same time, at most.
    at_once: usize,
    ahead: BTreeMap<RunId, Ahead>,
    experiments: BTreeMap<String, Pace>,
    sweep: Pace,
}

/// A run that is not finished.
#[derive(Debug)]
struct Ahead {
    outline: Outline,
    /// Epochs to go; the one under way counts by its steps to go.
    epochs: f64,
}

/// What finished epochs took.
#[derive(Debug, Default)]
struct Pace {
    seconds: f64,
    epochs: f64,
    work: f64,
}

impl Forecast {
    /// Before the first of the runs starts.
    pub fn of(due: &[Outline], at_once: usize) -> Self {
        let ahead = |outline: &Outline| Ahead {
            outline: outline.clone(),
            epochs: f64::from(outline.epochs),
        };
        let ahead = due.iter().map(|outline| (outline.id.clone(), ahead(outline))).collect();
        Self { at_once, ahead, ..Self::default() }
    }

    /// A run is within an epoch.
    pub fn reach(&mut self, id: &RunId, step: &StepReport) {
        let part = f64::from(step.step) / f64::from(step.steps.max(1));
        self.set_done(id, f64::from(step.epoch.saturating_sub(1)) + part);
    }

    /// An epoch is trained and evaluated.
    pub fn epoch(&mut self, run: &Outline, row: &EpochRow) {
        let seconds = row.epoch_s + row.eval_s.unwrap_or(0.0);
        let experiment = self.experiments.entry(run.id.experiment.clone()).or_default();
        for pace in [experiment, &mut self.sweep] {
            pace.seconds += seconds;
            pace.epochs += 1.0;
            pace.work += run.work;
        }
        self.set_done(&run.id, f64::from(row.epoch));
    }

    /// A run ended, at whatever epoch.
    pub fn finish(&mut self, id: &RunId) {
        self.ahead.remove(id);
    }

    /// The time left for a run; none before the first epoch of the sweep.
    pub fn run_left(&self, id: &RunId) -> Option<Duration> {
        duration(self.seconds(self.ahead.get(id)?)?)
    }

    /// The time left for all runs; none before the first epoch of the sweep.
    pub fn sweep_left(&self) -> Option<Duration> {
        let runs: Vec<f64> =
            self.ahead.values().map(|ahead| self.seconds(ahead)).collect::<Option<_>>()?;
        let longest = runs.iter().copied().fold(0.0, f64::max);
        duration(longest.max(runs.iter().sum::<f64>() / self.at_once.max(1) as f64))
    }

    fn seconds(&self, ahead: &Ahead) -> Option<f64> {
        let experiment = self.experiments.get(&ahead.outline.id.experiment);
        let epoch = match experiment {
            Some(pace) => pace.seconds / pace.epochs,
            None if self.sweep.work > 0.0 => {
                self.sweep.seconds / self.sweep.work * ahead.outline.work
            }
            None => return None,
        };
        Some(epoch * ahead.epochs)
    }

    fn set_done(&mut self, id: &RunId, epochs: f64) {
        if let Some(ahead) = self.ahead.get_mut(id) {
            ahead.epochs = (f64::from(ahead.outline.epochs) - epochs).max(0.0);
        }
    }
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(experiment: &str, seed: u64, work: f64) -> Outline {
        let id = RunId { experiment: experiment.to_owned(), seed, spec_hash: String::new() };
        Outline { id, epochs: 4, work }
    }

    fn row(epoch: u32, epoch_s: f64) -> EpochRow {
        EpochRow {
            epoch,
            lr: 0.1,
            train_loss: 1.0,
            epoch_s,
            eval_s: Some(1.0),
            ..EpochRow::default()
        }
    }

    #[test]
    fn an_experiment_not_yet_seen_counts_by_its_work() {
        let due = [outline("small", 0, 10.0), outline("small", 1, 10.0), outline("large", 0, 30.0)];
        let mut forecast = Forecast::of(&due, 1);
        assert_eq!(forecast.sweep_left(), None);

        forecast.epoch(&due[0], &row(1, 9.0));
        assert_eq!(forecast.run_left(&due[0].id), Some(Duration::from_secs(30)));
        assert_eq!(forecast.sweep_left(), Some(Duration::from_secs(30 + 40 + 120)));

        let step = StepReport { epoch: 2, step: 5, steps: 10, images_per_s: None, loss: None };
        forecast.reach(&due[0].id, &step);
        assert_eq!(forecast.run_left(&due[0].id), Some(Duration::from_secs(25)));

        forecast.finish(&due[0].id);
        forecast.epoch(&due[2], &row(1, 19.0));
        assert_eq!(forecast.sweep_left(), Some(Duration::from_secs(40 + 60)));
    }

    #[test]
    fn runs_side_by_side_take_their_share_of_the_time_and_at_least_that_of_the_longest() {
        let due = [outline("small", 0, 10.0), outline("small", 1, 10.0), outline("large", 0, 30.0)];
        let mut forecast = Forecast::of(&due, 2);
        forecast.epoch(&due[0], &row(1, 9.0));
        assert_eq!(forecast.sweep_left(), Some(Duration::from_secs(120)));
        forecast.epoch(&due[2], &row(2, 29.0));
        assert_eq!(forecast.sweep_left(), Some(Duration::from_secs((30 + 40 + 60) / 2)));
    }
}
