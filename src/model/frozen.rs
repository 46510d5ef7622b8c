//! A model for evaluation: normalisations with constant statistics are folded into the convolutions
//! before them, and run with the sums and activations after them (Jacob et al. 2018, section 3.2).
//! Where it computes in 16 bits nothing is folded, as in PyTorch.

use tch::{Kind, TchError, Tensor, no_grad_guard};

use super::Model;
use super::arithmetic::{Arithmetic, Pass};
use super::kernel::{Kernel, Use, Work, kernels};
use crate::op::BatchNorm2d;
use crate::shim::{self, Reuse, Then};

/// A model as it stands, for evaluation without gradients. Later changes of its weights may or may
/// not reach it.
#[derive(Debug)]
pub struct Frozen<'a> {
    model: &'a Model,
    kernels: Vec<Kernel>,
    /// Weight and bias of the convolution of each kernel that is one.
    folded: Vec<Option<(Tensor, Tensor)>>,
}

impl<'a> Frozen<'a> {
    pub(super) fn new(model: &'a Model) -> Result<Self, TchError> {
        if model.arithmetic != Arithmetic::Full {
            let kernels = model.kernels.to_vec();
            let folded = kernels.iter().map(|_| None).collect();
            return Ok(Self { model, kernels, folded });
        }
        let _no_grad = no_grad_guard();
        let kernels = kernels(&model.plan, Use::Evaluation);
        let folded = kernels.iter().map(|kernel| fold(model, kernel)).collect::<Result<_, _>>()?;
        Ok(Self { model, kernels, folded })
    }

    /// The logits of a batch, as [`Model::forward`] in evaluation.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor, TchError> {
        let _no_grad = no_grad_guard();
        let pass = Pass::new(self.model)?;
        let mut values = self.model.values(pass.input(images)?);
        // What may be overwritten: a result that no other value shares memory with.
        let mut own = vec![false; values.len()];
        for (kernel, folded) in self.kernels.iter().zip(&self.folded) {
            let result = match (&kernel.work, folded, &values[kernel.input]) {
                (Work::Conv(_, conv, _), Some((weight, bias)), Some(input)) => {
                    let add = kernel.add.and_then(|value| values[value].as_ref());
                    let then = Then { add, relu: kernel.relu };
                    let last = kernel.add.is_some_and(|value| {
                        own[value] && value != kernel.input && kernel.last_uses.contains(&value)
                    });
                    let reuse = if last { Reuse::Added } else { Reuse::Nothing };
                    shim::conv2d_then(input, (weight, bias), conv.geometry(), then, reuse)?
                }
                _ => self.model.run(kernel, &values, &pass, false)?,
            };
            own[kernel.output] = !matches!(kernel.work, Work::Step(_));
            values[kernel.output] = Some(result);
            kernel.last_uses.iter().for_each(|&value| values[value] = None);
        }
        self.model.result(values)
    }
}

/// The weight and bias of a convolution with its normalisation; none for other kernels.
fn fold(model: &Model, kernel: &Kernel) -> Result<Option<(Tensor, Tensor)>, TchError> {
    let Work::Conv(step, _, norm) = &kernel.work else { return Ok(None) };
    let weights = model.weights_of(*step);
    let Some(weight) = weights.first() else { return Ok(None) };
    let bias = match weights.get(1) {
        Some(bias) => bias.shallow_clone(),
        None => Tensor::f_zeros([weight.size()[0]], (weight.kind(), weight.device()))?,
    };
    match norm {
        None => Ok(Some((weight.shallow_clone(), bias))),
        Some((step, norm)) => folded(norm, model.weights_of(*step), (weight, &bias)).map(Some),
    }
}

fn folded(
    norm: &BatchNorm2d,
    of_norm: &[Tensor],
    (weight, bias): (&Tensor, &Tensor),
) -> Result<(Tensor, Tensor), TchError> {
    let (scale, shift) = norm.affine(of_norm)?;
    let bias = bias.f_to_kind(Kind::Double)?.f_mul(&scale)?.f_add(&shift)?;
    let weight = weight.f_mul(&scale.f_to_kind(Kind::Float)?.f_view([-1, 1, 1, 1])?)?;
    Ok((weight, bias.f_to_kind(Kind::Float)?))
}

impl Model {
    /// The model for the evaluation of many batches. Its logits differ from those of
    /// [`Model::forward`] in the last digits.
    ///
    /// # Errors
    /// What libtorch reports, such as a lack of memory.
    pub fn frozen(&self) -> Result<Frozen<'_>, TchError> {
        Frozen::new(self)
    }
}
