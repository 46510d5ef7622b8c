use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape};

/// `x` where it is above 0, else `slope x` (Maas et al. 2013); `torch.nn.LeakyReLU`. Works in place
/// with the default slope, where nothing else reads its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakyRelu {
    /// The factor below 0; 0.01 by default.
    #[serde(default = "default_slope")]
    pub slope: f64,
}

/// PyTorch's default, the one slope for which tch has the fused kernel.
const DEFAULT_SLOPE: f64 = 0.01;

fn default_slope() -> f64 {
    DEFAULT_SLOPE
}

impl LeakyRelu {
    fn is_default(&self) -> bool {
        self.slope == DEFAULT_SLOPE
    }
}

impl Operation for LeakyRelu {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn in_place(&self) -> bool {
        self.is_default()
    }

    fn keeps_output(&self) -> bool {
        self.is_default()
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let input = call.inputs[0];
        match (self.is_default(), call.in_place) {
            (true, true) => input.shallow_clone().f_leaky_relu_(),
            (true, false) => input.f_leaky_relu(),
            // A PReLU whose slope is not trained: the same values and gradients.
            (false, _) => {
                let slope = tch::Tensor::f_full([1], self.slope, (input.kind(), input.device()))?;
                input.f_prelu(&slope)
            }
        }
    }
}
