use serde::{Deserialize, Serialize};

use super::{InitScheme, Misfit, Operation, Role, Shape, Weight, yes};

/// Fully connected layer; `torch.nn.Linear`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Output features.
    pub out: u64,
    /// Whether a bias is added; `true` by default.
    #[serde(default = "yes")]
    pub bias: bool,
}

impl Operation for Linear {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        match inputs {
            _ if self.out == 0 => Err(Misfit::new("`out` is 0", "it must be 1 or more")),
            [Shape::Features(_)] => Ok(Shape::Features(self.out)),
            _ => Err(Misfit::new(
                format!("it wants a vector of features, its input is {}", inputs[0].describe()),
                "place a `GlobalAvgPool()` or a `Flatten()` before it",
            )),
        }
    }

    fn weights(&self, inputs: &[Shape], scheme: InitScheme) -> Vec<Weight> {
        let [Shape::Features(features)] = *inputs else { return Vec::new() };
        let init = scheme.linear(features);
        let mut weights = vec![Weight::new("weight", &[self.out, features], Role::Linear, init)];
        if self.bias {
            weights.push(Weight::new("bias", &[self.out], Role::Bias, init));
        }
        weights
    }

    fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        inputs[0].numel().saturating_mul(output.numel())
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let Some(weight) = call.weights.first() else {
            return Err(super::miscounted(call.weights));
        };
        call.inputs[0].f_linear(weight, call.weights.get(1))
    }
}
