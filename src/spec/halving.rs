//! Successive halving: which experiments of a sweep are trained to their end.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::de::{self, Cx};
use super::error::{Problem, SpecError};
use super::expr::Env;
use super::load::Loader;
use super::train::Metric;
use super::tree::Tree;

/// Successive halving (Jamieson and Talwalkar 2016; with `eta`, a bracket of Hyperband, Li et al.
/// 2018): all experiments train to the first rung, the best of them to the next, and those that are
/// left to the end. A rung ranks experiments by the mean over their seeds of what held-out images
/// say, so it needs `data.validation`; of equal ones that which stands first in the sweep goes on.
/// A run that failed or diverged is in no mean, and an experiment without a run is dropped.
///
/// Learning-rate schedules are those of all `epochs`: a rung sees runs under way, and those that
/// gain late are at a disadvantage. Who goes on does so bit for bit as if it had never waited.
/// `halving.csv` has every decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// The epochs after which experiments are dropped, rising, all below `train.epochs`.
    pub rungs: Vec<u32>,
    /// One in so many experiments goes on from a rung, rounded down, and always one.
    #[serde(default = "three")]
    pub eta: f64,
    /// What experiments are ranked by.
    #[serde(default)]
    pub metric: Metric,
}

fn three() -> f64 {
    3.0
}

impl Halving {
    /// Reads the field of a sweep.
    ///
    /// # Errors
    /// Every mistake, at its place.
    pub fn read(loader: &Loader, tree: &Rc<Tree>) -> Result<Self, SpecError> {
        let halving: Self = de::read(tree, Cx { loader, env: &Env::new() }, "`halving`")?;
        let told = halving.faults().into_iter().map(|(path, reason, help)| {
            let problem = Problem::Value { reason, help: help.into() };
            SpecError::at(tree.find(&path), problem)
        });
        SpecError::all(told).map_or(Ok(halving), Err)
    }

    /// The experiments that go on, of so many at a rung.
    pub fn keeps(&self, experiments: usize) -> usize {
        ((experiments as f64 / self.eta).floor() as usize).clamp(1, experiments.max(1))
    }

    fn faults(&self) -> Vec<(String, String, &'static str)> {
        let mut faults = Vec::new();
        if self.rungs.is_empty() {
            faults.push((
                "rungs".into(),
                "`rungs` is empty".into(),
                "a common form is `[1, 3, 9]`",
            ));
        }
        let before = std::iter::once(0).chain(self.rungs.iter().copied());
        for (at, (before, rung)) in before.zip(&self.rungs).enumerate() {
            if *rung <= before {
                let reason = match before {
                    0 => "a rung is after 0 epochs".into(),
                    before => format!("the rung after {rung} epochs follows that after {before}"),
                };
                let help = "give epochs from 1 on, each more than the one before, as `[1, 3, 9]`";
                faults.push((format!("rungs.{at}"), reason, help));
            }
        }
        if self.eta <= 1.0 {
            let reason = format!("`eta` is {}, which drops nothing", self.eta);
            faults.push(("eta".into(), reason, "a common value is 3: one in three goes on"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_eta_goes_on_and_always_one() {
        let keeps = |eta, experiments| {
            Halving { rungs: vec![1], eta, metric: Metric::ValTop1 }.keeps(experiments)
        };
        let thirds: Vec<usize> = (0..=9).map(|count| keeps(3.0, count)).collect();
        assert_eq!(thirds, [1, 1, 1, 1, 1, 1, 2, 2, 2, 3]);
        assert_eq!((keeps(2.5, 5), keeps(1.5, 3), keeps(2.0, 27)), (2, 2, 13));
    }
}
