use serde::{Deserialize, Serialize};

use super::{Arity, Misfit, Operation, Shape};

/// Its inputs one after another along the channels: the join of a DenseNet (Huang et al. 2017);
/// `torch.cat(inputs, 1)`. Feature maps of one height and width, or vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concat {}

fn joined(left: Shape, right: Shape) -> Option<Shape> {
    match (left, right) {
        (Shape::Maps(c, h, w), Shape::Maps(d, i, v)) if (h, w) == (i, v) => {
            Some(Shape::Maps(c.saturating_add(d), h, w))
        }
        (Shape::Features(f), Shape::Features(g)) => Some(Shape::Features(f.saturating_add(g))),
        _ => None,
    }
}

impl Operation for Concat {
    fn arity(&self) -> Arity {
        Arity::AtLeast(2)
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let mut shape = inputs[0];
        for &other in &inputs[1..] {
            shape = joined(shape, other).ok_or_else(|| {
                Misfit::new(
                    format!("its inputs have the shapes {} and {other}", inputs[0]),
                    "give both the same height and width, with the same strides before them",
                )
            })?;
        }
        Ok(shape)
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        tch::Tensor::f_cat(call.inputs, 1)
    }
}
