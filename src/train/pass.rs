//! A pass of images through a network, forward and backward.

use tch::{Reduction, TchError, Tensor};

use super::batches::Targets;
use super::distill::Lesson;
use super::optim::Optim;
use crate::model::Model;
use crate::spec::train::Train;

/// What a pass needs beside its images.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) model: &'a Model,
    pub(super) recipe: &'a Train,
    pub(super) lesson: Option<&'a Lesson<'a>>,
    pub(super) optim: &'a Optim,
}

/// What came of a pass, beside gradients.
#[derive(Debug)]
pub(super) struct Passed {
    /// Mean over the images, nats; without gradients.
    pub(super) loss: Tensor,
    /// `[images, classes]`, without gradients.
    pub(super) logits: Tensor,
}

impl Pass<'_> {
    /// Adds the gradients of the mean loss over the images, times `share`, to those that there are.
    pub(super) fn run(
        &self,
        images: &Tensor,
        targets: &Targets,
        share: f64,
    ) -> Result<Passed, TchError> {
        let logits = self.model.forward(images, true)?;
        let mut loss = loss(&logits, targets, self.recipe.label_smoothing)?;
        if let Some(lesson) = self.lesson {
            loss = lesson.loss(images, &logits, &loss)?;
        }
        // Where all parameters are frozen or have had their epochs, there is nothing to learn.
        if loss.requires_grad() {
            let part = if share == 1.0 { loss.shallow_clone() } else { loss.f_mul_scalar(share)? };
            self.optim.scaled(&part)?.f_backward()?;
        }
        Ok(Passed { loss: loss.f_detach()?, logits: logits.f_detach()? })
    }
}

/// Mean cross-entropy of logits `[batch, classes]`, nats: `torch.nn.CrossEntropyLoss`, with
/// probabilities where images were mixed. Smoothing spreads a share of either over all classes.
///
/// # Errors
/// What libtorch reports.
pub fn loss(logits: &Tensor, targets: &Targets, smoothing: f64) -> Result<Tensor, TchError> {
    let target = targets.shares.as_ref().unwrap_or(&targets.labels);
    logits.f_cross_entropy_loss::<&Tensor>(target, None, Reduction::Mean, -100, smoothing)
}
