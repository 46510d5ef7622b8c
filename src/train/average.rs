//! Averages of the weights of a model under training.

use tch::{TchError, Tensor, no_grad_guard};

use super::batches::DeviceImages;
use super::evaluate::{Evaluation, evaluate};
use super::saved::{Keeper, Misfit};
use super::statistics;
use crate::model::Model;
use crate::op::Weight;
use crate::shim;
use crate::spec::train::{Ema, Swa, Train};

/// An average of weights, and the weights that it follows.
#[derive(Debug)]
pub struct Average {
    /// All weights in the order of the model's.
    own: Vec<Tensor>,
    trained: Pairs,
    buffers: Pairs,
    count: u64,
}

/// Tensors of the average, and those that they follow.
#[derive(Debug, Default)]
struct Pairs {
    own: Vec<Tensor>,
    followed: Vec<Tensor>,
}

impl Average {
    /// An average that has taken nothing in yet.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn of<'a>(
        weights: impl Iterator<Item = (&'a Weight, &'a Tensor)>,
    ) -> Result<Self, TchError> {
        let _no_grad = no_grad_guard();
        let (mut own, mut trained, mut buffers) = (Vec::new(), Pairs::default(), Pairs::default());
        for (weight, tensor) in weights {
            let copy = tensor.f_zeros_like()?;
            let pairs = if weight.is_trained() { &mut trained } else { &mut buffers };
            pairs.own.push(copy.shallow_clone());
            // Detached, the weights are followed without their gradients.
            pairs.followed.push(tensor.f_detach()?);
            own.push(copy);
        }
        Ok(Self { own, trained, buffers, count: 0 })
    }

    /// How often it has taken in weights.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Goes this share of the way to the weights as they are; the first time all of it. Running
    /// statistics are copied.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn take(&mut self, share: f64) -> Result<(), TchError> {
        match self.count {
            0 => shim::copy(&self.trained.own, &self.trained.followed)?,
            _ => shim::lerp(&self.trained.own, &self.trained.followed, share)?,
        }
        self.count += 1;
        shim::copy(&self.buffers.own, &self.buffers.followed)
    }

    /// The average and its count, in a run that is saved or restored.
    fn keep(&mut self, keeper: &mut Keeper) -> Result<(), Misfit> {
        keeper.value("count", &mut self.count)?;
        keeper.tensors("weights", &self.own)
    }

    /// The average, one tensor a weight. They go on changing with it.
    pub fn weights(&self) -> Vec<Tensor> {
        self.own.iter().map(Tensor::shallow_clone).collect()
    }
}

/// The averages that a recipe asks for.
#[derive(Debug)]
pub(super) struct Averages {
    ema: Option<(Ema, Average)>,
    swa: Option<(Swa, Average)>,
    /// Of the run.
    steps: u64,
    epochs: u32,
}

impl Averages {
    pub(super) fn new(recipe: &Train, steps: u64, model: &Model) -> Result<Self, TchError> {
        let new = || Average::of(model.weights());
        let ema = recipe.ema.map(|ema| Ok::<_, TchError>((ema, new()?))).transpose()?;
        let swa = recipe.swa.map(|swa| Ok::<_, TchError>((swa, new()?))).transpose()?;
        Ok(Self { ema, swa, steps, epochs: recipe.epochs })
    }

    /// The averages, in a run that is saved or restored.
    pub(super) fn keep(&mut self, keeper: &mut Keeper) -> Result<(), Misfit> {
        if let Some((_, ema)) = &mut self.ema {
            keeper.part("ema", |keeper| ema.keep(keeper))?;
        }
        if let Some((_, swa)) = &mut self.swa {
            keeper.part("swa", |keeper| swa.keep(keeper))?;
        }
        Ok(())
    }

    /// After so many steps of the run.
    pub(super) fn after_step(&mut self, done: u64) -> Result<(), TchError> {
        let Some((ema, average)) = &mut self.ema else { return Ok(()) };
        let begun = done as f64 > ema.from * self.steps as f64;
        match begun && done.is_multiple_of(u64::from(ema.every.max(1))) {
            true => average.take(1.0 - ema.decay),
            false => Ok(()),
        }
    }

    /// After so many epochs.
    pub(super) fn after_epoch(&mut self, done: u32) -> Result<(), TchError> {
        let Some((swa, average)) = &mut self.swa else { return Ok(()) };
        let begun = f64::from(done) > swa.from * f64::from(self.epochs);
        match begun && (self.epochs - done).is_multiple_of(swa.every.max(1)) {
            true => average.take(1.0 / (average.count() + 1) as f64),
            false => Ok(()),
        }
    }

    /// The moving average on the test set; none before it begins.
    pub(super) fn evaluate_ema(
        &self,
        model: &Model,
        test: &DeviceImages,
        batch: i64,
    ) -> Result<Option<Evaluation>, TchError> {
        let average = self.ema.as_ref().map(|(_, average)| average);
        let Some(average) = average.filter(|average| average.count() > 0) else { return Ok(None) };
        evaluate(&model.with(average.weights()), test, batch).map(Some)
    }

    /// The equal average on the test set after the last epoch, its statistics taken anew over the
    /// training images.
    pub(super) fn evaluate_swa(
        &self,
        model: &Model,
        (recipe, seed): (&Train, u64),
        (train, test): (&DeviceImages, &DeviceImages),
    ) -> Result<Option<Evaluation>, TchError> {
        let average = self.swa.as_ref().map(|(_, average)| average);
        // A run that ends early may end before it begins.
        let Some(average) = average.filter(|average| average.count() > 0) else { return Ok(None) };
        let averaged = model.with(average.weights());
        statistics::recompute(&averaged, recipe, seed, train)?;
        evaluate(&averaged, test, i64::from(recipe.eval_batch)).map(Some)
    }
}
