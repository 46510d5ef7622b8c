use serde::{Deserialize, Serialize};

use super::{Arity, Misfit, Operation, Shape};

/// Element-wise product of two or more inputs: the gate of a squeeze-and-excitation block (Hu et
/// al. 2018).
///
/// Inputs may differ where one has size 1, as in PyTorch: `Cx1x1` maps act on every pixel of their
/// channel, `1xHxW` maps on every channel of their pixel. A vector of `C` acts on the channels of
/// `CxHxW` maps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mul {}

/// The shape of a product of two.
fn product(left: Shape, right: Shape) -> Option<Shape> {
    let along = |left: u64, right: u64| match (left, right) {
        (left, right) if left == right => Some(left),
        (1, other) | (other, 1) => Some(other),
        _ => None,
    };
    match (left, right) {
        (Shape::Maps(c, h, w), Shape::Maps(d, i, v)) => {
            Some(Shape::Maps(along(c, d)?, along(h, i)?, along(w, v)?))
        }
        (Shape::Maps(c, h, w), Shape::Features(f)) | (Shape::Features(f), Shape::Maps(c, h, w)) => {
            Some(Shape::Maps(along(c, f)?, h, w))
        }
        (Shape::Features(f), Shape::Features(g)) => along(f, g).map(Shape::Features),
    }
}

impl Operation for Mul {
    fn arity(&self) -> Arity {
        Arity::AtLeast(2)
    }

    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        inputs[1..].iter().try_fold(inputs[0], |shape, &other| {
            product(shape, other).ok_or_else(|| {
                Misfit::new(
                    format!("its inputs have the shapes {shape} and {other}"),
                    "give a gate the channels of what it gates, and its height and width or 1x1",
                )
            })
        })
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let mut result = call.inputs[0].shallow_clone();
        for other in &call.inputs[1..] {
            result = match (result.dim(), other.dim()) {
                (4, 2) => result.f_mul(&as_maps(other)?)?,
                (2, 4) => as_maps(&result)?.f_mul(other)?,
                _ => result.f_mul(other)?,
            };
        }
        Ok(result)
    }
}

/// A vector as maps of one pixel.
#[cfg(feature = "torch")]
fn as_maps(vector: &tch::Tensor) -> Result<tch::Tensor, tch::TchError> {
    vector.f_unsqueeze(-1)?.f_unsqueeze(-1)
}
