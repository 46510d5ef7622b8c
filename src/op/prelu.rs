use serde::{Deserialize, Serialize};

use super::{InitScheme, Misfit, Operation, Per, Shape, Weight};

/// `x` where it is above 0, else a learned slope times `x` (He et al. 2015, *Delving Deep into
/// Rectifiers*); `torch.nn.PReLU`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prelu {
    /// One slope for all (`Layer`, the default) or one for each `Channel`.
    #[serde(default)]
    pub per: Per,
    /// The slope before training; 0.25 by default.
    #[serde(default = "quarter")]
    pub init: f64,
}

fn quarter() -> f64 {
    0.25
}

impl Operation for Prelu {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn weights(&self, inputs: &[Shape], _scheme: InitScheme) -> Vec<Weight> {
        vec![self.per.weight(inputs[0], self.init)]
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let [slope] = call.weights else { return Err(super::miscounted(call.weights)) };
        call.inputs[0].f_prelu(slope)
    }
}
