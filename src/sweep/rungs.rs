//! The phases of a sweep with successive halving: all to the first rung, those that are left to the
//! next, and so to the end.
//!
//! A run that waits has a record, with the epochs that it has done, and a state from which it goes
//! on. A decision is kept before anything follows from it, and is not taken twice. So a sweep that
//! was killed anywhere goes on where it was.

use crate::records::{Decision, Decisions, HalvingRow, Record, Status, StoreError};
use crate::spec::halving::Halving;

use super::halving::{Rung, Standing, fingerprint};
use super::{Outline, Pool, Run, Start, Sweep};

impl<'a, T> Sweep<'a, T> {
    /// Looks for what was decided at the rungs.
    pub(super) fn recall_decisions(&mut self, start: Start) -> Result<(), StoreError> {
        let Some(rule) = &self.job.halving else { return Ok(()) };
        let of = fingerprint(rule, &self.job.runs);
        let known = Decisions::load(self.store.folder(), &of).filter(|_| start != Start::Fresh);
        self.decisions = Some(known.unwrap_or(Decisions { of, rows: Vec::new() }));
        self.save_decisions()
    }

    fn save_decisions(&self) -> Result<(), StoreError> {
        match &self.decisions {
            Some(decisions) => self.store.save_decisions(decisions),
            None => Ok(()),
        }
    }

    /// Whether nothing is left to be done for a run with this record.
    pub(super) fn is_over(&self, record: &Record) -> bool {
        let name = &record.run.experiment;
        let rows = self.decisions.iter().flat_map(|decisions| &decisions.rows);
        let mut dropped = rows.filter(|row| row.decision == Decision::Dropped);
        record.is_finished() || dropped.any(|row| row.experiment == *name)
    }

    /// Trains the runs of all experiments to the first rung, and so on.
    pub(super) fn halve(
        &mut self,
        rule: &Halving,
        pool: &mut dyn Pool<T>,
    ) -> Result<(), StoreError> {
        let names = self.job.layout.experiments.iter().map(|(name, _)| name.as_str());
        let mut left: Vec<&'a str> = names.collect();
        for rung in Rung::all(rule) {
            if self.rows_of(&rung).is_empty() {
                self.train(&self.due_of(&left, Some(rung.epoch())), Some(rung.epoch()), pool)?;
                if self.is_stopping() {
                    return Ok(());
                }
                self.decide(&rung, &left)?;
            }
            let rows = self.rows_of(&rung);
            for row in rows.iter().filter(|row| row.decision == Decision::Dropped) {
                left.retain(|name| *name != row.experiment);
                self.drop_runs(&row.experiment, &rung.reason(row, &rows))?;
            }
        }
        self.train(&self.due_of(&left, None), None, pool)
    }

    /// What was decided at a rung; nothing before it was.
    fn rows_of(&self, rung: &Rung<'_>) -> Vec<HalvingRow> {
        let rows = self.decisions.iter().flat_map(|decisions| &decisions.rows);
        rows.filter(|row| row.rung == rung.number()).cloned().collect()
    }

    /// The runs of these experiments that have not come so far, or to their end.
    fn due_of(&self, experiments: &[&str], until: Option<u32>) -> Vec<&'a Run<T>> {
        let is_due = |run: &&Run<T>| match self.records.get(&run.id) {
            None => true,
            Some(record) => match record.run.status {
                Status::Ok | Status::Diverged => false,
                Status::Failed => !self.failed.contains(&run.id),
                Status::Paused | Status::Dropped => record.run.epochs < until.unwrap_or(run.epochs),
            },
        };
        let runs = self.job.runs.iter();
        runs.filter(|run| experiments.contains(&run.id.experiment.as_str()))
            .filter(is_due)
            .collect()
    }

    /// Decides who goes on from a rung.
    fn decide(&mut self, rung: &Rung<'_>, experiments: &[&str]) -> Result<(), StoreError> {
        let mut runs: Vec<&Run<T>> = self.job.runs.iter().collect();
        runs.sort_by_key(|run| run.id.seed);
        let standing = |name: &&str| {
            let own = runs.iter().filter(|run| run.id.experiment == **name);
            let records = own.filter_map(|run| self.records.get(&run.id));
            let values = records.filter_map(|record| rung.value(record)).collect();
            Standing { experiment: (*name).to_owned(), values }
        };
        let rows = rung.decide(&experiments.iter().map(standing).collect::<Vec<_>>());
        if let Some(decisions) = &mut self.decisions {
            decisions.rows.extend(rows.iter().cloned());
        }
        self.save_decisions()?;
        self.observer.decided(&rows);
        Ok(())
    }

    /// Writes down that the runs of an experiment that wait were dropped.
    fn drop_runs(&mut self, experiment: &str, reason: &str) -> Result<(), StoreError> {
        let waits = |run: &&Run<T>| {
            let record = self.records.get(&run.id);
            record.is_some_and(|record| record.run.status == Status::Paused)
        };
        let runs = self.job.runs.iter().filter(|run| run.id.experiment == experiment);
        let waiting: Vec<&Run<T>> = runs.filter(waits).collect();
        for run in waiting {
            if let Some(record) = self.records.get(&run.id).cloned() {
                self.keep(&Outline::of(run), record.dropped(reason.to_owned()))?;
            }
        }
        Ok(())
    }
}
