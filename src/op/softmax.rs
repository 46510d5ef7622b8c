use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape};

/// `exp(x)` over its sum: along the channels of feature maps, for each pixel, or along a vector;
/// `torch.nn.Softmax(dim=1)`. Weighs branches or channels in attention gates (Li et al. 2019,
/// *Selective Kernel Networks*).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {}

impl Operation for Softmax {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn keeps_output(&self) -> bool {
        true
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        call.inputs[0].f_softmax(1, None::<tch::Kind>)
    }
}
