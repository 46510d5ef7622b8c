use serde::{Deserialize, Serialize};

use super::batch_norm::{check_eps, default_eps};
use super::{Init, InitScheme, Misfit, Operation, Role, Shape, Weight};

/// Normalisation over the channels, pixel by pixel (Ba et al. 2016, as ConvNeXt uses it, Liu et al.
/// 2022): torchvision's `LayerNorm2d`. Of a vector it is `torch.nn.LayerNorm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNorm {
    /// Added to the variance; 0.00001 by default, as in PyTorch. ConvNeXt has 0.000001.
    #[serde(default = "default_eps")]
    pub eps: f64,
}

impl Operation for LayerNorm {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        check_eps(self.eps).map(|()| inputs[0])
    }

    fn weights(&self, inputs: &[Shape], _scheme: InitScheme) -> Vec<Weight> {
        let channels = [inputs[0].channels()];
        vec![
            Weight::new("weight", &channels, Role::Norm, Init::Ones),
            Weight::new("bias", &channels, Role::Norm, Init::Zeros),
        ]
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let [weight, bias] = call.weights else { return Err(super::miscounted(call.weights)) };
        let norm = |x: &tch::Tensor| {
            x.f_layer_norm(weight.size(), Some(weight), Some(bias), self.eps, true)
        };
        match call.inputs[0].dim() {
            4 => norm(&call.inputs[0].f_permute([0, 2, 3, 1])?)?.f_permute([0, 3, 1, 2]),
            _ => norm(call.inputs[0]),
        }
    }
}
