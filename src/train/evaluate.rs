//! Loss and accuracy on images in file order.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, TchError, Tensor, no_grad_guard};

use super::batches::DeviceImages;
use super::meter;
use super::saved::{Keeper, Misfit};
use crate::model::{Frozen, Model};
use crate::spec::train::Views;

/// The result of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Mean cross-entropy, nats.
    pub loss: f64,
    /// Share of images whose highest logit is their label, percent.
    pub top1: f64,
    /// Time, seconds.
    pub seconds: f64,
}

/// Evaluates a model, `batch` images at a time, each seen once and unchanged.
///
/// # Errors
/// What libtorch reports.
pub fn evaluate(model: &Model, images: &DeviceImages, batch: i64) -> Result<Evaluation, TchError> {
    each_batch(model, images, batch, |_, _| Ok(()))
}

/// As [`evaluate`], and hands on the logits `[batch, classes]` and labels `[batch]` of each batch.
///
/// # Errors
/// What libtorch or `use_logits` reports.
pub fn each_batch(
    model: &Model,
    images: &DeviceImages,
    batch: i64,
    mut use_logits: impl FnMut(&Tensor, &Tensor) -> Result<(), TchError>,
) -> Result<Evaluation, TchError> {
    let _no_grad = no_grad_guard();
    let started = Instant::now();
    let network = model.frozen()?;
    let mut sums = Sums::new(model.device())?;
    for start in (0..images.len()).step_by(batch as usize) {
        let (inputs, labels) = images.in_order(start, batch)?;
        let logits = network.forward(&inputs)?;
        let loss =
            logits.f_cross_entropy_loss::<&Tensor>(&labels, None, Reduction::Sum, -100, 0.0)?;
        sums.add(&loss, &logits, &labels)?;
        use_logits(&logits, &labels)?;
    }
    let (loss, correct) = sums.read()?;
    let count = images.len() as f64;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Evaluation { loss: loss / count, top1: 100.0 * correct / count, seconds })
}

/// Accuracy in percent by logits that are averaged over views of every image; none where there is
/// one view alone, and nothing to average.
///
/// # Errors
/// What libtorch reports.
pub fn top1_of_views(
    model: &Model,
    images: &DeviceImages,
    batch: i64,
    views: Views,
) -> Result<Option<f64>, TchError> {
    if views == Views::One {
        return Ok(None);
    }
    let _no_grad = no_grad_guard();
    let network = model.frozen()?;
    let mut sums = Sums::new(model.device())?;
    let no_loss = Tensor::f_zeros([], (Kind::Double, model.device()))?;
    for start in (0..images.len()).step_by(batch as usize) {
        let (inputs, labels) = images.views(start, batch, views)?;
        sums.add(&no_loss, &mean_logits(&network, &inputs)?, &labels)?;
    }
    Ok(Some(100.0 * sums.read()?.1 / images.len() as f64))
}

/// Weighted logits `[batch, classes]` of views of the same images; the weights add up to 1.
///
/// # Errors
/// What libtorch reports.
pub fn mean_logits(network: &Frozen<'_>, views: &[(f64, Tensor)]) -> Result<Tensor, TchError> {
    let logits = |(weight, view): &(f64, Tensor)| network.forward(view)?.f_mul_scalar(*weight);
    let all = views.iter().map(logits).collect::<Result<Vec<_>, _>>()?;
    Tensor::f_stack(&all, 0)?.f_sum_dim_intlist([0].as_slice(), false, Kind::Float)
}

/// Median time of a forward pass of one image, milliseconds.
///
/// # Errors
/// What libtorch reports.
pub fn latency_ms(model: &Model, images: &DeviceImages) -> Result<f64, TchError> {
    const WARM_UP: usize = 3;
    const MOST: usize = 50;
    const SECONDS: f64 = 2.0;
    let _no_grad = no_grad_guard();
    let network = model.frozen()?;
    let (image, _) = images.in_order(0, 1)?;
    let started = Instant::now();
    let mut times = Vec::with_capacity(MOST);
    for round in 0..WARM_UP + MOST {
        let start = Instant::now();
        let _ = network.forward(&image)?;
        meter::synchronize(model.device());
        if round >= WARM_UP {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        if started.elapsed().as_secs_f64() > SECONDS && !times.is_empty() {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Sums of losses and of right answers, kept on the device until they are read.
#[derive(Debug)]
pub struct Sums {
    loss: Tensor,
    correct: Tensor,
}

impl Sums {
    /// Zeros.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn new(device: tch::Device) -> Result<Self, TchError> {
        // In float64 the sum over an epoch keeps every digit of a float32 loss.
        let loss = Tensor::f_zeros([], (Kind::Double, device))?;
        Ok(Self { loss, correct: Tensor::f_zeros([], (Kind::Int64, device))? })
    }

    /// Adds a batch: its summed loss, and its logits against its labels.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn add(&mut self, loss: &Tensor, logits: &Tensor, labels: &Tensor) -> Result<(), TchError> {
        let _no_grad = no_grad_guard();
        let _ = self.loss.f_add_(&loss.detach())?;
        let right = logits.detach().f_argmax(-1, false)?.f_eq_tensor(labels)?;
        let _ = self.correct.f_add_(&right.f_sum(Kind::Int64)?)?;
        Ok(())
    }

    /// The sums, in a run that is saved or restored.
    ///
    /// # Errors
    /// As for [`Keeper::tensor`].
    pub fn keep(&mut self, keeper: &mut Keeper) -> Result<(), Misfit> {
        keeper.tensor("loss", &self.loss)?;
        keeper.tensor("correct", &self.correct)
    }

    /// The sums so far. Waits for the device.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn read(&self) -> Result<(f64, f64), TchError> {
        Ok((self.loss.f_double_value(&[])?, self.correct.f_double_value(&[])?))
    }
}
