use serde::{Deserialize, Serialize};

use super::batch_norm::{check_eps, default_eps, is_one, unit};
use super::{Init, InitScheme, Misfit, Operation, Role, Shape, Weight, check_groups};

/// Normalisation over the pixels and channels of each group, image by image (Wu and He 2018);
/// `torch.nn.GroupNorm`. One group is a layer norm over the whole image, as many groups as channels
/// an instance norm. Also of a vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupNorm {
    /// Groups of neighbouring channels; a divisor of their number. 32 in the paper.
    pub groups: u64,
    /// Added to the variance; 0.00001 by default.
    #[serde(default = "default_eps")]
    pub eps: f64,
    /// The scale before training; 1 by default. 0 lets a residual block start as the identity
    /// (Goyal et al. 2017, section 5.1).
    #[serde(default = "unit", skip_serializing_if = "is_one")]
    pub init: f64,
}

impl Operation for GroupNorm {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        check_groups(self.groups, inputs[0].channels())?;
        check_eps(self.eps).map(|()| inputs[0])
    }

    fn weights(&self, inputs: &[Shape], _scheme: InitScheme) -> Vec<Weight> {
        let channels = [inputs[0].channels()];
        vec![
            Weight::new("weight", &channels, Role::Norm, Init::constant(self.init)),
            Weight::new("bias", &channels, Role::Norm, Init::Zeros),
        ]
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let [weight, bias] = call.weights else { return Err(super::miscounted(call.weights)) };
        let cudnn = true;
        let groups = self.groups as i64;
        call.inputs[0].f_group_norm(groups, Some(weight), Some(bias), self.eps, cudnn)
    }
}
