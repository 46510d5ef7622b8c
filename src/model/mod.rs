//! The model stage: a plan as a tch module. Weights are made from the plan's list, and the forward
//! pass follows the plan's steps.

use std::path::Path;
use std::sync::Arc;

use tch::{Device, Kind, TchError, Tensor, no_grad_guard};

use crate::op::{Call, Weight};
use crate::plan::Plan;
use crate::random::{Purpose, generator};
use crate::shim::Then;

mod arithmetic;
mod frozen;
mod init;
mod kernel;
pub mod state;

pub use arithmetic::Arithmetic;
use arithmetic::{Pass, as_kind};
pub use frozen::Frozen;
use kernel::{Kernel, Use, Work, kernels};

/// A network that can run: a plan, and its weights on a device.
#[derive(Debug)]
pub struct Model {
    plan: Plan,
    /// What a forward pass runs; that of evaluation is in [`Frozen`].
    kernels: Arc<[Kernel]>,
    weights: Vec<Tensor>,
    device: Device,
    arithmetic: Arithmetic,
}

impl Model {
    /// A model with initial weights drawn from a seed. The same seed gives the same weights on
    /// every device.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn new(plan: Plan, seed: u64, device: Device) -> Result<Self, TchError> {
        let mut random = generator(seed, Purpose::Init, 0);
        let make = |weight: &Weight| {
            let tensor = place(&init::draw(weight, &mut random)?, weight, device)?;
            match weight.is_trained() {
                true => tensor.f_set_requires_grad(true),
                false => Ok(tensor),
            }
        };
        let weights = plan.weights.iter().map(make).collect::<Result<_, _>>()?;
        let kernels = kernels(&plan, Use::Training).into();
        Ok(Self { plan, kernels, weights, device, arithmetic: Arithmetic::Full })
    }

    /// What the model was made from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same model, whose forward passes compute with this; float32 until it is said.
    pub fn computing_with(self, arithmetic: Arithmetic) -> Self {
        Self { arithmetic, ..self }
    }

    /// A model of the same plan with other weights, one tensor a weight in the plan's order. They
    /// are shared, not copied.
    pub fn with(&self, weights: Vec<Tensor>) -> Self {
        let (plan, kernels) = (self.plan.clone(), Arc::clone(&self.kernels));
        Self { plan, kernels, weights, device: self.device, arithmetic: self.arithmetic }
    }

    /// Where its weights are.
    pub fn device(&self) -> Device {
        self.device
    }

    /// All weights with their declarations, in state-dict order.
    pub fn weights(&self) -> impl Iterator<Item = (&Weight, &Tensor)> {
        self.plan.weights.iter().zip(&self.weights)
    }

    /// The logits of a batch, `[batch, classes]`, float32. `images` is `[batch, channels, height, width]`,
    /// in any memory format; channels_last is quickest. Training uses and updates batch statistics.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn forward(&self, images: &Tensor, training: bool) -> Result<Tensor, TchError> {
        self.forward_told(images, training, |_, _| Ok(()))
    }

    /// As [`Model::forward`], and `tell` is told of each result on the way by the name of the last
    /// step that made it. A later step may change what it was told of in place.
    ///
    /// # Errors
    /// What libtorch reports, and what `tell` does.
    pub fn forward_told(
        &self,
        images: &Tensor,
        training: bool,
        mut tell: impl FnMut(&str, &Tensor) -> Result<(), TchError>,
    ) -> Result<Tensor, TchError> {
        let pass = Pass::new(self)?;
        let mut values = self.values(pass.input(images)?);
        for kernel in self.kernels.iter() {
            let result = self.run(kernel, &values, &pass, training)?;
            tell(&self.plan.steps[kernel.output - 1].path, &result)?;
            values[kernel.output] = Some(result);
            // What nothing reads later is given back at once; training keeps what backward needs.
            kernel.last_uses.iter().for_each(|&value| values[value] = None);
        }
        self.result(values)
    }

    /// Room for all values of a forward pass, of which the first is known.
    fn values(&self, images: Tensor) -> Vec<Option<Tensor>> {
        let mut values: Vec<Option<Tensor>> = (0..=self.plan.steps.len()).map(|_| None).collect();
        values[0] = Some(images);
        values
    }

    fn result(&self, mut values: Vec<Option<Tensor>>) -> Result<Tensor, TchError> {
        let result = values[self.plan.output].take();
        let result = result.ok_or_else(|| TchError::Torch("a plan without a result".into()))?;
        as_kind(&result, Kind::Float)
    }

    fn weights_of(&self, step: usize) -> &[Tensor] {
        let (first, end) = self.plan.steps[step].weights;
        &self.weights[first..end]
    }

    /// A kernel that is no convolution with others folded into it.
    fn run(
        &self,
        kernel: &Kernel,
        values: &[Option<Tensor>],
        pass: &Pass<'_>,
        training: bool,
    ) -> Result<Tensor, TchError> {
        let (Work::Step(index) | Work::Norm(index, _) | Work::Conv(index, ..)) = kernel.work;
        let step = &self.plan.steps[index];
        let inputs: Vec<&Tensor> =
            step.inputs.iter().filter_map(|&value| values[value].as_ref()).collect();
        let (first, end) = step.weights;
        let (weights, in_place) = (&pass.weights()[first..end], step.in_place);
        let call = Call { inputs: &inputs, weights, training, in_place };
        match &kernel.work {
            Work::Norm(_, norm) => {
                let add = kernel.add.and_then(|value| values[value].as_ref());
                norm.forward_then(&call, Then { add, relu: kernel.relu })
            }
            _ => step.op.operation().forward(&call),
        }
    }

    /// Reads weights from a safetensors file with the names of a PyTorch state dict. Nothing is
    /// changed unless every weight is there with its shape.
    ///
    /// # Errors
    /// A file that is none, missing and unknown names, shapes that differ.
    pub fn load(&mut self, path: &Path) -> Result<(), state::StateError> {
        let tensors = state::read(path, &self.plan.weights)?;
        self.set_weights(&tensors)?;
        Ok(())
    }

    /// Writes all weights to a safetensors file, with the names of a PyTorch state dict.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), state::StateError> {
        state::write(path, self.weights())
    }

    /// Copies values into the weights, one tensor a weight in the plan's order.
    ///
    /// # Errors
    /// What libtorch reports, such as shapes that differ.
    pub fn set_weights(&mut self, values: &[Tensor]) -> Result<(), TchError> {
        let _no_grad = no_grad_guard();
        for (weight, value) in self.weights.iter_mut().zip(values) {
            weight.f_copy_(value)?;
        }
        Ok(())
    }
}

/// A weight on its device. Kernels are laid out channels_last, which convolutions hand on to their
/// results; the strides survive loading.
fn place(value: &Tensor, weight: &Weight, device: Device) -> Result<Tensor, TchError> {
    if weight.dims.len() != 4 {
        return value.f_to_device(device);
    }
    let dims: Vec<i64> = weight.dims.iter().map(|&dim| dim as i64).collect();
    let mut tensor = Tensor::f_empty_permuted(&dims, [0, 2, 3, 1], (Kind::Float, device))?;
    let _no_grad = no_grad_guard();
    tensor.f_copy_(value)?;
    Ok(tensor)
}

impl tch::nn::ModuleT for Model {
    /// As [`Model::forward`]; tch's trait has no room for errors.
    #[allow(clippy::panic)]
    fn forward_t(&self, images: &Tensor, training: bool) -> Tensor {
        self.forward(images, training).unwrap_or_else(|error| panic!("{error}"))
    }
}
