//! When a run ends because held-out images no longer gain: the decision, without tensors.

use serde::{Deserialize, Serialize};

use crate::spec::train::{EarlyStop, Metric};

/// The best value so far, and how long it may stay the best.
#[derive(Debug, Clone, PartialEq)]
pub struct Patience {
    rule: EarlyStop,
    best: Option<Best>,
}

/// The best value so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The epoch that it came after; the first is 1.
    pub epoch: u32,
    /// Of the rule's metric.
    pub value: f64,
}

impl Patience {
    /// Before the first epoch.
    pub fn new(rule: EarlyStop) -> Self {
        Self { rule, best: None }
    }

    /// Takes in the value after an epoch, and says whether it is the best so far.
    pub fn take(&mut self, epoch: u32, value: f64) -> bool {
        let EarlyStop { metric, min_delta, .. } = self.rule;
        let is_best = match self.best {
            Some(best) => metric.is_better(value, best.value, min_delta),
            None => !value.is_nan(),
        };
        if is_best {
            self.best = Some(Best { epoch, value });
        }
        is_best
    }

    /// Whether the run is over after so many epochs, all taken in.
    pub fn is_over(&self, epochs: u32) -> bool {
        let since = epochs.saturating_sub(self.best.map_or(0, |best| best.epoch));
        since >= self.rule.patience && epochs >= self.rule.min_epochs.max(1)
    }

    /// The best so far.
    pub fn best(&self) -> Option<Best> {
        self.best
    }

    /// For a run that is saved and restored.
    pub fn best_mut(&mut self) -> &mut Option<Best> {
        &mut self.best
    }

    /// Why the run is over after so many epochs:
    /// `val_top1 not above 71.2 (epoch 12) for 10 epochs`.
    pub fn reason(&self, epochs: u32) -> String {
        let (column, delta) = (self.rule.metric.column(), self.rule.min_delta);
        let Some(Best { epoch, value }) = self.best else {
            return format!("{column} is no number for {epochs} epochs");
        };
        let side = match self.rule.metric {
            Metric::ValTop1 => "above",
            Metric::ValLoss => "below",
        };
        let by = if delta > 0.0 { format!("more than {delta} ") } else { String::new() };
        let value = (value * 1e4).round() / 1e4;
        let since = epochs.saturating_sub(epoch);
        format!("{column} not {by}{side} {value} (epoch {epoch}) for {}", counted(since))
    }
}

fn counted(epochs: u32) -> String {
    format!("{epochs} epoch{}", if epochs == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(metric: Metric, patience: u32) -> EarlyStop {
        EarlyStop { patience, metric, min_delta: 0.0, min_epochs: 0, restore_best: false }
    }

    /// The epoch after which a run with these values is over, its best epoch, and why.
    fn run(rule: EarlyStop, values: &[f64]) -> Option<(u32, Option<u32>, String)> {
        let mut patience = Patience::new(rule);
        for (epoch, &value) in (1..).zip(values) {
            patience.take(epoch, value);
            if patience.is_over(epoch) {
                let best = patience.best().map(|best| best.epoch);
                return Some((epoch, best, patience.reason(epoch)));
            }
        }
        None
    }

    fn ends(rule: EarlyStop, values: &[f64], epoch: u32, best: u32, reason: &str) {
        assert_eq!(run(rule, values), Some((epoch, Some(best), reason.to_string())));
    }

    #[test]
    fn accuracy_that_does_not_rise_ends_the_run() {
        let rule = rule(Metric::ValTop1, 2);
        // Equal is not better, and a better one begins the count anew.
        ends(rule, &[50.0, 60.0, 60.0, 59.0], 4, 2, "val_top1 not above 60 (epoch 2) for 2 epochs");
        assert_eq!(run(rule, &[50.0, 49.0, 51.0, 50.0, 52.0, 51.0]), None);
        let one = EarlyStop { patience: 1, ..rule };
        ends(one, &[71.23456, 71.0], 2, 1, "val_top1 not above 71.2346 (epoch 1) for 1 epoch");
    }

    #[test]
    fn a_loss_has_to_fall() {
        let rule = rule(Metric::ValLoss, 2);
        ends(rule, &[1.0, 0.5, 0.6, 0.5], 4, 2, "val_loss not below 0.5 (epoch 2) for 2 epochs");
        assert_eq!(run(rule, &[1.0, 0.9, 0.95, 0.8, 0.85]), None);
    }

    /// Small gains do not add up: each is measured from the best that counted, as in Keras and
    /// Lightning.
    #[test]
    fn a_gain_has_to_be_more_than_the_least_one() {
        let rule = EarlyStop { min_delta: 0.5, ..rule(Metric::ValTop1, 3) };
        let reason = "val_top1 not more than 0.5 above 50 (epoch 1) for 3 epochs";
        ends(rule, &[50.0, 50.25, 50.5, 50.5], 4, 1, reason);
        assert_eq!(run(rule, &[50.0, 50.25, 50.5, 50.75, 50.0]), None);
        let rule = EarlyStop { metric: Metric::ValLoss, ..rule };
        let reason = "val_loss not more than 0.5 below 2 (epoch 1) for 3 epochs";
        ends(rule, &[2.0, 1.75, 1.5, 1.5], 4, 1, reason);
    }

    #[test]
    fn no_run_ends_before_its_least_epochs() {
        let rule = EarlyStop { min_epochs: 5, ..rule(Metric::ValTop1, 2) };
        let reason = "val_top1 not above 60 (epoch 1) for 4 epochs";
        ends(rule, &[60.0, 50.0, 50.0, 50.0, 50.0, 70.0], 5, 1, reason);
        // A gain before them keeps the run going.
        assert_eq!(run(rule, &[60.0, 50.0, 50.0, 50.0, 61.0, 50.0]), None);
    }

    #[test]
    fn what_is_no_number_is_never_the_best() {
        let nan = f64::NAN;
        let top1 = rule(Metric::ValTop1, 2);
        ends(top1, &[nan, 50.0, nan, nan], 4, 2, "val_top1 not above 50 (epoch 2) for 2 epochs");
        let none = Some((2, None, "val_loss is no number for 2 epochs".to_string()));
        assert_eq!(run(rule(Metric::ValLoss, 2), &[nan, nan, 0.5]), none);
        let loss = rule(Metric::ValLoss, 2);
        ends(
            loss,
            &[f64::INFINITY, nan, 0.5, nan, nan],
            5,
            3,
            "val_loss not below 0.5 (epoch 3) for 2 epochs",
        );
    }

    proptest! {
        /// Without a least gain: the first epoch, from the least on, whose last `patience` values
        /// are none above the highest before them.
        #[test]
        fn the_rule_is_what_it_says(
            values in prop::collection::vec(0_u8..20, 1..40),
            patience in 1_u32..6,
            min_epochs in 0_u32..10,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let stale = |epoch: usize| {
                let Some(before) = epoch.checked_sub(patience as usize) else { return false };
                let highest = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max);
                before > 0 && highest(&values[before..epoch]) <= highest(&values[..before])
            };
            let wanted = (1..=values.len()).find(|&e| e as u32 >= min_epochs && stale(e));
            let rule = EarlyStop { min_epochs, ..rule(Metric::ValTop1, patience) };
            let found = run(rule, &values);
            prop_assert_eq!(found.map(|found| found.0 as usize), wanted);
        }
    }
}
