use serde::{Deserialize, Serialize};

use super::{InitScheme, Misfit, Operation, Per, Shape, Weight};

/// Times a learned factor, which its place in the network names: a branch of a residual block that
/// starts at 0 (`per: Layer, init: 0`: ReZero, Bachlechner et al. 2020; SkipInit, De and Smith
/// 2020), or one factor a channel that starts small (`per: Channel, init: 0.000001`: LayerScale,
/// Touvron et al. 2021, *Going deeper with Image Transformers*).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// One factor for all (`Layer`, the default) or one for each `Channel`.
    #[serde(default)]
    pub per: Per,
    /// The factor before training.
    pub init: f64,
}

impl Operation for Scale {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    fn weights(&self, inputs: &[Shape], _scheme: InitScheme) -> Vec<Weight> {
        vec![self.per.weight(inputs[0], self.init)]
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let [factor] = call.weights else { return Err(super::miscounted(call.weights)) };
        match call.inputs[0].dim() {
            4 => call.inputs[0].f_mul(&factor.f_view([-1, 1, 1])?),
            _ => call.inputs[0].f_mul(factor),
        }
    }
}
