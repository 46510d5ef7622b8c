use serde::{Deserialize, Serialize};

use super::start::Layer;
use super::{Freeze, InitScheme, Misfit, Operation, Role, Shape, Start, Weight, yes};

/// Fully connected layer; `torch.nn.Linear`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Output features.
    pub out: u64,
    /// Whether a bias is added; `true` by default.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Initial matrix; by default as the network's `init` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<Start>,
    /// What training leaves as it began; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Freeze>,
}

impl Linear {
    fn check(&self) -> Result<(), Misfit> {
        if self.out == 0 {
            return Err(Misfit::new("`out` is 0", "it must be 1 or more"));
        }
        Freeze::check(self.frozen, self.bias)?;
        let Some(init) = self.init else { return Ok(()) };
        match init.of_kernels() {
            Some(name) => Err(Misfit::new(
                format!("`{name}` is for convolutions"),
                "`Orthogonal()` makes a matrix that keeps lengths",
            )),
            None => init.check(),
        }
    }
}

impl Operation for Linear {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        self.check()?;
        match inputs {
            [Shape::Features(_)] => Ok(Shape::Features(self.out)),
            _ => Err(Misfit::new(
                format!("it wants a vector of features, its input is {}", inputs[0].describe()),
                "place a `GlobalAvgPool()` or a `Flatten()` before it",
            )),
        }
    }

    fn weights(&self, inputs: &[Shape], scheme: InitScheme) -> Vec<Weight> {
        let [Shape::Features(features)] = *inputs else { return Vec::new() };
        let usual = scheme.linear(features);
        let layer = Layer { fan_in: features, fan_out: self.out, groups: 1, usual };
        let init = self.init.map_or(usual, |init| init.init(layer));
        let mut weights = vec![Weight::new("weight", &[self.out, features], Role::Linear, init)];
        if self.bias {
            weights.push(Weight::new("bias", &[self.out], Role::Bias, usual));
        }
        Freeze::mark(self.frozen, &mut weights);
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
