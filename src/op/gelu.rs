use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape};

/// `x` times the normal distribution's share below `x` (Hendrycks and Gimpel 2016);
/// `torch.nn.GELU`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gelu {
    /// `Exact` by the error function (the default), or `Tanh`, the paper's approximation.
    #[serde(default)]
    pub approximate: Approximation,
}

/// How GELU is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename = "approximation")]
pub enum Approximation {
    /// `x (1 + erf(x / sqrt(2))) / 2`.
    #[default]
    Exact,
    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`.
    Tanh,
}

impl Operation for Gelu {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        call.inputs[0].f_gelu(match self.approximate {
            Approximation::Exact => "none",
            Approximation::Tanh => "tanh",
        })
    }
}
