//! Early stopping of a run: its patience, and the weights of its best epoch.

use tch::{TchError, Tensor, no_grad_guard};

use super::evaluate::Evaluation;
use super::patience::Patience;
use super::saved::{Keeper, Misfit};
use crate::model::Model;
use crate::shim;
use crate::spec::train::{EarlyStop, Metric};

/// What ends a run before its last epoch.
#[derive(Debug)]
pub(super) struct EarlyStopping {
    metric: Metric,
    patience: Patience,
    best: Option<BestWeights>,
}

/// The weights of the best epoch, running statistics included.
#[derive(Debug)]
struct BestWeights {
    own: Vec<Tensor>,
    followed: Vec<Tensor>,
}

impl EarlyStopping {
    /// Before the first epoch of a run.
    pub(super) fn new(rule: EarlyStop, model: &Model) -> Result<Self, TchError> {
        let best = rule.restore_best.then(|| BestWeights::of(model)).transpose()?;
        Ok(Self { metric: rule.metric, patience: Patience::new(rule), best })
    }

    /// Takes in an epoch, and keeps its weights where it is the best.
    pub(super) fn after(&mut self, epoch: u32, validation: &Evaluation) -> Result<(), TchError> {
        let value = match self.metric {
            Metric::ValTop1 => validation.top1,
            Metric::ValLoss => validation.loss,
        };
        match (self.patience.take(epoch, value), &self.best) {
            (true, Some(best)) => shim::copy(&best.own, &best.followed),
            _ => Ok(()),
        }
    }

    /// Whether the run is over after so many epochs.
    pub(super) fn is_over(&self, epochs: u32) -> bool {
        self.patience.is_over(epochs)
    }

    /// Why it is.
    pub(super) fn reason(&self, epochs: u32) -> String {
        self.patience.reason(epochs)
    }

    /// The epoch whose weights the run ends with, where that is not the last.
    pub(super) fn restored(&self) -> Option<u32> {
        self.best.as_ref().and(self.patience.best()).map(|best| best.epoch)
    }

    /// Brings the weights of the best epoch back, where the rule says so and there is one.
    pub(super) fn restore(&self) -> Result<(), TchError> {
        match (&self.best, self.patience.best()) {
            (Some(best), Some(_)) => shim::copy(&best.followed, &best.own),
            _ => Ok(()),
        }
    }

    /// Its state, in a run that is saved or restored.
    pub(super) fn keep(&mut self, keeper: &mut Keeper) -> Result<(), Misfit> {
        keeper.value("best", self.patience.best_mut())?;
        self.best.as_ref().map_or(Ok(()), |best| keeper.tensors("weights", &best.own))
    }
}

impl BestWeights {
    fn of(model: &Model) -> Result<Self, TchError> {
        let _no_grad = no_grad_guard();
        let followed: Vec<Tensor> =
            model.weights().map(|(_, tensor)| tensor.f_detach()).collect::<Result<_, _>>()?;
        let own = followed.iter().map(Tensor::f_zeros_like).collect::<Result<_, _>>()?;
        Ok(Self { own, followed })
    }
}
