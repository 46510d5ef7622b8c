use serde::{Deserialize, Serialize};

use super::{Arity, Misfit, Operation, Shape};

/// Element-wise sum of two or more inputs of one shape: the join of a residual block
/// (He et al. 2016, *Deep Residual Learning*, equation 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {}

impl Operation for Add {
    fn arity(&self) -> Arity {
        Arity::AtLeast(2)
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        match inputs.iter().find(|&&shape| shape != inputs[0]) {
            None => Ok(inputs[0]),
            Some(other) => Err(Misfit::new(
                format!("its inputs have the shapes {} and {other}", inputs[0]),
                "give both the same channels and strides, or read one through a `Shortcut`",
            )),
        }
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let mut sum = call.inputs[0].f_add(call.inputs[1])?;
        for input in &call.inputs[2..] {
            sum = sum.f_add(input)?;
        }
        Ok(sum)
    }
}
