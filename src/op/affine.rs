use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape};

/// `scale * x + shift` with fixed numbers, such as `1 - x` for the other side of a gate (Srivastava
/// et al. 2015, *Highway Networks*, equation 3) or a branch that counts for a tenth. A learned factor
/// is `Scale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// The factor.
    #[serde(default = "one")]
    pub scale: f64,
    /// What is added.
    #[serde(default)]
    pub shift: f64,
}

fn one() -> f64 {
    1.0
}

impl Operation for Affine {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        Ok(inputs[0])
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        call.inputs[0].f_mul_scalar(self.scale)?.f_add_scalar(self.shift)
    }
}
