use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape};

/// In training sets each number to 0 with probability `p` and divides the others by `1 - p`
/// (Srivastava et al. 2014); `torch.nn.Dropout`. In evaluation it changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The probability, 0 to 1; 0.5 by default.
    #[serde(default = "half")]
    pub p: f64,
}

fn half() -> f64 {
    0.5
}

/// A probability is 0 to 1.
pub(super) fn check_probability(p: f64) -> Result<(), Misfit> {
    match (0.0..=1.0).contains(&p) {
        true => Ok(()),
        false => Err(Misfit::new(
            format!("`p` is {p}, outside 0 to 1"),
            "`p` is the probability of dropping, such as 0.1",
        )),
    }
}

impl Operation for Dropout {
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
        match call.training && self.p > 0.0 {
            true => call.inputs[0].f_dropout(self.p, true),
            false => Ok(call.inputs[0].shallow_clone()),
        }
    }
}
