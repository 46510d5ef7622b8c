//! What the peer computes again: logits, loss and weights around one step of training.

use std::path::Path;

use tch::{Device, Kind, TchError, Tensor};

use super::super::Error;
use super::{drawn, images, model, recipe};
use crate::cli::BenchWorkerArgs;
use crate::data::{CHANNELS, SIDE};
use crate::model::Model;
use crate::model::state::StateError;
use crate::plan::Plan;
use crate::train::batches::DeviceImages;
use crate::train::evaluate::each_batch;
use crate::train::fit::{Epoch, Sets, Step, Watch, fit};

/// Trains one step on one batch; writes `start.safetensors` and `after.safetensors` (the weights)
/// and `batch.safetensors`: images, labels, logits `[batch, classes]` before and after, and the loss.
pub fn write(
    args: &BenchWorkerArgs,
    plan: Plan,
    device: Device,
    folder: &Path,
) -> Result<(), Error> {
    let count = args.batch as usize;
    let set = images(count, device)?;
    let model = model(args, plan, device)?;
    model.save(&folder.join("start.safetensors"))?;
    let before = logits(&model, &set)?;
    let mut loss = Loss(0.0);
    let sets = Sets { train: &set, validation: None, test: &set };
    fit(&model, &recipe(args, 1)?, 0, sets, &mut loss)?;
    let after = logits(&model, &set)?;
    model.save(&folder.join("after.safetensors"))?;

    let images = drawn(count);
    let (count, side, channels) = (count as i64, SIDE as i64, CHANNELS as i64);
    let pixels = Tensor::f_from_slice(&images.pixels)?.f_view([count, side, side, channels])?;
    let labels = Tensor::f_from_slice(&images.labels)?.f_to_kind(Kind::Int64)?;
    let loss = Tensor::f_from_slice(&[loss.0 as f32])?;
    let named = [
        ("pixels", pixels),
        ("labels", labels),
        ("logits", before),
        ("logits_after", after),
        ("loss", loss),
    ];
    let path = folder.join("batch.safetensors");
    Tensor::write_safetensors(&named, &path).map_err(|error| unwritable(&path, &error).into())
}

fn unwritable(path: &Path, error: &TchError) -> StateError {
    let reason = crate::torch_error::first_line(error);
    StateError::Unwritable { path: path.to_path_buf(), reason }
}

fn logits(model: &Model, set: &DeviceImages) -> Result<Tensor, TchError> {
    let mut found = Vec::new();
    each_batch(model, set, set.len(), |logits, _| {
        found.push(logits.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?);
        Ok(())
    })?;
    Tensor::f_cat(&found, 0)
}

/// Keeps the loss of the epoch.
struct Loss(f64);

impl Watch for Loss {
    fn step(&mut self, _: &Step) {}

    fn epoch(&mut self, epoch: &Epoch) {
        self.0 = epoch.loss;
    }
}
