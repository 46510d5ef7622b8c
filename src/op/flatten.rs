use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape, maps};

/// Feature maps as one vector, channel by channel and row by row: `torch.flatten(x, 1)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl Operation for Flatten {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        maps(inputs).map(|_| Shape::Features(inputs[0].numel()))
    }

    /// The result shares the input's memory, which others may read.
    fn keeps_output(&self) -> bool {
        true
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        call.inputs[0].f_flatten(1, -1)
    }
}
