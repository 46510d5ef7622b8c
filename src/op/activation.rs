//! What activations have in common: they keep the shape, of feature maps and of vectors.

/// The operation of an activation without numbers, and how it works: `fresh` into new memory, or
/// also `in_place` over its input, where its backward pass is made from the result alone.
///
/// PyTorch offers an in-place form of every activation, but where the backward pass needs the
/// input (SiLU, ReLU6, ...) that form copies it first, and saves nothing.
macro_rules! activation {
    ($name:ident, fresh: $forward:ident) => {
        impl super::Operation for $name {
            fn output(&self, inputs: &[super::Shape]) -> Result<super::Shape, super::Misfit> {
                Ok(inputs[0])
            }

            #[cfg(feature = "torch")]
            fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
                call.inputs[0].$forward()
            }
        }
    };
    ($name:ident, fresh: $forward:ident, in_place: $over:ident) => {
        impl super::Operation for $name {
            fn output(&self, inputs: &[super::Shape]) -> Result<super::Shape, super::Misfit> {
                Ok(inputs[0])
            }

            fn in_place(&self) -> bool {
                true
            }

            fn keeps_output(&self) -> bool {
                true
            }

            #[cfg(feature = "torch")]
            fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
                match call.in_place {
                    true => call.inputs[0].shallow_clone().$over(),
                    false => call.inputs[0].$forward(),
                }
            }
        }
    };
}
