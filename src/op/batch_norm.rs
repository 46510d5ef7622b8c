use serde::{Deserialize, Serialize};

use super::{Freeze, Init, InitScheme, Misfit, Operation, Role, Shape, Weight, maps};
#[cfg(feature = "torch")]
use crate::shim;

/// Normalisation of each channel over the batch (Ioffe and Szegedy 2015); `torch.nn.BatchNorm2d`.
///
/// Running statistics are updated in training and used in evaluation; the running variance is the
/// unbiased one, as in PyTorch. The count of batches is not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm2d {
    /// Added to the variance; 0.00001 by default.
    #[serde(default = "default_eps")]
    pub eps: f64,
    /// The share of the newest batch in the running statistics; 0.1 by default.
    #[serde(default = "momentum")]
    pub momentum: f64,
    /// The scale before training; 1 by default. 0 lets a residual block start as the identity
    /// (Goyal et al. 2017, section 5.1; torchvision's `zero_init_residual`).
    #[serde(default = "unit", skip_serializing_if = "is_one")]
    pub init: f64,
    /// What training leaves as it began: `Weight` is the scale, `Bias` the shift; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Freeze>,
}

pub(super) fn default_eps() -> f64 {
    1e-5
}

pub(super) fn check_eps(eps: f64) -> Result<(), Misfit> {
    match eps > 0.0 {
        true => Ok(()),
        false => Err(Misfit::new("`eps` is not above 0", "a common value is 0.00001")),
    }
}

pub(super) fn unit() -> f64 {
    1.0
}

/// What was always so before it could be said is not written, so that specs keep their hashes.
pub(super) fn is_one(value: &f64) -> bool {
    *value == 1.0
}

fn momentum() -> f64 {
    0.1
}

impl Operation for BatchNorm2d {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        check_eps(self.eps)?;
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(Misfit::new("`momentum` is outside 0 to 1", "a common value is 0.1"));
        }
        maps(inputs).map(|_| inputs[0])
    }

    fn weights(&self, inputs: &[Shape], _scheme: InitScheme) -> Vec<Weight> {
        let channels = match inputs {
            [Shape::Maps(channels, ..)] => [*channels],
            _ => return Vec::new(),
        };
        let mut weights = vec![
            Weight::new("weight", &channels, Role::Norm, Init::constant(self.init)),
            Weight::new("bias", &channels, Role::Norm, Init::Zeros),
            Weight::new("running_mean", &channels, Role::Buffer, Init::Zeros),
            Weight::new("running_var", &channels, Role::Buffer, Init::Ones),
        ];
        Freeze::mark(self.frozen, &mut weights);
        weights
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        self.forward_then(call, shim::Then::default())
    }
}

#[cfg(feature = "torch")]
impl BatchNorm2d {
    /// The forward pass with the sum and the activation that follow it, in one kernel.
    pub(crate) fn forward_then(
        &self,
        call: &super::Call<'_>,
        then: shim::Then<'_>,
    ) -> Result<tch::Tensor, tch::TchError> {
        let [weight, bias, mean, var] = call.weights else {
            return Err(super::miscounted(call.weights));
        };
        let norm = shim::Norm { training: call.training, momentum: self.momentum, eps: self.eps };
        shim::batch_norm(call.inputs[0], [weight, bias, mean, var], norm, then)
    }

    /// The factor and the summand of each channel in evaluation, `[channels]`, float64.
    pub(crate) fn affine(
        &self,
        weights: &[tch::Tensor],
    ) -> Result<(tch::Tensor, tch::Tensor), tch::TchError> {
        let [weight, bias, mean, var] = weights else {
            return Err(super::miscounted(weights));
        };
        let double = |tensor: &tch::Tensor| tensor.detach().f_to_kind(tch::Kind::Double);
        let std = double(var)?.f_add_scalar(self.eps)?.f_sqrt()?;
        let scale = double(weight)?.f_div(&std)?;
        let shift = double(bias)?.f_sub(&double(mean)?.f_mul(&scale)?)?;
        Ok((scale, shift))
    }
}
