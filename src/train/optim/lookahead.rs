//! Slow weights that follow an optimiser (Zhang et al. 2019).

use tch::{TchError, Tensor, no_grad_guard};

use crate::shim;
use crate::train::saved::{Keeper, Misfit};

/// Slow weights, and the fast ones that the optimiser changes.
#[derive(Debug)]
pub(super) struct Lookahead {
    slow: Vec<Tensor>,
    fast: Vec<Tensor>,
    every: u64,
    /// The part of the way that slow weights go: at the start and at the end of the run.
    alpha: (f64, f64),
    /// Steps of the run.
    steps: u64,
}

impl Lookahead {
    /// Slow weights that begin where the parameters are.
    pub(super) fn new<'a>(
        params: impl Iterator<Item = &'a Tensor>,
        every: u64,
        alpha: (f64, f64),
        steps: u64,
    ) -> Result<Self, TchError> {
        let _no_grad = no_grad_guard();
        let fast: Vec<Tensor> = params.map(Tensor::shallow_clone).collect();
        let slow = fast.iter().map(Tensor::f_zeros_like).collect::<Result<Vec<_>, _>>()?;
        shim::copy(&slow, &fast)?;
        Ok(Self { slow, fast, every: every.max(1), alpha, steps: steps.max(1) })
    }

    /// The slow weights, in a run that is saved or restored.
    pub(super) fn keep(&self, keeper: &mut Keeper) -> Result<(), Misfit> {
        keeper.tensors("slow", &self.slow)
    }

    /// After so many steps.
    pub(super) fn after(&self, done: u64) -> Result<(), TchError> {
        if !done.is_multiple_of(self.every) {
            return Ok(());
        }
        let (start, end) = self.alpha;
        let share = done as f64 / self.steps as f64;
        shim::lerp(&self.slow, &self.fast, start + (end - start) * share.powi(3))?;
        self.finish()
    }

    /// Puts the fast weights where the slow ones are.
    pub(super) fn finish(&self) -> Result<(), TchError> {
        shim::copy(&self.fast, &self.slow)
    }
}
