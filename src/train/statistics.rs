//! Running statistics taken anew, for weights that no step of training had.

use tch::{TchError, Tensor, no_grad_guard};

use super::batches::DeviceImages;
use crate::model::Model;
use crate::op::{Op, Role};
use crate::random::{Purpose, generator};
use crate::spec::train::Train;
use rand::Rng;

/// Sets the running statistics of a model to the means of the batch statistics over one more epoch
/// of the training images; PyTorch's `update_bn`.
///
/// # Errors
/// What libtorch reports.
pub fn recompute(
    model: &Model,
    recipe: &Train,
    seed: u64,
    train: &DeviceImages,
) -> Result<(), TchError> {
    let _no_grad = no_grad_guard();
    let mut buffers = buffers(model);
    if buffers.is_empty() {
        return Ok(());
    }
    let epoch = recipe.epochs.saturating_add(1);
    let order = train.epoch(&recipe.augment, seed, epoch)?;
    tch::manual_seed(generator(seed, Purpose::Forward, epoch).random::<i64>());
    let mut sums: Vec<Tensor> =
        buffers.iter().map(|(buffer, _)| buffer.f_zeros_like()).collect::<Result<_, _>>()?;
    let images = recipe.images_per_epoch(train.len() as u64) as i64;
    let starts: Vec<i64> = (0..images).step_by(recipe.batch as usize).collect();
    let batches = starts.len() as f64;
    for start in starts {
        // From 0 a batch leaves its statistics times the momentum.
        for (buffer, _) in &mut buffers {
            let _ = buffer.f_zero_()?;
        }
        let (images, _) = order.batch(start, i64::from(recipe.batch))?;
        let _ = model.forward(&images, true)?;
        for (sum, (buffer, _)) in sums.iter_mut().zip(&buffers) {
            let _ = sum.f_add_(buffer)?;
        }
    }
    for (sum, (buffer, momentum)) in sums.iter().zip(&mut buffers) {
        buffer.f_copy_(&sum.f_div_scalar(*momentum * batches)?)?;
    }
    Ok(())
}

/// The running statistics of a model that training changes, with their momentum.
fn buffers(model: &Model) -> Vec<(Tensor, f64)> {
    let weights: Vec<_> = model.weights().collect();
    let of_step = |step: &crate::plan::Step| match &step.op {
        Op::BatchNorm2d(norm) if norm.momentum > 0.0 => weights[step.weights.0..step.weights.1]
            .iter()
            .filter(|(weight, _)| weight.role == Role::Buffer)
            .map(|(_, buffer)| (buffer.shallow_clone(), norm.momentum))
            .collect(),
        _ => Vec::new(),
    };
    model.plan().steps.iter().flat_map(of_step).collect()
}
