//! What a recipe's precision means for networks and devices.

use std::time::{Duration, Instant};

use tch::{Device, Kind, Reduction, TchError, Tensor};

use super::meter;
use crate::model::{Arithmetic, Model};
use crate::op::Shape;
use crate::plan::Plan;
use crate::shim;
use crate::spec::train::Precision;

/// What forward passes compute with.
pub fn arithmetic(precision: Precision) -> Arithmetic {
    match precision {
        Precision::Auto | Precision::Fp32 | Precision::Tf32 => Arithmetic::Full,
        Precision::Bf16 => Arithmetic::Autocast(Kind::BFloat16),
        Precision::Fp16 => Arithmetic::Autocast(Kind::Half),
        Precision::PureBf16 => Arithmetic::Copies(Kind::BFloat16),
    }
}

/// Lets GPUs compute float32 products in TF32, or not, for the whole process. Where the recipe does
/// not say it is as libtorch begins: convolutions do, matrix products do not.
///
/// # Errors
/// What libtorch reports.
pub fn set_up(precision: Precision, device: Device) -> Result<(), TchError> {
    match (device, precision) {
        (Device::Cpu, _) => Ok(()),
        (_, Precision::Fp32) => shim::tf32(false, false),
        (_, Precision::Tf32) => shim::tf32(true, true),
        _ => shim::tf32(true, false),
    }
}

/// Training images per second of a network in a precision: the quickest of some steps, as many as
/// go into `time`, but one at least, after one that warms up unless that took the time already.
///
/// # Errors
/// What libtorch reports.
pub fn images_per_s(
    plan: &Plan,
    precision: Precision,
    device: Device,
    images: i64,
    time: Duration,
) -> Result<f64, TchError> {
    set_up(precision, device)?;
    let model = Model::new(plan.clone(), 0, device)?.computing_with(arithmetic(precision));
    let Shape::Maps(channels, height, width) = plan.input else {
        return Err(TchError::Torch("a network that reads no images".into()));
    };
    let dims = [images, channels as i64, height as i64, width as i64];
    let input =
        Tensor::f_empty_permuted(dims, [0, 2, 3, 1], (Kind::Float, device))?.f_fill_(0.5)?;
    let labels = Tensor::f_zeros([images], (Kind::Int64, device))?;
    let started = Instant::now();
    let warm_up = step(&model, &input, &labels)?;
    let mut best = if started.elapsed() < time { f64::INFINITY } else { warm_up };
    while started.elapsed() < time || best.is_infinite() {
        best = best.min(step(&model, &input, &labels)?);
    }
    Ok(images as f64 / best)
}

/// The seconds of a forward and a backward pass.
fn step(model: &Model, images: &Tensor, labels: &Tensor) -> Result<f64, TchError> {
    let started = Instant::now();
    let logits = model.forward(images, true)?;
    logits
        .f_cross_entropy_loss::<&Tensor>(labels, None, Reduction::Mean, -100, 0.0)?
        .f_backward()?;
    meter::synchronize(model.device());
    Ok(started.elapsed().as_secs_f64())
}
