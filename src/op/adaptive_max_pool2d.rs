use serde::{Deserialize, Serialize};

use super::window::pooled_to;
use super::{Misfit, Operation, Shape, Size2};

/// Maxima over as many windows as the result has pixels, near to equal in size:
/// `torch.nn.AdaptiveMaxPool2d`. For a vector, see `GlobalMaxPool`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveMaxPool2d {
    /// Sides of the result, pixels: a number, or `(height, width)`.
    pub out: Size2,
}

impl Operation for AdaptiveMaxPool2d {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        pooled_to(self.out, inputs)
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let (maxima, _places) = call.inputs[0].f_adaptive_max_pool2d(self.out.dims())?;
        Ok(maxima)
    }
}
