//! Optimisers: state as plain tensors, steps by libtorch's fused and foreach kernels. No step waits
//! for the device.

mod groups;
mod lookahead;
mod rule;
mod scaler;

use tch::{Device, TchError, Tensor};

use crate::model::Model;
use crate::op::Weight;
use crate::shim;
use crate::spec::train::{Optimizer, Precision, Train};
use crate::train::saved::{Keeper, Misfit};

use lookahead::Lookahead;
use rule::Group;
use scaler::Scaler;

/// An optimiser over the trained weights of a model.
#[derive(Debug)]
pub struct Optim {
    /// The full learning rate, which the schedule goes down from.
    full: f64,
    groups: Vec<Group>,
    /// The most that the norm of all gradients may be.
    clip: Option<f64>,
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
        Self::over(recipe, steps, model.weights())
    }

    /// The optimiser of a recipe over some weights in the order of their layers, of which it takes
    /// those that are trained.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn over<'a>(
        recipe: &Train,
        steps: u64,
        weights: impl Iterator<Item = (&'a Weight, &'a Tensor)>,
    ) -> Result<Self, TchError> {
        let steps_per_epoch = steps / u64::from(recipe.epochs.max(1));
        let groups = groups::of(recipe, steps_per_epoch, &weights.collect::<Vec<_>>())?;
        let params = || groups.iter().flat_map(|group: &Group| group.params());
        let lookahead = match recipe.optimizer {
            Optimizer::Lookahead { every, alpha, alpha_end, .. } => {
                let alpha = (alpha, alpha_end.unwrap_or(alpha));
                Some(Lookahead::new(params(), u64::from(every), alpha, steps)?)
            }
            _ => None,
        };
        let scaler = match recipe.precision {
            Precision::Fp16 => {
                Some(Scaler::on(params().next().map_or(Device::Cpu, Tensor::device))?)
            }
            _ => None,
        };
        let (full, clip) = (recipe.optimizer.lr(), recipe.clip_norm);
        Ok(Self { full, groups, clip, lookahead, scaler, steps: 0 })
    }

    /// The loss whose gradients [`Optim::step`] wants: in float16 a large multiple of it, which keeps
    /// small gradients above 0.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn scaled(&self, loss: &Tensor) -> Result<Tensor, TchError> {
        self.scaler.as_ref().map_or_else(|| Ok(loss.shallow_clone()), |scaler| scaler.scaled(loss))
    }

    /// The groups that this step trains.
    fn trained(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| group.is_trained(self.steps))
    }

    /// The parameters that this step trains.
    pub(super) fn trained_params(&self) -> Vec<Tensor> {
        self.trained().flat_map(Group::params).map(Tensor::shallow_clone).collect()
    }

    /// How many these are. They only become fewer.
    pub(super) fn count_trained(&self) -> usize {
        self.trained().map(|group| group.params().len()).sum()
    }

    /// Takes the scale of the loss out of the gradients; in float16 a number that is not 0 where one
    /// of them is not finite.
    fn unscaled(&mut self) -> Result<Option<Tensor>, TchError> {
        let params = self.scaler.as_ref().map(|_| self.trained_params());
        let scaler = self.scaler.as_mut().zip(params);
        scaler.map(|(scaler, params)| scaler.unscale(&params)).transpose()
    }

    /// Changes the weights by their gradients, and sets the gradients free. `lr` is the rate of the
    /// recipe's optimiser; those of parts of it go along.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn step(&mut self, lr: f64) -> Result<(), TchError> {
        let found = self.unscaled()?;
        if let Some(most) = self.clip {
            shim::clip(&self.trained_params(), most)?;
        }
        for group in self.trained() {
            group.step(self.steps, (lr, self.full), found.as_ref())?;
            shim::forget_gradients(group.params())?;
            group.rest_before(self.steps + 1)?;
        }
        self.scaler.as_mut().map_or(Ok(()), Scaler::update)?;
        self.steps += 1;
        self.lookahead.as_ref().map_or(Ok(()), |lookahead| lookahead.after(self.steps))
    }

    /// Brings the weights to where the run ends: with a lookahead, to the slow ones. Whether there
    /// was anything to do.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn finish(&self) -> Result<bool, TchError> {
        let Some(lookahead) = &self.lookahead else { return Ok(false) };
        lookahead.finish().map(|()| true)
    }

    /// Its state, in a run that is saved or restored.
    pub(super) fn keep(&mut self, keeper: &mut Keeper) -> Result<(), Misfit> {
        keeper.value("steps", &mut self.steps)?;
        for (at, group) in self.groups.iter().enumerate() {
            keeper.part(&format!("group{at}"), |keeper| group.keep(keeper))?;
            // Parameters that are trained no longer rest in the restored run too.
            group.rest_before(self.steps)?;
        }
        if let Some(scaler) = &self.scaler {
            keeper.part("scaler", |keeper| scaler.keep(keeper))?;
        }
        let slow = self.lookahead.as_ref();
        slow.map_or(Ok(()), |slow| keeper.part("lookahead", |keeper| slow.keep(keeper)))
    }
}
