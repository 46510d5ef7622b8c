//! Records to tables: which rows there are, in what order, with what statistics over the seeds.

use std::collections::HashMap;

use super::halving::HalvingRow;
use super::layout::{AxisColumns, Layout};
use super::record::Record;
use super::rows::{AccuracyRow, EpochRow, RunRow, Status, TimingRow};
use super::seeds::SeedsRow;

/// The four tables of a sweep.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tables {
    /// A row per run, by experiment and seed.
    pub runs: Vec<RunRow>,
    /// A row per run and epoch, in the order of the runs.
    pub epochs: Vec<EpochRow>,
    /// A row per experiment that has a record.
    pub accuracy: Vec<AccuracyRow>,
    /// A row per experiment that has a record.
    pub timing: Vec<TimingRow>,
    /// A row per experiment and rung that it came to; none where the sweep has no rungs.
    pub halving: Option<Vec<HalvingRow>>,
    /// A row per pair and round; none where seeds are not added by rule.
    pub seeds: Option<Vec<SeedsRow>>,
    /// The columns of the axes, in every table.
    pub axes: AxisColumns,
    /// The experiment that the others are compared with.
    pub baseline: Option<String>,
}

impl Tables {
    /// The tables of `records`, whose order does not matter: experiments stand as in `layout`,
    /// seeds ascend. Records of other experiments are left out.
    pub fn of<'a>(layout: &Layout, records: impl IntoIterator<Item = &'a Record>) -> Self {
        let names = layout.experiments.iter().map(|(name, _)| name.as_str());
        let places: HashMap<&str, usize> = names.zip(0..).collect();
        let place = |record: &Record| places.get(record.run.experiment.as_str()).copied();
        let mut placed: Vec<(usize, &Record)> =
            records.into_iter().filter_map(|record| Some((place(record)?, record))).collect();
        placed.sort_by_key(|(place, record)| (*place, record.run.seed));

        let (axes, baseline) = (layout.columns(), layout.baseline.clone());
        let mut tables = Self { axes, baseline, ..Self::default() };
        for experiment in placed.chunk_by(|a, b| a.0 == b.0) {
            let records: Vec<&Record> = experiment.iter().map(|(_, record)| *record).collect();
            tables.append(&records);
        }
        tables.compare();
        tables
    }

    /// Sets every experiment against the baseline.
    fn compare(&mut self) {
        let Some(baseline) = &self.baseline else { return };
        let own = self.accuracy.iter().find(|row| row.experiment == *baseline);
        let Some(mean) = own.and_then(|row| row.top1_mean) else { return };
        for row in self.accuracy.iter_mut().filter(|row| row.experiment != *baseline) {
            row.top1_vs_baseline = row.top1_mean.map(|top1| top1 - mean);
        }
    }

    /// Appends one experiment, given its records by seed.
    fn append(&mut self, records: &[&Record]) {
        let Some(first) = records.first() else { return };
        let finished: Vec<&Record> =
            records.iter().copied().filter(|r| r.run.status == Status::Ok).collect();
        self.accuracy.push(accuracy(&first.run, records, &finished));
        self.timing.push(timing(&first.run, &finished));
        self.runs.extend(records.iter().map(|r| r.run.clone()));
        self.epochs.extend(records.iter().flat_map(|r| r.epochs.iter().cloned()));
    }
}

/// The row of an experiment with these runs, of which `finished` ended well; `any` is one of them.
fn accuracy(any: &RunRow, runs: &[&Record], finished: &[&Record]) -> AccuracyRow {
    let ended = |statuses: &[Status]| {
        count(runs.iter().filter(|record| statuses.contains(&record.run.status)).count())
    };
    let top1 = numbers(finished, |run| run.top1);
    let test_loss = numbers(finished, |run| run.test_loss);
    AccuracyRow {
        experiment: any.experiment.clone(),
        n: count(finished.len()),
        failed: ended(&[Status::Diverged, Status::Failed]),
        stopped_early: count(finished.iter().filter(|r| r.run.stop_reason.is_some()).count()),
        dropped: ended(&[Status::Dropped]),
        top1_mean: mean(&top1),
        top1_std: sample_std(&top1),
        top1_min: top1.iter().copied().reduce(f64::min),
        top1_max: top1.iter().copied().reduce(f64::max),
        top1_vs_baseline: None,
        top1_best_mean: mean(&numbers(finished, |run| run.top1_best)),
        top1_tta_mean: mean(&numbers(finished, |run| run.top1_tta)),
        val_top1_mean: mean(&numbers(finished, |run| run.val_top1)),
        top1_ema_mean: mean(&numbers(finished, |run| run.top1_ema)),
        top1_swa_mean: mean(&numbers(finished, |run| run.top1_swa)),
        test_loss_mean: mean(&test_loss),
        test_loss_std: sample_std(&test_loss),
        params: any.params,
        macs: any.macs,
    }
}

/// What an experiment costs, over its runs that ended well; `any` is one of its runs.
fn timing(any: &RunRow, finished: &[&Record]) -> TimingRow {
    let epoch_s: Vec<f64> =
        finished.iter().flat_map(|r| r.epochs.iter().map(|e| e.epoch_s)).collect();
    TimingRow {
        experiment: any.experiment.clone(),
        n: count(finished.len()),
        device: joined(finished, |run| Some(&run.device)),
        device_name: joined(finished, |run| run.device_name.as_ref()),
        precision: joined(finished, |run| Some(&run.precision)),
        threads: shared(finished, |run| run.threads),
        batch: shared(finished, |run| run.batch),
        train_images_per_s: mean(&numbers(finished, |run| run.train_images_per_s)),
        eval_images_per_s: mean(&numbers(finished, |run| run.eval_images_per_s)),
        epoch_s_mean: mean(&epoch_s),
        epoch_s_std: sample_std(&epoch_s),
        train_s: mean(&numbers(finished, |run| run.train_s)),
        latency_ms: mean(&numbers(finished, |run| run.latency_ms)),
        peak_memory_mb: numbers(finished, |run| run.peak_memory_mb).into_iter().reduce(f64::max),
        params: any.params,
        macs: any.macs,
    }
}

/// The arithmetic mean; none of nothing.
pub(super) fn mean(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

/// The sample standard deviation, with n - 1; none below two numbers.
pub(super) fn sample_std(numbers: &[f64]) -> Option<f64> {
    let mean = mean(numbers).filter(|_| numbers.len() >= 2)?;
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    Some((squares / (numbers.len() - 1) as f64).sqrt())
}

fn numbers(records: &[&Record], field: impl Fn(&RunRow) -> Option<f64>) -> Vec<f64> {
    records.iter().filter_map(|record| field(&record.run)).collect()
}

/// The distinct values in the order of the runs, joined by ` + `.
fn joined(records: &[&Record], field: impl Fn(&RunRow) -> Option<&String>) -> Option<String> {
    let mut distinct: Vec<&str> = Vec::new();
    for value in records.iter().filter_map(|record| field(&record.run)) {
        if !distinct.contains(&value.as_str()) {
            distinct.push(value);
        }
    }
    (!distinct.is_empty()).then(|| distinct.join(" + "))
}

/// The value that all runs share.
fn shared<T: PartialEq>(records: &[&Record], field: impl Fn(&RunRow) -> T) -> Option<T> {
    let first = field(&records.first()?.run);
    records.iter().all(|record| field(&record.run) == first).then_some(first)
}

fn count(runs: usize) -> u32 {
    u32::try_from(runs).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn statistics_of_nothing_are_nothing() {
        assert_eq!((mean(&[]), sample_std(&[])), (None, None));
        assert_eq!((mean(&[93.0]), sample_std(&[93.0])), (Some(93.0), None));
    }

    #[test]
    fn the_sample_standard_deviation_divides_by_n_minus_1() {
        let known = sample_std(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert!((known - (32.0_f64 / 7.0).sqrt()).abs() < 1e-15);
        assert_eq!(sample_std(&[94.0, 95.0, 96.0]), Some(1.0));
        assert_eq!(sample_std(&[1.5, 1.5]), Some(0.0));
    }
}
