use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape};

/// `max(x, 0)`; `torch.nn.ReLU`. Works in place where nothing else reads its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu {}

impl Operation for Relu {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn in_place(&self) -> bool {
        true
    }

    fn keeps_output(&self) -> bool {
        true
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        match call.in_place {
            true => call.inputs[0].shallow_clone().f_relu_(),
            false => call.inputs[0].f_relu(),
        }
    }
}
