use serde::{Deserialize, Serialize};

use super::dropout::check_probability;
use super::{Misfit, Operation, Shape};

/// Stochastic depth: in training sets the whole result to 0 for an image with probability `p`, and
/// divides it by `1 - p` for the others (Huang et al. 2016);
/// `torchvision.ops.StochasticDepth(p, "row")`. In evaluation it changes nothing.
///
/// It stands at the end of a branch, before the `Add`. The paper lets `p` grow along the network:
/// `p: "0.5 * (block + 1) / blocks"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropPath {
    /// The probability, 0 to 1.
    pub p: f64,
}

impl Operation for DropPath {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        check_probability(self.p).map(|()| inputs[0])
    }

    fn is_random(&self) -> bool {
        self.p > 0.0
    }

    /// In evaluation the result is the input itself, which others may read.
    fn keeps_output(&self) -> bool {
        true
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let input = call.inputs[0];
        if !call.training || self.p <= 0.0 {
            return Ok(input.shallow_clone());
        }
        let mut dims = vec![1; input.dim()];
        dims[0] = input.size()[0];
        let survival = 1.0 - self.p;
        let mut kept = tch::Tensor::f_empty(&dims, (input.kind(), input.device()))?
            .f_bernoulli_float_(survival)?;
        if survival > 0.0 {
            kept = kept.f_div_scalar_(survival)?;
        }
        input.f_mul(&kept)
    }
}
