//! Optimisers: state as plain tensors, steps by libtorch's fused and foreach kernels. No step waits
//! for the device.

mod groups;
mod lookahead;
mod rule;
mod scaler;

use tch::{TchError, Tensor};

use crate::model::Model;
use crate::op::Weight;
use crate::shim;
use crate::spec::train::{Optimizer, Precision, Train};

use lookahead::Lookahead;
use rule::Group;
use scaler::Scaler;

/// An optimiser over the trained weights of a model.
#[derive(Debug)]
pub struct Optim {
    /// The full learning rate, which the schedule goes down from.
    full: f64,
    groups: Vec<Group>,
    /// The most that the norm of all gradients may be, and whose they are.
    clip: Option<(f64, Vec<Tensor>)>,
    lookahead: Option<Lookahead>,
    /// Of the loss, in float16.
    scaler: Option<Scaler>,
    steps: u64,
}

impl Optim {
    /// The optimiser of a recipe for a model, for a run of so many steps.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn new(recipe: &Train, steps: u64, model: &Model) -> Result<Self, TchError> {
        Self::over(recipe, steps, model.weights().filter(|(weight, _)| weight.role.is_trained()))
    }

    /// The optimiser of a recipe over some weights in the order of their layers.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn over<'a>(
        recipe: &Train,
        steps: u64,
        weights: impl Iterator<Item = (&'a Weight, &'a Tensor)>,
    ) -> Result<Self, TchError> {
        let groups = groups::of(recipe, &weights.collect::<Vec<_>>())?;
        let params = || groups.iter().flat_map(|group: &Group| group.params());
        let lookahead = match recipe.optimizer {
            Optimizer::Lookahead { every, alpha, alpha_end, .. } => {
                let alpha = (alpha, alpha_end.unwrap_or(alpha));
                Some(Lookahead::new(params(), u64::from(every), alpha, steps)?)
            }
            _ => None,
        };
        let clip =
            recipe.clip_norm.map(|most| (most, params().map(Tensor::shallow_clone).collect()));
        let scaler = match recipe.precision {
            Precision::Fp16 => Some(Scaler::over(params().map(Tensor::shallow_clone).collect())?),
            _ => None,
        };
        Ok(Self { full: recipe.optimizer.lr(), groups, clip, lookahead, scaler, steps: 0 })
    }

    /// The loss whose gradients [`Optim::step`] wants: in float16 a large multiple of it, which keeps
    /// small gradients above 0.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn scaled(&self, loss: &Tensor) -> Result<Tensor, TchError> {
        self.scaler.as_ref().map_or_else(|| Ok(loss.shallow_clone()), |scaler| scaler.scaled(loss))
    }

    /// Changes the weights by their gradients, and sets the gradients free. `lr` is the rate of the
    /// recipe's optimiser; those of parts of it go along.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn step(&mut self, lr: f64) -> Result<(), TchError> {
        let found = self.scaler.as_mut().map(Scaler::unscale).transpose()?;
        if let Some((most, params)) = &self.clip {
            shim::clip(params, *most)?;
        }
        for group in &self.groups {
            group.step(lr, self.full, self.steps == 0, found.as_ref())?;
            shim::forget_gradients(group.params())?;
        }
        self.scaler.as_mut().map_or(Ok(()), Scaler::update)?;
        self.steps += 1;
        self.lookahead.as_ref().map_or(Ok(()), |lookahead| lookahead.after(self.steps))
    }

    /// Brings the weights to where the run ends: with a lookahead, to the slow ones.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn finish(&self) -> Result<(), TchError> {
        self.lookahead.as_ref().map_or(Ok(()), Lookahead::finish)
    }
}
