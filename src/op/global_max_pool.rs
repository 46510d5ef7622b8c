use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape, maps};

/// Maximum of each channel over height and width, as a vector:
/// `torch.nn.AdaptiveMaxPool2d(1)` and `torch.flatten`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPool {}

impl Operation for GlobalMaxPool {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        maps(inputs).map(|(channels, ..)| Shape::Features(channels))
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let (maxima, _places) = call.inputs[0].f_adaptive_max_pool2d([1, 1])?;
        maxima.f_flatten(1, -1)
    }
}
