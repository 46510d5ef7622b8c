//! What the comparisons with PyTorch's results share.

use resweep::model::Model;
use resweep::op::Weight;
use resweep::plan::Plan;
use tch::{Device, Reduction, Tensor};

use crate::formula::relative;

/// Logits must agree to this, relative to the largest: a single displaced tensor of the deepest
/// network moves them by 1e-4, rounding by 1e-6 (`tests/golden/errors.csv`).
pub const LOGITS: f64 = 1e-5;
/// The same for the rest.
pub const LIMIT: f64 = 1e-4;

/// A model whose weights are given by their place in the plan.
pub fn model(plan: &Plan, value: impl Fn(usize, &Weight) -> Tensor) -> Model {
    let mut model = Model::new(plan.clone(), 0, Device::Cpu).unwrap();
    let weights = plan.weights.iter().enumerate();
    let values: Vec<Tensor> = weights.map(|(place, weight)| value(place, weight)).collect();
    model.set_weights(&values).unwrap();
    model
}

/// The dimensions of a weight as libtorch takes them.
pub fn dims(weight: &Weight) -> Vec<i64> {
    weight.dims.iter().map(|&dim| dim as i64).collect()
}

/// The mean cross-entropy of a batch in training mode, with its gradients worked out.
pub fn training_loss(model: &Model, images: &Tensor, labels: &Tensor) -> Tensor {
    let logits = model.forward(images, true).unwrap();
    let loss = logits.cross_entropy_loss::<&Tensor>(labels, None, Reduction::Mean, -100, 0.0);
    loss.backward();
    loss
}

/// A weight of the model.
pub fn weight(model: &Model, name: &str) -> Tensor {
    model.weights().find(|(weight, _)| weight.name == name).unwrap().1.shallow_clone()
}

/// Fails where two tensors differ by more than a limit, relative to the largest value.
pub fn assert_close(value: &Tensor, wanted: &Tensor, what: &str, limit: f64) {
    let error = relative(value, wanted);
    assert!(error < limit, "{what}: off by {error:e}");
}
